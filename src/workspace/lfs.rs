//! Git LFS: pointers in commits, content in workspaces where that is asked for, from the repository's own store and no other place.
//!
//! No filter driver is ever defined. What a pointer names is put in its place when a tree is checked out; what was changed becomes a
//! pointer again by `git lfs clean`, which keeps its content in the store, so that the user can push it.

use super::{GitError, Lease, Repository, copies::put_one, git::Git, setup::Made, snapshot::blocking, survey};
use crate::run::Oid;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

/// The filter's name in attributes.
pub(super) const FILTER: &str = "lfs";

/// No pointer is longer.
const POINTER_BYTES: usize = 1024;

/// What was put in the place of pointers, and how it looked then.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note(BTreeMap<String, Made>);

/// The names of filters that a file of attributes sets.
pub(super) fn filters(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split_ascii_whitespace().skip(1));
    words.filter_map(|word| word.strip_prefix("filter=")).map(str::to_owned).collect()
}

/// The object that a pointer names.
fn object_of(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= POINTER_BYTES)?;
    let is_pointer = text.starts_with("version https://git-lfs.github.com/spec/");
    let oid = text.lines().find_map(|line| line.strip_prefix("oid sha256:")).filter(|_| is_pointer)?;
    (oid.len() == 64 && oid.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(oid)
}

impl Repository {
    /// Whether the attributes of a commit send files through git LFS.
    ///
    /// # Errors
    /// When git cannot read them.
    pub async fn uses_lfs(&self, commit: Oid) -> Result<bool, GitError> {
        for entry in self.tree(commit).await? {
            if entry.path.rsplit('/').next() == Some(".gitattributes")
                && filters(&self.blob(entry.oid).await?).iter().any(|filter| filter == FILTER)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// From now on files of git LFS have their content in workspaces.
    pub fn put_large(&self) {
        self.has_lfs.store(true, Ordering::Relaxed);
    }

    /// Files of a commit whose content is not in the repository's store.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub async fn without_content(&self, commit: Oid) -> Result<Vec<String>, GitError> {
        let store = self.lfs_store().await?;
        let mut missing = Vec::new();
        for (path, object, _) in self.large(commit).await? {
            if !place_of(&store, &object).exists() {
                missing.push(path);
            }
        }
        Ok(missing)
    }

    /// Files of a commit that go through git LFS and are pointers: path, object, and whether it can be run.
    async fn large(&self, commit: Oid) -> Result<Vec<(String, String, bool)>, GitError> {
        if !self.uses_lfs(commit).await? {
            return Ok(Vec::new());
        }
        let tree = self.tree(commit).await?;
        let through = self.through_lfs(commit, tree.iter().map(|entry| &*entry.path)).await?;
        let mut large = Vec::new();
        for entry in tree.iter().filter(|entry| matches!(entry.mode, 0o100_644 | 0o100_755)) {
            if through.contains(&*entry.path)
                && let Some(object) = object_of(&self.blob(entry.oid).await?)
            {
                large.push((entry.path.to_string(), object.to_owned(), entry.mode == 0o100_755));
            }
        }
        Ok(large)
    }

    /// Those of `paths` that the attributes of a commit send through git LFS.
    pub(super) async fn through_lfs(
        &self,
        commit: Oid,
        paths: impl Iterator<Item = &str>,
    ) -> Result<HashSet<String>, GitError> {
        let args = ["check-attr", "-z", "--stdin", "--source", &commit.to_string(), "filter"];
        let said = self.refs.feed(&args, &survey::list(paths)).await?;
        let fields: Vec<&[u8]> = said.split(|byte| *byte == 0).collect();
        let lines = fields.chunks_exact(3).filter(|line| line[2] == FILTER.as_bytes());
        Ok(lines.map(|line| String::from_utf8_lossy(line[0]).into_owned()).collect())
    }

    /// Where content is kept: `lfs.storage`, else `lfs` in the git directory.
    async fn lfs_store(&self) -> Result<PathBuf, GitError> {
        let output = self.user().within(&self.top).ask(&["config", "--get", "lfs.storage"], b"").await?;
        let named = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(self.common.join(if named.is_empty() { "lfs" } else { &named }))
    }

    /// What was put in the place of pointers is for git to look at again.
    pub(super) async fn forget_large(&self, dir: &Path, git: &Git) -> Result<(), GitError> {
        let note = dir.join("large");
        let known: Note = match fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            Some(known) => known,
            None => return Ok(()),
        };
        let list = survey::list(known.0.keys().map(String::as_str));
        git.feed(&["update-index", "--no-assume-unchanged", "-z", "--stdin"], &list).await?;
        survey::remove(&note).map_err(|source| GitError::File { path: note, source })
    }

    /// Puts the content of pointers in their place in a tree that was just checked out, as far as it is asked for and there.
    pub(super) async fn fill_large(&self, dir: &Path, commit: Oid, git: &Git) -> Result<(), GitError> {
        let (note, tree) = (dir.join("large"), dir.join("tree"));
        let fault = |source| GitError::File { path: note.clone(), source };
        if !self.has_lfs.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (large, store) = (self.large(commit).await?, self.lfs_store().await?);
        if large.is_empty() {
            return Ok(());
        }
        let (place, put) = (note.clone(), large.clone());
        blocking(move || {
            let mut note = Note::default();
            for (path, object, is_executable) in put {
                let from = place_of(&store, &object);
                if from.exists() && put_one(&tree, &path, &from, if is_executable { 0o755 } else { 0o644 })? {
                    note.0.extend(Made::at(&tree, path.clone()).map(|made| (path, made)));
                }
            }
            fs::write(&place, serde_json::to_vec(&note)?)
        })
        .await
        .map_err(fault)?;
        // Whoever looks there with git sees no change where none is.
        let list = survey::list(large.iter().map(|(path, ..)| &**path));
        git.feed(&["update-index", "--assume-unchanged", "-z", "--stdin"], &list).await.map(drop)
    }

    /// The pointer to some content, which is in the store from then on. None where there is no `git lfs`.
    pub(super) async fn pointer(&self, path: &str, content: &[u8]) -> Result<Option<Oid>, GitError> {
        // Not the desk: its store is the repository's own.
        let git = self.refs.with("HOME", &self.state);
        let args = ["lfs", "clean", "--", path];
        let output = git.ask(&args, content).await?;
        if output.code != 0 || object_of(&output.stdout).is_none() {
            return Ok(None);
        }
        self.write(&output.stdout).await.map(Some)
    }
}

impl Lease {
    /// Files whose content was put in the place of their pointers, and is still as it was put.
    pub(super) fn large(&self) -> HashSet<String> {
        let note: Note = fs::read(self.dir().join("large"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let is_same = |(path, made): &(String, Made)| Made::at(self.path(), path.clone()).as_ref() == Some(made);
        note.0.into_iter().filter(is_same).map(|(path, _)| path).collect()
    }
}

/// Whether some bytes are a pointer already.
pub(super) fn is_pointer(text: &[u8]) -> bool {
    object_of(text).is_some()
}

fn place_of(store: &Path, object: &str) -> PathBuf {
    store.join("objects").join(&object[..2]).join(&object[2..4]).join(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_one_in_every_line() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        assert_eq!(object_of(text.as_bytes()), Some(oid));
        for other in ["", "version 1", &text.replace("sha256:4d", "sha256:../"), &text.replace("oid sha256", "oid md5")]
        {
            assert_eq!(object_of(other.as_bytes()), None, "{other}");
        }
        assert!(place_of(Path::new("/s"), oid).ends_with(format!("objects/4d/7a/{oid}")));
    }

    #[test]
    fn filters_are_those_that_lines_set() {
        let text = b"# filter=no\n*.psd filter=lfs -text\n*.x text filter=git-crypt\n*.y -filter\n";
        assert_eq!(filters(text), ["lfs", "git-crypt"]);
    }
}
