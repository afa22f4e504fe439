//! The plan's width: how many tasks can be at work at once at most, and which tasks come right before a node.

use super::{NodeId, Plan};
use std::collections::BTreeSet;

/// Up to as many tasks the width is exact; beyond, it is that of the widest level, which is never too large.
const EXACT: usize = 300;

impl Plan {
    /// The tasks right before a node, through gates.
    pub fn tasks_before(&self, id: NodeId) -> Vec<NodeId> {
        self.nearest_tasks(self.dependencies(id).collect(), |at| self.dependencies(at).collect())
    }

    /// The tasks right behind a node, through gates.
    pub fn tasks_behind(&self, id: NodeId) -> Vec<NodeId> {
        self.nearest_tasks(self.dependents(id).collect(), |at| self.dependents(at).collect())
    }

    fn nearest_tasks(&self, mut open: Vec<NodeId>, next: impl Fn(NodeId) -> Vec<NodeId>) -> Vec<NodeId> {
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            match self.node(at).task() {
                Some(_) => found.push(at),
                None => open.extend(next(at)),
            }
        }
        found.sort_unstable();
        found
    }

    /// How many tasks can be at work at once: the largest set of which none precedes another (exact up to 300 tasks, else
    /// the widest level).
    pub fn width(&self) -> usize {
        let tasks: Vec<NodeId> = self.ids().filter(|&id| self.node(id).task().is_some()).collect();
        if tasks.len() > EXACT { self.widest_level() } else { self.antichain(&tasks) }
    }

    fn widest_level(&self) -> usize {
        let mut levels: Vec<usize> = vec![0; self.len()];
        let mut waits: Vec<usize> = self.ids().map(|id| self.dependencies(id).count()).collect();
        let mut open: Vec<NodeId> = self.ids().filter(|id| waits[id.index()] == 0).collect();
        let mut widths: Vec<usize> = Vec::new();
        while let Some(id) = open.pop() {
            let is_task = self.node(id).task().is_some();
            let level = levels[id.index()];
            if is_task {
                widths.resize(widths.len().max(level + 1), 0);
                widths[level] += 1;
            }
            for next in self.dependents(id) {
                levels[next.index()] = levels[next.index()].max(level + usize::from(is_task));
                waits[next.index()] -= 1;
                if waits[next.index()] == 0 {
                    open.push(next);
                }
            }
        }
        widths.into_iter().max().unwrap_or(0)
    }

    /// By Dilworth: as many as there are tasks, less the largest matching of what precedes what.
    fn antichain(&self, tasks: &[NodeId]) -> usize {
        let behind: Vec<Vec<usize>> = tasks.iter().map(|&t| self.all_behind(t)).collect();
        let mut matched: Vec<Option<usize>> = vec![None; self.len()];
        let found =
            (0..tasks.len()).filter(|&t| augment(t, &behind, &mut matched, &mut vec![false; self.len()])).count();
        tasks.len() - found
    }

    fn all_behind(&self, id: NodeId) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<NodeId> = self.dependents(id).collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(self.dependents(at));
            }
        }
        // Task ids are the first ones of a blueprint that `build` made; elsewhere any id will do as a name.
        seen.into_iter().filter(|&n| self.node(n).task().is_some()).map(NodeId::index).collect()
    }
}

/// One step of a matching; as deep as there are tasks at most, and these are few.
fn augment(task: usize, behind: &[Vec<usize>], matched: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for &next in &behind[task] {
        if std::mem::replace(&mut seen[next], true) {
            continue;
        }
        let is_free = match matched[next] {
            None => true,
            Some(other) => augment(other, behind, matched, seen),
        };
        if is_free {
            matched[next] = Some(task);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        Level, Node,
        sample::{self, gate},
    };

    fn plan(nodes: Vec<Node>, edges: &[(u32, u32)]) -> Plan {
        Plan::build(sample::blueprint(nodes, edges)).unwrap()
    }

    #[test]
    fn the_nearest_tasks_are_found_through_gates_and_none_beyond_them() {
        let gates = vec![gate(Level::Checkpoint, "g"); 2];
        let nodes = [sample::tasks(&["1", "2", "3", "4"]), gates].concat();
        // 1 -> 2 -> (gate 4) -> (gate 5) -> 4, and 3 -> (gate 4) and 3 -> 4.
        let plan = plan(nodes, &[(0, 1), (1, 4), (2, 4), (4, 5), (5, 3), (2, 3)]);
        let ids = |ids: &[u32]| ids.iter().map(|&id| NodeId(id)).collect::<Vec<_>>();
        assert_eq!(plan.tasks_before(NodeId(3)), ids(&[1, 2]));
        assert_eq!(plan.tasks_before(NodeId(4)), ids(&[1, 2]));
        assert_eq!(plan.tasks_behind(NodeId(1)), ids(&[3]));
        assert_eq!(plan.tasks_behind(NodeId(0)), ids(&[1]));
        assert_eq!((plan.tasks_before(NodeId(0)), plan.tasks_behind(NodeId(3))), (vec![], vec![]));
    }

    #[test]
    fn a_plan_is_as_wide_as_tasks_can_be_at_work_at_once() {
        let labels = ["1", "2", "3", "4", "5"];
        let tasks = |count| sample::tasks(&labels[..count]);
        for (nodes, edges, widest_level, width) in [
            (vec![], &[][..], 0, 0),
            (vec![gate(Level::System, "system")], &[], 0, 0),
            (tasks(3), &[], 3, 3),
            (tasks(3), &[(0, 1), (1, 2)], 1, 1),
            (tasks(5), &[(0, 2), (1, 2), (2, 3), (2, 4)], 2, 2),
            // Of its two partners the first task gives up the one that the second has only.
            (tasks(4), &[(0, 2), (0, 3), (1, 2)], 2, 2),
            // Beside one task, two others that are on another level.
            (tasks(4), &[(0, 1), (0, 2)], 2, 3),
            ([tasks(4), vec![gate(Level::Checkpoint, "g")]].concat(), &[(0, 4), (1, 4), (4, 2), (4, 3)], 2, 2),
            (tasks(5), &[(4, 3), (3, 2), (2, 0), (4, 1)], 2, 2),
        ] {
            let plan = plan(nodes, edges);
            assert_eq!((plan.widest_level(), plan.width()), (widest_level, width), "{edges:?}");
        }
    }

    #[test]
    fn up_to_so_many_tasks_the_width_is_exact() {
        // A line of tasks with two behind it, and one beside it all.
        for (count, width) in [(EXACT, 3), (EXACT + 1, 2)] {
            let line = count as u32 - 3;
            let edges: Vec<_> =
                (1..line).map(|id| (id - 1, id)).chain([(line - 1, line), (line - 1, line + 1)]).collect();
            assert_eq!(plan(sample::tasks(&vec!["1"; count]), &edges).width(), width, "{count}");
        }
    }
}
