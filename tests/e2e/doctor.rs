//! `doctor`: what it says of a machine and a repository, and that `execute` finds it so.

use crate::{
    breakdown::{Task, stream},
    claude,
    space::{Said, Space, said, tier},
};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

/// A repository whose configuration is this beside its checks; on PATH are git, sh and bubblewrap, and nothing else.
fn space(config: &str) -> Space {
    let space = Space::plain();
    configure(&space, config);
    let bin = space.beside("bin");
    fs::create_dir_all(&bin).expect("a folder is made");
    let path = std::env::var_os("PATH").expect("there is a PATH");
    for name in ["git", "sh", "bwrap", "cat"] {
        let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.exists());
        if let Some(found) = found {
            symlink(found, bin.join(name)).expect("a link is made");
        }
    }
    let task = Task::new("One").field("Test Requirements: None");
    space.topic("one", &stream(&[task], "All tests pass"));
    space
}

fn configure(space: &Space, config: &str) {
    let sandbox = if tier() == "none" { "[sandbox]\ntier = \"none\"\n" } else { "" };
    let checks = "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n";
    let checks = if config.contains("[checks]") { "" } else { checks };
    space.write("tidegate.toml", &format!("{checks}{sandbox}{config}"));
    space.commit("Configure");
}

/// Puts a program on PATH.
fn program(space: &Space, name: &str, script: &str) {
    let program = space.beside("bin").join(name);
    let _ = fs::remove_file(&program);
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script is written");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it becomes a program");
}

fn command(space: &Space, args: &[&str]) -> Command {
    let mut command = space.tidegate(args);
    command.env("PATH", space.beside("bin"));
    command
}

fn run(space: &Space, args: &[&str]) -> Said {
    said(&command(space, args).output().expect("the binary runs"))
}

/// What `doctor --json` says of each thing that it looked at, as name, state and text; the help has to be there where there is
/// something to do.
#[track_caller]
fn looked(said: &Said) -> Vec<(String, String, String)> {
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&value), ["checks"]);
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}")).to_owned();
    let all = value["checks"].as_array().expect("a list").iter().map(|check| {
        let mut keys = keys(check);
        keys.sort();
        assert_eq!(keys, ["help", "name", "state", "text"]);
        let state = text(check, "state");
        assert!(["good", "note", "bad"].contains(&&*state), "{state}");
        assert_eq!(check["help"].is_null(), state == "good", "what can be done is told, and only then: {check}");
        (text(check, "name"), state, text(check, "text"))
    });
    let all: Vec<_> = all.collect();
    assert_eq!(said.code, if all.iter().any(|(_, state, _)| state == "bad") { 3 } else { 0 }, "{}", said.all());
    all
}

/// Demands that it says this of the one thing that is bad, of the topic as of any, and that `execute` does not begin either.
#[track_caller]
fn is_bad(space: &Space, name: &str, words: &[&str]) -> Said {
    for doctor in [&["doctor"][..], &["doctor", "one"]] {
        let said = run(space, &[doctor, &["--json"]].concat());
        let bad: Vec<_> = looked(&said).into_iter().filter(|(_, state, _)| state == "bad").collect();
        let names: Vec<&str> = bad.iter().map(|(name, ..)| &**name).collect();
        assert_eq!(names, [name], "{bad:?}");
        run(space, doctor).exits(3).says(words).says(&["cannot start here yet"]);
    }
    let rehearsed = run(space, &["execute", "one", "--plain", "--dry-run"]);
    let refused = run(space, &["execute", "one", "--plain"]);
    assert!([2, 3].contains(&refused.code), "{}", refused.all());
    assert_eq!(rehearsed.all(), refused.all(), "a dry run is refused as the run is");
    assert!(!space.repo().join(".git/tidegate").exists(), "a refusal leaves nothing behind");
    refused
}

/// The same, where `execute` has the same words for it, and what to do about it.
#[track_caller]
fn is_bad_to_both(space: &Space, name: &str, words: &[&str]) {
    is_bad(space, name, words).exits(3).says(words);
}

#[test]
fn where_all_is_there_it_says_so_and_execute_can_start() {
    let space = space("[review]\nreviewers = []\n");
    claude::install(&space, "echo 1 > one");
    let told = run(&space, &["doctor"]).exits(0).says(&[
        "git version 2.",
        "tidegate.toml, as of HEAD",
        "2.1.329 at",
        "implementation claude",
        "GiB free below",
        "`execute` can start here",
    ]);
    assert!(!told.out.lines().any(|line| line.starts_with('!')), "{}", told.all());
    let json = run(&space, &["doctor", "--json"]).exits(0);
    assert_eq!(json.err, "");
    let looked = looked(&json);
    let names: Vec<&str> = looked.iter().map(|(name, ..)| &**name).filter(|name| *name != "disk").collect();
    assert_eq!(names, ["git", "repository", "configuration", "checks", "agents", "sandbox", "claude", "backend"]);
    assert!(!space.repo().join(".git/tidegate").exists(), "it only looks");
    run(&space, &["execute", "one", "--plain"]).exits(0);
}

#[test]
fn without_a_repository_or_a_commit_it_says_what_to_do() {
    let space = Space::empty();
    let repo = |said: Said| {
        let all = looked(&said);
        all.into_iter().find(|(name, ..)| name == "repository").expect("it looks at the repository")
    };
    let (_, state, text) = repo(space.run(&["doctor", "--json"]));
    assert_eq!((&*state, &*text), ("bad", "the current branch has no commit yet"));
    let nowhere = space.beside("state").display().to_string();
    let (_, state, text) = repo(space.run(&["-C", &nowhere, "doctor", "--json"]));
    assert_eq!((&*state, text), ("bad", format!("{nowhere} is in no git repository")));
    space.run(&["-C", &nowhere, "doctor"]).exits(3).says(&["git init", "git version"]);
    let (_, state, text) = repo(space.run(&["-C", "none", "doctor", "--json"]));
    assert!(state == "bad" && text.ends_with("none is no folder"), "{text}");
}

#[test]
fn without_git_or_with_one_that_is_too_old_it_says_what_to_do() {
    let space = space("");
    program(&space, "git", "echo git version 2.20.1");
    run(&space, &["doctor"]).exits(3).says(&["git 2.20.1 is too old", "install git 2.45 or newer"]);
    fs::remove_file(space.beside("bin/git")).unwrap();
    run(&space, &["doctor"]).exits(3).says(&["git was not found", "install git 2.45 or newer"]);
    looked(&run(&space, &["doctor", "--json"]));
}

#[test]
fn a_faulty_configuration_is_told_with_its_place() {
    let space = space("");
    claude::install(&space, "echo 1 > one");
    configure(&space, "[slots]\nagnets = 4\n");
    is_bad(&space, "configuration", &["unknown key `agnets` in `[slots]`", "did you mean `agents`?", "tidegate.toml:"]);
    run(&space, &["--color", "always", "doctor"])
        .exits(3)
        .says(&["unknown key `agnets` in `[slots]`\n", "did you mean"]);
    configure(&space, "[slots\n");
    is_bad(&space, "configuration", &["tidegate.toml:"]);
    configure(&space, "");
    space.write("tidegate.toml", "");
    is_bad(&space, "configuration", &["tidegate.toml differs from HEAD", "commit it"]);
    let said = run(&space, &["--config", "none.toml", "doctor"]).exits(3);
    said.says(&["none.toml", "name a file that can be read"]);
    fs::write(space.beside("other.toml"), "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n")
        .unwrap();
    let said = run(&space, &["--config", "../other.toml", "doctor"]).says(&["../other.toml"]);
    said.lacks(&["tidegate.toml, as of HEAD"]);
}

#[test]
fn a_backend_that_is_asked_for_and_not_there_is_told_with_what_to_do() {
    let of = |config: &str, name: &str, words: &[&str]| is_bad_to_both(&space(config), name, words);
    of("[agents]\nbackend = \"codex\"\n", "codex", &["`codex` is not on PATH", "install it, or configure another"]);
    let command = "[agents]\nbackend = \"command\"\n";
    of(
        command,
        "command",
        &["`[backends] command` in tidegate.toml names no program", "write `command = [\"program\"]`"],
    );
    of(
        &format!("{command}[backends]\ncommand = [\"nope\"]\n"),
        "command",
        &["`nope` is not on PATH", "install it, or mend"],
    );
    of("[agents]\nbackend = \"acp\"\n[backends]\nacp = [\"nope\"]\n", "acp", &["`nope` is not on PATH"]);
    let replay = "[agents]\nbackend = \"replay\"\n";
    of(replay, "replay", &["`[backends] replay` in tidegate.toml names no folder", "execute --record DIR"]);
    of(&format!("{replay}[backends]\nreplay = \"none\"\n"), "replay", &["none is no folder", "execute --record DIR"]);
}

#[test]
fn a_login_that_is_named_and_not_there_is_told() {
    let space = space(
        "[agents]\nbackend = \"acp\"\n[backends]\nacp = [\"sh\"]\nacp_logins = [\".agent/login\"]\n[review]\nreviewers = []\n",
    );
    let words = ".agent/login is not there, and `[backends] acp_logins` names it";
    run(&space, &["doctor"]).exits(0).says(&[words, "log in, or name another file"]);
    fs::create_dir_all(space.beside("home/.agent")).expect("a folder is made");
    fs::write(space.beside("home/.agent/login"), "it").expect("a file is written");
    run(&space, &["doctor"]).exits(0).lacks(&["acp_logins"]);
}

#[test]
fn a_backend_of_reviewers_alone_counts_too() {
    let space = space("[agents.reviewer]\nbackend = \"gemini\"\n");
    claude::install(&space, "echo 1 > one");
    is_bad_to_both(&space, "gemini", &["`gemini` is not on PATH", "install it, or configure another backend"]);
    let said = run(&space, &["execute", "one", "--plain"]).exits(3);
    said.says(&[
        "`qa-reviewer` is to review, and no agent can do it: `gemini` is not on PATH",
        "[agents.reviewer] backend",
    ]);
}

#[test]
fn who_is_asked_about_work_that_keeps_failing_counts_too() {
    let space = space("[agents.expert]\nbackend = \"replay\"\n[backends]\nreplay = \"none\"\n");
    claude::install(&space, "echo 1 > one");
    is_bad_to_both(&space, "replay", &["none is no folder", "execute --record DIR"]);
    let said = run(&space, &["execute", "one", "--plain"]);
    said.says(&[
        "the `expert` is asked about work that keeps failing, and no agent can do it",
        "[agents.expert] backend",
    ]);
    fs::create_dir(space.repo().join("none")).expect("a folder is made");
    run(&space, &["doctor"]).exits(0);
}

#[test]
fn help_that_nobody_has_configured_is_missed_where_no_agent_is_found_and_keeps_nothing_from_starting() {
    let own = "[agents.test-developer]\nbackend = \"command\"\n[agents.implementation]\nbackend = \"command\"\n\
               [backends]\ncommand = [\"sh\", \"-c\", \"echo 1 > one\"]\n[review]\nreviewers = []\n";
    let space = space(own);
    let told = [
        "the `expert` is asked about work that keeps failing, and no agent can do it",
        "none of claude, codex, gemini, opencode is on PATH",
        "[agents.expert] backend",
    ];
    for doctor in [&["doctor"][..], &["doctor", "one"]] {
        run(&space, doctor).exits(0).says(&told).says(&["? backend"]);
    }
    run(&space, &["execute", "one", "--plain"]).exits(0).says(&told).says(&["warning"]);
}

#[test]
fn a_fallback_that_is_not_there_is_told_and_keeps_nothing_from_starting() {
    let space = space("[agents.implementation]\nfallback = \"codex\"\n[review]\nreviewers = []\n");
    claude::install(&space, "echo 1 > one");
    let told = [
        "the `implementation` has nothing to fall back to: `codex` is not on PATH",
        "[agents.implementation] fallback",
    ];
    for doctor in [&["doctor"][..], &["doctor", "one"]] {
        run(&space, doctor).exits(0).says(&told).says(&["? codex"]);
    }
    run(&space, &["execute", "one", "--plain", "--dry-run"]).exits(0).says(&told).says(&["warning"]);
    run(&space, &["execute", "one", "--plain"]).exits(0).says(&told);
    run(&space, &["execute", "one", "--plain"]).exits(0).lacks(&["codex"]);
    // Whoever runs nothing needs nothing to fall back to.
    configure(&space, "[agents.coordinator]\nbackend = \"script\"\nfallback = \"codex\"\n");
    run(&space, &["doctor"]).exits(0).lacks(&["codex"]);
}

#[test]
fn a_command_line_that_is_another_program_or_broken_is_told_and_not_begun_with() {
    let space = space("[agents]\nbackend = \"claude\"\n");
    let told = |script: &str, words: &[&str]| {
        program(&space, "claude", script);
        let said = run(&space, &["doctor"]).exits(3).says(words);
        assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
        is_bad_to_both(&space, "claude", words);
    };
    told(
        "echo claude, the painter, 1.0",
        &["is another program, or broken: it says claude, the painter", "--version` has to answer"],
    );
    told(
        "echo 'Cannot find module cli.js' >&2\nexit 1",
        &["does not work: Cannot find module cli.js", "install it again"],
    );
    told("printf '\\033[2J'", &["is another program, or broken"]);
    told("exec cat /dev/zero", &["claude"]);
    told("kill -9 $$", &["does not work"]);
    // Nobody asks for it: it is told, and keeps nothing from starting.
    configure(&space, "");
    run(&space, &["doctor"]).exits(3);
    configure(&space, "[agents]\nbackend = \"script\"\n");
    run(&space, &["doctor"]).exits(0).says(&["? claude", "does not work"]);
    scripted(&space);
    run(&space, &["doctor", "scripts"]).exits(0).says(&["? claude", "does not work"]);
    run(&space, &["execute", "scripts", "--plain"]).exits(0);
}

/// A topic that needs nobody.
fn scripted(space: &Space) {
    let task = Task::new("One").field("Test Requirements: None").code("echo 1 > one");
    space.topic("scripts", &stream(&[task], "All tests pass"));
}

#[test]
fn where_no_agent_is_found_only_scripts_can_be_executed_and_it_is_said() {
    let space = space("");
    let nobody = "none of claude, codex, gemini, opencode is on PATH";
    is_bad_to_both(&space, "backend", &[nobody, "install one and log in"]);
    run(&space, &["doctor"])
        .exits(3)
        .says(&["only tasks that carry scripts can be executed", "tidegate doctor <topic>"]);
    scripted(&space);
    let all = looked(&run(&space, &["doctor", "scripts", "--json"]).exits(0));
    let (_, state, text) = all.iter().find(|(name, ..)| name == "backend").expect("it looks at backends");
    assert!(state == "note" && text.contains(nobody) && text.contains("needs none"), "{text}");
    run(&space, &["execute", "scripts", "--plain"]).exits(0);
    configure(&space, "[agents]\nbackend = \"script\"\n");
    run(&space, &["doctor"]).exits(0);
    let words = ["task 1 has no `implementation` script", "it is to be done by a script", "```sh role=implementation"];
    run(&space, &["doctor", "one"]).exits(3).says(&words);
    run(&space, &["execute", "one", "--plain"]).exits(3).says(&words);
    run(&space, &["doctor", "nothing"]).exits(3).says(&["! topic", "nothing"]);
}

#[test]
fn what_a_run_has_done_needs_nobody_any_more() {
    let space = space("[review]\nreviewers = []\n[attempts]\ntries = 1\nany = 1\nlives = 1\n");
    let task = |title| Task::new(title).field("Test Requirements: None");
    space.topic("one", &stream(&[task("One"), task("Two").field("Dependencies: Task 1")], "All tests pass"));
    claude::install(&space, "echo \"$TIDEGATE_TASK\" > \"made-$TIDEGATE_TASK\"");
    run(&space, &["execute", "one", "--plain", "--only", "1"]).exits(0);
    fs::remove_file(space.beside("bin/claude")).expect("it is removed");
    run(&space, &["doctor", "one"]).exits(3).says(&["one: 1 of 2 tasks left to do", "`claude` is not on PATH"]);
    let said = run(&space, &["execute", "one", "--plain"]).exits(3);
    said.says(&["task 2 has no `implementation` script", "`claude` is not on PATH"]).lacks(&["task 1 has no"]);
    claude::install(&space, "echo \"$TIDEGATE_TASK\" > \"made-$TIDEGATE_TASK\"");
    run(&space, &["execute", "one", "--plain"]).exits(0);
    fs::remove_file(space.beside("bin/claude")).expect("it is removed");
    run(&space, &["doctor", "one"]).exits(0).says(&["one: 0 of 2 tasks left to do"]);
    run(&space, &["execute", "one", "--plain"]).exits(0).says(&["done, every gate passed"]);
    run(&space, &["execute", "one", "--plain", "--dry-run"]).exits(0).says(&["nothing is left to do"]);
}

#[test]
fn what_else_execute_wants_is_looked_at() {
    let space = space("");
    claude::install(&space, "echo 1 > one");
    configure(&space, "[checks]\ntask = [\"true\"]\n");
    is_bad(&space, "checks", &["no check was found for the stream, system gates", "[checks]", "--allow-no-checks"]);
    configure(&space, "[agents]\nmcp = [\"github\"]\n");
    is_bad(&space, "servers", &["`github`", ".mcp.json"]);
    space.write(".mcp.json", "{\"mcpServers\": {\"github\": {\"command\": \"x\"}}}\n");
    space.commit("Have a server");
    run(&space, &["doctor"]).exits(0).says(&["servers github"]);
    configure(&space, "[commit]\nsign = true\n");
    program(&space, "no-gpg", "echo no secret key >&2; exit 2");
    space.git(&["config", "gpg.program", &space.beside("bin/no-gpg").display().to_string()]);
    is_bad(&space, "signing", &["commits cannot be signed", "git commit -S"]);
    configure(&space, "[review]\nreviewers = [\"qa-reviwer\"]\n");
    is_bad(&space, "agents", &["there is no agent `qa-reviwer`", "tidegate agents"]);
    configure(&space, "");
    space.write("agents/qa.md", "---\nname: qa-reviewer\ndescription: Ours\ntools: Raed\n---\nB\n");
    space.commit("Have an agent");
    is_bad(
        &space,
        "agents",
        &["1 of what the repository says of agents cannot be used", "`tidegate agents` shows where"],
    );
}

#[test]
fn a_sandbox_that_is_not_there_is_told_with_how_to_get_it() {
    if tier() == "none" {
        return;
    }
    let space = space("");
    claude::install(&space, "echo 1 > one");
    run(&space, &["doctor"]).exits(0).says(&["bubblewrap, tried out"]);
    fs::remove_file(space.beside("bin/bwrap")).unwrap();
    is_bad(&space, "sandbox", &["bubblewrap is not installed", "apt-get install bubblewrap", "--sandbox none"]);
    configure(&space, "[sandbox]\ntier = \"none\"\n");
    run(&space, &["doctor"]).exits(0).says(&["none, by `[sandbox] tier`: agents and checks have all your rights"]);
}

#[test]
fn too_little_room_is_told() {
    if tier() == "none" {
        return;
    }
    let space = space("");
    configure(&space, "[sandbox]\ntier = \"none\"\n");
    let state = space.beside("state").display().to_string();
    let within = |megabytes: u64| {
        let (tidegate, size) = (command(&space, &["doctor", "--json"]), (megabytes << 20).to_string());
        let mut small = space.command("bwrap");
        small.env("PATH", space.beside("bin"));
        small.args(["--dev-bind", "/", "/", "--size", &size, "--tmpfs", &state, "--"]);
        small.arg(tidegate.get_program()).args(tidegate.get_args());
        let all = looked(&said(&small.output().expect("bubblewrap runs")));
        let found = all.into_iter().find(|(name, _, text)| name == "disk" && text.contains(&state));
        found.unwrap_or_else(|| panic!("nothing is said of {state}")).1
    };
    assert_eq!([512, 2 << 10, 8 << 10].map(within), ["note", "note", "good"]);
}

#[test]
fn nothing_is_contacted_and_an_agent_is_asked_for_its_version_alone() {
    let space = space("[agents]\nbackend = \"claude\"\nenv = [\"DEPLOY_TOKEN\"]\n");
    let asked = space.beside("asked");
    let script = format!(
        "echo \"$* ${{ANTHROPIC_API_KEY-}}${{DEPLOY_TOKEN-}}\" >> {}\necho '2.1.329 (Claude Code)'",
        asked.display()
    );
    program(&space, "claude", &script);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut doctor = command(&space, &["doctor"]);
    for name in
        ["http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "ANTHROPIC_BASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    {
        doctor.env(name, &url);
    }
    doctor.env("ANTHROPIC_API_KEY", "a key").env("DEPLOY_TOKEN", "a token");
    said(&doctor.output().expect("the binary runs")).exits(0);
    listener.set_nonblocking(true).expect("it need not wait");
    let nobody = listener.accept().expect_err("somebody was contacted");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(fs::read_to_string(asked).expect("it was asked"), "--version \n");
}
