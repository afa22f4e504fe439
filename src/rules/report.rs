//! What a build and a test runner said, as evidence: names and results, no judgement.

use crate::run::Counts;
use std::collections::BTreeMap;

/// What one or more checks said on one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether there was something to run.
    pub build: Build,
    /// Tests by name, as `binary test` (`demo::it adds`). Never read from what tests print.
    pub tests: BTreeMap<Box<str>, TestResult>,
    /// Why the results are not all there: a test that was listed and did not report, a runner that was ended early.
    pub incomplete: Option<Box<str>>,
    /// Programs that ran and gave no names (a harness of their own, documentation tests), each with its exit code.
    pub uncounted: BTreeMap<Box<str>, i32>,
    /// Whether the runner gives names at all.
    pub is_counted: bool,
    /// Exit code of the first command that failed, else 0; signals as shells say them.
    pub exit: i32,
    /// Exit code of the first of several commands that failed though no test of its own did, else 0.
    pub apart: i32,
}

/// Whether there was something to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Build {
    /// It was built.
    Built,
    /// The compiler refused it. Never empty.
    Failed(Vec<BuildError>),
    /// The tool did not get as far as compiling or running: its words.
    DidNotRun(Box<str>),
}

/// One of the compiler's errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// The compiler's code (`E0432`), where it has one.
    pub code: Option<Box<str>>,
    /// Its words, in one line.
    pub message: Box<str>,
    /// Path relative to the repository, where the error is in it.
    pub file: Option<Box<str>>,
    /// Line from 1.
    pub line: Option<u32>,
    /// What kind of error.
    pub kind: ErrorKind,
    /// What was being built (`demo::it`).
    pub target: Option<Box<str>>,
}

/// What kind of build error: what code to come can cure, and what it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something of that name is not there.
    Name,
    /// It is there and has another shape.
    Type,
    /// The text does not parse.
    Syntax,
    /// Borrowing, lints, anything else.
    Other,
}

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestResult {
    /// It ran and passed.
    Passed,
    /// It was skipped, with its reason where it gave one.
    Ignored(Option<Box<str>>),
    /// It ran and failed.
    Failed,
}

impl Default for Report {
    fn default() -> Report {
        Report {
            build: Build::Built,
            tests: BTreeMap::new(),
            incomplete: None,
            uncounted: BTreeMap::new(),
            is_counted: false,
            exit: 0,
            apart: 0,
        }
    }
}

impl Report {
    /// A report of a tool that did not run.
    pub fn did_not_run(why: impl Into<Box<str>>, exit: i32) -> Report {
        Report { build: Build::DidNotRun(why.into()), exit, ..Report::default() }
    }

    /// What a runner with names said, for tests.
    #[cfg(test)]
    pub(super) fn counted(exit: i32, tests: &[(&str, TestResult)]) -> Report {
        let mut report = Report { is_counted: true, exit, ..Report::default() };
        tests.iter().for_each(|(name, result)| report.record(*name, result.clone()));
        report
    }

    /// Takes a result in. Told twice, the worse one holds.
    pub fn record(&mut self, name: impl Into<Box<str>>, result: TestResult) {
        let held = self.tests.entry(name.into()).or_insert_with(|| result.clone());
        *held = held.clone().max(result);
    }

    /// Takes in how a program without names ended. Told twice, the worse one holds.
    pub fn record_program(&mut self, program: impl Into<Box<str>>, exit: i32) {
        let held = self.uncounted.entry(program.into()).or_default();
        *held = if *held == 0 { exit } else { *held };
    }

    /// Whether a test of this name ran and failed.
    pub fn failed(&self, name: &str) -> bool {
        self.tests.get(name) == Some(&TestResult::Failed)
    }

    /// The tests that ran and failed.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(|(_, result)| **result == TestResult::Failed).map(|(name, _)| &**name)
    }

    /// The exit code of a command that failed though no test of its own did: the runner itself, documentation tests, anything
    /// that gives no names. 0 where there is none.
    pub fn unexplained(&self) -> i32 {
        let is_explained = self.exit == 0 || self.apart != 0 || self.failures().next().is_some();
        if is_explained { self.apart } else { self.exit }
    }

    /// How many of each, where the runner gave names.
    pub fn counts(&self) -> Option<Counts> {
        self.is_counted.then(|| {
            let mut counts = Counts::default();
            for result in self.tests.values() {
                match result {
                    TestResult::Passed => counts.passed += 1,
                    TestResult::Failed => counts.failed += 1,
                    TestResult::Ignored(_) => counts.ignored += 1,
                }
            }
            counts
        })
    }

    /// Both reports as one: of a further command on the same tree. The worse of each holds.
    #[must_use]
    pub fn and(mut self, other: Report) -> Report {
        let apart = self.unexplained();
        self.apart = if apart == 0 { other.unexplained() } else { apart };
        self.build = match (self.build, other.build) {
            (Build::Failed(mut errors), Build::Failed(more)) => {
                errors.extend(more.into_iter().filter(|error| !errors.contains(error)).collect::<Vec<_>>());
                Build::Failed(errors)
            }
            (Build::Built, build) | (build, Build::Built) => build,
            (build @ Build::DidNotRun(_), _) | (_, build) => build,
        };
        for (name, result) in other.tests {
            self.record(name, result);
        }
        self.incomplete = self.incomplete.or(other.incomplete);
        for (program, exit) in other.uncounted {
            self.record_program(program, exit);
        }
        self.is_counted |= other.is_counted;
        self.exit = if self.exit == 0 { other.exit } else { self.exit };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_results_for_one_name_the_worse_holds() {
        let mut report = Report { is_counted: true, ..Report::default() };
        for result in [TestResult::Passed, TestResult::Failed, TestResult::Ignored(None), TestResult::Passed] {
            report.record("a", result);
        }
        report.record("b", TestResult::Passed);
        assert_eq!(report.failures().collect::<Vec<_>>(), ["a"]);
        assert_eq!(report.counts(), Some(Counts { passed: 1, failed: 1, ignored: 0 }));
    }

    #[test]
    fn two_commands_on_one_tree_are_one_report_and_no_failure_is_lost() {
        let green = Report { is_counted: true, ..Report::default() };
        let red = Report { exit: 3, incomplete: Some("ended".into()), ..Report::default() };
        let both = green.clone().and(red.clone());
        assert_eq!(red.unexplained(), 3);
        assert_eq!(both, Report { is_counted: true, apart: 3, ..red.clone() });
        let named = Report::counted(101, &[("a", TestResult::Failed)]);
        assert_eq!((named.unexplained(), named.clone().and(red.clone()).unexplained()), (0, 3));
        assert_eq!((red.and(named.clone()).unexplained(), named.and(green.clone()).unexplained()), (3, 0));
        assert_eq!(green.and(Report::did_not_run("no", 1)).build, Build::DidNotRun("no".into()));
    }
}
