//! A run to be told about, step by step, and the words to tell with.

use std::{collections::BTreeMap, sync::Arc};
use tidegate::{
    plan::{
        BackendId, Blueprint, Brief, Criterion, Gate, Hold, Level, Means, Node, NodeId, Phase, Phases, ReviewerId,
        Role, StreamId, Task,
    },
    run::{
        Breakage, Charter, Code, Effect, Ending, Event, Evidence, Finding, Grant, Job, Limit, Oid, Order, Policy, Red,
        Refusal, Rejection, Run, Rung, Seal, Sheet, Spend, State, Subject, Timestamp, Until, Verified, What,
    },
};

pub fn oid(number: u64) -> Oid {
    Oid::of_number(number)
}

pub fn task(stream: u16, minutes: u32) -> Task {
    Task {
        label: "t".into(),
        title: "t".into(),
        stream: StreamId(stream),
        minutes,
        phases: Phases::ALL.without(Phase::Tests).without(Phase::Red).without(Phase::Verify),
        done: false,
        backend: BackendId(0),
        others: BTreeMap::from([(Role::Expert, BackendId(1)), (Role::Coordinator, BackendId(1))]),
        reviewers: vec![ReviewerId(0), ReviewerId(1)],
        needs: vec![],
        brief: Brief::default(),
    }
}

pub fn alone() -> Task {
    Task { reviewers: vec![], ..task(0, 5) }
}

pub fn full() -> Task {
    Task { phases: Phases::ALL, ..task(0, 5) }
}

pub fn gate(level: Level, means: impl IntoIterator<Item = Means>) -> Node {
    let criteria = means.into_iter().map(|means| Criterion { text: "words".into(), line: None, means }).collect();
    Node::Gate(Gate { level, label: "g".into(), criteria })
}

pub fn node(task: Task) -> Node {
    Node::Task(Box::new(task))
}

pub fn checked() -> Means {
    Means::Checked { commands: vec!["true".into()] }
}

pub fn policy() -> Policy {
    Policy {
        agents: 2,
        agents_per_stream: 2,
        agents_per_backend: BTreeMap::new(),
        checks: 2,
        window: 3,
        window_min: 1,
        window_max: 8,
        same_failure: 3,
        rejections: 5,
        ladder: vec![Rung::Consulted, Rung::Advised],
        lives: 3,
        rest_ms: 10,
        budget: Limit::NONE,
        grant: Grant {
            writing: Spend { micros: 10, ..Spend::default() },
            reading: Spend { micros: 1, ..Spend::default() },
        },
        stop_at: None,
        only: vec![],
    }
}

/// A run, its clock, and the jobs that were started and have not ended.
pub struct Story {
    pub run: Run,
    pub now: u64,
    pub open: Vec<Job>,
}

impl Story {
    pub fn new(nodes: Vec<Node>, edges: &[(u32, u32)], policy: Policy) -> Story {
        let plan = Blueprint {
            streams: vec![("A".into(), "a".into()), ("B".into(), "b".into())],
            backends: vec!["x".into(), "y".into()],
            reviewers: vec![("r".into(), BackendId(1)), ("q".into(), BackendId(1))],
            resources: vec![("port:4000".into(), Hold::Job), ("src/lib.rs".into(), Hold::Task)],
            nodes,
            edges: edges.iter().map(|&(a, b)| (NodeId(a), NodeId(b))).collect(),
            ..Blueprint::default()
        };
        Story::of(plan, policy)
    }

    pub fn of(plan: Blueprint, policy: Policy) -> Story {
        let mut story = Story { run: Run::default(), now: 0, open: vec![] };
        story.tell(Event::Planned {
            plan: plan.into(),
            policy: Box::new(policy),
            tip: oid(1),
            charter: Box::new(Charter::default()),
        });
        story
    }

    /// A task 0 with its gate 1, and a task 2 behind it.
    pub fn gated(task: Task, means: impl IntoIterator<Item = Means>) -> Story {
        Story::new(vec![node(task), gate(Level::Task(NodeId(0)), means), node(alone())], &[(0, 1), (1, 2)], policy())
    }

    pub fn tell(&mut self, fact: Event) {
        assert_eq!(self.try_tell(fact), []);
    }

    pub fn try_tell(&mut self, fact: Event) -> Vec<tidegate::run::Misfit> {
        self.now += 1;
        let turn = self.run.turn(Timestamp(self.now), [fact]).expect("decisions fit");
        self.run.check();
        self.open.extend(turn.effects.into_iter().filter_map(|e| match e {
            Effect::Start(job) => Some(*job),
            Effect::Stop(_) => None,
        }));
        turn.dropped
    }

    pub fn order(&mut self, order: Order) {
        self.tell(Event::Ordered(order));
    }

    pub fn refused(&mut self, order: Order) -> Refusal {
        match self.try_tell(Event::Ordered(order)).pop() {
            Some(tidegate::run::Misfit::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub fn running(&self) -> Vec<(u32, What)> {
        self.open.iter().map(|j| (j.node.0, j.what)).collect()
    }

    pub fn job(&self, node: u32, what: What) -> &Job {
        let job = self.open.iter().find(|j| (j.node.0, j.what) == (node, what));
        job.unwrap_or_else(|| panic!("{what:?} of {node} does not run: {:?}", self.running()))
    }

    pub fn end(&mut self, node: u32, what: What, ending: Ending) {
        let id = self.job(node, what).id;
        self.open.retain(|job| job.id != id);
        self.tell(Event::Ended { job: id, ending: Box::new(ending), spend: Spend::default() });
    }

    pub fn pass(&mut self, node: u32, what: What) {
        self.end(node, what, self.proof(node, what));
    }

    /// What a job that is good brings.
    pub fn proof(&self, node: u32, what: What) -> Ending {
        let on = self.job(node, what).on;
        let n = u64::from(node);
        let evidence = match (what, on) {
            (What::Tests, _) => Evidence::Tests { commit: oid(100 + n), told: vec![] },
            (What::Red, _) => {
                let seal = Seal { commit: oid(200 + n), ..Seal::default() };
                Evidence::Red(Box::new(Red { seal, ..Red::default() }))
            }
            (What::Implement, _) => Evidence::Work { patch: oid(1000 + n), commit: oid(5000 + n), told: vec![] },
            (What::Verify, Subject::Patch { patch, commit }) => {
                Evidence::Verified(Box::new(Verified { patch, commit, ..Verified::default() }))
            }
            (What::Review(_), _) => Evidence::Approved { findings: vec![], grants: vec![] },
            (What::Build, Subject::Onto { patch, .. }) => Evidence::Built { commit: oid(2000 + n), patch },
            (What::Land, Subject::Candidate { commit, .. }) => Evidence::Landed { tip: commit, notes: vec![] },
            (What::Consult | What::Advise, _) => Evidence::Advice { findings: vec![finding("try it so")] },
            _ => Evidence::Seen { ran: vec![] },
        };
        Ending::Passed(evidence)
    }

    pub fn pass_all(&mut self, node: u32, whats: &[What]) {
        for &what in whats {
            self.pass(node, what);
        }
    }

    pub fn verify(&mut self, node: u32, verified: Verified) {
        self.end(node, What::Verify, Ending::Passed(Evidence::Verified(Box::new(verified))));
    }

    pub fn rest(&mut self) {
        self.now = self.run.deadline().map_or(self.now, |at| at.0);
        self.order(Order::Go);
    }

    pub fn state(&self, node: u32) -> State {
        self.run.state(NodeId(node))
    }

    pub fn sheet(&self, node: u32) -> Arc<Sheet> {
        self.run.life(NodeId(node)).sheet.clone()
    }

    pub fn words(&self, node: u32) -> Vec<String> {
        self.run.why(NodeId(node)).iter().map(|why| why.words(self.run.plan())).collect()
    }
}

pub fn with(findings: Vec<Finding>) -> Ending {
    Ending::Rejected(Rejection { findings, ..Rejection::default() })
}

pub fn finding(text: &str) -> Finding {
    Finding::blocker(Code::CheckFails, text)
}

pub fn rejected() -> Ending {
    with(vec![finding("no")])
}

pub fn fell() -> Ending {
    Ending::Broke(Breakage::Fell { why: "no answer".into(), left: Oid::NONE })
}

pub fn deferred(until: u64) -> Ending {
    Ending::Deferred { until: Until::At(Timestamp(until)), why: "later".into() }
}

pub const TO_LAND: [What; 3] = [What::Build, What::Prove, What::Land];
pub const R0: What = What::Review(ReviewerId(0));
pub const R1: What = What::Review(ReviewerId(1));
