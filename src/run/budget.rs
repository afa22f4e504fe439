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
