//! A user's repository to work on, and the user's own git to look at it with.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use tempfile::TempDir;
use tidegate::{
    run::Oid,
    workspace::{Identity, Landing, OpenFault, Options, Pool, Repository},
};

pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A folder with a repository `repo`, its state beside it, and a home without configuration.
pub(crate) struct Ground {
    dir: TempDir,
}

/// A repository with a commit of `files`.
pub(crate) fn ground(files: &[(&str, &str)]) -> Ground {
    let ground = Ground::empty();
    ground.git(&["init", "--quiet", "--initial-branch=main"]);
    for (path, text) in files {
        ground.write(path, text);
    }
    ground.commit("base");
    ground
}

impl Ground {
    /// A folder `repo` without a repository.
    pub(crate) fn empty() -> Ground {
        let ground = Ground { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(ground.top()).unwrap();
        fs::create_dir_all(ground.at("home")).unwrap();
        ground
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap().join(path)
    }

    pub(crate) fn top(&self) -> PathBuf {
        self.at("repo")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.at("state")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.top(), path, text);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.top(), &self.at("home"), args)
    }

    pub(crate) fn commit(&self, message: &str) -> Oid {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    pub(crate) fn options(&self) -> Options {
        let environment: Vec<(OsString, OsString)> =
            vec![("PATH".into(), PATH.into()), ("HOME".into(), self.at("home").into())];
        let is_leftover = tidegate::rules::is_leftover_folder;
        Options { dir: self.top(), state: self.state(), environment, is_leftover }
    }

    pub(crate) async fn try_open(&self) -> Result<Repository, OpenFault> {
        Repository::open(self.options()).await
    }

    pub(crate) async fn open(&self) -> Arc<Repository> {
        Arc::new(self.try_open().await.unwrap())
    }

    pub(crate) async fn pool(&self) -> (Arc<Repository>, Pool) {
        let repository = self.open().await;
        let pool = Pool::open(Arc::clone(&repository), Identity::default()).unwrap();
        (repository, pool)
    }

    /// Everything of the user's that a run may not touch: working tree, index, hooks, configuration, HEAD, branches.
    pub(crate) fn belongings(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.top()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let below = path.strip_prefix(self.top()).unwrap();
                let is_ours =
                    [".git/objects", ".git/refs/tidegate", ".git/refs/heads/tidegate", ".git/logs/refs/heads/tidegate"];
                if is_ours.iter().any(|ours| below.starts_with(ours)) {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    open.push(path);
                } else {
                    let mode = entry.metadata().unwrap().permissions().mode();
                    found.insert(below.to_path_buf(), (mode, fs::read(&path).unwrap_or_default()));
                }
            }
        }
        found
    }

    /// The names and contents of a commit's files.
    pub(crate) fn files(&self, commit: Oid) -> BTreeMap<String, String> {
        let list = self.git(&["ls-tree", "-r", "-z", "--name-only", &commit.to_string()]);
        let show = |path: &str| (path.to_owned(), self.git(&["show", &format!("{commit}:{path}")]));
        list.split('\0').filter(|path| !path.is_empty()).map(show).collect()
    }
}

pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Git as a user has it.
pub(crate) fn git(dir: &Path, home: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env_clear().env("PATH", PATH).env("HOME", home);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A User").env(format!("GIT_{who}_EMAIL"), "user@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn landing(run: &str, task: &str) -> Landing {
    Landing {
        subject: format!("Do {task}"),
        body: String::new(),
        run: run.to_owned(),
        task: task.to_owned(),
        trailers: Vec::new(),
        author: Identity::new("A User", "user@example.org"),
        committer: Identity::default(),
        seconds: 1_800_000_000,
        is_signed: false,
    }
}
