//! What does an agent's work: definitions, the backend interface, and its backends.
//!
//! A backend turns one [`Invocation`] into an [`AgentReport`] or an [`AgentError`], and tells what happens on the way as
//! [`AgentEvent`]s. It knows nothing of phases, gates or git: what an ending means is mapped in `perform`, and what
//! counts is what the workspace shows (DESIGN.md section 7).
//!
//! The command lines of coding agents are all driven in one way ([`CommandLine`]); what differs is in a [`Dialect`] each: how it is
//! called, and how what it prints is read.

mod acp;
mod answer;
mod cassette;
mod claude;
mod codex;
mod command_line;
mod complaint;
mod definition;
mod definitions;
mod dialect;
mod feed;
mod frontmatter;
mod gemini;
#[cfg(test)]
mod goldens;
mod home;
mod invocation;
mod lines;
mod login;
mod opencode;
mod patience;
mod plain;
mod tool;
#[cfg(test)]
mod transcript;

pub use acp::Acp;
pub use cassette::{Cassette, Replay, Taped};
pub use claude::Claude;
pub use codex::Codex;
pub use command_line::CommandLine;
pub use definition::{Definition, Origin};
pub use definitions::{Definitions, Page};
pub use dialect::{Answer, Call, Dialect, End, Reader, Step};
pub use gemini::Gemini;
pub use invocation::{AgentError, AgentEvent, AgentReport, Invocation, Server, Session, Sink, WritePolicy};
pub use opencode::OpenCode;
pub use plain::{CommandBackend, SCRIPT, ScriptBackend};

use crate::process::Line;
use jiff::tz::TimeZone;
use std::{future::Future, pin::Pin};

/// What runs agents: a coding agent's CLI, an agent protocol, a plain command, a script.
pub trait Backend: Send + Sync {
    /// Its name in plans, in the configuration and in spans.
    fn name(&self) -> &str;

    /// Whether a conversation can be gone on with in another folder than the one it was begun in.
    fn roams(&self) -> bool {
        false
    }

    /// What stands in nothing that is kept of this call: the secrets of what its agent is given. Those of less than 8 bytes are none.
    fn secrets(&self, invocation: &Invocation) -> Vec<String> {
        invocation.secrets()
    }

    /// Does what the invocation asks. The answer comes when all its processes are gone.
    ///
    /// # Errors
    /// One of a closed set, since the core acts on it.
    fn run(
        &self,
        invocation: Invocation,
        events: Sink,
        line: Line,
    ) -> Pin<Box<dyn Future<Output = Result<AgentReport, AgentError>> + Send + '_>>;
}

/// The dialect of a coding agent's command line; none where the name is of no command line. `zone` is the one in which it writes times.
pub fn dialect(name: &str, zone: &TimeZone) -> Option<Box<dyn Dialect>> {
    match name {
        "claude" => Some(Box::new(Claude)),
        "codex" => Some(Box::new(Codex::new(zone.clone()))),
        "gemini" => Some(Box::new(Gemini)),
        "opencode" => Some(Box::new(OpenCode)),
        _ => None,
    }
}
