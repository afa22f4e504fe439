//! Doing one job: `perform(job) -> Ending`, one kind of job a file. No error type: whatever goes wrong is an ending.
//!
//! Evidence is collected here, with the tools of the floor below; it is judged in `rules` and in the core.

mod advise;
mod agent;
mod alone;
mod asks;
mod bench;
mod bodies;
mod cage;
mod checks;
mod evidence;
mod hand_over;
mod implement;
mod in_place;
mod land;
mod lock;
mod measure;
mod minutes;
mod papers;
mod red;
mod review;
mod settle;
mod tape;
mod tests;
mod trace;
mod trim;
mod verify;

pub use agent::{COORDINATOR, EXPERT, IMPLEMENTATION_AGENT, TEST_DEVELOPER, TEST_EXPERT};
pub use bench::{Backends, Bench, Setting};
pub use cage::Cage;
pub use checks::{Checks, Wanted};
pub use in_place::InPlace;
pub use measure::CoverageSetting;

use crate::{
    plan::Plan,
    run::{Breakage, Ending, Job, Oid, Spend, Talk, Timestamp, What},
};
use std::{future::Future, pin::Pin, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Whoever does jobs: here, or on a worker.
pub trait Performer: Send + Sync {
    /// Does it. The answer comes when all its processes are gone.
    fn perform(&self, job: Job, desk: Desk) -> Pin<Box<dyn Future<Output = Ended> + Send + '_>>;
}

/// What a job is done with beside itself.
#[derive(Clone)]
pub struct Desk {
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// When the job was started; whoever does jobs has no clock of its own.
    pub at: Timestamp,
    /// Ends the job.
    pub stop: CancellationToken,
    /// Tells what happens on the way.
    pub tell: Arc<dyn Fn(Note) + Send + Sync>,
    /// Asks whether one more agent may be called in this job. From then on it is counted as called.
    pub may_call: Arc<MayCall>,
}

/// Asks whether one more agent may be called, or why not.
pub type MayCall = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// What happens on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An agent's last words; for display only.
    Said(String),
    /// The backend answered.
    Answered,
    /// The implementation reached a checkpoint.
    Checkpointed {
        /// The patch.
        patch: Oid,
        /// The commit that holds it.
        commit: Oid,
    },
    /// Money and tokens, as an increment, and the conversation in which, once it is known.
    Spent(Spend, Option<Talk>),
}

/// How a job ended, and what it cost that had not been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// What it cost.
    pub spend: Spend,
}

impl From<Ending> for Ended {
    fn from(ending: Ending) -> Ended {
        Ended { ending, spend: Spend::default() }
    }
}

impl Performer for Bench {
    fn perform(&self, job: Job, desk: Desk) -> Pin<Box<dyn Future<Output = Ended> + Send + '_>> {
        Box::pin(async move {
            let done = match job.what {
                What::Tests => self.tests(&job, &desk).await,
                What::Red => self.red(&job, &desk).await,
                What::Implement => self.implement(&job, &desk).await,
                What::Verify => self.verify(&job, &desk).await,
                What::Review(reviewer) => self.review(&job, reviewer, &desk).await,
                What::Build => self.build(&job, &desk).await,
                What::Prove => self.prove(&job, &desk).await,
                What::Land => self.land(&job, &desk).await,
                What::HandOver => self.hand_over(&job, &desk).await,
                What::Settle(criterion) => self.settle(&job, criterion, &desk).await,
                What::Consult => self.consult(&job, &desk).await,
                What::Advise => self.advise(&job, &desk).await,
            };
            Ended::from(done.unwrap_or_else(Ending::Broke))
        })
    }
}

/// How every kind of job is done: to an ending, or it falls over on the way.
type Done = Result<Ending, Breakage>;

fn fell(why: impl Into<Box<str>>) -> Breakage {
    Breakage::Fell { why: why.into(), left: Oid::NONE }
}
