//! The plan as normalised data: what the journal's first entry holds, and what a later entry may add to it.

use super::{BackendId, Gate, Hold, NodeId, Role, StreamId, Task};
use serde::{Deserialize, Serialize};

/// A node of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Node {
    /// Work for agents.
    Task(Box<Task>),
    /// Nothing to build, something to prove.
    Gate(Gate),
}

impl Node {
    /// The lane of a task; a gate has none.
    pub fn stream(&self) -> Option<StreamId> {
        match self {
            Node::Task(task) => Some(task.stream),
            Node::Gate(_) => None,
        }
    }

    /// Minutes on the critical path. A gate counts as none.
    pub fn minutes(&self) -> u64 {
        match self {
            Node::Task(task) if task.done => 0,
            Node::Task(task) => u64::from(task.minutes),
            Node::Gate(_) => 0,
        }
    }

    /// What people call it: the task's label, or the gate's.
    pub fn label(&self) -> &str {
        match self {
            Node::Task(task) => &task.label,
            Node::Gate(gate) => &gate.label,
        }
    }

    /// The task, if it is one.
    pub fn task(&self) -> Option<&Task> {
        match self {
            Node::Task(task) => Some(task),
            Node::Gate(_) => None,
        }
    }

    /// The gate, if it is one.
    pub fn gate(&self) -> Option<&Gate> {
        match self {
            Node::Gate(gate) => Some(gate),
            Node::Task(_) => None,
        }
    }
}

/// A document the plan was read from, pinned by its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Path relative to the repository.
    pub path: Box<str>,
    /// Git blob id of the content that was read, in hex.
    pub blob: Box<str>,
}

/// A whole plan, not yet known to be acyclic. A node's id is its place in `nodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// The topic's slug.
    pub topic: Box<str>,
    /// The breakdown's title.
    pub title: Box<str>,
    /// What it was read from.
    pub origins: Vec<Origin>,
    /// Label and title of each stream.
    pub streams: Vec<(Box<str>, Box<str>)>,
    /// What runs agents.
    pub backends: Vec<Box<str>>,
    /// What a role goes over to while its backend takes no jobs: role, backend, the other one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<(Role, BackendId, BackendId)>,
    /// Each reviewer with the backend that runs it.
    pub reviewers: Vec<(Box<str>, BackendId)>,
    /// Each resource with how long it is held.
    pub resources: Vec<(Box<str>, Hold)>,
    /// Tasks and gates.
    pub nodes: Vec<Node>,
    /// `(before, after)`.
    pub edges: Vec<(NodeId, NodeId)>,
    /// Text of the breakdown that belongs to no task: told to every agent.
    pub context: Box<str>,
}

/// What a running plan takes in. The names in the tables stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// Get the next free ids, in this order.
    pub added: Vec<Node>,
    /// Keep their ids and their history; whoever hangs on them no longer waits for them.
    pub retired: Vec<NodeId>,
    /// May name old and added nodes; `after` must not have started.
    pub edges: Vec<(NodeId, NodeId)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Level, sample};

    #[test]
    fn a_task_has_a_lane_and_takes_time_until_it_is_done_and_a_gate_has_neither() {
        let task = Task { stream: StreamId(3), minutes: 40, ..sample::task("5") };
        let done = Node::Task(Box::new(Task { done: true, ..task.clone() }));
        let (task, gate) = (Node::Task(Box::new(task)), sample::gate(Level::System, "system"));
        let told = |node: &Node| (node.label().to_owned(), node.stream(), node.minutes());
        assert_eq!(told(&task), ("5".to_owned(), Some(StreamId(3)), 40));
        assert_eq!(told(&done), ("5".to_owned(), Some(StreamId(3)), 0));
        assert_eq!(told(&gate), ("system".to_owned(), None, 0));
        assert_eq!((task.task().map(|task| task.minutes), gate.task()), (Some(40), None));
        assert_eq!((task.gate(), gate.gate().map(|gate| gate.level)), (None, Some(Level::System)));
    }
}
