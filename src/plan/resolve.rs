//! Names of a draft, resolved: which task or stream a dependency text means, and what is near when it means none.

use super::{Draft, Name, Needs, Span, slug};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

/// What a name stands for: a place in the draft's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A task.
    Task(usize),
    /// A stream's gate.
    Stream(usize),
}

/// A name that stands for nothing.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    /// Where it is written.
    pub at: Span,
    /// `task 12`, `stream E`, or the words.
    pub text: String,
    /// Plainly a reference: an error. Else prose: a warning.
    pub is_reference: bool,
    /// The nearest name there is.
    pub near: Option<String>,
}

/// More edges than this no plan has; a range written a thousand times over does.
pub(super) const MOST_EDGES: usize = 1_000_000;
/// For as many unknown names the nearest one is looked for.
const MOST_NEAREST: usize = 30;

/// All names of a draft.
pub(super) struct Names {
    /// Each task's label.
    pub labels: Vec<String>,
    /// Each task's stream.
    pub stream_of: Vec<Option<usize>>,
    /// Each stream's tasks.
    pub tasks_of: Vec<Vec<usize>>,
    ids: BTreeMap<String, usize>,
    titles: BTreeMap<String, Option<usize>>,
    steps: BTreeMap<String, usize>,
    streams: BTreeMap<String, usize>,
    stream_ids: Vec<String>,
    prefixes: BTreeSet<String>,
    slugs: BTreeMap<String, usize>,
    searches: Cell<usize>,
    spent: Cell<usize>,
}

impl Names {
    /// The names; a task without a label gets a slug of its title.
    pub(super) fn new(draft: &Draft) -> Names {
        let mut names = Names {
            labels: Vec::new(),
            stream_of: Vec::new(),
            tasks_of: vec![Vec::new(); draft.streams.len()],
            ids: BTreeMap::new(),
            titles: BTreeMap::new(),
            steps: BTreeMap::new(),
            streams: BTreeMap::new(),
            stream_ids: draft.streams.iter().map(|s| s.id.value.clone()).collect(),
            prefixes: BTreeSet::new(),
            slugs: BTreeMap::new(),
            searches: Cell::new(0),
            spent: Cell::new(0),
        };
        for (place, stream) in draft.streams.iter().enumerate() {
            names.streams.entry(fold(&stream.id.value)).or_insert(place);
            names.prefixes.insert(fold(&stream.id.value));
        }
        for (place, stream) in draft.streams.iter().enumerate().filter(|(_, s)| !s.title.value.is_empty()) {
            names.streams.entry(fold(&stream.title.value)).or_insert(place);
        }
        for (place, task) in draft.tasks.iter().enumerate() {
            let stream = task.stream.as_ref().and_then(|s| names.streams.get(&fold(&s.value))).copied();
            names.stream_of.push(stream);
            if let Some(stream) = stream {
                names.tasks_of[stream].push(place);
            }
            let label = match &task.id {
                Some(id) => id.value.clone(),
                None => names.free_slug(&task.title.value),
            };
            names.prefixes.insert(prefix(&label));
            names.ids.entry(fold(&label)).or_insert(place);
            names.labels.push(label);
            let title = names.titles.entry(fold(&task.title.value)).or_insert(Some(place));
            *title = title.filter(|&first| first == place);
            for step in task.steps.iter().filter_map(|s| s.id.as_ref()) {
                names.steps.entry(fold(&step.value)).or_insert(place);
            }
        }
        names
    }

    fn free_slug(&mut self, title: &str) -> String {
        let base = Some(slug(title)).filter(|s| !s.is_empty()).unwrap_or_else(|| "task".to_owned());
        let times = self.slugs.entry(base.clone()).or_insert(0);
        *times += 1;
        let name = if *times == 1 { base } else { format!("{base}-{times}") };
        if self.ids.contains_key(&fold(&name)) { format!("{name}-{}", self.labels.len() + 1) } else { name }
    }

    /// Whether so many edges more are still within what a plan may have.
    fn spend(&self, edges: usize) -> bool {
        self.spent.set(self.spent.get().saturating_add(edges));
        self.spent.get() <= MOST_EDGES
    }

    /// Whether names were left out because they would have made too many edges.
    pub(super) fn is_over(&self) -> bool {
        self.spent.get() > MOST_EDGES
    }

    /// What a field names, each with its place; and what it names that is not there.
    pub(super) fn resolve(
        &self,
        needs: &Needs,
        own: Option<usize>,
        found: &mut Vec<(Target, Span)>,
        unknown: &mut Vec<Unknown>,
    ) {
        let whole = needs.text.value.strip_prefix("Task:").unwrap_or(&needs.text.value);
        if let Some(&Some(task)) = self.titles.get(&fold(whole)).filter(|_| !whole.trim().is_empty()) {
            return found.push((Target::Task(task), needs.text.at));
        }
        for name in &needs.names {
            match self.name(&name.value, own) {
                Ok(targets) => {
                    found.extend(targets.into_iter().map(|t| (t, name.at)));
                }
                Err((text, is_reference, near)) => {
                    unknown.push(Unknown { at: name.at, text, is_reference, near });
                }
            }
        }
    }

    fn name(&self, name: &Name, own: Option<usize>) -> Result<Vec<Target>, (String, bool, Option<String>)> {
        let own_stream = own.and_then(|t| self.stream_of[t]);
        let cost = match name {
            Name::AllTasks | Name::Tasks(..) => self.labels.len(),
            Name::AllStreams | Name::Streams(..) => self.stream_ids.len(),
            _ => 1,
        };
        if !self.spend(cost) {
            return Ok(Vec::new());
        }
        match name {
            Name::Task { id, plain } => {
                let task = self.task(id, own_stream).or_else(|| self.title(id));
                let is_ours = *plain || self.prefixes.contains(&prefix(id));
                task.map(|t| vec![Target::Task(t)]).ok_or_else(|| self.missing("task", id, is_ours, &self.labels))
            }
            Name::Tasks(from, to) => {
                let end = |id| self.task(id, own_stream).ok_or_else(|| self.missing("task", id, true, &self.labels));
                let (from, to) = (end(from)?, end(to)?);
                let kin = prefix(&self.labels[from]);
                let between = (from..=to).filter(|&t| Some(t) != own && prefix(&self.labels[t]) == kin);
                Ok(between.map(Target::Task).collect())
            }
            Name::Title(title) => {
                let task = self.title(title).or_else(|| self.task(title, own_stream));
                task.map(|t| vec![Target::Task(t)]).ok_or_else(|| self.missing("task", title, true, &self.labels))
            }
            Name::Stream { id, plain } => self.stream(id).map(|s| vec![Target::Stream(s)]).ok_or_else(|| {
                let is_ours = *plain || !self.stream_ids.is_empty();
                self.missing("stream", id, is_ours, &self.stream_ids)
            }),
            Name::Streams(from, to) => {
                let end = |id| self.stream(id).ok_or_else(|| self.missing("stream", id, true, &self.stream_ids));
                Ok((end(from)?..=end(to)?).filter(|&s| Some(s) != own_stream).map(Target::Stream).collect())
            }
            Name::AllStreams => {
                Ok((0..self.stream_ids.len()).filter(|&s| Some(s) != own_stream).map(Target::Stream).collect())
            }
            Name::AllTasks => Ok((0..self.labels.len()).filter(|&t| Some(t) != own).map(Target::Task).collect()),
            Name::Words(words) => {
                let bare = words.split('(').next().unwrap_or_default();
                let task = self.title(words).or_else(|| self.title(bare));
                let stream = || self.stream(words).map(Target::Stream);
                let target = task.map(Target::Task).or_else(stream);
                target.map(|t| vec![t]).ok_or_else(|| (words.clone(), false, None))
            }
        }
    }

    /// By id; by number in one's own stream where numbers restart; `B3` by number or by place in stream B; by a step.
    pub(super) fn task(&self, id: &str, own_stream: Option<usize>) -> Option<usize> {
        let direct = self.ids.get(&fold(id)).copied();
        let in_own = || own_stream.and_then(|s| self.ids.get(&fold(&format!("{}{id}", self.stream_ids[s]))).copied());
        direct.or_else(in_own).or_else(|| self.in_stream(id)).or_else(|| self.steps.get(&fold(id)).copied())
    }

    fn in_stream(&self, id: &str) -> Option<usize> {
        let letters = id.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &id[letters.len()..];
        let stream = *self.streams.get(&fold(letters))?;
        let by_number = self.ids.get(digits).copied().filter(|&t| self.stream_of[t] == Some(stream));
        let place = digits.parse::<usize>().ok()?.checked_sub(1)?;
        by_number.or_else(|| self.tasks_of[stream].get(place).copied())
    }

    fn title(&self, title: &str) -> Option<usize> {
        self.titles.get(&fold(title)).copied().flatten()
    }

    /// A stream by its id or title.
    pub(super) fn stream(&self, name: &str) -> Option<usize> {
        self.streams.get(&fold(name)).copied()
    }

    fn missing(&self, kind: &str, name: &str, is_reference: bool, known: &[String]) -> (String, bool, Option<String>) {
        self.searches.set(self.searches.get() + 1);
        let near = if self.searches.get() <= MOST_NEAREST { nearest(name, known) } else { None };
        (format!("{kind} {name}"), is_reference, near)
    }
}

/// Whatever its case, its blanks and a word at its end that says it has to be over.
fn fold(name: &str) -> String {
    let lower = name.to_lowercase();
    let bare = lower.trim().trim_end_matches('.');
    let bare = ["complete", "completed", "done", "finished"].iter().find_map(|w| bare.strip_suffix(w)).unwrap_or(bare);
    let words: Vec<&str> = bare.split_whitespace().collect();
    if words.is_empty() { lower.trim().to_owned() } else { words.join(" ") }
}

fn prefix(id: &str) -> String {
    id.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}

/// The known name with the fewest changes; none where it would have to change altogether.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let short = |text: &str| text.chars().take(40).collect::<Vec<char>>();
    let wanted = short(name);
    let scored = known.iter().take(2_000).map(|k| (distance(&wanted, &short(k)), k));
    let (score, best) = scored.min_by_key(|&(score, _)| score)?;
    (score <= wanted.len().max(2) / 2 + 1).then(|| best.clone())
}

fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = corner + usize::from(!ca.eq_ignore_ascii_case(cb));
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
