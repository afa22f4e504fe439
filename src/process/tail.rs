//! The tail of a file of output: its last lines, as clean text.

use crate::text::clean;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// The last lines of a file, fit to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Clean text; its lines are whole, but the first where the file has a longer line than was read.
    pub text: String,
    /// Whether the file begins earlier.
    pub is_cut: bool,
}

impl Tail {
    /// At most the last `lines` lines of the last `bytes` bytes. A file that is not there has said nothing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(path: &Path, lines: usize, bytes: u64) -> io::Result<Tail> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tail::default()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let from = length.saturating_sub(bytes);
        file.seek(SeekFrom::Start(from))?;
        let mut said = Vec::new();
        // It may grow while it is read.
        file.take(bytes).read_to_end(&mut said)?;
        let said = if from == 0 {
            &said[..]
        } else {
            let line = said.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if line < said.len() { &said[line..] } else { &said[..] }
        };
        let mut tail = Tail::of_text(&String::from_utf8_lossy(said), lines);
        tail.is_cut |= from > 0;
        Ok(tail)
    }

    /// The same of a text that is at hand.
    pub fn of_text(text: &str, lines: usize) -> Tail {
        let text = clean(text);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let is_cut = lines == 0 && !body.is_empty();
        let start = match lines {
            0 => body.len(),
            lines => body.rmatch_indices('\n').nth(lines - 1).map_or(0, |(at, _)| at + 1),
        };
        Tail { text: body[start..].to_owned(), is_cut: is_cut || start > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_whole_and_clean() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log");
        assert_eq!(Tail::of(&file, 3, 100).unwrap(), Tail::default());
        std::fs::write(&file, b"one\n\x1b[31mtwo\xff\x1b[0m\nthree\n").unwrap();
        let tail = |lines, bytes| {
            let tail = Tail::of(&file, lines, bytes).unwrap();
            (tail.text, tail.is_cut)
        };
        assert_eq!(tail(9, 999), ("one\ntwo\u{fffd}\nthree".to_owned(), false));
        assert_eq!(tail(2, 999), ("two\u{fffd}\nthree".to_owned(), true));
        assert_eq!(tail(9, 9), ("three".to_owned(), true));
        assert_eq!(tail(9, 3), ("ee".to_owned(), true));
        assert_eq!(tail(0, 999), (String::new(), true));
    }
}
