//! The warden: a small resident process of ours that runs one program after the other, and leaves nothing of any behind.
//!
//! Single-threaded; leader of a session without a terminal; child subreaper, so that whatever a program starts hangs below it.
//! Its standard input is its orders and its lifeline: when that ends, its coordinator is gone, and everything ends.

use super::{
    Exit, How, Program, lookup,
    pump::Pump,
    tree,
    wire::{Order, Report},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, WaitStatus, pidfd_open, set_child_subreaper, setsid},
};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// The hidden first argument that makes our binary a warden.
pub const WARDEN: &str = "__warden";

/// How long what a program left behind may keep its pipes open after it.
const DRAIN: Duration = Duration::from_secs(2);
/// How long what a program left behind may take to end by itself when nobody can write any more.
const SETTLE: Duration = Duration::from_millis(50);
/// Growth is told this often at most.
const TELL: Duration = Duration::from_millis(100);
/// Adopted children that died are taken in this often at least.
const TIDY: Duration = Duration::from_secs(5);
/// Nothing tells of the end of a grandchild: it is looked for this often while that is all that is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// Runs as a warden until its coordinator is gone. `main` calls it when the first argument is [`WARDEN`], before anything else.
pub fn warden_main(_args: impl Iterator<Item = OsString>) -> ExitCode {
    // A warden that was started as the leader of a group cannot have a session of its own; it works all the same.
    let _ = setsid();
    if set_child_subreaper(Some(rustix::process::getpid())).is_err() {
        return ExitCode::FAILURE;
    }
    let mut line = Lifeline { said: Vec::new(), is_gone: false };
    line.tell(&Report::Ready);
    while let Some(order) = line.wait() {
        let Order::Run(sheet) = order else { continue };
        let exit = Attempt::run(Program::from(*sheet), &mut line);
        line.tell(&Report::Ended(exit));
    }
    tree::end_descendants(|_, _| ());
    ExitCode::SUCCESS
}

/// The line to the coordinator.
struct Lifeline {
    said: Vec<u8>,
    is_gone: bool,
}

impl Lifeline {
    /// The next order that was heard. What is no order is as bad as none: the coordinator is not what it should be.
    fn next(&mut self) -> Option<Order> {
        let end = self.said.iter().position(|byte| *byte == b'\n')?;
        let order = serde_json::from_slice(&self.said[..end]).ok();
        self.said.drain(..=end);
        self.is_gone |= order.is_none();
        order
    }

    /// Hears what is there; blocks when nothing is.
    fn hear(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 64 * 1024];
        match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Ok(([], _)) => self.is_gone = true,
            Ok((said, _)) => self.said.extend_from_slice(said),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => self.is_gone = true,
        }
    }

    /// The next order, waited for. None when nobody will give one.
    fn wait(&mut self) -> Option<Order> {
        loop {
            if let Some(order) = self.next() {
                return Some(order);
            }
            if self.is_gone {
                return None;
            }
            self.hear();
        }
    }

    fn tell(&mut self, report: &Report) {
        let told = serde_json::to_string(report).map_err(io::Error::from).and_then(|text| {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}")?;
            out.flush()
        });
        self.is_gone |= told.is_err();
    }
}

/// A program while it runs.
struct Attempt {
    pid: i32,
    /// Readable when the program has ended; none once that is known.
    ended: Option<OwnedFd>,
    /// What it says, and its errors where they go elsewhere.
    pumps: Vec<Pump>,
    started: Instant,
    last_word: Instant,
    /// How it ended, by itself, and when.
    end: Option<(How, Instant)>,
    /// Why we end it, and when it is killed for that.
    ending: Option<(How, Instant)>,
    /// Whether anybody heard that they are to end.
    is_asked: bool,
    told: (u64, Instant),
}

impl Attempt {
    fn run(program: Program, line: &mut Lifeline) -> Exit {
        let started = Instant::now();
        let mut attempt = match Attempt::start(&program, started) {
            Ok(attempt) => attempt,
            Err(why) => return Exit { how: How::NotStarted(why.to_string()), ms: 0, leaked: 0 },
        };
        while !attempt.is_over(line) {
            attempt.wait(&program, line);
            attempt.look(&program, line);
        }
        // Nobody reads the rest when the coordinator is gone, but what a program said until it was ended is evidence.
        attempt.empty_pipes();
        let (pid, mut end) = (attempt.pid, attempt.end.take());
        let was_running = end.is_none();
        let mut leaked = tree::end_descendants(|dead, status| {
            if dead == pid && end.is_none() {
                end = Some((how(status), Instant::now()));
            }
        });
        if was_running {
            // The program itself is no leftover of its own.
            leaked = leaked.saturating_sub(1);
        }
        attempt.empty_pipes();
        attempt.pumps.iter_mut().for_each(Pump::close);
        let (own, at) = end.unwrap_or_else(|| (How::Stopped, Instant::now()));
        let ms = u64::try_from((at - started).as_millis()).unwrap_or(u64::MAX);
        let how = attempt.ending.take().map(|(why, _)| why).or_else(|| attempt.trouble()).unwrap_or(own);
        Exit { how, ms, leaked }
    }

    /// What is wrong with what it said.
    fn trouble(&self) -> Option<How> {
        let fault = self.pumps.iter().find_map(|pump| pump.fault.as_ref());
        let fault = fault.map(|fault| How::NotStarted(about("its output", fault).to_string()));
        fault.or_else(|| self.pumps.iter().any(|pump| pump.is_over).then_some(How::TooMuchOutput))
    }

    fn start(program: &Program, started: Instant) -> io::Result<Attempt> {
        let name = program.argv.first().ok_or_else(|| io::Error::other("no program was named"))?;
        let mut command = Command::new(lookup::find(name, &program.cwd, &program.env)?);
        command.arg0(name).args(&program.argv[1..]).current_dir(&program.cwd).process_group(0);
        command.env_clear().envs(program.env.iter().map(|(name, value)| (name, value)));
        command.stdin(match &program.stdin {
            Some(path) => Stdio::from(File::open(path).map_err(|error| about("its input", &error))?),
            None => Stdio::null(),
        });
        let pump = |path| {
            Pump::new(path, program.limits.output_bytes, &program.secrets).map_err(|error| about("its output", &error))
        };
        let (out, end) = pump(&program.stdout)?;
        let mut pumps = vec![out];
        match &program.stderr {
            Some(path) => {
                let (err, end) = pump(path)?;
                pumps.push(err);
                command.stderr(end)
            }
            None => command.stderr(end.try_clone()?),
        };
        command.stdout(end);
        let child = command.spawn()?;
        // The command holds the writing ends: as long as it lives, the pipes do not end.
        drop(command);
        let pid = i32::try_from(child.id()).unwrap_or(0);
        let ended = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let told = (pumps[0].length(), started);
        Ok(Attempt { pid, ended, pumps, started, last_word: started, end: None, ending: None, is_asked: false, told })
    }

    /// Whether only the sweep is left to do.
    fn is_over(&mut self, line: &Lifeline) -> bool {
        let now = Instant::now();
        if line.is_gone || self.ending.as_ref().is_some_and(|(_, kill)| now >= *kill) {
            return true;
        }
        let Some((_, ended)) = &self.end else { return false };
        let is_quiet = self.pumps.iter().all(|pump| pump.pipe().is_none());
        let patience = if is_quiet { SETTLE } else { DRAIN };
        (self.ending.is_none() && now >= *ended + patience) || !self.reap()
    }

    /// Waits for output, an order, the end of the program, or the next moment at which something is due.
    fn wait(&mut self, program: &Program, line: &mut Lifeline) {
        let timeout = self.due(program).saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: i64::from(timeout.subsec_nanos()) };
        let (stdin, mut heard) = (rustix::stdio::stdin(), false);
        let mut ready = [false; 2];
        {
            let mut fds = vec![PollFd::new(&stdin, PollFlags::IN)];
            let mut places = Vec::new();
            for (place, pump) in self.pumps.iter().enumerate() {
                if let Some(pipe) = pump.pipe() {
                    fds.push(PollFd::from_borrowed_fd(pipe, PollFlags::IN));
                    places.push(place);
                }
            }
            if let Some(ended) = &self.ended {
                fds.push(PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN));
            }
            if poll(&mut fds, Some(&timeout)).is_ok() {
                heard = !fds[0].revents().is_empty();
                for (at, place) in places.iter().enumerate() {
                    ready[*place] = !fds[at + 1].revents().is_empty();
                }
            }
        }
        if heard {
            line.hear();
        }
        for (pump, _) in self.pumps.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            if pump.carry() {
                self.last_word = Instant::now();
            }
        }
    }

    /// The next moment at which something is due even if nothing happens.
    fn due(&self, program: &Program) -> Instant {
        let now = Instant::now();
        let mut due = now + TIDY;
        if self.end.is_some() {
            due = due.min(now + LOOK);
        }
        if let Some((_, kill)) = &self.ending {
            due = due.min(*kill);
            due = if self.is_asked { due } else { due.min(now + LOOK) };
        } else if self.end.is_none() {
            due = due.min(self.started + program.limits.total);
            due = program.limits.idle.map_or(due, |idle| due.min(self.last_word + idle));
        }
        if self.pumps[0].length() != self.told.0 { due.min(self.told.1 + TELL) } else { due }
    }

    /// Acts on what there is to see now.
    fn look(&mut self, program: &Program, line: &mut Lifeline) {
        self.reap();
        let now = Instant::now();
        while let Some(order) = line.next() {
            if matches!(order, Order::Stop) {
                self.begin_ending(How::Stopped, program);
            }
        }
        if let Some(trouble) = self.trouble() {
            self.begin_ending(trouble, program);
        }
        if self.end.is_none() && now >= self.started + program.limits.total {
            self.begin_ending(How::TimedOut, program);
        }
        if self.end.is_none() && program.limits.idle.is_some_and(|idle| now >= self.last_word + idle) {
            self.begin_ending(How::Idle, program);
        }
        if self.ending.is_some() && !self.is_asked {
            self.is_asked = tree::ask_descendants(program.ask);
        }
        let length = self.pumps[0].length();
        if length != self.told.0 && now >= self.told.1 + TELL {
            self.told = (length, now);
            line.tell(&Report::Grew(length));
        }
    }

    /// Asks the whole tree to end. The first reason stays the reason; a program that has ended by itself keeps its own end.
    fn begin_ending(&mut self, why: How, program: &Program) {
        if self.ending.is_none() && self.end.is_none() {
            self.is_asked = tree::ask_descendants(program.ask);
            self.ending = Some((why, Instant::now() + program.limits.grace));
        }
    }

    /// Takes in who died. False when no descendant is left.
    fn reap(&mut self) -> bool {
        let (pid, end) = (self.pid, &mut self.end);
        let left = tree::reap(|dead, status| {
            if dead == pid {
                *end = Some((how(status), Instant::now()));
            }
        });
        if self.end.is_some() {
            self.ended = None;
        }
        left
    }

    fn empty_pipes(&mut self) {
        for pump in &mut self.pumps {
            // Bounded: who is still alive could write for ever.
            for _ in 0..64 {
                if !pump.carry() {
                    break;
                }
            }
        }
    }
}

fn how(status: WaitStatus) -> How {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => How::Code(code),
        (None, Some(signal)) => How::Signal(signal),
        (None, None) => How::Signal(0),
    }
}

fn about(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}
