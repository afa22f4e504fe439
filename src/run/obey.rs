//! A person's word, and what it changes.

use super::{Item, JobState, Mode, Order, Proof, Quota, Refusal, Run, State, WantState, What};
use crate::plan::{NodeId, Phase};

impl Run {
    pub(super) fn obey(&mut self, order: &Order) -> Result<(), Refusal> {
        match *order {
            Order::Pause => self.pause(),
            Order::Go => self.go(),
            Order::Cancel => {
                self.cancel();
                Ok(())
            }
            Order::Retry(node) => self.retry(node),
            Order::Skip(node) => self.skip(node),
            Order::Approve { gate, criterion } => self.approve(gate, criterion),
            Order::Grant { task, ref path } => self.permit(task, path),
        }
    }

    fn pause(&mut self) -> Result<(), Refusal> {
        if self.mode == Mode::Cancelled {
            return Err(Refusal::IsCancelled);
        }
        self.mode = Mode::Paused;
        Ok(())
    }

    fn go(&mut self) -> Result<(), Refusal> {
        if self.mode == Mode::Cancelled {
            return Err(Refusal::IsCancelled);
        }
        self.mode = Mode::Going;
        for quota in self.quotas.iter_mut().filter(|q| **q == Quota::OutOfOrder) {
            *quota = Quota::Due { times: 0 };
        }
        self.quotas_changed();
        Ok(())
    }

    /// All but a landing is stopped: what it moves must be known.
    fn cancel(&mut self) {
        self.mode = Mode::Cancelled;
        let running: Vec<_> = self
            .jobs
            .values()
            .filter(|job| job.state == JobState::Wanted && job.what != What::Land)
            .map(|job| (job.id, job.node, job.what))
            .collect();
        for (id, node, what) in running {
            self.set_want(node, what, WantState::Ready);
            if let Some(job) = self.jobs.get_mut(&id) {
                job.state = JobState::Unwanted;
                self.unwanted.insert(id);
            }
        }
    }

    fn retry(&mut self, node: NodeId) -> Result<(), Refusal> {
        let node = self.addressed(node)?;
        let State::Failed { why } = self.state(node) else {
            return Err(Refusal::NotFailed(node));
        };
        self.begin_again(node, why);
        Ok(())
    }

    /// What has landed cannot be undone: to skip it is to spare its hand-over.
    fn skip(&mut self, node: NodeId) -> Result<(), Refusal> {
        let node = self.addressed(node)?;
        if self.state(node).is_met() {
            return Err(Refusal::IsOver(node));
        }
        if self.is_landing(node) {
            return Err(Refusal::IsLanding(node));
        }
        if self.life(node).has_landed() {
            self.finish(node);
            return Ok(());
        }
        self.let_go(node);
        self.set(node, State::Skipped);
        self.release(node);
        Ok(())
    }

    /// Only what waits for a person can be approved, and only while it is judged: a word on another tip, or another patch, is no
    /// word on this one.
    fn approve(&mut self, node: NodeId, criterion: u16) -> Result<(), Refusal> {
        let node = self.addressed(node)?;
        let is_task = self.plan.node(node).task().is_some();
        let is_judged = match self.state(node) {
            State::Held => true,
            State::Working { phase } => phase == Phase::Judge,
            _ => false,
        };
        let asked = self.criteria(node).get(usize::from(criterion));
        let is_asked = asked.is_some_and(|criterion| criterion.means.is_a_persons());
        if !is_judged || !(is_asked || self.awaited(node).contains(&criterion)) {
            return Err(Refusal::NotHeld(node));
        }
        let life = &mut self.lives[node.index()];
        life.ledger.enter(Item::Criterion(criterion), life.subject, Proof::Approved);
        match is_task {
            true => self.judge_task(node),
            false => self.judge_gate(node),
        }
        Ok(())
    }

    fn permit(&mut self, node: NodeId, path: &str) -> Result<(), Refusal> {
        let node = self.addressed(node)?;
        if self.plan.node(node).task().is_none() {
            return Err(Refusal::NoTask(node));
        }
        if self.state(node).is_met() || self.life(node).has_landed() {
            return Err(Refusal::IsOver(node));
        }
        let permits = &mut self.lives[node.index()].sheet().permits;
        if let Err(at) = permits.binary_search_by(|known| (**known).cmp(path)) {
            permits.insert(at, path.into());
        }
        Ok(())
    }

    /// The node a person means: a task's gate has no life of its own.
    fn addressed(&self, node: NodeId) -> Result<NodeId, Refusal> {
        self.known(node)?;
        Ok(self.plan.task_of(node).unwrap_or(node))
    }

    pub(super) fn known(&self, node: NodeId) -> Result<State, Refusal> {
        self.lives.get(node.index()).map(|life| life.state).ok_or(Refusal::NoSuchNode(node))
    }
}
