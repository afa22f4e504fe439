//! The outline of a breakdown: which lines are a stream's, which a task's, which a gate's. One walk over the lines.

use super::{
    dependency, field,
    form::Form,
    gate::is_gates,
    inline::plain,
    item, label,
    lines::{Kind, Lines},
    note, rows,
};
use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    ops::Range,
};

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
    /// `- [ ] T012 [P] Title`, `- [ ] 1.1 Title`, `**id-4kh** - Title`: the number is the id, the content the title.
    Item,
    /// A table's row.
    Row,
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
    /// Whether what looks like a label before the title is one. In `2. **UTF8: support**` it is part of the title.
    pub is_labelled: bool,
    /// It is a table's row: the line of the header.
    pub table: Option<usize>,
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
    /// The gate line that it is a part of.
    pub under: Option<usize>,
    /// It is a table's row: the line of the header.
    pub table: Option<usize>,
}

/// Whose a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The document's.
    Document,
    /// A stream's, outside of its tasks.
    Stream(u32),
    /// A task's.
    Task(u32),
    /// A gate's.
    Gate(u32),
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
    /// Headings of gates whose sections say something, and no gate.
    pub unread_gates: Vec<usize>,
    /// Lines that look like a task's beginning and are not read as one.
    pub unread: Vec<usize>,
    /// Headings of neither streams nor tasks that say what they wait for.
    pub unread_notes: Vec<usize>,
}

/// What is open while the lines are walked over.
pub(super) struct Walk<'l, 'a> {
    /// The document.
    pub lines: &'l Lines<'a>,
    /// Its form.
    pub form: Form,
    /// What is found so far.
    pub out: Outline,
    /// The stream whose section it is, and the level of its heading.
    pub stream: Option<(usize, u8)>,
    /// The task whose lines these are.
    pub task: Option<usize>,
    /// Level of the heading of a section whose lists are no tasks.
    pub excluded: Option<u8>,
    /// Level of the heading of a section of gates; 7 where it is a bold line.
    pub gates: Option<u8>,
    /// The heading of such a section, how many gates there were before it, and whether it says anything.
    gate_section: Option<(usize, usize, bool)>,
    /// The gate whose heading was last.
    pub gate_head: Option<usize>,
    /// The header's line of the last table.
    pub table: usize,
    /// What its columns are, where its rows are tasks.
    pub columns: Option<rows::Columns>,
    /// Indentation of the last list task under this heading.
    pub list_indent: Option<usize>,
    /// Below a line such as `**Deliverables**:`.
    pub under_label: bool,
    /// Below a line such as `**Acceptance Criteria:**`: its indentation.
    pub under_criteria: Option<usize>,
    /// Below a heading of a stream's section that is no task's; whether it announces prose (`#### Notes`).
    pub under_heading: Option<bool>,
    /// The number of the last numbered task.
    pub last_number: u32,
    /// Ids of the tasks so far, in lowercase, with the level of the heading.
    known: HashMap<String, u8>,
    /// Ids of the streams that have a heading, in lowercase.
    headed: HashSet<String>,
    /// Ids of the tasks that have a heading, in lowercase.
    blocks: HashSet<String>,
    /// Ids in headings, boxes and bold text, in lowercase, once somebody asks.
    labelled: OnceCell<HashSet<String>>,
    /// Ids (or titles) of the streams so far.
    opened: HashSet<String>,
    /// The line before is blank, or a heading.
    pub is_after_blank: bool,
}

/// Walks the document once.
pub(super) fn read(lines: &Lines<'_>, form: Form) -> Outline {
    let mut walk = Walk {
        lines,
        form,
        out: Outline { owners: Vec::with_capacity(lines.len()), ..Outline::default() },
        stream: None,
        task: None,
        excluded: None,
        gates: None,
        gate_section: None,
        gate_head: None,
        table: 0,
        columns: None,
        list_indent: None,
        under_label: false,
        under_criteria: None,
        under_heading: None,
        last_number: 0,
        known: HashMap::new(),
        headed: headed(lines, |text| label::stream(text)?.id),
        blocks: headed(lines, |text| label::task(text).filter(|label| label.is_certain)?.id),
        labelled: OnceCell::new(),
        opened: HashSet::new(),
        is_after_blank: true,
    };
    for number in 0..lines.len() {
        walk.line(number);
    }
    walk.close(lines.len());
    walk.end_gates();
    walk.tell_labels();
    walk.out
}

impl Walk<'_, '_> {
    fn line(&mut self, number: usize) {
        let line = self.lines.line(number);
        match line.kind {
            Kind::Heading(level) => self.heading(number, level),
            Kind::Rule if self.task.is_some_and(|t| self.out.tasks[t].shape != Shape::Block) => self.close(number),
            Kind::Fence(fence) => self.fence(number, fence as usize),
            Kind::Text => self.text(number),
            Kind::Row if self.gates.is_some() => self.gate_row(number),
            Kind::Row if self.form == Form::Table => self.table_row(number),
            Kind::Blank | Kind::Code | Kind::Comment | Kind::Row | Kind::Rule => {}
        }
        if let (Some(section), true) = (&mut self.gate_section, matches!(line.kind, Kind::Text | Kind::Row)) {
            section.2 = true;
        }
        self.is_after_blank = matches!(line.kind, Kind::Blank | Kind::Heading(_));
        let owner = match (self.task, self.out.gates.last()) {
            (Some(task), _) => Owner::Task(task as u32),
            (None, Some(gate)) if gate.lines.end == usize::MAX => Owner::Gate(self.out.gates.len() as u32 - 1),
            _ => self.stream.map_or(Owner::Document, |(s, _)| Owner::Stream(s as u32)),
        };
        self.out.owners.push(owner);
    }

    /// Ends the open task and the open gate line.
    pub(super) fn close(&mut self, number: usize) {
        if let Some(task) = self.task.take() {
            self.out.tasks[task].lines.end = number;
        }
        if let Some(gate) = self.out.gates.last_mut().filter(|g| g.lines.end == usize::MAX) {
            gate.lines.end = number;
        }
    }

    pub(super) fn open(&mut self, number: usize, task: TaskLines) {
        self.close(number);
        let level = match self.lines.line(number).kind {
            Kind::Heading(level) => level,
            _ => 0,
        };
        if let Some(id) = self.id_of(&task).map(str::to_lowercase) {
            self.known.entry(id).or_insert(level);
        }
        let digits = task.number.clone().and_then(|n| self.lines.source[n].parse().ok());
        self.last_number = digits.unwrap_or(self.last_number);
        self.under_criteria = None;
        self.list_indent = (task.shape != Shape::Block).then(|| self.lines.line(number).indent);
        self.task = Some(self.out.tasks.len());
        self.out.tasks.push(task);
    }

    /// What a task that begins here would be called by.
    pub(super) fn id_of(&self, task: &TaskLines) -> Option<&str> {
        if self.lines.noun != "task" && task.shape == Shape::Block {
            let head = self.lines.source.get(task.content..self.lines.line(task.lines.start).end).unwrap_or_default();
            return label::named(head, self.lines.noun)?.id.map(|id| &head[id]);
        }
        let head = self.lines.source.get(task.content..self.lines.line(task.lines.start).end).unwrap_or_default();
        let label = task.number.clone().map(|n| &self.lines.source[n]);
        label.filter(|_| !task.is_labelled).or_else(|| item::own_label(head).map(|(id, _)| id)).or(label)
    }

    /// Whether a task of this id was read before.
    pub(super) fn is_known(&self, task: &TaskLines) -> bool {
        self.id_of(task).is_some_and(|id| self.known_level(id).is_some())
    }

    /// The level of the heading of the task of this id; zero where it has none.
    pub(super) fn known_level(&self, id: &str) -> Option<u8> {
        self.known.get(&id.to_lowercase()).copied()
    }

    /// Whether a task of this id has a heading: a list that names it is about it.
    pub(super) fn has_block(&self, id: &str) -> bool {
        self.blocks.contains(&id.to_lowercase())
    }

    /// Whether something else than a plain item is called so: then such an item is about it.
    pub(super) fn is_labelled_elsewhere(&self, id: &str) -> bool {
        self.labelled.get_or_init(|| item::labelled(self.lines)).contains(&id.to_lowercase())
    }

    pub(super) fn stream_id(&self) -> Option<&str> {
        let stream = &self.out.streams[self.stream?.0];
        stream.label.id.clone().map(|id| &self.lines.text(stream.heading)[id])
    }

    /// A heading of a stream or of a task is one in any section, unless a summary repeats it.
    fn heading(&mut self, number: usize, level: u8) {
        let text = self.lines.text(number);
        let stream = label::stream(text).or_else(|| self.gate_of_tasks(number));
        let task = if stream.is_some() { None } else { self.task_heading(number, text) };
        let inside = self.task.map(|t| &self.out.tasks[t]).filter(|t| t.shape == Shape::Block);
        let block_level = inside.map(|t| match self.lines.line(t.lines.start).kind {
            Kind::Heading(level) => level,
            _ => 0,
        });
        if block_level.is_some_and(|b| level > b) && stream.is_none() && task.is_none() {
            return;
        }
        self.close(number);
        self.list_indent = None;
        (self.under_label, self.under_criteria) = (false, None);
        self.under_heading = None;
        // A task may have a heading of the same level as its stream.
        self.stream = self.stream.filter(|&(_, l)| l < level || ((l == BOLD_LINE || l == level) && task.is_some()));
        self.excluded = self.excluded.filter(|&l| l < level);
        self.gates = self.gates.filter(|&l| l < level);
        let above = self.gate_head.map(|gate| self.lines.line(self.out.gates[gate].lines.start).kind);
        self.gate_head = self.gate_head.filter(|_| matches!(above, Some(Kind::Heading(l)) if l < level));
        if self.gates.is_none() {
            self.end_gates();
        }
        if level == 1 && self.out.title.is_none() {
            self.out.title = Some(number);
        }
        let name = plain(text).to_lowercase();
        let is_summary = self.excluded.is_some();
        if let Some(label) = stream.filter(|l| !is_summary || !self.opened.contains(&l.name(text).to_lowercase())) {
            self.open_stream(number, level, label);
        } else if let Some(task) = task.filter(|t| !is_summary || !self.is_known(t)) {
            self.gates = None;
            self.open(number, task);
        } else if self.gate_heading(number) {
            self.gates = self.gates.or(Some(level));
        } else if is_gates(&name) && level > 1 {
            self.gates = Some(level);
            self.gate_section = Some((number, self.out.gates.len(), false));
        } else if is_excluded(&name) && level > 1 {
            self.excluded = Some(level);
        } else if !is_summary {
            self.under_heading = self.stream.map(|_| is_prose(&name));
            let is_next = block_level == Some(level) && self.goes_on_from_block(text);
            self.out.unread.extend((is_next || label::is_like_task(text)).then_some(number));
            self.out.unread_notes.extend(note::first(text, 0).and_then(|note| note.depends).map(|_| number));
        }
    }

    /// Whether a heading has the number behind that of the last block: `### 3. Title` behind `### 2. Title`, which says what it waits for.
    fn goes_on_from_block(&self, text: &str) -> bool {
        let number = |id: &str| id.parse::<u32>().ok();
        let last = self.out.tasks.last().and_then(|last| number(self.id_of(last)?));
        let own = label::task(text).and_then(|label| number(&text[label.id?]));
        last.zip(own).is_some_and(|(last, own)| last.checked_add(1) == Some(own))
    }

    /// Ends a section of gates.
    fn end_gates(&mut self) {
        let section = self.gate_section.take().filter(|&(_, gates, says)| says && gates == self.out.gates.len());
        self.out.unread_gates.extend(section.map(|(heading, ..)| heading));
    }

    fn open_stream(&mut self, number: usize, level: u8, label: label::StreamLabel) {
        (self.excluded, self.gates) = (None, None);
        self.stream = Some((self.out.streams.len(), level));
        self.opened.insert(label.name(self.lines.text(number)).to_lowercase());
        self.out.streams.push(StreamLines { heading: number, label });
    }

    /// `**Stream B: Two (Depends on Stream A)**` on a line of its own, or `**Stream B** — Two (depends on A)` right above its tasks, where no heading
    /// says the same.
    fn bold_stream(&mut self, number: usize) -> bool {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
        if !text.starts_with("**") || line.indent > 0 {
            return false;
        }
        let Some(label) = label::stream(text).filter(|l| !text[l.title.clone()].contains("**")) else { return false };
        let Some(id) = label.id.clone().map(|id| text[id].to_lowercase()) else { return false };
        let is_alone = text.trim_end_matches(':').ends_with("**") && !label.title.is_empty();
        if !is_alone && !self.lists_tasks(number, &id)
            || self.headed.contains(&id)
            || self.opened.contains(&id)
            || self.excluded.is_some()
        {
            return false;
        }
        self.close(number);
        (self.list_indent, self.under_label, self.under_heading) = (None, false, None);
        self.open_stream(number, BOLD_LINE, label);
        true
    }

    /// Whether what comes next is an item that can only be a task: one with a box, or with an id of this stream.
    fn lists_tasks(&self, number: usize, stream: &str) -> bool {
        let next = (number + 1..self.lines.len()).find(|&n| self.lines.line(n).kind != Kind::Blank);
        let text = next.filter(|&n| self.lines.line(n).kind == Kind::Text).map_or("", |n| self.lines.text(n));
        let Some(start) = label::bullet(text).or_else(|| label::number(text).map(|(_, start)| start)) else {
            return false;
        };
        let is_own = |item: label::Item| item::is_of(&text[start..][item.id], stream);
        label::checkbox(&text[start..]).is_some() || label::item(&text[start..]).is_some_and(is_own)
    }

    /// Inside a task block everything is the block's. A list task keeps what is indented, every bullet, every field and
    /// every paragraph that is not set off.
    fn text(&mut self, number: usize) {
        let is_in_block = self.task.is_some_and(|t| self.out.tasks[t].shape == Shape::Block);
        if self.bold_stream(number) || is_in_block {
            return;
        }
        let text = self.lines.text(number);
        let line = self.lines.line(number);
        if (text.ends_with(':') || text.ends_with("**")) && label::number(text).is_none() {
            let is_criteria = is_excluded(&plain(text).to_lowercase()) && label::checkbox(text).is_none();
            self.under_criteria = is_criteria.then_some(line.indent);
        }
        let is_listed = self.excluded.is_some() || self.gates.is_some();
        let task = self.listed(number);
        // What states an order is a task in any section; a summary repeats those that are known.
        let says = |walk: &Self| matches!(walk.form, Form::Tickets | Form::SpecKit) || walk.has_order(number);
        if is_listed && task.as_ref().is_some_and(|t| says(self) && !self.is_known(t)) {
            (self.excluded, self.gates) = (None, None);
        }
        if self.excluded.is_some() || (self.gates.is_some() && self.gate_line(number)) {
            return;
        }
        if let Some(task) = task {
            return self.open(number, task);
        }
        if self.is_lost(number) {
            self.out.unread.push(number);
        }
        if self.is_gate_line(number) {
            return self.open_gate(number, None, None);
        }
        let is_gate = || field::opening(text).is_some_and(|k| k[0].0 == field::Key::Gate);
        let is_set_off = line.indent == 0 && self.is_after_blank && label::bullet(text).is_none();
        // Behind a list of items, what is set off is the section's: `**Checkpoint**: ...`, `**Dependencies**: 1.1`.
        let is_sections = matches!(self.form, Form::SpecKit | Form::Checklist);
        if self.task.is_some() && is_set_off && (is_sections || is_gate() || !field::is_evidence(text)) {
            self.close(number);
        }
        if self.task.is_none() && self.stream.is_none() && self.form != Form::SpecKit && self.is_order(text) {
            self.out.unread_notes.push(number);
        }
        if self.task.is_none() && line.indent == 0 {
            let name = plain(text).to_lowercase();
            if is_gates(&name) && text.starts_with("**") {
                self.close(number);
                self.gates = Some(BOLD_LINE);
            } else if text.ends_with(':') || text.ends_with(":**") {
                self.under_label = !name.contains("task");
            }
        }
    }

    /// `**Depends on:** Milestone 1`, of whatever it is.
    fn is_order(&self, text: &str) -> bool {
        field::orders(text).any(|start| dependency::is_names(&text[start..]))
    }

    fn fence(&mut self, number: usize, fence: usize) {
        let is_check = self.lines.fences[fence].info.split_whitespace().any(|w| w == "role=check");
        let is_in_list = self.task.is_some_and(|t| self.out.tasks[t].shape != Shape::Block);
        if is_in_list && is_check && self.stream.is_some() && self.lines.line(number).indent < 2 {
            self.close(number);
        }
    }
}

/// The level of a stream, or of a list of gates, that a bold line begins: any heading ends it.
pub(super) const BOLD_LINE: u8 = 7;

/// Ids in headings, in lowercase.
fn headed(lines: &Lines<'_>, id: impl Fn(&str) -> Option<Range<usize>>) -> HashSet<String> {
    let is_heading = |n: &usize| matches!(lines.line(*n).kind, Kind::Heading(_));
    let of = |n: usize| id(lines.text(n)).map(|id| lines.text(n)[id].to_lowercase());
    (0..lines.len()).filter(is_heading).filter_map(of).collect()
}

/// Headings within a stream whose lists say something about it.
fn is_prose(name: &str) -> bool {
    [
        "note",
        "strateg",
        "risk",
        "rationale",
        "background",
        "overview",
        "approach",
        "assumption",
        "decision",
        "question",
        "reference",
        "consideration",
        "deliverable",
    ]
    .iter()
    .any(|w| name.contains(w))
}

/// Headings whose lists are no tasks.
pub(super) fn is_excluded(name: &str) -> bool {
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
