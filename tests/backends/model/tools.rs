//! What a script wants done, put into calls of the tools that a command line offers.

use super::{
    asked::{Api, Asked},
    provider::{Call, Stop, Turn},
    reply::{Action, Course, Reply},
    responses,
};
use serde_json::{Value, json};
use std::path::Path;

/// The tool by which claude's models find tools that they only know the name of.
pub(super) const SEARCH: &str = "ToolSearch";

/// The turn that a reply is for whoever asked. `is_found` says that deferred tools have been searched for.
pub(super) fn turn(asked: &Asked, reply: &Reply, number: usize) -> Turn {
    let mut text = reply.text.clone();
    let mut calls = Vec::new();
    for action in &reply.actions {
        match action {
            Action::Structured(output) if !asked.offers("StructuredOutput") => text.push_str(&output.to_string()),
            action => calls.push(call(asked, action)),
        }
    }
    let stop = match reply.course {
        Course::MaxTokens => Stop::MaxTokens,
        Course::Refused => Stop::Refused,
        _ if calls.is_empty() => Stop::Done,
        _ => Stop::Calls,
    };
    Turn { number, model: asked.model.clone(), text, calls, stop, usage: reply.usage }
}

/// The search that has to come first, if a reply calls a tool that is only known by name.
pub(super) fn search(asked: &Asked, reply: &Reply) -> Option<Reply> {
    let wanted: Vec<String> = reply
        .actions
        .iter()
        .map(|action| named(asked, action).0)
        .filter(|name| !asked.offers(name) && asked.texts.iter().any(|text| text.contains(&**name)))
        .collect();
    let is_needed = asked.offers(SEARCH) && !wanted.is_empty();
    let query = format!("select:{}", wanted.join(","));
    is_needed.then(|| Reply::call(SEARCH, json!({"query": query, "max_results": wanted.len()})).using(reply.usage))
}

fn call(asked: &Asked, action: &Action) -> Call {
    let (name, input) = named(asked, action);
    match asked.api {
        Api::Responses => responses::call(&asked.body, &name, input),
        _ => Call { name, input, namespace: None, is_custom: false },
    }
}

/// The tool's name among those offered, and its input.
fn named(asked: &Asked, action: &Action) -> (String, Value) {
    match action {
        Action::Shell(command) => shell(asked, command),
        Action::Write { path, content } => write(asked, path, content),
        Action::Call { name, input } => (name.clone(), input.clone()),
        Action::Mcp { server, tool, input } => {
            let name = match asked.api {
                Api::Anthropic | Api::Responses => format!("mcp__{server}__{tool}"),
                Api::Gemini => format!("mcp_{server}_{tool}"),
                Api::Chat => format!("{server}_{tool}"),
            };
            (name, input.clone())
        }
        Action::Structured(output) => ("StructuredOutput".to_owned(), output.clone()),
    }
}

/// A command line for the shell. If none is offered, the usual one is called all the same: this is how a denial is seen.
fn shell(asked: &Asked, command: &str) -> (String, Value) {
    let described = json!({"command": command, "description": "run a command"});
    let (name, input) = match asked.api {
        Api::Anthropic => ("Bash", described),
        Api::Gemini => ("run_shell_command", described),
        Api::Chat => ("bash", described),
        Api::Responses if asked.offers("shell") => ("shell", json!({"command": ["bash", "-lc", command]})),
        Api::Responses if asked.offers("shell_command") => ("shell_command", json!({"command": command})),
        Api::Responses => ("exec_command", json!({"cmd": command})),
    };
    (name.to_owned(), input)
}

fn write(asked: &Asked, path: &Path, content: &str) -> (String, Value) {
    let path = asked.folder().map_or_else(|| path.to_owned(), |folder| folder.join(path));
    let file = path.display().to_string();
    let (name, input) = match asked.api {
        Api::Anthropic => ("Write", json!({"file_path": file, "content": content})),
        Api::Gemini => ("write_file", json!({"file_path": file, "content": content})),
        Api::Chat => ("write", json!({"filePath": file, "content": content})),
        Api::Responses => ("apply_patch", json!(patch(&file, content))),
    };
    if asked.offers(name) { (name.to_owned(), input) } else { shell(asked, &heredoc(&file, content)) }
}

/// A patch in codex's form that makes one file.
fn patch(file: &str, content: &str) -> String {
    let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
    format!("*** Begin Patch\n*** Add File: {file}\n{lines}*** End Patch\n")
}

/// A shell command that writes a file, whatever is in it.
fn heredoc(file: &str, content: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let file = quoted(file);
    format!("mkdir -p \"$(dirname {file})\" && printf %s {} > {file}", quoted(content))
}
