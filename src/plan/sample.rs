//! What tests make plans of.

use super::{BackendId, Blueprint, Brief, Gate, Level, Node, NodeId, Phases, StreamId, Task};
use std::collections::BTreeMap;

/// A task of one minute, on the first stream and by the first backend.
pub(super) fn task(label: &str) -> Task {
    Task {
        label: label.into(),
        title: label.into(),
        stream: StreamId(0),
        minutes: 1,
        phases: Phases::ALL,
        done: false,
        backend: BackendId(0),
        others: BTreeMap::new(),
        reviewers: vec![],
        needs: vec![],
        brief: Brief::default(),
    }
}

/// A gate that asks for nothing.
pub(super) fn gate(level: Level, label: &str) -> Node {
    Node::Gate(Gate { level, label: label.into(), criteria: vec![] })
}

/// A plan of these nodes, on the streams A and B, by scripts.
pub(super) fn blueprint(nodes: impl IntoIterator<Item = Node>, edges: &[(u32, u32)]) -> Blueprint {
    Blueprint {
        streams: vec![("A".into(), "One".into()), ("B".into(), "Two".into())],
        backends: vec!["script".into()],
        nodes: nodes.into_iter().collect(),
        edges: edges.iter().map(|&(before, after)| (NodeId(before), NodeId(after))).collect(),
        ..Blueprint::default()
    }
}

/// Nodes that are tasks, one of each label.
pub(super) fn tasks(labels: &[&str]) -> Vec<Node> {
    labels.iter().map(|label| Node::Task(Box::new(task(label)))).collect()
}
