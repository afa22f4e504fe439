//! The supervisor: sole owner of the run and of its journal, and the only one who knows what time it is for a run.

use super::{
    failpoint::{Failpoint, Point},
    role::Office,
    signal::Signals,
    stream::{Command, Stream},
};
use crate::{
    journal::{Answer, AppendError, Doorbell, Inbox, Journal, Reply, Sent},
    perform::Performer,
    plan::{Node, NodeId, StreamId},
    run::{Effect, Entry, Event, Job, JobId, Misfit, Order, Outcome, Run, Timestamp, Turn, What},
};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent, concurrency::JoinHandle};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;

/// How long the core is not asked at the most: the clock of sleeps stands still while a machine sleeps, the one of deadlines does not.
const LOOK: Duration = Duration::from_secs(60);

/// Sees what happens. May be slow or gone without changing a run: it is told after the append, and must not block.
pub trait Watch: Send + 'static {
    /// A turn was recorded; `run` is the state after it, `moved` the nodes that stand elsewhere than before.
    fn turned(&mut self, run: &Run, entries: &[Entry], moved: &[NodeId]);
    /// An agent said something.
    fn said(&mut self, job: JobId, words: &str);
    /// Something worth a line that is no event.
    fn note(&mut self, words: &str);
}

/// Everything a supervisor is given.
pub struct Charge {
    /// The run: empty, or replayed.
    pub run: Run,
    /// Its journal, with nothing unread in it.
    pub journal: Journal,
    /// Orders from other terminals.
    pub inbox: Inbox,
    /// Rings when there are some.
    pub bell: Doorbell,
    /// Who does the jobs.
    pub performer: Arc<dyn Performer>,
    /// Who looks on.
    pub watch: Box<dyn Watch>,
    /// Where it is made to die, in a crash test.
    pub failpoint: Failpoint,
    /// What it is told first: `Planned`, or `Resumed`.
    pub first: Vec<Event>,
}

/// How it came to an end.
#[derive(Debug)]
pub enum End {
    /// The run says that it is over.
    Over(Outcome),
    /// A person stopped it at once; what ran is done again on resume.
    Halted,
    /// It cannot go on: the journal cannot be written, or a bug.
    Broken(String),
}

/// Conducts a run to its end and gives it back.
///
/// # Errors
/// When signals cannot be heard, or no actor can be started at all.
pub async fn conduct(charge: Charge) -> Result<(Run, End), ConductError> {
    // Before anything begins: a ^C must not end us while the first entries are written.
    let signals = Signals::hear()?;
    let (over, is_over) = oneshot::channel();
    let (supervisor, handle) = Actor::spawn(None, Supervisor, (charge, over)).await?;
    let signals = tokio::spawn(signals.pass_on(supervisor.clone()));
    let ended = is_over.await;
    supervisor.stop(None);
    // Its own end says nothing that `ended` does not say.
    let _ = handle.await;
    signals.abort();
    Ok(ended.unwrap_or_else(|_| (Run::default(), End::Broken("the supervisor fell over".into()))))
}

/// Why a run could not even begin to be conducted.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// Signals cannot be heard.
    #[error("signals cannot be heard")]
    Signals(#[from] std::io::Error),
    /// The supervisor did not start.
    #[error(transparent)]
    Supervisor(#[from] ractor::SpawnErr),
}

/// What the supervisor is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Something happened.
    Fact(Event),
    /// Everything that had arrived is in: decide.
    Turn,
    /// Orders may have come in from another terminal.
    Inbox,
    /// A job would call one more agent: the answer is why it may not.
    CallAgain(JobId, oneshot::Sender<Result<(), String>>),
    /// An agent's last words.
    Said(JobId, String),
    /// Start nothing more; what runs finishes.
    Drain,
    /// Stop everything now.
    Halt,
}

struct Supervisor;

struct Desk {
    run: Run,
    journal: Journal,
    inbox: Inbox,
    watch: Box<dyn Watch>,
    office: Office,
    streams: BTreeMap<Lane, (ActorRef<Command>, tracing::Span)>,
    /// The spans of tasks and gates that have begun and are not over.
    tasks: BTreeMap<NodeId, tracing::Span>,
    pending: Vec<Event>,
    /// Jobs that would call one more agent, and wait to hear whether they may.
    asking: Vec<(JobId, oneshot::Sender<Result<(), String>>)>,
    is_turn_due: bool,
    alarm: Option<JoinHandle<()>>,
    over: Option<oneshot::Sender<(Run, End)>>,
    /// Jobs whose end is awaited before a halt is complete.
    halting: Option<BTreeSet<JobId>>,
    span: tracing::Span,
}

/// Who is asked to have a job done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Stream(StreamId),
    Gates,
    Train,
}

impl Actor for Supervisor {
    type Msg = Message;
    type State = Desk;
    type Arguments = (Charge, oneshot::Sender<(Run, End)>);

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        (charge, over): (Charge, oneshot::Sender<(Run, End)>),
    ) -> Result<Desk, ActorProcessingErr> {
        for event in charge.first {
            myself.cast(Message::Fact(event))?;
        }
        myself.cast(Message::Inbox)?;
        tokio::spawn(answer_the_door(charge.bell, myself.clone()));
        let office = Office {
            plan: Arc::default(),
            performer: charge.performer,
            supervisor: myself,
            failpoint: Arc::new(charge.failpoint),
        };
        let span = tracing::info_span!("tidegate.run", run = tracing::field::Empty, topic = tracing::field::Empty);
        Ok(Desk {
            run: charge.run,
            journal: charge.journal,
            inbox: charge.inbox,
            watch: charge.watch,
            office,
            streams: BTreeMap::new(),
            tasks: BTreeMap::new(),
            pending: Vec::new(),
            asking: Vec::new(),
            is_turn_due: false,
            alarm: None,
            over: Some(over),
            halting: None,
            span,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        if desk.over.is_none() {
            return Ok(());
        }
        match message {
            Message::Said(job, words) => desk.watch.said(job, &words),
            Message::Fact(event) if desk.halting.is_some() => desk.one_less(event),
            Message::Fact(event) => {
                desk.pending.push(event);
                desk.turn_soon(&myself);
            }
            // Who asks while everything is stopped hears that nobody answers any more.
            Message::CallAgain(..) if desk.halting.is_some() => {}
            Message::CallAgain(job, reply) => {
                desk.asking.push((job, reply));
                desk.turn_soon(&myself);
            }
            Message::Turn => {
                desk.is_turn_due = false;
                if desk.halting.is_none() {
                    desk.turn(&myself, Vec::new()).await;
                }
            }
            Message::Inbox if desk.halting.is_none() => desk.take_orders(&myself).await,
            Message::Inbox => {}
            Message::Drain => {
                desk.watch.note("draining: nothing new starts, what runs finishes; ^C again stops it at once");
                desk.pending.push(Event::Ordered(Order::Pause));
                desk.turn_soon(&myself);
            }
            Message::Halt => desk.halt(),
        }
        Ok(())
    }

    /// The default would end the run with the first stream that ends; a stream that falls over takes its jobs with it, so
    /// that the run cannot go on: it stops, and a resume does them again.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        event: SupervisionEvent,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(cell, error) = event {
            desk.finish(End::Broken(format!("{} fell over: {error}", cell.get_name().unwrap_or_default())));
        }
        Ok(())
    }

    async fn post_stop(&self, myself: ActorRef<Message>, _: &mut Desk) -> Result<(), ActorProcessingErr> {
        myself.stop_children_and_wait(None, None).await;
        Ok(())
    }
}

impl Desk {
    fn turn_soon(&mut self, myself: &ActorRef<Message>) {
        if !std::mem::replace(&mut self.is_turn_due, true) {
            // A supervisor that cannot reach itself is being stopped.
            let _ = myself.cast(Message::Turn);
        }
    }

    /// One turn: decide, remember, and only then act. Orders and wishes come one by one, so that each gets its own answer.
    async fn turn(&mut self, myself: &ActorRef<Message>, orders: Vec<Sent>) {
        let facts = std::mem::take(&mut self.pending);
        let now = now();
        let mut turn = match self.run.turn(now, facts) {
            Ok(turn) => turn,
            Err(misfit) => return self.finish(bug(&misfit)),
        };
        self.tell_dropped(&turn);
        let mut granted = Vec::new();
        for (job, reply) in std::mem::take(&mut self.asking) {
            match self.one_more(now, Event::CalledAgain { job }, &mut turn) {
                Ok(answer) => granted.push((reply, answer)),
                Err(misfit) => return self.finish(bug(&misfit)),
            }
        }
        let mut answers = Vec::new();
        for Sent { id, order, .. } in orders {
            let taken = match order {
                Ok(order) => match self.one_more(now, Event::Ordered(order), &mut turn) {
                    Ok(taken) => taken,
                    Err(misfit) => return self.finish(bug(&misfit)),
                },
                Err(unknown) => Err(format!("this version does not know the order: {unknown}")),
            };
            answers.push(match taken {
                Ok(()) => Answer { id, reply: Reply::Taken, text: String::new() },
                Err(text) => Answer { id, reply: Reply::Refused, text },
            });
        }
        if let Err(fault) = self.remember(&turn, &answers) {
            return self.finish(End::Broken(fault.to_string()));
        }
        for (reply, answer) in granted {
            // A job that has ended meanwhile does not wait for it.
            let _ = reply.send(answer);
        }
        self.watch.turned(&self.run, &turn.entries, &turn.moved);
        self.renew_office(&turn.entries);
        for node in &turn.moved {
            let state = self.run.state(*node);
            if state.is_met() || state.is_dead() {
                self.tasks.remove(node);
            }
        }
        for effect in turn.effects {
            self.act(effect, myself).await;
        }
        match self.run.outcome() {
            Some(outcome) => self.finish(End::Over(outcome)),
            None => self.set_alarm(myself),
        }
    }

    /// One more event in this turn, and what is answered to whoever wishes it: why it was refused.
    fn one_more(&mut self, now: Timestamp, event: Event, turn: &mut Turn) -> Result<Result<(), String>, Misfit> {
        let next = self.run.turn(now, [event])?;
        turn.entries.extend(next.entries);
        turn.effects.extend(next.effects);
        turn.moved.extend(next.moved);
        Ok(next.dropped.first().map_or(Ok(()), |misfit| Err(misfit.words(self.run.plan()))))
    }

    /// One transaction for all that came in together.
    fn remember(&mut self, turn: &Turn, answers: &[Answer]) -> Result<(), AppendError> {
        if turn.entries.is_empty() && answers.is_empty() {
            return Ok(());
        }
        self.office.failpoint.pass(Point::BeforeAppend);
        self.journal.append_answering(&turn.entries, answers)?;
        self.office.failpoint.pass(Point::AfterAppend);
        Ok(())
    }

    fn tell_dropped(&mut self, turn: &Turn) {
        for misfit in &turn.dropped {
            match misfit {
                Misfit::Stale(job) => tracing::debug!(job = job.0, "a late fact was dropped"),
                Misfit::Refused(_) => self.watch.note(&misfit.words(self.run.plan())),
                Misfit::Wrong(event) => tracing::error!(?event, "a fact that fits no state was dropped"),
            }
        }
    }

    /// The plan comes with the first entry and may grow with later ones.
    fn renew_office(&mut self, entries: &[Entry]) {
        let is_new = entries.iter().any(|e| matches!(e.event, Event::Planned { .. } | Event::Replanned(_)));
        if is_new || self.office.plan.is_empty() {
            self.office.plan = self.run.shared_plan();
            self.span.record("run", &*self.run.charter().run);
            self.span.record("topic", &*self.run.plan().blueprint().topic);
        }
    }

    async fn act(&mut self, effect: Effect, myself: &ActorRef<Message>) {
        match effect {
            Effect::Start(job) => {
                let lane = self.lane(&job);
                let (id, at) = (job.id, self.run.now());
                if let Some((stream, span)) = self.stream(lane, myself).await {
                    let task = self.task_span(&job, &span);
                    if stream.cast(Command::Start { job, at, task }).is_err() {
                        tracing::error!(job = id.0, "a stream is gone");
                    }
                }
            }
            Effect::Stop(job) => {
                self.office.failpoint.pass(Point::BeforeStop);
                // Whoever has the job stops it; to the others its id says nothing.
                self.streams.values().for_each(|(stream, _)| drop(stream.cast(Command::Stop(job))));
                self.office.failpoint.pass(Point::AfterStop);
            }
        }
    }

    fn lane(&self, job: &Job) -> Lane {
        match (job.what, self.run.plan().node(job.node)) {
            (What::Build | What::Prove | What::Land | What::HandOver, _) => Lane::Train,
            (_, Node::Task(task)) => Lane::Stream(task.stream),
            (_, Node::Gate(_)) => Lane::Gates,
        }
    }

    /// The span of a job's task or gate: from its first job to its end.
    fn task_span(&mut self, job: &Job, stream: &tracing::Span) -> tracing::Span {
        let label = self.run.plan().node(job.node).label();
        let open =
            || tracing::info_span!(parent: stream, "tidegate.task", task = label, stream = tracing::field::Empty);
        self.tasks.entry(job.node).or_insert_with(open).clone()
    }

    async fn stream(&mut self, lane: Lane, myself: &ActorRef<Message>) -> Option<(ActorRef<Command>, tracing::Span)> {
        if let Some(stream) = self.streams.get(&lane) {
            return Some(stream.clone());
        }
        let label = match lane {
            Lane::Stream(id) => self.run.plan().blueprint().streams[usize::from(id.0)].0.to_string(),
            Lane::Gates => "gates".to_owned(),
            Lane::Train => "train".to_owned(),
        };
        let span = tracing::info_span!(parent: &self.span, "tidegate.stream", stream = label);
        let name = format!("{}/{label}", myself.get_id());
        match Stream::spawn_linked(Some(name), Stream, (label, self.office.clone()), myself.get_cell()).await {
            Ok((actor, _)) => {
                self.streams.insert(lane, (actor.clone(), span.clone()));
                Some((actor, span))
            }
            Err(error) => {
                self.finish(End::Broken(format!("a stream actor could not be started: {error}")));
                None
            }
        }
    }

    /// Orders from other terminals, in the order in which they came.
    async fn take_orders(&mut self, myself: &ActorRef<Message>) {
        match self.inbox.pending() {
            Ok(orders) if orders.is_empty() => {}
            Ok(orders) => self.turn(myself, orders).await,
            Err(fault) => self.finish(End::Broken(fault.to_string())),
        }
    }

    /// Looks again when the core wants to, though nothing happened.
    fn set_alarm(&mut self, myself: &ActorRef<Message>) {
        if let Some(alarm) = self.alarm.take() {
            alarm.abort();
        }
        if let Some(deadline) = self.run.deadline() {
            let wait = Duration::from_millis(deadline.0.saturating_sub(now().0)).min(LOOK);
            let me = myself.clone();
            self.alarm = Some(tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let _ = me.cast(Message::Turn);
            }));
        }
    }

    /// But for what was spent, nothing is recorded from here on: to the journal it is as if the process had died, only that everybody is
    /// asked to go.
    fn halt(&mut self) {
        if self.halting.is_some() {
            return;
        }
        self.watch.note("stopping: everything that runs is ended; the same command goes on from here");
        let mut left: BTreeSet<JobId> = self.run.jobs().map(|job| job.id).collect();
        // What has told its end and was not yet decided upon tells it no more.
        for event in &self.pending {
            forget(&mut left, event);
        }
        self.halting = Some(left);
        self.asking.clear();
        self.streams.values().for_each(|(stream, _)| drop(stream.cast(Command::StopAll)));
        self.finish_halt();
    }

    fn one_less(&mut self, event: Event) {
        if let Some(left) = &mut self.halting {
            forget(left, &event);
        }
        self.pending.push(event);
        self.finish_halt();
    }

    fn finish_halt(&mut self) {
        if self.halting.as_ref().is_none_or(|left| !left.is_empty()) {
            return;
        }
        let bills = std::mem::take(&mut self.pending).into_iter().filter_map(bill);
        let turn = self.run.take_in(now(), bills);
        self.tell_dropped(&turn);
        match self.remember(&turn, &[]) {
            Ok(()) => {
                self.watch.turned(&self.run, &turn.entries, &turn.moved);
                self.finish(End::Halted);
            }
            Err(fault) => self.finish(End::Broken(fault.to_string())),
        }
    }

    fn finish(&mut self, end: End) {
        if let Some(alarm) = self.alarm.take() {
            alarm.abort();
        }
        if let Some(over) = self.over.take() {
            // Nobody waits when the whole program is on its way out.
            let _ = over.send((std::mem::take(&mut self.run), end));
        }
    }
}

async fn answer_the_door(bell: Doorbell, supervisor: ActorRef<Message>) {
    while bell.rung().await.is_ok() {
        if supervisor.cast(Message::Inbox).is_err() {
            break;
        }
    }
}

/// Whose end is told is awaited no more.
fn forget(left: &mut BTreeSet<JobId>, event: &Event) {
    if let Event::Ended { job, .. } = event {
        left.remove(job);
    }
}

/// What an event says of what was spent.
fn bill(event: Event) -> Option<Event> {
    match event {
        Event::Spent { .. } => Some(event),
        Event::Ended { job, spend, .. } if !spend.is_nothing() => Some(Event::Spent { job, spend, talk: None }),
        _ => None,
    }
}

fn bug(misfit: &Misfit) -> End {
    End::Broken(format!("a decision does not fit the state it was made from; this is a bug: {misfit:?}"))
}

fn now() -> Timestamp {
    let millis = jiff::Timestamp::now().as_millisecond();
    Timestamp(u64::try_from(millis).unwrap_or(0))
}
