//! The user's MCP servers: those of the repository's `.mcp.json` that `[agents] mcp` allows by name.

use super::SOURCE;
use crate::{
    agent::Server,
    mcp::NAME,
    plan::{Fault, Label, Severity, Span},
    text::{line, nearest},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The file, in Claude Code's format.
pub const SERVERS: &str = ".mcp.json";

/// Bytes of the file, at most.
const FILE_MAX: usize = 1 << 20;
/// Characters of a server's name, at most: tools are called after it.
const NAME_MAX: usize = 64;

/// Why agents cannot be given the servers that they are to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServersFault {
    /// The file says something that cannot be understood; [`SOURCE`] is the file.
    Faulty(Fault),
    /// Something is not there, or not possible here.
    Missing {
        /// What.
        what: String,
        /// What to do about it.
        fix: String,
    },
}

/// The servers of these names, in their order, from the text of the file; none where there is no file. `${NAME}` and `${NAME:-else}` in commands,
/// arguments and environments are replaced from `variables`, and from nothing else.
///
/// # Errors
/// The first of them that cannot be given, and why.
pub fn servers(
    text: Option<&str>,
    names: &[String],
    variables: &BTreeMap<String, String>,
) -> Result<Vec<Server>, ServersFault> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let known = match text {
        Some(text) => read(text).map_err(ServersFault::Faulty)?,
        None => Map::new(),
    };
    let mut servers: Vec<Server> = Vec::new();
    for name in names {
        if servers.iter().any(|server| server.name == *name) {
            continue;
        }
        let Some(entry) = known.get(name) else { return Err(not_there(name, text.is_some(), &known)) };
        servers.push(server(name, entry, variables)?);
    }
    Ok(servers)
}

fn read(text: &str) -> Result<Map<String, Value>, Fault> {
    if text.len() > FILE_MAX {
        return Err(fault(format!("{SERVERS} has more than {} KiB", FILE_MAX / 1024), None));
    }
    let file: Value = serde_json::from_str(text).map_err(|error| {
        let start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = text.floor_char_boundary((start + error.column().saturating_sub(1)).min(text.len()));
        fault(format!("the file is no JSON: {error}"), Some(at))
    })?;
    match file.get("mcpServers") {
        Some(Value::Object(servers)) => Ok(servers.clone()),
        _ => Err(fault(format!("{SERVERS} has no object `mcpServers`"), None)),
    }
}

fn not_there(name: &str, is_there: bool, known: &Map<String, Value>) -> ServersFault {
    let shown = line(name, NAME_MAX);
    let meant = nearest(name, known.keys().map(String::as_str));
    let meant = meant.map(|meant| format!("did you mean `{}`? ", line(meant, NAME_MAX))).unwrap_or_default();
    let (what, fix) = match is_there {
        true => (
            format!("`[agents] mcp` names `{shown}`, which {SERVERS} has not"),
            format!("{meant}write another name in tidegate.toml, or add the server, and commit it"),
        ),
        false => (
            format!("`[agents] mcp` names `{shown}`, and the base commit has no {SERVERS}"),
            format!("add {SERVERS} and commit it, or leave `mcp` out"),
        ),
    };
    ServersFault::Missing { what, fix }
}

fn server(name: &str, entry: &Value, variables: &BTreeMap<String, String>) -> Result<Server, ServersFault> {
    let bad = |what: &str| ServersFault::Faulty(fault(format!("the server `{}` {what}", line(name, NAME_MAX)), None));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_plain) {
        return Err(bad("cannot have this name: up to 64 letters, digits, `-` and `_`"));
    }
    if name == NAME {
        return Err(bad("has the name of our own server, which is always there"));
    }
    let Value::Object(entry) = entry else { return Err(bad("is no object")) };
    let kind = entry.get("type").and_then(Value::as_str);
    if entry.contains_key("url") || kind.is_some_and(|kind| kind != "stdio") {
        let kind = line(kind.unwrap_or("http"), 20);
        return Err(ServersFault::Missing {
            what: format!("the MCP server `{name}` is of the kind `{kind}`, which is not supported"),
            fix: "name servers that are started by a command; leave this one out of `[agents] mcp`".to_owned(),
        });
    }
    let expanded = |text: &str| {
        let text = expand(text, variables).map_err(|variable| unset(name, &variable))?;
        if text.contains('\0') { Err(bad("has a text with a zero byte")) } else { Ok(text) }
    };
    let command = entry.get("command").and_then(Value::as_str).filter(|command| !command.trim().is_empty());
    let mut argv = vec![expanded(command.ok_or_else(|| bad("has no `command`"))?)?];
    match entry.get("args") {
        None => {}
        Some(Value::Array(args)) => {
            for arg in args {
                argv.push(expanded(arg.as_str().ok_or_else(|| bad("has `args` that are not all strings"))?)?);
            }
        }
        Some(_) => return Err(bad("has `args` that are no list")),
    }
    let mut env = Vec::new();
    match entry.get("env") {
        None => {}
        Some(Value::Object(of)) => {
            for (variable, value) in of {
                if variable.is_empty() || variable.contains(['=', '\0']) || variable.starts_with("TIDEGATE_") {
                    return Err(bad("sets a variable that cannot be set"));
                }
                let value = value.as_str().ok_or_else(|| bad("has an `env` whose values are not all strings"))?;
                env.push((variable.clone(), expanded(value)?));
            }
        }
        Some(_) => return Err(bad("has an `env` that is no object")),
    }
    Ok(Server { name: name.to_owned(), argv, env })
}

/// A text with its variables replaced; or the name of one that there is not.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, from)) = rest.split_once("${") {
        // What does not end is no variable.
        let Some((inside, behind)) = from.split_once('}') else { break };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let value = variables.get(name).map(String::as_str).or(default).ok_or_else(|| name.to_owned())?;
        out.push_str(before);
        out.push_str(value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn unset(name: &str, variable: &str) -> ServersFault {
    let variable = line(variable, NAME_MAX);
    ServersFault::Missing {
        what: format!("the MCP server `{name}` wants `{variable}`, which agents do not have"),
        fix: format!("name `{variable}` in `[agents] env` of tidegate.toml, and set it where tidegate is started"),
    }
}

fn fault(text: String, at: Option<usize>) -> Fault {
    let at = at.and_then(|at| u32::try_from(at).ok()).map(|at| Span { source: SOURCE, start: at, end: at });
    let labels = at.map(|at| Label { at, text: String::new() }).into_iter().collect();
    let help = Some(
        "write it as Claude Code does: {\"mcpServers\": {\"name\": {\"command\": \"...\", \"args\": []}}}".to_owned(),
    );
    Fault { severity: Severity::Error, code: "mcp-servers", text, labels, help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#"{"mcpServers": {
        "github": {"command": "npx", "args": ["-y", "${PACKAGE:-server-github}"], "env": {"TOKEN": "a${GITHUB_TOKEN}b"}},
        "plain": {"type": "stdio", "command": "plain"},
        "far": {"type": "http", "url": "https://example.org"},
        "old": {"url": "https://example.org/sse"},
        "tidegate": {"command": "x"},
        "a b": {"command": "x"},
        "empty": {},
        "odd": {"command": "x", "args": [1]}
    }}"#;

    fn of(names: &[&str], variables: &[(&str, &str)]) -> Result<Vec<Server>, String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        servers(Some(FILE), &names, &variables).map_err(|fault| match fault {
            ServersFault::Faulty(fault) => fault.text,
            ServersFault::Missing { what, .. } => what,
        })
    }

    #[test]
    fn the_servers_that_are_named_are_given_with_the_variables_that_are_allowed() {
        let given = of(&["plain", "github", "plain"], &[("GITHUB_TOKEN", "${x}")]).unwrap();
        let plain = Server { name: "plain".into(), argv: vec!["plain".into()], env: Vec::new() };
        let github = Server {
            name: "github".into(),
            argv: vec!["npx".into(), "-y".into(), "server-github".into()],
            env: vec![("TOKEN".into(), "a${x}b".into())],
        };
        assert_eq!(given, [plain, github]);
        let given = of(&["github"], &[("GITHUB_TOKEN", ""), ("PACKAGE", "mine")]).unwrap();
        assert_eq!((&*given[0].argv[2], &*given[0].env[0].1), ("mine", "ab"));
        assert_eq!(servers(None, &[], &BTreeMap::new()), Ok(Vec::new()));
        assert_eq!(servers(Some("garbage"), &[], &BTreeMap::new()), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_given_is_told() {
        for (name, words) in [
            ("github", "the MCP server `github` wants `GITHUB_TOKEN`, which agents do not have"),
            ("far", "the MCP server `far` is of the kind `http`, which is not supported"),
            ("old", "the MCP server `old` is of the kind `http`, which is not supported"),
            ("tidegate", "the server `tidegate` has the name of our own server, which is always there"),
            ("a b", "the server `a b` cannot have this name: up to 64 letters, digits, `-` and `_`"),
            ("empty", "the server `empty` has no `command`"),
            ("odd", "the server `odd` has `args` that are not all strings"),
            ("gihtub", "`[agents] mcp` names `gihtub`, which .mcp.json has not"),
        ] {
            assert_eq!(of(&[name], &[]), Err(words.to_owned()));
        }
    }

    #[test]
    fn a_file_that_is_no_json_is_told_by_its_place() {
        let names = ["a".to_owned()];
        let faulty = |text: &str| match servers(Some(text), &names, &BTreeMap::new()) {
            Err(ServersFault::Faulty(fault)) => (fault.text, fault.labels.first().map(|label| label.at.start)),
            other => panic!("{other:?}"),
        };
        assert_eq!(faulty("{\n \"é\": x}").1, Some(9));
        assert!(faulty("").0.starts_with("the file is no JSON"));
        assert_eq!(faulty("[]"), (".mcp.json has no object `mcpServers`".to_owned(), None));
    }

    proptest! {
        #[test]
        fn no_file_panics_and_no_variable_is_looked_up_twice(text in "(\\$\\{|\\}|:-|A|\\PC){0,12}") {
            let variables = BTreeMap::from([("A".to_owned(), "${B}".to_owned())]);
            let _ = expand(&text, &variables);
            let file = serde_json::json!({ "mcpServers": { "a": { "command": text, "args": [text] } } }).to_string();
            let _ = servers(Some(&file), &["a".to_owned()], &variables);
            let _ = servers(Some(&text), &["a".to_owned()], &variables);
        }
    }
}
