//! Gate lines: which lines are some, and what each says it stands behind.

use super::{
    dependency,
    form::Form,
    label,
    lines::{Kind, Lines},
    outline::{BOLD_LINE, GateLines, Walk},
    script, table,
    task::written,
};
use crate::plan::{Fault, GateDraft, Needs};
use std::ops::Range;

impl Walk<'_, '_> {
    /// In a list of gates: whether the line belongs to it.
    pub(super) fn gate_line(&mut self, number: usize) -> bool {
        let text = self.lines.text(number);
        let indent = self.lines.line(number).indent;
        let bullet = label::bullet(text);
        let is_item = bullet.is_some() || label::number(text).is_some();
        let parent = self.parent(indent, is_item);
        let is_set_off = indent == 0 && self.is_after_blank;
        if is_item && self.begins_other_list(bullet.is_some(), number) {
            self.close(number);
            self.gates = None;
            return false;
        }
        if is_item || (indent < 2 && lead(text, 0).is_some()) || (is_set_off && self.gate_head.is_some()) {
            self.open_gate(number, parent.or(self.gate_head), None);
        } else if is_set_off {
            self.close(number);
            if self.gates == Some(BOLD_LINE) {
                self.gates = None;
                return false;
            }
        }
        true
    }

    /// The gate line that a nested one belongs to.
    fn parent(&self, indent: usize, is_item: bool) -> Option<usize> {
        let indent_of = |gate: usize| self.lines.line(self.out.gates[gate].lines.start).indent;
        let is_open = self.out.gates.last().is_some_and(|g| g.lines.end == usize::MAX);
        let mut gate = (is_item && is_open && indent > 1).then(|| self.out.gates.len() - 1);
        while let Some(above) = gate.filter(|&g| indent_of(g) + 2 > indent) {
            gate = self.out.gates[above].under;
        }
        gate
    }

    /// Whether a bold item with a number, behind gates with bullets below a bold line, goes on with the stream's tasks.
    fn begins_other_list(&self, is_bullet: bool, number: usize) -> bool {
        let last = self.out.gates.last().map(|g| self.lines.text(g.lines.start));
        let text = self.lines.text(number);
        let is_bold = label::number(text).is_some_and(|(_, start)| text[start..].starts_with("**"));
        self.gates == Some(BOLD_LINE) && !is_bullet && is_bold && last.is_some_and(|l| label::bullet(l).is_some())
    }

    /// A row of a table of gates.
    pub(super) fn gate_row(&mut self, number: usize) {
        let is_first = number == 0 || self.lines.line(number - 1).kind != Kind::Row;
        if is_first {
            self.table = number;
        } else if number > self.table + 1 && !table::is_ruler(self.lines.text(number)) {
            self.open_gate(number, self.gate_head, Some(self.table));
        }
    }

    /// `### Gate 1: Base (after Stream A)`: what is below it are its criteria.
    pub(super) fn gate_heading(&mut self, number: usize) -> bool {
        let text = self.lines.text(number);
        let is_placed = text.to_ascii_lowercase().contains("(after ");
        let is_gate = lead(text, 0).is_some_and(|lead| lead.is_gate && (lead.id.is_some() || is_placed));
        let is_here = match self.gates {
            // `### Base Checkpoint (after Chunk 2)` in a list of gates.
            Some(level) => is_gate || (is_placed && level < BOLD_LINE),
            None => is_gate && is_placed,
        };
        if is_here {
            self.open_gate(number, None, None);
            self.gate_head = Some(self.out.gates.len() - 1);
        }
        is_here
    }

    /// Outside of such a list: `- **Gate 3**: All integration tests pass`.
    pub(super) fn is_gate_line(&self, number: usize) -> bool {
        let text = self.lines.text(number);
        if self.task.is_some() && self.lines.line(number).indent > 1 {
            return false;
        }
        let lead = label::bullet(text).and_then(|start| lead(text, start));
        let is_plan = matches!(self.form, Form::Chunks | Form::Units);
        if !is_plan && text.to_ascii_lowercase().contains("checkpoint") {
            return false;
        }
        lead.is_some_and(|lead| lead.is_gate && lead.id.is_some_and(|id| id.len() <= 6))
    }

    pub(super) fn open_gate(&mut self, number: usize, under: Option<usize>, table: Option<usize>) {
        self.close(number);
        let stream = self.stream.map(|s| s.0);
        self.out.gates.push(GateLines { lines: number..usize::MAX, stream, under, table });
    }
}

/// Whether a heading or a bold line announces gates.
pub(super) fn is_gates(name: &str) -> bool {
    let name = name.trim_start_matches(|c: char| !c.is_alphabetic());
    let names = ["gates", "gate criteria", "checkpoints", "critical checkpoints", "integration checkpoints"];
    name.starts_with("quality gate") || names.contains(&name)
}

/// All gate lines. A line that only announces those below it gives them its place, and is none itself.
pub(super) fn read(
    lines: &Lines<'_>,
    gates: &[GateLines],
    stream: impl Fn(usize) -> String,
    faults: &mut Vec<Fault>,
) -> Vec<GateDraft> {
    let mut is_parent = vec![false; gates.len()];
    gates.iter().filter_map(|g| g.under).for_each(|under| is_parent[under] = true);
    let mut drafts: Vec<GateDraft> = Vec::new();
    for gate in gates {
        let mut draft = one(lines, gate, gate.stream.map(&stream), faults);
        if let Some(above) = gate.under.and_then(|under| drafts.get(under)) {
            draft.after = draft.after.or_else(|| above.after.clone());
            draft.id = draft.id.or_else(|| above.id.clone());
        }
        drafts.push(draft);
    }
    let is_above_list = |place: usize| {
        let next = gates.get(place + 1).map(|g| g.lines.start);
        let is_bare = gates[place].under.is_some() && label::bullet(lines.text(gates[place].lines.start)).is_none();
        is_bare && next.is_some_and(|next| label::bullet(lines.text(next)).is_some())
    };
    let is_told = |place: usize| !(is_parent[place] || is_above_list(place)) || !announces(lines, &gates[place]);
    let mut place = 0..;
    drafts.retain(|draft| place.next().is_some_and(is_told) && !draft.text.value.is_empty());
    drafts
}

/// Whether a line has nothing to say but what its lists are about.
fn announces(lines: &Lines<'_>, gate: &GateLines) -> bool {
    let text = lines.text(gate.lines.start);
    let is_heading = matches!(lines.line(gate.lines.start).kind, Kind::Heading(_));
    is_heading || text.ends_with(':') || text.ends_with("**")
}

/// One gate line: `- **Gate 3**: All integration tests pass (after Stream C)`.
fn one(lines: &Lines<'_>, gate: &GateLines, stream: Option<String>, faults: &mut Vec<Fault>) -> GateDraft {
    let first = lines.line(gate.lines.start);
    let checks = script::checks(lines, gate.lines.clone(), faults);
    if let Some(header) = gate.table {
        return GateDraft { stream, checks, ..row(lines, header, gate.lines.start) };
    }
    let mut end = first.end;
    for number in gate.lines.start + 1..gate.lines.end {
        if lines.line(number).kind != Kind::Text || label::bullet(lines.text(number)).is_some() {
            break;
        }
        end = lines.line(number).end;
    }
    let end = if matches!(first.kind, Kind::Heading(_)) { first.end } else { end };
    let text = &lines.source[first.text..end];
    let start = label::bullet(text).or_else(|| label::number(text).map(|(_, n)| n)).unwrap_or(0);
    let start = start + label::checkbox(&text[start..]).map_or(0, |(_, n)| n);
    let start = start + if gate.under.is_some() { criteria_key(&text[start..]) } else { 0 };
    let lead = lead(text, start).unwrap_or(Lead { id: None, after: None, body: start, is_gate: false });
    let lead = placed(text, lead);
    let (after, stop) = place(text, lead.body);
    let shift = |r: Range<usize>| first.text + r.start..first.text + r.end;
    GateDraft {
        id: lead.id.map(|r| written(lines, shift(r))),
        text: written(lines, shift(label::trimmed(text, lead.body.min(stop)..stop))),
        after: after.or(lead.after).and_then(|r| needs(lines, shift(r))),
        stream,
        checks,
    }
}

/// Length of `**Exit Criteria**:`: what follows is the criterion.
fn criteria_key(text: &str) -> usize {
    let Some((inner, behind)) = label::bold(text) else { return 0 };
    let name = text[inner].trim_end_matches(':').to_lowercase();
    let is_key = name.ends_with("criteria") || matches!(name.as_str(), "validation" | "exit" | "criterion");
    let rest = text[behind..].trim_start_matches([':', ' ']);
    if is_key && !rest.is_empty() { text.len() - rest.len() } else { 0 }
}

fn needs(lines: &Lines<'_>, range: Range<usize>) -> Option<Needs> {
    dependency::needs(lines, &[range]).filter(|n| !n.names.is_empty())
}

/// A row: its label, its text, and what it stands behind, by the header's words.
fn row(lines: &Lines<'_>, header: usize, number: usize) -> GateDraft {
    let cells = table::cells(lines, number);
    let names: Vec<String> = table::cells(lines, header).into_iter().map(|c| lines.source[c].to_lowercase()).collect();
    let column = |words: &[&str]| names.iter().position(|name| words.iter().any(|w| name.contains(w)));
    let place_at = column(&["after", "when", "stream", "timing", "trigger", "stage", "depend"]);
    let label_at = names.iter().position(|n| matches!(n.trim(), "gate" | "#" | "id" | "no." | "name" | "quality gate"));
    let is_free = |at: &usize| Some(*at) != place_at && Some(*at) != label_at;
    let text_at = column(&["criteri", "requirement", "check", "condition", "description", "must"]).filter(is_free);
    let text_at = text_at.or_else(|| (0..cells.len()).find(is_free)).or(label_at).unwrap_or(0);
    let cell = |at: Option<usize>| at.and_then(|at| cells.get(at).cloned()).filter(|c| !c.is_empty());
    let start = lines.line(number).start;
    let text = cell(Some(text_at)).unwrap_or(start..start);
    let lead_of = |r: &Range<usize>| Some((r.start, lead(&format!("{}:", &lines.source[r.clone()]), 0)?));
    let label = cell(label_at).as_ref().and_then(lead_of);
    let shift = |at: usize, r: Range<usize>| at + r.start..at + r.end;
    let (inside, stop) = place(&lines.source[text.clone()], 0);
    let place =
        cell(place_at).map(|r| label::trimmed(lines.source, r)).or_else(|| inside.map(|r| shift(text.start, r)));
    GateDraft {
        id: label.and_then(|(at, lead)| lead.id.map(|r| written(lines, shift(at, r)))),
        text: written(lines, text.start..text.start + stop),
        after: place.and_then(|r| needs(lines, r)),
        stream: None,
        checks: Vec::new(),
    }
}

/// What a line of a gate calls it.
const GATES: [&str; 2] = ["gate", "checkpoint"];

/// What stands before a gate's text.
struct Lead {
    id: Option<Range<usize>>,
    after: Option<Range<usize>>,
    /// Where the text begins.
    body: usize,
    /// The word `gate` is in it.
    is_gate: bool,
}

/// `**Gate 3**:`, `**Gate 1 (after Stream A)**:`, `✅ **Quality Gate 18**:`, `**Stream A Gate**:`, `After Stream A:`.
fn lead(text: &str, start: usize) -> Option<Lead> {
    const LONGEST: usize = 80;
    let first = text.len() - text[start..].trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let cut = [":", "—", "–", " - ", "**"].iter().filter_map(|sign| text[first..].find(sign)).min()?;
    let label = &text[first..first + cut];
    let body = text.len() - text[first + cut..].trim_start_matches(['*', ' ', ':', '-', '–', '—', '\n']).len();
    let open = label.find('(').unwrap_or(label.len());
    if label.len() > LONGEST {
        return None;
    }
    let after = place(&text[..first + cut], first).0.filter(|_| open < label.len());
    let words = words(text, first..first + open);
    let is_word = |word: &Range<usize>, list: &[&str]| list.iter().any(|w| text[word.clone()].eq_ignore_ascii_case(w));
    let plain =
        words.iter().take_while(|w| is_word(w, &["quality", "system", "final", "overall", "integration"])).count();
    match &words[plain..] {
        // `**Gate after Task 1**: ...`
        [gate, word, first, rest @ ..] if is_word(gate, &GATES) && is_word(word, &["after"]) => {
            let end = rest.last().map_or(first.end, |last| last.end);
            Some(Lead { id: None, after: Some(first.start..end), body, is_gate: true })
        }
        [gate] if is_word(gate, &GATES) => Some(Lead { id: None, after, body, is_gate: true }),
        [gate, id] if is_word(gate, &GATES) => Some(Lead { id: Some(id.clone()), after, body, is_gate: true }),
        [word, first, rest @ ..] if is_word(word, &["after"]) => {
            let end = rest.last().map_or(first.end, |last| last.end);
            Some(Lead { id: None, after: Some(first.start..end), body, is_gate: false })
        }
        [kind, id, rest @ ..]
            if dependency::is_kind(&text[kind.clone()])
                && rest.iter().all(|w| is_word(w, &["gate", "complete", "completion", "done"])) =>
        {
            Some(Lead { id: None, after: Some(kind.start..id.end), body, is_gate: !rest.is_empty() })
        }
        _ => None,
    }
}

/// What a lead stands behind where that comes before the text: `**Gate 1 – after Stream A:** ...`, `**Gate 1** (Stream A): ...`.
fn placed(text: &str, lead: Lead) -> Lead {
    const LONGEST: usize = 60;
    let rest = &text[lead.body..];
    let is_bracket = rest.starts_with('(');
    let end = if is_bracket { rest.find(')') } else { rest.find([':', '*']) };
    let Some(end) = end.filter(|end| lead.after.is_none() && lead.is_gate && *end <= LONGEST) else { return lead };
    let said = lead.body + usize::from(is_bracket)..lead.body + end;
    let word = if text[said.clone()].get(..6).is_some_and(|w| w.eq_ignore_ascii_case("after ")) { 6 } else { 0 };
    let name = said.start + word..said.end;
    let is_name = dependency::is_names(&text[name.clone()]);
    let body = text.len() - rest[end..].trim_start_matches([')', '*', ' ', ':', '-', '–', '—']).len();
    // A bracket that ends the line is read where it stands; nothing but a name is the text itself.
    if is_name && body < text.len() { Lead { after: Some(name), body, ..lead } } else { lead }
}

/// Words of letters, digits and dots.
fn words(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text[range.clone()].char_indices().map(|(at, c)| (range.start + at, c)).chain([(range.end, ' ')]) {
        match (is_part(c), start) {
            (true, None) => start = Some(at),
            (false, Some(first)) => {
                words.push(first..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Brackets that are looked into, the last ones first; hostile text has no end.
const MOST_BRACKETS: usize = 16;

/// What a gate's text says it stands behind (`(after Stream A)`, `(Stream A)`, `, after Stream A`), and where the text ends
/// without that.
fn place(text: &str, start: usize) -> (Option<Range<usize>>, usize) {
    let lower = text[start..].to_ascii_lowercase();
    let name_of = |inside: Range<usize>| {
        let said = lower[inside.start - start..inside.end - start].trim_start();
        let word = ["after ", "following ", "once "].iter().find(|w| said.starts_with(**w)).map_or(0, |w| w.len());
        let is_name = word > 0 || (dependency::is_kind(said) && said.split_whitespace().count() < 6);
        is_name.then(|| inside.end - said.len() + word..inside.end)
    };
    let mut close = text.len();
    for _ in 0..MOST_BRACKETS {
        let Some(open) = lower[..close - start].rfind('(').map(|n| start + n) else { break };
        let end = text[open..].find(')').map_or(text.len(), |n| open + n);
        if let Some(name) = name_of(open + 1..end.max(open + 1)) {
            let is_last = text[end..].trim_matches([')', '.', ' ', '*', ':', '\n']).is_empty();
            return (Some(name), if is_last { open } else { text.len() });
        }
        close = open;
    }
    let after = lower.rfind(" after ").filter(|n| dependency::is_kind(&lower[n + " after ".len()..]));
    match after.map(|n| start + n) {
        Some(at) => {
            (Some(at + " after ".len()..text.len()), text[..at].trim_end_matches([',', ' ', '-', '–', '—']).len())
        }
        None => (None, text.len()),
    }
}
