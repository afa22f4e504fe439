//! Cycles of a draft: what waits for itself, told as people wrote it.

use super::{
    Blueprint, Fault, Label, NodeId, Severity,
    build::{Builder, MOST_FAULTS},
    graph::cycles,
    reach::Reach,
};

/// Of as many cycles the path is told.
const MOST_CYCLES: usize = 10;

impl Builder<'_> {
    /// One shortest cycle of each knot, as a fault with each edge and where it is stated.
    pub(super) fn cycle_faults(&mut self, blueprint: &Blueprint) {
        if !Reach::new(self.edges.sorted()).has_cycle() {
            return;
        }
        let sorted = self.edges.sorted().to_vec();
        let draft = self.draft;
        let count = draft.tasks.len();
        let name = |node: usize| self.node_name(node, blueprint);
        let edges = sorted.iter().map(|&((a, b), _)| (NodeId(a), NodeId(b)));
        let mut faults = Vec::new();
        for cycle in cycles(blueprint.nodes.len(), edges, MOST_CYCLES) {
            // People read dependencies from the one that waits to the one it waits for. Tasks come first in a plan, and in a cycle.
            let mut back: Vec<NodeId> = cycle.iter().chain(cycle.first()).copied().collect();
            back.reverse();
            let is_told = |n: &&NodeId| n.index() < count || n.index() >= 2 * count;
            let path: Vec<String> = back.iter().filter(is_told).map(|n| name(n.index())).collect();
            let labels = back.windows(2).filter_map(|pair| {
                let edge = (pair[1].0, pair[0].0);
                let at = sorted[sorted.binary_search_by_key(&edge, |&(edge, _)| edge).ok()?].1?;
                Some(Label { at, text: format!("{} waits for {}", name(pair[0].index()), name(pair[1].index())) })
            });
            let labels: Vec<Label> = labels.take(MOST_FAULTS).collect();
            let text = format!("these wait for each other: {}", path.join(" -> "));
            let help = Some("take one of these dependencies out".to_owned());
            faults.push(Fault { severity: Severity::Error, code: "cycle", text, labels, help });
        }
        self.faults.extend(faults);
    }

    /// A task's gate is called as the task: that is what its author wrote.
    fn node_name(&self, node: usize, blueprint: &Blueprint) -> String {
        let count = self.draft.tasks.len();
        match node < 2 * count {
            true => self.names.labels[node % count].clone(),
            false => blueprint.nodes[node].label().replacen(':', " ", 1),
        }
    }
}
