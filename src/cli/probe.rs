//! A backend looked at: whether it can be asked for anything here, in the words that `doctor` and `execute` have in common.

use super::crew;
use crate::{
    agent::dialect,
    config::{Config, Environment},
    process::{Call, output, which, with_causes},
    text::line,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::Path,
    time::Duration,
};

/// How long a command line may take to say its version: some need seconds to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of what it says.
const ANSWER_MAX: usize = 64 << 10;
/// Columns of what somebody else said.
const COLUMNS: usize = 200;

/// Why a backend cannot be asked for anything, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    pub(super) text: String,
    pub(super) help: String,
}

impl Lack {
    fn new(text: impl Into<String>, help: impl Into<String>) -> Lack {
        Lack { text: text.into(), help: help.into() }
    }
}

/// What was found of each backend that was looked at, by its name without a model: what it is and where, or what it lacks.
pub(super) type Looked = BTreeMap<String, Result<String, Lack>>;

/// The name of a backend without its model.
pub(super) fn program_of(backend: &str) -> &str {
    backend.split(':').next().unwrap_or_default()
}

/// Looks at backends, each once. Nothing is asked but a command line's version. `top` is the repository's folder, where there is one.
pub(super) async fn look<'a>(
    environment: &Environment,
    top: Option<&Path>,
    config: &Config,
    backends: impl IntoIterator<Item = &'a str>,
) -> Looked {
    let mut looked = Looked::new();
    for name in backends.into_iter().map(program_of).collect::<BTreeSet<_>>() {
        let found = match name {
            "acp" => program(environment, name, &config.backends.acp),
            "command" => program(environment, name, &config.backends.command),
            "replay" => recordings(top, config),
            "script" => Err(Lack::new(
                "it is to be done by a script",
                "name a coding agent in `[agents]` of tidegate.toml instead of `script`",
            )),
            name => command_line(environment, name).await,
        };
        looked.insert(name.to_owned(), found);
    }
    looked
}

/// A program that the configuration names. Only looked for: what it can be asked, nobody but its user knows.
fn program(environment: &Environment, name: &str, argv: &[String]) -> Result<String, Lack> {
    let Some(first) = argv.first() else {
        let text = format!("`[backends] {name}` in tidegate.toml names no program");
        return Err(Lack::new(text, format!("write `{name} = [\"program\"]`")));
    };
    let found = which(first.as_ref(), environment.search_path().unwrap_or_default());
    found.map(|place| place.display().to_string()).ok_or_else(|| {
        let text = format!("`{}` is not on PATH", line(first, COLUMNS));
        Lack::new(text, format!("install it, or mend `[backends] {name}` in tidegate.toml"))
    })
}

/// The recordings that would be played.
fn recordings(top: Option<&Path>, config: &Config) -> Result<String, Lack> {
    let text = match (crew::cassettes(top, config), &config.backends.replay) {
        (Some(folder), Some(written)) if folder.is_dir() => return Ok(written.clone()),
        (Some(folder), _) => format!("{} is no folder", folder.display()),
        (None, _) => "`[backends] replay` in tidegate.toml names no folder of recordings".to_owned(),
    };
    Err(Lack::new(text, "record a run by `execute --record DIR`, and name that folder in `[backends] replay`"))
}

/// A command line, asked for its version: that its name is on PATH says nothing.
async fn command_line(environment: &Environment, name: &str) -> Result<String, Lack> {
    let Some(dialect) = dialect(name, &environment.time_zone) else {
        let help = "install one and log in, or plug in another program with `[backends] command`";
        return Err(Lack::new(crew::nobody(), help));
    };
    let Some(program) = crew::program(environment, name) else {
        let text = format!("`{}` is not on PATH", dialect.program());
        return Err(Lack::new(text, "install it, or configure another backend"));
    };
    let said = asked(environment, program.as_os_str(), &["--version"]).await;
    let said = said
        .map_err(|why| Lack::new(why, "install it again: its package may have been installed without its scripts"))?;
    dialect.version(&said).map(|version| format!("{version} at {}", program.display())).ok_or_else(|| {
        let text = format!("{} is another program, or broken: it says {}", program.display(), line(said.trim(), 80));
        Lack::new(text, format!("`{} --version` has to answer", program.display()))
    })
}

/// What a program says of itself.
///
/// # Errors
/// Why it says nothing, in words.
pub(super) async fn asked(environment: &Environment, program: &OsStr, args: &[&str]) -> Result<String, String> {
    let (args, env) = (args.iter().map(Into::into).collect::<Vec<_>>(), environment.passed());
    let call = Call {
        program,
        args: &args,
        cwd: Path::new("/"),
        env: &env,
        stdin: b"",
        total: PATIENCE,
        output_bytes: ANSWER_MAX,
    };
    let said = output(call).await.map_err(|error| line(&with_causes(&error), COLUMNS))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if said.code == 0 {
        Ok(text(&said.stdout))
    } else {
        let words = [text(&said.stderr), text(&said.stdout)].into_iter().find(|text| !text.trim().is_empty());
        let words = words.unwrap_or_else(|| format!("it ended with {}", said.code));
        Err(format!("{} does not work: {}", program.to_string_lossy(), line(words.trim(), 120)))
    }
}
