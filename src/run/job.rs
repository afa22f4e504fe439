//! A job: a piece of work that takes a slot. It is started, it ends, it costs. And a want: a job that ought to be.

use super::{Finding, Lane, Oid, Seal, Spend, Timestamp, WithoutCode};
use crate::plan::{NodeId, ReviewerId, Role};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Unique over the run, carried by every fact: a fact about a job that is not running is stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

/// What there is to do for a node. With the node it names a want. Of equal urgency the nearer to the end goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum What {
    /// Move the integration ref, by compare-and-swap.
    Land,
    /// Hand over to the dependents what landed.
    HandOver,
    /// Merge the patch onto its base and make the commit; no working tree.
    Build,
    /// Run the gate's checks on a built candidate.
    Prove,
    /// Settle one criterion of a gate.
    Settle(u16),
    /// Give a verdict.
    Review(ReviewerId),
    /// Prove the task gate's own criteria on the patch.
    Verify,
    /// Prove that the tests are red, and seal them.
    Red,
    /// Advice on a task that keeps failing, from an expert.
    Consult,
    /// The same from the coordinator agent: the last resort before a person.
    Advise,
    /// Make the sealed tests pass.
    Implement,
    /// Write failing tests.
    Tests,
}

impl What {
    /// Whether its work can be found wanting. A landing and a hand-over are done, or fall over.
    pub(super) fn can_be_rejected(self) -> bool {
        !matches!(self, What::Land | What::HandOver)
    }

    /// Whether it works in the task's workspace, and not on a candidate or on what landed: what a task holds it takes with the first of these.
    pub fn is_in_workspace(self) -> bool {
        !matches!(self, What::Land | What::HandOver | What::Build | What::Prove | What::Settle(_))
    }

    /// Whether the task's code may run in it: then it takes what is held for a job.
    pub fn runs_code(self) -> bool {
        match self {
            What::Prove | What::Settle(_) | What::Verify | What::Red | What::Implement | What::Tests => true,
            What::Land | What::HandOver | What::Build | What::Review(_) | What::Consult | What::Advise => false,
        }
    }

    /// The role of the agent that does it; `None`: no agent does it. A gate is settled by a reviewer where one is asked for.
    pub fn role(self) -> Option<Role> {
        match self {
            What::Tests => Some(Role::TestDeveloper),
            What::Implement => Some(Role::Implementation),
            What::Review(_) => Some(Role::Reviewer),
            What::Consult => Some(Role::Expert),
            What::Advise => Some(Role::Coordinator),
            What::Red | What::Verify | What::Settle(_) | What::Build | What::Prove | What::Land | What::HandOver => {
                None
            }
        }
    }

    /// Its name for logs, spans and people. Stable.
    pub fn name(self) -> &'static str {
        match self {
            What::Land => "land",
            What::HandOver => "hand-over",
            What::Build => "build",
            What::Prove => "prove",
            What::Settle(_) => "settle",
            What::Review(_) => "review",
            What::Verify => "verify",
            What::Red => "red",
            What::Consult => "consult",
            What::Advise => "advise",
            What::Implement => "implement",
            What::Tests => "tests",
        }
    }
}

/// Where a want stands. A want that is settled is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantState {
    /// Nothing is in its way but a slot, a quota, a budget or a person's pause.
    Ready,
    /// This job does it.
    Running(JobId),
    /// Not before `until`.
    Resting {
        /// When its rest is over.
        until: Timestamp,
    },
}

/// A job that ought to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Where it stands.
    pub state: WantState,
    /// How often in a row it fell over. Not the task's tries: a crash says nothing about the work.
    pub broke: u16,
    /// How often a job for it ended without settling it, for whatever reason; spreads the rests.
    pub put_off: u16,
}

/// What becomes of a running job's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Its ending counts.
    Wanted,
    /// Nobody waits for its ending any more, and it has not been told.
    Unwanted,
    /// It was asked to stop. Until its `Ended` it holds its slot, its reservation and its resources.
    Stopping,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Unique over the run.
    pub id: JobId,
    /// For which node.
    pub node: NodeId,
    /// To do what.
    pub what: What,
    /// Which start of this node this is, from 1. For names of refs and logs.
    pub attempt: u16,
    /// Which try of this `what` for this node, from 1: a crash costs none (`TIDEGATE_ATTEMPT`).
    pub turn: u16,
    /// The patch it looks at or carries, the tip it is judged on, or nothing yet.
    pub on: Subject,
    /// The slots it takes.
    pub lane: Lane,
    /// What it was granted.
    pub reserved: Spend,
    /// What becomes of its ending.
    pub state: JobState,
    /// What came of the task so far.
    pub sheet: Arc<Sheet>,
}

/// What came of a task so far, and what its next job has to know: a copy handed out with the job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The commit the task is built on: the tip when its first job started, or when it was last sent back by the train.
    pub base: Oid,
    /// The last tree of the test-developer, as a commit.
    pub tests: Oid,
    /// What was sealed; empty before red, and for a task without tests.
    pub seal: Seal,
    /// The last tree of the implementation, as a commit.
    pub work: Oid,
    /// What the sealed tests said of the latest patch without its code.
    pub without_code: Option<WithoutCode>,
    /// Why it was sent back, the last time: all that was found in that round.
    pub findings: Vec<Finding>,
    /// What was measured last of the criteria of its gate.
    pub figures: Vec<(u16, i64)>,
    /// Changed lines that no test runs, as they were measured last.
    pub uncovered: Vec<Finding>,
    /// Paths beyond its scope that it was granted by reviewers; sorted.
    pub grants: Vec<Box<str>>,
    /// Paths beyond its scope, or protected, that it was granted by a person; sorted.
    pub permits: Vec<Box<str>>,
    /// The commit that landed.
    pub landed: Oid,
    /// The conversations that its next jobs can go on with.
    pub talks: BTreeMap<What, Talk>,
}

/// A conversation with a model, which the next try of the same work can go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// With what it is held.
    pub backend: Box<str>,
    /// Its name, as the backend knows it.
    pub id: Box<str>,
    /// In which folder.
    pub place: Box<str>,
    /// What the backend has reported for the whole of it, where it reports sums.
    #[serde(default, skip_serializing_if = "Spend::is_nothing")]
    pub reported: Spend,
    /// It cannot be gone on with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_over: bool,
}

/// What exactly a job is about. A verdict or a proof belongs to this and to nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The task's own workspace, whatever is in it.
    Workspace,
    /// A patch, and a commit that holds it.
    Patch {
        /// Before and after of every changed path.
        patch: Oid,
        /// The commit.
        commit: Oid,
    },
    /// The integration ref at this commit.
    Tip(Oid),
    /// Build `patch`, as held by `commit`, onto `base`.
    Onto {
        /// Before and after of every changed path.
        patch: Oid,
        /// The commit that holds it.
        commit: Oid,
        /// What it is to be built on.
        base: Oid,
    },
    /// A candidate as built: this very commit, made on this very base.
    Candidate {
        /// What it was built on.
        base: Oid,
        /// The candidate.
        commit: Oid,
    },
}
