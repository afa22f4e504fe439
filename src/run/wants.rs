//! The jobs that ought to be: made, put off, dropped. All changes of wants go through here, so that queue and rests stay true.

use super::{JobId, JobState, Lane, Pool, Run, Spend, State, Timestamp, Want, WantState, What, queue::Key};
use crate::plan::{BackendId, Hold, Means, Node, NodeId, Role};
use std::{cmp::Reverse, collections::btree_map::Entry};

impl Run {
    /// Wants this done, unless it is wanted already.
    pub(super) fn want(&mut self, node: NodeId, what: What) {
        if let Entry::Vacant(free) = self.wants.entry((node, what)) {
            free.insert(Want { state: WantState::Ready, broke: 0, put_off: 0 });
            self.queue.insert(self.lane(node, what), self.key(node, what));
        }
    }

    /// No longer wanted. A job that runs for it goes on until it is stopped, and is nobody's.
    pub(super) fn drop_want(&mut self, node: NodeId, what: What) {
        if let Some(want) = self.wants.remove(&(node, what)) {
            self.leave_index(node, what, want.state);
            if let WantState::Running(id) = want.state
                && let Some(job) = self.jobs.get_mut(&id)
            {
                job.state = JobState::Unwanted;
                self.unwanted.insert(id);
            }
        }
    }

    /// What a task takes for itself is in the way of none of its other wants: these change lanes.
    pub(super) fn take_slots(&mut self, id: JobId, node: NodeId, lane: &Lane) {
        let is_ready = |(what, want): (What, &Want)| (want.state == WantState::Ready).then_some(what);
        let others: Vec<What> =
            if lane.for_task.is_empty() { Vec::new() } else { self.wants_in(node).filter_map(is_ready).collect() };
        for &what in &others {
            self.queue.remove(&self.lane(node, what), self.key(node, what));
        }
        self.slots.take(id, node, lane);
        for &what in &others {
            self.queue.insert(self.lane(node, what), self.key(node, what));
        }
    }

    /// Nothing is wanted of this node any more.
    pub(super) fn drop_wants(&mut self, node: NodeId) {
        for what in self.wants_of(node) {
            self.drop_want(node, what);
        }
    }

    pub(super) fn wants_of(&self, node: NodeId) -> Vec<What> {
        self.wants_in(node).map(|(what, _)| what).collect()
    }

    pub(super) fn wants_in(&self, node: NodeId) -> impl Iterator<Item = (What, &Want)> {
        let all = self.wants.range((node, What::Land)..=(node, What::Tests));
        all.map(|(&(_, what), want)| (what, want))
    }

    pub(super) fn set_want(&mut self, node: NodeId, what: What, next: WantState) {
        let Some(want) = self.wants.get_mut(&(node, what)) else {
            return;
        };
        let old = std::mem::replace(&mut want.state, next);
        self.leave_index(node, what, old);
        self.moved.0.push(node);
        match next {
            WantState::Ready => self.queue.insert(self.lane(node, what), self.key(node, what)),
            WantState::Resting { until } => {
                self.resting.insert((until, node, what));
            }
            WantState::Running(_) => {}
        }
    }

    /// Until when nothing of this node goes on: `None` while anything of it runs or could.
    pub fn rests(&self, node: NodeId) -> Option<Timestamp> {
        let mut first: Option<Timestamp> = None;
        for (_, want) in self.wants.range((node, What::Land)..=(node, What::Tests)) {
            match want.state {
                WantState::Resting { until } => first = Some(first.map_or(until, |f| f.min(until))),
                WantState::Ready | WantState::Running(_) => return None,
            }
        }
        first
    }

    fn leave_index(&mut self, node: NodeId, what: What, state: WantState) {
        match state {
            WantState::Ready => self.queue.remove(&self.lane(node, what), self.key(node, what)),
            WantState::Resting { until } => {
                self.resting.remove(&(until, node, what));
            }
            WantState::Running(_) => {}
        }
    }

    /// The job ended without settling its want, for no fault of the work: it rests, longer each time, and at least until `at_least`.
    pub(super) fn put_off(&mut self, node: NodeId, what: What, at_least: Timestamp) {
        let Some(want) = self.wants.get_mut(&(node, what)) else {
            return;
        };
        want.put_off = want.put_off.saturating_add(1);
        let until = self.now.after(self.policy.rest(want.put_off)).max(at_least);
        self.set_want(node, what, WantState::Resting { until });
    }

    /// One life less; `false` when that was the last.
    pub(super) fn loses_life(&mut self, node: NodeId, what: What) -> bool {
        let Some(want) = self.wants.get_mut(&(node, what)) else {
            return true;
        };
        want.broke = want.broke.saturating_add(1);
        want.broke < self.policy.lives
    }

    pub(super) fn job_of(&self, node: NodeId, what: What) -> Option<JobId> {
        match self.wants.get(&(node, what))?.state {
            WantState::Running(job) => Some(job),
            WantState::Ready | WantState::Resting { .. } => None,
        }
    }

    /// What has landed is handed over first: others wait for it. Candidates go in train order and before all else; the rest by the longest way to the end.
    pub(super) fn key(&self, node: NodeId, what: What) -> Key {
        let urgency = match (what, self.lives[node.index()].state) {
            (What::Build | What::Prove | What::Land, State::Merging { place }) => u64::MAX - place.0,
            (What::HandOver, _) => u64::MAX,
            _ => self.estimates.length(node),
        };
        Key { urgency: Reverse(urgency), node, what }
    }

    /// What must be free for this.
    pub(super) fn lane(&self, node: NodeId, what: What) -> Lane {
        let is_asked = self.policy.asks_for(node);
        let task = match self.plan.node(node) {
            Node::Task(task) => task,
            Node::Gate(gate) => {
                let pool = if let What::Settle(criterion) = what
                    && let Some(&Means::Reviewed { reviewer }) =
                        gate.criteria.get(usize::from(criterion)).map(|criterion| &criterion.means)
                {
                    Pool::Agents { stream: None, backend: self.engine(Role::Reviewer, self.plan.reviewer(reviewer)) }
                } else {
                    Pool::Checks
                };
                let grant = self.grant(what, pool);
                return Lane { pool, for_job: Vec::new(), for_task: Vec::new(), is_asked, grant };
            }
        };
        let stream = Some(task.stream);
        let pool = match what {
            What::Land | What::Build | What::HandOver => Pool::Merge,
            What::Prove | What::Verify | What::Red | What::Settle(_) => Pool::Checks,
            What::Review(by) => {
                let backend = self.engine(Role::Reviewer, self.plan.reviewer(by));
                Pool::Agents { stream, backend }
            }
            What::Consult | What::Advise | What::Tests | What::Implement => {
                let role = what.role().unwrap_or(Role::Implementation);
                let backend = self.engine(role, task.backend_of(role).unwrap_or(task.backend));
                Pool::Agents { stream, backend }
            }
        };
        let (mut for_job, mut for_task) = (Vec::new(), Vec::new());
        for &resource in &task.needs {
            match self.plan.hold(resource) {
                Hold::Job if what.runs_code() => for_job.push(resource),
                // Who gave it up to wait for a person does not take it again in the train: it could wait there behind whoever has it.
                Hold::Task if what.is_in_workspace() && !self.slots.owns(node, resource) => for_task.push(resource),
                Hold::Job | Hold::Task => {}
            }
        }
        Lane { pool, for_job, for_task, is_asked, grant: self.grant(what, pool) }
    }

    /// What runs a role now: its own backend, or the one it goes over to while that takes no jobs.
    fn engine(&self, role: Role, own: BackendId) -> BackendId {
        let admits = |backend: &BackendId| self.quotas[usize::from(backend.0)].admits();
        if admits(&own) { own } else { self.plan.fallback(role, own).filter(admits).unwrap_or(own) }
    }

    /// What a call of this kind is granted; what needs no model is granted nothing, and needs nothing.
    pub(super) fn grant(&self, what: What, pool: Pool) -> Spend {
        match pool {
            Pool::Agents { backend, .. } if self.plan.is_free(backend) => Spend::default(),
            Pool::Agents { .. } | Pool::Checks | Pool::Merge => self.policy.grant(what),
        }
    }

    /// A backend takes jobs again, or takes none any more: what may go over to another one stands in another lane now.
    pub(super) fn quotas_changed(&mut self) {
        if !self.plan.blueprint().fallbacks.is_empty() {
            self.requeue();
        }
    }
}
