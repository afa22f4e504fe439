//! Plans without words, for P6: who hangs on whom, how long everything takes, and what its author believed.

use crate::dag::{Chance, Dag, Shape};

/// Slots of each kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) agents: u32,
    pub(crate) checks: u32,
}

/// A task: milliseconds of each of its parts, in the order in which they are done.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) before: Vec<usize>,
    pub(crate) stream: usize,
    /// What its author believed.
    pub(crate) minutes: u32,
    pub(crate) tests: u64,
    pub(crate) red: u64,
    pub(crate) implement: u64,
    pub(crate) verify: u64,
    pub(crate) review: u64,
    pub(crate) prove: u64,
}

/// A merge, a landing, a hand-over: git, and a file.
pub(crate) const BUILD: u64 = 12;
pub(crate) const LAND: u64 = 8;
pub(crate) const HAND_OVER: u64 = 2;
const MINUTE: f64 = 60_000.0;
/// The median of an agent's work at a task, in minutes.
const USUAL: f64 = 20.0;
/// The tail: one in a thousand takes a hundred times as long as the shortest.
const TAIL: f64 = 1.5;

/// A plan to be done in slots.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    pub(crate) works: Vec<Work>,
    pub(crate) slots: Slots,
}

impl Sketch {
    /// Heavy-tailed: a Pareto distribution, cut at a hundred times its least. Estimates are wrong by up to a factor of two, either way.
    pub(crate) fn new(shape: Shape, size: usize, slots: Slots, chance: &mut Chance) -> Sketch {
        let least = USUAL / 2f64.powf(1.0 / TAIL);
        let mut work = |before: Vec<usize>, stream: usize| {
            let minutes = least * chance.share().powf(-1.0 / TAIL).min(100.0);
            let believed = minutes * 2f64.powf(2.0 * chance.share() - 1.0);
            let part = |share: f64| (minutes * share * MINUTE).max(1.0) as u64;
            let check = |chance: &mut Chance| ((0.5 + chance.share()) * MINUTE) as u64;
            Work {
                before,
                stream,
                minutes: believed.round().max(1.0) as u32,
                tests: part(0.3),
                red: check(chance),
                implement: part(0.55),
                verify: check(chance),
                review: part(0.15),
                prove: check(chance),
            }
        };
        let dag = Dag::new(shape, size, &mut Chance::new(size as u64));
        let works = dag.0.into_iter().map(|step| work(step.before.into_iter().collect(), step.stream % 4)).collect();
        Sketch { works, slots }
    }

    /// What no order can beat: the longest path, and the work of each kind over its slots.
    pub(crate) fn bound(&self) -> u64 {
        let mut ends: Vec<u64> = Vec::new();
        let (mut agents, mut checks, mut merges) = (0, 0, 0);
        for work in &self.works {
            let start = work.before.iter().map(|&before| ends[before]).max().unwrap_or(0);
            let (agent, check, merge) = work.parts();
            ends.push(start + agent + check + merge);
            (agents, checks, merges) = (agents + agent, checks + check, merges + merge);
        }
        let path = ends.into_iter().max().unwrap_or(0);
        let shared = |work: u64, slots: u32| work.div_ceil(u64::from(slots));
        path.max(shared(agents, self.slots.agents)).max(shared(checks, self.slots.checks)).max(merges)
    }
}

impl Work {
    /// Time of agents, checks and merges.
    fn parts(&self) -> (u64, u64, u64) {
        let agents = self.tests + self.implement + self.review;
        (agents, self.red + self.verify + self.prove, BUILD + LAND + HAND_OVER)
    }
}
