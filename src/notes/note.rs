//! Notes of a heading, which say when a stream runs: `(Parallel Start)`, `[Depends on A1]`, `— depends on Stream B`.

use std::ops::Range;

/// What a note begins with.
const BEGINS: [&str; 11] = [
    "parallel",
    "depend",
    "deps",
    "independent",
    "sequential",
    "after ",
    "requires",
    "needs ",
    "blocked by",
    "starts ",
    "start ",
];

/// What stands before the names of what it depends on. The first ones leave no doubt, wherever they stand.
const DEPENDS: [&str; 12] = [
    "depends on",
    "dependent on",
    "depends upon",
    "blocked by",
    "starts after",
    "start after",
    "requires",
    "after",
    "waits for",
    "depends",
    "deps",
    "needs",
];
const SURE: usize = 6;
/// Of these, what needs no brackets.
const UNBRACKETED: usize = 4;

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
    let is_sure = DEPENDS[..SURE].iter().any(|word| behind(&note, word).is_some());
    if !is_sure && !BEGINS.iter().any(|w| note.starts_with(w)) {
        return None;
    }
    let names = |word: &&str| {
        let start = behind(&note, word)?.1;
        let rest = &note[start..];
        let ends = [rest.find(';'), rest.find(", parallel"), rest.find(" parallel with")];
        let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
        Some(inside.start + start..inside.start + start + end)
    };
    Some(DEPENDS.iter().find_map(names).filter(|r| r.start < r.end))
}

/// Where a word stands by itself with something behind it, and where that begins: `depends on Stream A`, `deps: A1`.
fn behind(note: &str, word: &str) -> Option<(usize, usize)> {
    note.match_indices(word).find_map(|(at, _)| {
        let rest = &note[at + word.len()..];
        let value = rest.trim_start_matches([' ', ':']);
        let is_apart = !note[..at].ends_with(char::is_alphanumeric) && value.len() < rest.len();
        (is_apart && !value.is_empty()).then(|| (at, note.len() - value.len()))
    })
}

/// `Name — depends on Stream A`, up to the end.
fn unbracketed(text: &str, from: usize) -> Option<Note> {
    let lower = text[from..].to_ascii_lowercase();
    // Most lines have neither word.
    if !lower.contains("depend") && !lower.contains("blocked by") {
        return None;
    }
    let (at, value) = DEPENDS[..UNBRACKETED].iter().find_map(|word| behind(&lower, word))?;
    let before = text[from..from + at].trim_end();
    let title = before.trim_end_matches(['-', '–', '—', ',', ';', ':', '|', '·']);
    (title.len() < before.len())
        .then(|| Note { outer: from + title.len()..text.len(), depends: Some(from + value..end(text)) })
}

/// Where a heading ends, without its closing markup.
pub(super) fn end(text: &str) -> usize {
    text.trim_end().trim_end_matches(['*', '_']).len()
}
