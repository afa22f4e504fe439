//! Golden tests: what our readers make of the transcripts of claude and codex.

use super::{AgentError, AgentEvent, Answer, Claude, Codex, Dialect, End, Invocation, Session, Step, transcript};
use crate::{
    process::{Exit, How},
    run::{Spend, Timestamp},
};
use jiff::tz::TimeZone;
use std::{fs, path::Path};

/// When every run of these tests began: 2026-11-20, 23:24:58 in UTC.
pub(super) const AT: Timestamp = Timestamp(1_795_217_098_000);

/// What came of a stream.
pub(super) struct Played {
    pub(super) told: Vec<AgentEvent>,
    pub(super) steps: Vec<Step>,
    pub(super) outcome: Result<Answer, AgentError>,
}

impl Played {
    /// What was used in all.
    pub(super) fn spent(&self) -> Spend {
        let each = self.told.iter().filter_map(|event| match event {
            AgentEvent::Usage { spend, .. } => Some(*spend),
            _ => None,
        });
        each.fold(Spend::default(), Spend::plus)
    }

    /// The conversation, as it was told last.
    pub(super) fn session(&self) -> Option<Session> {
        self.told.iter().rev().find_map(|event| match event {
            AgentEvent::Usage { session, .. } => session.clone(),
            _ => None,
        })
    }

    pub(super) fn said(&self) -> &str {
        match &self.outcome {
            Ok(Answer::Said(text)) => text,
            other => panic!("it said nothing, but {other:?}"),
        }
    }

    fn count(&self, is_one: impl Fn(&AgentEvent) -> bool) -> usize {
        self.told.iter().filter(|event| is_one(event)).count()
    }
}

pub(super) fn invocation(home: &Path) -> Invocation {
    Invocation {
        workspace: "/w".into(),
        folder: "/runs/1/jobs/7".into(),
        home: home.to_owned(),
        turns: 100,
        at: AT,
        ..transcript::invocation(home)
    }
}

/// Plays a stream to a dialect's reader, as the driver would that does not end what it has had enough of.
pub(super) fn play(dialect: &dyn Dialect, invocation: &Invocation, stream: &str, exit: How, stderr: &str) -> Played {
    let (tell, told) = transcript::recorder();
    let mut reader = dialect.reader(invocation);
    let steps: Vec<Step> = stream.lines().map(|line| reader.line(line, &tell)).collect();
    let was_enough = exit == How::Stopped && steps.contains(&Step::Enough);
    let exit = Exit { how: exit, ms: 1_000, leaked: 0 };
    let outcome = reader.end(&End { exit: &exit, stderr, at: AT, was_enough }, &tell);
    let told = told.lock().unwrap().clone();
    Played { told, steps, outcome }
}

/// A transcript, where they are.
fn sample(name: &str) -> Option<String> {
    let file = transcript::samples()?.join(name);
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// How a transcript ends: its answer, or its error in the core's words.
enum Ending {
    Says(&'static str),
    Fails(AgentError),
    /// It fell over, with something of this in its tail.
    Falls(&'static str),
    NoSession,
}
use Ending::{Fails, Falls, NoSession, Says};

fn compare(name: &str, played: &Played, ending: &Ending, spent: [u64; 4], session: &str) {
    match (ending, &played.outcome) {
        (Says(words), Ok(Answer::Said(text))) => assert_eq!(text, words, "{name}"),
        (Fails(expected), Err(error)) => assert_eq!(error, expected, "{name}"),
        (Falls(words), Err(AgentError::Crashed { tail, .. })) => assert!(tail.contains(words), "{name}: {tail}"),
        (NoSession, Ok(Answer::NoSession)) => {}
        (_, outcome) => panic!("{name}: {outcome:?}"),
    }
    let [input, cached, output, micros] = spent;
    assert_eq!(played.spent(), Spend { micros, input, cached, output }, "{name}");
    assert_eq!(played.session().map(|session| session.id).unwrap_or_default(), session, "{name}");
    let started = played.count(|event| *event == AgentEvent::Started);
    let answered = played.count(|event| matches!(event, AgentEvent::Text(_) | AgentEvent::ToolCall { .. }));
    assert_eq!(started, usize::from(answered > 0), "{name}: it has started when the model has answered, once");
}

fn overloaded(said: &str) -> Ending {
    Fails(AgentError::Overloaded { said: said.to_owned() })
}

const WROTE: Ending = Says("Done: hello.txt has been created.");
const BASIC: [u64; 4] = [4_900, 900, 120, 16_995];
const NOTHING: [u64; 4] = [0; 4];

#[test]
fn every_transcript_of_claude_ends_as_it_ended() {
    let until = |seconds: u64| Timestamp(seconds * 1_000);
    let enough = "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment. If it persists, \
                  check your inference gateway (127.0.0.1:39701).";
    let cut = "API Error: Connection to the API was lost (StreamTruncated). This is usually temporary — try again.";
    let long = "API Error: Claude's response exceeded the 32000 output token maximum. To configure this behavior, set the \
                CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable.";
    let schema = "Failed to provide valid structured output after 5 attempts — last StructuredOutput error: Output does not match \
                  required schema: root: must have required property 'verdict', root: must have required property 'summary', root: must \
                  have required property 'findings', root: must NOT have additional pro…";
    let rejected = "API Error: Request rejected (429) · This request would exceed your rate limit";
    let limit = |seconds, said: &str| Fails(AgentError::UsageLimit { until: until(seconds), said: said.to_owned() });
    let unknown = AgentError::AuthRequired { said: "Invalid API key · Fix external API key".to_owned() };
    let unpaid = AgentError::PaymentRequired { said: "Credit balance is too low".to_owned() };
    let limited = AgentError::RateLimited { until: Timestamp(0), said: rejected.to_owned() };
    let json = Says(r#"{"verdict":"approve","summary":"looks fine","findings":[]}"#);
    for (name, code, ending, spent, session) in [
        ("auth", 1, Fails(unknown), NOTHING, "6ddf5da9-372a-4d25-9cfd-89b837724b15"),
        ("basic", 0, WROTE, BASIC, "3c33a9d8-cf6a-4b09-abf8-e60a4ee20cb5"),
        ("basic-older", 0, WROTE, BASIC, "768053f2-fc02-468d-aa9e-fc3bc627425b"),
        ("denied", 0, WROTE, BASIC, "854ef85e-7d22-4964-ba77-88bdb0b299d3"),
        (
            "max-tokens",
            1,
            Fails(AgentError::BadOutput { what: long.to_owned() }),
            [400, 0, 80, 2_400],
            "50aa3a8d-2f05-405c-97c0-0cf287303e5e",
        ),
        ("max-turns", 1, Fails(AgentError::MaxTurns), [200, 0, 40, 1_200], "e3224434-056e-4e5a-a961-14fd64c10902"),
        ("mcp", 0, Says("mcp done"), [300, 0, 60, 1_800], "2f22722f-65c4-4d87-8bca-d0b900ec57f6"),
        ("no-credit", 1, Fails(unpaid), NOTHING, "167eb5cf-cca5-4334-8286-83ac3450c960"),
        ("overloaded", 1, overloaded(enough), NOTHING, "57f5d562-32d6-4114-a33a-5f266c003a79"),
        ("partial", 0, Says("Just text."), [100, 0, 20, 600], "64f0ba47-427e-499c-a887-c7f943c8fdf2"),
        ("rate-limit-exhausted", 1, Fails(limited), NOTHING, "c660b004-5ee3-4797-9d9b-8bf9101c032f"),
        ("rate-limit-recovered", 0, Says("recovered"), [100, 0, 20, 600], "ecbac97c-64fa-4378-af76-402652221be6"),
        ("refusal", 1, Fails(AgentError::Refused), [200, 0, 40, 1_200], "32d29b75-40c3-4e5c-aaaa-352a9f4232c5"),
        ("resume", 0, Says("Just text."), [100, 0, 20, 600], "22222222-1111-4111-8111-111111111111"),
        (
            "schema-exhausted",
            1,
            Fails(AgentError::BadOutput { what: schema.to_owned() }),
            [500, 0, 100, 3_000],
            "ae54acc6-1fec-4119-9836-b5a849d2df58",
        ),
        ("schema-ignored", 0, Says("not json"), [200, 0, 40, 1_200], "9df8454b-8f86-41e7-b76d-3acdffe9e719"),
        ("schema-ok", 0, json, [100, 0, 20, 600], "dc79e90e-7c45-4808-b4e5-f638eea358f1"),
        ("sigint", 0, Falls("ede_diagnostic"), [100, 0, 20, 600], "00000002-1111-4111-8111-111111111111"),
        ("stream-cut", 1, overloaded(cut), [200, 0, 10, 750], "ecc9340f-ff57-4930-a679-5ba351e23cf9"),
        (
            "subagent-two-results",
            0,
            Says("task done"),
            [5_200, 900, 180, 18_795],
            "c418f233-3805-4dce-bd99-a9c99e2a843d",
        ),
        ("unknown-session", 1, NoSession, NOTHING, ""),
        (
            "usage-limit-older",
            1,
            limit(1_795_216_673, "You've hit your session limit · resets 11:17pm (UTC)"),
            NOTHING,
            "81a776ee-3319-4354-a75e-b618856b0726",
        ),
        (
            "usage-limit",
            1,
            limit(1_795_224_145, "You've hit your 5-hour limit · resets 1:22am (UTC)"),
            NOTHING,
            "0cdba347-e345-4165-b841-4b14659bef8b",
        ),
    ] {
        let Some(stream) = sample(&format!("claude-{name}.jsonl")) else {
            return;
        };
        let mut invocation = invocation(Path::new("/home/u"));
        invocation.schema = name.starts_with("schema").then_some("{}");
        if let "resume" | "unknown-session" = name {
            let reported = Spend { micros: 600, input: 100, cached: 0, output: 20 };
            invocation.session = Some(Session { id: "22222222-1111-4111-8111-111111111111".to_owned(), reported });
        }
        let played = play(&Claude, &invocation, &stream, How::Code(code), "");
        compare(name, &played, &ending, spent, session);
    }
}

#[test]
fn what_claude_did_is_told_once_and_only_the_main_agents_words() {
    let Some(stream) = sample("claude-subagent-two-results.jsonl") else {
        return;
    };
    let invocation = invocation(Path::new("/home/u"));
    let played = play(&Claude, &invocation, &stream, How::Code(0), "");
    let texts = |played: &Played| {
        let words = |event: &AgentEvent| match event {
            AgentEvent::Text(words) => Some(words.clone()),
            _ => None,
        };
        played.told.iter().filter_map(words).collect::<Vec<_>>()
    };
    assert_eq!(texts(&played), ["task done", "task done"]);
    let Some(stream) = sample("claude-denied.jsonl") else {
        return;
    };
    let played = play(&Claude, &invocation, &stream, How::Code(0), "");
    let denied = "Write: Claude requested permissions to write to /w/hello.txt, but you haven't granted it yet.";
    assert_eq!(played.count(|event| matches!(event, AgentEvent::Denied(_))), 1);
    assert!(played.told.contains(&AgentEvent::Denied(denied.to_owned())));
    let id = "toolu_d4e7eb192121436580b4".to_owned();
    assert!(played.told.contains(&AgentEvent::ToolResult { id, is_success: false }));
    let Some(stream) = sample("claude-partial.jsonl") else {
        return;
    };
    assert_eq!(texts(&play(&Claude, &invocation, &stream, How::Code(0), "")), ["Just text."]);
}

#[test]
fn claude_with_a_wrong_key_is_ended_at_its_first_retry() {
    let Some(stream) = sample("claude-auth.jsonl") else {
        return;
    };
    let stream: Vec<&str> = stream.lines().take(2).collect();
    let played = play(&Claude, &invocation(Path::new("/home/u")), &stream.join("\n"), How::Stopped, "");
    assert_eq!(played.steps, [Step::Progress, Step::Enough]);
    assert!(matches!(played.outcome, Err(AgentError::AuthRequired { .. })), "{:?}", played.outcome);
    assert_eq!(played.count(|event| *event == AgentEvent::Started), 0);
}

#[test]
fn retries_of_claude_are_no_progress() {
    for name in ["claude-overloaded.jsonl", "claude-rate-limit-exhausted.jsonl"] {
        let Some(stream) = sample(name) else {
            return;
        };
        let played = play(&Claude, &invocation(Path::new("/home/u")), &stream, How::Code(1), "");
        assert_eq!(played.steps[1..11], [Step::Alive; 10], "{name}");
    }
}

#[test]
fn every_transcript_of_codex_ends_as_it_ended() {
    let cut = "stream disconnected before completion: stream closed before response.completed";
    let unknown =
        "unexpected status 401 Unauthorized: Incorrect API key provided, url: http://127.0.0.1:35263/v1/responses";
    let limit = "You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again at Nov \
                 21st, 2026 12:22 AM.";
    // A minute after 00:22 of the 21st, an hour to the east.
    let until = Timestamp(1_795_216_980_000);
    let basic = [3_700, 900, 120, 0];
    for (name, code, ending, spent, session) in [
        (
            "auth",
            1,
            Fails(AgentError::AuthRequired { said: unknown.to_owned() }),
            NOTHING,
            "01a1fb48-4bfd-7de1-8871-d5bc3e261178",
        ),
        ("basic", 0, WROTE, basic, "01a1fb48-aa24-7a70-a26b-ed256b209fef"),
        ("mcp-approved", 0, Says("mcp done"), [200, 0, 40, 0], "01a1fb4b-a041-7c10-9dcb-0393170eda54"),
        ("mcp-denied", 0, Says("mcp done"), [200, 0, 40, 0], "01a1fb4b-8c26-73c3-b6b8-3f9b0d073570"),
        ("rate-limit-recovered", 0, Says("recovered"), [100, 0, 20, 0], "01a1fb48-21da-7e21-9a19-4639e1f44cc0"),
        ("read-only-denied", 0, WROTE, basic, "01a1fb48-b0ce-7390-ad7d-cfcb800a2316"),
        ("resume", 0, Says("Just text."), [100, 0, 20, 0], "01a1fb4e-0622-7150-8a31-50ff9f27a6ae"),
        ("sigint", 1, Falls(""), NOTHING, "01a1fb4c-208c-7ce3-ba32-94f5ce27bb51"),
        ("stream-cut", 1, overloaded(cut), NOTHING, "01a1fb45-7866-7c12-bac9-67d9e8f9bcd6"),
        (
            "usage-limit",
            1,
            Fails(AgentError::UsageLimit { until, said: limit.to_owned() }),
            NOTHING,
            "01a1fb48-34f6-7643-8620-669382f6d57f",
        ),
    ] {
        let Some(stream) = sample(&format!("codex-{name}.jsonl")) else {
            return;
        };
        let mut invocation = invocation(Path::new("/home/u"));
        if name == "resume" {
            let reported = Spend { micros: 0, input: 100, cached: 0, output: 20 };
            invocation.session = Some(Session { id: session.to_owned(), reported });
        }
        let codex = Codex::new(TimeZone::fixed(jiff::tz::offset(1)));
        let played = play(&codex, &invocation, &stream, How::Code(code), "");
        compare(name, &played, &ending, spent, session);
    }
}

#[test]
fn what_codex_could_not_do_is_told() {
    let Some(stream) = sample("codex-mcp-denied.jsonl") else {
        return;
    };
    let codex = Codex::new(TimeZone::UTC);
    let invocation = invocation(Path::new("/home/u"));
    let played = play(&codex, &invocation, &stream, How::Code(0), "");
    let denied = "mcp__tiny__add_note: MCP tool call requires approval, but approval policy is never";
    assert!(played.told.contains(&AgentEvent::Denied(denied.to_owned())), "{:?}", played.told);
    let Some(stream) = sample("codex-read-only-denied.jsonl") else {
        return;
    };
    let rejected = "ERROR codex_core::tools: patch rejected: writing is blocked by read-only sandbox";
    let played = play(&codex, &invocation, &stream, How::Code(0), &format!("WARNING: x\n{rejected}\n"));
    assert!(played.told.contains(&AgentEvent::Denied(rejected.to_owned())), "{:?}", played.told);
    assert_eq!(played.said(), "Done: hello.txt has been created.", "a claim, which the tree does not bear out");
}
