//! Which task or stream a name means.

use crate::{
    author::{Author, perhaps_task, stream, task, words},
    told,
};
use tidegate::plan::{Extent, Name, Settings, stated};

/// What a last task of stream B, with these names as its dependencies, is said to wait for; beside what is told.
fn meant(author: &mut Author, names: &[Name]) -> (Vec<String>, Vec<String>) {
    author.task("B", "Z9", "The last of all").tests("x").needs(names);
    let draft = author.draft();
    let last = stated(&draft).0.pop().unwrap_or_default();
    let faults = author.faults(&Settings::default());
    let told = told::faults(&draft, &faults);
    (last, told.into_iter().filter(|fault| fault.contains("-dependency")).collect())
}

fn means(author: &mut Author, names: &[Name]) -> Vec<String> {
    let (found, told) = meant(author, names);
    assert_eq!(told, Vec::<String>::new());
    found
}

/// Tasks with numbers, in streams with letters.
fn numbered() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Web pages");
    author.task("A", "1", "Schema and Migration").tests("x").task("A", "2", "Queries").tests("x");
    author.task("B", "3", "Layout").tests("x").task("B", "4", "Styles, icons and fonts").tests("x");
    author
}

#[test]
fn a_task_is_called_by_its_id_whatever_its_case_and_zeros() {
    assert_eq!(means(&mut numbered(), &[task("2")]), ["task:2"]);
    assert_eq!(means(&mut numbered(), &[task("02")]), ["task:2"]);
    let mut author = numbered();
    author.task("A", "T-007", "Spy").tests("x");
    assert_eq!(means(&mut author, &[task("t-007"), task("T-7"), perhaps_task("T007")]), ["task:T-007"]);
}

#[test]
fn a_word_that_it_has_to_be_over_does_not_count() {
    for word in ["complete", "completed", "done", "finished", "done."] {
        assert_eq!(means(&mut numbered(), &[task(&format!("2 {word}"))]), ["task:2"], "{word}");
    }
}

#[test]
fn a_title_names_its_task_whatever_its_markup() {
    assert_eq!(means(&mut numbered(), &[Name::Title("**queries**".into())]), ["task:2"]);
    assert_eq!(means(&mut numbered(), &[words("`Layout`")]), ["task:3"]);
    assert_eq!(means(&mut numbered(), &[words("Layout (the page)")]), ["task:3"]);
    assert_eq!(means(&mut numbered(), &[words("Layout must be over")]), ["task:3"]);
    assert_eq!(means(&mut numbered(), &[task("Queries")]), ["task:2"]);
}

#[test]
fn a_title_of_three_pieces_is_put_together_from_all_of_them() {
    let mut author = numbered();
    author.task("A", "7", "Draw, paint, print").tests("x");
    assert_eq!(means(&mut author, &[words("Draw"), words("paint"), words("print")]), ["task:7"]);
}

#[test]
fn words_are_apart_where_their_blanks_are() {
    let mut author = numbered();
    author.task("A", "7", "Go on").tests("x").task("A", "8", "Goon").tests("x");
    assert_eq!(means(&mut author, &[words("go  on"), words("goon")]), ["task:7", "task:8"]);
}

#[test]
fn what_is_longer_than_a_title_is_none() {
    for (length, is_title) in [(400, true), (401, false), (402, false)] {
        let title = "x".repeat(length);
        let mut author = numbered();
        author.task("A", "7", &title).tests("x");
        assert_eq!(meant(&mut author, &[words(&title)]).0 == ["task:7"], is_title, "{length}");
    }
}

#[test]
fn a_title_that_two_tasks_have_names_neither() {
    let mut author = numbered();
    author.task("A", "7", "Queries").tests("x");
    let (found, told) = meant(&mut author, &[words("Queries")]);
    assert_eq!((found.len(), told.len()), (0, 1));
}

#[test]
fn a_title_that_was_taken_apart_is_put_together_again() {
    assert_eq!(means(&mut numbered(), &[words("Styles"), words("icons and fonts")]), ["task:4"]);
    assert_eq!(means(&mut numbered(), &[words("Styles"), words("icons and fonts"), task("2")]), ["task:4", "task:2"]);
}

#[test]
fn a_title_in_pieces_may_have_a_remark_in_its_last_one_and_behind_its_label_anywhere() {
    assert_eq!(means(&mut numbered(), &[words("Styles"), words("icons and fonts (mostly)")]), ["task:4"]);
    assert_eq!(means(&mut numbered(), &[task("2"), words("Queries (all)"), words("see below")]), ["task:2"]);
    let (found, told) = meant(&mut numbered(), &[task("3"), words("Queries (all)"), words("see below")]);
    assert_eq!((found, told.len()), (vec!["task:3".to_owned(), "task:2".to_owned()], 1), "it is another one's title");
}

#[test]
fn a_range_means_both_ends_and_what_is_between_them() {
    let range = |from: &str, to: &str| Name::Tasks(from.into(), to.into());
    assert_eq!(means(&mut numbered(), &[range("1", "3")]), ["task:1", "task:2", "task:3"]);
    assert_eq!(means(&mut numbered(), &[range("3", "1")]), ["task:1", "task:2", "task:3"]);
    let mut author = numbered();
    author.task("A", "T2", "x").tests("x").task("A", "M1", "y").tests("x").task("A", "T1", "z").tests("x");
    assert_eq!(means(&mut author, &[range("T1", "T2")]), ["task:T2", "task:T1"], "by number, of the same letters");
    assert_eq!(means(&mut author, &[range("4", "M1")]), ["task:4", "task:T2", "task:M1"], "else as written");
    let mut dotted = Author::default();
    dotted.stream("B", "Pages");
    for id in ["1.1", "1.2", "1.10", "2.1"] {
        dotted.task("B", id, &format!("Task of {id}")).tests("x");
    }
    assert_eq!(means(&mut dotted, &[range("1.2", "2.1")]), ["task:1.2", "task:1.10", "task:2.1"]);
    let (_, told) = meant(&mut numbered(), &[range("1", "77")]);
    assert_eq!(told, ["error unknown-dependency: there is no task 77 | Tasks 1-77: names nothing in this breakdown"]);
}

#[test]
fn a_range_does_not_mean_its_own_task() {
    let mut author = numbered();
    author.task("B", "5", "Five").tests("x").needs(&[Name::Tasks("3".into(), "5".into())]);
    assert_eq!(stated(&author.draft()).0[4], ["task:3", "task:4"]);
}

#[test]
fn a_stream_is_called_by_its_letter_its_title_or_another_name() {
    assert_eq!(means(&mut numbered(), &[stream("a")]), ["stream:A"]);
    assert_eq!(means(&mut numbered(), &[stream("Web  pages")]), ["stream:B"]);
    assert_eq!(means(&mut numbered(), &[words("data")]), ["stream:A"]);
    let mut author = Author::default();
    author.stream("A", "Data").stream_alias("the ground").stream("B", "Pages").task("A", "1", "One").tests("x");
    assert_eq!(means(&mut author, &[stream("The Ground")]), ["stream:A"]);
    assert_eq!(means(&mut numbered(), &[stream("Layout")]), ["task:3"], "a title where there is no such stream");
    let (_, told) = meant(&mut numbered(), &[stream("D")]);
    assert_eq!(told, ["error unknown-dependency: there is no stream D | Stream D: names nothing in this breakdown"]);
}

#[test]
fn a_letter_without_the_word_stream_is_one_only_where_there_are_streams() {
    let perhaps = Name::Stream { id: "Q".into(), plain: false };
    let (_, told) = meant(&mut numbered(), std::slice::from_ref(&perhaps));
    assert!(told[0].starts_with("error unknown-dependency: there is no stream Q"), "{told:?}");
    let mut flat = Author::default();
    flat.task("", "1", "One").tests("x");
    let (_, told) = meant(&mut flat, &[perhaps]);
    assert!(told[0].starts_with("warning unresolved-dependency: `stream Q`"), "{told:?}");
}

#[test]
fn ranges_of_streams_leave_out_ones_own() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream("C", "Glue").stream("D", "Docs");
    for (at, id) in ["A", "C", "D"].into_iter().enumerate() {
        author.task(id, &(at + 1).to_string(), &format!("Of {id}")).tests("x");
    }
    let range = |from: &str, to: &str| Name::Streams(from.into(), to.into());
    assert_eq!(means(&mut author, &[range("A", "C")]), ["stream:A", "stream:C"]);
    assert_eq!(means(&mut author, &[range("D", "C")]), ["stream:C", "stream:D"]);
    let (_, told) = meant(&mut author, &[range("A", "Q")]);
    assert!(told[0].contains("there is no stream Q"), "{told:?}");
}

#[test]
fn all_others_all_before_and_the_last_one() {
    let tasks = |extent| means(&mut numbered(), &[Name::AllTasks(extent)]);
    assert_eq!(tasks(Extent::Others), ["task:1", "task:2", "task:3", "task:4"]);
    assert_eq!(tasks(Extent::Before), ["task:1", "task:2", "task:3", "task:4"]);
    assert_eq!(tasks(Extent::Last), ["task:4"]);
    let streams = |extent| means(&mut numbered(), &[Name::AllStreams(extent)]);
    assert_eq!(streams(Extent::Others), ["stream:A"]);
    let mut author = Author::default();
    author.task("", "1", "One").needs(&[Name::AllTasks(Extent::Last)]).task("", "2", "Two");
    author.needs(&[Name::AllTasks(Extent::Before)]).task("", "3", "Three").needs(&[Name::AllTasks(Extent::Others)]);
    assert_eq!(stated(&author.draft()).0, [vec![], vec!["task:1"], vec!["task:1", "task:2"]]);
    let mut loose = Author::default();
    loose.stream("A", "Data").stream("B", "Pages").task("A", "1", "One").task("", "2", "Two");
    loose.needs(&[Name::AllStreams(Extent::Before)]).task("B", "3", "Three").needs(&[Name::AllStreams(Extent::Last)]);
    loose.task("", "4", "Four").needs(&[Name::AllStreams(Extent::Last)]);
    assert_eq!(stated(&loose.draft()).0[1..], [vec!["stream:A", "stream:B"], vec!["stream:A"], vec![]]);
}

#[test]
fn what_a_stream_waits_for_is_told_without_itself() {
    let mut author = Author::default();
    author.stream("A", "Data").stream("B", "Pages").stream_needs(&[
        Name::AllTasks(Extent::Before),
        stream("B"),
        stream("A"),
    ]);
    author.task("A", "1", "One").task("B", "2", "Two");
    assert_eq!(stated(&author.draft()).1, [vec![], vec!["task:1", "stream:A"]]);
}

#[test]
fn a_task_of_a_stream_by_its_number_or_its_place() {
    let of = |stream: &str, task: &str| Name::InStream { stream: stream.into(), task: task.into() };
    assert_eq!(means(&mut numbered(), &[of("A", "2")]), ["task:2"]);
    assert_eq!(means(&mut numbered(), &[of("B", "4")]), ["task:4"]);
    assert_eq!(means(&mut numbered(), &[of("B", "2")]), ["task:4"], "the second of stream B");
    let mut lettered = Author::default();
    lettered.stream("A", "Data").stream("B", "Pages");
    for (stream, id) in [("A", "A1"), ("A", "A2"), ("B", "B1"), ("B", "B2")] {
        lettered.task(stream, id, &format!("Task {id}")).tests("x");
    }
    assert_eq!(means(&mut lettered, &[of("A", "A2"), of("A", "1")]), ["task:A2", "task:A1"]);
    assert_eq!(means(&mut lettered, &[task("2")]), ["task:B2"], "a number in one's own stream");
    assert_eq!(means(&mut numbered(), &[perhaps_task("B2")]), ["task:4"]);
    let (_, told) = meant(&mut numbered(), &[of("A", "9")]);
    assert!(told[0].contains("there is no task 9"), "{told:?}");
    let (_, told) = meant(&mut numbered(), &[of("Q", "9")]);
    assert!(told[0].contains("there is no stream Q"), "{told:?}");
    let (_, told) = meant(&mut numbered(), &[of("A", "0")]);
    assert!(told[0].contains("there is no task 0"), "{told:?}");
}

#[test]
fn other_names_and_steps_mean_their_task() {
    let mut author = numbered();
    author.task("A", "5", "Reports").tests("x").step("5.2", "Draw").with(|task| task.aliases.push("REP".into()));
    assert_eq!(means(&mut author, &[task("rep")]), ["task:5"]);
    assert_eq!(means(&mut author, &[task("5.2")]), ["task:5"]);
    assert_eq!(means(&mut author, &[words("REP (drawn)")]), ["task:5"]);
}

#[test]
fn words_that_begin_with_an_id_of_letters_and_digits_mean_it() {
    let mut author = numbered();
    author.task("A", "A1", "Alpha").tests("x");
    assert_eq!(means(&mut author, &[words("A1 the first one")]), ["task:A1"]);
    let (found, told) = meant(&mut author, &[words("2 weeks of testing")]);
    assert_eq!((found.len(), told.len()), (0, 1), "a bare number is no id");
}

#[test]
fn what_is_excepted_is_left_out_of_the_same_field() {
    let except = |name| Name::Except(Box::new(name));
    assert_eq!(
        means(&mut numbered(), &[Name::AllTasks(Extent::Others), except(task("2"))]),
        ["task:1", "task:3", "task:4"]
    );
    let mut author = numbered();
    author
        .task("B", "5", "Five")
        .tests("x")
        .needs(&[task("2")])
        .needs(&[Name::AllTasks(Extent::Before), except(task("2"))]);
    assert_eq!(stated(&author.draft()).0[4], ["task:2", "task:1", "task:3", "task:4"]);
}

#[test]
fn prose_in_pieces_is_told_once_and_a_name_between_them_ends_it() {
    let (found, told) =
        meant(&mut numbered(), &[words("access to staging"), words("production"), task("1"), words("luck")]);
    assert_eq!(found, ["task:1"]);
    assert_eq!(
        told,
        [
            "warning unresolved-dependency: `access to staging, production` names no task or stream: it is kept as text and \
             makes no edge | access to staging, production: ",
            "warning unresolved-dependency: `luck` names no task or stream: it is kept as text and makes no edge | luck: ",
        ]
    );
    let (_, told) = meant(&mut numbered(), &[words("staging"), task("88"), words("production")]);
    assert_eq!(told.len(), 3, "{told:?}");
    let long = "luck ".repeat(50);
    let (_, told) = meant(&mut numbered(), &[words(&long), words(&long)]);
    assert_eq!(told.len(), 2, "together they are too long to be one line: {told:?}");
}

#[test]
fn what_looks_like_one_of_our_ids_and_is_none_is_an_error() {
    let severity = |author: &mut Author, id: &str| {
        let (_, told) = meant(author, &[perhaps_task(id)]);
        told[0].split(' ').next().map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(severity(&mut numbered(), "T99"), "error");
    assert_eq!(severity(&mut numbered(), "C1"), "error", "the letter of a stream that could be there");
    assert_eq!(severity(&mut numbered(), "D1"), "warning");
    assert_eq!(severity(&mut numbered(), "Z10"), "error", "a prefix of ours");
    assert_eq!(severity(&mut numbered(), "GPT4"), "warning");
    let mut worded = Author::default();
    worded.stream("Alpha", "Data").task("Alpha", "1", "One").tests("x");
    assert_eq!(severity(&mut worded, "A7"), "warning", "no stream has a letter");
}

#[test]
fn the_nearest_name_is_the_one_with_the_fewest_changes_and_then_the_nearest_number() {
    let near = |author: &mut Author, name: Name| {
        author.task("B", "Z9", "The last of all").tests("x").needs(&[name]);
        let faults = author.faults(&Settings::default());
        let fault = faults.into_iter().find(|fault| fault.code == "unknown-dependency");
        fault.and_then(|fault| fault.help).unwrap_or_default()
    };
    let mut author = Author::default();
    author.stream("B", "Pages");
    for id in ["T-01", "T-12", "T-18", "Deploy"] {
        author.task("B", id, &format!("Task of {id}")).tests("x");
    }
    assert_eq!(near(&mut author, task("T-17")), "the nearest name is `T-18`");
    assert_eq!(near(&mut author, task("T-99")), "the nearest name is `T-18`");
    let mut author = numbered();
    author.task("A", "Deploy", "Ship").tests("x");
    assert_eq!(near(&mut author, task("Depoly")), "the nearest name is `Deploy`");
    let mut author = numbered();
    author.task("A", "Tags", "Label").tests("x");
    assert_eq!(near(&mut author, task("Tool")), "the nearest name is `Tags`", "half of it, and one more");
    let nothing = "name a task by its id or title, a stream by its letter, or write `None`";
    assert_eq!(near(&mut numbered(), task("an altogether different thing")), nothing);
}

#[test]
fn a_gate_that_has_no_line_is_prose_unless_a_task_is_called_so() {
    let (_, told) = meant(&mut numbered(), &[Name::Gate("4".into())]);
    assert!(told[0].starts_with("warning unresolved-dependency: `gate 4` names no task or stream"), "{told:?}");
    let mut author = numbered();
    author.task("A", "5", "Gate 4").tests("x");
    assert_eq!(means(&mut author, &[Name::Gate("4".into())]), ["task:5"]);
    let mut gated = numbered();
    gated.gate("4", "It works", &[stream("A")], "");
    assert_eq!(means(&mut gated, &[Name::Gate("4".into())]), ["gate:4"]);
}

#[test]
fn a_task_without_an_id_is_called_by_a_slug_of_its_title_that_nobody_else_has() {
    let mut author = Author::default();
    author.task("", "", "Draw the page").task("", "", "Draw the page!").task("", "", "***").task("", "draw", "x");
    author.task("", "", "Draw").task("", "", "...");
    let plan = author.plan(&Settings::default());
    let labels: Vec<&str> = plan.nodes.iter().filter_map(|node| node.task()).map(|task| &*task.label).collect();
    assert_eq!(labels, ["draw-the-page", "draw-the-page-2", "task", "draw", "draw-5", "task-2"]);
}
