//! Tests: the test-developer writes failing tests and what they need, and nothing else.

use super::{
    Bench, Desk, Done,
    bench::{Left, git},
};
use crate::{
    plan::Role,
    rules,
    run::{Code, Ending, Evidence, Finding, Job, Rejection, Seal},
};

impl Bench {
    pub(super) async fn tests(&self, job: &Job, desk: &Desk) -> Done {
        let base = job.sheet.base;
        let start = if job.sheet.tests.is_none() { base } else { self.carried(job.sheet.tests, base).await?.commit };
        let (left, left_out) = match self.write(job, desk, Role::TestDeveloper, start).await? {
            Left::Work { commit, told } => (commit, told),
            Left::Ended(ending) => return Ok(ending),
        };
        let trimmed = self.trim(job, desk, rules::Role::Tests, left, &Seal::default()).await?;
        if self.repo.changes(base, trimmed.commit).await.map_err(|fault| git(&fault))?.is_empty() {
            let what = if trimmed.told.is_empty() {
                Finding::blocker(Code::NothingChanged, "no test was written: the tree is as it was")
            } else {
                Finding::blocker(Code::NoNewTest, "no test was written: everything else was taken out again")
            };
            let findings = [vec![what], trimmed.told].concat();
            return Ok(Ending::Rejected(Rejection { findings, left, ..Rejection::default() }));
        }
        Ok(Ending::Passed(Evidence::Tests { commit: trimmed.commit, told: [left_out, trimmed.told].concat() }))
    }
}
