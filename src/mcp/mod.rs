//! How agents reach tidegate: an MCP server on standard input and output, and the words between it and its coordinator.
//!
//! The server is our own program in a hidden mode, started by the agent, in the agent's sandbox: no network, no repository, nothing but
//! the tray of the call, which is all that it has in common with the coordinator. What is only kept goes into files of the tray; what
//! the coordinator is to hear of goes, a line each, through the named pipe [`ASKS`] in it; and the answer to a question comes
//! back through a named pipe that the server makes for it. The agent can write all of this by itself, so the coordinator believes none of it.
//!
//! Its own few methods rather than a library: a server with four tools is a loop over lines, and can be blocking and small.

mod protocol;
mod server;
mod splitter;
mod tool;
mod tray;
mod word;

pub use server::{MODE, NAME, TRAY, serve, serve_main};
pub use splitter::Splitter;
pub use tray::Tray;
pub use word::{ASKS, Ask, Change, EXPERTS, Expert, FEEDBACK, LINE_MAX, Reply, Word};
