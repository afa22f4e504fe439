//! What a coordinator and its wardens say to each other: one JSON value a line, either way.

use super::{Ask, Exit, Limits, Program};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    time::Duration,
};

/// What a warden is told. That nothing comes any more (end of file) means that its coordinator is gone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Run this. Only said to a warden that runs nothing.
    Run(Box<Sheet>),
    /// End what runs. Said to a warden that runs nothing (any more), it means nothing.
    Stop,
}

/// What a warden tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// It has a session of its own, out of reach of a ^C at the coordinator's terminal. The first report, before any order.
    Ready,
    /// How long the file of what the program says is by now.
    Grew(u64),
    /// The program and all its descendants are gone.
    Ended(Exit),
}

/// A [`Program`] as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sheet {
    argv: Vec<Bytes>,
    cwd: Bytes,
    env: Vec<(Bytes, Bytes)>,
    stdin: Option<Bytes>,
    stdout: Bytes,
    stderr: Option<Bytes>,
    total_ms: u64,
    idle_ms: Option<u64>,
    grace_ms: u64,
    output_bytes: u64,
    ask: Ask,
    secrets: Vec<String>,
}

/// A name of the operating system: text where it is text, since that is what it nearly always is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl Bytes {
    fn of(name: impl Into<OsString>) -> Bytes {
        name.into().into_string().map_or_else(|raw| Bytes::Raw(raw.as_bytes().to_vec()), Bytes::Text)
    }

    fn name(self) -> OsString {
        match self {
            Bytes::Text(text) => text.into(),
            Bytes::Raw(raw) => OsString::from_vec(raw),
        }
    }

    fn path(self) -> PathBuf {
        self.name().into()
    }
}

impl From<Program> for Sheet {
    fn from(program: Program) -> Sheet {
        let Limits { total, idle, grace, output_bytes } = program.limits;
        Sheet {
            argv: program.argv.into_iter().map(Bytes::of).collect(),
            cwd: Bytes::of(program.cwd),
            env: program.env.into_iter().map(|(name, value)| (Bytes::of(name), Bytes::of(value))).collect(),
            stdin: program.stdin.map(Bytes::of),
            stdout: Bytes::of(program.stdout),
            stderr: program.stderr.map(Bytes::of),
            total_ms: millis(total),
            idle_ms: idle.map(millis),
            grace_ms: millis(grace),
            output_bytes,
            ask: program.ask,
            secrets: program.secrets,
        }
    }
}

impl From<Sheet> for Program {
    fn from(sheet: Sheet) -> Program {
        Program {
            argv: sheet.argv.into_iter().map(Bytes::name).collect(),
            cwd: sheet.cwd.path(),
            env: sheet.env.into_iter().map(|(name, value)| (name.name(), value.name())).collect(),
            stdin: sheet.stdin.map(Bytes::path),
            stdout: sheet.stdout.path(),
            stderr: sheet.stderr.map(Bytes::path),
            limits: Limits {
                total: Duration::from_millis(sheet.total_ms),
                idle: sheet.idle_ms.map(Duration::from_millis),
                grace: Duration::from_millis(sheet.grace_ms),
                output_bytes: sheet.output_bytes,
            },
            // Whoever launches has put it into its argv.
            confines: None,
            ask: sheet.ask,
            secrets: sheet.secrets,
        }
    }
}

/// Capped at ten years, so that adding it to a clock never overflows.
fn millis(time: Duration) -> u64 {
    const TEN_YEARS: u64 = 10 * 366 * 24 * 3600 * 1000;
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(TEN_YEARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_any_name_survives_the_wire_on_one_line() {
        let raw = OsString::from_vec(vec![b'a', 0xff, b'\n']);
        let program = Program {
            argv: vec!["sh".into(), raw.clone()],
            cwd: "/tmp/a\nb".into(),
            env: vec![("X".into(), raw.clone())],
            stdin: None,
            stdout: PathBuf::from(raw),
            stderr: Some("/e".into()),
            limits: Limits { total: Duration::MAX, idle: None, grace: Duration::from_millis(5), output_bytes: 7 },
            confines: None,
            ask: Ask::Int,
            secrets: vec!["sk-12345678".into()],
        };
        let line = serde_json::to_string(&Order::Run(Box::new(Sheet::from(program.clone())))).unwrap();
        assert!(!line.contains('\n'));
        let Order::Run(sheet) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        let read = Program::from(*sheet);
        assert_eq!((read.argv, read.cwd, read.env), (program.argv, program.cwd, program.env));
        assert_eq!((read.stdout, read.stderr), (program.stdout, program.stderr));
        assert_eq!((read.ask, read.secrets), (program.ask, program.secrets));
        assert_eq!(read.limits.grace, Duration::from_millis(5));
    }
}
