//! Gate lines that stand behind several things at once, and the ends of phases.

use crate::{
    author::{Author, stream, task},
    told,
};
use tidegate::plan::{Name, Settings};

fn settings() -> Settings {
    Settings { stream_checks: vec!["make check".into()], ..Settings::default() }
}

/// Streams A, B and C of a task each, and what waits for the first two.
fn three() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream("C", "Glue");
    author.task("A", "1", "Schema").task("B", "2", "Layout").task("C", "3", "Glue").needs(&[stream("A"), stream("B")]);
    author.task("C", "4", "Polish").needs(&[task("3")]);
    author
}

#[test]
fn a_line_behind_two_streams_is_a_gate_of_its_own_that_holds_back_what_comes_after_both() {
    let mut author = three();
    author.gate("1", "All tests pass", &[stream("B"), stream("A")], "");
    let plan = author.plan(&settings());
    assert_eq!(
        told::gates(&plan),
        ["task:1", "task:2", "task:3", "task:4", "stream:A", "stream:B", "stream:C", "checkpoint:1", "system"]
    );
    assert_eq!(
        told::waits(&plan),
        [
            "task:3 < 4",
            "stream:A < 3",
            "stream:A < checkpoint:1",
            "stream:B < 3",
            "stream:B < checkpoint:1",
            "checkpoint:1 < 3",
            "checkpoint:1 < system",
        ]
    );
    assert_eq!(told::asks(&plan, "checkpoint:1"), ["checked: All tests pass [make check] (line 11)"]);
}

#[test]
fn a_task_that_comes_after_one_of_them_only_is_not_held_back() {
    let mut author = three();
    author.task("C", "5", "Early").needs(&[task("1")]).gate("1", "It works", &[task("1"), task("2")], "");
    let waits = told::waits(&author.plan(&settings()));
    let held: Vec<&String> = waits.iter().filter(|edge| edge.starts_with("checkpoint")).collect();
    assert_eq!(held, ["checkpoint:1 < 3", "checkpoint:1 < system"]);
}

#[test]
fn lines_of_one_gate_that_stand_behind_the_same_are_one_gate_and_others_get_their_lines_number() {
    let mut author = three();
    author.gate("1", "It works", &[task("1"), task("2")], "").gate("1", "It looks good", &[task("2"), task("1")], "");
    author.gate("1", "It is fast", &[task("1"), task("3")], "").gate("", "Nameless", &[task("2"), task("3")], "");
    let plan = author.plan(&settings());
    let checkpoints: Vec<_> = told::gates(&plan).into_iter().filter(|gate| gate.starts_with("checkpoint")).collect();
    assert_eq!(checkpoints, ["checkpoint:1", "checkpoint:1-17", "checkpoint:line-19"]);
    assert_eq!(
        told::asks(&plan, "checkpoint:1"),
        [
            "held: It works [] (line 11)",
            "held: It looks good [] (line 14)",
            "checked: the checks of checkpoint 1 succeed [make check]",
        ]
    );
    assert_eq!(
        told::asks(&plan, "checkpoint:1-17"),
        ["held: It is fast [] (line 17)", "checked: the checks of checkpoint 1 succeed [make check]"]
    );
}

#[test]
fn what_a_line_says_by_a_fence_of_its_own_is_asked_and_the_checks_too() {
    let mut author = three();
    author.gate("1", "It works", &[task("1"), task("2")], "").gate_check("make demo");
    assert_eq!(
        told::asks(&author.plan(&settings()), "checkpoint:1"),
        ["checked: It works [make demo] (line 11)", "checked: the checks of checkpoint 1 succeed [make check]"]
    );
}

#[test]
fn a_task_may_wait_for_a_gate_line_by_its_name() {
    let mut author = three();
    author.task("C", "5", "Release").needs(&[Name::Gate("1".into())]);
    author.gate("1", "It works", &[task("1"), task("2")], "").gate("2", "Stream is done", &[stream("A")], "");
    author.task("C", "6", "Other").needs(&[Name::Gate("2".into())]);
    let waits = told::waits(&author.plan(&settings()));
    assert!(waits.contains(&"checkpoint:1 < 5".into()), "{waits:?}");
    assert!(waits.contains(&"stream:A < 6".into()), "{waits:?}");
}

#[test]
fn nobody_can_wait_for_the_last_gate_of_all() {
    let mut author = three();
    author.task("C", "5", "Release").needs(&[Name::Gate("1".into())]).gate("1", "It works", &[], "");
    let (plan, faults) = author.settled(&settings()).unwrap();
    assert!(!told::waits(&plan).iter().any(|edge| edge.ends_with("< 5")));
    let told = told::faults(&author.draft(), &faults);
    let told: Vec<&String> = told.iter().filter(|fault| fault.contains("unresolved")).collect();
    assert_eq!(
        told,
        [
            "warning unresolved-dependency: `Gate 1` is asked for by the system gate, which waits for every task | Gate 1: "
        ]
    );
}

#[test]
fn the_end_of_a_phase_asks_for_the_checks_and_for_what_is_said_of_it() {
    let mut author = Author::default();
    author.phase("1", "Ground", &["The ground holds", "Approved by the architect", "p95 under 200 ms"]);
    author.phase("2", "House", &[]).stream("A", "Data").task("A", "1", "Dig").in_phase(0);
    let plan = author.plan(&settings());
    assert_eq!(
        told::asks(&plan, "phase:1"),
        [
            "checked: the checks after Ground succeed [make check]",
            "checked: The ground holds [make check] (line 3)",
            "approved: Approved by the architect [] (line 4)",
            "held: p95 under 200 ms [] (line 5)",
        ]
    );
    assert_eq!(told::asks(&plan, "phase:2"), ["checked: the checks after House succeed [make check]"]);
    assert_eq!(told::asks(&author.plan(&Settings::default()), "phase:1")[0], "held: The ground holds [] (line 3)");
}
