//! Implement: the implementation agent works until it says that it is done. What counts is the tree it leaves.

use super::{
    Bench, Desk, Done,
    bench::{Left, git},
};
use crate::{
    plan::Role,
    run::{Code, Ending, Evidence, Finding, Job, Rejection},
};

impl Bench {
    pub(super) async fn implement(&self, job: &Job, desk: &Desk) -> Done {
        let sheet = &job.sheet;
        let before = if sheet.work.is_none() { sheet.tests } else { sheet.work };
        let start = if before.is_none() { sheet.base } else { self.carried(before, sheet.base).await?.commit };
        let left = match self.write(job, desk, Role::Implementation, start).await? {
            Left::Work(left) => left,
            Left::Ended(ending) => return Ok(ending),
        };
        let seal = self.seal_on(&sheet.seal, sheet.base).await?;
        let from = if seal.commit.is_none() { sheet.base } else { seal.commit };
        if self.repo.changes(from, left).await.map_err(|fault| git(&fault))?.is_empty() {
            let finding = Finding::blocker(Code::NothingChanged, "nothing was implemented: the tree is as it was");
            return Ok(Ending::Rejected(Rejection { findings: vec![finding], left, ..Rejection::default() }));
        }
        let patch = self.patch(sheet.base, left).await?;
        Ok(Ending::Passed(Evidence::Work { patch, commit: left }))
    }
}
