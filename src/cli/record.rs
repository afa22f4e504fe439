//! A recorded run, looked at from outside: its journal replayed, whether anybody goes on with it or not.

use super::{Stop, exit::Exit, message::clean, scene::Scene};
use crate::{
    board::Standing,
    handoff::quoted,
    journal::{Folder, Holder, OpenError, Reader, RunId, Runs, RunsError},
    plan::NodeId,
    process::with_causes,
    run::{Entry, Event, Run, State, Timestamp},
    views::Folded,
    workspace::{integration_ref, slug},
};

/// A recorded run.
pub(crate) struct Record {
    pub(crate) id: RunId,
    pub(crate) folder: Folder,
    pub(crate) entries: Vec<Entry>,
    pub(crate) run: Run,
    /// Who goes on with it now.
    pub(crate) holder: Option<Holder>,
}

impl Record {
    /// The newest run of what was typed: of a topic's folder, or of a topic whose folder is gone.
    pub(crate) fn newest(scene: &Scene, typed: &str) -> Result<Record, Stop> {
        let runs = Runs::of(scene.repo.common_dir());
        let folder = match scene.topic(typed) {
            Ok(topic) => topic.slug,
            Err(stop) => match runs.newest(&named_after(typed)) {
                Ok(Some(_)) => typed.to_owned(),
                _ => return Err(stop),
            },
        };
        let topic = named_after(&folder);
        let id = runs.newest(&topic).map_err(|error| unlisted(&error))?;
        let Some(id) = id else {
            let fix = format!("`tidegate execute {}` begins one", quoted(&folder));
            return Err(Stop::missing(format!("{} has no run yet", clean(&folder)), &fix));
        };
        let holder = runs.holder(&topic).ok().flatten();
        let folder = runs.folder(&id);
        let entries = read(&folder)?;
        let mut run = replay(&entries)?;
        if holder.is_none() {
            // What ran when its process died runs no longer: whoever goes on begins with the same.
            let entry = Entry { seq: run.seq(), at: run.now(), event: Event::Resumed { policy: None } };
            run.apply(&entry).map_err(|misfit| Stop::because("the journal does not fit together", &misfit))?;
        }
        Ok(Record { id, folder, entries, run, holder })
    }

    /// The board as it stands.
    pub(crate) fn board(&self) -> Folded {
        let folded = Folded::default();
        folded.replay(&self.entries, &standings(&self.run));
        if self.holder.is_none() {
            folded.leave();
        }
        folded
    }

    /// The node that was named: a task's id, or a gate's.
    pub(crate) fn node(&self, name: &str) -> Result<NodeId, Stop> {
        let plan = self.run.plan();
        // What an edit of the breakdown has replaced still has its name.
        let live: Vec<NodeId> = plan.ids().filter(|&id| self.run.state(id) != State::Retired).collect();
        let find = |wanted: &str| live.iter().copied().find(|&id| plan.node(id).label() == wanted);
        let lower = name.to_lowercase();
        let same = |id: &NodeId| plan.node(*id).label().to_lowercase() == lower;
        find(name)
            .or_else(|| live.iter().copied().find(same))
            .or_else(|| find(&format!("stream:{name}")))
            .or_else(|| find(&lower.replace(' ', ":")))
            .ok_or_else(|| {
                let known: Vec<&str> = live
                    .iter()
                    .copied()
                    .filter(|&id| plan.task_of(id).is_none_or(|task| task == id))
                    .map(|id| plan.node(id).label())
                    .take(40)
                    .collect();
                let text = format!(
                    "error: the run has no task or gate `{}`\n  = help: it has {}\n",
                    crate::text::clean(name),
                    known.join(", ")
                );
                Stop::new(Exit::Faulty, text)
            })
    }
}

/// What the runs of a topic are named after: its folder's name, or what can be made of one that is fit for no ref.
pub(crate) fn named_after(folder: &str) -> String {
    if RunId::names(folder) { folder.to_owned() } else { slug(folder) }
}

/// Runs that cannot be listed. Their folder is readable for its owner alone: journals and logs hold what agents saw.
pub(crate) fn unlisted(error: &RunsError) -> Stop {
    let what = "the runs cannot be listed";
    match error {
        RunsError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            let fix = "runs are for their owner alone: ask as the user who executes them, or read notes/<topic>/execution-status.md";
            Stop::missing(format!("{what}: {}", with_causes(error)), fix)
        }
        _ => Stop::because(what, error),
    }
}

/// Everything that is in a journal.
pub(crate) fn read(folder: &Folder) -> Result<Vec<Entry>, Stop> {
    let reader = Reader::open(folder).map_err(|error| match error {
        OpenError::Missing(_) | OpenError::Unborn(_) => lost(folder),
        error => Stop::because("the run's journal cannot be opened", &error),
    })?;
    let entries = reader.replay().map_err(|error| Stop::because("the run's journal cannot be read", &error))?;
    entries.collect::<Result<_, _>>().map_err(|error| Stop::because("the run's journal cannot be read", &error))
}

/// Something was done, and nothing is known of it.
fn lost(folder: &Folder) -> Stop {
    let path = folder.path().display().to_string();
    let run = folder.path().file_name().unwrap_or_default().to_string_lossy();
    let what = format!("the run {run} has begun, and its journal is lost: {path}/journal.db is empty or gone");
    let fix = format!(
        "put the journal back, or give the run up: `rm -r {}`, then a new one begins; what had landed stays on {}",
        quoted(&path),
        integration_ref(&run)
    );
    Stop::missing(what, &fix)
}

/// The run as its journal says.
pub(crate) fn replay(entries: &[Entry]) -> Result<Run, Stop> {
    Run::replay(entries).map_err(|misfit| Stop::because("the journal does not fit together", &misfit))
}

/// Where every node stands.
pub(crate) fn standings(run: &Run) -> Vec<(NodeId, Standing)> {
    run.plan().ids().map(|id| (id, Standing::of(run, id))).collect()
}

/// Now, for those who look.
pub(crate) fn now() -> Timestamp {
    Timestamp(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn who_may_not_look_at_runs_is_told_whose_they_are() {
        let error = |kind: io::ErrorKind| RunsError::Io { path: ".git/tidegate/runs".into(), source: kind.into() };
        let text = unlisted(&error(io::ErrorKind::PermissionDenied)).text;
        assert!(text.contains("permission denied") && text.contains("for their owner alone"), "{text}");
        assert!(!unlisted(&error(io::ErrorKind::NotADirectory)).text.contains("owner"));
    }
}
