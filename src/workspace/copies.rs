//! Copies of files that the user has and a clone lacks: untracked, ignored, and named in the `.worktreeinclude` of the base.
//!
//! They are copied once when a run takes its workspaces, and from there into each of these, so that all see the same. No link is
//! followed, on either side: the tree that they are put into may be one that an agent has worked in.

use super::{
    GitError, Lease, Repository,
    setup::Made,
    snapshot::{Rules, blocking},
    survey,
};
use crate::{run::Oid, text::clean};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The file that names them, with the syntax of a `.gitignore`.
const LIST: &str = ".worktreeinclude";

/// Bytes of one file, at most: what is larger is fetched by set-up.
const FILE_BYTES: u64 = 16 << 20;
/// Bytes of all, at most: each workspace gets them.
const ALL_BYTES: u64 = 256 << 20;
/// How many, at most.
const FILES: usize = 5_000;

/// What is copied into workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Paths in the repository, sorted.
    files: Vec<Original>,
    /// What is named and not copied, with why; clean.
    pub left_out: Vec<(String, String)>,
    /// Where the copies for this run are, each by its place in the list. None until they are taken.
    store: Option<PathBuf>,
}

/// A file of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Original {
    path: String,
    bytes: u64,
    stamp: Stamp,
}

/// Size and time by which one sees that a file is another one than before.
type Stamp = (u64, i64, i64);

/// What is noted of a copy in a workspace: from what it was made, and how it looked then.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Note(BTreeMap<String, (Stamp, Option<Made>)>);

impl Copies {
    /// Paths in the repository, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.path)
    }

    /// Bytes of all.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Repository {
    /// What `.worktreeinclude` of a commit names among the untracked and ignored files of the user's working tree.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub async fn copies(&self, base: Oid) -> Result<Copies, GitError> {
        let mut copies = Copies::default();
        let Some(list) = self.read(base, LIST).await? else { return Ok(copies) };
        let (_, scratch) = self.scratch()?;
        let file = scratch.path().join("list");
        fs::write(&file, &*list).map_err(|source| GitError::File { path: file.clone(), source })?;
        let git = self.refs.with("GIT_DIR", &self.git_dir).with("GIT_WORK_TREE", &self.top).within(&self.top);
        let named = format!("--exclude-from={}", file.display());
        let said = git.run(&["ls-files", "--others", "--ignored", "-z", &named]).await?;
        let mut paths = Vec::new();
        for raw in said.split(|byte| *byte == 0).filter(|raw| !raw.is_empty()) {
            match std::str::from_utf8(raw) {
                Ok(path) => paths.push(path.to_owned()),
                Err(_) => copies.leave(&String::from_utf8_lossy(raw), "its name is not UTF-8"),
            }
        }
        paths.sort_unstable();
        let ignored = self.ignored_by_user(&paths).await?;
        for path in paths {
            match self.original(&path, ignored.contains(&path)) {
                Ok(_) if copies.files.len() == FILES => copies.leave(&path, "there are more than 5,000 of them"),
                Ok(file) if copies.bytes() + file.bytes > ALL_BYTES => copies.leave(&path, "all are more than 256 MiB"),
                Ok(file) => copies.files.push(file),
                Err(why) => copies.leave(&path, why),
            }
        }
        Ok(copies)
    }

    /// Takes the copies, as the files are now.
    ///
    /// # Errors
    /// When one cannot be read or written.
    pub async fn take_copies(&self, mut copies: Copies) -> Result<Copies, GitError> {
        let store = self.state.join("copies");
        let (top, into, files) = (self.top.clone(), store.clone(), copies.files.clone());
        let taken = blocking(move || {
            survey::remove(&into)?;
            if files.is_empty() {
                return Ok(());
            }
            fs::create_dir_all(&into)?;
            // Secrets are among them.
            fs::set_permissions(&into, Permissions::from_mode(0o700))?;
            let mut all = files.iter().enumerate();
            all.try_for_each(|(at, file)| {
                let from = top.join(&file.path);
                copy(&from, &into.join(at.to_string()), private_mode(&from)?)
            })
        });
        taken.await.map_err(|source| GitError::File { path: store.clone(), source })?;
        copies.store = Some(store);
        Ok(copies)
    }

    /// Those of `paths` that the user's git ignores, by whatever rule of theirs.
    async fn ignored_by_user(&self, paths: &[String]) -> Result<std::collections::HashSet<String>, GitError> {
        let named: Vec<String> = paths.iter().map(|path| format!("./{path}")).collect();
        if named.is_empty() {
            return Ok(Default::default());
        }
        let args = ["check-ignore", "-z", "--stdin"];
        let git = self.user().within(&self.top);
        let output = git.ask(&args, &survey::list(named.iter().map(String::as_str))).await?;
        if !matches!(output.code, 0 | 1) {
            return Err(super::git::failed(&args, &output));
        }
        let names = output.stdout.split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned());
        Ok(names.filter_map(|name| Some(name.strip_prefix("./")?.to_owned())).collect())
    }

    /// A file as it lies in the user's working tree; else why it is not copied.
    fn original(&self, path: &str, is_ignored: bool) -> Result<Original, &'static str> {
        if path.split('/').any(|part| part.eq_ignore_ascii_case(".git") || matches!(part, "" | "." | "..")) {
            return Err("it is a repository of its own");
        }
        if !is_ignored {
            return Err("it is not ignored: name it in .gitignore too");
        }
        let file = self.top.join(path);
        let data = file.symlink_metadata().map_err(|_| "it cannot be read")?;
        // Git goes into no folder that is a link; one that has become one since leads out of the tree.
        let is_within = file.parent().and_then(|dir| dir.canonicalize().ok()).zip(self.top.canonicalize().ok());
        if data.is_symlink() || !is_within.is_some_and(|(dir, top)| dir.starts_with(top)) {
            return Err("it is a link");
        } else if !data.is_file() {
            return Err("it is no file");
        } else if data.len() > FILE_BYTES {
            return Err("it has more than 16 MiB");
        }
        Ok(Original { path: path.to_owned(), bytes: data.len(), stamp: (data.len(), data.mtime(), data.mtime_nsec()) })
    }
}

impl Copies {
    fn leave(&mut self, path: &str, why: &str) {
        /// Of more nobody reads the names.
        const TOLD: usize = 100;
        if self.left_out.len() < TOLD {
            self.left_out.push((clean(path), why.to_owned()));
        }
    }
}

impl Lease {
    /// Puts the copies there that are missing or are not as they were put, but none in the place of what is tracked.
    pub(super) async fn put(&self, copies: &Copies, rules: &Arc<Rules>) -> io::Result<()> {
        let place = self.copies_note();
        let Some(store) = copies.store.clone() else { return survey::remove(&place) };
        let (tree, rules, files) = (self.path().to_path_buf(), Arc::clone(rules), copies.files.clone());
        blocking(move || {
            let known = Note::read(&place);
            let wanted = files.iter().enumerate().filter(|(_, file)| !rules.tracked.contains(&file.path));
            let wanted: Vec<_> = wanted.collect();
            // Before the first of them is there: whoever finds the tree after a kill knows what is none of its work.
            let mut note = Note::default();
            note.0.extend(wanted.iter().map(|(_, file)| (file.path.clone(), (file.stamp, None))));
            note.write(&place)?;
            for (at, file) in wanted {
                let old = known.0.get(&file.path).filter(|(stamp, _)| *stamp == file.stamp);
                let old = old.and_then(|(_, made)| made.clone());
                let is_there = old.is_some() && Made::at(&tree, file.path.clone()) == old;
                if !is_there && !put_copy(&tree, &file.path, &store.join(at.to_string()))? {
                    continue;
                }
                note.0.insert(file.path.clone(), (file.stamp, Made::at(&tree, file.path.clone())));
            }
            note.write(&place)
        })
        .await
    }

    /// What was put there and is part of no work, and whether each is still as it was put.
    pub(super) fn copied(&self) -> BTreeMap<String, bool> {
        let note = Note::read(&self.copies_note());
        let is_same = |path: &str, made: &Option<Made>| Made::at(self.path(), path.to_owned()) == *made;
        note.0.into_iter().map(|(path, (_, made))| (path.clone(), is_same(&path, &made))).collect()
    }
}

impl Note {
    fn read(path: &Path) -> Note {
        fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Whole or not at all.
    fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }
}

fn put_copy(tree: &Path, path: &str, from: &Path) -> io::Result<bool> {
    put_one(tree, path, from, private_mode(from)?)
}

/// Its owner's alone.
fn private_mode(file: &Path) -> io::Result<u32> {
    let is_executable = file.metadata()?.permissions().mode() & 0o100 != 0;
    Ok(if is_executable { 0o700 } else { 0o600 })
}

/// Puts a copy of a file into a tree; `false` where something else is in its way: a link, or a file in the place of a folder.
pub(super) fn put_one(tree: &Path, path: &str, from: &Path, mode: u32) -> io::Result<bool> {
    let mut dir = tree.to_path_buf();
    let mut parts: Vec<&str> = path.split('/').collect();
    let Some(name) = parts.pop() else { return Ok(false) };
    for part in parts {
        dir.push(part);
        match dir.symlink_metadata() {
            Ok(data) if data.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&dir)?,
            Err(error) => return Err(error),
        }
    }
    let to = dir.join(name);
    if to.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        return Ok(false);
    }
    survey::remove(&to)?;
    copy(from, &to, mode)?;
    Ok(true)
}

/// A copy in a place where nothing is.
fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let mut source = OpenOptions::new().read(true).custom_flags(no_follow()).open(from)?;
    let mut target = File::options().write(true).create_new(true).mode(mode).open(to)?;
    io::copy(&mut source, &mut target).map(drop)
}

fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits() as i32
}
