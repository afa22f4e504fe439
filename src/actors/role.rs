//! A role actor: does one job, tells how it ended, and is gone. A panic in it is a failed attempt, never a dead run.
//!
//! Test-developer, implementation, reviewer, checker and merger are this one actor: what they do differently is the
//! performer's, and what they may take is the core's.

use super::{
    failpoint::{Failpoint, Kind, Point},
    supervisor::Message,
};
use crate::{
    perform::{Desk, Note, Performer},
    plan::Plan,
    run::{Event, Job, JobId, Timestamp, What},
};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Does one job.
pub(super) struct Role;

/// What it needs for it.
pub(super) struct Assignment {
    pub(super) job: Job,
    /// When it was started.
    pub(super) at: Timestamp,
    /// The span of its task.
    pub(super) task: tracing::Span,
    pub(super) stop: CancellationToken,
    pub(super) office: Office,
}

/// What all role actors of a run share.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) plan: Arc<Plan>,
    pub(super) performer: Arc<dyn Performer>,
    pub(super) supervisor: ActorRef<Message>,
    pub(super) failpoint: Arc<Failpoint>,
}

/// The name of the role that does this, for actors, spans and people.
pub(super) fn name(what: What) -> &'static str {
    match what {
        What::Tests => "test-developer",
        What::Implement => "implementation",
        What::Review(_) => "reviewer",
        What::Consult => "expert",
        What::Advise => "coordinator",
        What::Red | What::Verify | What::Prove | What::Settle(_) => "checker",
        What::Build | What::Land | What::HandOver => "merger",
    }
}

impl Actor for Role {
    type Msg = ();
    type State = Option<Assignment>;
    type Arguments = Assignment;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        assignment: Assignment,
    ) -> Result<Option<Assignment>, ActorProcessingErr> {
        myself.cast(())?;
        Ok(Some(assignment))
    }

    async fn handle(
        &self,
        myself: ActorRef<()>,
        (): (),
        state: &mut Option<Assignment>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(assignment) = state.take() {
            do_it(assignment).await;
        }
        myself.stop(None);
        Ok(())
    }
}

async fn do_it(Assignment { job, at, task, stop, office }: Assignment) {
    let (id, kind) = (job.id, Kind::of(job.what));
    let node = office.plan.node(job.node);
    let span = tracing::info_span!(
        parent: &task,
        "tidegate.job",
        job = id.0.cast_signed(),
        task = node.label(),
        what = job.what.name(),
        role = name(job.what),
        attempt = i64::from(job.attempt),
        ending = tracing::field::Empty,
    );
    let (teller, asker) = (office.supervisor.clone(), office.supervisor.clone());
    let desk = Desk {
        plan: Arc::clone(&office.plan),
        at,
        stop,
        tell: Arc::new(move |note| tell(&teller, id, note)),
        may_call: Arc::new(move || Box::pin(may_call(asker.clone(), id))),
    };
    office.failpoint.pass(Point::BeforeStart(kind));
    let ended = office.performer.perform(job, desk).instrument(span.clone()).await;
    span.record("ending", ended.ending.name());
    office.failpoint.pass(Point::AfterStart(kind));
    let fact = Event::Ended { job: id, ending: Box::new(ended.ending), spend: ended.spend };
    // A supervisor that is gone has nobody to tell: the run was stopped, and a resume does the job again.
    let _ = office.supervisor.cast(Message::Fact(fact));
}

fn tell(supervisor: &ActorRef<Message>, job: JobId, note: Note) {
    let message = match note {
        Note::Said(words) => Message::Said(job, words),
        Note::Answered => Message::Fact(Event::Answered { job }),
        Note::Checkpointed { patch, commit } => Message::Fact(Event::Checkpointed { job, patch, commit }),
        Note::Spent(spend, talk) => Message::Fact(Event::Spent { job, spend, talk: talk.map(Box::new) }),
    };
    let _ = supervisor.cast(message);
}

/// Has the supervisor record that one more agent is called in a job. One that does not answer is stopping.
async fn may_call(supervisor: ActorRef<Message>, job: JobId) -> Result<(), String> {
    let (reply, answer) = oneshot::channel();
    // An answer that nobody sends is told by its sender, which is dropped then.
    let _ = supervisor.cast(Message::CallAgain(job, reply));
    answer.await.unwrap_or_else(|_| Err("the run is being stopped".to_owned()))
}
