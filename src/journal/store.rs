//! The one writer of a run's journal: one transaction and one fsync for all that came in together.

use super::{
    chain::Chain,
    inbox::{self, Answer, OrderId},
    lock::{Lock, LockError},
    replay::{ReadError, Reader},
    row::Row,
    runs::{Folder, RunId},
    schema::{self, Access, OpenError},
};
use crate::run::{Entry, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::{Path, PathBuf};

/// A journal that cannot be written from here.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process goes on with the run.
    #[error(transparent)]
    Held(#[from] LockError),
    /// The file.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is in it.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An append that did not happen. The run cannot go on: what is not written has not happened. It is resumable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No room.
    #[error("the disk is full: nothing more can be written to {}; make room, then execute again", .0.display())]
    DiskFull(PathBuf),
    /// The file system or SQLite says no.
    #[error("cannot write to {}: {why}", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it says.
        why: String,
    },
    /// A bug: the entry does not follow the last one.
    #[error("entry {found} does not follow, {expected} does")]
    Misplaced {
        /// Its place.
        found: u64,
        /// The next free place.
        expected: u64,
    },
    /// A bug: the order was answered before, or never given.
    #[error("order {} was answered before", .0.0)]
    AnsweredBefore(OrderId),
}

/// The journal of a run, open for writing. Whoever has it holds the run's lock, which is given back after the last transaction.
///
/// Whoever appends waits for the disk, in its own thread: nothing may be done before what led to it is written, so that there is nothing
/// else for it to do.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    epoch: u64,
    next: u64,
    chain: Chain,
    commits: u64,
    /// The first failure. What comes after it would leave a gap.
    failed: Option<AppendError>,
    _lock: Lock,
}

impl Journal {
    /// Begins the journal of a new run in its folder.
    ///
    /// # Errors
    /// It has begun already, or the folder cannot be written.
    pub fn create(folder: &Folder, run: &RunId, at: Timestamp) -> Result<Journal, StartError> {
        let lock = Lock::take(&folder.lock())?;
        let path = folder.journal();
        let connection = schema::create(&path, run.topic(), run.as_str(), at)?;
        Journal::start(connection, path, lock, at)
    }

    /// Goes on with a run: everything that happened so far, all of it checked, and the journal behind it.
    ///
    /// # Errors
    /// Somebody else goes on with it, it cannot be read, or something in it is not what was written.
    pub fn resume(folder: &Folder, at: Timestamp) -> Result<(Journal, Vec<Entry>), StartError> {
        let lock = Lock::take(&folder.lock())?;
        let path = folder.journal();
        let connection = schema::open(&path, Access::Write)?;
        if let Some(what) = schema::damage(&connection).map_err(|source| OpenError::of(&path, source))? {
            return Err(OpenError::Damaged { path, what }.into());
        }
        let reader = Reader::over(connection, path.clone());
        let entries = reader.replay()?.collect::<Result<Vec<Entry>, ReadError>>()?;
        Ok((Journal::start(reader.into_connection(), path, lock, at)?, entries))
    }

    fn start(mut connection: Connection, path: PathBuf, lock: Lock, at: Timestamp) -> Result<Journal, StartError> {
        let sqlite = |source| OpenError::of(&path, source);
        let epoch = schema::next_epoch(&mut connection, at, lock.holder()).map_err(sqlite)?;
        let (next, chain) = schema::head(&connection).map_err(sqlite)?;
        Ok(Journal { connection, path, epoch, next, chain, commits: 0, failed: None, _lock: lock })
    }

    /// How often the journal was opened for writing, this time included: from 1.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many transactions were committed since it was opened: fsyncs.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Writes entries that belong together: all of them or none. They are on the disk when this returns.
    ///
    /// # Errors
    /// They are not. Nothing can be appended after that.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), AppendError> {
        self.append_answering(entries, &[])
    }

    /// The same with answers to the orders that the entries came of (or that were refused), in the same transaction: so
    /// an order is never taken twice, and none is lost.
    ///
    /// # Errors
    /// They are not on the disk. Nothing can be appended after that.
    pub fn append_answering(&mut self, entries: &[Entry], answers: &[Answer]) -> Result<(), AppendError> {
        if entries.is_empty() && answers.is_empty() {
            return Ok(());
        }
        let result = match &self.failed {
            Some(failed) => Err(failed.clone()),
            None => self.write(entries, answers),
        };
        self.failed = result.clone().err();
        result
    }

    fn write(&mut self, entries: &[Entry], answers: &[Answer]) -> Result<(), AppendError> {
        let (mut next, mut chain) = (self.next, self.chain);
        let path = &self.path;
        let sqlite = |error| refused(path, &error);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
        let sql = "INSERT INTO events(seq, epoch, at_ms, kind, job, body, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        for entry in entries {
            if entry.seq != next {
                return Err(AppendError::Misplaced { found: entry.seq, expected: next });
            }
            let row = Row::of(entry, self.epoch);
            let row = row.map_err(|error| AppendError::Refused { path: path.clone(), why: error.to_string() })?;
            chain = chain.with(&row);
            next += 1;
            let (seq, epoch, at) = (row.seq.cast_signed(), row.epoch.cast_signed(), row.at_ms.cast_signed());
            let values = params![seq, epoch, at, row.kind, row.job.map(u64::cast_signed), row.body, chain.stored()];
            transaction.prepare_cached(sql).and_then(|mut insert| insert.execute(values)).map_err(sqlite)?;
        }
        for answer in answers {
            if !inbox::write(&transaction, answer).map_err(sqlite)? {
                return Err(AppendError::AnsweredBefore(answer.id));
            }
        }
        schema::set_head(&transaction, next, chain).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
        (self.next, self.chain) = (next, chain);
        self.commits += 1;
        Ok(())
    }
}

fn refused(path: &Path, error: &rusqlite::Error) -> AppendError {
    if schema::is_full(error) {
        return AppendError::DiskFull(path.to_owned());
    }
    AppendError::Refused { path: path.to_owned(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{Inbox, Reply},
        run::{Event, JobId, Order},
    };
    use std::time::{Duration, Instant};

    const AT: Timestamp = Timestamp(1_795_264_496_000);

    fn run() -> RunId {
        RunId::new("chat", AT, 7).unwrap()
    }

    fn entries(places: std::ops::Range<u64>) -> Vec<Entry> {
        places.map(|seq| Entry { seq, at: Timestamp(AT.0 + seq), event: Event::Answered { job: JobId(seq) } }).collect()
    }

    fn begun() -> (tempfile::TempDir, Folder, Journal) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::at(root.path());
        let journal = Journal::create(&folder, &run(), AT).unwrap();
        (root, folder, journal)
    }

    fn read(folder: &Folder) -> Vec<Entry> {
        Reader::open(folder).unwrap().replay().unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// As somebody would who edits the file by hand.
    fn by_hand(folder: &Folder, sql: &str) {
        Connection::open(folder.journal()).unwrap().execute_batch(sql).unwrap();
    }

    #[test]
    fn what_is_appended_is_read_by_others_at_once_and_by_whoever_goes_on() {
        let (_root, folder, mut journal) = begun();
        assert_eq!(journal.epoch(), 1);
        journal.append(&entries(0..3)).unwrap();
        let reader = Reader::open(&folder).unwrap();
        journal.append(&entries(3..5)).unwrap();
        assert_eq!(reader.count().unwrap(), 5);
        assert_eq!(reader.since(3).unwrap().map(Result::unwrap).collect::<Vec<_>>(), entries(3..5));
        assert_eq!(reader.since(5).unwrap().count(), 0);
        assert_eq!(reader.since(99).unwrap().count(), 0);
        let about = reader.about().unwrap();
        assert_eq!((&*about.topic, &*about.run, about.created), ("chat", run().as_str(), AT));
        assert_eq!(about.version, env!("CARGO_PKG_VERSION"));
        drop(journal);
        let (mut journal, before) = Journal::resume(&folder, AT).unwrap();
        assert_eq!((before, journal.epoch()), (entries(0..5), 2));
        journal.append(&entries(5..6)).unwrap();
        assert_eq!(read(&folder), entries(0..6));
    }

    #[test]
    fn what_comes_in_together_costs_one_fsync() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..100)).unwrap();
        assert_eq!(journal.commits(), 1);
        journal.append(&[]).unwrap();
        assert_eq!(journal.commits(), 1, "where there is nothing to write, nothing is written");
        assert_eq!(read(&folder), entries(0..100));
    }

    #[test]
    fn a_full_disk_is_said_and_nothing_is_appended_after_it() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..2)).unwrap();
        drop(journal);
        let connection = schema::open(&folder.journal(), Access::Write).unwrap();
        // The file may not grow: what a full disk is to SQLite.
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let lock = Lock::take(&folder.lock()).unwrap();
        let mut journal = Journal::start(connection, folder.journal(), lock, AT).unwrap();
        let full = AppendError::DiskFull(folder.journal());
        assert_eq!(journal.append(&entries(2..5_000)), Err(full.clone()));
        assert_eq!(journal.append(&entries(2..3)), Err(full.clone()), "there is room for one, and a hole before it");
        assert!(full.to_string().starts_with("the disk is full: nothing more can be written to /"), "{full}");
        drop(journal);
        let (mut journal, before) = Journal::resume(&folder, AT).unwrap();
        assert_eq!(before, entries(0..2), "a batch is there as a whole or not at all");
        journal.append(&entries(2..3)).unwrap();
    }

    #[test]
    fn an_entry_out_of_its_place_is_refused() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..2)).unwrap();
        let misplaced = AppendError::Misplaced { found: 4, expected: 2 };
        assert_eq!(journal.append(&entries(4..5)), Err(misplaced));
        drop(journal);
        assert_eq!(read(&folder), entries(0..2));
    }

    #[test]
    fn a_second_coordinator_is_told_who_is_the_first() {
        let (_root, folder, journal) = begun();
        let Err(StartError::Held(LockError::Held(holder))) = Journal::resume(&folder, AT) else {
            panic!("two have it")
        };
        assert_eq!(holder.pid, std::process::id());
        drop(journal);
        assert!(matches!(Journal::create(&folder, &run(), AT), Err(StartError::Open(OpenError::Begun(_)))));
    }

    #[test]
    fn an_edit_is_found_wherever_it_is() {
        let whole = "DROP TRIGGER events_stay; DROP TRIGGER events_are_kept;";
        for (edit, place, what) in [
            ("UPDATE events SET body = replace(body, '600', '601') WHERE seq = 600", 600, "another content"),
            ("UPDATE events SET at_ms = 5 WHERE seq = 3", 3, "another content"),
            ("UPDATE events SET job = NULL WHERE seq = 3", 3, "another content"),
            ("DELETE FROM events WHERE seq = 512", 512, "a gap"),
            ("DELETE FROM events WHERE seq >= 900", 900, "a gap"),
            ("UPDATE head SET next = 900", 900, "another head"),
            ("UPDATE events SET hash = hash + 1 WHERE seq = 999", 999, "another content"),
        ] {
            let (_root, folder, mut journal) = begun();
            journal.append(&entries(0..1000)).unwrap();
            drop(journal);
            by_hand(&folder, &format!("{whole} {edit}"));
            match Journal::resume(&folder, AT) {
                Err(StartError::Read(ReadError::Torn { seq, what: found, .. })) => {
                    assert_eq!((seq, found), (place, what), "{edit}");
                }
                other => panic!("{edit}: {other:?}"),
            }
        }
    }

    #[test]
    fn tables_only_grow() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..2)).unwrap();
        Inbox::open(&folder).unwrap().send(AT, &Order::Pause).unwrap();
        let connection = Connection::open(folder.journal()).unwrap();
        for table in ["events", "epochs", "meta", "head", "inbox"] {
            assert!(connection.execute_batch(&format!("DELETE FROM {table}")).is_err(), "{table}");
        }
        assert!(connection.execute_batch("UPDATE events SET body = ''").is_err());
        assert!(connection.execute_batch("UPDATE inbox SET body = ''").is_err());
    }

    #[test]
    fn another_version_and_another_file_are_named() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..1)).unwrap();
        drop(journal);
        let (_other, strange, mut journal) = begun();
        journal.append(&entries(0..1)).unwrap();
        drop(journal);
        let mut row = Row::of(&entries(1..2)[0], 1).unwrap();
        for (kind, body, expected) in [
            (
                "Split",
                r#"{"Split":{"into":3}}"#,
                r#"entry 1 of the journal at FILE is of kind "Split", which tidegate HERE does not know; tidegate 9.9.9 wrote it"#,
            ),
            (
                "Answered",
                r#"{"Answered":{}}"#,
                "entry 1 of the journal at FILE (Answered, written by tidegate 9.9.9) cannot be read by tidegate HERE: missing field `job` at line 1 column 14",
            ),
        ] {
            (row.kind, row.body, row.epoch) = (kind.to_owned(), body.to_owned(), 9);
            let hash = Chain::anchor(run().as_str()).with(&Row::of(&entries(0..1)[0], 1).unwrap()).with(&row);
            by_hand(
                &folder,
                "INSERT OR IGNORE INTO epochs VALUES (9, 0, '9.9.9', 1, 'there'); DROP TRIGGER IF EXISTS events_are_kept; DELETE FROM events WHERE seq = 1",
            );
            by_hand(
                &folder,
                &format!(
                    "INSERT INTO events VALUES (1, 9, {}, '{kind}', 1, '{body}', {}); UPDATE head SET next = 2, hash = {1}",
                    row.at_ms,
                    hash.stored()
                ),
            );
            let error = Journal::resume(&folder, AT).unwrap_err().to_string();
            let error =
                error.replace(&*folder.journal().to_string_lossy(), "FILE").replace(env!("CARGO_PKG_VERSION"), "HERE");
            assert_eq!(error, expected);
        }
        by_hand(&folder, "PRAGMA user_version = 12");
        assert!(matches!(Reader::open(&folder), Err(OpenError::Newer { found: 12, known: 1, .. })));
        by_hand(&folder, "PRAGMA application_id = 12");
        assert!(matches!(Reader::open(&folder), Err(OpenError::NotOurs(_))));
        std::fs::write(strange.journal(), "Not a database. ".repeat(100)).unwrap();
        assert!(matches!(Reader::open(&strange), Err(OpenError::NotOurs(_))));
        std::fs::remove_file(strange.journal()).unwrap();
        assert!(matches!(Reader::open(&strange), Err(OpenError::Missing(_))));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_panic() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..300)).unwrap();
        drop(journal);
        let whole = std::fs::read(folder.journal()).unwrap();
        let mut found = 0;
        for at in (0..whole.len()).step_by(509) {
            let mut damaged = whole.clone();
            let end = (at + 40).min(whole.len());
            damaged[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
            std::fs::write(folder.journal(), damaged).unwrap();
            match Journal::resume(&folder, AT) {
                Ok((_, before)) => assert_eq!(before, entries(0..300), "damage at {at} was believed"),
                Err(_) => found += 1,
            }
            std::fs::remove_file(folder.path().join("journal.db-wal")).ok();
            std::fs::remove_file(folder.path().join("journal.db-shm")).ok();
        }
        assert!(found > 20, "{found} of {} found", whole.len() / 509);
    }

    #[test]
    fn an_order_waits_until_it_is_answered_and_is_answered_once() {
        let (_root, folder, mut journal) = begun();
        let inbox = Inbox::open(&folder).unwrap();
        let (pause, go) = (inbox.send(AT, &Order::Pause).unwrap(), inbox.send(AT, &Order::Go).unwrap());
        by_hand(&folder, "INSERT INTO inbox(at_ms, body) VALUES (1, '{\"Dance\":1}')");
        let waiting = inbox.pending().unwrap();
        assert_eq!(waiting.iter().map(|sent| sent.id).take(2).collect::<Vec<_>>(), [pause, go]);
        assert_eq!((&waiting[0].order, &waiting[1].order), (&Ok(Order::Pause), &Ok(Order::Go)));
        assert!(waiting[2].order.is_err(), "{waiting:?}");
        let ordered = Entry { seq: 0, at: AT, event: Event::Ordered(Order::Pause) };
        let taken = Answer { id: pause, reply: Reply::Taken, text: "paused".to_owned() };
        journal.append_answering(&[ordered], std::slice::from_ref(&taken)).unwrap();
        assert_eq!(inbox.answer(pause).unwrap(), Some(taken.clone()));
        assert_eq!(inbox.answer(go).unwrap(), None);
        assert_eq!(inbox.answer(OrderId(99)).unwrap(), None);
        let refused = Answer { id: go, reply: Reply::Refused, text: "it runs".to_owned() };
        journal.append_answering(&[], &[refused]).unwrap();
        assert_eq!(inbox.pending().unwrap().len(), 1);
        let again = Entry { seq: 1, at: AT, event: Event::Ordered(Order::Pause) };
        assert_eq!(journal.append_answering(&[again], &[taken]), Err(AppendError::AnsweredBefore(pause)));
        assert_eq!(read(&folder).len(), 1, "what came of an order twice is not there twice");
    }

    #[test]
    fn ten_thousand_entries_replay_in_a_moment() {
        let (_root, folder, mut journal) = begun();
        journal.append(&entries(0..10_000)).unwrap();
        drop(journal);
        let begin = Instant::now();
        let (_journal, before) = Journal::resume(&folder, AT).unwrap();
        let took = begin.elapsed();
        assert_eq!(before.len(), 10_000);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
