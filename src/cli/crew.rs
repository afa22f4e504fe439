//! The crew of a run: which programs do what agents are asked for, as they are found on this machine.

use super::{Stop, exit::Exit, scene::Scene};
use crate::{
    agent::{Acp, CommandBackend, CommandLine, Replay, ScriptBackend, dialect},
    config::{Config, Environment},
    perform::{Backends, COORDINATOR, EXPERT, IMPLEMENTATION_AGENT, TEST_DEVELOPER, TEST_EXPERT},
    plan::{BackendId, Blueprint, Draft, Fault, Phase, Role, Severity, Task},
    process::{Launch, which},
    run::Oid,
    text::line,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
};

/// The command lines that are looked for where nothing is configured: the first one found runs every role.
pub(crate) const KNOWN: [&str; 4] = ["claude", "codex", "gemini", "opencode"];

/// The definitions that every run with a model uses.
pub(super) const ALWAYS: [&str; 5] = [TEST_DEVELOPER, IMPLEMENTATION_AGENT, TEST_EXPERT, EXPERT, COORDINATOR];

/// What stands in a plan for a backend that was not found.
pub(super) const NONE: &str = "default";

/// What runs a role of which the configuration says nothing, on this machine and now.
pub(crate) fn found(environment: &Environment) -> &'static str {
    let is_there = |name: &&str| program(environment, name).is_some();
    KNOWN.into_iter().find(is_there).unwrap_or(NONE)
}

/// Where the program of a command line is; none for what is no command line, or not there.
pub(crate) fn program(environment: &Environment, name: &str) -> Option<PathBuf> {
    let dialect = dialect(name, &environment.time_zone)?;
    which(dialect.program().as_ref(), environment.search_path()?)
}

/// The folder of the cassettes that are played back.
fn cassettes(scene: &Scene, config: &Config) -> Option<PathBuf> {
    Some(scene.repo.top().join(config.backends.replay.as_ref()?))
}

/// Everything that the plan names and that runs agents.
pub(super) fn backends(scene: &Scene, config: &Config, plan: &Blueprint, wardens: &Arc<dyn Launch>) -> Backends {
    let mut backends: Backends = BTreeMap::new();
    backends.insert("script".into(), Arc::new(ScriptBackend::new(Arc::clone(wardens))));
    let environment = &scene.environment;
    // `[agents] env` beside what each backend needs.
    let own = |names: &[&str]| [environment.named(names), environment.named(&config.agents.env)].concat();
    for name in plan.backends.iter().filter_map(|name| name.split(':').next()) {
        // By its own path, below which lies what has to be visible for it.
        let argv = |argv: &[String]| {
            let path = environment.search_path().unwrap_or_default();
            let program = argv.first().and_then(|program| which(program.as_ref(), path)).map(OsString::from);
            let own = argv.iter().skip(usize::from(program.is_some())).map(OsString::from);
            program.into_iter().chain(own).collect::<Vec<_>>()
        };
        if name == "command" && !config.backends.command.is_empty() {
            let backend = CommandBackend::new(argv(&config.backends.command), own(&[]), Arc::clone(wardens));
            backends.insert(name.into(), Arc::new(backend));
        } else if name == "acp" && !config.backends.acp.is_empty() {
            let (argv, user) = (argv(&config.backends.acp), Some(environment.home()));
            let logins = config.backends.acp_logins.iter().map(PathBuf::from).collect();
            let acp = Acp::new(name.to_owned(), argv, own(&[]), logins, user, Arc::clone(wardens));
            backends.insert(name.into(), Arc::new(acp));
        } else if let (Some(dialect), Some(program)) =
            (dialect(name, &environment.time_zone), program(environment, name))
        {
            let env = own(dialect.variables());
            let line = CommandLine::new(dialect, program, env, Some(environment.home()), Arc::clone(wardens));
            backends.insert(name.into(), Arc::new(line));
        } else if let ("replay", Some(folder)) = (name, cassettes(scene, config)) {
            backends.insert(name.into(), Arc::new(Replay::new(folder)));
        }
    }
    backends
}

/// The files of logins that an agent of the protocol is to have, and that are not there.
pub(crate) fn missing_logins(environment: &Environment, config: &Config) -> Vec<PathBuf> {
    let files = config.backends.acp_logins.iter().map(|file| environment.home().join(file));
    files.filter(|file| !file.is_file()).collect()
}

/// Why a backend cannot be asked for anything; none where it can. Programs are looked for, and not asked.
pub(super) fn lack(scene: &Scene, config: &Config, name: &str) -> Option<String> {
    let name = name.split(':').next().unwrap_or_default();
    match name {
        NONE => Some(format!("none of {} is on PATH", KNOWN.join(", "))),
        "script" => Some("it is to be done by a script".to_owned()),
        "command" | "acp" => {
            let argv = if name == "acp" { &config.backends.acp } else { &config.backends.command };
            match argv.first() {
                None => Some(format!("`[backends] {name}` in tidegate.toml names no program")),
                Some(first) => {
                    let path = scene.environment.search_path().unwrap_or_default();
                    which(first.as_ref(), path).is_none().then(|| format!("`{first}` is not on PATH"))
                }
            }
        }
        "replay" => match cassettes(scene, config) {
            None => Some("`[backends] replay` in tidegate.toml names no folder of recordings".to_owned()),
            Some(folder) if !folder.is_dir() => Some(format!("{} is no folder", folder.display())),
            Some(_) => None,
        },
        name => program(&scene.environment, name).is_none().then(|| format!("`{name}` is not on PATH")),
    }
}

/// The tasks that nobody here can do, each with why, and what to do about it.
pub(super) fn undoable(scene: &Scene, config: &Config, plan: &Blueprint) -> Vec<Fault> {
    let mut faults = Vec::new();
    for task in plan.nodes.iter().filter_map(|node| node.task()).filter(|task| !task.done) {
        let has = |role| task.brief.scripts.iter().any(|script| script.role == role);
        let missing = needed(task).into_iter().filter(|&role| !has(role)).find_map(|role| {
            let backend = task.backend_of(role)?;
            let name = plan.backends.get(usize::from(backend.0))?;
            lack(scene, config, name).map(|why| (role, why))
        });
        let Some((role, why)) = missing else { continue };
        let role = role.name();
        faults.push(no_agent(
            format!("task {} has no `{role}` script, and no agent can do it: {why}", task.label),
            format!(
                "install a coding agent's command line, name one in `[agents]` of tidegate.toml, or add a fenced block \
                 ```sh role={role} at line {}; `tidegate doctor` says what is here",
                task.brief.line
            ),
        ));
    }
    faults.extend(mute(scene, config, plan));
    faults
}

/// The reviewers that are to look at something, and cannot be asked.
fn mute(scene: &Scene, config: &Config, plan: &Blueprint) -> Vec<Fault> {
    let tasks = plan.nodes.iter().filter_map(|node| node.task()).filter(|task| !task.done);
    let asked: BTreeSet<_> = tasks.flat_map(|task| &task.reviewers).map(|reviewer| usize::from(reviewer.0)).collect();
    let reviewers = asked.into_iter().filter_map(|reviewer| plan.reviewers.get(reviewer));
    let faults = reviewers.filter_map(|(reviewer, backend)| {
        let name = plan.backends.get(usize::from(backend.0)).filter(|name| ***name != *"script")?;
        let why = lack(scene, config, name)?;
        Some(no_agent(
            format!("`{}` is to review, and no agent can do it: {why}", line(reviewer, 60)),
            "install it, or name another in `[agents.reviewer] backend` of tidegate.toml; `tidegate doctor` says what is \
             here"
                .to_owned(),
        ))
    });
    faults.collect()
}

fn no_agent(text: String, help: String) -> Fault {
    Fault { severity: Severity::Error, code: "no-agent", text, labels: Vec::new(), help: Some(help) }
}

/// Refuses definitions that a model is to be given and that are faulty, or not there.
pub(super) async fn prove_definitions(scene: &Scene, base: Oid, plan: &Blueprint) -> Result<(), Stop> {
    let is_model =
        |backend: BackendId| plan.backends.get(usize::from(backend.0)).is_some_and(|name| **name != *"script");
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for task in plan.nodes.iter().filter_map(|node| node.task()).filter(|task| !task.done) {
        let roles = [
            (Role::TestDeveloper, &[TEST_DEVELOPER][..]),
            (Role::Implementation, &[IMPLEMENTATION_AGENT]),
            (Role::Expert, &[TEST_EXPERT, EXPERT]),
            (Role::Coordinator, &[COORDINATOR]),
        ];
        for (role, of_role) in roles {
            names.extend(of_role.iter().filter(|_| task.backend_of(role).is_some_and(is_model)));
        }
        let reviewers = task.reviewers.iter().map(|reviewer| &plan.reviewers[usize::from(reviewer.0)]);
        names.extend(reviewers.filter(|(_, backend)| is_model(*backend)).map(|(name, _)| &**name));
    }
    if names.is_empty() {
        return Ok(());
    }
    let definitions = scene.definitions(base).await?;
    let faults = definitions.faults_of(names.iter().copied());
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        let draft = Draft { sources: definitions.sources().to_vec(), ..Draft::default() };
        return Err(Stop::faulty(Exit::Faulty, &draft, &faults, scene.is_coloured));
    }
    let Some(missing) = definitions.missing(names).first().copied() else { return Ok(()) };
    let meant = definitions.nearest(missing).map(|meant| format!("did you mean `{}`? ", line(meant, 60)));
    let fix = format!(
        "{}`tidegate agents` lists those that there are; your own go into `agents/` or `.claude/agents/`, and are committed",
        meant.unwrap_or_default()
    );
    Err(Stop::missing(format!("there is no agent `{}`, which is to review", line(missing, 60)), &fix))
}

/// The roles that a task cannot do without.
fn needed(task: &Task) -> Vec<Role> {
    let tests = task.phases.contains(Phase::Tests).then_some(Role::TestDeveloper);
    tests.into_iter().chain([Role::Implementation]).collect()
}

/// The reviewers, and the roles that have a model for one task, as the runs of agents that are expected at the least.
pub(super) fn expected(plan: &Blueprint, tasks: &[&Task]) -> BTreeMap<(Box<str>, Box<str>), u32> {
    let mut runs = BTreeMap::new();
    let mut count = |backend: BackendId, what: &str| {
        let name = plan.backends.get(usize::from(backend.0)).cloned().unwrap_or_default();
        *runs.entry((name, what.into())).or_default() += 1;
    };
    for task in tasks {
        for role in needed(task) {
            task.backend_of(role).into_iter().for_each(|backend| count(backend, role.name()));
        }
        for reviewer in &task.reviewers {
            let (name, backend) = &plan.reviewers[usize::from(reviewer.0)];
            count(*backend, name);
        }
    }
    runs
}
