//! Orders from other terminals, also for a run that is not running: kept until the coordinator has answered each, once.

use super::{
    doorbell::Doorbell,
    runs::Folder,
    schema::{self, Access, OpenError},
};
use crate::run::{Order, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Orders that wait for an answer, at most: nobody has given so many, something sends in a circle.
const WAITING_MAX: i64 = 1000;

/// Bytes of an answer.
const ANSWER_MAX: usize = 4096;

/// Names an order in its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub i64);

/// An order that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which.
    pub id: OrderId,
    /// When it was given.
    pub at: Timestamp,
    /// What was ordered; an error is an order of another version that this one does not know: refuse it.
    pub order: Result<Order, String>,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It holds: its `Ordered` entry is in the journal.
    Taken,
    /// It cannot be, and changed nothing.
    Refused,
}

/// The answer to one order: goes into the journal in one transaction with the entries that came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To which.
    pub id: OrderId,
    /// What became of it.
    pub reply: Reply,
    /// What to say about it.
    pub text: String,
}

/// An inbox that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// No journal to keep it in.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nobody answers.
    #[error("{WAITING_MAX} orders are waiting already")]
    Full,
    /// Anything that SQLite says.
    #[error("the run's inbox cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The order has no words.
    #[error("the order cannot be written down")]
    Unwritable(#[from] serde_json::Error),
}

/// The inbox of a run, from any process.
#[derive(Debug)]
pub struct Inbox {
    connection: Connection,
    folder: Folder,
}

impl Inbox {
    /// The inbox of the run in this folder.
    ///
    /// # Errors
    /// Its journal cannot be opened.
    pub fn open(folder: &Folder) -> Result<Inbox, InboxError> {
        Ok(Inbox { connection: schema::open(&folder.journal(), Access::Write)?, folder: folder.clone() })
    }

    /// Gives an order, and rings. It is kept when this returns, whether anybody runs or not.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn send(&self, at: Timestamp, order: &Order) -> Result<OrderId, InboxError> {
        let body = serde_json::to_string(order)?;
        // One statement, so that no other sender comes between the count and the row.
        let kept = self.connection.execute(
            "INSERT INTO inbox(at_ms, body) SELECT ?1, ?2 WHERE (SELECT count(*) FROM inbox WHERE state = 'sent') < ?3",
            params![at.0.cast_signed(), body, WAITING_MAX],
        )?;
        if kept == 0 {
            return Err(InboxError::Full);
        }
        let id = OrderId(self.connection.last_insert_rowid());
        Doorbell::ring(&self.folder);
        Ok(id)
    }

    /// What waits for an answer, in the order given.
    ///
    /// # Errors
    /// SQLite's.
    pub fn pending(&self) -> Result<Vec<Sent>, InboxError> {
        let sql = "SELECT id, at_ms, body FROM inbox WHERE state = 'sent' ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let body: String = row.get(2)?;
            Ok(Sent {
                id: OrderId(row.get(0)?),
                at: Timestamp(row.get::<_, i64>(1)?.cast_unsigned()),
                order: serde_json::from_str(&body).map_err(|error| error.to_string()),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The answer to an order; `None` is none yet, or no such order.
    ///
    /// # Errors
    /// SQLite's.
    pub fn answer(&self, id: OrderId) -> Result<Option<Answer>, InboxError> {
        let sql = "SELECT state, coalesce(answer, '') FROM inbox WHERE id = ?1 AND state <> 'sent'";
        let found = self.connection.query_row(sql, [id.0], |row| {
            let reply = if row.get::<_, String>(0)? == Reply::Taken.state() { Reply::Taken } else { Reply::Refused };
            Ok(Answer { id, reply, text: row.get(1)? })
        });
        Ok(found.optional()?)
    }
}

impl Reply {
    fn state(self) -> &'static str {
        match self {
            Reply::Taken => "taken",
            Reply::Refused => "refused",
        }
    }
}

/// Writes an answer; `false` is an order that was answered before, or never given.
pub(super) fn write(transaction: &Transaction<'_>, answer: &Answer) -> rusqlite::Result<bool> {
    let text: String = answer.text.chars().take(ANSWER_MAX).collect();
    let sql = "UPDATE inbox SET state = ?1, answer = ?2 WHERE id = ?3 AND state = 'sent'";
    transaction.prepare_cached(sql)?.execute(params![answer.reply.state(), text, answer.id.0]).map(|rows| rows == 1)
}
