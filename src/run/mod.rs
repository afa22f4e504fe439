//! The run: a state machine that turns facts into decisions. Same facts, same state, same decisions.
//!
//! No tokio, no clock, no files, no randomness, no floats. The supervisor feeds it; the simulation in `tests/` feeds it too.

mod budget;
mod effect;
mod ending;
mod event;
mod finding;
mod job;
mod misfit;
mod oid;
mod policy;
mod quota;
mod slots;

pub use budget::{Budget, Spend};
pub use effect::{Effect, Turn};
pub use ending::{Breakage, Counts, Ending, Evidence, Ran, Red, Rejection, Seal, Sealed, Until, Verified};
pub use event::{Charter, Entry, Event, Order, Timestamp};
pub use finding::{Code, Finding, Weight};
pub use job::{Job, JobId, JobState, Sheet, Subject, Want, WantState, What};
pub use misfit::{Misfit, Refusal};
pub use oid::{NotAnOid, Oid};
pub use policy::{Grant, Policy, Rung};
pub use quota::Quota;
pub use slots::{Full, Holder, Lane, Pool};
