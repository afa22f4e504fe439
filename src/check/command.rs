//! A check: one command line on one tree, its environment and its log.

use super::{Order, tail};
use crate::process::{Ask, Confines, Exit, How, Launch, Limits, Line, Program, secrets};
use crate::rules::{Build, Report};
use crate::run::{Oid, Ran};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Lines of output that are handed back.
const TAIL_LINES: usize = 60;

/// Bytes at the end of a log that are looked at.
const TAIL_BYTES: u64 = 256 << 10;

/// One command line to run on one tree.
pub struct Check<'a> {
    /// Runs programs.
    pub launch: &'a dyn Launch,
    /// For `sh -c`.
    pub command: &'a str,
    /// The commit that `cwd` is a checkout of.
    pub on: Oid,
    /// The checkout.
    pub cwd: &'a Path,
    /// The environment. `CI` and whatever begins with `TIDEGATE_` do not reach a check.
    pub env: &'a [(OsString, OsString)],
    /// `[checks] env`: comes on top, `CI` too.
    pub configured: &'a [(OsString, OsString)],
    /// What it may take, each program of it.
    pub limits: Limits,
    /// Globs of reports that its programs leave in the checkout (`[checks] reports`); `-` is what they print.
    pub reports: &'a [Box<str>],
    /// Where its output goes; appended to.
    pub log: &'a Path,
    /// The log, relative to the run's folder.
    pub log_name: &'a str,
    /// An empty folder for this check alone. Its programs may write [`super::reports`] in it, where they leave what we read.
    pub scratch: &'a Path,
    /// The gate's build cache. One check at a time uses it: another waits.
    pub cache: &'a Path,
    /// Our own binary, whose hidden mode [`super::RUNNER_MODE`] runs test executables.
    pub tidegate: &'a Path,
    /// What its programs may see and write; `None`: whatever we may.
    pub confines: Option<Confines>,
    /// Stops it.
    pub line: Line,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it said.
    pub report: Report,
    /// What was run.
    pub ran: Ran,
    /// How the program ended.
    pub exit: Exit,
    /// The useful part of its output, without control sequences.
    pub tail: String,
}

impl Check<'_> {
    /// What a variable is for whatever runs here, if nothing else is said: what the configuration says is above what is given to all.
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        let mut held = self.configured.iter().chain(self.env);
        held.find(|(held, _)| held == name).map(|(_, value)| value)
    }

    /// Runs a command line of `sh` in this check's environment, and with what the order has beside it.
    pub(super) async fn launch_sh(&self, order: &Order, stdout: &Path, stderr: Option<&Path>) -> Exit {
        let mut confines = self.confines.clone();
        if let Some(confines) = &mut confines {
            confines.readable.extend(order.readable.iter().cloned());
        }
        let program = Program {
            argv: ["sh", flags(&order.command), &order.command].map(OsString::from).to_vec(),
            cwd: self.cwd.to_owned(),
            env: self.environment(order.variables.clone()),
            stdin: None,
            stdout: stdout.to_owned(),
            stderr: stderr.map(Path::to_owned),
            limits: self.limits,
            confines,
            ask: Ask::Term,
            // What is configured for checks stands in the repository, and may be a word of its tests.
            secrets: secrets(self.env),
        };
        self.launch.launch(program, self.line.clone()).await
    }

    /// Whether its programs have no network: set-up has fetched what there is.
    pub(super) fn is_offline(&self) -> bool {
        self.confines.as_ref().is_some_and(|confines| !confines.has_network)
    }

    /// A folder for what its programs may read and not write: made.
    pub(super) fn tools(&self) -> io::Result<PathBuf> {
        let folder = self.scratch.join("tools");
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn environment(&self, more: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with("TIDEGATE_");
        let given = self.env.iter().filter(|(name, _)| !is_ours(name) && name != "CI");
        let mut env: Vec<(OsString, OsString)> = given.cloned().collect();
        let fixed = [("INSTA_UPDATE", "no"), ("INSTA_FORCE_PASS", "0"), ("CARGO_TERM_COLOR", "never")];
        let fixed = fixed.into_iter().map(|(name, value)| (name.into(), value.into()));
        let cache = (OsString::from("CARGO_TARGET_DIR"), self.cache.as_os_str().to_owned());
        let configured = self.configured.iter().filter(|(name, _)| !is_ours(name)).cloned();
        for (name, value) in configured.chain(fixed).chain([cache]).chain(more) {
            env.retain(|(held, _)| *held != name);
            env.push((name, value));
        }
        env
    }

    /// The report with what ended the program taken in.
    pub(super) fn checked(&self, mut report: Report, exit: &Exit, command: &str) -> Checked {
        let ended = match &exit.how {
            How::Code(_) | How::Signal(_) => None,
            How::TimedOut => Some(format!(
                "it took longer than {} s; `[checks] timeout` in tidegate.toml sets the limit",
                self.limits.total.as_secs()
            )),
            How::Idle => Some("it printed nothing for too long".to_owned()),
            How::TooMuchOutput => Some("it printed more than its limit".to_owned()),
            How::Stopped => Some("it was stopped".to_owned()),
            How::WardenLost => Some("its warden was lost".to_owned()),
            How::NotStarted(why) => {
                report.build = Build::DidNotRun(format!("it could not be started: {why}").into());
                None
            }
        };
        if let Some(why) = ended {
            report.incomplete = Some(why.into());
        }
        let ran = Ran {
            command: command.into(),
            on: self.on,
            exit: if report.exit == 0 { exit.code() } else { report.exit },
            ms: exit.ms,
            counts: report.counts(),
            log: self.log_name.into(),
        };
        Checked { report, ran, exit: exit.clone(), tail: tail(&last_text(self.log, TAIL_BYTES), TAIL_LINES) }
    }
}

/// A script of a document is run as scripts are: it ends where a command of it fails. A command line of the configuration is the shell's.
fn flags(command: &str) -> &'static str {
    if command.ends_with('\n') { "-euc" } else { "-c" }
}

/// The end of a file as text; empty where it cannot be read.
pub fn last_text(path: &Path, most: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
