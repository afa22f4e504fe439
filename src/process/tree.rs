//! Process trees: who descends from whom, and how to end them all.
//!
//! Whoever ends a tree is a child subreaper: what daemonises itself (double fork, `setsid`, an empty environment) loses its parent,
//! and becomes a child of the subreaper. So everything a program ever started hangs below it, whatever it did.

use super::Ask;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait, waitpid};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A process that cannot be killed (waiting for a dead disk, another user's) is given up after this.
const PATIENCE: Duration = Duration::from_secs(5);

/// One process, from `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    session: i32,
    is_dead: bool,
    /// One of bubblewrap's own, around a sandbox or its first inside. Any program may call itself so.
    is_wall: bool,
}

/// `comm` may hold anything, brackets and spaces too: what counts comes after the last bracket.
fn parse(stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (head, rest) = (text.find(" (")?, text.rfind(')')?);
    let mut fields = text.get(rest + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let is_wall = text.get(head..rest)? == " (bwrap";
    let pid = text.get(..head)?.parse().ok()?;
    Some(Process { pid, parent, session, is_dead: matches!(state, "Z" | "X"), is_wall })
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        .filter_map(|entry| stat(&entry.path()))
        .collect()
}

/// In one piece, which is all that there is: it is asked of every process of the machine.
fn stat(process: &Path) -> Option<Process> {
    let mut text = [0; 1024];
    let length = File::open(process.join("stat")).ok()?.read(&mut text).ok()?;
    parse(&text[..length])
}

/// Where living processes are at work, as far as we may look.
pub fn working_dirs() -> BTreeSet<PathBuf> {
    let pids = all().into_iter().filter(|process| !process.is_dead).map(|process| process.pid);
    pids.filter_map(|pid| fs::read_link(format!("/proc/{pid}/cwd")).ok()).collect()
}

/// The living descendants of those children of `root` that `is_ours` holds for, these included.
fn below(root: i32, is_ours: impl Fn(&Process) -> bool) -> BTreeSet<i32> {
    living_below(root, is_ours).into_iter().map(|process| process.pid).collect()
}

fn living_below(root: i32, is_ours: impl Fn(&Process) -> bool) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut open: Vec<Process> = children.remove(&root).unwrap_or_default().into_iter().filter(is_ours).collect();
    while let Some(process) = open.pop() {
        if !process.is_dead {
            found.push(process);
        }
        open.extend(children.remove(&process.pid).unwrap_or_default());
    }
    found
}

fn signal(pids: &BTreeSet<i32>, signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        // It may be gone already: then there is nothing left to do.
        let _ = kill_process(pid, signal);
    }
}

fn own() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// Asks every descendant of this process to end. False when there was nobody to ask.
///
/// Not the walls of a sandbox: the outer one would end at once, and everything inside without having been asked. While a sandbox is
/// being built there is nothing but walls.
pub(super) fn ask_descendants(ask: Ask) -> bool {
    let asked: BTreeSet<i32> = living_below(own(), |_| true)
        .into_iter()
        .filter(|process| !process.is_wall)
        .map(|process| process.pid)
        .collect();
    signal(
        &asked,
        match ask {
            Ask::Term => Signal::TERM,
            Ask::Int => Signal::INT,
        },
    );
    // One that is stopped hears nothing before it goes on.
    signal(&asked, Signal::CONT);
    !asked.is_empty()
}

/// Takes in every child that is dead; `each` is told of it. False when no child is left, dead or alive.
pub(super) fn reap(mut each: impl FnMut(i32, rustix::process::WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => each(pid.as_raw_nonzero().get(), status),
            Ok(None) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Ends every descendant of this process, which must have no children but those. How many were alive.
pub(super) fn end_descendants(mut each: impl FnMut(i32, rustix::process::WaitStatus)) -> u32 {
    end(|| below(own(), |_| true), || reap(&mut each))
}

/// The session of this process, as `/proc` writes those of the others: 0 when its leader is outside of our PID namespace, as in a
/// container that a process was put into. `rustix::process::getsid` knows no such session, and panics.
fn own_session() -> i32 {
    stat(Path::new("/proc/self")).map_or(0, |process| process.session)
}

/// Ends what lost wardens left to this process: children in a session of their own that are none of `known`. What was started by
/// a warden is never in our session, nor can it get there; all that we start ourselves, but wardens, is.
pub(super) fn end_orphans(known: &BTreeSet<i32>) -> u32 {
    let session = own_session();
    let is_orphan = |process: &Process| process.session != session && !known.contains(&process.pid);
    let orphans = || below(own(), is_orphan);
    let reap = || {
        let mut left = false;
        for process in all().into_iter().filter(|process| process.parent == own() && is_orphan(process)) {
            let pid = Pid::from_raw(process.pid);
            left |= !matches!(waitpid(pid, WaitOptions::NOHANG), Ok(Some(_)) | Err(_));
        }
        left
    };
    end(orphans, reap)
}

/// Stops them all before it kills one, so that none can fork away meanwhile; again until none is left.
fn end(find: impl Fn() -> BTreeSet<i32>, mut reap: impl FnMut() -> bool) -> u32 {
    let started = Instant::now();
    let mut ended = BTreeSet::new();
    while reap() && started.elapsed() < PATIENCE {
        let mut frozen = BTreeSet::new();
        for _ in 0..32 {
            let new: BTreeSet<i32> = find().difference(&frozen).copied().collect();
            if new.is_empty() {
                break;
            }
            signal(&new, Signal::STOP);
            frozen.extend(new);
        }
        signal(&frozen, Signal::KILL);
        ended.extend(frozen);
        // Dying takes the kernel a moment; there is nothing to wait on for a grandchild.
        for _ in 0..20 {
            if !reap() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    u32::try_from(ended.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let read = parse(b"12 (a) S 1 (b) R 7 12 9 0 -1 4194304").unwrap();
        assert_eq!(read, Process { pid: 12, parent: 7, session: 9, is_dead: false, is_wall: false });
        assert!(parse(b"12 (bwrap) S 1 1 1").unwrap().is_wall);
        assert!(!parse(b"12 (bwrap)) S 1 1 1").unwrap().is_wall);
        assert!(parse(b"12 (zombie) Z 1 1 1").unwrap().is_dead);
        for broken in [&b""[..], b"(", b")(", b"x (y) S 1 1 1", b"1 (\xff) S", b"1 ) ("] {
            assert_eq!(parse(broken), None);
        }
    }

    #[test]
    fn this_process_is_among_the_children_of_its_parent() {
        let me = all().into_iter().find(|process| process.pid == own()).unwrap();
        assert!(below(me.parent, |process| process.pid == me.pid).contains(&me.pid));
    }
}
