//! One DAG for everybody: as `breakdown.md`, `build.ninja`, `Makefile`, and as lines with tabs for those who have a program of ours.

use crate::Trouble;
use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

/// Chance from a seed: the same DAG on every machine.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// From 0 to 1, without either.
    pub(crate) fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// What a DAG looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One after the other.
    Chain,
    /// All at once.
    Wide,
    /// One, all at once, one.
    Diamond,
    /// One, four, one, four.
    Ladder,
    /// Layers as wide as there are layers; each task hangs on up to five, most of them in the layer before.
    Layered,
    /// A and B beside each other, then C, then D; chains of five within each.
    Streams,
}

impl Shape {
    pub(crate) const ALL: [Shape; 6] =
        [Shape::Chain, Shape::Wide, Shape::Diamond, Shape::Ladder, Shape::Layered, Shape::Streams];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Shape::Chain => "chain",
            Shape::Wide => "wide",
            Shape::Diamond => "diamond",
            Shape::Ladder => "ladder",
            Shape::Layered => "layered",
            Shape::Streams => "streams",
        }
    }
}

/// A task: the stream it is in, and the tasks before it, all with smaller numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) stream: usize,
    pub(crate) before: BTreeSet<usize>,
}

/// What each task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// `/bin/true`.
    Nothing,
    /// Makes `o/<its number>`.
    Stamp,
}

/// Tasks in an order in which they could be done.
#[derive(Clone, Debug)]
pub(crate) struct Dag(pub(crate) Vec<Step>);

impl Dag {
    pub(crate) fn new(shape: Shape, size: usize, chance: &mut Chance) -> Dag {
        let step = |stream: usize, before: &[usize]| Step { stream, before: before.iter().copied().collect() };
        let last = size.saturating_sub(1);
        Dag(match shape {
            Shape::Chain => (0..size).map(|i| step(0, &if i == 0 { vec![] } else { vec![i - 1] })).collect(),
            Shape::Wide => (0..size).map(|_| step(0, &[])).collect(),
            Shape::Diamond => (0..size)
                .map(|i| match i {
                    0 => step(0, &[]),
                    i if i == last => step(2, &(1..i).collect::<Vec<_>>()),
                    _ => step(1, &[0]),
                })
                .collect(),
            Shape::Ladder => (0..size)
                .map(|i| match (i % 5, i / 5 * 5) {
                    (0, 0) => step(0, &[]),
                    (0, join) => step(0, &(join - 4..join).collect::<Vec<_>>()),
                    (_, join) => step(0, &[join]),
                })
                .collect(),
            Shape::Layered => layered(size, chance),
            Shape::Streams => streams(size, chance),
        })
    }

    /// Everything that the contestants read, in a folder.
    pub(crate) fn write(&self, dir: &Path, deed: Deed) -> Result<(), Trouble> {
        fs::create_dir_all(dir.join("o"))?;
        fs::create_dir_all(dir.join("notes/bench"))?;
        fs::write(dir.join("dag.tsv"), self.lines())?;
        fs::write(dir.join("build.ninja"), self.ninja(deed))?;
        fs::write(dir.join("Makefile"), self.makefile(deed))?;
        fs::write(dir.join("notes/bench/research.md"), "# Research: a DAG to measure with\n")?;
        fs::write(dir.join("notes/bench/plan.md"), "# Plan: a DAG to measure with\n")?;
        fs::write(dir.join("notes/bench/breakdown.md"), self.breakdown(deed))?;
        Ok(())
    }

    /// A number and those before it, a line a task.
    fn lines(&self) -> String {
        let line = |(i, step): (usize, &Step)| format!("{i}\t{}\n", joined(&step.before, ",", |n| n.to_string()));
        self.0.iter().enumerate().map(line).collect()
    }

    fn ninja(&self, deed: Deed) -> String {
        let command = if deed == Deed::Stamp { ": > $out" } else { "/bin/true" };
        let mut text = format!("rule t\n  command = {command}\n");
        for (i, step) in self.0.iter().enumerate() {
            let _ = writeln!(text, "build o/{i}: t {}", joined(&step.before, " ", |n| format!("o/{n}")));
        }
        let _ = writeln!(text, "build all: phony {}\ndefault all", joined(0..self.0.len(), " ", |n| format!("o/{n}")));
        text
    }

    fn makefile(&self, deed: Deed) -> String {
        let (command, phony) = match deed {
            Deed::Stamp => (": > $@", ""),
            Deed::Nothing => ("/bin/true", ".PHONY: all\n"),
        };
        let all = joined(0..self.0.len(), " ", |n| format!("o/{n}"));
        let mut text = format!("MAKEFLAGS += -rR\n.SUFFIXES:\nSHELL = /bin/sh\nall: {all}\n{phony}");
        for (i, step) in self.0.iter().enumerate() {
            // A semicolon that does nothing: else make would start the program itself, and nobody else does.
            let _ = writeln!(text, "o/{i}: {}\n\t@{command};", joined(&step.before, " ", |n| format!("o/{n}")));
        }
        text
    }

    fn breakdown(&self, deed: Deed) -> String {
        let mut text = format!("# Task breakdown: {} tasks\n", self.0.len());
        let mut last = None;
        for (i, Step { stream, before }) in self.0.iter().enumerate() {
            if last != Some(*stream) {
                let _ = writeln!(text, "\n### Stream {0}: part {0}\n", stream_name(*stream));
                last = Some(*stream);
            }
            let number = i + 1;
            let needs = match before.len() {
                0 => "None".to_owned(),
                _ => format!("Tasks {} complete", joined(before, ", ", |n| (n + 1).to_string())),
            };
            let command = match deed {
                Deed::Nothing => "/bin/true".to_owned(),
                Deed::Stamp => format!(": > o/{i}"),
            };
            let pad = " ".repeat(format!("{number}. ").len());
            let _ = writeln!(text, "{number}. **Step {number}**\n");
            for line in [
                &*format!("- Objective: do step {number}"),
                &format!("- Dependencies: {needs}"),
                "- Effort: 10 min",
                "",
                "```sh role=implementation",
                &command,
                "```",
                "",
            ] {
                let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { &pad });
            }
        }
        text
    }
}

/// A, B ... Z, AA ...
fn stream_name(stream: usize) -> String {
    let letter = char::from(b'A' + (stream % 26) as u8);
    if stream < 26 { letter.to_string() } else { stream_name(stream / 26 - 1) + &letter.to_string() }
}

fn joined<T>(all: impl IntoIterator<Item = T>, between: &str, text: impl Fn(T) -> String) -> String {
    all.into_iter().map(text).collect::<Vec<_>>().join(between)
}

fn layered(size: usize, chance: &mut Chance) -> Vec<Step> {
    let width = ((size as f64).sqrt().round() as usize).max(2);
    let step = |i: usize| {
        let (layer, mut before) = (i / width, BTreeSet::new());
        let want = if layer == 0 { 0 } else { (1 + chance.below(5)).min(width) };
        while before.len() < want {
            let is_near = layer == 1 || chance.below(10) < 7;
            before.insert(if is_near {
                (layer - 1) * width + chance.below(width)
            } else {
                chance.below((layer - 1) * width)
            });
        }
        Step { stream: layer, before }
    };
    (0..size).map(step).collect()
}

fn streams(size: usize, chance: &mut Chance) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    // The last task of each stream, on which those that wait for it hang.
    let mut ends: Vec<usize> = Vec::new();
    for (stream, after) in [&[][..], &[], &[0, 1], &[2]].into_iter().enumerate() {
        let first = all.len();
        let roots: BTreeSet<usize> = after.iter().map(|&stream: &usize| ends[stream]).collect();
        let count = if stream == 3 { size - first } else { (size / 4).max(1) };
        for nth in 0..count.saturating_sub(1) {
            let mut before = if nth % 5 == 0 { roots.clone() } else { BTreeSet::from([all.len() - 1]) };
            if nth % 5 != 0 && nth > 6 && chance.below(10) < 3 {
                before.insert(first + chance.below(nth - 1));
            }
            all.push(Step { stream, before });
        }
        let inner: BTreeSet<usize> = all[first..].iter().flat_map(|step| step.before.iter().copied()).collect();
        let open: BTreeSet<usize> = (first..all.len()).filter(|i| !inner.contains(i)).collect();
        ends.push(all.len());
        all.push(Step { stream, before: if open.is_empty() { roots } else { open } });
    }
    all
}
