//! Codex's stream: what its lines tell, and how a run of it ended.

use super::cause::{self, Cause};
use crate::{
    agent::{AgentError, AgentEvent, Answer, End, Invocation, Reader, Session, Sink, Step, lines},
    process::How,
    run::Spend,
};
use jiff::tz::TimeZone;
use lines::{count_at, said, text_at};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Calls of tools that are remembered at one time.
const OPEN_MAX: usize = 1_000;
/// Refused patches that are told of one run.
const DENIED_MAX: usize = 100;
/// Lines that say that there is no network, until nobody believes in it any more. There can be any number of them.
const NO_NETWORK_MAX: u32 = 3;
/// What it says when it does not like how it is called: as long as nobody changes something it will say it again.
const STARTUP: &[&str] =
    &["error: unexpected argument", "error: invalid value", "Error loading config", "Model provider `"];

/// What a stream has told so far.
pub(super) struct Stream {
    resumed: Option<Session>,
    session: Option<Session>,
    zone: TimeZone,
    /// The model has answered.
    is_answered: bool,
    /// Calls of tools that have begun and not ended.
    open: BTreeSet<String>,
    /// Rounds of tools so far, and how many there may be.
    turns: u32,
    turns_max: u32,
    /// The last message: the answer, once the turn is complete.
    message: String,
    /// The last error, and whether it was the turn's end.
    error: String,
    is_failed: bool,
    /// What the thread has used in all; there once the turn is complete.
    usage: Option<Value>,
    no_network: u32,
    has_spoken: bool,
    stray: String,
}

impl Stream {
    pub(super) fn new(invocation: &Invocation, zone: TimeZone) -> Stream {
        Stream {
            resumed: invocation.session.clone(),
            session: None,
            zone,
            is_answered: false,
            open: BTreeSet::new(),
            turns: 0,
            turns_max: invocation.turns.max(1),
            message: String::new(),
            error: String::new(),
            is_failed: false,
            usage: None,
            no_network: 0,
            has_spoken: false,
            stray: String::new(),
        }
    }

    fn enter(&mut self, id: &str, tell: &Sink) {
        if self.session.is_none() && lines::is_name(id) {
            let reported = self.resumed.as_ref().map(|session| session.reported).unwrap_or_default();
            let session = Session { id: id.to_owned(), reported };
            self.session = Some(session.clone());
            tell(AgentEvent::Usage { spend: Spend::default(), session: Some(session) });
        }
    }

    /// A try that failed and is made again. An answer that was no stream is the end: it would be waited as long as the provider
    /// wishes, and waiting is ours. A stream that was cut is worth a second try.
    fn retry(&mut self, words: &str) -> Step {
        let is_network = words.contains("waiting for network");
        self.no_network += u32::from(is_network);
        let is_refused = cause::status(words).is_some() || !matches!(Cause::of(words), Cause::Away | Cause::Other);
        if is_refused || self.no_network >= NO_NETWORK_MAX { Step::Enough } else { Step::Alive }
    }

    fn item(&mut self, line: &Value, tell: &Sink) -> Step {
        let Some(item) = line.get("item") else {
            return Step::Alive;
        };
        let kind = text_at(item, "/type");
        if matches!(kind, "" | "error") {
            // A warning, often before the first request.
            return Step::Alive;
        }
        if !std::mem::replace(&mut self.is_answered, true) {
            tell(AgentEvent::Started);
        }
        let is_over = text_at(line, "/type") == "item.completed";
        match kind {
            "agent_message" if is_over => {
                text_at(item, "/text").clone_into(&mut self.message);
                if !self.message.trim().is_empty() {
                    tell(AgentEvent::Text(lines::spoken(&self.message)));
                }
                Step::Progress
            }
            "agent_message" | "reasoning" | "todo_list" => Step::Progress,
            _ => self.tool(kind, item, is_over, tell),
        }
    }

    /// It has no limit of turns of its own, and tells of none: what is counted is rounds of tools, those at the same time as one. A model
    /// that calls tools from a program of its own takes several in a turn; so this ends what runs away, and is no exact count.
    fn tool(&mut self, kind: &str, item: &Value, is_over: bool, tell: &Sink) -> Step {
        let id = said(text_at(item, "/id"));
        if !self.open.contains(&id) {
            self.turns += u32::from(self.open.is_empty());
            if self.turns > self.turns_max {
                return Step::Enough;
            }
            if self.open.len() < OPEN_MAX {
                self.open.insert(id.clone());
            }
            let (name, input) = call(kind, item);
            tell(AgentEvent::ToolCall { id: id.clone(), name, input });
        }
        if is_over {
            self.open.remove(&id);
            let is_success = text_at(item, "/status") != "failed";
            let why = text_at(item, "/error/message");
            if !is_success && why.contains("requires approval") {
                tell(AgentEvent::Denied(said(&[&call(kind, item).0, why].join(": "))));
            }
            tell(AgentEvent::ToolResult { id, is_success });
        }
        Step::Progress
    }

    /// What the turn used: what it tells is the sum over the thread, in which the cached is part of what was sent.
    fn settle(&mut self, tell: &Sink) {
        let Some(usage) = &self.usage else {
            return;
        };
        let cached = count_at(usage, "/cached_input_tokens");
        let input = count_at(usage, "/input_tokens").saturating_sub(cached);
        let sum = Spend { micros: 0, input, cached, output: count_at(usage, "/output_tokens") };
        let told = match self.session.take() {
            // Told nothing, or counted anew: what was used before is used all the same.
            Some(session) if sum.is_nothing() => (sum, Some(session)),
            Some(session) if sum.tokens() < session.reported.tokens() => {
                (sum, Some(Session { reported: sum, ..session }))
            }
            Some(session) => {
                let (spend, session) = session.since(sum);
                (spend, Some(session))
            }
            None => (sum, None),
        };
        tell(AgentEvent::Usage { spend: told.0, session: told.1 });
    }

    fn verdict(&self, end: &End<'_>) -> Result<Answer, AgentError> {
        if self.usage.is_some() {
            // It may be ended by us although it came to its end meanwhile.
            return match end.exit.how {
                How::Code(0) | How::Stopped => Ok(Answer::Said(lines::answer(&self.message))),
                _ => Err(lines::crashed(end, &self.message, &self.stray)),
            };
        }
        if end.was_enough && self.turns > self.turns_max {
            return Err(AgentError::MaxTurns);
        }
        if self.is_failed || end.was_enough {
            return Err(Cause::of(&self.error).error(&self.error, end, &self.zone, &self.stray));
        }
        if !self.has_spoken && matches!(end.exit.how, How::Code(_)) {
            if self.resumed.is_some() && end.stderr.contains("no rollout found for thread id") {
                return Ok(Answer::NoSession);
            }
            let complaint = end.stderr.lines().find(|line| STARTUP.iter().any(|words| line.contains(words)));
            if let Some(complaint) = complaint {
                return Err(AgentError::Misconfigured { what: said(complaint) });
            }
        }
        Err(lines::crashed(end, &self.error, &self.stray))
    }
}

/// A tool's name, and what it is given.
fn call(kind: &str, item: &Value) -> (String, String) {
    match kind {
        "command_execution" => ("command".to_owned(), said(text_at(item, "/command"))),
        "file_change" => {
            let paths = lines::list_at(item, "/changes").iter().take(20).map(|change| text_at(change, "/path"));
            ("patch".to_owned(), said(&paths.collect::<Vec<_>>().join(" ")))
        }
        "mcp_tool_call" => {
            let name = format!("mcp__{}__{}", text_at(item, "/server"), text_at(item, "/tool"));
            (said(&name), item.get("arguments").map(lines::input).unwrap_or_default())
        }
        "web_search" => ("web_search".to_owned(), said(text_at(item, "/query"))),
        kind => (said(kind), String::new()),
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, tell: &Sink) -> Step {
        let Some(line) = lines::object(line) else {
            if !line.is_empty() {
                self.stray = said(line);
            }
            return Step::Alive;
        };
        self.has_spoken = true;
        match text_at(&line, "/type") {
            "thread.started" => {
                self.enter(text_at(&line, "/thread_id"), tell);
                Step::Progress
            }
            "item.started" | "item.updated" | "item.completed" => self.item(&line, tell),
            "error" => {
                let words = text_at(&line, "/message");
                // `Reconnecting... 1/2 (why)`: what counts is why.
                let is_retry = words.starts_with("Reconnecting");
                let why = words.split_once('(').and_then(|(_, why)| why.strip_suffix(')')).filter(|_| is_retry);
                why.unwrap_or(words).clone_into(&mut self.error);
                if is_retry { self.retry(words) } else { Step::Alive }
            }
            "turn.failed" => {
                self.is_failed = true;
                let words = text_at(&line, "/error/message");
                if !words.is_empty() {
                    words.clone_into(&mut self.error);
                }
                Step::Alive
            }
            "turn.completed" => {
                self.usage = Some(line.get("usage").cloned().unwrap_or_else(|| json!({})));
                Step::Progress
            }
            _ => Step::Alive,
        }
    }

    fn end(mut self: Box<Self>, end: &End<'_>, tell: &Sink) -> Result<Answer, AgentError> {
        // A patch that was refused is nowhere in the stream.
        for line in end.stderr.lines().filter(|line| line.contains("patch rejected")).take(DENIED_MAX) {
            tell(AgentEvent::Denied(said(line)));
        }
        let verdict = self.verdict(end);
        self.settle(tell);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::{
            Codex,
            goldens::{AT, Played, invocation, play},
        },
        run::Timestamp,
    };
    use proptest::prelude::*;
    use std::path::Path;

    const BEGUN: &str = r#"{"type":"thread.started","thread_id":"t-1"}"#;

    fn ran(lines: &[Value], exit: How, stderr: &str) -> Played {
        let stream: Vec<String> = [BEGUN.to_owned()].into_iter().chain(lines.iter().map(Value::to_string)).collect();
        play(&Codex::new(TimeZone::UTC), &invocation(Path::new("/h")), &stream.join("\n"), exit, stderr)
    }

    fn failed(words: &str) -> AgentError {
        let lines =
            [json!({"type": "error", "message": words}), json!({"type": "turn.failed", "error": {"message": words}})];
        ran(&lines, How::Code(1), "WARNING: proceeding").outcome.unwrap_err()
    }

    fn tool(kind: &str, id: u32) -> Value {
        json!({"type": kind, "item": {"id": format!("item_{id}"), "type": "command_execution", "command": "true"}})
    }

    #[test]
    fn a_failed_turn_is_read_from_its_words() {
        let limited = failed("rate limit exceeded: slow down. Please try again in 1.5s.");
        assert!(matches!(limited, AgentError::RateLimited { until, .. } if until == AT.after(1_500)), "{limited:?}");
        let limited = failed("exceeded retry limit, last status: 429 Too Many Requests");
        assert!(matches!(limited, AgentError::RateLimited { until: Timestamp(0), .. }), "{limited:?}");
        let unpaid = failed("Quota exceeded. Check your plan and billing details.");
        assert!(matches!(unpaid, AgentError::PaymentRequired { .. }), "{unpaid:?}");
        let other = failed(r#"{"error":{"message":"no"}}"#);
        let AgentError::Crashed { code: 1, tail } = other else { panic!("{other:?}") };
        assert!(tail.contains("no") && tail.contains("WARNING"), "{tail}");
    }

    #[test]
    fn a_refusal_that_it_would_wait_out_by_itself_is_the_end() {
        for (words, step) in [
            ("Reconnecting... 1/2 (exceeded retry limit, last status: 429 Too Many Requests)", Step::Enough),
            ("Reconnecting... 1/2 (unexpected status 503 Service Unavailable: no, url: http://x)", Step::Enough),
            ("Reconnecting... 1/2 (unexpected status 401 Unauthorized: no, url: http://x)", Step::Enough),
            ("Reconnecting... 1/2 (rate limit exceeded: x. Please try again in 20m.)", Step::Enough),
            ("Reconnecting... 1/2 (stream disconnected before completion: x)", Step::Alive),
            (
                "Reconnecting... 1/2 (We’re currently experiencing high demand, which may cause temporary errors.)",
                Step::Alive,
            ),
            ("Reconnecting... waiting for network (Connection failed: error sending request)", Step::Alive),
        ] {
            let played = ran(&[json!({"type": "error", "message": words})], How::Stopped, "");
            assert_eq!(played.steps[1], step, "{words}");
            let told = played.outcome.unwrap_err().to_string();
            assert!(!told.contains("Reconnecting") || step == Step::Alive, "{told}");
        }
        let wait = json!({"type": "error", "message": "Reconnecting... waiting for network (Connection failed: error sending request)"});
        let played = ran(&[wait.clone(), wait.clone(), wait], How::Stopped, "");
        assert_eq!(played.steps[1..], [Step::Alive, Step::Alive, Step::Enough]);
        assert!(matches!(played.outcome, Err(AgentError::Overloaded { .. })), "{:?}", played.outcome);
    }

    #[test]
    fn a_turn_that_came_to_its_end_while_it_was_stopped_counts() {
        let lines = [
            json!({"type": "error", "message": "Reconnecting... 1/2 (exceeded retry limit, last status: 429 Too Many Requests)"}),
            json!({"type": "item.completed", "item": {"id": "item_0", "type": "agent_message", "text": "done"}}),
            json!({"type": "turn.completed", "usage": {"input_tokens": 5}}),
        ];
        assert_eq!(ran(&lines, How::Stopped, "").said(), "done");
        assert!(matches!(ran(&lines, How::Code(1), "").outcome, Err(AgentError::Crashed { .. })));
    }

    #[test]
    fn rounds_of_tools_are_counted_and_those_at_the_same_time_are_one() {
        let mut lines = vec![
            tool("item.started", 0),
            tool("item.started", 1),
            tool("item.completed", 0),
            tool("item.completed", 1),
        ];
        let mut invocation = invocation(Path::new("/h"));
        invocation.turns = 2;
        lines.extend([tool("item.started", 2), tool("item.completed", 2), tool("item.started", 3)]);
        let stream: Vec<String> = lines.iter().map(Value::to_string).collect();
        let played = play(&Codex::new(TimeZone::UTC), &invocation, &stream.join("\n"), How::Stopped, "");
        assert_eq!(played.steps, [vec![Step::Progress; 6], vec![Step::Enough]].concat());
        assert_eq!(played.outcome, Err(AgentError::MaxTurns));
    }

    #[test]
    fn a_thread_that_is_not_there_is_begun_anew() {
        let unknown = "Error: thread/resume: thread/resume failed: no rollout found for thread id t-1 (code -32600)";
        let mut invocation = invocation(Path::new("/h"));
        let codex = Codex::new(TimeZone::UTC);
        let alone = play(&codex, &invocation, "", How::Code(1), unknown).outcome;
        assert!(matches!(alone, Err(AgentError::Crashed { .. })));
        invocation.session = Some(Session { id: "t-1".to_owned(), reported: Spend::default() });
        assert_eq!(play(&codex, &invocation, "", How::Code(1), unknown).outcome, Ok(Answer::NoSession));
        let flag = play(&codex, &invocation, "", How::Code(2), "WARNING: x\nerror: unexpected argument '--nope' found")
            .outcome;
        let what = "error: unexpected argument '--nope' found".to_owned();
        assert_eq!(flag, Err(AgentError::Misconfigured { what }));
    }

    #[test]
    fn what_a_thread_used_before_is_not_told_again() {
        let used = |reported: u64, total: u64| {
            let mut invocation = invocation(Path::new("/h"));
            let reported = Spend { input: reported, ..Spend::default() };
            invocation.session = Some(Session { id: "t-1".to_owned(), reported });
            let stream = format!("{BEGUN}\n{}", json!({"type": "turn.completed", "usage": {"input_tokens": total}}));
            let played = play(&Codex::new(TimeZone::UTC), &invocation, &stream, How::Code(0), "");
            (played.spent().input, played.session().unwrap().reported.input)
        };
        assert_eq!([used(100, 300), used(100, 0), used(100, 40)], [(200, 300), (0, 100), (40, 40)]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(
            kinds in prop::collection::vec(r"thread\.started|item\.started|item\.completed|error|turn\.failed|turn\.completed|x", 1..6),
            item in "agent_message|reasoning|error|command_execution|file_change|mcp_tool_call|web_search|x",
            odd in prop::sample::select(vec![Value::Null, json!(-1), json!(1e300), json!("\u{1b}["), json!([[]]), json!({"a": 1})]),
            cut in 0usize..300,
        ) {
            let line = |kind: &String| json!({"type": kind, "thread_id": odd, "message": odd, "error": odd, "usage": odd,
                "item": {"type": item, "id": odd, "text": odd, "changes": odd, "arguments": odd, "error": odd}}).to_string();
            let whole = kinds.iter().map(line).collect::<Vec<_>>().join("\n");
            for stream in [&whole[..], &whole[..cut.min(whole.len())]] {
                let _ = play(&Codex::new(TimeZone::UTC), &invocation(Path::new("/h")), stream, How::Code(0), "");
            }
        }

        #[test]
        fn garbage_is_no_end(garbage in "\\PC{0,80}") {
            prop_assert!(play(&Codex::new(TimeZone::UTC), &invocation(Path::new("/h")), &garbage, How::Code(0), "").outcome.is_err());
        }
    }
}
