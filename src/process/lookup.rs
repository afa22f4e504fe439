//! Where a program is: looked up in a given `PATH`, never in our own.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

/// The file that `program` names. A name with a slash is a path, relative to `cwd`; relative entries of `PATH` are passed over, since
/// a working tree could answer to them.
///
/// With the path known beforehand the standard library can use `posix_spawn`, whose cost does not grow with our memory.
pub(super) fn find(program: &OsStr, cwd: &Path, env: &[(OsString, OsString)]) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Ok(cwd.join(program));
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_bytes());
    let path = path.unwrap_or(b"/usr/local/bin:/usr/bin:/bin");
    path.split(|byte| *byte == b':')
        .map(|entry| Path::new(OsStr::from_bytes(entry)))
        .filter(|entry| entry.is_absolute())
        .map(|entry| entry.join(program))
        .find(|file| file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such program in PATH"))
}

/// Where a program is, looked up in a search path; a name with a slash is a path.
pub fn which(program: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let found = find(program, Path::new("/"), &[("PATH".into(), path.into())]).ok()?;
    found.is_file().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_given_path_and_never_in_the_working_tree() {
        let path = |value: &str| vec![(OsString::from("PATH"), OsString::from(value))];
        let here = Path::new("/bin");
        assert_eq!(find("sh".as_ref(), here, &path("/nowhere:/bin")).unwrap(), Path::new("/bin/sh"));
        assert!(find("sh".as_ref(), here, &path(".::bin")).is_err());
        assert!(find("no-such-program".as_ref(), here, &[]).is_err());
        assert_eq!(find("./sh".as_ref(), here, &[]).unwrap(), Path::new("/bin/./sh"));
    }
}
