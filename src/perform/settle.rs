//! Settle: one criterion of a stream, system or deployment gate, on the integration ref at one commit.

use super::{Bench, Desk, Done, evidence::Purpose, fell};
use crate::{
    plan::{Criterion, Means},
    run::{Breakage, Code, Ending, Evidence, Finding, Job, Oid, Ran, Rejection, Subject},
};

/// What the commands of a criterion said.
pub(super) enum Settled {
    /// It holds.
    Seen {
        /// What was run.
        ran: Vec<Ran>,
    },
    /// It is measured.
    Figure {
        /// The figure.
        figure: i64,
        /// What was run.
        ran: Vec<Ran>,
    },
    /// It does not hold.
    Wanting {
        /// Why.
        finding: Finding,
        /// What was run.
        ran: Vec<Ran>,
    },
}

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
        let rejection = match self.criterion(tip, asked, job, desk).await? {
            Settled::Seen { ran } => return Ok(Ending::Passed(Evidence::Seen { ran })),
            Settled::Figure { figure, ran } => return Ok(Ending::Passed(Evidence::Figure { figure, ran })),
            Settled::Wanting { finding, ran } => Rejection { findings: vec![finding], ran, ..Rejection::default() },
        };
        Ok(Ending::Rejected(rejection))
    }

    /// What the commands of a criterion say about a commit.
    pub(super) async fn criterion(
        &self,
        commit: Oid,
        asked: &Criterion,
        job: &Job,
        desk: &Desk,
    ) -> Result<Settled, Breakage> {
        let (commands, is_measured) = match &asked.means {
            Means::Checked { commands } => (commands.as_slice(), false),
            Means::Measured { command, .. } => (std::slice::from_ref(command), true),
            Means::TestsFirst
            | Means::SealIntact
            | Means::Green
            | Means::BodiesOut
            | Means::Scope
            | Means::Integrity
            | Means::Reviewed { .. }
            | Means::Approved
            | Means::Held => {
                return Err(fell("a criterion that no command settles was asked of a checker; this is a bug"));
            }
        };
        let measured = self.measured(commit, commands, Purpose::Judge, job, desk).await?;
        let (ran, why) = (measured.ran.clone(), measured.failure());
        let wanting = |text: String| Finding::blocker(Code::CheckFails, format!("{}: {text}", asked.text));
        Ok(match measured.figure().filter(|_| is_measured) {
            _ if measured.report.exit != 0 => Settled::Wanting { finding: wanting(why), ran },
            Some(figure) => Settled::Figure { figure, ran },
            None if is_measured => Settled::Wanting { finding: wanting(format!("no figure was printed: {why}")), ran },
            None => Settled::Seen { ran },
        })
    }
}
