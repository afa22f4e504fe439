//! Papers: files that something is handed over in, to one job at a time.
//!
//! Written over for the next one: in a run of many short scripts, a new file for each costs as much as starting it.

use rustix::fs::OFlags;
use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The papers of a run, in a folder of their own.
pub(super) struct Papers {
    folder: PathBuf,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    made: usize,
    idle: Vec<Sheet>,
}

/// Held open: what is written to it goes nowhere else, whatever a script puts in its place.
struct Sheet {
    file: File,
    path: PathBuf,
    length: u64,
}

/// A paper while it is lent. Dropped, it is the next one's: not before its reader has ended.
pub(super) struct Paper {
    papers: Arc<Papers>,
    sheet: Option<Sheet>,
    path: PathBuf,
}

impl Papers {
    /// None yet. The folder is made with the first.
    pub(super) fn of(folder: PathBuf) -> Arc<Papers> {
        Arc::new(Papers { folder, shelf: Mutex::default() })
    }

    /// Hands this text over.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn lend(self: &Arc<Papers>, text: &str) -> io::Result<Arc<Paper>> {
        let idle = self.shelf().idle.pop();
        let mut sheet = idle.map_or_else(|| self.make(), Ok)?;
        sheet.file.write_all_at(text.as_bytes(), 0)?;
        let length = text.len() as u64;
        // To cut a file costs more than to write it.
        if std::mem::replace(&mut sheet.length, length) > length {
            sheet.file.set_len(length)?;
        }
        let path = sheet.path.clone();
        Ok(Arc::new(Paper { papers: Arc::clone(self), sheet: Some(sheet), path }))
    }

    fn make(&self) -> io::Result<Sheet> {
        let number = {
            let mut shelf = self.shelf();
            shelf.made += 1;
            shelf.made
        };
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{number}.md"));
        let mut options = File::options();
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
        // One is there where a run goes on.
        let file = options.write(true).create(true).truncate(true).custom_flags(flags.cast_signed()).open(&path)?;
        Ok(Sheet { file, path, length: 0 })
    }

    /// What a panic left behind is whole: every change under this lock is one call.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paper {
    /// Where it is read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        self.papers.shelf().idle.extend(self.sheet.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::read_to_string;

    #[test]
    fn a_paper_is_written_over_once_it_is_given_back_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let papers = Papers::of(dir.path().join("contexts"));
        let (long, other) = (papers.lend("a long text").unwrap(), papers.lend("other").unwrap());
        let first = long.path().to_owned();
        assert_eq!(read_to_string(&first).unwrap(), "a long text");
        assert_ne!(first, other.path());
        drop(long);
        let short = papers.lend("short").unwrap();
        assert_eq!((short.path(), &*read_to_string(&first).unwrap()), (&*first, "short"));
        assert_eq!(read_to_string(other.path()).unwrap(), "other");
    }

    #[test]
    fn what_a_script_puts_in_its_place_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let papers = Papers::of(dir.path().join("contexts"));
        let path = papers.lend("first").unwrap().path().to_owned();
        let theirs = dir.path().join("theirs");
        std::fs::write(&theirs, "untouched").unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&theirs, &path).unwrap();
        drop(papers.lend("second").unwrap());
        assert_eq!(read_to_string(&theirs).unwrap(), "untouched");
        assert!(Papers::of(dir.path().join("contexts")).lend("third").is_err());
    }
}
