//! Settle: one criterion of a stream, system or deployment gate, on the integration ref at one commit.

use super::{
    Bench, Desk, Done,
    bench::git,
    evidence::{Look, Measured, Purpose},
    fell,
    measure::globs,
};
use crate::{
    plan::{Criterion, Means, Parse},
    run::{Breakage, Code, Ending, Evidence, Finding, Job, Oid, Ran, Rejection, Subject},
    workspace::TreeEntry,
};

/// Of paths, or tasks, that are wanting so many are told.
const PATHS_TOLD: usize = 10;

/// Of tests that failed so many are told.
const TESTS_TOLD: usize = 10;

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
        /// What it is made of.
        told: Vec<Finding>,
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
        match &asked.means {
            Means::Measured { .. } => self.measure(commit, asked, job, desk).await,
            Means::LeavesClean { commands } => self.leaves_clean(commit, commands, asked, job, desk).await,
            Means::Files { paths } => self.has_files(commit, paths, asked).await,
            Means::HandedOver => self.handed_over(commit, asked, desk).await,
            _ => {
                let measured = self.measured(commit, commands(asked)?, Purpose::Judge, job, desk).await?;
                Ok(checked(asked, &measured))
            }
        }
    }

    /// Whether commands leave the files of the commit as they are.
    async fn leaves_clean(
        &self,
        commit: Oid,
        commands: &[Box<str>],
        asked: &Criterion,
        job: &Job,
        desk: &Desk,
    ) -> Result<Settled, Breakage> {
        let look = Look { reports: &self.setting.coverage.reports, at_tree: true };
        let measured = self.looked(commit, commands, (Purpose::Judge, look), job, desk).await?;
        let altered = measured.altered.iter().flatten().map(|path| &**path);
        Ok(untouched(asked, altered, &self.setting.coverage.reports, measured.ran.clone()))
    }

    /// Whether the tree has a file for each of these.
    async fn has_files(&self, commit: Oid, paths: &[Box<str>], asked: &Criterion) -> Result<Settled, Breakage> {
        let tree = self.repo.tree(commit).await.map_err(|fault| git(&fault))?;
        let empty = self.repo.hash(b"").await.map_err(|fault| git(&fault))?;
        complete(asked, paths, &tree, empty)
    }

    /// Whether each task that landed has told its dependents what it made.
    async fn handed_over(&self, commit: Oid, asked: &Criterion, desk: &Desk) -> Result<Settled, Breakage> {
        let landed = self.repo.landings(self.setting.base, commit).await.map_err(|fault| git(&fault))?;
        let of_run = landed.into_iter().filter(|landed| landed.run == self.setting.run);
        let is_silent = |label: &String| {
            let node =
                desk.plan.ids().filter(|&id| desk.plan.node(id).task().is_some_and(|task| *task.label == **label));
            node.last().is_some_and(|node| !self.handoff(desk, node).is_file())
        };
        let silent: Vec<String> = of_run.map(|landed| landed.task).filter(is_silent).take(PATHS_TOLD).collect();
        Ok(match silent.as_slice() {
            [] => Settled::Seen { ran: Vec::new() },
            silent => wanting(asked, &format!("no handoff of {}", silent.join(", ")), Vec::new()),
        })
    }
}

/// The commands that settle a criterion, or measure it.
///
/// # Errors
/// Where none does.
pub(super) fn commands(asked: &Criterion) -> Result<&[Box<str>], Breakage> {
    match &asked.means {
        Means::Checked { commands } | Means::LeavesClean { commands } => Ok(commands),
        Means::Measured { parse: Parse::Coverage(coverage), .. } => Ok(&coverage.commands),
        Means::Measured { command, .. } => Ok(std::slice::from_ref(command)),
        Means::Files { .. } | Means::HandedOver => Ok(&[]),
        Means::TestsFirst
        | Means::SealIntact
        | Means::Green
        | Means::BodiesOut
        | Means::Scope
        | Means::Integrity
        | Means::Reviewed { .. }
        | Means::NoBlocker
        | Means::Approved
        | Means::Held => Err(fell("a criterion that no command settles was asked of a checker; this is a bug")),
    }
}

/// What the commands say of a criterion that they only have to succeed for.
pub(super) fn checked(asked: &Criterion, measured: &Measured) -> Settled {
    let report = &measured.report;
    let why = match (report.exit, report.failures().next(), &report.incomplete) {
        (0, None, None) => return Settled::Seen { ran: measured.ran.clone() },
        (0, Some(_), _) => {
            // A runner of TAP may end well whatever its tests say.
            let failed: Vec<&str> = report.failures().take(TESTS_TOLD).collect();
            format!("its exit code is 0, and its own report says that these failed: {}", failed.join(", "))
        }
        (0, None, Some(why)) => format!("its exit code is 0, and not all of its tests are known: {why}"),
        _ => measured.failure(),
    };
    wanting(asked, &why, measured.ran.clone())
}

/// Whether commands left the files as they were that were there. A report of coverage that is among them was taken out of their way.
pub(super) fn untouched<'p>(
    asked: &Criterion,
    altered: impl Iterator<Item = &'p str>,
    reports: &[Box<str>],
    ran: Vec<Ran>,
) -> Settled {
    let altered: Vec<&str> = altered.filter(|path| !reports.iter().any(|report| **report == **path)).collect();
    if altered.is_empty() {
        return Settled::Seen { ran };
    }
    let shown = altered.iter().take(PATHS_TOLD).copied().collect::<Vec<_>>().join(", ");
    let more = altered.len().saturating_sub(PATHS_TOLD);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    wanting(asked, &format!("they change {shown}{more}: commit what they make, or ignore it"), ran)
}

/// Whether a tree has a file for each of these that is not as `empty` is.
pub(super) fn complete(
    asked: &Criterion,
    paths: &[Box<str>],
    tree: &[TreeEntry],
    empty: Oid,
) -> Result<Settled, Breakage> {
    let mut missing = Vec::new();
    for path in paths {
        let wanted = globs(std::slice::from_ref(path))?;
        let is_there =
            |entry: &TreeEntry| entry.oid != empty && (*entry.path == **path || wanted.is_match(&*entry.path));
        if !tree.iter().any(is_there) {
            missing.push(&**path);
        }
    }
    Ok(match missing.as_slice() {
        [] => Settled::Seen { ran: Vec::new() },
        missing => wanting(asked, &format!("the tree has no {}, or it is empty", missing.join(", ")), Vec::new()),
    })
}

impl From<Settled> for Ending {
    fn from(settled: Settled) -> Ending {
        match settled {
            Settled::Seen { ran } => Ending::Passed(Evidence::Seen { ran }),
            Settled::Figure { figure, ran, told } => Ending::Passed(Evidence::Figure { figure, ran, told }),
            Settled::Wanting { finding, ran } => {
                Ending::Rejected(Rejection { findings: vec![finding], ran, ..Rejection::default() })
            }
        }
    }
}

pub(super) fn wanting(asked: &Criterion, why: &str, ran: Vec<Ran>) -> Settled {
    Settled::Wanting { finding: Finding::blocker(Code::CheckFails, format!("{}: {why}", asked.text)), ran }
}
