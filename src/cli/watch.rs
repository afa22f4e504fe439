//! Who looks on while a run goes: the screen, the live words, and the status document.

use crate::{
    actors::Watch,
    board::Standing,
    handoff::{self, STATUS},
    plan::NodeId,
    process::with_causes,
    run::{Entry, Event, JobId, Run},
    views::{Folded, Live, Screen},
};
use jiff::tz::TimeZone;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The status document is rewritten at most this often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// And only one part in so many of the time goes into it: of a hundred thousand tasks it takes long, and holds the run up meanwhile.
const SHARE: u32 = 50;

/// Everybody who looks on.
pub(crate) struct Onlookers {
    pub(crate) screen: Screen,
    pub(crate) live: Live,
    pub(crate) status: StatusWriter,
}

impl Watch for Onlookers {
    fn turned(&mut self, run: &Run, entries: &[Entry], moved: &[NodeId]) {
        let has_new_plan = entries.iter().any(|e| matches!(e.event, Event::Planned { .. } | Event::Replanned(_)));
        let nodes: BTreeSet<NodeId> =
            if has_new_plan { run.plan().ids().collect() } else { moved.iter().copied().collect() };
        let after: Vec<(NodeId, Standing)> = nodes.into_iter().map(|id| (id, Standing::of(run, id))).collect();
        for (i, entry) in entries.iter().enumerate() {
            let is_last = i + 1 == entries.len();
            self.screen.tell(entry, if is_last { &after } else { &[] });
            if let Event::Ended { job, .. } = &entry.event {
                self.live.forget(*job);
            }
        }
        self.status.wake();
    }

    fn said(&mut self, job: JobId, words: &str) {
        self.live.said(job, words);
    }

    fn note(&mut self, words: &str) {
        self.screen.note(words);
    }
}

/// Writes `execution-status.md` on a thread of its own: at once at the first change, then at most once a second.
pub(crate) struct StatusWriter {
    board: Folded,
    changes: Option<SyncSender<()>>,
    /// Its end wakes the writer, which a change does not while it waits for its time.
    life: Option<SyncSender<Infallible>>,
    writer: Option<JoinHandle<()>>,
}

impl StatusWriter {
    /// Writes into the topic's folder what the board says.
    pub(crate) fn start(notes: PathBuf, board: Folded, zone: TimeZone, screen: Screen) -> StatusWriter {
        let ((changes, changed), (life, end)) = (sync_channel(1), sync_channel(0));
        let shown = board.clone();
        let write = move || {
            let text = shown.with(|board| handoff::status(board, super::record::now(), &zone)).markdown();
            let written = handoff::Folder::open(&notes).and_then(|folder| folder.write(STATUS, &text));
            written.err().map(|error| with_causes(&error))
        };
        let loop_ = move || {
            let mut told = None;
            keep_writing(&changed, &end, STATUS_EVERY, || {
                let trouble = write();
                if trouble != told
                    && let Some(trouble) = &trouble
                {
                    screen.note(format!("{STATUS} cannot be written: {trouble}"));
                }
                told = trouble;
            });
        };
        let writer = thread::Builder::new().name("status".into()).spawn(loop_).ok();
        StatusWriter { board, changes: Some(changes), life: Some(life), writer }
    }

    fn wake(&self) {
        if let Some(changes) = &self.changes {
            // Full: it will be written anyway.
            let _ = changes.try_send(());
        }
    }
}

impl Drop for StatusWriter {
    /// The last state is written before it goes: nobody executes the run then.
    fn drop(&mut self) {
        self.board.leave();
        (self.changes, self.life) = (None, None);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Writes at a change, then not before this time has gone by; and once more at the end, which waits for nothing. A change meanwhile stays in
/// its channel.
fn keep_writing(changed: &Receiver<()>, end: &Receiver<Infallible>, every: Duration, mut write: impl FnMut()) {
    while changed.recv().is_ok() {
        let began = Instant::now();
        write();
        if end.recv_timeout(every.max(began.elapsed() * SHARE)) == Err(RecvTimeoutError::Disconnected) {
            break;
        }
    }
    write();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_changes_are_one_writing_and_the_end_is_written_at_once() {
        for (changes, expected) in [(0, 1), (1, 2), (50, 2)] {
            let ((tell, changed), (life, end)) = (sync_channel(changes), sync_channel(0));
            (0..changes).for_each(|_| tell.send(()).unwrap());
            drop((tell, life));
            let mut count = 0;
            keep_writing(&changed, &end, Duration::from_hours(1), || count += 1);
            assert_eq!(count, expected, "{changes} changes");
        }
    }
}
