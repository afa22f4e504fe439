//! A topic of two tasks through the whole house with each real command line: breakdown to merged branch, in the sandbox.

use super::{
    clis::{self, CLAUDE, CLAUDE_ACP, CODEX, Cli, GEMINI, OPENCODE},
    model::{Asked, Fault, Reply, Server},
    space::Space,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

const BREAKDOWN: &str = "\
# Numbers

### Stream A: Numbers

1. **One more**

   - Objective: `toy::more(n)` is one more than n
   - Test Requirements: more(1) is 2
   - Dependencies: None
   - Files: src/lib.rs, tests/more.rs

2. **One less**

   - Objective: `toy::less(n)` is one less than n
   - Test Requirements: less(2) is 1
   - Dependencies: Task 1 complete
   - Files: src/lib.rs, tests/less.rs

### Quality Gates

- **Gate 1**: All tests pass (after Stream A)
";

/// How a command line is told to use the scripted models.
struct Kind {
    cli: Cli,
    backend: &'static str,
    /// How many answers of 429 it takes until it gives up, and we wait.
    refusals: usize,
    env: fn(&Server) -> Vec<(&'static str, String)>,
    config: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind {
        cli: CLAUDE,
        backend: "claude",
        refusals: 3,
        env: |server| {
            vec![("ANTHROPIC_BASE_URL", server.url()), ("CLAUDE_CODE_OAUTH_TOKEN", "dummy-token-for-claude".into())]
        },
        config: "",
    },
    Kind {
        cli: CODEX,
        backend: "codex",
        refusals: 1,
        env: |server| vec![("OPENAI_BASE_URL", server.url_v1()), ("OPENAI_API_KEY", "dummy-key-for-codex".into())],
        config: "",
    },
    Kind {
        cli: GEMINI,
        backend: "gemini",
        refusals: 2,
        env: |server| vec![("GOOGLE_GEMINI_BASE_URL", server.url()), ("GEMINI_API_KEY", "dummy-key-for-gemini".into())],
        // Else it asks a model which model to ask.
        config: "[agents.test-developer]\nmodel = \"gemini-2.5-pro\"\n[agents.implementation]\nmodel = \"gemini-2.5-pro\"\n\
                 [agents.reviewer]\nmodel = \"gemini-2.5-pro\"\n",
    },
    Kind {
        cli: OPENCODE,
        backend: "opencode",
        refusals: 7,
        // It asks npm's registry for what nothing here needs, and goes on without: nobody listens there.
        env: |server| vec![("OPENCODE_CONFIG_CONTENT", opencode(server)), ("HTTPS_PROXY", "http://127.0.0.1:9".into())],
        config: "",
    },
    Kind {
        cli: CLAUDE_ACP,
        backend: "acp",
        refusals: 3,
        env: |server| {
            vec![
                ("ANTHROPIC_BASE_URL", server.url()),
                ("ANTHROPIC_API_KEY", "dummy-key-for-claude".into()),
                ("CLAUDE_CODE_MAX_RETRIES", "2".into()),
            ]
        },
        config: "env = [\"ANTHROPIC_BASE_URL\", \"ANTHROPIC_API_KEY\", \"CLAUDE_CODE_MAX_RETRIES\"]\n[backends]\nacp = [\"claude-agent-acp\"]\n",
    },
];

/// What of the environment leads a command line to the scripted models.
pub fn environment(cli: Cli, server: &Server) -> Vec<(&'static str, String)> {
    let kind = KINDS.iter().find(|kind| kind.cli == cli).expect("a known command line");
    (kind.env)(server)
}

/// What names a command line in `tidegate.toml`, from `[agents]` on.
pub fn configuration(cli: Cli) -> String {
    let kind = KINDS.iter().find(|kind| kind.cli == cli).expect("a known command line");
    format!("[agents]\nbackend = \"{}\"\n{}", kind.backend, kind.config)
}

fn opencode(server: &Server) -> String {
    let cost = json!({"input": 3, "output": 15, "cache_read": 0.3});
    let model =
        json!({"name": "Fake", "tool_call": true, "cost": cost, "limit": {"context": 200_000, "output": 8_000}});
    json!({
        "model": "fake/fake-model", "small_model": "fake/fake-small",
        "provider": {"fake": {
            "npm": "@ai-sdk/openai-compatible", "name": "Fake",
            "options": {"baseURL": server.url_v1(), "apiKey": "dummy-key-for-opencode"},
            "models": {"fake-model": model, "fake-small": {"name": "Small"}},
        }},
    })
    .to_string()
}

/// What happened, as the models saw it.
#[derive(Default)]
struct Seen {
    /// How often each agent was asked for the first time of a conversation's turn.
    calls: BTreeMap<String, usize>,
    refused: usize,
    limited: usize,
    /// What the agent found when it looked where it may not.
    escape: String,
    /// The second try of the first task's code knew the first one.
    was_resumed: bool,
}

/// Which agent asks: `2 implementation`, or `1 reviewer`.
pub fn who(asked: &Asked) -> String {
    let last = |mark: &str, is_part: fn(char) -> bool| {
        let text = asked.texts.iter().rev().find_map(|text| text.split_once(mark)).unwrap_or_default().1;
        text.split(|c: char| !is_part(c)).next().unwrap_or_default().to_owned()
    };
    let task = last("# Task ", char::is_alphanumeric);
    let role = last("Your role: ", |c| c.is_alphanumeric() || c == '-');
    format!("{task} {role}")
}

fn write(path: &str, text: &str) -> String {
    format!("mkdir -p tests && cat > {path} <<'END'\n{text}END\n")
}

fn test_of(name: &str, from: u32, to: u32) -> String {
    write(
        &format!("tests/{name}.rs"),
        &format!("#[test]\nfn {name}_is_right() {{\n    assert_eq!(toy::{name}({from}), {to});\n}}\n"),
    )
}

fn code_of(name: &str, body: &str) -> String {
    format!(
        "grep -q 'fn {name}' src/lib.rs || printf '\\n/// What its name says.\\npub fn {name}(n: u32) -> u32 {{\\n    n\\n}}\\n' >> src/lib.rs\n\
         sed -i '/fn {name}(/,/^}}/ s/^    .*/    {body}/' src/lib.rs\n"
    )
}

pub fn approve() -> Reply {
    Reply::structured(json!({"verdict": "approve", "findings": [], "grants": []}))
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// What the models say to whom.
fn script(seen: &Mutex<Seen>, asked: &Asked, refusals: usize, look: &str) -> Reply {
    let mut seen = seen.lock().expect("nobody panicked");
    let who = who(asked);
    let turn = asked.results.len();
    if turn == 0 {
        *seen.calls.entry(who.clone()).or_default() += 1;
    }
    match (&*who, turn) {
        ("1 reviewer", 0) if seen.refused < refusals => {
            seen.refused += 1;
            Reply::fail(Fault::RateLimited { retry_after: Some(1) })
        }
        ("2 test-developer", 0) if seen.limited == 0 => {
            seen.limited += 1;
            Reply::fail(Fault::UsageLimit { resets_at: now() + 3 })
        }
        ("1 test-developer", 0) => Reply::shell(test_of("more", 1, 2)),
        ("2 test-developer", 0) => Reply::shell(test_of("less", 2, 1)),
        ("1 implementation", 0) if asked.prompt().starts_with("# Task 1 again") => {
            seen.was_resumed |= asked.has_heard("Your role: implementation.");
            Reply::shell(code_of("more", "n + 1"))
        }
        ("1 implementation", 0) => Reply::shell(code_of("more", "n + 2")),
        ("2 implementation", 0) => Reply::shell(look.to_owned()),
        ("2 implementation", 1) => {
            seen.escape = asked.results.join("\n");
            Reply::shell(code_of("less", "n - 1"))
        }
        ("1 implementation", _) => Reply::say("`toy::more` is built: one more than n."),
        (_, _) if who.ends_with("reviewer") => approve(),
        _ => Reply::say("Done: see the tree."),
    }
}

/// A repository whose agents are this command line, and `None` where that is not here.
fn space(kind: &Kind) -> Option<Space> {
    kind.cli.find()?;
    let space = Space::crate_named("toy");
    let manifest = format!("{}\n[lib]\ndoctest = false\n", space.read("Cargo.toml"));
    space.write("Cargo.toml", &manifest);
    space.write(
        "tidegate.toml",
        &format!(
            "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n[review]\nreviewers = [\"qa-reviewer\"]\n[agents]\nbackend = \"{}\"\n{}",
            kind.backend, kind.config
        ),
    );
    space.commit("Configure");
    space.topic("numbers", BREAKDOWN);
    Some(space)
}

fn tidegate(space: &Space, kind: &Kind, server: &Server, args: &[&str]) -> Command {
    let mut command = space.tidegate(args);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [clis::folder()].into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path).expect("a path")).envs((kind.env)(server));
    command
}

fn status(space: &Space) -> Value {
    let said = space.run(&["status", "numbers", "--json"]).exits(0);
    serde_json::from_str(&said.out).expect("one JSON value")
}

fn walk(kind: &Kind) {
    let Some(space) = space(kind) else { return };
    let seen = Arc::new(Mutex::new(Seen::default()));
    fs::write(space.beside("home/secret"), "the-user's-secret").expect("a file");
    let look = format!(
        "cat {home}/secret; ls {home}; cat {repo}/.git/config; cat {repo}/README.md; ls {state}/tidegate/*/workspaces; true",
        home = space.beside("home").display(),
        repo = space.repo().display(),
        state = space.beside("state").display(),
    );
    let server = {
        let (seen, refusals) = (Arc::clone(&seen), kind.refusals);
        Server::start(move |asked| script(&seen, asked, refusals, &look))
    };
    let output = tidegate(&space, kind, &server, &["execute", "numbers", "--plain"]).output().expect("it runs");
    let said = super::space::said(&output).exits(0);
    assert_eq!(space.landed("numbers"), ["One more", "One less"], "{}", said.all());
    let code = space.on("tidegate/numbers/integration", "src/lib.rs");
    assert!(code.contains("n + 1") && code.contains("n - 1"), "{code}");

    let seen = seen.lock().expect("nobody panicked");
    assert_eq!(seen.calls["1 implementation"], 2, "one try was sent back by a failing check");
    assert!(seen.was_resumed, "the second try is in the conversation of the first");
    assert_eq!((seen.refused, seen.limited), (kind.refusals, 1), "both limits were waited out");
    assert!(!seen.escape.contains("secret\n") && !seen.escape.contains("the-user's-secret"), "{}", seen.escape);
    assert!(!seen.escape.contains("[core]") && !seen.escape.contains("a scratch"), "{}", seen.escape);
    let own = seen.escape.lines().filter(|line| line.starts_with("agent-") || line.starts_with("gate-")).count();
    assert!(own <= 1, "other workspaces can be seen: {}", seen.escape);

    let told = status(&space)["usage"]["total"].clone();
    let used = server.usage();
    let number = |name: &str| told[name].as_u64().unwrap_or_default();
    assert_eq!(
        (number("input"), number("cached"), number("output")),
        (used.input + used.written, used.cached, used.output),
        "what was used is told to the token: {told}"
    );
    let report = space.report("numbers");
    assert!(report.contains(&format!("{} tokens in", number("input"))), "{report}");
    for secret in (kind.env)(&server).iter().filter(|(name, _)| name.contains("KEY") || name.contains("TOKEN")) {
        let logs = space.run(&["logs", "numbers", "1", "--raw"]).exits(0);
        assert!(!logs.out.contains(&secret.1), "{} is in the logs", secret.0);
    }
}

/// The processes that belong to agents of this repository: pid and start time.
fn agents_of(space: &Space) -> Vec<(u32, String)> {
    let mark = space.beside("state").display().to_string();
    let pids =
        fs::read_dir("/proc").expect("proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let start = stat.rsplit(')').next()?.split_whitespace().nth(19)?.to_owned();
        cwd.starts_with(&mark).then_some((pid, start))
    })
    .collect()
}

fn killed(kind: &Kind) {
    let Some(space) = space(kind) else { return };
    let seen = Arc::new(Mutex::new((Vec::<(u32, String)>::new(), false, false)));
    let server = {
        let (seen, place) = (Arc::clone(&seen), space.beside("state"));
        let _ = place;
        Server::start(move |asked| {
            let who = who(asked);
            let mut seen = seen.lock().expect("nobody panicked");
            match (&*who, asked.results.len()) {
                ("1 test-developer", 0) => Reply::shell(test_of("more", 1, 2)),
                ("1 implementation", 0) if !seen.1 => {
                    Reply::shell(format!("echo begun > begun.txt; {}", code_of("more", "n + 1")))
                }
                ("1 implementation", 1) if !seen.1 => {
                    seen.1 = true;
                    Reply::hang()
                }
                ("1 implementation", 0) => {
                    seen.2 =
                        asked.has_heard("Your role: implementation.") && asked.prompt().starts_with("# Task 1 again");
                    Reply::shell("cat begun.txt && rm begun.txt")
                }
                ("2 test-developer", 0) => Reply::shell(test_of("less", 2, 1)),
                ("2 implementation", 0) => Reply::shell(code_of("less", "n - 1")),
                _ if who.ends_with("reviewer") => approve(),
                _ => Reply::say("Done."),
            }
        })
    };
    let mut first = tidegate(&space, kind, &server, &["execute", "numbers", "--plain"]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // Tests, their end, code, and then the model hangs.
    server.wait_for(4);
    let before = agents_of(&space);
    assert!(!before.is_empty(), "no agent is at work in its workspace");
    first.kill().expect("it is killed");
    first.wait().expect("it is gone");
    let second = tidegate(&space, kind, &server, &["execute", "numbers", "--plain"]).output().expect("it runs");
    super::space::said(&second).exits(0);
    let after = agents_of(&space);
    assert!(before.iter().all(|process| !after.contains(process)), "{before:?} outlived the run that was killed");
    assert!(seen.lock().expect("nobody panicked").2, "the run that goes on is in the conversation of the killed one");
    assert_eq!(space.landed("numbers"), ["One more", "One less"]);
}

#[test]
fn claude_walks_the_whole_way() {
    walk(&KINDS[0]);
}

#[test]
fn codex_walks_the_whole_way() {
    walk(&KINDS[1]);
}

#[test]
fn gemini_walks_the_whole_way() {
    walk(&KINDS[2]);
}

#[test]
fn opencode_walks_the_whole_way() {
    walk(&KINDS[3]);
}

#[test]
fn an_agent_of_the_client_protocol_walks_the_whole_way() {
    walk(&KINDS[4]);
}

#[test]
fn claude_goes_on_with_its_conversation_after_a_kill() {
    killed(&KINDS[0]);
}

#[test]
fn codex_goes_on_with_its_conversation_after_a_kill() {
    killed(&KINDS[1]);
}

#[test]
fn gemini_goes_on_after_a_kill() {
    killed(&KINDS[2]);
}

#[test]
fn opencode_goes_on_with_its_conversation_after_a_kill() {
    killed(&KINDS[3]);
}
