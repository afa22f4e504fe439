//! A new repository of the sample's: one commit with all that stands in a folder.

use super::git::{Git, GitError};
use std::{ffi::OsString, path::Path};

/// Makes `dir` a repository with everything in it as its first commit.
///
/// # Errors
/// When git cannot do it.
pub async fn create(dir: &Path, environment: Vec<(OsString, OsString)>, subject: &str) -> Result<(), GitError> {
    let path = environment.into_iter().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    let git = Git::new(&path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())).within(dir);
    git.run(&["init", "--quiet", "--initial-branch=main"]).await?;
    git.run(&["add", "--all", "--", "."]).await?;
    let git = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].iter().fold(git, |git, name| git.with(name, "tidegate"));
    let mails = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
    let git = mails.iter().fold(git, |git, name| git.with(name, "tidegate@localhost"));
    git.run(&["commit", "--quiet", "--message", subject]).await?;
    Ok(())
}
