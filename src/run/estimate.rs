//! Estimates, scaled by what was observed in this run: how long each node takes, and the way from it to the end.
//!
//! Of each task that finishes is noted how its work, without its waits, compares with what its author estimated. From these the run
//! learns three things: how fast it goes as a whole, how that differs by size (agents take no eight times as long for what is
//! estimated as eight times as large), and what is left of that by stream. Each is a median, and a class of which few tasks are
//! known is held near the whole, so that one task that took for ever moves nothing.

use super::Timestamp;
use crate::plan::{NodeId, Plan, StreamId};
use std::collections::BTreeMap;

/// A ratio on a scale of eighths of an octave: 0 is as estimated, 8 twice as long.
type Notch = i32;
const OCTAVE: Notch = 8;

/// 2^(n/8), as parts of 2^15.
const POWERS: [u64; 8] = [32_768, 35_734, 38_968, 42_495, 46_341, 50_535, 55_109, 60_097];

/// Before as many tasks have finished nothing is scaled.
const FEWEST: u32 = 4;

/// A class counts as if so many of it had gone like the whole.
const PRIOR: u32 = 4;

const MINUTE_MS: u64 = 60_000;

/// How long everything takes, as far as is known by now. In milliseconds; the same facts make the same estimates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// From the start of a node to the end of the plan.
    lengths: Vec<u64>,
    scale: Scale,
    /// Tasks at work.
    stints: BTreeMap<NodeId, Stint>,
    /// How many of each size and stream took so much longer than estimated.
    seen: BTreeMap<(u32, StreamId, Notch), u32>,
    finished: u32,
    /// Scaled anew when so many have finished.
    next: u32,
}

/// The work of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stint {
    running: u32,
    /// Since when something of it runs, where something does.
    since: Timestamp,
    /// What it took before.
    ms: u64,
}

/// What was learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scale {
    all: Notch,
    by_size: BTreeMap<u32, Notch>,
    by_stream: BTreeMap<StreamId, Notch>,
}

impl Estimates {
    /// The author's estimates.
    pub fn new(plan: &Plan) -> Estimates {
        let mut estimates = Estimates { next: FEWEST, ..Estimates::default() };
        estimates.lay_out(plan);
        estimates
    }

    /// The plan is another one: the ways to its end are measured anew.
    pub fn lay_out(&mut self, plan: &Plan) {
        self.lengths = plan.lengths(|node| self.scale.of(plan, node));
    }

    /// From the start of this node to the end of the plan, along the longest path. Nothing for one that is not in the plan.
    pub fn length(&self, node: NodeId) -> u64 {
        self.lengths.get(node.index()).copied().unwrap_or(0)
    }

    /// What the node itself takes.
    pub fn of(&self, plan: &Plan, node: NodeId) -> u64 {
        self.scale.of(plan, node)
    }

    /// A job of this node began.
    pub fn began(&mut self, node: NodeId, at: Timestamp) {
        let stint = self.stints.entry(node).or_default();
        if stint.running == 0 {
            stint.since = at;
        }
        stint.running += 1;
    }

    /// A job of this node ended.
    pub fn ended(&mut self, node: NodeId, at: Timestamp) {
        if let Some(stint) = self.stints.get_mut(&node).filter(|stint| stint.running > 0) {
            stint.running -= 1;
            if stint.running == 0 {
                stint.ms = stint.ms.saturating_add(at.0.saturating_sub(stint.since.0));
            }
        }
    }

    /// Nothing runs any more, and nobody knows since when.
    pub fn interrupted(&mut self) {
        self.stints.values_mut().for_each(|stint| stint.running = 0);
    }

    /// A node is over: of a task that finished is learned. `true` where that changed the estimates, which is so ever more rarely:
    /// to measure all ways anew costs a look at the whole plan.
    pub fn finished(&mut self, plan: &Plan, node: NodeId) -> bool {
        let Some(stint) = self.stints.remove(&node) else { return false };
        let Some(task) = plan.get(node).and_then(|node| node.task()) else { return false };
        let notch = log(stint.ms.max(1)) - log(u64::from(task.minutes.max(1)) * MINUTE_MS);
        *self.seen.entry((size(task.minutes), task.stream, notch)).or_default() += 1;
        self.finished += 1;
        if self.finished < self.next {
            return false;
        }
        self.next = self.finished + self.finished / 2;
        let scale = Scale::learned(&self.seen);
        if scale == self.scale {
            return false;
        }
        self.scale = scale;
        self.lay_out(plan);
        true
    }
}

impl Scale {
    fn of(&self, plan: &Plan, node: NodeId) -> u64 {
        let Some(task) = plan.get(node).and_then(|node| node.task()).filter(|task| !task.done) else { return 0 };
        let by_size = self.by_size.get(&size(task.minutes)).copied().unwrap_or(0);
        let by_stream = self.by_stream.get(&task.stream).copied().unwrap_or(0);
        scaled(u64::from(task.minutes) * MINUTE_MS, self.all + by_size + by_stream)
    }

    /// What a size explains is no stream's doing: a stream of nothing but large tasks is not slow for that.
    fn learned(seen: &BTreeMap<(u32, StreamId, Notch), u32>) -> Scale {
        let all = median(seen.iter().map(|(&(_, _, notch), &count)| (notch, count)));
        let mut sizes: BTreeMap<u32, Vec<(Notch, u32)>> = BTreeMap::new();
        for (&(size, _, notch), &count) in seen {
            sizes.entry(size).or_default().push((notch - all, count));
        }
        let by_size = held(sizes);
        let mut streams: BTreeMap<StreamId, Vec<(Notch, u32)>> = BTreeMap::new();
        for (&(size, stream, notch), &count) in seen {
            streams.entry(stream).or_default().push((notch - all - by_size[&size], count));
        }
        Scale { all, by_size, by_stream: held(streams) }
    }
}

/// The median of each class, held near the whole.
fn held<K: Ord>(classes: BTreeMap<K, Vec<(Notch, u32)>>) -> BTreeMap<K, Notch> {
    let one = |seen: Vec<(Notch, u32)>| median(seen.into_iter().chain([(0, PRIOR)]));
    classes.into_iter().map(|(class, seen)| (class, one(seen))).collect()
}

/// Of two in the middle the one nearer to none.
fn median(seen: impl Iterator<Item = (Notch, u32)>) -> Notch {
    let mut counts: BTreeMap<Notch, u32> = BTreeMap::new();
    seen.for_each(|(notch, count)| *counts.entry(notch).or_default() += count);
    let total: u32 = counts.values().sum();
    let at = |place: u32| {
        let mut behind = 0;
        let reaches = |&(_, &count): &(&Notch, &u32)| {
            behind += count;
            behind > place
        };
        counts.iter().find(reaches).map_or(0, |(&notch, _)| notch)
    };
    let (low, high) = (at(total.saturating_sub(1) / 2), at(total / 2));
    if low.abs() <= high.abs() { low } else { high }
}

/// Tasks that were estimated alike: the octave of the minutes.
fn size(minutes: u32) -> u32 {
    minutes.max(1).ilog2()
}

/// The logarithm, rounded down to a notch.
fn log(value: u64) -> Notch {
    let octave = value.max(1).ilog2();
    // The first sixteen bits are enough to tell eighths apart.
    let mantissa = if octave >= 15 { value >> (octave - 15) } else { value << (15 - octave) };
    let eighth = POWERS.iter().rposition(|&power| power <= mantissa).unwrap_or(0);
    octave as Notch * OCTAVE + eighth as Notch
}

/// So many notches more; what is something stays something.
fn scaled(ms: u64, by: Notch) -> u64 {
    let power = u128::from(POWERS[by.rem_euclid(OCTAVE) as usize]);
    let (shift, value) = (by.div_euclid(OCTAVE).clamp(-64, 48), u128::from(ms) * power);
    let value = if shift.is_negative() { value >> -shift } else { value << shift } >> 15;
    u64::try_from(value).unwrap_or(u64::MAX).max(u64::from(ms > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_what_a_logarithm_says_within_a_notch() {
        for (ms, estimated, notch) in [(60_000, 60_000, 0), (120_000, 60_000, 8), (60_000, 240_000, -16), (1, 1, 0)] {
            assert_eq!(log(ms) - log(estimated), notch);
            let back = scaled(estimated, notch);
            assert!(back.abs_diff(ms) <= ms / 1000, "{ms} {back}");
        }
        assert_eq!((scaled(0, 40), scaled(1000, -200), scaled(u64::MAX, 400)), (0, 1, u64::MAX));
        let eighths: Vec<u64> = (0..=8).map(|by| scaled(1_000_000, by)).collect();
        assert!(
            eighths.windows(2).all(|pair| (1.08..1.10).contains(&(pair[1] as f64 / pair[0] as f64))),
            "{eighths:?}"
        );
    }

    #[test]
    fn a_ratio_is_the_same_however_large_the_two_are() {
        for shift in [0, 3, 13, 14, 20, 61] {
            let over = |value: u64| log(value << shift) - log(4 << shift);
            assert_eq!([over(4), over(5), over(6), over(7)], [0, 2, 4, 6], "shifted by {shift}");
        }
        let powers: Vec<u64> = (-8..=8).step_by(4).map(|by| scaled(1 << 20, by)).collect();
        assert_eq!(powers, [1 << 19, 741_456, 1 << 20, 1_482_912, 1 << 21]);
    }

    #[test]
    fn one_that_took_for_ever_moves_nothing_and_many_do() {
        assert_eq!(median([(0, 1), (100, 1)].into_iter()), 0);
        assert_eq!(median([(-9, 2), (-8, 1), (3, 2)].into_iter()), -8);
        assert_eq!(median(std::iter::empty()), 0);
        let of = |count| held(BTreeMap::from([(0, vec![(24, count)])]))[&0];
        assert_eq!((of(1), of(4), of(5)), (0, 0, 24));
    }
}
