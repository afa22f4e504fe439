//! Settle: one criterion of a stream, system or deployment gate, on the integration ref at one commit.

use super::{Bench, Desk, Done, evidence::Purpose, fell};
use crate::{
    plan::Means,
    run::{Code, Ending, Evidence, Finding, Job, Rejection, Subject},
};

impl Bench {
    pub(super) async fn settle(&self, job: &Job, criterion: u16, desk: &Desk) -> Done {
        let (Subject::Tip(tip) | Subject::Patch { commit: tip, .. }) = job.on else {
            return Err(fell("a gate without a commit to judge; this is a bug"));
        };
        let gate = desk.plan.node(job.node).gate().or_else(|| {
            let gate = desk.plan.gate_of(job.node)?;
            desk.plan.node(gate).gate()
        });
        let asked = gate.and_then(|gate| gate.criteria.get(usize::from(criterion)));
        let Some(asked) = asked else {
            return Err(fell("a criterion that no gate has; this is a bug"));
        };
        match &asked.means {
            Means::Checked { commands } => {
                let measured = self.measured(tip, commands, Purpose::Judge, job, desk).await?;
                if measured.report.exit == 0 {
                    return Ok(Ending::Passed(Evidence::Seen { ran: measured.ran.clone() }));
                }
                let text = format!("{}: {}", asked.text, measured.failure());
                let findings = vec![Finding::blocker(Code::CheckFails, text)];
                Ok(Ending::Rejected(Rejection { findings, ran: measured.ran.clone(), ..Rejection::default() }))
            }
            Means::Measured { command, .. } => {
                let measured = self.measured(tip, std::slice::from_ref(command), Purpose::Judge, job, desk).await?;
                match measured.figure() {
                    Some(figure) if measured.report.exit == 0 => {
                        Ok(Ending::Passed(Evidence::Figure { figure, ran: measured.ran.clone() }))
                    }
                    _ => {
                        let text = format!("{}: no figure was printed: {}", asked.text, measured.failure());
                        let findings = vec![Finding::blocker(Code::CheckFails, text)];
                        Ok(Ending::Rejected(Rejection { findings, ran: measured.ran.clone(), ..Rejection::default() }))
                    }
                }
            }
            Means::TestsFirst
            | Means::SealIntact
            | Means::Green
            | Means::Scope
            | Means::Integrity
            | Means::Reviewed { .. }
            | Means::Approved
            | Means::Held => Err(fell("a criterion that no command settles was asked of a checker; this is a bug")),
        }
    }
}
