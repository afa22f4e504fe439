//! Documents in: what a person or a planning agent wrote, in any of several shapes, as one draft.
//!
//! [`find`] says which folder is meant, [`read`] reads it, [`read_text`] reads one plan by itself. Reading never fails on
//! content: what is wrong with a document comes back as faults, all of them.

mod breakdown;
mod checklist;
mod chunk;
mod claim;
mod dependency;
mod document;
mod effort;
mod field;
mod form;
mod gate;
mod head;
mod inline;
mod interface;
mod item;
mod join;
mod json;
mod label;
mod lines;
mod mermaid;
mod note;
mod outline;
mod procedure;
mod rows;
mod script;
mod separator;
mod shelf;
mod step;
mod stream;
mod table;
mod task;
mod taskmaster;
mod topic;
mod unit;
mod warning;

pub use script::one_group;
pub use shelf::{Document, documents, read};
pub use topic::{Topic, find};

use crate::plan::{Draft, Fault, Source, SourceId};
use form::Form;
use lines::Lines;

/// One plan by itself, whatever its form.
pub fn read_text(topic: &str, path: &str, text: String) -> (Draft, Vec<Fault>) {
    let (draft, faults) = read_at(SourceId(0), &text);
    let sources = vec![Source::new(path.to_owned(), text)];
    (Draft { topic: topic.to_owned(), sources, ..draft }, faults)
}

/// The same, without its sources.
fn read_at(source: SourceId, text: &str) -> (Draft, Vec<Fault>) {
    let mut faults = Vec::new();
    if json::is_json(text) {
        return (taskmaster::read(source, text, &mut faults), faults);
    }
    let mut lines = Lines::new(text, source);
    let (form, outline) = form::decide(&lines);
    lines.noun = form.name().noun;
    let page = match form {
        Form::Breakdown => breakdown::read(&lines, outline, &mut faults),
        Form::Table | Form::Tickets => breakdown::listed(&lines, form, &mut faults),
        Form::Named(_) => document::read(&lines, form, &mut faults),
        Form::SpecKit | Form::Checklist => checklist::read(&lines, form, &mut faults),
        Form::Steps => procedure::read(&lines, &mut faults),
        Form::Chunks | Form::Sessions => chunk::read(&lines, form, &mut faults),
        Form::Units => unit::read(&lines, &mut faults),
    };
    (page.draft, faults)
}
