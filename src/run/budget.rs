//! Money, tokens and wall clock: reserved before a job starts, settled when it ends.

use serde::{Deserialize, Serialize};

/// Millionths of a dollar, and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spend {
    /// Millionths of a dollar.
    pub micros: u64,
    /// Tokens, in and out.
    pub tokens: u64,
}

impl Spend {
    /// No limit.
    pub const UNLIMITED: Spend = Spend { micros: u64::MAX, tokens: u64::MAX };

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Spend) -> Spend {
        Spend { micros: self.micros.saturating_add(other.micros), tokens: self.tokens.saturating_add(other.tokens) }
    }

    /// What is left of it; never less than nothing.
    #[must_use]
    pub fn minus(self, other: Spend) -> Spend {
        Spend { micros: self.micros.saturating_sub(other.micros), tokens: self.tokens.saturating_sub(other.tokens) }
    }

    /// Whether it is nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Spend::default()
    }

    /// Whether neither part is beyond the limit's.
    pub fn is_within(self, limit: Spend) -> bool {
        self.micros <= limit.micros && self.tokens <= limit.tokens
    }
}

/// What was spent, and what is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// By all jobs so far.
    pub spent: Spend,
    /// Granted to running jobs and not yet spent by them.
    pub reserved: Spend,
    /// The wall clock ran out.
    pub time_is_up: bool,
}

impl Budget {
    /// Whether a job with this grant may start. What costs nothing always may: a patch that is paid for still lands.
    pub fn admits(&self, grant: Spend, limit: Spend) -> bool {
        grant == Spend::default() || self.spent.plus(self.reserved).plus(grant).is_within(limit)
    }

    pub(super) fn reserve(&mut self, grant: Spend) {
        self.reserved = self.reserved.plus(grant);
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
