//! The folder of a topic, into which documents are written: whole or not at all, and never through a link out of it.

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Not a plain name below the folder.
    #[error("{0:?} is not a name below the topic's folder")]
    Name(String),
    /// The system said no. A link in place of a folder is told as "not a directory" or "too many levels of symbolic links".
    #[error("cannot write {name}: {source}")]
    Refused {
        /// Which document.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// `notes/<topic>`, held open: what its name points at later is of no account.
#[derive(Debug)]
pub struct Folder {
    dir: OwnedFd,
}

impl Folder {
    /// Opens the folder, which must be there and be no link itself.
    ///
    /// # Errors
    /// It is not there, or not a folder, or a link.
    pub fn open(path: &Path) -> Result<Folder, WriteError> {
        let refused = |e: Errno| WriteError::Refused { name: path.display().to_string(), source: e.into() };
        Ok(Folder { dir: fs::open(path, folder_flags(), Mode::empty()).map_err(refused)? })
    }

    /// Writes a document: `report.md`, or below one folder `handoffs/HANDOFF-5.md`, which is made where it is missing. Whoever
    /// reads sees the old document or the new one, also after a power cut.
    ///
    /// # Errors
    /// A name that leads elsewhere, or what the system says.
    pub fn write(&self, name: &str, text: &str) -> Result<(), WriteError> {
        let refused = |e: Errno| WriteError::Refused { name: name.to_owned(), source: e.into() };
        let mut steps: Vec<&str> = name.split('/').collect();
        let file = steps.pop().unwrap_or_default();
        if !steps.iter().chain([&file]).all(|step| is_plain(step)) {
            return Err(WriteError::Name(name.to_owned()));
        }
        let mut below: Option<OwnedFd> = None;
        for step in steps {
            let at = below.as_ref().map_or_else(|| self.dir.as_fd(), AsFd::as_fd);
            let next = enter(at, step).map_err(refused)?;
            below = Some(next);
        }
        let at = below.as_ref().map_or_else(|| self.dir.as_fd(), AsFd::as_fd);
        replace(at, file, text).map_err(|source| WriteError::Refused { name: name.to_owned(), source })
    }
}

fn is_plain(step: &str) -> bool {
    !step.is_empty() && step.len() <= 200 && !step.starts_with('.') && !step.contains(['\0', '/'])
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn enter(at: BorrowedFd<'_>, step: &str) -> Result<OwnedFd, Errno> {
    match fs::mkdirat(at, step, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => fs::openat(at, step, folder_flags(), Mode::empty()),
        Err(errno) => Err(errno),
    }
}

/// A file beside it, made durable, then renamed over it: a link of that name is replaced, not followed.
fn replace(at: BorrowedFd<'_>, name: &str, text: &str) -> io::Result<()> {
    let beside = format!(".{name}.tidegate-new");
    // Left over from a crash, or put there by somebody else: neither is written through.
    match fs::unlinkat(at, &*beside, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(at, &*beside, flags, Mode::from_raw_mode(0o666))?;
    let mut file = File::from(file);
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let renamed = written.and_then(|()| fs::renameat(at, &*beside, at, name).map_err(io::Error::from));
    if renamed.is_err() {
        let _ = fs::unlinkat(at, &*beside, AtFlags::empty());
        return renamed;
    }
    fs::fsync(at).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn list(path: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_document_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        std::fs::write(temp.path().join(".report.md.tidegate-new"), "half of a").unwrap();
        folder.write("report.md", "one").unwrap();
        folder.write("report.md", "two").unwrap();
        folder.write("handoffs/HANDOFF-5.md", "five").unwrap();
        assert_eq!(std::fs::read_to_string(temp.path().join("report.md")).unwrap(), "two");
        assert_eq!(list(temp.path()), ["handoffs", "report.md"]);
        assert_eq!(list(&temp.path().join("handoffs")), ["HANDOFF-5.md"]);
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let (temp, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let victim = outside.path().join("victim");
        std::fs::write(&victim, "untouched").unwrap();
        for name in ["report.md", ".report.md.tidegate-new"] {
            symlink(&victim, temp.path().join(name)).unwrap();
        }
        symlink(outside.path(), temp.path().join("handoffs")).unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        folder.write("report.md", "ours").unwrap();
        assert!(matches!(folder.write("handoffs/x.md", "ours"), Err(WriteError::Refused { .. })));
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
        assert_eq!(list(outside.path()), ["victim"]);
        assert!(!temp.path().join("report.md").is_symlink());
        assert!(Folder::open(&temp.path().join("handoffs")).is_err(), "a folder that is a link");
    }

    #[test]
    fn only_plain_names_are_written() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        for name in ["", "../x", "/etc/x", "a//b", "a/../b", ".git/config", "a\0b"] {
            assert!(matches!(folder.write(name, ""), Err(WriteError::Name(_))), "{name:?}");
        }
        assert!(list(temp.path()).is_empty());
    }
}
