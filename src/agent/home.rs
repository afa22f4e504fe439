//! What an agent finds when it starts: its home, the user's logins in it, its environment; and how it ends when it is not asked.

use super::{AgentError, Invocation};
use crate::process::{Exit, How, Tail};
use std::{
    ffi::OsString,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

/// The user's logins, as they are now: a copy, which is all that the agent sees of the user's home.
///
/// # Errors
/// A login that is there, and cannot be copied.
pub(super) fn bring_logins<'a>(
    user: Option<&Path>,
    logins: impl Iterator<Item = (&'a Path, &'a Path)>,
    home: &Path,
) -> Result<(), AgentError> {
    let Some(user) = user else { return Ok(()) };
    for (from, to) in logins.map(|(from, to)| (user.join(from), to)) {
        let copied = match fs::read(&from) {
            Ok(login) => put(home, to, &login).map(drop),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        copied.map_err(|error| unusable(&from, &error))?;
    }
    Ok(())
}

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

/// What of the user's variables stands in no output that is kept: by their names, since an address is no secret. Also as it stands in a
/// string of JSON, where it reads otherwise there: a key of several lines, or one with a quote in it.
pub(super) fn secrets(user: &[(OsString, OsString)]) -> Vec<String> {
    const WORDS: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
    let is_secret = |name: &OsString| WORDS.iter().any(|word| name.to_string_lossy().to_uppercase().contains(word));
    let secret = user.iter().filter(|(name, _)| is_secret(name));
    let forms = |value: &str| {
        let quoted = serde_json::Value::from(value).to_string();
        let within = quoted[1..quoted.len() - 1].to_owned();
        [Some(value.to_owned()), (within != value).then_some(within)]
    };
    secret.filter_map(|(_, value)| value.to_str()).flat_map(forms).flatten().collect()
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
