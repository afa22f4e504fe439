//! Shapes of text that are constants of ours.

use regex::Regex;

/// A shape that a test has used: one that is none is a bug of ours.
pub(crate) fn regex(shape: &str) -> Regex {
    Regex::new(shape).expect("a constant shape: a test uses each")
}
