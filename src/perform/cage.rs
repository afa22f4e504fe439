//! The cage: what is there for programs that are confined, whatever they are for, and what each kind of them may write.

use crate::{check::reports, process::Confines, workspace::Lease};
use std::path::{Path, PathBuf};

/// What is there for the confined programs of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cage {
    /// What all of them may read: toolchains, our own program, and the objects that workspaces borrow.
    pub readable: Vec<PathBuf>,
    /// `[sandbox] writable`: what all of them may write beside their own.
    pub writable: Vec<PathBuf>,
    /// What set-up may write beside the workspace: caches of packages.
    pub caches: Vec<PathBuf>,
    /// `[sandbox] gate_network`: whether checks have the machine's network.
    pub gate_network: bool,
}

impl Cage {
    /// The confines of a program that may write these.
    pub fn around(&self, writable: &[&Path], has_network: bool) -> Confines {
        let own = writable.iter().map(|path| PathBuf::from(*path));
        let writable = own.chain(self.writable.iter().cloned()).collect();
        Confines { writable, readable: self.readable.clone(), hidden: Vec::new(), has_network }
    }

    /// The confines of a check in this workspace with this scratch folder.
    pub(super) fn of_check(&self, lease: &Lease, scratch: &Path) -> Confines {
        self.around(&[lease.path(), lease.cache(), &lease.caches(), &reports(scratch)], self.gate_network)
    }

    /// The confines of an agent in this workspace, at home here, with this tray. It has the network: its model is there.
    pub(super) fn of_agent(&self, lease: &Lease, home: &Path, tray: &Path) -> Confines {
        self.around(&[lease.path(), lease.cache(), &lease.caches(), home, tray], true)
    }

    /// The confines of set-up, less the workspace that is set up: it fetches what others find in the caches.
    pub fn of_setup(&self) -> Confines {
        let caches: Vec<&Path> = self.caches.iter().map(PathBuf::as_path).collect();
        self.around(&caches, true)
    }
}
