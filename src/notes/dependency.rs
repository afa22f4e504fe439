//! Dependency texts: `Tasks 1, 3 complete`, `Stream A`, `T001-T013`, `E2/E3`, `Task: Title`, or prose.
//!
//! Says what a text names, not whether that exists: `plan::build` knows.

use super::{inline::plain, label::id_length, lines::Lines};
use crate::plan::{Name, Needs, Written};
use std::ops::Range;

/// What the kind word before a label says it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsaid,
    Task,
    Stream,
    /// `Phase 2`, `Gate 1`: of no kind that we have.
    Other,
}

/// What a field's text says, from its value or from the list below it.
pub(super) fn needs(lines: &Lines<'_>, pieces: &[Range<usize>]) -> Option<Needs> {
    let whole = lines.span(pieces.first()?.start, pieces.last()?.end);
    let value = plain(&lines.source[whole.start as usize..whole.end as usize]);
    let names = pieces.iter().flat_map(|piece| names(lines, piece.clone())).collect();
    Some(Needs { text: Written { value, at: whole }, names })
}

fn names(lines: &Lines<'_>, range: Range<usize>) -> Vec<Written<Name>> {
    let text = &lines.source[range.clone()];
    if is_none(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut kind = Kind::Unsaid;
    for piece in split(text) {
        read(text, piece, &mut kind, &mut |at: Range<usize>, name| {
            found.push(Written { value: name, at: lines.span(range.start + at.start, range.start + at.end) });
        });
    }
    found
}

/// `None`, `N/A`, a dash, or nothing at all.
pub(super) fn is_none(text: &str) -> bool {
    let lower = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric() && c != '/').next().unwrap_or_default();
    matches!(first, "" | "none" | "n/a" | "na" | "nil" | "nothing" | "independent")
        || lower.starts_with("no dependenc")
        || lower.starts_with("no prerequisite")
}

/// Pieces between commas, semicolons, plus signs and `and`, outside of brackets.
fn split(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        let width = match c {
            '(' | '[' => {
                depth += 1;
                0
            }
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                0
            }
            ',' | ';' | '+' | '&' | '|' | '→' if depth == 0 => c.len_utf8(),
            ' ' | '\n' if depth == 0 && text[at + 1..].get(..4).is_some_and(|w| w.eq_ignore_ascii_case("and ")) => 4,
            _ => 0,
        };
        if width > 0 {
            pieces.push(start..at);
            start = at + width;
        }
    }
    pieces.push(start.min(text.len())..text.len());
    pieces
}

/// Reads one piece; a kind word holds for the pieces behind it (`Tasks 2, 4, 5`).
fn read(text: &str, piece: Range<usize>, kind: &mut Kind, found: &mut dyn FnMut(Range<usize>, Name)) {
    let piece = edges(text, piece);
    let mut at = piece.start;
    loop {
        let rest = &text[at..piece.end];
        let skip = skipped(rest);
        if skip == 0 {
            break;
        }
        at = edges(text, at + skip..piece.end).start;
    }
    let rest = &text[at..piece.end];
    let lower = rest.to_ascii_lowercase();
    if rest.is_empty() || lower.starts_with("optional") {
        return;
    }
    let all = lower.strip_prefix("all ").map(|l| l.trim_start_matches("other ").trim_start_matches("previous "));
    if let Some(what) = all.map(|w| w.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default()) {
        match what {
            "streams" | "groups" | "tracks" | "lanes" | "workstreams" => return found(at..piece.end, Name::AllStreams),
            "tasks" => return found(at..piece.end, Name::AllTasks),
            _ => {}
        }
    }
    let said = kind_word(&lower);
    if let Some((word, length)) = said {
        *kind = word;
        at += length;
        let gap = text[at..piece.end].trim_start_matches([' ', '\n', '#', '*', '`']);
        at = piece.end - gap.len();
        if let Some(title) = gap.strip_prefix(':') {
            let range = edges(text, piece.end - title.len()..piece.end);
            let words = plain(&text[range.clone()]);
            let whole_id = id_length(&words) == words.len() && !words.is_empty();
            if word == Kind::Task && !whole_id {
                return found(range, Name::Title(words));
            }
            at = range.start;
        }
    }
    if !labels(text, at..piece.end, *kind, said.is_some(), found) && !piece.is_empty() {
        found(piece.clone(), Name::Words(plain(&text[piece])));
    }
}

/// Ids, ranges and ids joined by strokes at the start of the range.
fn labels(text: &str, range: Range<usize>, kind: Kind, said: bool, found: &mut dyn FnMut(Range<usize>, Name)) -> bool {
    let name = |at: Range<usize>, plain: bool| {
        let id = text[at].to_owned();
        let is_letter = id.bytes().all(|b| b.is_ascii_alphabetic());
        let is_stream = kind == Kind::Stream || (!said && is_letter);
        if is_stream { Name::Stream { id, plain } } else { Name::Task { id, plain } }
    };
    let mut range = range;
    loop {
        let rest = &text[range.clone()];
        let length = if kind == Kind::Other { 0 } else { label_length(rest, kind) };
        if length == 0 {
            return false;
        }
        let first = range.start..range.start + length;
        let behind = rest[length..].trim_start_matches([' ', '*', '`']);
        if let Some((at, to)) = range_end(behind, kind) {
            let end = range.end - behind.len() + at + to.len();
            let (from, to) = (text[first.clone()].to_owned(), to.to_owned());
            let is_stream = matches!(name(first.clone(), true), Name::Stream { .. });
            found(first.start..end, if is_stream { Name::Streams(from, to) } else { Name::Tasks(from, to) });
            return true;
        }
        let is_number = rest[..length].bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let more = behind.strip_prefix('/').map(|more| range.end - more.trim_start().len());
        if let Some(more) = more.filter(|&at| label_length(&text[at..range.end], kind) > 0) {
            found(first.clone(), name(first, said || is_number));
            range.start = more;
            continue;
        }
        let has_words = behind.starts_with([':', '-', '–', '—']) && !is_number;
        if !(said || has_words || is_end(behind)) {
            return false;
        }
        found(first.clone(), name(first, said || is_number));
        return true;
    }
}

/// The other end of a range, and where it stands.
fn range_end(behind: &str, kind: Kind) -> Option<(usize, &str)> {
    let dash = ["-", "–", "—", "..", "to ", "through "].into_iter().find(|d| behind.starts_with(d))?;
    let second = behind[dash.len()..].trim_start_matches([' ', '*', '`']);
    let length = label_length(second, kind);
    (length > 0 && is_end(&second[length..])).then(|| (behind.len() - second.len(), &second[..length]))
}

/// An id, or a letter by itself, which is a stream's.
fn label_length(text: &str, kind: Kind) -> usize {
    let length = id_length(text);
    let word = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    match kind {
        _ if length > 0 => length,
        Kind::Stream if word > 0 && is_end(&text[word..]) => word,
        Kind::Other => 0,
        _ if word == 1 && text.starts_with(|c: char| c.is_ascii_uppercase()) => 1,
        _ => 0,
    }
}

/// Nothing more, a remark in brackets, or a word that says that it has to be over.
fn is_end(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\n', '\t', '*', '`', '"', ']', '.']);
    let word = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    let over =
        ["complete", "completed", "completion", "done", "finished", "must", "is", "are", "ready", "first", "tasks"];
    text.is_empty() || text.starts_with(['(', '-', '–', '—', '/', '→']) || over.contains(&word.as_str())
}

/// Length of words before the name that say nothing.
fn skipped(text: &str) -> usize {
    let words = [
        "all tasks in ",
        "all tasks of ",
        "all tasks from ",
        "all of ",
        "requires ",
        "needs ",
        "after ",
        "depends on ",
        "completion of ",
        "output of ",
        "the ",
        "both ",
        "and ",
        "on ",
    ];
    words.iter().find(|w| text.get(..w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w))).map_or(0, |w| w.len())
}

fn kind_word(lower: &str) -> Option<(Kind, usize)> {
    let length = lower.bytes().take_while(u8::is_ascii_alphabetic).count();
    let kind = match &lower[..length] {
        "task" | "tasks" => Kind::Task,
        "stream" | "streams" | "group" | "groups" | "track" | "tracks" | "lane" | "lanes" | "workstream"
        | "workstreams" => Kind::Stream,
        "phase" | "phases" | "gate" | "gates" | "chunk" | "chunks" | "step" | "steps" | "epic" | "milestone" => {
            Kind::Other
        }
        _ => return None,
    };
    Some((kind, length))
}

/// Without blanks, markup and closing signs at both ends.
fn edges(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '*' | '`' | '_' | '"' | '.' | '#');
    let head = slice.trim_start_matches(is_edge);
    let head = super::label::bullet(head).map_or(head, |n| &head[n..]).trim_start_matches(is_edge);
    let start = range.end - head.len();
    start..start + head.trim_end_matches(is_edge).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SourceId;

    fn read(text: &str) -> String {
        let lines = Lines::new(text, SourceId(0));
        let word = |n: Written<Name>| match n.value {
            Name::Task { id, plain } => format!("{}{id}", if plain { "task " } else { "" }),
            Name::Tasks(a, b) => format!("{a}..{b}"),
            Name::Title(t) => format!("title {t}"),
            Name::Stream { id, .. } => format!("stream {id}"),
            Name::Streams(a, b) => format!("streams {a}..{b}"),
            Name::AllStreams => "all streams".into(),
            Name::AllTasks => "all tasks".into(),
            Name::Words(w) => format!("`{w}`"),
        };
        names(&lines, 0..text.len()).into_iter().map(word).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn none_is_written_in_many_ways() {
        for text in ["None", "none.", "N/A", "-", "—", "", "None (can start immediately)", "**None**"] {
            assert_eq!(read(text), "", "{text}");
        }
    }

    #[test]
    fn tasks_are_named_by_their_labels() {
        assert_eq!(read("Task 1 complete"), "task 1");
        assert_eq!(read("Tasks 2, 4, 5 complete"), "task 2 | task 4 | task 5");
        assert_eq!(read("Task 1.2"), "task 1.2");
        assert_eq!(read("1, 2"), "task 1 | task 2");
        assert_eq!(read("T001, T004"), "T001 | T004");
        assert_eq!(read("Tasks 1 and 3"), "task 1 | task 3");
        assert_eq!(read("E1, C1, E2/E3"), "E1 | C1 | E2 | E3");
        assert_eq!(read("T001-T013 (progressive testing)"), "T001..T013");
        assert_eq!(read("Tasks 1–3"), "1..3");
        assert_eq!(read("A1 + A2."), "A1 | A2");
        assert_eq!(read("C1 (optionally C2)"), "C1");
        assert_eq!(read("T-01: The Schema"), "T-01");
        assert_eq!(read("Task 5 (PubSub Setup)"), "task 5");
        assert_eq!(read("- Task 1.1."), "task 1.1");
    }

    #[test]
    fn streams_are_named_by_word_or_letter() {
        assert_eq!(read("Stream A"), "stream A");
        assert_eq!(read("Streams A and B complete"), "stream A | stream B");
        assert_eq!(read("Groups 2, 3, 5"), "stream 2 | stream 3 | stream 5");
        assert_eq!(read("All groups"), "all streams");
        assert_eq!(read("All tasks in Stream A"), "stream A");
        assert_eq!(read("A–F (runs last)"), "streams A..F");
        assert_eq!(read("Stream A, Task 5"), "stream A | task 5");
    }

    #[test]
    fn titles_and_prose_stay_words() {
        assert_eq!(read("Task: Download Endpoint"), "title Download Endpoint");
        assert_eq!(read("Message Schema"), "`Message Schema`");
        assert_eq!(read("Access to the staging database"), "`Access to the staging database`");
        assert_eq!(read("Phase 1"), "`Phase 1`");
        assert_eq!(read("3 days of quiet"), "`3 days of quiet`");
        assert_eq!(read("[List prerequisite tasks]"), "`[List prerequisite tasks]`");
    }
}
