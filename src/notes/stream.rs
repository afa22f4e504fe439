//! Streams and gate lines, read from their headings and sections.

use super::{
    dependency,
    field::{self, Field, Key},
    label,
    lines::{Kind, Lines},
    outline::{GateLines, Outline, Owner},
    script,
    task::written,
};
use crate::plan::{Fault, GateDraft, Needs, StreamDraft, Written, slug};
use std::ops::Range;

/// All streams, headings with the same id taken together, and for each heading its place among them.
pub(super) fn streams(lines: &Lines<'_>, outline: &Outline) -> (Vec<StreamDraft>, Vec<usize>) {
    let mut streams: Vec<StreamDraft> = Vec::new();
    let mut places = Vec::new();
    let mut known = std::collections::HashMap::new();
    for heading in &outline.streams {
        let start = lines.lines[heading.heading].text;
        let shift = |r: Range<usize>| start + r.start..start + r.end;
        let title = written(lines, shift(heading.label.title.clone()));
        let id = match heading.label.id.clone() {
            Some(id) => written(lines, shift(id)),
            None => Written { value: slug(&title.value), at: title.at },
        };
        let needs = heading.label.depends.clone().and_then(|r| dependency::needs(lines, &[shift(r)]));
        let place = *known.entry(id.value.to_lowercase()).or_insert(streams.len());
        if place == streams.len() {
            streams.push(StreamDraft { id, title, needs: Vec::new(), checks: Vec::new() });
        }
        streams[place].needs.extend(needs);
        places.push(place);
    }
    (streams, places)
}

/// What stands in the streams' sections outside of their tasks: dependencies, gate lines, commands.
pub(super) fn sections(
    lines: &Lines<'_>,
    outline: &Outline,
    places: &[usize],
    streams: &mut [StreamDraft],
    faults: &mut Vec<Fault>,
) -> Vec<GateDraft> {
    let mut gates = Vec::new();
    for (owner, numbers) in runs(&outline.owners) {
        let Owner::Stream(heading) = owner else { continue };
        let stream = &mut streams[places[heading]];
        for field in field::read(lines, numbers.clone()) {
            match field.key {
                Key::Dependencies => stream.needs.extend(dependency::needs(lines, &field.pieces())),
                Key::Gate => gates.extend(gate_field(lines, &field, &stream.id.value)),
                _ => {}
            }
        }
        stream.checks.extend(script::read(lines, numbers, faults).0);
    }
    gates
}

fn gate_field(lines: &Lines<'_>, field: &Field, stream: &str) -> Vec<GateDraft> {
    let text = field.pieces().into_iter().map(|p| written(lines, p)).filter(|t| !t.value.is_empty());
    let gate = |text| GateDraft { id: None, text, after: None, stream: Some(stream.to_owned()), checks: Vec::new() };
    text.map(gate).collect()
}

/// Lines next to each other with the same owner.
pub(super) fn runs(owners: &[Owner]) -> Vec<(Owner, Range<usize>)> {
    let mut runs: Vec<(Owner, Range<usize>)> = Vec::new();
    for (number, &owner) in owners.iter().enumerate() {
        match runs.last_mut() {
            Some((last, range)) if *last == owner => range.end = number + 1,
            _ => runs.push((owner, number..number + 1)),
        }
    }
    runs
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
