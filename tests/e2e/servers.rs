//! MCP servers through the binary: what an agent tells and asks by ours, and which of the user's it is given.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One call of a tool, as a line of JSON in a shell script's single quotes.
fn call(id: u32, name: &str, arguments: &str) -> String {
    format!(
        "'{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{name}\",\"arguments\":{arguments}}}}}'"
    )
}

/// A repository in which one program does what agents are asked for: these scripts, by role.
fn space(implementation: &str, expert: &str) -> Space {
    let space = Space::empty();
    let agent = space.beside("agent.sh");
    let config = format!(
        "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n[attempts]\ntries = 1\nlives = 1\n\
         [review]\nreviewers = []\n[agents]\nbackend = \"command\"\n[backends]\ncommand = [\"sh\", \"-eu\", {agent:?}]\n\
         [sandbox]\nreadable = [{agent:?}]\n"
    );
    let script = format!(
        "prompt=$(cat)\nserved() {{ printf '%s\\n' \"$@\" | sh -c \"$TIDEGATE_MCP\"; }}\ncase $TIDEGATE_ROLE in\n\
         implementation)\n{implementation}\n;;\nexpert)\n{expert}\n;;\nesac\n"
    );
    fs::write(agent, script).expect("a script is written");
    space.write("tidegate.toml", &config);
    space.commit("Begin");
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    space
}

/// Every file that is kept of the runs below folders of this name.
fn kept(space: &Space, name: &str) -> Vec<PathBuf> {
    let runs = space.repo().join(".git/tidegate/runs");
    let (mut files, mut folders) = (Vec::new(), if runs.is_dir() { vec![runs] } else { Vec::new() });
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is a folder").flatten() {
            let is_folder = entry.file_type().expect("it has a kind").is_dir();
            if is_folder { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.retain(|file| file.iter().any(|part| part == name));
    files
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).expect("it is text")
}

#[test]
fn an_agent_reports_asks_an_expert_and_says_why_it_changed_a_file() {
    let calls = [
        "'{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\"}}'"
            .into(),
        call(1, "report_progress", "{\"text\":\"half way\"}"),
        call(2, "record_change", "{\"path\":\"one\",\"rationale\":\"It holds the number.\"}"),
        call(2, "record_change", "{\"path\":\"two\",\"rationale\":\"It is not there.\"}"),
        call(3, "read_findings", "{}"),
        call(4, "consult_expert", "{\"question\":\"Where does it belong?\",\"expert\":\"language-expert\"}"),
        call(5, "consult_expert", "{\"question\":\"Who?\",\"expert\":\"language-expart\"}"),
    ];
    let implementation = format!(
        "said=$(served {})\necho \"$said\"\necho \"$said\" | grep -q 'Into the file one, of 1.'\necho 1 > one",
        calls.join(" ")
    );
    let expert = "test -z \"${TIDEGATE_MCP-}\"\ntest ! -e one\n\
        echo \"$prompt\" | grep -q 'Where does it belong?'\necho \"Into the file one, of $TIDEGATE_TASK.\"";
    let space = space(&implementation, expert);
    let ran = space.tidegate(&["execute", "one", "--plain"]).env("TIDEGATE_LOG", "tidegate=debug").output();
    let said = crate::space::said(&ran.expect("the binary runs")).exits(0);
    said.says(&["an agent says what it is at progress=\"half way\""]);
    assert_eq!(space.on("tidegate/one/integration", "one"), "1");
    let tray = kept(&space, "tray");
    assert!(tray.iter().all(|file| file.is_file()), "a pipe was left: {tray:?}");
    let progress: Vec<_> = tray.iter().filter(|file| file.ends_with("progress.jsonl")).collect();
    assert_eq!(progress.iter().map(|file| text(file)).collect::<String>(), "{\"progress\":\"half way\"}\n");
    let handoffs = kept(&space, "handoffs");
    let handoff = text(&handoffs[0]);
    assert!(handoff.contains("- added: one: It holds the number.\n"), "{handoff}");
    assert!(!handoff.contains("It is not there"), "{handoff}");
    space.run(&["logs", "one", "1"]).exits(0).says(&[
        "nothing of this work has come back",
        "there is no expert `language-expart`; did you mean `language-expert`?",
    ]);
    let asked = space.run(&["logs", "one", "1", "--role", "expert"]).exits(0);
    asked.says(&["Into the file one, of 1."]).lacks(&["nothing of this work has come back"]);
    let asker = space.run(&["logs", "one", "1", "--role", "implementation", "--list"]).exits(0);
    assert!(!asker.out.contains("/consult-"), "{}", asker.all());
}

#[test]
fn no_more_than_five_questions_are_answered_in_one_go() {
    let calls: Vec<String> = (1..=7).map(|id| call(id, "consult_expert", "{\"question\":\"And now?\"}")).collect();
    let implementation = format!(
        "said=$(served {})\ntest \"$(echo \"$said\" | grep -c 'Just go on.')\" = 5\n\
         test \"$(echo \"$said\" | grep -c 'no more than 5 questions')\" = 2\necho 1 > one",
        calls.join(" ")
    );
    let space = space(&implementation, "echo 'Just go on.'");
    space.execute("one").exits(0);
}

#[test]
fn an_expert_is_a_run_that_the_limit_counts_before_it_begins() {
    let implementation = format!(
        "said=$(served {})\necho \"$said\" | grep -o 'Just go on.\\|nobody can be asked: [a-z ]*' > one",
        call(1, "consult_expert", "{\"question\":\"And now?\"}")
    );
    for (most, answer) in [("1", "nobody can be asked: the run"), ("2", "Just go on.")] {
        let space = space(&implementation, "echo 'Just go on.'");
        space.run(&["execute", "one", "--plain", "--max-runs", most]).exits(0);
        assert!(space.on("tidegate/one/integration", "one").starts_with(answer), "{most}");
        space.run(&["status", "one"]).exits(0).says(&[&format!("Spent: {most} run")]);
    }
}

#[test]
fn an_expert_that_takes_too_long_is_ended_and_the_agent_goes_on() {
    let implementation = format!(
        "said=$(served {})\necho \"$said\" | grep -q 'architecture-agent took longer than 900ms'\necho 1 > one",
        call(1, "consult_expert", "{\"question\":\"?\"}")
    );
    let space = space(&implementation, "exec tail -f /dev/null");
    let config = space.read("tidegate.toml").replace("[agents]", "[agents]\nidle = \"1s\"");
    space.write("tidegate.toml", &config);
    space.commit("Be impatient");
    space.execute("one").exits(0);
}

#[test]
fn what_an_agent_writes_into_the_pipe_by_itself_harms_nobody() {
    let implementation = "cd \"$TIDEGATE_TRAY\"\nln -s /dev/full answer-1\nmkdir answer-2\nmkfifo answer-3\n\
        echo garbage > asks\necho '{\"ask\":{\"question\":\"?\",\"answer\":\"../answer\"}}' > asks\n\
        for name in 1 2 3; do echo \"{\\\"ask\\\":{\\\"question\\\":\\\"?\\\",\\\"answer\\\":\\\"answer-$name\\\"}}\" > asks; done\n\
        head -c 300000 /dev/zero > asks\n\
        rm answer-1 answer-3\nrmdir answer-2\ncd - > /dev/null\necho 1 > one";
    let space = space(implementation, "echo 'Just go on.'");
    space.execute("one").exits(0);
    assert_eq!(space.on("tidegate/one/integration", "one"), "1");
}

#[test]
fn a_flood_is_not_listened_to() {
    let implementation = "yes '{\"progress\":\"x\"}' 2> /dev/null > \"$TIDEGATE_TRAY/asks\" || true\necho 1 > one";
    let space = space(implementation, "exit 1");
    let ran = space.tidegate(&["execute", "one", "--plain"]).env("TIDEGATE_LOG", "tidegate=warn").output();
    crate::space::said(&ran.expect("the binary runs")).exits(0).says(&["an agent is not listened to any more"]);
}

#[test]
fn a_server_that_is_not_there_keeps_a_run_from_beginning() {
    let space = space("exit 1", "exit 1");
    let config = |mcp: &str| {
        let config = space.read("tidegate.toml");
        let config = config.lines().filter(|line| !line.starts_with("mcp = ")).collect::<Vec<_>>().join("\n");
        space.write("tidegate.toml", &config.replace("[agents]", &format!("[agents]\nmcp = [\"{mcp}\"]")));
        space.commit("Allow a server");
    };
    config("gihtub");
    space.execute("one").exits(3).says(&["names `gihtub`, and the base commit has no .mcp.json"]);
    space.write(".mcp.json", "{\"mcpServers\": {\"github\": {\"command\": \"x\", \"env\": {\"T\": \"${T}\"}}}}\n");
    space.commit("Have servers");
    space.execute("one").exits(3).says(&["names `gihtub`, which .mcp.json has not", "did you mean `github`?"]);
    config("github");
    space.execute("one").exits(3).says(&["wants `T`, which agents do not have", "`[agents] env`"]);
    space.write(".mcp.json", "{\"mcpServers\": {\n\"github\"}}\n");
    space.commit("Break it");
    space.execute("one").exits(2).says(&["the file is no JSON", ".mcp.json:2:9"]);
    assert!(kept(&space, "logs").is_empty());
}
