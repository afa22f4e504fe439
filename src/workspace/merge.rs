//! Commits made without a working tree: put together, carried onto another base, built for landing.

use super::{
    Entry, GitError, Repository,
    git::{Git, failed, one_name, strange},
};
use crate::{run::Oid, text::clean};
use std::{path::Path, sync::Arc};

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

impl Identity {
    /// Git takes brackets and line ends out itself; what is left must be something.
    pub fn new(name: &str, email: &str) -> Identity {
        let fit = |text: &str, instead: &str| {
            let text: String = clean(text).chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\t')).collect();
            let is_something = text.chars().any(|c| c.is_alphanumeric());
            if is_something { text.trim().to_owned() } else { instead.to_owned() }
        };
        Identity { name: fit(name, "unknown"), email: fit(email, "unknown@localhost") }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address.
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Git that commits as this person, at a time.
    pub(super) fn committing(&self, git: &Git, seconds: u64) -> Git {
        let git = git.with("GIT_COMMITTER_NAME", &self.name).with("GIT_COMMITTER_EMAIL", &self.email);
        let git = git.with("GIT_AUTHOR_NAME", &self.name).with("GIT_AUTHOR_EMAIL", &self.email);
        let date = format!("@{seconds} +0000");
        git.with("GIT_AUTHOR_DATE", &date).with("GIT_COMMITTER_DATE", &date)
    }
}

impl Default for Identity {
    /// tidegate itself, where the user has not said who they are.
    fn default() -> Identity {
        Identity::new("tidegate", "tidegate@localhost")
    }
}

/// What a landing says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Its first line.
    pub subject: String,
    /// Below that; may be empty.
    pub body: String,
    /// The run (`Tidegate-Run`).
    pub run: String,
    /// The task's label (`Tidegate-Task`).
    pub task: String,
    /// More trailers, after these.
    pub trailers: Vec<(String, String)>,
    /// Whose work it is.
    pub author: Identity,
    /// Who commits it.
    pub committer: Identity,
    /// Seconds since the epoch, for both. The same landing on the same base is the same commit, unless it is signed.
    pub seconds: u64,
    /// Whether it is signed, as the user's configuration says.
    pub is_signed: bool,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// This commit, with the base as its one parent.
    Commit(Oid),
    /// These paths collide.
    Conflict(Vec<Box<str>>),
}

/// Work on another base than it was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// It; where it collides the files hold both sides, between markers.
    pub commit: Oid,
    /// Where it collides.
    pub conflicts: Vec<Box<str>>,
}

struct Merged {
    tree: Oid,
    conflicts: Vec<Box<str>>,
}

impl Repository {
    /// The tree of `start`, with `edits` put in (`Some`) or taken out (`None`), as a commit on `parent`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn compose(
        &self,
        parent: Oid,
        start: Oid,
        edits: &[(Box<str>, Option<Entry>)],
        message: &str,
    ) -> Result<Oid, GitError> {
        let (desk, _index) = self.scratch()?;
        desk.run(&["read-tree", "--end-of-options", &start.to_string()]).await?;
        let mut list = Vec::new();
        // What goes makes room for what comes.
        for (path, entry) in
            edits.iter().filter(|(_, entry)| entry.is_none()).chain(edits.iter().filter(|(_, entry)| entry.is_some()))
        {
            let line = match entry {
                Some(Entry { mode, oid }) => format!("{mode:06o} {oid}\t{path}\0"),
                None => format!("0 {}\t{path}\0", "0".repeat(if self.format() == "sha1" { 40 } else { 64 })),
            };
            list.extend_from_slice(line.as_bytes());
        }
        desk.feed(&["update-index", "-z", "--index-info"], &list).await?;
        let tree = desk.name(&["write-tree"], b"").await?;
        commit(&desk, tree, parent, message).await
    }

    /// What `work` changed since `from_base`, made on `onto`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn carry(&self, work: Oid, from_base: Oid, onto: Oid, message: &str) -> Result<Carried, GitError> {
        let (desk, index) = self.scratch()?;
        let Merged { tree, conflicts } = merge(&desk, index.path(), from_base, onto, work).await?;
        Ok(Carried { commit: commit(&desk, tree, onto, message).await?, conflicts })
    }

    /// Where merging `theirs` into `ours` would collide; nothing is kept of it.
    ///
    /// # Errors
    /// When it cannot be tried.
    pub async fn try_merge(&self, ours: Oid, theirs: Oid) -> Result<Vec<Box<str>>, GitError> {
        let (desk, index) = self.scratch()?;
        let base = desk.name(&["merge-base", "--", &ours.to_string(), &theirs.to_string()], b"").await?;
        Ok(merge(&desk, index.path(), base, ours, theirs).await?.conflicts)
    }

    /// A candidate: what `work` changed since `from_base`, as one commit on `base`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn build(&self, base: Oid, from_base: Oid, work: Oid, landing: &Landing) -> Result<Built, GitError> {
        let (desk, index) = self.scratch()?;
        let Merged { tree, conflicts } = merge(&desk, index.path(), from_base, base, work).await?;
        if !conflicts.is_empty() {
            return Ok(Built::Conflict(conflicts));
        }
        self.commit_landing(&desk, tree, base, landing).await.map(Built::Commit)
    }

    /// What `work` changed since `from_base`, made on `base`, where these files collide and nothing else does: with each of them as the
    /// base has it. None where one is in its way that the base does not have.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn build_beside(
        &self,
        base: Oid,
        from_base: Oid,
        work: Oid,
        files: &[Box<str>],
    ) -> Result<Option<Oid>, GitError> {
        let (desk, index) = self.scratch()?;
        let Merged { tree, .. } = merge(&desk, index.path(), from_base, base, work).await?;
        let mut edits = Vec::new();
        for path in files {
            let Some(entry) = self.file_entry(base, path).await? else { return Ok(None) };
            edits.push((path.clone(), Some(entry)));
        }
        self.compose(base, tree, &edits, "What is there beside lock files").await.map(Some)
    }

    /// A candidate: this commit's tree with these files in it, as one commit on `base`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn build_with(
        &self,
        base: Oid,
        beside: Oid,
        files: &[(Box<str>, Arc<[u8]>)],
        landing: &Landing,
    ) -> Result<Oid, GitError> {
        let mut edits = Vec::new();
        for (path, bytes) in files {
            let mode = self.file_entry(beside, path).await?.map_or(0o100_644, |entry| entry.mode);
            edits.push((path.clone(), Some(Entry { mode, oid: self.write(bytes).await? })));
        }
        let whole = self.compose(base, beside, &edits, "With lock files that were generated anew").await?;
        let (desk, _index) = self.scratch()?;
        self.commit_landing(&desk, self.tree_of(whole).await?, base, landing).await
    }

    /// A plain file of a commit.
    async fn file_entry(&self, commit: Oid, path: &str) -> Result<Option<Entry>, GitError> {
        let entry = self.tree(commit).await?.into_iter().find(|entry| &*entry.path == path);
        let entry = entry.filter(|entry| matches!(entry.mode, 0o100_644 | 0o100_755));
        Ok(entry.map(|entry| Entry { mode: entry.mode, oid: entry.oid }))
    }

    async fn commit_landing(&self, desk: &Git, tree: Oid, base: Oid, landing: &Landing) -> Result<Oid, GitError> {
        let (git, sign) = if landing.is_signed { (self.signer(), "-S") } else { (desk.clone(), "--no-gpg-sign") };
        let git = landing.committer.committing(&git, landing.seconds);
        let git = git.with("GIT_AUTHOR_NAME", landing.author.name()).with("GIT_AUTHOR_EMAIL", landing.author.email());
        let message = landing.message();
        let args = ["commit-tree", sign, &tree.to_string(), "-p", &base.to_string(), "-F", "-"];
        let commit = git.name(&args, message.as_bytes()).await?;
        self.learn_parent(commit, base);
        Ok(commit)
    }
}

impl Landing {
    /// The trailers are a paragraph of their own at the very end, so that none in the body is read as one.
    fn message(&self) -> String {
        let line = |text: &str| clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let subject = line(&self.subject);
        let subject = if subject.is_empty() { "Change without a name".to_owned() } else { subject };
        let body: Vec<String> = clean(&self.body).lines().map(|line| line.trim_end().to_owned()).collect();
        let body = body.join("\n");
        let mut message = subject + "\n\n";
        if !body.trim().is_empty() {
            message.push_str(body.trim_matches('\n'));
            message.push_str("\n\n");
        }
        let mut trailer = |key: &str, value: &str| message.push_str(&format!("{key}: {}\n", line(value)));
        trailer("Tidegate-Run", &self.run);
        trailer("Tidegate-Task", &self.task);
        for (key, value) in &self.trailers {
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if is_key && !key.to_ascii_lowercase().starts_with("tidegate-") {
                trailer(key, value);
            }
        }
        message
    }
}

/// A commit that only we look at: without a time, so that the same tree is the same commit.
pub(super) async fn commit(desk: &Git, tree: Oid, parent: Oid, message: &str) -> Result<Oid, GitError> {
    let git = desk.with("GIT_AUTHOR_DATE", "@0 +0000").with("GIT_COMMITTER_DATE", "@0 +0000");
    let args = ["commit-tree", &tree.to_string(), "-p", &parent.to_string(), "-F", "-"];
    git.name(&args, clean(message).as_bytes()).await
}

/// A three-way merge in memory. Attributes are those of the side that it is merged onto.
async fn merge(desk: &Git, cwd: &Path, from_base: Oid, onto: Oid, work: Oid) -> Result<Merged, GitError> {
    let git = desk.with("GIT_ATTR_SOURCE", onto.to_string()).within(cwd);
    let base = format!("--merge-base={from_base}");
    let args = [
        "merge-tree",
        "--write-tree",
        "-z",
        "--name-only",
        "--no-messages",
        &base,
        "--end-of-options",
        &onto.to_string(),
        &work.to_string(),
    ];
    let output = git.ask(&args, b"").await?;
    if !matches!(output.code, 0 | 1) {
        return Err(failed(&args, &output));
    }
    let mut fields = output.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    let tree = fields.next().ok_or_else(|| strange(&args, &output.stdout)).and_then(|tree| one_name(&args, tree))?;
    let mut conflicts: Vec<Box<str>> = fields.map(|path| String::from_utf8_lossy(path).into()).collect();
    conflicts.sort_unstable();
    conflicts.dedup();
    if output.code == 1 && conflicts.is_empty() {
        return Err(strange(&args, &output.stdout));
    }
    Ok(Merged { tree, conflicts })
}
