//! `tidegate doctor`: what `execute` needs here, what is there, and what to do about what is not.
//!
//! With `--json` it is one object, `checks`: of each thing looked at `name`, `state` (`good`, `note`, `bad`), `text` and `help` (null where
//! there is nothing to do). It exits with 0 where `execute` can start; what is bad keeps it from starting. With a topic that is said of this
//! topic, or of what its run has left to do; without one, of tasks that carry no script. What only the checks themselves can say,
//! that they are green on the base, is not asked here.

use super::{
    Stop, answer,
    args::{Arguments, Doctor},
    confinement, crew,
    exit::Exit,
    goal::{Goal, Start},
    needs, probe, say,
    scene::{Scene, settings, wanted},
    workshop::prove_signing,
};
use crate::{
    agent::Definitions,
    board::counted,
    config::{Config, Environment},
    handoff::quoted,
    perform::Checks,
    plan::{Role, Settings, Severity},
    process::with_causes,
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
};

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

/// What the repository says, as far as it could be read.
#[derive(Default)]
struct Read {
    config: Config,
    /// What is to be executed.
    goal: Option<Goal>,
    /// What runs the roles of which the configuration says nothing.
    backend: Box<str>,
    /// The repository's folder.
    top: Option<PathBuf>,
}

async fn examine(arguments: &Arguments, wish: &Doctor) -> Result<Exit, Stop> {
    let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
    let dir = arguments.folder(&environment.folder);
    let (mut found, mut places) = (Vec::new(), vec![dir.clone()]);
    let mut read = Read { backend: crew::found(&environment).into(), ..Read::default() };
    found.push(git(&environment).await);
    match Scene::sought(environment.clone(), dir, arguments).await? {
        Ok(scene) => {
            found.push(Finding::new("repository", State::Good, scene.repo.top().display().to_string()));
            found.extend(repository(&scene, arguments, wish, &mut read).await?);
            places.push(scene.repo.state_dir().to_owned());
        }
        Err(fault @ (OpenFault::NoGit | OpenFault::OldGit(_))) => found[0] = refused("git", &fault),
        Err(fault) => found.push(refused("repository", &fault)),
    }
    found.push(confinement::examined(&environment, &read.config).await.map_or_else(
        |(text, help)| Finding::new("sandbox", State::Bad, text).help(help),
        |text| Finding::new("sandbox", State::Good, text),
    ));
    found.extend(backends(&environment, &read, wish).await?);
    places.iter().filter_map(|place| disk(place)).for_each(|finding| {
        if !found.iter().any(|known| known.text == finding.text) {
            found.push(finding);
        }
    });
    let is_bad = found.iter().any(|finding| finding.state == State::Bad);
    if wish.json {
        say(&format!("{:#}\n", json!({ "checks": found.iter().map(value).collect::<Vec<_>>() })))?;
    } else {
        let what = wish.topic.as_deref().map(|topic| format!(" {}", quoted(topic))).unwrap_or_default();
        let last = if is_bad { "cannot start here yet" } else { "can start here" };
        say(&format!("{}\n`execute{what}` {last}\n", page(&found)))?;
    }
    Ok(if is_bad { Exit::Missing } else { Exit::Good })
}

/// What a repository has to say: its configuration, and what is to be executed with it.
async fn repository(
    scene: &Scene,
    arguments: &Arguments,
    wish: &Doctor,
    read: &mut Read,
) -> Result<Vec<Finding>, Stop> {
    let mut found = Vec::new();
    read.top = Some(scene.repo.top().to_owned());
    let start = match Start::of(scene, wish.topic.as_deref()) {
        Ok(start) => start,
        Err(stop) => {
            found.push(told("topic", &stop));
            Start::of(scene, None)?
        }
    };
    let base = start.base;
    read.backend = start.backend.clone();
    match scene.config(base).await {
        Ok(config) => {
            found.push(Finding::new("configuration", State::Good, configured(scene, arguments)));
            read.config = config;
            found.extend(beside(scene, start, read).await?);
        }
        Err(stop) => found.push(told("configuration", &stop)),
    }
    found.push(definitions(scene, base, read).await?);
    Ok(found)
}

async fn git(environment: &Environment) -> Finding {
    match probe::asked(environment, OsStr::new("git"), &["--version"]).await {
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

/// What else `execute` looks at before it begins: the topic, checks, servers of agents, signing. Told where it is asked for, or wanting.
async fn beside(scene: &Scene, start: Start, read: &mut Read) -> Result<Vec<Finding>, Stop> {
    let (mut found, base, is_named) = (Vec::new(), start.base, start.topic.is_some());
    let without_checks = start.is_without_checks();
    match Checks::found(&scene.repo, base, &wanted(&read.config), scene.environment.search_path().unwrap_or_default())
        .await
    {
        Ok(checks) => {
            let settings = settings(&read.config, &checks, without_checks, &read.backend);
            match start.goal(scene, &settings).await {
                Ok(goal) => {
                    found.extend(is_named.then(|| topic(&goal)).transpose()?);
                    found.extend(proofs(&checks, &goal)?.filter(|_| !without_checks));
                    read.goal = Some(goal);
                }
                Err(stop) => found.push(told("topic", &stop)),
            }
        }
        Err(error) => found.push(Finding::new("checks", State::Bad, line(&with_causes(&error), COLUMNS))),
    }
    let config = &read.config;
    if !config.agents.mcp.is_empty() {
        let servers = scene.servers(base, config).await;
        let names = || line(&config.agents.mcp.join(", "), COLUMNS);
        found.push(
            servers.map_or_else(|stop| told("servers", &stop), |_| Finding::new("servers", State::Good, names())),
        );
    }
    match scene.prove_large(base, config).await {
        Err(stop) => found.push(told("lfs", &stop)),
        Ok(()) if config.workspace.lfs == Some(true) => {
            found.push(Finding::new("lfs", State::Good, "the content of files of git LFS is here"));
        }
        Ok(()) => {}
    }
    if config.is_signed {
        let good = |()| Finding::new("signing", State::Good, "commits can be signed");
        found.push(prove_signing(scene, config).await.map_or_else(|stop| told("signing", &stop), good));
    }
    Ok(found)
}

/// How much of a topic is left to do.
fn topic(goal: &Goal) -> Result<Finding, Stop> {
    let all = goal.plan.ids().filter(|&id| goal.plan.node(id).task().is_some()).count();
    let left = needs::left(&goal.plan, &goal.past()?).len();
    let name = line(&goal.plan.blueprint().topic, 80);
    Ok(Finding::new(
        "topic",
        State::Good,
        format!("{name}: {left} of {} left to do", counted(u32::try_from(all).unwrap_or(u32::MAX), "task")),
    ))
}

/// What would prove the gates of a plan.
fn proofs(checks: &Checks, goal: &Goal) -> Result<Option<Finding>, Stop> {
    if let Some((text, help)) = needs::unproven(&goal.plan, &goal.past()?) {
        return Ok(Some(Finding::new("checks", State::Bad, text).help(help)));
    }
    let levels = [&checks.task, &checks.stream, &checks.system];
    let all: BTreeSet<&str> = levels.into_iter().flatten().map(String::as_str).collect();
    let all = line(&all.into_iter().collect::<Vec<_>>().join("; "), COLUMNS);
    Ok((!all.is_empty()).then(|| Finding::new("checks", State::Good, all)))
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
async fn definitions(scene: &Scene, base: Oid, read: &Read) -> Result<Finding, Stop> {
    let definitions = match scene.definitions(base).await {
        Ok(definitions) => definitions,
        Err(stop) => return Ok(told("agents", &stop)),
    };
    let names: BTreeSet<&str> = match &read.goal {
        Some(goal) => needs::definitions(goal.plan.blueprint(), &needs::left(&goal.plan, &goal.past()?)),
        None => needs::ALWAYS.into(),
    };
    let missing = definitions.missing(names.iter().copied());
    let errors = definitions.faults_of(names).into_iter().filter(|fault| fault.severity == Severity::Error).count();
    Ok(match (missing.first(), errors) {
        (_, 1..) => {
            let text = format!("{errors} of what the repository says of agents cannot be used");
            Finding::new("agents", State::Bad, text).help("`tidegate agents` shows where")
        }
        (Some(missing), 0) => {
            let text = format!("there is no agent `{}`, which is to review", line(missing, 60));
            Finding::new("agents", State::Bad, text).help("`tidegate agents` lists those that there are")
        }
        (None, 0) => Finding::new("agents", State::Good, own(&definitions)),
    })
}

fn own(definitions: &Definitions) -> String {
    let own = definitions.iter().filter(|definition| definition.origin != crate::agent::Origin::BuiltIn).count();
    format!("{} definitions, {own} of them the repository's", definitions.iter().count())
}

/// Every command line that is there, and whatever else is to be asked.
async fn backends(environment: &Environment, read: &Read, wish: &Doctor) -> Result<Vec<Finding>, Stop> {
    let (config, engines) = (&read.config, read.config.agents.engines(&read.backend));
    let reviewers = config.review.reviewers.clone();
    let any = Goal::any(&Settings { engines: engines.clone(), reviewers, ..Settings::default() })?;
    let goal = read.goal.as_ref().unwrap_or(&any);
    let needs = needs::of(goal.plan.blueprint(), &needs::left(&goal.plan, &goal.past()?));
    let here = crew::KNOWN.into_iter().filter(|name| crew::program(environment, name).is_some());
    let plugged = [("acp", &config.backends.acp), ("command", &config.backends.command)];
    let plugged = plugged.into_iter().filter(|(_, argv)| !argv.is_empty()).map(|(name, _)| name);
    let all = needs.iter().map(|need| need.backend).chain(here).chain(plugged);
    let looked = probe::look(environment, read.top.as_deref(), config, all).await;
    let mut found = Vec::new();
    for name in crew::KNOWN.into_iter().chain(["acp", "command", "replay"]) {
        let Some(looked) = looked.get(name) else { continue };
        let asked: Vec<_> = needs.iter().filter(|need| probe::program_of(need.backend) == name).collect();
        found.push(match (looked, asked.iter().min_by_key(|need| need.is_spare())) {
            (Ok(text), _) => Finding::new(name, State::Good, line(text, COLUMNS)),
            (Err(lack), Some(need)) if need.is_spare() => {
                let fault = need.fault(lack);
                Finding::new(name, State::Note, fault.text).help(fault.help.unwrap_or_default())
            }
            (Err(lack), need) => {
                let state = if need.is_some() { State::Bad } else { State::Note };
                Finding::new(name, state, &*lack.text).help(&*lack.help)
            }
        });
    }
    for file in crew::missing_logins(environment, config) {
        let text = format!("{} is not there, and `[backends] acp_logins` names it", file.display());
        // A key may do as well.
        found.push(Finding::new("acp", State::Note, text).help("log in, or name another file"));
    }
    found.extend(crew_found(&needs, &looked, wish));
    let is_none = |name: &str| name == crew::NONE;
    if !found.iter().any(|finding| finding.name == "backend") {
        let of_code = engines.get(&Role::Implementation).map(|(name, _)| name.as_str()).unwrap_or_default();
        found.push(if is_none(probe::program_of(of_code)) {
            Finding::new("backend", State::Note, format!("{}: this topic needs none", crew::nobody()))
                .help("install one of them for tasks that carry no script")
        } else {
            let roles: Vec<String> =
                engines.iter().map(|(role, (name, _))| format!("{} {name}", role.name())).collect();
            Finding::new("backend", State::Good, line(&roles.join(", "), COLUMNS))
        });
    }
    Ok(found)
}

/// What is wanting where nobody is there to be asked: no command line at all, or a script that is not written.
fn crew_found(needs: &[needs::Need<'_>], looked: &probe::Looked, wish: &Doctor) -> Option<Finding> {
    let of = |name: &str| {
        needs.iter().filter(|need| probe::program_of(need.backend) == name).min_by_key(|need| need.is_spare())
    };
    if let (Some(need), Some(Err(lack))) = (of(crew::NONE), looked.get(crew::NONE)) {
        if need.is_spare() {
            let fault = need.fault(lack);
            return Some(Finding::new("backend", State::Note, fault.text).help(fault.help.unwrap_or_default()));
        }
        let (text, help) = match wish.topic {
            Some(_) => (lack.text.clone(), lack.help.clone()),
            None => (
                format!("{}: only tasks that carry scripts can be executed", lack.text),
                format!("{}; `tidegate doctor <topic>` says whether a topic needs one", lack.help),
            ),
        };
        return Some(Finding::new("backend", State::Bad, text).help(help));
    }
    // Who configures scripts for all has them in mind; whether a topic has them all, its plan says.
    if let (Some(need), Some(Err(lack)), Some(_)) = (of("script"), looked.get("script"), &wish.topic) {
        let fault = need.fault(lack);
        return Some(Finding::new("backend", State::Bad, fault.text).help(fault.help.unwrap_or_default()));
    }
    None
}

/// Free space where a folder is, or will be.
fn disk(place: &Path) -> Option<Finding> {
    let there: PathBuf = place.ancestors().find(|path| path.is_dir())?.to_owned();
    let stat = rustix::fs::statvfs(&there).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let text = format!("{} GiB free below {}", free >> 30, there.display());
    // A run may be small enough: `execute` begins it, and one that finds no room stops, to go on later.
    Some(match free {
        free if free < DISK_BAD => Finding::new("disk", State::Note, text)
            .help("make room: clones, build caches and logs go there, and a run that finds none stops"),
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
