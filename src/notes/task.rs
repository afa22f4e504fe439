//! One task's lines, read: label, title, fields, steps, scripts.

use super::{
    claim, dependency, effort,
    field::{self, Field, Key},
    head::completed,
    inline::plain,
    label,
    lines::{Kind, Lines},
    note,
    outline::{Shape, TaskLines},
    script, step,
};
use crate::plan::{Fault, Label, Name, Needs, Phase, Severity, TaskDraft, Written};
use std::ops::Range;

/// A one-line title is kept whole up to here; what is longer is cut behind its first clause.
const SHORT_TITLE: usize = 90;

/// Reads one task, and where it says itself which stream it belongs to.
pub(super) fn read(lines: &Lines<'_>, task: &TaskLines, faults: &mut Vec<Fault>) -> (TaskDraft, Option<Range<usize>>) {
    let head = head(lines, task);
    let fields = field::of_task(lines, task.lines.clone(), task.content, head.title.end);
    let (scripts, text) = script::read(lines, task.lines.clone(), faults);
    let written = |range: &Range<usize>| written(lines, range.clone());
    let all = |key: Key| fields.iter().filter(move |f| f.key == key);
    let pieces = |key: Key| all(key).flat_map(Field::pieces).map(|p| written(&p)).filter(|w| !w.value.is_empty());
    let mut tests = tight(pieces(Key::Tests));
    if tests.is_empty() {
        tests = tight(pieces(Key::Behaviour));
    }
    let estimate = all(Key::Effort).flat_map(Field::pieces).find_map(|p| estimate(lines, p));
    if task.checked != Some(true) && is_struck(lines, task, &head.title) {
        let labels = vec![Label { at: lines.line_span(task.lines.start), text: String::new() }];
        let help = Some("take it out, or check its box: `[x]`".to_owned());
        let text = "this task is struck out, and is done nevertheless".to_owned();
        faults.push(Fault { severity: Severity::Warning, code: "struck-out", text, labels, help });
    }
    let noted = noted(lines, task, &head);
    let stream = stream_field(lines, task, &fields);
    let draft = TaskDraft {
        id: head.id.map(|r| verbatim(lines, r)),
        title: written(&head.title),
        head: lines.line_span(task.lines.start),
        stream: None,
        needs: tight(all(Key::Dependencies).filter_map(|f| needs(lines, f)).chain(noted)),
        blocks: tight(all(Key::Blocks).filter_map(|f| needs(lines, f))),
        is_done: task.checked == Some(true) || head.is_done,
        effort: estimate.or_else(|| head.effort.and_then(|r| self::estimate(lines, r))),
        tests,
        files: tight(all(Key::Files).flat_map(|f| files(lines, f, faults))),
        claims: [(Key::Exclusive, true), (Key::Resources, false)]
            .into_iter()
            .flat_map(|(key, is_certain)| all(key).flat_map(Field::pieces).map(move |piece| (piece, is_certain)))
            .flat_map(|(piece, is_certain)| claim::read(lines, piece, is_certain))
            .collect(),
        phases: all(Key::Phases).flat_map(|f| phases(lines, f)).collect(),
        acceptance: tight(pieces(Key::Acceptance).chain(pieces(Key::Deliverables))),
        commit: all(Key::Commit).flat_map(Field::pieces).next().map(|p| commit(lines, p)),
        agent: pieces(Key::Agent).next(),
        steps: step::read(lines, task),
        gates: pieces(Key::Gate).collect(),
        scripts,
        text,
        ..TaskDraft::default()
    };
    (draft, stream)
}

/// All of them, without room for more: most lists of a task have one item, and there may be a hundred thousand tasks.
pub(super) fn tight<T>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.shrink_to_fit();
    all
}

/// What a remark on the task's own line says: `2. **Title** (depends on Task 1)`. Prose there is no field.
fn noted(lines: &Lines<'_>, task: &TaskLines, head: &Head) -> Option<Needs> {
    let end = lines.line(task.lines.start).end.max(task.content);
    let text = &lines.source[task.content..end];
    let note = note::first(text, 0).filter(|note| task.content + note.outer.end >= head.title.start)?;
    let depends = note.depends?;
    let range = task.content + depends.start..task.content + depends.end;
    let needs = dependency::needs(lines, std::slice::from_ref(&range))?;
    needs.names.iter().any(|n| !matches!(n.value, Name::Words(_))).then_some(needs)
}

/// A field without anything behind it states that there are none.
fn needs(lines: &Lines<'_>, field: &Field) -> Option<Needs> {
    let pieces = field.pieces();
    if pieces.is_empty() {
        dependency::needs(lines, std::slice::from_ref(&field.value))
    } else {
        dependency::needs(lines, &pieces)
    }
}

/// What its `Stream` field says, in bytes.
fn stream_field(lines: &Lines<'_>, task: &TaskLines, fields: &[Field]) -> Option<Range<usize>> {
    let is_wanted = |field: &&Field| field.key == Key::Stream && field.line > task.lines.start;
    fields.iter().filter(is_wanted).flat_map(Field::pieces).next().or_else(|| {
        // `### Task 16 (Stream A): Title`
        let head = lines.source.get(task.content..lines.line(task.lines.start).end)?;
        let note = label::task(head).filter(|_| task.shape == Shape::Block)?.note?;
        label::stream(&head[note.clone()])?;
        Some(task.content + note.start..task.content + note.end)
    })
}

struct Head {
    id: Option<Range<usize>>,
    title: Range<usize>,
    effort: Option<Range<usize>>,
    is_done: bool,
}

fn head(lines: &Lines<'_>, task: &TaskLines) -> Head {
    let start = task.content;
    let end = paragraph_end(lines, task);
    let text = &lines.source[start..end];
    let shift = |r: Range<usize>| start + r.start..start + r.end;
    let bold = label::bold(text);
    let (id, title, rest) = match (task.shape, bold) {
        (Shape::Item, _) => {
            let close = label::closing(&lines.source[lines.line(task.lines.start).text..start], text);
            (None, label::trimmed(text, 0..close), close..text.len())
        }
        // `#### A1 Title`
        (Shape::Block, _) if task.number.is_some() => (None, label::trimmed(text, 0..text.len()), 0..0),
        (Shape::Block, _) => {
            let text = ["[x]", "[X]", "[ ]"].iter().find_map(|b| text.strip_suffix(b)).unwrap_or(text);
            let text = if lines.noun == "task" { text } else { &text[..completed(text).unwrap_or(text.len())] };
            let label = if lines.noun == "task" { label::task(text) } else { label::named(text, lines.noun) };
            let title = label.as_ref().map_or(0..text.len(), |l| l.title.clone());
            // An estimate may stand before the title: `Task 3 [Small]: Title`.
            let note = label.as_ref().and_then(|l| l.note.clone()).map_or(text.len(), |n| n.start - 1);
            (label.and_then(|l| l.id), title, note..text.len())
        }
        (_, Some((inner, behind))) => match label::task(&text[..inner.end]).filter(|_| task.is_labelled) {
            Some(label) if !label.title.is_empty() => (label.id, label.title, behind..text.len()),
            Some(label) if label.id.is_some() && !(task.number.is_some() && is_bare(text, behind)) => {
                match label::task(text) {
                    Some(whole) => (whole.id, clause(text, whole.title), 0..0),
                    None => (label.id, label::trimmed(text, behind..text.len()), 0..0),
                }
            }
            _ => (None, label::trimmed(text, inner), behind..text.len()),
        },
        (_, None) => match label::task(text).filter(|_| task.is_labelled) {
            Some(label) => (label.id, clause(text, label.title), 0..0),
            None => (None, clause(text, 0..text.len()), 0..0),
        },
    };
    // `### Task 1: [x] Title`
    let boxed = label::checkbox(&text[title.clone()]);
    let title = title.start + boxed.map_or(0, |(_, length)| length)..title.end;
    let (title, inside) = without_estimate(text, title);
    let behind = bracket(text, rest);
    let id = id.map(shift).or_else(|| task.number.clone());
    let is_done = boxed.is_some_and(|(is_done, _)| is_done);
    Head { id, title: shift(title), effort: inside.or(behind).map(shift), is_done }
}

/// `### ~~Task 5: Five~~`, `### Task 5: ~~Five~~`
fn is_struck(lines: &Lines<'_>, task: &TaskLines, title: &Range<usize>) -> bool {
    let end = lines.line(task.lines.start).end.max(task.content);
    let text = lines.source[task.content..end].trim_matches(['*', '_', ' ']);
    let begins = text.starts_with("~~") || lines.source[title.clone()].starts_with("~~");
    begins && text.len() > 4 && text.ends_with("~~")
}

/// Whether nothing but signs and an estimate stands behind the bold text, which then is the title.
fn is_bare(text: &str, behind: usize) -> bool {
    let (title, _) = without_estimate(text, behind - 1..text.len());
    text[title].chars().all(|c| !c.is_alphanumeric())
}

/// Where the head's paragraph ends: at a blank line, an item, a field or a step.
fn paragraph_end(lines: &Lines<'_>, task: &TaskLines) -> usize {
    let first = lines.line(task.lines.start);
    let mut end = first.end.max(task.content);
    if task.shape != Shape::Block {
        for number in task.lines.start + 1..task.lines.end {
            let text = lines.text(number);
            let is_item = label::bullet(text).is_some() || label::number(text).is_some();
            if lines.line(number).kind != Kind::Text || is_item || field::is_evidence(text) {
                break;
            }
            end = lines.line(number).end;
        }
        let text = &lines.source[task.content..end];
        let field = field::inline(text, 0).into_iter().find(|&(key, sign, _)| key != Key::Other && sign > 0);
        let end_of_head = step::first(text).into_iter().chain(field.map(|(_, sign, _)| sign)).min();
        end = end_of_head.map_or(end, |n| task.content + n);
    }
    end
}

/// A title's first clause, where it is long: people put the whole task into the item.
fn clause(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    if slice.len() <= SHORT_TITLE && !slice.contains('\n') {
        return range;
    }
    let (mut in_code, mut depth) = (false, 0_i32);
    for (at, c) in slice.char_indices() {
        match c {
            '`' => in_code = !in_code,
            '(' | '[' if !in_code => depth += 1,
            ')' | ']' if !in_code => depth -= 1,
            '.' | ':' | ';' | '—'
                if !in_code && depth <= 0 && at >= 8 && slice[at + c.len_utf8()..].starts_with(char::is_whitespace) =>
            {
                return label::trimmed(text, range.start..range.start + at);
            }
            _ if at > 2 * SHORT_TITLE && c.is_whitespace() => {
                return label::trimmed(text, range.start..range.start + at);
            }
            _ => {}
        }
    }
    range
}

/// `Title [2 hours]`: the title, and what the bracket says where it is an estimate.
fn without_estimate(text: &str, title: Range<usize>) -> (Range<usize>, Option<Range<usize>>) {
    let slice = &text[title.clone()];
    let open = if slice.ends_with(']') {
        slice.rfind('[')
    } else if slice.ends_with(')') {
        slice.rfind('(')
    } else {
        None
    };
    match open.map(|o| title.start + o) {
        Some(open) if effort::effort(&text[open + 1..title.end - 1]).is_some() && open > title.start => {
            (label::trimmed(text, title.start..open), Some(open + 1..title.end - 1))
        }
        _ => (title, None),
    }
}

/// A bracket right behind the title, or at the end of what follows it; or a figure that is all that follows.
fn bracket(text: &str, rest: Range<usize>) -> Option<Range<usize>> {
    let range = label::trimmed(text, rest);
    let slice = &text[range.clone()];
    let first = slice.trim_start_matches([' ', ':', '-', '–', '—', '*']);
    let start = range.end - first.len();
    let inside = |open: usize, close: char| text[open + 1..range.end].find(close).map(|n| open + 1..open + 1 + n);
    let behind = match first.chars().next()? {
        '[' => inside(start, ']'),
        '(' => inside(start, ')'),
        '0'..='9' | '~' if start > range.start => Some(start..range.end),
        _ => None,
    };
    let last = match slice.chars().last()? {
        ']' => slice.rfind('[').and_then(|n| inside(range.start + n, ']')),
        ')' => slice.rfind('(').and_then(|n| inside(range.start + n, ')')),
        _ => None,
    };
    let is_short = |r: &Range<usize>| r.len() <= 30 && effort::effort(&text[r.clone()]).is_some();
    behind.filter(is_short).or_else(|| last.filter(is_short))
}

fn estimate(lines: &Lines<'_>, range: Range<usize>) -> Option<Written<crate::plan::Effort>> {
    let value = effort::effort(&plain(&lines.source[range.clone()]))?;
    Some(Written { value, at: lines.span(range.start, range.end) })
}

/// Text without markup, with its place.
pub(super) fn written(lines: &Lines<'_>, range: Range<usize>) -> Written<String> {
    Written { value: plain(&lines.source[range.clone()]), at: lines.span(range.start, range.end) }
}

/// Text as it stands, with its place.
pub(super) fn verbatim(lines: &Lines<'_>, range: Range<usize>) -> Written<String> {
    Written { value: lines.source[range.clone()].to_owned(), at: lines.span(range.start, range.end) }
}

/// The backticked paths of a field, else those between commas and blanks.
fn files(lines: &Lines<'_>, field: &Field, faults: &mut Vec<Fault>) -> Vec<Written<String>> {
    let mut found = Vec::new();
    let mut is_said = false;
    for piece in field.pieces() {
        let text = &lines.source[piece.clone()];
        if dependency::is_none(text) {
            continue;
        }
        is_said = true;
        let is_ticked = text.contains('`');
        let (mut at, mut in_ticks) = (0, false);
        for token in text.split_inclusive(['`', ',', '\n']) {
            let (start, was_in_ticks) = (at, in_ticks);
            at += token.len();
            in_ticks ^= token.ends_with('`');
            let token = token.trim_end_matches(['`', ',', '\n']);
            let path = token.trim().split(char::is_whitespace).next().unwrap_or_default();
            let path = path.trim_matches(['"', '\'', '(', ')', ';']).trim_end_matches('.');
            let is_path = path.contains(['/', '.', '*']) || was_in_ticks;
            // Beside paths in backticks, words are prose; one between commas is a path that lacks its own.
            let is_prose = is_ticked && !was_in_ticks && token.trim().contains(char::is_whitespace);
            if path.is_empty() || is_prose || !is_path {
                continue;
            }
            let from = piece.start + start + token.find(path).unwrap_or(0);
            found.push(verbatim(lines, from..from + path.len()));
        }
    }
    if is_said && found.is_empty() {
        let at = lines.line_span(field.line);
        let help = "write the paths in backticks, or leave the field out: without it there is no limit".to_owned();
        let text = "no path is found in this field, so the task is not limited to any files".to_owned();
        let labels = vec![Label { at, text: String::new() }];
        faults.push(Fault { severity: Severity::Warning, code: "files-unread", text, labels, help: Some(help) });
    }
    found
}

fn phases(lines: &Lines<'_>, field: &Field) -> Vec<Written<Option<Phase>>> {
    let mut found = Vec::new();
    for piece in field.pieces() {
        let text = &lines.source[piece.clone()];
        let mut start = 0;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if c.is_alphabetic() {
                continue;
            }
            let word = &text[start..at];
            let value = match word.to_ascii_lowercase().as_str() {
                // A hand-off is no phase that a task may leave out.
                "" | "and" | "then" | "only" | "handoff" | "hand" | "off" => None,
                "tests" | "test" => Some(Some(Phase::Tests)),
                "red" => Some(Some(Phase::Red)),
                "implement" | "implementation" | "code" => Some(Some(Phase::Implement)),
                "verify" | "verification" => Some(Some(Phase::Verify)),
                "review" => Some(Some(Phase::Review)),
                "merge" => Some(Some(Phase::Merge)),
                _ => Some(None),
            };
            let at_word = lines.span(piece.start + start, piece.start + at);
            found.extend(value.map(|value| Written { value, at: at_word }));
            start = at + c.len_utf8();
        }
    }
    found
}

/// What stands between backticks, else the whole value.
fn commit(lines: &Lines<'_>, piece: Range<usize>) -> Written<String> {
    let text = &lines.source[piece.clone()];
    let inner = text.find('`').and_then(|a| text[a + 1..].find('`').map(|b| a + 1..a + 1 + b));
    let range = inner.map_or_else(|| piece.clone(), |r| piece.start + r.start..piece.start + r.end);
    let value = super::inline::tidy(&lines.source[range.clone()]);
    Written { value, at: lines.span(range.start, range.end) }
}
