//! Rounds in which everybody has a turn, and what they come to.

use crate::{Trouble, load};
use std::time::Duration;

/// One turn of one contestant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) wall: Duration,
    /// CPU time of the process itself: the coordinator's. None for what is measured within this one.
    pub(crate) own: Option<Duration>,
    /// The same with all its children.
    pub(crate) all: Option<Duration>,
    /// Peak resident memory of the process itself, in bytes.
    pub(crate) peak: Option<u64>,
}

/// Who takes part: a name with a version, and a turn. What a turn needs beforehand it does itself, before it looks at the clock.
pub(crate) struct Contestant<'a> {
    pub(crate) name: String,
    pub(crate) turn: Box<dyn FnMut(u32) -> Result<Sample, Trouble> + 'a>,
}

impl<'a> Contestant<'a> {
    pub(crate) fn new(
        name: impl Into<String>,
        turn: impl FnMut(u32) -> Result<Sample, Trouble> + 'a,
    ) -> Contestant<'a> {
        Contestant { name: name.into(), turn: Box::new(turn) }
    }
}

/// All turns of one contestant, in the order of the rounds.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
    /// Why it has no more turns.
    pub(crate) trouble: Option<String>,
    /// The load of the machine at the start of each turn.
    pub(crate) loads: Vec<f64>,
}

/// Everybody once a round; whoever was first is last in the next one, so that what drifts drifts for all. Who fails is out.
pub(crate) fn interleave(rounds: u32, mut contestants: Vec<Contestant<'_>>) -> Vec<Series> {
    let empty =
        |who: &Contestant<'_>| Series { name: who.name.clone(), samples: Vec::new(), trouble: None, loads: Vec::new() };
    let mut all: Vec<Series> = contestants.iter().map(empty).collect();
    for round in 0..rounds {
        for turn in 0..contestants.len() {
            let at = (turn + round as usize) % contestants.len();
            let series = &mut all[at];
            if series.trouble.is_some() {
                continue;
            }
            series.loads.push(load::now());
            match (contestants[at].turn)(round) {
                Ok(sample) => {
                    eprintln!("   {} {}: {:.3} s", round + 1, series.name, sample.wall.as_secs_f64());
                    series.samples.push(sample);
                }
                Err(trouble) => series.trouble = Some(trouble.to_string()),
            }
        }
    }
    all
}

impl Series {
    pub(crate) fn walls(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.wall.as_secs_f64()).collect()
    }

    /// The median of the ratios of each round: what this one took over what `other` took beside it.
    pub(crate) fn ratio(&self, other: &Series) -> Option<f64> {
        let pairs = self.walls().into_iter().zip(other.walls());
        median(pairs.map(|(mine, theirs)| mine / theirs).collect())
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures.get(figures.len().checked_sub(1)? / 2)?, figures.get(figures.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}
