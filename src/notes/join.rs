//! A coordination plan beside a breakdown. The breakdown makes the tasks. A chunk is the task or the stream of the
//! breakdown that has its title: there its checkpoints are gates, its text is told, and its dependencies have to agree.

use super::label;
use crate::plan::{Arrow, Draft, Fault, Label, Name, Needs, Severity, Shown, Span, TaskDraft};
use std::collections::{BTreeMap, HashMap};

/// What a chunk is in the breakdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Same {
    Task(usize),
    Stream(usize),
}

/// Takes what the other plan adds; and tells what it names that is not there.
pub(super) fn join(draft: &mut Draft, other: Draft) -> Vec<Fault> {
    let mut faults = Vec::new();
    let same = same(draft, &other);
    for (chunk, task) in other.tasks.iter().enumerate() {
        match same.get(&chunk) {
            Some(&Same::Task(own)) => draft.tasks[own].text.push_str(&format!("\n{}", task.text)),
            Some(Same::Stream(_)) | None => draft.context.push_str(&format!("\n{}", task.text)),
        }
    }
    draft.context.push_str(&format!("\n{}", other.context));
    faults.extend(strangers(&other, &same));
    let by_id = by_id(&other.tasks);
    let chunk_of = |name: &Name| -> Option<Vec<usize>> {
        match name {
            Name::Task { id, .. } => Some(vec![*by_id.get(&id.to_lowercase())?]),
            Name::Tasks(from, to) => {
                Some((*by_id.get(&from.to_lowercase())?..=*by_id.get(&to.to_lowercase())?).collect())
            }
            Name::Title(title) | Name::Words(title) => {
                let is_it = |t: &TaskDraft| t.title.value.eq_ignore_ascii_case(title);
                Some(vec![other.tasks.iter().position(is_it)?])
            }
            _ => None,
        }
    };
    for (after, task) in other.tasks.iter().enumerate() {
        for name in task.needs.iter().flat_map(|n| &n.names) {
            for before in chunk_of(&name.value).unwrap_or_default() {
                arrow(draft, &same, (before, after), name.at);
            }
        }
    }
    for drawn in &other.arrows {
        arrow(draft, &same, (drawn.before, drawn.after), drawn.at);
    }
    for mut gate in other.gates {
        let Some(after) = gate.after.take() else {
            draft.gates.push(gate);
            continue;
        };
        let chunks: Option<Vec<usize>> =
            after.names.iter().map(|n| chunk_of(&n.value)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        let known: Option<Vec<Same>> =
            chunks.and_then(|all| all.iter().map(|chunk| same.get(chunk).copied()).collect());
        match known.filter(|all| !all.is_empty()) {
            Some(all) => {
                gate.after = Some(Needs {
                    names: all.into_iter().map(|s| named(draft, s, after.text.at)).collect(),
                    text: after.text,
                });
                draft.gates.push(gate);
            }
            None => {
                let text = format!(
                    "`{}` stands behind what is no task or stream of the breakdown: it holds nothing back",
                    gate.text.value
                );
                faults.push(warning("unmatched-gate", text, gate.text.at, HELP));
            }
        }
    }
    faults
}

const HELP: &str = "give the chunk the title of a task or stream, or write the gate line into the breakdown";

fn warning(code: &'static str, text: String, at: Span, help: &str) -> Fault {
    let labels = vec![Label { at, text: String::new() }];
    Fault { severity: Severity::Warning, code, text, labels, help: Some(help.to_owned()) }
}

/// For each chunk that is one, the task or stream of the same title, where there is one only.
fn same(draft: &Draft, other: &Draft) -> BTreeMap<usize, Same> {
    let mut titles: HashMap<String, Option<Same>> = HashMap::new();
    let tasks = draft.tasks.iter().enumerate().map(|(place, t)| (t.title.value.to_lowercase(), Same::Task(place)));
    let streams =
        draft.streams.iter().enumerate().map(|(place, s)| (s.title.value.to_lowercase(), Same::Stream(place)));
    for (title, what) in tasks.chain(streams) {
        titles.entry(title).and_modify(|known| *known = None).or_insert(Some(what));
    }
    let find = |task: &TaskDraft| {
        let title = &task.title.value;
        let by_title = titles.get(&title.to_lowercase()).copied().flatten();
        by_title.or_else(|| {
            // `Chunk 1: Stream A — Base`
            let label = label::stream(title)?;
            let id = &title[label.id?];
            draft.streams.iter().position(|s| s.id.value.eq_ignore_ascii_case(id)).map(Same::Stream)
        })
    };
    other.tasks.iter().enumerate().filter_map(|(chunk, task)| Some((chunk, find(task)?))).collect()
}

fn by_id(tasks: &[TaskDraft]) -> HashMap<String, usize> {
    tasks.iter().enumerate().filter_map(|(place, t)| Some((t.id.as_ref()?.value.to_lowercase(), place))).collect()
}

/// The chunks that are nothing in the breakdown, told at once.
fn strangers(other: &Draft, same: &BTreeMap<usize, Same>) -> Option<Fault> {
    const FEW: usize = 5;
    let unknown: Vec<&TaskDraft> =
        other.tasks.iter().enumerate().filter(|(chunk, _)| !same.contains_key(chunk)).map(|(_, t)| t).collect();
    let first = unknown.first()?;
    let titles: Vec<&str> = unknown.iter().take(FEW).map(|t| t.title.value.as_str()).collect();
    let more = unknown.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let text = format!("no task or stream of the breakdown has the title of these: {}{more}", titles.join(", "));
    Some(warning("unmatched-chunk", text, first.head, "the breakdown makes the tasks: these are kept as text"))
}

/// What both plans have has to come in the same order.
fn arrow(draft: &mut Draft, same: &BTreeMap<usize, Same>, (before, after): (usize, usize), at: Span) {
    if let (Some(&Same::Task(before)), Some(&Same::Task(after))) = (same.get(&before), same.get(&after)) {
        draft.arrows.push(Arrow { before, after, at, by: Shown::Document });
    }
}

fn named(draft: &Draft, same: Same, at: Span) -> crate::plan::Written<Name> {
    let value = match same {
        Same::Stream(stream) => Name::Stream { id: draft.streams[stream].id.value.clone(), plain: true },
        Same::Task(task) => match &draft.tasks[task].id {
            Some(id) => Name::Task { id: id.value.clone(), plain: true },
            None => Name::Title(draft.tasks[task].title.value.clone()),
        },
    };
    crate::plan::Written { value, at }
}
