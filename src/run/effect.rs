//! What the core wants done next. Imperative, never journaled: its `Started` and `StopAsked` are.

use super::{Entry, Job, JobId, Misfit};
use crate::plan::NodeId;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Do this, then tell `Ended`. The job says all that a performer needs to know from the core.
    Start(Box<Job>),
    /// End it; its `Ended` is still awaited, for its slot and its bill.
    Stop(JobId),
}

/// One turn of the core: write `entries`, then do `effects`, in that order.
#[derive(Debug, Default)]
pub struct Turn {
    /// What happened and what was decided.
    pub entries: Vec<Entry>,
    /// What to do about it.
    pub effects: Vec<Effect>,
    /// Nodes that stand elsewhere than before, or want something else; some more than once.
    pub moved: Vec<NodeId>,
    /// Facts that did not fit and changed nothing: late, told twice, or refused. Told to whoever sent them.
    pub dropped: Vec<Misfit>,
}
