//! From a draft to a blueprint: names resolved, gates hung in. All faults at once, each with its place and what to write.

use super::{
    BackendId, Blueprint, CoverageWish, Deployment, Draft, Fault, Hold, Label, Measure, Phase, Prior, Role, Severity,
    Span, TaskDraft, Written,
    checkpoint::Standing,
    edges::Edges,
    hang::{has, phases},
    register::Register,
    resolve::{Key, MOST_EDGES, Names, Target, Unknown},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the configuration has to say about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Command lines of the task gates.
    pub task_checks: Vec<String>,
    /// Command lines of the stream gates (and of checkpoints).
    pub stream_checks: Vec<String>,
    /// Command lines of the system gate.
    pub system_checks: Vec<String>,
    /// Command lines of the deployment gate.
    pub deployment_checks: Vec<String>,
    /// A gate without a check was asked for by flag.
    pub without_checks: bool,
    /// What the deployment gate asks for beside its checks. `None`: nothing is said; there is one only where it has checks.
    pub deployment: Option<Deployment>,
    /// What leaves reports of coverage, and what they must say.
    pub coverage: Option<CoverageWish>,
    /// Figures that commands of the configuration measure.
    pub measures: Vec<Measure>,
    /// The sealed tests have to fail without the code.
    pub bodies_out: bool,
    /// Scripts work where the repository is, without a clone and a merge: a task has the one phase implement.
    pub in_place: bool,
    /// Minutes of a small task.
    pub small: u32,
    /// Minutes of a medium task, and of one that says nothing.
    pub medium: u32,
    /// Minutes of a large task.
    pub large: u32,
    /// Minutes of an extra large task.
    pub extra_large: u32,
    /// Resources that are known, with how long each is held.
    pub resources: BTreeMap<String, Hold>,
    /// Files and folders: tasks that declare the same exclude each other.
    pub critical: Vec<String>,
    /// Who reviews a task that a model does.
    pub reviewers: Vec<String>,
    /// What runs a role where no script does: a backend, with a model (`claude:opus`) or without, and what it falls back to.
    pub engines: BTreeMap<Role, (String, Option<String>)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            task_checks: Vec::new(),
            stream_checks: Vec::new(),
            system_checks: Vec::new(),
            deployment_checks: Vec::new(),
            without_checks: false,
            deployment: None,
            coverage: None,
            measures: Vec::new(),
            bodies_out: true,
            in_place: false,
            small: 15,
            medium: 45,
            large: 120,
            extra_large: 360,
            resources: BTreeMap::new(),
            critical: Vec::new(),
            reviewers: Vec::new(),
            engines: BTreeMap::new(),
        }
    }
}

/// More streams than this are a slip.
const MOST_STREAMS: usize = 4_096;
/// Of one kind of fault no more than this are told.
pub(super) const MOST_FAULTS: usize = 200;

pub(super) struct Builder<'d> {
    /// What is built from.
    pub draft: &'d Draft,
    /// What the configuration says.
    pub settings: &'d Settings,
    /// Names and what they stand for.
    pub names: Names<'d>,
    /// All that is wrong so far.
    pub faults: Vec<Fault>,
    /// How many there were of each kind.
    counts: BTreeMap<&'static str, usize>,
    /// Unknown names that were told: a place may be asked for more than once.
    told: BTreeSet<Span>,
    /// Tasks that wait for a gate line, with where that is stated: `(line, task)`.
    pub after_gates: Vec<(usize, usize, Span)>,
    /// Who comes before whom.
    pub edges: Edges,
    /// Nodes of the checkpoints so far.
    pub checkpoints: BTreeMap<Standing, usize>,
    /// The blueprint's table of backends.
    pub backends: Register<Box<str>, Box<str>>,
    /// The blueprint's table.
    pub reviewers: Register<(Box<str>, BackendId), (Box<str>, BackendId)>,
    /// The blueprint's table.
    pub resources: Register<Box<str>, (Box<str>, Hold)>,
    /// Names of which a task says that nobody else may have them meanwhile.
    pub exclusive: BTreeSet<&'d str>,
}

/// The blueprint and what to warn of, or all faults (warnings among them).
///
/// # Errors
/// Any fault that refuses the run: no tasks, an unknown dependency, a cycle, a duplicate id, an empty stream, a task
/// without a title.
pub fn build(draft: &Draft, settings: &Settings) -> Result<(Blueprint, Vec<Fault>), Vec<Fault>> {
    let names = Names::new(draft);
    let certain = draft.tasks.iter().flat_map(|task| &task.claims).filter(|claim| claim.is_certain);
    let mut builder = Builder {
        draft,
        settings,
        names,
        faults: Vec::new(),
        counts: BTreeMap::new(),
        told: BTreeSet::new(),
        after_gates: Vec::new(),
        edges: Edges::default(),
        checkpoints: BTreeMap::new(),
        backends: Register::default(),
        reviewers: Register::default(),
        resources: Register::default(),
        exclusive: certain.map(|claim| claim.name.value.as_str()).collect(),
    };
    let blueprint = builder.has_shape().then(|| {
        builder.dependencies();
        builder.agreement();
        builder.blueprint()
    });
    builder.size_faults();
    blueprint.iter().for_each(|blueprint| builder.cycle_faults(blueprint));
    let draft_order = |f: &Fault| f.labels.first().map(|l| (l.at.source, l.at.start));
    builder.faults.sort_by_key(draft_order);
    let is_refused = builder.faults.iter().any(|f| f.severity == Severity::Error);
    match blueprint {
        Some(blueprint) if !is_refused => Ok((blueprint, builder.faults)),
        _ => Err(builder.faults),
    }
}

/// What is stated, as `task:5` and `stream:B`: by each task itself, and for each stream as a whole.
pub fn stated(draft: &Draft) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let names = Names::new(draft);
    let told = |needs: &[super::Needs], own| {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        needs.iter().for_each(|n| names.resolve(n, own, &mut found, &mut unknown));
        let mut told: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for (target, _) in found {
            let name = match target {
                Target::Task(task) => format!("task:{}", names.labels[task]),
                Target::Stream(stream) => format!("stream:{}", draft.streams[stream].id.value),
                Target::Gate(gate) => format!("gate:{}", draft.gates[gate].id.as_ref().map_or("", |id| &id.value)),
            };
            if seen.insert(name.clone()) {
                told.push(name);
            }
        }
        told
    };
    let of_task = |(place, t): (usize, &TaskDraft)| told(&t.needs, Some(Target::Task(place)));
    let tasks = draft.tasks.iter().enumerate().map(of_task).collect();
    // A stream's `all groups` are the others: itself is left out.
    let of_stream = |(place, s): (usize, &super::StreamDraft)| {
        let own = format!("stream:{}", s.id.value);
        told(&s.needs, Some(Target::Stream(place))).into_iter().filter(|n| *n != own).collect()
    };
    (tasks, draft.streams.iter().enumerate().map(of_stream).collect())
}

impl Builder<'_> {
    pub(super) fn fault(
        &mut self,
        severity: Severity,
        code: &'static str,
        text: String,
        at: &[(Span, &str)],
        help: Option<&str>,
    ) {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count <= MOST_FAULTS {
            let labels = at.iter().map(|&(at, text)| Label { at, text: text.to_owned() }).collect();
            self.faults.push(Fault { severity, code, text, labels, help: help.map(str::to_owned) });
        }
    }

    pub(super) fn error(&mut self, code: &'static str, text: String, at: &[(Span, &str)], help: &str) {
        self.fault(Severity::Error, code, text, at, Some(help));
    }

    pub(super) fn warn(&mut self, code: &'static str, text: String, at: Span, help: &str) {
        self.fault(Severity::Warning, code, text, &[(at, "")], Some(help));
    }

    /// Tells what is wrong with the tasks and streams by themselves. Whether there is anything of which a plan can be made.
    fn has_shape(&mut self) -> bool {
        let draft = self.draft;
        let top = draft.title.as_ref().map_or_else(|| first_line(draft), |t| t.at);
        if draft.tasks.is_empty() {
            let help = "write tasks as `1. **Title**` under `### Stream A: Name`, as `### Task 1: Title`, or as \
                        `1. [ ] **Title**`; chunk plans (`### Chunk 1: Title`), step plans (`### Step 1: Title`), \
                        spec-kit lists (`- [ ] T001 Title`) and task-master's JSON are read too";
            self.error("no-tasks", "there are no tasks in this document".to_owned(), &[(top, "")], help);
            return false;
        }
        if draft.streams.len() > MOST_STREAMS {
            self.error("too-many-streams", format!("more than {MOST_STREAMS} streams"), &[(top, "")], "merge some");
            return false;
        }
        let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
        for (place, task) in draft.tasks.iter().enumerate() {
            let label = self.names.labels[place].clone();
            let first = *seen.entry(label.to_lowercase().into()).or_insert(place);
            if first != place {
                let at = [(task.head, "and again here"), (draft.tasks[first].head, "first here")];
                self.error(
                    "duplicate-id",
                    format!("two {} are called {label}", draft.form.nouns()),
                    &at,
                    "give one of them a number of its own",
                );
            }
            if task.title.value.is_empty() {
                let at = [(task.head, "nothing between the signs")];
                self.error(
                    "no-title",
                    format!("{} {label} has no title", draft.form.noun),
                    &at,
                    "say in a few words what is to be done",
                );
            }
            for phase in task.phases.iter().filter(|p| p.value.is_none()) {
                let text = format!("`{}` is no phase of a task", draft.slice(phase.at));
                self.error(
                    "unknown-phase",
                    text,
                    &[(phase.at, "")],
                    "phases are tests, red, implement, verify, review, merge",
                );
            }
            self.task_warnings(task, &label);
            if self.settings.in_place {
                self.in_place_faults(task, &label);
            }
        }
        let used: BTreeSet<usize> = self.names.stream_of.iter().copied().flatten().collect();
        for (place, stream) in draft.streams.iter().enumerate().filter(|(place, _)| !used.contains(place)) {
            let text = format!("stream {} has no tasks", draft.streams[place].id.value);
            let at = [(whole_line(draft, stream.title.at, stream.id.at), "")];
            self.error("empty-stream", text, &at, "write its tasks below it, or take the heading out");
        }
        let has_gates = !draft.gates.is_empty() || draft.streams.iter().any(|s| !s.checks.is_empty());
        // A list of tasks has no place for them.
        if draft.form.has_gates && !has_gates {
            let help =
                "add a section `### Quality Gates` with lines such as `- **Gate 1**: All tests pass (after Stream A)`";
            self.warn("no-quality-gates", format!("the {} has no quality gates", draft.form.name), top, help);
        }
        true
    }

    /// In place there is nothing but scripts: no tree that could be tested, judged or merged by itself.
    fn in_place_faults(&mut self, task: &TaskDraft, label: &str) {
        let others = task.scripts.iter().find(|script| script.role != Role::Implementation);
        let is_more = |phase: &&Written<Option<Phase>>| phase.value.is_some_and(|phase| phase != Phase::Implement);
        let (at, what) = match (has(task, Role::Implementation), others, task.phases.iter().find(is_more)) {
            _ if task.is_done => return,
            (false, ..) => (task.head, "has no script"),
            (_, Some(script), _) => (script.at, "has a script for another role than the implementation"),
            (_, _, Some(phase)) => (phase.at, "has another phase than implement"),
            (true, None, None) => return,
        };
        let help = "give it one block ```sh role=implementation and nothing else, or take `mode = \"in-place\"` out of tidegate.toml";
        self.error("not-in-place", format!("task {label} {what}, and tasks are done in place"), &[(at, "")], help);
    }

    fn task_warnings(&mut self, task: &TaskDraft, label: &str) {
        for script in task.scripts.iter().filter(|script| script.role == Role::Check) {
            self.figure_faults("", std::slice::from_ref(script), script.at);
        }
        let is_scripted = has(task, Role::Implementation);
        let has_tests = phases(task, false).contains(Phase::Tests);
        if task.tests.is_empty() && !is_scripted && !task.is_done && has_tests {
            let help = "add `- Test Requirements: ...`; `Test Requirements: None` says that there are none";
            self.warn(
                "no-test-requirements",
                format!("{} {label} states no test requirements", self.draft.form.noun),
                task.head,
                help,
            );
        }
    }

    /// Edges between tasks, their gates and the streams' gates.
    fn dependencies(&mut self) {
        let draft = self.draft;
        let count = draft.tasks.len();
        for (place, task) in draft.tasks.iter().enumerate() {
            let mut found = Vec::new();
            let mut unknown = Vec::new();
            for needs in &task.needs {
                self.names.resolve(needs, Some(Target::Task(place)), &mut found, &mut unknown);
            }
            found.into_iter().for_each(|(target, at)| self.wait(place, target, at));
            self.unknown(unknown);
            for &prior in &task.order {
                let before = match prior {
                    Prior::Task(before) => count + before,
                    Prior::Phase(phase) => self.phase_gate(phase),
                };
                self.edge(before, place, Some(task.head));
            }
            self.edge(place, count + place, None);
            if let Some(phase) = task.phase {
                self.edge(count + place, self.phase_gate(phase), None);
            }
        }
        let behind = self.stated();
        self.blocked(&behind);
        for stream in 0..draft.streams.len() {
            self.stream_dependencies(stream, &behind);
        }
        for (place, stream) in self.names.stream_of.clone().into_iter().enumerate() {
            if let Some(stream) = stream {
                self.edge(count + place, 2 * count + stream, None);
            }
        }
    }

    /// What a task says waits for it, where that is said of something there is: more than a name is often prose.
    fn blocked(&mut self, behind: &[Vec<u32>]) {
        let draft = self.draft;
        let gates = draft.tasks.len();
        let mut heads: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, task) in draft.tasks.iter().enumerate() {
            let (mut found, mut unknown) = (Vec::new(), Vec::new());
            for blocks in &task.blocks {
                self.names.resolve(blocks, Some(Target::Task(place)), &mut found, &mut unknown);
            }
            for (target, at) in found {
                match target {
                    Target::Task(task) => self.edge(gates + place, task, Some(at)),
                    Target::Stream(stream) if self.names.stream_of[place] != Some(stream) => {
                        let heads = heads.entry(stream).or_insert_with(|| self.heads(stream, behind));
                        heads.iter().for_each(|&task| self.edge(gates + place, task, Some(at)));
                    }
                    Target::Stream(_) | Target::Gate(_) => {}
                }
            }
            // What is plainly a reference is told, and is no error: nobody can be held back who is not there.
            let told = unknown.into_iter().filter(|unknown| unknown.is_reference);
            self.unknown(told.map(|unknown| Unknown { is_reference: false, ..unknown }).collect());
        }
    }

    fn size_faults(&mut self) {
        if self.names.is_over() || self.edges.sorted().len() > MOST_EDGES {
            let text = format!("the dependencies make more than {MOST_EDGES} edges");
            self.error("too-many-edges", text, &[], "name streams instead of ranges of tasks");
        }
        let full = [("reviewers", self.reviewers.is_full()), ("resources", self.resources.is_full())];
        for (what, _) in full.into_iter().filter(|(_, is_full)| *is_full) {
            let text = format!("there are more than 65,536 {what}");
            self.error("too-many-names", text, &[], "let tasks share some of them, or split the plan");
        }
    }

    /// The node of a target's gate; none of a gate line, which is hung in later.
    pub(super) fn gate_of(&self, target: Target) -> Option<usize> {
        let count = self.draft.tasks.len();
        match target {
            Target::Task(task) => Some(count + task),
            Target::Stream(stream) => Some(2 * count + stream),
            Target::Gate(_) => None,
        }
    }

    fn wait(&mut self, task: usize, target: Target, at: Span) {
        match (self.gate_of(target), target) {
            (Some(gate), _) => self.edge(gate, task, Some(at)),
            (None, Target::Gate(line)) if self.after_gates.len() <= MOST_EDGES => {
                self.after_gates.push((line, task, at));
            }
            (None, _) => {}
        }
    }

    /// The node of a phase's gate.
    pub(super) fn phase_gate(&self, phase: usize) -> usize {
        2 * self.draft.tasks.len() + self.draft.streams.len() + phase
    }

    pub(super) fn edge(&mut self, before: usize, after: usize, at: Option<Span>) {
        self.edges.insert((before as u32, after as u32), at);
    }

    /// What a stream's heading says holds for those of its tasks that no task of the same stream precedes.
    fn stream_dependencies(&mut self, stream: usize, behind: &[Vec<u32>]) {
        let draft = self.draft;
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for needs in &draft.streams[stream].needs {
            self.names.resolve(needs, Some(Target::Stream(stream)), &mut found, &mut unknown);
        }
        self.unknown(unknown);
        if found.is_empty() {
            return;
        }
        let heads = self.heads(stream, behind);
        for (target, at) in found {
            let is_own = match target {
                Target::Task(task) => self.names.stream_of[task] == Some(stream),
                Target::Stream(other) => other == stream,
                Target::Gate(_) => false,
            };
            for &task in heads.iter().filter(|_| !is_own) {
                self.wait(task, target, at);
            }
        }
    }

    /// For each task the tasks that wait for it by what they state themselves.
    fn stated(&mut self) -> Vec<Vec<u32>> {
        let count = self.draft.tasks.len();
        let mut behind = vec![Vec::new(); count];
        for &((before, after), _) in self.edges.sorted() {
            let (before, to) = (before as usize, after as usize);
            if (count..2 * count).contains(&before) && to < count {
                behind[before - count].push(after);
            }
        }
        behind
    }

    /// The stream's tasks that no other of its tasks precedes.
    fn heads(&self, stream: usize, behind: &[Vec<u32>]) -> Vec<usize> {
        let mut reached = vec![false; behind.len()];
        let mut open = self.names.tasks_of[stream].clone();
        while let Some(task) = open.pop() {
            for &next in &behind[task] {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    open.push(next as usize);
                }
            }
        }
        // In a cycle each precedes the other: the cycle itself is told.
        self.names.tasks_of[stream].iter().copied().filter(|&t| !reached[t]).collect()
    }

    pub(super) fn unknown(&mut self, unknown: Vec<Unknown>) {
        for Unknown { at, text, is_reference, near } in unknown {
            if !self.told.insert(at) {
                continue;
            }
            if is_reference {
                let help = near.map_or_else(
                    || "name a task by its id or title, a stream by its letter, or write `None`".to_owned(),
                    |near| format!("the nearest name is `{near}`"),
                );
                self.error(
                    "unknown-dependency",
                    format!("there is no {text}"),
                    &[(at, &format!("names nothing in this {}", self.draft.form.name))],
                    &help,
                );
            } else {
                let text = format!("`{text}` names no task or stream: it is kept as text and makes no edge");
                self.warn("unresolved-dependency", text, at, "name a task by its id if one is meant");
            }
        }
    }
}

/// The source's first line that has anything on it.
fn first_line(draft: &Draft) -> Span {
    let text = draft.sources.first().map_or("", |s| s.text.as_str());
    let start = text.len() - text.trim_start().len();
    let end = start + text[start..].lines().next().unwrap_or_default().trim_end().len();
    Span { start: start as u32, end: end as u32, ..Span::default() }
}

fn whole_line(draft: &Draft, a: Span, b: Span) -> Span {
    let is_same = draft.line(a) == draft.line(b);
    if is_same { Span { source: a.source, start: a.start.min(b.start), end: a.end.max(b.end) } } else { b }
}
