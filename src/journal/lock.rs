//! The coordinator's lock: at most one process goes on with a run. The kernel gives it back, whatever the holder dies of.

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Bytes read of what a lock file says.
const SAID_MAX: u64 = 4096;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot: tells it apart from a later one of the same id.
    pub started: u64,
    /// Its machine.
    pub host: String,
    /// Its version of tidegate.
    pub version: String,
}

/// A lock that could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("held by process {} on {}", .0.pid, .0.host)]
    Held(Holder),
    /// Somebody has it, and has not said who yet.
    #[error("held by a process that has just started")]
    HeldByNewcomer,
    /// The file system says no.
    #[error("cannot lock {}", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What it says.
        #[source]
        source: io::Error,
    },
}

/// A held lock. Given back when dropped, and by the kernel when the process ends in any way.
#[derive(Debug)]
pub struct Lock {
    // Held by the open file description. It is close-on-exec: no program we start can keep it.
    file: File,
    holder: Holder,
}

impl Lock {
    /// Takes the lock of this file, or says who has it. Does not wait.
    ///
    /// # Errors
    /// It is held, or the file cannot be made or locked.
    pub fn take(path: &Path) -> Result<Lock, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = open(path, true).map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(&mut file)),
            Err(errno) => return Err(io(errno.into())),
        }
        let holder = Holder::this_process();
        write(&mut file, &holder).map_err(io)?;
        Ok(Lock { file, holder })
    }

    /// Who holds the lock of this file now; `None` is nobody.
    ///
    /// # Errors
    /// The file cannot be opened or asked, or its holder has just started.
    pub fn holder_of(path: &Path) -> Result<Option<Holder>, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = match open(path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(io)?,
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => match held(&mut file) {
                LockError::Held(holder) => Ok(Some(holder)),
                other => Err(other),
            },
            Err(errno) => Err(io(errno.into())),
        }
    }

    /// Who we are.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }
}

impl Drop for Lock {
    /// Said, and not left to closing the file: a program that another thread is just starting has a copy of it until it
    /// is that program.
    fn drop(&mut self) {
        // Closing the file, which follows, is the other half.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Holder {
    fn this_process() -> Holder {
        let pid = std::process::id();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().chars().filter(|c| !c.is_control()).take(64).collect();
        Holder { pid, started: started(pid).unwrap_or(0), host, version: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// Whether this is plainly somebody who is dead: what a lock file says is of its last holder until the next has written.
    fn is_gone(&self) -> bool {
        let here = Holder::this_process();
        here.host == self.host && started(self.pid) != Some(self.started)
    }
}

/// When a living process started, in clock ticks since boot.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything, parentheses too.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn open(path: &Path, for_writing: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(for_writing).create(for_writing).mode(0o600).open(path)
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let said = serde_json::to_string(holder)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(said.as_bytes())
}

fn held(file: &mut File) -> LockError {
    let mut said = String::new();
    let read = Read::take(file, SAID_MAX).read_to_string(&mut said);
    match read.ok().and_then(|_| serde_json::from_str::<Holder>(&said).ok()) {
        Some(holder) if !holder.is_gone() => LockError::Held(holder),
        _ => LockError::HeldByNewcomer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(Lock::holder_of(&path).unwrap(), None);
        let first = Lock::take(&path).unwrap();
        assert_eq!(first.holder().pid, std::process::id());
        let Err(LockError::Held(holder)) = Lock::take(&path) else { panic!("two have it") };
        assert_eq!(&holder, first.holder());
        assert_eq!(Lock::holder_of(&path).unwrap().as_ref(), Some(first.holder()));
        drop(first);
        assert_eq!(Lock::holder_of(&path).unwrap(), None, "what the file says counts only while it is locked");
        Lock::take(&path).unwrap();
    }

    #[test]
    fn a_copy_in_a_program_that_is_being_started_does_not_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::take(&path).unwrap();
        let copy = lock.file.try_clone().unwrap();
        drop(lock);
        Lock::take(&path).unwrap();
        drop(copy);
    }

    #[test]
    fn a_dead_process_is_not_named_as_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let locked = Lock::take(&path).unwrap();
        let dead = Holder { started: locked.holder().started + 1, ..Holder::this_process() };
        for said in [serde_json::to_string(&dead).unwrap(), String::new(), "{".repeat(10_000)] {
            fs::write(&path, said).unwrap();
            assert!(matches!(Lock::take(&path), Err(LockError::HeldByNewcomer)));
        }
    }
}
