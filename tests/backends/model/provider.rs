//! What each provider's protocol has to do: read a request, and tell a turn or a failure.

use super::{
    anthropic::Anthropic,
    asked::{Api, Reading, Request},
    chat::Chat,
    gemini::Gemini,
    reply::{Fault, Usage},
    responses::Responses,
};
use serde_json::Value;

/// What the model does, put into the words of one request's tools.
pub(super) struct Turn {
    /// Different for each answer.
    pub number: usize,
    pub model: String,
    pub text: String,
    pub calls: Vec<Call>,
    pub stop: Stop,
    pub usage: Usage,
}

pub(super) struct Call {
    pub name: String,
    /// JSON for a function; a string for what codex calls a custom tool.
    pub input: Value,
    /// The namespace that the tool was offered in (responses only).
    pub namespace: Option<String>,
    pub is_custom: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Done,
    Calls,
    MaxTokens,
    Refused,
}

/// A turn as a stream of events, in three parts: up to the first piece of text, the rest of what is said, and why it ends.
#[derive(Default)]
pub(super) struct Frames {
    pub opening: Vec<String>,
    pub middle: Vec<String>,
    pub finish: Vec<String>,
}

/// A failure by status.
pub(super) struct Failure {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Failure {
    pub(super) fn new(status: u16, body: Value) -> Failure {
        Failure { status, headers: Vec::new(), body }
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Failure {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn retry_after(self, seconds: Option<u64>) -> Failure {
        match seconds {
            Some(seconds) => self.with("retry-after", seconds),
            None => self,
        }
    }
}

pub(super) trait Provider {
    fn read(&self, request: &Request) -> Reading;
    fn stream(&self, turn: &Turn) -> Frames;
    /// The whole turn at once, for a request that wants no stream.
    fn whole(&self, turn: &Turn) -> Value;
    fn failure(&self, fault: &Fault, model: &str) -> Failure;
    /// A failure as an event of a stream that has begun.
    fn failure_in_stream(&self, failure: &Failure) -> String;
}

pub(super) fn of(api: Api) -> &'static dyn Provider {
    match api {
        Api::Anthropic => &Anthropic,
        Api::Responses => &Responses,
        Api::Gemini => &Gemini,
        Api::Chat => &Chat,
    }
}

/// An event without a name.
pub(super) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event that is named by its `type`.
pub(super) fn event(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or("error"))
}

/// A text in two pieces, so that whoever joins pieces is seen doing it.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let middle = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (first, second) = text.split_at(middle);
    [first, second].into_iter().filter(|piece| !piece.is_empty()).collect()
}

/// Splits a stream's events behind the first one that holds text, or behind the first of all.
pub(super) fn split(events: Vec<(bool, String)>, finish: Vec<String>) -> Frames {
    let first = events.iter().position(|(is_text, _)| *is_text).unwrap_or(0);
    let mut opening: Vec<String> = events.into_iter().map(|(_, event)| event).collect();
    let middle = opening.split_off((first + 1).min(opening.len()));
    Frames { opening, middle, finish }
}
