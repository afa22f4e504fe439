//! What a command line asked the model, in words that are the same for all providers.

use super::provider;
use serde_json::Value;
use std::path::PathBuf;

/// What a server of models speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/v1/messages`: claude.
    Anthropic,
    /// `/v1/responses`: codex.
    Responses,
    /// `:streamGenerateContent`: gemini.
    Gemini,
    /// `/v1/chat/completions`: opencode.
    Chat,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What was asked for; of a request for nothing that the server knows, the one whose shape it answers in.
    pub api: Api,
    /// Method, path and query.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `null` if it is no JSON.
    pub body: Value,
    /// Whether the server answered by itself: a title, a count of tokens, a list of models, what follows a search for tools.
    pub is_side: bool,
    /// Whether the answer is to come in pieces.
    pub is_streamed: bool,
    /// How many requests the script had answered before; 0 for a side request.
    pub before: usize,
    /// The command line's own id of the session, where it tells one (gemini does not).
    pub session: Option<String>,
    pub model: String,
    /// All of the system prompt and of what developers say.
    pub system: String,
    /// What a person said, oldest first, without what the command line adds on its own.
    pub prompts: Vec<String>,
    /// The names of tools that may be called, also of those that codex offers within its `exec`.
    pub tools: Vec<String>,
    /// What tools gave back since the last prompt, oldest first.
    pub results: Vec<String>,
    /// Every text in the conversation, in order: prompts, answers, inputs and results of tools.
    pub texts: Vec<String>,
}

impl Asked {
    /// The last prompt, without white space around it.
    pub fn prompt(&self) -> &str {
        self.prompts.last().map_or("", |prompt| prompt.trim())
    }

    /// Whether the conversation holds this text anywhere.
    pub fn has_heard(&self, text: &str) -> bool {
        self.texts.iter().any(|heard| heard.contains(text))
    }

    /// Whether a tool may be called.
    pub fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The folder that the command line works in, as it tells the model.
    pub fn folder(&self) -> Option<PathBuf> {
        let marks = ["Primary working directory: ", "<cwd>", "Workspace Directories:**\n  - ", "Working directory: "];
        let all = || self.texts.iter().chain([&self.system]);
        marks.iter().find_map(|mark| {
            let (_, rest) = all().find_map(|text| text.split_once(mark))?;
            let end = rest.find(['\n', '<']).unwrap_or(rest.len());
            Some(PathBuf::from(rest[..end].trim()))
        })
    }
}

/// A request before the server knows what to do with it.
pub(super) struct Request {
    pub line: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

/// What a provider reads out of a request.
#[derive(Default)]
pub(super) struct Reading {
    pub is_side: bool,
    pub is_streamed: bool,
    pub model: String,
    pub system: Vec<String>,
    pub tools: Vec<String>,
    pub told: Vec<Told>,
}

/// One thing that was said in a conversation.
pub(super) enum Told {
    /// By a person, or by the command line in a person's name.
    User(String),
    /// By the model, with the inputs of its calls.
    Model(String),
    /// By a tool.
    Result(String),
    /// By a tool that the server called on its own. Nobody is told.
    OwnResult(String),
}

/// What command lines say in a person's name.
const ADDED: [&str; 6] = [
    "<system-reminder>",
    "<environment_context>",
    "<session_context>",
    "<user_instructions>",
    "<turn_aborted>",
    "# AGENTS.md instructions",
];

impl Request {
    pub(super) fn asked(self, api: Api) -> Asked {
        let reading = provider::of(api).read(&self);
        let mut asked = Asked {
            api,
            is_side: reading.is_side,
            is_streamed: reading.is_streamed,
            before: 0,
            session: None,
            model: reading.model,
            system: reading.system.join("\n"),
            prompts: Vec::new(),
            tools: reading.tools,
            results: Vec::new(),
            texts: Vec::new(),
            line: self.line,
            headers: self.headers,
            body: self.body,
        };
        for told in reading.told {
            asked.hear(told);
        }
        let session = ["x-claude-code-session-id", "thread-id", "x-session-id"];
        asked.session = session.iter().find_map(|name| asked.header(name)).map(str::to_owned);
        asked
    }
}

impl Asked {
    fn hear(&mut self, told: Told) {
        let text = match told {
            Told::User(text) => {
                if !ADDED.iter().any(|added| text.trim_start().starts_with(added)) {
                    self.prompts.push(text.clone());
                    self.results.clear();
                }
                text
            }
            Told::Result(text) => {
                self.results.push(text.clone());
                text
            }
            Told::Model(text) | Told::OwnResult(text) => text,
        };
        self.texts.push(text);
    }
}

/// The strings of a JSON value that a person would read as its text: itself, or its `text` parts.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(part) => match part.get("text") {
            Some(Value::String(text)) => text.clone(),
            _ => value.to_string(),
        },
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The elements of an array in an object, or none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// A string in an object, or an empty one.
pub(super) fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
