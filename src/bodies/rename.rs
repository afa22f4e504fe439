//! Renames: the names that a patch takes away and those that it brings, and whether two bodies differ in these alone.

use super::{function::Body, outline::Outline};
use std::collections::{BTreeMap, BTreeSet};

/// The names of both sides of a patch, over all its files.
#[derive(Debug, Default)]
pub(super) struct Renames {
    before: Names,
    after: Names,
}

#[derive(Debug, Default)]
struct Names {
    all: BTreeSet<String>,
    declared: BTreeSet<String>,
}

impl Names {
    fn take_in(&mut self, outline: &mut Outline) {
        self.all.append(&mut outline.names);
        self.declared.append(&mut outline.declared);
    }
}

impl Renames {
    pub(super) fn before(&mut self, outline: &mut Outline) {
        self.before.take_in(outline);
    }

    pub(super) fn after(&mut self, outline: &mut Outline) {
        self.after.take_in(outline);
    }

    /// Whether the patch may have renamed the one to the other: it declared the one, and has it no more, and the other way round.
    pub(super) fn may_be(&self, from: &str, to: &str) -> bool {
        self.before.declared.contains(from)
            && self.after.declared.contains(to)
            && !self.after.all.contains(from)
            && !self.before.all.contains(to)
    }

    /// Whether a body is what it was but for names that the patch renames, each to one other.
    pub(super) fn explain(&self, before: &Body, after: &Body) -> bool {
        if before.shape != after.shape || before.names.len() != after.names.len() {
            return false;
        }
        let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
        before.names.iter().zip(&after.names).filter(|(from, to)| from != to).all(|(from, to)| {
            self.may_be(from, to) && *there.entry(from).or_insert(to) == to && *back.entry(to).or_insert(from) == from
        })
    }
}
