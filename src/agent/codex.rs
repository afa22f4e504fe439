//! Codex's command line: how it is called.

mod cause;
mod reset;
mod stream;

use super::{Call, Dialect, Invocation, Reader, Server, WritePolicy, home};
use jiff::tz::TimeZone;
use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
};
use stream::Stream;
use toml::{Table, Value};

/// Codex.
#[derive(Clone, Debug)]
pub struct Codex {
    zone: TimeZone,
}

impl Codex {
    /// Codex on a machine in this time zone: it tells when a limit ends by the clock on the wall.
    pub fn new(zone: TimeZone) -> Codex {
        Codex { zone }
    }
}

/// Where it keeps what it keeps: a folder of the invocation's home.
const FOLDER: &str = ".codex";
const LOGIN: &str = ".codex/auth.json";
/// Its configuration, in our folder: nobody else reads it, while everybody on the machine can see arguments.
const CONFIG: &str = ".codex/config.toml";
/// The provider as we describe it. The built-in one cannot be changed.
const PROVIDER: &str = "tidegate";
/// How often it takes up a stream again that was cut. Each of these is a line that we see, those of single requests are not.
const RECONNECTS: i64 = 2;

impl Dialect for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn program(&self) -> &'static str {
        "codex"
    }

    fn roams(&self) -> bool {
        true
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            "CODEX_API_KEY",
            "CODEX_ACCESS_TOKEN",
            "CODEX_CA_CERTIFICATE",
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
            "OPENAI_ORGANIZATION",
            "OPENAI_PROJECT",
        ]
    }

    fn logins(&self) -> &'static [(&'static str, &'static str)] {
        &[(LOGIN, LOGIN)]
    }

    fn version(&self, printed: &str) -> Option<String> {
        // A warning about its folder can stand before it.
        printed.lines().find_map(|line| line.trim().strip_prefix("codex-cli ")).map(str::to_owned)
    }

    fn call(&self, invocation: &Invocation, program: &Path) -> io::Result<Call> {
        let folder = home::folder(&invocation.home, Path::new(FOLDER))?;
        let mut argv: Vec<OsString> = vec![program.into(), "exec".into()];
        let is_confined = invocation.confines.is_some();
        if !is_confined {
            // Not taken after `resume`.
            argv.extend(["-s", sandbox(invocation.writes)].map(OsString::from));
        }
        if invocation.session.is_some() {
            argv.push("resume".into());
        }
        if is_confined {
            // Its sandbox inside of ours could not be set up, and would keep it from what ours lets it do.
            argv.push("--dangerously-bypass-approvals-and-sandbox".into());
        }
        // In place of what the agent of the try before made of it. The user's own is in no home of ours.
        home::put(&invocation.home, CONFIG, config(invocation).to_string().as_bytes())?;
        let fixed = ["--json", "--skip-git-repo-check", "--disable", "plugins"];
        argv.extend(fixed.map(OsString::from));
        for (name, value) in settings(invocation) {
            argv.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        if let Some(model) = &invocation.model {
            argv.push(format!("--model={model}").into());
        }
        if let Some(schema) = invocation.schema {
            argv.push("--output-schema".into());
            argv.push(home::put(&invocation.home, "tidegate-schema.json", schema.as_bytes())?.into());
        }
        if let Some(session) = &invocation.session {
            argv.push(session.id.clone().into());
        }
        argv.push("-".into());
        let env = vec![("CODEX_HOME".into(), folder.into_os_string())];
        Ok(Call { argv, env, stdin: invocation.prompt.clone() })
    }

    fn reader(&self, invocation: &Invocation) -> Box<dyn Reader> {
        Box::new(Stream::new(invocation, self.zone.clone()))
    }
}

fn sandbox(writes: WritePolicy) -> &'static str {
    match writes {
        WritePolicy::Workspace => "workspace-write",
        WritePolicy::Nothing => "read-only",
    }
}

/// What may hold a secret of its configuration for this run: the environments of servers, and the address of a provider.
fn config(invocation: &Invocation) -> Table {
    let providers = Table::from_iter([(PROVIDER.to_owned(), provider(invocation))]);
    Table::from_iter([
        ("model_providers".to_owned(), Value::Table(providers)),
        ("mcp_servers".to_owned(), Value::Table(invocation.servers.iter().map(server).collect())),
    ])
}

/// The rest of it, which goes before whatever stands in a file.
fn settings(invocation: &Invocation) -> Vec<(&'static str, Value)> {
    let mut settings = vec![
        ("analytics.enabled", Value::Boolean(false)),
        // What the tree says to agents is the tree's; what we say is what counts.
        ("project_doc_max_bytes", Value::Integer(0)),
        ("model_provider", PROVIDER.into()),
    ];
    if let Some(definition) = &invocation.definition {
        settings.push(("developer_instructions", Value::from(&*definition.prompt)));
    }
    settings
}

/// The provider: what is built in, but for two things. It does not try a web socket five times before it asks as everybody does, and
/// it does not try again for long by itself. Its URL without ours is the one that goes with the login.
fn provider(invocation: &Invocation) -> Value {
    let set = |name: &str| {
        let held = invocation.env.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_os_str());
        held.and_then(OsStr::to_str).filter(|value| !value.is_empty())
    };
    let mut provider = Table::new();
    let mut field = |name: &str, value: Value| provider.insert(name.to_owned(), value);
    field("name", "OpenAI".into());
    field("wire_api", "responses".into());
    field("request_max_retries", Value::Integer(0));
    field("stream_max_retries", Value::Integer(RECONNECTS));
    if let Some(url) = set("OPENAI_BASE_URL") {
        field("base_url", url.trim_end_matches('/').into());
    }
    let headers = [("OpenAI-Organization", "OPENAI_ORGANIZATION"), ("OpenAI-Project", "OPENAI_PROJECT")];
    let headers = headers.map(|(header, variable)| (header.to_owned(), Value::from(variable)));
    field("env_http_headers", Value::Table(Table::from_iter(headers)));
    // As it does by itself, a login goes before the key that others use too: else a plan's work would be paid for once more.
    let has_login = ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"].iter().any(|name| set(name).is_some())
        || invocation.home.join(LOGIN).is_file();
    match set("OPENAI_API_KEY") {
        Some(_) if !has_login => field("env_key", "OPENAI_API_KEY".into()),
        _ => field("requires_openai_auth", Value::Boolean(true)),
    };
    Value::Table(provider)
}

fn server(server: &Server) -> (String, Value) {
    let (command, args) = server.argv.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let env = server.env.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let table = Table::from_iter([
        ("command".to_owned(), Value::from(command)),
        ("args".to_owned(), Value::from(args.to_vec())),
        ("env".to_owned(), Value::Table(env.collect())),
        // Else each call would ask, and nobody is there.
        ("default_tools_approval_mode".to_owned(), "approve".into()),
    ]);
    (server.name.clone(), Value::Table(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        agent::{Session, goldens, transcript},
        process::Confines,
        run::Spend,
    };
    use std::{fs, os::unix::fs::PermissionsExt};

    fn argv(invocation: &Invocation) -> Vec<String> {
        let call = Codex::new(TimeZone::UTC).call(invocation, Path::new("/bin/codex")).unwrap();
        call.argv.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    /// Its configuration, as it reads it.
    fn set(argv: &[String], name: &str) -> Option<Value> {
        let value = argv.windows(2).find_map(|pair| match &*pair[0] {
            "-c" => pair[1].strip_prefix(name)?.strip_prefix('='),
            _ => None,
        })?;
        let document: Table = toml::from_str(&format!("x = {value}")).unwrap();
        document.get("x").cloned()
    }

    /// Its file, which only its owner reads.
    fn read(invocation: &Invocation) -> Table {
        let file = invocation.home.join(CONFIG);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::read_to_string(file).unwrap().parse().unwrap()
    }

    #[test]
    fn its_own_sandbox_is_used_where_ours_is_not() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        assert_eq!(argv(&invocation)[1..4], ["exec", "-s", "workspace-write"]);
        invocation.writes = WritePolicy::Nothing;
        invocation.session = Some(Session { id: "t-1".to_owned(), reported: Spend::default() });
        let resumed = argv(&invocation);
        assert_eq!(resumed[1..5], ["exec", "-s", "read-only", "resume"]);
        assert_eq!(resumed[resumed.len() - 2..], ["t-1", "-"]);
        invocation.confines = Some(Confines::default());
        let confined = argv(&invocation);
        assert_eq!(confined[1..4], ["exec", "resume", "--dangerously-bypass-approvals-and-sandbox"]);
        assert!(!confined.contains(&"-s".to_owned()));
    }

    #[test]
    fn what_it_is_told_and_what_it_may_call_come_through_as_they_are() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        let prompt = "say \"'''\\ and\n\ttabs, \"\"\" and \u{7f}";
        invocation.definition = Some(transcript::definition(prompt));
        let env = vec![("A".to_owned(), "a \"secret\"".to_owned())];
        invocation.servers =
            vec![Server { name: "an odd.name".to_owned(), argv: ["a", "b c"].map(str::to_owned).to_vec(), env }];
        invocation.schema = Some("{}");
        let argv = argv(&invocation);
        let told = set(&argv, "developer_instructions").unwrap();
        assert_eq!(told.as_str(), Some(&*invocation.definition.as_ref().unwrap().prompt));
        assert!(!argv.iter().any(|argument| argument.contains("secret")), "everybody sees arguments: {argv:?}");
        let config = read(&invocation);
        let server = &config["mcp_servers"]["an odd.name"];
        assert_eq!((server["command"].as_str(), server["args"][0].as_str()), (Some("a"), Some("b c")));
        assert_eq!(server["env"]["A"].as_str(), Some("a \"secret\""));
        assert_eq!(server["default_tools_approval_mode"].as_str(), Some("approve"));
        let schema = argv.iter().skip_while(|argument| *argument != "--output-schema").nth(1).unwrap();
        assert_eq!(fs::read_to_string(schema).unwrap(), "{}");
    }

    #[test]
    fn the_provider_is_the_users_and_asked_as_everybody_asks() {
        let home = tempfile::tempdir().unwrap();
        let mut invocation = goldens::invocation(home.path());
        let provider = |invocation: &Invocation| {
            argv(invocation);
            read(invocation)["model_providers"][PROVIDER].clone()
        };
        assert_eq!(provider(&invocation)["requires_openai_auth"].as_bool(), Some(true));
        assert!(provider(&invocation).get("base_url").is_none(), "the login knows it");
        invocation.env.push(("OPENAI_API_KEY".into(), "k".into()));
        invocation.env.push(("OPENAI_BASE_URL".into(), "http://127.0.0.1:9/v1/".into()));
        let own = provider(&invocation);
        assert_eq!(own["env_key"].as_str(), Some("OPENAI_API_KEY"));
        assert_eq!((own["base_url"].as_str(), own.get("requires_openai_auth")), (Some("http://127.0.0.1:9/v1"), None));
        assert_eq!(
            (own["request_max_retries"].as_integer(), own["stream_max_retries"].as_integer()),
            (Some(0), Some(2))
        );
        home::put(home.path(), LOGIN, b"{}").unwrap();
        let with_login = provider(&invocation);
        assert_eq!(
            with_login["requires_openai_auth"].as_bool(),
            Some(true),
            "a login goes before a key for everything"
        );
        assert!(with_login.get("env_key").is_none());
    }

    #[test]
    fn a_version_is_told_from_what_others_print() {
        let codex = Codex::new(TimeZone::UTC);
        assert_eq!(codex.version("WARNING: x\ncodex-cli 0.169.0\n"), Some("0.169.0".to_owned()));
        assert_eq!((codex.version("2.1.329 (Claude Code)"), codex.version("")), (None, None));
    }
}
