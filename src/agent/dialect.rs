//! A dialect: how one coding agent's command line is called, and how what it prints is read.
//!
//! Facts, not wishes: `research/agents.md` says what each does, found by running it. Exit codes and `success` fields lie; an ending
//! is read from the whole stream, and a line that is not understood is never fatal.

use super::{AgentError, Invocation, Sink};
use crate::{
    process::{Ask, Exit},
    run::Timestamp,
};
use std::{ffi::OsString, io, path::Path};

/// One coding agent's command line.
pub trait Dialect: Send + Sync {
    /// Its name in plans, in the configuration and in spans.
    fn name(&self) -> &'static str;

    /// The program, as it is looked up in `PATH`.
    fn program(&self) -> &'static str;

    /// Whether a conversation can be gone on with in another folder than the one it was begun in.
    fn roams(&self) -> bool {
        false
    }

    /// Whether the invocation's conversation can be gone on with; where it cannot, a new one is begun, with all that there is to know.
    ///
    /// # Errors
    /// What tells it cannot be read.
    fn goes_on(&self, invocation: &Invocation) -> io::Result<bool> {
        let _ = invocation;
        Ok(true)
    }

    /// The variables of the user's environment that it gets beside the allowed ones: keys, tokens, base URLs.
    fn variables(&self) -> &'static [&'static str];

    /// Whether it gets one of [`Dialect::variables`], `is_set` telling which of them the user has: the keys of a cloud are for those
    /// whose provider that cloud is.
    fn wants(&self, name: &str, is_set: &dyn Fn(&str) -> bool) -> bool {
        // Most take what they name.
        let _ = (name, is_set);
        true
    }

    /// Folders of a workspace that are hidden from it: what it would take from there for its own settings.
    fn hidden(&self) -> &'static [&'static str] {
        &[]
    }

    /// How it is asked to end: so that it still tells what it has used, where it does.
    fn ask(&self) -> Ask {
        Ask::Term
    }

    /// Files below the user's home that hold a login, and where they go below a home of ours.
    fn logins(&self) -> &'static [(&'static str, &'static str)];

    /// The version, from what `--version` printed; `None` where another program printed it.
    fn version(&self, printed: &str) -> Option<String>;

    /// How it is called; the invocation's environment has the user's variables by now, and its home the logins. Files that it needs are
    /// written below the invocation's home, never below its folder.
    ///
    /// # Errors
    /// A file that cannot be written, a variable that cannot be read.
    fn call(&self, invocation: &Invocation, program: &Path) -> io::Result<Call>;

    /// Reads what it prints.
    fn reader(&self, invocation: &Invocation) -> Box<dyn Reader>;
}

/// How a command line is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The program's path and its arguments.
    pub argv: Vec<OsString>,
    /// What its environment has beside the invocation's; wins over it.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads from standard input: the prompt.
    pub stdin: String,
}

/// Reads what a command line prints while it works.
pub trait Reader: Send {
    /// Takes a line of standard output.
    fn line(&mut self, line: &str, tell: &Sink) -> Step;

    /// It has ended, and its processes are gone: how? Usage that is only known now is told here, whatever the answer.
    ///
    /// # Errors
    /// How it failed. Not for what ended it from outside (limits, a stop): whoever drives it knows that; here these are asked only
    /// for their usage.
    fn end(self: Box<Self>, end: &End<'_>, tell: &Sink) -> Result<Answer, AgentError>;
}

/// What a line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Work goes on.
    Progress,
    /// It is alive, and gets nowhere: a retry, a line that says nothing.
    Alive,
    /// Nothing good comes any more: end it, and ask the reader why.
    Enough,
}

/// How a command line ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Its exit.
    pub exit: &'a Exit,
    /// The end of what it said on standard error, as clean text.
    pub stderr: &'a str,
    /// When it ended.
    pub at: Timestamp,
    /// We ended it since the reader had said [`Step::Enough`].
    pub was_enough: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its last words; the JSON where a schema was asked for and the CLI has met it.
    Said(String),
    /// The conversation that it was to go on with is not there: it is called again without.
    NoSession,
}
