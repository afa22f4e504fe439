//! A gate: a node with nothing to build and something to prove. What hangs behind it waits for the proof.

use super::{NodeId, ReviewerId, StreamId, Unit};
use serde::{Deserialize, Serialize};

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
        /// Prints the figure, or leaves the reports that it is in.
        command: Box<str>,
        /// What it must hold.
        bound: Bound,
        /// How the figure is read.
        #[serde(default, skip_serializing_if = "Parse::is_last")]
        parse: Parse,
        /// In what it is kept and told.
        #[serde(default)]
        unit: Unit,
    },
    /// The tree has each of these: paths and globs.
    Files {
        /// Relative to the repository.
        paths: Vec<Box<str>>,
    },
    /// Every task that landed has handed over.
    HandedOver,
    /// These commands change no file that the commit has.
    LeavesClean {
        /// Run in this order.
        commands: Vec<Box<str>>,
    },
    /// Nothing was skipped that a blocker stood against. Settled by the core itself; where something was, by a person.
    NoBlocker,
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
    /// Its name in JSON. Stable.
    pub fn name(&self) -> &'static str {
        match self {
            Means::TestsFirst => "tests-first",
            Means::SealIntact => "seal-intact",
            Means::Green => "green",
            Means::BodiesOut => "bodies-out",
            Means::Scope => "scope",
            Means::Integrity => "integrity",
            Means::Checked { .. } => "checked",
            Means::Measured { .. } => "measured",
            Means::Files { .. } => "files",
            Means::HandedOver => "handed-over",
            Means::LeavesClean { .. } => "leaves-clean",
            Means::NoBlocker => "no-blocker",
            Means::Reviewed { .. } => "reviewed",
            Means::Approved => "approved",
            Means::Held => "held",
        }
    }

    /// Whether only a person settles it.
    pub fn is_a_persons(&self) -> bool {
        matches!(self, Means::Approved | Means::Held)
    }
}

/// How a figure is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parse {
    /// The last number that was printed.
    #[default]
    Last,
    /// What the group of this regular expression holds, where it matches last.
    Pattern(Box<str>),
    /// What this JSON pointer names in the last JSON value that was printed.
    Pointer(Box<str>),
    /// A share of lines, from reports of coverage.
    Coverage(Box<Coverage>),
}

impl Parse {
    /// Whether it is the last number printed.
    pub fn is_last(&self) -> bool {
        *self == Parse::Last
    }
}

/// A share of lines that tests run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Of which lines.
    pub part: Part,
    /// What leaves the reports, run in this order.
    pub commands: Vec<Box<str>>,
    /// The reports' paths, relative to the repository: LCOV or Cobertura.
    pub reports: Vec<Box<str>>,
}

/// Which lines a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Those that a task's patch puts in.
    Changed,
    /// All.
    Total,
    /// All, less the same share of what the task was built on, in points of a percent.
    Gain,
}

/// What a figure must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// No less than this.
    AtLeast(i64),
    /// No more than this.
    AtMost(i64),
    /// More than this.
    Above(i64),
    /// Less than this.
    Below(i64),
}

impl Bound {
    /// Whether the figure is within the bound.
    pub fn holds(self, figure: i64) -> bool {
        match self {
            Bound::AtLeast(least) => figure >= least,
            Bound::AtMost(most) => figure <= most,
            Bound::Above(limit) => figure > limit,
            Bound::Below(limit) => figure < limit,
        }
    }
}

impl Criterion {
    /// A figure that this criterion asks for, and its bound, in words: `87.5 % of at least 80 %`. `None`: it asks for none.
    pub fn told(&self, figure: i64) -> Option<String> {
        let Means::Measured { bound, unit, .. } = &self.means else { return None };
        Some(format!("measured {}, asked for {}", unit.figure(figure), unit.bound(*bound)))
    }

    /// What keeps a gate closed with this figure, in words. `None`: it holds.
    pub fn missed(&self, figure: i64) -> Option<String> {
        let Means::Measured { bound, .. } = &self.means else { return None };
        let told = self.told(figure).filter(|_| !bound.holds(figure))?;
        Some(format!("{}: {told}", self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(bound: Bound) -> Criterion {
        let means = Means::Measured { command: "bench".into(), bound, parse: Parse::Last, unit: Unit::percent() };
        Criterion { text: "Fast".into(), line: None, means }
    }

    #[test]
    fn a_bound_holds_on_its_side_of_the_limit() {
        for (bound, below, at, above) in [
            (Bound::AtLeast(5), false, true, true),
            (Bound::AtMost(5), true, true, false),
            (Bound::Above(5), false, false, true),
            (Bound::Below(5), true, false, false),
        ] {
            assert_eq!([4, 5, 6].map(|figure| bound.holds(figure)), [below, at, above], "{bound:?}");
        }
    }

    #[test]
    fn a_figure_is_told_with_its_bound_and_with_what_asks_for_it_where_it_misses() {
        let criterion = measured(Bound::AtLeast(80_000));
        assert_eq!(criterion.told(79_500).as_deref(), Some("measured 79.5 %, asked for at least 80 %"));
        assert_eq!(criterion.missed(79_500).as_deref(), Some("Fast: measured 79.5 %, asked for at least 80 %"));
        assert_eq!(criterion.missed(80_000), None);
        let held = Criterion { means: Means::Held, ..criterion };
        assert_eq!((held.told(5), held.missed(5)), (None, None));
    }

    #[test]
    fn the_names_of_means_and_levels_are_stable() {
        for (means, name, is_a_persons) in [
            (Means::TestsFirst, "tests-first", false),
            (Means::SealIntact, "seal-intact", false),
            (Means::Green, "green", false),
            (Means::BodiesOut, "bodies-out", false),
            (Means::Scope, "scope", false),
            (Means::Integrity, "integrity", false),
            (Means::Checked { commands: vec![] }, "checked", false),
            (measured(Bound::AtLeast(0)).means, "measured", false),
            (Means::Files { paths: vec![] }, "files", false),
            (Means::HandedOver, "handed-over", false),
            (Means::LeavesClean { commands: vec![] }, "leaves-clean", false),
            (Means::NoBlocker, "no-blocker", false),
            (Means::Reviewed { reviewer: ReviewerId(0) }, "reviewed", false),
            (Means::Approved, "approved", true),
            (Means::Held, "held", true),
        ] {
            assert_eq!((means.name(), means.is_a_persons()), (name, is_a_persons));
        }
        let levels =
            [Level::Task(NodeId(0)), Level::Stream(StreamId(0)), Level::Checkpoint, Level::System, Level::Deployment];
        assert_eq!(levels.map(Level::name), ["task", "stream", "checkpoint", "system", "deployment"]);
    }

    #[test]
    fn the_last_number_is_what_a_journal_does_not_have_to_say() {
        let written = |parse| {
            serde_json::to_string(&Means::Measured {
                command: "bench".into(),
                bound: Bound::AtLeast(0),
                parse,
                unit: Unit::default(),
            })
        };
        assert!(!written(Parse::Last).unwrap().contains("parse"));
        let means = written(Parse::Pointer("/p95".into())).unwrap();
        assert!(means.contains("/p95"), "{means}");
    }
}
