//! A small run for tests: four tasks on two streams, with everything that people are told about.

use super::{Board, Standing};
use crate::{
    plan::{
        BackendId, Blueprint, Brief, Criterion, Gate, Level, Means, Node, NodeId, Phase, Phases, ReviewerId, StreamId,
        Task, TestWish,
    },
    run::{
        Breakage, Charter, Code, Counts, Ending, Entry, Event, Evidence, Finding, JobId, Oid, Ran, Red, Rejection,
        Seal, Sealed, Spend, Timestamp, Until, Verified, What,
    },
};

/// 2026-11-21T20:00:00Z.
pub(crate) const EVENING: u64 = 1_795_291_200_000;

pub(crate) const SYSTEM: NodeId = NodeId(10);

pub(crate) fn task(label: &str, title: &str, stream: u16, minutes: u32) -> Node {
    Node::Task(Box::new(Task {
        label: label.into(),
        title: title.into(),
        stream: StreamId(stream),
        minutes,
        phases: Phases::ALL,
        done: false,
        others: std::collections::BTreeMap::new(),
        backend: BackendId(0),
        reviewers: vec![ReviewerId(0)],
        needs: vec![],
        brief: Brief {
            text: "Long text for agents.".into(),
            tests: TestWish::Stated("Test it.".into()),
            line: 1,
            ..Brief::default()
        },
    }))
}

pub(crate) fn gate(label: &str, level: Level, criteria: Vec<(&str, Means)>) -> Node {
    let criteria = criteria.into_iter().map(|(text, means)| Criterion { text: text.into(), line: None, means });
    Node::Gate(Gate { level, label: label.into(), criteria: criteria.collect() })
}

pub(crate) fn blueprint() -> Blueprint {
    let of_task = |label: &str, task| {
        let review = Means::Reviewed { reviewer: ReviewerId(0) };
        gate(label, Level::Task(NodeId(task)), vec![("the tests came first", Means::TestsFirst), ("reviewed", review)])
    };
    let cargo = || Means::Checked { commands: vec!["cargo test".into()] };
    let n = NodeId;
    Blueprint {
        topic: "chat-system".into(),
        title: "Chat system".into(),
        streams: vec![("A".into(), "Database Foundation".into()), ("B".into(), "Real-time".into())],
        backends: vec!["script".into()],
        reviewers: vec![("qa-reviewer".into(), BackendId(0))],
        nodes: vec![
            task("1", "Message Schema", 0, 45),
            task("2", "Room Schema", 0, 15),
            task("3", "PubSub Integration Setup", 1, 120),
            task("4", "Presence", 1, 45),
            of_task("task:1", 0),
            of_task("task:2", 1),
            of_task("task:3", 2),
            of_task("task:4", 3),
            gate("stream:A", Level::Stream(StreamId(0)), vec![("all tests pass", cargo())]),
            gate("stream:B", Level::Stream(StreamId(1)), vec![("all tests pass", cargo())]),
            gate("system", Level::System, vec![("the suite passes", cargo()), ("it feels right", Means::Held)]),
        ],
        edges: vec![
            (n(0), n(4)),
            (n(1), n(5)),
            (n(2), n(6)),
            (n(3), n(7)),
            (n(4), n(2)),
            (n(6), n(3)),
            (n(4), n(8)),
            (n(5), n(8)),
            (n(6), n(9)),
            (n(7), n(9)),
            (n(8), n(10)),
            (n(9), n(10)),
        ],
        ..Blueprint::default()
    }
}

/// Entries in the making: what the supervisor would tell.
pub(crate) struct Teller {
    pub(crate) now: u64,
    seq: u64,
    jobs: u64,
    pub(crate) told: Vec<(Entry, Vec<(NodeId, Standing)>)>,
}

impl Teller {
    pub(crate) fn new() -> Teller {
        Teller { now: EVENING, seq: 0, jobs: 0, told: Vec::new() }
    }

    pub(crate) fn tell(&mut self, event: Event, after: &[(u32, Standing)]) {
        let entry = Entry { seq: self.seq, at: Timestamp(self.now), event };
        self.seq += 1;
        self.told.push((entry, after.iter().map(|(n, s)| (NodeId(*n), s.clone())).collect()));
    }

    pub(crate) fn planned(&mut self, blueprint: Blueprint, after: &[(u32, Standing)]) {
        let charter = Charter {
            run: "r1".into(),
            version: "0.1.0".into(),
            base: Oid::of_number(1),
            head: "main".into(),
            sandbox: "none".into(),
            uncommitted: vec!["src/draft.rs".into()],
            ..Charter::default()
        };
        let (plan, charter) = (blueprint.into(), Box::new(charter));
        self.tell(Event::Planned { plan, policy: Box::default(), tip: Oid::of_number(1), charter }, after);
    }

    pub(crate) fn start(&mut self, node: u32, what: What) -> JobId {
        self.start_on(node, what, None)
    }

    /// A job on another backend than its role's own.
    pub(crate) fn start_on(&mut self, node: u32, what: What, backend: Option<BackendId>) -> JobId {
        self.jobs += 1;
        let job = JobId(self.jobs);
        self.tell(Event::Started { job, node: NodeId(node), what, backend }, &[]);
        job
    }

    pub(crate) fn end(&mut self, job: JobId, ending: Ending, after: &[(u32, Standing)]) {
        self.tell(Event::Ended { job, ending: Box::new(ending), spend: Spend::default() }, after);
    }

    /// A job of so many seconds.
    pub(crate) fn job(&mut self, node: u32, what: What, seconds: u64, ending: Ending, after: &[(u32, Standing)]) {
        let job = self.start(node, what);
        self.now += seconds * 1000;
        self.end(job, ending, after);
    }

    pub(crate) fn board(&self) -> Board {
        let mut board = Board::default();
        for (entry, after) in &self.told {
            board.apply(entry, after);
        }
        board
    }
}

pub(crate) fn ran(command: &str, exit: i32, passed: u32, log: &str) -> Ran {
    let counts = Some(Counts { passed, failed: u32::from(exit != 0), ignored: 0 });
    Ran { command: command.into(), on: Oid::of_number(5), exit, ms: 900, counts, log: log.into() }
}

pub(crate) fn rejected(finding: Finding, log: &str) -> Ending {
    Ending::Rejected(Rejection {
        findings: vec![finding],
        ran: vec![ran("cargo test", 101, 3, log)],
        ..Rejection::default()
    })
}

pub(crate) fn working(phase: Phase) -> Standing {
    Standing::Working { phase, rests: None }
}

fn seen() -> Ending {
    Ending::Passed(Evidence::Seen { ran: vec![] })
}

/// The whole life of a task that does everything right.
pub(crate) fn lands(t: &mut Teller, node: u32, commit: u64, after: &[(u32, Standing)]) {
    let (patch, made) = (Oid::of_number(commit + 1000), Oid::of_number(commit));
    t.job(
        node,
        What::Tests,
        20,
        Ending::Passed(Evidence::Tests { commit: made, told: vec![] }),
        &[(node, working(Phase::Red))],
    );
    let seal = Seal {
        commit: made,
        files: vec![Sealed { path: format!("tests/t{node}.rs").into(), mode: 0o100_644, blob: made }],
        tests: vec![format!("t{node}::works").into(), format!("t{node}::fails_well").into()],
        skipped: vec![],
        ..Seal::default()
    };
    let red = Red { seal, reason: "t::works fails by assertion".into(), ..Red::default() };
    t.job(node, What::Red, 5, Ending::Passed(Evidence::Red(Box::new(red))), &[(node, working(Phase::Implement))]);
    let work = Ending::Passed(Evidence::Work { patch, commit: made, told: vec![] });
    t.job(node, What::Implement, 60, work, &[(node, working(Phase::Verify))]);
    let told = Finding::blocker(Code::TakenOut, "not in scope, and not needed").at("README.md", None);
    let told = if node == 0 { vec![told] } else { vec![] };
    let verified =
        Verified { patch, commit: made, told, ran: vec![ran("cargo test", 0, 4, "v.log")], ..Verified::default() };
    let verified = Ending::Passed(Evidence::Verified(Box::new(verified)));
    t.job(node, What::Verify, 8, verified, &[(node, working(Phase::Review))]);
    let approved = Ending::Passed(Evidence::Approved { findings: vec![], grants: vec![] });
    t.job(node, What::Review(ReviewerId(0)), 10, approved, &[(node, Standing::Merging { rests: None })]);
    t.job(node, What::Build, 0, Ending::Passed(Evidence::Built { commit: made, patch }), &[]);
    t.job(node, What::Prove, 6, seen(), &[]);
    let landed = Ending::Passed(Evidence::Landed { tip: made, notes: vec![] });
    t.job(node, What::Land, 0, landed, &[(node, working(Phase::Handoff))]);
    t.job(node, What::HandOver, 0, seen(), &[(node, Standing::Done)]);
    t.tell(Event::Rested { node: NodeId(node), what: What::Tests }, after);
}

/// An evening: task 1 landed, 2 works on its second try, 3 waits for a closed backend, 4 waits for 3.
pub(crate) fn evening() -> Teller {
    let mut t = Teller::new();
    t.planned(blueprint(), &[(0, working(Phase::Tests)), (1, working(Phase::Tests))]);
    lands(&mut t, 0, 11, &[(4, Standing::Done), (2, working(Phase::Tests))]);
    t.job(
        1,
        What::Tests,
        9,
        Ending::Passed(Evidence::Tests { commit: Oid::of_number(20), told: vec![] }),
        &[(1, working(Phase::Red))],
    );
    let passes = Finding::blocker(
        Code::PassesAlready,
        "the new tests pass before the code exists: \x1b[31mroom::is_made\x1b[0m",
    );
    t.job(1, What::Red, 4, rejected(passes, "jobs/11.log"), &[(1, working(Phase::Tests))]);
    t.start(1, What::Tests);
    let limited = Ending::Deferred { until: Until::At(Timestamp(t.now + 600_000)), why: "rate limit".into() };
    t.job(2, What::Tests, 2, limited, &[]);
    t.now += 41_000;
    t
}

/// The morning after: 2 has failed, 3 and 4 landed, and with 2 the gates behind it are blocked.
pub(crate) fn morning() -> Teller {
    let mut t = evening();
    let fell = Ending::Broke(Breakage::Fell { why: "the agent was ended by signal 9".into(), left: Oid::NONE });
    t.end(JobId(12), fell, &[]);
    t.job(
        1,
        What::Tests,
        9,
        Ending::Passed(Evidence::Tests { commit: Oid::of_number(20), told: vec![] }),
        &[(1, working(Phase::Red))],
    );
    let text =
        "the new tests pass before the code exists: room::is_made\nroom::is_made ... ok\ntest result: ok. 1 passed";
    let why = "failed in red after 2 tries: the new tests pass before the code exists: room::is_made".into();
    t.job(
        1,
        What::Red,
        4,
        rejected(Finding::blocker(Code::PassesAlready, text), "jobs/15.log"),
        &[
            (1, Standing::Failed { phase: Phase::Red, why, shut: Vec::new() }),
            (5, Standing::Blocked),
            (8, Standing::Blocked),
            (10, Standing::Blocked),
        ],
    );
    lands(&mut t, 2, 13, &[(6, Standing::Done), (3, working(Phase::Tests))]);
    lands(&mut t, 3, 14, &[(7, Standing::Done), (9, working(Phase::Judge))]);
    t.job(9, What::Settle(0), 7, seen(), &[(9, Standing::Done)]);
    t
}

/// Everything landed, and the last gate waits for a person.
pub(crate) fn held() -> Teller {
    let mut t = Teller::new();
    t.planned(blueprint(), &[(0, working(Phase::Tests)), (1, working(Phase::Tests))]);
    for (node, after) in [(0, 4), (1, 5), (2, 6), (3, 7)] {
        lands(&mut t, node, u64::from(node) + 11, &[(after, Standing::Done)]);
    }
    for gate in [8, 9] {
        t.job(gate, What::Settle(0), 7, seen(), &[(gate, Standing::Done)]);
    }
    t.job(10, What::Settle(0), 7, seen(), &[(10, Standing::Held { lacks: vec![1] })]);
    t
}
