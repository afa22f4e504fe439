//! Where a dependency text falls into pieces: commas and words such as `and`, outside of remarks in brackets.

use super::label;
use std::ops::Range;

/// Words between two names.
const BETWEEN: [&str; 11] =
    ["and/or ", "and ", "or ", "plus ", "as well as ", "together with ", "along with ", "then ", "and\n", "or\n", "/ "];

/// Words before what is taken out of `all tasks`.
pub(super) const EXCEPT: [&str; 6] = ["except for ", "except ", "excluding ", "other than ", "apart from ", "but not "];

/// A remark's bracket stands behind a word; a kind word is no longer than this.
const LONGEST_KIND: usize = 14;

/// Pieces of a part of a text. A bracket at a piece's beginning, or behind a kind word, is no remark: `Tasks (1, 2)`.
pub(super) fn split(text: &str, part: Range<usize>, is_kind: fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut depth, mut start, mut word) = (0_usize, part.start, None);
    for (at, c) in text[part.clone()].char_indices().map(|(at, c)| (part.start + at, c)) {
        let width = match c {
            '(' if depth > 0 || word.is_some_and(|first| !is_lead(&text[first..at], is_kind)) => {
                depth += 1;
                0
            }
            ')' => {
                depth = depth.saturating_sub(1);
                0
            }
            _ if depth > 0 || at < start => 0,
            ',' | ';' | '+' | '&' | '|' | '→' | '，' | '、' => c.len_utf8(),
            '<' => any_at(&text[at..part.end], &["<br>", "<br/>", "<br />"]),
            ' ' | '\n' => match any_at(&text[at + 1..part.end], &BETWEEN) {
                0 => 0,
                length => length,
            },
            '/' if is_kind(text[at + 1..part.end].trim_start_matches(' ')) => 1,
            _ => 0,
        };
        if width > 0 {
            pieces.push(start..at);
            start = at + width;
            word = None;
        } else if word.is_none() && c.is_alphanumeric() && at >= start {
            word = Some(at);
        }
    }
    pieces.push(start.min(part.end)..part.end);
    pieces
}

/// Whether what stands before a bracket is a kind word alone.
fn is_lead(before: &str, is_kind: fn(&str) -> bool) -> bool {
    let word = before.trim_end_matches([' ', ':', '#']);
    word.len() <= LONGEST_KIND && is_kind(word) && word.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Length of the first of some phrases that the text begins with, whatever its case; else zero.
pub(super) fn any_at(text: &str, phrases: &[&str]) -> usize {
    let Some(first) = text.as_bytes().first() else { return 0 };
    // Most phrases begin with another letter.
    let near = phrases.iter().filter(|p| p.as_bytes().first().is_some_and(|b| b.eq_ignore_ascii_case(first)));
    near.into_iter().find(|p| text.get(..p.len()).is_some_and(|t| t.eq_ignore_ascii_case(p))).map_or(0, |p| p.len())
}

/// The first place where one of some phrases begins a word.
pub(super) fn word_in(text: &str, phrases: &[&str]) -> Option<Range<usize>> {
    let starts =
        text.char_indices().filter(|&(at, c)| c.is_ascii_alphabetic() && !text[..at].ends_with(char::is_alphanumeric));
    starts.map(|(at, _)| at..at + any_at(&text[at..], phrases)).find(|r| !r.is_empty())
}

/// Without blanks, markup and closing signs at both ends.
pub(super) fn edges(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '*' | '`' | '_' | '"' | '.' | '#');
    let head = slice.trim_start_matches(is_edge);
    let head = label::bullet(head).map_or(head, |n| &head[n..]).trim_start_matches(is_edge);
    let start = range.end - head.len();
    start..start + head.trim_end_matches(is_edge).len()
}

/// The same without opening brackets and pictures (`✅ [Task 1]`), and without a bracket that was opened elsewhere.
pub(super) fn inner(text: &str, range: Range<usize>) -> Range<usize> {
    let range = edges(text, range);
    let slice = &text[range.clone()];
    let is_sign = |c: char| !c.is_alphanumeric() && !matches!(c, ':' | '-' | '–' | '—' | '/');
    let start = range.end - slice.trim_start_matches(is_sign).len();
    let slice = &text[start..range.end];
    let is_open = |open: char, close: char| slice.matches(open).count() >= slice.matches(close).count();
    let (keeps_square, keeps_round) = (is_open('[', ']'), is_open('(', ')'));
    let closing = slice.trim_end_matches(|c: char| c == ']' && !keeps_square || c == ')' && !keeps_round);
    start..start + closing.len()
}
