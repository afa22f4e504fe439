//! What is told of a draft, and what refuses it.

use crate::{
    author::{Author, Change, perhaps_task, stream, task, words},
    told,
};
use tidegate::plan::{FigureDraft, Parse, Role, Settings, TaskDraft};

/// Without the one about quality gates, unless it is asked for.
fn told(author: &Author, settings: &Settings) -> Vec<String> {
    let faults = author.faults(settings);
    let told = told::faults(&author.draft(), &faults);
    told.into_iter().filter(|fault| !fault.contains("no-quality-gates")).collect()
}

fn plainly(author: &Author) -> Vec<String> {
    told(author, &Settings::default())
}

fn one() -> Author {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").tests("The schema loads");
    author
}

#[test]
fn a_draft_without_tasks_is_refused_at_its_first_line() {
    let mut author = Author::default();
    author.stream("A", "Data");
    let faults = author.faults(&Settings::default());
    assert_eq!(
        told::faults(&author.draft(), &faults),
        ["error no-tasks: there are no tasks in this document | Stream A: Data: "]
    );
    assert!(faults[0].help.as_deref().is_some_and(|help| help.contains("`### Task 1: Title`")));
    let mut blank = author.draft();
    blank.streams.clear();
    blank.sources = vec![tidegate::plan::Source::new("b.md".into(), "\n \n  Some words  \nmore\n".into())];
    let faults = tidegate::plan::build(&blank, &Settings::default()).unwrap_err();
    assert_eq!(told::faults(&blank, &faults), ["error no-tasks: there are no tasks in this document | Some words: "]);
}

#[test]
fn ids_are_unique_whatever_their_case() {
    let mut author = one();
    author.task("A", "t1", "First").tests("x").task("A", "T1", "Second").tests("x");
    assert_eq!(
        plainly(&author),
        ["error duplicate-id: two tasks are called T1 | T1: Second: and again here | t1: First: first here"]
    );
    assert!(author.settled(&Settings::default()).is_err());
}

#[test]
fn a_task_has_a_title() {
    let mut author = one();
    author.task("A", "2", "").tests("x");
    assert_eq!(plainly(&author), ["error no-title: task 2 has no title | 2: : nothing between the signs"]);
    let mut author = one();
    author.needs(&[]).task("A", "2", "").tests("x").needs(&[task("1")]);
    let told = plainly(&author);
    assert_eq!(told.len(), 1, "an empty field is no name of it, and makes no cycle: {told:?}");
}

#[test]
fn a_stream_has_tasks() {
    let mut author = one();
    author.stream("B", "Pages");
    assert_eq!(plainly(&author), ["error empty-stream: stream B has no tasks | B: Pages: "]);
    author.task("B", "2", "Layout").tests("x");
    assert_eq!(plainly(&author), Vec::<String>::new());
}

#[test]
fn a_phase_is_one_that_there_is() {
    let mut author = one();
    author.phases(&["tests", "implement"]).task("A", "2", "Other").tests("x").phases(&["paint"]);
    assert_eq!(plainly(&author), ["error unknown-phase: `paint` is no phase of a task | paint: "]);
}

#[test]
fn what_says_nothing_of_tests_is_told_where_agents_would_write_some() {
    let warning = ["warning no-test-requirements: task 2 states no test requirements | 2: Other: "];
    let told = |change: Change| {
        let mut author = one();
        author.task("A", "2", "Other");
        change(&mut author);
        plainly(&author)
    };
    assert_eq!(told(|author| author), warning);
    let phases: Change = |author| author.phases(&["tests", "implement"]);
    assert_eq!(told(phases), warning);
    let quiet: [Change; 4] = [
        |author| author.tests("None"),
        |author| author.done(),
        |author| author.script(Role::Implementation, "true"),
        |author| author.phases(&["implement"]),
    ];
    for change in quiet {
        assert_eq!(told(change), Vec::<String>::new());
    }
}

#[test]
fn a_document_with_a_place_for_quality_gates_and_none_is_told() {
    let author = one();
    let all = |author: &Author| told::faults(&author.draft(), &author.faults(&Settings::default()));
    assert_eq!(all(&author), ["warning no-quality-gates: the breakdown has no quality gates | Stream A: Data: "]);
    let mut titled = author.draft();
    let at = titled.tasks[0].head;
    titled.title = Some(tidegate::plan::Written { value: "Schema".into(), at });
    let faults = tidegate::plan::build(&titled, &Settings::default()).unwrap().1;
    assert_eq!(
        told::faults(&titled, &faults),
        ["warning no-quality-gates: the breakdown has no quality gates | 1: Schema: "]
    );
    let mut list = author.draft();
    list.form.has_gates = false;
    assert_eq!(tidegate::plan::build(&list, &Settings::default()).unwrap().1, []);
    let mut with_line = one();
    with_line.gate("", "All tests pass", &[], "");
    assert_eq!(all(&with_line), Vec::<String>::new());
    let mut with_check = Author::default();
    with_check.stream("A", "Data").stream_check("make check").task("A", "1", "Schema").tests("x");
    assert_eq!(all(&with_check), Vec::<String>::new());
}

#[test]
fn in_place_a_task_is_one_script_and_nothing_else() {
    let settings = Settings { in_place: true, ..Settings::default() };
    let told = |change: Change| {
        let mut author = Author::default();
        author.stream("A", "Data").task("A", "1", "Schema");
        change(&mut author);
        told(&author, &settings).into_iter().filter(|fault| fault.contains("not-in-place")).collect::<Vec<_>>()
    };
    let error =
        |what: &str, at: &str| [format!("error not-in-place: task 1 {what}, and tasks are done in place | {at}: ")];
    assert_eq!(told(|author| author), error("has no script", "1: Schema"));
    let script: Change = |author| author.script(Role::Implementation, "true");
    assert_eq!(told(script), Vec::<String>::new());
    assert_eq!(told(|author| author.done()), Vec::<String>::new());
    assert_eq!(
        told(|author| author.script(Role::Implementation, "true").script(Role::Check, "true")),
        error("has a script for another role than the implementation", "sh role=check")
    );
    assert_eq!(
        told(|author| author.script(Role::Implementation, "true").phases(&["implement", "review"])),
        error("has another phase than implement", "review")
    );
    assert_eq!(told(|author| author.script(Role::Implementation, "true").phases(&["implement"])), Vec::<String>::new());
}

#[test]
fn a_figure_is_read_only_where_it_has_to_hold_something() {
    let mut author = one();
    author.script(Role::Check, "make figure").with(|task| {
        task.scripts[0].figure = Some(FigureDraft::Printed(Parse::Last));
    });
    let warning =
        "warning figure-without-bound: a figure is read here, and nothing says what it must hold | sh role=check: ";
    assert_eq!(plainly(&author), [warning]);
    let mut other = one();
    other.script(Role::Reviewer, "make figure").with(|task| {
        task.scripts[0].figure = Some(FigureDraft::Printed(Parse::Last));
    });
    assert_eq!(plainly(&other), Vec::<String>::new());
    let mut line = one();
    line.gate("", "It is fast", &[], "").gate_check("bench");
    assert_eq!(plainly(&line), Vec::<String>::new());
    let mut draft = line.draft();
    draft.gates[0].checks[0].figure = Some(FigureDraft::Printed(Parse::Last));
    let faults = tidegate::plan::build(&draft, &Settings::default()).unwrap().1;
    assert_eq!(told::faults(&draft, &faults), [warning.replace("sh role=check", "It is fast")]);
}

#[test]
fn a_reference_to_nothing_is_refused_and_prose_is_kept() {
    let mut author = one();
    author.task("A", "2", "Other").tests("x").needs(&[task("12"), words("access to staging")]);
    let faults = author.faults(&Settings::default());
    let told = told::faults(&author.draft(), &faults);
    assert_eq!(
        told[1..],
        [
            "error unknown-dependency: there is no task 12 | Task 12: names nothing in this breakdown",
            "warning unresolved-dependency: `access to staging` names no task or stream: it is kept as text and makes \
             no edge | access to staging: ",
        ]
    );
    assert_eq!(faults[1].help.as_deref(), Some("the nearest name is `2`"));
    let mut far = one();
    far.needs(&[task("quite-another-thing")]);
    let help = far.faults(&Settings::default())[1].help.clone();
    assert_eq!(help.as_deref(), Some("name a task by its id or title, a stream by its letter, or write `None`"));
}

#[test]
fn the_nearest_name_is_looked_for_thirty_times() {
    let mut author = one();
    let unknown: Vec<_> = (20..51).map(|number| task(&number.to_string())).collect();
    author.needs(&unknown);
    let faults = author.faults(&Settings::default());
    let near = |fault: &&tidegate::plan::Fault| fault.help.as_deref().is_some_and(|help| help.contains("nearest"));
    let told: Vec<bool> = faults.iter().filter(|f| f.code == "unknown-dependency").map(|fault| near(&fault)).collect();
    assert_eq!((told.len(), told.iter().filter(|is_near| **is_near).count(), told[30]), (31, 30, false));
}

#[test]
fn the_same_place_is_told_once() {
    let mut author = one();
    author.stream("B", "Pages").stream_needs(&[stream("Z")]).task("B", "2", "Layout").tests("x");
    author.needs(&[perhaps_task("the weather")]).with(|task: &mut TaskDraft| {
        let again = task.needs[0].clone();
        task.needs.push(again);
    });
    assert_eq!(
        plainly(&author),
        [
            "error unknown-dependency: there is no stream Z | Stream Z: names nothing in this breakdown",
            "warning unresolved-dependency: `task the weather` names no task or stream: it is kept as text and makes no \
             edge | the weather: ",
        ]
    );
}

#[test]
fn of_one_kind_of_fault_two_hundred_are_told() {
    let mut author = Author::default();
    for number in 0..203 {
        author.task("", &number.to_string(), "").tests("x");
    }
    assert_eq!(plainly(&author).len(), 200);
}

#[test]
fn faults_are_told_in_the_order_of_the_document() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").needs(&[task("77")]).task("A", "2", "").tests("x");
    let codes: Vec<&str> = author.faults(&Settings::default()).iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["no-quality-gates", "no-test-requirements", "unknown-dependency", "no-title"]);
}
