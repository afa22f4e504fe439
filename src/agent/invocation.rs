//! One call of an agent: what it gets, what it tells while it works, and how it can end.

use super::Definition;
use crate::{
    plan::{Role, Script},
    process::Limits,
    run::{Spend, Timestamp},
};
use std::{ffi::OsString, path::PathBuf, sync::Arc};

/// One call of an agent.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What it is asked to be.
    pub role: Role,
    /// Its definition: the prompt it is given as its own, its tools, its model.
    pub definition: Option<Arc<Definition>>,
    /// The script that stands in for it, when the task carries one.
    pub script: Option<Script>,
    /// What it is told: the context package.
    pub prompt: String,
    /// Where it works.
    pub workspace: PathBuf,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where its prompt, its output and its errors are kept.
    pub folder: PathBuf,
    /// What it may write.
    pub writes: WritePolicy,
    /// What it may take.
    pub limits: Limits,
    /// The conversation to go on with, where the backend can.
    pub session: Option<String>,
}

/// What an agent may write, as far as the backend can keep it to that; what it wrote is judged anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// Its workspace.
    Workspace,
    /// Nothing.
    Nothing,
}

/// What an agent does while it works: one type for all backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// It has started.
    Started,
    /// It said something.
    Text(String),
    /// It uses a tool.
    ToolCall {
        /// The tool.
        name: String,
        /// What it is given, shortened.
        input: String,
    },
    /// A tool answered.
    ToolResult {
        /// Whether it succeeded.
        is_success: bool,
    },
    /// What it used since the last time: increments, never totals.
    Usage(Spend),
    /// The conversation's name.
    Session(String),
    /// It is done.
    Finished,
}

/// Takes events as they come. Must not block.
pub type Sink = Arc<dyn Fn(AgentEvent) + Send + Sync>;

/// What an agent handed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentReport {
    /// What it said at the end, or printed: bounded, the whole is in the folder.
    pub text: String,
    /// The conversation's name, to go on with.
    pub session: Option<String>,
    /// What it cost that had not been told.
    pub spend: Spend,
}

/// How an agent can fail. A closed set, because the core acts on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// It worked, and says that it could not do it: a failed try. What it printed last.
    #[error("gave up with exit code {code}")]
    GaveUp {
        /// Its exit code.
        code: i32,
        /// What it printed last.
        tail: String,
    },
    /// Too many requests.
    #[error("rate limited")]
    RateLimited {
        /// When to try again.
        until: Timestamp,
    },
    /// The plan's allowance is used up.
    #[error("usage limit reached")]
    UsageLimit {
        /// When it resets.
        until: Timestamp,
    },
    /// The provider has no room.
    #[error("the provider is overloaded")]
    Overloaded,
    /// Nobody is logged in.
    #[error("log in first")]
    AuthRequired,
    /// Nobody pays.
    #[error("the provider asks for payment")]
    PaymentRequired,
    /// It cannot work as it is configured.
    #[error("misconfigured: {what}")]
    Misconfigured {
        /// What is wrong.
        what: String,
    },
    /// The task has no script for what it is asked to be: the task's lack, not the backend's.
    #[error("the task carries no script for the role {role}")]
    NoScript {
        /// The role.
        role: &'static str,
    },
    /// The conversation is too long.
    #[error("the context is too long for the model")]
    ContextOverflow,
    /// Out of time.
    #[error("took longer than {} s; `[agents] timeout` in tidegate.toml sets the limit", .0.as_secs())]
    Timeout(std::time::Duration),
    /// Nothing was heard of it for too long.
    #[error("silent for too long")]
    Idle,
    /// Out of turns.
    #[error("out of turns")]
    MaxTurns,
    /// The model refused.
    #[error("the model refused")]
    Refused,
    /// It answered, and not what was asked.
    #[error("unreadable output: {what}")]
    BadOutput {
        /// What was read.
        what: String,
    },
    /// It fell over.
    #[error("crashed ({code})")]
    Crashed {
        /// As shells say it.
        code: i32,
        /// What it printed last.
        tail: String,
    },
    /// It was asked to stop, by us.
    #[error("stopped")]
    Stopped,
}
