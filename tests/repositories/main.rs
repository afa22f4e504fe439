//! Repositories and workspaces with real git, in folders that are gone afterwards.

mod ground;
mod hostile;
mod landings;
mod openings;
mod patches;
mod snapshots;
mod workspaces;
