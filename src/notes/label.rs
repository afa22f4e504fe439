//! Labels: what of `### Task 2.1: Name`, `**A1. Name**`, `#### Workstream A: Name (Depends on B3)` is the id, what the title.
//!
//! Ranges are bytes of the text that is given.

use super::note;
use std::ops::Range;

/// A text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The id, where there is one.
    pub id: Option<Range<usize>>,
    /// The rest; may be empty.
    pub title: Range<usize>,
    /// Inside of a remark before the title: `Task 3 [Small]: Title`.
    pub note: Option<Range<usize>>,
    /// A kind word (`Task`) leaves no doubt.
    pub is_certain: bool,
}

impl Label {
    /// Whether a sign stands between the label and the title: `Chunk 2: Name`, and not `Chunk 2 Notes`.
    pub(super) fn is_signed(&self, text: &str) -> bool {
        let start = self.id.as_ref().map_or(0, |id| id.end);
        let between = text.get(start..self.title.start).unwrap_or_default();
        self.id.is_none() || between.contains([':', '.', ')', '—', '–', '-', '|'])
    }
}

/// A list's item with a label of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The id.
    pub id: Range<usize>,
    /// Where the title begins, behind marks such as `[P]`.
    pub title: usize,
    /// A sign stands behind the id: `T001: Title`.
    pub is_signed: bool,
    /// A number, or an id that bold text, brackets or a sign in bold text set apart: `1.`, `1.1`, `**A.1**`, `[T1.1]`, `**A1: Title**`.
    pub is_plain: bool,
}

/// The label of an item behind its box: `T012 [P] [US1] Title`, `[T1.1] Title`, `**1.1.1** Title`, `**1.1 Title**`, `1. Title`, `1.1 Title`.
pub(super) fn item(text: &str) -> Option<Item> {
    let wraps = [("**", "**"), ("[", "]"), ("`", "`")];
    let wrap = wraps.into_iter().find(|(open, _)| text.starts_with(open));
    let start = wrap.map_or(0, |(open, _)| open.len());
    let length = id_length(&text[start..]);
    let id = start..start + length;
    let rest = &text[id.end..];
    // `**T001:** Title`
    let (inner, rest, holds_title) = match wrap {
        Some((_, close)) => {
            let signed = rest.trim_start_matches([':', '.']);
            let is_signed = signed.len() < rest.len();
            match signed.strip_prefix(close) {
                Some(behind) => (is_signed, behind, false),
                // `**1.1 Title**`
                None if close == "**" && signed.contains(close) => (is_signed, signed, true),
                None => return None,
            }
        }
        None => (false, rest, false),
    };
    let behind = rest.trim_start_matches([':', '.', ')']);
    let is_signed = inner || behind.len() < rest.len() || [" - ", " – ", " — "].iter().any(|s| rest.starts_with(s));
    let behind = behind.strip_prefix(|c: char| is_signed && matches!(c, '-' | '–' | '—')).unwrap_or(behind);
    let title = behind.trim_start();
    let title = [" - ", " – ", " — "].iter().find_map(|s| behind.strip_prefix(s)).unwrap_or(title).trim_start();
    let is_number = text[id.clone()].bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let is_one = is_number && !text[id.clone()].contains('.');
    let is_apart = title.is_empty() || behind.starts_with(char::is_whitespace);
    let is_set_apart = wrap.is_some() && !holds_title;
    if length == 0 || !is_apart || (is_one && !is_signed && !is_set_apart) {
        return None;
    }
    let title = text.len() - unmarked(title).len();
    Some(Item { id, title, is_signed, is_plain: is_number || is_set_apart || holds_title && is_signed })
}

/// Without what spec-kit writes before a title: `[P]`, `[US1,US2]`, `[P1]`, `[Story]`.
fn unmarked(title: &str) -> &str {
    let mut rest = title;
    while let Some(inner) = rest.strip_prefix('[').and_then(|r| r.find(']').map(|n| &r[..n])) {
        let letters = inner.bytes().take_while(u8::is_ascii_uppercase).count();
        let tail = &inner[letters..];
        let is_code = letters > 0 && tail.bytes().any(|b| b.is_ascii_digit()) && inner.len() <= 40;
        let is_list =
            inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ',' | ' ' | '-' | '&' | '+' | '/'));
        let behind = &rest[inner.len() + 2..];
        let is_mark = inner == "P" || inner == "Story" || inner.starts_with("US") || is_code;
        if !(is_mark && is_list) || behind.starts_with('(') {
            break;
        }
        rest = behind.trim_start();
    }
    rest
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

impl StreamLabel {
    /// What it is called by: its id, else its title.
    pub(super) fn name<'t>(&self, text: &'t str) -> &'t str {
        &text[self.id.clone().unwrap_or_else(|| self.title.clone())]
    }
}

const STREAM_WORDS: [&str; 8] =
    ["workstream", "work stream", "work-stream", "swimlane", "stream", "group", "track", "lane"];

/// Length of the id at the start: `5`, `2.1`, `A1`, `T-01`, `H-1`, `TASK-12`, `M1-T2`, `A1b`. Zero: there is none.
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
    // `M1-T2`: the task of a milestone, an epic, a story. Other letters on both sides are a range: `A1-B3`.
    let part = &text[at..];
    let is_part = bytes[0].is_ascii_alphabetic()
        && part.starts_with("-T") | part.starts_with("-S")
        && !text[..1].eq_ignore_ascii_case(&part[1..2]);
    if is_part && digits(at + 2) > 0 {
        at += 2 + digits(at + 2);
    }
    if bytes.get(at).is_some_and(u8::is_ascii_lowercase) && !bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
        at += 1;
    }
    let next = text[at..].chars().next();
    if next.is_some_and(|c| c.is_alphanumeric() || c == '_') { 0 } else { at }
}

/// A box at the start, also one that is mistyped (`[]`, `[ x ]`): whether it is checked, and where the text goes on.
pub(super) fn checkbox(text: &str) -> Option<(bool, usize)> {
    let inner = text.strip_prefix('[')?;
    let close = inner.find(']').filter(|&close| close <= 4)?;
    let (mark, rest) = (inner[..close].trim(), &inner[close + 1..]);
    let is_done = matches!(mark, "x" | "X" | "✓" | "✔");
    if !(is_done || matches!(mark, "" | "-" | "~" | ">" | "/"))
        || !(rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
    {
        return None;
    }
    Some((is_done, text.len() - rest.trim_start().len()))
}

/// A bullet at the start: where the text goes on.
pub(super) fn bullet(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['-', '*', '+', '•'])?;
    (rest.starts_with([' ', '\t'])).then(|| text.len() - rest.trim_start().len())
}

/// The first arrow from here on, in whatever signs.
pub(super) fn arrow(text: &str, from: usize) -> Option<Range<usize>> {
    let at = |sign: &str| text[from..].find(sign).map(|at| from + at..from + at + sign.len());
    ["→", "->", "=>", "⇒"].into_iter().filter_map(at).min_by_key(|range| range.start)
}

/// What stands between the arrows of a line: `A → B → C`. Nothing where there is no arrow.
pub(super) fn between_arrows(text: &str, start: usize) -> Vec<Range<usize>> {
    let (mut pieces, mut at) = (Vec::new(), start);
    while let Some(arrow) = arrow(text, at) {
        pieces.push(at..arrow.start);
        at = arrow.end;
    }
    if !pieces.is_empty() {
        pieces.push(at..text.len());
    }
    pieces
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

/// Where a title ends: with the bold text, where that began before it: `**1.1 Title** (2h)`.
pub(super) fn closing(before: &str, text: &str) -> usize {
    let is_open = before.matches("**").count() % 2 == 1;
    text.find("**").filter(|_| is_open).unwrap_or(text.len())
}

/// A label behind the word that a document calls its tasks by: `Chunk 2: Name`.
pub(super) fn named(text: &str, noun: &str) -> Option<Label> {
    let start = lead(text);
    let behind = start + section(&text[start..]);
    [behind, start].into_iter().find_map(|at| word(text, at, noun))
}

/// The same at this place.
fn word(text: &str, at: usize, noun: &str) -> Option<Label> {
    let body = &text[at..];
    let rest = body.get(..noun.len()).filter(|w| w.eq_ignore_ascii_case(noun)).map(|_| &body[noun.len()..])?;
    let rest = rest.strip_prefix('-').filter(|r| r.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(rest);
    let gap = rest.trim_start_matches([' ', '\t', '#', '*', '[']);
    if let Some(title) = gap.strip_prefix(':') {
        let title = trimmed(text, text.len() - title.len()..text.len());
        return Some(Label { id: None, title, note: None, is_certain: true });
    }
    said(text, text.len() - gap.len()).filter(|_| gap.len() < body.len() - noun.len())
}

/// A task's label in a heading or in bold text.
pub(super) fn task(text: &str) -> Option<Label> {
    let start = lead(text);
    let behind = start + section(&text[start..]);
    for at in [behind, start] {
        let label = word(text, at, "task");
        if label.is_some() {
            return label;
        }
        let label = with_id(text, at);
        // A section's number is no id where a label follows it: `1. T-01: Name`.
        let is_own = |l: &Label| {
            at == start || text[l.id.clone().unwrap_or_default()].starts_with(|c: char| c.is_ascii_alphabetic())
        };
        if let Some(label) = label.filter(is_own) {
            return Some(label);
        }
    }
    None
}

/// Whether a heading begins as a task's does, and then goes on otherwise: `Task 3 and the rest`.
pub(super) fn is_like_task(text: &str) -> bool {
    let start = lead(text);
    let body = &text[start + section(&text[start..])..];
    let rest =
        body.get(..4).filter(|w| w.eq_ignore_ascii_case("task")).map(|_| body[4..].trim_start_matches([' ', '#', '-']));
    rest.is_some_and(|rest| rest.len() < body.len() - 4 && id_length(rest) > 0)
}

/// A label behind the word `Task`, where a letter is an id too, a remark may stand before the colon, and `Task 9 Name` needs
/// none.
fn said(text: &str, at: usize) -> Option<Label> {
    let letters = text[at..].bytes().take_while(u8::is_ascii_uppercase).count();
    let id = at..at + id_length(&text[at..]).max(if letters <= 2 { letters } else { 0 });
    let has_digit = text[id.clone()].bytes().any(|b| b.is_ascii_digit());
    let behind = text[id.end..].trim_start_matches([']', '*']);
    if id.is_empty() || behind.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    let (note, rest) = remark(text, text.len() - behind.trim_start().len());
    let sign = text[rest..].trim_start_matches([' ', '\t', '*', ']']);
    let range = match (sign.chars().next(), note.clone()) {
        (None, None) if !has_digit => return None,
        (None, None) => text.len()..text.len(),
        // `Task 3 (Database)`: there is no other title.
        (None, Some(note)) => return Some(Label { id: Some(id), title: note, note: None, is_certain: true }),
        (Some(c @ (':' | '.' | ')' | '—' | '–' | '-' | '|')), _) => {
            text.len() - sign.len() + c.len_utf8()..text.len()
        }
        (Some(c), _) if has_digit && !c.is_lowercase() => text.len() - sign.len()..text.len(),
        _ => return None,
    };
    Some(Label { id: Some(id), title: trimmed(text, range), note, is_certain: true })
}

/// A remark in brackets at this place: what is inside, and where the text goes on.
fn remark(text: &str, at: usize) -> (Option<Range<usize>>, usize) {
    let close = match text[at..].chars().next() {
        Some('(') => ')',
        Some('[') => ']',
        _ => return (None, at),
    };
    match text[at..].find(close) {
        // A box is no remark.
        Some(length) if checkbox(&text[at..]).is_none() => (Some(at + 1..at + length), at + length + 1),
        _ => (None, at),
    }
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
        return Some(Label { id: Some(id), title: text.len()..text.len(), note: None, is_certain: false });
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
    Some(Label { id: Some(id), title, note: None, is_certain: false })
}

/// A stream's heading.
pub(super) fn stream(text: &str) -> Option<StreamLabel> {
    container(text, &STREAM_WORDS)
}

/// A heading that holds tasks, by one of some words.
pub(super) fn container(text: &str, words: &[&str]) -> Option<StreamLabel> {
    let start = lead(text);
    let start = start + section(&text[start..]);
    let body = &text[start..];
    let word = words.iter().find(|w| body.get(..w.len()).is_some_and(|b| b.eq_ignore_ascii_case(w)))?;
    let rest = &body[word.len()..];
    if !rest.starts_with([' ', ':', '#', '-', '\t']) {
        return None;
    }
    let at = text.len() - rest.trim_start_matches([' ', '\t', '#']).len();
    let note = note::first(text, at);
    let end = note.as_ref().map_or_else(|| note::end(text), |n| n.outer.start);
    let rest = text.get(at..end).unwrap_or_default();
    if let Some(name) = rest.strip_prefix(':') {
        let title = trimmed(text, end - name.len()..end);
        return (!title.is_empty()).then_some(StreamLabel { id: None, title, depends: note.and_then(|n| n.depends) });
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
    let id = Some(at..at + length);
    let mut title = trimmed(text, end - name.trim_start_matches('*').len()..end);
    let mut depends = note.as_ref().and_then(|n| n.depends.clone());
    if let Some(note) = note.filter(|_| title.is_empty()) {
        // `Stream R (Depends on Stream A): Name`: the title is behind the note.
        let more = note::first(text, note.outer.end);
        let end = more.as_ref().map_or_else(|| note::end(text), |n| n.outer.start).max(note.outer.end);
        let rest = text[note.outer.end..end].trim_start_matches([' ', ':', '-', '–', '—', '*']);
        title = trimmed(text, end - rest.len()..end);
        depends = depends.or_else(|| more.and_then(|n| n.depends));
    }
    Some(StreamLabel { id, title, depends })
}

/// Signs and markup before the first word.
fn lead(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[').len()
}

/// Length of a section's number before a label: `2.1 Stream A`, `1. Task 1`, `Phase 3: Task 7`. Zero: there is none.
fn section(text: &str) -> usize {
    let word = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let is_part =
        ["phase", "part", "section", "sprint", "week", "day"].iter().any(|w| text[..word].eq_ignore_ascii_case(w));
    let rest = if word > 0 && is_part { text[word..].trim_start() } else { text };
    let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let behind = rest[digits..].trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[');
    let is_apart = behind.len() < rest.len() - digits || rest[..digits].ends_with('.');
    if digits == 0 || !is_apart || !rest.starts_with(|c: char| c.is_ascii_digit()) {
        0
    } else {
        text.len() - behind.len()
    }
}

/// Without blanks and without one half of a pair of `**` or `~~`.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let mut range = blankless(text, range);
    if !text.as_bytes()[range.clone()].iter().any(|b| matches!(b, b'*' | b'~')) {
        return range;
    }
    for pair in ["~~", "**", "~~"] {
        let slice = &text[range.clone()];
        if slice.matches(pair).count() % 2 == 1 {
            if slice.ends_with(pair) {
                range.end -= 2;
            } else if slice.starts_with(pair) {
                range.start += 2;
            }
        }
        range = blankless(text, range);
    }
    range
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
    fn the_word_task_leaves_no_doubt_about_what_is_behind_it() {
        for (text, id, title) in [
            ("Task A: x", "A", "x"),
            ("Task 16 (Stream A): x", "16", "x"),
            ("Task 17:NoBlank", "17", "NoBlank"),
            ("Task 9 Nine", "9", "Nine"),
            ("Task [22]: x", "22", "x"),
            ("Task 23 [Small]: x", "23", "x"),
            ("Task-25: x", "25", "x"),
            ("TASK-012: x", "012", "x"),
            ("~~Task 5: Five~~", "5", "Five"),
            ("1. Task 1: One", "1", "One"),
            ("Phase 3 - Task 7: One", "7", "One"),
            ("Task 3 (Database)", "3", "Database"),
            ("Task #4 — One", "4", "One"),
        ] {
            assert_eq!(read(text), Some((Some(id), title, true)), "{text}");
        }
        assert_eq!(read("1. T-01: Name"), Some((Some("T-01"), "Name", false)));
        assert_eq!(read("1. Task Management"), Some((Some("1"), "Task Management", false)));
        assert_eq!(read("Task Dependencies"), None);
        assert_eq!(read("Task A list of things"), None);
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
        assert_eq!(lane("2.1 Stream A: One"), Some((Some("A"), "One", None)));
        assert_eq!(lane("Stream R (Depends on Stream A): Name"), Some((Some("R"), "Name", Some("Stream A"))));
        assert_eq!(lane("Stream R (Parallel): Name (Depends on A1)"), Some((Some("R"), "Name", Some("A1"))));
        for rest in [
            "(Depends on A1) 🚀",
            "(Depends on A1) - 3 days",
            "[Depends on A1]",
            "— depends on A1",
            "(3 days, depends on A1)",
        ] {
            assert_eq!(lane(&format!("Stream B: Two {rest}")), Some((Some("B"), "Two", Some("A1"))), "{rest}");
        }
        assert_eq!(lane("Stream C: Live (Parallel) (Depends on A1)"), Some((Some("C"), "Live", Some("A1"))));
        assert_eq!(lane("Stream Status"), None);
        assert_eq!(lane("Streams"), None);
    }
}
