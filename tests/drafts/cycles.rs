//! What waits for itself, told as people wrote it.

use crate::{
    author::{Author, stream, task},
    told,
};
use tidegate::plan::{Name, Prior, Settings};

fn cycles(author: &Author) -> Vec<String> {
    let faults = author.settled(&Settings::default()).expect_err("it waits for itself");
    let cycles: Vec<_> = faults.into_iter().filter(|fault| fault.code == "cycle").collect();
    told::faults(&author.draft(), &cycles)
}

#[test]
fn tasks_that_wait_for_each_other_are_told_with_each_place_where_that_is_stated() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "One").needs(&[task("2")]).task("A", "2", "Two").needs(&[task("1")]);
    assert_eq!(
        cycles(&author),
        ["error cycle: these wait for each other: 1 -> 2 -> 1 | Task 2: 1 waits for 2 | Task 1: 2 waits for 1"]
    );
    let mut last = Author::default();
    last.stream("A", "Data").task("A", "1", "One").needs(&[task("3")]).task("A", "2", "Two");
    last.task("A", "3", "Three").needs(&[task("1")]);
    assert_eq!(
        cycles(&last),
        ["error cycle: these wait for each other: 1 -> 3 -> 1 | Task 3: 1 waits for 3 | Task 1: 3 waits for 1"]
    );
    let mut own = Author::default();
    own.stream("A", "Data").task("A", "1", "One").needs(&[task("1")]);
    assert_eq!(cycles(&own), ["error cycle: these wait for each other: 1 -> 1 | Task 1: 1 waits for 1"]);
}

#[test]
fn a_way_through_streams_phases_and_checkpoints_names_them() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages");
    author.task("A", "1", "One").needs(&[stream("B")]).task("B", "2", "Two").needs(&[stream("A")]);
    assert_eq!(
        cycles(&author),
        [
            "error cycle: these wait for each other: 1 -> stream B -> 2 -> stream A -> 1 | Stream B: 1 waits for stream B | \
             Stream A: 2 waits for stream A"
        ]
    );
    let mut phase = Author::default();
    phase.phase("1", "Ground", &[]).stream("A", "Data").task("A", "1", "One").in_phase(0).comes_after(Prior::Phase(0));
    assert_eq!(
        cycles(&phase),
        ["error cycle: these wait for each other: 1 -> phase 1 -> 1 | 1: One: 1 waits for phase 1"]
    );
    let mut line = Author::default();
    line.stream("A", "Data").task("A", "1", "One").needs(&[Name::Gate("7".into())]).task("A", "2", "Two");
    line.gate("7", "It works", &[task("1"), task("2")], "");
    assert_eq!(
        cycles(&line),
        ["error cycle: these wait for each other: 1 -> checkpoint 7 -> 1 | Gate 7: 1 waits for checkpoint 7"]
    );
}

#[test]
fn of_each_knot_one_cycle_is_told_and_of_ten_knots_at_most() {
    let mut author = Author::default();
    for number in (0..24).step_by(2) {
        let (one, other) = (number.to_string(), (number + 1).to_string());
        author.task("", &one, "x").needs(&[task(&other)]).task("", &other, "y").needs(&[task(&one)]);
    }
    assert_eq!(cycles(&author).len(), 10);
}

#[test]
fn a_cycle_beside_another_fault_is_told_too() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Empty");
    author.task("A", "1", "One").needs(&[task("2")]).task("A", "2", "Two").needs(&[task("1")]);
    let codes: Vec<_> = author.settled(&Settings::default()).unwrap_err().iter().map(|fault| fault.code).collect();
    assert!(codes.contains(&"cycle") && codes.contains(&"empty-stream"), "{codes:?}");
}
