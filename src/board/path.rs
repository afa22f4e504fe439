//! What is left of the critical path. An index over standings, so that no entry costs a look at the plan.

use super::{Board, Mark, Standing};
use crate::{
    plan::{Node, NodeId, Phase, Plan, Task},
    run::{Estimates, Timestamp, What},
};
use std::{cmp::Reverse, collections::BTreeSet};

/// Nodes by the milliseconds from their start to the end of the plan; the longest is last, of equals the lowest id.
type ByLength = BTreeSet<(u64, Reverse<NodeId>)>;

/// What is still to do, by length.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Has not begun, and can.
    waiting: ByLength,
    /// Has begun.
    begun: ByLength,
    /// Needs a person.
    stuck: ByLength,
}

impl Path {
    pub(super) fn enter(&mut self, estimates: &Estimates, node: NodeId, standing: &Standing) {
        if let Some(set) = self.of(standing) {
            set.insert((estimates.length(node), Reverse(node)));
        }
    }

    pub(super) fn leave(&mut self, estimates: &Estimates, node: NodeId, standing: &Standing) {
        if let Some(set) = self.of(standing) {
            set.remove(&(estimates.length(node), Reverse(node)));
        }
    }

    /// Milliseconds to the end of what can still move, when everything takes what is estimated. Looks at what runs, and one more.
    pub(super) fn left(
        &self,
        (plan, estimates): (&Plan, &Estimates),
        now: Timestamp,
        begun: impl Fn(NodeId) -> Option<Timestamp>,
    ) -> u64 {
        let mut longest = self.waiting.last().map_or(0, |&(length, _)| length);
        for &(length, Reverse(node)) in self.begun.iter().rev() {
            if length <= longest {
                break;
            }
            let gone = begun(node).map_or(0, |since| now.0.saturating_sub(since.0));
            longest = longest.max(length - gone.min(estimates.of(plan, node)));
        }
        longest
    }

    /// What the longest way to the end waits for now: work that has begun, or a node that needs a person.
    pub(super) fn bottleneck(&self) -> Option<NodeId> {
        let longest = self.begun.last().max(self.stuck.last()).or_else(|| self.waiting.last());
        longest.map(|&(_, Reverse(node))| node)
    }

    /// Nodes that need a person, the longest way behind them first.
    pub(super) fn stuck(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.stuck.iter().rev().map(|&(_, Reverse(node))| node)
    }

    fn of(&mut self, standing: &Standing) -> Option<&mut ByLength> {
        match standing {
            Standing::Waiting => Some(&mut self.waiting),
            Standing::Working { .. } | Standing::Merging { .. } => Some(&mut self.begun),
            Standing::Held { .. } | Standing::Failed { .. } => Some(&mut self.stuck),
            Standing::Blocked | Standing::Done | Standing::Skipped | Standing::Retired => None,
        }
    }
}

impl Board {
    /// The index of ways to the end, made anew.
    pub(super) fn reindex(&mut self) {
        self.path = Path::default();
        for (id, card) in (0..).map(NodeId).zip(&self.cards) {
            self.path.enter(&self.estimates, id, &card.standing);
        }
    }

    /// Whether a task whose work is all that there is to it has done it, and its gate lacks nothing: nothing lands, nothing is handed over.
    pub(super) fn is_done_in_place(&self, node: NodeId) -> bool {
        let is_bare = |task: &Task| task.phases.iter().eq([Phase::Implement]);
        if !self.plan.get(node).and_then(Node::task).is_some_and(is_bare) {
            return false;
        }
        let marks = self.card(self.gate_of(node)).story().map(|story| &story.marks);
        let holds = |index: &u16| {
            marks.and_then(|marks| marks.get(index)).is_some_and(|mark| matches!(mark, Mark::Proven | Mark::Approved))
        };
        let has_worked = self.card(node).story().is_some_and(|story| story.answered.contains_key(&What::Implement));
        has_worked && (0u16..).zip(self.gate_criteria(node)).all(|(index, _)| holds(&index))
    }

    /// A task is over: how long it took says something of the others.
    pub(super) fn learn(&mut self, node: NodeId) {
        if self.estimates.finished(&self.plan, node) {
            self.reindex();
        }
    }
}
