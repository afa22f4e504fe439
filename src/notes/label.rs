//! Labels: what of `### Task 2.1: Name`, `**A1. Name**`, `#### Workstream A: Name (Depends on B3)` is the id, what the title.
//!
//! Ranges are bytes of the text that is given.

use std::ops::Range;

/// A text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The id, where there is one.
    pub id: Option<Range<usize>>,
    /// The rest; may be empty.
    pub title: Range<usize>,
    /// A kind word (`Task`) leaves no doubt.
    pub is_certain: bool,
}

/// A stream's heading taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamLabel {
    /// The id; a stream without one gets a slug of its title.
    pub id: Option<Range<usize>>,
    /// Without notes.
    pub title: Range<usize>,
    /// Inside of a closing `(Depends on ...)`: what it depends on.
    pub depends: Option<Range<usize>>,
}

const STREAM_WORDS: [&str; 8] =
    ["workstream", "work stream", "work-stream", "swimlane", "stream", "group", "track", "lane"];

/// Length of the id at the start: `5`, `2.1`, `A1`, `T-01`, `H-1`, `TASK-12`, `A1b`. Zero: there is none.
pub(super) fn id_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if at > 6 {
        return 0;
    }
    if at > 0 && bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    let digits = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let first = digits(at);
    if first == 0 || first > 9 {
        return 0;
    }
    at += first;
    while bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1 + digits(at + 1);
    }
    if bytes.get(at).is_some_and(u8::is_ascii_lowercase) && !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
        at += 1;
    }
    let next = text[at..].chars().next();
    if next.is_some_and(|c| c.is_alphanumeric() || c == '_') { 0 } else { at }
}

/// A box at the start: whether it is checked, and where the text goes on.
pub(super) fn checkbox(text: &str) -> Option<(bool, usize)> {
    let mark = text.strip_prefix('[')?.chars().next()?;
    let rest = text.get(1 + mark.len_utf8()..)?.strip_prefix(']')?;
    if !matches!(mark, ' ' | 'x' | 'X' | '-' | '~') || !(rest.is_empty() || rest.starts_with([' ', '\t', '\n'])) {
        return None;
    }
    Some((matches!(mark, 'x' | 'X'), text.len() - rest.trim_start().len()))
}

/// A bullet at the start: where the text goes on.
pub(super) fn bullet(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['-', '*', '+', '•'])?;
    (rest.starts_with([' ', '\t'])).then(|| text.len() - rest.trim_start().len())
}

/// `12.` or `12)` at the start: the number, and where the text goes on.
pub(super) fn number(text: &str) -> Option<(Range<usize>, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text[digits..].strip_prefix(['.', ')'])?;
    if !(1..=6).contains(&digits) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    Some((0..digits, text.len() - rest.trim_start().len()))
}

/// The text inside of a pair of `**` at the start: its range, and where it goes on behind them.
pub(super) fn bold(text: &str) -> Option<(Range<usize>, usize)> {
    let sign = ["**", "__"].into_iter().find(|s| text.starts_with(s))?;
    let length = text[2..].find(sign)?;
    Some((2..2 + length, length + 4))
}

/// A task's label in a heading or in bold text.
pub(super) fn task(text: &str) -> Option<Label> {
    let start = lead(text);
    let body = &text[start..];
    if let Some(word) = body.get(..4).filter(|w| w.eq_ignore_ascii_case("task")) {
        let rest = &body[word.len()..];
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', '#', '*']).len();
        let at = start + word.len() + gap;
        if let Some(title) = rest[gap..].strip_prefix(':') {
            let title = text.len() - title.len()..text.len();
            return Some(Label { id: None, title: trimmed(text, title), is_certain: true });
        }
        if gap > 0 {
            return with_id(text, at).map(|l| Label { is_certain: true, ..l });
        }
    }
    with_id(text, start)
}

/// An id at this place, behind it a sign or the end.
fn with_id(text: &str, at: usize) -> Option<Label> {
    let length = id_length(&text[at..]);
    if length == 0 {
        return None;
    }
    let (id, behind) = (at..at + length, at + length);
    let rest = text[behind..].trim_start_matches('*');
    let blanks = rest.len() - rest.trim_start().len();
    let sign = rest.trim_start();
    if sign.is_empty() {
        return Some(Label { id: Some(id), title: text.len()..text.len(), is_certain: false });
    }
    let title = match sign.chars().next() {
        Some(c @ (':' | '—' | '–')) => &sign[c.len_utf8()..],
        Some('.' | ')') if blanks == 0 => &sign[1..],
        Some('-') if blanks > 0 && sign[1..].starts_with(' ') => &sign[1..],
        _ => return None,
    };
    let title = title.trim_start_matches('*');
    if !title.is_empty() && !title.starts_with(char::is_whitespace) && sign.starts_with(['.', ')', ':']) {
        return None;
    }
    let title = trimmed(text, text.len() - title.len()..text.len());
    Some(Label { id: Some(id), title, is_certain: false })
}

/// A stream's heading.
pub(super) fn stream(text: &str) -> Option<StreamLabel> {
    let start = lead(text);
    let body = &text[start..];
    let word = STREAM_WORDS.into_iter().find(|w| body.get(..w.len()).is_some_and(|b| b.eq_ignore_ascii_case(w)))?;
    let rest = &body[word.len()..];
    if !rest.starts_with([' ', ':', '#', '-', '\t']) {
        return None;
    }
    let (title, depends) = without_note(text);
    let at = text.len() - rest.trim_start_matches([' ', '\t', '#']).len();
    let rest = text.get(at..title.end).unwrap_or_default();
    if let Some(name) = rest.strip_prefix(':') {
        let title = trimmed(text, title.end - name.len()..title.end);
        return (!title.is_empty()).then_some(StreamLabel { id: None, title, depends });
    }
    let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count();
    let length = rest[..length].trim_end_matches('.').len();
    let behind = rest[length..].trim_start_matches('*');
    let sign = behind.trim_start();
    let is_short = length <= 2 || rest[..length].bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let name = match sign.chars().next() {
        None => sign,
        Some(c @ (':' | '—' | '–')) => &sign[c.len_utf8()..],
        Some('-') if behind.len() > sign.len() => &sign[1..],
        Some('.' | ')') if is_short => &sign[1..],
        Some('(') if is_short => sign,
        _ => return None,
    };
    if length == 0 || (sign.is_empty() && !is_short) {
        return None;
    }
    let title = trimmed(text, title.end - name.trim_start_matches('*').len()..title.end);
    Some(StreamLabel { id: Some(at..at + length), title, depends })
}

/// The text without a closing note in brackets that says when a stream runs, and what the note says it depends on.
fn without_note(text: &str) -> (Range<usize>, Option<Range<usize>>) {
    let end = text.trim_end().trim_end_matches(['*', '_']).len();
    let mut whole = 0..end;
    let Some(open) = text[..end].strip_suffix(')').and_then(|t| t.rfind('(')) else {
        return (whole, None);
    };
    let note = text[open + 1..end - 1].to_ascii_lowercase();
    let is_note =
        ["parallel", "depend", "independent", "sequential", "after ", "requires ", "blocked by", "starts ", "start "]
            .iter()
            .any(|w| note.starts_with(w));
    if !is_note {
        return (whole, None);
    }
    whole.end = open;
    let depends =
        ["depends on ", "dependent on ", "requires ", "blocked by ", "starts after ", "start after ", "after "]
            .iter()
            .find_map(|w| note.find(w).map(|at| open + 1 + at + w.len()..end - 1));
    (whole, depends)
}

/// Signs and markup before the first word.
fn lead(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[').len()
}

/// Without blanks and without one half of a pair of `**`.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let mut range = blankless(text, range);
    if text[range.clone()].matches("**").count() % 2 == 1 {
        if text[range.clone()].ends_with("**") {
            range.end -= 2;
        } else if text[range.clone()].starts_with("**") {
            range.start += 2;
        }
    }
    blankless(text, range)
}

fn blankless(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + slice.len() - slice.trim_start().len();
    start..start + slice.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<&str>, &str, bool)> {
        task(text).map(|l| (l.id.map(|r| &text[r]), &text[l.title], l.is_certain))
    }

    fn lane(text: &str) -> Option<(Option<&str>, &str, Option<&str>)> {
        stream(text).map(|l| (l.id.map(|r| &text[r]), &text[l.title], l.depends.map(|r| &text[r])))
    }

    #[test]
    fn an_id_is_a_label_without_its_kind_word_and_closing_sign() {
        assert_eq!(read("Task 2.1: Name"), Some((Some("2.1"), "Name", true)));
        assert_eq!(read("Task: Name"), Some((None, "Name", true)));
        assert_eq!(read("T-01: Name"), Some((Some("T-01"), "Name", false)));
        assert_eq!(read("A1. Name"), Some((Some("A1"), "Name", false)));
        assert_eq!(read("✅ Task 3 — Name"), Some((Some("3"), "Name", true)));
        assert_eq!(read("A1**: Name"), Some((Some("A1"), "Name", false)));
        assert_eq!(read("Task Groups"), None);
        assert_eq!(read("Task 3 and the rest"), None);
        assert_eq!(read("Phase 1: Name"), None);
    }

    #[test]
    fn streams_have_other_names_and_notes() {
        assert_eq!(lane("Stream A: Base (Parallel Start)"), Some((Some("A"), "Base", None)));
        assert_eq!(lane("Stream C: Live (Depends on A1, B3)"), Some((Some("C"), "Live", Some("A1, B3"))));
        assert_eq!(lane("Stream A — Base (repo + app)"), Some((Some("A"), "Base (repo + app)", None)));
        assert_eq!(lane("**Workstream A: Back End**"), Some((Some("A"), "Back End", None)));
        assert_eq!(lane("🟦 STREAM A: X"), Some((Some("A"), "X", None)));
        assert_eq!(lane("Group 2: Data"), Some((Some("2"), "Data", None)));
        assert_eq!(lane("Track: Docs"), Some((None, "Docs", None)));
        assert_eq!(lane("Stream B (Dependent)"), Some((Some("B"), "", None)));
        assert_eq!(lane("Stream Status"), None);
        assert_eq!(lane("Streams"), None);
    }
}
