//! What waits for what.

use crate::{
    author::{Author, stream, task, words},
    told,
};
use tidegate::plan::{Extent, Name, Prior, Settings};

fn waits(author: &Author) -> Vec<String> {
    told::waits(&author.plan(&Settings::default()))
}

/// Streams A and B of two tasks each.
fn two_by_two() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages");
    author.task("A", "1", "Schema").task("A", "2", "Queries").task("B", "3", "Layout").task("B", "4", "Styles");
    author
}

#[test]
fn every_task_has_a_gate_every_stream_has_one_and_the_system_waits_for_all_streams() {
    let plan = two_by_two().plan(&Settings::default());
    assert_eq!(told::gates(&plan), ["task:1", "task:2", "task:3", "task:4", "stream:A", "stream:B", "system"]);
    let label = |at: u32| plan.nodes[at as usize].label();
    let edges: Vec<String> = plan.edges.iter().map(|(a, b)| format!("{} < {}", label(a.0), label(b.0))).collect();
    assert_eq!(
        edges,
        [
            "1 < task:1",
            "2 < task:2",
            "3 < task:3",
            "4 < task:4",
            "task:1 < stream:A",
            "task:2 < stream:A",
            "task:3 < stream:B",
            "task:4 < stream:B",
            "stream:A < system",
            "stream:B < system",
        ]
    );
    assert_eq!(told::waits(&plan), Vec::<String>::new());
}

#[test]
fn a_task_without_a_stream_is_in_one_of_its_own_that_has_no_gate_and_the_system_waits_for_it() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").task("", "2", "Loose").task(
        "Z",
        "3",
        "Of a stream that is not there",
    );
    let plan = author.plan(&Settings::default());
    assert_eq!(plan.streams, [("A".into(), "Data".into()), ("-".into(), "Tasks without a stream".into())]);
    assert_eq!(told::gates(&plan), ["task:1", "task:2", "task:3", "stream:A", "system"]);
    assert_eq!(told::waits(&plan), ["task:2 < system", "task:3 < system"]);
    assert!(told::task(&plan, "2").contains(" in -,"));
    let mut all = Author::default();
    all.stream("A", "Data").task("A", "1", "Schema");
    assert_eq!(all.plan(&Settings::default()).streams.len(), 1);
}

#[test]
fn a_dependent_waits_for_the_gate_of_what_it_names() {
    let mut author = two_by_two();
    author.task("B", "5", "Both").needs(&[task("1"), stream("A"), task("1")]).needs(&[task("4")]);
    assert_eq!(waits(&author), ["task:1 < 5", "task:4 < 5", "stream:A < 5"]);
}

#[test]
fn what_the_order_of_a_document_says_holds_beside_what_is_stated() {
    let mut author = Author::default();
    author.phase("1", "Ground", &[]).phase("2", "House", &[]).stream("A", "Data");
    author.task("A", "1", "Dig").in_phase(0).task("A", "2", "Pour").in_phase(0);
    author.task("A", "3", "Walls").comes_after(Prior::Phase(0)).in_phase(1);
    author.task("A", "4", "Roof").comes_after(Prior::Task(2)).in_phase(1).needs(&[task("2")]);
    assert_eq!(
        waits(&author),
        [
            "task:1 < phase:1",
            "task:2 < 4",
            "task:2 < phase:1",
            "task:3 < 4",
            "task:3 < phase:2",
            "task:4 < phase:2",
            "phase:1 < 3",
            "phase:1 < system",
            "phase:2 < system",
        ]
    );
}

#[test]
fn what_a_streams_heading_says_holds_for_the_tasks_that_nothing_of_the_stream_precedes() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream_needs(&[stream("A")]);
    author.task("A", "1", "Schema").task("B", "2", "Layout").task("B", "3", "Styles").needs(&[task("2")]);
    author.task("B", "4", "Icons");
    assert_eq!(waits(&author), ["task:2 < 3", "stream:A < 2", "stream:A < 4"]);
}

#[test]
fn a_task_of_another_stream_on_the_way_makes_no_second_head() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream("C", "Checks").stream_needs(&[stream("A")]);
    author.task("A", "1", "Schema").task("C", "2", "First").task("B", "3", "Between").needs(&[task("2")]);
    author.task("C", "4", "Last").needs(&[task("3")]);
    assert_eq!(waits(&author), ["task:2 < 3", "task:3 < 4", "stream:A < 2"]);
}

#[test]
fn a_stream_does_not_wait_for_itself_or_its_own_tasks() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream_needs(&[
        stream("B"),
        task("2"),
        Name::AllStreams(Extent::Others),
        task("1"),
    ]);
    author.task("A", "1", "Schema").task("B", "2", "Layout").task("B", "3", "Styles");
    assert_eq!(waits(&author), ["task:1 < 2", "task:1 < 3", "stream:A < 2", "stream:A < 3"]);
}

#[test]
fn what_a_task_blocks_waits_for_its_gate() {
    let mut author = two_by_two();
    author.task("A", "5", "Freeze").blocks(&[task("2"), stream("B"), stream("A")]);
    assert_eq!(waits(&author), ["task:5 < 2", "task:5 < 3", "task:5 < 4"]);
    let mut chain = Author::default();
    chain.stream("A", "Data").stream("B", "Pages").task("A", "1", "Freeze").blocks(&[stream("B")]);
    chain.task("B", "2", "Layout").task("B", "3", "Styles").needs(&[task("2")]);
    chain.task("A", "4", "Also").blocks(&[stream("B")]);
    assert_eq!(waits(&chain), ["task:1 < 2", "task:2 < 3", "task:4 < 2"]);
}

#[test]
fn what_is_said_to_be_blocked_and_is_not_there_is_told_where_it_is_plainly_a_reference() {
    let mut author = two_by_two();
    author.blocks(&[task("9"), words("the rest of the release")]);
    let (plan, faults) = author.settled(&Settings::default()).unwrap();
    assert_eq!(told::waits(&plan), Vec::<String>::new());
    let told = told::faults(&author.draft(), &faults);
    let told: Vec<&String> = told.iter().filter(|fault| fault.contains("unresolved")).collect();
    assert_eq!(
        told,
        [
            "warning unresolved-dependency: `task 9` names no task or stream: it is kept as text and makes no edge | Task 9: "
        ]
    );
}

#[test]
fn each_edge_is_there_once_with_the_place_where_it_was_stated_first() {
    let mut author = two_by_two();
    author.needs(&[task("1")]).needs(&[task("1")]).comes_after(Prior::Task(0));
    assert_eq!(waits(&author), ["task:1 < 4"]);
}
