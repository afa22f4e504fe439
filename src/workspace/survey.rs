//! A survey of a tree that an agent left: what lies in it, without following, opening or running anything.

use super::snapshot::{Left, Why};
use std::{
    ffi::OsString,
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

/// A file or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) bytes: u64,
}

/// What lies in a tree. Paths are relative to it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Files and links, in no order.
    pub(super) files: Vec<Found>,
    /// Folders that were gone into, each before what is in it.
    pub(super) dirs: Vec<String>,
    /// Folders that were not, since they are leftovers.
    pub(super) leftovers: Vec<String>,
    /// What git cannot hold, with the raw path and whether it is a folder.
    pub(super) odd: Vec<(OsString, Left)>,
}

/// More entries than this is no source tree.
const MOST: usize = 2_000_000;

/// Looks at everything below `root` but its own `.git`. A folder that `is_leftover` holds for is not gone into. What its owner
/// may not read is made readable, since an agent may have taken that away.
pub(super) fn survey(root: &Path, is_leftover: impl Fn(&str) -> bool) -> io::Result<Survey> {
    let mut survey = Survey::default();
    let mut open = vec![String::new()];
    while let Some(dir) = open.pop() {
        let path = root.join(&dir);
        if !dir.is_empty() {
            survey.dirs.push(dir.clone());
        }
        grant(&path, &path.symlink_metadata()?, 0o700)?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let name = entry.file_name();
            if dir.is_empty() && name == ".git" {
                continue;
            }
            if survey.files.len() + open.len() > MOST {
                return Err(io::Error::other("there are more than two million files"));
            }
            // Asked of the open folder: by its path each file would cost a walk from the root. A link is not followed here either.
            let data = entry.metadata()?;
            let Some(text) = name.to_str() else {
                survey.tell(&dir, name, Why::NotUtf8);
                continue;
            };
            let path = if dir.is_empty() { text.to_owned() } else { format!("{dir}/{text}") };
            let kind = data.file_type();
            if text.eq_ignore_ascii_case(".git") {
                survey.tell(&dir, name, Why::NestedRepository);
            } else if kind.is_dir() {
                if is_leftover(&path) { survey.leftovers.push(path) } else { open.push(path) }
            } else if kind.is_file() {
                if data.permissions().mode() & 0o600 != 0o600 {
                    grant(&entry.path(), &data, 0o600)?;
                }
                survey.files.push(Found { path, bytes: data.len() });
            } else if kind.is_symlink() {
                survey.files.push(Found { path, bytes: data.len() });
            } else {
                let why = if kind.is_fifo() || kind.is_socket() { Why::Pipe } else { Why::Device };
                survey.tell(&dir, name, why);
            }
        }
    }
    Ok(survey)
}

impl Survey {
    fn tell(&mut self, dir: &str, name: OsString, why: Why) {
        let mut raw = OsString::from(dir);
        if !dir.is_empty() {
            raw.push("/");
        }
        raw.push(name);
        let path = crate::text::clean(&raw.to_string_lossy());
        self.odd.push((raw, Left { path, why }));
    }
}

/// Gives the owner what it takes to read, where that is missing.
fn grant(path: &Path, data: &Metadata, bits: u32) -> io::Result<()> {
    let mode = data.permissions().mode();
    if mode & bits == bits { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(mode | bits)) }
}

/// Removes a file, a link or a whole folder, whatever its rights. What is not there is no error, and no link is followed.
///
/// # Errors
/// When something cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    let data = match path.symlink_metadata() {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !data.is_dir() {
        return fs::remove_file(path);
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    // A folder whose owner may not write in it keeps its content: that is what an agent may have made of it.
    let mut open = vec![path.to_path_buf()];
    while let Some(dir) = open.pop() {
        let Ok(data) = dir.symlink_metadata() else { continue };
        if data.is_dir() {
            grant(&dir, &data, 0o700)?;
            open.extend(
                fs::read_dir(&dir)?.flatten().filter(|e| e.file_type().is_ok_and(|k| k.is_dir())).map(|e| e.path()),
            );
        }
    }
    fs::remove_dir_all(path)
}

/// The list of paths that git reads with `-z`.
pub(super) fn list<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut list = Vec::new();
    for path in paths {
        list.extend_from_slice(path.as_bytes());
        list.push(0);
    }
    list
}
