//! Landing: moving the integration ref by compare-and-swap, and the branch that follows it.

use super::{
    GitError, Repository,
    git::failed,
    name::{branch_of, integration_ref, part},
};
use crate::run::Oid;

/// What became of a landing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// The ref is at the commit.
    Done,
    /// The task had landed before (in a run that was killed before it could say so); the ref is at `tip`.
    Already {
        /// The commit that landed.
        commit: Oid,
        /// Where the ref is.
        tip: Oid,
    },
    /// The ref was not where it was believed to be. Nothing was moved.
    Moved {
        /// Where it is; none when it is gone.
        tip: Oid,
        /// Labels of this run's tasks that landed since the base that was believed in.
        found: Vec<String>,
        /// Whether what was believed to have landed is still there.
        is_kept: bool,
    },
}

/// A landing as its commit says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedTask {
    /// The commit.
    pub commit: Oid,
    /// Its run.
    pub run: String,
    /// Its task's label.
    pub task: String,
}

/// The branch that follows, and what people should know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its name, as people type it.
    pub branch: String,
    /// Whether it is at the tip.
    pub is_there: bool,
    /// What to know.
    pub notes: Vec<Box<str>>,
}

impl Repository {
    /// Makes sure that a run has its ref: at `base`, unless it is somewhere already. Where it is.
    ///
    /// # Errors
    /// When the ref cannot be written.
    pub async fn begin(&self, run: &str, base: Oid) -> Result<Oid, GitError> {
        let name = integration_ref(run);
        if let Some(tip) = self.resolve(&name).await? {
            return Ok(tip);
        }
        self.pin(&name, base).await?;
        Ok(base)
    }

    /// Puts a ref of ours at a commit, wherever it was.
    ///
    /// # Errors
    /// When the ref cannot be written.
    pub async fn pin(&self, name: &str, commit: Oid) -> Result<(), GitError> {
        self.refs.run(&["update-ref", "--no-deref", name, &commit.to_string()]).await.map(drop)
    }

    /// Moves the integration ref of `run` from `base` to `commit`, which was built on it for the task labelled `task`.
    ///
    /// # Errors
    /// When git cannot be asked, or `commit` is not what it should be. Nothing was moved then.
    pub async fn land(&self, base: Oid, commit: Oid, run: &str, task: &str) -> Result<Landed, GitError> {
        let name = integration_ref(run);
        // A second look is enough: whoever moves it in between is somebody else than this run.
        for _ in 0..2 {
            let tip = self.resolve(&name).await?.unwrap_or(Oid::NONE);
            if tip != base {
                return self.moved(base, tip, run, task).await;
            }
            self.check_landing(base, commit).await?;
            let args =
                ["update-ref", "--no-deref", "-m", "tidegate: land", &name, &commit.to_string(), &base.to_string()];
            let output = self.refs.ask(&args, b"").await?;
            if output.code == 0 {
                return Ok(Landed::Done);
            }
            if self.resolve(&name).await? == Some(base) {
                return Err(failed(&args, &output));
            }
        }
        let tip = self.resolve(&name).await?.unwrap_or(Oid::NONE);
        self.moved(base, tip, run, task).await
    }

    /// One parent, which is the base: so everything that landed before stays an ancestor.
    async fn check_landing(&self, base: Oid, commit: Oid) -> Result<(), GitError> {
        let args = ["rev-list", "--parents", "--max-count=1", "--end-of-options", &commit.to_string()];
        let said = self.recall(&args).await?;
        let text = String::from_utf8_lossy(&said);
        if text.trim() == format!("{commit} {base}") { Ok(()) } else { Err(super::git::strange(&args, &said)) }
    }

    async fn moved(&self, base: Oid, tip: Oid, run: &str, task: &str) -> Result<Landed, GitError> {
        let is_kept = !tip.is_none() && self.is_ancestor(base, tip).await?;
        if tip.is_none() {
            return Ok(Landed::Moved { tip, found: Vec::new(), is_kept });
        }
        let landed = self.landings(base, tip).await?;
        let mut ours = landed.into_iter().filter(|landed| landed.run == run);
        if is_kept && let Some(found) = ours.clone().find(|landed| landed.task == task) {
            return Ok(Landed::Already { commit: found.commit, tip });
        }
        let mut found: Vec<String> = ours.by_ref().map(|landed| landed.task).filter(|task| !task.is_empty()).collect();
        found.dedup();
        Ok(Landed::Moved { tip, found, is_kept })
    }

    /// Lets the topic's branch follow to `tip`, except while a working tree has it checked out; one with commits that are not ours is
    /// left alone, and a branch named after the run follows instead.
    ///
    /// # Errors
    /// When git cannot be asked. That a branch could not be moved is a note.
    pub async fn follow(&self, topic: &str, run: &str, tip: Oid) -> Result<Followed, GitError> {
        let mut notes: Vec<Box<str>> = Vec::new();
        let mut name = branch_of(topic);
        let mut at = self.resolve(&name).await?;
        if let Some(there) = at
            && !self.is_ours(there, tip).await?
        {
            let short = short(&name);
            name = format!("{name}-{}", part(run));
            notes.push(
                format!(
                    "{short} has commits that are not tidegate's and was left alone; {} follows",
                    self::short(&name)
                )
                .into(),
            );
            at = self.resolve(&name).await?;
            if let Some(there) = at
                && !self.is_ours(there, tip).await?
            {
                notes.push(
                    format!("{} has commits that are not tidegate's either and was left alone", self::short(&name))
                        .into(),
                );
                return Ok(Followed { branch: self::short(&name), is_there: false, notes });
            }
        }
        let branch = short(&name);
        if at == Some(tip) {
            return Ok(Followed { branch, is_there: true, notes });
        }
        if let Some(place) = self.checked_out(&name).await? {
            notes.push(format!("{branch} is checked out in {place}, and was not moved").into());
            return Ok(Followed { branch, is_there: false, notes });
        }
        let zero = "0".repeat(tip.to_string().len());
        let old = at.map_or(zero, |at| at.to_string());
        let args = ["update-ref", "--no-deref", "-m", "tidegate: follow", &name, &tip.to_string(), &old];
        let output = self.refs.ask(&args, b"").await?;
        if output.code != 0 {
            notes.push(format!("{branch} could not be moved: {}", failed(&args, &output)).into());
        }
        Ok(Followed { branch, is_there: output.code == 0, notes })
    }

    /// Whether moving a branch from `there` to `tip` loses nothing: it is on the way, or all that it has more landed in a run whose own
    /// ref still keeps it.
    async fn is_ours(&self, there: Oid, tip: Oid) -> Result<bool, GitError> {
        if self.is_ancestor(there, tip).await? {
            return Ok(true);
        }
        let more = self.landings(tip, there).await?;
        let Some(run) = more.last().map(|last| last.run.clone()).filter(|run| !run.is_empty()) else {
            return Ok(false);
        };
        if more.iter().any(|landed| landed.run.is_empty() || landed.task.is_empty()) {
            return Ok(false);
        }
        match self.resolve(&integration_ref(&run)).await? {
            Some(kept) => self.is_ancestor(there, kept).await,
            None => Ok(false),
        }
    }

    /// The working tree that has this branch checked out.
    async fn checked_out(&self, name: &str) -> Result<Option<String>, GitError> {
        let said = self.refs.run(&["worktree", "list", "--porcelain", "-z"]).await?;
        let mut place = String::new();
        for line in said.split(|byte| *byte == 0) {
            let line = String::from_utf8_lossy(line);
            if let Some(path) = line.strip_prefix("worktree ") {
                place = crate::text::clean(path);
            }
            if line.strip_prefix("branch ") == Some(name) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}
