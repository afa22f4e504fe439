//! The end of a run, for people: the report, where the result is, and how to take it.

use super::{
    Stop,
    args::{Arguments, Execute},
    exit::Exit,
    scene::Scene,
    status::COLUMNS,
};
use crate::{
    actors::End,
    board::{Bill, Board},
    handoff::{self, Closing, Merges},
    journal::Folder,
    notes::Topic,
    plan::BackendId,
    process::with_causes,
    run::{Charter, Limit, Oid, Outcome, Run, Stop as Halt, Timestamp},
    views::{Folded, Last},
    workspace::integration_ref,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The name of the report in the topic's folder.
const REPORT: &str = "report.md";

/// How a run ended, as the report says it and as the program exits.
pub(crate) fn ending(
    run: &Run,
    end: &End,
    backend: impl Fn(BackendId) -> String,
) -> Result<(handoff::End, Exit), Stop> {
    Ok(match end {
        End::Over(Outcome::Done) => (handoff::End::Done, Exit::Good),
        End::Over(Outcome::Returned { .. }) => (handoff::End::Returned, Exit::Returned),
        // A drain was asked for by ^C, or by an order; either can be resumed.
        End::Over(Outcome::Stopped(Halt::Paused)) => (handoff::End::Interrupted, Exit::Interrupted),
        End::Over(Outcome::Stopped(halt)) => {
            let (why, exit) = match halt {
                Halt::Paused => ("it was paused".to_owned(), Exit::Paused),
                Halt::Cancelled => ("it was cancelled".to_owned(), Exit::Returned),
                Halt::Budget => {
                    let reached: Vec<String> = reached(run).into_iter().map(|reached| reached.words).collect();
                    (format!("a limit is reached, {}", reached.join(", and ")), Exit::Paused)
                }
                Halt::TimeUp => ("its time was up".to_owned(), Exit::Paused),
                Halt::Backend(id) => (format!("{} waits for a person", backend(*id)), Exit::Returned),
                Halt::Asked => {
                    let is_done = run.policy().only.iter().all(|&node| run.state(node).is_met());
                    let more = "the same command without --only goes on";
                    match is_done {
                        true => (format!("what was asked for is done; {more}"), Exit::Good),
                        false => (format!("what was asked for goes no further; {more}"), Exit::Returned),
                    }
                }
                Halt::Limits => ("the limits leave no slot for what is ready".to_owned(), Exit::Returned),
            };
            (handoff::End::Stopped(why.into()), exit)
        }
        End::Halted => (handoff::End::Interrupted, Exit::Interrupted),
        End::Broken(why) => return Err(Stop::new(Exit::Returned, format!("error: {why}\n"))),
    })
}

/// The limits that stopped a run, or would.
pub(super) fn reached(run: &Run) -> Vec<handoff::Reached> {
    let budget = run.budget();
    let runs = u32::try_from(budget.runs).unwrap_or(u32::MAX);
    handoff::reached(run.policy().budget, Bill { runs, spend: budget.spent, ..Bill::default() })
}

/// The command that goes on with a run, and how it differs from the one that ended.
pub(super) struct Again {
    pub(super) command: String,
    pub(super) differs: Option<&'static str>,
}

impl Again {
    /// After the end of a run: as it was typed, but for what would stop it again at once. Its paths are absolute, since it may be typed
    /// from anywhere in the repository.
    pub(super) fn after(
        outcome: Option<Outcome>,
        reached: &[handoff::Reached],
        arguments: &Arguments,
        wish: &Execute,
        scene: &Scene,
        topic: &Topic,
    ) -> Again {
        let is_stopped = |halt| outcome == Some(Outcome::Stopped(halt));
        let start = arguments.folder(&scene.environment.folder);
        let path = |path: &PathBuf| handoff::quoted(&start.join(path).display().to_string());
        let is_kept = |flag| !(is_stopped(Halt::Budget) && reached.iter().any(|reached| reached.flag == flag));
        let limit = |most: Option<u64>, flag| most.filter(|_| is_kept(flag)).unwrap_or(u64::MAX);
        let limits = Limit {
            micros: limit(wish.max_cost, "--max-cost"),
            runs: limit(wish.max_runs, "--max-runs"),
            ..Limit::NONE
        };
        let only = wish.only.as_ref().filter(|_| !is_stopped(Halt::Asked));
        let words = [
            Some("tidegate".to_owned()),
            arguments.config.as_ref().map(|file| format!("--config {}", path(file))),
            Some(format!("execute {}", handoff::quoted(&topic.slug))),
            wish.jobs.map(|jobs| format!("-j {jobs}")),
            only.map(|task| format!("--only {}", handoff::quoted(task))),
            Some(handoff::flags(limits)).filter(|flags| !flags.is_empty()),
            wish.record.as_ref().map(|folder| format!("--record {}", path(folder))),
        ];
        let differs = match outcome {
            Some(Outcome::Stopped(Halt::Budget)) => Some("with a higher limit, or with none"),
            Some(Outcome::Stopped(Halt::Asked)) => Some("without --only"),
            _ => None,
        };
        Again { command: words.into_iter().flatten().collect::<Vec<_>>().join(" "), differs }
    }
}

/// What the report is made of.
pub(crate) struct Report<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) folder: &'a Folder,
    pub(crate) topic: &'a Topic,
    pub(crate) end: handoff::End,
    pub(crate) exit: Exit,
    pub(crate) at: Timestamp,
    pub(crate) again: Again,
}

/// Where a run's result is.
pub(crate) struct Found {
    /// As people type it.
    place: String,
    /// Whether it merges into HEAD.
    merges: Merges,
    /// What is to be known of its branch.
    notes: Vec<Box<str>>,
    /// The run's folder, as it is shown.
    logs: String,
}

/// The report as it is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// On the terminal.
    pub(crate) terminal: String,
    /// As a document.
    pub(crate) markdown: String,
}

impl Report<'_> {
    /// The last word of a run that has just ended.
    pub(crate) async fn last_word(&self, board: &Folded) -> Last {
        let (charter, tip, count) = board.with(|board| (board.charter().clone(), board.tip(), board.tasks()));
        let found = self.result(&charter, tip).await;
        let told = board.with(|board| self.told(board, &found));
        self.write(&told, &found, (tip, (count.total, count.met())))
    }

    /// What the board does not know of the end.
    pub(crate) fn closing<'a>(&'a self, found: &'a Found) -> Closing<'a> {
        let Found { place, merges, notes, logs } = found;
        let (end, merges) = (self.end.clone(), merges.clone());
        let (again, differs) = (&*self.again.command, self.again.differs);
        Closing { end, at: self.at, place, merges, logs, notes, again, differs }
    }

    /// The report.
    pub(crate) fn told(&self, board: &Board, found: &Found) -> Told {
        let page = handoff::report(board, &self.closing(found), &self.scene.environment.time_zone);
        Told { terminal: page.terminal(COLUMNS), markdown: page.markdown() }
    }

    /// The last word, with the report as text for the terminal; its document is written beside the breakdown and kept with the run.
    pub(crate) fn write(&self, told: &Told, found: &Found, (tip, tasks): (Oid, (u32, u32))) -> Last {
        let mut text = format!("\n{}", told.terminal);
        let written = handoff::Folder::open(&self.topic.folder).and_then(|folder| folder.write(REPORT, &told.markdown));
        if let Err(error) = written {
            text.push_str(&format!("{REPORT} cannot be written: {error}\n"));
        }
        if let Err(error) = std::fs::write(self.folder.report(), &told.markdown) {
            text.push_str(&format!("{}: {error}\n", self.folder.report().display()));
        }
        Last {
            text,
            exit: Some(self.exit.code()),
            outcome: Some(self.end.name()),
            place: (found.merges != Merges::Gone).then(|| found.place.clone()),
            commit: Some(tip.to_string()),
            tasks: Some(tasks),
        }
    }

    /// Where the result is. The branch is moved to where the run is.
    pub(crate) async fn result(&self, charter: &Charter, tip: Oid) -> Found {
        let (place, merges, notes) = if charter.in_place {
            (self.scene.repo.top().display().to_string(), Merges::InPlace, Vec::new())
        } else {
            self.landed(&charter.run, charter.base, tip).await
        };
        Found { place, merges, notes, logs: self.folder.path().display().to_string() }
    }

    /// Where the result is, as people type it, whether it merges into HEAD, and what is to be known of its branch.
    async fn landed(&self, run: &str, base: Oid, tip: Oid) -> (String, Merges, Vec<Box<str>>) {
        let repo = &self.scene.repo;
        let commit = tip.to_string();
        if let Ok(None) = repo.resolve(&commit).await {
            return (commit, Merges::Gone, Vec::new());
        }
        let (followed, notes) = match repo.follow(&self.topic.slug, run, tip).await {
            Ok(followed) => (Some(followed.branch).filter(|_| followed.is_there), followed.notes),
            Err(error) => (None, vec![with_causes(&error).into()]),
        };
        // A branch that is somewhere else than the run is not where the result is.
        let place = match followed {
            Some(branch) => branch,
            None => {
                let own = integration_ref(run);
                if repo.resolve(&own).await.is_ok_and(|at| at == Some(tip)) { own } else { commit }
            }
        };
        let merges = if tip == base { Merges::Nothing } else { self.merges(tip).await };
        (place, merges, notes)
    }

    async fn merges(&self, tip: Oid) -> Merges {
        let repo = &self.scene.repo;
        let tried = async {
            let Some(head) = repo.resolve("HEAD").await? else {
                return Ok(Merges::Unknown("HEAD has no commit".into()));
            };
            if repo.is_ancestor(tip, head).await? {
                return Ok(Merges::Already);
            }
            let conflicts = repo.try_merge(head, tip).await?;
            Ok::<_, crate::workspace::GitError>(if conflicts.is_empty() {
                Merges::Cleanly
            } else {
                Merges::InConflict(conflicts)
            })
        };
        tried.await.unwrap_or_else(|error| Merges::Unknown(with_causes(&error).into()))
    }
}
