//! A plan that grows while it runs: added nodes, retired nodes, new edges. Taken in whole, or refused whole.

use super::{Life, Refusal, Run, State, WantState, apply::waiting};
use crate::plan::{Addition, NodeId, Plan};
use std::{collections::BTreeSet, sync::Arc};

impl Run {
    pub(super) fn replan(&mut self, addition: &Addition) -> Result<(), Refusal> {
        let plan = self.plan.extend(addition).map_err(Refusal::Plan)?;
        let old = self.plan.len();
        let held_back: BTreeSet<NodeId> = addition.edges.iter().map(|&(_, after)| after).collect();
        for &node in held_back.iter().filter(|n| n.index() < old) {
            if self.state(node).has_started() {
                return Err(Refusal::HasStarted(node));
            }
        }
        self.refuse_late_gates(&plan)?;
        self.refuse_retirement(&addition.retired)?;
        self.plan = Arc::new(plan);
        self.estimates.lay_out(&self.plan);
        self.requeue();
        self.lives.resize(self.plan.len(), Life::default());
        let added = (old as u32..self.plan.len() as u32).map(NodeId);
        for node in added.clone() {
            if self.was_done_before(node) {
                self.lives[node.index()].state = State::Done;
            }
            *self.count.of(self.state(node)) += 1;
        }
        let added = added.filter(|&node| !self.was_done_before(node)).collect::<Vec<_>>();
        let held_back = held_back.into_iter().filter(|&node| !self.state(node).is_met()).collect::<Vec<_>>();
        self.recount(held_back.into_iter().chain(added).collect());
        for &node in &addition.retired {
            self.let_go(node);
            self.set(node, State::Retired);
            self.release(node);
        }
        Ok(())
    }

    /// A task's gate that comes when its task has begun could ask for what nobody has proven.
    fn refuse_late_gates(&self, plan: &Plan) -> Result<(), Refusal> {
        let added = (self.plan.len() as u32..plan.len() as u32).map(NodeId);
        let tasks = added.filter(|&node| plan.node(node).gate().is_some()).filter_map(|gate| plan.task_of(gate));
        for task in tasks.filter(|task| task.index() < self.plan.len()) {
            if self.state(task).has_started() {
                return Err(Refusal::HasStarted(task));
            }
        }
        Ok(())
    }

    fn refuse_retirement(&self, retired: &[NodeId]) -> Result<(), Refusal> {
        let all: BTreeSet<NodeId> = retired.iter().copied().collect();
        for &node in &all {
            // A gate that has opened proves nothing of what the new plan has before it: another one is judged in its place.
            let may_be_over = self.plan.task_of(node).is_none() && self.known(node)? != State::Retired;
            if self.known(node)?.is_met() && !may_be_over || self.life(node).has_landed() {
                return Err(Refusal::IsOver(node));
            }
            if self.is_landing(node) {
                return Err(Refusal::IsLanding(node));
            }
            match self.plan.task_of(node) {
                Some(task) if !all.contains(&task) => return Err(Refusal::GoesWith(task)),
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    /// Counts anew what each of these hangs on; a node that turns out dead or alive tells those behind it.
    fn recount(&mut self, nodes: BTreeSet<NodeId>) {
        // First the plain truth about the touched nodes, with nobody told; then the news of death, in any order.
        let mut died = Vec::new();
        for node in nodes {
            let state = |d: NodeId| self.lives[d.index()].state;
            let unmet = self.plan.dependencies(node).filter(|&d| !state(d).is_met()).count() as u32;
            let dead = self.plan.dependencies(node).filter(|&d| state(d).is_dead()).count() as u32;
            let before = state(node);
            let after = waiting(unmet, dead);
            if before.is_dead() != after.is_dead() {
                died.push((node, after));
            } else {
                self.lives[node.index()].state = after;
            }
            self.freed.extend((unmet == 0).then_some(node));
        }
        // Those of `died` that hang on each other are counted again when they are told.
        for (node, _) in died {
            let state = |d: NodeId| self.lives[d.index()].state;
            let unmet = self.plan.dependencies(node).filter(|&d| !state(d).is_met()).count() as u32;
            let dead = self.plan.dependencies(node).filter(|&d| state(d).is_dead()).count() as u32;
            self.set(node, waiting(unmet, dead));
        }
    }

    /// Ways to the end, or limits, have changed, and with them the order and the lanes of all that is ready.
    pub(super) fn requeue(&mut self) {
        self.queue.clear();
        let ready = self.wants.iter().filter(|(_, want)| want.state == WantState::Ready);
        let ready: Vec<_> = ready.map(|(&key, _)| key).collect();
        for (node, what) in ready {
            self.queue.insert(self.lane(node, what), self.key(node, what));
        }
    }
}
