//! What can happen in a run. Past tense, plain data, journaled as it is: a file format, so a variant's meaning never changes.

use super::{Ending, JobId, Oid, Policy, Spend, Talk, What};
use crate::plan::{Addition, BackendId, Blueprint, NodeId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Milliseconds since the epoch. The core never asks what time it is; it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This many milliseconds later.
    #[must_use]
    pub fn after(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms))
    }
}

/// What holds for the whole run and is no limit: said once, in its first entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// The run's id.
    pub run: Box<str>,
    /// Version of the program that began it.
    pub version: Box<str>,
    /// Where the run started: what HEAD was.
    pub base: Oid,
    /// The name of the branch that HEAD was, or its commit.
    pub head: Box<str>,
    /// The sandbox tier in force.
    pub sandbox: Box<str>,
    /// What runs a role of which the configuration says nothing: what was found when the run began.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub backend: Box<str>,
    /// Began with `--allow-no-checks`.
    pub without_checks: bool,
    /// Its scripts work in the repository's own working tree: nothing is cloned, committed or merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place: bool,
    /// Paths with uncommitted changes that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncommitted: Vec<Box<str>>,
    /// Untracked files that workspaces have copies of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copied: Vec<Box<str>>,
}

/// The only thing that changes a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The first entry. Plan and policy are data of the run: a replay asks no file and no configuration.
    Planned {
        /// What is to be done.
        plan: Arc<Blueprint>,
        /// Limits and patience.
        policy: Box<Policy>,
        /// Where the integration ref begins.
        tip: Oid,
        /// What holds for the whole run.
        charter: Box<Charter>,
    },
    /// The plan grew. Refused when it touches what has started.
    Replanned(Box<Addition>),
    /// The core chose to start this; journaled before anybody does it.
    Started {
        /// The job.
        job: JobId,
        /// For which node.
        node: NodeId,
        /// To do what.
        what: What,
        /// What runs it, where an agent does: its role's own backend, or the one it has gone over to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backend: Option<BackendId>,
    },
    /// The core asked for a job to end, since nobody needs it any more. Its slot stays taken until its `Ended`.
    StopAsked {
        /// The job.
        job: JobId,
    },
    /// The backend answered for the first time in this job: it is open, whatever becomes of the job.
    Answered {
        /// The job.
        job: JobId,
    },
    /// One more call of an agent within a job: of an expert that it asks, or of a reviewer that has to say it again. Granted as a job is.
    CalledAgain {
        /// The job.
        job: JobId,
    },
    /// An implementation reached a checkpoint with this patch; reviewers may look.
    Checkpointed {
        /// The job.
        job: JobId,
        /// The patch at the checkpoint.
        patch: Oid,
        /// The commit that holds it.
        commit: Oid,
    },
    /// Money and tokens used by a job that goes on. Increments, never totals.
    Spent {
        /// The job.
        job: JobId,
        /// How much.
        spend: Spend,
        /// The conversation in which, where there is one. What was reported for it is never known without what was spent since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        talk: Option<Box<Talk>>,
    },
    /// A job is over and its processes are gone. `spend` is what had not been told before.
    Ended {
        /// The job.
        job: JobId,
        /// How it ended.
        ending: Box<Ending>,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Spend::is_nothing")]
        spend: Spend,
    },
    /// Its rest is over.
    Rested {
        /// The node.
        node: NodeId,
        /// What was put off.
        what: What,
    },
    /// A closed quota is due for a probe.
    QuotaDue {
        /// Whose.
        backend: BackendId,
    },
    /// The wall clock of the budget ran out.
    TimeUp,
    /// A person's word was taken in.
    Ordered(Order),
    /// A new process took over: whatever was running is not. It may come with other limits.
    Resumed {
        /// The limits from here on, where they changed.
        policy: Option<Box<Policy>>,
    },
}

/// A person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Start nothing; what runs finishes.
    Pause,
    /// Go on; also: try the backends again that wait for a person.
    Go,
    /// Stop what runs, start nothing, for good.
    Cancel,
    /// A failed node may try again, with fresh patience.
    Retry(NodeId),
    /// Count the node as passed without doing it.
    Skip(NodeId),
    /// A gate's criterion holds, says a person. For a task: a criterion of its task gate.
    Approve {
        /// The gate (or the task whose gate it is).
        gate: NodeId,
        /// Which of its criteria.
        criterion: u16,
    },
    /// A task may touch this path, though it is out of its scope or protected.
    Grant {
        /// The task.
        task: NodeId,
        /// Path relative to the repository.
        path: Box<str>,
    },
}

/// An event with its place and time in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 0.
    pub seq: u64,
    /// When it was recorded; never goes back.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}
