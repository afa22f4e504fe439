//! Items: which line of a list, or which bold line, begins a task.

use super::{
    dependency, field,
    form::Form,
    inline::plain,
    label::{self, Label},
    lines::{Kind, Lines},
    outline::{Shape, TaskLines, Walk},
};
use std::collections::HashSet;

/// How far a list item is looked into for a field that only a task has.
const LOOK_AHEAD: usize = 60;

impl Walk<'_, '_> {
    /// Whether an id is one of the stream that is open: `A1` and `A-1` of A, `2.1` of 2.
    pub(super) fn is_of_stream(&self, id: &str) -> bool {
        self.stream_id().is_some_and(|stream| is_of(id, stream))
    }

    /// Whether the lines below, up to the next item or heading, hold a field that only a task has.
    pub(super) fn has_evidence(&self, number: usize) -> bool {
        self.has_field(number, field::is_evidence)
    }

    /// Whether they say what it waits for, or how long it takes: a list of criteria may have any other field.
    pub(super) fn has_order(&self, number: usize) -> bool {
        let is_order = |key: field::Key| matches!(key, field::Key::Dependencies | field::Key::Effort);
        self.has_field(number, |text| {
            field::opening(text).is_some_and(|keys| keys.iter().any(|&(k, _, _)| is_order(k)))
        })
    }

    /// Whether they say of what it waits, and that is none or has the names of tasks: `Dependencies: bcrypt 5` is of a component.
    pub(super) fn has_order_among_tasks(&self, number: usize) -> bool {
        let is_tasks = |value: &str| dependency::is_none(value) || dependency::is_names(value);
        self.has_field(number, |text| field::orders(text).any(|start| is_tasks(text[start..].trim())))
    }

    fn has_field(&self, number: usize, is_wanted: impl Fn(&str) -> bool) -> bool {
        let head = self.lines.line(number);
        let is_heading = matches!(head.kind, Kind::Heading(_));
        for at in number + 1..self.lines.len().min(number + LOOK_AHEAD) {
            let (text, line) = (self.lines.text(at), self.lines.line(at));
            match line.kind {
                Kind::Heading(_) => return is_heading && field::heading(text).is_some(),
                Kind::Text if is_wanted(text) => return true,
                Kind::Text if !is_heading && label::number(text).is_some() => return false,
                Kind::Text if !is_heading && line.indent <= head.indent && self.is_certain(text) => return false,
                _ => {}
            }
        }
        false
    }

    /// `- **Task 2: Title**`
    fn is_certain(&self, text: &str) -> bool {
        let start = label::bullet(text).unwrap_or(0);
        text[start..].starts_with("**") && own_label(&text[start..]).is_some_and(|(_, label)| label.is_certain)
    }

    /// Whether a number goes on behind the last task's, or begins anew in a stream.
    fn goes_on(&self, digits: &str) -> bool {
        let number = digits.parse::<u32>().unwrap_or(0);
        let is_first = self.out.tasks.last().is_none_or(|t| t.stream != self.stream.map(|s| s.0));
        number == self.last_number + 1 || (is_first && number == 1)
    }

    /// Whether an item with this indentation may begin a task, or is part of the one above.
    pub(super) fn is_outermost(&self, indent: usize) -> bool {
        indent <= self.list_indent.map_or(3, |i| i + 1)
    }

    /// Whether a bullet with this indentation may begin one: it is none of a list of criteria either.
    pub(super) fn is_free(&self, indent: usize) -> bool {
        self.is_outermost(indent) && self.under_criteria.is_none_or(|label| indent < label)
    }

    pub(super) fn numbered(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
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
            (false, true) => {
                let goes_on = self.goes_on(&text[digits.clone()]);
                // A plain item goes on with a list of tasks; by itself it is prose with a number.
                let is_listed = goes_on
                    && self
                        .out
                        .tasks
                        .last()
                        .is_some_and(|t| t.number.is_some() && t.stream == self.stream.map(|s| s.0));
                let is_free = match self.under_heading {
                    None => is_bold || is_listed,
                    Some(is_prose) => !is_prose && goes_on && (is_bold || is_listed),
                };
                (is_free && !self.under_label) || self.has_evidence(number)
            }
            (false, false) => is_bold && self.has_evidence(number),
        };
        is_task.then(|| TaskLines {
            number: Some(line.text + digits.start..line.text + digits.end),
            checked: boxed.map(|(is_checked, _)| is_checked),
            is_labelled: self.is_certainly_labelled(rest),
            ..self.task_lines(Shape::Numbered, number, line.text + start)
        })
    }

    /// Whether a numbered bold item below a heading of a stream's section is no task only because its number begins anew.
    pub(super) fn is_lost(&self, number: usize) -> bool {
        if self.form != Form::Breakdown {
            return false;
        }
        let text = self.lines.text(number);
        let item = label::number(text).filter(|_| self.is_outermost(self.lines.line(number).indent));
        self.under_heading == Some(false) && !self.under_label && item.is_some_and(|(_, n)| text[n..].starts_with("**"))
    }

    /// A task that begins here, without number and box.
    pub(super) fn task_lines(&self, shape: Shape, number: usize, content: usize) -> TaskLines {
        let stream = self.stream.map(|s| s.0);
        let lines = number..usize::MAX;
        TaskLines { shape, lines, stream, number: None, content, checked: None, is_labelled: true, table: None }
    }

    /// Whether a numbered item's label says more than its number: `**Task 4: Title**`, `**A1: Title**` in stream A.
    fn is_certainly_labelled(&self, rest: &str) -> bool {
        let own = own_label(rest);
        let inner = label::bold(rest).map_or(rest, |(inner, _)| &rest[..inner.end]);
        own.is_some_and(|(id, label)| label.is_certain || self.is_of_stream(id))
            || label::task(inner).is_some_and(|label| label.is_certain)
    }

    /// Where most of the numbered items have a label, the labels are the ids. One by itself (`2. **UTF8: support**`) is part
    /// of a title.
    pub(super) fn tell_labels(&mut self) {
        let is_labelled = |t: &TaskLines| {
            let head = &self.lines.source[t.content..self.lines.line(t.lines.start).end.max(t.content)];
            own_label(head).is_some_and(|(_, label)| !label.title.is_empty())
        };
        let is_numbered = |&t: &usize| self.out.tasks[t].shape == Shape::Numbered;
        let numbered: Vec<usize> = (0..self.out.tasks.len()).filter(is_numbered).collect();
        let labelled = numbered.iter().filter(|&&t| is_labelled(&self.out.tasks[t])).count();
        if numbered.len() > 1 && labelled * 2 > numbered.len() {
            numbered.into_iter().for_each(|t| self.out.tasks[t].is_labelled = true);
        }
    }

    pub(super) fn boxed(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
        let start = label::bullet(text).filter(|_| self.is_free(line.indent))?;
        let boxed = label::checkbox(&text[start..]);
        let start = start + boxed.map_or(0, |(_, n)| n);
        let rest = &text[start..];
        let is_bold = rest.starts_with("**");
        if boxed.is_none() && !is_bold {
            return None;
        }
        let label = own_label(rest);
        let is_task = match &label {
            Some((id, _)) if self.has_block(id) => false,
            Some((_, label)) if label.is_certain && (is_bold || boxed.is_some()) => {
                boxed.is_some()
                    || self.has_evidence(number)
                    || (self.stream.is_some() && !self.under_label && self.under_heading != Some(true))
            }
            Some((id, _)) if id.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                boxed.is_some() || (is_bold && self.is_of_stream(id))
            }
            Some(_) => boxed.is_some() && self.stream.is_some(),
            None => {
                boxed.is_some() && is_bold && self.stream.is_some() && self.task.is_none() && self.has_evidence(number)
            }
        };
        let checked = boxed.map(|(is_checked, _)| is_checked);
        is_task.then(|| TaskLines { checked, ..self.task_lines(Shape::Box, number, line.text + start) })
    }

    /// `- [ ] A1 Title`, `- A1: Title`, `- **A1 Title**` in stream A, `- [ ] 1.2 Title` in stream 1.
    pub(super) fn lettered(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
        let start = label::bullet(text).filter(|_| self.is_free(line.indent))?;
        let boxed = label::checkbox(&text[start..]);
        let start = start + boxed.map_or(0, |(_, n)| n);
        let item = label::item(&text[start..]).filter(|item| !plain(&text[start + item.title..]).is_empty())?;
        let at = line.text + start;
        let task = TaskLines {
            number: Some(at + item.id.start..at + item.id.end),
            checked: boxed.map(|(is_checked, _)| is_checked),
            is_labelled: false,
            ..self.task_lines(Shape::Item, number, at + item.title)
        };
        let id = &text[start..][item.id];
        // Without a box it is one only among its like: in a stream of other tasks `- A1: it waits for that` says something of one.
        let last = self.out.tasks.last().filter(|last| last.stream == task.stream);
        let is_among = !self.under_label && self.under_heading != Some(true) && !self.is_known(&task);
        let is_bold = text[start..].starts_with("**");
        let is_said = is_bold || item.is_signed && !self.is_labelled_elsewhere(id);
        let is_free = boxed.is_some() || is_among && is_said && last.is_none_or(|last| last.shape == Shape::Item);
        (is_free && self.is_of_stream(id) && !self.is_part(id)).then_some(task)
    }

    /// Whether an id is that of a part of the open task: `2.1` of `2`.
    pub(super) fn is_part(&self, id: &str) -> bool {
        let open = self.task.and_then(|task| self.id_of(&self.out.tasks[task]));
        open.and_then(|open| id.strip_prefix(open)).is_some_and(|rest| rest.starts_with('.'))
    }

    pub(super) fn bold_line(&self, number: usize) -> Option<TaskLines> {
        let (text, line) = (self.lines.text(number), self.lines.line(number));
        if !text.starts_with("**") || line.indent > 3 || (self.task.is_some() && line.indent > 0) {
            return None;
        }
        let (id, label) = own_label(text)?;
        let is_task = label.is_certain || self.is_of_stream(id) || self.has_evidence(number);
        is_task.then(|| self.task_lines(Shape::Bold, number, line.text))
    }
}

/// The id of `**A1. Title**`, `**A1**: Title` or `A1. Title`.
pub(super) fn own_label(text: &str) -> Option<(&str, Label)> {
    let inner = label::bold(text).map(|(inner, _)| inner);
    let label = inner.and_then(|inner| label::task(&text[..inner.end])).filter(|l| !l.title.is_empty());
    let label = label.or_else(|| label::task(text))?;
    let id = label.id.clone()?;
    Some((&text[id], label))
}

/// Ids in headings, boxes and bold text, in lowercase.
pub(super) fn labelled(lines: &Lines<'_>) -> HashSet<String> {
    let id = |number: usize| {
        let (text, kind) = (lines.text(number), lines.line(number).kind);
        if matches!(kind, Kind::Heading(_)) {
            return own_label(text);
        }
        let start = label::bullet(text).or_else(|| label::number(text).map(|(_, start)| start)).unwrap_or(0);
        let boxed = label::checkbox(&text[start..]).map_or(0, |(_, length)| length);
        let rest = &text[start + boxed..];
        let is_labelled = kind == Kind::Text && (boxed > 0 || rest.starts_with("**"));
        if is_labelled { own_label(rest) } else { None }
    };
    (0..lines.len()).filter_map(|number| Some(id(number)?.0.to_lowercase())).collect()
}

/// Whether an id is one of this stream.
pub(super) fn is_of(id: &str, stream: &str) -> bool {
    let letters = id.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let letters = letters.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let own = if letters.is_empty() { id.split_once('.').map_or("", |(first, _)| first) } else { letters };
    !own.is_empty() && stream.eq_ignore_ascii_case(own)
}
