//! Gates and conflicts through the binary: what nothing proves, what only a person settles, what collides.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};

/// A task that writes a file.
fn writes(name: &str) -> Task {
    Task::new(name).field("Test Requirements: None").code(&format!("echo {name} > {name}"))
}

/// Everything under the repository's and the state's folder, but what git keeps as it likes.
fn traces(space: &Space) -> Vec<String> {
    let found = space.command("find").args([".git", "notes", "../state", "-type", "f"]).output().expect("find runs");
    let mut paths: Vec<String> = String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect();
    paths.sort();
    paths
}

#[test]
fn a_gate_without_a_check_refuses_the_run_before_anything_is_touched() {
    let space = Space::empty();
    space.write("README.md", "no cargo here\n");
    space.commit("Begin");
    space.topic("bare", &stream(&[writes("one")], "A person is happy"));
    let before = traces(&space);
    space.execute("bare").exits(3).says(&[
        "error: no check was found for the task, stream, system gates: nothing would prove them",
        "set [checks] in tidegate.toml and commit it",
        "--allow-no-checks",
    ]);
    assert_eq!(traces(&space), before);
    space.run(&["check", "bare"]).exits(0).says(&["No check is configured for these gates: stream, system, task"]);
}

#[test]
fn a_run_that_is_allowed_to_go_without_checks_lands_and_its_report_says_so() {
    let space = Space::empty();
    space.write("README.md", "no cargo here\n");
    space.commit("Begin");
    let breakdown = stream(&[writes("one")], "A person is happy");
    let breakdown = breakdown.split("## Quality Gates").next().unwrap_or_default();
    space.topic("bare", breakdown);
    let told = "The run was allowed to go without checks (--allow-no-checks).";
    space.run(&["execute", "bare", "--plain", "--allow-no-checks"]).exits(0).says(&["--allow-no-checks", told]);
    assert_eq!(space.landed("bare"), ["one"]);
    assert!(space.report("bare").contains(told));
}

#[test]
fn a_criterion_that_nobody_can_settle_is_held_until_a_person_approves() {
    let space = Space::plain();
    space.topic("nice", &stream(&[writes("one")], "The colours please the eye"));
    space
        .run(&["check", "nice"])
        .exits(0)
        .says(&["The colours please the eye", "a person: no command settles it"])
        .says(&["tidegate approve nice system 2"]);
    let said = space.execute("nice").exits(1);
    let (_, before) = said.err.split_once("nice").unwrap_or_default();
    assert!(before.contains("The colours please the eye"), "told before the start:\n{}", said.err);
    said.says(&[
        "held, waits for your word: The colours please the eye",
        "tidegate approve nice system 2",
        "tidegate execute nice",
    ]);
    assert_eq!(space.landed("nice"), ["one"], "what was done has landed");
    space
        .run(&["why", "nice", "system"])
        .exits(0)
        .says(&["waits for you: The colours please the eye", "tidegate approve nice system 2"]);
    space.execute("nice").exits(1).says(&["The colours please the eye"]);
    space.run(&["approve", "nice", "system"]).exits(0);
    space
        .execute("nice")
        .exits(0)
        .says(&["a person says that it holds: The colours please the eye", "done, every gate passed"]);
    space.run(&["approve", "nice", "system"]).exits(2).says(&["nothing of system waits for a person's word"]);
}

#[test]
fn of_two_tasks_that_collide_the_second_is_sent_back_with_the_conflict_in_hand_and_both_land() {
    let space = Space::plain().open();
    let meet = space.beside("meet");
    let made = space.command("mkfifo").arg(&meet).status().expect("mkfifo runs");
    assert!(made.success());
    // Both are at work on the same base before either of them ends.
    let code = |name: &str, meeting: String| {
        let resolves = format!(
            "grep -q 'shared.txt collides with what has landed' \"$TIDEGATE_FEEDBACK\"\n\
             grep -q '^<<<<<<<' shared.txt\ngrep -v '^[<=>|]\\{{7\\}}' shared.txt | sort -u > sorted\nmv sorted shared.txt\ngrep -q {name} shared.txt"
        );
        Task::new(name)
            .field("Test Requirements: None")
            .code(&format!("{meeting}\necho {name} > shared.txt"))
            .code(&resolves)
    };
    let says = code("left", format!("echo here > {}", meet.display()));
    let hears = code("right", format!("read -r word < {}", meet.display()));
    space.topic("two", &stream(&[says, hears], "All tests pass"));
    let said = space.execute("two").exits(0);
    assert_eq!(
        said.out.matches("shared.txt collides with what has landed since the task began").count(),
        1,
        "{}",
        said.all()
    );
    assert_eq!(said.out.matches("implements (try 2)").count(), 1, "{}", said.all());
    let mut landed = space.landed("two");
    landed.sort();
    assert_eq!(landed, ["left", "right"]);
    assert_eq!(space.on("tidegate/two/integration", "shared.txt"), "left\nright");
}

#[test]
fn conflict_markers_left_in_the_text_do_not_land() {
    let space = Space::strict();
    let text = "printf '<<<<<<< ours\\na\\n=======\\nb\\n>>>>>>> theirs\\n' > shared.txt";
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None").code(text)], "All tests pass"));
    space.execute("one").exits(1).says(&["shared.txt:1: a conflict marker"]);
    assert!(space.landed("one").is_empty());
}

#[test]
fn a_gate_whose_check_fails_stays_closed_and_says_what_the_check_printed() {
    let space = Space::empty();
    space.write(
        "tidegate.toml",
        "[checks]\ntask = [\"true\"]\nstream = [\"true\"]\nsystem = [\"echo the bridge is down; exit 4\"]\n",
    );
    space.commit("Begin");
    space.topic("one", &stream(&[writes("one")], "All tests pass"));
    space.execute("one").exits(1).says(&[
        "`echo the bridge is down; exit 4` exited with 4",
        "| the bridge is down",
        "tidegate retry one system",
    ]);
    assert_eq!(space.landed("one"), ["one"]);
}

#[test]
fn a_word_that_is_not_taken_is_answered_with_the_one_that_would_be() {
    let space = Space::strict();
    let breakdown = stream(
        &[writes("one"), Task::new("two").field("Test Requirements: None").code("exit 3")],
        "All please the eye",
    );
    space.topic("nice", &breakdown);
    space.execute("nice").exits(1);
    space
        .run(&["approve", "nice", "system", "1"])
        .exits(2)
        .says(&["does not wait for this word", "these of system are a person's to say, once all else is proven: 2: "]);
    space.run(&["approve", "nice", "1", "1"]).exits(2).says(&["no criterion of 1 waits for a person"]);
    space
        .run(&["retry", "nice", "system"])
        .exits(2)
        .says(&["has not failed", "it is blocked by what has: `tidegate retry nice 2`"]);
    space.topic("nice", &breakdown.replace("exit 3", "echo 2 > two"));
    let said = space.execute("nice").exits(1);
    said.says(&["resumed", "the plan changed: 1 task added, 1 taken out or replaced, with their gates"])
        .lacks(&["what was running starts again"]);
    space.run(&["approve", "nice", "system", "2"]).exits(0);
    space.execute("nice").exits(0);
}

#[test]
fn a_deployment_that_a_person_approves_needs_no_check() {
    let space = Space::strict();
    let config = format!("{}[gates.deployment]\napprove = true\n", space.read("tidegate.toml"));
    space.write("tidegate.toml", &config);
    space.commit("Have a gate");
    let task = Task::new("One").field("Test Requirements: None").code("echo 1 > one");
    space.topic("one", &stream(&[task], "All tests pass"));
    space.run(&["check", "one"]).exits(0).lacks(&["No check is configured"]);
    let held = "held for a person at deployment: a person approves the deployment (blocks the end)";
    space.execute("one").exits(1).says(&[held, "tidegate approve one deployment 1"]);
    space.run(&["approve", "one", "deployment", "1"]).exits(0);
    space.execute("one").exits(0).says(&["done, every gate passed"]);
}
