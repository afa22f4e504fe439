//! `tidegate doctor`: what `execute` needs here, what is there, and what to do about what is not.
//!
//! With `--json` it is one object, `checks`: of each thing looked at `name`, `state` (`good`, `note`, `bad`), `text` and `help` (null where
//! there is nothing to do). It exits with 0 where `execute` can start; what is bad keeps it from starting. What only the checks
//! themselves can say, that they are green on the base, is not asked here.

use super::{
    Stop, answer,
    args::{Arguments, Doctor},
    confinement, crew,
    exit::Exit,
    say,
    scene::{Scene, wanted},
    workshop::prove_signing,
};
use crate::{
    agent::{Definitions, dialect},
    config::{Config, Environment},
    perform::Checks,
    plan::{Role, Severity},
    process::{Call, output, which, with_causes},
    run::Oid,
    text::line,
    workspace::OpenFault,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a command line may take to say its version: some need seconds to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of what it says.
const ANSWER_MAX: usize = 64 << 10;
/// Free space that is too little, and that may become so: clones, build caches and logs go there.
const DISK_BAD: u64 = 1 << 30;
const DISK_LOW: u64 = 5 << 30;
/// Columns of what somebody else said.
const COLUMNS: usize = 200;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Good,
    /// Worth knowing; `execute` starts all the same.
    Note,
    /// `execute` does not start.
    Bad,
}

/// One thing that was looked at.
struct Finding {
    name: String,
    state: State,
    text: String,
    help: Option<String>,
}

impl Finding {
    fn new(name: &str, state: State, text: impl Into<String>) -> Finding {
        Finding { name: name.to_owned(), state, text: text.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Finding {
        Finding { help: Some(help.into()), ..self }
    }
}

pub(crate) async fn doctor(arguments: &Arguments, wish: &Doctor) -> Result<Exit, Stop> {
    answer(examine(arguments, wish).await, wish.json)
}

async fn examine(arguments: &Arguments, wish: &Doctor) -> Result<Exit, Stop> {
    let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
    let dir = arguments.folder(&environment.folder);
    let (mut found, mut config, mut places) = (Vec::new(), Config::default(), vec![dir.clone()]);
    found.push(git(&environment).await);
    match Scene::sought(environment.clone(), dir, arguments).await? {
        Ok(scene) => {
            found.push(Finding::new("repository", State::Good, scene.repo.top().display().to_string()));
            let head = scene.repo.head();
            match scene.config(head).await {
                Ok(read) => {
                    found.push(Finding::new("configuration", State::Good, configured(&scene, arguments)));
                    config = read;
                    found.extend(beside(&scene, head, &config).await);
                    found.extend(recordings(&scene, &config));
                }
                Err(stop) => found.push(told("configuration", &stop)),
            }
            found.push(definitions(&scene, head, &config).await);
            places.push(scene.repo.state_dir().to_owned());
        }
        Err(fault @ (OpenFault::NoGit | OpenFault::OldGit(_))) => found[0] = refused("git", &fault),
        Err(fault) => found.push(refused("repository", &fault)),
    }
    found.push(confinement::examined(&environment, &config).await.map_or_else(
        |(text, help)| Finding::new("sandbox", State::Bad, text).help(help),
        |text| Finding::new("sandbox", State::Good, text),
    ));
    found.extend(backends(&environment, &config).await);
    places.iter().filter_map(|place| disk(place)).for_each(|finding| {
        if !found.iter().any(|known| known.text == finding.text) {
            found.push(finding);
        }
    });
    let is_bad = found.iter().any(|finding| finding.state == State::Bad);
    if wish.json {
        say(&format!("{:#}\n", json!({ "checks": found.iter().map(value).collect::<Vec<_>>() })))?;
    } else {
        let last = if is_bad { "`execute` cannot start here yet" } else { "`execute` can start here" };
        say(&format!("{}\n{last}\n", page(&found)))?;
    }
    Ok(if is_bad { Exit::Missing } else { Exit::Good })
}

async fn git(environment: &Environment) -> Finding {
    match asked(environment, OsStr::new("git"), &["--version"]).await {
        Ok(said) => Finding::new("git", State::Good, line(said.trim(), COLUMNS)),
        Err(why) => Finding::new("git", State::Bad, why).help("install git 2.45 or newer"),
    }
}

fn refused(name: &str, fault: &OpenFault) -> Finding {
    Finding::new(name, State::Bad, line(&with_causes(fault), COLUMNS)).help(fault.fix())
}

fn configured(scene: &Scene, arguments: &Arguments) -> String {
    match &arguments.config {
        Some(file) => file.display().to_string(),
        None if scene.repo.top().join("tidegate.toml").exists() => "tidegate.toml, as of HEAD".to_owned(),
        None => "no tidegate.toml: the defaults".to_owned(),
    }
}

/// What else `execute` looks at before it begins: checks, servers of agents, signing. Told where it is asked for, or wanting.
async fn beside(scene: &Scene, head: Oid, config: &Config) -> Vec<Finding> {
    let mut found = vec![checks(scene, head, config).await];
    if !config.agents.mcp.is_empty() {
        let servers = scene.servers(head, config).await;
        let names = || line(&config.agents.mcp.join(", "), COLUMNS);
        found.push(
            servers.map_or_else(|stop| told("servers", &stop), |_| Finding::new("servers", State::Good, names())),
        );
    }
    if config.is_signed {
        let good = |()| Finding::new("signing", State::Good, "commits can be signed");
        found.push(prove_signing(scene, config).await.map_or_else(|stop| told("signing", &stop), good));
    }
    found
}

/// What would prove the gates that every plan has.
async fn checks(scene: &Scene, head: Oid, config: &Config) -> Finding {
    let checks = match Checks::found(&scene.repo, head, &wanted(config)).await {
        Ok(checks) => checks,
        Err(error) => return Finding::new("checks", State::Bad, line(&with_causes(&error), COLUMNS)),
    };
    let levels = [("task", &checks.task), ("stream", &checks.stream), ("system", &checks.system)];
    let without: Vec<&str> = levels.iter().filter(|(_, checks)| checks.is_empty()).map(|(level, _)| *level).collect();
    if without.is_empty() {
        let all: BTreeSet<&str> = levels.iter().flat_map(|(_, checks)| checks.iter().map(String::as_str)).collect();
        return Finding::new("checks", State::Good, line(&all.into_iter().collect::<Vec<_>>().join("; "), COLUMNS));
    }
    let text = format!("no check was found for the {} gates: nothing would prove them", without.join(", "));
    Finding::new("checks", State::Bad, text).help(
        "set [checks] in tidegate.toml and commit it, e.g. `task = [\"make test\"]`; `execute --allow-no-checks` starts without",
    )
}

/// The recordings that would be played.
fn recordings(scene: &Scene, config: &Config) -> Option<Finding> {
    let engines = config.agents.engines(crew::NONE);
    let mut all = engines.values().flat_map(|(name, fallback)| [Some(name), fallback.as_ref()]).flatten();
    all.any(|name| name == "replay").then(|| match crew::lack(scene, config, "replay") {
        Some(why) => Finding::new("replay", State::Bad, why)
            .help("record a run by `execute --record DIR`, and name that folder in `[backends] replay`"),
        None => Finding::new("replay", State::Good, config.backends.replay.clone().unwrap_or_default()),
    })
}

/// A refusal as a finding: the first thing that is wrong, with its place, and its help.
fn told(name: &str, stop: &Stop) -> Finding {
    let errors = stop.errors.as_ref().and_then(|value| value["errors"].as_array()).map_or(&[][..], Vec::as_slice);
    let error = errors.first().unwrap_or(&Value::Null);
    let place = error["path"].as_str().map(|path| format!("{path}:{}:{}: ", error["line"], error["column"]));
    let more = errors.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let what = error["text"].as_str().unwrap_or_else(|| stop.text.lines().next().unwrap_or_default());
    let text = format!("{}{what}{more}", place.unwrap_or_default());
    let help = error["help"].as_str().unwrap_or("`tidegate check <topic>` and `tidegate agents` show where");
    Finding::new(name, State::Bad, line(&text, COLUMNS)).help(line(help, 2 * COLUMNS))
}

/// The definitions that runs would use.
async fn definitions(scene: &Scene, head: Oid, config: &Config) -> Finding {
    let definitions = match scene.definitions(head).await {
        Ok(definitions) => definitions,
        Err(stop) => return told("agents", &stop),
    };
    let reviewers = || config.review.reviewers.iter().map(String::as_str);
    let missing = definitions.missing(reviewers());
    let names: Vec<&str> = crew::ALWAYS.into_iter().chain(reviewers()).collect();
    let errors = definitions.faults_of(names).into_iter().filter(|fault| fault.severity == Severity::Error).count();
    match (missing.first(), errors) {
        (Some(missing), _) => {
            let text = format!("there is no agent `{}`, which `[review] reviewers` names", line(missing, 60));
            Finding::new("agents", State::Bad, text).help("`tidegate agents` lists those that there are")
        }
        (None, 0) => Finding::new("agents", State::Good, own(&definitions)),
        (None, errors) => {
            let text = format!("{errors} of what the repository says of agents cannot be used");
            Finding::new("agents", State::Bad, text).help("`tidegate agents` shows where")
        }
    }
}

fn own(definitions: &Definitions) -> String {
    let own = definitions.iter().filter(|definition| definition.origin != crate::agent::Origin::BuiltIn).count();
    format!("{} definitions, {own} of them the repository's", definitions.iter().count())
}

/// Every command line that is there, and whatever the configuration asks for.
async fn backends(environment: &Environment, config: &Config) -> Vec<Finding> {
    let found_first = crew::found(environment);
    let engines = config.agents.engines(found_first);
    let named = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let asked_for: BTreeSet<String> = engines
        .values()
        .flat_map(|(name, fallback)| [Some(name), fallback.as_ref()])
        .flatten()
        .map(|name| named(name))
        .collect();
    let mut found = Vec::new();
    for name in crew::KNOWN {
        found.extend(command_line(environment, name, asked_for.contains(name)).await);
    }
    for (name, argv) in [("acp", &config.backends.acp), ("command", &config.backends.command)] {
        let path = environment.search_path().unwrap_or_default();
        match argv.first() {
            Some(program) => found.push(match which(program.as_ref(), path) {
                Some(place) => Finding::new(name, State::Good, place.display().to_string()),
                None => Finding::new(name, bad(asked_for.contains(name)), format!("`{program}` is not on PATH"))
                    .help(format!("install it, or mend `[backends] {name}` in tidegate.toml")),
            }),
            None if asked_for.contains(name) => {
                let text = format!("`[backends] {name}` in tidegate.toml names no program");
                found.push(Finding::new(name, State::Bad, text).help(format!("write `{name} = [\"program\"]`")));
            }
            None => {}
        }
    }
    for file in crew::missing_logins(environment, config) {
        let text = format!("{} is not there, and `[backends] acp_logins` names it", file.display());
        // A key may do as well.
        found.push(Finding::new("acp", State::Note, text).help("log in, or name another file"));
    }
    let of_code = engines.get(&Role::Implementation).map(|(name, _)| name.as_str()).unwrap_or_default();
    if of_code == crew::NONE {
        let text =
            format!("none of {} is on PATH: only tasks that carry scripts can be executed", crew::KNOWN.join(", "));
        let help = "install one and log in, or plug in another program with `[backends] command`";
        found.push(Finding::new("backend", State::Note, text).help(help));
    } else {
        let roles: Vec<String> = engines.iter().map(|(role, (name, _))| format!("{} {name}", role.name())).collect();
        found.push(Finding::new("backend", State::Good, line(&roles.join(", "), COLUMNS)));
    }
    found
}

fn bad(is_asked_for: bool) -> State {
    if is_asked_for { State::Bad } else { State::Note }
}

/// A command line, asked for its version: that its name is on PATH says nothing.
async fn command_line(environment: &Environment, name: &str, is_asked_for: bool) -> Option<Finding> {
    let dialect = dialect(name, &environment.time_zone)?;
    let Some(program) = crew::program(environment, name) else {
        let text = format!("`{}` is not on PATH", dialect.program());
        return is_asked_for
            .then(|| Finding::new(name, State::Bad, text).help("install it, or configure another backend"));
    };
    let said = asked(environment, program.as_os_str(), &["--version"]).await;
    let finding = match said.map(|said| dialect.version(&said).ok_or(said)) {
        Ok(Ok(version)) => Finding::new(name, State::Good, format!("{version} at {}", program.display())),
        Ok(Err(said)) => {
            let text =
                format!("{} is another program, or broken: it says {}", program.display(), line(said.trim(), 80));
            Finding::new(name, bad(is_asked_for), text).help(format!("`{} --version` has to answer", program.display()))
        }
        Err(why) => Finding::new(name, bad(is_asked_for), why)
            .help("install it again: its package may have been installed without its scripts"),
    };
    Some(finding)
}

/// What a program says of itself.
async fn asked(environment: &Environment, program: &OsStr, args: &[&str]) -> Result<String, String> {
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

/// Free space where a folder is, or will be.
fn disk(place: &Path) -> Option<Finding> {
    let there: PathBuf = place.ancestors().find(|path| path.is_dir())?.to_owned();
    let stat = rustix::fs::statvfs(&there).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let text = format!("{} GiB free below {}", free >> 30, there.display());
    Some(match free {
        free if free < DISK_BAD => {
            Finding::new("disk", State::Bad, text).help("make room: clones, build caches and logs go there")
        }
        free if free < DISK_LOW => Finding::new("disk", State::Note, text)
            .help("clones, build caches and logs go there: a long run may need more"),
        _ => Finding::new("disk", State::Good, text),
    })
}

fn page(found: &[Finding]) -> String {
    let width = found.iter().map(|finding| finding.name.len()).max().unwrap_or_default();
    let mut out = String::new();
    for finding in found {
        let sign = match finding.state {
            State::Good => "  ",
            State::Note => "? ",
            State::Bad => "! ",
        };
        let _ = writeln!(out, "{sign}{:width$}  {}", finding.name, finding.text);
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "  {:width$}  {help}", "");
        }
    }
    out
}

fn value(finding: &Finding) -> Value {
    let state = match finding.state {
        State::Good => "good",
        State::Note => "note",
        State::Bad => "bad",
    };
    json!({ "name": finding.name, "state": state, "text": finding.text, "help": finding.help })
}
