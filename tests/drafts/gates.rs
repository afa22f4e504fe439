//! What gates ask for, and where a gate line is asked.

use crate::{
    author::{Author, stream, task},
    told,
};
use tidegate::plan::{CoverageWish, Deployment, Measure, Name, Parse, Role, Settings};

fn settings() -> Settings {
    Settings {
        task_checks: vec!["make test".into()],
        stream_checks: vec!["make check".into()],
        system_checks: vec!["make e2e".into()],
        ..Settings::default()
    }
}

/// Streams A and B of a task each.
fn two() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").task("A", "1", "Schema").task("B", "2", "Layout");
    author
}

fn line_of(author: &Author, gate: &str, settings: &Settings) -> Vec<String> {
    told::asks(&author.plan(settings), gate).into_iter().filter(|asked| asked.contains("(line ")).collect()
}

#[test]
fn a_tasks_gate_asks_for_what_its_phases_prove() {
    let plan = two().plan(&settings());
    assert_eq!(
        told::asks(&plan, "task:1"),
        [
            "tests-first: the tests came first, and were red for the right reason []",
            "seal-intact: the sealed tests are untouched []",
            "green: the sealed tests pass, and nothing that passed before fails []",
            "bodies-out: the sealed tests fail without the code (bodies out) []",
            "scope: the patch stays in its scope []",
            "integrity: the built-in reviewers find nothing []",
            "checked: the task checks succeed [make test]",
        ]
    );
    assert_eq!(told::asks(&plan, "stream:A"), ["checked: the stream checks succeed [make check]"]);
    assert_eq!(told::asks(&plan, "system"), ["checked: the system checks succeed [make e2e]"]);
}

#[test]
fn without_checks_levels_ask_for_nothing_by_themselves() {
    let plan = two().plan(&Settings::default());
    assert_eq!(told::asks(&plan, "stream:A"), Vec::<String>::new());
    assert_eq!(told::asks(&plan, "system"), Vec::<String>::new());
    assert_eq!(
        told::asks(&plan, "task:1")[2..],
        [
            "green: the sealed tests pass, and nothing that passed before fails []",
            "scope: the patch stays in its scope []",
            "integrity: the built-in reviewers find nothing []",
        ]
    );
}

#[test]
fn a_tasks_own_lines_fences_and_acceptance_are_asked_at_its_gate() {
    let mut author = two();
    author.own_gate("All tests pass").own_gate("It is documented").acceptance("Looks good");
    author.acceptance("Under 200 ms, measured by `make bench`").acceptance("Approved by the designer");
    author.script(Role::Check, "make lint").script(Role::Reviewer, "true");
    assert_eq!(
        told::asks(&author.plan(&settings()), "task:2")[7..],
        [
            "reviewed: reviewer approves [reviewer]",
            "checked: All tests pass [make test] (line 5)",
            "held: It is documented [] (line 6)",
            "measured: Under 200 ms, measured by `make bench` [last number of make bench less than 200 ms] (line 8)",
            "approved: Approved by the designer [] (line 9)",
            "checked: the task's own check succeeds [make lint] (line 10)",
        ]
    );
}

#[test]
fn a_streams_own_fences_are_asked_at_its_gate() {
    let mut author = Author::default();
    author.stream("A", "Data").stream_check("make data").task("A", "1", "Schema");
    assert_eq!(
        told::asks(&author.plan(&settings()), "stream:A"),
        [
            "checked: the stream checks succeed [make check]",
            "checked: the stream's own check succeeds [make data] (line 2)"
        ]
    );
}

#[test]
fn a_line_is_asked_at_the_gate_of_what_it_stands_behind() {
    let mut author = two();
    author.stream("C", "Last").task("C", "3", "Glue").gate("1", "All tests pass", &[stream("A")], "");
    author.gate("2", "All tests pass", &[task("1")], "").gate("3", "All tests pass", &[], "B");
    author.gate("4", "All tests pass", &[], "");
    assert_eq!(line_of(&author, "stream:A", &settings()), ["checked: All tests pass [make check] (line 8)"]);
    assert_eq!(line_of(&author, "task:1", &settings()), ["checked: All tests pass [make test] (line 11)"]);
    assert_eq!(line_of(&author, "stream:B", &settings()), ["checked: All tests pass [make check] (line 14)"]);
    assert_eq!(line_of(&author, "system", &settings()), ["checked: All tests pass [make e2e] (line 16)"]);
}

#[test]
fn a_line_behind_the_last_stream_behind_all_or_about_the_whole_is_the_systems() {
    let last = |after: &[Name], section: &str, text: &str| {
        let mut author = two();
        author.gate("1", text, after, section);
        line_of(&author, "system", &settings()).len()
    };
    assert_eq!(last(&[stream("B")], "", "It works"), 1);
    assert_eq!(last(&[stream("A")], "", "It works"), 0);
    assert_eq!(last(&[], "B", "It works"), 0, "a section's line is about its stream");
    assert_eq!(last(&[stream("A"), stream("B")], "", "It works"), 1);
    assert_eq!(last(&[stream("A"), task("2")], "", "It works"), 0);
    assert_eq!(last(&[stream("A")], "", "All E2E scenarios pass"), 1);
    assert_eq!(last(&[task("1")], "", "It works end-to-end"), 1);
    let mut one = Author::default();
    one.stream("A", "Data").task("A", "1", "Schema").gate("1", "It works", &[], "A");
    assert_eq!(line_of(&one, "stream:A", &settings()).len(), 1, "the only stream is not all of them");
    assert_eq!(line_of(&one, "system", &settings()).len(), 0);
}

#[test]
fn what_names_a_gate_or_the_same_twice_stands_behind_the_rest() {
    let mut author = two();
    author.gate("1", "It works", &[stream("A")], "").gate(
        "2",
        "It is fast",
        &[Name::Gate("1".into()), stream("A")],
        "",
    );
    author.gate("3", "It is safe", &[task("1"), task("1")], "");
    assert_eq!(line_of(&author, "stream:A", &settings()).len(), 2);
    assert_eq!(line_of(&author, "task:1", &settings()), ["held: It is safe [] (line 12)"]);
}

#[test]
fn configured_figures_are_asked_at_their_levels() {
    let coverage = CoverageWish {
        reports: vec!["lcov.info".into()],
        changed: Some(90_000),
        total: Some(80_000),
        may_drop: Some(500),
        ..CoverageWish::default()
    };
    let measure = Measure {
        name: "size".into(),
        command: "make size".into(),
        parse: Parse::Pointer("/size".into()),
        demand: tidegate::plan::Demand::of("at most 12 MiB"),
        levels: vec!["system".into()],
    };
    let settings = Settings { coverage: Some(coverage), measures: vec![measure], ..settings() };
    let plan = two().plan(&settings);
    let task: Vec<String> =
        told::asks(&plan, "task:1").into_iter().filter(|asked| asked.starts_with("measured")).collect();
    assert_eq!(
        task,
        [
            "measured: the changed lines are covered [Changed lines in lcov.info of make test: make test at least 90 %]",
            "measured: the coverage of all lines does not drop [Gain lines in lcov.info of make test: make test at least \
             -0.5 %]",
        ]
    );
    assert_eq!(
        told::asks(&plan, "stream:A")[1..],
        ["measured: the lines are covered [Total lines in lcov.info of make check: make check at least 80 %]"]
    );
    assert_eq!(
        told::asks(&plan, "system")[1..],
        [
            "measured: the lines are covered [Total lines in lcov.info of make e2e: make e2e at least 80 %]",
            "measured: size [/size in make size at most 12 MiB]",
        ]
    );
}

#[test]
fn a_task_that_is_not_verified_is_not_asked_for_a_share() {
    let coverage = CoverageWish { reports: vec!["lcov.info".into()], changed: Some(90_000), ..CoverageWish::default() };
    let settings = Settings { coverage: Some(coverage), in_place: true, ..settings() };
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").script(Role::Implementation, "true").own_gate("All tests pass");
    author.acceptance("It is nice").acceptance("Approved by the designer");
    assert_eq!(
        told::asks(&author.plan(&settings), "task:1"),
        ["held: All tests pass [] (line 4)", "approved: Approved by the designer [] (line 6)"],
        "in place a task's own lines are a person's"
    );
}

#[test]
fn a_line_behind_a_task_is_about_its_patch_and_any_other_about_all() {
    let coverage = CoverageWish { reports: vec!["lcov.info".into()], ..CoverageWish::default() };
    let settings = Settings { coverage: Some(coverage), ..settings() };
    let mut author = two();
    author.gate("1", "Coverage at least 80 %", &[task("1")], "").gate(
        "2",
        "Coverage at least 80 %",
        &[stream("A")],
        "",
    );
    assert!(line_of(&author, "task:1", &settings)[0].contains("[Changed lines in lcov.info of make test:"));
    assert!(line_of(&author, "stream:A", &settings)[0].contains("[Total lines in lcov.info of make check:"));
}

#[test]
fn in_place_a_line_behind_a_task_is_a_gate_of_its_own() {
    let settings = Settings { in_place: true, ..settings() };
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages");
    author.task("A", "1", "Schema").script(Role::Implementation, "true");
    author.task("B", "2", "Layout").script(Role::Implementation, "true");
    author.gate("1", "All tests pass", &[task("1")], "").gate("2", "All tests pass", &[stream("A")], "");
    let plan = author.plan(&settings);
    assert_eq!(told::asks(&plan, "checkpoint:1")[0], "checked: All tests pass [make test] (line 8)");
    assert_eq!(line_of(&author, "stream:A", &settings), ["checked: All tests pass [make check] (line 11)"]);
}

#[test]
fn a_deployment_is_gated_where_it_is_asked_for() {
    assert!(!told::gates(&two().plan(&settings())).contains(&"deployment"));
    let checked = Settings { deployment_checks: vec!["make release".into()], ..settings() };
    let plan = two().plan(&checked);
    assert!(told::waits(&plan).contains(&"system < deployment".into()));
    assert_eq!(
        told::asks(&plan, "deployment"),
        [
            "checked: the deployment checks succeed [make release]",
            "leaves-clean: the deployment checks leave the tree as it is committed [make release]",
            "files: the tree has what is deployed with it: README* [README*]",
            "handed-over: every task that landed has handed over []",
            "no-blocker: no blocker was passed over []",
        ]
    );
    let deployment = Deployment { approve: true, files: vec!["LICENSE".into(), "docs/".into()] };
    let asked = Settings { deployment: Some(deployment), ..settings() };
    assert_eq!(
        told::asks(&two().plan(&asked), "deployment")[..2],
        [
            "approved: a person approves the deployment []",
            "files: the tree has what is deployed with it: LICENSE, docs/ [LICENSE; docs/]",
        ]
    );
}

#[test]
fn gates_that_nothing_settles_are_known() {
    let without = |settings: &Settings, author: &Author| -> Vec<String> {
        author.plan(settings).without_check().map(|(_, gate)| gate.label.to_string()).collect()
    };
    assert_eq!(without(&settings(), &two()), Vec::<String>::new());
    assert_eq!(
        without(&Settings::default(), &two()),
        ["task:1", "task:2", "stream:A", "stream:B", "system"],
        "green without a command proves nothing"
    );
    let no_task_checks = Settings { task_checks: vec![], ..settings() };
    assert_eq!(without(&no_task_checks, &two()), ["task:1", "task:2"]);
    let mut word = two();
    word.gate("1", "Approved by the owner", &[task("1"), stream("B")], "");
    assert!(!without(&Settings::default(), &word).contains(&"checkpoint:1".to_owned()), "a person opens it");
    let mut works = two();
    works.gate("1", "It works", &[task("1"), stream("B")], "");
    assert!(!without(&Settings::default(), &works).contains(&"checkpoint:1".to_owned()));
    let mut phase = Author::default();
    phase.phase("1", "Ground", &[]).stream("A", "Data").task("A", "1", "Dig").in_phase(0);
    assert!(without(&Settings::default(), &phase).contains(&"phase:1".to_owned()), "nobody opens it");
    let figure = Settings { deployment: Some(Deployment::default()), ..settings() };
    assert_eq!(without(&figure, &two()), Vec::<String>::new(), "files settle a deployment");
    let in_place = Settings { in_place: true, task_checks: vec![], ..settings() };
    let mut scripted = Author::default();
    scripted.stream("A", "Data").task("A", "1", "Schema").script(Role::Implementation, "true");
    assert_eq!(without(&in_place, &scripted), Vec::<String>::new(), "a task that is not verified has nothing to check");
}
