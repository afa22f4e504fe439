//! A table of a blueprint in the making: what has a name gets the next number, once.

use std::{borrow::Borrow, collections::BTreeMap};

/// Rows in the order of their numbers.
#[derive(Debug)]
pub(super) struct Register<K, T> {
    rows: Vec<T>,
    numbers: BTreeMap<K, u16>,
    is_full: bool,
}

impl<K, T> Default for Register<K, T> {
    fn default() -> Register<K, T> {
        Register { rows: Vec::new(), numbers: BTreeMap::new(), is_full: false }
    }
}

impl<K: Ord, T> Register<K, T> {
    /// The number of what has this key; of what is new, that of `row` behind all others. Nothing where all numbers are taken.
    pub(super) fn number(&mut self, key: K, row: impl FnOnce(&K) -> T) -> Option<u16> {
        if let Some(known) = self.known(&key) {
            return Some(known);
        }
        let Ok(next) = u16::try_from(self.rows.len()) else {
            self.is_full = true;
            return None;
        };
        self.rows.push(row(&key));
        self.numbers.insert(key, next);
        Some(next)
    }

    /// The number of what has this key, where it has one.
    pub(super) fn known<Q: Ord + ?Sized>(&self, key: &Q) -> Option<u16>
    where
        K: Borrow<Q>,
    {
        self.numbers.get(key).copied()
    }

    /// The row of a number.
    pub(super) fn row(&self, number: u16) -> &T {
        &self.rows[usize::from(number)]
    }

    /// Whether something was left out, for there was no number for it.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The table, of which this keeps whether it is full.
    pub(super) fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_gets_one_number_and_what_has_none_left_is_known() {
        let mut register = Register::default();
        let mut number = |key: u32| register.number(key, |key| key * 2);
        assert_eq!([7, 5, 7].map(&mut number), [Some(0), Some(1), Some(0)]);
        assert_eq!((0..70_000).filter_map(&mut number).max(), Some(u16::MAX));
        assert_eq!(number(5), Some(1));
        assert_eq!((register.is_full(), *register.row(0), register.take().len()), (true, 14, 65_536));
        let mut small = Register::default();
        assert_eq!((small.number("a", |_| ()), small.is_full()), (Some(0), false));
    }
}
