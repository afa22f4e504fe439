//! Records of test executables: written by the hidden runner mode, read into a report. What is missing makes it incomplete.

use crate::process::leaving;
use crate::rules::{Report, TestResult};
use crate::text::shortened;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Bytes of one record's files that are read.
const LONGEST: u64 = 64 << 20;

/// What is known before a test executable runs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Start {
    pub executable: String,
    pub package: String,
    /// The chosen tests; `None`: it gives no names.
    pub listed: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    exit: u8,
}

/// A record that was begun.
pub(super) struct Record {
    stem: PathBuf,
}

/// Begins a record, before the executable runs.
pub(super) fn begin(reports: &Path, start: &Start) -> io::Result<Record> {
    for number in 0.. {
        let stem = reports.join(format!("{}-{number}", std::process::id()));
        match File::create_new(stem.with_extension("start")) {
            Ok(file) => {
                serde_json::to_writer(file, start)?;
                return Ok(Record { stem });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

impl Record {
    /// Where libtest writes its report.
    pub(super) fn log(&self) -> PathBuf {
        self.stem.with_extension("log")
    }

    /// Ends it.
    pub(super) fn end(self, exit: u8) -> io::Result<()> {
        let file = File::create_new(self.stem.with_extension("end"))?;
        serde_json::to_writer(file, &End { exit })?;
        Ok(())
    }
}

/// Reads all records of a folder into a report. `ids` has each built executable's id; `all_ran` says that each of them must
/// have a record.
pub(super) fn read(
    reports: &Path,
    ids: &BTreeMap<String, String>,
    all_ran: bool,
    report: &mut Report,
) -> io::Result<()> {
    let mut starts: Vec<PathBuf> =
        fs::read_dir(reports)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    starts.retain(|path| path.extension().is_some_and(|end| end == "start"));
    starts.sort();
    let mut seen = BTreeSet::new();
    for path in starts {
        let Ok(start) = serde_json::from_str::<Start>(&text(&path)?) else {
            report.incomplete.get_or_insert_with(|| "a record of a test program cannot be read".into());
            continue;
        };
        seen.insert(start.executable.clone());
        let id = ids.get(&start.executable).cloned().unwrap_or_else(|| guessed_id(&start));
        let end = text(&path.with_extension("end")).ok();
        let end = end.and_then(|end| serde_json::from_str::<End>(&end).ok()).map(|end| end.exit);
        match start.listed {
            Some(listed) => {
                report.is_counted = true;
                let log = text(&path.with_extension("log")).unwrap_or_default();
                take_in(report, &id, &listed, &log, end);
            }
            None => {
                let name: Box<str> = shortened(&id, 200).into();
                if end.is_none() {
                    report.incomplete.get_or_insert_with(|| format!("{name} was ended before it was over").into());
                }
                report.record_program(name, end.map_or(0, i32::from));
            }
        }
    }
    if all_ran && let Some((_, id)) = ids.iter().find(|(executable, _)| !seen.contains(*executable)) {
        report.incomplete.get_or_insert_with(|| format!("{id} was built and did not run").into());
    }
    Ok(())
}

/// The folder in which tests leave their records: all of a check's scratch folder that its programs may write.
pub fn reports(scratch: &Path) -> PathBuf {
    scratch.join("tests")
}

fn text(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&leaving(path, LONGEST)?).into_owned())
}

/// Where no build named it: the package, and the executable's own name where it differs.
fn guessed_id(start: &Start) -> String {
    let file =
        Path::new(&start.executable).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = file.rsplit_once('-').map_or(file.as_str(), |(name, _)| name);
    if name == "rust_out" {
        format!("documentation tests of {}", start.package)
    } else if name == start.package.replace('-', "_") {
        start.package.clone()
    } else {
        format!("{}::{name}", start.package)
    }
}

/// One executable's results: a listed test without a result is missing, and that is told.
fn take_in(report: &mut Report, id: &str, listed: &[String], log: &str, end: Option<u8>) {
    let results = results(listed, log);
    let missing: Vec<&str> =
        listed.iter().filter(|name| !results.contains_key(name.as_str())).map(String::as_str).collect();
    let any_failed = results.values().any(|result| *result == TestResult::Failed);
    let how = match end {
        None => "was ended from outside".to_owned(),
        Some(exit) => format!("ended with exit code {exit}"),
    };
    let why = if let Some(first) = missing.first() {
        let first = shortened(first, 200);
        let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
        Some(format!("{id} {how}, and {first}{more} had not reported"))
    } else if end.is_none() || (end != Some(0) && !any_failed) {
        Some(format!("{id} {how}, and no test was reported as failing"))
    } else {
        None
    };
    if let Some(why) = why {
        report.incomplete.get_or_insert_with(|| why.into());
    }
    for (name, result) in results {
        report.record(format!("{id} {}", shortened(name, 500)), result);
    }
}

/// The lines of libtest's report file. A message may hold line ends of a test's own making: what does not read as a result of
/// a listed test is part of a failure's message, whose last line ends with the name of the test that failed.
fn results<'a>(listed: &'a [String], log: &str) -> BTreeMap<&'a str, TestResult> {
    let names: BTreeSet<&'a str> = listed.iter().map(String::as_str).collect();
    let mut results: BTreeMap<&'a str, TestResult> = BTreeMap::new();
    let mut is_in_message = false;
    for line in log.lines() {
        let plainly = ["ok ", "failed ", "ignored "].iter().find_map(|word| {
            let name = names.get(line.strip_prefix(word)?)?;
            Some((*name, *word))
        });
        let (name, result) = match plainly {
            Some((name, "ok ")) if !is_in_message => (name, TestResult::Passed),
            Some((name, "ignored ")) if !is_in_message => (name, TestResult::Ignored(None)),
            Some((name, "failed ")) => (name, TestResult::Failed),
            // Inside a message a test can write what it likes: it counts as a failure of what it names.
            Some((name, _)) => (name, TestResult::Failed),
            None => match last_name(&names, line) {
                Some(name) if line.starts_with("ignored: ") && !is_in_message => {
                    let reason = line["ignored: ".len()..line.len() - name.len()].trim();
                    (name, TestResult::Ignored(Some(shortened(reason, 200).into())))
                }
                Some(name) => (name, TestResult::Failed),
                None => {
                    is_in_message = true;
                    continue;
                }
            },
        };
        if plainly.is_none() {
            is_in_message = false;
        }
        let held = results.entry(name).or_insert_with(|| result.clone());
        *held = held.clone().max(result);
    }
    results
}

/// The listed test whose name ends this line.
fn last_name<'a>(names: &BTreeSet<&'a str>, line: &str) -> Option<&'a str> {
    names.get(line.rsplit(' ').next()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn report(listed: &[&str], log: &str, end: Option<u8>) -> Report {
        let listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        let mut report = Report { is_counted: true, ..Report::default() };
        take_in(&mut report, "d", &listed, log, end);
        report
    }

    #[test]
    fn results_are_read_by_name_with_reasons_and_messages() {
        let log = "ok a\nfailed: panic did not contain expected string\n      panic message: `x`,\n expected: `y` b\nignored: too slow c\nfailed e\n";
        let report = report(&["a", "b", "c", "e"], log, Some(101));
        let expected = [("d a", Passed), ("d b", Failed), ("d c", Ignored(Some("too slow".into()))), ("d e", Failed)];
        assert_eq!(report.tests, expected.map(|(name, result)| (name.into(), result)).into());
        assert_eq!(report.incomplete, None);
    }

    #[test]
    fn what_was_listed_and_did_not_report_is_missing() {
        for (log, end, word) in [
            ("ok a\n", Some(0), "b had not reported"),
            ("", Some(0), "a and 1 more"),
            ("ok a\nok b\n", Some(3), "exit code 3"),
            ("ok a\nok b\n", None, "ended from outside"),
        ] {
            let why = report(&["a", "b"], log, end).incomplete.unwrap();
            assert!(why.contains(word), "{why}");
        }
        assert_eq!(report(&["a", "b"], "ok b\nok a\n", Some(0)).incomplete, None);
    }

    #[test]
    fn a_message_cannot_pass_another_test() {
        let log = "failed: panic message: `\nok b\nok c\n` a\n";
        let report = report(&["a", "b", "c"], log, Some(101));
        assert!(report.tests.values().all(|result| *result == Failed), "{report:?}");
    }
}
