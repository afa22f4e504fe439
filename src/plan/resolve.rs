//! Names of a draft, resolved: which task or stream a dependency text means, and what is near when it means none.

use super::{Draft, Extent, Name, Needs, Span, Written, slug};
use std::{
    cell::{Cell, OnceCell},
    collections::{BTreeMap, BTreeSet},
};

/// A name that tasks are looked up by. Of a hundred thousand most differ within their first bytes, which are compared as a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    head: u128,
    whole: String,
}

impl From<String> for Key {
    fn from(whole: String) -> Key {
        let mut head = [0; 16];
        head.iter_mut().zip(whole.bytes()).for_each(|(to, from)| *to = from);
        Key { head: u128::from_be_bytes(head), whole }
    }
}

/// What a name stands for: a place in the draft's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A task.
    Task(usize),
    /// A stream's gate.
    Stream(usize),
    /// What a gate line makes.
    Gate(usize),
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

/// What is longer is no title.
const LONGEST_TITLE: usize = 400;

/// All names of a draft.
pub(super) struct Names<'d> {
    draft: &'d Draft,
    /// Into so many pieces a title may have been taken apart.
    most_pieces: usize,
    /// Each task's label.
    pub labels: Vec<String>,
    /// Each task's stream.
    pub stream_of: Vec<Option<usize>>,
    /// Each stream's tasks.
    pub tasks_of: Vec<Vec<usize>>,
    ids: BTreeMap<Key, usize>,
    /// Ids as letters and numbers, where they are asked for: `Task 1` means `01` where there is no `1`.
    numbers: OnceCell<BTreeMap<(String, Vec<u32>), usize>>,
    titles: BTreeMap<Key, Option<usize>>,
    steps: BTreeMap<Key, usize>,
    /// Other names of tasks.
    aliases: BTreeMap<Key, usize>,
    streams: BTreeMap<String, usize>,
    stream_ids: Vec<String>,
    prefixes: BTreeSet<String>,
    slugs: BTreeMap<String, usize>,
    gates: BTreeMap<String, usize>,
    searches: Cell<usize>,
    spent: Cell<usize>,
}

impl Names<'_> {
    /// The names; a task without a label gets a slug of its title.
    pub(super) fn new(draft: &Draft) -> Names<'_> {
        let mut names = Names {
            draft,
            most_pieces: 1,
            labels: Vec::new(),
            stream_of: Vec::new(),
            tasks_of: vec![Vec::new(); draft.streams.len()],
            ids: BTreeMap::new(),
            numbers: OnceCell::new(),
            titles: BTreeMap::new(),
            steps: BTreeMap::new(),
            aliases: BTreeMap::new(),
            streams: BTreeMap::new(),
            stream_ids: draft.streams.iter().map(|s| s.id.value.clone()).collect(),
            prefixes: BTreeSet::new(),
            slugs: BTreeMap::new(),
            gates: BTreeMap::new(),
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
        for (place, gate) in draft.gates.iter().enumerate() {
            if let Some(id) = &gate.id {
                names.gates.entry(fold(&id.value)).or_insert(place);
            }
        }
        for (place, alias) in draft.streams.iter().enumerate().flat_map(|(p, s)| s.aliases.iter().map(move |a| (p, a)))
        {
            names.streams.entry(fold(alias)).or_insert(place);
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
            let prefix = prefix(&label);
            if !names.prefixes.contains(&prefix) {
                names.prefixes.insert(prefix);
            }
            names.ids.entry(fold(&label).into()).or_insert(place);
            names.labels.push(label);
            names.most_pieces = names.most_pieces.max(pieces(&task.title.value));
            // A title that is missing names nobody: an empty field would mean its task.
            let title = Some(bare(&task.title.value)).filter(|title| !title.is_empty());
            if let Some(known) = title.map(|title| names.titles.entry(title.into()).or_insert(Some(place))) {
                *known = known.filter(|&first| first == place);
            }
            for alias in &task.aliases {
                names.aliases.entry(fold(alias).into()).or_insert(place);
            }
            for step in task.steps.iter().filter_map(|s| s.id.as_ref()) {
                names.steps.entry(fold(&step.value).into()).or_insert(place);
            }
        }
        names
    }

    fn free_slug(&mut self, title: &str) -> String {
        let base = Some(slug(title)).filter(|s| !s.is_empty()).unwrap_or_else(|| "task".to_owned());
        let times = self.slugs.entry(base.clone()).or_insert(0);
        *times += 1;
        let name = if *times == 1 { base } else { format!("{base}-{times}") };
        if self.ids.contains_key(&fold(&name).into()) { format!("{name}-{}", self.labels.len() + 1) } else { name }
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

    /// What a field names, each with its place; and what it names that is not there. `own` is whose field it is.
    pub(super) fn resolve(
        &self,
        needs: &Needs,
        own: Option<Target>,
        found: &mut Vec<(Target, Span)>,
        unknown: &mut Vec<Unknown>,
    ) {
        let whole = needs.text.value.strip_prefix("Task:").unwrap_or(&needs.text.value);
        if let Some(task) = self.title(whole, whole.len()) {
            return found.push((Target::Task(task), needs.text.at));
        }
        let first = found.len();
        let mut except = Vec::new();
        let (mut at, mut is_prose) = (0, false);
        while let Some(name) = needs.names.get(at) {
            if let Some((task, end)) = self.joined(&needs.names, at) {
                found.push((Target::Task(task), name.at));
                at = end;
                continue;
            }
            at += 1;
            let (meant, is_out) = match &name.value {
                Name::Except(inner) => (&**inner, true),
                meant => (meant, false),
            };
            match self.name(meant, own) {
                Ok(targets) if is_out => except.extend(targets),
                Ok(targets) => found.extend(targets.into_iter().map(|t| (t, name.at))),
                Err((text, is_reference, near)) => {
                    let told = Unknown { at: name.at, text, is_reference, near };
                    match unknown.last_mut().filter(|last| is_prose && self.is_one_line(last, &told)) {
                        Some(last) => self.extend(last, told.at),
                        None => unknown.push(told),
                    }
                    is_prose = !is_reference;
                    continue;
                }
            }
            is_prose = false;
        }
        if !except.is_empty() {
            let own = found.split_off(first);
            found.extend(own.into_iter().filter(|(target, _)| !except.contains(target)));
        }
    }

    /// Whether both are prose, and next to each other: `access to staging and production` is told once.
    fn is_one_line(&self, last: &Unknown, next: &Unknown) -> bool {
        let both = self.draft.slice(Span { end: next.at.end, ..last.at });
        !last.is_reference && !next.is_reference && both.len() <= LONGEST_TITLE && !both.contains('\n')
    }

    fn extend(&self, last: &mut Unknown, next: Span) {
        last.at.end = next.end;
        last.text = self.draft.slice(last.at).split_whitespace().collect::<Vec<_>>().join(" ");
    }

    /// A title that was taken apart at its commas and its `and`, put together again: the task, and the name behind it.
    fn joined(&self, names: &[Written<Name>], at: usize) -> Option<(usize, usize)> {
        let start = names[at].at.start;
        let label = match &names[at].value {
            Name::Task { id, .. } => self.ids.get(&fold(id).into()).copied(),
            _ => None,
        };
        (at + 2..=names.len().min(at + self.most_pieces)).rev().find_map(|end| {
            let text = self.draft.slice(Span { end: names[end - 1].at.end, ..names[at].at });
            // `Task 1: Schema and Migration`: the label names the task, and its title follows.
            let behind = text.get((names[at].at.end - start) as usize..).unwrap_or_default();
            // Names come in the order of the text, but for one whose rest is told as a whole.
            let last = names[end - 1].at.start.checked_sub(start)? as usize;
            let is_its_title = |&task: &usize| self.title(behind.trim_start_matches(is_sign), 0) == Some(task);
            self.title(text, last).or_else(|| label.filter(is_its_title)).map(|task| (task, end))
        })
    }

    fn name(&self, name: &Name, own: Option<Target>) -> Result<Vec<Target>, (String, bool, Option<String>)> {
        let (own_stream, own_task) = match own {
            Some(Target::Task(task)) => (self.stream_of[task], Some(task)),
            Some(Target::Stream(stream)) => (Some(stream), self.tasks_of[stream].first().copied()),
            Some(Target::Gate(_)) | None => (None, None),
        };
        let cost = match name {
            Name::AllTasks(_) => self.labels.len(),
            Name::AllStreams(_) | Name::Streams(..) => self.stream_ids.len(),
            _ => 1,
        };
        if !self.spend(cost) {
            return Ok(Vec::new());
        }
        // A task, or which one there is not.
        let one = |task: Option<usize>, id: &str, is_ours| {
            let missing = || self.missing(self.draft.form.noun, id, is_ours, &self.labels);
            task.map(|t| vec![Target::Task(t)]).ok_or_else(missing)
        };
        match name {
            Name::Task { id, plain } => {
                let task = self.task(id, own_stream).or_else(|| self.title(id, 0));
                one(task, id, *plain || self.is_ours(id))
            }
            Name::Tasks(from, to) => {
                let end = |id| {
                    self.task(id, own_stream).ok_or_else(|| self.missing(self.draft.form.noun, id, true, &self.labels))
                };
                let between = self.between(end(from)?, end(to)?);
                if !self.spend(between.len()) {
                    return Ok(Vec::new());
                }
                let between = between.into_iter().filter(|&task| Some(task) != own_task);
                Ok(between.map(Target::Task).collect())
            }
            Name::InStream { stream, task } => {
                let place =
                    self.stream(stream).ok_or_else(|| self.missing("stream", stream, true, &self.stream_ids))?;
                let id = task.strip_prefix(self.stream_ids[place].as_str()).unwrap_or(task);
                one(self.in_stream(place, id).or_else(|| self.task(task, Some(place))), task, true)
            }
            Name::Title(title) => one(self.title(title, 0).or_else(|| self.task(title, own_stream)), title, true),
            Name::Stream { id, plain } => {
                let target = self.lettered(id, own_stream);
                let is_ours = *plain || !self.stream_ids.is_empty();
                target.map(|t| vec![t]).ok_or_else(|| self.missing("stream", id, is_ours, &self.stream_ids))
            }
            Name::Streams(from, to) => {
                let end = |id| self.stream(id).ok_or_else(|| self.missing("stream", id, true, &self.stream_ids));
                let (from, to) = (end(from)?, end(to)?);
                let between = (from.min(to)..=from.max(to)).filter(|&s| Some(s) != own_stream);
                Ok(between.map(Target::Stream).collect())
            }
            Name::AllStreams(extent) => {
                Ok(among(*extent, own_stream, self.stream_ids.len()).map(Target::Stream).collect())
            }
            Name::AllTasks(extent) => Ok(among(*extent, own_task, self.labels.len()).map(Target::Task).collect()),
            Name::Except(inner) => self.name(inner, own),
            Name::Gate(id) => {
                // A gate that is not there, or has no number, is prose as it was before.
                let gate = self.gates.get(&fold(id)).copied().map(Target::Gate);
                let target = gate.or_else(|| self.words(&format!("gate {id}")).map(Target::Task));
                target.map(|t| vec![t]).ok_or_else(|| (format!("gate {id}"), false, None))
            }
            Name::Words(words) => {
                let target = self.words(words).map(Target::Task).or_else(|| self.stream(words).map(Target::Stream));
                target.map(|t| vec![t]).ok_or_else(|| (words.clone(), false, None))
            }
        }
    }

    /// A stream, or a task that is called as one may be: `Task B`.
    fn lettered(&self, id: &str, own_stream: Option<usize>) -> Option<Target> {
        let task = || self.title(id, 0).or_else(|| self.task(id, own_stream)).map(Target::Task);
        self.stream(id).map(Target::Stream).or_else(task)
    }

    /// Words that are a title, or begin with another name of a task or with an id that has a letter and a digit (`A1 the
    /// schema`).
    fn words(&self, words: &str) -> Option<usize> {
        let first = words.split([' ', '(', ':']).next().unwrap_or_default();
        let alias = self.aliases.get(&fold(first).into()).copied();
        let has = |is: fn(&char) -> bool| first.chars().any(|c| is(&c));
        let is_id = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
        self.title(words, 0).or(alias).or_else(|| self.ids.get(&fold(first).into()).copied().filter(|_| is_id))
    }

    /// Whether a label that names nothing looks like one of ours: a known prefix, `T1`, or the letter of a stream that
    /// could be there.
    fn is_ours(&self, id: &str) -> bool {
        let prefix = prefix(id);
        let letter = |text: &str| text.bytes().next().filter(|b| text.len() == 1 && b.is_ascii_alphabetic());
        let last = self.stream_ids.iter().filter_map(|s| letter(&s.to_lowercase())).max();
        let is_next = letter(&prefix).zip(last).is_some_and(|(own, last)| own <= last + 1);
        prefix == "t" || is_next || self.prefixes.contains(&prefix)
    }

    /// Both ends and what is between them: by number where both are numbered alike, else as written.
    fn between(&self, from: usize, to: usize) -> Vec<usize> {
        let (first, last) = (numbers(&self.labels[from]), numbers(&self.labels[to]));
        if let (Some(a), Some(b)) = (first, last)
            && a.0 == b.0
        {
            let (low, high) = if a.1 <= b.1 { (a, b) } else { (b, a) };
            let mut found: Vec<usize> = self.by_number().range(low..=high).map(|(_, &task)| task).collect();
            found.sort_unstable();
            return found;
        }
        (from.min(to)..=from.max(to)).collect()
    }

    fn by_number(&self) -> &BTreeMap<(String, Vec<u32>), usize> {
        self.numbers.get_or_init(|| by_number(&self.labels))
    }

    /// By id; by number in one's own stream where numbers restart; `B3` by number or by place in stream B; by a step.
    pub(super) fn task(&self, id: &str, own_stream: Option<usize>) -> Option<usize> {
        let alike = || self.by_number().get(&numbers(id)?).copied();
        let direct = self.ids.get(&fold(id).into()).copied().or_else(alike);
        let in_own =
            || own_stream.and_then(|s| self.ids.get(&fold(&format!("{}{id}", self.stream_ids[s])).into()).copied());
        let other = || self.aliases.get(&fold(id).into()).or_else(|| self.steps.get(&fold(id).into())).copied();
        direct.or_else(in_own).or_else(|| self.in_lettered(id)).or_else(other)
    }

    fn in_lettered(&self, id: &str) -> Option<usize> {
        let letters = id.trim_end_matches(|c: char| c.is_ascii_digit());
        self.in_stream(*self.streams.get(&fold(letters))?, &id[letters.len()..])
    }

    /// The number's task where it belongs to the stream, else the one at this place in it.
    fn in_stream(&self, stream: usize, digits: &str) -> Option<usize> {
        let by_number = self.ids.get(&digits.to_owned().into()).copied().filter(|&t| self.stream_of[t] == Some(stream));
        let place = || digits.parse::<usize>().ok()?.checked_sub(1);
        by_number.or_else(|| self.tasks_of[stream].get(place()?).copied())
    }

    /// A task by its title, whatever its markup; from `last` on there may be a remark in brackets, or words that it has to be
    /// over.
    fn title(&self, title: &str, last: usize) -> Option<usize> {
        if title.len() > LONGEST_TITLE {
            return None;
        }
        let known = |text: &str| self.titles.get(&bare(text).into()).copied().flatten();
        let cut = |signs: &[&str]| {
            let tail = title.get(last..).filter(|tail| !tail.is_empty())?;
            let at = last + signs.iter().filter_map(|sign| tail.find(sign)).min()?;
            known(&title[..at])
        };
        known(title)
            .or_else(|| cut(&["](", " ("]))
            .or_else(|| cut(&["](", " (", " must ", " is ", " are ", " has ", " task"]))
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
    let mut folded = String::with_capacity(bare.len());
    for word in bare.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    if folded.is_empty() { lower.trim().to_owned() } else { folded }
}

/// A title without its markup.
fn bare(title: &str) -> String {
    let is_mark = |c: char| matches!(c, '*' | '`' | '[' | ']' | '"' | '“' | '”' | '~');
    if title.contains(is_mark) { fold(&title.replace(is_mark, "")) } else { fold(title) }
}

/// Into how many pieces a title may fall where dependencies are read.
fn pieces(title: &str) -> usize {
    const MOST: usize = 8;
    let is_between = |w: &str| matches!(w, "and" | "or" | "plus" | "then" | "and/or" | "with" | "well");
    let words = title.split_whitespace().filter(|w| is_between(&w.to_lowercase())).count();
    let signs = title.chars().filter(|c| matches!(c, ',' | ';' | '+' | '&' | '|' | '→' | '/')).count();
    (1 + words + signs).min(MOST)
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric()
}

/// The first task of each label that is letters and numbers.
fn by_number(labels: &[String]) -> BTreeMap<(String, Vec<u32>), usize> {
    let mut all = BTreeMap::new();
    for (place, number) in labels.iter().enumerate().filter_map(|(place, label)| Some((place, numbers(label)?))) {
        all.entry(number).or_insert(place);
    }
    all
}

/// `T-012.3` as its letters and numbers.
fn numbers(label: &str) -> Option<(String, Vec<u32>)> {
    let digits = label.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    let numbers: Option<Vec<u32>> = digits.split('.').map(|n| n.parse().ok()).collect();
    Some((prefix(label), numbers?))
}

/// Those of so many that are meant: none where it is not known what they are before.
fn among(extent: Extent, own: Option<usize>, count: usize) -> impl Iterator<Item = usize> {
    let range = match (extent, own) {
        (Extent::Others, _) | (Extent::Before, None) => 0..count,
        (Extent::Before, Some(own)) => 0..own,
        (Extent::Last, own) => own.map_or(0..0, |own| own.saturating_sub(1)..own),
    };
    range.filter(move |&place| Some(place) != own)
}

fn prefix(id: &str) -> String {
    id.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}

/// The known name with the fewest changes; none where it would have to change altogether.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let short = |text: &str| text.chars().take(40).collect::<Vec<char>>();
    let wanted = short(name);
    let figure = |text: &str| numbers(text).and_then(|(_, numbers)| numbers.first().copied());
    // Of names that are equally near in letters, the one that is nearest in number.
    let apart = |k: &str| figure(name).zip(figure(k)).map_or(u32::MAX, |(a, b)| a.abs_diff(b));
    let scored = known.iter().take(2_000).map(|k| ((distance(&wanted, &short(k)), apart(k)), k));
    let ((score, _), best) = scored.min_by_key(|&(score, _)| score)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_whatever_their_first_bytes_are() {
        let key = |name: &str| Key::from(name.to_owned());
        let names = [
            "",
            "\0",
            "a",
            "a\0",
            "step 1234567890",
            "step 1234567890a",
            "step 1234567890a1",
            "step 1234567890a2",
            "ü",
        ];
        for (at, name) in names.iter().enumerate() {
            for (other_at, other) in names.iter().enumerate() {
                assert_eq!(key(name) == key(other), at == other_at, "{name:?} {other:?}");
                assert_eq!(key(name).cmp(&key(other)), name.cmp(other), "{name:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_distance_of_two_names_is_the_number_of_letters_to_change_put_in_or_take_out() {
        let apart = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, changes) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "ABC", 0),
            ("abc", "abd", 1),
            ("abc", "xbc", 1),
            ("abc", "bc", 1),
            ("abc", "ab", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("abcd", "dcba", 4),
        ] {
            assert_eq!((apart(a, b), apart(b, a)), (changes, changes), "{a} {b}");
        }
    }

    #[test]
    fn a_label_of_letters_and_numbers_is_known_by_both() {
        let known = |label: &str| numbers(label).map(|(prefix, numbers)| format!("{prefix} {numbers:?}"));
        assert_eq!(known("T-012.3").as_deref(), Some("t [12, 3]"));
        assert_eq!(known("7").as_deref(), Some(" [7]"));
        assert_eq!((known("T7b"), known("Deploy"), known("1..2")), (None, None, None));
    }

    #[test]
    fn the_nearest_of_equally_near_names_is_the_one_of_the_nearest_number() {
        let known = ["T-01", "T-12", "T-18", "Deploy"].map(str::to_owned);
        let near = |name: &str| nearest(name, &known);
        assert_eq!((near("T-17").as_deref(), near("T-02").as_deref()), (Some("T-18"), Some("T-01")));
        assert_eq!((near("deploi").as_deref(), near("release")), (Some("Deploy"), None));
        assert_eq!((nearest("Tool", &["Tags".to_owned()]).as_deref(), nearest("Tool", &[])), (Some("Tags"), None));
    }
}
