//! What agents said by the protocol, and what is heard of it.

use super::*;
use crate::{
    agent::{
        Session, WritePolicy,
        transcript::{AT, recorder, samples},
    },
    run::Spend,
};
use agent_client_protocol::{Error, v1::schema as acp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;

/// What was heard of a transcript: events, answers to permission requests, and how each prompt ended.
struct Heard {
    events: Vec<AgentEvent>,
    permits: Vec<Value>,
    ends: Vec<Result<String, Option<AgentError>>>,
    unread: Vec<String>,
}

fn session(reported: Spend) -> Session {
    Session { id: "s".into(), reported }
}

/// Reads what an agent said, message by message, as the conversation does.
fn hear(messages: &[Value], writes: WritePolicy) -> Heard {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = crate::agent::transcript::invocation(dir.path());
    invocation.writes = writes;
    let (tell, events) = recorder();
    let mut hearing = Hearing::new(&invocation, &tell);
    hearing.begin(session(Spend::default()));
    let (mut permits, mut ends, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        let params = message["params"].clone();
        match message["method"].as_str() {
            Some("session/update") => match serde_json::from_value::<acp::SessionNotification>(params) {
                Ok(news) => {
                    hearing.update(news.update);
                }
                Err(error) => unread.push(format!("{error}: {message}")),
            },
            Some("session/request_permission") => {
                if let Ok(request) = serde_json::from_value::<acp::RequestPermissionRequest>(params) {
                    permits.push(serde_json::to_value(hearing.permit(&request)).unwrap());
                }
            }
            _ if message["result"]["stopReason"].is_string() => {
                let response: acp::PromptResponse = serde_json::from_value(message["result"].clone()).unwrap();
                hearing.end(Some(&response));
                ends.push(Ok(hearing.answer().into_answer(false)));
            }
            _ if message["error"].is_object() => {
                hearing.end(None);
                let error: Error = serde_json::from_value(message["error"].clone()).unwrap();
                ends.push(Err(fault::of(&error, AT)));
                // The next prompt of the transcript: in life, another invocation.
                hearing = Hearing::new(&invocation, &tell);
                hearing.begin(session(Spend::default()));
            }
            _ => {}
        }
    }
    let events = events.lock().unwrap().clone();
    Heard { events, permits, ends, unread }
}

fn sample(name: &str, writes: WritePolicy) -> Option<Heard> {
    let text = fs::read_to_string(samples()?.join(format!("acp-{name}.jsonl"))).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages: Vec<Value> = lines.filter(|line| line["dir"] == "agent").map(|mut line| line["msg"].take()).collect();
    let heard = hear(&messages, writes);
    assert!(heard.unread.is_empty(), "{:?}", heard.unread);
    Some(heard)
}

fn spend(events: &[AgentEvent]) -> Spend {
    events.iter().fold(Spend::default(), |sum, event| match event {
        AgentEvent::Usage { spend, .. } => sum.plus(*spend),
        _ => sum,
    })
}

fn count(events: &[AgentEvent], is_it: impl Fn(&AgentEvent) -> bool) -> usize {
    events.iter().filter(|event| is_it(event)).count()
}

#[test]
fn a_conversation_with_claude_is_heard_whole() {
    let Some(heard) = sample("claude-basic", WritePolicy::Workspace) else { return };
    assert_eq!(heard.ends, [Ok("Done: hello.txt has been created.".into())]);
    assert_eq!(heard.permits, [json!({"outcome": "selected", "optionId": "allow-once"})]);
    assert_eq!(spend(&heard.events), Spend { micros: 23_280, input: 4900, cached: 900, output: 120 });
    let calls: Vec<(&str, &str)> = heard
        .events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolCall { name, input, .. } => Some((&**name, &**input)),
            _ => None,
        })
        .collect();
    assert_eq!(calls.len(), 3);
    assert_eq!((calls[0].0, calls[1].0, calls[2].0), ("Write", "Bash", "Read"));
    assert!(calls[1].1.contains("wc -c hello.txt"), "the input that came later is told: {calls:?}");
    assert_eq!(count(&heard.events, |event| matches!(event, AgentEvent::ToolResult { is_success: true, .. })), 3);
    assert_eq!(count(&heard.events, |event| *event == AgentEvent::Started), 1);
}

#[test]
fn who_may_write_nothing_is_not_allowed_to_edit() {
    let Some(heard) = sample("claude-rejected", WritePolicy::Nothing) else { return };
    assert!(heard.permits.iter().all(|permit| permit["optionId"] == "reject"), "{:?}", heard.permits);
    assert!(!heard.permits.is_empty());
    let denied = count(&heard.events, |event| matches!(event, AgentEvent::Denied(_)));
    assert_eq!(denied, heard.permits.len());
    assert!(count(&heard.events, |event| matches!(event, AgentEvent::ToolResult { is_success: false, .. })) > 0);
}

#[test]
fn an_error_that_is_also_said_in_words_is_no_answer() {
    let Some(heard) = sample("claude-rate-limit", WritePolicy::Workspace) else { return };
    assert!(matches!(heard.ends[0], Err(Some(AgentError::RateLimited { .. }))), "{:?}", heard.ends);
    assert_eq!(heard.ends[1], Ok("Just text.".into()));
    let texts: Vec<&AgentEvent> = heard.events.iter().filter(|event| matches!(event, AgentEvent::Text(_))).collect();
    assert_eq!(texts, [&AgentEvent::Text("Just text.".into())]);
    let failed = heard.events.iter().position(|event| *event == AgentEvent::Started).unwrap();
    let second =
        heard.events.iter().rposition(|event| matches!(event, AgentEvent::Usage { spend, .. } if spend.is_nothing()));
    assert!(second.unwrap() < failed, "the error's words did not count as an answer: {:?}", heard.events);
}

#[test]
fn opencode_tells_the_sum_of_its_cost_and_the_tokens_of_its_last_step() {
    let Some(heard) = sample("opencode-basic", WritePolicy::Workspace) else { return };
    assert_eq!(heard.ends, [Ok("Done: hello.txt has been created.".into())]);
    assert_eq!(spend(&heard.events), Spend { micros: 13_170, input: 1000, cached: 300, output: 15 });
    assert_eq!(count(&heard.events, |event| matches!(event, AgentEvent::ToolCall { .. })), 3);
    assert_eq!(count(&heard.events, |event| matches!(event, AgentEvent::ToolResult { is_success: true, .. })), 3);
}

#[test]
fn the_cost_of_a_conversation_that_goes_on_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let invocation = crate::agent::transcript::invocation(dir.path());
    let (tell, events) = recorder();
    let cost = |amount: f64| {
        let update = json!({"sessionUpdate": "usage_update", "used": 5, "size": 9, "cost": {"amount": amount, "currency": "USD"}});
        serde_json::from_value::<acp::SessionUpdate>(update).unwrap()
    };
    let mut hearing = Hearing::new(&invocation, &tell);
    hearing.update(cost(7.0));
    hearing.begin(session(Spend { micros: 1_000_000, ..Spend::default() }));
    hearing.update(cost(1.25));
    hearing.end(None);
    hearing.end(None);
    let AgentEvent::Usage { spend, session: Some(session) } = events.lock().unwrap().last().unwrap().clone() else {
        panic!("{events:?}")
    };
    assert_eq!((spend.micros, session.reported.micros), (250_000, 1_250_000));
    assert_eq!(events.lock().unwrap().len(), 3, "{events:?}");
    // One that tells no cost keeps what was reported.
    let mut silent = Hearing::new(&invocation, &tell);
    silent.begin(session.clone());
    silent.end(None);
    assert_eq!(
        events.lock().unwrap().last(),
        Some(&AgentEvent::Usage { spend: Spend::default(), session: Some(session) })
    );
}

#[test]
fn late_news_of_a_tool_does_not_cut_an_answer() {
    let update = |fields: Value| json!({"method": "session/update", "params": {"sessionId": "s", "update": fields}});
    let chunk =
        |text: &str| update(json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}));
    let tool = json!({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Run"});
    let late = json!({"sessionUpdate": "tool_call_update", "toolCallId": "t", "status": "completed"});
    let end = json!({"result": {"stopReason": "end_turn"}});
    let messages =
        [chunk("First"), update(tool), chunk("It is "), update(late.clone()), chunk("done."), update(late), end];
    let heard = hear(&messages, WritePolicy::Workspace);
    assert_eq!(heard.ends, [Ok("It is done.".into())]);
    assert_eq!(count(&heard.events, |event| matches!(event, AgentEvent::ToolResult { .. })), 1);
}

#[test]
fn what_cannot_be_allowed_once_is_not_allowed() {
    let request = json!({"sessionId": "s", "toolCall": {"toolCallId": "t", "kind": "execute", "title": "rm"},
        "options": [{"optionId": "x", "name": "Always", "kind": "allow_always"}]});
    let message = json!({"method": "session/request_permission", "params": request});
    let heard = hear(&[message], WritePolicy::Workspace);
    assert_eq!(heard.permits, [json!({"outcome": "cancelled"})]);
    assert!(heard.events.contains(&AgentEvent::Denied("rm".into())));
}

proptest! {
    #[test]
    fn garbage_never_panics(messages in prop::collection::vec(garbage(), 0..30)) {
        hear(&messages, WritePolicy::Nothing);
    }
}

fn garbage() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "agent_message_chunk",
        "agent_thought_chunk",
        "tool_call",
        "tool_call_update",
        "usage_update",
        "plan",
        "other",
    ]);
    let text = ".{0,5}";
    let value =
        prop_oneof![Just(json!(null)), Just(json!(1e300)), Just(json!(u64::MAX)), text.prop_map(|text| json!(text))];
    (kind, "[ab]", prop::collection::vec(value, 5), prop::bool::ANY).prop_map(|(kind, id, v, is_request)| {
        if is_request {
            let call = json!({"toolCallId": id, "kind": v[0], "title": v[1], "rawInput": v[2]});
            let options = json!([{"optionId": "o", "name": "n", "kind": "allow_once"}]);
            return json!({"method": "session/request_permission", "params": {"sessionId": "s", "toolCall": call, "options": options}});
        }
        let update = json!({"sessionUpdate": kind, "toolCallId": id, "title": v[0], "status": v[1], "rawInput": v[2],
            "content": {"type": "text", "text": "x"}, "used": v[3], "size": 1, "cost": {"amount": v[4], "currency": "USD"}});
        json!({"method": "session/update", "params": {"sessionId": "s", "update": update}})
    })
}
