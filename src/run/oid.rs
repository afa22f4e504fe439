//! The name of a git object: a commit, a tree, a blob, or the digest of a patch (which is a blob's name too).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// SHA-1 or SHA-256, whichever the repository uses. Small, `Copy`, and without heap.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Oid {
    bytes: [u8; 32],
    /// Bytes used: 0 for none, 20 or 32.
    len: u8,
}

/// Not 40 or 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an object id: {0:?}")]
pub struct NotAnOid(pub String);

impl Oid {
    /// No object: what a node has before anything was made for it.
    pub const NONE: Oid = Oid { bytes: [0; 32], len: 0 };

    /// Whether this names no object.
    pub fn is_none(&self) -> bool {
        self.len == 0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }

    /// An id for simulations and tests, where no git is.
    pub fn of_number(number: u64) -> Oid {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Oid { bytes, len: 20 }
    }
}

impl FromStr for Oid {
    type Err = NotAnOid;

    fn from_str(text: &str) -> Result<Oid, NotAnOid> {
        let digits = text.as_bytes();
        if digits.is_empty() {
            return Ok(Oid::NONE);
        }
        if !matches!(digits.len(), 40 | 64) {
            return Err(NotAnOid(text.chars().take(80).collect()));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |d: u8| (d as char).to_digit(16);
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Err(NotAnOid(text.to_owned()));
            };
            *byte = (high * 16 + low) as u8;
        }
        Ok(Oid { bytes, len: (digits.len() / 2) as u8 })
    }
}

impl TryFrom<String> for Oid {
    type Error = NotAnOid;

    fn try_from(text: String) -> Result<Oid, NotAnOid> {
        text.parse()
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> String {
        oid.to_string()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.bytes) {
            let digit = |of: u8| b"0123456789abcdef"[usize::from(of)];
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(str::from_utf8(&digits[..2 * usize::from(self.len)]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", if self.is_none() { "none".to_owned() } else { self.short() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in ["", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", &"ab".repeat(32)] {
            assert_eq!(text.parse::<Oid>().unwrap().to_string(), text);
        }
        for text in ["4b825dc", "zz825dc642cb6eb9a060e54bf8d69288fbee4904", "é"] {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
    }
}
