//! Money, tokens and wall clock: reserved before a job starts, settled when it ends.

use serde::{Deserialize, Serialize};

/// What agents used, as their providers count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spend {
    /// Millionths of a dollar, as far as a price was told.
    #[serde(default)]
    pub micros: u64,
    /// Tokens that were sent, without those that the provider had cached.
    #[serde(default, alias = "tokens")]
    pub input: u64,
    /// Tokens that were sent and read from the provider's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Tokens that came back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output: u64,
}

impl Spend {
    /// All tokens, sent and come back.
    pub fn tokens(&self) -> u64 {
        self.input.saturating_add(self.cached).saturating_add(self.output)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Spend) -> Spend {
        self.with(other, u64::saturating_add)
    }

    /// What is left of it; never less than nothing.
    #[must_use]
    pub fn minus(self, other: Spend) -> Spend {
        self.with(other, u64::saturating_sub)
    }

    fn with(self, other: Spend, each: impl Fn(u64, u64) -> u64) -> Spend {
        Spend {
            micros: each(self.micros, other.micros),
            input: each(self.input, other.input),
            cached: each(self.cached, other.cached),
            output: each(self.output, other.output),
        }
    }

    /// Whether it is nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Spend::default()
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a run may use in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Millionths of a dollar.
    pub micros: u64,
    /// Tokens, sent and come back.
    pub tokens: u64,
    /// Agents that are started, those that need no model not counted.
    #[serde(default = "most")]
    pub runs: u64,
}

impl Limit {
    /// No limit.
    pub const NONE: Limit = Limit { micros: u64::MAX, tokens: u64::MAX, runs: u64::MAX };
}

impl Default for Limit {
    fn default() -> Limit {
        Limit::NONE
    }
}

fn most() -> u64 {
    u64::MAX
}

/// What was spent, and what is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// By all jobs so far.
    pub spent: Spend,
    /// Granted to running jobs and not yet spent by them.
    pub reserved: Spend,
    /// Agents that were started with a grant.
    pub runs: u64,
    /// The wall clock ran out.
    pub time_is_up: bool,
}

impl Budget {
    /// Whether a job with this grant may start. What costs nothing always may: a patch that is paid for still lands.
    pub fn admits(&self, grant: Spend, limit: Limit) -> bool {
        let all = self.spent.plus(self.reserved).plus(grant);
        grant.is_nothing() || (all.micros <= limit.micros && all.tokens() <= limit.tokens && self.runs < limit.runs)
    }

    /// A job starts with this grant.
    pub(super) fn reserve(&mut self, grant: Spend) {
        self.reserved = self.reserved.plus(grant);
        self.runs += u64::from(!grant.is_nothing());
    }

    /// A job spent this out of `left` of its grant; returns what is left. It may have gone beyond.
    pub(super) fn spend(&mut self, left: Spend, spend: Spend) -> Spend {
        self.spent = self.spent.plus(spend);
        let rest = left.minus(spend);
        self.release(left.minus(rest));
        rest
    }

    pub(super) fn release(&mut self, left: Spend) {
        self.reserved = self.reserved.minus(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Spend = Spend { micros: 1, input: 20, cached: 300, output: 4_000 };

    #[test]
    fn tokens_are_what_was_sent_and_what_came_back() {
        assert_eq!(ALL.tokens(), 4_320);
        assert_eq!(Spend { input: u64::MAX, ..ALL }.tokens(), u64::MAX);
    }

    #[test]
    fn spending_adds_up_by_its_kinds_and_never_falls_below_nothing() {
        let sum = ALL.plus(ALL);
        assert_eq!((sum.micros, sum.input, sum.cached, sum.output), (2, 40, 600, 8_000));
        assert_eq!((sum.minus(ALL), ALL.minus(sum)), (ALL, Spend::default()));
        assert!(Spend::default().is_nothing() && !Spend { cached: 1, ..Spend::default() }.is_nothing());
    }

    #[test]
    fn what_costs_nothing_starts_whatever_is_left_and_the_rest_up_to_the_limit() {
        let mut budget = Budget { spent: ALL, reserved: ALL, runs: 3, ..Budget::default() };
        let just = Limit { micros: 3, tokens: 3 * 4_320, runs: 4 };
        assert!(budget.admits(ALL, just) && budget.admits(ALL, Limit::default()));
        for less in [Limit { micros: 2, ..just }, Limit { tokens: just.tokens - 1, ..just }, Limit { runs: 3, ..just }]
        {
            assert!(!budget.admits(ALL, less), "{less:?}");
            assert!(budget.admits(Spend::default(), less));
        }
        budget.reserve(ALL);
        budget.reserve(Spend::default());
        assert_eq!((budget.runs, budget.reserved), (4, ALL.plus(ALL)), "what costs nothing is no run");
    }

    #[test]
    fn a_grant_is_used_up_by_what_is_spent_of_it_and_no_other_grant_is() {
        let mut budget = Budget { reserved: ALL.plus(ALL), ..Budget::default() };
        let left = budget.spend(ALL, Spend { micros: 9, input: 5, ..Spend::default() });
        assert_eq!((left.micros, left.input, left.cached), (0, 15, 300));
        assert_eq!((budget.spent.micros, budget.reserved.micros), (9, 1), "beyond its grant it takes nobody's");
        budget.release(left);
        assert_eq!(budget.reserved, ALL);
    }

    #[test]
    fn what_is_nothing_is_not_written_and_what_older_journals_say_is_read() {
        let written = |spend: Spend| serde_json::to_string(&spend).unwrap();
        assert_eq!(written(Spend { micros: 1, ..Spend::default() }), r#"{"micros":1,"input":0}"#);
        assert_eq!(written(ALL), r#"{"micros":1,"input":20,"cached":300,"output":4000}"#);
        let read: Spend = serde_json::from_str(r#"{"micros":1,"tokens":7}"#).unwrap();
        assert_eq!(read, Spend { micros: 1, input: 7, ..Spend::default() });
        let limit: Limit = serde_json::from_str(r#"{"micros":1,"tokens":2}"#).unwrap();
        assert_eq!(limit.runs, u64::MAX, "agents were not limited");
    }
}
