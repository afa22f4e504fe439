//! A leaving: a file where a program that was confined could write, of which it may have made anything by now.

use rustix::fs::OFlags;
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// A file below a folder that programs could write in, where no folder on the way is a link.
///
/// # Errors
/// As [`leaving`]; and where one of them is.
pub fn leaving_in(root: &Path, relative: &Path, most: u64) -> io::Result<Vec<u8>> {
    leaving(&inside(root, relative)?, most)
}

/// Takes such a file away, or a link in its place. Nothing there is fine.
///
/// # Errors
/// When it cannot be, or a folder on the way is a link.
pub fn clear_in(root: &Path, relative: &Path) -> io::Result<()> {
    let gone = inside(root, relative).and_then(std::fs::remove_file);
    gone.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn inside(root: &Path, relative: &Path) -> io::Result<std::path::PathBuf> {
    let mut path = root.to_path_buf();
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        let std::path::Component::Normal(name) = part else {
            return Err(io::Error::other("the path leaves its folder"));
        };
        path.push(name);
        if parts.peek().is_some() && std::fs::symlink_metadata(&path)?.is_symlink() {
            return Err(io::Error::other(format!("{} is a link", path.display())));
        }
    }
    Ok(path)
}

/// Its first `most` bytes. A link at the end of the path is not followed, and a pipe that nobody writes to is not waited for.
///
/// # Errors
/// When it is not there, is something else than a file, or cannot be read.
pub fn leaving(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags.cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
