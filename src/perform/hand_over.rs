//! Hand over: what dependents are told of what landed. After it they go on.

use super::{
    Bench, Desk, Done,
    agent::{ANSWER, TRAY},
    bench::{git, task},
    fell,
};
use crate::{
    agent::SCRIPT,
    handoff::{Changed, Summary},
    mcp::{Change, Tray},
    plan::NodeId,
    process::Tail,
    run::{Ending, Evidence, Job},
    workspace::{self, slug},
};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Bytes of what an agent hands over.
const SAID_MAX: u64 = 8 << 10;

impl Bench {
    pub(super) async fn hand_over(&self, job: &Job, desk: &Desk) -> Done {
        let task = task(job, desk)?;
        let commit = job.sheet.landed;
        if commit.is_none() {
            return Err(fell("nothing landed that could be handed over; this is a bug"));
        }
        let before = self.repo.resolve(&format!("{commit}^")).await.map_err(|fault| git(&fault))?;
        let before = before.ok_or_else(|| fell("what landed has no parent"))?;
        let changes = self.repo.changes(before, commit).await.map_err(|fault| git(&fault))?;
        let mut reasons = self.reasons(job, desk);
        let files: Vec<Changed> = changes
            .into_iter()
            .map(|change| {
                let how = match (change.before, change.after) {
                    (None, _) => "added",
                    (Some(_), Some(_)) => "changed",
                    (Some(_), None) => "deleted",
                };
                Changed { how, why: reasons.remove(&*change.path).unwrap_or_default().into(), path: change.path }
            })
            .collect();
        let commands = self.checks.task_commands();
        let summary = Summary {
            label: &task.label,
            title: &task.title,
            commit,
            files: &files,
            said: &self.said(job, desk),
            tests: &job.sheet.seal.tests,
            commands: &commands,
            measured: &measured(job, desk),
            dependents: &dependents(job.node, desk),
        };
        let path = self.handoff(desk, job.node);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, summary.markdown()));
        written.map_err(|error| fell(format!("{}: {error}", path.display())))?;
        self.close_homes(job, desk);
        Ok(Ending::Passed(Evidence::Seen { ran: Vec::new() }))
    }
}

impl Bench {
    /// The folders of the implementation's calls, the oldest first.
    fn calls(&self, job: &Job, desk: &Desk) -> Vec<PathBuf> {
        let logs = self.setting.folder.join("logs").join(slug(desk.plan.node(job.node).label()));
        let calls = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut calls: Vec<PathBuf> = calls.filter(|path| path.to_string_lossy().ends_with("-implement")).collect();
        calls.sort_unstable();
        calls
    }

    /// The last message of the implementation: the handoff that it was asked for. A script's output is none.
    fn said(&self, job: &Job, desk: &Desk) -> String {
        let newest = self.calls(job, desk).into_iter().rfind(|path| !path.join(SCRIPT).exists());
        let answer = newest.map(|path| Tail::of(&path.join(ANSWER), usize::MAX, SAID_MAX).unwrap_or_default().text);
        answer.unwrap_or_default()
    }

    /// Why files changed, by path: what the implementation said last about each, for a try goes on from the one before.
    fn reasons(&self, job: &Job, desk: &Desk) -> BTreeMap<String, String> {
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for tray in self.calls(job, desk).into_iter().map(|call| call.join(TRAY)) {
            match Change::kept(&Tray::at(&tray)) {
                Ok(changes) => last.extend(changes.into_iter().map(|change| (change.path, change.rationale))),
                Err(error) => {
                    tracing::warn!(folder = %tray.display(), %error, "what an agent said of its changes cannot be read");
                }
            }
        }
        last
    }

    /// Nobody goes on with what the agents of a task that is over were talking about.
    fn close_homes(&self, job: &Job, desk: &Desk) {
        let homes = self.homes(desk.plan.node(job.node).label());
        if let Err(error) = workspace::remove(&homes) {
            tracing::warn!(folder = %homes.display(), %error, "the homes of a task's agents cannot be removed");
        }
    }
}

/// The figures of a task's gate, as they were measured of what landed or of the patch that it is.
fn measured(job: &Job, desk: &Desk) -> Vec<String> {
    let gate = desk.plan.gate_of(job.node).and_then(|gate| desk.plan.node(gate).gate());
    let criteria = gate.map(|gate| &gate.criteria[..]).unwrap_or_default();
    let told = job.sheet.figures.iter().filter_map(|&(index, figure)| {
        let asked = criteria.get(usize::from(index))?;
        Some(format!("{}: {}", asked.text, asked.told(figure)?))
    });
    told.collect()
}

/// The tasks that hang on this one, through gates.
fn dependents(node: NodeId, desk: &Desk) -> Vec<(Box<str>, Box<str>)> {
    let tasks = desk.plan.tasks_behind(node).into_iter().filter_map(|id| desk.plan.node(id).task());
    tasks.map(|task| (task.label.clone(), task.title.clone())).collect()
}
