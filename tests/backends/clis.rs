//! The command lines of real agents: where they are, and which versions the tests were written for.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// One of the command lines. The versions are those of `.ci/clis`, which a test below compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cli {
    /// The name of its program.
    pub name: &'static str,
    /// The npm package that it comes in.
    pub package: &'static str,
    pub version: &'static str,
}

pub const CLAUDE: Cli = Cli { name: "claude", package: "@anthropic-ai/claude-code", version: "2.1.329" };
pub const CODEX: Cli = Cli { name: "codex", package: "@openai/codex", version: "0.169.0" };
pub const GEMINI: Cli = Cli { name: "gemini", package: "@google/gemini-cli", version: "0.61.0" };
pub const OPENCODE: Cli = Cli { name: "opencode", package: "opencode-ai", version: "1.18.33" };
pub const CLAUDE_ACP: Cli =
    Cli { name: "claude-agent-acp", package: "@agentclientprotocol/claude-agent-acp", version: "0.100.0" };

pub const ALL: [Cli; 5] = [CLAUDE, CODEX, GEMINI, OPENCODE, CLAUDE_ACP];

impl Cli {
    /// Where its program is, or `None` after saying why the test is skipped.
    ///
    /// # Panics
    /// If it is missing and `CI` is `true`: there, nothing is skipped.
    pub fn find(self) -> Option<PathBuf> {
        let program = folder().join(self.name);
        if program.exists() {
            return Some(program);
        }
        let reason = format!("{} {} is not in {}; run .ci/clis", self.name, self.version, folder().display());
        assert!(env::var("CI").as_deref() != Ok("true"), "{reason}");
        println!("skipped: {reason}");
        None
    }
}

/// The folder with the programs, absolute.
pub fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    env::var_os("TIDEGATE_CLIS")
        .map_or_else(|| package.join("target/clis/node_modules/.bin"), |folder| package.join(folder))
}

#[test]
fn what_is_installed_is_what_the_tests_were_written_for() {
    for cli in ALL {
        let Some(program) = cli.find() else { continue };
        let home = tempfile::tempdir().expect("a scratch folder");
        let output = Command::new(program).arg("--version").env("HOME", home.path()).output().expect("it starts");
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(
            words.split_whitespace().any(|word| word == cli.version),
            "{} {} is wanted; --version says {words:?}",
            cli.name,
            cli.version
        );
    }
}

#[test]
fn ci_installs_these_packages_in_these_versions() {
    let script = include_str!("../../.ci/clis");
    for cli in ALL {
        let line = format!("{} {}@{}", cli.name, cli.package, cli.version);
        assert!(script.lines().any(|known| known.trim() == line), ".ci/clis does not say: {line}");
    }
}
