//! Why a node is not further than it is. Read from what decides, so that the answer cannot differ from the truth.

use super::{
    CandidateState, Failure, Finding, Full, Holder, JobId, Lack, Quota, Run, State, Timestamp, Verdict, WantState,
    Weight, What,
};
use crate::plan::{BackendId, NodeId, Phase, Plan, ResourceId};
use std::collections::BTreeSet;

/// How many names, findings or lacks a sentence lists before it counts the rest.
const LISTED: usize = 5;

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It hangs on these, which are not open.
    WaitsFor(Vec<NodeId>),
    /// It hangs, near or far, on these, which need a person.
    BlockedBy(Vec<NodeId>),
    /// A job runs for it.
    Runs {
        /// Which.
        job: JobId,
        /// What it does.
        what: What,
        /// Which try of this it is, from 1.
        turn: u16,
    },
    /// A job fell over or was put off, and is due again.
    Rests {
        /// What it does.
        what: What,
        /// When it is due.
        until: Timestamp,
        /// What was said, if anything was.
        trouble: Option<Box<str>>,
    },
    /// Ready, and behind others for this slot.
    NoSlot {
        /// Which slots are taken.
        full: Full,
        /// How many there are.
        of: u32,
    },
    /// Ready, and somebody has what it needs.
    Resource {
        /// What.
        resource: ResourceId,
        /// Who.
        holder: Holder,
    },
    /// Ready, and its backend has said no.
    Quota {
        /// Which.
        backend: BackendId,
        /// Until when.
        quota: Quota,
    },
    /// Ready, and its backend waits for a person.
    OutOfOrder(BackendId),
    /// Ready, and what is left of money or tokens does not cover it.
    Budget,
    /// Ready, and only others are asked for.
    NotAsked,
    /// Ready, and the wall clock has run out.
    TimeIsUp,
    /// Ready, and a person said pause.
    Paused,
    /// A person said cancel.
    Cancelled,
    /// Ready, and a turn is all it needs.
    Next {
        /// What is next.
        what: What,
    },
    /// In the train.
    InTrain {
        /// Behind so many.
        ahead: usize,
        /// Where it stands.
        state: CandidateState,
    },
    /// The gate's own words.
    Gate {
        /// Whose criteria they are about.
        gate: NodeId,
        /// What it lacks, or what proved it.
        verdict: Verdict,
    },
    /// It could not go on by itself.
    Failed {
        /// Why.
        why: Failure,
        /// How often it was sent back since a person last said retry.
        sent_back: u16,
        /// What was found wanting the last time.
        found: Vec<Finding>,
        /// What was said when it fell over.
        trouble: Option<Box<str>>,
    },
    /// It is over: the state says it.
    Stands(State),
}

impl Why {
    pub(super) fn quota(backend: BackendId, quota: Quota) -> Why {
        match quota {
            Quota::OutOfOrder => Why::OutOfOrder(backend),
            Quota::Open { .. } | Quota::Closed { .. } | Quota::Due { .. } | Quota::Probing { .. } => {
                Why::Quota { backend, quota }
            }
        }
    }

    /// The reason as a plain sentence, with the names the breakdown uses.
    pub fn words(&self, plan: &Plan) -> String {
        match self {
            Why::WaitsFor(nodes) => format!("waits for {}", names(plan, nodes)),
            Why::BlockedBy(nodes) => format!("blocked by {}, which failed", names(plan, nodes)),
            Why::Runs { what, turn: 1, .. } => doing(*what, plan),
            Why::Runs { what, turn, .. } => format!("{}, try {turn}", doing(*what, plan)),
            Why::Rests { what, until, trouble } => {
                let said = trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
                format!("{} rests until {}{said}", action(*what, plan), clock(*until))
            }
            Why::NoSlot { full, of } => format!("ready; {}", slots(*full, *of, plan)),
            Why::Resource { resource, holder } => format!("ready; {}", held(*resource, *holder, plan)),
            Why::Quota { backend, quota } => format!("ready; {}", closed(*backend, *quota, plan)),
            Why::OutOfOrder(backend) => {
                format!("ready; {} needs a person (log in, pay, or configure)", backend_name(*backend, plan))
            }
            Why::Budget => "ready; what is left of the budget does not cover it".to_owned(),
            Why::NotAsked => "ready; only others were asked for".to_owned(),
            Why::TimeIsUp => "ready; the time is up".to_owned(),
            Why::Paused => "ready; the run is paused".to_owned(),
            Why::Cancelled => "the run is cancelled".to_owned(),
            Why::Next { what } => format!("ready; {} is next", action(*what, plan)),
            Why::InTrain { ahead, state } => candidate(*ahead, *state),
            Why::Gate { verdict: Verdict::Open(_), .. } => "every criterion of its gate is proven".to_owned(),
            Why::Gate { gate, verdict: Verdict::Closed(lacks) } => {
                let lacks: Vec<String> = lacks.iter().map(|lack| lacking(*gate, lack, plan)).collect();
                format!("its gate is closed: {}", list(&lacks, "; "))
            }
            Why::Failed { why, sent_back, found, trouble } => failed(*why, *sent_back, found, trouble.as_deref()),
            Why::Stands(state) => stands(*state).to_owned(),
        }
    }
}

impl Run {
    /// Everything that holds a node back now, the nearest first.
    pub fn why(&self, node: NodeId) -> Vec<Why> {
        let (life, state) = (self.life(node), self.state(node));
        let mut reasons = match state {
            State::Waiting { .. } => {
                let open = |d: &NodeId| !self.state(*d).is_met();
                let mut nodes: Vec<NodeId> = self.plan.dependencies(node).filter(open).collect();
                nodes.sort_unstable();
                vec![Why::WaitsFor(nodes)]
            }
            State::Blocked { .. } => vec![Why::BlockedBy(self.culprits(node))],
            State::Merging { place } => {
                let ahead = self.train.line().take_while(|&(p, _)| p < place).count();
                let candidate = self.train.candidate(place).map(|c| c.state);
                candidate.map(|state| Why::InTrain { ahead, state }).into_iter().collect()
            }
            State::Working { .. } => Vec::new(),
            State::Failed { why } => {
                let (found, trouble) = (life.sheet.findings.clone(), life.trouble.clone());
                vec![Why::Failed { why, sent_back: life.tally.sent_back, found, trouble }]
            }
            State::Held | State::Done | State::Skipped | State::Retired => vec![Why::Stands(state)],
        };
        reasons.extend(self.wants_of(node).into_iter().filter_map(|what| self.why_want(node, what)));
        let is_gate = self.plan.node(node).gate().is_some();
        if (is_gate && state.has_started() && !matches!(state, State::Skipped | State::Retired)) || state == State::Held
        {
            let gate = if is_gate { Some(node) } else { self.plan.gate_of(node) };
            reasons.extend(gate.map(|gate| Why::Gate { gate, verdict: self.task_verdict(node) }));
        }
        reasons
    }

    /// The criteria for which a held node waits for a person.
    pub fn awaited(&self, node: NodeId) -> Vec<u16> {
        match self.task_verdict(node) {
            Verdict::Closed(lacks) => lacks.iter().filter(|lack| lack.is_a_persons()).map(Lack::criterion).collect(),
            Verdict::Open(_) => Vec::new(),
        }
    }

    /// Why a failed node failed, as one fragment; `None` when it has not.
    pub fn failure(&self, node: NodeId) -> Option<String> {
        self.why(node).iter().find_map(|why| match why {
            Why::Failed { why, sent_back, found, trouble } => Some(failed(*why, *sent_back, found, trouble.as_deref())),
            _ => None,
        })
    }

    fn why_want(&self, node: NodeId, what: What) -> Option<Why> {
        Some(match self.wants.get(&(node, what))?.state {
            WantState::Running(job) => Why::Runs { job, what, turn: self.life(node).turn(what) },
            WantState::Resting { until } => Why::Rests { what, until, trouble: self.life(node).trouble.clone() },
            WantState::Ready => self.hindrance(&self.lane(node, what)).unwrap_or(Why::Next { what }),
        })
    }

    /// The failed nodes at the ends of all ways that lead to a blocked one. Each blocked node on the way is looked at once.
    pub fn culprits(&self, node: NodeId) -> Vec<NodeId> {
        let (mut seen, mut found, mut way) = (BTreeSet::new(), Vec::new(), vec![node]);
        while let Some(at) = way.pop() {
            for before in self.plan.dependencies(at) {
                let state = self.state(before);
                if state.is_dead() && seen.insert(before) {
                    let is_blocked = matches!(state, State::Blocked { .. });
                    if is_blocked { way.push(before) } else { found.push(before) }
                }
            }
        }
        found.sort_unstable();
        found
    }
}

fn names(plan: &Plan, nodes: &[NodeId]) -> String {
    // To a person a task and its gate are one: a dependent always hangs on both.
    let name = |&node: &NodeId| plan.name(plan.task_of(node).unwrap_or(node));
    let shown: Vec<String> = nodes.iter().take(LISTED).map(name).collect();
    match (&shown[..], nodes.len() - shown.len()) {
        ([head @ .., last], 0) if !head.is_empty() => format!("{} and {last}", head.join(", ")),
        (shown, 0) => shown.concat(),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

fn list(parts: &[String], between: &str) -> String {
    let shown = parts.iter().take(LISTED).cloned().collect::<Vec<_>>().join(between);
    let more = parts.len().saturating_sub(LISTED);
    if more == 0 { shown } else { format!("{shown}{between}and {more} more") }
}

fn backend_name(backend: BackendId, plan: &Plan) -> &str {
    plan.blueprint().backends.get(usize::from(backend.0)).map_or("its backend", |name| name)
}

fn action(what: What, plan: &Plan) -> String {
    match what {
        What::Review(by) => match plan.blueprint().reviewers.get(usize::from(by.0)) {
            Some((name, _)) => format!("review by {name}"),
            None => "review".to_owned(),
        },
        What::Settle(criterion) => format!("criterion {}", u32::from(criterion) + 1),
        _ => what.name().to_owned(),
    }
}

/// What runs now, as a sentence without its subject.
fn doing(what: What, plan: &Plan) -> String {
    match what {
        What::Tests => "its tests are being written".to_owned(),
        What::Red => "its tests run without the code: they have to fail".to_owned(),
        What::Implement => "it is being implemented".to_owned(),
        What::Verify => "its checks run".to_owned(),
        What::Consult => "an expert is asked".to_owned(),
        What::Advise => "the coordinator is asked".to_owned(),
        What::Build => "its candidate is being built".to_owned(),
        What::Prove => "the checks run on its candidate".to_owned(),
        What::Land => "it is landing".to_owned(),
        What::HandOver => "it is handed over to its dependents".to_owned(),
        What::Review(_) | What::Settle(_) => format!("{} is under way", action(what, plan)),
    }
}

fn slots(full: Full, of: u32, plan: &Plan) -> String {
    let all = |one: &str, many: &str| match of {
        1 => format!("the only {one} is taken"),
        _ => format!("all {of} {many} are taken"),
    };
    let agents = || all("agent slot", "agent slots");
    match full {
        Full::Merge => "another candidate is being merged".to_owned(),
        Full::Checks => all("slot for checks", "slots for checks"),
        Full::Agents => agents(),
        Full::Stream(stream) => {
            let label = plan.blueprint().streams.get(usize::from(stream.0)).map_or("", |(label, _)| label);
            format!("in stream {label} {}", agents())
        }
        Full::Backend(backend) => format!("on {} {}", backend_name(backend, plan), agents()),
        Full::Resource { resource, holder } => held(resource, holder, plan),
    }
}

fn held(resource: ResourceId, holder: Holder, plan: &Plan) -> String {
    let name = plan.blueprint().resources.get(usize::from(resource.0)).map_or("what it needs", |(name, _)| name);
    let (Holder::Job { task, .. } | Holder::Task(task)) = holder;
    format!("waits for {name}, which {} has", plan.name(task))
}

fn closed(backend: BackendId, quota: Quota, plan: &Plan) -> String {
    let name = backend_name(backend, plan);
    match quota {
        Quota::Closed { until, .. } => format!("{name} takes no work until {}", clock(until)),
        Quota::Probing { job, .. } => format!("{name} is being tried by job {}", job.0),
        Quota::Open { .. } | Quota::Due { .. } | Quota::OutOfOrder => format!("{name} takes no work"),
    }
}

fn candidate(ahead: usize, state: CandidateState) -> String {
    let place =
        if ahead == 0 { "first in the merge train".to_owned() } else { format!("in the merge train behind {ahead}") };
    let stand = match state {
        CandidateState::Queued => "waits for what it is built on",
        CandidateState::Building { .. } => "is being built",
        CandidateState::Proving { .. } => "its checks run",
        CandidateState::Proven { .. } => "green, waits for those before it",
        CandidateState::Landing { .. } => "is landing",
        CandidateState::Doubtful { .. } => "failed on a base that has not landed, and waits to see whose fault it was",
    };
    format!("{place}: {stand}")
}

fn lacking(gate: NodeId, lack: &Lack, plan: &Plan) -> String {
    let criteria = plan.get(gate).and_then(|node| node.gate()).map_or(&[][..], |gate| &gate.criteria);
    let criterion = criteria.get(usize::from(lack.criterion()));
    let text = criterion.map_or("a criterion", |criterion| &criterion.text);
    match lack {
        Lack::Unproven(_) => format!("\"{text}\" has not been proven"),
        Lack::Refused { found, .. } => format!("\"{text}\" was refused: {}", said(found)),
        Lack::Missed { figure, found, .. } => {
            let told = criterion.and_then(|criterion| criterion.told(*figure)).unwrap_or_default();
            let found = if found.is_empty() { String::new() } else { format!(": {}", said(found)) };
            format!("\"{text}\" {told}{found}")
        }
        Lack::Unapproved(_) => format!("\"{text}\" waits for a person"),
    }
}

fn failed(why: Failure, sent_back: u16, found: &[Finding], trouble: Option<&str>) -> String {
    let trouble = trouble.map(|trouble| format!(": {trouble}")).unwrap_or_default();
    match why {
        Failure::NoProgress { phase } => {
            format!("failed in {} after {}: {}", phase.name(), tries(sent_back), said(found))
        }
        Failure::FellOver { phase } => format!("{} fell over too often{trouble}", phase.name()),
        Failure::NeedsPerson { phase } => format!("{} needs a person{trouble}", phase.name()),
        Failure::GateClosed => "its gate did not open".to_owned(),
        Failure::NothingToLand => {
            format!("there is nothing to land: the task has no {} phase", Phase::Implement.name())
        }
    }
}

fn tries(count: u16) -> String {
    if count == 1 { "1 try".to_owned() } else { format!("{count} tries") }
}

/// The first lines of the findings that weigh; of all, where none does.
fn said(found: &[Finding]) -> String {
    let blockers: Vec<&Finding> = found.iter().filter(|finding| finding.weight == Weight::Blocker).collect();
    let heavy = if blockers.is_empty() { found.iter().collect() } else { blockers };
    let line = |finding: &&Finding| {
        let text = finding.headline();
        match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {text}"),
            // What speaks of its file by name needs no place before it.
            (Some(file), None) if !text.starts_with(&**file) => format!("{file}: {text}"),
            (_, None) | (None, _) => text,
        }
    };
    list(&heavy.iter().map(line).collect::<Vec<_>>(), "; ")
}

fn stands(state: State) -> &'static str {
    match state {
        State::Held => "waits for a person's word",
        State::Done => "done",
        State::Skipped => "skipped by a person",
        State::Retired => "no longer in the plan",
        State::Waiting { .. } | State::Blocked { .. } => "waits",
        State::Working { .. } | State::Merging { .. } => "is at work",
        State::Failed { .. } => "failed",
    }
}

/// The time of day, in UTC.
fn clock(at: Timestamp) -> String {
    let seconds = at.0 / 1000 % 86_400;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
