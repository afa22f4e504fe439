//! What an agent finds when it starts: its home, and its environment; and how it ends when it is not asked.

use super::{AgentError, Invocation};
use crate::process::{Exit, How, Tail, leaving};
use std::{
    ffi::OsString,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

/// Bytes of a file in a home that are read.
const KEPT_MAX: u64 = 1 << 20;

/// Puts the user's variables and the home into the invocation's environment: what dialects and agents find there.
pub(super) fn move_in(invocation: &mut Invocation, user: &[(OsString, OsString)]) {
    let home = (OsString::from("HOME"), invocation.home.clone().into_os_string());
    set(&mut invocation.env, user.iter().cloned().chain([home]));
}

/// Sets variables: the later wins.
pub(super) fn set(env: &mut Vec<(OsString, OsString)>, more: impl IntoIterator<Item = (OsString, OsString)>) {
    for (name, value) in more {
        env.retain(|(held, _)| *held != name);
        env.push((name, value));
    }
}

/// How it failed when something from outside ended it, or it fell over: nobody has to ask what it said.
pub(super) fn ended_from_outside(exit: &Exit, stderr: &str, invocation: &Invocation) -> AgentError {
    match &exit.how {
        How::Stopped => AgentError::Stopped,
        How::TimedOut => AgentError::Timeout(invocation.limits.total),
        How::Idle => AgentError::Idle,
        How::TooMuchOutput => AgentError::BadOutput { what: "it printed more than its limit".into() },
        How::NotStarted(why) => AgentError::Misconfigured { what: why.clone() },
        How::WardenLost | How::Code(_) | How::Signal(_) => {
            AgentError::Crashed { code: exit.code(), tail: Tail::of_text(stderr, 20).text }
        }
    }
}

/// A file without which it cannot begin.
pub(super) fn unusable(path: &Path, error: &io::Error) -> AgentError {
    AgentError::Misconfigured { what: format!("{}: {error}", path.display()) }
}

/// A home in which its agent made it impossible to begin again: that is a fault of its task, and of nobody else.
pub(super) fn spoilt(home: &Path, error: &io::Error) -> AgentError {
    AgentError::Crashed { code: 1, tail: format!("the agent's home {} cannot be used: {error}", home.display()) }
}

/// Reads a file below a home, of which the agent may have made anything by now: no link is followed at its end, nothing but a file is
/// read, and no more than [`KEPT_MAX`] bytes.
///
/// # Errors
/// When something else is there, or it cannot be read.
pub(super) fn kept(home: &Path, name: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(path) = inside(home, name)? else { return Ok(None) };
    match leaving(&path, KEPT_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes a file below a home away, where it is.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn take(home: &Path, name: &Path) -> io::Result<()> {
    inside(home, name)?.map_or(Ok(()), |path| clear(&path))
}

/// Where a file below a home is; none where the folders on the way are not there, or are not folders.
fn inside(home: &Path, name: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = home.to_owned();
    let mut parts = name.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(part) = part else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        path.push(part);
        if parts.peek().is_some() && !fs::symlink_metadata(&path).is_ok_and(|held| held.is_dir()) {
            return Ok(None);
        }
    }
    Ok(Some(path))
}

/// Writes a file below a home, readable for nobody else, and says where it is.
///
/// The home is kept between tries, and the agent of the try before could put a link there that leads out of its sandbox. We are
/// not in that sandbox: nothing that is there is followed.
///
/// # Errors
/// When it cannot be written, or `name` leads out of the home.
pub(super) fn put(home: &Path, name: impl AsRef<Path>, content: &[u8]) -> io::Result<PathBuf> {
    let name = name.as_ref();
    let folder = folder(home, name.parent().unwrap_or_else(|| Path::new("")))?;
    let path = folder.join(name.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    clear(&path)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(content)?;
    Ok(path)
}

/// Makes a folder below a home where there is none, and says where it is.
///
/// # Errors
/// As [`put`].
pub(super) fn folder(home: &Path, name: &Path) -> io::Result<PathBuf> {
    let mut path = home.to_owned();
    // It may have shut its home to itself.
    fs::set_permissions(home, Permissions::from_mode(0o700))?;
    for part in name.components() {
        let Component::Normal(part) = part else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        path.push(part);
        if !fs::symlink_metadata(&path).is_ok_and(|held| held.is_dir()) {
            clear(&path)?;
            fs::create_dir(&path)?;
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700))?;
    }
    Ok(path)
}

/// Takes away what is there; of a link, the link.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(held) if held.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_an_agent_has_linked_out_of_its_home_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let (home, outside) = (dir.path().join("home"), dir.path().join("outside"));
        fs::create_dir(&home).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("login.json"), "the user's").unwrap();
        symlink(&outside, home.join(".cli")).unwrap();
        let path = put(&home, ".cli/login.json", b"ours").unwrap();
        assert_eq!(fs::read_to_string(outside.join("login.json")).unwrap(), "the user's");
        assert_eq!(
            (path.clone(), fs::read_to_string(&path).unwrap()),
            (home.join(".cli/login.json"), "ours".to_owned())
        );
        fs::remove_file(&path).unwrap();
        symlink(outside.join("login.json"), &path).unwrap();
        put(&home, ".cli/login.json", b"ours").unwrap();
        assert_eq!(fs::read_to_string(outside.join("login.json")).unwrap(), "the user's");
    }

    #[test]
    fn what_an_agent_put_in_a_file_s_place_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("in")).unwrap();
        let name = Path::new("in/file");
        assert_eq!(kept(&home, name).unwrap(), None);
        put(&home, name, b"ours").unwrap();
        assert_eq!(kept(&home, name).unwrap().as_deref(), Some(&b"ours"[..]));
        fs::remove_file(home.join(name)).unwrap();
        symlink("/dev/zero", home.join(name)).unwrap();
        assert!(kept(&home, name).is_err());
        fs::remove_file(home.join(name)).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, home.join(name), rustix::fs::Mode::RUSR).unwrap();
        assert!(kept(&home, name).is_err(), "nobody writes into it");
        fs::write(dir.path().join("file"), "a stranger's").unwrap();
        fs::remove_dir_all(home.join("in")).unwrap();
        symlink("..", home.join("in")).unwrap();
        assert_eq!(kept(&home, name).unwrap(), None);
        assert!(kept(&home, Path::new("../file")).is_err());
        take(&home, name).unwrap();
        assert!(dir.path().join("file").exists());
    }

    #[test]
    fn a_file_is_written_again_and_only_its_owner_reads_it() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("note.md/in/the/way")).unwrap();
        put(home.path(), "note.md", b"one, which is longer").unwrap();
        let path = put(home.path(), "note.md", b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(put(home.path(), "../note.md", b"x").is_err() && put(home.path(), "/note.md", b"x").is_err());
    }
}
