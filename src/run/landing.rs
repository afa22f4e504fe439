//! How a task rides the merge train: the run's side of it.

use super::{
    CandidateState, Finding, Job, Oid, Run, State, Subject,
    life::back_to,
    train::{Doubt, Step},
};
use crate::plan::{NodeId, Phase};

impl Run {
    pub(super) fn join_train(&mut self, node: NodeId) {
        let life = &self.lives[node.index()];
        let place = self.train.join(node, life.subject, life.commit);
        self.set(node, State::Merging { place });
        let mut steps = Vec::new();
        self.train.pull(&mut steps);
        self.ride(steps);
    }

    pub(super) fn leave_train(&mut self, node: NodeId) {
        if let State::Merging { place } = self.state(node) {
            let mut steps = Vec::new();
            self.train.leave(place, &mut steps);
            self.ride(steps);
        }
    }

    pub(super) fn candidate_built(&mut self, job: &Job, commit: Oid, patch: Oid) {
        self.at_its_place(job, |train, place, steps| train.built(place, commit, patch, steps));
    }

    pub(super) fn candidate_proven(&mut self, job: &Job) {
        self.at_its_place(job, |train, place, steps| train.proven(place, steps));
    }

    pub(super) fn candidate_failed(&mut self, job: &Job, found: Vec<Finding>) {
        self.at_its_place(job, |train, place, steps| train.failed(place, found, steps));
    }

    pub(super) fn candidate_landed(&mut self, job: &Job, tip: Oid) {
        self.at_its_place(job, |train, place, steps| train.landed(place, tip, steps));
        self.landed(job.node, tip);
    }

    /// The ref has it. From here on it is handed over, and nothing sends it back or lands it again.
    fn landed(&mut self, node: NodeId, commit: Oid) {
        self.let_go(node);
        let life = &mut self.lives[node.index()];
        (life.sheet().landed, life.launched) = (commit, None);
        self.enter(node, Phase::Handoff);
        self.release(node);
    }

    /// The window may be wider now, and somebody may be waiting for it.
    pub(super) fn resize_train(&mut self) {
        self.train.resize(&self.policy);
        let mut steps = Vec::new();
        self.train.pull(&mut steps);
        self.ride(steps);
    }

    /// The compare failed: somebody else moved the ref. Nobody's fault, so it costs nothing; all is built anew on what is there.
    /// A task whose trailer was found has landed, whatever we believed (the answer of its landing was lost): as it was launched.
    pub(super) fn ref_moved(&mut self, job: &Job, tip: Oid, found: &[NodeId]) {
        self.drop_want(job.node, job.what);
        let mut steps = Vec::new();
        self.train.moved(tip, &mut steps);
        self.ride(steps);
        for &node in found {
            let Some(life) = self.lives.get_mut(node.index()) else {
                continue;
            };
            if life.state.is_met() || life.has_landed() {
                continue;
            }
            if let Some(launch) = life.launched.take() {
                (life.subject, life.commit, life.ledger) = (launch.patch, launch.commit, launch.ledger);
                self.landed(node, launch.commit);
            }
        }
    }

    fn at_its_place(&mut self, job: &Job, change: impl FnOnce(&mut super::Train, super::Place, &mut Vec<Step>)) {
        self.drop_want(job.node, job.what);
        if let State::Merging { place } = self.state(job.node) {
            let mut steps = Vec::new();
            change(&mut self.train, place, &mut steps);
            self.ride(steps);
        }
    }

    fn ride(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Want(node, what) => self.want(node, what),
                Step::Drop(node, what) => self.drop_want(node, what),
                Step::Reject { node, doubt: Doubt::Failed(found) } => {
                    self.lives[node.index()].sheet().base = self.train.tip();
                    self.send_back(node, back_to(self.phases(node), &found), found);
                }
                Step::Reject { node, doubt: Doubt::Changed { commit, patch } } => {
                    let tip = self.train.tip();
                    let life = &mut self.lives[node.index()];
                    (life.subject, life.commit, life.asks) = (patch, commit, Box::default());
                    let sheet = life.sheet();
                    (sheet.base, sheet.work) = (tip, commit);
                    self.enter(node, self.phases(node).from(Phase::Verify).unwrap_or(Phase::Merge));
                }
            }
        }
    }

    /// What a job for a candidate is about: read from the train at its start, so that it cannot be about another build.
    pub(super) fn candidate_subject(&self, node: NodeId) -> Option<Subject> {
        let State::Merging { place } = self.state(node) else {
            return None;
        };
        let candidate = self.train.candidate(place)?;
        match candidate.state {
            CandidateState::Building { base } => {
                Some(Subject::Onto { patch: candidate.patch, commit: candidate.commit, base })
            }
            CandidateState::Proving { base, commit } | CandidateState::Landing { base, commit } => {
                Some(Subject::Candidate { base, commit })
            }
            CandidateState::Queued | CandidateState::Proven { .. } | CandidateState::Doubtful { .. } => None,
        }
    }

    pub(super) fn is_landing(&self, node: NodeId) -> bool {
        matches!(self.state(node), State::Merging { place } if self.train.is_landing(place))
    }
}
