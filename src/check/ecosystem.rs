//! An ecosystem: what a language's tools are asked, and how they answer. Others fit in beside Cargo.

use super::{Cargo, Check, Checked};
use crate::plan::Level;
use crate::rules::{Build, Report};
use std::{future::Future, pin::Pin};

/// A check that runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// What a language's tools are asked, and how they answer.
pub trait Ecosystem: Send + Sync {
    /// Its name for people.
    fn name(&self) -> &'static str;

    /// The command lines of a gate where none are configured; empty where none are known.
    fn default_checks(&self, level: Level) -> Vec<Box<str>>;

    /// Whether this command line runs tests whose names are reported. Red is judged by these alone, where there are any.
    fn reports_tests(&self, command: &str) -> bool;

    /// Files that its tools write when dependencies change.
    fn lock_files(&self) -> &'static [&'static str];

    /// Runs one check and collects what it says.
    fn run<'a>(&'a self, check: &'a Check<'a>) -> Running<'a>;
}

/// The ecosystem of a repository, from the files at its root.
pub fn detect(has_file: impl Fn(&str) -> bool) -> Box<dyn Ecosystem> {
    if has_file("Cargo.toml") { Box::new(Cargo) } else { Box::new(Plain) }
}

/// No ecosystem that we know: exit codes alone, told as uncounted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Ecosystem for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn default_checks(&self, _: Level) -> Vec<Box<str>> {
        Vec::new()
    }

    fn reports_tests(&self, _: &str) -> bool {
        false
    }

    fn lock_files(&self) -> &'static [&'static str] {
        &[]
    }

    fn run<'a>(&'a self, check: &'a Check<'a>) -> Running<'a> {
        Box::pin(async move {
            let exit = check.launch_sh(check.command, Vec::new(), None, check.log, None).await;
            let report = Report { build: Build::Built, exit: exit.code(), ..Report::default() };
            check.checked(report, &exit, check.command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::NodeId;

    #[test]
    fn a_cargo_project_is_known_by_its_manifest_and_has_checks_at_each_level() {
        let cargo = detect(|file| file == "Cargo.toml");
        for level in [Level::Task(NodeId(0)), Level::System, Level::Deployment] {
            assert_eq!(cargo.default_checks(level).len(), 1, "{level:?}");
        }
        assert!(cargo.reports_tests("cargo +nightly test -p a") && !cargo.reports_tests("cargo clippy"));
        let plain = detect(|_| false);
        assert_eq!((plain.name(), plain.default_checks(Level::System).len()), ("plain", 0));
    }
}
