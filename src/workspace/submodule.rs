//! Submodules in workspaces: their files at the recorded commit, from the user's own clones of them, without the network.
//!
//! A workspace has the files and no git directory of theirs. What is done to them there is part of no patch, and is told; the entry of a
//! submodule changes only where a task names it.

use super::{GitError, Repository, name::slug, snapshot::blocking, survey};
use crate::run::Oid;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Submodules within submodules, so deep.
const DEPTH: usize = 8;
/// How many, in all.
const MOST: usize = 1_000;

/// The mode of an entry that names a commit of another repository.
pub(super) const GITLINK: u32 = 0o160_000;

/// A submodule as a commit records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    /// Where it is, from the root of the outermost tree.
    pub(super) path: String,
    commit: Oid,
    /// The user's clone of it; none where it is not initialised.
    clone: Option<PathBuf>,
}

impl Repository {
    /// The submodules of a commit, and those within them; each before what is in it.
    pub(super) async fn modules(&self, commit: Oid) -> Result<Vec<Module>, GitError> {
        let links = self.tree(commit).await?.into_iter().filter(|entry| entry.mode == GITLINK);
        let mut found: Vec<Module> = links.map(|link| self.module(link.path.into_string(), link.oid)).collect();
        let (mut at, mut depth) = (0, 0);
        while at < found.len() && depth < DEPTH {
            let level = found.len();
            for outer in at..level {
                let inner = self.modules_in(&found[outer]).await?;
                found.extend(inner);
            }
            found.truncate(MOST);
            (at, depth) = (level.min(found.len()), depth + 1);
        }
        Ok(found)
    }

    /// Paths of submodules of which there is no clone: they are empty in workspaces, as they are in the user's tree.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub async fn uninitialised(&self, commit: Oid) -> Result<Vec<String>, GitError> {
        let all = self.modules(commit).await?;
        Ok(all.into_iter().filter(|module| module.clone.is_none()).map(|module| module.path).collect())
    }

    /// The first submodule whose clone lacks the commit that is recorded.
    pub(super) async fn incomplete(&self, commit: Oid) -> Result<Option<String>, GitError> {
        for module in self.modules(commit).await? {
            if let Some(clone) = &module.clone {
                let git = self.git.with("GIT_DIR", clone).within(clone);
                let name = format!("{}^{{tree}}", module.commit);
                if git.ask(&["cat-file", "-e", &name], b"").await?.code != 0 {
                    return Ok(Some(module.path));
                }
            }
        }
        Ok(None)
    }

    fn module(&self, path: String, commit: Oid) -> Module {
        let clone = clone_of(&self.top.join(&path));
        Module { path, commit, clone }
    }

    async fn modules_in(&self, outer: &Module) -> Result<Vec<Module>, GitError> {
        let Some(clone) = &outer.clone else { return Ok(Vec::new()) };
        let git = self.git.with("GIT_DIR", clone).within(clone);
        let args = ["ls-tree", "-r", "-z", "--full-tree", &outer.commit.to_string()];
        let output = git.ask(&args, b"").await?;
        // A clone that lacks the commit is told as such.
        let said = if output.code == 0 { output.stdout } else { Vec::new() };
        let mut found = Vec::new();
        for line in said.split(|byte| *byte == 0).filter(|line| line.starts_with(b"160000 ")) {
            let entry = super::reading::entry(&args, line)?;
            found.push(self.module(format!("{}/{}", outer.path, entry.path), entry.oid));
        }
        Ok(found)
    }

    /// Puts the files of submodules into a tree that was just checked out. `dir` is the workspace's folder, where it is noted what
    /// was put.
    pub(super) async fn fill_modules(&self, dir: &Path, modules: &[Module]) -> Result<(), GitError> {
        let place = dir.join("modules");
        let fault = |source| GitError::File { path: place.clone(), source };
        for module in modules {
            let Some(clone) = &module.clone else { continue };
            let (tree, index) = (dir.join("tree").join(&module.path), place.join(slug(&module.path)));
            let root = dir.join("tree");
            let (made, parent) = (tree.clone(), module.path.clone());
            let own = index.clone();
            blocking(move || {
                survey::remove(&own)?;
                survey::remove(&own.with_extension("lock"))?;
                clear_way(&root, &parent)?;
                fs::create_dir_all(own.parent().unwrap_or(&own))?;
                survey::remove(&made)?;
                fs::create_dir(&made)
            })
            .await
            .map_err(fault)?;
            let git = self.module_desk(clone, &index)?.with("GIT_WORK_TREE", &tree).within(&tree);
            let git = git.with("GIT_ATTR_SOURCE", module.commit.to_string());
            git.run(&["read-tree", "--reset", "-u", "--end-of-options", &module.commit.to_string()]).await?;
        }
        Ok(())
    }

    /// Submodules whose files in a workspace are no longer as they were put there.
    pub(super) async fn changed_modules(&self, dir: &Path, modules: &[Module]) -> Result<Vec<String>, GitError> {
        let mut changed = Vec::new();
        for module in modules {
            let Some(clone) = &module.clone else { continue };
            let (tree, index) = (dir.join("tree").join(&module.path), dir.join("modules").join(slug(&module.path)));
            if !index.exists() || !tree.symlink_metadata().is_ok_and(|data| data.is_dir()) {
                changed.push(module.path.clone());
                continue;
            }
            let git = self.module_desk(clone, &index)?.with("GIT_WORK_TREE", &tree).within(&tree);
            let git = git.with("GIT_ATTR_SOURCE", module.commit.to_string());
            // What was built there is ignored, or no harm: only what was there is looked at.
            if !git.run(&["ls-files", "--modified", "--deleted", "-z"]).await?.is_empty() {
                changed.push(module.path.clone());
            }
        }
        Ok(changed)
    }

    /// A desk that reads the objects of a submodule and writes none.
    fn module_desk(&self, clone: &Path, index: &Path) -> Result<super::git::Git, GitError> {
        let objects = common_of(clone).join("objects");
        Ok(self.desk(index)?.with("GIT_OBJECT_DIRECTORY", objects))
    }
}

/// The git directory of what is checked out here, where something is.
fn clone_of(tree: &Path) -> Option<PathBuf> {
    let place = tree.join(".git");
    let data = place.symlink_metadata().ok()?;
    if data.is_dir() {
        return Some(place);
    }
    let text = fs::read_to_string(&place).ok().filter(|_| data.is_file() && data.len() < 1 << 16)?;
    let named = tree.join(text.strip_prefix("gitdir:")?.trim());
    named.canonicalize().ok().filter(|dir| dir.join("HEAD").exists())
}

/// What all working trees of a clone share.
fn common_of(clone: &Path) -> PathBuf {
    let named = fs::read_to_string(clone.join("commondir")).ok();
    named.map_or_else(|| clone.to_owned(), |named| clone.join(named.trim()))
}

/// Makes sure that a path in a tree leads through real folders: what an agent has put in their place is taken away.
fn clear_way(root: &Path, path: &str) -> io::Result<()> {
    let mut dir = root.to_path_buf();
    for part in Path::new(path).parent().into_iter().flat_map(Path::components) {
        dir.push(part);
        if !dir.symlink_metadata().is_ok_and(|data| data.is_dir()) {
            survey::remove(&dir)?;
            fs::create_dir(&dir)?;
        }
    }
    Ok(())
}
