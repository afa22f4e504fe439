//! The protocol: JSON-RPC 2.0 with the methods of MCP that a server of a few tools needs.

use super::{Tray, server::NAME, tool};
use serde_json::{Value, json};

/// The revisions of the protocol that are spoken, the newest last. They do not differ in what is used here.
const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// Messages of one batch, at most.
const BATCH_MAX: usize = 50;

const UNREADABLE: i64 = -32700;
const INVALID: i64 = -32600;
const NO_METHOD: i64 = -32601;
const BAD_PARAMS: i64 = -32602;
/// The first of those that are a server's own.
const BUSY: i64 = -32000;

/// What is said of it when a conversation begins.
const INSTRUCTIONS: &str = "What tidegate, which runs this task, can do for you: tell the findings of your last try, hear what you are \
    at, keep why you changed a file for those who build on it, and ask an expert for you.";

/// What is said to a message; nothing to a notification, nor to an answer, for nothing was asked.
pub(super) fn answer(message: &Value, tray: &Tray) -> Option<Value> {
    let Value::Array(batch) = message else { return one(message, tray) };
    if batch.is_empty() || batch.len() > BATCH_MAX {
        return Some(error(&Value::Null, INVALID, &format!("a batch has from 1 to {BATCH_MAX} messages")));
    }
    let answers: Vec<Value> = batch.iter().filter_map(|message| one(message, tray)).collect();
    (!answers.is_empty()).then_some(Value::Array(answers))
}

/// What is said to a line that is no message.
pub(super) fn unreadable(why: &str) -> Value {
    error(&Value::Null, UNREADABLE, why)
}

/// What is said to a message when too many are waited for.
pub(super) fn busy(message: &Value) -> Value {
    error(message.get("id").unwrap_or(&Value::Null), BUSY, "too many questions at once; ask when one is answered")
}

/// Whether somebody has to be waited for until a message can be answered.
pub(super) fn is_slow(message: &Value) -> bool {
    match message {
        Value::Array(batch) => batch.iter().any(|message| !message.is_array() && is_slow(message)),
        message => message["method"] == "tools/call" && message["params"]["name"] == tool::CONSULT,
    }
}

fn one(message: &Value, tray: &Tray) -> Option<Value> {
    let Some(object) = message.as_object() else {
        return Some(error(&Value::Null, INVALID, "a message is an object"));
    };
    let id = object.get("id");
    let Some(method) = object.get("method").and_then(Value::as_str) else {
        let is_answer = object.contains_key("result") || object.contains_key("error");
        return (!is_answer).then(|| error(&Value::Null, INVALID, "the message has no method"));
    };
    let id = id?;
    if !id.is_string() && !id.is_number() {
        return Some(error(&Value::Null, INVALID, "an id is a string or a number"));
    }
    let params = object.get("params").unwrap_or(&Value::Null);
    Some(match method {
        "initialize" => result(id, begun(params)),
        "ping" => result(id, json!({})),
        "tools/list" => result(id, json!({ "tools": tool::list(tray) })),
        "tools/call" => match tool::call(params, tray) {
            Some(done) => result(id, done),
            None => error(id, BAD_PARAMS, "there is no tool of that name; `tools/list` has them all"),
        },
        _ => error(id, NO_METHOD, "there is no such method here"),
    })
}

fn begun(params: &Value) -> Value {
    let asked = params["protocolVersion"].as_str().unwrap_or_default();
    let newest = REVISIONS[REVISIONS.len() - 1];
    let revision = REVISIONS.into_iter().find(|revision| *revision == asked).unwrap_or(newest);
    json!({
        "protocolVersion": revision,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": NAME, "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS,
    })
}

fn result(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
