//! What scripts leave outside their workspaces: lines in a log, a word that they are there, and a pipe that all they start holds open.

use super::live::PATIENCE;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    io::{Errno, read},
};
use std::{
    collections::BTreeMap,
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// What outlives its run would hold the pipe open for ever; what is ended lets go of it in a moment.
const GRACE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// A pipe that every script opens for writing, and so does whatever it leaves behind.
pub struct Lifeline {
    fd: OwnedFd,
    path: PathBuf,
}

impl Lifeline {
    pub fn at(path: PathBuf) -> Lifeline {
        Lifeline { fd: pipe(&path, OFlags::RDONLY), path }
    }

    /// What a script says to hold it open, and to leave a daemon behind that does: forked twice, in a session of its own, deaf.
    pub fn script(&self) -> String {
        let daemon = "trap \"\" TERM HUP INT; sleep 600 & exec sleep 600";
        format!("exec 9>{}\n(setsid sh -c '{daemon}' >/dev/null 2>&1 &)\n", self.path.display())
    }

    /// Waits until nobody holds it. Panics when somebody still does after a long time.
    #[track_caller]
    pub fn is_let_go(&self) {
        let mut bytes = [0; 64];
        loop {
            match read(&self.fd, &mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(Errno::AGAIN) => {
                    let changed = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&GRACE));
                    assert!(changed.is_ok_and(|count| count > 0), "something that a script started is still there");
                }
                Err(errno) => panic!("{errno}"),
            }
        }
    }
}

/// A pipe by which a script says that it is there.
pub struct Bell {
    fd: OwnedFd,
    path: PathBuf,
}

impl Bell {
    pub fn at(path: PathBuf) -> Bell {
        Bell { fd: pipe(&path, OFlags::RDWR), path }
    }

    /// What a script says to ring it.
    pub fn script(&self) -> String {
        format!("echo here > {}\n", self.path.display())
    }

    /// Waits until somebody has rung.
    #[track_caller]
    pub fn rings(&self) {
        let rung = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&PATIENCE));
        assert!(rung.is_ok_and(|count| count > 0), "nobody rang");
        let mut bytes = [0; 5];
        assert_eq!(read(&self.fd, &mut bytes), Ok(5));
    }
}

fn pipe(path: &Path, flags: OFlags) -> OwnedFd {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe is made");
    open(path, flags | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).expect("a pipe is opened")
}

/// The log: how often each script has begun, by task, role and try.
pub struct Log(pub PathBuf);

impl Log {
    /// What a script says to be counted.
    pub fn script(&self) -> String {
        format!("echo \"$TIDEGATE_TASK $TIDEGATE_ROLE $TIDEGATE_ATTEMPT\" >> {}\n", self.0.display())
    }

    pub fn counts(&self) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for line in fs::read_to_string(&self.0).unwrap_or_default().lines() {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    }
}
