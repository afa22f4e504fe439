//! What is wrong with the documents, where, and what to write instead. All faults are told, never the first only.

use super::Span;

/// Whether a fault refuses the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run goes on; with `--strict` it does not.
    Warning,
    /// Nothing is touched.
    Error,
}

/// A piece of underlined text and what to say under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What to underline.
    pub at: Span,
    /// What to say there; may be empty.
    pub text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Refused, or told.
    pub severity: Severity,
    /// A stable name for machines: `unknown-dependency`, `cycle`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub text: String,
    /// Where; the first is the main one. Empty when the fault has no place (a missing file).
    pub labels: Vec<Label>,
    /// What to write or do instead.
    pub help: Option<String>,
}
