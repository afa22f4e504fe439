//! Numbered substeps: `1.2. [ ] Add the table`, each on a line or all wrapped into one paragraph. A task's checklist, not tasks.

use super::{
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::TaskLines,
};
use crate::plan::{StepDraft, Written};
use std::ops::Range;

/// The substeps of a task.
pub(super) fn read(lines: &Lines<'_>, task: &TaskLines) -> Vec<StepDraft> {
    let mut steps = Vec::new();
    let mut number = task.lines.start;
    while number < task.lines.end {
        // A paragraph at a time: a step wraps over line ends, not over blank lines and fences.
        let first = number;
        while number < task.lines.end && lines.line(number).kind == Kind::Text {
            number += 1;
        }
        if number > first {
            let start = if first == task.lines.start { task.content } else { lines.line(first).text };
            paragraph(lines, start..lines.line(number - 1).end, &mut steps);
        } else {
            number += 1;
        }
    }
    steps
}

fn paragraph(lines: &Lines<'_>, range: Range<usize>, steps: &mut Vec<StepDraft>) {
    if range.start >= range.end {
        return;
    }
    let text = &lines.source[range.clone()];
    let marks = marks(text);
    for (place, (id, is_done, start)) in marks.iter().enumerate() {
        let end = marks.get(place + 1).map_or(text.len(), |(next, _, _)| next.start);
        let title = &text[*start..end];
        let cut = title.find(" - ").or_else(|| title.find("\n")).filter(|&n| title[n..].trim_start().starts_with("- "));
        let end = start + cut.unwrap_or(title.len());
        let title = range.start + start..range.start + end;
        let id = range.start + id.start..range.start + id.end;
        let at = lines.span(id.start, id.end);
        steps.push(StepDraft {
            id: Some(Written { value: lines.source[id].to_owned(), at }),
            title: Written { value: plain(&lines.source[title.clone()]), at: lines.span(title.start, title.end) },
            is_done: *is_done,
        });
    }
}

/// Where the first step begins.
pub(super) fn first(text: &str) -> Option<usize> {
    marks(text).first().map(|(id, _, _)| id.start)
}

/// The number of each step, whether it is checked, and where its text begins.
fn marks(text: &str) -> Vec<(Range<usize>, bool, usize)> {
    let mut found = Vec::new();
    for (open, _) in text.match_indices('[') {
        let Some((is_done, length)) = label::checkbox(&text[open..]) else { continue };
        let before = text[..open].trim_end();
        let before = before.strip_suffix('.').unwrap_or(before);
        let digits = before.bytes().rev().take_while(|b| b.is_ascii_digit() || *b == b'.').count().min(24);
        let id = before.len() - digits..before.len();
        let is_number = text[id.clone()].contains('.') && label::id_length(&text[id.clone()]) == id.len();
        if is_number && (id.start == 0 || text[..id.start].ends_with(char::is_whitespace)) {
            found.push((id, is_done, open + length));
        }
    }
    found
}
