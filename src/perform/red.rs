//! Red: the tests run on base and tests, without the code, and must fail for the right reason. Then they are sealed.

use super::{Bench, Desk, Done, bench::git, evidence::Said, fell};
use crate::{
    rules::{self, RedCase},
    run::{Ending, Evidence, Job, Oid, Red, Rejection, Seal, Sealed},
};

impl Bench {
    pub(super) async fn red(&self, job: &Job, desk: &Desk) -> Done {
        let (base, tests) = (job.sheet.base, job.sheet.tests);
        let Said { before, after: with, .. } = self.reports(base, tests, job, desk).await?;
        let changes = self.repo.changes(base, tests).await.map_err(|fault| git(&fault))?;
        let changed: Vec<Box<str>> = changes.iter().map(|change| change.path.clone()).collect();
        let (mut stood, mut found) = (Vec::new(), Vec::new());
        for change in &changes {
            for (side, tests) in [(change.before, &mut stood), (change.after, &mut found)] {
                let Some(entry) = side else { continue };
                let text = self.repo.blob(entry.oid).await.map_err(|fault| git(&fault))?;
                if let Ok(text) = std::str::from_utf8(&text) {
                    tests.extend(rules::tests_in(&change.path, text));
                }
            }
        }
        let (base, with_tests) = (&before.report, &with.report);
        let gives_names = self.checks.names_tests() || base.is_counted;
        let case = RedCase { base, with_tests, changed: &changed, stood: &stood, found: &found, gives_names };
        let ran = [before.ran.clone(), with.ran.clone()].concat();
        if before.is_mute() && with.is_mute() {
            // Whoever writes tests cannot mend this, and would be called for it again and again.
            return Err(fell(format!(
                "red cannot be judged, for no test runs here: on the base, {}",
                before.failure()
            )));
        }
        match rules::red(&case) {
            Err(findings) if findings.is_empty() => Err(fell("red was refused without a finding; this is a bug")),
            Err(findings) => {
                let findings = with.explain(findings);
                Ok(Ending::Rejected(Rejection { findings, ran, ..Rejection::default() }))
            }
            Ok(proof) => {
                let files = changes.iter().filter(|change| !rules::is_shared(&change.path)).map(|change| {
                    let (mode, blob) = change.after.map_or((0, Oid::NONE), |entry| (entry.mode, entry.oid));
                    Sealed { path: change.path.clone(), mode, blob }
                });
                let rules::RedProof { reason, tests: names, skipped, gone, red_before } = proof;
                let seal = Seal { commit: tests, files: files.collect(), tests: names, skipped, gone };
                let red = Red { seal, reason, ran, red_before };
                Ok(Ending::Passed(Evidence::Red(Box::new(red))))
            }
        }
    }
}
