//! The journal's tables, and the opening of the file that holds them.

use super::{chain::Chain, lock::Holder};
use crate::run::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// SQLite's application id: "Tide".
const APPLICATION: i32 = 0x5469_6465;

/// Version of the tables. Events have a version of their own: their kinds.
const FORMAT: i32 = 1;

/// How long one process waits for another's transaction, all of which are milliseconds.
const BUSY: Duration = Duration::from_secs(20);

/// Pages of the log that is written ahead, before it begins anew at its beginning. A write into a file that does not grow is synced several
/// times faster, and every append is synced; what the file system does for one round more is little beside that.
const ROUND: i32 = 128;

/// `events` and `epochs` only grow; an inbox row is answered once. The chain's head is beside them, so that rows
/// missing at the end are seen as well as rows changed in the middle.
const TABLES: &str = "
CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 0), topic TEXT NOT NULL, run TEXT NOT NULL, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE epochs(
    epoch INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, version TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL
) STRICT;
CREATE TABLE events(
    seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL REFERENCES epochs(epoch), at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL, job INTEGER, body TEXT NOT NULL, hash INTEGER NOT NULL
) STRICT;
CREATE TABLE head(
    one INTEGER PRIMARY KEY CHECK (one = 0), next INTEGER NOT NULL, hash INTEGER NOT NULL
) STRICT;
CREATE TABLE inbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'taken', 'refused')), answer TEXT
) STRICT;
CREATE INDEX inbox_sent ON inbox(id) WHERE state = 'sent';
CREATE TRIGGER meta_stays BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER meta_is_kept BEFORE DELETE ON meta BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER epochs_stay BEFORE UPDATE ON epochs BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER epochs_are_kept BEFORE DELETE ON epochs BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER head_is_kept BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END;
CREATE TRIGGER orders_are_kept BEFORE DELETE ON inbox BEGIN SELECT RAISE(ABORT, 'orders are kept'); END;
CREATE TRIGGER orders_stay BEFORE UPDATE OF id, at_ms, body ON inbox BEGIN SELECT RAISE(ABORT, 'orders stay'); END;
CREATE TRIGGER orders_are_answered_once BEFORE UPDATE ON inbox WHEN OLD.state <> 'sent'
    BEGIN SELECT RAISE(ABORT, 'an order is answered once'); END;
";

/// A journal that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No file.
    #[error("there is no journal at {}", .0.display())]
    Missing(PathBuf),
    /// The run was killed before it had begun: nothing happened in it.
    #[error("the run at {} ended before its journal began; nothing happened in it", .0.display())]
    Unborn(PathBuf),
    /// A second beginning.
    #[error("the journal at {} has begun already", .0.display())]
    Begun(PathBuf),
    /// A file, and not a journal of ours.
    #[error("{} is no journal of tidegate", .0.display())]
    NotOurs(PathBuf),
    /// Written by a newer tidegate.
    #[error("the journal at {} has format {found}, and this version of tidegate reads up to {known}; use a newer tidegate", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest one that is known here.
        known: i32,
    },
    /// SQLite finds the file damaged.
    #[error("the journal at {} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// No room.
    #[error("the disk is full: the journal at {} cannot be kept; make room, then execute again", .0.display())]
    DiskFull(PathBuf),
    /// Anything else that SQLite says.
    #[error("the journal at {} cannot be opened", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> OpenError {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotOurs(path),
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, what: source.to_string() },
            _ if is_full(&source) => OpenError::DiskFull(path),
            _ => OpenError::Sqlite { path, source },
        }
    }
}

/// Whether the disk has no room. The memory that processes share of a journal is a file too: for it SQLite says that in a number.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// Who may do what with an opened journal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Look.
    Read,
    /// The coordinator's, and for the one table of the inbox anybody's.
    Write,
}

/// Opens a journal that has begun.
pub(super) fn open(path: &Path, access: Access) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let sqlite = |source| OpenError::of(path, source);
    let connection = connect(path, access, OpenFlags::empty()).map_err(sqlite)?;
    match state(&connection).map_err(sqlite)? {
        State::Ours(FORMAT) => Ok(connection),
        State::Ours(found) => Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT }),
        State::Unborn => Err(OpenError::Unborn(path.to_owned())),
        State::NotOurs => Err(OpenError::NotOurs(path.to_owned())),
    }
}

/// Begins a journal. What a kill left before the tables were there is begun again.
pub(super) fn create(path: &Path, topic: &str, run: &str, created: Timestamp) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::of(path, source);
    let mut connection = connect(path, Access::Write, OpenFlags::SQLITE_OPEN_CREATE).map_err(sqlite)?;
    match state(&connection).map_err(sqlite)? {
        State::Unborn => {}
        State::Ours(_) => return Err(OpenError::Begun(path.to_owned())),
        State::NotOurs => return Err(OpenError::NotOurs(path.to_owned())),
    }
    begin(&mut connection, topic, run, created).map_err(sqlite)?;
    Ok(connection)
}

/// The tables, and what the run is, in one transaction: a journal has all of this or has not begun.
fn begin(connection: &mut Connection, topic: &str, run: &str, created: Timestamp) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO meta VALUES (0, ?1, ?2, ?3)", params![topic, run, created.0.cast_signed()])?;
    transaction.execute("INSERT INTO head VALUES (0, 0, ?1)", [Chain::anchor(run).stored()])?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// One more opening for writing: entries say which one wrote them.
pub(super) fn next_epoch(connection: &mut Connection, at: Timestamp, who: &Holder) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last: i64 = transaction.query_row("SELECT coalesce(max(epoch), 0) FROM epochs", [], |row| row.get(0))?;
    transaction.execute(
        "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5)",
        params![last + 1, at.0.cast_signed(), who.version, who.pid, who.host],
    )?;
    transaction.commit()?;
    Ok(last.cast_unsigned() + 1)
}

/// Where the chain ends: the next entry's place, and the hash up to there.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<(u64, Chain)> {
    connection.query_row("SELECT next, hash FROM head", [], |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), Chain::of_stored(row.get(1)?)))
    })
}

/// Moves the end of the chain.
pub(super) fn set_head(transaction: &Transaction<'_>, next: u64, chain: Chain) -> rusqlite::Result<()> {
    let mut update = transaction.prepare_cached("UPDATE head SET next = ?1, hash = ?2")?;
    update.execute(params![next.cast_signed(), chain.stored()]).map(drop)
}

/// What SQLite itself finds wrong with the file; `None` is nothing.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

fn connect(path: &Path, access: Access, more: OpenFlags) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // Not as a URI: a folder may be called anything.
    let connection = Connection::open_with_flags(path, mode | more | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // An acknowledged entry survives a power cut, not only a kill.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", ROUND)?;
    Ok(connection)
}

enum State {
    /// No tables yet.
    Unborn,
    /// A journal of this format.
    Ours(i32),
    NotOurs,
}

fn state(connection: &Connection) -> rusqlite::Result<State> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let is_empty = connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(())).optional()?.is_none();
    Ok(match (number("application_id")?, number("user_version")?) {
        (0, 0) if is_empty => State::Unborn,
        (APPLICATION, format) => State::Ours(format),
        _ => State::NotOurs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi::{self, SQLITE_FULL, SQLITE_IOERR_READ, SQLITE_IOERR_SHMSIZE};

    #[test]
    fn a_full_disk_is_told_in_words_by_whatever_number_it_comes() {
        let told = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            OpenError::of(Path::new("journal.db"), error).to_string()
        };
        for code in [SQLITE_FULL, SQLITE_IOERR_SHMSIZE] {
            assert_eq!(
                told(code),
                "the disk is full: the journal at journal.db cannot be kept; make room, then execute again"
            );
        }
        assert_eq!(told(SQLITE_IOERR_READ), "the journal at journal.db cannot be opened");
    }
}
