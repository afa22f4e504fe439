//! What people see while a run goes: bars on a terminal, lines off it, JSON for machines. Owns indicatif and dashmap.
//!
//! The fold itself is [`crate::board`]. A [`Screen`] folds each entry in, at once and on the caller's thread, and hands
//! what is to be printed to a thread of its own: a slow terminal loses lines and says how many, it never holds a run up.

mod bars;
mod json;
mod lines;
mod live;
mod rows;
mod screen;
mod terminal;

pub use bars::Bars;
pub use json::Json;
pub use lines::Lines;
pub use live::{Live, Saying};
pub use screen::{Folded, Screen};

use crate::{
    board::{Board, News, Running, Standing},
    plan::NodeId,
    run::{Entry, Timestamp},
};

/// What one entry comes to, for printing: made under the board's lock, printed without it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// In plain words.
    pub news: Vec<News>,
    /// For machines: one JSON object a line, made only where a view asks for it.
    pub objects: Vec<String>,
}

/// How it ended, for whoever looked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// The last word for people, printed as it is. May be empty.
    pub text: String,
    /// The program's exit code, where that is known.
    pub exit: Option<u8>,
    /// `done`, `returned`, `stopped`, `interrupted` or `broken`.
    pub outcome: Option<&'static str>,
    /// What holds the result: a branch, a ref or a commit.
    pub place: Option<String>,
    /// The commit that the run has come to.
    pub commit: Option<String>,
    /// Tasks of the plan, and how many of them are done.
    pub tasks: Option<(u32, u32)>,
}

/// One way to show a run. All calls come from one thread.
pub trait View: Send {
    /// Something happened.
    fn entry(&mut self, told: &Told);
    /// Time went on. At most some ten times a second; may be called much less often.
    fn tick(&mut self, now: Timestamp);
    /// Something to say that no entry tells: a log line, a warning.
    fn note(&mut self, text: &str);
    /// Lines were lost, since whoever reads was too slow.
    fn lost(&mut self, lines: u64) {
        self.note(&format!("{lines} lines were left out: the output was too slow for them"));
    }
    /// The run is over: clears what moves, and says the last word.
    fn finish(&mut self, last: &Last);
}

/// An entry for a renderer: what it says, and what the board knew before it was folded in.
pub struct Fresh<'a> {
    /// The board with the entry folded in.
    pub board: &'a Board,
    /// The entry.
    pub entry: &'a Entry,
    /// The job it ended, if it ended one: the board no longer has it.
    pub ended: Option<Running>,
    /// The nodes that now stand elsewhere than before.
    pub moved: Vec<(NodeId, Standing)>,
}

/// What a view wants made of entries, beside their news. Runs on the teller's thread, under the board's lock: it prints nothing.
pub type Render = fn(&Fresh<'_>) -> Vec<String>;
