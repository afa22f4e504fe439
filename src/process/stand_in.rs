//! A program that is run in place of us: with our streams and our environment, in a process of ours that does nothing else.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

/// A program that takes our place, as far as whoever started us can see.
#[derive(Clone, Debug)]
pub struct StandIn<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables of ours that it does not get.
    pub unset: &'a [OsString],
    /// Variables that it gets beside ours.
    pub set: Vec<(OsString, OsString)>,
}

impl StandIn<'_> {
    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self) -> io::Result<ExitStatus> {
        self.command().status()
    }

    /// Runs it to its end without our streams, and hands back the first `most` bytes that it printed.
    ///
    /// # Errors
    /// When it cannot be started, or not be read.
    pub fn ask(&self, most: u64) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut command = self.command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut text = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(most).read_to_end(&mut text)?;
        }
        Ok((child.wait()?, text))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        for name in self.unset {
            command.env_remove(name);
        }
        command.args(&self.args).envs(self.set.iter().cloned());
        command
    }
}
