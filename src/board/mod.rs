//! The board: one fold over the journal's entries into what people see. Every view and every document reads it.
//!
//! It decides nothing: an entry says what happened, and where nodes stand after it is told beside the entry, by whoever
//! owns the run. An entry costs what it changes, never the length of the plan.

mod card;
mod clock;
mod fold;
mod news;
mod path;
mod slim;
mod standing;

pub use card::{Allowed, Bill, Card, Landing, Mark, Remark, Running, Settled, Story};
pub use clock::{clock, counted, minutes, rfc3339, span};
pub use news::{News, Tone};
pub use standing::{Count, Standing};

use crate::{
    plan::{BackendId, Criterion, Hold, Level, Node, NodeId, Plan, ResourceId, ReviewerId, Role, StreamId},
    run::{Charter, Code, Estimates, JobId, Limit, Oid, Spend, Timestamp, Until, What},
    text::line,
};
use path::Path;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many sentences are kept.
const NEWS_KEPT: usize = 20;

/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// How many remarks of a kind are kept in all; the journal has every one.
const REMARKS_KEPT: usize = 1_000;

/// Failed nodes that are named where something is blocked: behind a hundred of them nobody counts from each to each.
const BLOCKERS: usize = 3;

/// Everything a person may see of a run. Made empty; its first entry is `Planned`.
#[derive(Debug, Default)]
pub struct Board {
    /// Without the texts that only agents read.
    plan: Plan,
    charter: Charter,
    cards: Vec<Card>,
    streams: Vec<Stream>,
    tasks: Count,
    gates: Count,
    jobs: BTreeMap<JobId, Running>,
    /// The train, in the order in which its tasks joined.
    train: BTreeSet<(u64, NodeId)>,
    path: Path,
    /// What tasks hold, from their first job on.
    held: BTreeMap<ResourceId, NodeId>,
    estimates: Estimates,
    /// Backends that said no, until when and why.
    closed: BTreeMap<BackendId, (Until, Box<str>)>,
    detours: BTreeMap<(Role, BackendId, BackendId), BTreeSet<NodeId>>,
    replayed: u32,
    landings: Vec<Landing>,
    remarks: Vec<Remark>,
    allowed: Vec<Allowed>,
    red_before: BTreeSet<Box<str>>,
    news: VecDeque<News>,
    pace: Pace,
    is_left: bool,
    tip: Oid,
    spent: Spend,
    limit: Limit,
    bills: BTreeMap<(NodeId, Role), Bill>,
    retries: u32,
    began: Timestamp,
    now: Timestamp,
    seq: u64,
}

/// Whether anything may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// It goes.
    #[default]
    Going,
    /// A person said pause.
    Paused,
    /// A person said cancel.
    Cancelled,
    /// The budget's time is up.
    TimeUp,
}

/// A stream as people see it.
#[derive(Debug, Default)]
pub struct Stream {
    /// What the breakdown calls it: `A`.
    pub label: Box<str>,
    /// Its title.
    pub title: Box<str>,
    /// Its tasks, by standing.
    pub tasks: Count,
    /// Running jobs of its tasks and its gate.
    pub running: u32,
    /// Its tasks, in the plan's order.
    pub nodes: Vec<NodeId>,
    /// Its gate, where it has one.
    pub gate: Option<NodeId>,
}

impl Board {
    /// The plan, without the texts that only agents read.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What holds for the whole run.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// What agents may use in all, as the run was last told.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The nodes that the plan still has.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.plan.ids().filter(|&id| *self.standing(id) != Standing::Retired)
    }

    /// A node; panics for an id that is not of this plan, as an index would.
    pub fn card(&self, node: NodeId) -> &Card {
        &self.cards[node.index()]
    }

    /// Where a node stands.
    pub fn standing(&self, node: NodeId) -> &Standing {
        &self.card(node).standing
    }

    /// All streams, in the breakdown's order.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// All tasks, by standing.
    pub fn tasks(&self) -> Count {
        self.tasks
    }

    /// All gates but those of single tasks, by standing.
    pub fn gates(&self) -> Count {
        self.gates
    }

    /// What runs, the oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Running> {
        self.jobs.values()
    }

    /// A running job.
    pub fn job(&self, id: JobId) -> Option<&Running> {
        self.jobs.get(&id)
    }

    /// Minutes to the end of what can still move, when everything takes what is estimated, scaled by what was observed in this run.
    /// None only where nothing is left.
    pub fn minutes_left(&self, now: Timestamp) -> u64 {
        let of_plan = (&self.plan, &self.estimates);
        self.path.left(of_plan, now, |node| self.card(node).begun).div_ceil(MINUTE_MS)
    }

    /// Minutes from the start of a node to the end of the plan, by the same estimates.
    pub fn minutes_from(&self, node: NodeId) -> u64 {
        self.estimates.length(node).div_ceil(MINUTE_MS)
    }

    /// What the longest way to the end waits for now.
    pub fn bottleneck(&self) -> Option<NodeId> {
        self.path.bottleneck()
    }

    /// Nodes that need a person, the longest way behind them first.
    pub fn stuck(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.path.stuck()
    }

    /// What landed, in order.
    pub fn landings(&self) -> &[Landing] {
        &self.landings
    }

    /// What was put right and has to be told.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// What became of what is told by a remark, as a clause: the same wherever it is told.
    pub fn became(&self, remark: &Remark) -> &'static str {
        // Of what was written again since then no gate has said so.
        let has_passed = self.card(remark.node).story().is_some_and(|story| story.is_verified);
        match remark.finding.code {
            Code::SealBroken => "a sealed test was changed, and restored",
            Code::TakenOut if has_passed => "an edit out of scope was taken out; the gate passed without it",
            Code::TakenOut => "an edit out of scope was taken out",
            Code::LeftOut => "something was left out",
            Code::Allowed => "an edit was let through",
            Code::BodiesOut => "sealed tests that prove little",
            Code::Unproven => "not all was shown without the code",
            _ => "put right",
        }
    }

    /// Paths beyond their scope that tasks were allowed to touch.
    pub fn allowed(&self) -> &[Allowed] {
        &self.allowed
    }

    /// Tests that were red before anything began, as far as runs of tests have met them.
    pub fn red_before(&self) -> impl ExactSizeIterator<Item = &str> {
        self.red_before.iter().map(|name| &**name)
    }

    /// The last sentences, the newest last.
    pub fn latest(&self) -> impl DoubleEndedIterator<Item = &News> {
        self.news.iter()
    }

    /// Backends that take no jobs, with until when and why, as they said it.
    pub fn closed(&self) -> impl Iterator<Item = (&str, Until, &str)> {
        self.closed.iter().map(|(&backend, (until, why))| (self.backend(backend), *until, &**why))
    }

    /// What was done by a fallback: in which role, in place of which backend, by which, and for which nodes.
    pub fn detours(&self) -> impl Iterator<Item = (Role, &str, &str, &BTreeSet<NodeId>)> {
        let named = |id: BackendId| self.backend(id);
        self.detours.iter().map(move |(&(role, own, other), nodes)| (role, named(own), named(other), nodes))
    }

    /// How many runs of agents were played back from recordings: no model was asked.
    pub fn replayed(&self) -> u32 {
        self.replayed
    }

    /// Whether anything may start.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Whether nobody executes the run: then nothing runs, whatever the last entry says of jobs.
    pub fn is_left(&self) -> bool {
        self.is_left
    }

    /// Nobody executes the run any more, or yet: what ran when that began runs no longer.
    pub fn leave(&mut self) {
        self.is_left = true;
        self.forget_jobs();
    }

    /// Where the integration ref is.
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spend {
        self.spent
    }

    /// What was spent, by node and role; only where something was.
    pub fn bills(&self) -> impl Iterator<Item = (NodeId, Role, Bill)> {
        self.bills.iter().map(|(&(node, role), &bill)| (node, role, bill))
    }

    /// How often tests or code had to be written again.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Nothing runs, and nothing moves by itself any more: it is done, or waits for a person.
    pub fn is_at_rest(&self) -> bool {
        let moves = |count: Count| count.working + count.merging > 0;
        self.seq > 0 && self.jobs.is_empty() && self.pace == Pace::Going && !moves(self.tasks()) && !moves(self.gates())
    }

    /// Every task and every gate is behind it.
    pub fn is_done(&self) -> bool {
        let is_all = |count: Count| count.met() == count.total;
        self.is_at_rest() && is_all(self.tasks()) && is_all(self.gates())
    }

    /// When the run began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// When the last entry was made.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Place of the last entry.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What people call a node; for an unknown id, a question mark.
    pub fn label(&self, node: NodeId) -> &str {
        self.plan.get(node).map_or("?", Node::label)
    }

    /// What a person reads at a node: the task's label and title, or `gate stream:C`.
    pub fn title(&self, node: NodeId) -> String {
        match self.plan.get(node) {
            Some(Node::Task(task)) if task.label == task.title => task.label.to_string(),
            Some(Node::Task(task)) => format!("{} {}", task.label, task.title),
            Some(Node::Gate(gate)) => format!("gate {}", gate.label),
            None => "?".to_owned(),
        }
    }

    /// The label of a node's stream; empty where it has none.
    pub fn stream_label(&self, node: NodeId) -> &str {
        let stream = self.stream_of(node).and_then(|s| self.streams.get(usize::from(s.0)));
        stream.map_or("", |s| &s.label)
    }

    /// The name of a reviewer.
    pub fn reviewer(&self, id: ReviewerId) -> String {
        let found = self.plan.blueprint().reviewers.get(usize::from(id.0));
        found.map_or_else(|| format!("reviewer {}", id.0), |(name, _)| name.to_string())
    }

    /// The name of a backend.
    pub fn backend(&self, id: BackendId) -> &str {
        self.plan.blueprint().backends.get(usize::from(id.0)).map_or("?", |name| name)
    }

    /// Which try a job of this kind is, or would be, from 1.
    pub fn attempt(&self, node: NodeId, what: What) -> u32 {
        let story = self.cards.get(node.index()).and_then(Card::story);
        1 + story.and_then(|s| s.answered.get(&what).copied()).unwrap_or(0)
    }

    /// Who is before a task in the train.
    pub fn ahead(&self, node: NodeId) -> usize {
        self.train.iter().take_while(|&&(_, n)| n != node).count()
    }

    /// Whether it is the gate of a single task, which people see as part of the task.
    pub fn is_task_gate(&self, node: NodeId) -> bool {
        matches!(self.plan.get(node), Some(Node::Gate(gate)) if matches!(gate.level, Level::Task(_)))
    }

    /// Whether a figure is known of a gate, or of the gate of a task.
    pub fn is_measured(&self, node: NodeId) -> bool {
        self.cards[self.gate_of(node).index()].story().is_some_and(|story| !story.figures.is_empty())
    }

    /// The criteria of a gate, or of the gate of a task, with what is known of each.
    pub fn criteria(&self, node: NodeId) -> Vec<Settled<'_>> {
        let asked = self.gate_criteria(node);
        let card = self.card(node);
        let gate = self.card(self.gate_of(node));
        (0u16..)
            .zip(asked)
            .map(|(index, criterion)| {
                let figure = gate.story().and_then(|story| story.figures.get(&index)).copied();
                Settled { index, criterion, mark: mark(card, gate, index, criterion), figure }
            })
            .collect()
    }

    /// The nodes it hangs on that are not open. A task's gate is told as the task.
    pub fn waits_for(&self, node: NodeId) -> Vec<NodeId> {
        let open = |n: &NodeId| !self.standing(*n).is_met();
        let mut nodes: Vec<_> = self.plan.dependencies(node).filter(open).map(|n| self.task_of(n)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// For each blocked node the failed ones that block it, near or far: four at most. Costs a look at everything behind
    /// what has failed, once.
    pub fn culprits(&self) -> BTreeMap<NodeId, Vec<NodeId>> {
        let mut blocked: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        let failed = self.stuck().filter(|&n| matches!(self.standing(n), Standing::Failed { .. }));
        for culprit in failed.collect::<BTreeSet<_>>() {
            let mut way = vec![culprit];
            while let Some(at) = way.pop() {
                for behind in self.plan.dependents(at).filter(|&n| *self.standing(n) == Standing::Blocked) {
                    let known = blocked.entry(behind).or_default();
                    if known.len() <= BLOCKERS && !known.contains(&culprit) {
                        known.push(culprit);
                        way.push(behind);
                    }
                }
            }
        }
        blocked
    }

    /// What blocks a node, for a sentence.
    pub fn blockers(&self, culprits: &[NodeId]) -> String {
        let shown = self.list(&culprits[..culprits.len().min(BLOCKERS)]);
        if culprits.len() > BLOCKERS { format!("{shown} and more") } else { shown }
    }

    /// How many tasks, and how many gates but theirs, hang on a node, near or far, and are not over. Costs a look at all of
    /// them.
    pub fn impact(&self, node: NodeId) -> (u32, u32) {
        let (mut seen, mut way, mut tasks, mut gates) = (BTreeSet::new(), vec![node], 0, 0);
        while let Some(at) = way.pop() {
            for behind in self.plan.dependents(at).filter(|&n| !self.standing(n).is_met()) {
                if seen.insert(behind) {
                    tasks += u32::from(self.plan.node(behind).task().is_some());
                    gates += u32::from(self.plan.node(behind).gate().is_some() && !self.is_task_gate(behind));
                    way.push(behind);
                }
            }
        }
        (tasks, gates)
    }

    /// Where a node stands, as a fragment a person understands.
    pub fn words(&self, node: NodeId, now: Timestamp) -> String {
        let card = self.card(node);
        if let Some(job) = card.running.first().and_then(|id| self.jobs.get(id)) {
            let more =
                if card.running.len() > 1 { format!(" and {} more", card.running.len() - 1) } else { String::new() };
            let text = self.starts(node, job.what);
            return format!("{text}, {}{more}", span(now.0.saturating_sub(job.since.0)));
        }
        match &card.standing {
            Standing::Waiting => format!("waits for {}", self.list(&self.waits_for(node))),
            Standing::Blocked => "blocked".to_owned(),
            Standing::Working { rests: Some(until), .. } | Standing::Merging { rests: Some(until) } => {
                format!("rests for {}", span(until.0.saturating_sub(now.0)))
            }
            Standing::Working { phase, .. } => match self.taken_from(node) {
                Some((name, by)) => format!("waits for {}, which {} has", line(name, 60), self.plan.name(by)),
                None => format!("ready for {}", phase.name()),
            },
            Standing::Merging { .. } => match self.ahead(node) {
                0 => "first in the merge train".to_owned(),
                ahead => format!("in the merge train behind {ahead}"),
            },
            Standing::Held { lacks } => match lacks.len() {
                0 | 1 => "held, waits for your word".to_owned(),
                more => format!("held, waits for your word on {more} criteria"),
            },
            Standing::Done => match self.plan.node(node) {
                Node::Task(_) => "done".to_owned(),
                Node::Gate(_) => "open".to_owned(),
            },
            Standing::Skipped => "skipped".to_owned(),
            Standing::Retired => "no longer in the plan".to_owned(),
            Standing::Failed { why, .. } => line(why, 200),
        }
    }

    /// The first resource that a task needs and somebody else has, with who that is.
    fn taken_from(&self, node: NodeId) -> Option<(&str, NodeId)> {
        let needs = &self.plan.node(node).task()?.needs;
        let uses = |job: &&Running, resource| {
            let claims = |task: &crate::plan::Task| task.needs.contains(&resource);
            job.node != node && job.what.runs_code() && self.plan.node(job.node).task().is_some_and(claims)
        };
        needs.iter().find_map(|&resource| {
            let holder = match self.plan.hold(resource) {
                Hold::Task => self.held.get(&resource).copied().filter(|&holder| holder != node),
                Hold::Job => self.jobs.values().find(|job| uses(job, resource)).map(|job| job.node),
            };
            let name = self.plan.blueprint().resources.get(usize::from(resource.0)).map(|(name, _)| &**name);
            name.zip(holder)
        })
    }

    fn stream_of(&self, node: NodeId) -> Option<StreamId> {
        match self.plan.get(node)? {
            Node::Task(task) => Some(task.stream),
            Node::Gate(gate) => match gate.level {
                Level::Stream(stream) => Some(stream),
                Level::Task(task) => self.plan.get(task)?.stream(),
                Level::Checkpoint | Level::System | Level::Deployment => None,
            },
        }
    }

    /// A task's gate where it has one, else the node itself.
    fn gate_of(&self, node: NodeId) -> NodeId {
        self.cards.get(node.index()).and_then(|card| card.gate).unwrap_or(node)
    }

    /// The task of a task's gate, else the node itself.
    fn task_of(&self, node: NodeId) -> NodeId {
        match self.plan.get(node) {
            Some(Node::Gate(gate)) => match gate.level {
                Level::Task(task) => task,
                _ => node,
            },
            _ => node,
        }
    }

    fn gate_criteria(&self, node: NodeId) -> &[Criterion] {
        let gate = self.plan.get(self.gate_of(node)).and_then(Node::gate);
        gate.map_or(&[], |gate| &gate.criteria)
    }
}

fn mark(card: &Card, gate: &Card, index: u16, criterion: &Criterion) -> Mark {
    let lacks = |standing: &Standing| matches!(standing, Standing::Held { lacks } if lacks.contains(&index));
    let known = gate.story().and_then(|story| story.marks.get(&index).copied());
    match (known, &gate.standing) {
        (Some(mark), _) => mark,
        (None, Standing::Done) if !criterion.means.is_a_persons() => Mark::Proven,
        (None, Standing::Done | Standing::Skipped | Standing::Retired) => Mark::Waived,
        (None, standing) if lacks(standing) || lacks(&card.standing) => Mark::Asked,
        (None, _) => Mark::Open,
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
