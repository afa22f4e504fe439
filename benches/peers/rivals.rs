//! The rivals of P1, P3 and P5: where each is found, how it is installed where it is not, and how it runs a DAG.

use crate::{
    Trouble,
    flags::Guest,
    process,
    python::{self, Script},
    rounds::Sample,
    scratch::installed,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Somebody who runs the same DAG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    Ninja,
    Make,
    N2,
    Hyperqueue,
    Langgraph,
    Snakemake,
}

/// A rival that is there.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) rival: Rival,
    program: PathBuf,
    /// Its name with its version.
    pub(crate) name: String,
}

impl Rival {
    /// Those that take part, in the order of the table.
    pub(crate) fn all(with: &[Guest]) -> Vec<Rival> {
        let guests = with.iter().map(|guest| match guest {
            Guest::Hyperqueue => Rival::Hyperqueue,
            Guest::Langgraph => Rival::Langgraph,
            Guest::Snakemake => Rival::Snakemake,
        });
        [Rival::Ninja, Rival::Make, Rival::N2].into_iter().chain(guests).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Rival::Ninja => "ninja",
            Rival::Make => "make",
            Rival::N2 => "n2",
            Rival::Hyperqueue => "HyperQueue",
            Rival::Langgraph => "LangGraph",
            Rival::Snakemake => "Snakemake",
        }
    }

    /// Finds it, or installs it. The error says how a person could.
    pub(crate) fn find(self) -> Result<Found, Trouble> {
        let (program, version) = match self {
            Rival::Ninja => debian("ninja", "ninja-build")?,
            Rival::Make => debian("make", "make")?,
            Rival::N2 => n2()?,
            Rival::Hyperqueue => python::installed(Script::Hyperqueue)?,
            Rival::Langgraph => python::installed(Script::Langgraph)?,
            Rival::Snakemake => python::installed(Script::Snakemake)?,
        };
        Ok(Found { rival: self, program, name: format!("{} {version}", self.name()) })
    }
}

impl Found {
    /// Forgets the last run, then runs the DAG in `dir`.
    pub(crate) fn run(&self, dir: &Path, jobs: u32) -> Result<Sample, Trouble> {
        for name in [".ninja_log", ".ninja_deps", ".n2_db", ".snakemake", "o", "checkpoints.sqlite", "hq"] {
            remove(&dir.join(name))?;
        }
        fs::create_dir(dir.join("o"))?;
        self.again(dir, jobs)
    }

    /// Runs the DAG in `dir` on what is there from the last run.
    pub(crate) fn again(&self, dir: &Path, jobs: u32) -> Result<Sample, Trouble> {
        let mut command = Command::new(&self.program);
        command.current_dir(dir);
        let jobs = jobs.to_string();
        match self.rival {
            Rival::Ninja | Rival::N2 => command.args(["-j", &jobs]),
            Rival::Make => command.args([&format!("-j{jobs}"), "--silent"]),
            Rival::Hyperqueue => python::arguments(&mut command, Script::Hyperqueue, &jobs)?,
            Rival::Langgraph => python::arguments(&mut command, Script::Langgraph, &jobs)?,
            Rival::Snakemake => python::arguments(&mut command, Script::Snakemake, &jobs)?,
        };
        process::run(&mut command)
    }
}

fn remove(path: &Path) -> Result<(), Trouble> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// A program of Debian's. As root it is installed; anybody else is told how.
fn debian(program: &str, package: &str) -> Result<(PathBuf, String), Trouble> {
    let version = || process::done(Command::new(program).arg("--version"));
    let said = version().or_else(|_| {
        let how = format!("`{program}` is not there: `apt-get install {package}`");
        process::done(Command::new("apt-get").args(["install", "--yes", package]))
            .map_err(|error| format!("{how} ({error})"))?;
        version()
    })?;
    Ok((program.into(), numbers(&said)))
}

/// n2 is not on crates.io: the crate of this name is another program, a neural network.
fn n2() -> Result<(PathBuf, String), Trouble> {
    const SOURCE: &str = "https://github.com/evmar/n2";
    let root = installed();
    let own = root.join("bin/n2");
    let version = |program: &Path| process::done(Command::new(program).arg("--version")).map(|said| numbers(&said));
    if let Some(found) = [own.clone(), "n2".into()].into_iter().find(|program| version(program).is_ok()) {
        return Ok((found.clone(), version(&found)?));
    }
    process::done(Command::new("cargo").args(["install", "--git", SOURCE, "--locked", "--root"]).arg(&root)).map_err(
        |error| format!("`cargo install --git {SOURCE} --root target/peers` (it is not on crates.io): {error}"),
    )?;
    Ok((own.clone(), version(&own)?))
}

/// The first word that begins with a digit.
fn numbers(said: &str) -> String {
    let is_version = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_digit());
    said.split_whitespace().find(is_version).unwrap_or("of an unknown version").to_owned()
}
