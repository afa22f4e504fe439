//! Streams and gate lines, read from their headings and sections.

use super::{
    dependency,
    field::{self, Field, Key},
    lines::Lines,
    outline::{Outline, Owner},
    script,
    task::written,
};
use crate::plan::{Fault, GateDraft, StreamDraft, Written, slug};
use std::ops::Range;

/// All streams, headings with the same id taken together, and for each heading its place among them.
pub(super) fn streams(lines: &Lines<'_>, outline: &Outline) -> (Vec<StreamDraft>, Vec<usize>) {
    let mut streams: Vec<StreamDraft> = Vec::new();
    let mut places = Vec::new();
    let mut known = std::collections::HashMap::new();
    for heading in &outline.streams {
        let start = lines.line(heading.heading).text;
        let shift = |r: Range<usize>| start + r.start..start + r.end;
        let title = written(lines, shift(heading.label.title.clone()));
        let id = match heading.label.id.clone() {
            Some(id) => written(lines, shift(id)),
            None => Written { value: slug(&title.value), at: title.at },
        };
        let needs = heading.label.depends.clone().and_then(|r| dependency::note(lines, shift(r)));
        let place = *known.entry(id.value.to_lowercase()).or_insert(streams.len());
        if place == streams.len() {
            streams.push(StreamDraft { id, aliases: Vec::new(), title, needs: Vec::new(), checks: Vec::new() });
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
        let stream = &mut streams[places[heading as usize]];
        for field in field::read(lines, numbers.clone()) {
            match field.key {
                Key::Dependencies => stream.needs.extend(dependency::needs(lines, &field.pieces())),
                Key::Gate => gates.extend(gate_field(lines, &field, &stream.id.value)),
                _ => {}
            }
        }
        stream.checks.extend(script::checks(lines, numbers, faults));
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
