//! Faults of a repository: why a run cannot begin in it, each with what to do.

use std::path::PathBuf;

/// Why a repository cannot be worked in.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The platform.
    #[error("this is neither Linux nor WSL2")]
    Platform,
    /// There is no git.
    #[error("git was not found")]
    NoGit,
    /// There is one, and it does not work.
    #[error("git does not work: {0}")]
    BadGit(String),
    /// Git is too old to be safe with what agents write.
    #[error("git {0} is too old")]
    OldGit(String),
    /// The folder is not there, or is none.
    #[error("{} is no folder", .0.display())]
    NoFolder(PathBuf),
    /// There is no repository.
    #[error("{} is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// Git reads nothing of a repository that somebody else owns.
    #[error("{} belongs to another user, and git reads no repository but yours", .0.display())]
    Ownership(PathBuf),
    /// The folder is within a git directory.
    #[error("{} is in no working tree: it is within a git directory", .0.display())]
    Outside(PathBuf),
    /// The repository's path cannot be named in what is written line by line.
    #[error("the path of this repository has a line end in it, or is not UTF-8: {0:?}")]
    Place(PathBuf),
    /// There is no working tree.
    #[error("{} is a bare repository", .0.display())]
    Bare(PathBuf),
    /// There is no commit.
    #[error("the current branch has no commit yet")]
    Unborn,
    /// Something that is needed cannot be read.
    #[error("the repository is broken: {0}")]
    Broken(String),
    /// A ref of ours is being written by somebody else.
    #[error("{} is held by a living process", .0.display())]
    Locked(PathBuf),
    /// Content goes through programs.
    #[error("{path} sets `filter=` attributes other than git LFS's, which would run programs on every file")]
    Filters {
        /// The file of attributes.
        path: String,
    },
    /// The clone of a submodule is not complete.
    #[error("the clone of the submodule {path} does not have the commit that is recorded here")]
    Submodule {
        /// The first of them.
        path: String,
    },
    /// A path that cannot be named.
    #[error("the path {0:?} is not UTF-8")]
    Path(String),
}

impl OpenFault {
    /// What to do about it.
    pub fn fix(&self) -> String {
        let fix = match self {
            OpenFault::Ownership(dir) => {
                let dir = dir.display();
                return format!(
                    "if you trust what is in it, tell git so: `git config --global --add safe.directory '{dir}'`"
                );
            }
            OpenFault::Platform => "run tidegate on Linux or in WSL2",
            OpenFault::BadGit(_) => "see what `git version` says here, and which git is the first on PATH",
            OpenFault::NoGit => "install git 2.45 or newer, and see that it is on PATH",
            OpenFault::OldGit(_) => "install git 2.45 or newer",
            OpenFault::NoFolder(_) => "give the folder of a git repository with `-C DIR`",
            OpenFault::Outside(_) => "run tidegate in the working tree, or give it with `-C DIR`",
            OpenFault::Place(_) => "move the repository to a path without line ends, in UTF-8",
            OpenFault::NoRepository(_) => "run `git init` and commit, or give the repository with `-C DIR`",
            OpenFault::Bare(_) => "run tidegate in a working tree: `git worktree add ../work`, then there",
            OpenFault::Unborn => "commit something first: `git add -A && git commit`",
            OpenFault::Broken(_) => "run `git fsck` and repair what it tells, or clone the repository anew",
            OpenFault::Locked(_) => "wait until the other process has ended, or end it, then run this again",
            OpenFault::Filters { .. } => "commit the files without the filter; only git LFS is known here",
            OpenFault::Submodule { path } => {
                return format!("run `git submodule update --init --recursive -- {path}`, then this again");
            }
            OpenFault::Path(_) => "rename it, and commit that",
        };
        fix.to_owned()
    }
}
