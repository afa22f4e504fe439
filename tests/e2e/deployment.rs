//! Checkpoints and the deployment gate through the binary: who waits for them, what they ask, and how they open.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};
use std::fmt::Write;

/// A task that writes a file.
fn writes(name: &str) -> Task {
    Task::new(name).field("Test Requirements: None").code(&format!("echo {name} > {name}"))
}

/// Streams A, B and so on with one task each, which writes a file; each with its heading's note and its fields. And these gate lines.
fn streams(notes: &[(&str, &str)], gates: &str) -> String {
    let mut text = "# Work\n\n".to_owned();
    for (number, (note, fields)) in (1..).zip(notes) {
        let letter = char::from(b'A' + number - 1);
        let _ = write!(
            text,
            "### Stream {letter}: S{letter} {note}\n\n{number}. **Task {letter}**\n\n   - Test Requirements: None\n{fields}\n   \
             ```sh role=implementation\n   echo {letter} > {letter}\n   ```\n\n"
        );
    }
    format!("{text}## Quality Gates\n\n{gates}")
}

/// A repository with these lines behind its checks.
fn strict_with(config: &str) -> Space {
    let space = Space::strict();
    space.write("tidegate.toml", &format!("{}{config}", space.read("tidegate.toml")));
    space.commit("Ask for more");
    space
}

/// What a gate of `check --format json` has before it, and which gates are before a task, by `check --format dot`.
fn landed(space: &Space, topic: &str) -> Vec<String> {
    let mut landed = space.landed(topic);
    landed.sort();
    landed
}

#[test]
fn whoever_comes_after_all_that_a_checkpoint_stands_behind_waits_for_it() {
    let space = Space::strict();
    let notes = [
        ("(Parallel)", ""),
        ("(Parallel)", ""),
        ("(Depends on Stream A, Stream B)", ""),
        ("(Depends on Stream A)", ""),
    ];
    space.topic("cp", &streams(&notes, "- **Gate 1**: Both please the eye (after Streams A and B)\n"));
    space.run(&["check", "cp"]).exits(0).says(&["checkpoint:1", "tidegate approve cp checkpoint:1 1"]);
    let said = space.execute("cp").exits(1);
    said.says(&[
        "held for a person at checkpoint:1: Both please the eye (blocks 3)",
        "tidegate approve cp checkpoint:1 1",
    ]);
    assert_eq!(landed(&space, "cp"), ["Task A", "Task B", "Task D"], "C waits, D hangs on A alone");
    space.run(&["why", "cp", "3"]).exits(0).says(&["waits for checkpoint 1"]);
    space.run(&["approve", "cp", "checkpoint:1"]).exits(0);
    space.execute("cp").exits(0);
    assert_eq!(landed(&space, "cp").len(), 4);
}

#[test]
fn a_checkpoint_whose_check_fails_is_retried_and_holds_its_dependents_back_until_it_opens() {
    let space = Space::strict().open();
    let flag = space.beside("flag").display().to_string();
    let notes = [("(Parallel)", ""), ("(Parallel)", ""), ("(Parallel)", "   - Dependencies: Gate 1\n")];
    let gates = format!(
        "- **Gate 1**: It works together (after Streams A and B)\n\n  ```sh role=check\n  test -f A && test -f B\n  test -f {flag}\n  ```\n"
    );
    space.topic("cp", &streams(&notes, &gates));
    space.execute("cp").exits(1).says(&["tidegate retry cp checkpoint:1"]);
    assert_eq!(landed(&space, "cp"), ["Task A", "Task B"]);
    space.run(&["why", "cp", "3"]).exits(0).says(&["blocked by checkpoint 1"]);
    std::fs::write(space.beside("flag"), "").unwrap();
    space.run(&["retry", "cp", "checkpoint:1"]).exits(0);
    space.execute("cp").exits(0);
    assert_eq!(landed(&space, "cp").len(), 3);
}

#[test]
fn a_task_can_wait_for_a_gate_by_its_number_but_not_for_one_that_waits_for_it() {
    let space = Space::strict();
    let notes = [("(Parallel)", ""), ("(Parallel)", "   - Dependencies: Gate 1\n"), ("(Parallel)", "")];
    space.topic(
        "one",
        &streams(
            &notes,
            "- **Gate 1**: A is fine (after Stream A)\n- **Gate 2**: All tests pass (after Streams A and B)\n",
        ),
    );
    let said = space.execute("one").exits(1);
    said.says(&["held for a person at stream:A: A is fine (blocks 2)"]);
    assert_eq!(landed(&space, "one"), ["Task A", "Task C"]);
    let notes = [("(Parallel)", ""), ("(Parallel)", "   - Dependencies: Gate 2\n"), ("(Parallel)", "")];
    space.topic("knot", &streams(&notes, "- **Gate 2**: All tests pass (after Streams A and B)\n"));
    space.run(&["check", "knot"]).exits(2).says(&["these wait for each other", "checkpoint 2"]);
    space.topic("last", &streams(&notes, "- **Gate 2**: All tests pass\n"));
    space.run(&["check", "last"]).exits(0).says(&["is asked for by the system gate, which waits for every task"]);
}

#[test]
fn a_deployment_gate_that_opens_says_that_the_result_is_ready_and_how_to_take_it() {
    let space = strict_with("[gates.deployment]\nfiles = [\"README.md\", \"docs/*.md\"]\n");
    let docs = Task::new("docs").field("Test Requirements: None").code("mkdir docs; echo words > docs/use.md");
    space.topic("dep", &stream(&[writes("one"), docs], "All tests pass"));
    space.run(&["check", "dep"]).exits(0).says(&[
        "the tree has what is deployed with it: README.md, docs/*.md: tidegate",
        "every task that landed has handed over: tidegate",
    ]);
    let said = space.execute("dep").exits(0);
    said.says(&[
        "done, every gate passed; ready to be deployed",
        "Ready: the deployment gate is open for tidegate/dep/integration",
        "git merge tidegate/dep/integration",
    ]);
}

#[test]
fn a_deployment_without_what_it_needs_is_not_ready() {
    let space = strict_with("[gates.deployment]\nfiles = [\"CHANGELOG.md\", \"LICENSE\"]\n");
    space.write("LICENSE", "");
    space.commit("An empty licence");
    space.topic("dep", &stream(&[writes("one")], "All tests pass"));
    let said = space.execute("dep").exits(1);
    said.says(&["the tree has no CHANGELOG.md, LICENSE, or it is empty", "tidegate retry dep deployment"])
        .lacks(&["Ready:", "ready to be deployed"]);
}

#[test]
fn deployment_checks_that_change_the_tree_are_told_with_what_they_change() {
    let space = Space::strict();
    let config = space
        .read("tidegate.toml")
        .replace("system =", "deployment = [\"echo built >> README.md; echo x > made\"]\nsystem =");
    space.write("tidegate.toml", &config);
    space.commit("Build");
    space.topic("dep", &stream(&[writes("one")], "All tests pass"));
    space.execute("dep").exits(1).says(&[
        "the deployment checks leave the tree as it is committed: they change README.md: commit what they make, or ignore it",
    ]);
    let config = config.replace("echo built >> README.md; ", "");
    space.write("tidegate.toml", &config);
    space.commit("Build aside");
    space.topic("aside", &stream(&[writes("one")], "All tests pass"));
    space.execute("aside").exits(0).says(&["ready to be deployed"]);
}

#[test]
fn a_deployment_that_a_person_approves_waits_for_that_word_and_then_is_ready() {
    let space = strict_with("[gates.deployment]\napprove = true\n");
    space.topic("dep", &stream(&[writes("one")], "All tests pass"));
    space.execute("dep").exits(1).says(&["held for a person at deployment: a person approves the deployment"]);
    space.run(&["approve", "dep", "deployment"]).exits(0);
    space.execute("dep").exits(0).says(&["ready to be deployed"]);
}
