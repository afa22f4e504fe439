//! Edges while a plan is built: who comes before whom, and where that is stated.

use super::{Span, resolve::MOST_EDGES};

/// `(before, after)` in node ids, and where it is stated.
pub(super) type Edge = ((u32, u32), Option<Span>);

/// Edges, each once. Kept as a list that is put in order when it is looked at: a map takes several times as long, and more room.
#[derive(Debug, Default)]
pub(super) struct Edges {
    all: Vec<Edge>,
    /// So many of them are in order, and none of these is there twice.
    sorted: usize,
}

impl Edges {
    /// Takes one in; one that is there stays as it was stated first. No more than twice [`MOST_EDGES`] are kept.
    pub(super) fn insert(&mut self, edge: (u32, u32), at: Option<Span>) {
        if self.all.len() >= 2 * MOST_EDGES {
            self.sorted();
        }
        if self.sorted <= MOST_EDGES {
            self.all.push((edge, at));
        }
    }

    /// All of them, in order.
    pub(super) fn sorted(&mut self) -> &[Edge] {
        if self.sorted < self.all.len() {
            self.all.sort_by_key(|&(edge, _)| edge);
            self.all.dedup_by_key(|&mut (edge, _)| edge);
            self.sorted = self.all.len();
        }
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_there_once_and_stays_as_it_was_stated_first() {
        let at = |start| Some(Span { start, ..Span::default() });
        let mut edges = Edges::default();
        for (edge, start) in [((2, 1), 0), ((0, 1), 1), ((2, 1), 2)] {
            edges.insert(edge, at(start));
        }
        assert_eq!(edges.sorted(), [((0, 1), at(1)), ((2, 1), at(0))]);
        edges.insert((0, 1), at(3));
        edges.insert((1, 0), None);
        assert_eq!(edges.sorted(), [((0, 1), at(1)), ((1, 0), None), ((2, 1), at(0))]);
    }

    #[test]
    fn what_is_stated_over_and_over_takes_no_more_room() {
        let mut edges = Edges::default();
        (0..3 * MOST_EDGES).for_each(|_| edges.insert((0, 1), None));
        assert!(edges.all.len() <= 2 * MOST_EDGES);
        assert_eq!(edges.sorted().len(), 1);
    }
}
