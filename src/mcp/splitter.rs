//! A splitter: bytes as they come in, whole lines of a bounded length out.

/// Splits bytes into lines. Linear in what it takes, and it keeps no more than one line.
#[derive(Debug)]
pub struct Splitter {
    line: Vec<u8>,
    most: usize,
    is_too_long: bool,
}

impl Splitter {
    /// Lines have at most so many bytes.
    pub fn new(most: usize) -> Splitter {
        Splitter { line: Vec::new(), most, is_too_long: false }
    }

    /// Takes bytes, and hands each line that they end to `each`, without its end; `None` for one that was too long.
    pub fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(Option<&[u8]>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            self.end(&mut each);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Nothing more comes: what is left is a line too.
    pub fn finish(&mut self, mut each: impl FnMut(Option<&[u8]>)) {
        if !self.line.is_empty() || self.is_too_long {
            self.end(&mut each);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.is_too_long |= self.line.len() + bytes.len() > self.most;
        if self.is_too_long {
            self.line.clear();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end(&mut self, each: &mut impl FnMut(Option<&[u8]>)) {
        each((!self.is_too_long).then_some(&self.line[..]));
        self.line.clear();
        self.is_too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(most: usize, parts: &[&[u8]]) -> Vec<Option<String>> {
        let mut lines = Vec::new();
        let mut splitter = Splitter::new(most);
        let mut each = |line: Option<&[u8]>| lines.push(line.map(|line| String::from_utf8_lossy(line).into_owned()));
        parts.iter().for_each(|part| splitter.take(part, &mut each));
        splitter.finish(&mut each);
        lines
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_the_next_one_is_whole() {
        let told = lines(4, &[b"ab", b"cd\nab", b"cde", b"fgh", b"\n\nabcd\nend"]);
        assert_eq!(told, [Some("abcd".into()), None, Some(String::new()), Some("abcd".into()), Some("end".into())]);
        assert_eq!(lines(2, &[b"abc"]), [None]);
        assert_eq!(lines(2, &[b"a\n"]), [Some("a".into())]);
    }

    proptest! {
        #[test]
        fn how_bytes_are_parted_does_not_matter(text in "[ab\n]{0,40}", at in 0usize..40) {
            let (head, tail) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(lines(5, &[head, tail]), lines(5, &[text.as_bytes()]));
        }
    }
}
