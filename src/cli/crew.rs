//! The crew of a run: which programs do what agents are asked for, as they are found on this machine.

use super::{needs, scene::Scene};
use crate::{
    agent::{Acp, CommandBackend, CommandLine, Replay, ScriptBackend, dialect},
    config::{Config, Environment},
    perform::Backends,
    plan::{BackendId, Blueprint, Task},
    process::{Launch, which},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The command lines that are looked for where nothing is configured: the first one found runs every role.
pub(crate) const KNOWN: [&str; 4] = ["claude", "codex", "gemini", "opencode"];

/// What stands in a plan for a backend that was not found.
pub(super) const NONE: &str = "default";

/// What runs a role of which the configuration says nothing, on this machine and now.
pub(crate) fn found(environment: &Environment) -> &'static str {
    let is_there = |name: &&str| program(environment, name).is_some();
    KNOWN.into_iter().find(is_there).unwrap_or(NONE)
}

/// Why `--max-cost` cannot be relied on to stop this backend; none where it tells what each run has cost.
pub(super) fn untold_cost(program: &str) -> Option<&'static str> {
    match program {
        "codex" | "gemini" => Some("it tells its tokens, and no price"),
        "command" => Some("it tells nothing of what it uses"),
        "acp" => Some("it tells a price only where its agent does"),
        _ => None,
    }
}

/// What is said where none of them is there.
pub(super) fn nobody() -> String {
    format!("none of {} is on PATH", KNOWN.join(", "))
}

/// Where the program of a command line is; none for what is no command line, or not there.
pub(crate) fn program(environment: &Environment, name: &str) -> Option<PathBuf> {
    let dialect = dialect(name, &environment.time_zone)?;
    which(dialect.program().as_ref(), environment.search_path()?)
}

/// The folder of the cassettes that are played back, in the repository with this folder.
pub(super) fn cassettes(top: Option<&Path>, config: &Config) -> Option<PathBuf> {
    Some(top?.join(config.backends.replay.as_ref()?))
}

/// Everything that the plan names and that runs agents.
pub(super) fn backends(scene: &Scene, config: &Config, names: &[Box<str>], wardens: &Arc<dyn Launch>) -> Backends {
    let mut backends: Backends = BTreeMap::new();
    backends.insert("script".into(), Arc::new(ScriptBackend::new(Arc::clone(wardens))));
    let environment = &scene.environment;
    // `[agents] env` beside what each backend needs.
    let own = |names: &[&str]| [environment.named(names), environment.named(&config.agents.env)].concat();
    for name in names.iter().filter_map(|name| name.split(':').next()) {
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
        } else if let ("replay", Some(folder)) = (name, cassettes(Some(scene.repo.top()), config)) {
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

/// The reviewers, and the roles that have a model for one task, as the runs of agents that are expected at the least.
pub(super) fn expected(plan: &Blueprint, tasks: &[&Task]) -> BTreeMap<(Box<str>, Box<str>), u32> {
    let mut runs = BTreeMap::new();
    let mut count = |backend: BackendId, what: &str| {
        let name = plan.backends.get(usize::from(backend.0)).cloned().unwrap_or_default();
        *runs.entry((name, what.into())).or_default() += 1;
    };
    for task in tasks {
        for role in needs::roles(task) {
            task.backend_of(role).into_iter().for_each(|backend| count(backend, role.name()));
        }
        for reviewer in &task.reviewers {
            let (name, backend) = &plan.reviewers[usize::from(reviewer.0)];
            count(*backend, name);
        }
    }
    runs
}
