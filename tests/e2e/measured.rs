//! Figures through the binary: in gate lines, acceptance criteria and the configuration, read in each of the ways, held to their bounds.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};

/// A task that writes a file.
fn writes(name: &str, text: &str) -> Task {
    Task::new(name).field("Test Requirements: None").code(&format!("echo '{text}' > {name}"))
}

/// A repository with these lines behind its checks, which are `true`, in which nothing is tried twice.
fn strict_with(config: &str) -> Space {
    let space = Space::strict();
    space.write("tidegate.toml", &format!("{}{config}", space.read("tidegate.toml")));
    space.commit("Measure");
    space
}

/// A breakdown with one task and this gate line, with a fence below it.
fn line_with_fence(line: &str, info: &str, script: &str) -> String {
    let text = stream(&[writes("one", "1")], line);
    format!("{text}\n  ```sh role=check {info}\n  {}\n  ```\n", script.replace('\n', "\n  "))
}

#[test]
fn a_figure_just_under_its_bound_keeps_the_gate_closed_and_is_told_as_it_was_measured() {
    let space = strict_with("");
    space.topic("cov", &line_with_fence("Coverage at least 80 %", "", "echo 3 files\necho coverage: 79.999%"));
    space.run(&["check", "cov"]).exits(0).says(&["the last number of `echo 3 files ...`, at least 80 %"]);
    let said = space.execute("cov").exits(1);
    said.says(&["Coverage at least 80 %: measured 79.999 %, asked for at least 80 %", "tidegate retry cov system"]);
    space.run(&["why", "cov", "system"]).exits(0).says(&[
        "\"Coverage at least 80 %\" measured 79.999 %, asked for at least 80 %",
        "refused: Coverage at least 80 %: measured 79.999 %",
    ]);
    let status = space.run(&["status", "cov", "--json"]).exits(0);
    let value: serde_json::Value = serde_json::from_str(&status.out).expect("one JSON value");
    let criteria = value["gates"][1]["criteria"].as_array().expect("criteria").clone();
    let told = criteria.iter().find(|c| c["means"] == "measured").expect("a figure");
    assert_eq!((told["figure"].as_str(), told["bound"].as_str()), (Some("79.999 %"), Some("at least 80 %")));
    assert_eq!(told["state"], "refused");
    assert!(space.report("cov").contains("measured 79.999 %, asked for at least 80 %"));
    assert_eq!(space.landed("cov"), ["one"], "the gate is the system's: the task has landed");
}

#[test]
fn a_figure_is_read_by_a_pattern_a_pointer_or_as_the_last_number_in_the_unit_of_its_bound() {
    for (line, info, script) in [
        ("Startup under 1.5 s", "figure=\"took ([0-9.]+ ms)\"", "echo took 900 ms of 3000 runs"),
        ("Line coverage >= 87.5%", "figure=/totals/percent", "echo '{\"totals\": {\"percent\": 87.5}}'\necho bye 3"),
        ("No more than 3 warnings", "", "echo 3 warnings"),
        ("It is fast", "bound=\"at most 1 s\"", "echo 1000 ms"),
        ("Coverage at least 80 %", "figure=exit", "echo 12 of 100; true"),
    ] {
        let space = strict_with("");
        space.topic("fig", &line_with_fence(line, info, script));
        space.execute("fig").exits(0).says(&["done, every gate passed"]);
    }
}

#[test]
fn a_command_that_prints_no_figure_or_fails_settles_nothing() {
    for (script, told) in [
        ("echo all is well", "no figure was printed"),
        ("echo 99 %; exit 3", "exited with 3"),
        ("false\necho 99 %", "exited with 1"),
        ("echo 1.2 s", "`1.2 s` is not in the unit of the bound, which is %"),
    ] {
        let space = strict_with("");
        space.topic("fig", &line_with_fence("Coverage at least 80 %", "", script));
        space.execute("fig").exits(1).says(&[told]);
    }
}

#[test]
fn a_figure_without_a_command_is_held_and_check_says_so() {
    let space = strict_with("");
    space.topic("fig", &stream(&[writes("one", "1")], "Coverage at least 80 %"));
    space.run(&["check", "fig"]).exits(0).says(&["a person: no command measures it", "tidegate approve fig system 2"]);
    space.execute("fig").exits(1).says(&["held, waits for your word: Coverage at least 80 %"]);
}

#[test]
fn what_is_wrong_with_a_figure_s_fence_is_told_with_its_line() {
    let space = strict_with("");
    for (info, told) in [
        ("figure=\"no group\"", "has 0 groups"),
        ("figure=\"(a\"", "is no regular expression"),
        ("report=../lcov.info", "by its path in the repository"),
        ("bound=\"quick\"", "`quick` is no bound"),
    ] {
        space.topic("fig", &line_with_fence("Coverage at least 80 %", info, "echo 1"));
        space.run(&["check", "fig"]).exits(2).says(&["bad-figure", told]);
    }
    space.topic("fig", &line_with_fence("It is good", "figure=last", "echo 1"));
    space.run(&["check", "fig"]).exits(0).says(&["nothing says what it must hold"]);
}

#[test]
fn an_acceptance_criterion_with_a_command_sends_the_task_back_until_its_figure_holds() {
    let space = Space::plain();
    let task = Task::new("one")
        .field("Test Requirements: None")
        .field("Acceptance Criteria: size at most 4 B, measured by `wc -c < one`")
        .code("echo far too long > one")
        .code("grep -q 'measured 13 B, asked for at most 4 B' \"$TIDEGATE_FEEDBACK\"\necho abc > one");
    space.topic("size", &stream(&[task], "All tests pass"));
    space.execute("size").exits(0).says(&["measured 13 B, asked for at most 4 B", "implements (try 2)"]);
    assert_eq!(space.on("tidegate/size/integration", "one"), "abc");
    space.run(&["why", "size", "1"]).exits(0).says(&["measured 4 B, asked for at most 4 B"]);
    assert!(space.report("size").contains("What was measured"));
}

#[test]
fn a_measure_of_the_configuration_is_asked_at_its_gates_and_where_a_line_calls_it_by_name() {
    let measure = "[[measures]]\nname = \"p95 latency\"\ncommand = \"echo p95 187.5 ms\"\nbound = \"under 200 ms\"\n";
    let space = strict_with(measure);
    space.topic("fast", &stream(&[writes("one", "1")], "The p95 latency must be below 187 ms"));
    space
        .run(&["check", "fast"])
        .exits(0)
        .says(&["p95 latency: the last number of `echo p95 187.5 ms`, less than 200 ms", "less than 187 ms"]);
    space.execute("fast").exits(1).says(&["measured 187.5 ms, asked for less than 187 ms"]);
}

#[test]
fn a_figure_that_was_missed_is_measured_anew_when_the_gate_is_tried_again() {
    let space = Space::strict().open();
    let count = space.beside("count").display().to_string();
    let script = format!("echo x >> {count}\nn=$(wc -l < {count})\necho $((78 + 2 * n)) %");
    space.topic("cov", &line_with_fence("Coverage over 80 %", "", &script));
    space.execute("cov").exits(1).says(&["measured 80 %, asked for more than 80 %"]);
    space.run(&["retry", "cov", "system"]).exits(0);
    space.execute("cov").exits(0).says(&["measured 82 %, asked for more than 80 %"]);
}
