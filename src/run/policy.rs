//! Limits and patience. Every one of them has a place in the configuration, and all of them are in the journal.

use super::{Limit, Spend, Timestamp, What};
use crate::plan::{BackendId, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What decides how much at once, how often, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Agents at work in all.
    pub agents: u32,
    /// Agents at work in one stream.
    pub agents_per_stream: u32,
    /// Agents at work on one backend, where it differs from `agents`.
    pub agents_per_backend: BTreeMap<BackendId, u32>,
    /// Checks at work: cores, not agents.
    pub checks: u32,
    /// Candidates built and proven side by side at the start.
    pub window: u16,
    /// The same, after failures, at least.
    pub window_min: u16,
    /// The same, after successes, at most.
    pub window_max: u16,
    /// The same failure this often in a row: somebody else looks at it.
    pub same_failure: u16,
    /// Any failures this often since the last change of hands: the same.
    pub rejections: u16,
    /// Who looks at a task that keeps failing, in this order, after it has tried alone. Empty: nobody.
    pub ladder: Vec<Rung>,
    /// A job may fall over this often in a row.
    pub lives: u16,
    /// The first rest in milliseconds; doubled with each.
    pub rest_ms: u64,
    /// Money, tokens and agents for the whole run.
    pub budget: Limit,
    /// What a job is granted before it starts, by what it does. Checks and merges cost nothing.
    pub grant: Grant,
    /// Nothing starts from here on.
    pub stop_at: Option<Timestamp>,
    /// Only these are asked for, sorted; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<NodeId>,
}

/// What a job is granted before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Tests and code.
    pub writing: Spend,
    /// Reviews and advice.
    pub reading: Spend,
}

impl Policy {
    /// What a job of this kind is granted.
    pub fn grant(&self, what: What) -> Spend {
        match what {
            What::Tests | What::Implement => self.grant.writing,
            What::Review(_) | What::Consult | What::Advise => self.grant.reading,
            What::Red | What::Verify | What::Settle(_) | What::Build | What::Prove | What::Land | What::HandOver => {
                Spend::default()
            }
        }
    }

    /// Whether anybody asks for this now.
    pub fn asks_for(&self, node: NodeId) -> bool {
        self.only.is_empty() || self.only.binary_search(&node).is_ok()
    }

    /// How long to rest after having been put off `times` times, in milliseconds.
    pub fn rest(&self, times: u16) -> u64 {
        self.rest_ms.max(1).saturating_mul(1 << times.min(10))
    }
}

/// Who has looked at a failing task so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rung {
    /// The agent itself, with the findings.
    #[default]
    Alone,
    /// An expert was consulted.
    Consulted,
    /// The coordinator agent advised.
    Advised,
}
