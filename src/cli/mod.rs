//! The command line: one file a command. What people type comes in here, and an exit code goes out.

mod agents;
mod args;
mod asked;
mod check;
mod closing;
mod confinement;
mod crew;
mod demo;
mod doctor;
mod execute;
mod exit;
mod finished;
mod goal;
mod init;
mod logs;
mod message;
mod needs;
mod order;
mod past;
mod preface;
mod probe;
mod record;
mod scene;
mod servers;
mod shell;
mod status;
mod watch;
mod why;
mod workshop;

pub use check::{json, text};
pub use message::{errors, render};

use crate::{
    plan::{Draft, Fault},
    process::with_causes,
};
use args::{Arguments, Color, Command};
use clap::Parser;
use exit::Exit;
use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

/// Why a command ends before it has done what was asked.
#[derive(Debug)]
pub(crate) struct Stop {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What to say on stderr.
    pub(crate) text: String,
    /// The same for a program that reads: `{"errors": [...]}`. None where a value has been said already.
    pub(crate) errors: Option<serde_json::Value>,
}

impl Stop {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Stop {
        Stop { exit, text: text.into(), errors: None }
    }

    /// Faults of documents, or of what stands for them.
    pub(crate) fn faulty(exit: Exit, draft: &Draft, faults: &[Fault], is_coloured: bool) -> Stop {
        let errors = Some(errors(draft, faults));
        Stop { errors, ..Stop::new(exit, render(draft, faults, is_coloured)) }
    }

    /// Something is missing: what, and what to do about it.
    pub(crate) fn missing(what: impl std::fmt::Display, fix: &str) -> Stop {
        let errors = Some(message::plain_error(&what.to_string(), Some(fix)));
        Stop { errors, ..Stop::new(Exit::Missing, format!("error: {what}\n  = help: {fix}\n")) }
    }

    /// Something went wrong that nobody is to blame for here.
    pub(crate) fn because(what: &str, error: &dyn std::error::Error) -> Stop {
        let text = format!("{what}: {}", with_causes(error));
        let errors = Some(message::plain_error(&text, None));
        Stop { errors, ..Stop::new(Exit::Missing, format!("error: {text}\n")) }
    }
}

/// Runs the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to stdout and are no error. A closed pipe is nobody's business.
            let _ = error.print();
            return if error.use_stderr() { Exit::Faulty.into() } else { Exit::Good.into() };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(Stop::because("the runtime cannot be started", &error))),
    };
    let done = runtime.block_on(dispatch(arguments));
    // Whatever still hangs on a file or a pipe is of no use any more.
    runtime.shutdown_background();
    finish(done)
}

async fn dispatch(arguments: Arguments) -> Result<Exit, Stop> {
    match &arguments.command {
        Command::Execute(wish) => execute::execute(&arguments, wish).await,
        Command::Check(wish) => check::command(&arguments, wish).await,
        Command::Status(wish) => status::status(&arguments, wish).await,
        Command::Why(wish) => why::why(&arguments, wish).await,
        Command::Logs(wish) => logs::logs(&arguments, wish).await,
        Command::Retry(wish) => order::retry(&arguments, wish).await,
        Command::Approve(wish) => order::approve(&arguments, wish).await,
        Command::Agents(wish) => agents::agents(&arguments, wish).await,
        Command::Init(wish) => init::init(&arguments, wish).await,
        Command::Completions(wish) => shell::completions(wish),
        Command::Man(wish) => shell::man(&arguments, wish),
        Command::Demo(wish) => demo::demo(&arguments, wish).await,
        Command::Doctor(wish) => doctor::doctor(&arguments, wish).await,
    }
}

fn finish(done: Result<Exit, Stop>) -> ExitCode {
    match done {
        Ok(exit) => exit.into(),
        Err(stop) => {
            complain(&stop.text);
            stop.exit.into()
        }
    }
}

/// A program that reads gets one JSON value whatever becomes of its command: where there is no other, what went wrong.
pub(crate) fn answer(done: Result<Exit, Stop>, is_json: bool) -> Result<Exit, Stop> {
    if let (Err(Stop { errors: Some(errors), .. }), true) = (&done, is_json) {
        say(&format!("{errors:#}\n"))?;
    }
    done
}

/// Prints to stdout. A reader that has gone has heard enough; a full disk has not.
pub(crate) fn say(text: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Stop::because("stdout cannot be written", &error))
        }
        _ => Ok(()),
    }
}

/// Prints to stderr.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

impl Arguments {
    /// Whether to colour what goes to stderr.
    pub(crate) fn is_coloured(&self, environment: &crate::config::Environment) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && !environment.is_colourless(),
        }
    }
}
