//! Whether the run is over, and how; and when to look again though nothing happened.

use super::{Event, Mode, Quota, Run, Timestamp, Why};
use crate::plan::BackendId;

/// How a run stands that moves no further by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every gate opened.
    Done,
    /// Nothing more can move without a person.
    Returned {
        /// Nodes that failed.
        failed: u32,
        /// Nodes behind them.
        blocked: u32,
        /// Gates and tasks that wait for a person's word.
        held: u32,
    },
    /// There is work, and it was stopped from outside it. Can be resumed.
    Stopped(Stop),
}

/// What stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A person said pause.
    Paused,
    /// A person said cancel: for good.
    Cancelled,
    /// What is left of money or tokens does not cover the next job.
    Budget,
    /// The wall clock ran out.
    TimeUp,
    /// Waits for a person to log in, pay, or configure.
    Backend(BackendId),
    /// All that was asked for is over, or stuck; there is more.
    Asked,
    /// The limits leave no slot for what is ready (an agent limit of zero).
    Limits,
}

impl Run {
    /// `None` while anything runs, rests, or could start, now or later, without a person.
    pub fn outcome(&self) -> Option<Outcome> {
        let count = self.count;
        if !self.jobs.is_empty() || self.lives.is_empty() {
            return None;
        }
        if count.met() as usize == self.lives.len() {
            return Some(Outcome::Done);
        }
        match self.mode {
            Mode::Paused => return Some(Outcome::Stopped(Stop::Paused)),
            Mode::Cancelled => return Some(Outcome::Stopped(Stop::Cancelled)),
            Mode::Going => {}
        }
        if self.budget.time_is_up && !self.wants.is_empty() {
            return Some(Outcome::Stopped(Stop::TimeUp));
        }
        if self.wants.is_empty() {
            let (failed, blocked, held) = (count.failed, count.blocked, count.held);
            return Some(Outcome::Returned { failed, blocked, held });
        }
        if self.decide().is_some() || !self.resting.is_empty() {
            return None;
        }
        let mut stop = Stop::Limits;
        for (lane, _) in self.queue.heads() {
            match self.hindrance(lane) {
                None | Some(Why::Quota { .. }) => return None,
                Some(Why::Budget) => stop = Stop::Budget,
                Some(Why::NotAsked) if stop == Stop::Limits => stop = Stop::Asked,
                Some(Why::OutOfOrder(backend)) => stop = Stop::Backend(backend),
                Some(_) => {}
            }
        }
        Some(Outcome::Stopped(stop))
    }

    /// When to call [`Run::turn`] again though nothing happened. May be early, never late.
    pub fn deadline(&self) -> Option<Timestamp> {
        let rest = self.resting.first().map(|&(until, ..)| until);
        let quota = self.quotas.iter().filter_map(|q| match *q {
            Quota::Closed { until, .. } => Some(until),
            Quota::Open { .. } | Quota::Due { .. } | Quota::Probing { .. } | Quota::OutOfOrder => None,
        });
        let stop_at = self.policy.stop_at.filter(|_| !self.budget.time_is_up);
        quota.chain(rest).chain(stop_at).min()
    }

    /// The first thing that is due by the clock. Recorded, so that a replay needs no clock.
    pub(super) fn due(&self, now: Timestamp) -> Option<Event> {
        if let Some(&(until, node, what)) = self.resting.first()
            && until <= now
        {
            return Some(Event::Rested { node, what });
        }
        if !self.budget.time_is_up && self.policy.stop_at.is_some_and(|at| at <= now) {
            return Some(Event::TimeUp);
        }
        let is_due = |quota: &Quota| matches!(*quota, Quota::Closed { until, .. } if until <= now);
        let (backend, _) = (0..).zip(&self.quotas).find(|(_, quota)| is_due(quota))?;
        Some(Event::QuotaDue { backend: BackendId(backend) })
    }
}
