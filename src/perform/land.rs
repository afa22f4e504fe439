//! The merge train's jobs: building a candidate, proving it, landing it. None of them needs a working tree but the proof.

use super::{
    Bench, Desk, Done,
    bench::{git, task},
    fell,
    verify::Proof,
};
use crate::{
    plan::NodeId,
    process::with_causes,
    run::{Breakage, Code, Ending, Evidence, Finding, Job, Rejection, Subject},
    workspace::{Built, Landed, Landing},
};

impl Bench {
    /// Merges the patch onto its base and makes the commit.
    pub(super) async fn build(&self, job: &Job, desk: &Desk) -> Done {
        let Subject::Onto { commit, base, .. } = job.on else {
            return Err(fell("a candidate without a patch; this is a bug"));
        };
        let task = task(job, desk)?;
        let landing = Landing {
            subject: task.brief.commit.as_deref().unwrap_or(&task.title).to_owned(),
            body: self.said_of_locks(commit).await?,
            run: self.setting.run.clone(),
            task: task.label.to_string(),
            trailers: Vec::new(),
            author: self.setting.author.clone(),
            committer: self.setting.author.clone(),
            seconds: desk.at.0 / 1000,
            is_signed: self.setting.is_signed,
        };
        let parents = self.repo.parents(commit).await.map_err(|fault| git(&fault))?;
        let from = *parents.first().ok_or_else(|| fell(format!("the commit {commit} has no parent; this is a bug")))?;
        match self.repo.build(base, from, commit, &landing).await.map_err(|fault| git(&fault))? {
            Built::Commit(commit) => {
                Ok(Ending::Passed(Evidence::Built { commit, patch: self.patch(base, commit).await? }))
            }
            Built::Conflict(paths) => {
                let trees = (base, from, commit);
                let why = match self.locked(trees, &paths, landing, (job, desk)).await? {
                    Ok(commit) => {
                        let patch = self.patch(base, commit).await?;
                        return Ok(Ending::Passed(Evidence::Built { commit, patch }));
                    }
                    Err(why) => why.map(|why| format!("; {why}")).unwrap_or_default(),
                };
                let is_sealed = |path: &str| job.sheet.seal.files.iter().any(|file| &*file.path == path);
                let findings = paths.into_iter().map(|path| {
                    let code = if is_sealed(&path) { Code::TestConflict } else { Code::Conflict };
                    let text = format!("{path} collides with what has landed since the task began{why}");
                    Finding::blocker(code, text).at(path, None)
                });
                Ok(Ending::Rejected(Rejection { findings: findings.collect(), ..Rejection::default() }))
            }
        }
    }

    /// Runs the task gate on the candidate: what was tested is exactly what lands.
    pub(super) async fn prove(&self, job: &Job, desk: &Desk) -> Done {
        let Subject::Candidate { base, commit } = job.on else {
            return Err(fell("a proof without a candidate; this is a bug"));
        };
        let proof = self.proof(base, commit, &job.sheet.seal, job, desk).await?;
        let missed = Bench::missed(job, desk, &proof);
        let Proof { findings, ran, .. } = proof;
        let findings = [findings, missed].concat();
        if findings.is_empty() {
            return Ok(Ending::Passed(Evidence::Seen { ran }));
        }
        Ok(Ending::Rejected(Rejection { findings, ran, ..Rejection::default() }))
    }

    /// Moves the integration ref by compare-and-swap; the branch follows.
    pub(super) async fn land(&self, job: &Job, desk: &Desk) -> Done {
        let Subject::Candidate { base, commit } = job.on else {
            return Err(fell("a landing without a candidate; this is a bug"));
        };
        let label = task(job, desk)?.label.to_string();
        let run = &self.setting.run;
        let tip = match self.repo.land(base, commit, run, &label).await.map_err(|fault| git(&fault))? {
            Landed::Done => commit,
            Landed::Already { tip, .. } => tip,
            Landed::Moved { is_kept: false, .. } => {
                return Err(fell(format!(
                    "{run}'s integration ref lost what had landed on it: somebody moved it back"
                )));
            }
            Landed::Moved { tip, found, .. } => {
                return Err(Breakage::Moved {
                    tip,
                    found: found.iter().filter_map(|label| node(desk, label)).collect(),
                });
            }
        };
        // It has landed: that its branch is behind is told, and is no reason to say that it has not.
        let notes = match self.repo.follow(&self.setting.topic, run, tip).await {
            Ok(followed) => followed.notes,
            Err(fault) => vec![format!("the branch could not follow: {}", with_causes(&fault)).into()],
        };
        Ok(Ending::Passed(Evidence::Landed { tip, notes }))
    }
}

/// The task of this label: the last one, since an edit may have replaced it.
fn node(desk: &Desk, label: &str) -> Option<NodeId> {
    desk.plan.ids().filter(|&id| desk.plan.node(id).task().is_some_and(|task| &*task.label == label)).last()
}
