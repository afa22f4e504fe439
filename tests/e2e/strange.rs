//! Agents that behave as no agent should, as a `claude` of our own on PATH: what comes of each, what is told, and what is kept. And who is
//! no known agent at all: any program, and the scripts of those who are asked for advice.

use crate::{
    breakdown::{Task, stream},
    claude,
    space::{Said, Space, said},
    terminal::{harmless, is_harmless},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

/// A repository whose only agent is a `claude` with this script, which has one try and one life.
fn space(script: &str, agents: &str) -> Space {
    let space = Space::strict();
    let config =
        format!("{}[review]\nreviewers = []\n[agents]\nbackend = \"claude\"\n{agents}", space.read("tidegate.toml"));
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    fs::create_dir(space.beside("bin")).expect("a folder is made");
    let program = space.beside("bin/claude");
    fs::write(&program, agent(script)).expect("a script is written");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it becomes a program");
    space
}

/// A `claude` that says its version, and else does this.
fn agent(script: &str) -> String {
    format!("#!/bin/sh\nset -eu\nif [ \"$*\" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi\n{script}\n")
}

fn execute(space: &Space) -> Said {
    claude::run(space, &["execute", "one", "--plain"])
}

const INIT: &str = r#"echo '{"type":"system","subtype":"init","session_id":"4c33a9d8-1111-4222-8333-444455556666","apiKeySource":"none","claude_code_version":"2.1.329"}'"#;

/// Demands that nothing lands, that a person is told these words, and that the run may be gone on with.
#[track_caller]
fn comes_to_nothing(script: &str, words: &[&str]) -> Space {
    let space = space(script, "");
    harmless(execute(&space)).exits(1).says(words).says(&["tidegate retry one 1"]);
    assert!(space.landed("one").is_empty());
    space.run(&["why", "one", "1"]).exits(0).says(words);
    space
}

/// Every file that is kept of the calls of agents, with its length.
fn kept(space: &Space) -> Vec<(PathBuf, u64)> {
    let (mut files, mut folders) = (Vec::new(), vec![space.repo().join(".git/tidegate/runs")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is a folder").flatten() {
            let about = entry.metadata().expect("it is there");
            if about.is_dir() { folders.push(entry.path()) } else { files.push((entry.path(), about.len())) }
        }
    }
    files
}

#[test]
fn garbage_is_no_answer() {
    let script = r#"cat > /dev/null
        printf '\377\376 \200\n{"type":\n[1]\nnull\n{"type":7}\n{"type":"result"\n{"type":"assistant","message":{"content":"?"}}\n'
        printf '{"type":"user","message":{"content":{"a":[[[[]]]]}}}\n\000\001\002\nthe printer is on fire\n'"#;
    comes_to_nothing(script, &["implement fell over too often", "the printer is on fire"]);
}

#[test]
fn an_agent_that_ends_well_without_a_word_has_done_nothing() {
    comes_to_nothing("cat > /dev/null", &["implement fell over too often", "ended without an answer"]);
}

#[test]
fn an_error_within_a_good_end_is_an_error() {
    let error = |fields: &str| {
        format!(
            "cat > /dev/null\n{INIT}\necho '{{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,{fields}}}'"
        )
    };
    comes_to_nothing(&error("\"result\":\"a cog is missing\""), &["implement fell over too often", "a cog is missing"]);
    let space = space(&error("\"result\":\"Invalid key\",\"api_error_status\":401"), "");
    let told = ["claude waits for a person", "log in first: Invalid key", "tidegate execute one"];
    execute(&space).exits(1).says(&told);
    assert!(space.landed("one").is_empty());
}

/// Bytes of one stream that are kept.
const STREAM_MAX: u64 = 64 << 20;

#[test]
fn a_line_of_hundreds_of_megabytes_takes_neither_memory_nor_disk_without_end() {
    let space = space(&format!("cat > /dev/null\n{INIT}\nhead -c 400000000 /dev/zero | tr '\\000' x\necho\n"), "");
    // Who holds all that is kept of the stream, in a buffer that has doubled, needs more than this.
    let mut command = limited(&claude::tidegate(&space, &["execute", "one", "--plain"]), 96 << 10);
    let said = said(&command.output().expect("it runs")).exits(1);
    said.says(&["implement fell over too often", "it printed more than its limit"]);
    let files = kept(&space);
    let stream = files.iter().find(|(path, _)| path.ends_with("stream.jsonl")).expect("its stream");
    assert_eq!(stream.1, STREAM_MAX);
    let rest: u64 = files.iter().map(|(_, length)| length).sum::<u64>() - STREAM_MAX;
    assert!(rest < 4 << 20, "{files:?}");
}

#[test]
fn a_flood_of_errors_and_of_short_words_takes_neither() {
    let script = format!(
        "cat > /dev/null\n{INIT}\nyes 'it is broken' | head -c 100000000 >&2 &\n\
         yes '{{\"type\":\"assistant\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"word\"}}]}}}}' | head -c 2000000\nwait"
    );
    let space = space(&script, "");
    let mut command = limited(&claude::tidegate(&space, &["execute", "one", "--plain"]), 96 << 10);
    let said = said(&command.output().expect("it runs")).exits(1);
    said.says(&["implement fell over too often", "it printed more than its limit"]);
    let files = kept(&space);
    let errors = files.iter().find(|(path, _)| path.ends_with("stderr.log")).expect("its errors");
    assert_eq!(errors.1, STREAM_MAX);
    let rest: u64 = files.iter().map(|(_, length)| length).sum::<u64>() - STREAM_MAX;
    assert!(rest < 4 << 20, "{files:?}");
}

/// The same command, with so many KiB of data for each of its processes.
fn limited(command: &Command, data: u64) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -d {data}; exec \"$@\"")]).arg("sh").arg(command.get_program());
    limited.args(command.get_args()).env_clear().current_dir(command.get_current_dir().expect("a folder"));
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

/// The processes whose command line has this in it: pid and command line.
fn alive(mark: &str) -> Vec<(u32, String)> {
    let pids =
        fs::read_dir("/proc").expect("proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(mark).then_some((pid, line))
    })
    .collect()
}

#[test]
fn an_agent_that_hangs_is_ended_with_all_that_it_began_whatever_they_ignore() {
    let script = format!(
        "cat > /dev/null\n{INIT}\ntrap '' TERM INT HUP\n: > \"$HOME/endless\"\ntail -f \"$HOME/endless\" &\n\
         setsid tail -f \"$HOME/endless\" &\n(setsid sh -c 'tail -f \"$HOME/endless\" & wait' &)\n\
         echo begun > PIPE\ntail -f \"$HOME/endless\""
    );
    let space = space("", "idle = \"2s\"\n");
    let shared = space.beside("shared");
    fs::create_dir(&shared).expect("a folder is made");
    let pipe = shared.join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).expect("a pipe is made");
    let program = space.beside("bin/claude");
    let script = script.replace("PIPE", &pipe.display().to_string());
    fs::write(program, agent(&script)).expect("a script is written");
    let config = format!("{}[sandbox]\nwritable = [{shared:?}]\n", space.read("tidegate.toml"));
    space.write("tidegate.toml", &config);
    space.commit("Share a pipe");
    let (begun, has_begun) = mpsc::channel();
    thread::spawn(move || begun.send(fs::read_to_string(pipe)));
    let mark = space.beside("state").display().to_string();
    let mut command = claude::tidegate(&space, &["execute", "one", "--plain"]);
    let run = thread::spawn(move || command.output());
    let told = has_begun.recv_timeout(Duration::from_mins(1)).expect("it begins in time").expect("it says so");
    // Itself, and two at least that it began: a process has the command line of its parent until it has one of its own.
    let before = alive(&mark);
    let said = said(&run.join().expect("a thread").expect("it runs"));
    said.exits(1).says(&["implement fell over too often", "silent for too long", "`[agents] idle`"]);
    assert_eq!(told.trim(), "begun");
    assert!(before.len() >= 3, "{before:?}");
    assert_eq!(alive(&mark), [], "they outlived it; there were {before:?}");
}

#[test]
fn what_an_agent_prints_reaches_the_terminal_without_its_escape_sequences() {
    // In strings of JSON, in lines that are none, and among its errors.
    let script = format!(
        r#"cat > /dev/null
        {INIT}
        printf '\033[2J\033]0;owned\007stray \302\233 words \377\n'
        printf '{{"type":"assistant","message":{{"content":[{{"type":"text","text":"\\u001b]0;owned\\u0007visible \\u202e \377"}},'
        printf '{{"type":"tool_use","id":"\\u001b[1m","name":"B\\u001b[2Jash","input":{{"command":"\\u001b]0;owned\\u0007run"}}}}]}}}}\n'
        printf '\033]52;c;b3duZWQ=\007errors\r\b \342\200\256 \377\n' >&2
        printf '{{"type":"result","subtype":"success","is_error":true,"result":"\\u001b[31mit \\u009b2J broke \\u202e \377"}}\n'"#
    );
    let space = comes_to_nothing(&script, &["it broke", "errors"]);
    for args in [&["why", "one", "1"][..], &["status", "one"], &["execute", "one", "--json"]] {
        harmless(claude::run(&space, args)).lacks(&["owned"]);
    }
    harmless(space.run(&["logs", "one", "1"])).exits(0).says(&["visible", "Bash", "errors"]);
    is_harmless(&space.read("notes/one/report.md"));
    is_harmless(&space.read("notes/one/execution-status.md"));
}

/// A repository whose agents and reviewers are one program that is no known agent: these scripts, by role.
fn plugged_in(implementation: &str, reviewer: &str) -> Space {
    let space = Space::strict();
    let agent = space.beside("agent.sh");
    let script = format!(
        "prompt=$(cat)\nasked() {{ printf '%s' \"$prompt\" | grep -q \"$1\"; }}\n\
         case $TIDEGATE_ROLE in\nimplementation)\n{implementation}\n;;\nreviewer)\n{reviewer}\n;;\nesac\n"
    );
    fs::write(&agent, script).expect("a script is written");
    let config = format!(
        "{}[review]\nreviewers = [\"qa-reviewer\"]\n[agents]\nbackend = \"command\"\n[backends]\ncommand = [\"sh\", \"-eu\", {agent:?}]\n\
         [sandbox]\nreadable = [{agent:?}]\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Plug a program in");
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    space
}

const WORKS: &str = "asked '^# Task 1: One'\nasked 'You write the code of one task'\ntest \"$(git rev-parse --show-toplevel)\" = \"$(pwd)\"\n\
    test -e tidegate.toml\necho 1 > one";

#[test]
fn any_program_can_be_plugged_in_and_judges_by_json_on_its_output() {
    let reviewer = "asked 'You review the tests of one task'\ntest \"$(cat one)\" = 1\n\
        echo '{\"verdict\": \"approve\", \"findings\": []}'";
    let space = plugged_in(WORKS, reviewer);
    space.execute("one").exits(0).says(&["approved by qa-reviewer"]);
    assert_eq!(space.on("tidegate/one/integration", "one"), "1");
}

#[test]
fn a_program_without_a_verdict_is_asked_once_more() {
    let reviewer =
        "if asked 'Your last message is no verdict'; then echo '{\"verdict\": \"approve\"}'; else echo fine; fi";
    plugged_in(WORKS, reviewer).execute("one").exits(0).says(&["approved by qa-reviewer"]);
    let space = plugged_in(WORKS, "echo fine");
    space.execute("one").exits(1).says(&["qa-reviewer gave no verdict", "no verdict object"]);
    let folders = kept(&space);
    let asked = folders.iter().filter(|(path, _)| path.ends_with("prompt.md") && is_of_review(path)).count();
    assert_eq!(asked, 2, "{folders:?}");
}

fn is_of_review(path: &Path) -> bool {
    path.iter().any(|part| part.to_string_lossy().contains("-review-"))
}

#[test]
fn what_a_program_says_when_it_gives_up_is_what_is_told() {
    let space = plugged_in("echo 'out of ink' >&2\nexit 7", "exit 1");
    space.execute("one").exits(1).says(&["gave up with exit code 7", "out of ink"]);
}

/// A task whose first three tries are in vain, with who is asked for advice.
fn advised(expert: &str, coordinator: &str) -> Space {
    let space = Space::strict();
    let task = Task::new("One")
        .field("Test Requirements: None")
        .code("if grep -q 'write 3' \"$TIDEGATE_FEEDBACK\"; then echo 3 > one; else echo 'in vain'; exit 1; fi")
        .block("role=expert", expert)
        .block("role=coordinator", coordinator);
    space.topic("one", &stream(&[task], "All tests pass"));
    space
}

#[test]
fn an_expert_s_words_are_what_the_next_try_reads() {
    let space = advised("grep -q 'in vain' \"$TIDEGATE_FEEDBACK\"\necho 'You should write 3.'", "exit 1");
    space.execute("one").exits(0);
    assert_eq!(space.on("tidegate/one/integration", "one"), "3");
}

#[test]
fn where_the_expert_is_of_no_help_the_coordinator_decides() {
    let retry = "echo '{\"decision\": \"retry\", \"advice\": \"Do write 3.\"}'";
    let space = advised("echo 'No idea.'", retry);
    space.execute("one").exits(0);
    assert_eq!(space.on("tidegate/one/integration", "one"), "3");
    let back = "echo '{\"decision\": \"return\", \"advice\": \"Who wants a three?\"}'";
    let space = advised("echo 'No idea.'", back);
    space.execute("one").exits(1).says(&["Who wants a three?", "tidegate retry one 1"]);
    let space = advised("echo 'No idea.'", "echo 'Try again.'");
    space.execute("one").exits(1).says(&["execution-coordinator gave no advice that can be read"]);
}
