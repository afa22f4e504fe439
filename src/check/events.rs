//! What our own reporters write, line by line as it happens, and what is missing of it. One file a runner that was started.

use crate::process::leaving;
use crate::rules::{Build, BuildError, ErrorKind, Report, TestResult};
use crate::text::shortened;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Bytes of one runner's file that are read.
const LONGEST: u64 = 64 << 20;

/// Files that are read: so many runners one command line does not start.
const MOST_FILES: usize = 2_000;

/// Errors beyond these are not kept.
const MOST_ERRORS: usize = 200;

/// Characters of a test's name.
const LONGEST_NAME: usize = 1_000;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    /// The runner has begun.
    Start,
    /// These tests are going to run.
    Collected { tests: Vec<String> },
    /// How one ended.
    Result {
        test: String,
        outcome: Outcome,
        #[serde(default)]
        reason: Option<String>,
    },
    /// Something could not be loaded, so that its tests do not run.
    Error(Fault),
    /// The runner is at its end.
    End {
        #[serde(default)]
        status: i32,
        /// A test that failed took the runner with it: what was to come did not run.
        #[serde(default)]
        fell: bool,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    Skipped,
    /// It was begun, or is to be, and nobody knows how it ended.
    Unfinished,
}

/// What could not be loaded, in the words of whatever language.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Fault {
    /// Where the reporter can tell: `name`, `type`, `syntax` or `other`.
    #[serde(default)]
    pub kind: Option<String>,
    /// The exception's class.
    #[serde(default, rename = "type")]
    pub class: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub stack: String,
    #[serde(default)]
    pub file: Option<String>,
    #[serde(default)]
    pub line: Option<u32>,
    #[serde(default)]
    pub target: Option<String>,
    /// Where the places in its words begin, relative to the checkout.
    #[serde(default)]
    pub base: Option<String>,
}

/// What becomes of a fault: an error of a build, or a test that failed.
pub(super) enum Taken {
    Error(BuildError),
    Failure(String),
}

/// What one kind of runner left in a folder.
pub(super) struct Read {
    /// How each runner ended, by its own word. None: it did not get that far.
    pub ends: Vec<Option<i32>>,
}

/// Reads the files of these runners (`pytest-...jsonl`) into a report.
pub(super) fn read(
    reports: &Path,
    runner: &str,
    report: &mut Report,
    taken: impl Fn(Fault) -> Taken,
) -> io::Result<Read> {
    let mut read = Read { ends: Vec::new() };
    for path in files(reports, runner, "jsonl")? {
        let text = String::from_utf8_lossy(&leaving(&path, LONGEST)?).into_owned();
        read.ends.push(one(&text, runner, report, &taken));
        report.is_counted = true;
    }
    Ok(read)
}

/// The files in a folder whose names begin with this word, in order.
pub(super) fn files(reports: &Path, begin: &str, end: &str) -> io::Result<Vec<PathBuf>> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_prefix(begin).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(&format!(".{end}")))
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(reports)? {
        files.extend(Some(entry?.path()).filter(is_it));
    }
    files.sort();
    files.truncate(MOST_FILES);
    Ok(files)
}

/// A runner that was begun and left no report was ended by what it ran.
pub(super) fn unended(reports: &Path, runner: &str, end: &str, report: &mut Report) -> io::Result<()> {
    for start in files(reports, runner, "start")? {
        report.is_counted = true;
        if !start.with_extension(end).exists() {
            report.incomplete.get_or_insert_with(|| format!("{runner} was ended before it was over").into());
        }
    }
    Ok(())
}

/// One runner's file: how it ended by its own word.
fn one(text: &str, runner: &str, report: &mut Report, taken: &impl Fn(Fault) -> Taken) -> Option<i32> {
    let (mut due, mut end, mut unread, mut did_fall) = (BTreeSet::new(), None, 0_usize, false);
    let mut results: BTreeMap<String, TestResult> = BTreeMap::new();
    let mut record = |test: String, result: TestResult| {
        let held = results.entry(shortened(&test, LONGEST_NAME)).or_insert_with(|| result.clone());
        *held = held.clone().max(result);
    };
    let mut errors = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(Event::Start) => {}
            Ok(Event::Collected { tests }) => due.extend(tests.iter().map(|test| shortened(test, LONGEST_NAME))),
            Ok(Event::Result { test, outcome, reason }) => match outcome {
                Outcome::Passed => record(test, TestResult::Passed),
                Outcome::Failed => record(test, TestResult::Failed),
                Outcome::Skipped => {
                    let reason = reason.filter(|reason| !reason.trim().is_empty());
                    record(test, TestResult::Ignored(reason.map(|reason| shortened(&reason, 200).into())));
                }
                Outcome::Unfinished => due.extend([shortened(&test, LONGEST_NAME)]),
            },
            Ok(Event::Error(fault)) => match taken(fault) {
                Taken::Error(error) => errors.push(error),
                Taken::Failure(test) => record(test, TestResult::Failed),
            },
            Ok(Event::End { status, fell }) => {
                end = Some(status);
                did_fall |= fell;
            }
            Err(_) => unread += 1,
        }
    }
    let did_fall = did_fall && results.values().any(|result| *result == TestResult::Failed);
    let missing: Vec<&String> = due.iter().filter(|test| !did_fall && !results.contains_key(*test)).collect();
    let cut = if end.is_none() { "was ended before it was over" } else { "came to its end" };
    let why = if unread > 0 {
        Some(format!("the report of {runner} cannot be read: {unread} of its lines are broken"))
    } else if let Some(first) = missing.first() {
        let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
        Some(format!("{runner} {cut}, and {first}{more} had not reported"))
    } else if end.is_none() && errors.is_empty() {
        Some(format!("{runner} {cut}"))
    } else {
        None
    };
    if let Some(why) = why {
        report.incomplete.get_or_insert_with(|| why.into());
    }
    results.into_iter().for_each(|(test, result)| report.record(test, result));
    refuse(report, errors);
    end
}

/// Takes in errors of a build: told twice, one is one.
pub(super) fn refuse(report: &mut Report, errors: Vec<BuildError>) {
    if errors.is_empty() {
        return;
    }
    let mut held = match std::mem::replace(&mut report.build, Build::Built) {
        Build::Failed(held) => held,
        Build::Built | Build::DidNotRun(_) => Vec::new(),
    };
    for error in errors {
        let is_same =
            |old: &BuildError| (&old.file, old.line, &old.message) == (&error.file, error.line, &error.message);
        if held.len() < MOST_ERRORS && !held.iter().any(is_same) {
            held.push(error);
        }
    }
    report.build = Build::Failed(held);
}

impl Fault {
    /// The same as an error of a build, of this kind, at this place.
    pub(super) fn into_error(self, kind: ErrorKind, file: Option<String>, line: Option<u32>) -> BuildError {
        let message = shortened(&self.message.replace(['\n', '\r'], " "), 500);
        BuildError {
            code: (!self.class.is_empty()).then(|| shortened(&self.class, 80).into()),
            message: message.into(),
            file: file.map(Into::into),
            line,
            kind,
            target: self.target.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn report(text: &str) -> Report {
        let mut report = Report { is_counted: true, ..Report::default() };
        one(text, "r", &mut report, &|fault| Taken::Error(fault.into_error(ErrorKind::Name, None, None)));
        report
    }

    #[test]
    fn results_are_read_by_name_and_the_worse_of_two_holds() {
        let text = r#"{"event":"start","runner":"r"}
{"event":"collected","tests":["a x","a y","a z"]}
{"event":"result","test":"a x","outcome":"passed"}
{"event":"result","test":"a x","outcome":"failed"}
{"event":"result","test":"a y","outcome":"skipped","reason":"slow"}
{"event":"result","test":"a z","outcome":"passed"}
{"event":"end","status":1}"#;
        let report = report(text);
        let expected = [("a x", Failed), ("a y", Ignored(Some("slow".into()))), ("a z", Passed)];
        assert_eq!(report.tests, expected.map(|(name, result)| (name.into(), result)).into());
        assert_eq!(report.incomplete, None);
    }

    #[test]
    fn what_was_collected_and_did_not_report_is_missing() {
        for (text, word) in [
            (r#"{"event":"start","runner":"r"}"#, "ended before it was over"),
            ("{\"event\":\"collected\",\"tests\":[\"a x\",\"a y\"]}\n{\"event\":\"end\"}", "a x and 1 more had not"),
            ("{\"event\":\"result\",\"test\":\"a x\",\"outcome\":\"unfinished\"}\n{\"event\":\"end\"}", "a x had not"),
            ("{\"event\":\"end\"}\n{\"event\":\"resu", "1 of its lines"),
        ] {
            let why = report(text).incomplete.unwrap();
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn a_test_that_took_its_runner_with_it_explains_what_did_not_run() {
        let text = |outcome: &str| {
            let result = format!(r#"{{"event":"result","test":"a x","outcome":"{outcome}"}}"#);
            format!("{{\"event\":\"collected\",\"tests\":[\"a y\"]}}\n{result}\n{{\"event\":\"end\",\"fell\":true}}")
        };
        assert_eq!(report(&text("failed")).incomplete, None);
        assert!(report(&text("passed")).incomplete.is_some());
    }

    #[test]
    fn an_error_of_loading_is_an_error_of_the_build_and_the_same_is_one() {
        let line = r#"{"event":"error","type":"ImportError","message":"no\nx"}"#;
        let report = report(&format!("{line}\n{line}\n"));
        let Build::Failed(errors) = &report.build else { panic!("{report:?}") };
        assert_eq!((errors.len(), &*errors[0].message, report.incomplete.is_none()), (1, "no x", true));
    }
}
