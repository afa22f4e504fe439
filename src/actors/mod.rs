//! Who does it, when it dies, how it is told to stop.
//!
//! ```text
//! supervisor                owns the run and the journal: drains its mailbox, turns, appends, hands out
//!   |- stream A ... D       a parent a stream: starts a role actor a job, reports every end
//!   |    '- test-developer, implementation, reviewer, checker     one job each, then gone
//!   |- gates                the same for what belongs to no stream
//!   |    '- checker
//!   '- train                the same for candidates and landings
//!        '- merger
//! ```
//!
//! A turn: the first fact in the mailbox casts `Turn` to the supervisor itself, so that everything already there goes
//! into one append; then the core decides, the journal remembers, and only then anything is done.

mod failpoint;
mod role;
mod signal;
mod stream;
mod supervisor;

pub use failpoint::{Failpoint, Kind, NoSuchPoint, Point};
pub use supervisor::{Charge, ConductError, End, Watch, conduct};
