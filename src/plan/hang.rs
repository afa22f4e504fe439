//! The blueprint's nodes: tasks with their phases and reviewers, and the gates with what each has to prove.

use super::{
    BackendId, Blueprint, Brief, Criterion, Effort, Gate, GateDraft, Level, Means, Node, NodeId, Phase, Phases,
    ReviewerId, Role, Script, ScriptDraft, StreamId, Task, TaskDraft, TestWish, Written, build::Builder, criteria,
    measure::Instruments, resolve::Target,
};
use std::collections::{BTreeMap, BTreeSet};

/// The stream of the tasks that are in none.
pub const NO_STREAM: &str = "-";
/// Runs what has scripts.
const SCRIPT: BackendId = BackendId(0);
/// The same, by name. It needs no model, and costs nothing.
pub(super) const SCRIPT_NAME: &str = "script";
/// Plays back what was recorded: no model is asked either.
pub(super) const REPLAY_NAME: &str = "replay";
/// What runs a role of which the configuration says nothing.
const UNNAMED: &str = "default";

impl Builder<'_> {
    /// The normalised data, with all that hangs in it.
    pub(super) fn blueprint(&mut self) -> Blueprint {
        let draft = self.draft;
        self.backend(SCRIPT_NAME);
        let count = draft.tasks.len();
        let mut streams: Vec<(Box<str>, Box<str>)> =
            draft.streams.iter().map(|s| (s.id.value.as_str().into(), s.title.value.as_str().into())).collect();
        if self.names.stream_of.contains(&None) {
            streams.push((NO_STREAM.into(), "Tasks without a stream".into()));
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(2 * count + streams.len() + 2);
        for place in 0..count {
            nodes.push(Node::Task(Box::new(self.task(place))));
        }
        for place in 0..count {
            let criteria = self.task_criteria(place, &nodes[place]);
            let label = format!("task:{}", self.names.labels[place]).into();
            nodes.push(Node::Gate(Gate { level: Level::Task(NodeId(place as u32)), label, criteria }));
        }
        self.hang_gates(&mut nodes);
        let edges = self.edges.sorted().iter().map(|&((a, b), _)| (NodeId(a), NodeId(b))).collect();
        Blueprint {
            topic: draft.topic.as_str().into(),
            title: draft.title.as_ref().map_or(draft.topic.as_str(), |t| &t.value).into(),
            origins: Vec::new(),
            streams,
            fallbacks: self.fallbacks(),
            backends: self.backends.take(),
            reviewers: self.reviewers.take(),
            resources: self.resources.take(),
            nodes,
            edges,
            context: draft.context.as_str().into(),
        }
    }

    fn task(&mut self, place: usize) -> Task {
        let task = &self.draft.tasks[place];
        let settings = self.settings;
        let minutes = match task.effort.as_ref().map(|e| e.value) {
            Some(Effort::Small) => settings.small,
            Some(Effort::Medium) | None => settings.medium,
            Some(Effort::Large) => settings.large,
            Some(Effort::ExtraLarge) => settings.extra_large,
            Some(Effort::Minutes(minutes)) => minutes,
        };
        let line = |at| self.draft.line(at);
        let scripts: Vec<Script> = task
            .scripts
            .iter()
            .map(|s| Script {
                role: s.role,
                name: s.name.as_deref().map(Into::into),
                body: s.body.as_str().into(),
                line: line(s.at),
            })
            .collect();
        let texts = |all: &[Written<String>]| all.iter().map(|w| w.value.as_str().into()).collect();
        let brief = Brief {
            text: task.text.as_str().into(),
            tests: wish(task),
            files: texts(&task.files),
            acceptance: texts(&task.acceptance),
            commit: task.commit.as_ref().map(|c| c.value.as_str().into()),
            scripts,
            line: line(task.head),
        };
        let no_stream = self.draft.streams.len();
        let is_alone = settings.in_place && !task.is_done;
        let mut phases = if is_alone { vec![Phase::Implement].into() } else { phases(task, true) };
        let reviewers = if phases.contains(Phase::Review) { self.reviewers_of(place) } else { Vec::new() };
        if reviewers.is_empty() && task.phases.is_empty() {
            phases = phases.without(Phase::Review);
        }
        Task {
            label: self.names.labels[place].as_str().into(),
            title: task.title.value.as_str().into(),
            stream: StreamId(self.names.stream_of[place].unwrap_or(no_stream) as u16),
            minutes,
            phases,
            done: task.is_done,
            backend: self.runs(place, Role::Implementation),
            others: self.others(place, phases),
            reviewers,
            needs: self.claims(place),
            brief,
        }
    }

    /// What runs a role of a task: its script, else what the configuration says.
    fn runs(&mut self, place: usize, role: Role) -> BackendId {
        if has(&self.draft.tasks[place], role) { SCRIPT } else { self.engine(role) }
    }

    fn engine(&mut self, role: Role) -> BackendId {
        let name = self.settings.engines.get(&role).map_or(UNNAMED, |(name, _)| name);
        self.backend(name)
    }

    /// The number of a backend. There are as many as roles at most, and fallbacks of these.
    fn backend(&mut self, name: &str) -> BackendId {
        BackendId(self.backends.number(name.into(), Clone::clone).unwrap_or_default())
    }

    /// Who writes its tests, where it is somebody else than who writes its code; and who looks at it when it keeps failing: no model
    /// has anything to say of a task that a script does.
    fn others(&mut self, place: usize, phases: Phases) -> BTreeMap<Role, BackendId> {
        let (code, mut others) = (self.runs(place, Role::Implementation), BTreeMap::new());
        if phases.contains(Phase::Tests) {
            let tests = self.runs(place, Role::TestDeveloper);
            others.extend((tests != code).then_some((Role::TestDeveloper, tests)));
        }
        for role in [Role::Expert, Role::Coordinator] {
            if code != SCRIPT || has(&self.draft.tasks[place], role) {
                others.insert(role, self.runs(place, role));
            }
        }
        others
    }

    fn fallbacks(&mut self) -> Vec<(Role, BackendId, BackendId)> {
        let mut fallbacks = Vec::new();
        for (&role, (name, fallback)) in &self.settings.engines {
            let Some(fallback) = fallback.as_ref().filter(|fallback| *fallback != name) else { continue };
            // A role that no task has is run by nobody.
            if let Some(from) = self.backends.known(name.as_str()) {
                fallbacks.push((role, BackendId(from), self.backend(fallback)));
            }
        }
        fallbacks
    }

    fn reviewers_of(&mut self, place: usize) -> Vec<ReviewerId> {
        let task = &self.draft.tasks[place];
        let scripted = task.scripts.iter().filter(|s| s.role == Role::Reviewer);
        let mut asked: Vec<(String, BackendId)> =
            scripted.map(|s| (s.name.clone().unwrap_or_else(|| "reviewer".to_owned()), SCRIPT)).collect();
        if !has(task, Role::Implementation) {
            let model = self.engine(Role::Reviewer);
            asked.extend(self.settings.reviewers.iter().map(|r| (r.clone(), model)));
        }
        let mut ids: Vec<ReviewerId> = Vec::new();
        for (name, backend) in asked {
            let id = self.reviewers.number((name.into(), backend), Clone::clone).map(ReviewerId);
            ids.extend(id.filter(|id| !ids.contains(id)));
        }
        ids
    }

    fn task_criteria(&self, place: usize, node: &Node) -> Vec<Criterion> {
        let draft = &self.draft.tasks[place];
        let Some(task) = node.task() else { return Vec::new() };
        let name = |r: &ReviewerId| (*r, &*self.reviewers.row(r.0).0);
        let reviewers: Vec<_> = task.reviewers.iter().map(name).collect();
        let settings = self.settings;
        // In place no tree is judged by itself: what a task's own lines ask for, a person has to see.
        let checks = if settings.in_place { &[][..] } else { &settings.task_checks };
        let level = Instruments { settings, checks, is_task: true };
        let mut criteria = criteria::of_task(task.phases, checks, settings.bodies_out, &reviewers);
        if task.phases.contains(Phase::Verify) {
            criteria.extend(level.configured("task"));
        }
        let line = |at| self.draft.line(at);
        if settings.in_place {
            let asked = draft.gates.iter().chain(draft.acceptance.iter().filter(|t| criteria::is_approval(&t.value)));
            criteria.extend(asked.map(|text| criteria::by_person(&text.value, line(text.at))));
            return criteria;
        }
        for text in &draft.gates {
            criteria.push(criteria::authored(&text.value, self.draft.slice(text.at), line(text.at), &[], level));
        }
        for text in &draft.acceptance {
            criteria.extend(criteria::accepted(&text.value, self.draft.slice(text.at), line(text.at), level));
        }
        for script in draft.scripts.iter().filter(|s| s.role == Role::Check) {
            criteria.push(self.own_check("the task's own check succeeds", script));
        }
        criteria
    }

    fn own_check(&self, text: &str, script: &ScriptDraft) -> Criterion {
        let means = criteria::own_means("", std::slice::from_ref(script));
        let commands = || vec![script.body.as_str().into()];
        let means = means.unwrap_or_else(|| Means::Checked { commands: commands() });
        Criterion { text: text.into(), line: Some(self.draft.line(script.at)), means }
    }

    /// Stream gates, checkpoints, the system gate and, where it is asked for, the deployment gate.
    fn hang_gates(&mut self, nodes: &mut Vec<Node>) {
        let draft = self.draft;
        let settings = self.settings;
        let first_stream = nodes.len();
        let stream_level = Instruments { settings, checks: &settings.stream_checks, is_task: false };
        for (place, stream) in draft.streams.iter().enumerate() {
            let mut criteria = criteria::of_level("the stream checks succeed", "stream", stream_level);
            for script in &stream.checks {
                criteria.push(self.own_check("the stream's own check succeeds", script));
            }
            let label = format!("stream:{}", stream.id.value).into();
            nodes.push(Node::Gate(Gate { level: Level::Stream(StreamId(place as u16)), label, criteria }));
        }
        self.hang_phases(nodes);
        let level = Instruments { settings, checks: &settings.system_checks, is_task: false };
        let criteria = criteria::of_level("the system checks succeed", "system", level);
        let mut system = Gate { level: Level::System, label: "system".into(), criteria };
        let mut before: Vec<usize> = (first_stream..nodes.len()).collect();
        let count = draft.tasks.len();
        before.extend((0..count).filter(|&t| self.names.stream_of[t].is_none()).map(|t| count + t));
        let mut hung = Vec::with_capacity(draft.gates.len());
        for gate in &draft.gates {
            let at = self.hang_line(gate, nodes, &mut system);
            before.extend(at.filter(|&at| matches!(&nodes[at], Node::Gate(gate) if gate.level == Level::Checkpoint)));
            hung.push(at);
        }
        self.check_checkpoints(nodes);
        self.wait_for_gates(&hung);
        self.hold_behind();
        let at = nodes.len();
        nodes.push(Node::Gate(system));
        before.into_iter().for_each(|b| self.edge(b, at, None));
        self.hang_deployment(nodes, at);
    }

    /// The last gate: what is deployed is built, complete, clean, and a person's word where that is asked for.
    fn hang_deployment(&mut self, nodes: &mut Vec<Node>, system: usize) {
        let settings = self.settings;
        let is_asked = settings.deployment.is_some() || !settings.deployment_checks.is_empty();
        if !is_asked {
            return;
        }
        let asked = settings.deployment.clone().unwrap_or_default();
        let level = Instruments { settings, checks: &settings.deployment_checks, is_task: false };
        let mut criteria = criteria::of_level("the deployment checks succeed", "deployment", level);
        criteria.extend(criteria::of_deployment(level.checks, &asked));
        self.edge(system, nodes.len(), None);
        nodes.push(Node::Gate(Gate { level: Level::Deployment, label: "deployment".into(), criteria }));
    }

    /// One gate line becomes a criterion of the gate it stands behind; of several at once, a checkpoint of its own. Which node that is;
    /// none for the system gate, which is no node yet.
    fn hang_line(&mut self, line: &GateDraft, nodes: &mut Vec<Node>, system: &mut Gate) -> Option<usize> {
        let settings = self.settings;
        let (number, raw) = (self.draft.line(line.text.at), self.draft.slice(line.text.at));
        let criterion = |checks, is_task| {
            let level = Instruments { settings, checks, is_task };
            criteria::authored(&line.text.value, raw, number, &line.checks, level)
        };
        let targets = self.targets(line);
        self.figure_faults(&line.text.value, &line.checks, line.text.at);
        let streams = self.draft.streams.len();
        let is_last = matches!(targets.as_slice(), [Target::Stream(s)] if s + 1 == streams && line.after.is_some());
        let is_all = targets.len() == streams && targets.iter().all(|t| matches!(t, Target::Stream(_)));
        if targets.is_empty() || is_last || (is_all && streams > 1) || criteria::is_end_to_end(&line.text.value) {
            system.criteria.push(criterion(&settings.system_checks, false));
            return None;
        }
        let criterion = match targets.as_slice() {
            [Target::Task(_)] => criterion(&settings.task_checks, !settings.in_place),
            _ => criterion(&settings.stream_checks, false),
        };
        // What is done in place has no gate that could prove anything: the line makes one.
        let is_proven = |target: &Target| !(settings.in_place && matches!(target, Target::Task(_)));
        if let [one] = targets.as_slice()
            && is_proven(one)
        {
            let at = self.gate_of(*one)?;
            if let Node::Gate(gate) = &mut nodes[at] {
                gate.criteria.push(criterion);
            }
            return Some(at);
        }
        let id = line.id.as_ref().map_or_else(|| format!("line-{number}"), |id| id.value.clone());
        let gates = targets.iter().filter_map(|&t| self.gate_of(t)).collect();
        Some(self.hang_checkpoint((&id, number), gates, criterion, nodes))
    }

    /// What a gate line stands behind, each once.
    fn targets(&mut self, line: &GateDraft) -> Vec<Target> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        if let Some(after) = &line.after {
            self.names.resolve(after, None, &mut found, &mut unknown);
        } else if let Some(stream) = line.stream.as_ref().and_then(|s| self.names.stream(s)) {
            found.push((Target::Stream(stream), line.text.at));
        }
        self.unknown(unknown);
        let mut seen = BTreeSet::new();
        let targets = found.into_iter().map(|(target, _)| target);
        targets.filter(|&target| !matches!(target, Target::Gate(_)) && seen.insert(target)).collect()
    }
}

impl Blueprint {
    /// The gates that no command and no figure settles: a run without `--allow-no-checks` refuses them. What is deployed a person may settle.
    pub fn without_check(&self) -> impl Iterator<Item = (NodeId, &Gate)> {
        let gates = (0..).map(NodeId).zip(&self.nodes).filter_map(|(id, node)| node.gate().map(|gate| (id, gate)));
        gates.filter(|(_, gate)| {
            let settles = |m: &Means| {
                matches!(m, Means::Checked { .. } | Means::Measured { .. } | Means::Files { .. } | Means::Green)
            };
            let needs_verify = match gate.level {
                Level::Task(task) => self.nodes[task.index()].task().is_some_and(|t| t.phases.contains(Phase::Verify)),
                // One that a person opens stands behind gates that have checks.
                Level::Checkpoint => !gate.criteria.iter().any(|c| c.means.is_a_persons()),
                _ => true,
            };
            let is_proven = gate.criteria.iter().any(|c| settles(&c.means) && c.means != Means::Green);
            needs_verify && !is_proven
        })
    }
}

/// A task's phases: as written, and always verify and merge, since nothing lands whose gate has not looked at it, and red
/// where there are tests, since it is red that seals them; else all, without tests and red where it has none.
pub(super) fn phases(task: &TaskDraft, with_field: bool) -> Phases {
    let written: Vec<Phase> = task.phases.iter().filter_map(|p| p.value).collect();
    if with_field && !written.is_empty() {
        let red = written.contains(&Phase::Tests).then_some(Phase::Red);
        return [written, red.into_iter().chain([Phase::Verify, Phase::Merge]).collect()].concat().into();
    }
    let is_untested = has(task, Role::Implementation) && !has(task, Role::TestDeveloper);
    if is_untested
        || matches!(wish(task), TestWish::Declined(_))
        || !written.is_empty() && !written.contains(&Phase::Tests)
    {
        return Phases::ALL.without(Phase::Tests).without(Phase::Red);
    }
    Phases::ALL
}

/// Whether a task has a script for this role.
pub(super) fn has(task: &TaskDraft, role: Role) -> bool {
    task.scripts.iter().any(|s| s.role == role)
}

fn wish(task: &TaskDraft) -> TestWish {
    let text = task.tests.iter().map(|t| t.value.as_str()).collect::<Vec<_>>().join("\n");
    let lower = text.trim_start().to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric() && c != '/').next().unwrap_or_default();
    match first {
        "" => TestWish::Unstated,
        "none" | "n/a" => TestWish::Declined(text.into()),
        _ => TestWish::Stated(text.into()),
    }
}
