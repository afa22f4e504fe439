//! What a person may want to know of one node: where it stands, and what is behind it.

use super::Standing;
use crate::{
    plan::{BackendId, Criterion, NodeId, Phase},
    run::{Counts, Finding, JobId, Oid, Ran, Spend, Timestamp, What},
};
use std::collections::BTreeMap;

/// One node as people see it.
#[derive(Debug, Default)]
pub struct Card {
    /// Where it stands.
    pub standing: Standing,
    /// Since when.
    pub since: Timestamp,
    /// When its first job started.
    pub begun: Option<Timestamp>,
    /// How often its tests or its code had to be written again.
    pub retries: u32,
    /// Its running jobs, the oldest first.
    pub running: Vec<JobId>,
    /// The entry with which it joined the merge train, the last time.
    pub(super) joined: u64,
    /// The gate of this task, where it has one.
    pub(super) gate: Option<NodeId>,
    /// What it has behind it. Most of a large plan has not begun.
    pub(super) story: Option<Box<Story>>,
}

impl Card {
    /// What it has behind it; `None` for a node that nothing was done for.
    pub fn story(&self) -> Option<&Story> {
        self.story.as_deref()
    }

    pub(super) fn story_mut(&mut self) -> &mut Story {
        self.story.get_or_insert_default()
    }
}

/// What was done for a node, and what was seen.
#[derive(Debug, Default)]
pub struct Story {
    /// Why it was sent back, the last time: all findings of that round.
    pub findings: Vec<Finding>,
    /// What was run when it was sent back; their logs hold the whole output.
    pub ran: Vec<Ran>,
    /// What its last job said when it fell over or was put off.
    pub trouble: Option<Box<str>>,
    /// Why its tests counted as red.
    pub red: Option<Box<str>>,
    /// The tests that were sealed, by name.
    pub sealed: Vec<Box<str>>,
    /// The files that were sealed.
    pub sealed_files: Vec<Box<str>>,
    /// What the last passed verification ran.
    pub green: Vec<Ran>,
    /// Whether what was written last has passed its verification.
    pub is_verified: bool,
    /// Changed lines of it that no test runs.
    pub uncovered: Vec<Finding>,
    /// How many reviewers approved what was handed in last.
    pub approvals: u32,
    /// Concerns of reviewers that approved what was handed in last.
    pub concerns: Vec<Finding>,
    /// The commit that landed, and when.
    pub landed: Option<(Oid, Timestamp)>,
    /// Which of its own or its gate's criteria are settled.
    pub(super) marks: BTreeMap<u16, Mark>,
    /// What was measured of them last.
    pub(super) figures: BTreeMap<u16, i64>,
    /// Jobs of each kind that ended with an answer.
    pub(super) answered: BTreeMap<What, u32>,
    /// The last try of each kind of writing that was begun.
    pub(super) begun: BTreeMap<What, u32>,
    /// Digests of what was told, so that nothing is told twice.
    pub(super) told: Vec<u64>,
    /// The findings are of this review round, and more may join them.
    pub(super) is_in_review: bool,
}

impl Story {
    /// What was found wanting, where that is why it stands as it does: a job that fell over since then was another reason.
    pub fn found(&self) -> &[Finding] {
        if self.trouble.is_some() { &[] } else { &self.findings }
    }

    /// What was run and says why it was sent back, in this phase: a command that failed, or one that should have.
    pub fn ran_for(&self, phase: Phase) -> impl Iterator<Item = &Ran> {
        let is_telling = move |ran: &&Ran| ran.exit != 0 || phase == Phase::Red;
        self.ran.iter().filter(|_| self.trouble.is_none()).filter(is_telling)
    }

    /// Tests by name in the last passed verification, over all its commands.
    pub fn counts(&self) -> Option<Counts> {
        let add = |sum: Counts, one: Counts| Counts {
            passed: sum.passed.saturating_add(one.passed),
            failed: sum.failed.saturating_add(one.failed),
            ignored: sum.ignored.saturating_add(one.ignored),
        };
        self.green.iter().filter_map(|ran| ran.counts).reduce(add)
    }
}

/// What is known of a criterion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Not looked at yet.
    #[default]
    Open,
    /// A machine or a reviewer settled it.
    Proven,
    /// A machine could not show all of it, which is told and holds nothing back.
    Partial,
    /// Looked at, and refused.
    Refused,
    /// A person said that it holds.
    Approved,
    /// Waits for a person.
    Asked,
    /// Nobody asks any more: a person skipped the node, or the gate opened without it.
    Waived,
}

impl Mark {
    /// Its name in documents and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Open => "not settled yet",
            Mark::Proven => "proven",
            Mark::Partial => "shown in part",
            Mark::Refused => "refused",
            Mark::Approved => "approved",
            Mark::Asked => "waits for you",
            Mark::Waived => "waived",
        }
    }
}

/// A criterion and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    /// Its place among the gate's criteria: what `tidegate approve` names.
    pub index: u16,
    /// What is asked.
    pub criterion: &'a Criterion,
    /// What is known.
    pub mark: Mark,
    /// What was measured last, in the unit of its bound.
    pub figure: Option<i64>,
}

impl Settled<'_> {
    /// What was measured, and what it must hold.
    pub fn told(&self) -> Option<String> {
        self.criterion.told(self.figure?)
    }

    /// What is asked, and what was measured: `Coverage at least 80 %: measured 79.9 %, asked for at least 80 %`.
    pub fn words(&self) -> String {
        match self.told() {
            Some(told) => format!("{}: {told}", self.criterion.text),
            None => self.criterion.text.to_string(),
        }
    }
}

/// A job that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Unique over the run.
    pub id: JobId,
    /// For which node.
    pub node: NodeId,
    /// To do what.
    pub what: What,
    /// Which try of this, from 1; a crash costs none.
    pub attempt: u32,
    /// Since when.
    pub since: Timestamp,
    /// What runs it, where an agent does.
    pub backend: Option<BackendId>,
    /// It was asked to stop.
    pub is_stopping: bool,
    /// A model began to answer.
    pub(super) is_answered: bool,
    /// What a model used was told.
    pub(super) is_billed: bool,
}

/// What agents of one role used for one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// How often one was started that needs a model.
    pub runs: u32,
    /// How many jobs ended, or were cut off, without a word of what the model that worked in them used.
    pub untold: u32,
    /// What they used, as far as it was told.
    pub spend: Spend,
}

impl Bill {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Bill) -> Bill {
        Bill {
            runs: self.runs.saturating_add(other.runs),
            untold: self.untold.saturating_add(other.untold),
            spend: self.spend.plus(other.spend),
        }
    }
}

/// A task that landed.
#[derive(Clone, Debug)]
pub struct Landing {
    /// Which.
    pub node: NodeId,
    /// The commit; none where it was found by its trailer.
    pub commit: Oid,
    /// When.
    pub at: Timestamp,
}

/// Something that was put right without a try and has to be told: an edit taken out, a sealed test restored.
#[derive(Clone, Debug)]
pub struct Remark {
    /// Whose.
    pub node: NodeId,
    /// What.
    pub finding: Finding,
}

/// A path beyond its scope that a task was allowed to touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Which task.
    pub node: NodeId,
    /// The path.
    pub path: Box<str>,
    /// Who allowed it: a reviewer's name, or `a person`.
    pub by: Box<str>,
}
