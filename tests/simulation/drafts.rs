//! Random plans, random additions to them, random limits.

use super::chance::Chance;
use tidegate::{
    plan::{
        Addition, BackendId, Blueprint, Bound, Brief, Criterion, Gate, Hold, Level, Means, Node, NodeId, Parse, Phase,
        Phases, Plan, ResourceId, ReviewerId, Role, StreamId, Task, Unit,
    },
    run::{Grant, Limit, Policy, Rung, Spend, Timestamp},
};

const STREAMS: u64 = 4;
const BACKENDS: u64 = 3;
const REVIEWERS: u64 = 4;
const RESOURCES: u64 = 3;

/// Tasks, most with a gate of their own that dependents hang on; checkpoints; stream gates and a system gate.
pub fn plan(chance: &mut Chance) -> Blueprint {
    let most = if chance.below(4) == 0 { 40 } else { 14 };
    let mut plan = Blueprint {
        streams: (0..STREAMS).map(|i| (format!("s{i}").into(), "".into())).collect(),
        // One that costs nothing, and one program with two models.
        backends: ["script", "b", "b:m"].map(Into::into).into(),
        fallbacks: fallbacks(chance),
        reviewers: (0..REVIEWERS).map(|i| (format!("r{i}").into(), BackendId((i % BACKENDS) as u16))).collect(),
        resources: vec![("x0".into(), Hold::Job), ("x1".into(), Hold::Task), ("x2".into(), Hold::Task)],
        ..Blueprint::default()
    };
    let deps = chance.below(4);
    // What others may hang on: a task's gate where it has one.
    let mut ends = Vec::new();
    for i in 0..2 + chance.below(most) {
        let id = push(&mut plan.nodes, node(chance));
        for _ in 0..chance.below(deps + 1) {
            plan.edges.extend(chance.pick(&ends).map(|&before| (before, id)));
        }
        ends.push(gated(chance, &mut plan.nodes, &mut plan.edges, id));
        if i > 3 && chance.below(6) == 0 {
            let stream = StreamId(chance.below(STREAMS) as u16);
            let of_stream = |id: &&NodeId| plan.nodes[id.index()].stream() == Some(stream);
            let tasks: Vec<_> = (0..plan.nodes.len() as u32).map(NodeId).collect();
            let tasks: Vec<_> = tasks.iter().filter(of_stream).copied().collect();
            let id = push(&mut plan.nodes, gate(Level::Stream(stream), criteria(chance)));
            plan.edges.extend(tasks.into_iter().map(|task| (task, id)));
            ends.push(id);
        }
    }
    if chance.below(2) == 0 {
        let id = push(&mut plan.nodes, gate(Level::System, criteria(chance)));
        plan.edges.extend(ends.into_iter().map(|end| (end, id)));
    }
    plan
}

fn push(nodes: &mut Vec<Node>, node: Node) -> NodeId {
    nodes.push(node);
    NodeId(nodes.len() as u32 - 1)
}

fn gate(level: Level, criteria: Vec<Criterion>) -> Node {
    Node::Gate(Gate { level, label: "g".into(), criteria })
}

/// Hangs a gate on a task, most of the time. Returns what dependents hang on.
fn gated(chance: &mut Chance, nodes: &mut Vec<Node>, edges: &mut Vec<(NodeId, NodeId)>, id: NodeId) -> NodeId {
    let Some(task) = nodes[id.index()].task().cloned() else { return id };
    if chance.below(5) == 0 {
        return id;
    }
    let has = |phase| task.phases.contains(phase);
    let mut means = Vec::new();
    if has(Phase::Verify) {
        means.extend([Means::SealIntact, Means::Green, Means::Scope, Means::Integrity]);
        means.extend(has(Phase::Red).then_some(Means::TestsFirst));
        means.extend(has(Phase::Red).then_some(Means::BodiesOut));
        if chance.below(4) == 0 {
            means.push(measured(chance));
        }
    }
    if has(Phase::Review) {
        means.extend(task.reviewers.iter().map(|&reviewer| Means::Reviewed { reviewer }));
        if chance.below(8) == 0 {
            means.push(Means::Reviewed { reviewer: ReviewerId(chance.below(REVIEWERS) as u16) });
        }
    }
    if chance.below(6) == 0 {
        means.push(if chance.below(2) == 0 { Means::Approved } else { Means::Held });
    }
    let gate = push(nodes, gate(Level::Task(id), means.into_iter().map(criterion).collect()));
    edges.push((id, gate));
    gate
}

fn node(chance: &mut Chance) -> Node {
    if chance.below(7) == 0 {
        return gate(Level::Checkpoint, criteria(chance));
    }
    let mut phases = Phases::ALL;
    for phase in [Phase::Tests, Phase::Red, Phase::Verify, Phase::Review, Phase::Merge] {
        if chance.below(8) == 0 {
            phases = phases.without(phase);
        }
    }
    let reviewers = (0..REVIEWERS as u16).filter(|_| chance.below(3) == 0).map(ReviewerId).collect();
    let needs = (0..RESOURCES as u16).filter(|_| chance.below(6) == 0).map(ResourceId).collect();
    Node::Task(Box::new(Task {
        label: "t".into(),
        title: "t".into(),
        stream: StreamId(chance.below(STREAMS) as u16),
        minutes: 1 + chance.below(90) as u32,
        phases,
        done: chance.below(20) == 0,
        backend: BackendId(chance.below(BACKENDS) as u16),
        others: [Role::TestDeveloper, Role::Expert, Role::Coordinator]
            .into_iter()
            .filter(|_| chance.below(4) > 0)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|role| (role, BackendId(chance.below(BACKENDS) as u16)))
            .collect(),
        reviewers,
        needs,
        brief: Brief::default(),
    }))
}

fn fallbacks(chance: &mut Chance) -> Vec<(Role, BackendId, BackendId)> {
    if chance.below(3) > 0 {
        return vec![];
    }
    let roles = [Role::TestDeveloper, Role::Implementation, Role::Reviewer, Role::Expert, Role::Coordinator];
    let from = 1 + chance.below(BACKENDS - 1) as u16;
    let to = (from + 1 + chance.below(BACKENDS - 1) as u16) % BACKENDS as u16;
    roles.into_iter().filter(|_| chance.below(2) == 0).map(|role| (role, BackendId(from), BackendId(to))).collect()
}

fn criterion(means: Means) -> Criterion {
    Criterion { text: "words".into(), line: None, means }
}

fn criteria(chance: &mut Chance) -> Vec<Criterion> {
    let means = (0..chance.below(4)).map(|_| match chance.below(8) {
        0 => Means::Checked { commands: vec!["true".into()] },
        1 => measured(chance),
        2 => Means::Reviewed { reviewer: ReviewerId(chance.below(REVIEWERS) as u16) },
        3 => Means::Approved,
        4 => Means::Files { paths: vec!["README*".into()] },
        5 => Means::LeavesClean { commands: vec!["true".into()] },
        6 => Means::NoBlocker,
        _ => Means::Held,
    });
    means.map(criterion).collect()
}

/// A figure from 79 to 99, which most of the time holds.
fn measured(chance: &mut Chance) -> Means {
    let bound = match chance.below(4) {
        0 => Bound::AtLeast(80),
        1 => Bound::Above(79),
        2 => Bound::AtMost(98),
        _ => Bound::Below(99),
    };
    Means::Measured { command: "cov".into(), bound, parse: Parse::Last, unit: Unit::default() }
}

/// Sometimes good, sometimes one that must be refused.
pub fn addition(chance: &mut Chance, plan: &Plan) -> Addition {
    let old = plan.len() as u32;
    let mut all = plan.blueprint().nodes.clone();
    let mut edges = Vec::new();
    for _ in 0..chance.below(3) {
        let before = NodeId(chance.below(all.len() as u64) as u32);
        let id = push(&mut all, node(chance));
        edges.extend((chance.below(3) > 0).then_some((before, id)));
        let end = gated(chance, &mut all, &mut edges, id);
        if chance.below(3) == 0 {
            edges.push((end, NodeId(chance.below(u64::from(old)) as u32)));
        }
    }
    if chance.below(8) == 0 {
        let task = NodeId(chance.below(u64::from(old)) as u32); // late, a second one, or on no task: mostly refused
        let id = push(&mut all, gate(Level::Task(task), vec![criterion(Means::Held)]));
        edges.push((task, id));
    }
    let retired = if chance.below(2) == 0 { vec![NodeId(chance.below(u64::from(old)) as u32)] } else { vec![] };
    Addition { added: all.split_off(old as usize), retired, edges }
}

pub fn policy(chance: &mut Chance) -> Policy {
    let agents = 1 + chance.below(6) as u32;
    let per_backend: Vec<_> =
        (0..BACKENDS as u16).filter(|_| chance.below(3) == 0).map(|b| (BackendId(b), 1)).collect();
    let is_tight = chance.below(4) == 0;
    let tight = |chance: &mut Chance, n: u64| if is_tight { n + chance.below(n * 8) } else { u64::MAX };
    Policy {
        agents,
        agents_per_stream: 1 + chance.below(3) as u32,
        agents_per_backend: per_backend.into_iter().collect(),
        checks: 1 + chance.below(3) as u32,
        window: 3,
        window_min: 1 + chance.below(3) as u16,
        window_max: 1 + chance.below(8) as u16,
        same_failure: 3,
        rejections: 5,
        ladder: [Rung::Consulted, Rung::Advised].into_iter().take(chance.below(3) as usize).collect(),
        lives: 3,
        rest_ms: 100,
        budget: Limit { micros: tight(chance, 8_000), runs: tight(chance, 12), ..Limit::NONE },
        grant: Grant {
            writing: Spend { micros: 1_000, input: 10_000, ..Spend::default() },
            reading: Spend { micros: 300 + 100 * chance.below(3), input: 3_000, ..Spend::default() },
        },
        stop_at: (chance.below(12) == 0).then(|| Timestamp(5_000 + chance.below(200_000))),
        only: if chance.below(8) == 0 {
            (0..20).filter(|_| chance.below(3) == 0).map(NodeId).collect()
        } else {
            vec![]
        },
    }
}
