//! Plans of units: `### [Name]` with **Implementation Focus**, ordered by chains (`[A] → [B] → [C]`) and hand-offs; units
//! of one group run side by side.

use super::{
    document::{self, Index, Page},
    form::Form,
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::Owner,
    task::written,
};
use crate::plan::{Fault, GateDraft, Label, Name, Needs, Severity, Span, Written};
use std::{collections::BTreeSet, ops::Range};

/// Reads one.
pub(super) fn read(lines: &Lines<'_>, faults: &mut Vec<Fault>) -> Page {
    let mut page = document::read(lines, Form::Units, faults);
    for task in &mut page.draft.tasks {
        let title = &task.title.value;
        let is_code = title.contains('_');
        // In `### [Name]` the brackets are the template's.
        if let Some(inner) = title.strip_prefix('[').and_then(|t| t.strip_suffix(']')).filter(|_| !is_code) {
            task.title.value = inner.trim().to_owned();
        }
    }
    let names = page.index();
    let mut edges: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut source: Option<(usize, Range<usize>)> = None;
    for number in 0..lines.len() {
        let line = lines.line(number);
        if line.kind != Kind::Text || matches!(page.outline.owners[number], Owner::Task(_)) {
            continue;
        }
        let text = lines.text(number);
        if chain(lines, number, &names, &mut page, &mut edges, faults) {
            continue;
        }
        let Some((key, value)) = bold_field(text) else { continue };
        let value = line.text + value.start..line.text + value.end;
        let named = names.task("unit", &lines.source[value.clone()]);
        match key.as_str() {
            "source" => source = named.map(|unit| (unit, value)),
            "target" => {
                if let (Some((before, at)), Some(after)) = (source.take(), named) {
                    link(lines, &mut page, &mut edges, (before, at), after);
                }
            }
            "quality gates" | "quality gate" | "feature complete" | "cross-unit tests" | "system integration" => {
                let text = written(lines, value);
                if !text.value.is_empty() {
                    page.draft.gates.push(GateDraft { id: None, text, after: None, stream: None, checks: Vec::new() });
                }
            }
            _ => said(lines, &mut page, &names, number, &key, value),
        }
    }
    grouped(lines, &mut page, &names, &edges, faults);
    page
}

/// `**Key**: value` on a line of its own, with or without a bullet.
fn bold_field(text: &str) -> Option<(String, Range<usize>)> {
    let start = label::bullet(text).unwrap_or(0);
    let (inner, behind) = label::bold(&text[start..])?;
    let key = plain(text[start + inner.start..start + inner.end].trim_end_matches(':')).to_lowercase();
    let rest = text[start + behind..].trim_start_matches([':', ' ']);
    let is_field =
        rest.len() < text.len() - start - behind || text[start + inner.start..start + inner.end].ends_with(':');
    is_field.then(|| (key, text.len() - rest.len()..text.len()))
}

/// `**[Name]**: value` elsewhere: below a heading of success what the unit is judged by, below one of agents who does it.
fn said(lines: &Lines<'_>, page: &mut Page, names: &Index, number: usize, key: &str, value: Range<usize>) {
    let Some(unit) = names.task("unit", key) else { return };
    let above = (0..number).rev().find(|&n| matches!(lines.line(n).kind, Kind::Heading(_)));
    let heading = above.map(|n| lines.text(n).to_lowercase()).unwrap_or_default();
    let value = written(lines, value);
    if value.value.is_empty() {
        return;
    }
    if heading.contains("success") || heading.contains("completion") {
        page.draft.tasks[unit].acceptance.push(value);
    } else if heading.contains("agent") {
        page.draft.tasks[unit].agent.get_or_insert(value);
    }
}

/// `- [A] → [B] → [C]`: each comes after the one before it. Whether the line is one.
fn chain(
    lines: &Lines<'_>,
    number: usize,
    names: &Index,
    page: &mut Page,
    edges: &mut BTreeSet<(usize, usize)>,
    faults: &mut Vec<Fault>,
) -> bool {
    let (line, text) = (lines.line(number), lines.text(number));
    let start = label::bullet(text).or_else(|| label::number(text).map(|(_, n)| n)).unwrap_or(0);
    // `**Longest Chain**: [A] → [B]`
    let lead = label::bold(&text[start..]).filter(|(inner, behind)| {
        text[start..][inner.clone()].ends_with(':') || text[start..][*behind..].starts_with(':')
    });
    let start = start + lead.map_or(0, |(_, behind)| behind);
    let start = text.len() - text[start..].trim_start_matches([':', ' ']).len();
    let pieces = label::between_arrows(text, start);
    if pieces.is_empty() {
        return false;
    }
    let found: Vec<Option<usize>> = pieces.iter().map(|p| names.task("unit", &text[p.clone()])).collect();
    if found.iter().all(Option::is_none) {
        return false;
    }
    for (place, piece) in pieces.iter().enumerate() {
        let range = line.text + piece.start..line.text + piece.end;
        if found[place].is_none() {
            faults.push(unknown(lines, &range));
        }
        if let (Some(before), Some(&Some(after))) = (found[place], found.get(place + 1)) {
            link(lines, page, edges, (before, range), after);
        }
    }
    true
}

/// Makes one unit wait for another, by the title that stands there.
fn link(
    lines: &Lines<'_>,
    page: &mut Page,
    edges: &mut BTreeSet<(usize, usize)>,
    (before, at): (usize, Range<usize>),
    after: usize,
) {
    if before == after || !edges.insert((before, after)) {
        return;
    }
    let text = written(lines, label::trimmed(lines.source, at));
    let name = Written { value: Name::Words(text.value.clone()), at: text.at };
    page.draft.tasks[after].needs.push(Needs { text, names: vec![name] });
}

fn unknown(lines: &Lines<'_>, at: &Range<usize>) -> Fault {
    let name = plain(&lines.source[at.clone()]);
    let labels = vec![Label { at: lines.span(at.start, at.end), text: "names no unit of this plan".to_owned() }];
    let text = format!("there is no unit {name}");
    let help = Some("name it as its heading does, or write its section".to_owned());
    Fault { severity: Severity::Error, code: "unknown-dependency", text, labels, help }
}

/// `Group 1: {D, E}` says that they run side by side: a dependency between two of them contradicts it.
fn grouped(
    lines: &Lines<'_>,
    page: &mut Page,
    names: &Index,
    edges: &BTreeSet<(usize, usize)>,
    faults: &mut Vec<Fault>,
) {
    for number in 0..lines.len() {
        let (line, text) = (lines.line(number), lines.text(number));
        let Some((open, close)) = text.find('{').zip(text.rfind('}')).filter(|(open, close)| open < close) else {
            continue;
        };
        let is_list = text.to_lowercase().contains("group") || label::bullet(text).is_some();
        if line.kind != Kind::Text || !is_list || matches!(page.outline.owners[number], Owner::Task(_)) {
            continue;
        }
        let mut members = BTreeSet::new();
        let mut at = open + 1;
        for piece in text[open + 1..close].split(',') {
            let range = line.text + at..line.text + at + piece.len();
            at += piece.len() + 1;
            match names.task("unit", piece) {
                Some(unit) => {
                    members.insert(unit);
                }
                None if !piece.trim().is_empty() => faults.push(unknown(lines, &range)),
                None => {}
            }
        }
        let inside = edges.iter().find(|(before, after)| members.contains(before) && members.contains(after));
        if let Some(&(before, after)) = inside {
            let title = |unit: usize| page.draft.tasks[unit].title.value.clone();
            let stated: Span = page.draft.tasks[after].needs.last().map_or(page.draft.tasks[after].head, |n| n.text.at);
            let text = format!(
                "{} and {} are said to run side by side, and one waits for the other",
                title(before),
                title(after)
            );
            let here = Label { at: lines.line_span(number), text: "side by side".to_owned() };
            let there = Label { at: stated, text: format!("{} waits for {}", title(after), title(before)) };
            let help = Some("take one of them out of the group, or out of the chain".to_owned());
            let labels = vec![here, there];
            faults.push(Fault { severity: Severity::Error, code: "drawing-disagrees", text, labels, help });
        }
    }
}
