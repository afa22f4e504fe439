//! Folders to measure in, and repositories in them. On the disk that holds `target`: in memory a journal would cost nothing.

use crate::{Trouble, process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The release binary of this build.
pub(crate) const TIDEGATE: &str = env!("CARGO_BIN_EXE_tidegate");

/// Where rivals are installed: kept from one bench to the next.
pub(crate) fn installed() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("peers")
}

/// A folder that is gone afterwards.
pub(crate) fn folder() -> Result<TempDir, Trouble> {
    Ok(tempfile::Builder::new().prefix("peers-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// tidegate as its table calls it.
pub(crate) fn tidegate_name() -> String {
    format!("tidegate {}", env!("CARGO_PKG_VERSION"))
}

/// tidegate with a state folder of its own, in a folder.
pub(crate) fn tidegate(dir: &Path, state: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(TIDEGATE);
    command.args(args).current_dir(dir).env("XDG_STATE_HOME", state).env_remove("RUST_LOG");
    command
}

/// Git as a user without configuration has it.
pub(crate) fn git(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir);
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "Bench"),
        ("GIT_AUTHOR_EMAIL", "bench@localhost"),
        ("GIT_COMMITTER_NAME", "Bench"),
        ("GIT_COMMITTER_EMAIL", "bench@localhost"),
        // Else a large commit packs the repository in the background, while it is measured.
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "maintenance.auto"),
        ("GIT_CONFIG_VALUE_0", "false"),
    ] {
        command.env(name, value);
    }
    command
}

/// All that is in a folder, as the first commit of a repository. Its name.
pub(crate) fn commit_all(dir: &Path, message: &str) -> Result<String, Trouble> {
    if !dir.join(".git").exists() {
        process::done(&mut git(dir, &["init", "--quiet", "--initial-branch=main"]))?;
    }
    process::done(&mut git(dir, &["add", "--all"]))?;
    process::done(&mut git(dir, &["commit", "--quiet", "-m", message]))?;
    Ok(process::done(&mut git(dir, &["rev-parse", "HEAD"]))?.trim().to_owned())
}

/// A repository of many small files, a hundred in a folder. Its commit.
pub(crate) fn repository(dir: &Path, files: u32) -> Result<String, Trouble> {
    for folder in 0..files.div_ceil(100) {
        let place = dir.join(format!("src/d{}/d{folder}", folder / 20));
        fs::create_dir_all(&place)?;
        for number in folder * 100..files.min((folder + 1) * 100) {
            let line = |n: u32| format!("line {n} of file {number}: the quick brown fox jumps over the lazy dog\n");
            fs::write(place.join(format!("f{number}.txt")), (0..20).map(line).collect::<String>())?;
        }
    }
    let commit = commit_all(dir, "Begin")?;
    process::done(&mut git(dir, &["gc", "--quiet"]))?;
    Ok(commit)
}

/// Where a file of [`repository`] is.
pub(crate) fn file(number: u32) -> String {
    let folder = number / 100;
    format!("src/d{}/d{folder}/f{number}.txt", folder / 20)
}
