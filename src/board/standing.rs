//! Where a node stands, in the words that people see. Derived from the run by who owns it; nothing here decides.

use crate::{
    plan::{NodeId, Phase},
    run::{Code, Run, State, Timestamp, Weight},
};

/// Exactly one of these for each node, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// What it hangs on is not open yet.
    #[default]
    Waiting,
    /// As waiting, and something it hangs on, near or far, has failed.
    Blocked,
    /// In this phase; without a running job of its own it is ready, or rests.
    Working {
        /// Which.
        phase: Phase,
        /// Nothing of it goes on before this time.
        rests: Option<Timestamp>,
    },
    /// In the merge train.
    Merging {
        /// Nothing of it goes on before this time.
        rests: Option<Timestamp>,
    },
    /// The machines have spoken; these criteria of its gate wait for a person.
    Held {
        /// Indices into the criteria.
        lacks: Vec<u16>,
    },
    /// Landed and handed over; or the gate opened.
    Done,
    /// A person counts it as passed.
    Skipped,
    /// The plan no longer has it.
    Retired,
    /// Cannot go on by itself.
    Failed {
        /// In which phase.
        phase: Phase,
        /// Why, as a sentence without its subject: `failed in red after 3 tries: no new test was found`.
        why: Box<str>,
        /// Paths that a person may let it touch: it failed for want of them.
        shut: Vec<Box<str>>,
    },
}

impl Standing {
    /// Where the run says that a node stands.
    pub fn of(run: &Run, node: NodeId) -> Standing {
        match run.state(node) {
            State::Waiting { .. } => Standing::Waiting,
            State::Blocked { .. } => Standing::Blocked,
            State::Working { phase } => Standing::Working { phase, rests: run.rests(node) },
            State::Merging { .. } => Standing::Merging { rests: run.rests(node) },
            State::Held => Standing::Held { lacks: run.awaited(node) },
            State::Done => Standing::Done,
            State::Skipped => Standing::Skipped,
            State::Retired => Standing::Retired,
            State::Failed { why } => {
                let why_not = run.failure(node).unwrap_or_default().into();
                Standing::Failed { phase: why.phase(), why: why_not, shut: shut(run, node) }
            }
        }
    }

    /// Its name in JSON and in documents. Stable.
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Waiting => "waiting",
            Standing::Blocked => "blocked",
            Standing::Working { .. } => "working",
            Standing::Merging { .. } => "merging",
            Standing::Held { .. } => "held",
            Standing::Done => "done",
            Standing::Skipped => "skipped",
            Standing::Retired => "retired",
            Standing::Failed { .. } => "failed",
        }
    }

    /// Whoever hangs on it may go.
    pub fn is_met(&self) -> bool {
        matches!(self, Standing::Done | Standing::Skipped | Standing::Retired)
    }

    /// A person has to act before it moves.
    pub fn needs_person(&self) -> bool {
        matches!(self, Standing::Held { .. } | Standing::Failed { .. })
    }
}

/// The paths for which a node was sent back the last time.
fn shut(run: &Run, node: NodeId) -> Vec<Box<str>> {
    let findings = run.life(node).sheet.findings.iter();
    let shut = findings
        .filter(|finding| finding.weight == Weight::Blocker && matches!(finding.code, Code::Scope | Code::Protected));
    shut.filter_map(|finding| finding.file.clone()).collect()
}

/// How many are in each standing. Retired ones are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All that the plan has.
    pub total: u32,
    /// Not open yet.
    pub waiting: u32,
    /// Behind something that failed.
    pub blocked: u32,
    /// In a phase.
    pub working: u32,
    /// In the merge train.
    pub merging: u32,
    /// Waiting for a person's word.
    pub held: u32,
    /// Landed, or open.
    pub done: u32,
    /// Counted as passed by a person.
    pub skipped: u32,
    /// Failed.
    pub failed: u32,
}

impl Count {
    /// Those that need nothing more.
    pub fn met(&self) -> u32 {
        self.done + self.skipped
    }

    /// Percent that need nothing more; of nothing, all of it.
    pub fn percent(&self) -> u32 {
        let percent = u64::from(self.met()) * 100;
        percent.checked_div(u64::from(self.total)).map_or(100, |p| p as u32)
    }

    pub(super) fn enter(&mut self, standing: &Standing) {
        if let Some(count) = self.of(standing) {
            *count += 1;
            self.total += 1;
        }
    }

    pub(super) fn leave(&mut self, standing: &Standing) {
        if let Some(count) = self.of(standing) {
            *count = count.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
        }
    }

    fn of(&mut self, standing: &Standing) -> Option<&mut u32> {
        Some(match standing {
            Standing::Waiting => &mut self.waiting,
            Standing::Blocked => &mut self.blocked,
            Standing::Working { .. } => &mut self.working,
            Standing::Merging { .. } => &mut self.merging,
            Standing::Held { .. } => &mut self.held,
            Standing::Done => &mut self.done,
            Standing::Skipped => &mut self.skipped,
            Standing::Retired => return None,
            Standing::Failed { .. } => &mut self.failed,
        })
    }
}
