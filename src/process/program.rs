//! A program to run to its end, and how it ended. Values; who runs them is [`Launch`].

use super::Confines;
use serde::{Deserialize, Serialize};
use std::{any::Any, ffi::OsString, future::Future, path::PathBuf, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A program to run to its end.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments; the program is looked up in `env`'s `PATH`.
    pub argv: Vec<OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads; `None` is `/dev/null`.
    pub stdin: Option<PathBuf>,
    /// Where its output goes; made, or appended to. Where only the last folders of its path are not
    /// there, they are made with it when there is output.
    pub stdout: PathBuf,
    /// Where its errors go; `None` is the same file as `stdout`, in the order written.
    pub stderr: Option<PathBuf>,
    /// What it may take.
    pub limits: Limits,
    /// What it may see and write; `None`: whatever we may.
    pub confines: Option<Confines>,
    /// How it is asked to end before it is ended.
    pub ask: Ask,
    /// What stands nowhere in its output: `[redacted]` stands there instead. Those of less than 8 bytes are passed over.
    pub secrets: Vec<String>,
}

/// The signal that asks a program to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// SIGTERM.
    #[default]
    Term,
    /// SIGINT: for programs that hear it as "tell what you have, and end".
    Int,
}

/// What a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall time in all.
    pub total: Duration,
    /// Wall time without a byte of output; `None`: no such limit.
    pub idle: Option<Duration>,
    /// Between asking its processes to end ([`Ask`]) and ending them (KILL).
    pub grace: Duration,
    /// Bytes of output kept in each file; more ends the program.
    pub output_bytes: u64,
}

/// How a program ended. All its descendants are gone by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// How the program itself ended.
    pub how: How,
    /// Wall time in milliseconds.
    pub ms: u64,
    /// Descendants that were still alive when the program had ended, and were ended. In a sandbox they end with the program, mostly
    /// before anybody could count them.
    pub leaked: u32,
}

/// How the program itself ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// It exited.
    Code(i32),
    /// A signal ended it that was not ours.
    Signal(i32),
    /// It was out of time.
    TimedOut,
    /// It said nothing for too long.
    Idle,
    /// It said too much.
    TooMuchOutput,
    /// It was asked to stop, by us.
    Stopped,
    /// It could not be started.
    NotStarted(String),
    /// Its warden is gone; whatever it ran is gone too.
    WardenLost,
}

impl Exit {
    /// Whether it exited with 0.
    pub fn is_success(&self) -> bool {
        self.how == How::Code(0)
    }

    /// As shells say it: the code, 128 and the signal's number, 124 for a time limit, 127 for what could not be started.
    pub fn code(&self) -> i32 {
        match self.how {
            How::Code(code) => code,
            How::Signal(signal) => 128 + signal,
            How::TimedOut | How::Idle => 124,
            How::TooMuchOutput | How::Stopped => 137,
            How::NotStarted(_) | How::WardenLost => 127,
        }
    }
}

/// The line to a running program.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Ends it, with all its descendants.
    pub stop: CancellationToken,
    /// Told how many bytes `stdout` has by now, at most a few times a second; the file holds them.
    pub grew: Option<watch::Sender<u64>>,
    /// What nobody else may have while the program may still write: let go of when the program and all its descendants are gone,
    /// also where whoever waits for them is not there any more.
    pub hold: Option<Arc<dyn Any + Send + Sync>>,
}

/// Whoever runs programs to their end: wardens in life.
pub trait Launch: Send + Sync {
    /// Runs it. The answer comes when the program and all its descendants are gone.
    fn launch(&self, program: Program, line: Line) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>>;
}
