//! A hardened call of git: no configuration but ours, no hooks, no filters, no pager, nothing inherited.

use crate::process::{Call, Output, OutputError, output};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

/// No call of ours takes this long; a clone of the largest repositories does not either, since it shares objects.
const TOTAL: Duration = Duration::from_secs(600);
/// The list of a million paths fits.
const OUTPUT_BYTES: usize = 256 << 20;

/// Configuration that no file can override (`research/reliability.md`, 5.1).
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null/x"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.pager", "cat"),
    ("core.sshCommand", "false"),
    ("core.askPass", ""),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.quotePath", "false"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("core.fsync", "loose-object,pack,reference"),
    ("core.fsyncMethod", "batch"),
    ("credential.helper", ""),
    ("diff.external", ""),
    ("diff.ignoreSubmodules", "none"),
    ("diff.renames", "false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("log.showRoot", "true"),
    ("gpg.program", "false"),
    ("submodule.recurse", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("merge.directoryRenames", "false"),
    ("merge.renormalize", "false"),
    ("safe.bareRepository", "explicit"),
    ("protocol.ext.allow", "never"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    // Since git 2.54 hooks can also be configured, and a hooks path does not turn those off.
    ("hook.reference-transaction.enabled", "false"),
    ("hook.post-index-change.enabled", "false"),
    ("hook.post-checkout.enabled", "false"),
    ("hook.post-commit.enabled", "false"),
    ("hook.pre-commit.enabled", "false"),
    ("hook.fsmonitor-watchman.enabled", "false"),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_ALLOW_PROTOCOL", "file"),
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "true"),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
    ("HOME", "/dev/null"),
    // Reflogs of refs want somebody; authors of commits are always given.
    ("GIT_COMMITTER_NAME", "tidegate"),
    ("GIT_COMMITTER_EMAIL", "tidegate@localhost"),
    ("GIT_AUTHOR_NAME", "tidegate"),
    ("GIT_AUTHOR_EMAIL", "tidegate@localhost"),
];

/// Why git did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It failed.
    #[error("git {command} failed ({code}): {said}")]
    Failed {
        /// The command, without its arguments' values.
        command: String,
        /// Its exit code.
        code: i32,
        /// The last of what it said.
        said: String,
    },
    /// It could not be run.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// It said something else than it says in every version we know.
    #[error("git {command} said what it should not: {said:?}")]
    Strange {
        /// The command.
        command: String,
        /// What it said.
        said: String,
    },
    /// A path in the repository is no UTF-8, and cannot be named in documents.
    #[error("the path {0:?} is not UTF-8")]
    Path(String),
    /// A file of ours beside the repository could not be read or written.
    #[error("{}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Git with an environment.
#[derive(Clone, Debug)]
pub(super) struct Git {
    env: Vec<(OsString, OsString)>,
    cwd: PathBuf,
}

impl Git {
    /// Git as found in `path`, in no repository.
    pub(super) fn new(path: &OsStr) -> Git {
        let mut env: Vec<(OsString, OsString)> = vec![("PATH".into(), path.into())];
        env.extend(ENVIRONMENT.iter().map(|(name, value)| (name.into(), value.into())));
        configure(&mut env, CONFIG.iter());
        Git { env, cwd: "/".into() }
    }

    /// Git that signs as the user does: with what, and by which key, their configuration says; all else ours.
    pub(super) fn signer(environment: &[(OsString, OsString)]) -> Git {
        let Git { mut env, cwd } = Git::of_user(environment);
        let theirs = ["GNUPGHOME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"];
        env.extend(environment.iter().filter(|(name, _)| theirs.iter().any(|own| name == own)).cloned());
        env.push(("GIT_TERMINAL_PROMPT".into(), "0".into()));
        configure(&mut env, CONFIG.iter().filter(|(key, _)| !key.starts_with("gpg.")));
        Git { env, cwd }
    }

    /// Git as the user has it: it reads their configuration. For finding the repository, and for their name.
    pub(super) fn of_user(environment: &[(OsString, OsString)]) -> Git {
        let theirs = ["PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME"];
        let mut env: Vec<_> =
            environment.iter().filter(|(name, _)| theirs.iter().any(|own| name == own)).cloned().collect();
        env.extend([("LC_ALL".into(), "C".into()), ("GIT_OPTIONAL_LOCKS".into(), "0".into())]);
        Git { env, cwd: "/".into() }
    }

    /// The same with one more variable.
    #[must_use]
    pub(super) fn with(&self, name: &str, value: impl AsRef<OsStr>) -> Git {
        let mut env: Vec<_> = self.env.iter().filter(|(own, _)| own != name).cloned().collect();
        env.push((name.into(), value.as_ref().into()));
        Git { env, cwd: self.cwd.clone() }
    }

    /// The same, running in `cwd`.
    #[must_use]
    pub(super) fn within(&self, cwd: &Path) -> Git {
        Git { env: self.env.clone(), cwd: cwd.into() }
    }

    /// Runs it, whatever comes of it.
    pub(super) async fn ask(&self, args: &[&str], stdin: &[u8]) -> Result<Output, GitError> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let (env, cwd, program) = (&self.env, &self.cwd, "git".as_ref());
        Ok(output(Call { program, args: &args, cwd, env, stdin, total: TOTAL, output_bytes: OUTPUT_BYTES }).await?)
    }

    /// Runs it and wants success.
    pub(super) async fn feed(&self, args: &[&str], stdin: &[u8]) -> Result<Vec<u8>, GitError> {
        let output = self.ask(args, stdin).await?;
        if output.code == 0 { Ok(output.stdout) } else { Err(failed(args, &output)) }
    }

    /// Runs it without input and wants success.
    pub(super) async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.feed(args, b"").await
    }

    /// Runs it and wants one object's name.
    pub(super) async fn name(&self, args: &[&str], stdin: &[u8]) -> Result<crate::run::Oid, GitError> {
        let said = self.feed(args, stdin).await?;
        one_name(args, &said)
    }
}

/// Configuration that no file can override.
fn configure<'a>(env: &mut Vec<(OsString, OsString)>, all: impl Iterator<Item = &'a (&'a str, &'a str)>) {
    let mut count = 0;
    for (key, value) in all {
        env.push((format!("GIT_CONFIG_KEY_{count}").into(), key.into()));
        env.push((format!("GIT_CONFIG_VALUE_{count}").into(), value.into()));
        count += 1;
    }
    env.push(("GIT_CONFIG_COUNT".into(), count.to_string().into()));
}

/// The object's name that a command said, and nothing else.
pub(super) fn one_name(args: &[&str], said: &[u8]) -> Result<crate::run::Oid, GitError> {
    let text = String::from_utf8_lossy(said);
    match text.trim().parse::<crate::run::Oid>() {
        Ok(oid) if !oid.is_none() => Ok(oid),
        _ => Err(strange(args, said)),
    }
}

/// The error for a command that failed. What git says may quote hostile names.
pub(super) fn failed(args: &[&str], output: &Output) -> GitError {
    let said = crate::process::Tail::of_text(&String::from_utf8_lossy(&output.stderr), 5).text;
    GitError::Failed { command: command(args), code: output.code, said }
}

/// The error for an answer that makes no sense.
pub(super) fn strange(args: &[&str], said: &[u8]) -> GitError {
    let said = String::from_utf8_lossy(&said[..said.len().min(200)]).into_owned();
    GitError::Strange { command: command(args), said }
}

fn command(args: &[&str]) -> String {
    args.first().copied().unwrap_or_default().to_owned()
}
