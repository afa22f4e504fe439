//! How many entries a second the core turns, how fast it replays, and what it weighs. To know that it is not the bottleneck.

#[path = "peers/passing.rs"]
mod passing;

use passing::passed;
use std::{collections::BTreeMap, time::Instant};
use tidegate::{
    plan::{
        BackendId, Blueprint, Brief, Criterion, Gate, Level, Means, Node, NodeId, Phases, Plan, ReviewerId, StreamId,
        Task,
    },
    run::{Charter, Effect, Entry, Event, Grant, Limit, Oid, Outcome, Policy, Run, Rung, Spend, Timestamp},
};

fn main() {
    match std::env::args().skip(1).find_map(|n| n.parse().ok()) {
        Some(tasks) => measure(tasks),
        None => {
            println!("| tasks | entries | turns | plan | run | entries/s | replay | run state | + journal in memory |");
            println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
            // A process a size, so that one size's memory is not the next one's.
            let me = std::env::current_exe().expect("this program has a path");
            for tasks in ["1000", "10000", "100000"] {
                let done = std::process::Command::new(&me).arg(tasks).status();
                assert!(done.is_ok_and(|status| status.success()), "{tasks} tasks failed");
            }
        }
    }
}

fn measure(tasks: u32) {
    let planned = planned(tasks);
    let Event::Planned { plan, .. } = &planned else { return };
    let draft = (**plan).clone();
    let started = Instant::now();
    let built = Plan::build(draft).map(|plan| plan.len());
    let planning = started.elapsed();
    assert_eq!(built, Ok(2 * tasks as usize));
    let before = resident();
    let (mut run, _, _) = drive(&planned, false);
    let weight = peak() - before;
    assert_eq!(run.outcome(), Some(Outcome::Done));
    let started = Instant::now();
    let (live, journal, turns) = drive(&planned, true);
    let ran = started.elapsed();
    let started = Instant::now();
    run = Run::default();
    for entry in &journal {
        run.apply(entry).expect("a journal replays");
    }
    let replayed = started.elapsed();
    assert!(run == live, "replay differs from life");
    println!(
        "| {tasks} | {} | {turns} | {planning:.0?} | {ran:.0?} | {:.2} million | {replayed:.0?} | {weight} MiB | {} MiB |",
        journal.len(),
        journal.len() as f64 / ran.as_secs_f64() / 1e6,
        peak() - before,
    );
}

/// Layers of about 64 tasks over four streams, each task on two of those before it.
fn planned(tasks: u32) -> Event {
    let node = |i: u32| {
        Node::Task(Box::new(Task {
            label: i.to_string().into(),
            title: "t".into(),
            done: false,
            stream: StreamId((i % 4) as u16),
            minutes: 1 + i % 90,
            phases: Phases::ALL,
            backend: BackendId((i % 2) as u16),
            others: BTreeMap::new(),
            reviewers: vec![ReviewerId(0)],
            needs: Vec::new(),
            brief: Brief::default(),
        }))
    };
    let gate = |i: u32| {
        let means = [Means::TestsFirst, Means::Green, Means::Scope, Means::Reviewed { reviewer: ReviewerId(0) }];
        let criteria = means.map(|means| Criterion { text: "c".into(), line: None, means }).to_vec();
        Node::Gate(Gate { level: Level::Task(NodeId(i)), label: "g".into(), criteria })
    };
    let mut edges: Vec<_> = (0..tasks).map(|i| (NodeId(i), NodeId(tasks + i))).collect();
    for i in 64..tasks {
        edges.push((NodeId(tasks + i - 64), NodeId(i)));
        edges.push((NodeId(tasks + i - 1 - (i % 63)), NodeId(i)));
    }
    let plan = Blueprint {
        streams: ["a", "b", "c", "d"].map(|label| (label.into(), label.into())).to_vec(),
        backends: ["x", "y"].map(Into::into).to_vec(),
        reviewers: vec![("r".into(), BackendId(1))],
        resources: Vec::new(),
        nodes: (0..tasks).map(node).chain((0..tasks).map(gate)).collect(),
        edges,
        ..Blueprint::default()
    };
    let policy = Policy {
        agents: 32,
        agents_per_stream: 8,
        agents_per_backend: BTreeMap::new(),
        checks: 8,
        window: 3,
        window_min: 1,
        window_max: 8,
        same_failure: 3,
        rejections: 5,
        ladder: vec![Rung::Consulted, Rung::Advised],
        lives: 3,
        rest_ms: 1,
        budget: Limit::NONE,
        grant: Grant {
            writing: Spend { micros: 100, input: 100, ..Spend::default() },
            reading: Spend { micros: 10, input: 10, ..Spend::default() },
        },
        stop_at: None,
        only: vec![],
    };
    Event::Planned {
        plan: plan.into(),
        policy: Box::new(policy),
        tip: Oid::of_number(1),
        charter: Box::new(Charter::default()),
    }
}

/// Everything passes at once: nothing is measured but the core.
fn drive(planned: &Event, keep: bool) -> (Run, Vec<Entry>, u64) {
    let (mut run, mut facts, mut journal, mut turns) = (Run::default(), vec![planned.clone()], Vec::new(), 0);
    while run.outcome().is_none() {
        let turn = run.turn(Timestamp(turns), facts.drain(..)).expect("decisions fit");
        turns += 1;
        for effect in turn.effects {
            if let Effect::Start(job) = effect {
                facts.push(passed(&job));
            }
        }
        if keep {
            journal.extend(turn.entries);
        }
    }
    (run, journal, turns)
}

fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn resident() -> u64 {
    status("VmRSS")
}

fn peak() -> u64 {
    status("VmHWM")
}
