//! The outline of a breakdown: which lines are a stream's, which a task's, which a gate's. One walk over the lines.

use super::{
    field,
    inline::plain,
    label::{self, Label},
    lines::{Kind, Lines},
};
use std::ops::Range;

/// In what form a task is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `1. **Title**`
    Numbered,
    /// `### Task 2.1: Title`
    Block,
    /// `**A1. Title**` on a line of its own.
    Bold,
    /// `- [ ] **A1**: Title`
    Box,
}

/// A task's lines.
#[derive(Clone, Debug)]
pub(super) struct TaskLines {
    /// In what form.
    pub shape: Shape,
    /// From its head to where the next thing begins.
    pub lines: Range<usize>,
    /// The stream in whose section it is.
    pub stream: Option<usize>,
    /// Bytes of its number (`1`), where the shape has one.
    pub number: Option<Range<usize>>,
    /// First byte of its label and title.
    pub content: usize,
    /// `None`: it has no box. Else whether it is checked.
    pub checked: Option<bool>,
}

/// A stream's heading.
#[derive(Clone, Debug)]
pub(super) struct StreamLines {
    /// Line of the heading.
    pub heading: usize,
    /// Its label, in bytes of the heading's text.
    pub label: label::StreamLabel,
}

/// A line in a list of quality gates.
#[derive(Clone, Debug)]
pub(super) struct GateLines {
    /// Its lines.
    pub lines: Range<usize>,
    /// The stream in whose section it is.
    pub stream: Option<usize>,
}

/// Whose a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The document's.
    Document,
    /// A stream's, outside of its tasks.
    Stream(usize),
    /// A task's.
    Task(usize),
    /// A gate's.
    Gate(usize),
}

/// The whole outline.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// Line of the first heading of the first level.
    pub title: Option<usize>,
    /// Streams in order; a heading that repeats an id is a second one.
    pub streams: Vec<StreamLines>,
    /// Tasks in order.
    pub tasks: Vec<TaskLines>,
    /// Gate lines in order.
    pub gates: Vec<GateLines>,
    /// Whose each line is.
    pub owners: Vec<Owner>,
    /// The form of another kind of plan, which is not read here.
    pub foreign: Option<&'static str>,
}

/// How far a list item is looked into for a field that only a task has.
const LOOK_AHEAD: usize = 60;

struct Walk<'l, 'a> {
    lines: &'l Lines<'a>,
    out: Outline,
    stream: Option<(usize, u8)>,
    task: Option<usize>,
    /// Level of the heading of a section whose lists are no tasks.
    excluded: Option<u8>,
    /// Level of the heading of a section of gates; 7 where it is a bold line.
    gates: Option<u8>,
    /// Indentation of the last list task under this heading.
    list_indent: Option<usize>,
    /// Below a line such as `**Deliverables**:`.
    under_label: bool,
    is_after_blank: bool,
}

/// Walks the document once.
pub(super) fn read(lines: &Lines<'_>) -> Outline {
    let mut walk = Walk {
        lines,
        out: Outline { foreign: foreign(lines), ..Outline::default() },
        stream: None,
        task: None,
        excluded: None,
        gates: None,
        list_indent: None,
        under_label: false,
        is_after_blank: true,
    };
    for number in 0..lines.lines.len() {
        walk.line(number);
    }
    walk.close(lines.lines.len());
    walk.out
}

impl Walk<'_, '_> {
    fn line(&mut self, number: usize) {
        let line = self.lines.lines[number];
        match line.kind {
            Kind::Heading(level) => self.heading(number, level),
            Kind::Rule if self.task.is_some_and(|t| self.out.tasks[t].shape != Shape::Block) => self.close(number),
            Kind::Fence(fence) => self.fence(number, fence),
            Kind::Text => self.text(number),
            Kind::Blank | Kind::Code | Kind::Comment | Kind::Row | Kind::Rule => {}
        }
        self.is_after_blank = line.kind == Kind::Blank;
        let owner = match (self.task, self.out.gates.last()) {
            (Some(task), _) => Owner::Task(task),
            (None, Some(gate)) if gate.lines.end == usize::MAX => Owner::Gate(self.out.gates.len() - 1),
            _ => self.stream.map_or(Owner::Document, |(s, _)| Owner::Stream(s)),
        };
        self.out.owners.push(owner);
    }

    /// Ends the open task and the open gate line.
    fn close(&mut self, number: usize) {
        if let Some(task) = self.task.take() {
            self.out.tasks[task].lines.end = number;
        }
        if let Some(gate) = self.out.gates.last_mut().filter(|g| g.lines.end == usize::MAX) {
            gate.lines.end = number;
        }
    }

    fn open(&mut self, number: usize, task: TaskLines) {
        self.close(number);
        self.list_indent = (task.shape != Shape::Block).then(|| self.lines.lines[number].indent);
        self.task = Some(self.out.tasks.len());
        self.out.tasks.push(task);
    }

    fn stream_id(&self) -> Option<&str> {
        let stream = &self.out.streams[self.stream?.0];
        stream.label.id.clone().map(|id| &self.lines.text(stream.heading)[id])
    }

    fn heading(&mut self, number: usize, level: u8) {
        let text = self.lines.text(number);
        let stream = label::stream(text);
        let task = if stream.is_some() { None } else { self.task_heading(number, text) };
        let inside = self.task.map(|t| &self.out.tasks[t]).filter(|t| t.shape == Shape::Block);
        let block_level = inside.map(|t| match self.lines.lines[t.lines.start].kind {
            Kind::Heading(level) => level,
            _ => 0,
        });
        if block_level.is_some_and(|b| level > b) && stream.is_none() && task.is_none() {
            return;
        }
        self.close(number);
        self.list_indent = None;
        self.under_label = false;
        self.stream = self.stream.filter(|&(_, l)| l < level);
        self.excluded = self.excluded.filter(|&l| l < level);
        self.gates = self.gates.filter(|&l| l < level);
        if level == 1 && self.out.title.is_none() {
            self.out.title = Some(number);
        }
        let name = plain(text).to_lowercase();
        if let Some(label) = stream.filter(|_| self.excluded.is_none()) {
            self.stream = Some((self.out.streams.len(), level));
            self.out.streams.push(StreamLines { heading: number, label });
        } else if let Some((checked, content)) = task.filter(|_| self.excluded.is_none() && self.gates.is_none()) {
            let (stream, lines) = (self.stream.map(|s| s.0), number..usize::MAX);
            self.open(number, TaskLines { shape: Shape::Block, lines, stream, number: None, content, checked });
        } else if is_gates(&name) && level > 1 {
            self.gates = Some(level);
        } else if is_excluded(&name) && level > 1 {
            self.excluded = Some(level);
        }
    }

    /// Whether a heading is a task's: its box, and where its label begins.
    fn task_heading(&self, number: usize, text: &str) -> Option<(Option<bool>, usize)> {
        let boxed = label::checkbox(text);
        let start = boxed.map_or(0, |(_, n)| n);
        let trailing = ["[x]", "[X]"].iter().any(|b| text.ends_with(b)).then_some(true);
        let checked = boxed.map(|(is_checked, _)| is_checked).or(trailing);
        let label = label::task(&text[start..])?;
        let id = label.id.clone().map_or("", |r| &text[start..][r]);
        let has_letter = id.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_task = label.is_certain
            || (has_letter && (self.is_of_stream(id) || id.starts_with(['T', 't']) || self.has_evidence(number)))
            || (!has_letter && self.stream.is_some() && self.has_evidence(number));
        is_task.then(|| (checked, self.lines.lines[number].text + start))
    }

    fn is_of_stream(&self, id: &str) -> bool {
        let letters = id.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let letters = letters.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        self.stream_id().is_some_and(|stream| !letters.is_empty() && stream.eq_ignore_ascii_case(letters))
    }

    /// Whether the lines below, up to the next item or heading, hold a field that only a task has.
    fn has_evidence(&self, number: usize) -> bool {
        let is_heading = matches!(self.lines.lines[number].kind, Kind::Heading(_));
        for at in number + 1..self.lines.lines.len().min(number + LOOK_AHEAD) {
            let text = self.lines.text(at);
            match self.lines.lines[at].kind {
                Kind::Heading(_) => return is_heading && field::key(text) != field::Key::Other,
                Kind::Text if field::is_evidence(text) => return true,
                Kind::Text if !is_heading && label::number(text).is_some() => return false,
                _ => {}
            }
        }
        false
    }

    /// Inside a task block everything is the block's. A list task keeps what is indented, every bullet, every field and
    /// every paragraph that is not set off.
    fn text(&mut self, number: usize) {
        let is_in_block = self.task.is_some_and(|t| self.out.tasks[t].shape == Shape::Block);
        if is_in_block || self.excluded.is_some() {
            return;
        }
        let text = self.lines.text(number);
        let line = self.lines.lines[number];
        if self.gates.is_some() && self.gate_line(number) {
            return;
        }
        if let Some(task) = self.numbered(number).or_else(|| self.boxed(number)).or_else(|| self.bold_line(number)) {
            return self.open(number, task);
        }
        if self.is_gate_line(number) {
            return self.open_gate(number);
        }
        let opening = field::opening(text);
        let is_gate = opening.as_ref().is_some_and(|k| k[0].0 == field::Key::Gate);
        let is_set_off = line.indent == 0 && self.is_after_blank && label::bullet(text).is_none();
        if self.task.is_some() && is_set_off && (is_gate || !field::is_evidence(text)) {
            self.close(number);
        }
        if self.task.is_none() && line.indent == 0 {
            let name = plain(text).to_lowercase();
            if is_gates(&name) && text.starts_with("**") {
                self.close(number);
                self.gates = Some(7);
            } else if text.ends_with(':') || text.ends_with(":**") {
                self.under_label = !name.contains("task");
            }
        }
    }

    /// In a list of gates: whether the line belongs to it.
    fn gate_line(&mut self, number: usize) -> bool {
        let text = self.lines.text(number);
        let is_item = label::bullet(text).is_some() || label::number(text).is_some();
        let indent = self.lines.lines[number].indent;
        let is_nested = indent > 1 && self.out.gates.last().is_some_and(|g| g.lines.end == usize::MAX);
        if is_item && !is_nested {
            self.open_gate(number);
        } else if !is_item && indent == 0 && self.is_after_blank {
            self.close(number);
            if self.gates == Some(7) {
                self.gates = None;
                return false;
            }
        }
        true
    }

    /// Outside of such a list: `- **Gate 3**: All integration tests pass`.
    fn is_gate_line(&self, number: usize) -> bool {
        let text = self.lines.text(number);
        if self.task.is_some() && self.lines.lines[number].indent > 1 {
            return false;
        }
        let Some(start) = label::bullet(text) else { return false };
        let text = text[start..].trim_start_matches("**");
        let Some(rest) = text.get(..4).filter(|w| w.eq_ignore_ascii_case("gate")).map(|_| text[4..].trim_start())
        else {
            return false;
        };
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count();
        (1..=6).contains(&length) && rest[length..].trim_start_matches('*').trim_start().starts_with(':')
    }

    fn open_gate(&mut self, number: usize) {
        self.close(number);
        let stream = self.stream.map(|s| s.0);
        self.out.gates.push(GateLines { lines: number..usize::MAX, stream });
    }

    fn fence(&mut self, number: usize, fence: usize) {
        let is_check = self.lines.fences[fence].info.split_whitespace().any(|w| w == "role=check");
        let is_in_list = self.task.is_some_and(|t| self.out.tasks[t].shape != Shape::Block);
        if is_in_list && is_check && self.stream.is_some() && self.lines.lines[number].indent < 2 {
            self.close(number);
        }
    }

    /// Whether an item with this indentation may begin a task, or is part of the one above.
    fn is_outermost(&self, indent: usize) -> bool {
        indent <= self.list_indent.map_or(3, |i| i + 1)
    }

    fn numbered(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.lines[number]);
        let (digits, start) = label::number(text).filter(|_| self.is_outermost(line.indent))?;
        let boxed = label::checkbox(&text[start..]);
        let start = start + boxed.map_or(0, |(_, n)| n);
        let rest = &text[start..];
        let is_bold = rest.starts_with("**") || rest.starts_with("__");
        let is_empty = plain(rest).is_empty();
        let in_stream = self.stream.is_some();
        let is_task = match (boxed.is_some(), in_stream) {
            (true, _) => true,
            (false, true) if is_empty => true,
            (false, true) if is_bold => !self.under_label || self.has_evidence(number),
            (false, true) => self.has_evidence(number),
            (false, false) => is_bold && self.out.foreign.is_none() && self.has_evidence(number),
        };
        let number_at = line.text + digits.start..line.text + digits.end;
        is_task.then(|| TaskLines {
            shape: Shape::Numbered,
            lines: number..usize::MAX,
            stream: self.stream.map(|s| s.0),
            number: Some(number_at),
            content: line.text + start,
            checked: boxed.map(|(is_checked, _)| is_checked),
        })
    }

    fn boxed(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.lines[number]);
        let start = label::bullet(text).filter(|_| self.is_outermost(line.indent))?;
        let boxed = label::checkbox(&text[start..]);
        let start = start + boxed.map_or(0, |(_, n)| n);
        let rest = &text[start..];
        let is_bold = rest.starts_with("**");
        let label = self.own_label(rest);
        let is_task = match &label {
            Some((id, _)) if id.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                boxed.is_some() || (is_bold && self.is_of_stream(id))
            }
            Some(_) => boxed.is_some() && self.stream.is_some(),
            None => {
                boxed.is_some() && is_bold && self.stream.is_some() && self.task.is_none() && self.has_evidence(number)
            }
        };
        let (content, checked) = (line.text + start, boxed.map(|(is_checked, _)| is_checked));
        let stream = self.stream.map(|s| s.0);
        let lines = number..usize::MAX;
        is_task.then_some(TaskLines { shape: Shape::Box, lines, stream, number: None, content, checked })
    }

    fn bold_line(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.lines[number]);
        if !text.starts_with("**") || line.indent > 3 || (self.task.is_some() && line.indent > 0) {
            return None;
        }
        let (id, label) = self.own_label(text)?;
        let is_task = label.is_certain || self.is_of_stream(id) || self.has_evidence(number);
        let (stream, lines) = (self.stream.map(|s| s.0), number..usize::MAX);
        let content = line.text;
        is_task.then_some(TaskLines { shape: Shape::Bold, lines, stream, number: None, content, checked: None })
    }

    /// The id of `**A1. Title**`, `**A1**: Title` or `A1. Title`.
    fn own_label<'t>(&self, text: &'t str) -> Option<(&'t str, Label)> {
        let inner = label::bold(text).map(|(inner, _)| inner);
        let label = inner.and_then(|inner| label::task(&text[..inner.end])).filter(|l| !l.title.is_empty());
        let label = label.or_else(|| label::task(text))?;
        let id = label.id.clone()?;
        Some((&text[id], label))
    }
}

/// Chunks, steps, and lists in spec-kit's form: their numbered lists and boxes say something else than ours.
fn foreign(lines: &Lines<'_>) -> Option<&'static str> {
    let (mut chunks, mut steps, mut boxes) = (0, 0, 0);
    for (number, line) in lines.lines.iter().enumerate() {
        let text = lines.text(number);
        match line.kind {
            Kind::Heading(_) => {
                let lower = text.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                let rest = |word: &str| lower.strip_prefix(word).map(str::trim_start);
                let has_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
                chunks += usize::from(rest("chunk ").is_some_and(has_number));
                steps += usize::from(rest("step ").is_some_and(has_number));
            }
            Kind::Text => {
                let item = text.strip_prefix("- [ ] ").or_else(|| text.strip_prefix("- [x] "));
                let id = item.map(|t| t.trim_start_matches('['));
                boxes += usize::from(
                    id.is_some_and(|t| t.starts_with('T') && t[1..].starts_with(|c: char| c.is_ascii_digit())),
                );
            }
            _ => {}
        }
    }
    match (chunks, steps, boxes) {
        (2.., _, _) => Some("a chunk plan"),
        (_, 2.., _) => Some("a step plan"),
        (_, _, 2..) => Some("a spec-kit task list"),
        _ => None,
    }
}

fn is_gates(name: &str) -> bool {
    let name = name.trim_start_matches(|c: char| !c.is_alphabetic());
    name.starts_with("quality gate") || matches!(name, "gates" | "gate criteria")
}

fn is_excluded(name: &str) -> bool {
    [
        "acceptance criteria",
        "success criteria",
        "success metrics",
        "definition of done",
        "critical path",
        "prerequisite",
    ]
    .iter()
    .any(|w| name.contains(w))
        || name.ends_with("summary")
}
