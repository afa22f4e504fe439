//! The way back from the file to entries, for the coordinator that goes on and for anybody who looks.

use super::{
    chain::Chain,
    row::{KINDS, Row},
    runs::Folder,
    schema::{self, Access, OpenError},
};
use crate::run::{Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::VecDeque, path::PathBuf};

/// Rows fetched at once. A page is a short transaction, so a slow reader never holds back the writer's checkpoints.
const PAGE: u64 = 256;

/// What a journal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The topic's slug.
    pub topic: String,
    /// The run's id.
    pub run: String,
    /// When it began.
    pub created: Timestamp,
    /// The version of tidegate that last opened it for writing.
    pub version: String,
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An entry is not what was written, or is not there.
    #[error("the journal at {} is not what was written: {what} at entry {seq}", .path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        seq: u64,
        /// How.
        what: &'static str,
    },
    /// Written by a version that knows more.
    #[error("entry {seq} of the journal at {} is of kind {kind:?}, which tidegate {here} does not know; tidegate {wrote} wrote it", .path.display(), here = env!("CARGO_PKG_VERSION"))]
    UnknownKind {
        /// The file.
        path: PathBuf,
        /// Which entry.
        seq: u64,
        /// What it says it is.
        kind: String,
        /// Who wrote it.
        wrote: String,
    },
    /// Of a kind that is known, and not as this version writes it.
    #[error("entry {seq} of the journal at {} ({kind}, written by tidegate {wrote}) cannot be read by tidegate {here}: {why}", .path.display(), here = env!("CARGO_PKG_VERSION"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which entry.
        seq: u64,
        /// What it says it is.
        kind: String,
        /// Who wrote it.
        wrote: String,
        /// What is wrong.
        why: String,
    },
    /// Anything that SQLite says.
    #[error("the journal at {} cannot be read", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        #[source]
        source: rusqlite::Error,
    },
}

/// Looks at a journal from any process, while its run lives and afterwards. Never writes.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the journal of a run's folder for reading.
    ///
    /// # Errors
    /// There is none, it has not begun, or it is not one that this version reads.
    pub fn open(folder: &Folder) -> Result<Reader, OpenError> {
        let path = folder.journal();
        Ok(Reader { connection: schema::open(&path, Access::Read)?, path })
    }

    /// The same over the writer's connection, before it writes.
    pub(super) fn over(connection: Connection, path: PathBuf) -> Reader {
        Reader { connection, path }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// What the journal is about.
    ///
    /// # Errors
    /// SQLite's.
    pub fn about(&self) -> Result<About, ReadError> {
        let sql = "SELECT topic, run, created_ms, coalesce((SELECT version FROM epochs ORDER BY epoch DESC LIMIT 1), '?') FROM meta";
        let about = self.connection.query_row(sql, [], |row| {
            Ok(About {
                topic: row.get(0)?,
                run: row.get(1)?,
                created: Timestamp(row.get::<_, i64>(2)?.cast_unsigned()),
                version: row.get(3)?,
            })
        });
        about.map_err(|source| self.sqlite(source))
    }

    /// How many entries there are: the place of the next one.
    ///
    /// # Errors
    /// SQLite's.
    pub fn count(&self) -> Result<u64, ReadError> {
        schema::head(&self.connection).map(|(next, _)| next).map_err(|source| self.sqlite(source))
    }

    /// All entries that are there now.
    ///
    /// # Errors
    /// SQLite's; what is wrong with an entry comes in its place.
    pub fn replay(&self) -> Result<Replay<'_>, ReadError> {
        self.since(0)
    }

    /// All entries from this one on that are there now. The next call goes on at the last entry's place plus one.
    ///
    /// # Errors
    /// SQLite's, and a journal that does not hold the entry before `seq`.
    pub fn since(&self, seq: u64) -> Result<Replay<'_>, ReadError> {
        let (end, head) = schema::head(&self.connection).map_err(|source| self.sqlite(source))?;
        let chain = match seq {
            0 => Chain::anchor(&self.about()?.run),
            _ if seq > end => head,
            _ => self.chain_at(seq - 1)?,
        };
        Ok(Replay { reader: self, next: seq, end, head, chain, page: VecDeque::new(), is_over: false })
    }

    fn chain_at(&self, seq: u64) -> Result<Chain, ReadError> {
        let hash = self
            .connection
            .query_row("SELECT hash FROM events WHERE seq = ?1", [seq.cast_signed()], |row| row.get(0))
            .optional()
            .map_err(|source| self.sqlite(source))?;
        hash.map(Chain::of_stored).ok_or_else(|| self.torn(seq, "a gap"))
    }

    fn page(&self, from: u64, end: u64) -> rusqlite::Result<VecDeque<(Row, Chain)>> {
        let sql =
            "SELECT seq, epoch, at_ms, kind, job, body, hash FROM events WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let until = from.saturating_add(PAGE).min(end);
        let rows = statement.query_map(params![from.cast_signed(), until.cast_signed()], |row| {
            let unsigned = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            let job: Option<i64> = row.get(4)?;
            let read = Row {
                seq: unsigned(0)?,
                epoch: unsigned(1)?,
                at_ms: unsigned(2)?,
                kind: row.get(3)?,
                job: job.map(i64::cast_unsigned),
                body: row.get(5)?,
            };
            Ok((read, Chain::of_stored(row.get(6)?)))
        })?;
        rows.collect()
    }

    fn entry(&self, row: Row) -> Result<Entry, ReadError> {
        let why = match serde_json::from_str::<Event>(&row.body) {
            Ok(event) => return Ok(Entry { seq: row.seq, at: Timestamp(row.at_ms), event }),
            Err(why) => why,
        };
        let sql = "SELECT version FROM epochs WHERE epoch = ?1";
        let wrote = self.connection.query_row(sql, [row.epoch.cast_signed()], |found| found.get(0));
        let (path, seq, kind, wrote) = (self.path.clone(), row.seq, row.kind, wrote.unwrap_or_else(|_| "?".to_owned()));
        Err(if KINDS.contains(&&*kind) {
            ReadError::Unreadable { path, seq, kind, wrote, why: why.to_string() }
        } else {
            ReadError::UnknownKind { path, seq, kind, wrote }
        })
    }

    fn torn(&self, seq: u64, what: &'static str) -> ReadError {
        ReadError::Torn { path: self.path.clone(), seq, what }
    }

    fn sqlite(&self, source: rusqlite::Error) -> ReadError {
        ReadError::Sqlite { path: self.path.clone(), source }
    }
}

/// Entries in their order, each checked against the chain. Ends at the first that does not fit.
#[derive(Debug)]
pub struct Replay<'a> {
    reader: &'a Reader,
    next: u64,
    end: u64,
    head: Chain,
    chain: Chain,
    page: VecDeque<(Row, Chain)>,
    is_over: bool,
}

impl Replay<'_> {
    fn step(&mut self) -> Result<Option<Entry>, ReadError> {
        if self.next >= self.end {
            self.is_over = true;
            let fits = self.next > self.end || self.chain == self.head;
            return if fits { Ok(None) } else { Err(self.reader.torn(self.end, "another head")) };
        }
        if self.page.is_empty() {
            self.page = self.reader.page(self.next, self.end).map_err(|source| self.reader.sqlite(source))?;
        }
        let Some((row, hash)) = self.page.pop_front().filter(|(row, _)| row.seq == self.next) else {
            return Err(self.reader.torn(self.next, "a gap"));
        };
        self.chain = self.chain.with(&row);
        if self.chain != hash {
            return Err(self.reader.torn(self.next, "another content"));
        }
        self.next += 1;
        self.reader.entry(row).map(Some)
    }
}

impl Iterator for Replay<'_> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step();
        self.is_over |= step.is_err();
        step.transpose()
    }
}
