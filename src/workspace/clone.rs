//! A private clone: a tree with a git directory of its own, made by hand in a few files.
//!
//! It borrows the repository's objects, and has no remote, so that nothing can be pushed from it; its git directory is made anew for
//! each lease, so that whatever an agent did to the last one is gone with it. `git clone --shared` would copy every branch, name the
//! repository as a remote, and be slower.

use super::{
    Identity, Repository,
    repository::make_git_dir,
    snapshot::{copy_index, git_dir_of},
};
use crate::run::Oid;
use std::{fs, io, path::Path};

/// The branch that is checked out in a clone.
const BRANCH: &str = "refs/heads/work";

impl Repository {
    /// Gives `tree` a git directory with `commit` checked out on a branch of its own. There must be none.
    pub(super) fn make_clone(&self, tree: &Path, index: &Path, commit: Oid, user: &Identity) -> io::Result<()> {
        let dir = git_dir_of(tree);
        let user = format!("[user]\n\tname = {}\n\temail = {}\n", quoted(user.name()), quoted(user.email()));
        make_git_dir(&dir, self.format(), &user)?;
        let objects = self.common.join("objects");
        let mut alternates = objects.into_os_string().into_encoded_bytes();
        alternates.push(b'\n');
        fs::write(dir.join("objects/info/alternates"), alternates)?;
        if self.common.join("shallow").exists() {
            fs::copy(self.common.join("shallow"), dir.join("shallow"))?;
        }
        fs::write(dir.join(BRANCH), format!("{commit}\n"))?;
        copy_index(index, &dir.join("index"))?;
        // Last: without it the folder is no git directory.
        fs::write(dir.join("HEAD"), format!("ref: {BRANCH}\n"))
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_line_of_configuration() {
        let hostile = Identity::new("a\"\n[core]\n\tfsmonitor = x \\", "e");
        assert_eq!(quoted(hostile.name()), r#""a\"[core]fsmonitor = x \\""#);
    }
}
