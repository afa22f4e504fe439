//! Claude Code's command line: how it is called.

mod stream;

use super::{Call, Dialect, Invocation, Reader, WritePolicy, home};
use crate::process::Ask;
use serde_json::json;
use std::{
    ffi::OsString,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
};
use stream::Stream;

/// Claude Code.
#[derive(Clone, Copy, Debug)]
pub struct Claude;

/// Tools that change files.
const WRITING: &[&str] = &["Write", "Edit", "MultiEdit", "NotebookEdit"];
/// What an agent may use whose definition names no tools.
const USUAL: &[&str] = &["Bash", "Read", "Glob", "Grep", "Edit", "Write", "NotebookEdit", "TodoWrite"];
/// What it may not use then: the network beside what commands do, work in a tree that we do not look at, and being woken later,
/// when nobody is there any more.
const UNUSUAL: &[&str] = &[
    "WebFetch",
    "WebSearch",
    "EnterWorktree",
    "ExitWorktree",
    "CronCreate",
    "ScheduleWakeup",
    "AskUserQuestion",
    "SendMessage",
];
const SETTINGS: &[(&str, &str)] = &[
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    // Waiting is ours: by itself it tries ten times, three minutes long.
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    // A sub-agent in the background makes a first result that is not the end, and what is left in it when it ends is lost.
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    // Else the model knows our servers' tools by name only, and has to look for them.
    ("ENABLE_TOOL_SEARCH", "false"),
];
/// What only those get whose provider it is.
const BEDROCK: &str = "CLAUDE_CODE_USE_BEDROCK";
const VERTEX: &str = "CLAUDE_CODE_USE_VERTEX";

impl Dialect for Claude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn program(&self) -> &'static str {
        "claude"
    }

    fn roams(&self) -> bool {
        true
    }

    /// Interrupted, it writes its last line, with what it has used; of a TERM it dies.
    fn ask(&self) -> Ask {
        Ask::Int
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_CUSTOM_HEADERS",
            "ANTHROPIC_MODEL",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL",
            "ANTHROPIC_DEFAULT_OPUS_MODEL",
            "ANTHROPIC_DEFAULT_SONNET_MODEL",
            "CLAUDE_CODE_OAUTH_TOKEN",
            BEDROCK,
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
            "ANTHROPIC_BEDROCK_BASE_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_BEARER_TOKEN_BEDROCK",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            VERTEX,
            "CLAUDE_CODE_SKIP_VERTEX_AUTH",
            "ANTHROPIC_VERTEX_BASE_URL",
            "ANTHROPIC_VERTEX_PROJECT_ID",
            "CLOUD_ML_REGION",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ]
    }

    fn wants(&self, name: &str, is_set: &dyn Fn(&str) -> bool) -> bool {
        match name {
            _ if name.starts_with("AWS_") => is_set(BEDROCK),
            _ if name.starts_with("GOOGLE_") => is_set(VERTEX),
            _ => true,
        }
    }

    fn logins(&self) -> &'static [(&'static str, &'static str)] {
        &[(".claude/.credentials.json", ".claude/.credentials.json")]
    }

    fn version(&self, printed: &str) -> Option<String> {
        printed.lines().next()?.trim().strip_suffix(" (Claude Code)").map(str::to_owned)
    }

    fn call(&self, invocation: &Invocation, program: &Path) -> io::Result<Call> {
        let mut argv: Vec<OsString> = vec![program.into()];
        // Without the empty list of sources the hooks of the tree would run, and the user's memory would go to the model.
        let fixed = ["-p", "--output-format=stream-json", "--verbose", "--strict-mcp-config", "--setting-sources", ""];
        argv.extend(fixed.map(OsString::from));
        let mut option = |name: &str, value: &str| argv.push(format!("--{name}={value}").into());
        let tools = Tools::of(invocation);
        option("permission-mode", permission_mode(invocation, &tools));
        option("max-turns", &invocation.turns.max(1).to_string());
        if let Some(offered) = &tools.offered {
            option("tools", &offered.join(","));
        }
        option("allowedTools", &tools.allowed.join(","));
        if !tools.denied.is_empty() {
            option("disallowedTools", &tools.denied.join(","));
        }
        if let Some(model) = model_of(invocation) {
            option("model", model);
        }
        if let Some(schema) = invocation.schema {
            option("json-schema", schema);
        }
        match &invocation.session {
            Some(session) => option("resume", &session.id),
            None => option("session-id", &conversation(&invocation.folder)),
        }
        let mut file = |name: &str, at: &Path| {
            let mut option = OsString::from(format!("--{name}="));
            option.push(at);
            argv.push(option);
        };
        if let Some(definition) = &invocation.definition {
            file(
                "append-system-prompt-file",
                &home::put(&invocation.home, "tidegate.md", definition.prompt.as_bytes())?,
            );
        }
        if !invocation.servers.is_empty() {
            let servers = servers(invocation).to_string();
            file("mcp-config", &home::put(&invocation.home, "tidegate.json", servers.as_bytes())?);
        }
        let mut env: Vec<_> = SETTINGS.iter().map(|(name, value)| (name.into(), value.into())).collect();
        if invocation.confines.is_some() {
            env.push(("IS_SANDBOX".into(), "1".into()));
        }
        Ok(Call { argv, env, stdin: invocation.prompt.clone() })
    }

    fn reader(&self, invocation: &Invocation) -> Box<dyn Reader> {
        Box::new(Stream::new(invocation))
    }
}

/// In our sandbox nothing is asked: what it may do is what the sandbox lets it do, and a refusal there would only keep it from its
/// work. It refuses that mode to root, unless it is told that it is in a sandbox, which is then true. A definition that narrows a tool
/// by a pattern is kept to it, which that mode would not do. Without a sandbox, edits in the workspace and the tools of its
/// definition are all that it may; nothing is edited where nothing may be written.
fn permission_mode(invocation: &Invocation, tools: &Tools) -> &'static str {
    match (&invocation.confines, invocation.writes) {
        _ if tools.allowed.iter().any(|tool| tool.contains('(')) => "dontAsk",
        (Some(_), _) => "bypassPermissions",
        (None, WritePolicy::Workspace) => "acceptEdits",
        (None, WritePolicy::Nothing) => "dontAsk",
    }
}

/// What it may use.
struct Tools {
    /// What the model sees; `None`: all there are.
    offered: Option<Vec<String>>,
    /// What nobody needs to be asked for.
    allowed: Vec<String>,
    /// What is taken away.
    denied: Vec<String>,
}

impl Tools {
    fn of(invocation: &Invocation) -> Tools {
        let definition = invocation.definition.as_deref();
        let texts = |tools: &[Box<str>]| tools.iter().map(|tool| tool.to_string()).collect();
        let named = definition.and_then(|definition| definition.tools.as_deref().map(texts));
        let mut tools = Tools::named(named, invocation);
        tools.denied.extend(definition.map_or_else(Vec::new, |definition| texts(&definition.denied)));
        tools
    }

    fn named(named: Option<Vec<String>>, invocation: &Invocation) -> Tools {
        let denied: &[&str] = if invocation.writes == WritePolicy::Nothing { WRITING } else { &[] };
        let may = |tool: &str| !denied.contains(&plain(tool));
        let usual = || USUAL.iter().map(|tool| (*tool).to_owned()).collect();
        let (is_named, mut allowed) = named.map_or_else(|| (false, usual()), |named| (true, named));
        allowed.retain(|tool| may(tool));
        // A list of names is cut at commas, and a tool is offered or not: a pattern only says what it may be used for.
        let offered = is_named.then(|| allowed.iter().map(|tool| plain(tool).to_owned()).collect());
        allowed.extend(invocation.servers.iter().map(|server| format!("mcp__{}", server.name)));
        let unusual: &[&str] = if is_named { &[] } else { UNUSUAL };
        Tools { offered, allowed, denied: denied.iter().chain(unusual).map(|tool| (*tool).to_owned()).collect() }
    }
}

/// A tool's name, without the pattern that narrows it: `Bash(git *)`.
fn plain(tool: &str) -> &str {
    tool.split('(').next().unwrap_or(tool).trim()
}

/// The model that is asked for.
fn model_of(invocation: &Invocation) -> Option<&str> {
    let own = || invocation.definition.as_ref().and_then(|definition| definition.model.as_deref());
    invocation.model.as_deref().or_else(own)
}

fn servers(invocation: &Invocation) -> serde_json::Value {
    let entry = |server: &super::Server| {
        let (command, args) = server.argv.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let env: serde_json::Map<_, _> = server.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        (server.name.clone(), json!({"type": "stdio", "command": command, "args": args, "env": env}))
    };
    json!({"mcpServers": invocation.servers.iter().map(entry).collect::<serde_json::Map<_, _>>()})
}

/// The name of the conversation, chosen by us so that it is known even of a run that says nothing: a UUID (version 8, by a rule of
/// one's own) made from the call's folder, which no other call has.
fn conversation(folder: &Path) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, folder).hash(&mut hasher);
        hasher.finish()
    };
    let (high, low) = (half(0) & !0xf000 | 0x8000, half(1) & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::{Definition, Server, Session, goldens, transcript},
        process::Confines,
        run::Spend,
    };
    use std::fs;

    fn argv(invocation: &Invocation) -> Vec<String> {
        let call = Claude.call(invocation, Path::new("/bin/claude")).unwrap();
        call.argv.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    fn option<'a>(argv: &'a [String], name: &str) -> Option<&'a str> {
        argv.iter().find_map(|argument| argument.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='))
    }

    #[test]
    fn it_works_without_asking_where_our_sandbox_is_around_it() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        assert_eq!(option(&argv(&invocation), "permission-mode"), Some("acceptEdits"));
        invocation.writes = WritePolicy::Nothing;
        assert_eq!(option(&argv(&invocation), "permission-mode"), Some("dontAsk"));
        assert!(option(&argv(&invocation), "disallowedTools").unwrap().starts_with("Write,Edit,"));
        invocation.confines = Some(Confines::default());
        assert_eq!(option(&argv(&invocation), "permission-mode"), Some("bypassPermissions"));
        let env = Claude.call(&invocation, Path::new("claude")).unwrap().env;
        assert!(env.contains(&("IS_SANDBOX".into(), "1".into())));
    }

    #[test]
    fn tools_that_write_are_not_for_those_who_may_not() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        invocation.confines = Some(Confines::default());
        let named = || Some(["Read", "Edit", "Bash(git *)"].map(str::to_owned).to_vec());
        let tools = Tools::named(named(), &invocation);
        assert_eq!(tools.offered.as_deref().unwrap(), ["Read", "Edit", "Bash"]);
        assert_eq!((tools.allowed.join(","), &tools.denied), ("Read,Edit,Bash(git *)".to_owned(), &Vec::new()));
        assert_eq!(permission_mode(&invocation, &tools), "dontAsk", "a pattern counts only where others are refused");
        invocation.writes = WritePolicy::Nothing;
        let tools = Tools::named(named(), &invocation);
        assert_eq!(tools.offered.unwrap(), ["Read", "Bash"]);
        assert_eq!(tools.denied, WRITING);
        let usual = Tools::named(None, &invocation);
        assert!(usual.offered.is_none() && !usual.allowed.contains(&"Write".to_owned()), "{:?}", usual.allowed);
    }

    #[test]
    fn prompt_and_servers_are_files_of_its_home() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        invocation.definition = Definition::built_in("qa-reviewer");
        let env = vec![("TIDEGATE_AGENT".to_owned(), "a-1".to_owned())];
        let argv_of = ["tidegate", "mcp"].map(str::to_owned).to_vec();
        invocation.servers = vec![Server { name: "tidegate".to_owned(), argv: argv_of, env }];
        let argv = argv(&invocation);
        let read = |name: &str| fs::read_to_string(option(&argv, name).unwrap()).unwrap();
        assert_eq!(read("append-system-prompt-file"), &*invocation.definition.as_ref().unwrap().prompt);
        let servers: serde_json::Value = serde_json::from_str(&read("mcp-config")).unwrap();
        let server = json!({"type": "stdio", "command": "tidegate", "args": ["mcp"], "env": {"TIDEGATE_AGENT": "a-1"}});
        assert_eq!(servers, json!({"mcpServers": {"tidegate": server}}));
        assert!(option(&argv, "allowedTools").unwrap().ends_with(",mcp__tidegate"));
        assert!(!argv.iter().any(|argument| argument == "do it"), "the prompt is read from standard input");
    }

    #[test]
    fn a_conversation_is_named_by_us_and_gone_on_with_by_its_name() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        let name = |invocation: &Invocation| option(&argv(invocation), "session-id").unwrap().to_owned();
        let first = name(&invocation);
        assert_eq!(first, name(&invocation));
        let shape: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!((shape, &first[14..15]), (vec![8, 4, 4, 4, 12], "8"));
        assert!("89ab".contains(&first[19..20]), "{first}");
        invocation.folder = "/runs/1/jobs/8".into();
        assert_ne!(first, name(&invocation));
        invocation.session = Some(Session { id: first.clone(), reported: Spend::default() });
        assert_eq!(
            (option(&argv(&invocation), "resume"), option(&argv(&invocation), "session-id")),
            (Some(&*first), None)
        );
    }

    #[test]
    fn a_clouds_keys_are_for_those_whose_provider_it_is() {
        let wants = |name, set: &[&str]| Claude.wants(name, &|other| set.contains(&other));
        assert!(!wants("AWS_SECRET_ACCESS_KEY", &["AWS_SECRET_ACCESS_KEY"]));
        assert!(wants("AWS_SECRET_ACCESS_KEY", &["CLAUDE_CODE_USE_BEDROCK"]) && wants("ANTHROPIC_API_KEY", &[]));
        assert!(!wants("GOOGLE_APPLICATION_CREDENTIALS", &[BEDROCK]));
    }

    #[test]
    fn a_version_is_told_from_what_others_print() {
        assert_eq!(Claude.version("2.1.329 (Claude Code)\n"), Some("2.1.329".to_owned()));
        assert_eq!((Claude.version("codex-cli 0.169.0"), Claude.version("")), (None, None));
    }

    #[test]
    fn the_schema_and_the_limit_of_turns_are_passed_on() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        (invocation.schema, invocation.turns, invocation.model) = (Some("{}"), 0, Some("--odd".to_owned()));
        invocation.definition = Some(transcript::definition("words"));
        let argv = argv(&invocation);
        let of = |name| option(&argv, name);
        assert_eq!([of("json-schema"), of("max-turns"), of("model")], [Some("{}"), Some("1"), Some("--odd")]);
    }
}
