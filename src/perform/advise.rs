//! Advise: somebody else looks at a task that keeps failing. First an expert, then what is left of the coordinator that is no program.

use super::{
    Bench, Desk, Done,
    agent::{COORDINATOR, EXPERT, TEST_EXPERT, Wish},
    bench::{after, ended},
    fell,
};
use crate::{
    agent::AgentError,
    plan::Role,
    rules::{self, ADVICE_SCHEMA, Advice},
    run::{Code, Ending, Evidence, Finding, Job, Oid, Rejection, Weight},
    text::shortened,
};

/// Characters of advice that go to the next try.
const ADVICE_MAX: usize = 8_000;

impl Bench {
    /// What an expert says goes to the next try, whatever it is.
    pub(super) async fn consult(&self, job: &Job, desk: &Desk) -> Done {
        // Without a seal it is the tests that do not come about.
        let is_about_tests = job.sheet.seal.files.is_empty() && job.sheet.work.is_none();
        let name = if is_about_tests { TEST_EXPERT } else { EXPERT };
        let said = match self.asked(job, desk, Role::Expert, name, None).await? {
            Ok(said) => said,
            Err(ending) => return Ok(ending),
        };
        Ok(Ending::Passed(Evidence::Advice { findings: vec![advice(Weight::Concern, &said, name)] }))
    }

    /// The coordinator says how to try once more, or that a person has to see to it.
    pub(super) async fn advise(&self, job: &Job, desk: &Desk) -> Done {
        let said = match self.asked(job, desk, Role::Coordinator, COORDINATOR, Some(ADVICE_SCHEMA)).await? {
            Ok(said) => said,
            Err(ending) => return Ok(ending),
        };
        Ok(match rules::advice(&said) {
            Ok(Advice::Retry(text)) => {
                Ending::Passed(Evidence::Advice { findings: vec![advice(Weight::Concern, &text, COORDINATOR)] })
            }
            Ok(Advice::Return(text)) => {
                let findings = vec![advice(Weight::Blocker, &text, COORDINATOR)];
                Ending::Rejected(Rejection { findings, ..Rejection::default() })
            }
            Err(why) => return Err(fell(format!("{COORDINATOR} gave no advice that can be read: {why}"))),
        })
    }

    /// What an adviser said; or how the job ends since it said nothing.
    async fn asked(
        &self,
        job: &Job,
        desk: &Desk,
        role: Role,
        name: &str,
        schema: Option<&'static str>,
    ) -> Result<Result<String, Ending>, crate::run::Breakage> {
        let sheet = &job.sheet;
        let newest = [sheet.work, sheet.tests, sheet.base].into_iter().find(|commit| !commit.is_none());
        let commit = newest.ok_or_else(|| fell("nothing to look at; this is a bug"))?;
        let lease = self.agent(job, commit, desk).await?;
        let wish = Wish { patch: Some((sheet.base, commit)), schema, ..Wish::of(role, Some(name)) };
        let called = self.call(job, desk, &wish, &lease).await;
        self.tape(job, desk, &wish, &called, None).await;
        match called.answer {
            Ok(report) if report.text.trim().is_empty() => Err(fell(format!("{name} said nothing"))),
            Ok(report) => Ok(Ok(report.text)),
            Err(AgentError::GaveUp { code, tail }) => {
                Err(fell(format!("{name} gave up with exit code {code}{}", after(&tail))))
            }
            Err(error) => ended(error, Oid::NONE, job.id, desk.at).map(Err),
        }
    }
}

fn advice(weight: Weight, said: &str, by: &str) -> Finding {
    let text = shortened(said.trim(), ADVICE_MAX);
    Finding { weight, by: Some(by.into()), ..Finding::blocker(Code::Advice, text) }
}
