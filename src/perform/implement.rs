//! Implement: the implementation agent works until it says that it is done. What counts is the tree it leaves.

use super::{
    Bench, Desk, Done,
    bench::{Left, git},
    fell,
};
use crate::{
    plan::Role,
    process::Tail,
    run::{Code, Ending, Evidence, Finding, Job, Rejection},
};

impl Bench {
    pub(super) async fn implement(&self, job: &Job, desk: &Desk) -> Done {
        let sheet = &job.sheet;
        let seal = self.seal_on(&sheet.seal, sheet.base).await?;
        let before = if sheet.work.is_none() { sheet.tests } else { sheet.work };
        let start = if before.is_none() { sheet.base } else { self.carried(before, sheet.base).await?.commit };
        let start = self.resealed(start, &seal, sheet.base).await?;
        let (left, told) = match self.write(job, desk, Role::Implementation, start).await? {
            Left::Work { commit, told } => (commit, told),
            Left::Ended(ending) => return Ok(ending),
        };
        let rejected = |finding| {
            let findings = vec![finding];
            Ok(Ending::Rejected(Rejection { findings, left, ..Rejection::default() }))
        };
        // The agent could put anything in its place.
        let contested = self.contest(job, desk).map_err(|error| fell(format!("its contest: {error}")))?;
        let contested = Tail::of_text(&contested.unwrap_or_default(), usize::MAX).text;
        if !contested.trim().is_empty() && !seal.files.is_empty() {
            let text = format!("the implementation contests a sealed test: {}", contested.trim());
            return rejected(Finding::blocker(Code::Contested, text));
        }
        let from = if seal.commit.is_none() { sheet.base } else { seal.commit };
        if self.repo.changes(from, left).await.map_err(|fault| git(&fault))?.is_empty() {
            return rejected(Finding::blocker(Code::NothingChanged, "nothing was implemented: the tree is as it was"));
        }
        let patch = self.patch(sheet.base, left).await?;
        Ok(Ending::Passed(Evidence::Work { patch, commit: left, told }))
    }
}
