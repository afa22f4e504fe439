//! A stream actor: parent of the role actors of one stream. Restarts nothing, decides nothing, reports every end.

use super::{
    role::{self, Assignment, Office, Role},
    supervisor::Message,
};
use crate::run::{Breakage, Ending, Event, Job, JobId, Oid, Spend, Timestamp};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

/// Parent of the role actors of one stream, of the gates, or of the merge train.
pub(super) struct Stream;

/// What a stream is told.
pub(super) enum Command {
    /// Have this done, in the span of its task.
    Start {
        /// What.
        job: Box<Job>,
        /// When it was started.
        at: Timestamp,
        /// The span of its task.
        task: tracing::Span,
    },
    /// End it; how it ended is told as always.
    Stop(JobId),
    /// End everything.
    StopAll,
}

/// A stream's state: who is at work.
pub(super) struct AtWork {
    label: String,
    office: Office,
    jobs: HashMap<JobId, (CancellationToken, ActorId)>,
    ids: HashMap<ActorId, JobId>,
}

impl Actor for Stream {
    type Msg = Command;
    type State = AtWork;
    type Arguments = (String, Office);

    async fn pre_start(
        &self,
        _: ActorRef<Command>,
        (label, office): (String, Office),
    ) -> Result<AtWork, ActorProcessingErr> {
        Ok(AtWork { label, office, jobs: HashMap::new(), ids: HashMap::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Command>,
        command: Command,
        state: &mut AtWork,
    ) -> Result<(), ActorProcessingErr> {
        match command {
            Command::Start { job, at, task } => state.start(*job, at, task, myself.get_cell()).await,
            Command::Stop(job) => {
                if let Some((stop, _)) = state.jobs.get(&job) {
                    stop.cancel();
                }
            }
            Command::StopAll => state.jobs.values().for_each(|(stop, _)| stop.cancel()),
        }
        Ok(())
    }

    /// The default would stop the stream with its first child; a child's end is news, and no reason to end.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Command>,
        event: SupervisionEvent,
        state: &mut AtWork,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, ..) => {
                state.gone(cell.get_id());
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some(job) = state.gone(cell.get_id()) {
                    state.fell(job, format!("the {} panicked: {error}", state.label));
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl AtWork {
    async fn start(&mut self, job: Job, at: Timestamp, task: tracing::Span, me: ActorCell) {
        let (id, stop) = (job.id, CancellationToken::new());
        let name = format!("{}/{}/{}/{}", self.office.supervisor.get_id(), self.label, role::name(job.what), id.0);
        let assignment = Assignment { job, at, task, stop: stop.clone(), office: self.office.clone() };
        match Role::spawn_linked(Some(name), Role, assignment, me).await {
            Ok((actor, _)) => {
                self.ids.insert(actor.get_id(), id);
                self.jobs.insert(id, (stop, actor.get_id()));
            }
            Err(error) => self.fell(id, format!("could not be started: {error}")),
        }
    }

    fn gone(&mut self, actor: ActorId) -> Option<JobId> {
        let job = self.ids.remove(&actor)?;
        self.jobs.remove(&job);
        Some(job)
    }

    fn fell(&self, job: JobId, why: String) {
        let ending = Ending::Broke(Breakage::Fell { why: why.into(), left: Oid::NONE });
        let fact = Event::Ended { job, ending: Box::new(ending), spend: Spend::default() };
        let _ = self.office.supervisor.cast(Message::Fact(fact));
    }
}
