//! What an agent is told: the context package of one invocation, as one Markdown text.

mod package;

pub use package::{Package, feedback};
