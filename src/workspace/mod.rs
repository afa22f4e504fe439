//! Git, private clones and everything that is made of trees: the only ones who start git.
//!
//! A [`Repository`] is the user's; a [`Pool`] keeps the clones in which agents and gates work; what they leave is taken in by
//! [`Repository::snapshot`], and becomes a landing by [`Repository::build`] and [`Repository::land`].

mod clone;
mod copies;
mod create;
mod fault;
mod git;
mod landing;
mod lfs;
mod memory;
mod merge;
mod name;
mod patch;
mod pool;
mod reading;
mod repository;
mod setup;
mod snapshot;
mod submodule;
mod survey;

pub use copies::Copies;
pub use create::create;
pub use fault::OpenFault;
pub use git::GitError;
pub use landing::{Followed, Landed, LandedTask};
pub use merge::{Built, Carried, Identity, Landing};
pub use name::{attempt_ref, integration_ref, run_refs, slug};
pub use patch::{Change, Entry};
pub use pool::{Kind, Lease, Pool, PoolError};
pub use reading::{TreeEntry, Uncommitted};
pub use repository::{Options, Repository};
pub use setup::{Commands, Setup, SetupError};
pub use snapshot::{Left, Snapshot, SnapshotError, Why};
pub use survey::remove;
