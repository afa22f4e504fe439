//! Verify: the task gate's own criteria, on exactly the patch that may land.

use super::{Bench, Desk, Done, bench::git, evidence::Said, fell, settle::Settled, trim::Trimmed};
use crate::{
    plan::Means,
    rules::{self, GreenCase, Role},
    run::{Breakage, Code, Ending, Evidence, Finding, Job, Oid, Rejection, Seal, Subject, Verified, Weight},
};

/// Edits beyond the scope that are tried one by one; of more all are asked for together.
const MOST_TRIED: usize = 16;

/// What a tree proved.
pub(super) struct Proof {
    /// What keeps the gate closed.
    pub(super) findings: Vec<Finding>,
    told: Vec<Finding>,
    figures: Vec<(u16, i64)>,
    pub(super) ran: Vec<crate::run::Ran>,
    /// What the checks said of the base and of the tree.
    pub(super) said: Said,
}

impl Bench {
    pub(super) async fn verify(&self, job: &Job, desk: &Desk) -> Done {
        let Subject::Patch { commit, .. } = job.on else {
            return Err(fell("nothing to verify; this is a bug"));
        };
        let seal = self.seal_on(&job.sheet.seal, job.sheet.base).await?;
        let trimmed = self.trim(job, desk, Role::Implementation, commit, &seal).await?;
        let is_empty = self.repo.changes(job.sheet.base, trimmed.commit).await.map_err(|fault| git(&fault))?.is_empty();
        let proof = self.proof(job.sheet.base, trimmed.commit, &seal, job, desk).await?;
        if proof.findings.is_empty() && !(is_empty && trimmed.whole.is_some()) {
            return self.verified((job, desk), trimmed.commit, &seal, (Vec::new(), trimmed.told), proof).await;
        }
        if let Some(whole) = trimmed.whole {
            let with = self.proof(job.sheet.base, whole, &seal, job, desk).await?;
            if with.findings.is_empty() && proof.findings.is_empty() {
                return self.needs_more((job, desk), whole, &seal, trimmed, with).await;
            } else if with.findings.is_empty() {
                let (whole, trimmed, with) = self.least((whole, trimmed, with), &seal, job, desk).await?;
                return self.needs_more((job, desk), whole, &seal, trimmed, with).await;
            }
        }
        let findings = [proof.findings, trimmed.told].concat();
        Ok(Ending::Rejected(Rejection { findings, ran: proof.ran, ..Rejection::default() }))
    }

    /// Of several edits beyond the scope those that the gate needs: each of the others is taken out, one after the other, those
    /// that only a person opens first.
    async fn least(
        &self,
        (mut whole, mut trimmed, mut with): (Oid, Trimmed, Proof),
        seal: &Seal,
        job: &Job,
        desk: &Desk,
    ) -> Result<(Oid, Trimmed, Proof), Breakage> {
        if !(2..=MOST_TRIED).contains(&trimmed.needed.len()) {
            return Ok((whole, trimmed, with));
        }
        trimmed.needed.sort_by_key(|taken| taken.finding.code == Code::Scope);
        let mut needed = Vec::new();
        for taken in std::mem::take(&mut trimmed.needed) {
            let commit = self.without(job.sheet.base, whole, &taken).await?;
            let proof = self.proof(job.sheet.base, commit, seal, job, desk).await?;
            if proof.findings.is_empty() {
                (whole, with) = (commit, proof);
            } else {
                needed.push(taken);
            }
        }
        trimmed.needed = needed;
        Ok((whole, trimmed, with))
    }

    /// The gate passes only with edits beyond the scope: what a reviewer may grant is asked for, what only a person opens is not.
    async fn needs_more(
        &self,
        (job, desk): (&Job, &Desk),
        whole: Oid,
        seal: &Seal,
        trimmed: Trimmed,
        proof: Proof,
    ) -> Done {
        let told = trimmed.told_beside_needed();
        let shut: Vec<Finding> =
            trimmed.needed.iter().map(|taken| taken.finding.clone()).filter(|f| f.code != Code::Scope).collect();
        if !shut.is_empty() {
            let findings = [shut, told].concat();
            return Ok(Ending::Rejected(Rejection { findings, ran: proof.ran, ..Rejection::default() }));
        }
        let mut asks: Vec<Box<str>> = trimmed.needed.iter().map(|taken| taken.path().into()).collect();
        asks.sort_unstable();
        self.verified((job, desk), whole, seal, (asks, told), proof).await
    }

    /// The gate holds on this tree; what is left is whether its tests would have told, had the code not been there.
    async fn verified(
        &self,
        (job, desk): (&Job, &Desk),
        commit: Oid,
        seal: &Seal,
        (asks, told): (Vec<Box<str>>, Vec<Finding>),
        proof: Proof,
    ) -> Done {
        if let Some(finding) = self.alone((job, desk), commit, seal, &proof).await? {
            let findings = [vec![finding], told].concat();
            return Ok(Ending::Rejected(Rejection { findings, ran: proof.ran, ..Rejection::default() }));
        }
        let shown = self.without_code((job, desk), commit, seal, &proof).await?;
        let told = [told, proof.told].concat();
        let without_code = match shown {
            Err((finding, ran)) => {
                let findings = [vec![finding], told].concat();
                let ran = [proof.ran, ran].concat();
                return Ok(Ending::Rejected(Rejection { findings, ran, ..Rejection::default() }));
            }
            Ok(shown) => shown,
        };
        let told = [told, without_code.as_ref().map(rules::told_without).unwrap_or_default()].concat();
        let patch = self.patch(job.sheet.base, commit).await?;
        let verified = Verified { patch, commit, asks, told, without_code, figures: proof.figures, ran: proof.ran };
        Ok(Ending::Passed(Evidence::Verified(Box::new(verified))))
    }

    /// Runs the task gate on a tree and what it was made on: checks, green, built-in review, figures.
    pub(super) async fn proof(
        &self,
        base: Oid,
        commit: Oid,
        seal: &Seal,
        job: &Job,
        desk: &Desk,
    ) -> Result<Proof, Breakage> {
        let said = self.reports(base, commit, job, desk).await?;
        let green = rules::green(&GreenCase {
            base: &said.before.report,
            candidate: &said.after.report,
            seal,
            requires_names: self.setting.requires_names,
        });
        let exits_prove = !seal.commit.is_none() && !said.after.report.is_counted;
        let inspected = self.inspected((job, desk), (base, commit), exits_prove).await?;
        let (blockers, remarks): (Vec<_>, Vec<_>) = inspected.into_iter().partition(|f| f.weight == Weight::Blocker);
        let mut proof = Proof {
            findings: [said.after.explain(green.findings), blockers].concat(),
            told: [green.told, remarks].concat(),
            figures: Vec::new(),
            ran: said.after.ran.clone(),
            said,
        };
        if proof.findings.is_empty() {
            self.authored(commit, job, desk, &mut proof).await?;
        }
        Ok(proof)
    }

    /// The figures of a candidate that are out of their bounds: what lands is measured as it lands.
    pub(super) fn missed(job: &Job, desk: &Desk, proof: &Proof) -> Vec<Finding> {
        let gate = desk.plan.gate_of(job.node).and_then(|gate| desk.plan.node(gate).gate());
        let criteria = gate.map(|gate| &gate.criteria[..]).unwrap_or_default();
        let missed =
            proof.figures.iter().filter_map(|&(index, figure)| criteria.get(usize::from(index))?.missed(figure));
        let mut missed: Vec<Finding> = missed.map(|text| Finding::blocker(Code::CheckFails, text)).collect();
        if !missed.is_empty() {
            missed.extend(proof.told.iter().filter(|told| told.code == Code::Uncovered).cloned());
        }
        missed
    }

    /// Criteria of the task's own that carry a command, or are measured.
    async fn authored(&self, commit: Oid, job: &Job, desk: &Desk, proof: &mut Proof) -> Result<(), Breakage> {
        let gate = desk.plan.gate_of(job.node).and_then(|gate| desk.plan.node(gate).gate());
        let criteria = gate.map(|gate| &gate.criteria[..]).unwrap_or_default();
        let own = self.checks.task_commands();
        for (index, criterion) in (0u16..).zip(criteria) {
            let is_asked = match &criterion.means {
                // The level's own checks were run for the report.
                Means::Checked { commands } => *commands != own,
                Means::Measured { .. } => true,
                _ => false,
            };
            if !is_asked {
                continue;
            }
            let ran = match self.criterion(commit, criterion, job, desk).await? {
                Settled::Seen { ran } => ran,
                Settled::Figure { figure, ran, told } => {
                    proof.figures.push((index, figure));
                    proof.told.extend(told);
                    ran
                }
                Settled::Wanting { finding, ran } => {
                    proof.findings.push(finding);
                    ran
                }
            };
            proof.ran.extend(ran);
        }
        Ok(())
    }
}
