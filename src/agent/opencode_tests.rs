//! What opencode printed, and what is read from it.

use super::*;
use crate::{
    agent::{
        Definition, Server,
        transcript::{AT, Heard, MS, hear, invocation, samples},
    },
    process::{Confines, How},
    run::Timestamp,
};
use proptest::prelude::*;
use std::fs;

fn heard(text: &str, code: i32, stderr: &str) -> Heard {
    hear(&OpenCode, |_| (), text, How::Code(code), stderr)
}

fn sample(name: &str, code: i32) -> Option<Heard> {
    let text = fs::read_to_string(samples()?.join(format!("opencode-{name}.jsonl"))).unwrap();
    Some(heard(&text, code, ""))
}

fn step(reason: &str) -> String {
    let start = json!({"type": "step_start", "sessionID": "s", "part": {}});
    let end = json!({"type": "step_finish", "sessionID": "s", "part": {"reason": reason, "cost": 0.000002,
        "tokens": {"input": 1, "output": 2, "reasoning": 3, "cache": {"write": 4, "read": 5}}}});
    format!("{start}\n{end}\n")
}

fn failed(status: u64, message: &str, headers: Value, body: &str) -> AgentError {
    let line = json!({"type": "error", "error": {"name": "APIError", "data": {"message": message, "statusCode": status,
        "responseHeaders": headers, "responseBody": body}}});
    heard(&line.to_string(), 1, "").answer.unwrap_err()
}

#[test]
fn a_run_that_worked_is_read_whole() {
    let Some(heard) = sample("basic", 0) else { return };
    assert_eq!(heard.answer, Ok(Answer::Said("Done: hello.txt has been created.".into())));
    assert_eq!(heard.spend(), Spend { micros: 13_170, input: 3700, cached: 900, output: 120 });
    assert_eq!(heard.session().unwrap(), "ses_e04b59369ffe5mL7YJ2rMbG6JW");
    assert_eq!(heard.tools(), ["write", "bash", "read"]);
    assert!(heard.is_started() && heard.denied() == 0);
}

#[test]
fn a_rejected_permission_is_told_and_ends_the_run_half_way() {
    let Some(heard) = sample("denied", 0) else { return };
    assert_eq!(heard.denied(), 1);
    assert!(matches!(&heard.answer, Err(AgentError::BadOutput { what }) if what.contains("half way")), "{heard:?}");
}

#[test]
fn every_sample_of_a_failure_is_what_it_is() {
    let Some(auth) = sample("auth", 1) else { return };
    assert!(matches!(auth.answer, Err(AgentError::AuthRequired { .. })), "{auth:?}");
    assert!(!auth.is_started());
    let limited = sample("rate-limit", 1).unwrap();
    let until = AT.after(MS + 1000);
    assert!(matches!(limited.answer, Err(AgentError::RateLimited { until: at, .. }) if at == until), "{limited:?}");
    let refusal = sample("refusal", 1).unwrap();
    assert_eq!((&refusal.answer, refusal.spend().micros), (&Err(AgentError::Refused), 600));
}

#[test]
fn one_that_goes_round_without_a_reason_is_ended_at_the_second_time() {
    if let Some(heard) = sample("loop", 0) {
        assert_eq!((heard.steps.len(), heard.steps.last()), (6, Some(&Step::Enough)));
        assert!(matches!(heard.answer, Err(AgentError::Overloaded { .. })), "{heard:?}");
    }
    // Once may be an accident.
    let once = heard(&format!("{}{}", step("unknown"), step("stop")), 0, "");
    assert!(matches!(once.answer, Ok(Answer::Said(_))));
    assert!(matches!(heard(&step("unknown"), 0, "").answer, Err(AgentError::Overloaded { .. })));
}

#[test]
fn what_a_provider_answered_decides() {
    for (status, message, body, kind) in [
        (429, "quota", "{\"error\":{\"code\":\"insufficient_quota\"}}", "PaymentRequired"),
        (429, "slow down", "", "RateLimited { until: Timestamp(0)"),
        (503, "Service Unavailable", "", "Overloaded"),
        (500, "", "", "Overloaded"),
        (401, "", "", "AuthRequired"),
        (400, "bad", "", "Misconfigured"),
        (404, "no such model", "", "Misconfigured"),
        (413, "", "", "ContextOverflow"),
    ] {
        let error = failed(status, message, json!({}), body);
        assert!(format!("{error:?}").starts_with(kind), "{status}: {error:?}");
    }
    let headers = |value: Value| match failed(429, "", value, "") {
        AgentError::RateLimited { until, .. } => until,
        other => panic!("{other:?}"),
    };
    assert_eq!(headers(json!({"retry-after": "600"})), AT.after(MS + 600_000));
    assert_eq!(headers(json!({"retry-after-ms": "1500", "retry-after": "9"})), AT.after(MS + 2000));
    for odd in [
        json!({"retry-after": "Fri, 20 Nov 2026 23:23:45 GMT"}),
        json!({"retry-after": "-5"}),
        json!("x"),
        json!({"retry-after": "NaN"}),
    ] {
        assert_eq!(headers(odd), Timestamp(0));
    }
}

#[test]
fn an_error_has_a_name_and_the_end_of_a_later_step_does_not_cure_it() {
    let error = |name: &str, message: &str| {
        json!({"type": "error", "error": {"name": name, "data": {"message": message}}}).to_string()
    };
    let overflow = format!("{}\n{}", error("ContextOverflowError", "too long"), step("stop"));
    assert_eq!(heard(&overflow, 1, "").answer, Err(AgentError::ContextOverflow));
    // It has made itself smaller, and went on.
    assert!(heard(&overflow, 0, "").answer.is_ok());
    let end = |name: &str, message: &str| format!("{:?}", heard(&error(name, message), 1, "").answer);
    assert!(end("ProviderAuthError", "no key").starts_with("Err(AuthRequired"));
    assert!(end("UnknownError", "Unexpected server error").starts_with("Err(Crashed"));
    assert!(end("MessageOutputLengthError", "").starts_with("Err(BadOutput"));
    assert_eq!(heard(&step("content-filter"), 1, "").answer, Err(AgentError::Refused));
}

#[test]
fn only_a_stop_is_a_good_end() {
    for (reason, kind) in
        [("length", "Err(BadOutput"), ("tool-calls", "Err(BadOutput"), ("content-filter", "Err(Refused")]
    {
        let answer = format!("{:?}", heard(&step(reason), 0, "").answer);
        assert!(answer.starts_with(kind), "{reason}: {answer}");
    }
    assert!(matches!(heard("", 0, "").answer, Err(AgentError::BadOutput { .. })));
    assert!(matches!(heard(&step("stop"), 1, "").answer, Err(AgentError::Crashed { code: 1, .. })));
    assert_eq!(heard(&step("stop"), 0, "").spend(), Spend { micros: 2, input: 5, cached: 5, output: 5 });
}

#[test]
fn its_turns_are_counted_here() {
    let two = |invocation: &mut Invocation| invocation.turns = 2;
    let calls = hear(&OpenCode, two, &step("tool-calls").repeat(5), How::Code(0), "");
    assert_eq!((calls.steps.len(), calls.answer), (4, Err(AgentError::MaxTurns)));
    let done = hear(&OpenCode, two, &format!("{}{}", step("tool-calls"), step("stop")), How::Code(0), "");
    assert!(done.answer.is_ok());
}

#[test]
fn a_conversation_that_is_not_there_is_begun_anew() {
    let resumed = |invocation: &mut Invocation| {
        invocation.session = Some(Session { id: "ses_x".into(), reported: Spend::default() });
    };
    let gone = hear(&OpenCode, resumed, "", How::Code(1), "Error: Session not found");
    assert_eq!(gone.answer, Ok(Answer::NoSession));
    assert!(heard("", 1, "Error: Session not found").answer.is_err());
}

#[test]
fn a_tool_that_is_not_offered_is_told() {
    let line = json!({"type": "tool_use", "part": {"tool": "invalid", "callID": "c",
        "state": {"status": "completed", "input": {"tool": "bash", "error": "Model tried to call unavailable tool 'bash'."}}}});
    assert_eq!(heard(&format!("{line}\n{}", step("stop")), 0, "").denied(), 1);
}

#[test]
fn its_call_takes_the_users_providers_and_nothing_else_of_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.model = Some("fake/fake-model".into());
    invocation.definition = Definition::built_in("qa-reviewer");
    invocation.servers =
        vec![Server { name: "tide".into(), argv: vec!["x".into()], env: vec![("A".into(), "b".into())] }];
    fs::create_dir_all(invocation.home.join(".tidegate")).unwrap();
    let file = "{ // mine\n \"provider\": {\"own\": {\"options\": {\"baseURL\": \"http://a//b\"}}}, /* no */ \"plugin\": [\"evil\"]}";
    fs::write(invocation.home.join(CONFIG_COPY), file).unwrap();
    let user =
        json!({"provider": {"fake": {}}, "small_model": "fake/small", "mcp": {"theirs": {}}, "permission": "allow"});
    invocation.env = vec![(CONFIG.into(), user.to_string().into())];
    let call = OpenCode.call(&invocation, Path::new("/bin/opencode")).unwrap();
    let argv = ["/bin/opencode", "run", "--format", "json", "--auto", "--agent", "tidegate", "-m", "fake/fake-model"];
    assert_eq!(call.argv, argv);
    let value = |name: &str| call.env.iter().find(|(held, _)| held == name).map(|(_, value)| value.to_str().unwrap());
    let config: Value = serde_json::from_str(value(CONFIG).unwrap()).unwrap();
    assert_eq!(config["provider"], json!({"own": {"options": {"baseURL": "http://a//b"}}, "fake": {}}));
    assert_eq!(config["small_model"], "fake/small");
    assert!(config.get("plugin").is_none());
    assert_eq!(
        config["mcp"],
        json!({"tide": {"type": "local", "command": ["x"], "environment": {"A": "b"}, "enabled": true}})
    );
    assert_eq!(config["permission"]["bash"], "allow");
    assert_eq!(config["permission"]["external_directory"], "deny");
    let data = invocation.home.join(".local/share");
    assert_eq!(value("XDG_DATA_HOME"), data.to_str());
    let told = fs::read_to_string(invocation.home.join(".config/opencode/AGENTS.md")).unwrap();
    assert_eq!(told, *invocation.definition.unwrap().prompt);
}

#[test]
fn a_configuration_that_cannot_be_read_is_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = OpenCode
        .call(&Invocation { env: vec![(CONFIG.into(), "[1]".into())], ..invocation(dir.path()) }, Path::new("o"))
        .unwrap_err();
    assert!(error.to_string().contains(CONFIG), "{error}");
    for odd in ["\"a\\", "/*", "\\", "//", "\"\\ü"] {
        without_comments(odd);
    }
}

#[test]
fn who_may_write_nothing_is_offered_nothing_that_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.writes = WritePolicy::Nothing;
    let permissions = permission(&invocation);
    assert_eq!([&permissions["edit"], &permissions["bash"], &permissions["task"]], ["deny", "allow", "deny"]);
    invocation.confines = Some(Confines { readable: vec![invocation.workspace.clone()], ..Confines::default() });
    let permissions = permission(&invocation);
    assert_eq!(
        [&permissions["edit"], &permissions["bash"], &permissions["external_directory"]],
        ["deny", "allow", "allow"]
    );
}

#[test]
fn a_conversation_is_gone_on_with_in_its_own_folder_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.session = Some(Session { id: "ses_x".into(), reported: Spend::default() });
    assert_eq!(OpenCode.goes_on(&invocation).ok(), Some(false), "it has not been anywhere");
    assert!(OpenCode.call(&invocation, Path::new("o")).unwrap().argv.contains(&"-s".into()));
    assert_eq!(OpenCode.goes_on(&invocation).ok(), Some(true));
    invocation.workspace = dir.path().join("elsewhere");
    assert_eq!(OpenCode.goes_on(&invocation).ok(), Some(false));
}

proptest! {
    #[test]
    fn garbage_never_panics(lines in prop::collection::vec(garbage(), 0..20), code in -1..260, stderr in ".*") {
        heard(&lines.join("\n"), code, &stderr);
    }

    #[test]
    fn comments_are_taken_out_of_anything(text in ".*", json in "[\"/*\\\\\n a]*") {
        without_comments(&text);
        without_comments(&json);
    }
}

fn garbage() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["step_start", "text", "tool_use", "step_finish", "error", "other"]);
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        ".{0,9}".prop_map(|text| json!(text)),
        Just(json!({"input": u64::MAX, "cache": {"write": u64::MAX}, "status": 1, "data": {"statusCode": u64::MAX}})),
    ];
    let line = (kind, prop::collection::vec(value, 6)).prop_map(|(kind, v)| {
        json!({"type": kind, "sessionID": v[0], "error": v[1],
            "part": {"text": v[2], "tokens": v[3], "cost": v[4], "reason": v[5], "state": v[1], "tool": v[2]}})
        .to_string()
    });
    prop_oneof![line, ".{0,40}"]
}
