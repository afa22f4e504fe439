//! Where a node of the plan stands, and what it has behind it.
//!
//! ```text
//!               all it hangs on                                              its gate is open       ref moved
//!  Waiting ------- are open ------> Working(Tests > Red > Implement > Verify > Review) ----> Merging ---> Working(Handoff) ---> Done
//!    ^  |                                ^         ^  rejected: back, costs a try    |  ^       |
//!    |  | one of them                    | retry   '--------------------------------'--|-------'  conflict or red, for real
//!    |  v is dead                        |                 only a person's word is missing: Held
//!  Blocked <--------------------------- Failed <---- out of tries, or fell over too often
//!  a gate:  Waiting > Working(Judge) > Done | Held (a person's word is missing) | Failed (a criterion was refused)
//!  a task's gate:  Waiting until its task is over, then as its task (Done by the judge, on what landed)
//!  any that is not over and not landing: Skipped (by a person), Retired (by a new plan, as may be a gate that has opened and is
//!  no task's)
//! ```

use super::{Ledger, Oid, Place, Rung, Sheet, What};
use crate::plan::Phase;
use std::sync::Arc;

/// Exactly one of these, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nodes that it hangs on are not open yet.
    Waiting {
        /// How many.
        unmet: u32,
    },
    /// As waiting, and some of them cannot open without a person.
    Blocked {
        /// How many are not open.
        unmet: u32,
        /// How many of these need a person.
        dead: u32,
    },
    /// In this phase; what is left to do in it are its wants.
    Working {
        /// Which.
        phase: Phase,
    },
    /// In the merge train.
    Merging {
        /// Its place in the line.
        place: Place,
    },
    /// The machines have spoken, and it waits for a person's word: a gate, or a task whose patch is ready to merge.
    Held,
    /// Landed and handed over: stays so. Or the gate opened: stays so, unless a new plan has another in its place.
    Done,
    /// A person counts it as passed.
    Skipped,
    /// The plan no longer has it. Counts as passed.
    Retired,
    /// Cannot go on by itself. A person may order a retry.
    Failed {
        /// Why.
        why: Failure,
    },
}

/// Why a node cannot go on by itself. What was found wanting is in its sheet, what fell over in [`Life::trouble`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Found wanting in this phase too often, whoever was on the ladder.
    NoProgress {
        /// Where it was found wanting the last time.
        phase: Phase,
    },
    /// A job of this phase fell over too often in a row.
    FellOver {
        /// Which.
        phase: Phase,
    },
    /// A criterion was refused; or a task's gate asks for what none of its phases proves.
    GateClosed,
    /// A check cannot run until a person acts.
    NeedsPerson {
        /// Which phase it belongs to.
        phase: Phase,
    },
    /// There is no patch to land: the task has no phase that makes one.
    NothingToLand,
}

impl Failure {
    /// The phase it failed in.
    pub fn phase(self) -> Phase {
        match self {
            Failure::NoProgress { phase } | Failure::FellOver { phase } | Failure::NeedsPerson { phase } => phase,
            Failure::GateClosed => Phase::Judge,
            Failure::NothingToLand => Phase::Merge,
        }
    }
}

impl State {
    /// How many it waits for, and how many of them are dead; `None` once it has started.
    pub(super) fn waits(self) -> Option<(u32, u32)> {
        match self {
            State::Waiting { unmet } => Some((unmet, 0)),
            State::Blocked { unmet, dead } => Some((unmet, dead)),
            State::Working { .. } | State::Merging { .. } | State::Held | State::Failed { .. } => None,
            State::Done | State::Skipped | State::Retired => None,
        }
    }

    /// Whoever hangs on it may go.
    pub fn is_met(self) -> bool {
        matches!(self, State::Done | State::Skipped | State::Retired)
    }

    /// Whoever hangs on it waits for a person.
    pub fn is_dead(self) -> bool {
        matches!(self, State::Failed { .. } | State::Blocked { .. })
    }

    /// Whether it waits for nothing before it any more.
    pub fn has_started(self) -> bool {
        !matches!(self, State::Waiting { .. } | State::Blocked { .. })
    }

    /// Whether it may have jobs that count, and keeps what its task holds: not while a person is waited for, not once it landed.
    pub(super) fn keeps_resources(self) -> bool {
        matches!(self, State::Working { phase } if phase != Phase::Handoff) || matches!(self, State::Merging { .. })
    }
}

/// A task's patience: how often it was sent back, and with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Since the last change of hands.
    pub rejected: u16,
    /// The same failure, this often in a row.
    pub same: u16,
    /// Which failure it was.
    pub last: u64,
    /// How many rungs of the policy's ladder are behind it.
    pub climbed: u16,
    /// How often it was sent back in all, since a person last said retry.
    pub sent_back: u16,
}

impl Tally {
    /// Counts a rejection; `false` when this rung has had its tries.
    pub(super) fn reject(&mut self, digest: u64, same_failure: u16, rejections: u16) -> bool {
        self.sent_back = self.sent_back.saturating_add(1);
        self.rejected = self.rejected.saturating_add(1);
        self.same = if self.last == digest { self.same.saturating_add(1) } else { 1 };
        self.last = digest;
        self.same < same_failure && self.rejected < rejections
    }

    /// Somebody else looks at it; `None` when there is nobody left.
    pub(super) fn climb(&mut self, ladder: &[Rung]) -> Option<Rung> {
        let rung = *ladder.get(usize::from(self.climbed))?;
        *self = Tally { climbed: self.climbed + 1, sent_back: self.sent_back, ..Tally::default() };
        Some(rung)
    }
}

/// What was last about to land. Its answer may have been lost, so it is kept until the task is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The patch that was proven.
    pub patch: Oid,
    /// The candidate that holds it.
    pub commit: Oid,
    /// What was proven of it.
    pub ledger: Ledger,
}

/// A node's life so far. Cloned from one empty life, whose sheet all nodes share until they have something to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// Jobs started for it.
    pub starts: u16,
    /// Its patience.
    pub tally: Tally,
    /// A task: its latest patch. A gate: the tip it is judged on.
    pub subject: Oid,
    /// A task: the commit that holds its latest patch.
    pub commit: Oid,
    /// What is proven of it.
    pub ledger: Ledger,
    /// What its next job has to know.
    pub sheet: Arc<Sheet>,
    /// Paths beyond its scope that its patch needs, as verified.
    pub asks: Box<[Box<str>]>,
    /// What was said when one of its jobs last fell over, or was put off until a person acts.
    pub trouble: Option<Box<str>>,
    /// What was last about to land.
    pub launched: Option<Box<Launch>>,
    /// How many jobs of each kind have ended in a pass or a rejection; sorted.
    turns: Vec<(What, u16)>,
}

impl Default for Life {
    fn default() -> Life {
        Life {
            state: State::Waiting { unmet: 0 },
            starts: 0,
            tally: Tally::default(),
            subject: Oid::NONE,
            commit: Oid::NONE,
            ledger: Ledger::default(),
            sheet: Arc::default(),
            asks: Box::default(),
            trouble: None,
            launched: None,
            turns: Vec::new(),
        }
    }
}

impl Life {
    /// Which try a job of this kind would be now, from 1.
    pub fn turn(&self, what: What) -> u16 {
        match self.turns.binary_search_by_key(&what, |&(what, _)| what) {
            Ok(at) => self.turns[at].1.saturating_add(1),
            Err(_) => 1,
        }
    }

    pub(super) fn count_turn(&mut self, what: What) {
        match self.turns.binary_search_by_key(&what, |&(what, _)| what) {
            Ok(at) => self.turns[at].1 = self.turns[at].1.saturating_add(1),
            Err(at) => self.turns.insert(at, (what, 1)),
        }
    }

    /// It stays as it is from here on: nothing is kept that only another job would ask for.
    pub(super) fn close(&mut self) {
        (self.trouble, self.asks, self.turns) = (None, Box::default(), Vec::new());
        self.ledger.close(self.subject);
    }

    /// The sheet, to write on. Whoever was handed a copy keeps what was on it.
    pub(super) fn sheet(&mut self) -> &mut Sheet {
        Arc::make_mut(&mut self.sheet)
    }

    /// Whether the integration ref has it: nothing may send it back or land it again.
    pub fn has_landed(&self) -> bool {
        !self.sheet.landed.is_none()
    }

    /// The paths its patch needs and nobody granted.
    pub fn ungranted(&self) -> Vec<&str> {
        let is_in = |list: &[Box<str>], path: &str| list.binary_search_by(|known| (**known).cmp(path)).is_ok();
        let has = |path: &str| is_in(&self.sheet.grants, path) || is_in(&self.sheet.permits, path);
        self.asks.iter().map(|path| &**path).filter(|path| !has(path)).collect()
    }
}

/// How many nodes are in each state. An index over the lives, kept so that nobody has to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// [`State::Waiting`].
    pub waiting: u32,
    /// [`State::Blocked`].
    pub blocked: u32,
    /// [`State::Working`].
    pub working: u32,
    /// [`State::Merging`].
    pub merging: u32,
    /// [`State::Held`].
    pub held: u32,
    /// [`State::Done`].
    pub done: u32,
    /// [`State::Skipped`].
    pub skipped: u32,
    /// [`State::Retired`].
    pub retired: u32,
    /// [`State::Failed`].
    pub failed: u32,
}

impl Count {
    pub(super) fn of(&mut self, state: State) -> &mut u32 {
        match state {
            State::Waiting { .. } => &mut self.waiting,
            State::Blocked { .. } => &mut self.blocked,
            State::Working { .. } => &mut self.working,
            State::Merging { .. } => &mut self.merging,
            State::Held => &mut self.held,
            State::Done => &mut self.done,
            State::Skipped => &mut self.skipped,
            State::Retired => &mut self.retired,
            State::Failed { .. } => &mut self.failed,
        }
    }

    /// Nodes that are over, well.
    pub fn met(&self) -> u32 {
        self.done + self.skipped + self.retired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_with_the_same_failure_in_a_row_or_with_too_many_of_any_kind() {
        let goes_on = |failures: &[u64]| {
            let mut tally = Tally::default();
            failures.iter().map(|&failure| tally.reject(failure, 2, 4)).collect::<Vec<_>>()
        };
        assert_eq!(goes_on(&[7, 7]), [true, false]);
        assert_eq!(goes_on(&[7, 8, 7, 8]), [true, true, true, false]);
        assert_eq!(goes_on(&[8, 7, 7]), [true, true, false]);
        assert_eq!(goes_on(&[0]), [true], "the first failure is nobody's second");
    }

    #[test]
    fn with_each_rung_patience_is_new_until_nobody_is_left() {
        let ladder = [Rung::Consulted, Rung::Advised];
        let mut tally = Tally::default();
        for (rung, climbed) in [(Some(Rung::Consulted), 1), (Some(Rung::Advised), 2), (None, 2)] {
            assert!(tally.reject(7, 2, 9), "the first since the last change of hands");
            assert_eq!(tally.climb(&ladder), rung);
            assert_eq!(tally.climbed, climbed);
        }
        assert_eq!((tally.sent_back, tally.rejected), (3, 1), "all are counted, since the last rung one");
    }
}
