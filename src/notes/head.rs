//! Heads: which heading, item or row begins a task, in the form that the document has.

use super::{
    form::{self, Form},
    label,
    lines::Kind,
    outline::{Shape, TaskLines, Walk},
    rows, table,
};

impl Walk<'_, '_> {
    /// Whether a heading is a task's.
    pub(super) fn task_heading(&self, number: usize, text: &str) -> Option<TaskLines> {
        match self.form {
            Form::Breakdown => self.block(number, text),
            Form::Chunks | Form::Sessions | Form::Steps | Form::Named(_) => self.named_block(number, text),
            Form::Units => self.unit(number, text),
            Form::SpecKit | Form::Checklist | Form::Table | Form::Tickets => None,
        }
    }

    /// Whether a line of text is a task's.
    pub(super) fn listed(&self, number: usize) -> Option<TaskLines> {
        match self.form {
            Form::Breakdown => self
                .numbered(number)
                .or_else(|| self.boxed(number))
                .or_else(|| self.lettered(number))
                .or_else(|| self.bold_line(number)),
            Form::SpecKit | Form::Checklist => self.labelled_item(number),
            Form::Tickets => self.ticket(number),
            Form::Chunks | Form::Sessions | Form::Steps | Form::Named(_) | Form::Units | Form::Table => None,
        }
    }

    /// `### Task 2.1: Name`, `## T-01: Name`; `### 2. Name` with what it waits for.
    fn block(&self, number: usize, text: &str) -> Option<TaskLines> {
        let boxed = label::checkbox(text);
        let start = boxed.map_or(0, |(_, n)| n);
        let Some(label) = label::task(&text[start..]) else { return self.unsigned_block(number, text, start) };
        let id = label.id.clone().map_or("", |r| &text[start..][r]);
        let has_letter = id.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_task = label.is_certain
            || (has_letter && (self.is_of_stream(id) || id.starts_with(['T', 't']) || self.has_evidence(number)))
            || (!has_letter && self.stream.is_some() && self.has_evidence(number))
            || self.has_order_among_tasks(number);
        let is_free = label.is_certain || self.gates.is_none_or(|_| self.has_order(number));
        (is_task && is_free).then(|| self.block_lines(number, text))
    }

    /// `#### A1 Name` in stream A with what only a task says below, `## ABC-101 Name` and `## [ABC-101] Name` with what it waits for.
    fn unsigned_block(&self, number: usize, text: &str, start: usize) -> Option<TaskLines> {
        let item = label::item(&text[start..]).filter(|item| start + item.title < text.len())?;
        let id = &text[start..][item.id.clone()];
        let has_both = id.contains(|c: char| c.is_ascii_alphabetic()) && id.contains(|c: char| c.is_ascii_digit());
        let is_task = self.is_of_stream(id) && self.has_evidence(number)
            || (has_both || id.contains('.')) && self.has_order_among_tasks(number);
        let at = self.lines.line(number).text + start;
        is_task.then(|| TaskLines {
            number: Some(at + item.id.start..at + item.id.end),
            content: at + item.title,
            is_labelled: false,
            ..self.block_lines(number, text)
        })
    }

    /// `### Chunk 2: Name`. A heading of another level that names a chunk again is about it, as is one without a sign.
    fn named_block(&self, number: usize, text: &str) -> Option<TaskLines> {
        let start = label::checkbox(text).map_or(0, |(_, n)| n);
        let label = label::named(&text[start..], self.lines.noun)?;
        let known = label.id.clone().and_then(|id| self.known_level(&text[start..][id]));
        let is_here = known.is_none_or(|level| self.lines.line(number).kind == Kind::Heading(level));
        let is_one = label.is_signed(&text[start..]) || self.has_evidence(number);
        (is_here && is_one).then(|| self.block_lines(number, text))
    }

    /// `### [Name]` with its focus right below.
    fn unit(&self, number: usize, text: &str) -> Option<TaskLines> {
        form::is_unit(self.lines, number).then(|| self.block_lines(number, text))
    }

    /// A block that begins with this heading, with what its box says.
    fn block_lines(&self, number: usize, text: &str) -> TaskLines {
        let boxed = label::checkbox(text);
        let trailing = ["[x]", "[X]"].iter().any(|b| text.ends_with(b)).then_some(true);
        let checked = boxed.map(|(is_checked, _)| is_checked).or(trailing).or_else(|| completed(text).map(|_| true));
        let content = self.lines.line(number).text + boxed.map_or(0, |(_, n)| n);
        TaskLines { checked, ..self.task_lines(Shape::Block, number, content) }
    }

    /// `- [ ] T012 [P] Title`, `- [ ] 2. Title`; `- [ ] 2.1 Title` behind it is a part of it.
    fn labelled_item(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
        let start = label::bullet(text).filter(|_| self.is_free(line.indent))?;
        let (is_checked, length) = label::checkbox(&text[start..])?;
        let start = start + length;
        let item = label::item(&text[start..])?;
        let is_wanted = match self.form {
            Form::SpecKit => form::is_speckit(&text[start..], &item),
            _ => item.is_plain,
        };
        let at = line.text + start;
        (is_wanted && !self.is_part(&text[start..][item.id.clone()])).then(|| TaskLines {
            number: Some(at + item.id.start..at + item.id.end),
            checked: Some(is_checked),
            is_labelled: false,
            ..self.task_lines(Shape::Item, number, at + item.title)
        })
    }

    /// `**riff-4kh** - Title`
    fn ticket(&self, number: usize) -> Option<TaskLines> {
        let (id, title) = form::ticket(self.lines, number)?;
        let at = self.lines.line(number).text;
        Some(TaskLines {
            number: Some(at + id.start..at + id.end),
            is_labelled: false,
            ..self.task_lines(Shape::Item, number, at + title)
        })
    }

    /// A row of a table whose header has an id, a title and dependencies.
    pub(super) fn table_row(&mut self, number: usize) {
        let is_first = number == 0 || self.lines.line(number - 1).kind != Kind::Row;
        if is_first {
            self.table = number;
            self.columns = rows::Columns::of(self.lines, number);
            return;
        }
        let Some(columns) = self.columns.as_ref().filter(|_| self.excluded.is_none()) else { return };
        let cells = table::cells(self.lines, number);
        let id = cells.get(columns.id).cloned().unwrap_or_default();
        let title = cells.get(columns.title).cloned().unwrap_or_default();
        if number == self.table + 1 || table::is_ruler(self.lines.text(number)) || !rows::is_id(self.lines, &id) {
            return;
        }
        let task = TaskLines {
            number: Some(id),
            is_labelled: false,
            table: Some(self.table),
            ..self.task_lines(Shape::Row, number, title.start)
        };
        self.open(number, task);
        self.close(number + 1);
    }

    /// `## Gate 3.0 — Name` that holds a table of tasks: a stream by another word.
    pub(super) fn gate_of_tasks(&self, number: usize) -> Option<label::StreamLabel> {
        let label = label::container(self.lines.text(number), &["gate"]).filter(|_| self.form == Form::Table)?;
        let below = (number + 1..self.lines.len())
            .take_while(|&n| !matches!(self.lines.line(n).kind, Kind::Heading(_)))
            .find(|&n| self.lines.line(n).kind == Kind::Row)?;
        rows::Columns::of(self.lines, below).map(|_| label)
    }
}

/// `✅ Chunk 1: Name - COMPLETED`: the title's end. The sign alone, or the word alone, may say something else.
pub(super) fn completed(text: &str) -> Option<usize> {
    let words = ["COMPLETED", "COMPLETE", "DONE", "FINISHED"];
    let rest = words.iter().find_map(|word| text.strip_suffix(word)).filter(|_| text.starts_with('✅'))?;
    let title = rest.trim_end().trim_end_matches(['-', '–', '—', ':', '(']).trim_end();
    (title.len() < rest.trim_end().len()).then_some(title.len())
}
