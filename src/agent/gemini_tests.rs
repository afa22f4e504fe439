//! What Gemini CLI printed, and what is read from it.

use super::*;
use crate::{
    agent::{
        Definition, Server,
        transcript::{AT, Heard, MS, hear, invocation, samples},
    },
    run::Timestamp,
};
use proptest::prelude::*;

fn heard(text: &str, code: i32, stderr: &str) -> Heard {
    hear(&Gemini, |_| (), text, How::Code(code), stderr)
}

fn sample(name: &str, code: i32) -> Option<Heard> {
    let text = fs::read_to_string(samples()?.join(format!("gemini-{name}.jsonl"))).unwrap();
    Some(heard(&text, code, ""))
}

fn failed(message: &str, code: i32) -> AgentError {
    let line = json!({"type": "result", "status": "error", "error": {"type": "unknown", "message": message}});
    heard(&line.to_string(), code, "").answer.unwrap_err()
}

#[test]
fn a_run_that_worked_is_read_whole() {
    let Some(heard) = sample("basic", 0) else { return };
    assert_eq!(heard.answer, Ok(Answer::Said("Done: hello.txt has been created.".into())));
    assert_eq!(heard.spend(), Spend { micros: 0, input: 3700, cached: 900, output: 120 });
    assert_eq!(heard.session().unwrap(), "35c57e45-a3dc-4c5c-ac41-c1b61c4ff81a");
    assert_eq!(heard.tools(), ["write_file", "run_shell_command", "read_file"]);
    assert!(heard.is_started() && heard.denied() == 0);
    let texts: Vec<&AgentEvent> = heard.events.iter().filter(|event| matches!(event, AgentEvent::Text(_))).collect();
    assert_eq!(texts.len(), 2, "pieces are told as one: {texts:?}");
    assert_eq!(heard.steps[..3], [Step::Alive, Step::Alive, Step::Progress]);
}

#[test]
fn tools_that_were_not_offered_are_told_and_are_no_failure() {
    let Some(heard) = sample("denied", 0) else { return };
    assert_eq!(heard.denied(), 2);
    assert!(matches!(heard.answer, Ok(Answer::Said(_))));
}

#[test]
fn every_sample_of_a_failure_is_what_it_is() {
    let Some(day) = sample("day-quota", 173) else { return };
    assert!(matches!(day.answer, Err(AgentError::UsageLimit { until: Timestamp(0), .. })), "{day:?}");
    assert!(!day.is_started());
    let turns = sample("max-turns", 53).unwrap();
    assert_eq!(turns.answer, Err(AgentError::MaxTurns));
    assert_eq!(turns.spend().tokens(), 240);
    let overloaded = sample("overloaded", 247).unwrap();
    assert!(matches!(overloaded.answer, Err(AgentError::Overloaded { .. })), "{overloaded:?}");
    let cut = sample("stream-cut", 0).unwrap();
    assert!(matches!(&cut.answer, Err(AgentError::Overloaded { said }) if said.contains("finish reason")), "{cut:?}");
    assert_eq!(cut.spend().tokens(), 480);
    // Nothing in the stream tells it from success.
    let refusal = sample("refusal", 0).unwrap();
    assert_eq!(refusal.answer, Ok(Answer::Said("I can't help".into())));
}

#[test]
fn an_exit_code_is_the_remainder_of_a_status() {
    for (message, code, kind) in [
        ("[API Error: Resource has been exhausted (e.g. check quota).]", 173, "RateLimited"),
        (
            "[API Error: {\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\"}}]",
            144,
            "AuthRequired",
        ),
        ("[API Error: bad field]", 144, "Misconfigured"),
        ("[API Error: no]", 145, "AuthRequired"),
        ("[API Error: no]", 147, "AuthRequired"),
        ("[API Error: too large]", 157, "ContextOverflow"),
        ("[API Error: internal]", 244, "Overloaded"),
        ("[API Error: models/x is not found for API version v1beta]", 1, "Misconfigured"),
        ("[API Error: fetch failed sending request]", 1, "Overloaded"),
        ("[API Error: something new]", 1, "Crashed"),
    ] {
        let error = failed(message, code);
        assert!(format!("{error:?}").starts_with(kind), "{message}: {error:?}");
    }
}

#[test]
fn what_ends_without_a_result_is_read_from_its_exit_and_its_errors() {
    let end = |code, stderr: &str| heard("", code, stderr).answer;
    let kinds = [
        (41, "Invalid auth method selected.", "Err(AuthRequired"),
        (42, "Session ID \"x\" already exists.", "Err(Misconfigured"),
        (53, "", "Err(MaxTurns"),
        (55, "not a trusted folder", "Err(Misconfigured"),
        (41, "Security Warning: Skipping system settings file '/x': Parent directory", "Err(Misconfigured"),
        (173, "Error 429", "Err(RateLimited"),
        (1, "Unknown argument: nope", "Err(Crashed"),
        (0, "", "Err(BadOutput"),
    ];
    for (code, stderr, kind) in kinds {
        let answer = end(code, stderr);
        assert!(format!("{answer:?}").starts_with(kind), "{code} {stderr}: {answer:?}");
    }
    let resumed = |invocation: &mut Invocation| {
        invocation.session = Some(Session { id: "x".into(), reported: Spend::default() });
    };
    let gone = hear(&Gemini, resumed, "", How::Code(42), "No previous sessions found for this project.");
    assert_eq!(gone.answer, Ok(Answer::NoSession));
}

#[test]
fn a_wait_that_it_sits_out_in_silence_is_a_limit() {
    let stderr = "Attempt 1 failed: Suggested retry after 40s.. Retrying after 44106ms...\n    at x (file:///y)\n";
    let answer = hear(&Gemini, |_| (), "", How::Stopped, stderr).answer;
    let until = AT.after(MS + 44_106);
    assert!(matches!(answer, Err(AgentError::RateLimited { until: at, .. }) if at == until), "{answer:?}");
}

#[test]
fn thoughts_are_counted_as_output() {
    let line = json!({"type": "result", "status": "success",
        "stats": {"total_tokens": 127, "input_tokens": 100, "output_tokens": 20, "cached": 30, "input": 70}});
    let heard = heard(&line.to_string(), 0, "");
    assert_eq!(heard.spend(), Spend { micros: 0, input: 70, cached: 30, output: 27 });
}

#[test]
fn success_with_another_exit_code_is_none() {
    let line = json!({"type": "result", "status": "success", "stats": {}});
    assert!(heard(&line.to_string(), 1, "").answer.is_err());
}

#[test]
fn its_call_says_all_that_matters() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.model = Some("gemini-2.5-pro".into());
    invocation.definition = Definition::built_in("implementation-agent");
    invocation.servers =
        vec![Server { name: "tide".into(), argv: vec!["x".into(), "y".into()], env: vec![("A".into(), "b".into())] }];
    invocation.env =
        vec![("GEMINI_API_KEY".into(), "k".into()), ("GOOGLE_GEMINI_BASE_URL".into(), "http://127.0.0.1:1".into())];
    let call = Gemini.call(&invocation, Path::new("/bin/gemini")).unwrap();
    let argv: Vec<&str> = call.argv.iter().map(|arg| arg.to_str().unwrap()).collect();
    let fixed = ["/bin/gemini", "-o", "stream-json", "--approval-mode", "yolo", "-m", "gemini-2.5-pro", "--session-id"];
    assert_eq!(argv[..8], fixed);
    let shape: Vec<usize> = argv[8].split('-').map(str::len).collect();
    assert_eq!(shape, [8, 4, 4, 4, 12], "{}", argv[8]);
    assert_eq!(call, Gemini.call(&invocation, Path::new("/bin/gemini")).unwrap());
    assert_eq!(call.stdin, "Do it.");
    let value = |name: &str| call.env.iter().find(|(held, _)| held == name).map(|(_, value)| value.to_str().unwrap());
    assert_eq!((value("GOOGLE_GEMINI_BASE_URL"), value("GOOGLE_VERTEX_BASE_URL")), (None, Some("")));
    let settings: Value =
        serde_json::from_slice(&fs::read(invocation.home.join("gemini-settings.json")).unwrap()).unwrap();
    assert_eq!(settings["security"]["auth"]["selectedType"], "gemini-api-key");
    assert_eq!(settings["model"]["maxSessionTurns"], 40);
    assert_eq!(settings["mcp"]["allowed"], json!(["tide"]));
    assert_eq!(settings["mcpServers"]["tide"], json!({"command": "x", "args": ["y"], "env": {"A": "b"}}));
    assert_eq!(settings["hooksConfig"]["enabled"], false);
    assert_eq!(settings["tools"]["exclude"], json!(["enter_plan_mode"]));
    let remembered = fs::read_to_string(invocation.home.join(".gemini/GEMINI.md")).unwrap();
    assert_eq!(remembered, *invocation.definition.unwrap().prompt);
}

#[test]
fn who_may_write_nothing_has_a_shell_and_no_tool_that_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.writes = WritePolicy::Nothing;
    let excluded = excluded(&invocation);
    assert!(excluded.contains(&"write_file") && excluded.contains(&"replace"), "{excluded:?}");
    assert!(!excluded.contains(&"run_shell_command"));
}

#[test]
fn a_conversation_is_gone_on_with_and_a_login_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut invocation = invocation(dir.path());
    invocation.session = Some(Session { id: "abc".into(), reported: Spend::default() });
    invocation.schema = Some("{\"type\":\"object\"}");
    let call = Gemini.call(&invocation, Path::new("g")).unwrap();
    assert!(call.argv.ends_with(&["--resume".into(), "abc".into()]));
    assert!(call.stdin.contains("{\"type\":\"object\"}"));
    assert_eq!(login(&[], &invocation.home), None);
    fs::write(invocation.home.join(".gemini/oauth_creds.json"), "{}").unwrap();
    assert_eq!(login(&[], &invocation.home), Some("oauth-personal"));
    assert_eq!(login(&[("GOOGLE_API_KEY".into(), "k".into())], &invocation.home), Some("vertex-ai"));
    assert_eq!(settings_of(&invocation)["mcp"]["allowed"], json!([NO_SERVER]));
}

#[test]
fn a_version_is_told_from_other_words() {
    assert_eq!(Gemini.version("0.61.0\n"), Some("0.61.0".into()));
    assert_eq!(Gemini.version("0.62.0-preview.1"), Some("0.62.0-preview.1".into()));
    for other in ["2.1.329 (Claude Code)", "codex-cli 0.169.0", "", "error", "1.2", "1..2"] {
        assert_eq!(Gemini.version(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(lines in prop::collection::vec(garbage(), 0..20), code in -1..260, stderr in ".*") {
        heard(&lines.join("\n"), code, &stderr);
    }
}

fn garbage() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["init", "message", "tool_use", "tool_result", "error", "result", "other"]);
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        ".{0,9}".prop_map(|text| json!(text)),
        Just(json!({"type": 7, "message": ["x"], "total_tokens": u64::MAX, "input_tokens": u64::MAX})),
    ];
    let line = (kind, prop::collection::vec(value, 8)).prop_map(|(kind, v)| {
        json!({"type": kind, "session_id": v[0], "role": "assistant", "content": v[1], "tool_id": v[2], "error": v[3],
            "status": v[4], "stats": v[5], "message": v[6], "parameters": v[7]})
        .to_string()
    });
    prop_oneof![line, ".{0,40}"]
}
