//! Who does the work, through the binary with real command lines: fallbacks, second questions, a project's own definitions, what agents
//! cannot see of each other, and limits that two of them are told at once.

use super::{
    clis::{self, CLAUDE, CLAUDE_ACP, CODEX, Cli, GEMINI, OPENCODE},
    model::{Api, Asked, Fault, Reply, Server},
    space::{self, Said, Space},
    walk::{approve, configuration, environment, now, who},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

/// A repository whose checks are `true`, with tasks that nobody tests, each in a stream of its own.
fn space(clis: &[Cli], tasks: usize, config: &str) -> Option<Space> {
    for cli in clis {
        cli.find()?;
    }
    let space = Space::plain();
    let checks =
        "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n[attempts]\ntries = 1\nlives = 1\n";
    space.write("tidegate.toml", &format!("{checks}{config}"));
    space.commit("Configure");
    let mut breakdown = "# Crew\n".to_owned();
    for (number, stream) in (1..=tasks).zip('A'..) {
        breakdown += &format!(
            "\n### Stream {stream}: Part {number}\n\n{number}. **Part {number}**\n\n   - Objective: the file {number} is there\n   \
             - Test Requirements: None, it is a file\n   - Files: `{number}`\n   - Dependencies: None\n"
        );
    }
    space.topic("crew", &breakdown);
    Some(space)
}

fn execute(space: &Space, clis: &[Cli], server: &Server) -> Said {
    space::said(&execution(space, clis, server).output().expect("it runs"))
}

fn execution(space: &Space, clis: &[Cli], server: &Server) -> Command {
    let mut command = space.tidegate(&["execute", "crew", "--plain"]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [clis::folder()].into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path).expect("a path"));
    for cli in clis {
        command.envs(environment(*cli, server));
    }
    // A way out that is closed to one of them is closed to all; the model is none.
    command.env("NO_PROXY", "127.0.0.1");
    command
}

/// What an agent at work does: its file, and then it says so.
fn make(asked: &Asked, file: &str) -> Reply {
    match asked.results.len() {
        0 => Reply::shell(format!("echo {file} > {file}")),
        _ => Reply::say("Done: see the tree."),
    }
}

fn falls_back_to(other: Cli, api: Api) {
    let clis = [CLAUDE, other];
    let config = format!(
        "[review]\nreviewers = []\n[agents]\nbackend = \"claude\"\n[agents.implementation]\nfallback = \"{}\"\n",
        other.name
    );
    let Some(space) = space(&clis, 2, &config) else { return };
    let server = Server::start(move |asked| match asked.api {
        Api::Anthropic => Reply::fail(Fault::Unauthorized),
        _ => make(asked, who(asked).split(' ').next().unwrap_or_default()),
    });
    let said = execute(&space, &clis, &server).exits(0);
    let mut landed = space.landed("crew");
    landed.sort();
    assert_eq!(landed, ["Part 1", "Part 2"], "{}", said.all());
    let asked = server.asked();
    let apis: Vec<Api> = asked.iter().map(|asked| asked.api).collect();
    assert!(apis.contains(&Api::Anthropic) && apis.contains(&api), "{apis:?}: {}", said.all());
    let report = space.report("crew");
    assert!(report.contains("Backend claude takes no jobs: log in first"), "{report}");
    assert!(report.contains(&format!("in its place {} runs implementation", other.name)), "{report}");
}

#[test]
fn where_the_login_is_over_a_role_s_work_is_done_by_codex() {
    falls_back_to(CODEX, Api::Responses);
}

#[test]
fn where_the_login_is_over_a_role_s_work_is_done_by_opencode() {
    falls_back_to(OPENCODE, Api::Chat);
}

#[test]
fn where_one_model_has_no_room_another_one_of_the_same_program_does_the_work() {
    let config = "[review]\nreviewers = []\n[agents]\nbackend = \"claude\"\n[agents.implementation]\nmodel = \"claude-opus-4-1\"\n\
                  fallback = \"claude-haiku-4-5\"\n";
    let Some(space) = space(&[CLAUDE], 1, config) else { return };
    let server = Server::start(|asked| match asked.model.contains("opus") {
        true => Reply::fail(Fault::Overloaded),
        false => make(asked, "1"),
    });
    let said = execute(&space, &[CLAUDE], &server).exits(0);
    assert_eq!(space.landed("crew"), ["Part 1"], "{}", said.all());
    let models: Vec<_> = server.asked().iter().map(|asked| asked.model.clone()).collect();
    assert!(models[0].contains("opus") && models.iter().any(|model| model.contains("haiku")), "{models:?}");
}

const QA: &str = "[review]\nreviewers = [\"qa-reviewer\"]\n[agents]\nbackend = \"claude\"\n";

fn is_second_question(asked: &Asked) -> bool {
    asked.prompts.iter().any(|prompt| prompt.starts_with("Your last message is no verdict"))
}

#[test]
fn a_reviewer_that_answers_with_prose_is_asked_once_more_in_the_same_conversation() {
    let Some(space) = space(&[CLAUDE], 1, QA) else { return };
    let server = Server::start(|asked| match &*who(asked) {
        "1 reviewer" if is_second_question(asked) => approve(),
        "1 reviewer" => Reply::say("It looks fine to me."),
        _ => make(asked, "1"),
    });
    let said = execute(&space, &[CLAUDE], &server).exits(0);
    said.says(&["approved by 1 reviewer"]);
    let asked = server.asked();
    let second = asked.iter().find(|asked| is_second_question(asked)).expect("it was asked once more");
    assert!(second.has_heard("It looks fine to me."), "{:?}", second.texts);
    assert_eq!(
        second.session,
        asked.iter().find(|asked| who(asked) == "1 reviewer").and_then(|asked| asked.session.clone())
    );
}

#[test]
fn a_reviewer_that_answers_with_prose_twice_has_given_no_verdict() {
    let Some(space) = space(&[CLAUDE], 1, QA) else { return };
    let server = Server::start(|asked| match &*who(asked) {
        "1 reviewer" => {
            eprintln!("PROMPTS {:#?} {:?} {:?}", asked.prompts, asked.session, asked.results);
            Reply::say("It looks fine to me.")
        }
        _ => make(asked, "1"),
    });
    let said = execute(&space, &[CLAUDE], &server).exits(1);
    let said = said.says(&["qa-reviewer gave no verdict: its output is no verdict object", "tidegate retry crew 1"]);
    said.lacks(&["approved by"]);
    assert!(space.landed("crew").is_empty());
    let second = server.asked().into_iter().filter(is_second_question).count();
    assert!(second > 0, "it was not asked once more");
}

fn definition(name: &str, fields: &str, prompt: &str) -> String {
    format!("---\nname: {name}\ndescription: Ours.\n{fields}---\n\n{prompt}\n")
}

#[test]
fn a_project_s_own_definitions_are_what_its_agents_are_as_they_stand_at_the_base() {
    let config = "[review]\nreviewers = [\"qa-reviewer\", \"night-watch\"]\n[agents]\nbackend = \"claude\"\n";
    let Some(space) = space(&[CLAUDE], 1, config) else { return };
    space.write("agents/qa.md", &definition("qa-reviewer", "tools: Read, Grep\n", "You are our heron."));
    space.write(
        ".claude/agents/watch.md",
        &definition("night-watch", "disallowedTools: Bash\nmodel: claude-haiku-4-5\n", "You are our owl."),
    );
    let coder = definition("implementation-agent", "", "You are our beaver.");
    space.write(".claude/agents/deep/coder.md", &coder);
    space.commit("Have agents");
    space.write("agents/qa.md", &definition("qa-reviewer", "tools: Bash\n", "You are our magpie."));
    let server = Server::start(|asked| match &*who(asked) {
        "1 reviewer" => approve(),
        _ => make(asked, "1"),
    });
    execute(&space, &[CLAUDE], &server).exits(0).says(&["approved by 2 reviewers"]);
    let asked = server.asked();
    let of = |words: &str| {
        let found = asked.iter().find(|asked| asked.system.contains(words));
        found.unwrap_or_else(|| panic!("nobody was told {words:?}"))
    };
    let heron = of("You are our heron.");
    assert_eq!(who(heron), "1 reviewer");
    assert!(heron.offers("Read") && heron.offers("Grep"), "{:?}", heron.tools);
    for tool in ["Bash", "Edit", "Write", "WebFetch"] {
        assert!(!heron.offers(tool), "{:?}", heron.tools);
    }
    let owl = of("You are our owl.");
    assert!(!owl.offers("Bash") && !owl.offers("Write") && owl.offers("Read"), "{:?}", owl.tools);
    assert!(owl.model.contains("haiku") && !heron.model.contains("haiku"), "{} {}", owl.model, heron.model);
    assert!(of("You are our beaver.").offers("Write"));
    let told = |words: &str| asked.iter().any(|asked| asked.system.contains(words));
    assert!(!told("You are our magpie.") && !told("You review the tests of one task."), "not the one of the base");
}

#[test]
fn a_project_s_own_prompt_reaches_the_other_command_lines_too() {
    for cli in [CODEX, OPENCODE] {
        let config = format!("[review]\nreviewers = [\"qa-reviewer\"]\n[agents]\nbackend = \"{}\"\n", cli.name);
        let Some(space) = space(&[cli], 1, &config) else { continue };
        space.write("agents/qa.md", &definition("qa-reviewer", "", "You are our heron."));
        space.commit("Have an agent");
        let server = Server::start(|asked| match &*who(asked) {
            "1 reviewer" => approve(),
            _ => make(asked, "1"),
        });
        execute(&space, &[cli], &server).exits(0);
        let asked = server.asked();
        let is_heron =
            |asked: &&Asked| asked.system.contains("You are our heron.") || asked.has_heard("You are our heron.");
        let herons: Vec<_> = asked.iter().filter(is_heron).map(who).collect();
        assert!(!herons.is_empty() && herons.iter().all(|who| who == "1 reviewer"), "{}: {herons:?}", cli.name);
    }
}

/// Has a command line start a server that is given a secret, and looks at what everybody on the machine can see.
fn is_given_a_server_in_secret(cli: Cli) {
    let (secret, notes) =
        ("abcd-efgh-ijkl-mnop", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backends/notes.mjs"));
    let config = configuration(cli);
    // The variables that lead to the model are beside it, where they have to be named.
    let config = match config.contains("\nenv = [") {
        true => config.replace("\nenv = [", "\nmcp = [\"spy\"]\nenv = [\"SPY_TOKEN\", "),
        false => config.replace("[agents]", "[agents]\nmcp = [\"spy\"]\nenv = [\"SPY_TOKEN\"]"),
    };
    let Some(space) = space(&[cli], 1, "") else { return };
    let seen = space.beside("seen");
    fs::create_dir(&seen).expect("a folder");
    let more = format!("[review]\nreviewers = []\n[sandbox]\nreadable = [{notes:?}]\nwritable = [{seen:?}]\n{config}");
    space.write("tidegate.toml", &(space.read("tidegate.toml") + &more));
    let spy = format!(
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' > {0}/argv; echo \"$SPY_KEY\" > {0}/key; exec node {1}",
        seen.display(),
        notes.display()
    );
    // Not `tidegate.toml` alone: the servers are the repository's.
    let servers = json!({"mcpServers": {"spy": {
        "command": "sh", "args": ["-c", spy],
        "env": {"SPY_KEY": "it's \"${SPY_TOKEN}\"\n", "NOTES": seen.join("notes")},
    }}});
    space.write(".mcp.json", &servers.to_string());
    space.commit("Have a server");
    let server = Server::start(|asked| make(asked, "1"));
    let mut command = execution(&space, &[cli], &server);
    space::said(&command.env("SPY_TOKEN", secret).output().expect("it runs")).exits(0);
    let read = |file: &str| fs::read_to_string(seen.join(file)).expect("the server was started");
    assert_eq!(read("key"), format!("it's \"{secret}\"\n\n"), "{} gives it what it is to be given", cli.name);
    let argv = read("argv");
    assert!(argv.contains(cli.name) || argv.contains("node"), "{argv}");
    assert!(!argv.contains(secret), "everybody sees it: {argv}");
}

#[test]
fn what_a_server_is_given_stands_in_no_argument_of_claude() {
    is_given_a_server_in_secret(CLAUDE);
}

#[test]
fn what_a_server_is_given_stands_in_no_argument_of_codex() {
    is_given_a_server_in_secret(CODEX);
}

#[test]
fn what_a_server_is_given_stands_in_no_argument_of_gemini() {
    is_given_a_server_in_secret(GEMINI);
}

#[test]
fn what_a_server_is_given_stands_in_no_argument_of_opencode() {
    is_given_a_server_in_secret(OPENCODE);
}

#[test]
fn what_a_server_is_given_stands_in_no_argument_of_an_agent_of_the_protocol() {
    is_given_a_server_in_secret(CLAUDE_ACP);
}

#[test]
fn an_agent_of_the_protocol_has_the_logins_that_are_named_and_nothing_else_of_the_home() {
    let config = "[review]\nreviewers = []\n[agents]\nbackend = \"acp\"\nenv = [\"ANTHROPIC_BASE_URL\"]\n\
        [backends]\nacp = [\"claude-agent-acp\"]\nacp_logins = [\".claude/.credentials.json\"]\n";
    let Some(space) = space(&[CLAUDE_ACP], 1, config) else { return };
    let folder = space.beside("home/.claude");
    fs::create_dir_all(&folder).expect("a folder");
    let token = "dummy-token-0123456789abcdef";
    let login = json!({"claudeAiOauth": {
        "accessToken": token, "refreshToken": "dummy-refresh-0123456789", "expiresAt": (now() + 36_000) * 1_000,
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max",
    }});
    fs::write(folder.join(".credentials.json"), login.to_string()).expect("a login");
    fs::write(folder.join("CLAUDE.md"), "the user's own memory").expect("a file");
    let server = Server::start(|asked| match asked.results.len() {
        0 => Reply::shell("cat ~/.claude/.credentials.json; cat ~/.claude/CLAUDE.md; echo 1 > 1".to_owned()),
        _ => Reply::say(asked.results.join("\n")),
    });
    let mut command = execution(&space, &[], &server);
    let said = space::said(&command.env("ANTHROPIC_BASE_URL", server.url()).output().expect("it runs")).exits(0);
    let asked = server.asked();
    assert!(asked.iter().any(|asked| asked.has_heard(token)), "it could read its login");
    assert!(!asked.iter().any(|asked| asked.has_heard("the user's own memory")), "and nothing else");
    let logs = space.run(&["logs", "crew", "1", "--raw"]).exits(0).says(&["[redacted]"]);
    assert!(!logs.all().contains(token) && !said.all().contains(token), "{}", logs.all());
}

/// Holds one agent at a pipe in its workspace while another one goes on.
#[derive(Default)]
struct Meeting {
    /// How often each has asked.
    turns: BTreeMap<String, usize>,
    /// Who came first, and its workspace.
    first: Option<(String, PathBuf)>,
    /// The pipe, open once the first one may go on: a line that nobody has read is lost when it is closed.
    pipe: Option<File>,
    /// What the others saw.
    seen: Vec<String>,
    /// When somebody asked, in seconds since 1970, after how many were told no.
    times: Vec<(u64, usize)>,
}

const MAKE_PIPE: &str = "mkfifo pipe";
const WAIT: &str = "read line < pipe; echo \"$line\"";

impl Meeting {
    fn turn(&mut self, who: &str) -> usize {
        let turn = self.turns.entry(who.to_owned()).or_default();
        *turn += 1;
        *turn
    }

    fn release(&mut self) {
        let (_, folder) = self.first.as_ref().expect("somebody waits");
        let pipe = OpenOptions::new().read(true).write(true).open(folder.join("pipe"));
        let mut pipe = pipe.expect("its pipe");
        pipe.write_all(b"go\n").expect("it is told");
        self.pipe = Some(pipe);
    }
}

/// What is tried to get at the text in each of these files.
fn look(cli: Cli, files: &[PathBuf]) -> Reply {
    let list = files.iter().map(|file| format!("'{}'", file.display())).collect::<Vec<_>>().join(" ");
    let shell =
        Reply::shell(format!("for file in {list}; do cat \"$file\"; cp \"$file\" here; cat here; done; echo looked"));
    if cli != CLAUDE {
        return shell;
    }
    let read = |reply: Reply, file: &PathBuf| reply.and(Reply::call("Read", json!({"file_path": file})));
    files.iter().fold(shell, read)
}

fn sees_nothing_of_others(cli: Cli) {
    if space::tier() == "none" {
        return;
    }
    let config = format!("[review]\nreviewers = []\n[agents]\nbackend = \"{}\"\n", cli.name);
    let Some(space) = space(&[cli], 2, &config) else { return };
    const SECRET: &str = "nobody-else-s-text";
    let own = [space.beside("home/secret"), space.repo().join(".git/secret"), space.repo().join("secret")];
    own.iter().for_each(|file| fs::write(file, SECRET).expect("a file"));
    let meeting = Arc::new(Mutex::new(Meeting::default()));
    let server = {
        let meeting = Arc::clone(&meeting);
        Server::start(move |asked| {
            let mut meeting = meeting.lock().expect("nobody panicked");
            let who = who(asked);
            let turn = meeting.turn(&who);
            let is_first = meeting.first.as_ref().is_some_and(|(first, _)| *first == who);
            match turn {
                1 => Reply::shell(format!("{MAKE_PIPE}; printf '%s%s' nobody-else -s-text > private")),
                2 if meeting.first.is_none() => {
                    let folder = asked.folder().expect("it says where it is");
                    meeting.first = Some((who, folder));
                    Reply::shell(WAIT)
                }
                2 => {
                    let private = meeting.first.as_ref().expect("the first one").1.join("private");
                    assert_eq!(fs::read_to_string(&private).expect("it is there"), SECRET);
                    look(cli, &[&own[..], &[private]].concat())
                }
                3 => {
                    if !is_first {
                        meeting.seen = asked.results.clone();
                        meeting.release();
                    }
                    let file = who.split(' ').next().unwrap_or_default().to_owned();
                    // Codex refuses `rm -f` whatever it is allowed.
                    Reply::shell(format!("rm pipe private; test ! -e here || rm here; echo 1 > {file}"))
                }
                _ => Reply::say("Done: see the tree."),
            }
        })
    };
    execute(&space, &[cli], &server).exits(0);
    let seen = meeting.lock().expect("nobody panicked").seen.join("\n");
    assert!(seen.contains("looked"), "{}: {seen}", cli.name);
    assert!(!seen.contains(SECRET), "{}: {seen}", cli.name);
}

#[test]
fn an_agent_reads_nothing_of_the_home_the_repository_and_other_workspaces_by_any_tool() {
    sees_nothing_of_others(CLAUDE);
}

#[test]
fn neither_does_one_that_has_a_sandbox_of_its_own() {
    sees_nothing_of_others(CODEX);
}

#[test]
fn two_that_are_told_of_a_limit_at_once_pause_the_backend_for_all_and_lose_no_try() {
    let config = "[slots]\nagents = 2\n[review]\nreviewers = []\n[agents]\nbackend = \"claude\"\n";
    let Some(space) = space(&[CLAUDE], 3, config) else { return };
    let meeting = Arc::new(Mutex::new((Meeting::default(), 0)));
    let server = {
        let meeting = Arc::clone(&meeting);
        Server::start(move |asked| {
            let (meeting, resets_at) = &mut *meeting.lock().expect("nobody panicked");
            let who = who(asked);
            let turn = meeting.turn(&who);
            let told = meeting.seen.len();
            meeting.times.push((now(), told));
            let mut limit = |meeting: &mut Meeting, who: String| {
                if *resets_at == 0 {
                    *resets_at = now() + 4;
                }
                meeting.seen.push(who);
                Reply::fail(Fault::UsageLimit { resets_at: *resets_at })
            };
            match turn {
                _ if told == 2 => make(asked, who.split(' ').next().unwrap_or_default()),
                1 => Reply::shell(MAKE_PIPE),
                2 if meeting.first.is_none() => {
                    meeting.first = Some((who, asked.folder().expect("it says where it is")));
                    Reply::shell(format!("{WAIT}; rm pipe"))
                }
                2 => {
                    meeting.release();
                    limit(meeting, who)
                }
                _ => limit(meeting, who),
            }
        })
    };
    let said = execute(&space, &[CLAUDE], &server).exits(0);
    assert_eq!(space.landed("crew").len(), 3, "{}", said.all());
    let (meeting, resets_at) = &*meeting.lock().expect("nobody panicked");
    assert_eq!(meeting.seen.len(), 2, "two were told");
    assert_ne!(meeting.seen[0], meeting.seen[1]);
    let after: Vec<u64> = meeting.times.iter().filter(|(_, told)| *told == 2).map(|(at, _)| *at).collect();
    assert!(!after.is_empty() && after.iter().all(|at| at >= resets_at), "{after:?} is before {resets_at}");
}
