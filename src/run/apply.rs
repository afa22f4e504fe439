//! The one function that changes a run, and the one place where a node's state becomes another.

use super::{
    Charter, Entry, Estimates, Event, Job, JobId, JobState, Launch, Life, Misfit, Oid, Policy, Quota, Refusal, Run,
    Spend, State, Subject, Talk, Train, WantState, What,
};
use crate::plan::{BackendId, Blueprint, NodeId, Plan};
use std::sync::Arc;

impl Run {
    /// Life and replay: the same. Total: an event that does not fit changes nothing and is told back.
    ///
    /// # Errors
    /// [`Misfit`] says how it does not fit. In a replay any misfit means that the journal is not ours.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Misfit> {
        let wrong = || Misfit::Wrong(Box::new(entry.event.clone()));
        if entry.seq != self.seq || entry.at < self.now || (self.seq == 0) != is_first(&entry.event) {
            return Err(wrong());
        }
        self.moved.0.clear();
        let before = std::mem::replace(&mut self.now, entry.at);
        let fits = match &entry.event {
            Event::Planned { plan, policy, tip, charter } => {
                self.planned(plan, policy, *tip, charter).ok_or_else(wrong)
            }
            Event::Replanned(addition) => self.replan(addition).map_err(Misfit::Refused),
            &Event::Started { job, node, what, backend } => self.started(job, node, what, backend).ok_or_else(wrong),
            &Event::StopAsked { job } => self.stop_asked(job).ok_or_else(wrong),
            &Event::Answered { job } => self.answered(job),
            &Event::Checkpointed { job, patch, commit } => self.checkpointed(job, patch, commit),
            &Event::CalledAgain { job } => self.called_again(job),
            Event::Spent { job, spend, talk } => self.spent(*job, *spend, talk.as_deref()),
            Event::Ended { job, ending, spend } => match self.jobs.remove(job) {
                Some(job) => {
                    self.estimates.ended(job.node, entry.at);
                    self.ended(job, ending, *spend);
                    Ok(())
                }
                None => Err(Misfit::Stale(*job)),
            },
            &Event::Rested { node, what } => self.rested(node, what).ok_or_else(wrong),
            Event::QuotaDue { backend } => self.quota_due(*backend).ok_or_else(wrong),
            Event::TimeUp => {
                self.budget.time_is_up = true;
                Ok(())
            }
            Event::Ordered(order) => self.obey(order).map_err(Misfit::Refused),
            Event::Resumed { policy } => {
                self.resumed(policy.as_deref());
                Ok(())
            }
        };
        self.begin_freed();
        match &fits {
            Ok(()) => self.seq += 1,
            Err(_) => self.now = before,
        }
        fits
    }

    fn planned(&mut self, plan: &Arc<Blueprint>, policy: &Policy, tip: Oid, charter: &Charter) -> Option<()> {
        self.plan = Arc::new(Plan::build(Arc::clone(plan)).ok()?);
        self.policy = policy.clone();
        self.charter = charter.clone();
        self.quotas = vec![Quota::Open { times: 0 }; plan.backends.len()];
        self.train = Train::new(tip, policy);
        self.estimates = Estimates::new(&self.plan);
        self.lives = vec![Life::default(); self.plan.len()]; // clones of one life: all share its sheet
        for id in self.plan.ids() {
            let unmet = self.plan.dependencies(id).filter(|&before| !self.was_done_before(before)).count() as u32;
            let state = if self.was_done_before(id) { State::Done } else { State::Waiting { unmet } };
            self.lives[id.index()].state = state;
            *self.count.of(state) += 1;
            self.freed.extend((state == State::Waiting { unmet: 0 }).then_some(id));
        }
        self.freed.reverse(); // taken from the end: the first begins first
        Some(())
    }

    fn started(&mut self, id: JobId, node: NodeId, what: What, on: Option<BackendId>) -> Option<()> {
        let is_ready = self.wants.get(&(node, what))?.state == WantState::Ready;
        let lane = self.lane(node, what);
        // Journals of before do not say on what.
        let is_elsewhere = on.is_some() && on != backend(&lane);
        if id.0 != self.next_job || !is_ready || is_elsewhere || self.hindrance(&lane).is_some() {
            return None;
        }
        self.next_job += 1;
        let reserved = lane.grant;
        self.budget.reserve(reserved);
        self.set_want(node, what, WantState::Running(id));
        self.take_slots(id, node, &lane);
        self.estimates.began(node, self.now);
        if let Some(backend) = backend(&lane) {
            self.quotas[usize::from(backend.0)].started(id);
            self.quotas_changed();
        }
        let on = self.subject(node, what);
        let is_first = self.lives[node.index()].starts == 0 && self.plan.node(node).task().is_some();
        let life = &mut self.lives[node.index()];
        life.starts = life.starts.saturating_add(1);
        if is_first {
            // What landed while it waited for a slot, or for something that another had for itself, is there for it.
            life.sheet().base = self.train.tip();
        }
        let (attempt, turn, sheet) = (life.starts, life.turn(what), life.sheet.clone());
        if let (What::Land, Subject::Candidate { commit, .. }) = (what, on) {
            life.launched = Some(Box::new(Launch { patch: life.subject, commit, ledger: life.ledger.clone() }));
        }
        self.jobs.insert(id, Job { id, node, what, attempt, turn, on, lane, reserved, state: JobState::Wanted, sheet });
        Some(())
    }

    /// What exactly a job that starts now is about.
    fn subject(&self, node: NodeId, what: What) -> Subject {
        let life = &self.lives[node.index()];
        match what {
            What::Tests | What::Red | What::Implement | What::Consult | What::Advise => Subject::Workspace,
            What::Verify | What::Review(_) => Subject::Patch { patch: life.subject, commit: life.commit },
            What::HandOver => Subject::Tip(life.sheet.landed),
            What::Settle(_) => Subject::Tip(life.subject),
            What::Build | What::Prove | What::Land => self.candidate_subject(node).unwrap_or(Subject::Workspace),
        }
    }

    fn stop_asked(&mut self, id: JobId) -> Option<()> {
        self.jobs.get_mut(&id).filter(|_| self.unwanted.remove(&id))?.state = JobState::Stopping;
        Some(())
    }

    /// It only reads, whatever the job does. What runs finishes when a person says pause; what is stopped calls nobody any more.
    fn called_again(&mut self, id: JobId) -> Result<(), Misfit> {
        let job = self.jobs.get(&id).filter(|job| job.state == JobState::Wanted).ok_or(Misfit::Stale(id))?;
        let grant = self.grant(What::Consult, job.lane.pool);
        if !self.budget.admits(grant, self.policy.budget) {
            return Err(Misfit::Refused(Refusal::LimitReached));
        }
        self.budget.reserve(grant);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.reserved = job.reserved.plus(grant);
        }
        Ok(())
    }

    /// A conversation is the task's, whoever waits for the job: the next one goes on with it.
    fn spent(&mut self, id: JobId, spend: Spend, talk: Option<&Talk>) -> Result<(), Misfit> {
        let job = self.jobs.get_mut(&id).ok_or(Misfit::Stale(id))?;
        job.reserved = self.budget.spend(job.reserved, spend);
        if let (Some(talk), Some(_)) = (talk, self.plan.node(job.node).task()) {
            let talks = &mut self.lives[job.node.index()].sheet().talks;
            if talk.is_over {
                talks.remove(&job.what);
            } else {
                talks.insert(job.what, talk.clone());
            }
        }
        Ok(())
    }

    fn answered(&mut self, id: JobId) -> Result<(), Misfit> {
        let backend = backend(&self.jobs.get(&id).ok_or(Misfit::Stale(id))?.lane);
        if let Some(backend) = backend {
            self.quotas[usize::from(backend.0)].answered(id);
            self.quotas_changed();
        }
        Ok(())
    }

    fn rested(&mut self, node: NodeId, what: What) -> Option<()> {
        let state = self.wants.get(&(node, what))?.state;
        matches!(state, WantState::Resting { until } if until <= self.now)
            .then(|| self.set_want(node, what, WantState::Ready))
    }

    fn quota_due(&mut self, backend: BackendId) -> Option<()> {
        self.quotas.get_mut(usize::from(backend.0))?.due().then_some(())?;
        self.quotas_changed();
        Some(())
    }

    /// A new process knows of no running job; none of them costs a try.
    fn resumed(&mut self, policy: Option<&Policy>) {
        let jobs = std::mem::take(&mut self.jobs);
        self.unwanted.clear();
        self.estimates.interrupted();
        for job in jobs.into_values() {
            self.slots.give_back(&job.lane);
            self.budget.release(job.reserved);
            if let Some(backend) = backend(&job.lane) {
                self.quotas[usize::from(backend.0)].unanswered(job.id);
            }
            if job.state == JobState::Wanted {
                self.set_want(job.node, job.what, WantState::Ready);
            }
            self.release(job.node);
        }
        self.quotas_changed();
        if let Some(policy) = policy {
            self.policy = policy.clone();
            self.budget.time_is_up = false;
            self.requeue();
            self.resize_train();
        }
    }

    /// All transitions of nodes go through here. What changes for those behind is worked off at once, each edge once.
    pub(super) fn set(&mut self, node: NodeId, next: State) {
        let life = &mut self.lives[node.index()];
        let old = std::mem::replace(&mut life.state, next);
        *self.count.of(old) -= 1;
        *self.count.of(next) += 1;
        self.moved.0.push(node);
        let mut news = vec![(node, change(old.is_met(), next.is_met()), change(old.is_dead(), next.is_dead()))];
        while let Some((node, met, died)) = news.pop() {
            if (met, died) == (0, 0) {
                continue;
            }
            for dependent in self.plan.dependents(node) {
                let state = &mut self.lives[dependent.index()].state;
                let old = *state;
                let Some((unmet, dead)) = old.waits() else {
                    continue;
                };
                let (unmet, dead) = (unmet.saturating_add_signed(-met), dead.saturating_add_signed(died));
                *state = waiting(unmet, dead);
                *self.count.of(old) -= 1;
                *self.count.of(*state) += 1;
                if old.is_dead() != state.is_dead() {
                    self.moved.0.push(dependent);
                }
                news.push((dependent, 0, change(old.is_dead(), state.is_dead())));
                self.freed.extend((unmet == 0).then_some(dependent));
            }
        }
    }
}

pub(super) fn waiting(unmet: u32, dead: u32) -> State {
    if dead == 0 { State::Waiting { unmet } } else { State::Blocked { unmet, dead } }
}

fn change(before: bool, after: bool) -> i32 {
    i32::from(after) - i32::from(before)
}

fn is_first(event: &Event) -> bool {
    matches!(event, Event::Planned { .. })
}

/// The backend a job in this lane runs on.
pub(super) fn backend(lane: &super::Lane) -> Option<BackendId> {
    match lane.pool {
        super::Pool::Agents { backend, .. } => Some(backend),
        super::Pool::Checks | super::Pool::Merge => None,
    }
}
