//! Breakdowns: streams with numbered tasks, task blocks, numbered checklists, tables and tickets. What is theirs alone is
//! the order of a numbered checklist.

use super::{
    document::{self, Page},
    form::Form,
    label,
    lines::Lines,
    outline::{self, Outline, Shape},
    rows,
};
use crate::plan::Fault;
use std::collections::BTreeMap;

/// Reads one, whose outline may be known already.
pub(super) fn read(lines: &Lines<'_>, outline: Option<Outline>, faults: &mut Vec<Fault>) -> Page {
    let outline = outline.unwrap_or_else(|| outline::read(lines, Form::Breakdown));
    let mut page = document::outlined(lines, Form::Breakdown, outline, faults);
    let is_checklist = |task: usize| {
        let lines = page.outline.tasks.get(page.places[task]);
        lines.is_some_and(|l| l.shape == Shape::Numbered && l.checked.is_some() && l.stream.is_none())
    };
    document::in_sequence(&mut page.draft.tasks, is_checklist);
    rows::beside(lines, &mut page);
    page
}

/// Reads a table of tasks, or a list of tickets.
pub(super) fn listed(lines: &Lines<'_>, form: Form, faults: &mut Vec<Fault>) -> Page {
    let mut page = document::read(lines, form, faults);
    if form == Form::Table {
        gate_as_stream(lines, &mut page);
    } else {
        endings(&mut page);
    }
    page
}

/// `Gate` in a cell means all of the one gate that holds tasks.
fn gate_as_stream(lines: &Lines<'_>, page: &mut Page) {
    let is_gate = |heading: &usize| label::stream(lines.text(*heading)).is_none();
    let mut gates: Vec<usize> = page.outline.streams.iter().map(|s| s.heading).filter(is_gate).collect();
    gates.dedup();
    let [heading] = gates.as_slice() else { return };
    let at = lines.line(*heading).text as u32;
    let end = lines.line(*heading).end as u32;
    let own = page.draft.streams.iter_mut().find(|s| (at..end).contains(&s.id.at.start));
    own.into_iter().for_each(|stream| stream.aliases.push("gate".to_owned()));
}

/// A ticket is also called by the end of its id, where no other one ends so.
fn endings(page: &mut Page) {
    let ending = |id: &str| id.rsplit_once(['-', '_']).map(|(_, end)| end.to_lowercase());
    let mut seen = BTreeMap::new();
    let ids: Vec<Option<String>> =
        page.draft.tasks.iter().map(|t| t.id.as_ref().and_then(|id| ending(&id.value))).collect();
    ids.iter().flatten().for_each(|end| *seen.entry(end.clone()).or_insert(0) += 1);
    for (task, end) in page.draft.tasks.iter_mut().zip(ids) {
        task.aliases.extend(end.filter(|end| seen[end] == 1));
    }
}
