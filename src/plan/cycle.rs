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
    pub(super) fn cycle_faults(&mut self, blueprint: Option<&Blueprint>) {
        if !Reach::new(self.edges.sorted()).has_cycle() {
            return;
        }
        let sorted = self.edges.sorted().to_vec();
        let draft = self.draft;
        let count = draft.tasks.len();
        let nodes = blueprint.map_or_else(|| self.phase_gate(draft.phases.len()), |blueprint| blueprint.nodes.len());
        let name = |node: usize| self.node_name(node, blueprint);
        let inside = sorted.iter().map(|&(edge, _)| edge).filter(|edge| edge.0.max(edge.1) < nodes as u32);
        let edges = inside.map(|(a, b)| (NodeId(a), NodeId(b)));
        let mut faults = Vec::new();
        for cycle in cycles(nodes, edges, MOST_CYCLES) {
            // People read dependencies from the one that waits to the one it waits for.
            let start = cycle.iter().position(|n| n.index() < count).unwrap_or(0);
            let mut back: Vec<NodeId> = cycle.iter().cycle().skip(start).take(cycle.len() + 1).copied().collect();
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
    fn node_name(&self, node: usize, blueprint: Option<&Blueprint>) -> String {
        let count = self.draft.tasks.len();
        let Some(place) = node.checked_sub(2 * count) else { return self.names.labels[node % count].clone() };
        let (streams, phases) = (&self.draft.streams, &self.draft.phases);
        match (streams.get(place), place.checked_sub(streams.len()).and_then(|phase| phases.get(phase)), blueprint) {
            (Some(stream), ..) => format!("stream {}", stream.id.value),
            (_, Some(phase), _) => format!("phase {}", phase.id.value),
            (_, _, Some(blueprint)) => blueprint.nodes[node].label().replacen(':', " ", 1),
            (_, _, None) => format!("gate {place}"),
        }
    }
}
