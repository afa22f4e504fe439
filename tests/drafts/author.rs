//! An author of drafts: what a reader of documents would make of lines, each line put down in the draft's own source.

use tidegate::plan::{
    Arrow, Blueprint, ClaimDraft, Draft, Effort, Extent, Fault, GateDraft, Name, Needs, PhaseDraft, Prior, Role,
    ScriptDraft, Settings, Shown, Source, Span, StepDraft, StreamDraft, TaskDraft, Written, build,
};

/// A draft in the making. What is put down belongs to the task that was begun last.
#[derive(Default)]
pub struct Author {
    text: String,
    draft: Draft,
}

impl Author {
    /// Puts a line down.
    fn line(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        self.text.push('\n');
        Span { start, end, ..Span::default() }
    }

    fn written(&mut self, text: &str) -> Written<String> {
        Written { value: text.into(), at: self.line(text) }
    }

    fn last(&mut self) -> &mut TaskDraft {
        self.draft.tasks.last_mut().expect("a task was begun")
    }

    pub fn stream(&mut self, id: &str, title: &str) -> &mut Author {
        let at = self.line(&format!("Stream {id}: {title}"));
        let id_at = Span { start: at.start + 7, end: at.start + 7 + id.len() as u32, ..at };
        self.draft.streams.push(StreamDraft {
            id: Written { value: id.into(), at: id_at },
            aliases: Vec::new(),
            title: Written { value: title.into(), at: Span { start: id_at.end + 2, ..at } },
            needs: Vec::new(),
            checks: Vec::new(),
        });
        self
    }

    pub fn stream_alias(&mut self, alias: &str) -> &mut Author {
        self.draft.streams.last_mut().expect("a stream was begun").aliases.push(alias.into());
        self
    }

    pub fn stream_needs(&mut self, names: &[Name]) -> &mut Author {
        let needs = self.needs_of(names);
        self.draft.streams.last_mut().expect("a stream was begun").needs.push(needs);
        self
    }

    pub fn stream_check(&mut self, body: &str) -> &mut Author {
        let script = self.script_of(Role::Check, body);
        self.draft.streams.last_mut().expect("a stream was begun").checks.push(script);
        self
    }

    pub fn phase(&mut self, id: &str, title: &str, gates: &[&str]) -> &mut Author {
        let id = self.written(id);
        let title = self.written(title);
        let gates = gates.iter().map(|gate| self.written(gate)).collect();
        self.draft.phases.push(PhaseDraft { id, title, gates });
        self
    }

    /// A task in a stream; in none where that is empty.
    pub fn task(&mut self, stream: &str, id: &str, title: &str) -> &mut Author {
        let head = self.line(&format!("{id}: {title}"));
        let id_end = head.start + id.len() as u32;
        let id = (!id.is_empty())
            .then(|| Written { value: id.to_owned(), at: Span { start: head.start, end: id_end, ..head } });
        let stream = (!stream.is_empty()).then(|| Written { value: stream.to_owned(), at: head });
        let title = Written { value: title.to_owned(), at: head };
        self.draft.tasks.push(TaskDraft { id, title, head, stream, ..TaskDraft::default() });
        self
    }

    /// Whatever has no word of its own here.
    pub fn with(&mut self, change: impl FnOnce(&mut TaskDraft)) -> &mut Author {
        change(self.last());
        self
    }

    fn needs_of(&mut self, names: &[Name]) -> Needs {
        let said: Vec<String> = names.iter().map(said).collect();
        let at = self.line(&said.join(", "));
        let mut start = at.start;
        let mut written = Vec::new();
        for (name, text) in names.iter().zip(&said) {
            let end = start + text.len() as u32;
            written.push(Written { value: name.clone(), at: Span { start, end, ..at } });
            start = end + 2;
        }
        Needs { text: Written { value: said.join(", "), at }, names: written }
    }

    pub fn needs(&mut self, names: &[Name]) -> &mut Author {
        let needs = self.needs_of(names);
        self.last().needs.push(needs);
        self
    }

    pub fn blocks(&mut self, names: &[Name]) -> &mut Author {
        let needs = self.needs_of(names);
        self.last().blocks.push(needs);
        self
    }

    pub fn comes_after(&mut self, prior: Prior) -> &mut Author {
        self.last().order.push(prior);
        self
    }

    pub fn in_phase(&mut self, phase: usize) -> &mut Author {
        self.last().phase = Some(phase);
        self
    }

    pub fn done(&mut self) -> &mut Author {
        self.last().is_done = true;
        self
    }

    pub fn effort(&mut self, effort: Effort) -> &mut Author {
        let at = self.line("effort");
        self.last().effort = Some(Written { value: effort, at });
        self
    }

    pub fn tests(&mut self, text: &str) -> &mut Author {
        let tests = self.written(text);
        self.last().tests.push(tests);
        self
    }

    pub fn files(&mut self, paths: &[&str]) -> &mut Author {
        let paths: Vec<_> = paths.iter().map(|path| self.written(path)).collect();
        self.last().files.extend(paths);
        self
    }

    pub fn claims(&mut self, name: &str, is_certain: bool) -> &mut Author {
        let name = self.written(name);
        self.last().claims.push(ClaimDraft { name, is_certain });
        self
    }

    pub fn phases(&mut self, phases: &[&str]) -> &mut Author {
        let all = tidegate::plan::Phase::OF_TASK;
        for name in phases {
            let at = self.line(name);
            let value = all.into_iter().find(|phase| phase.name() == *name);
            self.last().phases.push(Written { value, at });
        }
        self
    }

    pub fn acceptance(&mut self, text: &str) -> &mut Author {
        let text = self.written(text);
        self.last().acceptance.push(text);
        self
    }

    pub fn own_gate(&mut self, text: &str) -> &mut Author {
        let text = self.written(text);
        self.last().gates.push(text);
        self
    }

    pub fn step(&mut self, id: &str, title: &str) -> &mut Author {
        let (id, title) = (self.written(id), self.written(title));
        self.last().steps.push(StepDraft { id: Some(id), title, is_done: false });
        self
    }

    fn script_of(&mut self, role: Role, body: &str) -> ScriptDraft {
        let at = self.line(&format!("sh role={}", role.name()));
        ScriptDraft { role, name: None, body: body.into(), figure: None, bound: None, at }
    }

    pub fn script(&mut self, role: Role, body: &str) -> &mut Author {
        let script = self.script_of(role, body);
        self.last().scripts.push(script);
        self
    }

    /// A gate line: behind what its names mean, or in a stream's section, or neither.
    pub fn gate(&mut self, id: &str, text: &str, after: &[Name], section: &str) -> &mut Author {
        let id = (!id.is_empty()).then(|| self.written(id));
        let text = self.written(text);
        let after = (!after.is_empty()).then(|| self.needs_of(after));
        let stream = (!section.is_empty()).then(|| section.to_owned());
        self.draft.gates.push(GateDraft { id, text, after, stream, checks: Vec::new() });
        self
    }

    pub fn gate_check(&mut self, body: &str) -> &mut Author {
        let script = self.script_of(Role::Check, body);
        self.draft.gates.last_mut().expect("a gate line was written").checks.push(script);
        self
    }

    pub fn arrow(&mut self, before: usize, after: usize, is_binding: bool) -> &mut Author {
        let at = self.line(&format!("{before} --> {after}"));
        let by = if is_binding { Shown::Graph } else { Shown::Document };
        self.draft.arrows.push(Arrow { before, after, at, by });
        self
    }

    pub fn row(&mut self, before: usize, after: usize) -> &mut Author {
        let at = self.line(&format!("| {after} | {before} |"));
        self.draft.arrows.push(Arrow { before, after, at, by: Shown::Row });
        self
    }

    pub fn draft(&self) -> Draft {
        let source = Source::new("breakdown.md".into(), self.text.clone());
        Draft { topic: "topic".into(), sources: vec![source], ..self.draft.clone() }
    }

    pub fn settled(&self, settings: &Settings) -> Result<(Blueprint, Vec<Fault>), Vec<Fault>> {
        build(&self.draft(), settings)
    }

    /// The plan, of which it does not matter what is warned of.
    pub fn plan(&self, settings: &Settings) -> Blueprint {
        self.settled(settings).unwrap_or_else(|faults| panic!("{faults:#?}")).0
    }

    /// What is told, whether the plan is refused for it or not.
    pub fn faults(&self, settings: &Settings) -> Vec<Fault> {
        match self.settled(settings) {
            Ok((_, faults)) | Err(faults) => faults,
        }
    }
}

/// What is put down beside what all drafts of a test have.
pub type Change = fn(&mut Author) -> &mut Author;

/// Names, as a reader has them.
pub fn task(id: &str) -> Name {
    Name::Task { id: id.into(), plain: true }
}

pub fn perhaps_task(id: &str) -> Name {
    Name::Task { id: id.into(), plain: false }
}

pub fn stream(id: &str) -> Name {
    Name::Stream { id: id.into(), plain: true }
}

pub fn words(text: &str) -> Name {
    Name::Words(text.into())
}

/// A name as it was written.
fn said(name: &Name) -> String {
    match name {
        Name::Task { id, plain: true } => format!("Task {id}"),
        Name::Task { id, plain: false } | Name::Words(id) => id.clone(),
        Name::Tasks(from, to) => format!("Tasks {from}-{to}"),
        Name::Title(title) => format!("Task: {title}"),
        Name::Stream { id, plain: true } => format!("Stream {id}"),
        Name::Stream { id, plain: false } => id.clone(),
        Name::Streams(from, to) => format!("Streams {from}-{to}"),
        Name::InStream { stream, task } => format!("Stream {stream} task {task}"),
        Name::AllStreams(extent) => format!("{} streams", which(*extent)),
        Name::AllTasks(extent) => format!("{} tasks", which(*extent)),
        Name::Gate(id) => format!("Gate {id}"),
        Name::Except(inner) => format!("except {}", said(inner)),
    }
}

fn which(extent: Extent) -> &'static str {
    match extent {
        Extent::Others => "all",
        Extent::Before => "all previous",
        Extent::Last => "the previous",
    }
}
