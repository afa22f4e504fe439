//! LCOV: which lines of which files ran, by its `SF` and `DA` records. What it says of functions and branches is not looked at.

use super::coverage::{Unread, Written};

/// Reads a report.
///
/// # Errors
/// The first line that is none of LCOV's, or a report that breaks off.
pub(super) fn read(text: &str) -> Result<Written, Unread> {
    let mut written = Written::default();
    let mut is_open = false;
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        let wrong = |why: &str| Unread::Malformed(format!("line {number}: {why}"));
        let (kind, rest) = line.split_once(':').unwrap_or((line, ""));
        match kind {
            "" => {}
            "SF" if is_open => return Err(wrong("a file begins before the last one has ended")),
            "SF" => {
                written.begin(rest)?;
                is_open = true;
            }
            "end_of_record" => is_open = false,
            "DA" => {
                let mut fields = rest.split(',');
                let at = fields.next().and_then(|at| at.trim().parse().ok());
                let hits = fields.next().and_then(|hits| is_run(hits.trim()));
                let (Some(at), Some(is_run), true) = (at, hits, is_open) else {
                    return Err(wrong("it is no `DA` record of a file"));
                };
                written.line(at, is_run)?;
            }
            // `TN`, `FN`, `FNDA`, `BRDA`, `LF`, `VER` and what else there may come.
            _ if kind.bytes().all(|b| b.is_ascii_uppercase()) && line.contains(':') || line.starts_with('#') => {}
            _ => return Err(wrong("it is no record of LCOV")),
        }
    }
    if is_open {
        return Err(Unread::Malformed("it breaks off within a file".to_owned()));
    }
    Ok(written)
}

/// Whether a count says that the line ran. Tools that lose count write it below zero.
fn is_run(hits: &str) -> Option<bool> {
    let digits = hits.strip_prefix('-').unwrap_or(hits);
    let is_count = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_count.then(|| !hits.starts_with('-') && digits.bytes().any(|b| b != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file_are_merged_over_its_records() {
        let text = "TN:\nSF:src/a.rs\nFN:1,f\nFNDA:0,f\nDA:1,0\nDA:2,3,checksum\nBRDA:2,0,0,-\nLF:2\nLH:1\nend_of_record\n\
                    SF:src/a.rs\nDA:1,99999999999999999999\nDA:3,-1\nend_of_record\n";
        let written = read(text).unwrap();
        assert_eq!(written.lines("src/a.rs"), [(1, true), (2, true), (3, false)]);
    }

    #[test]
    fn a_report_that_breaks_off_or_is_something_else_is_not_read() {
        for text in [
            "SF:a\nDA:1,1\n",
            "DA:1,1\n",
            "SF:a\nDA:x,1\nend_of_record\n",
            "SF:a\nDA:1,one\nend_of_record\n",
            "SF:a\nDA:0,1\nend_of_record\n",
            "SF:a\nSF:b\nend_of_record\n",
            "Coverage: 100 %\n",
            "mode: set\nx.go:1.2,3.4 1 1\n",
        ] {
            assert!(matches!(read(text), Err(Unread::Malformed(_))), "{text}");
        }
    }
}
