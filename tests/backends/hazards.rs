//! What makes naive drivers of agents' command lines fail, done by the real ones under our backends, in the sandbox.
//!
//! Each case is a fact of how they end, retry, hang, leave things behind or count; the transcripts' golden tests have the rest.

use super::{
    clis::{CLAUDE, CODEX, Cli, GEMINI, OPENCODE},
    model::{Asked, Fault, Reply, Server, steps},
    space,
    walk::environment,
};
use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tidegate::{
    agent::{
        AgentError, AgentEvent, AgentReport, Backend, CommandLine, Invocation, Session, Sink, WritePolicy, dialect,
    },
    plan::Role,
    process::{Confines, Limits, Line, Sandbox, Tier, Wardens, toolchains},
    run::{Spend, Timestamp},
};
use tokio_util::sync::CancellationToken;

const ALL: [Cli; 4] = [CLAUDE, CODEX, GEMINI, OPENCODE];

/// A bed for one command line: folders of its own, wardens, the sandbox.
struct Bed {
    cli: Cli,
    program: PathBuf,
    scratch: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    wardens: Arc<Wardens>,
    is_confined: bool,
    /// Calls so far, each with a folder of its own.
    calls: Cell<u32>,
}

/// What came of one run.
struct Ran {
    answer: Result<AgentReport, AgentError>,
    events: Vec<AgentEvent>,
}

impl Ran {
    fn spend(&self) -> Spend {
        let each = self.events.iter().filter_map(|event| match event {
            AgentEvent::Usage { spend, .. } => Some(*spend),
            _ => None,
        });
        each.fold(Spend::default(), Spend::plus)
    }

    fn session(&self) -> Option<Session> {
        self.events.iter().rev().find_map(|event| match event {
            AgentEvent::Usage { session, .. } => session.clone(),
            _ => None,
        })
    }

    #[track_caller]
    fn fails(&self, is_it: impl Fn(&AgentError) -> bool) {
        assert!(matches!(&self.answer, Err(error) if is_it(error)), "{:?}", self.answer);
    }
}

impl Bed {
    fn of(cli: Cli) -> Option<Bed> {
        let program = cli.find()?;
        let scratch = tempfile::Builder::new().prefix("tidegate-bed-").tempdir().expect("a scratch folder");
        for name in ["work", "home"] {
            fs::create_dir(scratch.path().join(name)).expect("a folder");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let is_confined = space::tier() == "bubblewrap";
        let wardens = runtime.block_on(async {
            let tier = if is_confined { Tier::Bubblewrap } else { Tier::None };
            let path = vec![("PATH".into(), std::env::var_os("PATH").unwrap_or_default())];
            let sandbox = Sandbox::probe(tier, &path).await.expect("a sandbox");
            Wardens::new(env!("CARGO_BIN_EXE_tidegate").into(), 1).expect("wardens").confined_by(sandbox)
        });
        Some(Bed { cli, program, scratch, runtime, wardens: Arc::new(wardens), is_confined, calls: Cell::new(0) })
    }

    fn invocation(&self) -> Invocation {
        let place = |name: &str| self.scratch.path().join(name);
        self.calls.set(self.calls.get() + 1);
        let folder = place(&format!("call-{}", self.calls.get()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let env = vec![("PATH".into(), path), ("LANG".into(), "C.UTF-8".into())];
        let confines = Confines {
            writable: vec![place("work"), place("home")],
            readable: toolchains(&place("nobody"), &env),
            hidden: Vec::new(),
            has_network: true,
        };
        let is_gemini = self.cli == GEMINI;
        Invocation {
            role: Role::Implementation,
            definition: None,
            script: None,
            // Else it asks a model which model to ask.
            model: is_gemini.then(|| "gemini-2.5-pro".to_owned()),
            prompt: "Do what you are to do.".into(),
            again: "Go on.".into(),
            cassette: String::new(),
            workspace: place("work"),
            env,
            folder,
            home: place("home"),
            writes: WritePolicy::Workspace,
            limits: Limits {
                total: Duration::from_secs(240),
                idle: Some(Duration::from_secs(120)),
                grace: Duration::from_secs(2),
                output_bytes: 64 << 20,
            },
            turns: 40,
            confines: self.is_confined.then_some(confines),
            session: None,
            schema: None,
            servers: Vec::new(),
            at: Timestamp(now() * 1000),
        }
    }

    fn run(&self, server: &Server, invocation: Invocation) -> Ran {
        self.run_until(server, invocation, CancellationToken::new())
    }

    fn run_until(&self, server: &Server, invocation: Invocation, stop: CancellationToken) -> Ran {
        let dialect = dialect(self.cli.name, &jiff::tz::TimeZone::system()).expect("a dialect");
        let env = environment(self.cli, server).into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let line = CommandLine::new(dialect, self.program.clone(), env, None, Arc::<Wardens>::clone(&self.wardens));
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&events);
        let sink: Sink = Arc::new(move |event| told.lock().expect("nobody panicked").push(event));
        let answer = self.runtime.block_on(line.run(invocation, sink, Line { stop, ..Line::default() }));
        let events = events.lock().expect("nobody panicked").clone();
        Ran { answer, events }
    }

    /// A run against a model that always answers this, and how often it was asked.
    fn told(&self, reply: Reply) -> (Ran, usize) {
        let server = Server::start(steps([reply]));
        let ran = self.run(&server, self.invocation());
        let asked = server.asked().len();
        (ran, asked)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.runtime.block_on(self.wardens.shutdown());
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn each(cli: Cli, case: impl Fn(&Bed)) {
    if let Some(bed) = Bed::of(cli) {
        case(&bed);
    }
}

/// Every failure of a provider, on a bed of its own, as the core knows it; and how often it was asked at the most.
fn failures(cli: Cli) {
    type Is = fn(&AgentError) -> bool;
    let overloaded: Is = |error| matches!(error, AgentError::Overloaded { .. });
    let limited: Is = |error| matches!(error, AgentError::RateLimited { .. });
    let login: Is = |error| matches!(error, AgentError::AuthRequired { .. });
    let payment: Is = |error| matches!(error, AgentError::PaymentRequired { .. });
    let configured: Is = |error| matches!(error, AgentError::Misconfigured { .. });
    let cases: [(Reply, Is); 8] = [
        (Reply::fail(Fault::RateLimited { retry_after: Some(1) }), limited),
        (Reply::fail(Fault::Overloaded), overloaded),
        (Reply::fail(Fault::Internal), overloaded),
        (Reply::fail(Fault::Unauthorized), login),
        (Reply::fail(Fault::Forbidden), login),
        (Reply::fail(Fault::NoCredit), payment),
        (Reply::fail(Fault::UnknownModel), configured),
        (Reply::cut("half of it"), overloaded),
    ];
    for (reply, is_it) in cases {
        let Some(bed) = Bed::of(cli) else { return };
        let said = format!("{} told {reply:?}", cli.name);
        // Gemini's provider has no word for it: it forbids.
        let is_it = if cli == GEMINI && said.contains("NoCredit") { login } else { is_it };
        // A cut stream is asked for once more as a whole, and that is answered.
        if cli == CLAUDE && said.contains("Cut") {
            continue;
        }
        // It retries these for 80 seconds each, which no setting turns down; its transcripts have them.
        if cli == OPENCODE && ["Overloaded", "NoCredit"].iter().any(|fault| said.contains(fault)) {
            continue;
        }
        let (ran, asked) = bed.told(reply);
        assert!(matches!(&ran.answer, Err(error) if is_it(error)), "{said}: {:?}", ran.answer);
        assert!(asked <= 10, "{said}: asked {asked} times, its retries are not turned down");
    }
}

#[test]
fn claude_s_failures_are_known_and_its_retries_turned_down() {
    failures(CLAUDE);
}

#[test]
fn codex_s_failures_are_known_and_its_retries_turned_down() {
    failures(CODEX);
}

#[test]
fn gemini_s_failures_are_known_and_its_retries_turned_down() {
    failures(GEMINI);
}

#[test]
fn opencode_s_failures_are_known_though_it_retries_by_itself() {
    failures(OPENCODE);
}

#[test]
fn a_usage_limit_is_waited_for_until_the_stated_time() {
    let resets_at = now() + 3 * 3600;
    each(CLAUDE, |bed| {
        let (ran, _) = bed.told(Reply::fail(Fault::UsageLimit { resets_at }));
        ran.fails(|error| matches!(error, AgentError::UsageLimit { until, .. } if until.0 == resets_at * 1000));
    });
    each(CODEX, |bed| {
        let (ran, _) = bed.told(Reply::fail(Fault::UsageLimit { resets_at }));
        let minutes = resets_at * 1000..=(resets_at + 120) * 1000;
        ran.fails(|error| matches!(error, AgentError::UsageLimit { until, .. } if minutes.contains(&until.0)));
    });
}

#[test]
fn what_no_retry_cures_is_told_from_what_one_does() {
    each(CLAUDE, |bed| {
        bed.told(Reply::fail(Fault::TooLong)).0.fails(|error| *error == AgentError::ContextOverflow);
        bed.told(Reply::refuse()).0.fails(|error| *error == AgentError::Refused);
        bed.told(Reply::max_tokens("half")).0.fails(|error| matches!(error, AgentError::BadOutput { .. }));
    });
    each(OPENCODE, |bed| {
        bed.told(Reply::refuse()).0.fails(|error| *error == AgentError::Refused);
        bed.told(Reply::max_tokens("half")).0.fails(|error| matches!(error, AgentError::BadOutput { .. }));
    });
}

#[test]
fn a_command_line_that_loops_for_ever_on_a_cut_stream_is_ended() {
    each(OPENCODE, |bed| {
        let (ran, asked) = bed.told(Reply::without_finish("half of it"));
        ran.fails(|error| matches!(error, AgentError::Overloaded { .. }));
        assert!(asked < 10, "it asked {asked} times");
    });
}

#[test]
fn silence_ends_it() {
    for cli in [CLAUDE, CODEX] {
        each(cli, |bed| {
            let server = Server::start(steps([Reply::hang()]));
            let mut invocation = bed.invocation();
            invocation.limits.idle = Some(Duration::from_secs(4));
            bed.run(&server, invocation).fails(|error| *error == AgentError::Idle);
        });
    }
}

#[test]
fn turns_are_limited_by_it_or_by_us() {
    for cli in ALL {
        each(cli, |bed| {
            let server = Server::start(|_: &Asked| Reply::shell("true"));
            let invocation = Invocation { turns: 3, ..bed.invocation() };
            let ran = bed.run(&server, invocation);
            assert_eq!(ran.answer, Err(AgentError::MaxTurns), "{}", cli.name);
            assert!(server.asked().len() <= 8, "{}: {} requests", cli.name, server.asked().len());
        });
    }
}

/// Processes whose command line has this in it.
fn alive(mark: &str) -> Vec<String> {
    let pids = fs::read_dir("/proc").expect("proc").flatten();
    let lines = pids.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let texts = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    texts.filter(|text| text.contains(mark)).collect()
}

#[test]
fn what_it_puts_into_the_background_is_ended_with_it() {
    for (cli, seconds) in ALL.into_iter().zip(31_311..) {
        each(cli, |bed| {
            let command = format!(
                "(setsid sleep {seconds} >/dev/null 2>&1 &)\n(nohup sleep {seconds} >/dev/null 2>&1 &)\necho begun"
            );
            let server = Server::start(steps([Reply::shell(command), Reply::say("done")]));
            let ran = bed.run(&server, bed.invocation());
            assert!(ran.answer.is_ok(), "{}: {:?}", cli.name, ran.answer);
            assert_eq!(alive(&format!("sleep {seconds}")), Vec::<String>::new(), "{}", cli.name);
        });
    }
}

#[test]
fn a_stop_ends_it_and_its_commands_whatever_signals_it_ignores() {
    for (cli, seconds) in ALL.into_iter().zip(32_311..) {
        each(cli, |bed| {
            let stop = CancellationToken::new();
            let token = stop.clone();
            let server = Server::start(move |asked: &Asked| match asked.results.len() {
                0 => Reply::shell("echo begun"),
                1 => Reply::shell(format!("sleep {seconds}")),
                _ => Reply::say("it went on"),
            });
            // Asked a second time, it is told to sleep: whether it does so before it is stopped is all the same.
            let ran = std::thread::scope(|scope| {
                scope.spawn(|| {
                    server.wait_for(2);
                    token.cancel();
                });
                bed.run_until(&server, bed.invocation(), stop)
            });
            assert_eq!(ran.answer, Err(AgentError::Stopped), "{}", cli.name);
            assert_eq!(alive(&format!("sleep {seconds}")), Vec::<String>::new(), "{}", cli.name);
        });
    }
}

#[test]
fn a_conversation_is_gone_on_with_and_what_it_used_is_counted_once() {
    for cli in ALL {
        each(cli, |bed| {
            let server = Server::start(|asked: &Asked| match asked.has_heard("Go on.") {
                false => Reply::say("first"),
                true => Reply::say(if asked.has_heard("Do what you are to do.") { "knew" } else { "knew nothing" }),
            });
            let first = bed.run(&server, bed.invocation());
            let session = first.session();
            assert!(session.is_some(), "{}: {:?}", cli.name, first.answer);
            let second = bed.run(&server, Invocation { session, ..bed.invocation() });
            assert_eq!(second.answer.as_ref().map(|report| report.text.trim()), Ok("knew"), "{}", cli.name);
            let (sum, used) = (first.spend().plus(second.spend()), server.usage());
            assert_eq!(
                (sum.input, sum.cached, sum.output),
                (used.input + used.written, used.cached, used.output),
                "{}",
                cli.name
            );
        });
    }
}

#[test]
fn a_conversation_that_is_gone_is_begun_anew_with_all_that_there_is_to_know() {
    for (cli, id) in ALL.into_iter().zip([
        "4c33a9d8-1111-4222-8333-444455556666",
        "01a1fb48-aa24-7a70-a26b-ed256b209fef",
        "5c33a9d8-1111-4222-8333-444455556666",
        "ses_e04b59369ffe5mL7YJ2rMbG6JW",
    ]) {
        each(cli, |bed| {
            let server = Server::start(|asked: &Asked| {
                Reply::say(if asked.has_heard("Do what you are to do.") { "told" } else { "told nothing" })
            });
            // It has been at work here: what is missing is this conversation.
            bed.run(&server, bed.invocation());
            let session = Some(Session { id: id.to_owned(), reported: Spend::default() });
            let ran = bed.run(&server, Invocation { session, ..bed.invocation() });
            assert_eq!(ran.answer.as_ref().map(|report| report.text.trim()), Ok("told"), "{}", cli.name);
        });
    }
}

#[test]
fn a_schema_that_is_answered_with_prose_is_told_as_it_is_and_one_that_is_met_as_json() {
    let schema = r#"{"type":"object","additionalProperties":false,"required":["verdict"],"properties":{"verdict":{"type":"string"}}}"#;
    for cli in ALL {
        each(cli, |bed| {
            let server = Server::start(steps([Reply::say("Looks fine to me.")]));
            let ran = bed.run(&server, Invocation { schema: Some(schema), ..bed.invocation() });
            assert_eq!(ran.answer.map(|report| report.text), Ok("Looks fine to me.".to_owned()), "{}", cli.name);
            drop(server);
            let server = Server::start(steps([Reply::structured(serde_json::json!({"verdict": "approve"}))]));
            let ran = bed.run(&server, Invocation { schema: Some(schema), ..bed.invocation() });
            let text = ran.answer.expect("an answer").text;
            let value: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", cli.name));
            assert_eq!(value["verdict"], "approve");
        });
    }
}
