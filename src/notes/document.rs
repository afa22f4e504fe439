//! A Markdown document of any form: its streams, tasks, gates and context, from one outline.

use super::{
    dependency,
    form::Form,
    gate,
    inline::plain,
    lines::Lines,
    outline::{self, Outline, Owner, Shape, TaskLines},
    rows, separator, stream, task, warning,
};
use crate::plan::{Draft, Fault, Prior, StreamDraft, TaskDraft, Written, slug};
use std::collections::HashMap;

/// What is read of a document before its form adds what is its own.
pub(super) struct Page {
    /// Without sources.
    pub draft: Draft,
    /// The outline it was read from; of each task of the draft, its lines.
    pub outline: Outline,
    /// For each task of the draft, its place in the outline.
    pub places: Vec<usize>,
}

impl Page {
    /// The lines of a task.
    pub(super) fn lines_of(&self, task: usize) -> &TaskLines {
        &self.outline.tasks[self.places[task]]
    }

    /// The names of its tasks.
    pub(super) fn index(&self) -> Index {
        let mut index = Index::default();
        for (place, task) in self.draft.tasks.iter().enumerate() {
            if let Some(id) = &task.id {
                index.ids.entry(id.value.to_lowercase()).or_insert(place);
            }
            index.titles.entry(bare(&task.title.value)).or_insert(place);
        }
        index
    }
}

/// Tasks by what a form calls them outside of dependencies.
#[derive(Debug, Default)]
pub(super) struct Index {
    ids: HashMap<String, usize>,
    titles: HashMap<String, usize>,
}

impl Index {
    /// By its label.
    pub(super) fn id(&self, id: &str) -> Option<usize> {
        self.ids.get(&id.to_lowercase()).copied()
    }

    /// By its title, whatever its markup.
    pub(super) fn title(&self, title: &str) -> Option<usize> {
        self.titles.get(&bare(title)).copied()
    }

    /// By `Chunk 2`, `[Chunk 2: Name]`, or its title.
    pub(super) fn task(&self, noun: &str, name: &str) -> Option<usize> {
        let wanted = bare(name);
        let id = wanted.strip_prefix(noun).map(|rest| rest.trim_start_matches([' ', '#', '-', '_']));
        let id = id.map(|rest| rest.split([' ', ':', '(']).next().unwrap_or_default());
        id.filter(|id| !id.is_empty()).and_then(|id| self.id(id)).or_else(|| self.titles.get(&wanted).copied())
    }
}

/// A title without brackets and markup.
fn bare(title: &str) -> String {
    plain(title).replace(['[', ']'], "").trim().to_lowercase()
}

/// Reads it; what is wrong goes to the faults.
pub(super) fn read(lines: &Lines<'_>, form: Form, faults: &mut Vec<Fault>) -> Page {
    outlined(lines, form, outline::read(lines, form), faults)
}

/// The same with its outline.
pub(super) fn outlined(lines: &Lines<'_>, form: Form, outline: Outline, faults: &mut Vec<Fault>) -> Page {
    let (mut streams, sections) = stream::streams(lines, &outline);
    let mut gates = stream::sections(lines, &outline, &sections, &mut streams, faults);
    let stream_of = |heading: usize| streams[sections[heading]].id.value.clone();
    gates.extend(gate::read(lines, &outline.gates, stream_of, faults));
    let mut context = context(lines, &outline);
    let (places, tasks) = tasks(lines, &outline, &sections, &mut streams, &mut context, faults);
    faults.extend(warning::unread(lines, &outline));
    faults.extend(warning::unfilled(&tasks));
    if tasks.is_empty() {
        faults.extend(warning::instead(lines));
    }
    let title = outline.title.map(|n| task::written(lines, lines.line(n).text..lines.line(n).end));
    let draft = Draft { form: form.name(), title, streams, tasks, gates, context, ..Draft::default() };
    Page { draft, outline, places }
}

/// Puts each of some tasks that states no dependencies behind the one before it.
pub(super) fn in_sequence(tasks: &mut [TaskDraft], is_sequential: impl Fn(usize) -> bool) {
    let mut last = None;
    for place in (0..tasks.len()).filter(|&place| is_sequential(place)) {
        if let (Some(before), true) = (last.replace(place), tasks[place].needs.is_empty()) {
            tasks[place].order.push(Prior::Task(before));
        }
    }
}

fn context(lines: &Lines<'_>, outline: &Outline) -> String {
    let mut context = String::new();
    for (owner, numbers) in stream::runs(&outline.owners) {
        if !matches!(owner, Owner::Task(_)) {
            let end = lines.get(numbers.end).map_or(lines.source.len(), |l| l.start);
            context.push_str(&lines.source[lines.line(numbers.start).start..end]);
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
) -> (Vec<usize>, Vec<TaskDraft>) {
    let restarts = restarts(lines, outline, places);
    let (mut seen, mut known) = (HashMap::new(), HashMap::new());
    let count = outline.tasks.len();
    let (mut parts, mut tasks): (Vec<usize>, Vec<TaskDraft>) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (at, part) in outline.tasks.iter().enumerate() {
        let (mut task, stream) = match part.shape {
            Shape::Row => rows::read(lines, part),
            _ => task::read(lines, part, faults),
        };
        let in_section = part.stream.map(|s| places[s]);
        if let (true, Some(number), Some(place), Some(id)) = (restarts, &part.number, in_section, &mut task.id)
            && lines.span(number.start, number.end) == id.at
        {
            id.value = format!("{}{}", streams[place].id.value, id.value);
        }
        let id = task.id.as_ref().map(|id| id.value.to_lowercase());
        // A list that names tasks again (what is done, who does it) is no second set of tasks.
        let said: Option<usize> = id.as_ref().and_then(|id| seen.get(id)).copied();
        let is_repeated = said.is_some_and(|first| match part.shape {
            Shape::Box | Shape::Bold => part.stream.is_none(),
            Shape::Item | Shape::Row => tasks[first].title.value == task.title.value,
            Shape::Numbered | Shape::Block => false,
        });
        if is_repeated && task.needs.is_empty() && task.tests.is_empty() {
            context.push_str(&task.text);
            continue;
        }
        let field = stream.map(|range| task::written(lines, range));
        task.stream = match (field, in_section) {
            (Some(said), _) if is_all(&said.value) => None,
            (Some(said), _) if !dependency::is_none(&said.value) => Some(named(said, streams, &mut known)),
            (_, Some(place)) => Some(streams[place].id.clone()),
            _ => None,
        };
        // It may also come first.
        let listed = said.filter(|&first| is_listed(&outline.tasks[parts[first]], &tasks[first], (part, &task)));
        if let Some(first) = listed {
            context.push_str(&tasks[first].text);
            (parts[first], tasks[first]) = (at, task);
            continue;
        }
        id.map(|id| seen.insert(id, tasks.len()));
        parts.push(at);
        tasks.push(task);
    }
    (parts, tasks)
}

/// Whether a task is but an item of a list that names the one which is told further down.
fn is_listed(part: &TaskLines, task: &TaskDraft, (told_part, told): (&TaskLines, &TaskDraft)) -> bool {
    let (title, other) = (task.title.value.to_lowercase(), told.title.value.to_lowercase());
    matches!(part.shape, Shape::Box | Shape::Bold)
        && matches!(told_part.shape, Shape::Numbered | Shape::Block)
        && part.stream.is_none()
        && task.needs.is_empty()
        && task.tests.is_empty()
        && (title.starts_with(&other) || other.starts_with(&title))
}

/// Whether a field names all streams, and so no one: `All tracks merge`.
fn is_all(said: &str) -> bool {
    separator::any_at(said, &["all ", "every ", "both ", "any "]) > 0
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
    streams.push(StreamDraft { id: id.clone(), aliases: Vec::new(), title, needs: Vec::new(), checks: Vec::new() });
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
