//! Filling: a text with the bodies of some of its functions emptied, and everything else as it was.

use super::Function;
use std::ops::RangeInclusive;

/// What stands in an emptied body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// The zero value of its type, where one is known; else a panic.
    Zero,
    /// A panic, or what the language has for one.
    Panic,
}

/// A text with emptied bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emptied {
    /// The whole text.
    pub text: String,
    /// The lines from 1 on which each of the functions stands in it, in their order.
    pub lines: Vec<RangeInclusive<u32>>,
}

/// What a panic says, where it can say something.
pub(super) const WORDS: &str = "tidegate: the body is out";

impl Emptied {
    /// Empties the functions of a text. They are in the order of the text, and none stands in another.
    pub(super) fn of(text: &str, functions: &[Function], filling: impl Fn(usize) -> Filling) -> Emptied {
        let mut out = Emptied { text: String::with_capacity(text.len() + 48 * functions.len()), lines: Vec::new() };
        let (mut at, mut lines) = (0, Lines::default());
        for (index, function) in functions.iter().enumerate() {
            let edits = match (filling(index), &function.edits.zero) {
                (Filling::Zero, Some(zero)) => zero,
                (Filling::Zero, None) | (Filling::Panic, _) => &function.edits.panic,
            };
            out.text.push_str(text.get(at..function.span.start).unwrap_or_default());
            at = function.span.start;
            let first = lines.at(&out.text);
            let is_empty = edits.first().is_none_or(|edit| text[edit.range.start..].starts_with(&edit.text));
            for edit in edits.iter().filter(|_| !is_empty) {
                out.text.push_str(text.get(at..edit.range.start).unwrap_or_default());
                out.text.push_str(&edit.text);
                at = edit.range.end;
            }
            out.text.push_str(text.get(at..function.span.end).unwrap_or_default());
            at = at.max(function.span.end);
            out.lines.push(first..=lines.at(&out.text));
        }
        out.text.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

/// Counts lines, each once.
#[derive(Default)]
struct Lines {
    upto: usize,
    ends: usize,
}

impl Lines {
    fn at(&mut self, text: &str) -> u32 {
        self.ends += text.as_bytes()[self.upto..].iter().filter(|byte| **byte == b'\n').count();
        self.upto = text.len();
        u32::try_from(self.ends + 1).unwrap_or(u32::MAX)
    }
}
