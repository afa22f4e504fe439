//! One call of an agent: what it gets, what it tells while it works, and how it can end.

use super::Definition;
use crate::{
    plan::{Role, Script},
    process::{Confines, Limits, secrets},
    run::{Spend, Timestamp},
};
use serde::{Deserialize, Serialize};
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
    /// The model, in the backend's words. `None`: the definition's, else the backend's own choice.
    pub model: Option<String>,
    /// What it is told: the context package, without the definition's prompt.
    pub prompt: String,
    /// What it is told in place of that where it goes on with a conversation, which has the package already.
    pub again: String,
    /// The file name of its cassette, for what records and replays.
    pub cassette: String,
    /// Where it works.
    pub workspace: PathBuf,
    /// Its whole environment, beside what its backend adds.
    pub env: Vec<(OsString, OsString)>,
    /// Where its prompt, its output and its errors are kept. It cannot see into it. For a script it may be there or not: then it comes
    /// with the first output.
    pub folder: PathBuf,
    /// Its home: a folder of its own, made, and kept between the tries of a phase. Its conversations are in it.
    pub home: PathBuf,
    /// What it may write.
    pub writes: WritePolicy,
    /// What it may take. `idle` counts from the last event that was progress.
    pub limits: Limits,
    /// Turns of the model at most, where the backend can count them.
    pub turns: u32,
    /// What it may see and write; `None`: it is not confined, and the backend's own sandbox is all there is.
    pub confines: Option<Confines>,
    /// The conversation to go on with, where the backend can.
    pub session: Option<Session>,
    /// A JSON Schema that its last answer has to meet.
    pub schema: Option<&'static str>,
    /// MCP servers for this one run.
    pub servers: Vec<Server>,
    /// When it was started. A backend has no clock of its own.
    pub at: Timestamp,
}

impl Invocation {
    /// The secrets of its environment, and of its servers'.
    pub fn secrets(&self) -> Vec<String> {
        let of_servers = self.servers.iter().flat_map(|server| &server.env);
        let of_servers: Vec<(OsString, OsString)> =
            of_servers.map(|(name, value)| (name.into(), value.into())).collect();
        [secrets(&self.env), secrets(&of_servers)].concat()
    }
}

/// What an agent may write, as far as the backend can keep it to that; what it wrote is judged anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// Its workspace.
    Workspace,
    /// Nothing.
    Nothing,
}

/// A conversation with a model that can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its name, as the CLI knows it.
    pub id: String,
    /// What the CLI has reported for it so far, where it reports sums over the whole conversation: what is subtracted the next time.
    pub reported: Spend,
}

/// An MCP server on standard input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name; tools are called after it.
    pub name: String,
    /// Its command line.
    pub argv: Vec<String>,
    /// Its environment, beside the agent's.
    pub env: Vec<(String, String)>,
}

/// What an agent does while it works: one type for all backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentEvent {
    /// It has answered for the first time: whoever provides the model lets us in.
    Started,
    /// It said something: what a person reads, not what was asked of it.
    Text(String),
    /// It uses a tool.
    ToolCall {
        /// Tells calls apart.
        id: String,
        /// The tool.
        name: String,
        /// What it is given, shortened.
        input: String,
    },
    /// A tool answered.
    ToolResult {
        /// Which call.
        id: String,
        /// Whether it succeeded.
        is_success: bool,
    },
    /// It was not allowed to do something: told in the report, no failure.
    Denied(String),
    /// The conversation it is in, and what it used since the last time: increments, never totals. Together, since what a sum is
    /// subtracted from must never be known without it, nor the other way round.
    Usage {
        /// Since the last time; nothing where only the conversation is told.
        spend: Spend,
        /// The conversation, once it is known.
        session: Option<Session>,
    },
    /// It is done.
    Finished,
}

impl AgentEvent {
    /// The same with what an agent said in it made another text.
    pub fn reworded(self, change: impl Fn(&str) -> String) -> AgentEvent {
        match self {
            AgentEvent::Text(text) => AgentEvent::Text(change(&text)),
            AgentEvent::ToolCall { id, name, input } => {
                AgentEvent::ToolCall { id, name: change(&name), input: change(&input) }
            }
            AgentEvent::Denied(what) => AgentEvent::Denied(change(&what)),
            same @ (AgentEvent::Started
            | AgentEvent::ToolResult { .. }
            | AgentEvent::Usage { .. }
            | AgentEvent::Finished) => same,
        }
    }
}

/// Takes events as they come. Must not block.
pub type Sink = Arc<dyn Fn(AgentEvent) + Send + Sync>;

/// What an agent handed back. What it cost was told by [`AgentEvent::Usage`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// What it said at the end, or printed: bounded, the whole is in the folder. Where a schema was asked for and met: the JSON.
    pub text: String,
}

/// How an agent can fail. A closed set, because the core acts on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
    #[error("rate limited: {said}")]
    RateLimited {
        /// When to try again; 0: nobody said.
        until: Timestamp,
        /// In the provider's words.
        said: String,
    },
    /// The plan's allowance is used up.
    #[error("usage limit reached: {said}")]
    UsageLimit {
        /// When it resets; 0: nobody said.
        until: Timestamp,
        /// In the provider's words.
        said: String,
    },
    /// The provider has no room, or cannot be reached.
    #[error("the provider is overloaded or cannot be reached: {said}")]
    Overloaded {
        /// In the provider's words.
        said: String,
    },
    /// Nobody is logged in.
    #[error("log in first: {said}")]
    AuthRequired {
        /// In the CLI's words.
        said: String,
    },
    /// Nobody pays.
    #[error("the provider asks for payment: {said}")]
    PaymentRequired {
        /// In the provider's words.
        said: String,
    },
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
        role: Box<str>,
    },
    /// There is no cassette of this call: the recording's lack, not the backend's.
    #[error("no recording of this call: {what}")]
    NoCassette {
        /// Which, and why not.
        what: String,
    },
    /// The conversation is too long: it cannot be gone on with.
    #[error("the context is too long for the model")]
    ContextOverflow,
    /// Out of time.
    #[error("took longer than {} s; `[agents] timeout` in tidegate.toml sets the limit", .0.as_secs())]
    Timeout(std::time::Duration),
    /// Nothing was heard of it for too long.
    #[error("silent for too long; `[agents] idle` in tidegate.toml sets the limit")]
    Idle,
    /// Out of turns.
    #[error("out of turns; `[agents] turns` in tidegate.toml sets the limit")]
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
    #[error("{}", fallen(*code))]
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

/// How it fell over. One that says that all is well and gives no answer has not crashed, for who reads it.
fn fallen(code: i32) -> String {
    match code {
        0 => "ended without an answer".to_owned(),
        code => format!("crashed ({code})"),
    }
}

impl AgentError {
    /// The same with what somebody said in it, or what it names, made another text.
    pub fn reworded(mut self, change: impl Fn(&str) -> String) -> AgentError {
        let said = match &mut self {
            AgentError::GaveUp { tail: said, .. }
            | AgentError::Crashed { tail: said, .. }
            | AgentError::RateLimited { said, .. }
            | AgentError::UsageLimit { said, .. }
            | AgentError::Overloaded { said }
            | AgentError::AuthRequired { said }
            | AgentError::PaymentRequired { said }
            | AgentError::Misconfigured { what: said }
            | AgentError::NoCassette { what: said }
            | AgentError::BadOutput { what: said } => said,
            AgentError::NoScript { .. }
            | AgentError::ContextOverflow
            | AgentError::Timeout(_)
            | AgentError::Idle
            | AgentError::MaxTurns
            | AgentError::Refused
            | AgentError::Stopped => return self,
        };
        *said = change(said);
        self
    }

    /// Its name in spans. Stable.
    pub fn name(&self) -> &'static str {
        match self {
            AgentError::GaveUp { .. } => "gave_up",
            AgentError::RateLimited { .. } => "rate_limited",
            AgentError::UsageLimit { .. } => "usage_limit",
            AgentError::Overloaded { .. } => "overloaded",
            AgentError::AuthRequired { .. } => "auth_required",
            AgentError::PaymentRequired { .. } => "payment_required",
            AgentError::Misconfigured { .. } => "misconfigured",
            AgentError::NoScript { .. } => "no_script",
            AgentError::NoCassette { .. } => "no_cassette",
            AgentError::ContextOverflow => "context_overflow",
            AgentError::Timeout(_) => "timeout",
            AgentError::Idle => "idle",
            AgentError::MaxTurns => "max_turns",
            AgentError::Refused => "refused",
            AgentError::BadOutput { .. } => "bad_output",
            AgentError::Crashed { .. } => "crashed",
            AgentError::Stopped => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::transcript;

    #[test]
    fn what_a_server_is_given_is_as_secret_as_what_its_agent_is_given() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = transcript::invocation(home.path());
        invocation.env = vec![("HTTPS_PROXY".into(), "http://me:opensesame@proxy".into()), ("LANG".into(), "C".into())];
        let env = [("GITHUB_TOKEN", "ghp_12345"), ("PLACE", "here")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        invocation.servers = vec![Server { name: "github".to_owned(), argv: vec!["x".to_owned()], env }];
        assert_eq!(invocation.secrets(), ["opensesame", "ghp_12345"]);
    }
}
