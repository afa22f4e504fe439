//! Confines: what a program may see and write, beside the folders that every program needs.

use std::path::PathBuf;

/// What a program may see and write. What is neither here nor among the system's folders is not there for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confines {
    /// Folders and files that it may write.
    pub writable: Vec<PathBuf>,
    /// Folders and files that it may read.
    pub readable: Vec<PathBuf>,
    /// Whether it has the machine's network; else nothing but a loopback of its own.
    pub has_network: bool,
}
