//! The pool of workspaces: private clones that are reset and used again, each leased to one job at a time.
//!
//! A workspace is a folder with the tree, an index of ours, a cache, and a marker. The marker is written last and taken away first, so
//! that a tree without one is thrown away; it names the tree's inode, so that no other folder is ever cleaned in its place.

use super::{
    GitError, Identity, Repository,
    name::slug,
    setup,
    snapshot::{blocking, git_dir_of},
    survey::{self, Survey},
};
use crate::{process::working_dirs, run::Oid};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Who works in a workspace. The two never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Agents: what is ignored (build caches) stays from one lease to the next.
    Agent,
    /// Gates: nothing stays but the cache beside the tree, which no agent can write.
    Gate,
}

/// Why there is no workspace.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// Another run works in this repository.
    #[error("another tidegate works in this repository (it holds {})", .0.display())]
    Held(PathBuf),
    /// What a killed run had started has not ended yet.
    #[error("what a killed run had started here is still ending ({} is locked); try again in a moment", .0.display())]
    StillEnding(PathBuf),
    /// Git could not do it.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A folder of ours could not be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The workspaces of a repository. One pool a repository at a time, over all processes.
#[derive(Debug)]
pub struct Pool {
    repository: Arc<Repository>,
    user: Identity,
    shelf: Arc<Shelf>,
    /// Held as long as the pool, and released by the kernel whatever becomes of us.
    _lock: File,
    /// Locked, and held open by this run's wardens too.
    wardens: File,
}

/// What is free, and where.
#[derive(Debug)]
struct Shelf {
    dir: PathBuf,
    trash: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<Slot>,
    next: u64,
}

/// A workspace that nobody works in.
#[derive(Debug)]
struct Slot {
    dir: PathBuf,
    kind: Kind,
    task: String,
    /// A lease of it never ended: what it holds is only its own task's to take in.
    is_left: bool,
}

/// What a workspace is.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    kind: Kind,
    task: String,
    commit: Oid,
    device: u64,
    inode: u64,
    is_leased: bool,
}

/// A workspace to work in. It goes back to the pool when it is dropped.
#[derive(Debug)]
pub struct Lease {
    shelf: Arc<Shelf>,
    dir: PathBuf,
    tree: PathBuf,
    cache: PathBuf,
    index: PathBuf,
    kind: Kind,
    task: String,
    commit: Oid,
    /// Device and inode of the tree, as we made it.
    place: (u64, u64),
    /// What it holds is gone on from.
    stays: AtomicBool,
}

impl Pool {
    /// The repository's pool. What killed runs left unfinished is thrown away; `user` is whom commits in a workspace are by.
    ///
    /// # Errors
    /// When another process has it, or its folder cannot be made.
    pub fn open(repository: Arc<Repository>, user: Identity) -> Result<Pool, PoolError> {
        let state = repository.state_dir().to_path_buf();
        let fault = |source| PoolError::File { path: state.clone(), source };
        let (dir, trash) = (state.join("workspaces"), state.join("trash"));
        fs::create_dir_all(&dir).and_then(|()| fs::create_dir_all(&trash)).map_err(fault)?;
        let path = state.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PoolError::Held(path)),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
        let wardens = wait_for_wardens(&state.join("wardens"))?;
        let shelf = Arc::new(Shelf { dir, trash, state: Mutex::default() });
        shelf.retire(&state.join("scratch"));
        shelf.retire(&state.join("ignores"));
        repository.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
        shelf.take_stock().map_err(fault)?;
        shelf.empty_trash();
        Ok(Pool { repository, user, shelf, _lock: lock, wardens })
    }

    /// What the wardens of this run hold open, so that whoever comes after us waits until the last of them has ended what it ran.
    ///
    /// # Errors
    /// When no more files can be opened.
    pub fn held_by_wardens(&self) -> io::Result<File> {
        self.wardens.try_clone()
    }

    /// A workspace for an agent at `task` (`run/number`, or `run/number/what` for another one of the same task), with `commit` checked out: the one that this task had last, where there is one. What the
    /// commit ignores, and what tools leave behind, is still in it; nothing else is.
    ///
    /// # Errors
    /// When no workspace can be made.
    pub async fn agent(&self, task: &str, commit: Oid) -> Result<Lease, PoolError> {
        self.lease(Kind::Agent, task, commit).await
    }

    /// A workspace for a gate, with exactly `commit` in it.
    ///
    /// # Errors
    /// When no workspace can be made.
    pub async fn gate(&self, commit: Oid) -> Result<Lease, PoolError> {
        self.lease(Kind::Gate, "", commit).await
    }

    /// The workspace in which `task` was at work when the last run was killed, as it was left: to be taken in, then dropped. Until then
    /// nobody else gets it.
    pub fn left(&self, task: &str) -> Option<Lease> {
        self.left_by(|known| known == task)
    }

    /// The same of any task that is meant.
    pub fn left_by(&self, is_meant: impl Fn(&str) -> bool) -> Option<Lease> {
        let mut state = self.shelf.state();
        let at = state.free.iter().position(|slot| slot.is_left && is_meant(&slot.task))?;
        let slot = state.free.swap_remove(at);
        drop(state);
        let marker = Marker::read(&slot.dir)?;
        Some(self.shelf.lease(slot.dir, marker))
    }

    async fn lease(&self, kind: Kind, task: &str, commit: Oid) -> Result<Lease, PoolError> {
        while let Some(slot) = self.shelf.take(kind, task) {
            match self.reset(&slot.dir, kind, task, commit).await {
                Ok(marker) => return Ok(self.shelf.lease(slot.dir, marker)),
                // Whatever was done to it, a new one has not suffered it.
                Err(_) => self.shelf.retire(&slot.dir),
            }
        }
        let dir = self.shelf.new_dir(kind);
        let made = ["tree", "cache", "caches"].into_iter().try_for_each(|name| fs::create_dir_all(dir.join(name)));
        made.map_err(|source| PoolError::File { path: dir.clone(), source })?;
        let _making = self.repository.making.lock().await;
        match self.fill(&dir, kind, task, commit).await {
            Ok(marker) => Ok(self.shelf.lease(dir, marker)),
            Err(error) => {
                self.shelf.retire(&dir);
                Err(error)
            }
        }
    }

    /// Cleans a used workspace, then fills it.
    async fn reset(&self, dir: &Path, kind: Kind, task: &str, commit: Oid) -> Result<Marker, PoolError> {
        let fault = |source| PoolError::File { path: dir.into(), source };
        let tree = dir.join("tree");
        let marker = Marker::read(dir).ok_or_else(|| fault(io::Error::other("it has no marker")))?;
        fs::remove_file(dir.join("ready")).map_err(fault)?;
        check_place(&tree, (marker.device, marker.inode)).map_err(fault)?;
        if git_dir_of(&tree).symlink_metadata().is_ok() {
            self.shelf.try_retire(&git_dir_of(&tree)).map_err(fault)?;
        }
        let rules = self.repository.rules(commit).await?;
        let (seen, root) = (Arc::clone(&rules), tree.clone());
        // What is in submodules is put there anew.
        let is_kept = move |path: &str| seen.is_module(path) || kind == Kind::Agent && seen.is_leftover(path);
        let survey = blocking(move || survey::survey(&root, is_kept)).await.map_err(fault)?;
        let unknown =
            survey.files.iter().filter(|found| !rules.tracked.contains(&found.path)).map(|found| &*found.path);
        let ignored = match kind {
            Kind::Agent => self.repository.ignored(&rules, unknown).await?,
            Kind::Gate => HashSet::new(),
        };
        let made = match kind {
            Kind::Agent => setup::staying(&dir.join("setup"), &tree, &rules).map_err(fault)?,
            Kind::Gate => HashSet::new(),
        };
        let is_staying =
            move |path: &str| rules.tracked.contains(path) || ignored.contains(path) || made.contains(path);
        let root = tree.clone();
        blocking(move || clean_tree(&root, &survey, is_staying)).await.map_err(fault)?;
        if kind == Kind::Gate {
            survey::remove(&dir.join("setup")).map_err(fault)?;
        }
        self.fill(dir, kind, task, commit).await
    }

    /// Checks out a commit, makes the clone's git directory, and marks it as ready.
    async fn fill(&self, dir: &Path, kind: Kind, task: &str, commit: Oid) -> Result<Marker, PoolError> {
        let fault = |source| PoolError::File { path: dir.into(), source };
        let (tree, index) = (dir.join("tree"), dir.join("index"));
        survey::remove(&dir.join("index.lock")).map_err(fault)?;
        let git = self.repository.desk(&index)?.with("GIT_WORK_TREE", &tree).within(&tree);
        let git = git.with("GIT_ATTR_SOURCE", commit.to_string());
        self.repository.forget_large(dir, &git).await?;
        git.run(&["read-tree", "--reset", "-u", "--end-of-options", &commit.to_string()]).await?;
        self.repository.fill_modules(dir, &self.repository.rules(commit).await?.modules).await?;
        self.repository.fill_large(dir, commit, &git).await?;
        self.repository.make_clone(&tree, &index, commit, &self.user).map_err(fault)?;
        let data = tree.symlink_metadata().map_err(fault)?;
        let (device, inode) = (data.dev(), data.ino());
        let marker = Marker { kind, task: task.into(), commit, device, inode, is_leased: true };
        marker.write(dir).map_err(fault)?;
        Ok(marker)
    }
}

/// Waits until the wardens of a run that was killed have ended what they ran: until then it writes in the workspaces that it has.
fn wait_for_wardens(path: &Path) -> Result<File, PoolError> {
    /// They look for processes to end for five seconds at most.
    const LOOKS: u32 = 2_000;
    const LOOK: Duration = Duration::from_millis(5);
    let fault = |source| PoolError::File { path: path.into(), source };
    let file = File::options().create(true).append(true).open(path).map_err(fault)?;
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
    }
    Err(PoolError::StillEnding(path.into()))
}

/// Removes what is not staying, then folders that are empty of it.
fn clean_tree(root: &Path, survey: &Survey, is_staying: impl Fn(&str) -> bool) -> io::Result<()> {
    for (raw, _) in &survey.odd {
        survey::remove(&root.join(raw))?;
    }
    for found in survey.files.iter().filter(|found| !is_staying(&found.path)) {
        fs::remove_file(root.join(&found.path))?;
    }
    // Folders come before what is in them: backwards, each is empty when its turn comes, unless something stays in it.
    let mut dirs: Vec<&String> = survey.dirs.iter().collect();
    dirs.sort_unstable_by_key(|dir| std::cmp::Reverse(dir.matches('/').count()));
    for dir in dirs {
        match fs::remove_dir(root.join(dir)) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Marker {
    fn read(dir: &Path) -> Option<Marker> {
        serde_json::from_slice(&fs::read(dir.join("ready")).ok()?).ok()
    }

    /// Whole or not at all.
    fn write(&self, dir: &Path) -> io::Result<()> {
        fs::write(dir.join("ready.new"), serde_json::to_vec(self)?)?;
        fs::rename(dir.join("ready.new"), dir.join("ready"))
    }
}

/// Whether a tree is still the folder that we made: what was put in its place is not ours to read or to clean.
fn check_place(tree: &Path, place: (u64, u64)) -> io::Result<()> {
    let data = tree.symlink_metadata()?;
    if data.is_dir() && (data.dev(), data.ino()) == place {
        Ok(())
    } else {
        Err(io::Error::other("it is another folder than the one we made"))
    }
}

/// The task that a name is of: a task with several workspaces tells them apart behind a second slash.
fn owner(task: &str) -> &str {
    task.match_indices('/').nth(1).map_or(task, |(at, _)| &task[..at])
}

impl Shelf {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds what is there.
    fn take_stock(&self) -> io::Result<()> {
        let mut state = State::default();
        // Whoever outlived its warden may still write: nobody else is to work there.
        let busy = working_dirs();
        for entry in fs::read_dir(&self.dir)? {
            let dir = entry?.path();
            let real = dir.canonicalize()?;
            let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let number = name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
            state.next = state.next.max(number.map_or(0, |number| number + 1));
            match Marker::read(&dir) {
                Some(Marker { kind, task, is_leased, .. })
                    if number.is_some() && !busy.iter().any(|cwd| cwd.starts_with(&real)) =>
                {
                    // A gate's tree is worth nothing without its gate.
                    state.free.push(Slot { dir, kind, task, is_left: is_leased && kind == Kind::Agent });
                }
                _ => self.retire(&dir),
            }
        }
        *self.state() = state;
        Ok(())
    }

    fn new_dir(&self, kind: Kind) -> PathBuf {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let kind = if kind == Kind::Agent { "agent" } else { "gate" };
        self.dir.join(format!("{kind}-{number}"))
    }

    /// The one this task had last, else any that holds nothing of worth: nor does it take what is another of this task's own, to which
    /// that comes back.
    fn take(&self, kind: Kind, task: &str) -> Option<Slot> {
        let mut state = self.state();
        let fits = |slot: &Slot| slot.kind == kind && (!slot.is_left || slot.task == task);
        let own = state.free.iter().position(|slot| fits(slot) && slot.task == task);
        let is_strange = |slot: &Slot| slot.task.is_empty() || owner(&slot.task) != owner(task);
        let at = own.or_else(|| state.free.iter().position(|slot| fits(slot) && is_strange(slot)))?;
        Some(state.free.swap_remove(at))
    }

    fn lease(self: &Arc<Shelf>, dir: PathBuf, marker: Marker) -> Lease {
        let (tree, cache, index) = (dir.join("tree"), dir.join("cache"), dir.join("index"));
        let Marker { kind, task, commit, device, inode, .. } = marker;
        let (shelf, place, stays) = (Arc::clone(self), (device, inode), AtomicBool::default());
        Lease { shelf, dir, tree, cache, index, kind, task, commit, place, stays }
    }

    /// Takes a folder out of the way at once; it is removed later. One that cannot be moved is left for the next start.
    fn retire(&self, path: &Path) {
        if path.symlink_metadata().is_ok() && self.try_retire(path).is_ok() {
            self.empty_trash();
        }
    }

    fn try_retire(&self, path: &Path) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let place = self.trash.join(format!("{}-{}-{number}", slug(&name), std::process::id()));
            // A name that an earlier process of our number left there is passed over.
            if place.symlink_metadata().is_err() {
                return fs::rename(path, place);
            }
        }
    }

    /// In a thread of its own that nobody waits for: removing a large tree may take a minute.
    fn empty_trash(&self) {
        let trash = self.trash.clone();
        let empty = move || {
            for entry in fs::read_dir(trash).into_iter().flatten().flatten() {
                // What cannot be removed now is tried again at the next start.
                let _ = survey::remove(&entry.path());
            }
        };
        // Without a thread it stays until the next time.
        let _ = std::thread::Builder::new().name("trash".into()).spawn(empty);
    }
}

impl Lease {
    /// The tree to work in.
    pub fn path(&self) -> &Path {
        &self.tree
    }

    /// A folder beside the tree that stays from one lease of this workspace to the next (`CARGO_TARGET_DIR` and its like). A gate's is
    /// one that agents do not get.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// A folder beside these for caches of package managers and build tools, which stays as the other does.
    pub fn caches(&self) -> PathBuf {
        self.dir.join("caches")
    }

    /// What was checked out in it.
    pub fn commit(&self) -> Oid {
        self.commit
    }

    /// The task it was leased for.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Who works in it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it holds is kept for its task, as if we had been killed now: whoever works there was stopped, and goes on from it.
    pub fn stay(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// Whether the tree is still the folder that we made.
    pub(super) fn check(&self) -> io::Result<()> {
        check_place(&self.tree, self.place)
    }

    /// Our index of what was checked out.
    pub(super) fn index(&self) -> &Path {
        &self.index
    }

    /// The folder that it is in, with what is noted of it.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it is noted which files were copied into it.
    pub(super) fn copies_note(&self) -> PathBuf {
        self.dir.join("copies")
    }

    /// Where it is noted with what it was set up.
    pub(super) fn setup_mark(&self) -> PathBuf {
        self.dir.join("setup")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // One whose marker cannot be written is worth no more than one without.
        let is_left = self.stays.load(Ordering::Relaxed);
        let ended = Marker::read(&self.dir).map(|marker| Marker { is_leased: is_left, ..marker }.write(&self.dir));
        if matches!(ended, Some(Ok(()))) {
            let slot = Slot { dir: self.dir.clone(), kind: self.kind, task: self.task.clone(), is_left };
            self.shelf.state().free.push(slot);
        } else {
            self.shelf.retire(&self.dir);
        }
    }
}
