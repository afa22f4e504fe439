//! The plan as a graph: who hangs on whom, and how long the way to the end is. The only file that knows petgraph.

use super::{
    Addition, BackendId, Blueprint, Hold, Level, Means, Node, NodeId, ResourceId, ReviewerId, Role, StreamId,
    hang::{REPLAY_NAME, SCRIPT_NAME},
};
use petgraph::{
    Direction,
    algo::{kosaraju_scc, toposort},
    graph::{DiGraph, NodeIndex},
};
use std::{collections::VecDeque, sync::Arc};

/// What keeps a blueprint from being a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// The nodes of one shortest cycle, each before the next, the last before the first.
    Cycle(Vec<NodeId>),
    /// An edge or a retirement names a node that is not there.
    NoSuchNode(NodeId),
    /// A node names something that is in no table.
    NoSuchName {
        /// Who.
        node: NodeId,
        /// Which table.
        table: &'static str,
    },
    /// A task's gate that names no task, does not hang on it, or is its second one.
    StrayGate(NodeId),
}

impl PlanFault {
    /// The fault as a sentence, with the names the breakdown uses.
    pub fn words(&self, plan: &Plan) -> String {
        match self {
            PlanFault::Cycle(nodes) => {
                let names: Vec<String> = nodes.iter().map(|&node| plan.name(node)).collect();
                format!("a cycle: {} before {}", names.join(" before "), names.first().map_or("", |name| name))
            }
            PlanFault::NoSuchNode(node) => format!("there is no node {}", node.0),
            PlanFault::NoSuchName { node, table } => format!("{} names what is not in {table}", plan.name(*node)),
            PlanFault::StrayGate(node) => format!("{} is no gate of a task it hangs on", plan.name(*node)),
        }
    }
}

/// An acyclic plan. There is no other way to make one than [`Plan::build`] and [`Plan::extend`].
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Shared with the entry that it came from, which is as large.
    blueprint: Arc<Blueprint>,
    /// Indices are node ids; the nodes themselves are in the blueprint.
    graph: DiGraph<(), ()>,
    /// All nodes, each behind those that it hangs on.
    order: Vec<NodeId>,
    /// Minutes from the start of a node to the end of the plan, along the longest path.
    remaining: Vec<u64>,
    /// The gate of each task that has one.
    gates: Vec<Option<NodeId>>,
}

/// Two plans are the same when their data is: the graph is derived.
impl PartialEq for Plan {
    fn eq(&self, other: &Plan) -> bool {
        self.blueprint == other.blueprint
    }
}

impl Plan {
    /// The plan with its graph, or all that keeps it from being one.
    ///
    /// # Errors
    /// Names in no table and edges to nowhere, all of them; else one shortest cycle.
    pub fn build(blueprint: impl Into<Arc<Blueprint>>) -> Result<Plan, Vec<PlanFault>> {
        let mut blueprint = blueprint.into();
        if !blueprint.edges.is_sorted_by(|a, b| a < b) {
            let edges = &mut Arc::make_mut(&mut blueprint).edges;
            edges.sort_unstable();
            edges.dedup();
        }
        let faults = name_faults(&blueprint);
        if !faults.is_empty() {
            return Err(faults);
        }
        let gates = task_gates(&blueprint)?;
        let mut graph = DiGraph::with_capacity(blueprint.nodes.len(), blueprint.edges.len());
        for _ in &blueprint.nodes {
            graph.add_node(());
        }
        for &(before, after) in &blueprint.edges {
            graph.add_edge(ix(before), ix(after), ());
        }
        let order = toposort(&graph, None).map_err(|_| vec![PlanFault::Cycle(cycle(&graph))])?;
        let order = order.into_iter().map(node_id).collect();
        let plan = Plan { blueprint, graph, order, remaining: Vec::new(), gates };
        Ok(Plan { remaining: plan.lengths(|id| plan.node(id).minutes()), ..plan })
    }

    /// The plan with an addition taken in. Ids of what was there stay what they are.
    ///
    /// # Errors
    /// As [`Plan::build`].
    pub fn extend(&self, addition: &Addition) -> Result<Plan, Vec<PlanFault>> {
        let mut blueprint = Blueprint::clone(&self.blueprint);
        blueprint.nodes.extend(addition.added.iter().cloned());
        blueprint.edges.extend(addition.edges.iter().copied());
        let count = self.blueprint.nodes.len();
        let unknown = addition.retired.iter().filter(|n| n.index() >= count);
        let faults: Vec<_> = unknown.map(|&n| PlanFault::NoSuchNode(n)).collect();
        if faults.is_empty() { Plan::build(blueprint) } else { Err(faults) }
    }

    /// The data, as it goes into the journal.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// The same, to be kept.
    pub fn shared_blueprint(&self) -> Arc<Blueprint> {
        Arc::clone(&self.blueprint)
    }

    /// The node; panics for an id of another plan, as an index would.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.blueprint.nodes[id.index()]
    }

    /// The node, if this plan has it.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.blueprint.nodes.get(id.index())
    }

    /// The gate of a task, if it has one.
    pub fn gate_of(&self, task: NodeId) -> Option<NodeId> {
        self.gates.get(task.index()).copied().flatten()
    }

    /// The task this node is about: itself, or the one whose gate it is.
    pub fn task_of(&self, id: NodeId) -> Option<NodeId> {
        match self.get(id)? {
            Node::Task(_) => Some(id),
            Node::Gate(gate) => match gate.level {
                Level::Task(task) => Some(task),
                Level::Stream(_) | Level::Checkpoint | Level::System | Level::Deployment => None,
            },
        }
    }

    /// What people call a node in a sentence: "task 5", "the gate of stream A", "the system gate".
    pub fn name(&self, id: NodeId) -> String {
        let Some(node) = self.get(id) else {
            return format!("node {}", id.0);
        };
        let gate = match node {
            Node::Task(task) => return format!("task {}", task.label),
            Node::Gate(gate) => gate,
        };
        match gate.level {
            Level::Task(task) => match self.get(task) {
                Some(task) => format!("the gate of task {}", task.label()),
                None => format!("gate {}", gate.label),
            },
            Level::Stream(stream) => match self.blueprint.streams.get(usize::from(stream.0)) {
                Some((label, _)) => format!("the gate of stream {label}"),
                None => format!("gate {}", gate.label),
            },
            Level::Checkpoint => match gate.label.split_once(':') {
                Some(("phase", phase)) => format!("the gate of phase {phase}"),
                Some(("checkpoint", name)) => format!("checkpoint {name}"),
                _ => format!("checkpoint {}", gate.label),
            },
            Level::System => "the system gate".to_owned(),
            Level::Deployment => "the deployment gate".to_owned(),
        }
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.blueprint.nodes.len() as u32).map(NodeId)
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.blueprint.nodes.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.blueprint.nodes.is_empty()
    }

    /// What it hangs on.
    pub fn dependencies(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph.neighbors_directed(ix(id), Direction::Incoming).map(node_id)
    }

    /// What hangs on it.
    pub fn dependents(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.graph.neighbors(ix(id)).map(node_id)
    }

    /// Minutes from the start of this node to the end of the plan.
    pub fn remaining(&self, id: NodeId) -> u64 {
        self.remaining[id.index()]
    }

    /// By node: from its start to the end of the plan, along the longest path, when each takes as long as is said here.
    pub fn lengths(&self, of: impl Fn(NodeId) -> u64) -> Vec<u64> {
        let mut lengths: Vec<u64> = vec![0; self.len()];
        for &at in self.order.iter().rev() {
            let tail = self.dependents(at).map(|next| lengths[next.index()]).max();
            lengths[at.index()] = of(at).saturating_add(tail.unwrap_or(0));
        }
        lengths
    }

    /// The nodes of one longest path, in order, without the tasks that were done before.
    pub fn critical_path(&self) -> Vec<NodeId> {
        self.longest_path(|id| self.node(id).task().is_none_or(|task| !task.done)).1
    }

    /// The minutes and the nodes, in order, of one longest path over the nodes that count.
    pub fn longest_path(&self, counts: impl Fn(NodeId) -> bool) -> (u64, Vec<NodeId>) {
        // Of two ways of the same length the one by the lower id.
        let key = |minutes: u64, id: NodeId| (minutes, std::cmp::Reverse(id));
        let mut best = None;
        let mut ways: Vec<(u64, Option<NodeId>)> = vec![(0, None); self.len()];
        for at in self.order.iter().rev().copied().filter(|&at| counts(at)) {
            let next = self.dependents(at).filter(|&next| counts(next)).max_by_key(|n| key(ways[n.index()].0, *n));
            let minutes = self.node(at).minutes() + next.map_or(0, |next| ways[next.index()].0);
            ways[at.index()] = (minutes, next);
            best = best.max(Some(key(minutes, at)));
        }
        let Some((minutes, std::cmp::Reverse(first))) = best else { return (0, Vec::new()) };
        (minutes, std::iter::successors(Some(first), |at| ways[at.index()].1).collect())
    }

    /// The tasks of a stream.
    pub fn stream(&self, stream: StreamId) -> impl Iterator<Item = NodeId> + '_ {
        self.ids().filter(move |&id| self.node(id).stream() == Some(stream))
    }

    /// For how long a resource is taken.
    pub fn hold(&self, id: ResourceId) -> Hold {
        self.blueprint.resources[usize::from(id.0)].1
    }

    /// What a role goes over to while this backend takes no jobs.
    pub fn fallback(&self, role: Role, backend: BackendId) -> Option<BackendId> {
        let fallbacks = &self.blueprint.fallbacks;
        fallbacks.iter().find(|(of, from, _)| (*of, *from) == (role, backend)).map(|&(.., to)| to)
    }

    /// The backends that are told no together with this one: the same program with whatever model, unless it goes over to that one.
    pub fn kin(&self, backend: BackendId) -> Vec<BackendId> {
        let program = |name: &'_ str| name.split(':').next().unwrap_or_default().to_owned();
        let Some(name) = self.blueprint.backends.get(usize::from(backend.0)) else { return Vec::new() };
        let is_spared =
            |id: BackendId| self.blueprint.fallbacks.iter().any(|&(_, from, to)| (from, to) == (backend, id));
        let ids = (0..).map(BackendId).zip(&self.blueprint.backends);
        let kin = ids.filter(|(id, other)| *id == backend || program(other) == program(name) && !is_spared(*id));
        kin.map(|(id, _)| id).collect()
    }

    /// Whether a backend needs no model, and costs nothing: scripts, and what is played back.
    pub fn is_free(&self, backend: BackendId) -> bool {
        let name = self.blueprint.backends.get(usize::from(backend.0)).and_then(|name| name.split(':').next());
        name.is_some_and(|name| matches!(name, SCRIPT_NAME | REPLAY_NAME))
    }

    /// The backend that runs a reviewer.
    pub fn reviewer(&self, id: ReviewerId) -> BackendId {
        self.blueprint.reviewers[usize::from(id.0)].1
    }
}

fn ix(id: NodeId) -> NodeIndex {
    NodeIndex::new(id.index())
}

fn node_id(at: NodeIndex) -> NodeId {
    NodeId(at.index() as u32)
}

/// Names that are in no table, and edges to nowhere.
fn name_faults(blueprint: &Blueprint) -> Vec<PlanFault> {
    let mut faults = Vec::new();
    let mut name = |node, table, index: u16, len: usize| {
        if usize::from(index) >= len {
            faults.push(PlanFault::NoSuchName { node, table });
        }
    };
    for (id, node) in (0..).map(NodeId).zip(&blueprint.nodes) {
        let reviewers: Vec<ReviewerId> = match node {
            Node::Task(task) => {
                name(id, "streams", task.stream.0, blueprint.streams.len());
                name(id, "backends", task.backend.0, blueprint.backends.len());
                for resource in &task.needs {
                    name(id, "resources", resource.0, blueprint.resources.len());
                }
                task.reviewers.clone()
            }
            Node::Gate(gate) => {
                let asked = gate.criteria.iter().filter_map(|c| match c.means {
                    Means::Reviewed { reviewer } => Some(reviewer),
                    _ => None,
                });
                asked.collect()
            }
        };
        for reviewer in reviewers {
            name(id, "reviewers", reviewer.0, blueprint.reviewers.len());
        }
    }
    let ends = blueprint.edges.iter().flat_map(|&(before, after)| [before, after]);
    faults.extend(ends.filter(|n| n.index() >= blueprint.nodes.len()).map(PlanFault::NoSuchNode));
    faults
}

/// The gate of each task, or the gates that are nobody's.
fn task_gates(blueprint: &Blueprint) -> Result<Vec<Option<NodeId>>, Vec<PlanFault>> {
    let mut gates = vec![None; blueprint.nodes.len()];
    let mut strays = Vec::new();
    for (id, node) in (0..).map(NodeId).zip(&blueprint.nodes) {
        let Some(Level::Task(task)) = node.gate().map(|gate| gate.level) else {
            continue;
        };
        let is_task = blueprint.nodes.get(task.index()).is_some_and(|node| node.task().is_some());
        if !is_task || gates[task.index()].is_some() || blueprint.edges.binary_search(&(task, id)).is_err() {
            strays.push(PlanFault::StrayGate(id));
        } else {
            gates[task.index()] = Some(id);
        }
    }
    if strays.is_empty() { Ok(gates) } else { Err(strays) }
}

/// The shortest way from the first node of a cyclic component back to itself.
fn cycle(graph: &DiGraph<(), ()>) -> Vec<NodeId> {
    all_cycles(graph, 1).pop().unwrap_or_default()
}

/// One shortest cycle of each cyclic component, of as many components as are asked for.
pub(super) fn cycles(nodes: usize, edges: impl Iterator<Item = (NodeId, NodeId)>, most: usize) -> Vec<Vec<NodeId>> {
    let mut graph = DiGraph::new();
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (before, after) in edges {
        graph.add_edge(ix(before), ix(after), ());
    }
    all_cycles(&graph, most)
}

fn all_cycles(graph: &DiGraph<(), ()>, most: usize) -> Vec<Vec<NodeId>> {
    let loops = |part: &Vec<NodeIndex>| part.len() > 1 || graph.contains_edge(part[0], part[0]);
    let parts = kosaraju_scc(graph).into_iter().filter(loops).take(most);
    let mut found: Vec<Vec<NodeId>> = parts.map(|part| shortest(graph, part)).collect();
    found.sort_unstable();
    found
}

fn shortest(graph: &DiGraph<(), ()>, mut part: Vec<NodeIndex>) -> Vec<NodeId> {
    part.sort_unstable();
    let start = part[0];
    let mut came_from = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in graph.neighbors(at).filter(|n| part.binary_search(n).is_ok()) {
            if next == start {
                let mut path = vec![node_id(at)];
                let mut back = at;
                while let Some(before) = came_from[back.index()] {
                    path.push(node_id(before));
                    back = before;
                }
                path.reverse();
                return path;
            }
            if came_from[next.index()].is_none() {
                came_from[next.index()] = Some(at);
                queue.push_back(next);
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        Criterion, Task,
        sample::{self, gate},
    };

    fn plan(nodes: usize, edges: &[(u32, u32)]) -> Result<Plan, Vec<PlanFault>> {
        Plan::build(sample::blueprint(vec![gate(Level::Checkpoint, "g"); nodes], edges))
    }

    /// Task 1 (30 minutes) before task 3 (20), both of stream A with its gate; task 2 (45) of stream B beside them.
    fn shop() -> Blueprint {
        let task = |label, stream, minutes| {
            Node::Task(Box::new(Task { stream: StreamId(stream), minutes, ..sample::task(label) }))
        };
        let nodes = [
            task("1", 0, 30),
            task("2", 1, 45),
            task("3", 0, 20),
            gate(Level::Task(NodeId(0)), "task:1"),
            gate(Level::Task(NodeId(1)), "task:2"),
            gate(Level::Stream(StreamId(0)), "stream:A"),
            gate(Level::System, "system"),
        ];
        sample::blueprint(nodes, &[(4, 6), (5, 6), (2, 5), (3, 5), (3, 2), (0, 3), (1, 4), (0, 3)])
    }

    fn ids<const N: usize>(ids: [u32; N]) -> [NodeId; N] {
        ids.map(NodeId)
    }

    fn sorted(ids: impl Iterator<Item = NodeId>) -> Vec<NodeId> {
        let mut ids: Vec<NodeId> = ids.collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_node_knows_what_it_hangs_on_and_what_hangs_on_it() {
        let plan = Plan::build(shop()).unwrap();
        assert_eq!((plan.len(), plan.is_empty(), plan.ids().count()), (7, false, 7));
        assert!(Plan::default().is_empty() && Plan::default().ids().next().is_none());
        assert_eq!(sorted(plan.dependents(NodeId(3))), ids([2, 5]));
        assert_eq!(sorted(plan.dependencies(NodeId(6))), ids([4, 5]));
        assert_eq!(plan.blueprint().edges.len(), 7, "the same edge twice is one");
        assert_eq!(
            (plan.node(NodeId(2)).label(), plan.get(NodeId(2)), plan.get(NodeId(7))),
            ("3", Some(plan.node(NodeId(2))), None)
        );
        let gates: Vec<_> = plan.ids().map(|id| plan.gate_of(id)).collect();
        assert_eq!(gates, [Some(NodeId(3)), Some(NodeId(4)), None, None, None, None, None]);
        let tasks: Vec<_> = (0..8).map(|id| plan.task_of(NodeId(id)).map(|id| id.0)).collect();
        assert_eq!(tasks, [Some(0), Some(1), Some(2), Some(0), Some(1), None, None, None]);
        assert_eq!(sorted(plan.stream(StreamId(0))), ids([0, 2]));
        assert_eq!(sorted(plan.stream(StreamId(1))), ids([1]));
    }

    #[test]
    fn the_way_to_the_end_is_as_long_as_its_longest_path() {
        let plan = Plan::build(shop()).unwrap();
        let remaining: Vec<u64> = plan.ids().map(|id| plan.remaining(id)).collect();
        assert_eq!(remaining, [50, 45, 20, 20, 0, 0, 0]);
        assert_eq!(plan.lengths(|_| 1), [5, 3, 3, 4, 2, 2, 1]);
        assert_eq!(plan.lengths(|_| u64::MAX)[0], u64::MAX, "as long as can be told");
        assert_eq!(plan.critical_path(), ids([0, 3, 2, 5, 6]));
        assert_eq!(plan.longest_path(|_| true).0, 50);
        assert_eq!(plan.longest_path(|id| id != NodeId(0)), (45, ids([1, 4, 6]).into()));
        assert_eq!(plan.longest_path(|id| id == NodeId(2)), (20, vec![NodeId(2)]));
        assert_eq!(plan.longest_path(|_| false), (0, vec![]));
    }

    #[test]
    fn what_is_done_is_not_on_the_critical_path_and_of_two_the_first_is() {
        let mut done = shop();
        let Node::Task(task) = &mut done.nodes[0] else { panic!() };
        task.done = true;
        let plan = Plan::build(done).unwrap();
        assert_eq!((plan.remaining(NodeId(0)), plan.critical_path()), (20, ids([1, 4, 6]).into()));
        let same = sample::blueprint(sample::tasks(&["1", "2", "3", "4"]), &[(1, 3), (1, 2)]);
        assert_eq!(Plan::build(same).unwrap().critical_path(), ids([1, 2]));
    }

    #[test]
    fn a_node_is_called_what_people_call_it() {
        let mut shop = shop();
        shop.nodes.extend([
            gate(Level::Deployment, "deployment"),
            gate(Level::Checkpoint, "phase:2"),
            gate(Level::Checkpoint, "checkpoint:API"),
            gate(Level::Checkpoint, "7"),
            gate(Level::Stream(StreamId(9)), "stream:Z"),
        ]);
        let plan = Plan::build(shop).unwrap();
        for (id, name) in [
            (0, "task 1"),
            (3, "the gate of task 1"),
            (5, "the gate of stream A"),
            (6, "the system gate"),
            (7, "the deployment gate"),
            (8, "the gate of phase 2"),
            (9, "checkpoint API"),
            (10, "checkpoint 7"),
            (11, "gate stream:Z"),
            (12, "node 12"),
        ] {
            assert_eq!(plan.name(NodeId(id)), name);
        }
        for (fault, words) in [
            (PlanFault::Cycle(ids([0, 1]).into()), "a cycle: task 1 before task 2 before task 1"),
            (PlanFault::NoSuchNode(NodeId(99)), "there is no node 99"),
            (PlanFault::NoSuchName { node: NodeId(0), table: "streams" }, "task 1 names what is not in streams"),
            (PlanFault::StrayGate(NodeId(3)), "the gate of task 1 is no gate of a task it hangs on"),
        ] {
            assert_eq!(fault.words(&plan), words);
        }
    }

    #[test]
    fn two_plans_are_the_same_when_their_data_is() {
        let (plan, mut other) = (Plan::build(shop()).unwrap(), shop());
        assert!(plan == Plan::build(shop()).unwrap());
        other.title = "Another".into();
        assert!(plan != Plan::build(other).unwrap());
    }

    #[test]
    fn what_is_in_no_table_is_told_all_at_once() {
        let mut faulty = shop();
        faulty.resources.push(("port:4000".into(), Hold::Job));
        faulty.reviewers.push(("qa".into(), BackendId(0)));
        let Node::Task(task) = &mut faulty.nodes[0] else { panic!() };
        (task.stream, task.backend) = (StreamId(2), BackendId(1));
        (task.needs, task.reviewers) = (vec![ResourceId(0), ResourceId(1)], vec![ReviewerId(1), ReviewerId(0)]);
        let Node::Gate(gate) = &mut faulty.nodes[6] else { panic!() };
        let reviewed =
            |by| Criterion { text: "".into(), line: None, means: Means::Reviewed { reviewer: ReviewerId(by) } };
        gate.criteria = vec![reviewed(0), reviewed(1)];
        faulty.edges.extend([(NodeId(7), NodeId(0)), (NodeId(0), NodeId(6))]);
        let name = |node, table| PlanFault::NoSuchName { node: NodeId(node), table };
        assert_eq!(
            Plan::build(faulty).unwrap_err(),
            [
                name(0, "streams"),
                name(0, "backends"),
                name(0, "resources"),
                name(0, "reviewers"),
                name(6, "reviewers"),
                PlanFault::NoSuchNode(NodeId(7))
            ]
        );
    }

    #[test]
    fn tables_say_who_runs_what_and_for_how_long_it_is_taken() {
        let mut shop = shop();
        shop.backends = ["script", "claude:opus", "claude:haiku", "claude", "codex", "replay:x"].map(Box::from).into();
        shop.fallbacks = vec![(Role::Implementation, BackendId(1), BackendId(2))];
        shop.reviewers = vec![("qa".into(), BackendId(0)), ("security".into(), BackendId(4))];
        shop.resources = vec![("port:4000".into(), Hold::Job), ("Cargo.lock".into(), Hold::Task)];
        let plan = Plan::build(shop).unwrap();
        assert_eq!(plan.reviewer(ReviewerId(1)), BackendId(4));
        assert_eq!([0, 1].map(|id| plan.hold(ResourceId(id))), [Hold::Job, Hold::Task]);
        for (role, backend, other) in
            [(Role::Implementation, 1, Some(BackendId(2))), (Role::Implementation, 2, None), (Role::Reviewer, 1, None)]
        {
            assert_eq!(plan.fallback(role, BackendId(backend)), other, "{role:?} {backend}");
        }
        let kin = |id| plan.kin(BackendId(id)).iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!([kin(0), kin(1), kin(2)], [vec![0], vec![1, 3], vec![1, 2, 3]], "what it goes over to is spared");
        assert_eq!([kin(4), kin(9)], [vec![4], vec![]]);
        let free: Vec<u16> = (0..8).filter(|&id| plan.is_free(BackendId(id))).collect();
        assert_eq!(free, [0, 5]);
    }

    #[test]
    fn a_cycle_is_told_as_its_shortest_path() {
        let faults = plan(6, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 2)]).unwrap_err();
        assert_eq!(faults, [PlanFault::Cycle(vec![NodeId(1), NodeId(2), NodeId(3)])]);
        assert_eq!(plan(1, &[(0, 0)]).unwrap_err(), [PlanFault::Cycle(vec![NodeId(0)])]);
    }

    #[test]
    fn of_each_knot_one_cycle_is_told_and_of_what_is_in_none_nothing() {
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (5, 6), (6, 5), (6, 7), (7, 5)];
        let found = |most| cycles(8, edges.iter().map(|&(a, b)| (NodeId(a), NodeId(b))), most);
        assert_eq!(found(10), [ids([1, 2]).to_vec(), ids([4]).to_vec(), ids([5, 6]).to_vec()]);
        assert_eq!((found(2).len(), found(0).len()), (2, 0));
    }

    #[test]
    fn a_tasks_gate_hangs_on_its_task_and_is_the_only_one() {
        let stray = |level| sample::blueprint([gate(Level::System, "g"), gate(level, "g")], &[(0, 1)]);
        for level in [Level::Task(NodeId(0)), Level::Task(NodeId(7))] {
            assert_eq!(Plan::build(stray(level)).unwrap_err(), [PlanFault::StrayGate(NodeId(1))]);
        }
        let plan = Plan::build(stray(Level::System)).unwrap();
        assert_eq!((plan.gate_of(NodeId(0)), plan.task_of(NodeId(1))), (None, None));
        assert_eq!(plan.name(NodeId(1)), "the system gate");
        for (edges, told) in [(&[(0, 1), (0, 2)][..], 2), (&[(0, 2)], 1)] {
            let nodes = [sample::tasks(&["1"]), vec![gate(Level::Task(NodeId(0)), "task:1"); 2]].concat();
            let faults = Plan::build(sample::blueprint(nodes, edges)).unwrap_err();
            assert_eq!(faults, [PlanFault::StrayGate(NodeId(told))], "{edges:?}");
        }
    }

    #[test]
    fn a_plan_gives_back_what_it_was_made_of() {
        let blueprint = sample::blueprint([gate(Level::System, "system")], &[]);
        assert_eq!(*Plan::build(blueprint.clone()).unwrap().shared_blueprint(), blueprint);
    }

    #[test]
    fn an_addition_keeps_ids_and_cannot_close_a_cycle() {
        let old = plan(2, &[(0, 1)]).unwrap();
        let gate = old.node(NodeId(0)).clone();
        let added = Addition { added: vec![gate], retired: vec![], edges: vec![(NodeId(1), NodeId(2))] };
        let new = old.extend(&added).unwrap();
        assert_eq!((new.len(), new.remaining(NodeId(0))), (3, 0));
        assert_eq!(new.critical_path(), [NodeId(0), NodeId(1), NodeId(2)]);
        let back = Addition { edges: vec![(NodeId(2), NodeId(0))], ..Addition::default() };
        assert!(new.extend(&back).is_err());
        let retire = |id| new.extend(&Addition { retired: vec![NodeId(id)], ..Addition::default() });
        assert_eq!(retire(2).unwrap().len(), 3, "who is retired keeps its id");
        assert_eq!(retire(3).unwrap_err(), [PlanFault::NoSuchNode(NodeId(3))]);
    }
}
