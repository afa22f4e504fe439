//! A tray: the folder of a call that its agent and the coordinator share. Nothing in it is followed or waited for, whoever put it there.

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, fcntl_setfl, flock, mkfifoat, open};
use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

/// Flags of all that is opened here: no link is followed, and no pipe without another end is waited for.
const SAFE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// Bytes of a file that stays when a call is over, and of all of them.
const FILE_MAX: u64 = 4 << 20;
const ALL_MAX: u64 = 32 << 20;
/// What is made here is its owner's.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

/// The folder of a call that its agent sees. The names that its methods take are names of files in it, never paths.
#[derive(Clone, Debug)]
pub struct Tray {
    folder: PathBuf,
}

impl Tray {
    /// The tray in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Tray {
        Tray { folder: folder.into() }
    }

    /// The first `most` bytes of a file, as text; none where there is no file.
    ///
    /// # Errors
    /// When something else is there, or it cannot be read.
    pub fn read(&self, name: &str, most: u64) -> io::Result<Option<String>> {
        let file = match open(self.folder.join(name), OFlags::RDONLY | SAFE, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        plain(&file)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Writes a line to the end of a file that is made where it is not there. `false`: the file would become longer than `most` bytes.
    ///
    /// # Errors
    /// When something else is there, or it cannot be written.
    pub(super) fn append(&self, name: &str, line: &str, most: u64) -> io::Result<bool> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | SAFE;
        let mut file = File::from(open(self.folder.join(name), flags, OWN)?);
        plain(&file)?;
        let has_room = file.metadata()?.len().saturating_add(line.len() as u64 + 1) <= most;
        if has_room {
            // In one piece: several servers of one agent may write at once.
            file.write_all(format!("{line}\n").as_bytes())?;
        }
        Ok(has_room)
    }

    /// Makes a named pipe, in place of whatever has its name, and opens it at both ends: so neither end is ever missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_pipe(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        self.new_pipe(name)
    }

    /// The same where nothing has its name.
    ///
    /// # Errors
    /// When it cannot be made, since something has, or for another reason.
    pub(super) fn new_pipe(&self, name: &str) -> io::Result<File> {
        let path = self.folder.join(name);
        mkfifoat(CWD, &path, OWN)?;
        pipe(File::from(open(path, OFlags::RDWR | SAFE, Mode::empty())?))
    }

    /// Opens a named pipe to write to it. Writing does not block: what does not fit is not written.
    ///
    /// # Errors
    /// When there is none, or nobody who reads from it.
    pub fn pipe_to(&self, name: &str) -> io::Result<File> {
        pipe(File::from(open(self.folder.join(name), OFlags::WRONLY | SAFE, Mode::empty())?))
    }

    /// Writes a line to a named pipe, in one piece, and waits until it is read where the pipe is full.
    ///
    /// # Errors
    /// When there is no such pipe, or nobody who reads from it.
    pub(super) fn tell(&self, name: &str, line: &str) -> io::Result<()> {
        let mut pipe = self.pipe_to(name)?;
        wait_for(&pipe)?;
        // Long lines are written in pieces: those of several servers of one agent must not be mixed.
        flock(&pipe, FlockOperation::LockExclusive)?;
        pipe.write_all(format!("{line}\n").as_bytes())
    }

    /// Leaves of a call that is over nothing but files that `clean` has nothing to take out of: what it changes is written anew, and what is
    /// no plain file, is too large, or has a name that `clean` changes, goes. Nobody may write to the tray any more.
    ///
    /// # Errors
    /// When something cannot be read, removed or written. It may have been left as it was.
    pub fn wash(&self, clean: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
        let mut room = ALL_MAX;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let data = entry.metadata()?;
            let is_kept =
                data.is_file() && data.len() <= FILE_MAX.min(room) && clean(name.as_bytes()) == name.as_bytes();
            if !is_kept {
                clear(&path, data.is_dir())?;
                continue;
            }
            room -= data.len();
            // Its agent may have shut it.
            fs::set_permissions(&path, Permissions::from_mode(data.permissions().mode() | 0o600))?;
            let mut file = File::from(open(&path, OFlags::RDONLY | SAFE, Mode::empty())?);
            let mut bytes = Vec::new();
            (&mut file).take(FILE_MAX).read_to_end(&mut bytes)?;
            let cleaned = clean(&bytes);
            if cleaned != bytes {
                // Another file: this one may have other names.
                fs::remove_file(&path)?;
                File::from(open(&path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | SAFE, OWN)?)
                    .write_all(&cleaned)?;
            }
        }
        Ok(())
    }

    /// Takes a file away. One that is not there is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Takes away what is there; of a link, the link; of a folder, all that is in it, also where its owner may not write in it.
fn clear(path: &Path, is_folder: bool) -> io::Result<()> {
    if !is_folder {
        return fs::remove_file(path);
    }
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            open.extend(entry.file_type()?.is_dir().then(|| entry.path()));
        }
    }
    fs::remove_dir_all(path)
}

/// From now on, reading and writing wait.
pub(super) fn wait_for(pipe: &File) -> io::Result<()> {
    Ok(fcntl_setfl(pipe, OFlags::empty())?)
}

fn plain(file: &File) -> io::Result<()> {
    let is_plain = file.metadata()?.file_type().is_file();
    if is_plain { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")) }
}

fn pipe(file: File) -> io::Result<File> {
    let is_pipe = file.metadata()?.file_type().is_fifo();
    if is_pipe { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a pipe")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_is_followed_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let tray = Tray::at(folder.path().join("tray"));
        fs::create_dir(folder.path().join("tray")).unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, "mine\n").unwrap();
        symlink(&outside, folder.path().join("tray/link")).unwrap();
        assert!(
            tray.read("link", 9).is_err() && tray.append("link", "x", 99).is_err() && tray.pipe_to("link").is_err()
        );
        let both = tray.new_pipe("pipe").unwrap();
        assert!(
            tray.read("pipe", 9).is_err() && tray.append("pipe", "x", 99).is_err() && tray.new_pipe("pipe").is_err()
        );
        drop(both);
        assert!(tray.pipe_to("pipe").is_err(), "nobody reads from it");
        assert!(tray.read("pipe", 9).is_err(), "and nobody will write to it");
        assert!(tray.read("../tray", 9).is_err(), "a folder is no file");
        tray.make_pipe("link").unwrap();
        assert_eq!(fs::read_to_string(outside).unwrap(), "mine\n");
    }

    #[test]
    fn a_file_does_not_become_longer_than_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let tray = Tray::at(folder.path());
        assert_eq!(tray.read("a", 99).unwrap(), None);
        assert!(tray.append("a", "123", 8).unwrap() && tray.append("a", "456", 8).unwrap());
        assert!(!tray.append("a", "", 8).unwrap());
        assert_eq!(tray.read("a", 99).unwrap().as_deref(), Some("123\n456\n"));
        assert_eq!(tray.read("a", 2).unwrap().as_deref(), Some("12"));
    }

    #[test]
    fn of_a_call_that_is_over_nothing_stays_that_holds_what_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let (within, outside) = (folder.path().join("tray"), folder.path().join("outside"));
        fs::create_dir_all(within.join("sub/shut")).unwrap();
        fs::write(within.join("sub/shut/file"), "secret").unwrap();
        fs::set_permissions(within.join("sub/shut"), Permissions::from_mode(0o500)).unwrap();
        let write = |name: &str, text: &str| fs::write(within.join(name), text).unwrap();
        write("context.md", "plain");
        write("contest.md", "a secret b");
        write("secret", "x");
        fs::set_permissions(within.join("contest.md"), Permissions::from_mode(0o000)).unwrap();
        fs::write(&outside, "a secret of others").unwrap();
        fs::hard_link(&outside, within.join("linked")).unwrap();
        symlink(&outside, within.join("link")).unwrap();
        File::create(within.join("large")).unwrap().set_len(FILE_MAX + 1).unwrap();
        let tray = Tray::at(&within);
        drop(tray.new_pipe("asks").unwrap());
        tray.wash(|bytes| String::from_utf8_lossy(bytes).replace("secret", "*").into_bytes()).unwrap();
        let mut names: Vec<_> = fs::read_dir(&within).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["contest.md", "context.md", "linked"]);
        assert_eq!(tray.read("contest.md", 99).unwrap().as_deref(), Some("a * b"));
        assert_eq!(tray.read("linked", 99).unwrap().as_deref(), Some("a * of others"));
        assert_eq!(fs::read_to_string(outside).unwrap(), "a secret of others");
    }
}
