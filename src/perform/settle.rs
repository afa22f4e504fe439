//! Settle: one criterion of a stream, system or deployment gate, on the integration ref at one commit.

use super::{
    Bench, Desk, Done,
    evidence::{Measured, Purpose},
    fell,
};
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
        Ok(self.criterion(tip, asked, job, desk).await?.into())
    }

    /// What the commands of a criterion say about a commit.
    pub(super) async fn criterion(
        &self,
        commit: Oid,
        asked: &Criterion,
        job: &Job,
        desk: &Desk,
    ) -> Result<Settled, Breakage> {
        let measured = self.measured(commit, commands(asked)?, Purpose::Judge, job, desk).await?;
        Ok(settled(asked, &measured))
    }
}

/// The commands that settle a criterion.
///
/// # Errors
/// Where no command does.
pub(super) fn commands(asked: &Criterion) -> Result<&[Box<str>], Breakage> {
    match &asked.means {
        Means::Checked { commands } => Ok(commands),
        Means::Measured { command, .. } => Ok(std::slice::from_ref(command)),
        Means::TestsFirst
        | Means::SealIntact
        | Means::Green
        | Means::BodiesOut
        | Means::Scope
        | Means::Integrity
        | Means::Reviewed { .. }
        | Means::Approved
        | Means::Held => Err(fell("a criterion that no command settles was asked of a checker; this is a bug")),
    }
}

/// What a criterion's commands said of it.
pub(super) fn settled(asked: &Criterion, measured: &Measured) -> Settled {
    let is_measured = matches!(asked.means, Means::Measured { .. });
    let (ran, why) = (measured.ran.clone(), measured.failure());
    let wanting = |text: String| Finding::blocker(Code::CheckFails, format!("{}: {text}", asked.text));
    match measured.figure().filter(|_| is_measured) {
        _ if measured.report.exit != 0 => Settled::Wanting { finding: wanting(why), ran },
        Some(figure) => Settled::Figure { figure, ran },
        None if is_measured => Settled::Wanting { finding: wanting(format!("no figure was printed: {why}")), ran },
        None => Settled::Seen { ran },
    }
}

impl From<Settled> for Ending {
    fn from(settled: Settled) -> Ending {
        match settled {
            Settled::Seen { ran } => Ending::Passed(Evidence::Seen { ran }),
            Settled::Figure { figure, ran } => Ending::Passed(Evidence::Figure { figure, ran }),
            Settled::Wanting { finding, ran } => {
                Ending::Rejected(Rejection { findings: vec![finding], ran, ..Rejection::default() })
            }
        }
    }
}
