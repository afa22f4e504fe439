//! The user's logins: files that an agent gets a copy of in its own home, for as long as it is at work.

use super::{
    AgentError,
    home::{put, spoilt, take, unusable},
};
use crate::process::secrets_of_file;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Files below the user's home, and where their copies go below a home of ours.
#[derive(Clone, Debug)]
pub(super) struct Logins {
    user: Option<PathBuf>,
    files: Vec<(PathBuf, PathBuf)>,
}

impl Logins {
    /// Logins of the user with this home; none where there is no such home.
    pub(super) fn new(user: Option<PathBuf>, files: impl IntoIterator<Item = (PathBuf, PathBuf)>) -> Logins {
        Logins { user, files: files.into_iter().collect() }
    }

    /// Copies them as they are now: that is all that the agent sees of the user's home.
    ///
    /// # Errors
    /// A login that is there, and cannot be copied.
    pub(super) fn bring(&self, home: &Path) -> Result<(), AgentError> {
        let Some(user) = &self.user else { return Ok(()) };
        // What an agent left in their place is nobody's login. First, since one place may be that of several files.
        self.take(home)?;
        for (from, to) in self.files.iter().map(|(from, to)| (user.join(from), to)) {
            match fs::read(&from) {
                Ok(login) => {
                    put(home, to, &login).map_err(|error| spoilt(home, &error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unusable(&from, &error)),
            }
        }
        Ok(())
    }

    /// Takes the copies away again: where nobody is at work, nobody needs them.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub(super) fn take(&self, home: &Path) -> Result<(), AgentError> {
        self.files.iter().try_for_each(|(_, to)| take(home, to).map_err(|error| spoilt(home, &error)))
    }

    /// What stands in nothing that is kept: the longer texts in them, whatever they are called.
    pub(super) fn secrets(&self) -> Vec<String> {
        let files = self.user.iter().flat_map(|user| self.files.iter().map(|(from, _)| user.join(from)));
        // One that cannot be read is not brought either.
        files.filter_map(|file| fs::read(file).ok()).flat_map(|bytes| secrets_of_file(&bytes)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_there_while_somebody_works_and_what_is_secret_in_them_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let (user, home) = (dir.path().join("user"), dir.path().join("home"));
        fs::create_dir_all(user.join(".cli")).unwrap();
        fs::create_dir_all(home.join(".cli")).unwrap();
        let logins = Logins::new(Some(user.clone()), [(".cli/login.json".into(), ".own/login.json".into())]);
        fs::create_dir_all(home.join(".own")).unwrap();
        fs::write(home.join(".own/login.json"), "an agent's").unwrap();
        logins.bring(&home).unwrap();
        assert!(!home.join(".own/login.json").exists(), "the user has none");
        assert!(logins.secrets().is_empty());
        fs::write(user.join(".cli/login.json"), r#"{"a": {"refresh": "0123456789abcdef", "type": "oauth"}}"#).unwrap();
        logins.bring(&home).unwrap();
        assert!(home.join(".own/login.json").is_file());
        assert_eq!(logins.secrets(), ["0123456789abcdef"]);
        let either = [(".cli/login.json".into(), "copy".into()), (".cli/none".into(), "copy".into())];
        Logins::new(Some(user.clone()), either).bring(&home).unwrap();
        assert!(home.join("copy").is_file(), "one of the two is there");
        logins.take(&home).unwrap();
        assert!(!home.join(".own/login.json").exists() && user.join(".cli/login.json").exists());
    }
}
