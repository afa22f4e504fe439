//! Setting a workspace up: the commands that put there what a fresh clone lacks, run again when a lock file changes.

use super::{GitError, Lease, Repository, survey};
use crate::{
    process::{Exit, Launch, Limits, Line, Program, Tail},
    run::Oid,
};
use std::{ffi::OsString, fs, path::PathBuf};

/// How workspaces are set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Command lines for `sh`, in order (`[workspace] setup`).
    pub commands: Vec<String>,
    /// Their whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// What each may take.
    pub limits: Limits,
    /// Whether a file of this name, in any folder, says what is to be installed: when one changes, the commands run again.
    pub pins: fn(&str) -> bool,
    /// Where their output goes.
    pub log: PathBuf,
}

/// Why a workspace could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A command failed.
    #[error("set-up `{command}` failed ({}){}{tail}", exit.code(), if tail.is_empty() { "" } else { ":\n" })]
    Failed {
        /// Which.
        command: String,
        /// How it ended.
        exit: Exit,
        /// The last it said.
        tail: String,
    },
    /// Git could not tell what the lock files are.
    #[error(transparent)]
    Git(#[from] GitError),
    /// That it was set up could not be noted.
    #[error("{}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Lease {
    /// Runs the commands in this workspace, unless they were run with the same lock files and it still holds what they made. A gate's
    /// is always set up anew, since nothing stays in it.
    ///
    /// # Errors
    /// With the first command that fails.
    pub async fn set_up(
        &self,
        repository: &Repository,
        launch: &dyn Launch,
        setup: &Setup,
        line: &Line,
    ) -> Result<(), SetupError> {
        if setup.commands.is_empty() {
            return Ok(());
        }
        let key = key(repository, self.commit(), setup).await?.to_string();
        let mark = self.setup_mark();
        if fs::read_to_string(&mark).is_ok_and(|done| done == key) {
            return Ok(());
        }
        let file = |source| SetupError::File { path: mark.clone(), source };
        survey::remove(&mark).map_err(file)?;
        for command in &setup.commands {
            let program = Program {
                argv: vec!["sh".into(), "-euc".into(), command.into()],
                cwd: self.path().into(),
                env: setup.env.clone(),
                stdin: None,
                stdout: setup.log.clone(),
                stderr: None,
                limits: setup.limits,
            };
            let exit = launch.launch(program, line.clone()).await;
            if !exit.is_success() {
                let tail = Tail::of(&setup.log, 20, 16 << 10).unwrap_or_default().text.trim().to_owned();
                return Err(SetupError::Failed { command: command.clone(), exit, tail });
            }
        }
        fs::write(&mark, key).map_err(file)
    }
}

/// What a set-up depends on.
async fn key(repository: &Repository, commit: Oid, setup: &Setup) -> Result<Oid, GitError> {
    let mut list = setup.commands.join("\0");
    for entry in repository.tree(commit).await? {
        if entry.path.rsplit('/').next().is_some_and(|name| (setup.pins)(name)) {
            list.push_str(&format!("\0\0{} {}", entry.oid, entry.path));
        }
    }
    repository.hash(list.as_bytes()).await
}
