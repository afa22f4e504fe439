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
        let remaining = lengths(&graph, &order, |id| blueprint.nodes[id.index()].minutes());
        Ok(Plan { blueprint, graph, remaining, gates })
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
        // The graph is acyclic: there is an order.
        lengths(&self.graph, &toposort(&self.graph, None).unwrap_or_default(), of)
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
        // The graph is acyclic: there is an order.
        for at in
            toposort(&self.graph, None).unwrap_or_default().into_iter().rev().map(node_id).filter(|&at| counts(at))
        {
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

fn lengths(graph: &DiGraph<(), ()>, order: &[NodeIndex], of: impl Fn(NodeId) -> u64) -> Vec<u64> {
    let mut lengths: Vec<u64> = vec![0; graph.node_count()];
    for &at in order.iter().rev() {
        let tail = graph.neighbors(at).map(|n| lengths[n.index()]).max();
        lengths[at.index()] = of(node_id(at)).saturating_add(tail.unwrap_or(0));
    }
    lengths
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
    use crate::plan::{Gate, Level};

    fn plan(nodes: usize, edges: &[(u32, u32)]) -> Result<Plan, Vec<PlanFault>> {
        let gate = Node::Gate(Gate { level: Level::Checkpoint, label: "g".into(), criteria: vec![] });
        Plan::build(Blueprint {
            nodes: vec![gate; nodes],
            edges: edges.iter().map(|&(a, b)| (NodeId(a), NodeId(b))).collect(),
            ..Blueprint::default()
        })
    }

    #[test]
    fn a_cycle_is_told_as_its_shortest_path() {
        let faults = plan(6, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 2)]).unwrap_err();
        assert_eq!(faults, [PlanFault::Cycle(vec![NodeId(1), NodeId(2), NodeId(3)])]);
        assert_eq!(plan(1, &[(0, 0)]).unwrap_err(), [PlanFault::Cycle(vec![NodeId(0)])]);
    }

    #[test]
    fn a_tasks_gate_hangs_on_its_task_and_is_the_only_one() {
        let gate = |level| Node::Gate(Gate { level, label: "g".into(), criteria: vec![] });
        let stray = |level| Blueprint { nodes: vec![gate(Level::System), gate(level)], ..Blueprint::default() };
        for level in [Level::Task(NodeId(0)), Level::Task(NodeId(7))] {
            assert_eq!(Plan::build(stray(level)).unwrap_err(), [PlanFault::StrayGate(NodeId(1))]);
        }
        let plan = Plan::build(stray(Level::System)).unwrap();
        assert_eq!((plan.gate_of(NodeId(0)), plan.task_of(NodeId(1))), (None, None));
        assert_eq!(plan.name(NodeId(1)), "the system gate");
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
    }
}
