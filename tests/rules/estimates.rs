//! Estimates are scaled by what was observed, and that makes no run longer.

use super::story::*;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};
use tidegate::{
    plan::{BackendId, Blueprint, Level, NodeId, Plan, StreamId, Task},
    run::{Estimates, Event, Run, Timestamp, What},
};

const MINUTE: u64 = 60_000;

/// Tasks of the two streams, each alone in its plan's order, all ready at once; one is at work at a time.
fn one_by_one(tasks: Vec<Task>) -> Story {
    let mut story =
        Story::new(tasks.into_iter().map(node).collect(), &[], tidegate::run::Policy { agents: 1, ..policy() });
    story.now = 0;
    story
}

fn plain(stream: u16, minutes: u32) -> Task {
    Task { stream: StreamId(stream), minutes, ..alone() }
}

/// The whole life of the task that runs, in which its implementation takes so long.
fn take(story: &mut Story, ms: u64) -> u32 {
    let (node, what) = story.running()[0];
    assert_eq!(what, What::Implement);
    story.now += ms;
    story.pass_all(node, &[What::Implement, What::Build, What::Prove, What::Land, What::HandOver]);
    node
}

#[test]
fn a_stream_whose_tasks_take_four_times_as_long_goes_first() {
    // Stream 1 is estimated as a little shorter, and takes four times as long.
    let tasks = (0..24).map(|n| if n % 2 == 0 { plain(0, 40) } else { plain(1, 39) }).collect();
    let mut story = one_by_one(tasks);
    let mut order = Vec::new();
    for _ in 0..24 {
        let (node, _) = story.running()[0];
        let minutes = if node % 2 == 0 { 40 } else { 4 * 39 };
        order.push(take(&mut story, minutes * MINUTE) % 2);
    }
    assert_eq!(order[..12], [0; 12], "as estimated, as long as of the other stream nothing is known");
    assert_eq!(order[12..], [1; 12]);

    let tasks = (0..12)
        .map(|n| {
            if n < 6 {
                plain(1, 41)
            } else if n < 9 {
                plain(0, 40)
            } else {
                plain(1, 20)
            }
        })
        .collect();
    let mut story = one_by_one(tasks);
    for _ in 0..6 {
        take(&mut story, 8 * 41 * MINUTE);
    }
    take(&mut story, 40 * MINUTE);
    let plan = story.run.plan();
    let (estimates, of) = (story.run.estimates(), |n| story.run.estimates().of(plan, NodeId(n)) / MINUTE);
    assert!(of(10) > 150, "what is known of the whole is told of what is left: {} min", of(10));
    assert_eq!(estimates.length(NodeId(0)), estimates.of(plan, NodeId(0)), "nothing is behind it");
}

#[test]
fn few_tasks_and_single_ones_that_took_for_ever_change_no_order() {
    let mut story = one_by_one((0..8).map(|n| plain(n % 2, 40 - u32::from(n))).collect());
    let mut order = Vec::new();
    for at in 0..8 {
        order.push(take(&mut story, if at == 1 { 1_000 * MINUTE } else { 40 * MINUTE }));
    }
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn waits_are_no_work_and_what_a_crash_cut_off_is_not_counted() {
    let tasks = (0..6).map(|_| plain(0, 10)).collect();
    let mut story = one_by_one(tasks);
    for _ in 0..4 {
        let (node, _) = story.running()[0];
        story.now += 10 * MINUTE;
        story.pass(node, What::Implement);
        story.now += 1; // The next job is started at once: only what a job takes counts.
        story.pass_all(node, &[What::Build, What::Prove, What::Land, What::HandOver]);
    }
    let (plan, estimates) = (story.run.plan(), story.run.estimates());
    assert!(estimates.of(plan, NodeId(5)).abs_diff(10 * MINUTE) < MINUTE, "{}", estimates.of(plan, NodeId(5)));

    let mut story = one_by_one((0..6).map(|_| plain(0, 10)).collect());
    for _ in 0..4 {
        let (node, _) = story.running()[0];
        story.now += 300 * MINUTE;
        story.open.clear();
        story.tell(Event::Resumed { policy: None });
        story.now += 10 * MINUTE;
        story.pass_all(node, &[What::Implement, What::Build, What::Prove, What::Land, What::HandOver]);
    }
    let (plan, estimates) = (story.run.plan(), story.run.estimates());
    assert!(estimates.of(plan, NodeId(5)).abs_diff(10 * MINUTE) < MINUTE, "{}", estimates.of(plan, NodeId(5)));
}

/// What is known of tasks of a plan, told without a run.
struct Known {
    plan: Plan,
    estimates: Estimates,
    now: u64,
}

impl Known {
    fn of(tasks: Vec<Task>) -> Known {
        let blueprint = Blueprint {
            streams: ["A", "B", "C"].map(|name| (name.into(), name.into())).into(),
            backends: vec!["x".into()],
            nodes: tasks.into_iter().map(node).chain([gate(Level::System, [])]).collect(),
            ..Blueprint::default()
        };
        let plan = Plan::build(blueprint).expect("a plan");
        Known { estimates: Estimates::new(&plan), plan, now: 0 }
    }

    /// One job of so many minutes, and the task is over; whether that changed the estimates.
    fn takes(&mut self, node: u32, minutes: u64) -> bool {
        self.estimates.began(NodeId(node), Timestamp(self.now));
        self.now += minutes * MINUTE;
        self.estimates.ended(NodeId(node), Timestamp(self.now));
        self.estimates.finished(&self.plan, NodeId(node))
    }

    fn minutes(&self, node: u32) -> u64 {
        self.estimates.of(&self.plan, NodeId(node)) / MINUTE
    }
}

#[test]
fn what_is_estimated_is_scaled_after_four_tasks_and_ever_more_rarely() {
    let mut known = Known::of((0..20).map(|_| plain(0, 10)).collect());
    let took = [40, 40, 10, 10, 40, 40, 10, 10, 10, 10, 10, 40, 40];
    let mut told = Vec::new();
    for (node, minutes) in (0..).zip(took) {
        let has_changed = known.takes(node, minutes);
        told.push((has_changed, known.minutes(19)));
    }
    let (keeps, becomes) = (|minutes| (false, minutes), |minutes| (true, minutes));
    let first = [keeps(10), keeps(10), keeps(10), becomes(10), keeps(10), becomes(40)];
    assert_eq!(told[..6], first, "of two in the middle the one nearer to what was estimated");
    assert_eq!(told[6..9], [keeps(40), keeps(40), becomes(10)]);
    assert_eq!(told[9..], [keeps(10); 4], "at thirteen nothing else was learned");
}

#[test]
fn jobs_side_by_side_take_the_time_of_one_and_what_is_between_two_takes_none() {
    let mut known = Known::of((0..5).map(|_| plain(0, 10)).collect());
    for node in (0..4).map(NodeId) {
        let at = |minute: u64| Timestamp(1_000 * MINUTE * u64::from(node.0) + minute * MINUTE);
        known.estimates.began(node, at(0));
        known.estimates.began(node, at(5));
        known.estimates.ended(node, at(10));
        known.estimates.ended(node, at(25));
        known.estimates.began(node, at(500));
        known.estimates.ended(node, at(515));
        known.estimates.finished(&known.plan, node);
    }
    assert_eq!(known.minutes(4), 40, "25 and 15");
}

#[test]
fn an_end_that_nobody_saw_begin_and_a_node_without_work_teach_nothing() {
    let mut known = Known::of((0..5).map(|_| plain(0, 10)).collect());
    let before = known.estimates.clone();
    known.estimates.ended(NodeId(0), Timestamp(9));
    assert!(!known.estimates.finished(&known.plan, NodeId(0)));
    assert_eq!(known.estimates, before);
    known.estimates.began(NodeId(0), Timestamp(10));
    known.estimates.interrupted();
    known.estimates.ended(NodeId(0), Timestamp(90 * MINUTE));
    known.takes(0, 10);
    for node in 1..4 {
        known.takes(node, 10);
    }
    assert_eq!(known.minutes(4), 10, "since when it ran nobody knows");
    let mut gates = Known::of(vec![plain(0, 10)]);
    for _ in 0..5 {
        assert!(!gates.takes(1, 100), "a gate is no task");
    }
    assert_eq!((gates.minutes(0), gates.minutes(1)), (10, 0));
}

#[test]
fn what_a_size_explains_is_no_streams_doing_and_what_is_left_of_it_is() {
    // All takes twice as long. Large tasks do not, and stream B has no others. What is in stream C takes four times as long.
    let stream = |name: u16, minutes: u32, count| (0..count).map(move |_| plain(name, minutes));
    let (a, b, c) = (stream(0, 8, 22), stream(1, 64, 11), stream(2, 8, 12));
    let tasks: Vec<Task> = a.chain(b).chain(c).chain(stream(2, 64, 1)).collect();
    let mut known = Known::of(tasks);
    for (tasks, minutes) in [(0..21, 16), (22..32, 64), (33..44, 32)] {
        for node in tasks {
            known.takes(node, minutes);
        }
    }
    let told = [("A", 21), ("B", 32), ("C", 44), ("a large one of C", 45)].map(|(of, node)| (of, known.minutes(node)));
    assert_eq!(told, [("A", 16), ("B", 64), ("C", 32), ("a large one of C", 128)]);
}

#[test]
fn what_was_done_before_takes_no_time_and_the_way_to_the_end_is_the_longest() {
    let blueprint = Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: vec!["x".into()],
        nodes: [plain(0, 10), plain(0, 20), Task { done: true, ..plain(0, 90) }, plain(0, 7)].map(node).into(),
        edges: [(0, 1), (0, 2), (1, 3), (2, 3)].map(|(a, b)| (NodeId(a), NodeId(b))).into(),
        ..Blueprint::default()
    };
    let plan = Plan::build(blueprint).expect("a plan");
    let estimates = Estimates::new(&plan);
    let lengths = [0, 1, 2, 3, 9].map(|node| estimates.length(NodeId(node)) / MINUTE);
    assert_eq!(lengths, [37, 27, 7, 7, 0]);
    assert_eq!(estimates.of(&plan, NodeId(2)), 0);
}

#[test]
fn a_replay_knows_what_the_life_had_learned() {
    let plan = Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: vec!["x".into()],
        nodes: (0..40).map(|n| node(plain(0, 5 + n))).collect(),
        ..Blueprint::default()
    };
    let (mut run, mut journal, mut now) = (Run::default(), Vec::new(), 0);
    let planned =
        Event::Planned { plan: plan.into(), policy: Box::new(policy()), tip: oid(1), charter: Box::default() };
    let mut facts = vec![planned];
    while !facts.is_empty() {
        let turn = run.turn(Timestamp(now), facts.drain(..)).expect("decisions fit");
        journal.extend(turn.entries);
        now += 7 * MINUTE;
        let mut story = Story { run: Run::default(), now, open: run.jobs().cloned().collect() };
        if let Some(&(node, what)) = story.running().first() {
            let id = story.job(node, what).id;
            facts.push(Event::Ended { job: id, ending: Box::new(story.proof(node, what)), spend: Default::default() });
            story.open.clear();
        }
    }
    assert!(run.estimates().of(run.plan(), NodeId(39)) != 44 * MINUTE || run.outcome().is_some());
    assert!(Run::replay(&journal).expect("a journal replays") == run);
}

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// Most are short, one in a thousand is a thousand times as long.
    fn heavy(&mut self) -> u64 {
        let scale = 1 << self.below(1 << 10).max(1).leading_zeros().saturating_sub(54).min(10);
        MINUTE * (1 + self.below(10 * scale))
    }
}

/// A plan of layers, what each task really takes, and estimates that are wrong by up to a factor of two; by stream also all the same
/// way, where that is asked for.
fn draft(chance: &mut Chance, is_biased: bool) -> (Plan, Vec<u64>) {
    let count = 100 + chance.below(200) as u32;
    let durations: Vec<u64> = (0..count).map(|_| chance.heavy()).collect();
    let biases: Vec<u64> =
        (0..4).map(|_| if is_biased { [25, 100, 400][chance.below(3) as usize] } else { 100 }).collect();
    let tasks = durations.iter().map(|ms| {
        let (stream, factor) = (chance.below(4), 50 + chance.below(150));
        let minutes = ms * factor / 100 * 100 / biases[stream as usize] / MINUTE;
        Task { backend: BackendId(0), ..plain(stream as u16, minutes.max(1) as u32) }
    });
    let nodes = tasks.map(node).collect();
    let mut edges = Vec::new();
    for after in 1..count {
        for _ in 0..chance.below(3) {
            edges.push((NodeId(after.saturating_sub(1 + chance.below(30) as u32)), NodeId(after)));
        }
    }
    edges.retain(|(before, after)| before != after);
    let streams = (0..4).map(|n| (n.to_string().into(), "s".into())).collect();
    let blueprint = Blueprint { streams, backends: vec!["x".into()], nodes, edges, ..Blueprint::default() };
    (Plan::build(blueprint).expect("layers have no cycle"), durations)
}

enum Order {
    First,
    Estimated,
    Scaled,
}

/// When all is done, in so many slots, where whoever is first in this order goes first.
fn makespan(plan: &Plan, durations: &[u64], slots: usize, order: &Order) -> u64 {
    let mut estimates = Estimates::new(plan);
    let mut unmet: Vec<usize> = plan.ids().map(|id| plan.dependencies(id).count()).collect();
    let mut ready: Vec<NodeId> = plan.ids().filter(|id| unmet[id.index()] == 0).collect();
    let mut running: BTreeSet<(u64, NodeId)> = BTreeSet::new();
    let mut now = 0;
    loop {
        while running.len() < slots && !ready.is_empty() {
            let at = match order {
                Order::First => 0,
                Order::Estimated => (0..ready.len())
                    .min_by_key(|&at| (Reverse(plan.remaining(ready[at])), ready[at]))
                    .expect("one is ready"),
                Order::Scaled => (0..ready.len())
                    .min_by_key(|&at| (Reverse(estimates.length(ready[at])), ready[at]))
                    .expect("one is ready"),
            };
            let node = ready.remove(at);
            estimates.began(node, Timestamp(now));
            running.insert((now + durations[node.index()], node));
        }
        let Some((at, node)) = running.pop_first() else { return now };
        now = at;
        estimates.ended(node, Timestamp(now));
        estimates.finished(plan, node);
        for behind in plan.dependents(node) {
            unmet[behind.index()] -= 1;
            ready.extend((unmet[behind.index()] == 0).then_some(behind));
        }
    }
}

/// Means over many plans, as parts of a thousand of what no order can beat.
fn means(is_biased: bool) -> BTreeMap<&'static str, u64> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let seeds = 300;
    for seed in 0..seeds {
        let mut chance = Chance(seed);
        let (plan, durations) = draft(&mut chance, is_biased);
        let slots = 2 + chance.below(15) as usize;
        let longest = plan.lengths(|id| durations[id.index()]).into_iter().max().unwrap_or(0);
        let bound = longest.max(durations.iter().sum::<u64>() / slots as u64);
        for (name, order) in [("first", Order::First), ("estimated", Order::Estimated), ("scaled", Order::Scaled)] {
            *sums.entry(name).or_default() += makespan(&plan, &durations, slots, &order) * 100_000 / bound;
        }
    }
    sums.into_iter().map(|(name, sum)| (name, sum / seeds)).collect()
}

#[test]
fn scaling_makes_no_run_longer_and_those_with_a_bias_shorter() {
    let (fair, biased) = (means(false), means(true));
    println!("in parts of 100,000 of the bound: fair {fair:?}, biased {biased:?}");
    assert!(fair["scaled"] <= fair["estimated"] + 200, "{fair:?}");
    assert!(fair["scaled"] <= 102_000 && fair["scaled"] <= fair["first"] * 101 / 100, "{fair:?}");
    assert!(biased["scaled"] <= biased["estimated"] && biased["scaled"] <= biased["first"], "{biased:?}");
}
