//! What is too large to be looked at is said to be so. It takes seconds to get there, so `.ci/mutants` leaves these out.

use crate::{
    author::{Author, task},
    told,
};
use tidegate::plan::{Arrow, Extent, Name, Prior, Role, Settings, Shown, Span, build};

#[test]
fn more_arrows_than_can_be_compared_are_said_to_be_too_many() {
    let mut author = Author::default();
    author.task("", "0", "x");
    for number in 1..12_000 {
        author.task("", &number.to_string(), "x").comes_after(Prior::Task(number - 1));
    }
    let mut draft = author.draft();
    let arrow = |before| Arrow { before, after: before + 1, at: Span::default(), by: Shown::Graph };
    draft.arrows = (0..11_999).map(arrow).collect();
    let faults = build(&draft, &Settings::default()).expect("it is warned of").1;
    let told: Vec<_> = told::faults(&draft, &faults).into_iter().filter(|fault| fault.contains("drawing")).collect();
    assert_eq!(
        told,
        ["warning drawing-unread: there are more arrows here than can be compared with the dependencies | : "]
    );
}

#[test]
fn more_checkpoints_than_can_be_looked_at_are_refused() {
    let mut author = Author::default();
    for number in 0..12_000 {
        author.task("", &format!("T{number}"), "x").comes_after(Prior::Task(number.max(1) - 1));
        if number == 0 {
            author.with(|task| task.order.clear());
        }
    }
    for number in 0..2_000 {
        author.gate(&number.to_string(), "It works", &[task("T0"), task("T1")], "");
    }
    let faults = author.settled(&Settings::default()).unwrap_err();
    assert_eq!(faults.iter().filter(|fault| fault.code == "too-many-checkpoints").count(), 1);
}

#[test]
fn more_than_a_million_edges_are_refused_and_so_are_thousands_of_streams() {
    let mut author = Author::default();
    let all = Name::AllTasks(Extent::Others);
    for number in 0..1_002 {
        author.task("", &number.to_string(), "x").tests("x");
        if number % 2 == 0 {
            author.needs(std::slice::from_ref(&all)).needs(std::slice::from_ref(&all));
        }
    }
    let codes = |author: &Author| author.faults(&Settings::default()).iter().map(|f| f.code).collect::<Vec<_>>();
    assert!(codes(&author).contains(&"too-many-edges"));
    let mut wide = Author::default();
    for number in 0..4_097 {
        wide.stream(&format!("S{number}"), "x");
    }
    wide.task("S1", "1", "x").tests("x");
    assert_eq!(codes(&wide), ["too-many-streams"]);
    let mut many = Author::default();
    for number in 0..4_096 {
        many.stream(&format!("S{number}"), "x").task(&format!("S{number}"), &number.to_string(), "x").tests("x");
    }
    assert!(many.settled(&Settings::default()).is_ok());
}

#[test]
fn more_reviewers_or_resources_than_have_a_number_are_refused_and_none_is_left_out() {
    let settled = |change: fn(&mut Author, usize), count: usize| {
        let mut author = Author::default();
        author.task("", "1", "x").tests("x");
        (0..count).for_each(|number| change(&mut author, number));
        author
            .settled(&Settings::default())
            .map_err(|faults| faults.iter().map(|fault| fault.text.clone()).collect::<Vec<_>>().join(", "))
    };
    let reviewer = |author: &mut Author, number: usize| {
        author.script(Role::Reviewer, "true").with(|task| task.scripts[number].name = Some(number.to_string()));
    };
    let resource = |author: &mut Author, number: usize| {
        author.claims(&format!("port:{number}"), true);
    };
    assert_eq!(settled(reviewer, 5_000).unwrap().0.reviewers.len(), 5_000);
    assert!(settled(reviewer, 65_537).unwrap_err().contains("there are more than 65,536 reviewers"));
    assert_eq!(settled(resource, 65_536).unwrap().0.resources.len(), 65_536);
    assert!(settled(resource, 65_537).unwrap_err().contains("there are more than 65,536 resources"));
}

#[test]
fn a_line_behind_thousands_of_tasks_stands_behind_each_of_them() {
    let mut author = Author::default();
    for number in 0..5_000 {
        author.task("", &number.to_string(), "x");
    }
    author.gate("1", "It works", &[Name::AllTasks(Extent::Others)], "");
    let plan = author.plan(&Settings::default());
    let waits = told::waits(&plan).into_iter().filter(|edge| edge.ends_with(" < checkpoint:1"));
    assert_eq!(waits.count(), 5_000);
}
