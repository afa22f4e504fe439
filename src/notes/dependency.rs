//! Dependency texts: `Tasks 1, 3 complete`, `Stream A`, `T001-T013`, `E2/E3`, `Task: Title`, or prose.
//!
//! Says what a text names, not whether that exists: `plan::build` knows. A title with a comma in it is taken apart here and
//! put together there, where the titles are known.

use super::{
    inline::plain,
    label::id_length,
    lines::Lines,
    separator::{EXCEPT, any_at, edges, inner, split, word_in},
    task::tight,
};
use crate::plan::{Extent, Name, Needs, Written};
use std::ops::Range;

/// What the kind word before a label says it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsaid,
    Task,
    Stream,
    /// `Gate 1`: what a line of the quality gates makes.
    Gate,
    /// `Phase 2`: of no kind that we have.
    Other,
}

/// Of a range of gates no more are meant.
const MOST_GATES: usize = 100;

/// Words before a name that say nothing.
const IDLE: [&str; 37] = [
    "all tasks in ",
    "all tasks of ",
    "all tasks from ",
    "all of ",
    "requires ",
    "needs ",
    "after ",
    "depends on ",
    "dependent on ",
    "completion of ",
    "output of ",
    "outputs of ",
    "output from ",
    "outputs from ",
    "results of ",
    "wait for ",
    "waits for ",
    "waiting for ",
    "waiting on ",
    "blocked by ",
    "blocked on ",
    "must follow ",
    "follows ",
    "starts after ",
    "start after ",
    "completed ",
    "complete ",
    "finished ",
    "once ",
    "when ",
    "until ",
    "also ",
    "the ",
    "both ",
    "and ",
    "or ",
    "on ",
];

/// Words of `all previous tasks` that change nothing about it.
const AROUND_ALL: [&str; 15] = [
    "all",
    "the",
    "of",
    "other",
    "every",
    "above",
    "are",
    "be",
    "must",
    "complete",
    "completed",
    "done",
    "finished",
    "this",
    "one",
];
const BEFORE: [&str; 6] = ["previous", "prior", "preceding", "earlier", "above", "before"];

/// What a field's text says, from its value or from the list below it.
pub(super) fn needs(lines: &Lines<'_>, pieces: &[Range<usize>]) -> Option<Needs> {
    let whole = lines.span(pieces.first()?.start, pieces.last()?.end);
    let value = plain(&lines.source[whole.start as usize..whole.end as usize]);
    let names = tight(pieces.iter().flat_map(|piece| names(lines, piece.clone())));
    Some(Needs { text: Written { value, at: whole }, names })
}

/// The same of a heading's note, where whatever looks like a label is one.
pub(super) fn note(lines: &Lines<'_>, range: Range<usize>) -> Option<Needs> {
    let mut needs = needs(lines, &[range])?;
    for name in &mut needs.names {
        if let Name::Task { plain, .. } | Name::Stream { plain, .. } = &mut name.value {
            *plain = true;
        }
    }
    Some(needs)
}

fn names(lines: &Lines<'_>, range: Range<usize>) -> Vec<Written<Name>> {
    if !lines.source[range.clone()].contains("<!--") {
        return uncommented(lines, range);
    }
    let (mut found, mut at) = (Vec::new(), range.start);
    while let Some(open) = lines.source[at..range.end].find("<!--").map(|open| at + open) {
        found.extend(uncommented(lines, at..open));
        at = lines.source[open..range.end].find("-->").map_or(range.end, |close| open + close + "-->".len());
    }
    found.extend(uncommented(lines, at..range.end));
    found
}

fn uncommented(lines: &Lines<'_>, range: Range<usize>) -> Vec<Written<Name>> {
    let (text, noun) = (&lines.source[range.clone()], lines.noun);
    let mut found = Vec::new();
    let mut keep = |at: Range<usize>, value: Name| {
        found.push(Written { value, at: lines.span(range.start + at.start, range.start + at.end) });
    };
    let mut kind = Kind::Unsaid;
    if is_none(text) {
        // `None, Task 1` says two things; the one that names a task is kept.
        let pieces = split(text, 0..text.len(), is_kind).into_iter().skip(1);
        pieces.filter(|p| is_reference(text, p.clone(), noun)).for_each(|p| read(text, p, noun, &mut kind, &mut keep));
        return found;
    }
    let except = word_in(text, &EXCEPT);
    let end = except.as_ref().map_or(text.len(), |word| word.start);
    for piece in split(text, 0..end, is_kind) {
        read(text, piece, noun, &mut kind, &mut keep);
    }
    let Some(word) = except else { return found };
    let has_all = found
        .iter()
        .any(|n| matches!(n.value, Name::AllTasks(_) | Name::AllStreams(_) | Name::Tasks(..) | Name::Streams(..)));
    let mut taken_out = Vec::new();
    let mut keep = |at: Range<usize>, value: Name| {
        let at = lines.span(range.start + at.start, range.start + at.end);
        let is_words = matches!(value, Name::Words(_));
        taken_out.push(Written { value: if has_all && !is_words { Name::Except(Box::new(value)) } else { value }, at });
    };
    for piece in split(text, word.end..text.len(), is_kind) {
        read(text, piece, noun, &mut kind, &mut keep);
    }
    found.extend(taken_out);
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

/// Whether a piece is a label, with a kind word or without, and nothing else.
fn is_reference(text: &str, piece: Range<usize>, noun: &str) -> bool {
    let rest = &text[inner(text, piece)];
    let word = kind_word(rest, noun);
    let label = rest[word.map_or(0, |(_, n)| n)..].trim_start_matches([' ', '#']);
    let length = label_length(label, word.map_or(Kind::Unsaid, |(kind, _)| kind));
    length > 0 && is_end(&label[length..]) && !label[length..].trim_start().starts_with(['-', '–', '—', '/'])
}

/// Whether names are all that a text has.
pub(super) fn is_names(text: &str) -> bool {
    let pieces = split(text, 0..text.len(), is_kind);
    !text.trim().is_empty() && pieces.into_iter().all(|piece| is_reference(text, piece, "task"))
}

/// Reads one piece; a kind word holds for the pieces behind it (`Tasks 2, 4, 5`).
fn read(text: &str, piece: Range<usize>, noun: &str, kind: &mut Kind, found: &mut dyn FnMut(Range<usize>, Name)) {
    let piece = edges(text, piece);
    let mut at = inner(text, piece.clone()).start;
    loop {
        let rest = &text[at..piece.end];
        let is_all = rest.get(..4).is_some_and(|w| w.eq_ignore_ascii_case("all ")) && is_kind(&rest[4..]);
        if let Some(name) = every(rest, noun) {
            return found(at..piece.end, name);
        }
        match any_at(rest, &IDLE).max(if is_all { 4 } else { 0 }) {
            0 => break,
            skip => at = inner(text, at + skip..piece.end).start,
        }
    }
    let rest = &text[at..piece.end];
    if rest.is_empty() || rest.get(..8).is_some_and(|w| w.eq_ignore_ascii_case("optional")) {
        return;
    }
    let said = kind_word(rest, noun);
    if let Some((word, length)) = said {
        *kind = word;
        at += length;
        let gap = text[at..piece.end].trim_start_matches([' ', '\n', '#', '*', '`', '[', '(']);
        let gap = gap.strip_prefix('-').filter(|g| g.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(gap);
        at = piece.end - gap.len();
        if let Some(title) = gap.strip_prefix(':') {
            let range = inner(text, piece.end - title.len()..piece.end);
            let words = plain(&text[range.clone()]);
            let whole_id = id_length(&words) == words.len() && !words.is_empty();
            if word == Kind::Task && !whole_id {
                return found(range, Name::Title(words));
            }
            at = range.start;
        }
    }
    let taken = labels(text, at..piece.end, noun, *kind, said.is_some(), found);
    let rest = taken.unwrap_or(piece.start)..piece.end;
    if !rest.is_empty() && (taken.is_none() || names_more(&text[rest.clone()], noun)) {
        found(edges(text, rest.clone()), Name::Words(plain(&text[rest])));
    }
}

/// `all tasks`, `all previous streams`, `the task above`.
fn every(rest: &str, noun: &str) -> Option<Name> {
    // A number by itself, which is most of what fields name.
    if !rest.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let end = rest.find(['(', '[', '.', '\n', ':', '—', '–']).unwrap_or(rest.len()).min(80);
    let lower = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().map(|w| w.trim_matches(['*', '`', '_', '"'])).collect();
    let is_before = words.iter().any(|w| BEFORE.contains(w));
    let is_all = words.first().is_some_and(|w| matches!(*w, "all" | "every" | "everything"));
    let noun = words.iter().find_map(|w| {
        kind_word(w, noun)
            .filter(|&(kind, n)| n == w.len() && !matches!(kind, Kind::Other | Kind::Gate))
            .map(|(kind, _)| (kind, *w))
    });
    let is_known = |w: &&str| AROUND_ALL.contains(w) || BEFORE.contains(w) || noun.is_some_and(|(_, n)| n == *w);
    let is_alone = words.first() == Some(&"everything")
        || noun.is_some()
        || words.starts_with(&["all", "of", "the", "above"])
        || words.starts_with(&["all", "above"])
        || words.starts_with(&["all", "the", "above"]);
    if !(is_all || is_before) || !is_alone || !words.iter().all(|w| is_known(w) || *w == "everything") {
        return None;
    }
    let is_many = is_all || noun.is_some_and(|(_, word)| word.ends_with('s'));
    let extent = match (is_before, is_many) {
        (false, _) => Extent::Others,
        (true, true) => Extent::Before,
        (true, false) => Extent::Last,
    };
    Some(if noun.is_some_and(|(kind, _)| kind == Kind::Stream) {
        Name::AllStreams(extent)
    } else {
        Name::AllTasks(extent)
    })
}

/// Ids, ranges and ids joined by strokes at the start of the range; and where the text goes on behind them.
fn labels(
    text: &str,
    range: Range<usize>,
    noun: &str,
    kind: Kind,
    said: bool,
    found: &mut dyn FnMut(Range<usize>, Name),
) -> Option<usize> {
    let name = |at: Range<usize>, plain: bool| {
        let id = text[at].to_owned();
        let is_letter = id.bytes().all(|b| b.is_ascii_alphabetic());
        // `Stream A, B3`
        let is_tasks = !said && !is_letter && id.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_stream = kind == Kind::Stream && !is_tasks || (!said && is_letter);
        if kind == Kind::Gate {
            Name::Gate(id)
        } else if is_stream {
            Name::Stream { id, plain }
        } else {
            Name::Task { id, plain }
        }
    };
    let (mut range, mut taken) = (range, None);
    loop {
        let rest = &text[range.clone()];
        let length = if kind == Kind::Other { 0 } else { label_length(rest, kind) };
        if length == 0 {
            return taken;
        }
        let first = range.start..range.start + length;
        let behind = rest[length..].trim_start_matches([' ', '*', '`', ']']);
        if let Some((at, to)) = range_end(behind, noun, kind) {
            let end = range.end - behind.len() + at + to.len();
            let (from, to) = (text[first.clone()].to_owned(), to.to_owned());
            if kind == Kind::Gate {
                let number = |id: &str| id.parse::<u16>().ok();
                let (from, to) = (number(&from)?, number(&to)?);
                let all = (from..=to).take(MOST_GATES);
                all.for_each(|gate| found(first.start..end, Name::Gate(gate.to_string())));
                return Some(end);
            }
            let is_stream = matches!(name(first.clone(), true), Name::Stream { .. });
            found(first.start..end, if is_stream { Name::Streams(from, to) } else { Name::Tasks(from, to) });
            return Some(end);
        }
        if let Some((at, other)) = in_stream(behind, noun, kind) {
            let (own, other) = (text[first.clone()].to_owned(), other.to_owned());
            let end = range.end - behind.len() + at + other.len();
            let (stream, task) = if kind == Kind::Stream { (own, other) } else { (other, own) };
            found(first.start..end, Name::InStream { stream, task });
            return Some(end);
        }
        let is_number = rest[..length].bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let more = behind.strip_prefix('/').map(|more| range.end - more.trim_start().len());
        if let Some(more) = more.filter(|&at| label_length(&text[at..range.end], kind) > 0) {
            taken = Some(first.end);
            found(first.clone(), name(first, said || is_number));
            range.start = more;
            continue;
        }
        let has_words = behind.starts_with(['-', '–', '—']) && !is_number || behind.starts_with(": ");
        if !(said || has_words || is_end(behind)) {
            return taken;
        }
        found(first.clone(), name(first.clone(), said || is_number));
        return Some(first.end);
    }
}

/// `task 2` behind `Stream A`, `of stream A` behind `Task 2`: the other label, and where it stands.
fn in_stream<'t>(behind: &'t str, noun: &str, kind: Kind) -> Option<(usize, &'t str)> {
    let (signs, words, wanted): (&[char], &[&str], _) = match kind {
        Kind::Stream => (&[' ', ':', '-', '–', '—', '/'], &["'s ", "’s "], Kind::Task),
        Kind::Task => (&[' ', '('], &["of ", "in ", "from "], Kind::Stream),
        _ => return None,
    };
    let rest = behind.trim_start_matches(signs);
    let rest = rest[any_at(rest, words)..].trim_start_matches(signs);
    let (_, length) = kind_word(rest, noun).filter(|&(kind, _)| kind == wanted)?;
    let label = rest[length..].trim_start_matches([' ', '#', '*']);
    let length = label_length(label, wanted);
    // `Task 2 (Stream A)` names both ends by their labels; `Stream A tasks` names no task.
    (length > 0 && is_end(label[length..].trim_start_matches(')')))
        .then(|| (behind.len() - label.len(), &label[..length]))
}

/// The other end of a range, and where it stands.
fn range_end<'t>(behind: &'t str, noun: &str, kind: Kind) -> Option<(usize, &'t str)> {
    let dash = ["-", "–", "—", "...", "..", "…", "to ", "through ", "thru ", "until "]
        .into_iter()
        .find(|d| behind.starts_with(d))?;
    let second = behind[dash.len()..].trim_start_matches([' ', '*', '`', '#', '[']);
    let word = kind_word(second, noun).filter(|&(word, _)| word == kind).map_or(0, |(_, n)| n);
    let second = second[word..].trim_start_matches([' ', '#']);
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
    let text = text.trim_start_matches([' ', '\n', '\t', '*', '`', '"', ']', ')', '.']);
    let word = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let over = [
        "complete",
        "completed",
        "completion",
        "done",
        "finished",
        "passed",
        "opened",
        "open",
        "must",
        "is",
        "are",
        "ready",
        "first",
        "tasks",
        "task",
    ];
    text.is_empty()
        || text.starts_with(['(', '-', '–', '—', '/', '→', '['])
        || over.iter().any(|over| over.eq_ignore_ascii_case(word))
}

/// Whether a remark behind a label, brackets aside, names another one.
fn names_more(rest: &str, noun: &str) -> bool {
    let rest = &rest[..rest.find('(').unwrap_or(rest.len())];
    let mut words = rest.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut is_kind = false;
    words.any(|word| {
        let was_kind = std::mem::replace(
            &mut is_kind,
            kind_word(word, noun).is_some_and(|(k, n)| n == word.len() && !matches!(k, Kind::Other | Kind::Gate)),
        );
        was_kind && id_length(word) == word.len() && !word.is_empty()
    })
}

/// What a word says that the label behind it is: where `noun` is what the document calls its tasks.
fn kind_word(text: &str, noun: &str) -> Option<(Kind, usize)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = text[..length].to_ascii_lowercase();
    let kind = match word.as_str() {
        "task" | "tasks" => Kind::Task,
        _ if word.strip_suffix('s').unwrap_or(&word) == noun => Kind::Task,
        _ if word.strip_suffix("ies").is_some_and(|stem| noun.strip_suffix('y') == Some(stem)) => Kind::Task,
        "stream" | "streams" | "group" | "groups" | "track" | "tracks" | "lane" | "lanes" | "workstream"
        | "workstreams" => Kind::Stream,
        "gate" | "gates" | "checkpoint" | "checkpoints" => Kind::Gate,
        "phase" | "phases" | "chunk" | "chunks" | "step" | "steps" | "unit" | "units" | "epic" | "milestone" => {
            Kind::Other
        }
        _ => return None,
    };
    // `Task(s) 1, 2`
    let plural = if text[length..].starts_with("(s)") { "(s)".len() } else { 0 };
    Some((kind, length + plural))
}

/// Whether a text begins with a kind word.
pub(super) fn is_kind(text: &str) -> bool {
    kind_word(text.get(..16).unwrap_or(text), "task").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SourceId;

    fn word(name: Name) -> String {
        match name {
            Name::Task { id, plain } => format!("{}{id}", if plain { "task " } else { "" }),
            Name::Tasks(a, b) => format!("{a}..{b}"),
            Name::Title(t) => format!("title {t}"),
            Name::Stream { id, .. } => format!("stream {id}"),
            Name::Streams(a, b) => format!("streams {a}..{b}"),
            Name::InStream { stream, task } => format!("{task} of {stream}"),
            Name::AllStreams(extent) => format!("all streams {extent:?}"),
            Name::AllTasks(extent) => format!("all tasks {extent:?}"),
            Name::Except(inner) => format!("not {}", word(*inner)),
            Name::Words(w) => format!("`{w}`"),
            Name::Gate(id) => format!("gate {id}"),
        }
    }

    fn read(text: &str) -> String {
        let lines = Lines::new(text, SourceId(0));
        names(&lines, 0..text.len()).into_iter().map(|n| word(n.value)).collect::<Vec<_>>().join(" | ")
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
        assert_eq!(read("All groups"), "all streams Others");
        assert_eq!(read("All tasks in Stream A"), "stream A");
        assert_eq!(read("A–F (runs last)"), "streams A..F");
        assert_eq!(read("Stream A, Task 5"), "stream A | task 5");
        assert_eq!(read("Gates 1, 2, Stream A"), "gate 1 | gate 2 | stream A");
        assert_eq!(read("Checkpoints 1-3 passed"), "gate 1 | gate 2 | gate 3");
    }

    #[test]
    fn brackets_signs_and_words_between_names_lose_none() {
        for (text, expected) in [
            ("[Task 1]", "task 1"),
            ("[1, 2.1]", "task 1 | task 2.1"),
            ("[Task 2.1, Task 3]", "task 2.1 | task 3"),
            ("[T-04]", "T-04"),
            ("(1, 2)", "task 1 | task 2"),
            ("Tasks [1, 2]", "task 1 | task 2"),
            ("Tasks (1 and 2)", "task 1 | task 2"),
            ("[Task 1](#task-1), [Task 2](#task-2)", "task 1 | task 2"),
            ("`Task 1`, **Task 2**", "task 1 | task 2"),
            ("Task 1 / Task 2", "task 1 | task 2"),
            ("Task 1/Task 2", "task 1 | task 2"),
            ("Tasks 1 or 2", "task 1 | task 2"),
            ("2 as well as 4, plus Task 5", "task 2 | task 4 | task 5"),
            ("Task(s) 1, 2", "task 1 | task 2"),
            ("Tasks #1-#3", "1..3"),
            ("Task 1 - Task 3", "1..3"),
            ("Tasks 1 through 3", "1..3"),
            ("✅ Task 1", "task 1"),
            ("Wait for Task 2, blocked by Task 3", "task 2 | task 3"),
            ("TASK-12", "task 12"),
            ("2: The Reader", "task 2"),
            ("Task 1 before Task 3", "task 1 | `before Task 3`"),
            ("Task 1 (before Task 3)", "task 1"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn none_holds_unless_a_task_is_named_beside_it() {
        assert_eq!(read("None, Task 1"), "task 1");
        assert_eq!(read("None; Task 2 can start in parallel"), "");
        assert_eq!(read("None (Task 1 helps, Task 2 too)"), "");
        assert_eq!(read("Independent, runs first"), "");
    }

    #[test]
    fn all_may_be_all_before_or_all_but_some() {
        for (text, expected) in [
            ("All tasks", "all tasks Others"),
            ("All other tasks complete", "all tasks Others"),
            ("All previous tasks", "all tasks Before"),
            ("all tasks above", "all tasks Before"),
            ("All of the above", "all tasks Before"),
            ("Previous task", "all tasks Last"),
            ("All previous streams", "all streams Before"),
            ("All tasks except 3", "all tasks Others | not task 3"),
            ("All tasks, except Tasks 3 and 4", "all tasks Others | not task 3 | not task 4"),
            ("Tasks 1-5 except 3", "1..5 | not task 3"),
            ("All Stream A tasks", "stream A"),
            ("All tasks 1-3", "1..3"),
            ("Stream A task 2", "2 of A"),
            ("Task 2 of Stream A", "2 of A"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
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
