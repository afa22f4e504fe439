//! claude-task-master's `tasks.json`: a list of tasks, or one for each tag.
//!
//! Subtasks are steps. What is cancelled is not done, and nothing waits for it; what is deferred is not done in this run, so
//! that nothing else may wait for it.

use super::{
    inline::{plain, tidy},
    json::{Json, Unread, kind, owned},
    lines::Lines,
    script,
};
use crate::plan::{
    Draft, Fault, FormName, Label, Name, Needs, ScriptDraft, Severity, SourceId, Span, StepDraft, TaskDraft, Written,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

/// The tag that is meant where there are several.
const MASTER: &str = "master";

#[derive(Deserialize)]
struct Root<'t> {
    #[serde(borrow)]
    tasks: Option<&'t RawValue>,
}

/// A task or a subtask.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'t> {
    #[serde(borrow)]
    id: Option<&'t RawValue>,
    #[serde(borrow)]
    title: Option<&'t RawValue>,
    /// What others call the title.
    #[serde(borrow)]
    name: Option<&'t RawValue>,
    #[serde(borrow)]
    description: Option<&'t RawValue>,
    #[serde(borrow)]
    details: Option<&'t RawValue>,
    #[serde(borrow)]
    test_strategy: Option<&'t RawValue>,
    #[serde(borrow)]
    priority: Option<&'t RawValue>,
    #[serde(borrow)]
    dependencies: Option<&'t RawValue>,
    /// What others call the dependencies.
    #[serde(borrow, alias = "depends_on", alias = "blockedBy", alias = "blocked_by")]
    depends_on: Option<&'t RawValue>,
    #[serde(borrow)]
    status: Option<&'t RawValue>,
    #[serde(borrow)]
    subtasks: Option<&'t RawValue>,
}

impl<'t> Item<'t> {
    fn title(&self) -> Option<&'t RawValue> {
        self.title.or(self.name)
    }

    fn dependencies(&self) -> Option<&'t RawValue> {
        self.dependencies.filter(|raw| raw.get() != "[]").or(self.depends_on).or(self.dependencies)
    }
}

/// What a status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Done,
    Cancelled,
    Deferred,
}

struct Reader<'t, 'f> {
    json: Json<'t>,
    faults: &'f mut Vec<Fault>,
}

/// Reads one, without its sources.
pub(super) fn read(source: SourceId, text: &str, faults: &mut Vec<Fault>) -> Draft {
    let bare = text.trim_start_matches('\u{feff}');
    let mut reader = Reader { json: Json { text, source }, faults };
    let items = reader.list(bare);
    let mut statuses = Vec::new();
    let mut tasks = Vec::new();
    for raw in items {
        if let Some((task, status)) = reader.task(raw) {
            tasks.push(task);
            statuses.push(status);
        }
    }
    reader.put_off(&tasks, &statuses);
    let form = FormName { name: "task-master list", noun: "task", has_gates: false };
    Draft { form, tasks, ..Draft::default() }
}

impl<'t> Reader<'t, '_> {
    fn tell(&mut self, severity: Severity, code: &'static str, text: String, at: Span, help: &str) {
        let labels = vec![Label { at, text: String::new() }];
        self.faults.push(Fault { severity, code, text, labels, help: Some(help.to_owned()) });
    }

    fn error(&mut self, code: &'static str, text: String, at: Span, help: &str) {
        self.tell(Severity::Error, code, text, at, help);
    }

    fn unread(&mut self, unread: Unread) {
        let text = format!("this is no JSON from here on: {}", unread.why);
        self.error("not-json", text, unread.at, "mend it here; an editor, or `jq . FILE`, shows the same place");
    }

    fn parse<T: Deserialize<'t>>(&mut self, part: &'t str) -> Option<T> {
        self.json.parse(part).map_err(|unread| self.unread(unread)).ok()
    }

    /// The tasks of the document: its own list, or that of its tag.
    fn list(&mut self, text: &'t str) -> Vec<&'t RawValue> {
        let Some(root) = self.parse::<&RawValue>(text) else { return Vec::new() };
        if root.get().starts_with('[') {
            return self.parse(root.get()).unwrap_or_default();
        }
        let Some(own) = self.parse::<Root<'t>>(root.get()) else { return Vec::new() };
        let tasks = match own.tasks {
            Some(tasks) => Some(tasks),
            None => self.tag(root),
        };
        match tasks {
            Some(tasks) if tasks.get().starts_with('[') => self.parse(tasks.get()).unwrap_or_default(),
            Some(tasks) => {
                let text = format!("`tasks` is {}, and no list", kind(tasks));
                let at = self.json.head(tasks);
                self.error("not-json", text, at, "write `\"tasks\": [{\"id\": 1, \"title\": \"...\"}]`");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The list of the tag `master`, or of the only one.
    fn tag(&mut self, root: &'t RawValue) -> Option<&'t RawValue> {
        let tags: BTreeMap<String, &'t RawValue> = self.parse(root.get())?;
        let of = |raw: &'t RawValue| self.json.parse::<Root<'t>>(raw.get()).ok()?.tasks;
        let mut lists: Vec<(&String, &'t RawValue)> =
            tags.iter().filter_map(|(tag, raw)| Some((tag, of(raw)?))).collect();
        let at = self.json.head(root);
        if let Some(place) = lists.iter().position(|(tag, _)| *tag == MASTER) {
            let (_, own) = lists.swap_remove(place);
            let others: Vec<String> = lists.iter().take(12).map(|(tag, _)| format!("`{}`", tidy(tag))).collect();
            if !others.is_empty() {
                let text = format!("only the tasks of `{MASTER}` are read, and not those of {}", others.join(", "));
                self.tell(Severity::Warning, "unread-tag", text, at, "put those into a file of their own");
            }
            return Some(own);
        }
        match lists.as_slice() {
            [(_, tasks)] => Some(tasks),
            [] => {
                let text = "this is JSON without a list of tasks".to_owned();
                let help = "task-master's form is read: `{\"tasks\": [{\"id\": 1, \"title\": \"...\", \"dependencies\": []}]}`";
                self.error("unread-format", text, at, help);
                None
            }
            several => {
                let names: Vec<String> = several.iter().take(12).map(|(tag, _)| format!("`{}`", tidy(tag))).collect();
                let text = format!("there are {} tags and none is `{MASTER}`: {}", several.len(), names.join(", "));
                self.error(
                    "ambiguous-tag",
                    text,
                    at,
                    "call the one that is to be done `master`, or put it into a file of its own",
                );
                None
            }
        }
    }

    fn task(&mut self, raw: &'t RawValue) -> Option<(TaskDraft, Status)> {
        let item = self.item(raw)?;
        let head = item.id.or_else(|| item.title()).map_or_else(|| self.json.head(raw), |raw| self.json.span(raw));
        let id = item.id.and_then(|raw| self.id(raw));
        let name = id.as_ref().map_or(String::new(), |id| id.value.clone());
        let title = self.words(item.title(), "title");
        let status = self.status(&item, head, &name);
        let tests = self.words(item.test_strategy, "testStrategy");
        let subtasks = self.subtasks(&item);
        let text = self.text(&item, title.as_ref(), &subtasks);
        let scripts = self.scripts(&item);
        let steps = subtasks.iter().map(|(_, sub, is_done)| self.step(sub, &name, *is_done)).collect();
        let task = TaskDraft {
            needs: self.needs(&item).into_iter().collect(),
            is_done: status != Status::Open,
            tests: tests.into_iter().filter(|t| !t.value.is_empty()).collect(),
            title: title
                .map(|t| Written { value: plain(&t.value), at: t.at })
                .unwrap_or(Written { value: String::new(), at: head }),
            id,
            head,
            steps,
            scripts,
            text,
            ..TaskDraft::default()
        };
        Some((task, status))
    }

    fn item(&mut self, raw: &'t RawValue) -> Option<Item<'t>> {
        if raw.get().starts_with('{') {
            return self.parse(raw.get());
        }
        let (text, at) = (format!("a task is {} here, and no object", kind(raw)), self.json.head(raw));
        self.error("not-json", text, at, "write `{\"id\": 1, \"title\": \"...\"}`");
        None
    }

    /// A number or a text.
    fn id(&mut self, raw: &'t RawValue) -> Option<Written<String>> {
        let is_number = raw.get().starts_with(|c: char| c.is_ascii_digit());
        let number = is_number.then(|| Written { value: raw.get().to_owned(), at: self.json.span(raw) });
        let text = || self.json.string(raw).filter(|id| !id.value.trim().is_empty());
        let id = number.or_else(text).map(|id| Written { value: tidy(&id.value), at: id.at });
        if id.is_none() && raw.get() != "null" {
            let (text, at) = (format!("an id is {} here", kind(raw)), self.json.head(raw));
            self.error("not-json", text, at, "an id is a number or a text");
        }
        id
    }

    /// A text that may be left out.
    fn words(&mut self, raw: Option<&'t RawValue>, name: &str) -> Option<Written<String>> {
        let raw = raw.filter(|raw| raw.get() != "null")?;
        let text = self.json.string(raw);
        if text.is_none() {
            let (text, at) = (format!("`{name}` is {}, and no text", kind(raw)), self.json.head(raw));
            self.error("not-json", text, at, "put it between quotes");
        }
        text
    }

    fn status(&mut self, item: &Item<'t>, head: Span, name: &str) -> Status {
        let Some(said) = self.words(item.status, "status") else { return Status::Open };
        match said.value.trim().to_lowercase().as_str() {
            "" | "pending" | "in-progress" | "in progress" | "todo" | "review" | "blocked" => Status::Open,
            "done" | "completed" | "complete" => Status::Done,
            "cancelled" | "canceled" => {
                let text = format!("task {name} is cancelled: it is not done, and nothing waits for it");
                self.tell(Severity::Warning, "cancelled", text, said.at, "take it out, or set it to pending");
                Status::Cancelled
            }
            "deferred" => {
                let text = format!("task {name} is deferred: it is not done in this run");
                self.tell(Severity::Warning, "deferred", text, said.at, "set it to pending where it is to be done now");
                Status::Deferred
            }
            other => {
                let text = format!("`{}` is no status that is known: task {name} is to be done", tidy(other));
                let help = "statuses are pending, in-progress, review, blocked, done, cancelled and deferred";
                let at = if said.value.is_empty() { head } else { said.at };
                self.tell(Severity::Warning, "unknown-status", text, at, help);
                Status::Open
            }
        }
    }

    fn needs(&mut self, item: &Item<'t>) -> Option<Needs> {
        let raw = item.dependencies().filter(|raw| raw.get() != "null")?;
        if !raw.get().starts_with('[') {
            let (text, at) = (format!("`dependencies` is {}, and no list", kind(raw)), self.json.head(raw));
            self.error("not-json", text, at, "write a list of ids: `\"dependencies\": [1, 2]`");
            return None;
        }
        let ids: Vec<&'t RawValue> = self.parse(raw.get())?;
        let named: Vec<Written<String>> = ids.into_iter().filter_map(|raw| self.id(raw)).collect();
        let value = named.iter().map(|id| id.value.as_str()).collect::<Vec<_>>().join(", ");
        let names = named.into_iter().map(|id| Written { value: Name::Task { id: id.value, plain: true }, at: id.at });
        Some(Needs { names: names.collect(), text: Written { value, at: self.json.span(raw) } })
    }

    fn subtasks(&mut self, item: &Item<'t>) -> Vec<(&'t RawValue, Item<'t>, bool)> {
        let Some(raw) = item.subtasks.filter(|raw| raw.get() != "null") else { return Vec::new() };
        if !raw.get().starts_with('[') {
            let (text, at) = (format!("`subtasks` is {}, and no list", kind(raw)), self.json.head(raw));
            self.error("not-json", text, at, "write a list of objects, as for `tasks`");
            return Vec::new();
        }
        let all: Vec<&'t RawValue> = self.parse(raw.get()).unwrap_or_default();
        let mut found = Vec::new();
        for raw in all {
            let Some(sub) = self.item(raw) else { continue };
            let status: Option<String> = sub.status.and_then(owned);
            let is_done =
                status.is_some_and(|s| matches!(s.to_lowercase().as_str(), "done" | "completed" | "complete"));
            found.push((raw, sub, is_done));
        }
        found
    }

    fn step(&mut self, sub: &Item<'t>, task: &str, is_done: bool) -> StepDraft {
        let id = sub.id.and_then(|raw| self.id(raw));
        let title = self.words(sub.title(), "title").unwrap_or_default();
        let id = id.map(|id| {
            // The file numbers them within their task: elsewhere they are called `task.sub`.
            let is_whole = id.value.starts_with(&format!("{task}."));
            Written { value: if is_whole { id.value } else { format!("{task}.{}", id.value) }, at: id.at }
        });
        StepDraft { id, title: Written { value: plain(&title.value), at: title.at }, is_done }
    }

    /// The task as a person would write it.
    fn text(
        &mut self,
        item: &Item<'t>,
        title: Option<&Written<String>>,
        subtasks: &[(&'t RawValue, Item<'t>, bool)],
    ) -> String {
        let read = |raw: Option<&'t RawValue>| raw.and_then(owned::<String>).filter(|text| !text.trim().is_empty());
        let mut text = title.map_or(String::new(), |title| format!("{}\n", title.value));
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, "\n{name}{value}\n");
            }
        };
        say("", read(item.description));
        say("", read(item.details).map(|details| without_scripts(&details)));
        say("Test strategy: ", read(item.test_strategy));
        say("Priority: ", read(item.priority));
        for (_, sub, is_done) in subtasks {
            let mark = if *is_done { "x" } else { " " };
            let title = read(sub.title()).unwrap_or_default();
            let more = [read(sub.description), read(sub.details), read(sub.test_strategy)];
            let more: Vec<String> = more.into_iter().flatten().collect();
            say(&format!("- [{mark}] "), Some(format!("{title}\n  {}", more.join("\n").replace('\n', "\n  "))));
        }
        text
    }

    /// Scripts in the details' fences, all of which stand where the details do.
    fn scripts(&mut self, item: &Item<'t>) -> Vec<ScriptDraft> {
        let Some(raw) = item.details else { return Vec::new() };
        let Some(details) = owned::<String>(raw).filter(|details| details.contains("role=")) else { return Vec::new() };
        let lines = Lines::new(&details, self.json.source);
        let mut told = Vec::new();
        let (scripts, _) = script::read(&lines, 0..lines.len(), &mut told);
        let at = self.json.head(raw);
        told.iter_mut().flat_map(|fault| &mut fault.labels).for_each(|label| label.at = at);
        self.faults.extend(told);
        scripts.into_iter().map(|script| ScriptDraft { at, ..script }).collect()
    }

    /// What waits for a deferred task cannot be done before it.
    fn put_off(&mut self, tasks: &[TaskDraft], statuses: &[Status]) {
        let label = |task: &TaskDraft| task.id.as_ref().map_or_else(|| task.title.value.clone(), |id| id.value.clone());
        let deferred: HashMap<String, ()> = tasks
            .iter()
            .zip(statuses)
            .filter(|(_, status)| **status == Status::Deferred)
            .map(|(task, _)| (label(task), ()))
            .collect();
        for (task, _) in tasks.iter().zip(statuses).filter(|(_, status)| **status == Status::Open) {
            for name in task.needs.iter().flat_map(|n| &n.names) {
                let Name::Task { id, .. } = &name.value else { continue };
                let of = if deferred.contains_key(id) { id } else { id.split('.').next().unwrap_or(id) };
                if deferred.contains_key(of) {
                    let text = format!("task {} waits for task {of}, which is deferred", label(task));
                    self.error("deferred", text, name.at, "set that one to pending, or defer this one too");
                }
            }
        }
    }
}

/// Details without the fences that are run: who is told of a task is not told of them.
fn without_scripts(details: &str) -> String {
    let lines = Lines::new(details, SourceId(0));
    script::read(&lines, 0..lines.len(), &mut Vec::new()).1
}
