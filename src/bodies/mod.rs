//! Bodies of functions: which of them a patch changes, and the same text with these emptied. Text in, text out.
//!
//! An emptied body keeps its old text where nothing reaches it: behind a guard that returns the zero value of its type, or panics. Names
//! stay used and types inferred, so that what built still builds where warnings are errors, and where an unused import is one.

mod ecmascript;
mod elixir;
mod filling;
mod function;
mod go;
mod java;
mod language;
mod outline;
mod patch;
mod python;
mod rename;
mod rust;
mod rust_zero;
mod syntax;

pub use filling::{Emptied, Filling};
pub use function::Function;
pub use language::{Language, Source};
pub use patch::{Edited, Left, Patch, Version, Why};
