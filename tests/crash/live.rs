//! A program of ours that is at work: what it says line by line, signals to it, and a limit to how long anybody waits for it.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open, pidfd_send_signal},
};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    os::{fd::OwnedFd, unix::process::CommandExt, unix::process::ExitStatusExt},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

/// Nothing that is tested takes this long, on whatever machine: what does is stuck.
pub const PATIENCE: Timespec = Timespec { tv_sec: 240, tv_nsec: 0 };

/// A program at work, in a process group of its own, as a shell would have it.
pub struct Live {
    child: Child,
    lines: BufReader<ChildStdout>,
    heard: String,
    errors: File,
    watchdog: Option<JoinHandle<bool>>,
}

/// How it ended, and what it had said.
pub struct Gone {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Gone {
    /// Demands an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Gone {
        assert_eq!(self.status.code(), Some(code), "{}", self.all());
        self
    }

    /// Whether it was killed, by whomever; that it was ended in another way than by its own exit or SIGKILL is a failure.
    #[track_caller]
    pub fn was_killed(&self) -> bool {
        assert!(matches!(self.status.signal(), None | Some(9)), "{}", self.all());
        self.status.signal() == Some(9)
    }

    pub fn all(&self) -> String {
        format!("{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.out, self.err)
    }
}

impl Live {
    #[track_caller]
    pub fn start(mut command: Command) -> Live {
        let errors = tempfile::tempfile().expect("a file is made");
        command.stdout(Stdio::piped()).stderr(errors.try_clone().expect("a file is opened twice")).process_group(0);
        let mut child = command.spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let fd = pidfd_open(pid(&child), PidfdFlags::empty()).expect("it is there");
        let watchdog = Some(thread::spawn(move || has_hung(&fd)));
        Live { child, lines, heard: String::new(), errors, watchdog }
    }

    /// The next line of its output; none when it has said all.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("its output is text");
        self.heard.push_str(&line);
        (read > 0).then_some(line)
    }

    /// Listens until it has said this.
    #[track_caller]
    pub fn until(&mut self, words: &str) -> String {
        while let Some(line) = self.line() {
            if line.contains(words) {
                return line;
            }
        }
        panic!("it never said {words:?}:\n{}", self.heard);
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A signal for it alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid(&self.child), signal).expect("it is there");
    }

    /// A signal for it and all that is in its group: what ^C at a terminal is.
    pub fn interrupt(&self) {
        kill_process_group(pid(&self.child), Signal::INT).expect("it is there");
    }

    /// Waits for its end, which is to come by itself.
    #[track_caller]
    pub fn end(mut self) -> Gone {
        while self.line().is_some() {}
        let status = self.child.wait().expect("it is our child");
        let mut err = String::new();
        self.errors.rewind().and_then(|()| self.errors.read_to_string(&mut err)).expect("its errors are text");
        let gone = Gone { status, out: std::mem::take(&mut self.heard), err };
        let has_hung = self.watchdog.take().is_some_and(|watchdog| watchdog.join().unwrap_or(true));
        assert!(!has_hung, "it hung: {}", gone.all());
        gone
    }
}

/// Runs it to its end.
#[track_caller]
pub fn run(command: Command) -> Gone {
    Live::start(command).end()
}

impl Drop for Live {
    /// A test that has failed leaves nothing running.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill().and_then(|()| self.child.wait());
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Waits for the end of a process, or kills it when that does not come.
fn has_hung(process: &OwnedFd) -> bool {
    let ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&PATIENCE)).unwrap_or(0);
    if ended == 0 {
        let _ = pidfd_send_signal(process, Signal::KILL);
    }
    ended == 0
}
