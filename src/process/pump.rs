//! A pump: carries what a program says from a pipe to a file, as much as may be kept.

use super::redactor::Redactor;
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::{Errno, read},
    pipe::{PipeFlags, pipe_with},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
};

/// One pipe and its file. The pipe is closed when the last writer is gone.
pub(super) struct Pump {
    pipe: Option<OwnedFd>,
    file: File,
    /// What keeps secrets out of the file.
    redactor: Option<Redactor>,
    /// How long the file is.
    length: u64,
    /// How much more may be kept.
    room: u64,
    /// There was more than may be kept.
    pub(super) is_over: bool,
    /// Why the file could not be written, if so. What comes then is lost.
    pub(super) fault: Option<io::Error>,
}

impl Pump {
    /// A pump into `file`, which never sees one of these secrets, and the end that the program writes to.
    pub(super) fn new(file: &Path, room: u64, secrets: &[String]) -> io::Result<(Pump, OwnedFd)> {
        let mut options = OpenOptions::new();
        // Where a program could put a link or a pipe of this name, neither is followed or waited for.
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
        let file = options.create(true).append(true).custom_flags(flags.cast_signed()).open(file)?;
        let length = file.metadata()?.len();
        let (pipe, end) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        let redactor = Redactor::new(secrets);
        Ok((Pump { pipe: Some(pipe), file, redactor, length, room, is_over: false, fault: None }, end))
    }

    /// The pipe to wait for, while somebody can still write to it.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// How long the file is.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Carries what is there now, at most one buffer of it. False when nothing was there.
    pub(super) fn carry(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        let Some(pipe) = &self.pipe else { return false };
        match read(pipe, &mut buffer) {
            Ok(count) if count > 0 => {
                match &mut self.redactor {
                    Some(redactor) => {
                        let clean = redactor.pass(&buffer[..count]);
                        self.keep(&clean);
                    }
                    None => self.keep(&buffer[..count]),
                }
                true
            }
            Err(Errno::AGAIN | Errno::INTR) => false,
            Ok(_) | Err(_) => {
                self.close();
                false
            }
        }
    }

    /// Reads no more, and keeps what was held back.
    pub(super) fn close(&mut self) {
        self.pipe = None;
        if let Some(mut redactor) = self.redactor.take() {
            let rest = redactor.finish();
            self.keep(&rest);
        }
    }

    fn keep(&mut self, said: &[u8]) {
        let room = usize::try_from(self.room).unwrap_or(usize::MAX);
        let kept = &said[..said.len().min(room)];
        self.is_over |= kept.len() < said.len();
        if self.fault.is_some() || kept.is_empty() {
            return;
        }
        match self.file.write_all(kept) {
            Ok(()) => {
                self.length += kept.len() as u64;
                self.room -= kept.len() as u64;
            }
            Err(error) => self.fault = Some(error),
        }
    }
}
