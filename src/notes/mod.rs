//! Documents in: what a person or a planning agent wrote, in any of several shapes, as one draft.
//!
//! [`find`] says which folder is meant, [`read`] reads it, [`read_text`] reads one breakdown by itself. Reading never
//! fails on content: what is wrong with a document comes back as faults, all of them.

mod dependency;
mod effort;
mod field;
mod foreign;
mod gate;
mod inline;
mod item;
mod label;
mod lines;
mod note;
mod outline;
mod script;
mod separator;
mod step;
mod stream;
mod table;
mod task;
mod topic;
mod warning;

pub use script::one_group;
pub use topic::{Topic, find};

use crate::plan::{Draft, Fault, Label, Severity, Source, SourceId, Span, StreamDraft, TaskDraft, Written, slug};
use lines::Lines;
use outline::{Outline, Owner, Shape};
use std::collections::HashMap;

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

/// One breakdown by itself.
pub fn read_text(topic: &str, path: &str, text: String) -> (Draft, Vec<Fault>) {
    let mut faults = Vec::new();
    let lines = Lines::new(&text, SourceId(0));
    let outline = outline::read(&lines);
    let (mut streams, places) = stream::streams(&lines, &outline);
    let mut gates = stream::sections(&lines, &outline, &places, &mut streams, &mut faults);
    let stream_of = |heading: usize| streams[places[heading]].id.value.clone();
    gates.extend(gate::read(&lines, &outline.gates, stream_of, &mut faults));
    let mut context = context(&lines, &outline);
    let tasks = tasks(&lines, &outline, &places, &mut streams, &mut context, &mut faults);
    if let (true, Some(form)) = (tasks.is_empty(), outline.foreign) {
        let text = format!("this looks like {form}, which is not read yet");
        let help = Some("write its tasks as `### Task 1: Title` with `**Dependencies**: ...`".to_owned());
        faults.push(Fault { severity: Severity::Error, code: "unread-format", text, labels: Vec::new(), help });
    }
    faults.extend(warning::unread(&lines, &outline));
    let title = outline.title.map(|n| task::written(&lines, lines.lines[n].text..lines.lines[n].end));
    let sources = vec![Source::new(path.to_owned(), text)];
    (Draft { topic: topic.to_owned(), sources, title, streams, tasks, gates, context }, faults)
}

fn context(lines: &Lines<'_>, outline: &Outline) -> String {
    let mut context = String::new();
    for (owner, numbers) in stream::runs(&outline.owners) {
        if !matches!(owner, Owner::Task(_)) {
            let end = lines.lines.get(numbers.end).map_or(lines.source.len(), |l| l.start);
            context.push_str(&lines.source[lines.lines[numbers.start].start..end]);
        }
    }
    context
}

fn tasks(
    lines: &Lines<'_>,
    outline: &Outline,
    places: &[usize],
    streams: &mut Vec<StreamDraft>,
    context: &mut String,
    faults: &mut Vec<Fault>,
) -> Vec<TaskDraft> {
    let restarts = restarts(lines, outline, places);
    let (mut seen, mut known) = (HashMap::new(), HashMap::new());
    let mut tasks: Vec<TaskDraft> = Vec::new();
    for part in &outline.tasks {
        let mut task = task::read(lines, part, faults);
        let in_section = part.stream.map(|s| places[s]);
        if let (true, Some(number), Some(place), Some(id)) = (restarts, &part.number, in_section, &mut task.id)
            && lines.span(number.start, number.end) == id.at
        {
            id.value = format!("{}{}", streams[place].id.value, id.value);
        }
        let id = task.id.as_ref().map(|id| id.value.to_lowercase());
        // A list that names tasks again (what is done, who does it) is no second set of tasks.
        let is_said = id.as_ref().is_some_and(|id| seen.contains_key(id));
        let is_list = matches!(part.shape, Shape::Box | Shape::Bold);
        if is_said && is_list && part.stream.is_none() && task.needs.is_empty() && task.tests.is_empty() {
            context.push_str(&task.text);
            continue;
        }
        id.map(|id| seen.insert(id, tasks.len()));
        let field = task::stream_field(lines, part).map(|range| (task::written(lines, range.clone()), range));
        task.stream = match (field, in_section) {
            (Some((said, _)), _) if !dependency::is_none(&said.value) => Some(named(said, streams, &mut known)),
            (_, Some(place)) => Some(streams[place].id.clone()),
            _ => None,
        };
        tasks.push(task);
    }
    tasks
}

/// The stream that a task's own field names: by id or title; one that has no heading is made.
fn named(said: Written<String>, streams: &mut Vec<StreamDraft>, known: &mut HashMap<String, usize>) -> Written<String> {
    let lower = said.value.to_lowercase();
    let bare = ["workstream ", "stream ", "track ", "lane ", "group "].iter().find_map(|w| lower.strip_prefix(w));
    let bare = bare.unwrap_or(&lower).trim();
    let first = bare.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').next().unwrap_or_default();
    if known.is_empty() {
        for (place, stream) in streams.iter().enumerate() {
            known.entry(stream.title.value.to_lowercase()).or_insert(place);
        }
        known.extend(streams.iter().enumerate().map(|(place, stream)| (stream.id.value.to_lowercase(), place)));
    }
    if let Some(&place) = known.get(bare).or_else(|| known.get(first)) {
        return Written { value: streams[place].id.value.clone(), at: said.at };
    }
    known.insert(first.to_owned(), streams.len());
    known.insert(bare.to_owned(), streams.len());
    // Lowercase may be longer than what it was made of.
    let at = said.value.len().saturating_sub(bare.len());
    let own = said.value.get(at..).unwrap_or(&said.value).trim();
    let is_label = first.len() <= 2 || !bare.contains(' ');
    let value = if is_label { own.get(..first.len()).unwrap_or(own).to_owned() } else { slug(own) };
    let rest = if is_label { own.get(first.len()..).unwrap_or_default() } else { own };
    let title = rest.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let title = Written { value: title, at: said.at };
    let id = Written { value, at: said.at };
    streams.push(StreamDraft { id: id.clone(), title, needs: Vec::new(), checks: Vec::new() });
    id
}

/// Whether numbers begin anew in a second stream: then a number alone is no id, and the stream's label goes before it.
fn restarts(lines: &Lines<'_>, outline: &Outline, places: &[usize]) -> bool {
    let mut first_in = HashMap::new();
    let mut last_stream = None;
    for task in &outline.tasks {
        let (Some(number), Some(stream)) = (&task.number, task.stream) else { continue };
        let (number, stream) = (&lines.source[number.clone()], places[stream]);
        let is_first = last_stream.replace(stream) != Some(stream);
        let owner = *first_in.entry(number).or_insert(stream);
        if is_first && owner != stream && number == "1" {
            return true;
        }
    }
    false
}
