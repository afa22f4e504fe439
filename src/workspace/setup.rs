//! Setting a workspace up: the commands that put there what a fresh clone lacks, run again when a lock file changes.

use super::{
    Copies, GitError, Kind, Lease, Repository, TreeEntry,
    snapshot::{Rules, blocking},
    survey,
};
use crate::{
    process::{Ask, CacheUser, Caches, Confines, How, Launch, Limits, Line, Program, Tail, secrets},
    run::Oid,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How workspaces are set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The user's caches.
    pub caches: Caches,
    /// What is put there first.
    pub copies: Copies,
    /// Command lines for `sh`, in order (`[workspace] setup`).
    pub commands: Commands,
    /// Their whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// What each may take.
    pub limits: Limits,
    /// What they may see and write beside the workspace; `None`: whatever we may.
    pub confines: Option<Confines>,
    /// Whether a file of this name, in any folder, says what is to be installed: when one changes, the commands run again.
    pub pins: fn(&str) -> bool,
    /// Where their output goes.
    pub log: PathBuf,
}

/// What is run.
#[derive(Clone, Debug)]
pub enum Commands {
    /// What the configuration says.
    Said(Vec<String>),
    /// What the paths of the tree ask for: a lock file may come with the work.
    Found(fn(&[&str]) -> Vec<String>),
}

impl Commands {
    fn of(&self, tree: &[TreeEntry]) -> Vec<String> {
        match self {
            Commands::Said(commands) => commands.clone(),
            Commands::Found(found) => found(&tree.iter().map(|entry| &*entry.path).collect::<Vec<_>>()),
        }
    }
}

/// Why a workspace could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A command failed.
    #[error("set-up `{command}` {how}{}{tail}", if tail.is_empty() { "" } else { ":\n" })]
    Failed {
        /// Which.
        command: String,
        /// How it ended, as the rest of a sentence.
        how: String,
        /// The last it said.
        tail: String,
    },
    /// Git could not tell what the lock files are.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A copy could not be put there, or it could not be noted that it was set up.
    #[error("{}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lease {
    /// Puts the copies into this workspace and runs the commands in it, unless these were run with the same lock files and it still holds what they made. A gate's
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
        let file = |path: &Path, source| SetupError::File { path: path.into(), source };
        let rules = repository.rules(self.commit()).await?;
        self.put(&setup.copies, &rules).await.map_err(|source| file(self.path(), source))?;
        let own = self.caches();
        fs::create_dir_all(&own).map_err(|source| file(&own, source))?;
        if self.kind() == Kind::Agent {
            setup.caches.lay_out(&own).map_err(|source| file(&own, source))?;
        }
        if matches!(&setup.commands, Commands::Said(commands) if commands.is_empty()) {
            return Ok(());
        }
        let tree = repository.tree(self.commit()).await?;
        let commands = setup.commands.of(&tree);
        if commands.is_empty() {
            return Ok(());
        }
        let key = key(repository, &tree, &commands, setup).await?.to_string();
        let mark = self.setup_mark();
        if Mark::read(&mark).is_some_and(|mark| mark.key == key) {
            return Ok(());
        }
        let file = |source| file(&mark, source);
        survey::remove(&mark).map_err(file)?;
        // A gate's tree is never taken in: what was there before is asked for agents alone.
        let before = match self.kind() {
            Kind::Agent => Some(self.prints(&rules).await.map_err(file)?),
            Kind::Gate => None,
        };
        for command in &commands {
            self.run(launch, setup, (command, self.path()), line).await?;
        }
        let mut made: Vec<Made> = Vec::new();
        if let Some(before) = before {
            let after = self.prints(&rules).await.map_err(file)?;
            made.extend(after.into_iter().filter(|made| !before.contains(made)));
            let ignored = repository.ignored(&rules, made.iter().map(|made| &*made.path)).await?;
            made.retain(|made| rules.tracked.contains(&made.path) || !ignored.contains(&made.path));
        }
        let text = serde_json::to_vec(&Mark { key, made }).map_err(|error| file(error.into()))?;
        fs::write(&mark, text).map_err(file)
    }

    /// Runs a command in a folder of this workspace as set-up is run: with the network, and with the user's caches to fill.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(
        &self,
        launch: &dyn Launch,
        setup: &Setup,
        (command, cwd): (&str, &Path),
        line: &Line,
    ) -> Result<(), SetupError> {
        let own = self.caches();
        let mut confines = setup.confines.clone();
        if let Some(confines) = &mut confines {
            confines.writable.extend([self.path().into(), own.clone()]);
        }
        let program = Program {
            argv: vec!["sh".into(), "-euc".into(), command.into()],
            cwd: cwd.into(),
            env: setup.env.iter().cloned().chain(setup.caches.variables(CacheUser::Setup, &own)).collect(),
            stdin: None,
            stdout: setup.log.clone(),
            stderr: None,
            limits: setup.limits,
            confines,
            ask: Ask::Term,
            secrets: secrets(&setup.env),
        };
        let exit = launch.launch(program, line.clone()).await;
        if exit.is_success() {
            return Ok(());
        }
        let tail = Tail::of(&setup.log, 20, 16 << 10).unwrap_or_default().text.trim().to_owned();
        let how = match exit.how {
            How::TimedOut => format!(
                "took longer than {} s; `[checks] timeout` in tidegate.toml sets the limit of set-up too",
                setup.limits.total.as_secs()
            ),
            _ => format!("failed ({})", exit.code()),
        };
        Err(SetupError::Failed { command: command.to_owned(), how, tail })
    }

    /// What all files look like that are no leftovers.
    async fn prints(&self, rules: &Arc<Rules>) -> io::Result<HashSet<Made>> {
        let (tree, rules) = (self.path().to_path_buf(), Arc::clone(rules));
        blocking(move || {
            let found = survey::survey(&tree, |dir| rules.is_leftover(dir))?.files;
            Ok(found.into_iter().filter_map(|found| Made::at(&tree, found.path)).collect())
        })
        .await
    }

    /// What set-up made or changed and nobody touched since: it is no work of an agent.
    pub(super) fn made(&self) -> HashSet<String> {
        Mark::read(&self.setup_mark()).map(|mark| mark.untouched(self.path())).unwrap_or_default()
    }
}

/// What set-up made in a used workspace and may stay in it. Where something of it is no longer as it was, or is to be as the
/// new commit has it, it is set up anew.
pub(super) fn staying(mark: &Path, tree: &Path, rules: &Rules) -> io::Result<HashSet<String>> {
    let Some(noted) = Mark::read(mark) else { return Ok(HashSet::new()) };
    let count = noted.made.len();
    let mut untouched = noted.untouched(tree);
    untouched.retain(|path| !rules.tracked.contains(path));
    if untouched.len() < count {
        survey::remove(mark)?;
    }
    Ok(untouched)
}

/// What is noted of a workspace that was set up.
#[derive(Serialize, Deserialize)]
struct Mark {
    /// With what.
    key: String,
    /// The files that it made or changed and that would be taken for somebody's work.
    made: Vec<Made>,
}

impl Mark {
    fn read(path: &Path) -> Option<Mark> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn untouched(self, tree: &Path) -> HashSet<String> {
        let is_same = |made: &Made| Made::at(tree, made.path.clone()).as_ref() == Some(made);
        self.made.into_iter().filter(is_same).map(|made| made.path).collect()
    }
}

/// A file, and by what one sees that it was touched: its inode, its size, and when it changed, which no program can set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Made {
    path: String,
    print: (u64, u64, i64, i64),
}

impl Made {
    pub(super) fn at(tree: &Path, path: String) -> Option<Made> {
        let data = tree.join(&path).symlink_metadata().ok()?;
        Some(Made { path, print: (data.ino(), data.size(), data.ctime(), data.ctime_nsec()) })
    }
}

/// What a set-up depends on.
async fn key(repository: &Repository, tree: &[TreeEntry], commands: &[String], setup: &Setup) -> Result<Oid, GitError> {
    let mut list = commands.join("\0");
    for entry in tree {
        if entry.path.rsplit('/').next().is_some_and(|name| (setup.pins)(name)) {
            list.push_str(&format!("\0\0{} {}", entry.oid, entry.path));
        }
    }
    repository.hash(list.as_bytes()).await
}
