//! Hand over: what dependents are told of what landed. After it they go on.

use super::{
    Bench, Desk, Done,
    bench::{git, task},
    fell,
};
use crate::{
    handoff::{Changed, Summary},
    plan::NodeId,
    run::{Ending, Evidence, Job},
};
use std::fs;

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
        let files: Vec<Changed> = changes
            .into_iter()
            .map(|change| {
                let how = match (change.before, change.after) {
                    (None, _) => "added",
                    (Some(_), Some(_)) => "changed",
                    (Some(_), None) => "deleted",
                };
                Changed { how, path: change.path }
            })
            .collect();
        let commands = self.checks.task_commands();
        let summary = Summary {
            label: &task.label,
            title: &task.title,
            commit,
            files: &files,
            said: "",
            tests: &job.sheet.seal.tests,
            commands: &commands,
            dependents: &dependents(job.node, desk),
        };
        let path = self.handoff(desk, job.node);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, summary.markdown()));
        written.map_err(|error| fell(format!("{}: {error}", path.display())))?;
        Ok(Ending::Passed(Evidence::Seen { ran: Vec::new() }))
    }
}

/// The tasks that hang on this one, through gates.
fn dependents(node: NodeId, desk: &Desk) -> Vec<(Box<str>, Box<str>)> {
    let tasks = desk.plan.tasks_behind(node).into_iter().filter_map(|id| desk.plan.node(id).task());
    tasks.map(|task| (task.label.clone(), task.title.clone())).collect()
}
