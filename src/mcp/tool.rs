//! The tools of our MCP server: what each takes, and what it does.

use super::{
    LINE_MAX, Tray,
    splitter::Splitter,
    tray::wait_for,
    word::{ASKS, Ask, CHANGES, Change, EXPERTS, Expert, FEEDBACK, KEPT_MAX, PROGRESS, Reply, Word},
};
use serde_json::{Map, Value, json};
use std::{
    fs::File,
    io::{self, Read},
    sync::atomic::{AtomicU32, Ordering},
};

/// The tool that waits for somebody.
pub(super) const CONSULT: &str = "consult_expert";

/// Bytes of findings that are handed out.
const FINDINGS_MAX: u64 = 256 << 10;
/// Bytes of what the coordinator says about experts.
const EXPERTS_MAX: u64 = 64 << 10;
/// Names that a pipe for an answer may have had before: other servers of the agent make theirs, too.
const NAMES_MAX: u32 = 1_000;

/// A tool's arguments, by name.
type Arguments = Map<String, Value>;
/// What a tool says: or why it could not be done, for the model to read.
type Told = Result<String, String>;

struct Tool {
    name: &'static str,
    description: &'static str,
    takes: &'static [Taken],
    /// Whether it leaves everything as it is.
    only_reads: bool,
    does: fn(&Arguments, &Tray) -> Told,
}

/// An argument: always a text.
struct Taken {
    name: &'static str,
    description: &'static str,
    /// Bytes, at most.
    most: usize,
    is_required: bool,
}

const TOOLS: [Tool; 4] = [
    Tool {
        name: "read_findings",
        description: "Why your work came back to you: the findings of the last try, blockers first.",
        takes: &[],
        only_reads: true,
        does: read_findings,
    },
    Tool {
        name: "report_progress",
        description: "Tells people in one line what you are at. Call it when you begin something new, not more.",
        takes: &[Taken { name: "text", description: "What you are at, in one line.", most: 500, is_required: true }],
        only_reads: false,
        does: report_progress,
    },
    Tool {
        name: "record_change",
        description: "Keeps why you changed a file, for those who build on it. What you say last about a path counts.",
        takes: &[
            Taken { name: "path", description: "Relative to the repository.", most: 500, is_required: true },
            Taken {
                name: "rationale",
                description: "Why it was changed, and what others have to know about it, in a sentence or two.",
                most: 1_000,
                is_required: true,
            },
        ],
        only_reads: false,
        does: record_change,
    },
    Tool {
        name: CONSULT,
        description: "Asks an expert, who sees your workspace as it is now and changes nothing, and waits for the answer, which takes \
                      minutes. For a question that the task, the tree and the tests do not answer.",
        takes: &[
            Taken { name: "question", description: "One precise question.", most: 16_000, is_required: true },
            Taken { name: "expert", description: "Whom; left out: architecture-agent.", most: 64, is_required: false },
        ],
        only_reads: true,
        does: consult_expert,
    },
];

/// The tools, as the protocol lists them.
pub(super) fn list(tray: &Tray) -> Vec<Value> {
    TOOLS.iter().map(|tool| tool.listed(tray)).collect()
}

/// What became of a call; none where there is no such tool.
pub(super) fn call(params: &Value, tray: &Tray) -> Option<Value> {
    let name = params["name"].as_str()?;
    let tool = TOOLS.iter().find(|tool| tool.name == name)?;
    let none = Map::new();
    let told = match &params["arguments"] {
        Value::Null => tool.done(&none, tray),
        Value::Object(arguments) => tool.done(arguments, tray),
        _ => Err("the arguments are an object".to_owned()),
    };
    let is_error = told.is_err();
    let (Ok(text) | Err(text)) = told;
    Some(json!({ "content": [{ "type": "text", "text": text }], "isError": is_error }))
}

impl Tool {
    fn listed(&self, tray: &Tray) -> Value {
        let experts = if self.name == CONSULT { experts(tray) } else { Vec::new() };
        let mut properties = Map::new();
        for taken in self.takes {
            let mut property = json!({ "type": "string", "description": taken.description, "maxLength": taken.most });
            if taken.name == "expert" && !experts.is_empty() {
                property["enum"] = experts.iter().map(|expert| Value::from(&*expert.name)).collect();
            }
            properties.insert(taken.name.to_owned(), property);
        }
        let required: Vec<&str> = self.takes.iter().filter(|taken| taken.is_required).map(|taken| taken.name).collect();
        let lines = experts.iter().map(|expert| format!("\n- {}: {}", expert.name, expert.description));
        json!({
            "name": self.name,
            "description": format!("{}{}", self.description, lines.collect::<String>()),
            "inputSchema": {
                "type": "object", "properties": properties, "required": required, "additionalProperties": false
            },
            // So that no client asks a person, of whom there is none.
            "annotations": {
                "readOnlyHint": self.only_reads, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false
            },
        })
    }

    fn done(&self, arguments: &Arguments, tray: &Tray) -> Told {
        let names: Vec<&str> = self.takes.iter().map(|taken| taken.name).collect();
        if arguments.keys().any(|name| !names.contains(&&**name)) {
            return Err(match names.is_empty() {
                true => format!("`{}` takes no arguments", self.name),
                false => format!("`{}` takes `{}`, and nothing else", self.name, names.join("`, `")),
            });
        }
        for taken in self.takes {
            let name = taken.name;
            match arguments.get(name) {
                None | Some(Value::Null) if !taken.is_required => {}
                None | Some(Value::Null) => return Err(format!("`{name}` is missing: {}", taken.description)),
                Some(Value::String(text)) if text.trim().is_empty() => return Err(format!("`{name}` is empty")),
                Some(Value::String(text)) if text.len() > taken.most => {
                    return Err(format!("`{name}` has {} bytes, and may have {}", text.len(), taken.most));
                }
                Some(Value::String(_)) => {}
                Some(_) => return Err(format!("`{name}` is a string")),
            }
        }
        (self.does)(arguments, tray)
    }
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.get(name)?.as_str().map(str::trim)
}

fn read_findings(_: &Arguments, tray: &Tray) -> Told {
    let findings = tray.read(FEEDBACK, FINDINGS_MAX).map_err(|error| format!("they cannot be read: {error}"))?;
    let findings = findings.unwrap_or_default();
    let is_first = findings.trim().is_empty();
    Ok(if is_first { "There are none: nothing of this work has come back.".to_owned() } else { findings })
}

fn report_progress(arguments: &Arguments, tray: &Tray) -> Told {
    let word = line(&Word::Progress(text(arguments, "text").unwrap_or_default().to_owned()))?;
    kept(tray, PROGRESS, &word)?;
    tray.tell(ASKS, &word).map_err(|error| deaf(&error))?;
    Ok("Told.".to_owned())
}

fn record_change(arguments: &Arguments, tray: &Tray) -> Told {
    let of = |name| text(arguments, name).unwrap_or_default().to_owned();
    let (path, rationale) = (of("path"), of("rationale"));
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    if path.starts_with('/') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("`path` is relative to the repository, such as `src/room.rs`".to_owned());
    }
    kept(tray, CHANGES, &line(&Change { path, rationale })?)?;
    Ok("Kept.".to_owned())
}

fn consult_expert(arguments: &Arguments, tray: &Tray) -> Told {
    let unmade = |error: io::Error| format!("there is no way for an answer: {error}");
    let (name, pipe) = answer_pipe(tray).map_err(unmade)?;
    let question = text(arguments, "question").unwrap_or_default().to_owned();
    let expert = text(arguments, "expert").map(str::to_owned);
    let ask = Word::Ask(Ask { expert, question, answer: name.clone() });
    let asked = line(&ask).and_then(|line| tray.tell(ASKS, &line).map_err(|error| deaf(&error)));
    let reply = asked.and_then(|()| waited_for(pipe).map_err(|error| format!("the answer cannot be read: {error}")));
    tray.remove(&name).map_err(unmade)?;
    match reply? {
        Reply::Answer(text) => Ok(text),
        Reply::Refusal(why) => Err(why),
    }
}

/// A pipe of our own for an answer.
fn answer_pipe(tray: &Tray) -> io::Result<(String, File)> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..NAMES_MAX {
        let name = Ask::pipe(std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        match tray.new_pipe(&name) {
            Ok(pipe) => return Ok((name, pipe)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// The one line that comes through a pipe, however long it takes.
fn waited_for(mut pipe: File) -> io::Result<Reply> {
    wait_for(&pipe)?;
    let (mut splitter, mut buffer, mut reply) = (Splitter::new(LINE_MAX), [0; 8 << 10], None);
    while reply.is_none() {
        let count = pipe.read(&mut buffer)?;
        splitter.take(&buffer[..count], |line| {
            let read = line.and_then(|line| serde_json::from_slice(line).ok());
            reply = reply.take().or_else(|| Some(read.ok_or(io::ErrorKind::InvalidData)));
        });
    }
    Ok(reply.unwrap_or(Err(io::ErrorKind::InvalidData))?)
}

fn experts(tray: &Tray) -> Vec<Expert> {
    let text = tray.read(EXPERTS, EXPERTS_MAX).ok().flatten().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn line(word: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(word).map_err(|error| error.to_string())
}

fn kept(tray: &Tray, name: &str, line: &str) -> Result<(), String> {
    match tray.append(name, line, KEPT_MAX) {
        Ok(true) => Ok(()),
        Ok(false) => Err("no more is kept: say less".to_owned()),
        Err(error) => Err(format!("it cannot be kept: {error}")),
    }
}

fn deaf(error: &io::Error) -> String {
    format!("tidegate does not listen any more: {error}; go on without it")
}
