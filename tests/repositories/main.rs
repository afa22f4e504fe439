//! Repositories and workspaces with real git, in folders that are gone afterwards.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod copies;
mod ground;
mod hostile;
mod landings;
mod modules;
mod openings;
mod patches;
mod snapshots;
mod workspaces;
