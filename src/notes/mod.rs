//! Documents in: what a person or a planning agent wrote, in any of several shapes, as one draft.
//!
//! [`find`] says which folder is meant, [`read`] reads it, [`read_text`] reads one breakdown by itself. Reading never
//! fails on content: what is wrong with a document comes back as faults, all of them.

mod breakdown;
mod checklist;
mod chunk;
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
mod label;
mod lines;
mod mermaid;
mod note;
mod outline;
mod procedure;
mod rows;
mod script;
mod separator;
mod step;
mod stream;
mod table;
mod task;
mod topic;
mod unit;
mod warning;

pub use topic::{Topic, find};

use crate::plan::{Draft, Fault, Label, Severity, Source, SourceId, Span};
use form::Form;
use lines::Lines;

/// A document that is longer than this was not written by a person or a planning agent.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// Everything a topic's documents say, and what is missing (`missing-document`: exit code 3).
pub fn read(topic: &Topic) -> (Draft, Vec<Fault>) {
    let mut faults = Vec::new();
    let (mut texts, mut absent) = (Vec::new(), Vec::new());
    for name in topic::REQUIRED {
        let shown = format!("{}/{name}", topic.shown);
        match text(&topic.folder.join(name), &shown) {
            Ok(text) => texts.push((shown, text)),
            Err(fault) => {
                faults.push(fault);
                absent.push(Source::new(shown, String::new()));
            }
        }
    }
    let breakdown = texts.iter().position(|(path, _)| path.ends_with("/breakdown.md"));
    let Some((path, text)) = breakdown.map(|at| texts.swap_remove(at)) else {
        let mut draft = Draft { topic: topic.slug.clone(), ..Draft::default() };
        point_at(&mut faults, absent, &mut draft);
        return (draft, faults);
    };
    let (mut draft, more) = read_text(&topic.slug, &path, text);
    draft.sources.extend(texts.into_iter().map(|(path, text)| Source::new(path, text)));
    draft.sources[1..].sort_by(|a, b| b.path.cmp(&a.path));
    point_at(&mut faults, absent, &mut draft);
    faults.extend(more);
    (draft, faults)
}

/// Gives each document that was not read a place, so that its fault can name it.
fn point_at(faults: &mut [Fault], absent: Vec<Source>, draft: &mut Draft) {
    for (fault, source) in faults.iter_mut().zip(absent) {
        let at = Span { source: SourceId(draft.sources.len() as u16), ..Span::default() };
        fault.labels.push(Label { at, text: String::new() });
        draft.sources.push(source);
    }
}

/// A document's text. Bytes that are no UTF-8 are replaced where people read them; a breakdown has scripts, which would
/// then do something else than what was written.
fn text(path: &std::path::Path, shown: &str) -> Result<String, Fault> {
    let fault = |code, text: String, help: &str| Fault {
        severity: Severity::Error,
        code,
        text,
        labels: Vec::new(),
        help: Some(help.to_owned()),
    };
    let missing = |why: &str| {
        let help = "a run needs research.md, plan.md and breakdown.md in the topic's folder";
        fault("missing-document", format!("{shown} {why}"), help)
    };
    let meta = std::fs::metadata(path).map_err(|_| missing("is missing"))?;
    let parent = path.parent().and_then(|p| p.canonicalize().ok());
    let is_inside = path.canonicalize().is_ok_and(|real| parent.is_some_and(|p| real.starts_with(p)));
    if !meta.is_file() || !is_inside {
        return Err(fault(
            "unsafe-topic",
            format!("{shown} is not a file of the topic's folder"),
            "put the document itself there",
        ));
    }
    if meta.len() > MOST_BYTES {
        return Err(fault("too-long", format!("{shown} is longer than 8 MiB"), "split the topic"));
    }
    let bytes = std::fs::read(path).map_err(|e| missing(&format!("cannot be read: {}", e.kind())))?;
    let text = match String::from_utf8(bytes) {
        Err(error) if shown.ends_with("/breakdown.md") => {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            let text = format!("{shown} is not UTF-8, from line {line} on");
            return Err(fault("not-utf8", text, "save it as UTF-8, e.g. with `iconv -f latin1 -t utf-8`"));
        }
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Ok(text) => text,
    };
    // The others only have to be there: what they say is for people and models.
    let is_empty = shown.ends_with("/breakdown.md") && text.trim().is_empty();
    if is_empty { Err(missing("is empty")) } else { Ok(text) }
}

/// One plan by itself, whatever its form.
pub fn read_text(topic: &str, path: &str, text: String) -> (Draft, Vec<Fault>) {
    let (draft, faults) = read_at(SourceId(0), &text);
    let sources = vec![Source::new(path.to_owned(), text)];
    (Draft { topic: topic.to_owned(), sources, ..draft }, faults)
}

/// The same, without its sources.
fn read_at(source: SourceId, text: &str) -> (Draft, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut lines = Lines::new(text, source);
    let form = form::decide(&lines);
    lines.noun = form.noun();
    let page = match form {
        Form::Breakdown | Form::Table | Form::Tickets => breakdown::read(&lines, form, &mut faults),
        Form::SpecKit | Form::Checklist => checklist::read(&lines, form, &mut faults),
        Form::Steps => procedure::read(&lines, &mut faults),
        Form::Chunks | Form::Sessions => chunk::read(&lines, form, &mut faults),
        Form::Units => unit::read(&lines, &mut faults),
    };
    (page.draft, faults)
}
