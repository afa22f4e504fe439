//! Claims: names of what a task needs for itself, in a field or a cell.

use super::{dependency, lines::Lines, task::verbatim};
use crate::plan::ClaimDraft;
use std::ops::Range;

/// The names of a piece of text, between backticks or between commas. Words are prose.
pub(super) fn read(lines: &Lines<'_>, piece: Range<usize>, is_certain: bool) -> Vec<ClaimDraft> {
    let text = &lines.source[piece.clone()];
    if dependency::is_none(text) {
        return Vec::new();
    }
    let is_ticked = text.contains('`');
    let (mut found, mut at, mut in_ticks) = (Vec::new(), 0, false);
    for token in text.split_inclusive(['`', ',', ';', '\n']) {
        let (start, was_in_ticks) = (at, in_ticks);
        at += token.len();
        in_ticks ^= token.ends_with('`');
        // `db (the test database)`
        let name = token.trim_end_matches(['`', ',', ';', '\n']).split(" (").next().unwrap_or_default();
        let name = name.trim().trim_matches(['*', '"', '\'']).trim_end_matches('.');
        let is_name =
            !name.is_empty() && !name.contains(char::is_whitespace) && name.chars().any(char::is_alphanumeric);
        if is_name && !name.contains("://") && (was_in_ticks || !is_ticked) {
            let from = piece.start + start + token.find(name).unwrap_or(0);
            found.push(ClaimDraft { name: verbatim(lines, from..from + name.len()), is_certain });
        }
    }
    found
}
