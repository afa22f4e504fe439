//! The run: a state machine that turns facts into decisions. Same facts, same state, same decisions.
//!
//! No tokio, no clock, no files, no randomness, no floats. The supervisor feeds it; the simulation in `tests/` feeds it too.
//! `apply` is the only thing that changes a run, in life and in replay; `decide` only reads. What each file holds:
//! `event` what happened, `ending` how jobs end, `effect` what to do, `job` what takes a slot, `task` a node's life, `life`,
//! `review`, `verdict` and `landing` how it goes on, `obey` and `replan` what a person changes, `wants` what ought to be, `train`
//! candidates, `slots`, `quota`, `budget` the limits, `estimate` how long it takes, `gate` the judge, `queue` who is next, `why` and `outcome` what is told.

mod apply;
mod budget;
mod check;
mod decide;
mod effect;
mod ending;
mod estimate;
mod event;
mod finding;
mod gate;
mod job;
mod landing;
mod life;
mod misfit;
mod obey;
mod oid;
mod outcome;
mod policy;
mod queue;
mod quota;
mod replan;
mod review;
mod slots;
mod task;
mod train;
mod verdict;
mod wants;
mod why;

pub use budget::{Budget, Limit, Spend};
pub use effect::{Effect, Turn};
pub use ending::{
    Breakage, Counts, Ending, Evidence, Ran, Red, Rejection, Seal, Sealed, TakenOut, Until, Verified, WithoutCode,
};
pub use estimate::Estimates;
pub use event::{Charter, Entry, Event, Order, Timestamp};
pub use finding::{Code, Finding, Weight};
pub use gate::{Item, Lack, Ledger, Proof, Verdict, judge};
pub use job::{Job, JobId, JobState, Sheet, Subject, Talk, Want, WantState, What};
pub use misfit::{Misfit, Refusal};
pub use oid::{NotAnOid, Oid};
pub use outcome::{Outcome, Stop};
pub use policy::{Grant, Policy, Rung};
pub use quota::Quota;
pub use slots::{Full, Holder, Lane, Pool};
pub use task::{Count, Failure, Launch, Life, State, Tally};
pub use train::{Candidate, CandidateState, Place, Train};
pub use why::Why;

use crate::plan::{NodeId, Plan};
use queue::Queue;
use slots::Slots;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Whether anything may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Going,
    /// A person said pause: what runs finishes.
    Paused,
    /// A person said cancel: what runs is stopped, for good.
    Cancelled,
}

/// Everything that is known. Made empty; its first event is `Planned`.
#[derive(Debug, Default, PartialEq)]
pub struct Run {
    plan: Arc<Plan>,
    policy: Policy,
    charter: Charter,
    lives: Vec<Life>,
    wants: BTreeMap<(NodeId, What), Want>,
    jobs: BTreeMap<JobId, Job>,
    slots: Slots,
    quotas: Vec<Quota>,
    budget: Budget,
    train: Train,
    estimates: Estimates,
    mode: Mode,
    now: Timestamp,
    seq: u64,
    next_job: u64,
    // The rest is an index over the above, kept so that no step has to look at everything. `check` recomputes it.
    queue: Queue,
    resting: BTreeSet<(Timestamp, NodeId, What)>,
    unwanted: BTreeSet<JobId>,
    count: Count,
    /// Nodes that nothing holds back any more and that have not begun. Empty between events.
    freed: Vec<NodeId>,
    /// Nodes that the last event moved, for those who look on. No part of the state.
    moved: Moved,
}

/// A list that no comparison of two runs looks at.
#[derive(Debug, Default)]
struct Moved(Vec<NodeId>);

impl PartialEq for Moved {
    fn eq(&self, _: &Moved) -> bool {
        true
    }
}

impl Run {
    /// Takes what happened, returns what to journal, and decides nothing: what is told last while everything is stopped.
    pub fn take_in(&mut self, now: Timestamp, facts: impl IntoIterator<Item = Event>) -> Turn {
        let mut turn = Turn::default();
        for fact in facts {
            if let Err(misfit) = self.record(now, fact, &mut turn) {
                turn.dropped.push(misfit);
            }
        }
        turn
    }

    /// Takes what happened, returns what to journal and what to do. The shell's whole loop is: turn, append, perform.
    ///
    /// # Errors
    /// Only when a decision does not fit the state it was made from: a bug. Facts that do not fit are in [`Turn::dropped`].
    pub fn turn(&mut self, now: Timestamp, facts: impl IntoIterator<Item = Event>) -> Result<Turn, Misfit> {
        let mut turn = self.take_in(now, facts);
        while let Some(due) = self.due(now) {
            self.record(now, due, &mut turn)?;
        }
        while let Some(decision) = self.decide() {
            let event = decision.event(JobId(self.next_job));
            self.record(now, event, &mut turn)?;
            turn.effects.extend(self.effect(decision));
        }
        Ok(turn)
    }

    /// Time never goes back in a journal, whatever the machine's clock does.
    fn record(&mut self, at: Timestamp, event: Event, turn: &mut Turn) -> Result<(), Misfit> {
        let entry = Entry { seq: self.seq, at: at.max(self.now), event };
        self.apply(&entry)?;
        turn.entries.push(entry);
        turn.moved.append(&mut self.moved.0);
        Ok(())
    }

    /// A run as its journal says.
    ///
    /// # Errors
    /// The first entry that does not fit: the journal is not ours.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Run, Misfit> {
        let mut run = Run::default();
        entries.into_iter().try_for_each(|entry| run.apply(entry))?;
        Ok(run)
    }

    /// What is to be done.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same to be kept, until another one is taken in.
    pub fn shared_plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// The limits in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What holds for the whole run.
    pub fn charter(&self) -> &Charter {
        &self.charter
    }

    /// A node's life so far; panics for an id of another plan, as an index would.
    pub fn life(&self, id: NodeId) -> &Life {
        &self.lives[id.index()]
    }

    /// Where a node stands; panics for an id of another plan, as an index would.
    pub fn state(&self, id: NodeId) -> State {
        self.lives[id.index()].state
    }

    /// All jobs that run, those that are being stopped too.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// The merge train.
    pub fn train(&self) -> &Train {
        &self.train
    }

    /// The commit the integration ref is at, as far as is known.
    pub fn tip(&self) -> Oid {
        self.train.tip()
    }

    /// What was spent, and what is promised.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What each backend lets us do, by its id.
    pub fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// How long everything takes, as far as is known by now.
    pub fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// How many nodes are in each state.
    pub fn count(&self) -> Count {
        self.count
    }

    /// The place of the next entry.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When the last entry was recorded.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a person who says go changes anything: it is paused, or a backend is out of order.
    pub fn waits_for_go(&self) -> bool {
        self.mode == Mode::Paused || self.mode == Mode::Going && self.quotas.contains(&Quota::OutOfOrder)
    }
}
