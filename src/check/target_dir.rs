//! A gate's build cache: used by one check at a time, and never fresh for another tree.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::run::Oid;
use tokio_util::sync::CancellationToken;

/// A held cache; free again when dropped, or when we die.
pub(super) struct TargetDir {
    _lock: File,
}

impl TargetDir {
    /// Waits for the cache, and makes sure that what it holds of another tree does not pass for this one.
    ///
    /// Cargo tells fresh from stale by times of files, and gives two checkouts of one package the same names: a checkout
    /// made before another was built would count as built. So files are touched where the tree is not the last one built.
    ///
    /// What is noted of the cache stands beside it: in it, programs that are confined could put links of that name.
    pub(super) async fn hold(cache: &Path, cwd: &Path, on: Oid, stop: &CancellationToken) -> io::Result<TargetDir> {
        fs::create_dir_all(cache)?;
        let lock = File::create(cache.with_extension("lock"))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                // The lock may be another process's; asked for in a thread of its own, it could not be let go of at a stop.
                Err(TryLockError::WouldBlock) if !stop.is_cancelled() => {
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other("stopped while waiting for the build cache"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let marker = cache.with_extension("tree");
        let tree = format!("{on} {}", cwd.display());
        if on.is_none() || fs::read_to_string(&marker).ok().as_deref() != Some(&*tree) {
            touch(cwd, cache, SystemTime::now())?;
            fs::write(&marker, &tree)?;
        }
        Ok(TargetDir { _lock: lock })
    }
}

/// Sets the time of every file beneath to now. Links are not followed.
fn touch(folder: &Path, cache: &Path, now: SystemTime) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            let is_skipped =
                matches!(entry.file_name().to_str(), Some(".git" | "target" | "node_modules")) && kind.is_dir();
            if kind.is_dir() && !is_skipped && path != cache {
                folders.push(path);
            } else if kind.is_file() {
                // A file that cannot be opened cannot be compiled either, and the build says so better.
                let _ = File::open(&path).and_then(|file| file.set_modified(now));
            }
        }
    }
    Ok(())
}
