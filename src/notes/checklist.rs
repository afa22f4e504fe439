//! Lists of boxes with labels. In spec-kit's form the phases follow one after the other, and what is not marked `[P]` keeps
//! its place in its phase; in others (`- [ ] 1. Title`, `- [ ] 1.1 Title`) the order is the one given, unless one is stated.

use super::{
    dependency,
    document::{self, Page},
    form::Form,
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::{Owner, TaskLines},
    task::{verbatim, written},
};
use crate::plan::{Fault, Label, Name, PhaseDraft, Prior, Severity, StepDraft, Written, slug};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// Reads one.
pub(super) fn read(lines: &Lines<'_>, form: Form, faults: &mut Vec<Fault>) -> Page {
    let mut page = document::read(lines, form, faults);
    for task in 0..page.draft.tasks.len() {
        let part = page.lines_of(task).clone();
        page.draft.tasks[task].steps = steps(lines, &part);
        page.draft.tasks[task].aliases.extend(stable_id(lines, &part));
    }
    if form == Form::SpecKit {
        phases(lines, &mut page);
        ranks(lines, &mut page);
        remarks(lines, &mut page);
        unlabelled(lines, &page, faults);
    } else if page.draft.tasks.iter().all(|task| task.needs.is_empty()) {
        document::in_sequence(&mut page.draft.tasks, |_| true);
    }
    page
}

/// The boxes below a task's own line: `- [ ] 2.1 Title`, or without a label.
fn steps(lines: &Lines<'_>, part: &TaskLines) -> Vec<StepDraft> {
    let mut steps = Vec::new();
    for number in part.lines.start + 1..part.lines.end {
        let (text, line) = (lines.text(number), lines.line(number));
        let Some(start) = label::bullet(text).filter(|_| line.kind == Kind::Text) else { continue };
        let Some((is_done, length)) = label::checkbox(&text[start..]) else { continue };
        let at = line.text + start + length;
        let item = label::item(&lines.source[at..line.end]);
        let title = at + item.as_ref().map_or(0, |item| item.title);
        let title = title..title + label::closing(&lines.source[at..title], &lines.source[title..line.end]);
        let id = item.map(|item| verbatim(lines, at + item.id.start..at + item.id.end));
        steps.push(StepDraft { id, title: written(lines, title), is_done });
    }
    steps
}

/// `<!-- id:dlv5hgs -->` behind a title: what dependencies call it.
fn stable_id(lines: &Lines<'_>, part: &TaskLines) -> Option<String> {
    let comment = lines.text(part.lines.start).rsplit_once("<!--")?.1.split("-->").next()?;
    let id = comment.trim().strip_prefix("id:")?.trim();
    (!id.is_empty() && id.len() <= 60 && !id.contains(char::is_whitespace)).then(|| id.to_owned())
}

/// `Phase 3.1: Setup (Shared)`: its number, and its title.
fn phase(text: &str) -> Option<(Option<Range<usize>>, Range<usize>)> {
    let start = text.len() - text.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let rest = text[start..].get(.."phase".len()).filter(|w| w.eq_ignore_ascii_case("phase"))?;
    let rest = &text[start + rest.len()..];
    let at = text.len() - rest.trim_start().len();
    let length = text[at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count();
    let length = text[at..at + length].trim_end_matches('.').len();
    let is_short = length <= 2 || text[at..at + length].bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !rest.starts_with([' ', ':', '-']) {
        return None;
    }
    let (id, title) = if length > 0 && is_short { (Some(at..at + length), at + length) } else { (None, at) };
    let title = text.len() - text[title..].trim_start_matches([' ', ':', '-', '–', '—', '.', ')']).len();
    Some((id, label::trimmed(text, title..text.len())))
}

/// Puts each task into the phase above it; a phase without tasks is none.
fn phases(lines: &Lines<'_>, page: &mut Page) {
    let headings = (0..lines.len()).filter(|&n| matches!(lines.line(n).kind, Kind::Heading(_)));
    let found: Vec<(usize, _)> = headings.filter_map(|n| Some((n, phase(lines.text(n))?))).collect();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let mut used: HashMap<String, usize> = HashMap::new();
    for task in 0..page.draft.tasks.len() {
        let above = found.partition_point(|(n, _)| *n < page.lines_of(task).lines.start);
        let Some((heading, (id, title))) = above.checked_sub(1).map(|at| found[at].clone()) else { continue };
        let phases = &mut page.draft.phases;
        let place = *places.entry(heading).or_insert_with(|| {
            let start = lines.line(heading).text;
            let shift = |r: Range<usize>| start + r.start..start + r.end;
            let title = written(lines, shift(title));
            let mut id = match id {
                Some(id) => verbatim(lines, shift(id)),
                None => Written { value: slug(&title.value), at: title.at },
            };
            let times = used.entry(id.value.to_lowercase()).or_insert(0);
            *times += 1;
            if *times > 1 {
                id.value = format!("{}-{times}", id.value);
            }
            phases.push(PhaseDraft { id, title, gates: Vec::new() });
            phases.len() - 1
        });
        page.draft.tasks[task].phase = Some(place);
    }
    checkpoints(lines, page, &found.iter().map(|(n, _)| *n).collect::<Vec<_>>(), &places);
}

/// `**Checkpoint**: ...` says what holds at the end of its phase.
fn checkpoints(lines: &Lines<'_>, page: &mut Page, headings: &[usize], places: &BTreeMap<usize, usize>) {
    for (number, owner) in page.outline.owners.iter().enumerate() {
        let text = lines.text(number);
        let name = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        let is_one = name.get(.."checkpoint".len()).is_some_and(|w| w.eq_ignore_ascii_case("checkpoint"));
        let is_told = is_one && lines.line(number).kind == Kind::Text && *owner == Owner::Document;
        let Some(colon) = text.find(':').filter(|_| is_told) else { continue };
        let above = headings.partition_point(|&n| n < number).checked_sub(1).map(|at| headings[at]);
        let Some(&phase) = above.and_then(|heading| places.get(&heading)) else { continue };
        let start = lines.line(number).text + colon + 1;
        let start =
            lines.line(number).end - lines.source[start..lines.line(number).end].trim_start_matches(['*', ' ']).len();
        let criterion = written(lines, start..lines.line(number).end);
        if !criterion.value.is_empty() {
            page.draft.phases[phase].gates.push(criterion);
        }
    }
}

/// Whether `[P]` stands between a task's label and its title.
fn is_parallel(lines: &Lines<'_>, part: &TaskLines) -> bool {
    let start = part.number.as_ref().map_or(part.content, |id| id.end);
    lines.source.get(start..part.content).is_some_and(|marks| marks.contains("[P]"))
}

/// What is not marked comes after all before it in its phase and before all after it; marked ones next to each other are
/// free of each other. The first ones of a phase come after the phase before.
fn ranks(lines: &Lines<'_>, page: &mut Page) {
    let mut phase = None;
    // The last unmarked task of the phase, and the marked ones behind it.
    let (mut last, mut free): (Option<usize>, Vec<usize>) = (None, Vec::new());
    for task in 0..page.draft.tasks.len() {
        let own = page.draft.tasks[task].phase;
        let is_next = phase.replace(own) != Some(own);
        if is_next {
            (last, free) = (None, Vec::new());
        }
        let is_parallel = is_parallel(lines, page.lines_of(task));
        let before: Vec<Prior> = match (is_parallel, free.is_empty(), last) {
            (false, false, _) => free.iter().copied().map(Prior::Task).collect(),
            (_, _, Some(last)) => vec![Prior::Task(last)],
            (_, _, None) => own.and_then(|p| p.checked_sub(1)).map(Prior::Phase).into_iter().collect(),
        };
        page.draft.tasks[task].order = before;
        if is_parallel {
            free.push(task);
        } else {
            (last, free) = (Some(task), Vec::new());
        }
    }
}

/// `- T014 depends on T012, T013` and `- T008 blocks T009` among the remarks about dependencies: order that no item states.
/// Whatever names more, or less, than tasks is prose.
fn remarks(lines: &Lines<'_>, page: &mut Page) {
    let places: HashMap<String, usize> = page
        .draft
        .tasks
        .iter()
        .enumerate()
        .filter_map(|(place, task)| Some((task.id.as_ref()?.value.to_lowercase(), place)))
        .collect();
    let mut left = MOST_REMARKS;
    for (number, owner) in page.outline.owners.iter().enumerate() {
        let line = lines.line(number);
        if line.kind != Kind::Text || *owner != Owner::Document {
            continue;
        }
        let Some(start) = label::bullet(lines.text(number)) else { continue };
        let text = lines.text(number);
        let verbs = [
            (" depends on ", true),
            (" depend on ", true),
            (" requires ", true),
            (" blocks ", false),
            (" block ", false),
        ];
        let Some((at, verb, is_after)) =
            verbs.iter().find_map(|(verb, is_after)| Some((text.find(verb)?, verb, *is_after)))
        else {
            continue;
        };
        let side = |range: Range<usize>| named(lines, line.text + range.start..line.text + range.end, &places);
        let (Some(first), Some(second)) = (side(start..at), side(at + verb.len()..text.len())) else { continue };
        let (before, after) = if is_after { (second, first) } else { (first, second) };
        left = left.saturating_sub(before.len() * after.len());
        if left == 0 {
            return;
        }
        for &task in &after {
            let others = before.iter().filter(|&&other| other != task).map(|&other| Prior::Task(other));
            page.draft.tasks[task].order.extend(others);
        }
    }
}

/// Remarks do not make more edges than this.
const MOST_REMARKS: usize = 100_000;

/// The tasks that a text names, where it names nothing else.
fn named(lines: &Lines<'_>, range: Range<usize>, places: &HashMap<String, usize>) -> Option<Vec<usize>> {
    let range = label::trimmed(lines.source, range);
    let needs = dependency::needs(lines, std::slice::from_ref(&range))?;
    let place = |id: &str| places.get(&id.to_lowercase()).copied();
    let mut found = Vec::new();
    for name in &needs.names {
        match &name.value {
            Name::Task { id, .. } => found.push(place(id)?),
            Name::Tasks(from, to) => found.extend(place(from)?..=place(to)?),
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Boxes of a phase without a label: no task, and told.
fn unlabelled(lines: &Lines<'_>, page: &Page, faults: &mut Vec<Fault>) {
    let starts: Vec<usize> = page.outline.tasks.iter().map(|t| t.lines.start).collect();
    let headings: Vec<usize> = (0..lines.len())
        .filter(|&n| phase(lines.text(n)).is_some() && matches!(lines.line(n).kind, Kind::Heading(_)))
        .collect();
    for (number, owner) in page.outline.owners.iter().enumerate() {
        let (text, line) = (lines.text(number), lines.line(number));
        let Some(start) = label::bullet(text).filter(|_| line.kind == Kind::Text && line.indent == 0) else { continue };
        let is_boxed = label::checkbox(&text[start..]).is_some();
        let is_free = !matches!(owner, Owner::Gate(_)) && starts.binary_search(&number).is_err();
        let is_in_phase = headings.first().is_none_or(|&first| number > first);
        // Without phases a list of boxes elsewhere is a list of criteria.
        if !is_boxed || !is_free || !is_in_phase || headings.is_empty() || plain(&text[start..]).is_empty() {
            continue;
        }
        let labels = vec![Label { at: lines.line_span(number), text: String::new() }];
        let help = Some("if it is one, give it a label of its own: `- [ ] T012 Title`".to_owned());
        let text = "this box has no label, and is not read as a task".to_owned();
        faults.push(Fault { severity: Severity::Warning, code: "unread-task", text, labels, help });
    }
}
