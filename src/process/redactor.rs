//! A redactor: takes secrets out of a stream of output before a byte of it is kept.

/// What stands where a secret was.
const REDACTED: &[u8] = b"[redacted]";

/// Shorter ones are no secrets: they would take words out of every line.
const SHORTEST: usize = 8;

/// Takes every occurrence of some secrets out of a stream, wherever reads cut it. Every byte of every occurrence goes, also where they
/// overlap; overlapping ones leave one mark. Held back is only what could be the beginning of a secret.
pub(super) struct Redactor {
    secrets: Vec<Secret>,
    /// The end of what came in, not passed on yet.
    held: Vec<u8>,
    /// Where in the stream `held` begins.
    from: u64,
    /// Occurrences that reach into `held` or begin in it, in order, none touching another's inside.
    found: Vec<Span>,
}

/// A secret, and how much of it the stream ends with.
struct Secret {
    bytes: Vec<u8>,
    /// For each length of a prefix, the length of the longest proper prefix that it ends with.
    shorter: Vec<usize>,
    matched: usize,
}

/// A stretch of the stream that is not passed on.
struct Span {
    start: u64,
    end: u64,
    is_marked: bool,
}

impl Secret {
    fn new(bytes: Vec<u8>) -> Secret {
        let mut shorter = vec![0; bytes.len() + 1];
        let mut length = 0;
        for at in 1..bytes.len() {
            while length > 0 && bytes[at] != bytes[length] {
                length = shorter[length];
            }
            length += usize::from(bytes[at] == bytes[length]);
            shorter[at + 1] = length;
        }
        Secret { bytes, shorter, matched: 0 }
    }

    /// How many of the last bytes could be the beginning of an occurrence that has not ended.
    fn open(&self) -> usize {
        if self.matched == self.bytes.len() { self.shorter[self.matched] } else { self.matched }
    }

    /// Whether an occurrence ends with this byte.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.matched == self.bytes.len() {
            self.matched = self.shorter[self.matched];
        }
        while self.matched > 0 && self.bytes[self.matched] != byte {
            self.matched = self.shorter[self.matched];
        }
        self.matched += usize::from(self.bytes[self.matched] == byte);
        self.matched == self.bytes.len()
    }
}

impl Redactor {
    /// One for these secrets; those that are too short to be any are passed over. `None`: there is nothing to take out.
    pub(super) fn new(secrets: &[String]) -> Option<Redactor> {
        let mut known: Vec<&str> =
            secrets.iter().map(String::as_str).filter(|secret| secret.len() >= SHORTEST).collect();
        known.sort_unstable();
        known.dedup();
        let secrets: Vec<Secret> = known.into_iter().map(|secret| Secret::new(secret.into())).collect();
        (!secrets.is_empty()).then_some(Redactor { secrets, held: Vec::new(), from: 0, found: Vec::new() })
    }

    /// Takes in what was said; hands back what may be kept by now.
    pub(super) fn pass(&mut self, said: &[u8]) -> Vec<u8> {
        for byte in said {
            self.held.push(*byte);
            let end = self.from + self.held.len() as u64;
            let longest = self
                .secrets
                .iter_mut()
                .filter_map(|secret| secret.ends_with(*byte).then_some(secret.bytes.len()))
                .max();
            if let Some(length) = longest {
                self.take_out(end - length as u64, end);
            }
        }
        let open = self.secrets.iter().map(Secret::open).max().unwrap_or(0);
        self.release(open)
    }

    /// The rest, once nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        for secret in &mut self.secrets {
            secret.matched = 0;
        }
        self.release(0)
    }

    fn take_out(&mut self, start: u64, end: u64) {
        let mut span = Span { start, end, is_marked: false };
        while let Some(last) = self.found.pop_if(|last| last.end > start) {
            span.start = span.start.min(last.start);
            span.is_marked |= last.is_marked;
        }
        self.found.push(span);
    }

    /// All that is held but the last `open` bytes.
    fn release(&mut self, open: usize) -> Vec<u8> {
        let count = self.held.len() - open.min(self.held.len());
        let until = self.from + count as u64;
        let mut kept = Vec::with_capacity(count);
        let mut at = self.from;
        for span in self.found.iter_mut().take_while(|span| span.start < until) {
            if span.start > at {
                kept.extend_from_slice(&self.held[(at - self.from) as usize..(span.start - self.from) as usize]);
            }
            if !span.is_marked {
                kept.extend_from_slice(REDACTED);
                span.is_marked = true;
            }
            at = at.max(span.end.min(until));
        }
        kept.extend_from_slice(&self.held[(at - self.from) as usize..count]);
        self.found.retain(|span| span.end > until);
        self.held.drain(..count);
        self.from = until;
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redacted(secrets: &[&str], parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let mut redactor = Redactor::new(&secrets).unwrap();
        let mut kept: Vec<Vec<u8>> = parts.iter().map(|part| redactor.pass(part)).collect();
        kept.push(redactor.finish());
        kept
    }

    fn text(secrets: &[&str], parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        String::from_utf8(redacted(secrets, &parts).concat()).unwrap()
    }

    #[test]
    fn secrets_are_taken_out_wherever_reads_cut_them() {
        let key = "sk-12345678";
        assert_eq!(text(&[key], &["a sk-12345678 b"]), "a [redacted] b");
        assert_eq!(text(&[key], &["a sk-123", "45", "678 b"]), "a [redacted] b");
        assert_eq!(text(&[key], &["sk-12345678sk-12345678"]), "[redacted][redacted]");
        assert_eq!(text(&[key], &["sk-sk-12345678", "sk-1234567"]), "sk-[redacted]sk-1234567");
        assert_eq!(text(&["longer-secret", "longer-sec"], &["longer-secret longer-sec!"]), "[redacted] [redacted]!");
        assert_eq!(text(&["abcdefgh", "efghijkl"], &["-abcdef", "ghijkl-"]), "-[redacted]-");
        assert_eq!(text(&["abababab"], &["x", "ababababab", "x"]), "x[redacted]x");
        assert_eq!(
            text(&["cdefghij", "abcdefghijkl"], &["-abcdefghij", "kl-abcdefghij-"]),
            "-[redacted]-ab[redacted]-"
        );
    }

    #[test]
    fn what_is_too_short_is_no_secret() {
        assert!(Redactor::new(&["1234567".to_owned(), String::new()]).is_none());
    }

    #[test]
    fn only_what_could_begin_a_secret_is_held_back() {
        let kept = redacted(&["sk-12345678"], &[b"line\nsk", b"y", b"sk-12345678", b"s"]);
        assert_eq!(kept, [&b"line\n"[..], b"sky", b"[redacted]", b"", b"s"]);
    }

    #[test]
    fn an_endless_secret_is_marked_once_and_held_in_little_memory() {
        let mut redactor = Redactor::new(&["aaaaaaaa".to_owned()]).unwrap();
        let kept: usize = (0..100).map(|_| redactor.pass(&[b'a'; 1000]).len()).sum();
        assert_eq!(kept, REDACTED.len());
        assert!(redactor.held.len() <= 8 && redactor.found.len() == 1);
        assert_eq!([redactor.pass(b"b"), redactor.finish()].concat(), b"b");
    }

    /// The plain way: every byte of every occurrence goes; overlapping ones leave one mark.
    fn plainly(secrets: &[String], said: &[u8]) -> Vec<u8> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for secret in secrets {
            let at = said.windows(secret.len()).enumerate().filter(|(_, part)| *part == secret.as_bytes());
            spans.extend(at.map(|(at, _)| (at, at + secret.len())));
        }
        spans.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        let (mut kept, mut at) = (Vec::new(), 0);
        for (start, end) in merged {
            kept.extend_from_slice(&said[at..start]);
            kept.extend_from_slice(REDACTED);
            at = end;
        }
        kept.extend_from_slice(&said[at..]);
        kept
    }

    proptest! {
        #[test]
        fn it_is_the_plain_way_however_the_stream_is_cut(
            secrets in prop::collection::vec("[ab]{8,12}", 1..4),
            words in prop::collection::vec("[abc]{0,30}", 0..8),
            cut in 1usize..9,
        ) {
            let said = words.concat() + &secrets.concat() + &words.join(&secrets[0][..5]);
            let mut redactor = Redactor::new(&secrets).unwrap();
            let mut kept: Vec<u8> = said.as_bytes().chunks(cut).flat_map(|part| redactor.pass(part)).collect();
            kept.extend(redactor.finish());
            prop_assert_eq!(String::from_utf8(kept).unwrap(), String::from_utf8(plainly(&secrets, said.as_bytes())).unwrap());
        }
    }
}
