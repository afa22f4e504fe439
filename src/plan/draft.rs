//! What an author wrote, in any of the shapes we read, each piece with its place in the source. Plain data.

/// Which of a draft's sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path relative to the repository, for people.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// A range of bytes in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which source.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub at: Span,
}

/// Everything a reader understood of a topic's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What was read.
    pub sources: Vec<Source>,
}
