//! The actors with a performer that panics: a failed attempt, and never a dead run.

use std::{future::Future, pin::Pin, sync::Arc};
use tidegate::{
    actors::{Charge, End, Failpoint, Watch, conduct},
    journal::{Doorbell, Inbox, Journal, RunId, Runs},
    perform::{Desk, Ended, Performer},
    plan::{BackendId, Blueprint, Brief, Gate, Level, Node, NodeId, Phase, Phases, StreamId, Task},
    run::{
        Charter, Ending, Entry, Event, Evidence, Failure, Job, JobId, Limit, Oid, Outcome, Policy, Run, State,
        Timestamp, What,
    },
};

/// Panics at the first try of node 0, and at every try of node 2.
struct Nervous;

impl Performer for Nervous {
    fn perform(&self, job: Job, _: Desk) -> Pin<Box<dyn Future<Output = Ended> + Send + '_>> {
        Box::pin(async move {
            let is_calm = job.node == NodeId(0) && job.attempt > 1;
            assert!(is_calm || job.what != What::Implement, "the performer lost its nerve");
            let (patch, commit) = (Oid::of_number(7), Oid::of_number(8));
            Ending::Passed(Evidence::Work { patch, commit, told: vec![] }).into()
        })
    }
}

struct Nobody;

impl Watch for Nobody {
    fn turned(&mut self, _: &Run, _: &[Entry], _: &[NodeId]) {}
    fn said(&mut self, _: JobId, _: &str) {}
    fn note(&mut self, _: &str) {}
}

/// Two tasks that hang on nothing, each with its gate.
fn blueprint() -> Blueprint {
    let beyond = [Phase::Tests, Phase::Red, Phase::Verify, Phase::Review, Phase::Merge, Phase::Handoff];
    let phases = beyond.into_iter().fold(Phases::ALL, Phases::without);
    let task = |label: &str| {
        Node::Task(Box::new(Task {
            label: label.into(),
            title: label.into(),
            stream: StreamId(0),
            minutes: 5,
            phases,
            done: false,
            backend: BackendId(0),
            others: std::collections::BTreeMap::new(),
            reviewers: vec![],
            needs: vec![],
            brief: Brief::default(),
        }))
    };
    let gate = |of| Node::Gate(Gate { level: Level::Task(NodeId(of)), label: "g".into(), criteria: vec![] });
    Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: vec!["x".into()],
        nodes: vec![task("1"), gate(0), task("2"), gate(2)],
        edges: vec![(NodeId(0), NodeId(1)), (NodeId(2), NodeId(3))],
        ..Blueprint::default()
    }
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_run_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let id = RunId::new("nervous", Timestamp(1), 1).unwrap();
    let folder = Runs::of(scratch.path()).begin(&id).unwrap();
    let slots = Policy { agents: 2, agents_per_stream: 2, checks: 1, budget: Limit::NONE, ..Policy::default() };
    let policy = Policy { lives: 2, rest_ms: 1, rejections: 3, same_failure: 3, ..slots };
    let planned = Event::Planned {
        plan: blueprint().into(),
        policy: Box::new(policy),
        tip: Oid::of_number(1),
        charter: Box::new(Charter::default()),
    };
    let charge = Charge {
        run: Run::default(),
        journal: Journal::create(&folder, &id, Timestamp(1)).unwrap(),
        inbox: Inbox::open(&folder).unwrap(),
        bell: Doorbell::listen(&folder).unwrap(),
        performer: Arc::new(Nervous),
        watch: Box::new(Nobody),
        failpoint: Failpoint::default(),
        first: vec![planned],
    };
    let (run, end) = conduct(charge).await.unwrap();
    assert!(matches!(end, End::Over(Outcome::Returned { failed: 1, .. })), "{end:?}");
    assert_eq!(run.state(NodeId(0)), State::Done);
    assert_eq!(run.state(NodeId(2)), State::Failed { why: Failure::FellOver { phase: Phase::Implement } });
    assert!(run.failure(NodeId(2)).unwrap().contains("the performer lost its nerve"), "{:?}", run.failure(NodeId(2)));
}
