//! Rivals from PyPI: each in an environment of its own below `target/peers`, driven by a script beside this file.

use crate::{Trouble, process, scratch};
use std::{fs, path::PathBuf, process::Command};

/// A rival's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Hyperqueue,
    Langgraph,
    Snakemake,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Script::Hyperqueue => "hyperqueue",
            Script::Langgraph => "langgraph",
            Script::Snakemake => "snakemake",
        }
    }

    /// The first one is the one whose version is told.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Script::Hyperqueue => &["hyperqueue"],
            Script::Langgraph => &["langgraph", "langgraph-checkpoint-sqlite"],
            Script::Snakemake => &["snakemake"],
        }
    }

    fn text(self) -> &'static str {
        match self {
            Script::Hyperqueue => include_str!("hyperqueue.py"),
            Script::Langgraph => include_str!("langgraph.py"),
            Script::Snakemake => include_str!("snakemake.smk"),
        }
    }

    fn home(self) -> PathBuf {
        scratch::installed().join(self.name())
    }

    /// Written anew each time: it belongs to this bench, not to the environment.
    fn file(self) -> PathBuf {
        self.home().join(if self == Script::Snakemake { "dag.smk" } else { "dag.py" })
    }
}

/// Its interpreter and its version, installed by pip where it is missing.
pub(crate) fn installed_version(script: Script, python: &PathBuf) -> Result<String, Trouble> {
    let ask = format!("import importlib.metadata as m; print(m.version({:?}))", script.packages()[0]);
    Ok(process::done(Command::new(python).args(["-c", &ask]))?.trim().to_owned())
}

/// The same with its installation.
pub(crate) fn installed(script: Script) -> Result<(PathBuf, String), Trouble> {
    let home = script.home();
    let python = home.join("bin/python");
    let how = |error: Trouble| {
        format!("`python3 -m venv {0}; {0}/bin/pip install {1}`: {error}", home.display(), script.packages().join(" "))
    };
    let version = installed_version(script, &python).or_else(|_| {
        process::done(Command::new("python3").args(["-m", "venv"]).arg(&home)).map_err(how)?;
        process::done(Command::new(home.join("bin/pip")).args(["install", "--quiet"]).args(script.packages()))
            .map_err(how)?;
        installed_version(script, &python)
    })?;
    fs::write(script.file(), script.text())?;
    Ok((python, version))
}

/// What its interpreter is told.
pub(crate) fn arguments<'a>(command: &'a mut Command, script: Script, jobs: &str) -> Result<&'a mut Command, Trouble> {
    let file = script.file();
    Ok(match script {
        Script::Snakemake => command.args(["-m", "snakemake", "--quiet", "--cores", jobs, "--snakefile"]).arg(file),
        Script::Hyperqueue | Script::Langgraph => command.arg(file).arg(jobs),
    })
}
