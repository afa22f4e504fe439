//! A gate: a node with nothing to build and something to prove. What hangs behind it waits for the proof.

use super::{NodeId, ReviewerId, StreamId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A node that dependents hang on (DESIGN.md section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What it stands behind.
    pub level: Level,
    /// What it is called: `task:5`, `stream:C`, `system`.
    pub label: Box<str>,
    /// All of these have to be proven.
    pub criteria: Vec<Criterion>,
}

/// What a gate stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// One task. Its criteria are proven by the task's own jobs, on the patch that lands.
    Task(NodeId),
    /// All tasks of a stream.
    Stream(StreamId),
    /// What a coordination plan says.
    Checkpoint,
    /// All streams.
    System,
    /// Everything.
    Deployment,
}

impl Level {
    /// Its name in documents and in `[checks]`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Task(_) => "task",
            Level::Stream(_) => "stream",
            Level::Checkpoint => "checkpoint",
            Level::System => "system",
            Level::Deployment => "deployment",
        }
    }
}

/// One thing to prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// The author's words, or ours where the criterion is built in.
    pub text: Box<str>,
    /// Where the author wrote it; `None` for a built-in one.
    pub line: Option<u32>,
    /// Who settles it.
    pub means: Means,
}

/// Who settles a criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Means {
    /// Task gate: the tests existed before the code, and were red for the right reason.
    TestsFirst,
    /// Task gate: the sealed tests are what they were.
    SealIntact,
    /// Task gate: the sealed tests are found and pass, and nothing that passed before fails.
    Green,
    /// Task gate: with the bodies of the changed functions out, at least one of the sealed tests fails.
    BodiesOut,
    /// Task gate: the patch stays in its scope, or was granted what it needs beyond it.
    Scope,
    /// Task gate: the built-in reviewers (secrets, conflict markers, binaries, stubs) find nothing.
    Integrity,
    /// Command lines for `sh`, all of which must succeed.
    Checked {
        /// Run in this order.
        commands: Vec<Box<str>>,
    },
    /// A command that yields a figure. Figures are integers in the unit of the bound (no floats in decisions).
    Measured {
        /// Prints the figure.
        command: Box<str>,
        /// What it must hold.
        bound: Bound,
    },
    /// A reviewer's verdict.
    Reviewed {
        /// Who is asked.
        reviewer: ReviewerId,
    },
    /// A person's word, asked for by the author or the configuration.
    Approved,
    /// Words that no machine here can settle. Held for a person: never open by itself, never closed by itself.
    Held,
}

impl Means {
    /// Whether only a person settles it.
    pub fn is_a_persons(&self) -> bool {
        matches!(self, Means::Approved | Means::Held)
    }
}

/// What a figure must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// No less than this.
    AtLeast(i64),
    /// No more than this.
    AtMost(i64),
}

impl Bound {
    /// Whether the figure is within the bound.
    pub fn holds(self, figure: i64) -> bool {
        match self {
            Bound::AtLeast(least) => figure >= least,
            Bound::AtMost(most) => figure <= most,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(least) => write!(f, "at least {least}"),
            Bound::AtMost(most) => write!(f, "at most {most}"),
        }
    }
}
