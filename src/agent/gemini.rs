//! The dialect of Gemini CLI, as version 0.61 speaks it.

use super::{
    AgentError, AgentEvent, Answer, Call, Dialect, End, Invocation, Reader, Session, Sink, Step, WritePolicy,
    answer::{self, Words},
    complaint::{Complaint, said},
    home,
};
use crate::{
    process::{How, Tail},
    run::Spend,
};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    fs::{self, Permissions},
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
};

/// Tools that write, and are no shell.
const WRITING: &[&str] = &["write_file", "replace", "save_memory"];
/// Switches the agent into a mode in which it writes nothing but plans, and nobody is there to switch it back.
const PLANNING: &str = "enter_plan_mode";
/// No server has this name: where the list of servers is empty, the CLI takes those of the repository.
const NO_SERVER: &str = "tidegate:none";
/// Where it asks.
const ADDRESSES: [&str; 2] = ["GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"];
/// Its own tries for each request, the first one included. Waiting is ours.
const TRIES: u32 = 2;

/// Gemini CLI.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn program(&self) -> &'static str {
        "gemini"
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            "GEMINI_API_KEY",
            "GOOGLE_API_KEY",
            "GOOGLE_GEMINI_BASE_URL",
            "GOOGLE_VERTEX_BASE_URL",
            "GOOGLE_GENAI_USE_VERTEXAI",
            "GOOGLE_GENAI_API_VERSION",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_CLOUD_LOCATION",
        ]
    }

    fn logins(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (".gemini/oauth_creds.json", ".gemini/oauth_creds.json"),
            (".gemini/google_accounts.json", ".gemini/google_accounts.json"),
        ]
    }

    fn hidden(&self) -> &'static [&'static str] {
        &[".gemini"]
    }

    fn version(&self, printed: &str) -> Option<String> {
        bare_version(printed)
    }

    fn call(&self, invocation: &Invocation, program: &Path) -> io::Result<Call> {
        let home = &invocation.home;
        let settings = serde_json::to_vec(&settings_of(invocation))?;
        home::put(home, ".gemini/settings.json", &settings)?;
        fs::set_permissions(home, Permissions::from_mode(0o700))?;
        remember(invocation)?;
        let mut argv: Vec<OsString> = vec![program.into()];
        // The mode before this one offers no shell. What the agent may do beyond our confines is nothing, whatever it is asked.
        argv.extend(["-o", "stream-json", "--approval-mode", "yolo"].map(OsString::from));
        if let Some(model) = &invocation.model {
            argv.extend(["-m".into(), model.into()]);
        }
        match &invocation.session {
            Some(session) => argv.extend(["--resume".into(), OsString::from(&session.id)]),
            None => argv.extend(["--session-id".into(), OsString::from(conversation(invocation))]),
        }
        let env = [
            ("GEMINI_CLI_HOME", home.as_os_str().to_owned()),
            ("GEMINI_CLI_TRUST_WORKSPACE", "true".into()),
            ("GEMINI_TELEMETRY_ENABLED", "false".into()),
            // One process instead of a parent that hears no signal and a child.
            ("GEMINI_CLI_NO_RELAUNCH", "true".into()),
        ];
        let is_set = |name: &str| invocation.env.iter().any(|(held, _)| held == name);
        // Else a `.gemini/.env` of the repository could say where the user's key is sent to.
        let unset = ADDRESSES.iter().filter(|name| !is_set(name)).map(|name| (*name, OsString::new()));
        // Those of the repository win over a user's, and would run its hooks. In a sandbox they are hidden; else ours have to be the
        // system's, which the CLI takes from nobody but root.
        let own = match invocation.confines {
            Some(_) => None,
            None => Some(home::put(home, "gemini-settings.json", &settings)?),
        };
        let own = own.map(|path| ("GEMINI_CLI_SYSTEM_SETTINGS_PATH", path.into_os_string()));
        let env = env.into_iter().chain(own).chain(unset).map(|(name, value)| (name.into(), value)).collect();
        Ok(Call { argv, env, stdin: answer::prompt(&invocation.prompt, invocation.schema) })
    }

    fn reader(&self, invocation: &Invocation) -> Box<dyn Reader> {
        Box::new(Stream {
            has_schema: invocation.schema.is_some(),
            was_resumed: invocation.session.is_some(),
            ..Stream::default()
        })
    }
}

/// Tools that the agent does not get.
fn excluded(invocation: &Invocation) -> Vec<&'static str> {
    let mut tools = vec![PLANNING];
    if invocation.writes == WritePolicy::Nothing {
        tools.extend(WRITING);
    }
    tools
}

fn settings_of(invocation: &Invocation) -> Value {
    let servers: serde_json::Map<String, Value> = invocation
        .servers
        .iter()
        .map(|server| {
            let env: serde_json::Map<String, Value> =
                server.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            let (command, args) =
                server.argv.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
            (server.name.clone(), json!({"command": command, "args": args, "env": env}))
        })
        .collect();
    let allowed: Vec<&str> = match servers.is_empty() {
        true => vec![NO_SERVER],
        false => servers.keys().map(String::as_str).collect(),
    };
    let mut settings = json!({
        "general": {"enableAutoUpdate": false, "maxAttempts": TRIES},
        "privacy": {"usageStatisticsEnabled": false},
        "telemetry": {"enabled": false},
        "model": {"maxSessionTurns": invocation.turns},
        "tools": {"exclude": excluded(invocation)},
        "hooksConfig": {"enabled": false},
        // A `.env` of the repository would lead to another provider.
        "advanced": {"ignoreLocalEnv": true},
        "mcp": {"allowed": allowed},
        "mcpServers": servers,
    });
    if let Some(login) = login(&invocation.env, &invocation.home) {
        settings["security"] = json!({"auth": {"selectedType": login}});
    }
    settings
}

/// How it logs in. Said in words, since it takes a base URL of the user's for another way, and refuses that.
fn login(user: &[(OsString, OsString)], home: &Path) -> Option<&'static str> {
    let value =
        |name: &str| user.iter().find(|(held, value)| held == name && !value.is_empty()).map(|(_, value)| value);
    if value("GOOGLE_GENAI_USE_VERTEXAI").is_some_and(|value| value == "true" || value == "1") {
        Some("vertex-ai")
    } else if value("GEMINI_API_KEY").is_some() {
        Some("gemini-api-key")
    } else if value("GOOGLE_API_KEY").is_some() {
        Some("vertex-ai")
    } else {
        home.join(".gemini/oauth_creds.json").exists().then_some("oauth-personal")
    }
}

/// The definition's prompt is added to the CLI's own, which says how its tools are used, and differs with each of its versions:
/// `GEMINI_SYSTEM_MD` would put it in place of that. What is remembered for a user of this home is added.
fn remember(invocation: &Invocation) -> io::Result<()> {
    let prompt = invocation.definition.as_ref().map_or("", |definition| &definition.prompt);
    home::put(&invocation.home, ".gemini/GEMINI.md", prompt.as_bytes()).map(drop)
}

/// The name of a new conversation: always the same for the same call, and another one for each.
fn conversation(invocation: &Invocation) -> String {
    // FNV-1a, twice.
    let hash = |salt: u64| {
        let folder = invocation.folder.as_os_str().as_bytes().iter().copied();
        let bytes = folder.chain(invocation.at.0.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325 ^ salt, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let (high, low) = (hash(0), hash(0x9e37_79b9_7f4a_7c15));
    let text = format!("{high:016x}{low:016x}");
    // Version 8 of RFC 9562: a UUID whose bits are its maker's.
    format!("{}-{}-8{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..32])
}

/// A version that is printed with nothing around it.
pub(super) fn bare_version(printed: &str) -> Option<String> {
    let line = printed.trim();
    let mut parts = line.split('.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_version = is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()))
        && !line.contains(char::is_whitespace);
    is_version.then(|| line.to_owned())
}

/// Its stream, as far as it was read.
#[derive(Debug, Default)]
struct Stream {
    has_schema: bool,
    was_resumed: bool,
    is_started: bool,
    session: Option<Session>,
    /// What it said since the last tool.
    words: Words,
    /// The last line of type `error`.
    trouble: Option<String>,
    result: Option<Ending>,
}

/// The line of type `result`.
#[derive(Debug)]
struct Ending {
    is_success: bool,
    kind: String,
    message: String,
}

impl Reader for Stream {
    fn line(&mut self, line: &str, tell: &Sink) -> Step {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return Step::Alive };
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        match text("type") {
            "init" => {
                let session = Session { id: text("session_id").to_owned(), reported: Spend::default() };
                tell(AgentEvent::Usage { spend: Spend::default(), session: Some(session.clone()) });
                self.session = Some(session);
                return Step::Alive;
            }
            "message" if text("role") == "assistant" => {
                self.answered(tell);
                self.words.push(text("content"));
            }
            "tool_use" => {
                self.answered(tell);
                self.utter(tell);
                self.words.clear();
                let (id, name) = (text("tool_id").to_owned(), text("tool_name").to_owned());
                tell(AgentEvent::ToolCall { id, name, input: answer::input(&line["parameters"]) });
            }
            "tool_result" => {
                self.words.clear();
                let id = text("tool_id").to_owned();
                tell(AgentEvent::ToolResult { id, is_success: text("status") == "success" });
                let error = &line["error"];
                let kind = error["type"].as_str().unwrap_or_default();
                if ["tool_not_registered", "policy_violation", "permission_denied", "path_not_in_workspace"]
                    .contains(&kind)
                {
                    tell(AgentEvent::Denied(said(error["message"].as_str().unwrap_or(kind))));
                }
            }
            "error" => {
                self.trouble = Some(text("message").to_owned());
                return Step::Alive;
            }
            "result" => self.over(&line, tell),
            _ => return Step::Alive,
        }
        Step::Progress
    }

    fn end(self: Box<Self>, end: &End<'_>, _: &Sink) -> Result<Answer, AgentError> {
        if let Some(ending) = &self.result {
            if ending.is_success && end.exit.is_success() {
                return Ok(Answer::Said(self.words.into_answer(self.has_schema)));
            }
            return Err(self.failed(ending, end));
        }
        self.unfinished(end)
    }
}

impl Stream {
    fn answered(&mut self, tell: &Sink) {
        if !std::mem::replace(&mut self.is_started, true) {
            tell(AgentEvent::Started);
        }
    }

    /// Tells what it has said so far, all pieces in one.
    fn utter(&self, tell: &Sink) {
        if !self.words.as_str().trim().is_empty() {
            tell(AgentEvent::Text(self.words.as_str().to_owned()));
        }
    }

    fn over(&mut self, line: &Value, tell: &Sink) {
        self.utter(tell);
        let count = |name: &str| line["stats"][name].as_u64().unwrap_or(0);
        // Thoughts are counted in the sum only.
        let output = count("output_tokens").max(count("total_tokens").saturating_sub(count("input_tokens")));
        let spend = Spend { micros: 0, input: count("input"), cached: count("cached"), output };
        tell(AgentEvent::Usage { spend, session: self.session.clone() });
        let error = |name: &str| line["error"][name].as_str().unwrap_or_default().to_owned();
        self.result =
            Some(Ending { is_success: line["status"] == "success", kind: error("type"), message: error("message") });
    }

    /// It says that it failed.
    fn failed(&self, ending: &Ending, end: &End<'_>) -> AgentError {
        if ending.kind == "FatalTurnLimitedError" {
            return AgentError::MaxTurns;
        }
        let message = match (&*ending.message, &self.trouble) {
            ("", Some(trouble)) => trouble,
            (message, _) => message,
        };
        let complaint = Complaint { status: status(&end.exit.how), ..Complaint::of(message) };
        let unknown = || match (&*ending.message, &self.trouble) {
            // A stream that is cut for ever ends so, and with exit code 0.
            ("", Some(trouble)) => AgentError::Overloaded { said: said(trouble) },
            _ => AgentError::Crashed { code: end.exit.code(), tail: said(message) },
        };
        complaint.error().unwrap_or_else(unknown)
    }

    /// It ended without a word about it: what there is, is its exit code and its errors.
    fn unfinished(&self, end: &End<'_>) -> Result<Answer, AgentError> {
        let tail = Tail::of_text(end.stderr, 20).text;
        if end.stderr.contains("Skipping system settings file") {
            // Without them, hooks and servers of the repository run.
            let what = "without a sandbox it takes our settings only where they and all folders above them are root's; use the sandbox, or be root";
            return Err(AgentError::Misconfigured { what: what.into() });
        }
        if let Some(wait) = waiting(end.stderr) {
            return Err(AgentError::RateLimited { until: end.at.after(wait), said: said(&tail) });
        }
        Err(match end.exit.how {
            How::Code(42) if self.was_resumed => return Ok(Answer::NoSession),
            How::Code(41) => AgentError::AuthRequired { said: said(&tail) },
            How::Code(42 | 44 | 52 | 55) => AgentError::Misconfigured { what: said(&tail) },
            How::Code(53) => AgentError::MaxTurns,
            How::Code(0) => AgentError::BadOutput { what: "it ended without a result".into() },
            _ => {
                let complaint = Complaint { status: status(&end.exit.how), ..Complaint::of(&tail) };
                let error = complaint.status.and_then(|_| complaint.error());
                error.unwrap_or_else(|| AgentError::Crashed { code: end.exit.code(), tail })
            }
        })
    }
}

/// The status of HTTP that an exit code stands for: it is the remainder of its division by 256.
fn status(how: &How) -> Option<u16> {
    let How::Code(code) = how else { return None };
    [400_u16, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529]
        .into_iter()
        .find(|status| i32::from(status % 256) == *code)
}

/// Milliseconds that it still waits before its next try, when that is the last that it wrote on standard error.
fn waiting(stderr: &str) -> Option<u64> {
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("at "))?;
    let after = line.split_once("Retrying after ")?.1;
    after.split_once("ms")?.0.trim().parse().ok()
}

#[cfg(test)]
#[path = "gemini_tests.rs"]
mod tests;
