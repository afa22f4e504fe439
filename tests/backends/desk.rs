//! A scratch home for one real command line, and how each of them is started by hand against a scripted model.

use super::{clis::Cli, model::Server};
use serde_json::{Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A scratch home and work folder for one command line.
pub struct Desk {
    scratch: TempDir,
    program: PathBuf,
}

/// What came of one run.
pub struct Run {
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl Desk {
    pub fn of(cli: Cli) -> Option<Desk> {
        let program = cli.find()?;
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let desk = Desk { scratch, program };
        for folder in [desk.work(), desk.temporary()] {
            fs::create_dir_all(folder).expect("a folder");
        }
        Some(desk)
    }

    pub fn home(&self) -> &Path {
        self.scratch.path()
    }

    pub fn work(&self) -> PathBuf {
        self.scratch.path().join("work")
    }

    /// Not the system's: codex puts its sandbox's helper into no home that is in a temporary folder, and then runs nothing.
    pub fn temporary(&self) -> PathBuf {
        self.scratch.path().join("temporary")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        // The test must end, whatever the command line does.
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "240"]).arg(&self.program).args(arguments);
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        command.env("TMPDIR", self.temporary()).current_dir(self.work());
        command
    }

    pub fn run(&self, command: &mut Command, prompt: &str) -> Run {
        let input = self.home().join("prompt");
        fs::write(&input, prompt).expect("a prompt");
        let output = command.stdin(fs::File::open(&input).expect("it")).output().expect("it starts");
        Run {
            code: output.status.code(),
            lines: output
                .stdout
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.work().join(file)).unwrap_or_default()
    }

    pub fn claude(&self, server: &Server, arguments: &[&str]) -> Command {
        let usual = ["-p", "--output-format", "stream-json", "--verbose", "--model", "claude-sonnet-4-5"];
        let ours = ["--setting-sources", "", "--strict-mcp-config", "--permission-mode", "acceptEdits"];
        let mut command = self.command(&[&usual[..], &ours[..], arguments].concat());
        command.envs(quiet_claude(server));
        command
    }

    pub fn codex(&self, server: &Server, arguments: &[&str]) -> Command {
        let provider = format!(
            "model_providers.scripted={{name=\"scripted\",base_url=\"{}\",env_key=\"SCRIPTED_KEY\",wire_api=\"responses\",\
             request_max_retries=1,stream_max_retries=1}}",
            server.url_v1()
        );
        let usual = ["exec", "--json", "--skip-git-repo-check", "--disable", "plugins"];
        let ours = ["-c", "model_provider=scripted", "-c", &provider, "-c", "analytics.enabled=false"];
        let mut command = self.command(&[&usual[..], &ours[..], arguments, &["-"][..]].concat());
        // Not the home: codex wants no programs beside its sessions.
        let home = self.home().join("codex");
        fs::create_dir_all(&home).expect("a home for codex");
        command.env("CODEX_HOME", home).env("SCRIPTED_KEY", "dummy");
        command
    }

    /// How the server of tools in `notes.mjs` is started, and where it writes.
    pub fn notes(&self) -> (Value, PathBuf) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backends/notes.mjs");
        let notes = self.home().join("notes");
        (json!({"command": "node", "args": [script], "env": {"NOTES": notes}}), notes)
    }

    pub fn gemini(&self, server: &Server, arguments: &[&str]) -> Command {
        let settings = json!({
            "mcpServers": {"notes": self.notes().0},
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "general": {"enableAutoUpdate": false, "maxAttempts": 2},
            "privacy": {"usageStatisticsEnabled": false},
        });
        fs::create_dir_all(self.home().join(".gemini")).expect("a folder for settings");
        fs::write(self.home().join(".gemini/settings.json"), settings.to_string()).expect("settings");
        let usual = ["-o", "stream-json", "--approval-mode", "yolo", "-m", "gemini-2.5-pro"];
        let mut command = self.command(&[&usual[..], arguments].concat());
        command
            .env("GEMINI_API_KEY", "dummy")
            .env("GOOGLE_GEMINI_BASE_URL", server.url())
            .env("GEMINI_CLI_TRUST_WORKSPACE", "true")
            .env("GEMINI_TELEMETRY_ENABLED", "false")
            .env("GEMINI_CLI_NO_RELAUNCH", "true");
        command
    }

    pub fn opencode(&self, server: &Server, arguments: &[&str]) -> Command {
        let models = json!({
            "scripted-model": {
                "name": "Scripted",
                "tool_call": true,
                "cost": {"input": 3, "output": 15, "cache_read": 0.3},
                "limit": {"context": 200_000, "output": 8000},
            },
            "scripted-small": {"name": "Small"},
        });
        let (notes, _) = self.notes();
        let notes = json!({
            "type": "local",
            "command": ["node", notes["args"][0]],
            "environment": notes["env"],
        });
        let config = json!({
            "mcp": {"notes": notes},
            "share": "disabled",
            "autoupdate": false,
            "model": "scripted/scripted-model",
            "small_model": "scripted/scripted-small",
            "permission": {"edit": "allow", "bash": "allow"},
            "provider": {"scripted": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "Scripted",
                "options": {"baseURL": server.url_v1(), "apiKey": "dummy"},
                "models": models,
            }},
        });
        let mut command = self.command(&[&["run", "--format", "json", "--auto"][..], arguments].concat());
        command.env("OPENCODE_CONFIG_CONTENT", config.to_string());
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")] {
            command.env(name, self.home().join(folder));
        }
        for switch in ["PROJECT_CONFIG", "AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS"] {
            command.env(format!("OPENCODE_DISABLE_{switch}"), "1");
        }
        command
    }
}

pub fn quiet_claude(server: &Server) -> Vec<(&'static str, String)> {
    let mut variables = vec![("ANTHROPIC_BASE_URL", server.url()), ("ANTHROPIC_API_KEY", "dummy".to_owned())];
    variables.push(("CLAUDE_CODE_MAX_RETRIES", "1".to_owned()));
    let switches = [
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "DISABLE_TELEMETRY",
        "DISABLE_AUTOUPDATER",
        "DISABLE_ERROR_REPORTING",
        "IS_SANDBOX",
    ];
    variables.extend(switches.map(|switch| (switch, "1".to_owned())));
    variables
}
