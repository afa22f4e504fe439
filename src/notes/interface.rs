//! What a chunk plan says about chunks together: tests of the interface between two of them, and workflows of the whole.

use super::{
    document::Page,
    inline::plain,
    label,
    lines::{Kind, Lines},
    outline::Owner,
    task::written,
};
use crate::plan::{GateDraft, Written};
use std::ops::Range;

/// Where a section under a heading with one of some words ends, and where it begins.
fn sections(lines: &Lines<'_>, page: &Page, is_wanted: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut number = 0;
    while number < lines.len() {
        let Kind::Heading(level) = lines.line(number).kind else {
            number += 1;
            continue;
        };
        let is_here = !matches!(page.outline.owners[number], Owner::Task(_));
        if !is_here || !is_wanted(&plain(lines.text(number)).to_lowercase()) {
            number += 1;
            continue;
        }
        let is_over = |n: &usize| matches!(lines.line(*n).kind, Kind::Heading(l) if l <= level);
        let end = (number + 1..lines.len()).find(is_over).unwrap_or(lines.len());
        found.push(number + 1..end);
        number = end;
    }
    found
}

/// Where the item or paragraph that begins at this line ends: where the next one begins.
fn block(lines: &Lines<'_>, start: usize, end: usize) -> usize {
    let is_next = |n: &usize| {
        let line = lines.line(*n);
        let text = lines.text(*n);
        let is_item = label::number(text).is_some() || text.starts_with("**");
        matches!(line.kind, Kind::Heading(_) | Kind::Rule) || (line.kind == Kind::Text && line.indent == 0 && is_item)
    };
    let last = (start + 1..end).find(is_next).unwrap_or(end);
    (start..last).rev().find(|&n| lines.line(n).kind != Kind::Blank).unwrap_or(start) + 1
}

/// The bytes of some lines.
fn bytes(lines: &Lines<'_>, numbers: Range<usize>) -> Range<usize> {
    lines.line(numbers.start).text..lines.line(numbers.end - 1).end
}

/// `**Chunk 1 → Chunk 2 Interface**:` with its contract, test data and error scenarios: what the later one has to test, where
/// both are known; else a criterion of the system's gate.
pub(super) fn tests(lines: &Lines<'_>, page: &mut Page) {
    let is_wanted = |name: &str| name.contains("integration test") && !name.contains("e2e");
    let names = page.index();
    for section in sections(lines, page, is_wanted) {
        for number in section.clone() {
            let line = lines.line(number);
            let text = lines.text(number);
            let start = label::bullet(text).unwrap_or(0);
            let is_text = matches!(line.kind, Kind::Text | Kind::Heading(_)) && line.indent == 0;
            let Some((first, second)) = ends(text, start).filter(|_| is_text) else { continue };
            let shift = |r: Range<usize>| plain(&lines.source[line.text + r.start..line.text + r.end]);
            let (first, second) = (shift(first), shift(second));
            let all = written(lines, bytes(lines, number..block(lines, number, section.end)));
            match (names.task(lines.noun, &first), names.task(lines.noun, &second)) {
                (Some(before), Some(after)) if before != after => page.draft.tasks[after].tests.push(all),
                _ => page.draft.gates.push(of_system(all)),
            }
        }
    }
}

/// Workflows of the whole system, each a criterion of its gate.
pub(super) fn workflows(lines: &Lines<'_>, page: &mut Page) {
    let is_wanted =
        |name: &str| name.contains("user workflow") || name.contains("e2e test req") || name.contains("e2e workflow");
    for section in sections(lines, page, is_wanted) {
        for number in section.clone() {
            let (line, text) = (lines.line(number), lines.text(number));
            let Some((_, start)) = label::number(text).filter(|_| line.kind == Kind::Text && line.indent < 2) else {
                continue;
            };
            if text[start..].starts_with("**") {
                let title = line.text + start..line.end;
                page.draft.gates.push(of_system(written(lines, title)));
            }
        }
    }
}

fn of_system(text: Written<String>) -> GateDraft {
    GateDraft { id: None, text, after: None, stream: None, checks: Vec::new() }
}

/// Both ends of `**[A] → [B] Interface**:`.
pub(super) fn ends(text: &str, start: usize) -> Option<(Range<usize>, Range<usize>)> {
    let arrow = label::arrow(text, start)?;
    let head = text[start..arrow.start].trim_start_matches(['*', ' ', '#']);
    let first = arrow.start - head.len()..arrow.start;
    let behind = arrow.end;
    let end = text[behind..].find(['*', ':', '→']).map_or(text.len(), |n| behind + n);
    let rest = text[behind..end].trim_end();
    let rest = ["interface", "integration", "contract", "boundary", "tests", "test"].iter().fold(rest, |rest, word| {
        let cut = rest.len().checked_sub(word.len()).filter(|&n| rest.is_char_boundary(n));
        cut.filter(|&n| rest[n..].eq_ignore_ascii_case(word)).map_or(rest, |n| rest[..n].trim_end())
    });
    (!head.trim().is_empty() && !rest.trim().is_empty()).then(|| (first, behind..behind + rest.len()))
}
