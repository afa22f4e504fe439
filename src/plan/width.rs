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
