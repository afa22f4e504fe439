//! Rows of a table: `| Gate 1 | All tests pass | Stream A |`.

use super::{label::trimmed, lines::Lines};
use std::ops::Range;

/// Whether a row is the line below a header.
pub(super) fn is_ruler(row: &str) -> bool {
    row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// Bytes of each cell, without blanks and markup around them.
pub(super) fn cells(lines: &Lines<'_>, number: usize) -> Vec<Range<usize>> {
    let line = lines.line(number);
    let text = lines.text(number);
    let row = text.strip_prefix('|').unwrap_or(text);
    let row = row.strip_suffix('|').unwrap_or(row);
    let mut at = line.text + usize::from(text.starts_with('|'));
    let cell = |part: &str| {
        let range = at..at + part.len();
        at += part.len() + 1;
        trimmed(lines.source, range)
    };
    let mut was_escape = false;
    // `\|` is a stroke in a cell.
    let is_end = |c: char| {
        let is_end = c == '|' && !was_escape;
        was_escape = c == '\\' && !was_escape;
        is_end
    };
    row.split(is_end).map(cell).collect()
}
