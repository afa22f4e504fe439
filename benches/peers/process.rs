//! One measured process: its wall time, its own CPU time beside that of its children, and its peak memory.

use crate::{Trouble, rounds::Sample};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    fs::{self, File},
    io::{Read, Seek},
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ticks of `/proc/<pid>/stat` a second: 100 on every Linux that programs can ask (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// Memory is looked at this often; its peak is the kernel's own, so only the last moment can be missed.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Runs it to its end, without input; its output goes nowhere.
pub(crate) fn run(command: &mut Command) -> Result<Sample, Trouble> {
    let mut errors = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.try_clone()?);
    let started = Instant::now();
    let child = command.spawn().map_err(|error| format!("{}: {error}", name(command)))?;
    let (sample, code) = follow(child, started, || false)?;
    if code == Some(0) { Ok(sample) } else { Err(failed(command, code, &mut errors).into()) }
}

/// Waits for the end of a child, which is killed as soon as `is_enough`. None is the code of one that a signal ended.
pub(crate) fn follow(
    mut child: Child,
    started: Instant,
    mut is_enough: impl FnMut() -> bool,
) -> Result<(Sample, Option<i32>), Trouble> {
    let pid = i32::try_from(child.id())?;
    let end = pidfd_open(Pid::from_raw(pid).ok_or("a process without a number")?, PidfdFlags::empty())?;
    let mut peak = None;
    loop {
        let mut fds = [PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)];
        if poll(&mut fds, Some(&LOOK))? > 0 {
            break;
        }
        peak = peak_memory(pid).or(peak);
        if is_enough() {
            child.kill()?;
        }
    }
    let wall = started.elapsed();
    // It has ended, and nobody has taken it in: the kernel still knows what it used.
    let times = cpu(pid);
    let code = child.wait()?.code();
    let (own, all) = times.map_or((None, None), |(own, children)| (Some(own), Some(own + children)));
    Ok((Sample { wall, own, all, peak }, code))
}

/// The CPU time of a process, and of the children that it has taken in.
fn cpu(pid: i32) -> Option<(Duration, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some((TICK * (ticks(11)? + ticks(12)?), TICK * (ticks(13)? + ticks(14)?)))
}

/// In bytes.
fn peak_memory(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn failed(command: &Command, code: Option<i32>, errors: &mut File) -> String {
    let mut said = String::new();
    let read = errors.rewind().and_then(|()| errors.read_to_string(&mut said));
    let last = said.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" / ");
    let how = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
    format!("{} ended with {how}: {}", name(command), if read.is_ok() { last } else { "nothing to read".into() })
}

fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs something that is not measured, and wants success. What it said.
pub(crate) fn done(command: &mut Command) -> Result<String, Trouble> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", name(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or_default();
    Err(format!("{} failed ({}): {last}", name(command), output.status).into())
}
