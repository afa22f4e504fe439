//! Reading: trees, files, refs, histories, and what the user has not committed. Nothing here writes, but a blob when asked.

use super::{
    GitError, LandedTask, Repository,
    git::{failed, strange},
};
use crate::{run::Oid, text::clean};
use std::{fs, sync::Arc};

/// One file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Relative to the repository.
    pub path: Box<str>,
    /// Git's mode, as a number (`0o100644`).
    pub mode: u32,
    /// Its content.
    pub oid: Oid,
}

/// One path that differs from `HEAD` in the user's working tree or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncommitted {
    /// As people may see it: clean, and not to be opened.
    pub path: String,
    /// Whether git does not know it.
    pub is_untracked: bool,
}

/// The lines of a listing whose path is meant.
fn lines(said: &[u8], is_meant: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = &[u8]> {
    said.split(|byte| *byte == 0).filter(move |line| {
        let tab = line.iter().position(|byte| *byte == b'\t');
        tab.is_some_and(|tab| is_meant(&line[tab + 1..]))
    })
}

/// How git is asked for the parents of a commit.
fn parents_of(commit: &str) -> [&str; 5] {
    ["rev-list", "--parents", "--max-count=1", "--end-of-options", commit]
}

impl Repository {
    /// Every file of a commit or tree, in git's order.
    ///
    /// # Errors
    /// When it cannot be read, or has a path that is not UTF-8.
    pub async fn tree(&self, commit: Oid) -> Result<Vec<TreeEntry>, GitError> {
        let args = ["ls-tree", "-r", "-z", "--full-tree", &commit.to_string()];
        let said = self.recall(&args).await?;
        said.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(|line| entry(&args, line)).collect()
    }

    /// Every file that stands in the user's working tree and is not ignored, committed or not, in git's order. Nothing of it is kept.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub async fn standing(&self) -> Result<Vec<TreeEntry>, GitError> {
        let (desk, scratch) = self.scratch()?;
        let objects = scratch.path().join("objects");
        fs::create_dir(&objects).map_err(|source| GitError::File { path: objects.clone(), source })?;
        let git = desk.with("GIT_WORK_TREE", &self.top).within(&self.top);
        let git = git.with("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.common.join("objects"));
        let git = git.with("GIT_OBJECT_DIRECTORY", objects);
        git.run(&["read-tree", &self.head().to_string()]).await?;
        let excluded = format!("core.excludesFile={}", self.common.join("info/exclude").display());
        git.run(&["-c", &excluded, "add", "-A"]).await?;
        let tree = git.name(&["write-tree"], b"").await?.to_string();
        let args = ["ls-tree", "-r", "-z", "--full-tree", &tree];
        let said = git.run(&args).await?;
        said.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(|line| entry(&args, line)).collect()
    }

    /// Every file of a commit below a folder, in git's order; none when it has no such folder.
    ///
    /// # Errors
    /// As [`tree`](Self::tree).
    pub async fn under(&self, commit: Oid, folder: &str) -> Result<Vec<TreeEntry>, GitError> {
        let (below, commit) = (format!("{}/", folder.trim_end_matches('/')), commit.to_string());
        let args = ["ls-tree", "-r", "-z", "--full-tree", &commit, "--", &below];
        if let Some(said) = self.known(&args[..5]) {
            return lines(&said, |path| path.starts_with(below.as_bytes())).map(|line| entry(&args, line)).collect();
        }
        let said = self.recall(&args).await?;
        let lines = said.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let mut entries = lines.map(|line| entry(&args, line)).collect::<Result<Vec<_>, _>>()?;
        // A file of that name is none of its own folder.
        entries.retain(|entry| entry.path.starts_with(&below));
        Ok(entries)
    }

    /// One file of a commit; none when it has no such file.
    ///
    /// # Errors
    /// When git cannot read it.
    pub async fn read(&self, commit: Oid, path: &str) -> Result<Option<Arc<[u8]>>, GitError> {
        if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Ok(None);
        }
        let commit = commit.to_string();
        if let Some(said) = self.known(&["ls-tree", "-r", "-z", "--full-tree", &commit]) {
            let args = ["ls-tree"];
            let found =
                lines(&said, |other| other == path.as_bytes()).next().map(|line| entry(&args, line)).transpose()?;
            return match found.filter(|entry| entry.mode != 0o160_000) {
                Some(entry) => self.blob(entry.oid).await.map(Some),
                None => Ok(None),
            };
        }
        let args = ["ls-tree", "-z", "--full-tree", &commit, "--", path];
        let said = self.recall(&args).await?;
        let Some(line) = said.split(|byte| *byte == 0).find(|line| !line.is_empty()) else { return Ok(None) };
        let entry = entry(&args, line)?;
        if entry.mode == 0o040_000 || entry.mode == 0o160_000 || &*entry.path != path {
            return Ok(None);
        }
        self.blob(entry.oid).await.map(Some)
    }

    /// The content of a blob.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn blob(&self, oid: Oid) -> Result<Arc<[u8]>, GitError> {
        self.recall(&["cat-file", "blob", &oid.to_string()]).await
    }

    /// The length of each of these objects; none for one that is not there.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub async fn sizes(&self, oids: &[Oid]) -> Result<Vec<Option<u64>>, GitError> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["cat-file", "--batch-check=%(objectsize)"];
        let list: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
        let said = self.refs.feed(&args, list.as_bytes()).await?;
        let sizes: Vec<_> = String::from_utf8_lossy(&said).lines().map(|line| line.parse().ok()).collect();
        if sizes.len() == oids.len() { Ok(sizes) } else { Err(strange(&args, &said)) }
    }

    /// The name that these bytes have as a blob.
    ///
    /// # Errors
    /// When git cannot be run.
    pub async fn hash(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        self.refs.name(&["hash-object", "-t", "blob", "--stdin"], bytes).await
    }

    /// Keeps these bytes as a blob. Until a commit has it, nothing keeps it from being collected.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn write(&self, bytes: &[u8]) -> Result<Oid, GitError> {
        let (desk, _index) = self.scratch()?;
        desk.name(&["hash-object", "-t", "blob", "-w", "--stdin"], bytes).await
    }

    /// What is in the user's working tree or index and not in `HEAD`.
    ///
    /// # Errors
    /// When git cannot tell.
    pub async fn uncommitted(&self) -> Result<Vec<Uncommitted>, GitError> {
        let git = self.refs.with("GIT_DIR", &self.git_dir).with("GIT_WORK_TREE", &self.top).within(&self.top);
        let git = git.with("GIT_ATTR_SOURCE", self.head().to_string());
        let args = ["status", "--porcelain=v2", "-z", "--untracked-files=normal", "--no-renames"];
        let said = git.run(&args).await?;
        let path = |line: &str, fields| line.splitn(fields, ' ').last().map(clean).unwrap_or_default();
        let line = |line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (is_untracked, path) = match line.as_bytes().first()? {
                b'1' => (false, path(&line, 9)),
                b'u' => (false, path(&line, 11)),
                b'?' => (true, path(&line, 2)),
                _ => return None,
            };
            Some(Uncommitted { path, is_untracked })
        };
        Ok(said.split(|byte| *byte == 0).filter_map(line).collect())
    }

    /// The refs below `prefix` (`refs/tidegate/`), with what they are at.
    ///
    /// # Errors
    /// When git cannot tell.
    pub async fn refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>, GitError> {
        let args = ["for-each-ref", "--format=%(objectname) %(refname)", prefix];
        let said = self.refs.run(&args).await?;
        let text = String::from_utf8_lossy(&said);
        let read = |line: &str| {
            let (oid, name) = line.split_once(' ')?;
            Some((name.to_owned(), oid.parse().ok()?))
        };
        text.lines().map(|line| read(line).ok_or_else(|| strange(&args, line.as_bytes()))).collect()
    }

    /// The tree of a commit: what its checks belong to.
    ///
    /// # Errors
    /// When there is no such commit.
    pub async fn tree_of(&self, commit: Oid) -> Result<Oid, GitError> {
        let args = ["rev-parse", "--verify", "--end-of-options", &format!("{commit}^{{tree}}")];
        super::git::one_name(&args, &self.recall(&args).await?)
    }

    /// What a commit says of itself.
    ///
    /// # Errors
    /// When there is no such commit.
    pub async fn message(&self, commit: Oid) -> Result<String, GitError> {
        let said = self.recall(&["cat-file", "commit", &commit.to_string()]).await?;
        let text = String::from_utf8_lossy(&said).into_owned();
        Ok(text.split_once("\n\n").map(|(_, message)| message.to_owned()).unwrap_or_default())
    }

    /// What a ref or another name of a commit is at; none when there is no such thing.
    ///
    /// # Errors
    /// When git cannot be run.
    pub async fn resolve(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let commit = format!("{name}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        let output = self.refs.ask(&args, b"").await?;
        if output.code == 0 { super::git::one_name(&args, &output.stdout).map(Some) } else { Ok(None) }
    }

    /// The parents of a commit, in order.
    ///
    /// # Errors
    /// When there is no such commit.
    pub async fn parents(&self, commit: Oid) -> Result<Vec<Oid>, GitError> {
        let name = commit.to_string();
        let args = parents_of(&name);
        let said = self.recall(&args).await?;
        let text = String::from_utf8_lossy(&said);
        let mut names = text.split_whitespace().map(str::parse::<Oid>);
        match (names.next(), names.collect::<Result<Vec<_>, _>>()) {
            (Some(Ok(own)), Ok(parents)) if own == commit => Ok(parents),
            _ => Err(strange(&args, &said)),
        }
    }

    /// A commit that we made has this parent, and no other.
    pub(super) fn learn_parent(&self, commit: Oid, parent: Oid) {
        self.learn(&parents_of(&commit.to_string()), format!("{commit} {parent}\n"));
    }

    /// Whether `ancestor` is on the way to `commit`, or is it.
    ///
    /// # Errors
    /// When git cannot tell.
    pub async fn is_ancestor(&self, ancestor: Oid, commit: Oid) -> Result<bool, GitError> {
        let args = ["merge-base", "--is-ancestor", &ancestor.to_string(), &commit.to_string()];
        let output = self.refs.ask(&args, b"").await?;
        match output.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(failed(&args, &output)),
        }
    }

    /// What landed between `from` and `to`, the oldest first, by its trailers.
    ///
    /// # Errors
    /// When git cannot tell.
    pub async fn landings(&self, from: Oid, to: Oid) -> Result<Vec<LandedTask>, GitError> {
        let trailer = |key| format!("%(trailers:key={key},valueonly,unfold,separator=%x1e)");
        let format = format!("--format=%H%x1f{}%x1f{}", trailer("Tidegate-Run"), trailer("Tidegate-Task"));
        let range = format!("{from}..{to}");
        let args = ["log", "-z", "--reverse", "--no-show-signature", "--no-notes", &format, "--end-of-options", &range];
        let said = self.refs.run(&args).await?;
        let mut landed = Vec::new();
        for line in said.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let text = String::from_utf8_lossy(line);
            let mut fields = text.trim_end_matches('\n').split('\u{1f}');
            let commit = fields.next().and_then(|oid| oid.trim().parse().ok());
            let commit = commit.ok_or_else(|| strange(&args, line))?;
            // Ours are written once each; a doubled one is somebody else's.
            let one = |field: Option<&str>| field.unwrap_or_default().trim().to_owned();
            landed.push(LandedTask { commit, run: one(fields.next()), task: one(fields.next()) });
        }
        Ok(landed)
    }
}

pub(super) fn entry(args: &[&str], line: &[u8]) -> Result<TreeEntry, GitError> {
    let tab = line.iter().position(|byte| *byte == b'\t').ok_or_else(|| strange(args, line))?;
    let path = std::str::from_utf8(&line[tab + 1..])
        .map_err(|_| GitError::Path(String::from_utf8_lossy(&line[tab + 1..]).into_owned()))?;
    let head = String::from_utf8_lossy(&line[..tab]);
    let mut fields = head.split(' ');
    let mode = fields.next().and_then(|mode| u32::from_str_radix(mode, 8).ok());
    let oid = fields.nth(1).and_then(|oid| oid.parse().ok());
    match (mode, oid) {
        (Some(mode), Some(oid)) => Ok(TreeEntry { path: path.into(), mode, oid }),
        _ => Err(strange(args, line)),
    }
}
