//! The hidden mode in which cargo starts test executables: lists their tests, runs them with a report file, records how they
//! ended. It stands between cargo and the test, prints nothing, and passes exit codes on.

use super::record::{self, Start};
use crate::process::StandIn;
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The first argument of our binary in this mode: `tidegate __test-runner REPORT_DIR EXECUTABLE ARGS...`.
pub const RUNNER_MODE: &str = "__test-runner";

/// A variable that libtest itself looks for: its name stands in every executable with libtest in it.
const LIBTEST_MARK: &[u8] = b"__RUST_TEST_INVOKE";

/// Bytes of a listing that are read.
const LONGEST_LIST: u64 = 32 << 20;

/// What cannot be recorded ends like a program that could not be started, and the check is incomplete.
const NOT_RECORDED: u8 = 126;

/// Runs one test executable. `args` is what follows [`RUNNER_MODE`]; `env` is the environment that cargo gave.
pub fn test_runner_main(
    args: impl IntoIterator<Item = OsString>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let mut args = args.into_iter();
    let (Some(reports), Some(executable)) = (args.next(), args.next()) else {
        return ExitCode::from(NOT_RECORDED);
    };
    let mut package = String::new();
    let mut ours = Vec::new();
    for (name, value) in env {
        if name == "CARGO_PKG_NAME" {
            package = value.to_string_lossy().into_owned();
        } else if name.to_string_lossy().ends_with("_RUNNER") && value.to_string_lossy().contains(RUNNER_MODE) {
            ours.push(name);
        }
    }
    let run = Run { reports: reports.into(), executable: executable.into(), args: args.collect(), ours };
    let code = match run.kind() {
        Kind::Program => run.program(&[], false).run().map(|status| code(&status)),
        Kind::DocTest => run.recorded(package, false),
        Kind::Test => run.recorded(package, run.has_libtest()),
    };
    ExitCode::from(code.unwrap_or(NOT_RECORDED))
}

struct Run {
    reports: PathBuf,
    executable: PathBuf,
    args: Vec<OsString>,
    /// Variables that name us as a runner: a cargo that a test starts is not recorded.
    ours: Vec<OsString>,
}

enum Kind {
    /// `cargo run`, or somebody asks for a list: none of our business.
    Program,
    /// rustdoc's executables.
    DocTest,
    /// `deps/name-0123456789abcdef`.
    Test,
}

fn code(status: &std::process::ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(1)
}

impl Run {
    fn kind(&self) -> Kind {
        let stem = self.executable.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
        let is_test = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.args.iter().any(|arg| arg == "--list") {
            Kind::Program
        } else if stem == "rust_out" {
            Kind::DocTest
        } else if is_test {
            Kind::Test
        } else {
            Kind::Program
        }
    }

    /// Whether libtest is in it. A harness of its own may print what it likes: it gives no names.
    fn has_libtest(&self) -> bool {
        let search = || -> io::Result<bool> {
            let mut file = File::open(&self.executable)?;
            let mut window = Vec::with_capacity(1 << 20);
            loop {
                let kept = window.len().min(LIBTEST_MARK.len());
                window.drain(..window.len() - kept);
                if (&mut file).take((1 << 20) - 64).read_to_end(&mut window)? == 0 {
                    return Ok(false);
                }
                if window.windows(LIBTEST_MARK.len()).any(|part| part == LIBTEST_MARK) {
                    return Ok(true);
                }
            }
        };
        search().unwrap_or(false)
    }

    fn recorded(&self, package: String, has_libtest: bool) -> io::Result<u8> {
        let listed = if has_libtest { Some(self.list()) } else { None };
        let is_unlisted = matches!(listed, Some(Err(_)));
        let listed = listed.map(Result::unwrap_or_default);
        let start = Start { executable: self.executable.to_string_lossy().into_owned(), package, listed };
        let record = record::begin(&self.reports, &start)?;
        if is_unlisted {
            // A record that never ends: the check is incomplete, whatever else passes.
            return Ok(NOT_RECORDED);
        }
        let more: Vec<OsString> = match has_libtest {
            true => vec!["--logfile".into(), record.log().into()],
            false => Vec::new(),
        };
        let status = self.program(&more, has_libtest).run()?;
        record.end(code(&status))?;
        Ok(code(&status))
    }

    /// The tests that these arguments choose, asked for before anything runs.
    fn list(&self) -> io::Result<Vec<String>> {
        let (status, text) =
            self.program(&["--list".into(), "--format".into(), "terse".into()], true).ask(LONGEST_LIST)?;
        if !status.success() {
            return Err(io::Error::other("the tests could not be listed"));
        }
        let text = String::from_utf8_lossy(&text);
        let names =
            text.lines().filter_map(|line| line.strip_suffix(": test").or_else(|| line.strip_suffix(": benchmark")));
        Ok(names.map(str::to_owned).collect())
    }

    fn program(&self, more: &[OsString], is_libtest: bool) -> StandIn<'_> {
        let is_list = more.first().is_some_and(|arg| arg == "--list");
        let args = if is_libtest {
            [more, &without_reports(&self.args, is_list)].concat()
        } else {
            [&self.args[..], more].concat()
        };
        // What rustdoc sets where no runner stands between: each documentation test in a process of its own.
        let is_doctest = self.executable.file_stem().is_some_and(|stem| stem == "rust_out");
        let doctest = || ("RUSTDOC_DOCTEST_BIN_PATH".into(), self.executable.clone().into_os_string());
        let set = is_doctest.then(doctest).into_iter().collect();
        StandIn { program: &self.executable, args, unset: &self.ours, set }
    }
}

/// Arguments less those that say where and how a report goes: these are ours.
fn without_reports(args: &[OsString], is_list: bool) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        let takes_value = text == "--logfile" || (is_list && matches!(&*text, "--format" | "--color"));
        if takes_value {
            let _ = args.next();
        } else if text.starts_with("--logfile=") || (is_list && is_about_output(&text)) {
        } else {
            kept.push(arg.clone());
        }
    }
    kept
}

fn is_about_output(arg: &str) -> bool {
    matches!(arg, "-q" | "--quiet" | "--nocapture" | "--no-capture" | "--show-output")
        || arg.starts_with("--format=")
        || arg.starts_with("--color=")
}

/// Where the runner is told to write, for those who start it.
pub(super) fn runner_value(tidegate: &Path, reports: &Path) -> OsString {
    let mut value = tidegate.as_os_str().to_owned();
    for part in [OsStr::new(RUNNER_MODE), reports.as_os_str()] {
        value.push(" ");
        value.push(part);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_chooses_tests_goes_into_a_listing() {
        let args: Vec<OsString> =
            ["adds", "--logfile", "x", "--format", "json", "-q", "--skip", "y"].into_iter().map(Into::into).collect();
        assert_eq!(without_reports(&args, true), ["adds", "--skip", "y"]);
        assert_eq!(without_reports(&args, false), ["adds", "--format", "json", "-q", "--skip", "y"]);
    }
}
