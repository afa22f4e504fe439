//! How real command lines end when the scripted model fails: each takes the server's failure for what it is meant to be.
//!
//! Only failures that are not retried for minutes; what a provider says is the same for the others.

use super::{
    clis::{CLAUDE, CODEX, GEMINI, OPENCODE},
    desk::{Desk, Run},
    model::{Fault, Reply, Server, steps},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::process::{Command, Stdio};

const RESETS_AT: u64 = 2_000_000_000;

/// Runs a command line against a model that answers this, for ever.
fn run(desk: &Desk, reply: Reply, command: impl Fn(&Server) -> Command) -> Run {
    let server = Server::start(steps([reply]));
    desk.run(&mut command(&server), "Do it.")
}

impl Run {
    /// The last line of a kind.
    fn last(&self, kind: &str) -> &Value {
        let found = self.lines.iter().rev().find(|line| line["type"] == kind);
        found.unwrap_or_else(|| panic!("no line of the type {kind}: {:#?}\n{}", self.lines, self.stderr))
    }
}

#[test]
fn claude_knows_the_failures_of_its_provider() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let end = |reply: Reply| {
        run(&desk, reply, |server| {
            let mut command = desk.claude(server, &[]);
            command.env("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1");
            command
        })
    };
    for (reply, error) in [
        (Reply::fail(Fault::NoCredit), "billing_error"),
        (Reply::fail(Fault::Forbidden), "authentication_failed"),
        (Reply::fail(Fault::Unauthorized), "authentication_failed"),
        (Reply::fail(Fault::UnknownModel), "model_not_found"),
        (Reply::fail(Fault::TooLong), "invalid_request"),
        (Reply::fail(Fault::TooLarge), "invalid_request"),
        (Reply::fail(Fault::Overloaded), "server_error"),
        (Reply::fail(Fault::RateLimited { retry_after: Some(600) }), "rate_limit"),
        (Reply::cut("half of it"), "server_error"),
        (Reply::max_tokens("half of it"), "max_output_tokens"),
        (Reply::refuse(), "invalid_request"),
    ] {
        let said = format!("{reply:?}");
        let run = end(reply);
        assert_eq!(run.code, Some(1), "{said}: {}", run.stderr);
        assert_eq!(run.last("result")["is_error"], true, "{said}");
        assert_eq!(run.last("assistant")["error"], error, "{said}");
    }
}

#[test]
fn claude_with_a_subscription_tells_when_its_limit_ends() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let run = run(&desk, Reply::fail(Fault::UsageLimit { resets_at: RESETS_AT }), |server| {
        let mut command = desk.claude(server, &[]);
        command.env_remove("ANTHROPIC_API_KEY").env("CLAUDE_CODE_OAUTH_TOKEN", "dummy");
        command
    });
    let limit = &run.last("rate_limit_event")["rate_limit_info"];
    assert_eq!((&limit["status"], &limit["resetsAt"]), (&"rejected".into(), &RESETS_AT.into()));
    assert_eq!(run.last("result")["api_error"], "usage_limit_reached");
}

#[test]
fn codex_knows_the_failures_of_its_provider() {
    let Some(desk) = Desk::of(CODEX) else { return };
    for (reply, words) in [
        (Reply::fail(Fault::UsageLimit { resets_at: RESETS_AT }), "usage limit"),
        (Reply::fail(Fault::NoCredit), "Quota exceeded"),
        (Reply::fail_in_stream(Fault::NoCredit), "Quota exceeded"),
        (Reply::fail(Fault::Overloaded), "at capacity"),
        (Reply::fail_in_stream(Fault::Overloaded), "at capacity"),
        (Reply::fail_in_stream(Fault::TooLong), "ran out of room"),
        (Reply::fail(Fault::Unauthorized), "401"),
        (Reply::fail(Fault::TooLarge), "413"),
        (Reply::fail(Fault::RateLimited { retry_after: Some(1) }), "429"),
        (Reply::cut("half of it"), "stream disconnected"),
        (Reply::without_finish("half of it"), "stream disconnected"),
        (Reply::max_tokens("half of it"), "max_output_tokens"),
        (Reply::refuse(), "content_filter"),
    ] {
        let said = format!("{reply:?}");
        let run = run(&desk, reply, |server| desk.codex(server, &[]));
        assert_eq!(run.code, Some(1), "{said}: {:#?}", run.lines);
        let message = run.last("turn.failed")["error"]["message"].to_string();
        assert!(message.contains(words), "{said}: {message}");
    }
}

#[test]
fn gemini_knows_the_failures_of_its_provider() {
    let Some(desk) = Desk::of(GEMINI) else { return };
    // The status, modulo 256; and the last line says error.
    for (reply, code) in [
        (Reply::fail(Fault::UsageLimit { resets_at: RESETS_AT }), 173),
        (Reply::fail(Fault::Unauthorized), 144),
        (Reply::fail(Fault::Forbidden), 147),
        (Reply::fail(Fault::TooLarge), 157),
        (Reply::fail(Fault::UnknownModel), 1),
        // Cut for ever, it tells the same text again and again, and ends well but for its last line.
        (Reply::without_finish("half of it"), 0),
    ] {
        let said = format!("{reply:?}");
        let run = run(&desk, reply, |server| desk.gemini(server, &[]));
        assert_eq!(run.code, Some(code), "{said}: {}", run.stderr);
        assert_eq!(run.last("result")["status"], "error", "{said}");
    }
}

#[test]
fn opencode_knows_the_failures_of_its_provider() {
    let Some(desk) = Desk::of(OPENCODE) else { return };
    for (reply, code, name) in [
        (Reply::fail(Fault::Unauthorized), 1, "APIError"),
        (Reply::fail(Fault::UnknownModel), 1, "APIError"),
        (Reply::refuse(), 1, "ContentFilterError"),
    ] {
        let said = format!("{reply:?}");
        let run = run(&desk, reply, |server| desk.opencode(server, &[]));
        assert_eq!(run.code, Some(code), "{said}: {}", run.stderr);
        assert_eq!(run.last("error")["error"]["name"], name, "{said}");
    }
    let run = run(&desk, Reply::max_tokens("half of it"), |server| desk.opencode(server, &[]));
    assert_eq!((run.code, &run.last("step_finish")["part"]["reason"]), (Some(0), &"length".into()));
}

#[test]
fn a_session_that_is_taken_up_again_is_heard_in_what_is_asked() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let server = Server::start(steps([Reply::say("The word is xyzzy.")]));
    let first = desk.run(&mut desk.claude(&server, &[]), "Think of a word.");
    let session = first.last("result")["session_id"].as_str().expect("an id").to_owned();
    desk.run(&mut desk.claude(&server, &["--resume", &session]), "Which was it?");
    let asked = server.asked();
    let [before, after] = &asked[..] else { panic!("{} requests", asked.len()) };
    assert!(!before.has_heard("xyzzy") && after.has_heard("xyzzy"));
    assert_eq!((after.prompts.len(), after.prompt()), (2, "Which was it?"));
    assert_eq!(after.session.as_deref(), Some(&*session));
}

#[test]
fn a_command_line_that_hangs_is_known_to_have_asked() {
    let Some(desk) = Desk::of(CLAUDE) else { return };
    let server = Server::start(|_| Reply::hang());
    let mut command = desk.claude(&server, &["Do it."]);
    let mut agent = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    server.wait_for(1);
    assert!(agent.try_wait().expect("its state").is_none(), "it ended by itself");
    // `timeout`, which started it, hands the signal on.
    let id = Pid::from_raw(agent.id().cast_signed()).expect("a process");
    kill_process(id, Signal::TERM).expect("it is told");
    agent.wait().expect("its end");
}
