//! A snapshot: a workspace's tree exactly as it stands, as a commit of ours.
//!
//! What was committed or staged in the workspace is not looked at, and nothing of its own git directory is used. Tracked, and
//! ignored, is what the base says: a tree cannot hide its own files by editing a `.gitignore`.

use super::{GitError, Lease, Repository, git::Git, lfs, merge::commit, submodule::Module, survey};
use crate::run::Oid;
use std::{
    collections::HashSet,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A workspace's tree, taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit.
    pub commit: Oid,
    /// What was left out, and is no leftover.
    pub left: Vec<Left>,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// As people may see it: clean, and not to be opened.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The `.git` of a repository within the tree. Its files were taken in.
    NestedRepository,
    /// A pipe or a socket.
    Pipe,
    /// A device.
    Device,
    /// A name that is not UTF-8.
    NotUtf8,
    /// A copy of a file of the user's that was changed: it is none of the repository's.
    Copied,
    /// Files of a submodule that were changed: they are another repository's.
    InSubmodule,
    /// A submodule that is gone, or another thing is in its place, and no task named it.
    Submodule,
    /// A file of git LFS that was changed where there is no `git lfs` to keep it.
    Large,
    /// A file of this many bytes: more than is taken in.
    TooBig(u64),
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Git could not do it.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The tree could not be read.
    #[error("the workspace could not be read")]
    Tree(#[source] io::Error),
}

/// A file above this is not taken in, but told: it would stay in the repository for ever.
const FILE_BYTES: u64 = 32 << 20;

/// What a base says about what belongs to a tree.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) tracked: HashSet<String>,
    /// Folders in which something is tracked.
    pub(super) folders: HashSet<String>,
    /// A tree that holds the base's `.gitignore` files and nothing else; none when there are none.
    ignores: Option<PathBuf>,
    /// Submodules.
    pub(super) modules: Vec<Module>,
    /// Whether files go through git LFS.
    has_lfs: bool,
    is_leftover: fn(&str) -> bool,
}

impl Rules {
    /// Whether this is the folder of a submodule: none of what is in it is the repository's.
    pub(super) fn is_module(&self, path: &str) -> bool {
        self.modules.iter().any(|module| module.path == path)
    }

    /// Whether a folder is what tools leave behind, and the base has nothing in it.
    pub(super) fn is_leftover(&self, dir: &str) -> bool {
        (self.is_leftover)(dir) && !self.folders.contains(dir)
    }
}

impl Repository {
    /// Takes in what a workspace holds: a commit on `base`, kept by the ref `pin` before this answers. `base` says what is tracked
    /// and what is ignored; a path that is `declared` is taken in all the same.
    ///
    /// The same tree with the same base and message is the same commit. No process may be at work in the workspace.
    ///
    /// # Errors
    /// When the tree cannot be read or written.
    pub async fn snapshot(
        &self,
        lease: &Lease,
        base: Oid,
        declared: &[String],
        message: &str,
        pin: &str,
    ) -> Result<Snapshot, SnapshotError> {
        lease.check().map_err(SnapshotError::Tree)?;
        let rules = self.rules(base).await?;
        let (tree, seen, wanted) = (lease.path().to_path_buf(), Arc::clone(&rules), declared.to_vec());
        let holds_declared =
            move |dir: &str| wanted.iter().any(|path| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')));
        let is_kept = move |dir: &str| seen.is_module(dir) || seen.is_leftover(dir) && !holds_declared(dir);
        let survey = blocking(move || survey::survey(&tree, is_kept)).await;
        let survey = survey.map_err(SnapshotError::Tree)?;
        let mut left: Vec<Left> = survey.odd.into_iter().map(|(_, left)| left).collect();
        // What set-up made stays in the tree as the commit has it that was checked out, or out of it.
        let mut made = lease.made();
        // What was copied from the user's working tree is in no commit of ours, whatever became of it or of the rules that ignore it.
        for (path, is_same) in lease.copied().into_iter().filter(|(path, _)| !rules.tracked.contains(path)) {
            if !is_same && survey.files.iter().any(|found| found.path == path) {
                left.push(Left { path: crate::text::clean(&path), why: Why::Copied });
            }
            made.insert(path);
        }
        self.keep_modules(lease, &rules, declared, &mut made, &mut left).await?;
        let mut taken = self.taken((lease, &rules, declared), survey.files, &made, &mut left).await?;
        let (desk, scratch) = self.scratch()?;
        // The index of the last reset knows which files are as they were: only the others are read.
        let warm = copy_index(lease.index(), &scratch.path().join("index"));
        warm.or_else(absent).map_err(SnapshotError::Tree)?;
        let git = desk.with("GIT_WORK_TREE", lease.path()).within(lease.path());
        let git = git.with("GIT_ATTR_SOURCE", base.to_string());
        let held = git.run(&["ls-files", "-z"]).await?;
        let held: Vec<String> = names(&held).collect();
        let gone = held.iter().filter(|path| !taken.contains(*path) && !made.contains(*path)).map(String::as_str);
        git.feed(&["update-index", "--force-remove", "-z", "--stdin"], &survey::list(gone)).await?;
        self.point(&git, lease, base, &rules, &mut taken, &mut left).await?;
        left.sort_by(|one, other| one.path.cmp(&other.path));
        let mut taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        taken.sort_unstable();
        git.feed(&["update-index", "--add", "--replace", "-z", "--stdin"], &survey::list(taken)).await?;
        let tree = git.name(&["write-tree"], b"").await?;
        let commit = commit(&desk, tree, base, message).await?;
        self.learn_parent(commit, base);
        self.pin(pin, commit).await?;
        Ok(Snapshot { commit, left })
    }

    /// The files of the commit that is checked out which are not as it has them. No process may be at work in the workspace.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub async fn altered(&self, lease: &Lease, commit: Oid) -> Result<Vec<Box<str>>, SnapshotError> {
        lease.check().map_err(SnapshotError::Tree)?;
        let (desk, scratch) = self.scratch()?;
        let warm = copy_index(lease.index(), &scratch.path().join("index"));
        let git = desk.with("GIT_WORK_TREE", lease.path()).within(lease.path());
        let git = git.with("GIT_ATTR_SOURCE", commit.to_string());
        if let Err(error) = warm {
            absent(error).map_err(SnapshotError::Tree)?;
            git.run(&["read-tree", &commit.to_string()]).await?;
        }
        // It says by its exit code whether something is not as it was.
        git.ask(&["update-index", "-q", "--refresh", "--ignore-submodules"], b"").await?;
        let said = git.run(&["diff-files", "-z", "--name-only", "--no-ext-diff", "--ignore-submodules=all"]).await?;
        let (made, large) = (lease.made(), lease.large());
        Ok(names(&said).filter(|path| !made.contains(path) && !large.contains(path)).map(Box::from).collect())
    }

    /// The files that belong to a commit: tracked, or neither ignored nor left behind, or declared.
    async fn taken(
        &self,
        (lease, rules, declared): (&Lease, &Rules, &[String]),
        files: Vec<survey::Found>,
        made: &HashSet<String>,
        left: &mut Vec<Left>,
    ) -> Result<HashSet<String>, GitError> {
        let (known, unknown): (Vec<_>, Vec<_>) = files
            .into_iter()
            .filter(|found| !made.contains(&found.path))
            .filter(|found| {
                let folder = found.path.rsplit_once('/').map(|(folder, _)| folder);
                declared.contains(&found.path) || !folder.is_some_and(|folder| rules.is_leftover(folder))
            })
            .partition(|found| rules.tracked.contains(&found.path));
        let mut ignored = self.ignored(rules, unknown.iter().map(|found| &*found.path)).await?;
        ignored.retain(|path| !declared.contains(path));
        let pointed = if rules.has_lfs { lease.large() } else { HashSet::new() };
        let mut taken = HashSet::new();
        for found in known.into_iter().chain(unknown.into_iter().filter(|found| !ignored.contains(&found.path))) {
            if found.bytes > FILE_BYTES && !pointed.contains(&found.path) {
                left.push(Left { path: crate::text::clean(&found.path), why: Why::TooBig(found.bytes) });
            } else {
                taken.insert(found.path);
            }
        }
        Ok(taken)
    }

    /// The entry of a submodule stays as it is, unless the task names it; what was done to its files is told.
    async fn keep_modules(
        &self,
        lease: &Lease,
        rules: &Rules,
        declared: &[String],
        made: &mut HashSet<String>,
        left: &mut Vec<Left>,
    ) -> Result<(), GitError> {
        if rules.modules.is_empty() {
            return Ok(());
        }
        let changed = self.changed_modules(lease.dir(), &rules.modules).await?;
        for module in &rules.modules {
            let is_folder = lease.path().join(&module.path).symlink_metadata().is_ok_and(|data| data.is_dir());
            let why = match (is_folder, changed.contains(&module.path)) {
                (false, _) if declared.contains(&module.path) => continue,
                (false, _) if rules.tracked.contains(&module.path) => Some(Why::Submodule),
                (false, _) | (true, true) => Some(Why::InSubmodule),
                (true, false) => None,
            };
            left.extend(why.map(|why| Left { path: crate::text::clean(&module.path), why }));
            made.insert(module.path.clone());
        }
        Ok(())
    }

    /// Files of git LFS stay the pointers that they are, and what was changed of them becomes one.
    async fn point(
        &self,
        git: &Git,
        lease: &Lease,
        base: Oid,
        rules: &Rules,
        taken: &mut HashSet<String>,
        left: &mut Vec<Left>,
    ) -> Result<(), SnapshotError> {
        if !rules.has_lfs {
            return Ok(());
        }
        let same = lease.large();
        let through = self.through_lfs(base, taken.iter().map(String::as_str)).await?;
        let mut list = Vec::new();
        for path in through {
            let file = lease.path().join(&path);
            let data = file.symlink_metadata().map_err(SnapshotError::Tree)?;
            if same.contains(&path) {
                taken.remove(&path);
            } else if data.is_file() {
                let content = fs::read(&file).map_err(SnapshotError::Tree)?;
                if lfs::is_pointer(&content) {
                    continue;
                }
                taken.remove(&path);
                match self.pointer(&path, &content).await? {
                    Some(blob) => {
                        let mode = if data.permissions().mode() & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
                        list.extend_from_slice(format!("{mode:06o} {blob}\t{path}\0").as_bytes());
                    }
                    None => left.push(Left { path: crate::text::clean(&path), why: Why::Large }),
                }
            }
        }
        git.feed(&["update-index", "-z", "--index-info"], &list).await?;
        Ok(())
    }

    /// What `base` says, kept for the last few bases.
    pub(super) async fn rules(&self, base: Oid) -> Result<Arc<Rules>, GitError> {
        const KEPT: usize = 8;
        let lock = || self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, rules)) = lock().iter().find(|(oid, _)| *oid == base) {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(self.read_rules(base).await?);
        let mut kept = lock();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((base, Arc::clone(&rules)));
        Ok(rules)
    }

    async fn read_rules(&self, base: Oid) -> Result<Rules, GitError> {
        let tree = self.tree(base).await?;
        let (mut tracked, mut folders) = (HashSet::new(), HashSet::new());
        let ignores = self.state.join("ignores").join(base.to_string());
        let mut files = Vec::new();
        for entry in tree {
            let is_file = matches!(entry.mode, 0o100_644 | 0o100_755);
            if is_file && entry.path.rsplit('/').next() == Some(".gitignore") {
                files.push((ignores.join(&*entry.path), self.blob(entry.oid).await?));
            }
            let mut folder = &*entry.path;
            while let Some((parent, _)) = folder.rsplit_once('/') {
                if !folders.insert(parent.to_owned()) {
                    break;
                }
                folder = parent;
            }
            tracked.insert(entry.path.into_string());
        }
        for (path, text) in &files {
            let dir = path.parent().unwrap_or(path);
            let written = fs::create_dir_all(dir).and_then(|()| fs::write(path, text));
            written.map_err(|source| GitError::File { path: path.clone(), source })?;
        }
        let ignores = (!files.is_empty()).then_some(ignores);
        let (modules, has_lfs) = (self.modules(base).await?, self.uses_lfs(base).await?);
        Ok(Rules { tracked, folders, ignores, modules, has_lfs, is_leftover: self.is_leftover })
    }

    /// Those of `paths` that the base ignores.
    pub(super) async fn ignored(
        &self,
        rules: &Rules,
        paths: impl Iterator<Item = &str>,
    ) -> Result<HashSet<String>, GitError> {
        // They are read as pathspecs, where a colon in front has a meaning and a dot has none.
        let paths: Vec<String> = paths.map(|path| format!("./{path}")).collect();
        let list = survey::list(paths.iter().map(String::as_str));
        let Some(ignores) = rules.ignores.as_ref().filter(|_| !list.is_empty()) else { return Ok(HashSet::new()) };
        let (desk, _index) = self.scratch()?;
        let git = desk.with("GIT_WORK_TREE", ignores).with("GIT_LITERAL_PATHSPECS", "0").within(ignores);
        let args = ["check-ignore", "--no-index", "-z", "--stdin"];
        let output = git.ask(&args, &list).await?;
        match output.code {
            0 | 1 => Ok(names(&output.stdout).filter_map(|name| Some(name.strip_prefix("./")?.to_owned())).collect()),
            _ => Err(super::git::failed(&args, &output)),
        }
    }
}

/// A copy with the same age: git reads a file again that is as young as the index, since its times tell nothing then.
pub(super) fn copy_index(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    fs::File::options().write(true).open(to)?.set_modified(from.metadata()?.modified()?)
}

fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn names(list: &[u8]) -> impl Iterator<Item = String> + '_ {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(|name| String::from_utf8_lossy(name).into_owned())
}

/// Runs what blocks on files where it may. A panic there is ours, and is told as an error.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The folder in which a workspace's own git directory is made anew.
pub(super) fn git_dir_of(tree: &Path) -> PathBuf {
    tree.join(".git")
}
