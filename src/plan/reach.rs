//! What comes behind a node, by the edges there are so far.

use super::edges::Edge;
use std::cell::Cell;

/// More steps than this are not taken for one plan: a hostile document asks from everywhere to everywhere.
const MOST_STEPS: usize = 50_000_000;

/// Edges, by the node they begin at.
pub(super) struct Reach {
    starts: Vec<u32>,
    ends: Vec<u32>,
    left: Cell<usize>,
}

impl Reach {
    /// Of edges in the order of the nodes they begin at.
    pub(super) fn new(edges: &[Edge]) -> Reach {
        let nodes = edges.iter().map(|&((a, b), _)| a.max(b) as usize + 1).max().unwrap_or(0);
        let mut starts = vec![0; nodes + 1];
        edges.iter().for_each(|&((before, _), _)| starts[before as usize + 1] += 1);
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        Reach { starts, ends: edges.iter().map(|&((_, after), _)| after).collect(), left: Cell::new(MOST_STEPS) }
    }

    /// Whether some nodes come before themselves: then not all can be taken, each behind all that come before it.
    pub(super) fn has_cycle(&self) -> bool {
        let nodes = self.starts.len() - 1;
        let after = |node: usize| &self.ends[self.starts[node] as usize..self.starts[node + 1] as usize];
        let mut before = vec![0_u32; nodes];
        self.ends.iter().for_each(|&next| before[next as usize] += 1);
        let mut open: Vec<usize> = (0..nodes).filter(|&node| before[node] == 0).collect();
        let mut taken = 0;
        while let Some(node) = open.pop() {
            taken += 1;
            for &next in after(node) {
                before[next as usize] -= 1;
                open.extend((before[next as usize] == 0).then_some(next as usize));
            }
        }
        taken < nodes
    }

    /// For each node whether it is behind this one, by whatever way; nothing where that was asked too often.
    pub(super) fn behind(&self, node: usize) -> Option<Vec<bool>> {
        let mut reached = vec![false; self.starts.len().saturating_sub(1)];
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            for &next in self.after(at)? {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    open.push(next as usize);
                }
            }
        }
        self.left.set(self.left.get().checked_sub(reached.len() / 16)?);
        Some(reached)
    }

    /// The nodes that a node has an edge to; nothing where that was asked too often.
    pub(super) fn after(&self, node: usize) -> Option<&[u32]> {
        let Some(range) = self.starts.get(node..node + 2) else { return Some(&[]) };
        let after = &self.ends[range[0] as usize..range[1] as usize];
        self.left.set(self.left.get().checked_sub(after.len())?);
        Some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_node_is_reached_by_any_way() {
        let reach = Reach::new(&[(0, 2), (1, 2), (2, 3)].map(|edge| (edge, None)));
        assert_eq!(reach.behind(0), Some(vec![false, false, true, true]));
        assert_eq!(reach.behind(3), Some(vec![false; 4]));
        assert_eq!(reach.behind(9), Some(vec![false; 4]));
        assert_eq!((reach.after(0), reach.after(3), reach.after(9)), (Some(&[2][..]), Some(&[][..]), Some(&[][..])));
    }

    #[test]
    fn what_was_asked_too_often_is_not_answered() {
        let edges: Vec<_> = (1..33).map(|after| ((0, after), None)).collect();
        // An edge is a step, and so is each sixteenth node that was looked at.
        for (left, is_answered) in [(34, true), (33, false), (31, false)] {
            let reach = Reach { left: Cell::new(left), ..Reach::new(&edges) };
            assert_eq!(reach.behind(0).is_some(), is_answered, "{left}");
            assert_eq!(reach.after(0), None, "{left}");
        }
    }

    #[test]
    fn a_cycle_is_there_wherever_it_is() {
        let has_cycle =
            |edges: &[(u32, u32)]| Reach::new(&edges.iter().map(|&edge| (edge, None)).collect::<Vec<_>>()).has_cycle();
        assert!(!has_cycle(&[]));
        assert!(!has_cycle(&[(0, 1), (0, 2), (1, 2), (4, 1)]));
        assert!(has_cycle(&[(0, 1), (1, 2), (2, 1), (2, 3)]));
        assert!(has_cycle(&[(0, 1), (1, 1)]));
    }
}
