//! Private clones, snapshots, candidates and landings. The only ones who run git.
