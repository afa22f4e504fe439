//! How a job ended. Four kinds, because there are four ways to go on; what was seen is evidence, judged elsewhere.

use super::{Finding, Oid, Timestamp};
use crate::plan::NodeId;
use serde::{Deserialize, Serialize};

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Proven. On to what is next.
    Passed(Evidence),
    /// Done, looked at, and found wanting: back with the findings. Costs a try.
    Rejected(Rejection),
    /// Not its fault (rate limit, quota, payment). Costs no try; closes the backend it ran on.
    Deferred {
        /// Until when.
        until: Until,
        /// What was said.
        why: Box<str>,
    },
    /// It fell over. Again after a rest; costs one of the job's own lives.
    Broke(Breakage),
}

impl Ending {
    /// Its name in spans and for people. Stable.
    pub fn name(&self) -> &'static str {
        match self {
            Ending::Passed(_) => "passed",
            Ending::Rejected(_) => "rejected",
            Ending::Deferred { .. } => "deferred",
            Ending::Broke(_) => "broke",
        }
    }
}

/// What was found wanting, and what was seen on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Never empty: a rejection without a finding has broken.
    pub findings: Vec<Finding>,
    /// What the workspace held when the job ended, as a commit; the next try goes on from it.
    #[serde(default, skip_serializing_if = "Oid::is_none")]
    pub left: Oid,
    /// Paths beyond the scope that a reviewer granted on the way (CONTRACTS.md, What a task may touch).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Box<str>>,
    /// What was run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<Ran>,
}

/// What a pass proved. A job that passes without the evidence its kind needs has broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// Nothing beyond the pass itself: advice was given, a command of a gate succeeded.
    Seen {
        /// What was run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ran: Vec<Ran>,
    },
    /// Tests were written.
    Tests {
        /// The workspace as it was left, less what was taken out.
        commit: Oid,
        /// What was taken out of it: told, no blocker.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        told: Vec<Finding>,
    },
    /// The tests were red for the right reason, and are sealed.
    Red(Box<Red>),
    /// The implementation was handed in.
    Work {
        /// The before and after blob of every changed path: what a verdict belongs to.
        patch: Oid,
        /// The workspace as it was left.
        commit: Oid,
        /// What a commit cannot hold of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        told: Vec<Finding>,
    },
    /// The task gate's own criteria hold for this patch.
    Verified(Box<Verified>),
    /// A reviewer approved.
    Approved {
        /// Concerns, suggestions and praise.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
        /// Paths beyond the scope that it granted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        grants: Vec<Box<str>>,
    },
    /// Somebody looked at a task that keeps failing, and says what to do.
    Advice {
        /// What is said; goes to the next try with what was found wanting.
        findings: Vec<Finding>,
    },
    /// A candidate was built on its base and is this commit.
    Built {
        /// The candidate.
        commit: Oid,
        /// What it changes on its base. Another patch than the one that was to be built: others have changed the same files.
        patch: Oid,
    },
    /// The integration ref is now this commit.
    Landed {
        /// Where the ref is.
        tip: Oid,
        /// What people should know about the branch that follows it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<Box<str>>,
    },
    /// What a command measured, in the unit of its bound.
    Figure {
        /// The figure.
        figure: i64,
        /// What was run.
        ran: Vec<Ran>,
        /// What it is made of, where that says more than the figure.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        told: Vec<Finding>,
    },
}

/// Proof that tests came first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Red {
    /// What was sealed.
    pub seal: Seal,
    /// Why the tests count as red, in one sentence.
    pub reason: Box<str>,
    /// What was run.
    pub ran: Vec<Ran>,
    /// Tests that were red on the base before anything began: told, and not counted against the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub red_before: Vec<Box<str>>,
}

/// The tests of a task, as they were when they were red.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The commit that holds them: base and tests, no code.
    pub commit: Oid,
    /// Each file that the test-developer added or changed.
    pub files: Vec<Sealed>,
    /// The tests that must be found and pass, by the runner's names where it gave some at red.
    pub tests: Vec<Box<str>>,
    /// Sealed tests that skipped themselves at red, and may stay skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Box<str>>,
    /// Tests that the test-developer took out, as `path test`: these may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Box<str>>,
}

/// One sealed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Path relative to the repository.
    pub path: Box<str>,
    /// Git's mode (`100644`, `100755`, `120000`), in octal as git writes it; `0` when the file was deleted.
    pub mode: u32,
    /// Its content.
    pub blob: Oid,
}

/// What verifying a patch proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The patch that holds: the handed-in one, less what was taken out and restored.
    pub patch: Oid,
    /// The commit that holds it.
    pub commit: Oid,
    /// Paths beyond the scope that the gate needs and that only a grant lets through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Box<str>>,
    /// What was taken out or restored: told, no blocker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Finding>,
    /// What the sealed tests say without the code; `None` where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_code: Option<WithoutCode>,
    /// Figures of the task gate's measured criteria: criterion, figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<(u16, i64)>,
    /// What was run.
    pub ran: Vec<Ran>,
}

/// What the sealed tests say without the code that they are for (DESIGN.md section 5.4, bodies out).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutCode {
    /// What was taken out.
    pub out: TakenOut,
    /// The sealed tests that fail without it, by the runner's names; none where it gives no names, or where nothing is built without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<Box<str>>,
    /// Those that pass all the same: they prove nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passing: Vec<Box<str>>,
    /// What this does not prove, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Box<str>>,
    /// What was run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<Ran>,
}

/// What was taken out of a tree to see whether its tests need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TakenOut {
    /// The bodies of these functions: those that the patch changes.
    Bodies(Vec<Box<str>>),
    /// The implementation's whole patch.
    Patch,
}

/// One command that was run as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// The command line.
    pub command: Box<str>,
    /// The commit it was run on.
    pub on: Oid,
    /// Exit code; a signal is its number plus 128, as shells say it.
    pub exit: i32,
    /// Wall time in milliseconds.
    pub ms: u64,
    /// Tests by name, where the runner gave names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Its output, relative to the run's folder.
    pub log: Box<str>,
}

/// How many tests a runner reported, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Ran and passed.
    pub passed: u32,
    /// Ran and failed.
    pub failed: u32,
    /// Skipped or ignored.
    pub ignored: u32,
}

/// When it is worth trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// Not before.
    At(Timestamp),
    /// No retry cures it: authentication, payment, configuration.
    Person,
}

/// How a job fell over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breakage {
    /// Crash, bad output, lost worker.
    Fell {
        /// What happened.
        why: Box<str>,
        /// What the workspace held, as a commit, if anything could be taken in.
        #[serde(default, skip_serializing_if = "Oid::is_none")]
        left: Oid,
    },
    /// The integration ref was not where the core believed.
    Moved {
        /// Where it is.
        tip: Oid,
        /// Tasks whose trailers are on the way to `tip`.
        found: Vec<NodeId>,
    },
}
