//! Gate lines: which lines are some, and what each says it stands behind.

use super::{
    dependency, label,
    lines::{Kind, Lines},
    outline::{GateLines, Walk},
    script,
    task::written,
};
use crate::plan::{Fault, GateDraft, Needs};
use std::ops::Range;

impl Walk<'_, '_> {
    /// In a list of gates: whether the line belongs to it.
    pub(super) fn gate_line(&mut self, number: usize) -> bool {
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
    pub(super) fn is_gate_line(&self, number: usize) -> bool {
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

    pub(super) fn open_gate(&mut self, number: usize) {
        self.close(number);
        let stream = self.stream.map(|s| s.0);
        self.out.gates.push(GateLines { lines: number..usize::MAX, stream });
    }
}

pub(super) fn is_gates(name: &str) -> bool {
    let name = name.trim_start_matches(|c: char| !c.is_alphabetic());
    name.starts_with("quality gate") || matches!(name, "gates" | "gate criteria")
}

/// One gate line: `- **Gate 3**: All integration tests pass (after Stream C)`.
pub(super) fn gate(lines: &Lines<'_>, gate: &GateLines, stream: Option<String>, faults: &mut Vec<Fault>) -> GateDraft {
    let first = lines.lines[gate.lines.start];
    let mut end = first.end;
    for number in gate.lines.start + 1..gate.lines.end {
        if lines.lines[number].kind != Kind::Text || label::bullet(lines.text(number)).is_some() {
            break;
        }
        end = lines.lines[number].end;
    }
    let text = &lines.source[first.text..end];
    let start = label::bullet(text).or_else(|| label::number(text).map(|(_, n)| n)).unwrap_or(0);
    let start = start + label::checkbox(&text[start..]).map_or(0, |(_, n)| n);
    let (id, mut after, start) = lead(text, start);
    let mut stop = text.len();
    if let Some(open) = text[start..].to_ascii_lowercase().rfind("(after ").map(|n| start + n) {
        let close = text[open..].find(')').map_or(text.len(), |n| open + n);
        after = Some(open + "(after ".len()..close);
        if text[close..].trim_matches([')', '.', ' ', '*']).is_empty() {
            stop = open;
        }
    }
    let shift = |r: Range<usize>| first.text + r.start..first.text + r.end;
    let (checks, _) = script::read(lines, gate.lines.clone(), faults);
    GateDraft {
        id: id.map(|r| written(lines, shift(r))),
        text: written(lines, shift(label::trimmed(text, start.min(stop)..stop))),
        after: after.and_then(|r| dependency::needs(lines, &[shift(r)])).filter(|n: &Needs| !n.names.is_empty()),
        stream,
        checks,
    }
}

/// `**Gate 3**:` and `**After Stream A**:` before the text: its id, what it stands behind, where the text begins.
fn lead(text: &str, start: usize) -> (Option<Range<usize>>, Option<Range<usize>>, usize) {
    let signs = |at: usize| text.len() - text[at..].trim_start_matches(['*', ' ', ':', '-', '–', '—', '\n']).len();
    let bare = text.len() - text[start..].trim_start_matches("**").len();
    let word = text[bare..].bytes().take_while(u8::is_ascii_alphabetic).count();
    match text[bare..bare + word].to_ascii_lowercase().as_str() {
        "gate" => {
            let at = text.len() - text[bare + word..].trim_start_matches([' ', '#']).len();
            let length = text[at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'.').count();
            let behind = text[at + length..].trim_start_matches('*');
            // `**Gate 1 (after Stream A)**: ...` says it before the text.
            if let Some((inner, end)) = label::bold(&text[start..]).filter(|_| length > 0) {
                let said = text.get(at + length..start + inner.end).unwrap_or_default().trim().trim_end_matches(':');
                let said = said.strip_prefix('(').and_then(|s| s.strip_suffix(')'));
                if let Some(after) = said.and_then(|s| s.strip_prefix("after ").or_else(|| s.strip_prefix("After "))) {
                    let from = at + length + text[at + length..].find(after).unwrap_or(0);
                    return (Some(at..at + length), Some(from..from + after.len()), signs(start + end));
                }
            }
            if length > 0 && behind.trim_start().starts_with([':', '-', '–', '—']) || behind.starts_with('(') {
                return (Some(at..at + length), None, signs(at + length));
            }
            (None, None, start)
        }
        "after" => match label::bold(&text[start..]) {
            Some((inner, behind)) => {
                let inner = &text[bare + word..start + inner.end].trim_end_matches(':');
                (None, Some(bare + word..bare + word + inner.len()), signs(start + behind))
            }
            None => (None, None, start),
        },
        _ => (None, None, start),
    }
}
