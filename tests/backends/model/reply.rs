//! What a script answers, in words that are the same for all providers.

use super::asked::Asked;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Tokens of one answer. They add up: no token is in two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Input that came from no cache.
    pub input: u64,
    /// Input read from a cache.
    pub cached: u64,
    /// Input written to a cache. Only Anthropic's API tells it; elsewhere it counts as input.
    pub written: u64,
    pub output: u64,
}

impl Default for Usage {
    fn default() -> Usage {
        Usage { input: 100, cached: 0, written: 0, output: 20 }
    }
}

impl Usage {
    /// No tokens.
    pub const NONE: Usage = Usage { input: 0, cached: 0, written: 0, output: 0 };

    /// All input, cached or not, as OpenAI and Gemini count it.
    pub fn input_with_cached(self) -> u64 {
        self.input + self.cached + self.written
    }

    pub(super) fn plus(self, other: Usage) -> Usage {
        Usage {
            input: self.input + other.input,
            cached: self.cached + other.cached,
            written: self.written + other.written,
            output: self.output + other.output,
        }
    }
}

/// A failure that each provider tells in its own way.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 429, too many requests, with `retry-after` in seconds (Gemini: a `RetryInfo`).
    RateLimited { retry_after: Option<u64> },
    /// 429 until a time, in seconds since 1970. Anthropic: the unified headers (a five-hour limit, read only with an OAuth token);
    /// responses: `usage_limit_reached`; Gemini: a quota for the day, which tells no time; chat: `retry-after` until then.
    UsageLimit { resets_at: u64 },
    /// 429 for this minute. Gemini: a quota violation with a `RetryInfo`; elsewhere as `RateLimited`.
    MinuteQuota { retry_after: u64 },
    /// Somebody has to pay. Anthropic: 400, the credit balance is too low; OpenAI: 429 `insufficient_quota`; Gemini: 403.
    NoCredit,
    /// Anthropic: 529; elsewhere 503.
    Overloaded,
    /// 500.
    Internal,
    /// 401. Gemini: 400 `API_KEY_INVALID`, as the real one says it.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404, with the name of the model.
    UnknownModel,
    /// 400, the conversation is too long for the model.
    TooLong,
    /// 413, the request is too large for the server.
    TooLarge,
    /// 400 for any other reason.
    Invalid,
}

/// What the model does with a tool of the command line.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Shell(String),
    Write { path: PathBuf, content: String },
    Call { name: String, input: Value },
    Mcp { server: String, tool: String, input: Value },
    Structured(Value),
}

/// How an answer goes.
#[derive(Clone, Debug)]
pub(super) enum Course {
    Whole,
    MaxTokens,
    Refused,
    /// The connection is closed after the first piece.
    Cut,
    /// The stream ends in order, but nothing says why the model stopped.
    Endless,
    /// Nothing follows the first piece, and the connection stays open.
    Stalled,
    /// Not even a status line comes.
    Hung,
    Fails(Fault),
    FailsInStream(Fault),
    Raw {
        status: u16,
        body: Value,
    },
}

/// One answer of the model.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) text: String,
    pub(super) actions: Vec<Action>,
    pub(super) course: Course,
    pub(super) usage: Usage,
    pub(super) headers: Vec<(String, String)>,
}

impl Reply {
    fn on(course: Course) -> Reply {
        Reply { text: String::new(), actions: Vec::new(), course, usage: Usage::default(), headers: Vec::new() }
    }

    fn doing(action: Action) -> Reply {
        Reply { actions: vec![action], ..Reply::on(Course::Whole) }
    }

    /// Text, and the turn is over.
    pub fn say(text: impl Into<String>) -> Reply {
        Reply::on(Course::Whole).saying(text)
    }

    /// A call of the command line's own shell tool.
    pub fn shell(command: impl Into<String>) -> Reply {
        Reply::doing(Action::Shell(command.into()))
    }

    /// A call of the command line's own tool that writes a file, or of its shell where it has none.
    pub fn write(path: impl AsRef<Path>, content: impl Into<String>) -> Reply {
        Reply::doing(Action::Write { path: path.as_ref().to_owned(), content: content.into() })
    }

    /// A call of a tool by the name under which it is offered.
    pub fn call(name: impl Into<String>, input: Value) -> Reply {
        Reply::doing(Action::Call { name: name.into(), input })
    }

    /// A call of a tool of an MCP server; each command line joins the two names in its own way.
    pub fn mcp(server: impl Into<String>, tool: impl Into<String>, input: Value) -> Reply {
        Reply::doing(Action::Mcp { server: server.into(), tool: tool.into(), input })
    }

    /// The answer that fits a schema: claude's `StructuredOutput` where it is offered, elsewhere the JSON as text.
    pub fn structured(output: Value) -> Reply {
        Reply::doing(Action::Structured(output))
    }

    /// A failure by HTTP status, as this provider tells it.
    pub fn fail(fault: Fault) -> Reply {
        Reply::on(Course::Fails(fault))
    }

    /// The same failure, in a stream that began with status 200.
    pub fn fail_in_stream(fault: Fault) -> Reply {
        Reply::on(Course::FailsInStream(fault))
    }

    /// Any status and JSON body.
    pub fn status(status: u16, body: Value) -> Reply {
        Reply::on(Course::Raw { status, body })
    }

    /// The connection is closed in the middle of this text.
    pub fn cut(text: impl Into<String>) -> Reply {
        Reply::on(Course::Cut).saying(text)
    }

    /// The stream ends in order after this text, but without a finish reason.
    pub fn without_finish(text: impl Into<String>) -> Reply {
        Reply::on(Course::Endless).saying(text)
    }

    /// The stream stays open after the first piece of this text, and nothing more comes.
    pub fn stall(text: impl Into<String>) -> Reply {
        Reply::on(Course::Stalled).saying(text)
    }

    /// No answer at all while the server lives.
    pub fn hang() -> Reply {
        Reply::on(Course::Hung)
    }

    /// The model refuses (Anthropic), or a filter stops it (the others).
    pub fn refuse() -> Reply {
        Reply::on(Course::Refused)
    }

    /// The model is cut off after this text, since it said as much as it may.
    pub fn max_tokens(text: impl Into<String>) -> Reply {
        Reply::on(Course::MaxTokens).saying(text)
    }

    /// The same, with text before what it does.
    pub fn saying(mut self, text: impl Into<String>) -> Reply {
        self.text = text.into();
        self
    }

    /// The same, followed by what another reply does. Text and course are those of the first.
    pub fn and(mut self, other: Reply) -> Reply {
        self.actions.extend(other.actions);
        self
    }

    /// The same, with these tokens.
    pub fn using(mut self, usage: Usage) -> Reply {
        self.usage = usage;
        self
    }

    /// The same, with one more response header. It replaces one of the same name.
    pub fn with_header(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Whether the provider would count its tokens.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.course, Course::Whole | Course::MaxTokens | Course::Refused)
    }
}

/// A script that gives these replies one after the other, and the last one from then on.
pub fn steps(replies: impl IntoIterator<Item = Reply>) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let replies: Vec<Reply> = replies.into_iter().collect();
    move |asked| {
        let at = asked.before.min(replies.len().saturating_sub(1));
        replies.get(at).cloned().unwrap_or_else(|| Reply::say(""))
    }
}
