//! What the board shows, told as stories.

use super::{sample::*, *};
use crate::run::{Ending, Entry, Event, Evidence, Oid, Order};

fn last(board: &Board) -> &str {
    board.latest().last().map_or("", |news| &news.text)
}

#[test]
fn an_evening_is_seen_as_it_is() {
    let t = evening();
    let (board, now) = (t.board(), Timestamp(t.now));
    let of = |n| board.words(NodeId(n), now);
    assert_eq!(of(0), "done");
    assert_eq!(of(1), "writes tests (try 2), 43s");
    assert_eq!(of(2), "ready for tests");
    assert_eq!(of(3), "waits for 3", "a gate of a task is told as the task");
    assert_eq!(of(10), "waits for stream:A, stream:B");
    let tasks = board.tasks();
    assert_eq!((tasks.total, tasks.met(), tasks.working, tasks.waiting, tasks.percent()), (4, 1, 2, 1, 25));
    let a = &board.streams()[0];
    assert_eq!((a.tasks.total, a.tasks.met(), a.running, a.gate), (2, 1, 1, Some(NodeId(8))));
    assert_eq!(board.retries(), 1);
    assert_eq!(board.landings().len(), 1);
    let closed: Vec<_> = board.closed().collect();
    assert_eq!((closed[0].0, closed[0].2), ("script", "rate limit"));
    assert_eq!(board.remarks()[0].finding.file.as_deref(), Some("README.md"));
}

#[test]
fn what_is_left_of_the_critical_path_shrinks_with_time_and_with_landings() {
    let mut t = Teller::new();
    t.planned(blueprint(), &[(0, working(crate::plan::Phase::Tests)), (1, working(crate::plan::Phase::Tests))]);
    assert_eq!(t.board().minutes_left(Timestamp(t.now)), 45 + 120 + 45);
    t.start(0, What::Tests);
    let board = t.board();
    assert_eq!(board.minutes_left(Timestamp(t.now + 10 * 60_000)), 200);
    assert_eq!(board.minutes_left(Timestamp(t.now + 999 * 60_000)), 165, "never less than what is behind it");
    let (t, board) = (evening(), evening().board());
    assert_eq!(board.minutes_left(Timestamp(t.now)), 165);
    assert_eq!(board.bottleneck(), Some(NodeId(2)));
    assert_eq!(board.impact(NodeId(2)), (1, 2));
}

#[test]
fn who_has_what_a_ready_task_needs_is_told() {
    let mut blueprint = blueprint();
    blueprint.resources = vec![("port:4000".into(), Hold::Job), ("src/lib.rs".into(), Hold::Task)];
    for (at, need) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        if let Node::Task(task) = &mut blueprint.nodes[at] {
            task.needs = vec![ResourceId(need)];
        }
    }
    let ready = |n| (n, working(crate::plan::Phase::Implement));
    let mut t = Teller::new();
    t.planned(blueprint, &[ready(0), ready(1), ready(2), ready(3)]);
    let (port, file) = (t.start(0, What::Implement), t.start(2, What::Implement));
    let of = |t: &Teller, n| t.board().words(NodeId(n), Timestamp(t.now));
    assert_eq!(of(&t, 1), "waits for port:4000, which task 1 has");
    assert_eq!(of(&t, 3), "waits for src/lib.rs, which task 3 has");
    let over = || Ending::Passed(Evidence::Work { patch: Oid::of_number(1), commit: Oid::of_number(2), told: vec![] });
    t.end(port, over(), &[]);
    t.end(file, over(), &[(2, Standing::Merging { rests: None })]);
    assert_eq!((&*of(&t, 1), &*of(&t, 3)), ("ready for implement", "waits for src/lib.rs, which task 3 has"));
    t.tell(Event::TimeUp, &[(2, Standing::Done)]);
    assert_eq!(of(&t, 3), "ready for implement");
}

#[test]
fn a_failure_is_told_with_what_it_blocks_and_only_that() {
    let board = morning().board();
    let culprits = board.culprits();
    assert_eq!(culprits.keys().copied().collect::<Vec<_>>(), [NodeId(5), NodeId(8), NodeId(10)]);
    assert_eq!(culprits[&NodeId(10)], [NodeId(1)]);
    assert_eq!(board.stuck().collect::<Vec<_>>(), [NodeId(1)]);
    let story = board.card(NodeId(1)).story().unwrap();
    assert_eq!((story.findings.len(), &*story.ran[0].log), (1, "jobs/15.log"));
    assert_eq!(board.tasks().failed, 1);
    assert_eq!(board.retries(), 1, "a crash is no new try");
}

#[test]
fn a_gate_shows_which_criteria_are_proven_and_which_wait_for_a_person() {
    let mut t = held();
    let marks = |board: &Board, n| board.criteria(NodeId(n)).iter().map(|s| s.mark).collect::<Vec<_>>();
    assert_eq!(marks(&t.board(), 10), [Mark::Proven, Mark::Asked]);
    assert_eq!(marks(&t.board(), 0), [Mark::Proven, Mark::Proven], "a task shows the criteria of its gate");
    assert_eq!(last(&t.board()), "held, waits for your word: it feels right");
    t.tell(Event::Ordered(Order::Approve { gate: SYSTEM, criterion: 1 }), &[(10, Standing::Done)]);
    assert_eq!(marks(&t.board(), 10), [Mark::Proven, Mark::Approved]);
    assert_eq!(t.board().gates().percent(), 100);
}

#[test]
fn after_a_crash_nothing_runs_until_it_is_started_again() {
    let mut t = evening();
    t.tell(Event::Resumed { policy: None }, &[]);
    let board = t.board();
    assert_eq!((board.running().count(), board.streams()[0].running), (0, 0));
    assert_eq!(board.words(NodeId(1), board.now()), "ready for tests");
}

#[test]
fn a_replay_shows_the_same_as_the_life_did() {
    let t = morning();
    let (life, mut replay) = (t.board(), Board::default());
    for (entry, _) in &t.told {
        replay.apply(entry, &[]);
    }
    let after: Vec<_> = life.plan().ids().map(|n| (n, life.standing(n).clone())).collect();
    replay.stand(&after);
    assert_eq!((life.tasks(), life.gates(), life.retries()), (replay.tasks(), replay.gates(), replay.retries()));
    for node in life.plan().ids() {
        assert_eq!(life.words(node, life.now()), replay.words(node, replay.now()));
    }
}

#[test]
fn the_sentences_of_a_run_are_plain() {
    let mut board = Board::default();
    let mut lines = String::new();
    for (entry, after) in &morning().told {
        for news in board.apply(entry, after) {
            lines.push_str(&format!("{:?} {} {}: {}\n", news.tone, news.stream, news.label, news.text));
        }
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn foreign_entries_are_no_panic() {
    let mut board = Board::default();
    let job = JobId(7);
    let entry = |event| Entry { seq: 1, at: Timestamp(1), event };
    board.apply(
        &entry(Event::Started { job, node: NodeId(9), what: What::Tests, backend: None }),
        &[(NodeId(9), Standing::Done)],
    );
    board.apply(&entry(Event::StopAsked { job }), &[]);
    board.apply(&entry(Event::Ordered(Order::Approve { gate: NodeId(9), criterion: 9 })), &[]);
    assert_eq!(board.running().count(), 0);
    assert_eq!(board.label(NodeId(9)), "?");
    let t = held();
    let mut twice = t.board();
    for (entry, after) in &t.told {
        twice.apply(entry, after);
    }
    assert_eq!((twice.tasks(), twice.landings().len()), (t.board().tasks(), 4), "a second plan begins anew");
}

#[test]
fn an_entry_costs_what_it_changes() {
    let count = 20_000u32;
    let blueprint = crate::plan::Blueprint {
        nodes: (0..count).map(|n| task(&n.to_string(), "T", 0, 5)).collect(),
        edges: (1..count).map(|n| (NodeId(n - 1), NodeId(n))).collect(),
        ..blueprint()
    };
    let mut t = Teller::new();
    t.planned(blueprint, &[]);
    let began = std::time::Instant::now();
    for n in 0..count {
        t.job(
            n,
            What::Implement,
            1,
            rejected(crate::run::Finding::blocker(Code::Failed, "no"), "l"),
            &[(n, Standing::Done)],
        );
    }
    let mut board = t.board();
    assert_eq!(board.tasks().percent(), 100);
    // A look at the plan an entry would be 20,000 x 20,000 steps: minutes. The bound only tells linear from quadratic.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    board.apply(&Entry { seq: 0, at: Timestamp(0), event: Event::TimeUp }, &[]);
    assert_eq!(board.pace(), Pace::TimeUp);
}

#[test]
fn what_a_fallback_did_is_known_and_what_it_did_not_bring_about_is_not() {
    let (own, other) = (BackendId(1), BackendId(2));
    let mut plan = blueprint();
    plan.backends.extend(["codex".into(), "gemini".into()]);
    plan.fallbacks = vec![(Role::Implementation, own, other)];
    for node in &mut plan.nodes {
        if let Node::Task(task) = node {
            task.backend = own;
        }
    }
    let mut t = Teller::new();
    t.planned(plan, &[]);
    let work = || {
        let (patch, commit) = (Oid::of_number(5), Oid::of_number(6));
        Ending::Passed(Evidence::Work { patch, commit, told: Vec::new() })
    };
    t.job(0, What::Implement, 1, work(), &[]);
    for (node, ending) in [
        (1, work()),
        (2, work()),
        (3, Ending::Broke(crate::run::Breakage::Fell { why: "it fell".into(), left: Oid::NONE })),
    ] {
        let job = t.start_on(node, What::Implement, Some(other));
        t.end(job, ending, &[]);
    }
    let board = t.board();
    let detours: Vec<_> = board.detours().collect();
    let nodes = [NodeId(1), NodeId(2)].into();
    assert_eq!(detours, [(Role::Implementation, "codex", "gemini", &nodes)]);
}
