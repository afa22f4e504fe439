//! Names: what the user inside a sandbox is called, where we are root and it is another. Files of ours, gone with us.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const PREFIX: &str = "tidegate-users-";

/// How often another process may take our folder for one that was left.
const TRIES: u32 = 5;

/// A folder with a `passwd` and a `group`.
#[derive(Debug)]
pub(super) struct Names {
    folder: TempDir,
    /// Locked for as long as somebody uses it: by this, one that was left is told from others.
    _held: File,
}

impl Names {
    /// The names of the machine, and one for this user (and group) with this home. Those that killed processes left are taken away.
    pub(super) fn new(user: u32, home: &Path) -> io::Result<Names> {
        Names::below(&tempfile::env::temp_dir(), user, home)
    }

    fn below(folder: &Path, user: u32, home: &Path) -> io::Result<Names> {
        clear(folder);
        let mut tries = 1;
        loop {
            match Names::made(folder, user, home) {
                // Before it was locked, it looked like one that was left.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
                made => return made,
            }
        }
    }

    fn made(folder: &Path, user: u32, home: &Path) -> io::Result<Names> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder)?;
        let held = File::open(folder.path())?;
        flock(&held, FlockOperation::LockExclusive)?;
        let home = home.to_string_lossy().replace([':', '\n'], "_");
        let entries =
            [("passwd", format!("agent:x:{user}:{user}::{home}:/bin/sh\n")), ("group", format!("agent:x:{user}:\n"))];
        for (name, entry) in entries {
            let known = fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
            let user = user.to_string();
            let others = known.lines().filter(|line| line.split(':').nth(2) != Some(&*user));
            let text: String = others.map(|line| format!("{line}\n")).collect();
            fs::write(folder.path().join(name), entry + &text)?;
        }
        Ok(Names { folder, _held: held })
    }

    /// Each file, and the name that it has below `/etc`.
    pub(super) fn files(&self) -> impl Iterator<Item = (PathBuf, &'static str)> {
        ["passwd", "group"].into_iter().map(|name| (self.folder.path().join(name), name))
    }
}

/// Takes away what killed processes of ours left here. What cannot be taken away stays: nothing depends on it.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Ok(Some(_held)) = left(&entry.path())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder of ours in which nobody is, locked, so that whoever has just made it sees that it is gone. Others may write beside it.
fn left(path: &Path) -> io::Result<Option<File>> {
    let data = fs::symlink_metadata(path)?;
    if !data.is_dir() || data.uid() != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    let folder = File::open(path)?;
    Ok(flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let below = || Names::below(dir.path(), 1000, Path::new("/home/a:b")).unwrap();
        let left = dir.path().join("tidegate-users-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("passwd"), "x").unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, dir.path().join("tidegate-users-link")).unwrap();
        let first = below();
        let second = below();
        assert!(!left.exists() && outside.exists() && dir.path().join("tidegate-users-link").exists());
        for names in [&first, &second] {
            let text = |(file, _)| fs::read_to_string(file).unwrap();
            assert!(names.files().map(text).all(|text| text.starts_with("agent:x:1000:")), "{names:?}");
        }
        drop((first, second));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
