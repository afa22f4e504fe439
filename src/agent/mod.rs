//! What does an agent's work: definitions, the backend interface, and its backends.
//!
//! A backend turns one [`Invocation`] into an [`AgentReport`] or an [`AgentError`], and tells what happens on the way as
//! [`AgentEvent`]s. It knows nothing of phases, gates or git: what an ending means is mapped in `perform`, and what
//! counts is what the workspace shows (DESIGN.md section 7).
//!
//! The command lines of coding agents are all driven in one way ([`CommandLine`]); what differs is in a [`Dialect`] each: how it is
//! called, and how what it prints is read.

mod claude;
mod codex;
mod command_line;
mod definition;
mod dialect;
mod home;
mod invocation;
mod lines;
mod script;
#[cfg(test)]
mod transcripts;

pub use claude::Claude;
pub use codex::Codex;
pub use command_line::CommandLine;
pub use definition::Definition;
pub use dialect::{Answer, Call, Dialect, End, Reader, Step};
pub use invocation::{AgentError, AgentEvent, AgentReport, Invocation, Server, Session, Sink, WritePolicy};
pub use script::ScriptBackend;

use crate::process::Line;
use std::{future::Future, pin::Pin};

/// What runs agents: a coding agent's CLI, an agent protocol, a plain command, a script.
pub trait Backend: Send + Sync {
    /// Its name in plans, in the configuration and in spans.
    fn name(&self) -> &str;

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
