//! What happened, on disk: one SQLite file a run. Owns rusqlite.
//!
//! A run's folder is `<git common dir>/tidegate/runs/<run>/`. [`Runs`] finds and makes such folders, [`Journal`] is the
//! one writer (it holds the coordinator's [`Lock`]), [`Reader`] looks from any process at any time, [`Inbox`] takes a
//! person's orders from another terminal, and [`Doorbell`] tells the coordinator that there are some.

mod chain;
mod doorbell;
mod inbox;
mod lock;
mod replay;
mod row;
mod runs;
mod schema;
mod store;

pub use doorbell::Doorbell;
pub use inbox::{Answer, Inbox, InboxError, OrderId, Reply, Sent};
pub use lock::{Holder, Lock, LockError};
pub use replay::{About, ReadError, Reader, Replay};
pub use runs::{Folder, NotARun, RunId, Runs, RunsError};
pub use schema::OpenError;
pub use store::{AppendError, Journal, StartError};
