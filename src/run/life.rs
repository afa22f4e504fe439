//! How a node's life goes on when one of its jobs has ended. What an ending leads to, for every kind of job, is on these screens.

use super::{
    Breakage, Code, Ending, Evidence, Failure, Finding, Job, JobState, Proof, Quota, Run, Rung, Spend, State, Subject,
    Tally, Timestamp, Until, WantState, Weight, What, apply::backend,
};
use crate::plan::{Means, Node, NodeId, Phase, Phases, Role, Task};

impl Run {
    /// The nodes that nothing holds back any more begin. A gate without criteria opens at once and may free others.
    pub(super) fn begin_freed(&mut self) {
        while let Some(node) = self.freed.pop() {
            if self.state(node) == (State::Waiting { unmet: 0 }) {
                self.begin(node);
            }
        }
    }

    fn begin(&mut self, node: NodeId) {
        match self.plan.node(node) {
            Node::Task(task) => {
                let first = task.phases.from(Phase::Tests);
                self.lives[node.index()].sheet().base = self.train.tip();
                self.enter(node, first.unwrap_or(Phase::Merge));
            }
            Node::Gate(_) => match self.plan.task_of(node) {
                Some(task) => self.follow_task(node, task),
                None => self.enter(node, Phase::Judge),
            },
        }
    }

    pub(super) fn enter(&mut self, node: NodeId, phase: Phase) {
        if phase == Phase::Merge {
            return self.judge_task(node);
        }
        self.set(node, State::Working { phase });
        match phase {
            Phase::Tests => self.want(node, What::Tests),
            Phase::Red => self.want(node, What::Red),
            Phase::Implement => self.want(node, What::Implement),
            Phase::Verify => self.want(node, What::Verify),
            Phase::Review => self.review(node),
            Phase::Handoff => self.want(node, What::HandOver),
            Phase::Judge => {
                self.lives[node.index()].subject = self.train.tip();
                self.prove_unblocked(node);
                self.judge_gate(node);
            }
            Phase::Merge => {}
        }
    }

    /// The job is over: its slot, its bill and its news of the backend count whoever waits for it; its ending only if somebody does.
    pub(super) fn ended(&mut self, job: Job, ending: &Ending, spend: Spend) {
        let left = self.budget.spend(job.reserved, spend);
        self.budget.release(left);
        self.slots.give_back(&job.lane);
        self.unwanted.remove(&job.id);
        self.hear(&job, ending);
        if job.state != JobState::Wanted {
            return self.release(job.node);
        }
        match ending {
            Ending::Passed(evidence) if self.is_fit(&job, evidence) => {
                self.lives[job.node.index()].count_turn(job.what);
                self.passed(&job, evidence);
            }
            Ending::Passed(_) => self.fell(&job, "it passed, and brought nothing to show for it"),
            Ending::Rejected(rejection) if !rejection.findings.is_empty() && job.what.can_be_rejected() => {
                self.lives[job.node.index()].count_turn(job.what);
                self.keep_tree(&job, rejection.left);
                self.rejected(&job, rejection);
            }
            Ending::Rejected(_) => self.fell(&job, "it was rejected without a reason"),
            Ending::Deferred { until, why } => self.deferred(&job, *until, why),
            Ending::Broke(Breakage::Moved { tip, found }) if job.what == What::Land => {
                self.ref_moved(&job, *tip, found);
            }
            Ending::Broke(Breakage::Moved { .. }) => self.fell(&job, "it says that the ref moved, and moved none"),
            Ending::Broke(Breakage::Fell { why, left }) => {
                self.keep_tree(&job, *left);
                self.fell(&job, why);
            }
        }
    }

    /// What an ending says about the backend the job ran on.
    fn hear(&mut self, job: &Job, ending: &Ending) {
        let Some(backend) = backend(&job.lane) else {
            return;
        };
        let (now, policy, kin) = (self.now, &self.policy, self.plan.kin(backend));
        let quota = &mut self.quotas[usize::from(backend.0)];
        match ending {
            Ending::Passed(_) | Ending::Rejected(_) => quota.worked(job.id),
            Ending::Broke(_) => quota.unanswered(job.id),
            Ending::Deferred { until, .. } => {
                for quota in kin.into_iter().map(|id| usize::from(id.0)) {
                    let quota = &mut self.quotas[quota];
                    match *until {
                        Until::Person => *quota = Quota::OutOfOrder,
                        Until::At(until) => quota.close(until, |times| now.after(policy.rest(times))),
                    }
                }
            }
        }
        self.quotas_changed();
    }

    /// A closed quota holds all of a backend's wants back by itself; a check that is put off rests alone.
    fn deferred(&mut self, job: &Job, until: Until, why: &str) {
        let (node, what) = (job.node, job.what);
        match (backend(&job.lane), until) {
            (Some(_), _) => self.set_want(node, what, WantState::Ready),
            (None, Until::At(until)) => self.put_off(node, what, until),
            (None, Until::Person) => {
                let phase = self.phase(node);
                self.lives[node.index()].trouble = Some(why.into());
                self.fail(node, Failure::NeedsPerson { phase });
            }
        }
    }

    pub(super) fn fell(&mut self, job: &Job, why: &str) {
        let (node, what) = (job.node, job.what);
        self.lives[node.index()].trouble = Some(why.into());
        if self.loses_life(node, what) {
            return self.put_off(node, what, Timestamp(0));
        }
        let phase = self.phase(node);
        match what {
            // Help that never came, and a look at a checkpoint, are missed by nobody's gate.
            What::Consult | What::Advise => self.helped(job),
            What::Review(_) if phase != Phase::Review => self.drop_want(node, what),
            What::Tests | What::Red | What::Implement | What::Verify | What::Review(_) => {
                self.fail(node, Failure::FellOver { phase });
            }
            What::Build | What::Prove | What::Land | What::HandOver | What::Settle(_) => {
                self.fail(node, Failure::FellOver { phase });
            }
        }
    }

    /// Whether the evidence is what this kind of job has to bring.
    fn is_fit(&self, job: &Job, evidence: &Evidence) -> bool {
        match (job.what, evidence) {
            (What::Tests, Evidence::Tests { commit, .. }) => !commit.is_none(),
            (What::Red, Evidence::Red(red)) => !red.seal.commit.is_none(),
            (What::Implement, Evidence::Work { patch, commit, .. }) => !patch.is_none() && !commit.is_none(),
            (What::Verify, Evidence::Verified(verified)) => self.proves_all(job.node, verified),
            (What::Review(_), Evidence::Approved { .. }) => true,
            (What::Consult | What::Advise, Evidence::Advice { .. }) => true,
            (What::Prove | What::HandOver, Evidence::Seen { .. }) => true,
            (What::Settle(criterion), evidence) => match (self.means(job.node, criterion), evidence) {
                (Some(Means::Measured { .. }), Evidence::Figure { .. }) => true,
                (Some(Means::Reviewed { .. }), Evidence::Approved { .. }) => true,
                (Some(Means::Measured { .. } | Means::Reviewed { .. }), _) => false,
                (Some(_), Evidence::Seen { .. }) => true,
                (Some(_) | None, _) => false,
            },
            (What::Build, Evidence::Built { commit, patch }) => !commit.is_none() && !patch.is_none(),
            (What::Land, Evidence::Landed { tip, .. }) => !tip.is_none(),
            _ => false,
        }
    }

    fn passed(&mut self, job: &Job, evidence: &Evidence) {
        let node = job.node;
        let life = &mut self.lives[node.index()];
        match (job.what, evidence) {
            (What::Tests, Evidence::Tests { commit, .. }) => {
                life.sheet().tests = *commit;
                self.phase_done(job, Phase::Tests);
            }
            (What::Red, Evidence::Red(red)) => {
                life.sheet().seal = red.seal.clone();
                self.phase_done(job, Phase::Red);
            }
            (What::Implement, &Evidence::Work { patch, commit, .. }) => {
                (life.subject, life.commit) = (patch, commit);
                life.sheet().work = commit;
                self.drop_reviews_but(patch, node);
                self.phase_done(job, Phase::Implement);
            }
            (What::Verify, Evidence::Verified(verified)) => self.verified(job, verified),
            (What::Review(_), Evidence::Approved { findings, grants }) => {
                self.granted(node, grants);
                self.reviewed(job, approval(findings));
            }
            (What::Settle(criterion), Evidence::Figure { figure, told, .. }) => {
                self.settled(job, criterion, Proof::Figure { figure: *figure, said: told.as_slice().into() });
            }
            (What::Settle(criterion), Evidence::Approved { findings, .. }) => {
                self.settled(job, criterion, approval(findings));
            }
            (What::Settle(criterion), _) => self.settled(job, criterion, Proof::seen()),
            (What::Build, &Evidence::Built { commit, patch }) => self.candidate_built(job, commit, patch),
            (What::Prove, _) => self.candidate_proven(job),
            (What::Land, &Evidence::Landed { tip, .. }) => self.candidate_landed(job, tip),
            (What::Consult | What::Advise, Evidence::Advice { findings }) => {
                life.sheet().findings.extend_from_slice(findings);
                self.helped(job);
            }
            (What::HandOver, _) => self.finish(node),
            _ => self.helped(job),
        }
    }

    fn rejected(&mut self, job: &Job, rejection: &super::Rejection) {
        let (node, found) = (job.node, || rejection.findings.clone());
        match job.what {
            What::Tests | What::Red => self.send_back(node, Phase::Tests, found()),
            What::Implement | What::Verify => {
                self.send_back(node, back_to(self.phases(node), &rejection.findings), found());
            }
            What::Review(_) => {
                self.granted(node, &rejection.grants);
                self.reviewed(job, Proof::Refused { found: found().into() });
            }
            What::Settle(criterion) => self.settled(job, criterion, Proof::Refused { found: found().into() }),
            What::Build | What::Prove => self.candidate_failed(job, found()),
            // The last one asked says that a machine does not settle it.
            What::Advise => {
                self.lives[node.index()].sheet().findings.extend(found());
                self.fail(node, Failure::NoProgress { phase: self.phase(node) });
            }
            What::Consult | What::Land | What::HandOver => self.helped(job), // no advice; on without it
        }
    }

    pub(super) fn phase_done(&mut self, job: &Job, phase: Phase) {
        self.drop_want(job.node, job.what);
        let next = self.phases(job.node).after(phase);
        self.enter(job.node, next.unwrap_or(Phase::Merge));
    }

    fn helped(&mut self, job: &Job) {
        self.drop_want(job.node, job.what);
        self.want(job.node, work_of(self.phase(job.node)));
    }

    /// What a job left in its workspace is where the next try goes on from.
    fn keep_tree(&mut self, job: &Job, left: super::Oid) {
        let life = &mut self.lives[job.node.index()];
        if !left.is_none() {
            match job.what {
                What::Tests | What::Red => life.sheet().tests = left,
                What::Implement | What::Verify => life.sheet().work = left,
                _ => {}
            }
        }
    }

    /// Back to `phase`, with one try less; when patience is at its end, somebody else looks first.
    pub(super) fn send_back(&mut self, node: NodeId, phase: Phase, found: Vec<Finding>) {
        let failed_in = self.phase(node);
        self.drop_wants(node);
        let phases = self.phases(node);
        let back = if phases.contains(phase) { Some(phase) } else { phases.from(Phase::Tests) };
        let digest = digest(&found);
        let life = &mut self.lives[node.index()];
        life.ledger.keep(life.subject);
        life.asks = Box::default();
        life.sheet().findings = found;
        life.sheet().without_code = None;
        if back == Some(Phase::Tests) {
            life.sheet().seal = super::Seal::default();
        }
        let ladder = self.plan.node(node).task().map_or_else(Vec::new, |task| ladder(task, &self.policy.ladder));
        let goes_on = life.tally.reject(digest, self.policy.same_failure, self.policy.rejections);
        let rung = if goes_on { Some(Rung::Alone) } else { life.tally.climb(&ladder) };
        let (Some(rung), Some(back)) = (rung, back) else {
            return self.fail(node, Failure::NoProgress { phase: failed_in });
        };
        match rung {
            Rung::Alone => self.enter(node, back),
            Rung::Consulted | Rung::Advised => {
                self.set(node, State::Working { phase: back });
                self.want(node, if rung == Rung::Consulted { What::Consult } else { What::Advise });
            }
        }
    }

    /// A person says: try again. What was lost by falling over goes on where it fell; what was found wanting is done anew.
    pub(super) fn begin_again(&mut self, node: NodeId, why: Failure) {
        let life = &mut self.lives[node.index()];
        life.tally = Tally::default();
        life.trouble = None;
        life.ledger.forgive();
        let phases = match self.plan.node(node) {
            Node::Task(task) => task.phases,
            Node::Gate(_) => {
                life.ledger.forget_figures();
                return self.enter(node, Phase::Judge);
            }
        };
        let back = match why {
            Failure::FellOver { phase } | Failure::NeedsPerson { phase } => return self.enter(node, phase),
            // A contested seal is gone: without new tests nothing would prove that they came first.
            _ if phases.contains(Phase::Red) && life.sheet.seal.commit.is_none() => Phase::Tests,
            Failure::NoProgress { phase } if phase <= Phase::Red => Phase::Tests,
            Failure::NoProgress { .. } | Failure::GateClosed | Failure::NothingToLand => Phase::Implement,
        };
        let back = if phases.contains(back) { Some(back) } else { phases.from(Phase::Tests) };
        self.enter(node, back.unwrap_or(Phase::Merge));
    }

    /// A task is over, or a gate is open. Whoever hangs on it may go.
    pub(super) fn finish(&mut self, node: NodeId) {
        self.let_go(node);
        self.lives[node.index()].close();
        self.set(node, State::Done);
        self.release(node);
        if self.estimates.finished(&self.plan, node) {
            self.requeue();
        }
    }

    pub(super) fn fail(&mut self, node: NodeId, why: Failure) {
        self.let_go(node);
        self.set(node, State::Failed { why });
        self.release(node);
    }

    /// Nothing is wanted of it any more, and it has left the train.
    pub(super) fn let_go(&mut self, node: NodeId) {
        self.drop_wants(node);
        self.leave_train(node);
    }

    /// What a task that is over, or waits for a person, held is free again, once the last of its jobs has ended: one that is
    /// being stopped still writes.
    pub(super) fn release(&mut self, node: NodeId) {
        if let Node::Task(task) = self.plan.node(node)
            && !self.state(node).keeps_resources()
            && !task.needs.is_empty()
            && self.jobs.values().all(|job| job.node != node || !job.what.is_in_workspace())
        {
            self.slots.release_task(node, task.needs.iter().copied());
        }
    }

    /// Where a node stands. Nobody asks it of one that is neither at work nor failed: no ending of a job of it counts.
    pub(super) fn phase(&self, node: NodeId) -> Phase {
        match self.lives[node.index()].state {
            State::Working { phase } => phase,
            State::Merging { .. } => Phase::Merge,
            State::Failed { why } => why.phase(),
            State::Waiting { .. } | State::Blocked { .. } | State::Held => self.first_phase(node),
            State::Done | State::Skipped | State::Retired => self.first_phase(node),
        }
    }

    fn first_phase(&self, node: NodeId) -> Phase {
        match self.plan.node(node) {
            Node::Task(task) => task.phases.from(Phase::Tests).unwrap_or(Phase::Implement),
            Node::Gate(_) => Phase::Judge,
        }
    }

    pub(super) fn phases(&self, node: NodeId) -> Phases {
        self.plan.node(node).task().map_or(Phases::ALL, |task| task.phases)
    }
}

/// Who is left to look at a task: a rung on which nobody stands is passed over.
fn ladder(task: &Task, ladder: &[Rung]) -> Vec<Rung> {
    let stands = |rung: &Rung| match rung {
        Rung::Alone => true,
        Rung::Consulted => task.backend_of(Role::Expert).is_some(),
        Rung::Advised => task.backend_of(Role::Coordinator).is_some(),
    };
    ladder.iter().copied().filter(stands).collect()
}

/// An approval with a blocker among its findings is none.
fn approval(findings: &[Finding]) -> Proof {
    if findings.iter().any(|finding| finding.weight == Weight::Blocker) {
        Proof::Refused { found: findings.into() }
    } else {
        Proof::Seen { said: findings.into() }
    }
}

/// Which failure this is: its blockers, whatever else was said.
fn digest(found: &[Finding]) -> u64 {
    let blockers: Vec<Finding> = found.iter().filter(|f| f.weight == Weight::Blocker).cloned().collect();
    Finding::digest_of(if blockers.is_empty() { found } else { &blockers })
}

/// Where work that was found wanting goes back to: a collision in a sealed test, a contest of one, or tests that pass without the code
/// are the test-developer's.
pub(super) fn back_to(phases: Phases, found: &[Finding]) -> Phase {
    let is_theirs = |f: &Finding| f.weight == Weight::Blocker && f.code == Code::BodiesOut;
    let is_in_tests = |f: &Finding| matches!(f.code, Code::TestConflict | Code::Contested) || is_theirs(f);
    let in_tests = found.iter().any(is_in_tests);
    if in_tests && phases.contains(Phase::Tests) { Phase::Tests } else { Phase::Implement }
}

/// Whether a review's job is about this very patch.
pub(super) fn is_about(on: Subject, patch: super::Oid) -> bool {
    matches!(on, Subject::Patch { patch: of, .. } if of == patch)
}

/// The job that does a phase's work, after help has come.
fn work_of(phase: Phase) -> What {
    match phase {
        Phase::Tests => What::Tests,
        Phase::Red => What::Red,
        Phase::Verify => What::Verify,
        Phase::Implement | Phase::Review | Phase::Merge | Phase::Handoff | Phase::Judge => What::Implement,
    }
}
