//! The dialect of opencode, as version 1.18 speaks it.

use super::{
    AgentError, AgentEvent, Answer, Call, Dialect, End, Invocation, Reader, Session, Sink, Step, WritePolicy,
    answer::{self, Words},
    complaint::{Complaint, said},
    gemini::bare_version,
    home,
};
use crate::{process::Tail, run::Spend};
use serde_json::{Map, Value, json};
use std::{ffi::OsString, io, os::unix::ffi::OsStrExt, path::Path};

/// The user's configuration in a variable.
const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";
/// Where the copy of the user's configuration goes. The CLI does not look there: of all that it may hold, we take the providers.
const CONFIG_COPY: &str = ".tidegate/opencode.json";
/// What we take of a user's configuration: whom to ask, and how. Not plugins, agents, instructions, servers or permissions.
const TAKEN: &[&str] = &["provider", "model", "small_model", "disabled_providers", "enabled_providers"];
/// The agent that we define, which is the CLI's own with less tools.
const AGENT: &str = "tidegate";
/// Where the conversations of a home are at work: an absolute path.
const WORKPLACE: &str = ".tidegate/opencode-workspace";
/// The CLI goes round for ever where a stream ends without a reason; one such end may be an accident.
const UNKNOWN_MAX: u32 = 2;

/// opencode.
#[derive(Clone, Copy, Debug)]
pub struct OpenCode;

impl Dialect for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn program(&self) -> &'static str {
        "opencode"
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            CONFIG,
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "OPENROUTER_API_KEY",
            "GEMINI_API_KEY",
            "GOOGLE_GENERATIVE_AI_API_KEY",
            "GROQ_API_KEY",
            "MISTRAL_API_KEY",
            "XAI_API_KEY",
            "DEEPSEEK_API_KEY",
            "OPENCODE_API_KEY",
        ]
    }

    fn logins(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (".local/share/opencode/auth.json", ".local/share/opencode/auth.json"),
            (".config/opencode/opencode.json", CONFIG_COPY),
            (".config/opencode/opencode.jsonc", CONFIG_COPY),
        ]
    }

    fn version(&self, printed: &str) -> Option<String> {
        bare_version(printed)
    }

    fn call(&self, invocation: &Invocation, program: &Path) -> io::Result<Call> {
        let home = &invocation.home;
        let config = config(invocation)?;
        // The definition's prompt is added to the CLI's own, which says how its tools are used; an agent's prompt would be put in
        // place of that. What every conversation of a user is told is added, and as it is: in a prompt, `{env:..}` is replaced.
        let prompt = invocation.definition.as_ref().map_or("", |definition| &definition.prompt);
        home::put(home, ".config/opencode/AGENTS.md", prompt.as_bytes())?;
        let mut argv: Vec<OsString> = vec![program.into()];
        // What is asked for is allowed: nobody is there to answer, and what is denied is said in the configuration.
        argv.extend(["run", "--format", "json", "--auto", "--agent", AGENT].map(OsString::from));
        if let Some(model) = &invocation.model {
            argv.extend(["-m".into(), model.into()]);
        }
        home::put(home, WORKPLACE, invocation.workspace.as_os_str().as_bytes())?;
        if let Some(session) = &invocation.session {
            argv.extend(["-s".into(), OsString::from(&session.id)]);
        }
        let below = |path: &str| home.join(path).into_os_string();
        let env = [
            (CONFIG, OsString::from(config.to_string())),
            ("XDG_CONFIG_HOME", below(".config")),
            ("XDG_DATA_HOME", below(".local/share")),
            ("XDG_STATE_HOME", below(".local/state")),
            ("XDG_CACHE_HOME", below(".cache")),
        ];
        let switches = [
            "OPENCODE_DISABLE_PROJECT_CONFIG",
            "OPENCODE_DISABLE_CLAUDE_CODE",
            "OPENCODE_DISABLE_AUTOUPDATE",
            "OPENCODE_DISABLE_MODELS_FETCH",
            "OPENCODE_DISABLE_LSP_DOWNLOAD",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS",
        ]
        .map(|name| (name, OsString::from("1")));
        let env = env.into_iter().chain(switches).map(|(name, value)| (name.into(), value)).collect();
        Ok(Call { argv, env, stdin: answer::prompt(&invocation.prompt, invocation.schema) })
    }

    /// From another folder it works in its old one, and never ends.
    fn goes_on(&self, invocation: &Invocation) -> io::Result<bool> {
        let before = home::kept(&invocation.home, Path::new(WORKPLACE))?;
        Ok(before.as_deref() == Some(invocation.workspace.as_os_str().as_bytes()))
    }

    fn reader(&self, invocation: &Invocation) -> Box<dyn Reader> {
        Box::new(Stream {
            has_schema: invocation.schema.is_some(),
            was_resumed: invocation.session.is_some(),
            turns: invocation.turns,
            ..Stream::default()
        })
    }
}

/// `provider/model`.
/// What the agent may use: the CLI does not even offer what is denied.
fn permission(invocation: &Invocation) -> Value {
    let word = |is_allowed| if is_allowed { "allow" } else { "deny" };
    let writes = invocation.writes == WritePolicy::Workspace;
    json!({
        "edit": word(writes),
        "bash": "allow",
        // Without confines, its own ones are all there is.
        "external_directory": word(invocation.confines.is_some()),
        // Asking a person, with nobody there.
        "question": "deny",
        // A sub-agent's tools are its own.
        "task": word(writes),
    })
}

/// The configuration: the providers of the user's, and all else ours.
fn config(invocation: &Invocation) -> io::Result<Value> {
    let mut config = Map::new();
    let copy = home::kept(&invocation.home, Path::new(CONFIG_COPY))?;
    let copy = copy.map(|text| String::from_utf8_lossy(&text).into_owned());
    let said =
        invocation.env.iter().find(|(name, _)| name == CONFIG).map(|(_, value)| value.to_string_lossy().into_owned());
    for (what, text) in [("~/.config/opencode/opencode.json", copy), (CONFIG, said)] {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { continue };
        let Ok(Value::Object(theirs)) = serde_json::from_str::<Value>(&without_comments(&text)) else {
            let why = format!("{what} is no JSON object: write it without trailing commas");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        for (key, value) in theirs.into_iter().filter(|(key, _)| TAKEN.contains(&&**key)) {
            match (config.get_mut(&key), value) {
                (Some(Value::Object(held)), Value::Object(more)) => held.extend(more),
                (_, value) => {
                    config.insert(key, value);
                }
            }
        }
    }
    let servers: Map<String, Value> = invocation
        .servers
        .iter()
        .map(|server| {
            let env: Map<String, Value> = server.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            (server.name.clone(), json!({"type": "local", "command": server.argv, "environment": env, "enabled": true}))
        })
        .collect();
    let ours = json!({
        "share": "disabled",
        "autoupdate": false,
        // Copies of the whole work tree, in a repository of its own.
        "snapshot": false,
        "permission": permission(invocation),
        "agent": {AGENT: {"mode": "primary"}},
        "mcp": servers,
    });
    if let Value::Object(ours) = ours {
        config.extend(ours);
    }
    Ok(Value::Object(config))
}

/// JSON that people wrote, without their comments.
fn without_comments(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_string = false;
    while let Some(char) = rest.chars().next() {
        let skipped = match char {
            '\\' if is_string => {
                let pair = rest.chars().nth(1).map_or(1, |next| 1 + next.len_utf8());
                clean.push_str(&rest[..pair]);
                pair
            }
            '/' if !is_string && rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if !is_string && rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            char => {
                is_string ^= char == '"';
                clean.push(char);
                char.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    clean
}

/// Its stream, as far as it was read.
#[derive(Debug, Default)]
struct Stream {
    has_schema: bool,
    was_resumed: bool,
    /// Turns of the model at most, and how many it took. Its own limit has no effect.
    turns: u32,
    taken: u32,
    is_started: bool,
    session: Option<Session>,
    /// What it said in the last step.
    words: Words,
    /// Why the last step ended.
    reason: Option<String>,
    /// Steps that ended without a reason.
    unknown: u32,
    is_out_of_turns: bool,
    /// What it was not allowed to do, which ends the run half way.
    rejected: Option<String>,
    /// The last line of type `error`: its name, and what of it decides.
    error: Option<(String, Complaint)>,
}

impl Reader for Stream {
    fn line(&mut self, line: &str, tell: &Sink) -> Step {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return Step::Alive };
        if let (None, Some(id)) = (&self.session, line["sessionID"].as_str()) {
            let session = Session { id: id.to_owned(), reported: Spend::default() };
            tell(AgentEvent::Usage { spend: Spend::default(), session: Some(session.clone()) });
            self.session = Some(session);
        }
        let part = &line["part"];
        match line["type"].as_str().unwrap_or_default() {
            "step_start" => {
                self.answered(tell);
                self.words.clear();
            }
            "text" => {
                self.answered(tell);
                let text = part["text"].as_str().unwrap_or_default();
                self.words.push_line(text);
                tell(AgentEvent::Text(text.to_owned()));
            }
            "tool_use" => {
                self.answered(tell);
                self.words.clear();
                self.used(part, tell);
            }
            "step_finish" => {
                self.answered(tell);
                return self.finished(part, tell);
            }
            "error" => self.error = Some(complaint(&line["error"])),
            _ => return Step::Alive,
        }
        Step::Progress
    }

    fn end(self: Box<Self>, end: &End<'_>, _: &Sink) -> Result<Answer, AgentError> {
        if self.is_out_of_turns {
            return Err(AgentError::MaxTurns);
        }
        if self.unknown >= UNKNOWN_MAX {
            return Err(AgentError::Overloaded { said: "its stream ends without a reason".into() });
        }
        if !end.exit.is_success() {
            return self.failed(end);
        }
        if let Some(what) = self.rejected {
            return Err(AgentError::BadOutput { what: format!("it stopped half way: {what}") });
        }
        Err(match (self.reason.as_deref(), self.error) {
            (Some("stop"), _) => return Ok(Answer::Said(self.words.into_answer(self.has_schema))),
            (Some("content-filter"), _) => AgentError::Refused,
            (Some("unknown"), _) => AgentError::Overloaded { said: "its stream ended without a reason".into() },
            (_, Some((name, complaint))) => of_kind(&name, &complaint, end),
            (Some("length"), None) => {
                AgentError::BadOutput { what: "its answer is cut off: too long for the model".into() }
            }
            (Some(reason), None) => AgentError::BadOutput { what: format!("it stopped half way ({})", said(reason)) },
            (None, None) => AgentError::BadOutput { what: "it ended without an answer".into() },
        })
    }
}

impl Stream {
    fn answered(&mut self, tell: &Sink) {
        if !std::mem::replace(&mut self.is_started, true) {
            tell(AgentEvent::Started);
        }
    }

    /// A tool's call and its answer are one line.
    fn used(&mut self, part: &Value, tell: &Sink) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, name, state) = (text(&part["callID"]), text(&part["tool"]), &part["state"]);
        tell(AgentEvent::ToolCall { id: id.clone(), name: name.clone(), input: answer::input(&state["input"]) });
        let is_success = state["status"] == "completed";
        tell(AgentEvent::ToolResult { id, is_success });
        let error = state["error"].as_str().unwrap_or_default();
        let is_rejected = error.contains("rejected permission");
        // One that is not offered is answered by a tool of that name.
        let is_absent = name == "invalid";
        if is_rejected || is_absent || error.contains("specified a rule which prevents") {
            let why = if error.is_empty() { state["input"]["error"].as_str().unwrap_or_default() } else { error };
            let what = said(&format!("{name}: {why}"));
            if is_rejected {
                self.rejected = Some(what.clone());
            }
            tell(AgentEvent::Denied(what));
        }
    }

    fn finished(&mut self, part: &Value, tell: &Sink) -> Step {
        let tokens = &part["tokens"];
        let count = |value: &Value| value.as_u64().unwrap_or(0);
        let spend = Spend {
            micros: answer::micros(part["cost"].as_f64()),
            input: count(&tokens["input"]).saturating_add(count(&tokens["cache"]["write"])),
            cached: count(&tokens["cache"]["read"]),
            output: count(&tokens["output"]).saturating_add(count(&tokens["reasoning"])),
        };
        tell(AgentEvent::Usage { spend, session: self.session.clone() });
        let reason = part["reason"].as_str().unwrap_or("unknown");
        self.taken = self.taken.saturating_add(1);
        self.unknown += u32::from(reason == "unknown");
        self.is_out_of_turns = reason == "tool-calls" && self.taken >= self.turns && self.rejected.is_none();
        self.reason = Some(reason.to_owned());
        match self.unknown >= UNKNOWN_MAX || self.is_out_of_turns {
            true => Step::Enough,
            false => Step::Progress,
        }
    }

    fn failed(self, end: &End<'_>) -> Result<Answer, AgentError> {
        if let Some((name, complaint)) = &self.error {
            return Err(of_kind(name, complaint, end));
        }
        if self.was_resumed && self.reason.is_none() && end.stderr.contains("Session not found") {
            return Ok(Answer::NoSession);
        }
        if self.reason.as_deref() == Some("content-filter") {
            return Err(AgentError::Refused);
        }
        let tail = Tail::of_text(end.stderr, 20).text;
        Err(AgentError::Crashed { code: end.exit.code(), tail })
    }
}

/// A line of type `error`, as far as it decides.
fn complaint(error: &Value) -> (String, Complaint) {
    let data = &error["data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&error["name"]);
    let status = data["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let complaint = Complaint {
        status,
        said: text(&data["message"]),
        detail: format!("{} {}", name, data["responseBody"].as_str().unwrap_or_default()),
        // Seconds to wait, until its end is known: see `of_kind`.
        until: crate::run::Timestamp(seconds(&data["responseHeaders"]).saturating_mul(1000)),
    };
    (name, complaint)
}

/// Seconds that the provider asks to wait. A date is taken for nothing: the next try is a probe then.
fn seconds(headers: &Value) -> u64 {
    let header = |name: &str| headers[name].as_str().and_then(|value| value.trim().parse::<f64>().ok());
    let wait = header("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| header("retry-after"));
    wait.map_or(0, |seconds| seconds.ceil() as u64)
}

fn of_kind(name: &str, complaint: &Complaint, end: &End<'_>) -> AgentError {
    let until = match complaint.until.0 {
        0 => complaint.until,
        wait => end.at.after(wait),
    };
    let complaint = Complaint { until, ..complaint.clone() };
    let words = said(&complaint.said);
    match name {
        "ContentFilterError" => AgentError::Refused,
        "ContextOverflowError" => AgentError::ContextOverflow,
        "ProviderAuthError" => AgentError::AuthRequired { said: words },
        "MessageOutputLengthError" => {
            AgentError::BadOutput { what: "its answer is cut off: too long for the model".into() }
        }
        // What it says of a model or a provider that it does not know, and of its own faults.
        _ => complaint.error().unwrap_or_else(|| AgentError::Crashed { code: end.exit.code(), tail: words }),
    }
}

#[cfg(test)]
#[path = "opencode_tests.rs"]
mod tests;
