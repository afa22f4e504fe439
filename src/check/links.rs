//! Links to folders whose paths a tool cannot take as they are: with a blank in them, or where it must not look.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Links in a folder of their own, which goes with them.
#[derive(Debug, Default)]
pub(super) struct Links {
    folder: Option<tempfile::TempDir>,
}

impl Links {
    /// A link of this name, whose path has no blank.
    pub(super) fn to(&mut self, target: &Path, name: &str) -> io::Result<PathBuf> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => tempfile::tempdir()?,
        };
        let at = folder.path().join(name);
        self.folder = Some(folder);
        if has_blank(&at) {
            return Err(io::Error::other(
                "the temporary folder's path has a blank, which a tool of the check cannot have",
            ));
        }
        std::os::unix::fs::symlink(target, &at)?;
        Ok(at)
    }

    /// The same path, unless it has a blank: then one that leads there.
    pub(super) fn without_blanks(&mut self, path: &Path) -> io::Result<PathBuf> {
        let count = self.folder.iter().flat_map(|folder| std::fs::read_dir(folder.path())).flatten().count();
        if has_blank(path) { self.to(path, &format!("link-{count}")) } else { Ok(path.to_owned()) }
    }

    /// Where they are, if there are any.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.path().to_owned())
    }
}

fn has_blank(path: &Path) -> bool {
    path.to_string_lossy().contains(char::is_whitespace)
}
