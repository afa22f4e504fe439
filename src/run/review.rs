//! Verdicts on a task's patch: who is asked, what counts, and what goes back. And what verifying the patch proved.

use super::{
    Code, Finding, Item, Job, JobId, JobState, Lack, Misfit, Oid, Proof, Run, Subject, Verdict, Verified, Want,
    WantState, What, life::is_about,
};
use crate::plan::{Criterion, Means, Node, NodeId, Phase, ReviewerId};

impl Run {
    /// Reviewers may look at what is there while the implementation goes on.
    pub(super) fn checkpointed(&mut self, id: JobId, patch: Oid, commit: Oid) -> Result<(), Misfit> {
        let Some(&Job { node, what: What::Implement, state: JobState::Wanted, .. }) = self.jobs.get(&id) else {
            return Err(Misfit::Stale(id));
        };
        if patch.is_none() || commit.is_none() {
            return Err(Misfit::Stale(id));
        }
        if self.phases(node).contains(Phase::Review) {
            let life = &mut self.lives[node.index()];
            (life.subject, life.commit) = (patch, commit);
            for reviewer in self.silent(node) {
                self.want(node, What::Review(reviewer));
            }
        }
        Ok(())
    }

    /// Everybody whose word the task needs: its own reviewers, and those its gate asks for beyond them.
    pub(super) fn reviewers(&self, node: NodeId) -> Vec<ReviewerId> {
        let mut all = self.plan.node(node).task().map_or_else(Vec::new, |task| task.reviewers.clone());
        all.extend(self.criteria(node).iter().filter_map(|criterion| match criterion.means {
            Means::Reviewed { reviewer } => Some(reviewer),
            _ => None,
        }));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The reviewers that have given no verdict on the latest patch.
    fn silent(&self, node: NodeId) -> Vec<ReviewerId> {
        let life = &self.lives[node.index()];
        let has_spoken = |by: &ReviewerId| life.ledger.get(Item::Verdict(*by), life.subject).is_some();
        self.reviewers(node).into_iter().filter(|by| !has_spoken(by)).collect()
    }

    /// Looks at a patch that is not the latest one are no longer needed, nor those that have not begun.
    pub(super) fn drop_reviews_but(&mut self, patch: Oid, node: NodeId) {
        let looks_at = |job: JobId| self.jobs.get(&job).is_some_and(|job| is_about(job.on, patch));
        let stale: Vec<_> = self
            .reviews_of(node)
            .filter(|(_, want)| !matches!(want.state, WantState::Running(job) if looks_at(job)))
            .map(|(what, _)| what)
            .collect();
        for what in stale {
            self.drop_want(node, what);
        }
    }

    fn reviews_of(&self, node: NodeId) -> impl Iterator<Item = (What, &Want)> {
        self.wants_in(node).filter(|(what, _)| matches!(what, What::Review(_)))
    }

    pub(super) fn reviewed(&mut self, job: &Job, proof: Proof) {
        self.drop_want(job.node, job.what);
        let (Subject::Patch { patch, .. }, What::Review(by)) = (job.on, job.what) else {
            return;
        };
        self.lives[job.node.index()].ledger.enter(Item::Verdict(by), patch, proof);
        if self.phase(job.node) == Phase::Review {
            self.review(job.node);
        }
    }

    /// Paths that a reviewer lets the task touch, kept sorted.
    pub(super) fn granted(&mut self, node: NodeId, paths: &[Box<str>]) {
        if !paths.is_empty() {
            let grants = &mut self.lives[node.index()].sheet().grants;
            grants.extend_from_slice(paths);
            grants.sort_unstable();
            grants.dedup();
        }
    }

    /// Asks whoever has not given a verdict on this patch. A blocker ends it, once those that look at it have spoken:
    /// their findings go back together.
    pub(super) fn review(&mut self, node: NodeId) {
        let silent = self.silent(node);
        let life = &self.lives[node.index()];
        let patch = life.subject;
        let verdicts = self.reviewers(node).into_iter().filter_map(|by| life.ledger.get(Item::Verdict(by), patch));
        let verdicts: Vec<&Proof> = verdicts.collect();
        let is_refused = verdicts.iter().any(|proof| matches!(proof, Proof::Refused { .. }));
        let mut findings: Vec<Finding> = verdicts.iter().flat_map(|proof| proof.findings()).cloned().collect();
        if !is_refused && !silent.is_empty() {
            return silent.into_iter().for_each(|reviewer| self.want(node, What::Review(reviewer)));
        }
        let out_of_scope = if silent.is_empty() { self.out_of_scope(node) } else { Vec::new() };
        if !is_refused && out_of_scope.is_empty() {
            self.prove_scope(node);
            let next = self.phases(node).after(Phase::Review);
            return self.enter(node, next.unwrap_or(Phase::Merge));
        }
        findings.extend(out_of_scope);
        self.drop_reviews_but(patch, node);
        if self.reviews_of(node).next().is_none() {
            self.send_back(node, Phase::Implement, findings);
        }
    }

    /// Whether a pass of verify brings a patch, what its tests say without the code where that is asked, and a figure for everything that its gate measures.
    pub(super) fn proves_all(&self, node: NodeId, verified: &Verified) -> bool {
        let mut measured = (0u16..).zip(self.criteria(node)).filter_map(|(i, criterion)| match criterion.means {
            Means::Measured { .. } => Some(i),
            _ => None,
        });
        let has = |i: u16| verified.figures.iter().any(|&(of, _)| of == i);
        let asks_without = self.criteria(node).iter().any(|criterion| criterion.means == Means::BodiesOut);
        (verified.without_code.is_some() || !asks_without)
            && !verified.patch.is_none()
            && !verified.commit.is_none()
            && measured.all(has)
    }

    /// The patch that holds may be another than was handed in: edits were taken out. From here on it is the task's.
    pub(super) fn verified(&mut self, job: &Job, verified: &Verified) {
        let node = job.node;
        let is_sealed = !self.lives[node.index()].sheet.seal.commit.is_none();
        let figure = |i: u16| verified.figures.iter().find(|&&(of, _)| of == i).map(|&(_, figure)| figure);
        let mut proofs = Vec::new();
        for (i, criterion) in (0u16..).zip(self.criteria(node)) {
            proofs.extend(match criterion.means {
                Means::TestsFirst => is_sealed.then(|| (i, Proof::seen())),
                Means::SealIntact | Means::Green | Means::Integrity | Means::Checked { .. } => Some((i, Proof::seen())),
                Means::BodiesOut => verified.without_code.as_ref().map(|_| (i, Proof::Seen { said: doubts(verified) })),
                Means::Measured { .. } => figure(i).map(|figure| (i, Proof::figure(figure))),
                Means::Scope | Means::Reviewed { .. } | Means::Approved | Means::Held => None,
                // Of no task: nothing here would have proven them.
                Means::Files { .. } | Means::HandedOver | Means::LeavesClean { .. } | Means::NoBlocker => None,
            });
        }
        let life = &mut self.lives[node.index()];
        (life.subject, life.commit) = (verified.patch, verified.commit);
        life.sheet().work = verified.commit;
        life.sheet().figures.clone_from(&verified.figures);
        life.sheet().uncovered = verified.told.iter().filter(|told| told.code == Code::Uncovered).cloned().collect();
        life.sheet().without_code = verified.without_code.clone();
        life.asks = verified.asks.clone().into();
        for (i, proof) in proofs {
            life.ledger.enter(Item::Criterion(i), verified.patch, proof);
        }
        self.drop_reviews_but(verified.patch, node);
        let mut missed = self.missed(node);
        if !missed.is_empty() {
            missed.extend(self.lives[node.index()].sheet.uncovered.iter().cloned());
        }
        let can_be_asked = self.phases(node).contains(Phase::Review) && !self.reviewers(node).is_empty();
        if !can_be_asked {
            missed.extend(self.out_of_scope(node));
        }
        if missed.is_empty() {
            self.prove_scope(node);
            self.phase_done(job, Phase::Verify);
        } else {
            self.send_back(node, Phase::Implement, missed);
        }
    }

    /// The figures that are out of their bounds, as findings.
    fn missed(&self, node: NodeId) -> Vec<Finding> {
        let criteria = self.criteria(node);
        let Verdict::Closed(lacks) = self.task_verdict(node) else {
            return Vec::new();
        };
        let missed = lacks.iter().filter_map(|lack| match *lack {
            Lack::Missed { criterion, figure, .. } => {
                let told = criteria[usize::from(criterion)].missed(figure)?;
                Some(Finding::blocker(Code::CheckFails, told))
            }
            Lack::Unproven(_) | Lack::Refused { .. } | Lack::Unapproved(_) => None,
        });
        missed.collect()
    }

    /// What the patch needs beyond the task's scope and nobody granted.
    fn out_of_scope(&self, node: NodeId) -> Vec<Finding> {
        let text = "needed by the gate, out of the task's scope, and granted by nobody";
        let paths = self.lives[node.index()].ungranted();
        paths.into_iter().map(|path| Finding::blocker(Code::Scope, text).at(path, None)).collect()
    }

    /// The patch stays in its scope, or was granted what it needs beyond it; and this patch was verified, if it is to be at all.
    fn prove_scope(&mut self, node: NodeId) {
        if !self.phases(node).contains(Phase::Verify) || !self.lives[node.index()].ungranted().is_empty() {
            return;
        }
        let scope = (0u16..).zip(self.criteria(node)).filter(|(_, criterion)| criterion.means == Means::Scope);
        let scope: Vec<u16> = scope.map(|(i, _)| i).collect();
        let life = &mut self.lives[node.index()];
        for i in scope {
            life.ledger.enter(Item::Criterion(i), life.subject, Proof::seen());
        }
    }

    /// What a task's gate asks; nothing where it has none, or a person or a new plan waived it.
    pub(super) fn criteria(&self, node: NodeId) -> &[Criterion] {
        let gate = if self.plan.node(node).task().is_some() { self.plan.gate_of(node) } else { Some(node) };
        match gate.map(|gate| self.plan.node(gate)) {
            Some(Node::Gate(gate)) => &gate.criteria,
            Some(Node::Task(_)) | None => &[],
        }
    }
}

/// What was said of the sealed tests without the code, and is no proof.
fn doubts(verified: &Verified) -> Box<[Finding]> {
    let is_doubt = |finding: &&Finding| matches!(finding.code, Code::BodiesOut | Code::Unproven);
    verified.told.iter().filter(is_doubt).cloned().collect()
}
