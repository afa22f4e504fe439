//! Red: the tests run on base and tests, without the code, and must fail for the right reason. Then they are sealed.

use super::{Bench, Desk, Done, bench::git, evidence::Purpose, fell};
use crate::{
    rules::{self, RedCase},
    run::{Ending, Evidence, Job, Oid, Red, Rejection, Seal, Sealed},
};

impl Bench {
    pub(super) async fn red(&self, job: &Job, desk: &Desk) -> Done {
        let (base, tests) = (job.sheet.base, job.sheet.tests);
        let before = self.report(base, job, desk, Purpose::Base).await?;
        let with = self.report(tests, job, desk, Purpose::Judge).await?;
        let changes = self.repo.changes(base, tests).await.map_err(|fault| git(&fault))?;
        let changed: Vec<Box<str>> = changes.iter().map(|change| change.path.clone()).collect();
        let mut found = Vec::new();
        for change in &changes {
            if let Some(entry) = change.after {
                let text = self.repo.blob(entry.oid).await.map_err(|fault| git(&fault))?;
                if let Ok(text) = std::str::from_utf8(&text) {
                    found.extend(rules::tests_in(&change.path, text));
                }
            }
        }
        let case = RedCase { base: &before.report, with_tests: &with.report, changed: &changed, found: &found };
        let ran = [before.ran.clone(), with.ran.clone()].concat();
        match rules::red(&case) {
            Err(findings) if findings.is_empty() => Err(fell("red was refused without a finding; this is a bug")),
            Err(findings) => {
                let findings = with.explain(findings);
                Ok(Ending::Rejected(Rejection { findings, ran, ..Rejection::default() }))
            }
            Ok(proof) => {
                let files = changes.iter().map(|change| {
                    let (mode, blob) = change.after.map_or((0, Oid::NONE), |entry| (entry.mode, entry.oid));
                    Sealed { path: change.path.clone(), mode, blob }
                });
                let seal = Seal { commit: tests, files: files.collect(), tests: proof.tests, skipped: proof.skipped };
                let red = Red { seal, reason: proof.reason, ran, red_before: proof.red_before };
                Ok(Ending::Passed(Evidence::Red(Box::new(red))))
            }
        }
    }
}
