//! The only ones who start anything: resident wardens, process trees, limits, captured output.

mod program;

pub use program::{Exit, How, Launch, Limits, Line, Program};
