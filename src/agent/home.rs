//! What an agent finds when it starts: its home, the user's logins in it, its environment; and how it ends when it is not asked.

use super::{AgentError, Invocation};
use crate::process::{Exit, How, Tail};
use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
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
    for (from, to) in logins.map(|(from, to)| (user.join(from), home.join(to))) {
        let copied = match fs::read(&from) {
            Ok(login) => to
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&to, login))
                .and_then(|()| fs::set_permissions(&to, Permissions::from_mode(0o600))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        copied.map_err(|error| unusable(&from, &error))?;
    }
    Ok(())
}

/// The invocation's environment, then the user's variables, then the home, then what the call needs: the later wins.
pub(super) fn environment(
    invocation: &Invocation,
    user: &[(OsString, OsString)],
    call: Vec<(OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let mut env = invocation.env.clone();
    let home = (OsString::from("HOME"), invocation.home.clone().into_os_string());
    for (name, value) in user.iter().cloned().chain([home]).chain(call) {
        env.retain(|(held, _)| *held != name);
        env.push((name, value));
    }
    env
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
