//! Arrows of a drawing, held against what the tasks state.

use crate::{
    author::{Author, task},
    told,
};
use tidegate::plan::{Draft, Prior, Settings, build};

/// Four tasks of which each waits for the one before it.
fn chain() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "One").task("A", "2", "Two").needs(&[task("1")]);
    author.task("A", "3", "Three").needs(&[task("2")]).task("A", "4", "Four").needs(&[task("3")]);
    author
}

fn told(draft: &Draft) -> Vec<String> {
    let faults = match build(draft, &Settings::default()) {
        Ok((_, faults)) | Err(faults) => faults,
    };
    let about_arrows: Vec<_> = faults.into_iter().filter(|fault| fault.code.starts_with("drawing")).collect();
    told::faults(draft, &about_arrows)
}

#[test]
fn a_drawing_of_what_is_stated_agrees() {
    let mut author = chain();
    author.arrow(0, 1, true).arrow(1, 2, true).arrow(2, 3, true);
    assert_eq!(told(&author.draft()), Vec::<String>::new());
    author.arrow(0, 2, true).arrow(2, 2, true);
    assert_eq!(told(&author.draft()), Vec::<String>::new(), "what follows from others may be drawn");
}

#[test]
fn an_arrow_that_no_field_says_is_told_at_the_field_of_the_later_task() {
    let mut author = chain();
    author.arrow(0, 1, true).arrow(1, 2, true).arrow(2, 3, true).arrow(3, 0, true).arrow(2, 1, false);
    assert_eq!(
        told(&author.draft()),
        [
            "warning drawing-disagrees: an arrow goes from task 3 to task 2, which does not wait for it | 2 --> 1: the arrow | \
             Task 1: what task 2 waits for",
            "error drawing-disagrees: an arrow goes from task 4 to task 1, which does not wait for it | 3 --> 0: the arrow | \
             1: One: what task 1 waits for",
        ]
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
    );
}

#[test]
fn what_is_stated_and_not_drawn_is_told_between_tasks_that_are_drawn() {
    let mut author = chain();
    author.arrow(0, 1, true).arrow(2, 3, false);
    assert_eq!(
        told(&author.draft()),
        [
            "error drawing-disagrees: task 3 waits for task 2, and no arrow goes from one to the other | Task 2: stated here | \
             0 --> 1: not among these arrows"
        ]
    );
    let mut loose = chain();
    loose.arrow(0, 1, false);
    assert_eq!(told(&loose.draft()), Vec::<String>::new(), "tasks that are in no arrow are not drawn");
    let mut weak = chain();
    weak.arrow(0, 1, false).arrow(2, 3, false);
    assert!(told(&weak.draft())[0].starts_with("warning drawing-disagrees: task 3 waits for task 2"));
}

#[test]
fn what_is_missing_is_told_beside_an_arrow_to_the_same_task() {
    let mut author = chain();
    author.task("A", "5", "Five").needs(&[task("1"), task("3")]);
    author.arrow(0, 1, true).arrow(1, 2, true).arrow(0, 4, true);
    assert_eq!(
        told(&author.draft()),
        [
            "error drawing-disagrees: task 5 waits for task 3, and no arrow goes from one to the other | Task 3: stated here | \
             0 --> 4: not among these arrows"
        ]
    );
}

#[test]
fn what_follows_from_several_arrows_needs_none_of_its_own() {
    let mut author = chain();
    author.task("A", "5", "Five").needs(&[task("1")]);
    author.arrow(0, 1, true).arrow(1, 2, true).arrow(2, 3, true).arrow(1, 4, true);
    let told = told(&author.draft());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("an arrow goes from task 2 to task 5"), "{told:?}");
}

#[test]
fn the_order_of_a_document_is_stated_too() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "One").task("A", "2", "Two").comes_after(Prior::Task(0));
    author.arrow(0, 1, true);
    assert_eq!(told(&author.draft()), Vec::<String>::new());
}

#[test]
fn a_task_that_names_itself_is_told_as_a_cycle_and_as_nothing_else() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "One").needs(&[task("1")]).task("A", "2", "Two").needs(&[task("1")]);
    author.arrow(0, 1, true);
    assert_eq!(told(&author.draft()), Vec::<String>::new());
}

#[test]
fn a_row_is_told_where_it_says_what_no_field_says_and_need_not_say_all() {
    let mut author = chain();
    author.row(0, 1).row(0, 3).row(2, 2);
    assert_eq!(told(&author.draft()), Vec::<String>::new(), "what follows from fields, and one that waits for itself");
    author.row(3, 1);
    assert_eq!(
        told(&author.draft()),
        [
            "warning drawing-disagrees: this says that task 2 waits for task 4, which its own fields do not: it makes no edge | \
          | 1 | 3 |: here | Task 1: what task 2 waits for"
        ]
    );
    let mut both = chain();
    both.row(0, 1).arrow(0, 1, true).arrow(2, 3, true);
    let told = told(&both.draft());
    assert_eq!(told.len(), 1, "rows do not stand in for arrows: {told:?}");
    assert!(told[0].contains("0 --> 1: not among these arrows"), "nor are they shown as such: {told:?}");
}
