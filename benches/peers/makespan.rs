//! P6: how long everything takes in the order that the core chooses. The real core in virtual time, with the merge train.

use crate::{
    Trouble,
    dag::{Chance, Shape},
    flags::Flags,
    lanes,
    passing::passed,
    scratch::tidegate_name,
    sketches::{BUILD, HAND_OVER, LAND, Sketch, Slots},
    table::{Subject, Table, Target},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};
use tidegate::{
    plan::{
        BackendId, Blueprint, Brief, Criterion, Gate, Level, Means, Node, NodeId, Phases, ReviewerId, StreamId, Task,
    },
    run::{Charter, Effect, Event, Grant, Job, Limit, Oid, Outcome, Policy, Run, Timestamp, What},
};

const WINDOW: u16 = 3;
const WINDOW_MAX: u16 = 8;

/// The ratios of a family of plans.
#[derive(Debug, Default)]
struct Family {
    over_bound: Vec<f64>,
    fifo_over_bound: Vec<f64>,
    over_fifo: Vec<f64>,
}

pub(crate) fn measure(flags: &Flags, table: &mut Table) -> Result<(), Trouble> {
    let plans = flags.size(8, 60);
    let mut whole = Family::default();
    for shape in Shape::ALL {
        let mut family = Family::default();
        for nth in 0..plans {
            let mut chance = Chance::new(1 + nth);
            let size = 30 + chance.below(170);
            let agents = [4, 8, 16][chance.below(3)];
            let sketch = Sketch::new(shape, size, Slots { agents, checks: agents / 2 }, &mut chance);
            let (bound, ours) = (sketch.bound() as f64, simulate(&sketch)? as f64);
            // The train grows while nothing fails, which it does at once: FIFO has the largest one from the start.
            let fifo = lanes::first_come(&sketch, WINDOW_MAX) as f64;
            family.over_bound.push(ours / bound);
            family.fifo_over_bound.push(fifo / bound);
            family.over_fifo.push(ours / fifo);
        }
        tell(table, &format!("{plans} plans, {}", shape.name()), &family, false);
        whole.over_bound.extend(family.over_bound);
        whole.fifo_over_bound.extend(family.fifo_over_bound);
        whole.over_fifo.extend(family.over_fifo);
    }
    tell(table, "all of them", &whole, true);
    Ok(())
}

fn tell(table: &mut Table, what: &str, family: &Family, has_target: bool) {
    let subject = Subject { number: "P6", what: format!("makespan, simulated: {what}"), jobs: None };
    let target = |most| has_target.then(|| Target::ratio(most));
    let most = family.over_fifo.iter().copied().fold(0.0, f64::max);
    let (ours, fifo) = (mean(&family.over_bound), mean(&family.fifo_over_bound));
    table.computed(
        &subject,
        &format!("the bound: the longest path, or work over slots (FIFO: {fifo:.3} x)"),
        ours,
        target(1.02),
    );
    table.computed(
        &subject,
        &format!("FIFO, the worst plan of {} by {}", family.over_fifo.len(), tidegate_name()),
        most,
        target(1.01),
    );
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// The milliseconds that the core needs.
fn simulate(sketch: &Sketch) -> Result<u64, Trouble> {
    let (mut run, mut now) = (Run::default(), 0);
    let mut ends: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut jobs: BTreeMap<u64, Job> = BTreeMap::new();
    let mut facts = vec![planned(sketch)];
    loop {
        let turn = run.turn(Timestamp(now), facts.drain(..)).map_err(|misfit| format!("{misfit:?}"))?;
        if let Some(misfit) = turn.dropped.first() {
            return Err(format!("the core would not hear: {misfit:?}").into());
        }
        for effect in turn.effects {
            let Effect::Start(job) = effect else { return Err("a job was stopped though nothing fails".into()) };
            ends.push(Reverse((now + time(sketch, &job), job.id.0)));
            jobs.insert(job.id.0, *job);
        }
        if let Some(outcome) = run.outcome() {
            return if outcome == Outcome::Done { Ok(now) } else { Err(format!("it ended {outcome:?}").into()) };
        }
        let Some(&Reverse((at, _))) = ends.peek() else { return Err("nothing runs, and it is not over".into()) };
        now = at;
        while ends.peek().is_some_and(|Reverse((at, _))| *at == now) {
            let job = ends.pop().and_then(|Reverse((_, id))| jobs.remove(&id));
            facts.extend(job.map(|job| passed(&job)));
        }
    }
}

fn time(sketch: &Sketch, job: &Job) -> u64 {
    let Some(work) = sketch.works.get(job.node.index()) else { return 0 };
    match job.what {
        What::Tests => work.tests,
        What::Red => work.red,
        What::Implement => work.implement,
        What::Verify => work.verify,
        What::Review(_) => work.review,
        What::Prove => work.prove,
        What::Build => BUILD,
        What::Land => LAND,
        What::HandOver => HAND_OVER,
        What::Settle(_) | What::Consult | What::Advise => 0,
    }
}

fn planned(sketch: &Sketch) -> Event {
    let size = sketch.works.len() as u32;
    let task = |(number, work): (usize, &crate::sketches::Work)| {
        Node::Task(Box::new(Task {
            label: number.to_string().into(),
            title: "t".into(),
            done: false,
            stream: StreamId(work.stream as u16),
            minutes: work.minutes,
            phases: Phases::ALL,
            backend: BackendId(0),
            others: BTreeMap::new(),
            reviewers: vec![ReviewerId(0)],
            needs: Vec::new(),
            brief: Brief::default(),
        }))
    };
    let gate = |number: u32| {
        let means = [Means::TestsFirst, Means::Green, Means::Scope, Means::Reviewed { reviewer: ReviewerId(0) }];
        let criteria = means.map(|means| Criterion { text: "c".into(), line: None, means }).to_vec();
        Node::Gate(Gate { level: Level::Task(NodeId(number)), label: "g".into(), criteria })
    };
    let mut edges: Vec<_> = (0..size).map(|task| (NodeId(task), NodeId(size + task))).collect();
    for (number, work) in sketch.works.iter().enumerate() {
        edges.extend(work.before.iter().map(|&before| (NodeId(size + before as u32), NodeId(number as u32))));
    }
    let plan = Blueprint {
        streams: ["a", "b", "c", "d"].map(|label| (label.into(), label.into())).to_vec(),
        backends: vec!["x".into()],
        reviewers: vec![("r".into(), BackendId(0))],
        nodes: sketch.works.iter().enumerate().map(task).chain((0..size).map(gate)).collect(),
        edges,
        ..Blueprint::default()
    };
    let policy = Policy {
        agents: sketch.slots.agents,
        agents_per_stream: sketch.slots.agents,
        checks: sketch.slots.checks,
        window: WINDOW,
        window_min: WINDOW,
        window_max: WINDOW_MAX,
        same_failure: 3,
        rejections: 5,
        lives: 3,
        rest_ms: 1,
        budget: Limit::NONE,
        grant: Grant::default(),
        ..Policy::default()
    };
    Event::Planned {
        plan: plan.into(),
        policy: Box::new(policy),
        tip: Oid::of_number(1),
        charter: Box::new(Charter::default()),
    }
}
