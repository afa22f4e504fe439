//! A feed: what a program prints to a file, line by line while it grows.

use std::{fs::File, io::Read, path::PathBuf};

/// Bytes of one line of a stream, at most; what is longer is passed over.
const LINE_MAX: usize = 16 << 20;

/// A file that grows, line by line.
pub(super) struct Feed {
    path: PathBuf,
    file: Option<File>,
    /// What was read of it.
    read: Vec<u8>,
    /// Where in it the next line begins.
    from: usize,
    /// How far it was searched for the end of that line.
    searched: usize,
    /// The line that is too long to be kept is not over yet.
    is_skipping: bool,
}

impl Feed {
    /// What is written to this file, from its beginning.
    pub(super) fn new(path: PathBuf) -> Feed {
        Feed { path, file: None, read: Vec::new(), from: 0, searched: 0, is_skipping: false }
    }

    /// The next whole line that is there. A file that cannot be read has said nothing.
    pub(super) fn next(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.read[self.searched..].iter().position(|byte| *byte == b'\n') {
                let end = self.searched + at;
                let line = &self.read[self.from..end];
                (self.from, self.searched) = (end + 1, end + 1);
                if !std::mem::take(&mut self.is_skipping) {
                    return Some(String::from_utf8_lossy(line.trim_ascii()).into_owned());
                }
            } else {
                self.read.drain(..self.from);
                self.from = 0;
                if self.read.len() > LINE_MAX {
                    self.read.clear();
                    self.is_skipping = true;
                }
                self.searched = self.read.len();
                self.fill()?;
            }
        }
    }

    fn fill(&mut self) -> Option<()> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let mut buffer = [0; 64 << 10];
        let count = self.file.as_mut()?.read(&mut buffer).ok()?;
        self.read.extend_from_slice(&buffer[..count]);
        (count > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::OpenOptions, io::Write};

    #[test]
    fn lines_come_when_they_are_whole_and_a_monster_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream");
        let mut feed = Feed::new(path.clone());
        assert_eq!(feed.next(), None);
        let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(b"one\n\ntw").unwrap();
        assert_eq!([feed.next(), feed.next(), feed.next()], [Some("one".into()), Some(String::new()), None]);
        file.write_all(b"o\xff\r\n").unwrap();
        assert_eq!([feed.next(), feed.next()], [Some("two\u{fffd}".into()), None]);
        for _ in 0..17 {
            file.write_all(&vec![b'x'; 1 << 20]).unwrap();
        }
        assert_eq!(feed.next(), None);
        file.write_all(b"tail\nafter\n").unwrap();
        assert_eq!([feed.next(), feed.next()], [Some("after".into()), None]);
    }

    #[test]
    fn a_file_of_empty_lines_is_read_in_linear_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream");
        std::fs::write(&path, vec![b'\n'; 4 << 20]).unwrap();
        let mut feed = Feed::new(path);
        let count = std::iter::from_fn(|| feed.next()).count();
        assert_eq!(count, 4 << 20);
    }
}
