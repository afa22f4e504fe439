//! The end of a run, for people: the report, where the result is, and how to take it.

use super::{Stop, exit::Exit, scene::Scene, status::COLUMNS};
use crate::{
    actors::End,
    board::Board,
    handoff::{self, Closing, Merges},
    journal::Folder,
    plan::BackendId,
    run::{Outcome, Stop as Halt, Timestamp},
};
use std::path::Path;

/// The name of the report in the topic's folder.
const REPORT: &str = "report.md";

/// How a run ended, as the report says it and as the program exits.
pub(crate) fn ending(end: &End, backend: impl Fn(BackendId) -> String) -> Result<(handoff::End, Exit), Stop> {
    Ok(match end {
        End::Over(Outcome::Done) => (handoff::End::Done, Exit::Good),
        End::Over(Outcome::Returned { .. }) => (handoff::End::Returned, Exit::Returned),
        // A drain was asked for by ^C, or by an order; either can be resumed.
        End::Over(Outcome::Stopped(Halt::Paused)) => (handoff::End::Interrupted, Exit::Interrupted),
        End::Over(Outcome::Stopped(halt)) => {
            let (why, exit) = match halt {
                Halt::Paused => ("it was paused".to_owned(), Exit::Paused),
                Halt::Cancelled => ("it was cancelled".to_owned(), Exit::Returned),
                Halt::Budget => ("what is left of the budget does not cover the next job".to_owned(), Exit::Paused),
                Halt::TimeUp => ("its time was up".to_owned(), Exit::Paused),
                Halt::Backend(id) => (format!("{} waits for a person", backend(*id)), Exit::Returned),
                Halt::Limits => ("the limits leave no slot for what is ready".to_owned(), Exit::Returned),
            };
            (handoff::End::Stopped(why.into()), exit)
        }
        End::Halted => (handoff::End::Interrupted, Exit::Interrupted),
        End::Broken(why) => return Err(Stop::new(Exit::Returned, format!("error: {why}\n"))),
    })
}

/// What the report is made of.
pub(crate) struct Report<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) folder: &'a Folder,
    pub(crate) notes: &'a Path,
    pub(crate) branch: String,
    pub(crate) notes_on_branch: Vec<Box<str>>,
    pub(crate) end: handoff::End,
    pub(crate) at: Timestamp,
}

impl Report<'_> {
    /// The report as text for the terminal; its document is written beside the breakdown and kept with the run.
    pub(crate) async fn write(self, board: &crate::views::Folded) -> String {
        let tip = board.with(Board::tip);
        let base = board.with(|board| board.charter().base);
        let merges = if tip == base { Merges::Nothing } else { self.merges(tip).await };
        let logs = self.folder.path().display().to_string();
        let closing = Closing {
            end: self.end,
            at: self.at,
            branch: &self.branch,
            merges,
            logs: &logs,
            notes: &self.notes_on_branch,
        };
        let page = board.with(|board| handoff::report(board, &closing, &self.scene.environment.time_zone));
        let mut text = format!("\n{}", page.terminal(COLUMNS));
        let markdown = page.markdown();
        let written = handoff::Folder::open(self.notes).and_then(|folder| folder.write(REPORT, &markdown));
        if let Err(error) = written {
            text.push_str(&format!("{REPORT} cannot be written: {error}\n"));
        }
        if let Err(error) = std::fs::write(self.folder.report(), &markdown) {
            text.push_str(&format!("{}: {error}\n", self.folder.report().display()));
        }
        text
    }

    async fn merges(&self, tip: crate::run::Oid) -> Merges {
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
        tried.await.unwrap_or_else(|error| Merges::Unknown(error.to_string().into()))
    }
}
