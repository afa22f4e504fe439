//! Notes of a heading, which say when a stream runs: `(Parallel Start)`, `[Depends on A1]`, `— depends on Stream B`.

use std::ops::Range;

/// What a note begins with.
const BEGINS: [&str; 9] =
    ["parallel", "depend", "independent", "sequential", "after ", "requires ", "blocked by", "starts ", "start "];

/// What stands before the names of what it depends on. The first two leave no doubt, wherever they stand.
const DEPENDS: [&str; 8] = [
    "depends on ",
    "dependent on ",
    "blocked by ",
    "starts after ",
    "start after ",
    "requires ",
    "after ",
    "waits for ",
];
const SURE: usize = 5;

/// A note with its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// From its first sign to behind the last note.
    pub outer: Range<usize>,
    /// What it depends on.
    pub depends: Option<Range<usize>>,
}

/// The first note from here on, taken together with those right behind it; and what they depend on.
pub(super) fn first(text: &str, from: usize) -> Option<Note> {
    let mut found: Option<Note> = None;
    let (mut depth, mut open) = (0_usize, from);
    for (at, c) in text[from..].char_indices().map(|(at, c)| (from + at, c)) {
        match c {
            '(' | '[' => {
                open = if depth == 0 { at } else { open };
                depth += 1;
            }
            ')' | ']' if depth == 1 => {
                depth = 0;
                let Some(depends) = read(text, open + 1..at) else { continue };
                let note = found.get_or_insert(Note { outer: open..at + 1, depends: None });
                if text[note.outer.end..open.max(note.outer.end)].trim().is_empty() {
                    note.outer.end = at + 1;
                }
                note.depends = note.depends.take().or(depends);
            }
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.or_else(|| unbracketed(text, from))
}

/// What a text in brackets depends on; nothing where it is no note.
fn read(text: &str, inside: Range<usize>) -> Option<Option<Range<usize>>> {
    let note = text[inside.clone()].to_ascii_lowercase();
    let is_sure = DEPENDS[..SURE].iter().any(|w| note.contains(w));
    if !is_sure && !BEGINS.iter().any(|w| note.starts_with(w)) {
        return None;
    }
    let end = inside.start + note.find(';').unwrap_or(note.len());
    let names = |w: &&str| note.find(*w).map(|at| inside.start + at + w.len()..end);
    Some(DEPENDS.iter().find_map(names).filter(|r| r.start < r.end))
}

/// `Name — depends on Stream A`, up to the end.
fn unbracketed(text: &str, from: usize) -> Option<Note> {
    let lower = text[from..].to_ascii_lowercase();
    let (at, word) = DEPENDS[..2].iter().find_map(|w| lower.find(w).map(|at| (from + at, w)))?;
    let before = text[from..at].trim_end();
    let title = before.trim_end_matches(['-', '–', '—', ',', ';', ':', '|', '·']);
    (title.len() < before.len())
        .then(|| Note { outer: from + title.len()..text.len(), depends: Some(at + word.len()..end(text)) })
}

/// Where a heading ends, without its closing markup.
pub(super) fn end(text: &str) -> usize {
    text.trim_end().trim_end_matches(['*', '_']).len()
}
