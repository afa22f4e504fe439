//! A pump: carries what a program says from a pipe to a file, as much as may be kept.

use super::redactor::Redactor;
use rustix::{
    fs::{Mode, OFlags, fcntl_setfl, mkdirat, open, openat},
    io::{Errno, read},
    pipe::{PipeFlags, pipe_with},
};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

/// Where a program could put a link or a pipe of a file's name, neither is followed or waited for.
const FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::APPEND)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// One pipe and its file. The pipe is closed when the last writer is gone.
pub(super) struct Pump {
    pipe: Option<OwnedFd>,
    place: Place,
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

/// The file of a pump.
enum Place {
    /// It is there.
    File(File),
    /// It comes with the first byte, and the folders on the way to it: most programs that have no folder yet say nothing, and each file
    /// and folder costs as much as their start.
    Due {
        /// The last folder on the way that is there. Held, since the program may put anything in its place.
        folder: OwnedFd,
        /// The folders below it, and the file.
        names: Vec<OsString>,
    },
}

impl Place {
    fn of(path: &Path) -> io::Result<Place> {
        match open(path, FILE, Mode::from_raw_mode(0o666)) {
            Ok(file) => return Ok(Place::File(file.into())),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let mut names = Vec::new();
        // A path of which nothing is there is a mistake, and nothing is made of it.
        for above in path.ancestors().take_while(|above| above.parent().is_some()) {
            match open(above, FOLDER, Mode::empty()) {
                Ok(folder) if !names.is_empty() => {
                    names.reverse();
                    return Ok(Place::Due { folder, names });
                }
                Ok(_) | Err(Errno::NOENT) => names.extend(above.file_name().map(OsString::from)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::NOENT.into())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if let Place::Due { folder, names } = self {
            let Some((name, folders)) = names.split_last() else { return Err(Errno::NOENT.into()) };
            for name in folders {
                match mkdirat(&*folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                *folder = openat(&*folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
            }
            *self = Place::File(openat(&*folder, name, FILE, Mode::from_raw_mode(0o666))?.into());
        }
        match self {
            Place::File(file) => Ok(file),
            Place::Due { .. } => Err(Errno::NOENT.into()),
        }
    }
}

impl Pump {
    /// A pump into `file`, which never sees one of these secrets, and the end that the program writes to.
    pub(super) fn new(file: &Path, room: u64, secrets: &[String]) -> io::Result<(Pump, OwnedFd)> {
        let place = Place::of(file)?;
        let length = match &place {
            Place::File(file) => file.metadata()?.len(),
            Place::Due { .. } => 0,
        };
        let (pipe, end) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        let redactor = Redactor::new(secrets);
        Ok((Pump { pipe: Some(pipe), place, redactor, length, room, is_over: false, fault: None }, end))
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
        let mut buffer = [MaybeUninit::uninit(); 64 * 1024];
        let Some(pipe) = &self.pipe else { return false };
        match read(pipe, &mut buffer) {
            Ok((said @ [_, ..], _)) => {
                match &mut self.redactor {
                    Some(redactor) => {
                        let clean = redactor.pass(said);
                        self.keep(&clean);
                    }
                    None => self.keep(said),
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
        match self.place.file().and_then(|file| file.write_all(kept)) {
            Ok(()) => {
                self.length += kept.len() as u64;
                self.room -= kept.len() as u64;
            }
            Err(error) => self.fault = Some(error),
        }
    }
}
