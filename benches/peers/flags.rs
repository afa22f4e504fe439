//! What is asked of the bench on its command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Runs tidegate and its rivals on the same work, in turns, and prints a table in Markdown.
#[derive(Debug, Parser)]
#[command(name = "peers")]
pub(crate) struct Flags {
    /// Rounds, in each of which everybody has a turn. With less than 5 the medians mean little.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Only these parts (P1 is P1 to P3). May be given again, or with commas.
    #[arg(long, value_delimiter = ',', ignore_case = true)]
    only: Vec<Part>,
    /// Sizes for P1 to P3, instead of 1000 and 10000.
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<u32>,
    /// Jobs at the same time for P1 to P3, instead of 2 and 16.
    #[arg(short, long, value_delimiter = ',')]
    pub(crate) jobs: Vec<u32>,
    /// Rivals from PyPI, which are slow to install and to run.
    #[arg(long, value_delimiter = ',')]
    pub(crate) with: Vec<Guest>,
    /// Small sizes and two rounds: to see that it works.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Runs the floor of P2 on the DAG in this folder, and nothing else.
    #[arg(long, hide = true)]
    pub(crate) floor: Option<PathBuf>,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A rival that takes part only when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Guest {
    /// HyperQueue, from PyPI.
    Hyperqueue,
    /// LangGraph with its SQLite checkpointer, from PyPI.
    Langgraph,
    /// Snakemake, from PyPI.
    Snakemake,
}

/// A part of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Tasks that do nothing.
    #[value(name = "p1", aliases = ["p2", "p3"])]
    Noop,
    /// From a thousand to a hundred thousand.
    #[value(name = "p4")]
    Scale,
    /// A finished run again.
    #[value(name = "p5")]
    Resume,
    /// The order of work.
    #[value(name = "p6")]
    Makespan,
    /// A workspace for the next attempt.
    #[value(name = "p7")]
    Workspace,
    /// Landing a branch.
    #[value(name = "p8")]
    Landing,
    /// Many branches that are ready at once.
    #[value(name = "train")]
    Train,
    /// Commands that take no time.
    #[value(name = "p12")]
    Cold,
}

impl Part {
    pub(crate) const ALL: [Part; 8] = [
        Part::Cold,
        Part::Makespan,
        Part::Landing,
        Part::Train,
        Part::Workspace,
        Part::Resume,
        Part::Noop,
        Part::Scale,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Noop => "P1",
            Part::Scale => "P4",
            Part::Resume => "P5",
            Part::Makespan => "P6",
            Part::Workspace => "P7",
            Part::Landing => "P8",
            Part::Train => "train",
            Part::Cold => "P12",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Part::Noop => "tasks that do nothing, in place",
            Part::Scale => "a large breakdown: read, run, kill -9, go on",
            Part::Resume => "a finished run again",
            Part::Makespan => "order of work, simulated",
            Part::Workspace => "a workspace for the next attempt",
            Part::Landing => "landing one branch",
            Part::Train => "branches that are ready at once, side by side and one at a time",
            Part::Cold => "commands, started anew",
        }
    }
}

impl Flags {
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { self.rounds.min(2) } else { self.rounds }
    }

    /// Sizes for P1 to P3.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        match (&*self.tasks, self.quick) {
            ([], true) => vec![300],
            ([], false) => vec![1_000, 10_000],
            (some, _) => some.to_vec(),
        }
    }

    pub(crate) fn widths(&self) -> Vec<u32> {
        if self.jobs.is_empty() { vec![2, 16] } else { self.jobs.clone() }
    }

    /// One of two figures: for a quick look, and for the table.
    pub(crate) fn size<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// The command as it was given.
    pub(crate) fn command(&self) -> String {
        let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
        let mut command = "cargo bench --bench peers".to_owned();
        if !args.is_empty() {
            command.push_str(" -- ");
            command.push_str(&args.join(" "));
        }
        command
    }
}
