//! What an author wrote, in any of the shapes we read, each piece with its place in the source. Plain data.

use super::{Demand, Parse, Phase, Role};

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
    /// First byte of each line.
    starts: Vec<u32>,
}

impl Source {
    /// The document with an index of its lines.
    pub fn new(path: String, text: String) -> Source {
        let ends = text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at as u32 + 1);
        Source { path, starts: std::iter::once(0).chain(ends).collect(), text }
    }

    /// Number of the line of a byte, from 0, and the line's first byte.
    pub fn line_of(&self, byte: u32) -> (usize, usize) {
        let line = self.starts.partition_point(|&start| start <= byte).saturating_sub(1);
        (line, self.starts.get(line).map_or(0, |&start| start as usize))
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written<T> {
    /// What was written. Text is without markup, with single blanks.
    pub value: T,
    /// Where.
    pub at: Span,
}

/// Everything a reader understood of a topic's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The topic's slug.
    pub topic: String,
    /// What kind of document it was read as.
    pub form: FormName,
    /// What was read.
    pub sources: Vec<Source>,
    /// The breakdown's title.
    pub title: Option<Written<String>>,
    /// The streams, in the order of their headings.
    pub streams: Vec<StreamDraft>,
    /// The tasks, in the order written.
    pub tasks: Vec<TaskDraft>,
    /// Parts that follow one after the other, in order; none where the document has no such parts.
    pub phases: Vec<PhaseDraft>,
    /// Quality-gate lines.
    pub gates: Vec<GateDraft>,
    /// Arrows that say once more what waits for what.
    pub arrows: Vec<Arrow>,
    /// Text that belongs to no task.
    pub context: String,
}

/// What people call a kind of document, and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormName {
    /// `breakdown`, `chunk plan`.
    pub name: &'static str,
    /// What it calls its tasks: `task`, `chunk`.
    pub noun: &'static str,
    /// Whether it has a place for quality gates.
    pub has_gates: bool,
}

impl FormName {
    /// What it calls several of its tasks.
    pub fn nouns(&self) -> String {
        self.noun.strip_suffix('y').map_or_else(|| format!("{}s", self.noun), |stem| format!("{stem}ies"))
    }
}

impl Default for FormName {
    fn default() -> FormName {
        FormName { name: "breakdown", noun: "task", has_gates: true }
    }
}

/// A stream as its heading has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDraft {
    /// `C`, or a slug of the title where it has no label.
    pub id: Written<String>,
    /// What else it may be called by in dependencies.
    pub aliases: Vec<String>,
    /// Without the heading's notes.
    pub title: Written<String>,
    /// What the stream as a whole waits for.
    pub needs: Vec<Needs>,
    /// Commands that settle its gate.
    pub checks: Vec<ScriptDraft>,
}

/// A part of a document all of whose tasks are over before those of the next one begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseDraft {
    /// `2`, or a slug of the title where it has no number.
    pub id: Written<String>,
    /// Without the number.
    pub title: Written<String>,
    /// What is said to hold at its end.
    pub gates: Vec<Written<String>>,
}

/// What the order of a document puts before a task: a place in the draft's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    /// This task's gate.
    Task(usize),
    /// All tasks of this phase, by the phase's gate: as many edges as tasks, and not their product.
    Phase(usize),
}

/// What shows an order beside the fields of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The graph of a chunk plan: a disagreement is an error.
    Graph,
    /// A second document: a disagreement is a warning.
    Document,
    /// A table's row, or a line beside the tasks: it need not say everything, and is a warning where it says what no field does.
    Row,
}

/// An arrow of a drawing, of a table or of a second document, between two tasks (places among the tasks): it has to agree with what
/// the tasks themselves state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it begins.
    pub before: usize,
    /// Where it ends.
    pub after: usize,
    /// Where it is drawn.
    pub at: Span,
    /// By what.
    pub by: Shown,
}

/// A task as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskDraft {
    /// Its label; a task without one gets a slug of its title.
    pub id: Option<Written<String>>,
    /// What else it may be called by in dependencies.
    pub aliases: Vec<String>,
    /// May be empty, which is a fault.
    pub title: Written<String>,
    /// The line (or lines) that makes it a task.
    pub head: Span,
    /// Id of its stream, from the heading above it or from its own field.
    pub stream: Option<Written<String>>,
    /// One for each field that states dependencies; a stated `None` is a field without references.
    pub needs: Vec<Needs>,
    /// One for each field that states what waits for it.
    pub blocks: Vec<Needs>,
    /// What it comes after by the order of the document, whatever it states itself.
    pub order: Vec<Prior>,
    /// The phase that it belongs to, by place.
    pub phase: Option<usize>,
    /// Its box is checked.
    pub is_done: bool,
    /// The author's estimate.
    pub effort: Option<Written<Effort>>,
    /// What is said about tests, one for each field.
    pub tests: Vec<Written<String>>,
    /// Declared paths, folders and globs.
    pub files: Vec<Written<String>>,
    /// What it needs for itself.
    pub claims: Vec<ClaimDraft>,
    /// What the `Phases` field names.
    pub phases: Vec<Written<Option<Phase>>>,
    /// Acceptance and success criteria.
    pub acceptance: Vec<Written<String>>,
    /// The landing's subject.
    pub commit: Option<Written<String>>,
    /// Who the author would like to do it.
    pub agent: Option<Written<String>>,
    /// Its checklist.
    pub steps: Vec<StepDraft>,
    /// Criteria of its own gate.
    pub gates: Vec<Written<String>>,
    /// Its fenced scripts.
    pub scripts: Vec<ScriptDraft>,
    /// Its whole text as written, without its scripts.
    pub text: String,
}

/// Something that a task needs for itself: a port, a database, a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimDraft {
    /// Its name.
    pub name: Written<String>,
    /// Whether the field says that it excludes others. One that only lists resources may be prose.
    pub is_certain: bool,
}

/// One line of a task's checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDraft {
    /// `1.2`, where it has a number.
    pub id: Option<Written<String>>,
    /// What is to be done.
    pub title: Written<String>,
    /// Its box is checked.
    pub is_done: bool,
}

/// A fenced block whose info string names a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptDraft {
    /// For whom it stands in.
    pub role: Role,
    /// Tells reviewers apart.
    pub name: Option<String>,
    /// Without the indentation of its fence.
    pub body: String,
    /// What its fence says of a figure that it prints, where it says anything.
    pub figure: Option<FigureDraft>,
    /// The bound of that figure, where its fence states one.
    pub bound: Option<Demand>,
    /// The opening fence's line.
    pub at: Span,
}

/// How a fence says that the figure of its script is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FigureDraft {
    /// `figure=exit`: there is none, its exit code settles it.
    Exit,
    /// `figure=last`, a pattern with one group, or a JSON pointer.
    Printed(Parse),
    /// `report=coverage.xml`: the share of covered lines in what it leaves.
    Reports(Vec<Box<str>>),
}

/// A quality-gate line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateDraft {
    /// `1` in `Gate 1`.
    pub id: Option<Written<String>>,
    /// Without its `(after ...)`.
    pub text: Written<String>,
    /// What it stands behind; nothing: the system, unless it is written in a stream's section.
    pub after: Option<Needs>,
    /// The stream in whose section it is written.
    pub stream: Option<String>,
    /// Commands that settle it.
    pub checks: Vec<ScriptDraft>,
}

/// One field or note that states dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The whole text, which may be a title with commas in it.
    pub text: Written<String>,
    /// What it names, piece by piece.
    pub names: Vec<Written<Name>>,
}

/// What a dependency text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `Task 5`, `T001`, `A1`, `5`. `plain` when a kind word or a bare number leaves no doubt that a task is meant.
    Task {
        /// The label.
        id: String,
        /// Whether it can be nothing but a reference.
        plain: bool,
    },
    /// `Tasks 1-3`: both ends and all tasks between them.
    Tasks(String, String),
    /// `Task: Title`.
    Title(String),
    /// `Stream A`. `plain` as for tasks.
    Stream {
        /// The label.
        id: String,
        /// Whether it can be nothing but a reference.
        plain: bool,
    },
    /// `Streams A-F`.
    Streams(String, String),
    /// `Stream A task 2`: by its number, else by its place in the stream.
    InStream {
        /// The stream's label.
        stream: String,
        /// The task's.
        task: String,
    },
    /// `All groups`.
    AllStreams(Extent),
    /// `All tasks`.
    AllTasks(Extent),
    /// `Gate 2`: what a gate line of that id makes.
    Gate(String),
    /// `... except Task 3`: what the field's other names do not mean.
    Except(Box<Name>),
    /// Perhaps a task's title, else prose.
    Words(String),
}

/// Which of all tasks, or of all streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All others.
    Others,
    /// All that are written before: `all previous tasks`.
    Before,
    /// The one that is written right before: `the previous task`.
    Last,
}

/// An author's estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// `Small`, `S`.
    Small,
    /// `Medium`, `M`.
    Medium,
    /// `Large`, `L`.
    Large,
    /// `XL`.
    ExtraLarge,
    /// `2 hours`, `30 min`, `3 days` (of eight hours).
    Minutes(u32),
}

impl Draft {
    /// The text of a span; empty for a span of another draft.
    pub fn slice(&self, at: Span) -> &str {
        let source = self.sources.get(usize::from(at.source.0));
        source.and_then(|s| s.text.get(at.start as usize..at.end as usize)).unwrap_or_default()
    }

    /// Line of the span's first byte, from 1; zero for a span of another draft.
    pub fn line(&self, at: Span) -> u32 {
        self.sources.get(usize::from(at.source.0)).map_or(0, |source| source.line_of(at.start).0 as u32 + 1)
    }

    /// Line and column (in characters) of the span's first byte, from 1.
    pub fn place(&self, at: Span) -> (u32, u32) {
        let Some(source) = self.sources.get(usize::from(at.source.0)) else {
            return (0, 0);
        };
        let (line, start) = source.line_of(at.start);
        let before = source.text.get(start..at.start as usize).unwrap_or_default();
        (line as u32 + 1, before.chars().count() as u32 + 1)
    }
}

/// Lowercase words joined by dashes: the id of what has no label, the folder of a phrase.
pub fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.len() + word.len() > 60 && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(60));
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_words_and_dashes() {
        assert_eq!(slug("Real-time Chat, with LiveView!"), "real-time-chat-with-liveview");
        assert_eq!(slug("../.."), "");
    }

    #[test]
    fn a_slug_ends_with_the_last_word_that_has_room() {
        let (half, more) = ("a".repeat(30), "b".repeat(31));
        assert_eq!(slug(&format!("{half} {half} c")), format!("{half}-{half}"));
        assert_eq!(slug(&format!("{half} {more} c")), half);
        assert_eq!(slug(&"é".repeat(70)), "é".repeat(60), "of one word what has room");
    }

    #[test]
    fn a_place_is_a_line_and_a_column_in_characters_from_one() {
        let text = "# Plan\n\n- Täsk one\n";
        let (path, text) = ("breakdown.md".to_owned(), text.to_owned());
        let draft = Draft { sources: vec![Source::new(path, text)], ..Draft::default() };
        let at = |word: &str| {
            let start = draft.sources[0].text.find(word).unwrap() as u32;
            Span { source: SourceId(0), start, end: start + word.len() as u32 }
        };
        for (word, place) in [("# Plan", (1, 1)), ("Plan", (1, 3)), ("\n- T", (2, 1)), ("- T", (3, 1)), ("one", (3, 8))]
        {
            let span = at(word);
            assert_eq!((draft.slice(span), draft.line(span), draft.place(span)), (word, place.0, place), "{word:?}");
        }
        assert_eq!(draft.sources[0].line_of(10), (2, 8));
        let foreign = Span { source: SourceId(7), start: 0, end: 1 };
        assert_eq!((draft.slice(foreign), draft.line(foreign), draft.place(foreign)), ("", 0, (0, 0)));
        let (mut within, mut beyond) = (at("Täsk"), at("one"));
        (within.end, beyond.end) = (within.start + 2, 900);
        assert_eq!((draft.slice(within), draft.slice(beyond)), ("", ""), "no text ends there");
    }
}
