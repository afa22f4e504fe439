//! Review: a reviewer looks at a patch and gives a verdict. What it writes is thrown away.

use super::{
    Bench, Desk, Done,
    agent::Wish,
    bench::{after, ended},
    fell,
};
use crate::{
    agent::AgentError,
    plan::{ReviewerId, Role},
    rules::{self, VERDICT_SCHEMA, Verdict},
    run::{Code, Ending, Finding, Job, Oid, Subject},
};

impl Bench {
    pub(super) async fn review(&self, job: &Job, reviewer: ReviewerId, desk: &Desk) -> Done {
        let Subject::Patch { patch, commit } = job.on else {
            return Err(fell("a review without a patch; this is a bug"));
        };
        let name = desk.plan.blueprint().reviewers[usize::from(reviewer.0)].0.clone();
        let lease = self.agent(job, commit, desk).await?;
        let mut wish = Wish {
            facts: vec![
                ("TIDEGATE_BASE", job.sheet.base.to_string().into()),
                ("TIDEGATE_HEAD", commit.to_string().into()),
                ("TIDEGATE_PATCH", patch.to_string().into()),
            ],
            patch: Some((job.sheet.base, commit)),
            schema: Some(VERDICT_SCHEMA),
            ..Wish::of(Role::Reviewer, Some(&name))
        };
        let mut called = self.call(job, desk, &wish, &lease).await;
        let mut verdict = match spoken(&called.answer, patch, &name) {
            Ok(verdict) => verdict,
            Err(error) => return ended(error, Oid::NONE, job.id, desk.at),
        };
        if let Some(why) = unreadable(&verdict)
            && self.can_be_asked_again(job, desk)
            && (desk.may_call)().await.is_ok()
        {
            // One more turn: models that have judged well still end with a word too many.
            wish.part = Some("again");
            let text = format!(
                "Your last message is no verdict: {why}\n\nAnswer once more, with the verdict alone: one fenced `json` block, \
                 and nothing after it.\n"
            );
            wish.again = Some((text, called.talk.take()));
            called = self.call(job, desk, &wish, &lease).await;
            verdict = match spoken(&called.answer, patch, &name) {
                Ok(verdict) => verdict,
                Err(error) => return ended(error, Oid::NONE, job.id, desk.at),
            };
        }
        self.tape(job, desk, &wish, &called, None).await;
        // It said nothing that can be used: that is its own fault, and not the work's. It is asked anew.
        if let Some(why) = unreadable(&verdict) {
            return Err(fell(format!("{name} gave no verdict: {why}")));
        }
        Ok(verdict.into_evidence().map_or_else(Ending::Rejected, Ending::Passed))
    }
}

fn spoken(
    answer: &Result<crate::agent::AgentReport, AgentError>,
    patch: Oid,
    name: &str,
) -> Result<Verdict, AgentError> {
    match answer {
        Ok(report) => Ok(rules::verdict(&report.text, Ok(()), patch, name)),
        Err(AgentError::GaveUp { code, tail }) => {
            let how = format!("exited with {code}{}", after(tail));
            Ok(rules::verdict("", Err(&how), patch, name))
        }
        Err(error) => Err(error.clone()),
    }
}

/// Why what was said is no verdict at all.
fn unreadable(verdict: &Verdict) -> Option<String> {
    let no_verdict = |finding: &&Finding| finding.code == Code::NoVerdict;
    let Verdict::Rejected { findings, .. } = verdict else { return None };
    let texts: Vec<&str> = findings.iter().filter(no_verdict).map(|finding| &*finding.text).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
