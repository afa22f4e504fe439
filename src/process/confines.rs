//! Confines: what a program may see and write, beside the folders that every program needs.

use std::path::PathBuf;

/// What a program may see and write. What is neither here nor among the system's folders is not there for it.
///
/// The deeper path counts: what is readable within a writable folder stays as it is, and the other way round. Of one that is named as
/// both, it may be written. What is not there is passed over. None should be within a folder that an agent can write, but for one that
/// is named as writable here: there, a link that leads out of it is refused. Never name the folder that a program's input and output
/// files are in: whoever carries them is outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confines {
    /// Folders and files that it may write.
    pub writable: Vec<PathBuf>,
    /// Folders and files that it may read.
    pub readable: Vec<PathBuf>,
    /// Folders in what it sees that are empty for it, and stay as they are outside.
    pub hidden: Vec<PathBuf>,
    /// Whether it has the machine's network; else nothing but a loopback of its own.
    pub has_network: bool,
}
