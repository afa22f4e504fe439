//! Fields: `- Dependencies: None`, `**Effort**: 2 hours **Files**: ...`, a bold key with a list below it.

use super::{
    dependency,
    label::{bold, bullet, checkbox, id_length, number},
    lines::{Kind, Lines},
    separator::any_at,
};
use std::ops::Range;

/// What a field is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// What it waits for.
    Dependencies,
    /// What waits for it.
    Blocks,
    /// What is to be tested.
    Tests,
    /// How it is to behave; stands in for what is to be tested.
    Behaviour,
    /// What it is for.
    Objective,
    /// What it may touch.
    Files,
    /// What it needs for itself, and nobody else may have meanwhile.
    Exclusive,
    /// What it needs: for itself, where that is said of it elsewhere.
    Resources,
    /// How long it takes.
    Effort,
    /// What reviewers judge by.
    Acceptance,
    /// What there is at the end, which reviewers judge by too.
    Deliverables,
    /// The landing's subject.
    Commit,
    /// Which phases it has.
    Phases,
    /// Which stream it belongs to.
    Stream,
    /// Who is to do it.
    Agent,
    /// A criterion of a gate.
    Gate,
    /// Anything else.
    Other,
}

/// A field with its place.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// What it is about.
    pub key: Key,
    /// Bytes of its value; empty where it has only a list.
    pub value: Range<usize>,
    /// Bytes of each item of its list, without bullets.
    pub items: Vec<Range<usize>>,
    /// Line of the key.
    pub line: usize,
    indent: usize,
    is_bullet: bool,
}

impl Field {
    /// The value, else the items.
    pub(super) fn pieces(&self) -> Vec<Range<usize>> {
        let value = (!self.value.is_empty()).then(|| self.value.clone());
        value.into_iter().chain(self.items.iter().cloned()).collect()
    }
}

/// No key that is known is longer.
const LONGEST_KEY: usize = 40;

/// What a key says, whatever its case and its blanks.
pub(super) fn key(name: &str) -> Key {
    // `📦 Dependencies (hard)`
    let name = name.split('(').next().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
    let mut words = String::with_capacity(LONGEST_KEY);
    for word in name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '*' | '`')) {
        if words.len() + word.len() > LONGEST_KEY {
            return Key::Other;
        }
        if !words.is_empty() && !word.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    match words.as_str() {
        "dependencies" | "dependency" | "depends on" | "depends upon" | "dependent on" | "depends" | "deps" | "dep"
        | "blocked by" | "waits for" | "waiting for" | "prerequisite" | "prerequisites" | "prereq" | "prereqs"
        | "prerequisite tasks" | "task dependencies" | "hard dependencies" | "predecessor" | "predecessors"
        | "must follow" => Key::Dependencies,
        "blocks" | "unblocks" | "required by" | "needed by" | "prerequisite for" | "prerequisite of" => Key::Blocks,
        "test requirements"
        | "test requirement"
        | "test first requirements"
        | "tdd requirements"
        | "tests"
        | "testing requirements"
        | "tests first"
        | "test first"
        | "test strategy" => Key::Tests,
        "behavior specifications"
        | "behaviour specifications"
        | "behavior specification"
        | "behavior spec"
        | "behaviour spec"
        | "behavior specs"
        | "behaviour specs" => Key::Behaviour,
        "objective" | "goal" => Key::Objective,
        "files" | "file" | "files to create" | "files to change" | "files to modify" | "files to touch" => Key::Files,
        "exclusive"
        | "exclusive resources"
        | "exclusive resource"
        | "exclusive access"
        | "locks"
        | "lock"
        | "mutex"
        | "critical files"
        | "critical file" => Key::Exclusive,
        "resources" | "resource" | "named resources" | "shared resources" | "ports" => Key::Resources,
        "effort" | "estimate" | "estimated effort" | "estimated time" | "estimated duration" | "duration"
        | "duration estimate" | "time estimate" | "size" | "estimation" => Key::Effort,
        "key deliverables" | "deliverables" => Key::Deliverables,
        "acceptance criteria" | "acceptance" | "success criteria" | "definition of done" => Key::Acceptance,
        "commit" | "commit message" => Key::Commit,
        "phases" => Key::Phases,
        "stream" | "workstream" | "lane" | "track" => Key::Stream,
        "agent" | "assigned" | "assigned to" | "assignee" | "assigned agent" | "owner" => Key::Agent,
        "gate" | "quality gate" | "stream gate" | "task gate" | "gate criteria" => Key::Gate,
        _ => Key::Other,
    }
}

/// Where on a line begins what something waits for.
pub(super) fn orders(text: &str) -> impl Iterator<Item = usize> {
    let keys = opening(text).unwrap_or_default();
    keys.into_iter().filter(|(key, ..)| *key == Key::Dependencies).map(|(.., start)| start)
}

/// Whether a line begins a field that only a task has: what tells a list of tasks from prose with numbers.
pub(super) fn is_evidence(text: &str) -> bool {
    opening(text).is_some_and(|keys| {
        let is_a_tasks = |k: &Key| {
            !matches!(k, Key::Other | Key::Gate | Key::Agent | Key::Exclusive | Key::Resources | Key::Deliverables)
        };
        keys.iter().any(|(k, _, _)| is_a_tasks(k))
    })
}

/// Keys that say what a task waits for where names are all that stands behind them: `Requires: Task 1`, and not `Requires: Node 20`.
const LOOSE_KEYS: [&str; 4] = ["after", "requires", "needs", "require"];

/// What stands where a key does, in a line that goes on without a colon: `- Depends on Task 1`.
const BARE_KEYS: [&str; 4] = ["depends on ", "dependent on ", "blocked by ", "waits for "];

/// What may stand in place of a colon.
const DASHES: [&str; 3] = ["— ", "– ", "- "];

/// The fields that begin on a line, each with where its key begins and where its value does.
pub(super) fn opening(text: &str) -> Option<Vec<(Key, usize, usize)>> {
    let quoted = text.trim_start_matches(['>', ' ']);
    let start = text.len() - quoted.len() + bullet(quoted).unwrap_or(0);
    let boxed = checkbox(&text[start..]).map_or(0, |(_, n)| n);
    let start = start + boxed;
    let start = text.len() - text[start..].trim_start_matches(|c: char| !c.is_ascii() || c == ' ').len();
    let mut found: Vec<_> = emphasised(text, start, boxed > 0).into_iter().collect();
    let from = found.first().map_or(start, |&(_, _, value)| value);
    // Behind the first, or where none is, only words that are known are keys: a value may have bold text and a colon in it.
    let is_first = found.is_empty();
    found.extend(inline(text, from).into_iter().filter(|&(key, _, _)| !is_first || key != Key::Other));
    if found.is_empty() && !text[start..].starts_with("**") {
        found.extend(plain_key(text, start));
    }
    for (key, start, value) in &mut found {
        let name = text[*start..*value].trim_matches(|c: char| !c.is_alphanumeric());
        let is_loose = *key == Key::Other && LOOSE_KEYS.iter().any(|key| name.eq_ignore_ascii_case(key));
        if is_loose && dependency::is_names(&text[*value..]) {
            *key = Key::Dependencies;
        }
    }
    (!found.is_empty()).then_some(found)
}

/// `**Key**: value`, `*Key*:`, `***Key:***`, `__Key__:`, or a key that is known on a line of its own.
fn emphasised(text: &str, start: usize, is_boxed: bool) -> Option<(Key, usize, usize)> {
    let rest = &text[start..];
    let sign = rest.chars().next().filter(|c| matches!(c, '*' | '_'))?;
    let width = rest.chars().take_while(|&c| c == sign).count();
    let inner = &rest[width..];
    let close = inner.find(&rest[..width]).filter(|_| width <= 3)?;
    let (name, behind) = (inner[..close].trim_end(), &inner[close + width..]);
    let word = key(name.trim_end_matches(':'));
    let is_strong = width > 1 || word != Key::Other;
    let value = if name.ends_with(':') {
        text.len() - behind.len()
    } else if behind.trim_start().starts_with(':') {
        text.len() - behind.trim_start().len() + 1
    } else {
        // `**Dependencies** – Task 20`
        let dash = any_at(behind.trim_start(), &DASHES);
        if dash > 0 && matches!(word, Key::Dependencies | Key::Effort) {
            return Some((word, start, text.len() - behind.trim_start().len() + dash));
        }
        let is_alone = behind.trim().is_empty() && !is_boxed;
        let is_said = word == Key::Dependencies && dependency::is_kind(behind.trim_start());
        return ((is_alone || is_said) && word != Key::Other).then(|| (word, start, text.len() - behind.len()));
    };
    is_strong.then_some((word, start, value))
}

/// Bold keys with a colon from here on.
pub(super) fn inline(text: &str, from: usize) -> Vec<(Key, usize, usize)> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(sign) = text.as_bytes()[at..].windows(2).position(|two| two == b"**").map(|n| at + n) {
        let Some((inner, behind)) = bold(&text[sign..]) else { break };
        let name = &text[sign + inner.start..sign + inner.end];
        let rest = &text[sign + behind..];
        let value = match name.trim_end().strip_suffix(':') {
            Some(_) => Some(sign + behind),
            None => rest.trim_start().starts_with(':').then(|| text.len() - rest.trim_start().len() + 1),
        };
        let word = key(name.trim_end().trim_end_matches(':'));
        match value.filter(|_| word != Key::Other || is_key(name)) {
            Some(value) => {
                found.push((word, sign, value));
                at = value;
            }
            None => at = sign + behind,
        }
    }
    found
}

/// `Key: value`, `Depends on Task 1`.
fn plain_key(text: &str, start: usize) -> Option<(Key, usize, usize)> {
    let bare = any_at(&text[start..], &BARE_KEYS);
    let names = text[start + bare..].trim_start_matches(['*', '[', '`']);
    if bare > 0 && (dependency::is_kind(names) || id_length(names) > 0) {
        return Some((Key::Dependencies, start, start + bare));
    }
    let head = &text[start..text.floor_char_boundary(start + LONGEST_KEY)];
    let head = &head[..head.find(':').unwrap_or(head.len())];
    let dash = DASHES.iter().filter_map(|dash| Some((head.find(dash)?, dash.len()))).min();
    let named = dash.map(|(at, length)| (&text[start..start + at], start + at + length));
    if let Some((name, value)) = named.filter(|(name, _)| name.ends_with(' '))
        && let word @ (Key::Dependencies | Key::Effort) = key(name)
    {
        return Some((word, start, value));
    }
    let colon = text[start..].find(':').filter(|&n| n <= 40)? + start;
    let name = &text[start..colon];
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '(' | ')' | '&' | '\'');
    if name.is_empty() || !name.chars().all(is_word) || text[colon + 1..].starts_with("//") {
        return None;
    }
    let word = key(name);
    (word != Key::Other || start > 0).then_some((word, start, colon + 1))
}

/// The field that a heading is: `#### Dependencies`, `#### Effort: Large`, with where its value begins.
pub(super) fn heading(text: &str) -> Option<(Key, usize)> {
    let colon = text.find(':').unwrap_or(text.len());
    let word = Some(key(&text[..colon])).filter(|&word| word != Key::Other)?;
    let value = text[colon..].trim_start_matches([':', ' ', '*', '_']);
    Some((word, text.len() - value.len()))
}

fn is_key(name: &str) -> bool {
    name.len() <= 40 && name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The fields of a task: on its own line behind its title, and below. Its label begins at `content`.
pub(super) fn of_task(lines: &Lines<'_>, numbers: Range<usize>, content: usize, title_end: usize) -> Vec<Field> {
    let line = lines.line(numbers.start);
    let start = content.clamp(line.text, line.end.max(line.text)) - line.text;
    let is_field = |&(key, sign, _): &(Key, usize, usize)| key != Key::Other && line.text + sign >= title_end;
    let is_text = line.kind == Kind::Text;
    let keys: Vec<_> =
        inline(lines.text(numbers.start), start).into_iter().filter(|k| is_text && is_field(k)).collect();
    let mut fields = Vec::new();
    push(lines, numbers.start, &keys, &mut fields);
    fields.iter_mut().for_each(|f| f.is_bullet = false);
    go_on(lines, numbers.start + 1..numbers.end, fields)
}

/// All fields of some lines, in order.
pub(super) fn read(lines: &Lines<'_>, numbers: Range<usize>) -> Vec<Field> {
    go_on(lines, numbers, Vec::new())
}

fn go_on(lines: &Lines<'_>, numbers: Range<usize>, mut fields: Vec<Field>) -> Vec<Field> {
    let (mut is_open, mut is_paragraph) = (!fields.is_empty(), !fields.is_empty());
    for number in numbers {
        let line = lines.line(number);
        let text = lines.text(number);
        match line.kind {
            Kind::Blank => is_paragraph = false,
            Kind::Heading(_) => {
                let field = heading(text);
                is_open = field.is_some();
                is_paragraph = is_open;
                if let Some((key, start)) = field {
                    let (value, items) = (line.text + start..line.end, Vec::new());
                    fields.push(Field { key, value, items, line: number, indent: 0, is_bullet: false });
                }
            }
            Kind::Text => {
                let item = bullet(text).or_else(|| number_end(text));
                let last = fields.last_mut().filter(|_| is_open);
                let is_below = last.as_ref().is_some_and(|f| item.is_some() && is_item(lines, f, line.indent, text));
                if let (true, Some(field)) = (is_below, last) {
                    let start = item.unwrap_or(0);
                    let start = start + checkbox(&text[start..]).map_or(0, |(_, n)| n);
                    field.items.push(line.text + start..line.end);
                    is_paragraph = true;
                } else if let Some(keys) = opening(text).or_else(|| numbered(text)) {
                    let before = line.text..line.text + keys[0].1;
                    if let (Some(field), true, true) =
                        (fields.last_mut().filter(|_| is_open), is_paragraph, is_inside(lines, &before))
                    {
                        extend(field, before, true);
                    }
                    push(lines, number, &keys, &mut fields);
                    (is_open, is_paragraph) = (true, true);
                } else if item.is_some() || (text.starts_with("**") && text.ends_with("**") && line.indent == 0) {
                    is_open = false;
                } else if let Some(field) = fields.last_mut().filter(|_| is_open) {
                    is_open = extend(field, line.text..line.end, is_paragraph);
                    is_paragraph = true;
                }
            }
            Kind::Fence(_) | Kind::Code | Kind::Comment | Kind::Row | Kind::Rule => is_open = false,
        }
    }
    fields
}

/// `1. Dependencies: 2` among a task's lines.
fn numbered(text: &str) -> Option<Vec<(Key, usize, usize)>> {
    let start = number_end(text)?;
    let keys = opening(&text[start..])?.into_iter().map(|(key, sign, value)| (key, start + sign, start + value));
    Some(keys.collect::<Vec<_>>()).filter(|keys: &Vec<_>| keys[0].0 != Key::Other)
}

/// Whether a key stands behind words of the paragraph that it is in.
fn is_inside(lines: &Lines<'_>, before: &Range<usize>) -> bool {
    let text = &lines.source[before.clone()];
    let start = bullet(text).or_else(|| number_end(text));
    start.is_none() && text.contains(char::is_alphanumeric)
}

/// Whether a bullet belongs to the list below the field's key.
fn is_item(lines: &Lines<'_>, field: &Field, indent: usize, text: &str) -> bool {
    // What is said in full on the key's line has no list; the bullets below are the task's own.
    let is_one_line = !matches!(
        field.key,
        Key::Acceptance | Key::Deliverables | Key::Tests | Key::Behaviour | Key::Objective | Key::Other
    );
    let is_said = !field.value.is_empty() && !lines.source[field.value.clone()].ends_with(':');
    if is_one_line && is_said && !field.is_bullet {
        return false;
    }
    if field.is_bullet {
        indent > field.indent + 1
    } else {
        indent >= field.indent && !is_evidence(text) && numbered(text).is_none()
    }
}

fn number_end(text: &str) -> Option<usize> {
    number(text).map(|(_, n)| n)
}

fn push(lines: &Lines<'_>, number: usize, keys: &[(Key, usize, usize)], fields: &mut Vec<Field>) {
    let line = lines.line(number);
    let text = lines.text(number);
    for (place, &(key, _, start)) in keys.iter().enumerate() {
        let end = keys.get(place + 1).map_or(text.len(), |&(_, next, _)| next);
        let value = text[start..end].trim_end_matches(|c: char| c.is_whitespace() || c == '|');
        let start = start + value.len() - value.trim_start().len();
        let value = line.text + start..line.text + start.max(start + value.trim_start().len());
        let is_bullet = bullet(text).is_some() || number_end(text).is_some();
        fields.push(Field { key, value, items: Vec::new(), line: number, indent: line.indent, is_bullet });
    }
}

/// A wrapped value or item goes on; a new paragraph is only a value where there is none yet.
fn extend(field: &mut Field, more: Range<usize>, is_paragraph: bool) -> bool {
    if is_paragraph {
        match field.items.last_mut() {
            Some(item) => item.end = more.end,
            None if field.value.is_empty() => field.value = more,
            None => field.value.end = more.end,
        }
        true
    } else if field.value.is_empty() && field.items.is_empty() {
        field.value = more;
        true
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::SourceId;

    fn show(text: &str) -> Vec<String> {
        let lines = Lines::new(text, SourceId(0));
        let flat = |r: &Range<usize>| text[r.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
        let all = read(&lines, 0..lines.len());
        all.iter()
            .map(|f| format!("{:?}={}", f.key, f.pieces().iter().map(flat).collect::<Vec<_>>().join("; ")))
            .collect()
    }

    #[test]
    fn several_bold_fields_may_share_a_line() {
        let text =
            "**Dependencies**: 5, 6 **Success Criteria**: It can be\ndownloaded\n**Track**: A | **Effort**: 2 hours";
        assert_eq!(show(text), ["Dependencies=5, 6", "Acceptance=It can be downloaded", "Stream=A", "Effort=2 hours"]);
    }

    #[test]
    fn a_list_below_a_key_is_its_value() {
        let text = "- Priority: P0\n- Dependencies:\n  - Task 1.1.\n- Files: `a`,\n  `b`";
        assert_eq!(show(text), ["Other=P0", "Dependencies=Task 1.1.", "Files=`a`, `b`"]);
        let text = "**Acceptance Criteria**:\n\n- [ ] One: two\n- [x] Three\n\n**Effort:** S";
        assert_eq!(show(text), ["Acceptance=One: two; Three", "Effort=S"]);
    }

    #[test]
    fn bullets_below_a_whole_value_are_no_part_of_it() {
        assert_eq!(show("**Dependencies**: Task 1\n- [x] Write it"), ["Dependencies=Task 1"]);
        assert_eq!(show("**Dependencies**: these:\n- Task 1"), ["Dependencies=these:; Task 1"]);
    }

    #[test]
    fn a_key_has_many_forms() {
        for key in [
            "**Dependencies**:",
            "**Dependencies:**",
            "*Dependencies*:",
            "*Dependencies:*",
            "***Dependencies***:",
            "__Dependencies__:",
            "**📦 Dependencies**:",
            "📦 **Dependencies**:",
            "**Dependencies (hard)**:",
            "- Dependencies (blocking):",
            "> **Dependencies**:",
            "1. Dependencies:",
            "- **Depends on**:",
            "- Depends on",
            "- **Depends on**",
            "#### Dependencies:",
            "- [ ] Dependencies:",
        ] {
            assert_eq!(show(&format!("{key} Task 1")), ["Dependencies=Task 1"], "{key}");
        }
        assert_eq!(show("**Dependencies**\n- Task 1\n- Task 2"), ["Dependencies=Task 1; Task 2"]);
        assert_eq!(show("- Dependencies\n- Depends on the weather"), Vec::<String>::new());
        assert_eq!(show("**Objective**: All of\nit **Effort**: L"), ["Objective=All of it", "Effort=L"]);
        assert_eq!(show("- **Bold** text\n*emphasis*: none"), Vec::<String>::new());
    }

    #[test]
    fn a_plain_line_is_a_field_only_when_its_key_is_known() {
        assert_eq!(show("Depends on: A1.\nNote: x\nFiles: `a`"), ["Dependencies=A1. Note: x", "Files=`a`"]);
    }
}
