//! Landing: moving the integration ref by compare-and-swap, and the branch that follows it.

use super::{
    GitError, Repository,
    git::failed,
    name::{branch_of, integration_ref, part},
};
use crate::run::Oid;
use std::sync::PoisonError;

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
        // Where the ref is somewhere else, that is what there is to say, whatever the commit is.
        if let Err(fault) = self.check_landing(base, commit).await {
            let tip = self.resolve(&name).await?.unwrap_or(Oid::NONE);
            return if tip == base { Err(fault) } else { self.moved(base, tip, run, task).await };
        }
        let args = ["update-ref", "--no-deref", "-m", "tidegate: land", &name, &commit.to_string(), &base.to_string()];
        // The one look that counts is git's own, under its lock; where the ref is need be asked only when that was not `base`.
        let output = self.refs.ask(&args, b"").await?;
        if output.code == 0 {
            return Ok(Landed::Done);
        }
        let tip = self.resolve(&name).await?.unwrap_or(Oid::NONE);
        if tip == base { Err(failed(&args, &output)) } else { self.moved(base, tip, run, task).await }
    }

    /// One parent, which is the base: so everything that landed before stays an ancestor.
    async fn check_landing(&self, base: Oid, commit: Oid) -> Result<(), GitError> {
        let parents = self.parents(commit).await?;
        if parents == [base] {
            return Ok(());
        }
        let said = parents.iter().map(Oid::to_string).collect::<Vec<_>>().join(" ");
        Err(super::git::strange(&["rev-list"], said.as_bytes()))
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
        if let Some(followed) = self.follow_on(topic, tip).await? {
            return Ok(followed);
        }
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
        let fault = self.move_branch(&name, at, tip).await?;
        notes.extend(fault.iter().map(|fault| format!("{branch} could not be moved: {fault}").into()));
        Ok(Followed { branch, is_there: fault.is_none(), notes })
    }

    /// The common case: the branch is still where this process left it, and the tip is one commit further. None where it is not, or
    /// where anything else has to be looked at.
    async fn follow_on(&self, topic: &str, tip: Oid) -> Result<Option<Followed>, GitError> {
        let name = branch_of(topic);
        let last = self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((_, at)) = last.filter(|(known, _)| *known == name) else { return Ok(None) };
        if self.parents(tip).await? != [at] || self.checked_out(&name).await?.is_some() {
            return Ok(None);
        }
        let is_there = self.move_branch(&name, Some(at), tip).await?.is_none();
        Ok(is_there.then(|| Followed { branch: short(&name), is_there, notes: Vec::new() }))
    }

    /// Moves a branch from where it is believed to be; why it could not be moved.
    async fn move_branch(&self, name: &str, at: Option<Oid>, tip: Oid) -> Result<Option<GitError>, GitError> {
        let zero = "0".repeat(tip.to_string().len());
        let old = at.map_or(zero, |at| at.to_string());
        let args = ["update-ref", "--no-deref", "-m", "tidegate: follow", name, &tip.to_string(), &old];
        let output = self.refs.ask(&args, b"").await?;
        let is_moved = output.code == 0;
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = is_moved.then(|| (name.to_owned(), tip));
        Ok((!is_moved).then(|| failed(&args, &output)))
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
