//! Review: a reviewer looks at a patch and gives a verdict. What it writes is thrown away.

use super::{
    Bench, Desk, Done,
    bench::{after, ended},
    fell,
};
use crate::{
    agent::AgentError,
    plan::{ReviewerId, Role},
    rules::{self, Verdict},
    run::{Code, Ending, Finding, Job, Oid, Subject},
};

impl Bench {
    pub(super) async fn review(&self, job: &Job, reviewer: ReviewerId, desk: &Desk) -> Done {
        let Subject::Patch { patch, commit } = job.on else {
            return Err(fell("a review without a patch; this is a bug"));
        };
        let name = desk.plan.blueprint().reviewers[usize::from(reviewer.0)].0.clone();
        let lease = self.agent(job.node, commit, desk).await?;
        let facts = vec![
            ("TIDEGATE_BASE", job.sheet.base.to_string().into()),
            ("TIDEGATE_HEAD", commit.to_string().into()),
            ("TIDEGATE_PATCH", patch.to_string().into()),
        ];
        let answer = self.call(job, desk, Role::Reviewer, Some(&name), &lease, facts).await;
        let verdict = match answer {
            Ok(report) => rules::verdict(&report.text, Ok(()), patch, &name),
            Err(AgentError::GaveUp { code, tail }) => {
                let how = format!("exited with {code}{}", after(&tail));
                rules::verdict("", Err(&how), patch, &name)
            }
            Err(error) => return ended(error, Oid::NONE),
        };
        match verdict {
            // It said nothing that can be used: that is its own fault, and not the work's. It is asked again.
            Verdict::Rejected { findings, .. } if findings.iter().any(no_verdict) => {
                Err(fell(spoken(&name, &findings)))
            }
            verdict => Ok(verdict.into_evidence().map_or_else(Ending::Rejected, Ending::Passed)),
        }
    }
}

fn no_verdict(finding: &Finding) -> bool {
    finding.code == Code::NoVerdict
}

fn spoken(name: &str, findings: &[Finding]) -> String {
    let texts: Vec<&str> = findings.iter().filter(|f| no_verdict(f)).map(|f| &*f.text).collect();
    format!("{name} gave no verdict: {}", texts.join("; "))
}
