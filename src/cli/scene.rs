//! The scene of a command: where it is given, in which repository, with which configuration, about which topic.

use super::{Stop, args::Arguments, complain, exit::Exit, message};
use crate::{
    agent::{Definitions, Page},
    config::{Config, Environment},
    notes::{self, Topic},
    perform::{Checks, Wanted},
    plan::{self, Blueprint, Draft, Fault, Origin, Settings, Severity, Source},
    run::Oid,
    text::line,
    workspace::{OpenFault, Options, Repository, TreeEntry},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The configuration's file.
const CONFIG: &str = "tidegate.toml";

/// Where a command is given.
pub(crate) struct Scene {
    pub(crate) environment: Environment,
    pub(crate) repo: Arc<Repository>,
    pub(crate) is_coloured: bool,
    config_file: Option<PathBuf>,
}

/// What was understood of a topic.
pub(crate) struct Understood {
    pub(crate) draft: Draft,
    pub(crate) blueprint: Blueprint,
    pub(crate) warnings: Vec<Fault>,
}

impl Scene {
    /// The scene of these arguments.
    pub(crate) async fn open(arguments: &Arguments) -> Result<Scene, Stop> {
        let environment = Environment::capture().map_err(|error| Stop::because("cannot begin", &error))?;
        let dir = arguments.folder(&environment.folder);
        Scene::at(environment, dir, arguments).await
    }

    /// The same in another folder.
    pub(crate) async fn at(environment: Environment, dir: PathBuf, arguments: &Arguments) -> Result<Scene, Stop> {
        Scene::sought(environment, dir, arguments).await?.map_err(|fault| refused(&fault))
    }

    /// The same, where there may be no repository, or none that can be worked in.
    pub(crate) async fn sought(
        environment: Environment,
        dir: PathBuf,
        arguments: &Arguments,
    ) -> Result<Result<Scene, OpenFault>, Stop> {
        let state = environment.state_home().map_err(|error| Stop::because("cannot begin", &error))?;
        let start = arguments.folder(&environment.folder);
        let is_leftover = crate::rules::is_leftover_folder;
        let options = Options { dir, state, environment: environment.all(), is_leftover };
        let repo = match Repository::open(options).await {
            Ok(repo) => Arc::new(repo),
            Err(fault) => return Ok(Err(fault)),
        };
        let is_coloured = arguments.is_coloured(&environment);
        let config_file = arguments.config.as_ref().map(|file| start.join(file));
        Ok(Ok(Scene { environment, repo, is_coloured, config_file }))
    }

    /// Who there is to ask: the built-in definitions, and those of a commit.
    pub(crate) async fn definitions(&self, commit: Oid) -> Result<Definitions, Stop> {
        let unread = |error| Stop::because("the definitions of agents cannot be read", &error);
        let mut entries = Vec::new();
        for folder in Definitions::folders() {
            entries.extend(self.repo.under(commit, folder).await.map_err(unread)?);
        }
        // A link is a path and no definition.
        let is_file = |entry: &TreeEntry| matches!(entry.mode, 0o100_644 | 0o100_755);
        entries.retain(|entry| is_file(entry) && Definitions::is_page(&entry.path));
        let names: Vec<Oid> = entries.iter().map(|entry| entry.oid).collect();
        let sizes = self.repo.sizes(&names).await.map_err(unread)?;
        let mut pages = Vec::new();
        for (at, (entry, size)) in entries.into_iter().zip(sizes).enumerate() {
            let is_small = !Definitions::is_too_large(size.unwrap_or(u64::MAX)) && at < Definitions::MOST;
            let bytes = if is_small { Some(self.repo.blob(entry.oid).await.map_err(unread)?) } else { None };
            let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            pages.push(Page { path: entry.path.into(), text });
        }
        Ok(Definitions::read(pages))
    }

    /// The topic that was meant.
    pub(crate) fn topic(&self, typed: &str) -> Result<Topic, Stop> {
        notes::find(&self.repo.top().join("notes"), typed)
            .map_err(|fault| self.stop(&Draft::default(), std::slice::from_ref(&fault)))
    }

    /// The configuration: of the base commit, which the working tree must agree with, or of the file that was named.
    pub(crate) async fn config(&self, base: Oid) -> Result<Config, Stop> {
        if let Some(file) = &self.config_file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Stop::missing(format!("{}: {error}", file.display()), "name a file that can be read")
            })?;
            return self.configured(&file.display().to_string(), text);
        }
        let read = async |commit| {
            let text = self.repo.read(commit, CONFIG).await;
            text.map_err(|error| Stop::because("the repository cannot be read", &error))
        };
        let at_head = read(self.repo.head()).await?;
        let here = std::fs::read(self.repo.top().join(CONFIG)).ok();
        if here.as_deref() != at_head.as_deref() {
            let what = match (&here, &at_head) {
                (Some(_), None) => "tidegate.toml is not committed",
                (None, _) => "tidegate.toml is in HEAD, and not in the working tree",
                (Some(_), Some(_)) => "tidegate.toml differs from HEAD",
            };
            let why = "a run reads it from the commit that it starts on";
            let fix = "commit it: `git add tidegate.toml && git commit`, or put it back: `git checkout HEAD -- tidegate.toml`";
            return Err(Stop::missing(format!("{what}; {why}"), fix));
        }
        let at_base = if base == self.repo.head() { at_head } else { read(base).await? };
        self.configured(CONFIG, String::from_utf8_lossy(&at_base.unwrap_or_default()).into_owned())
    }

    fn configured(&self, path: &str, text: String) -> Result<Config, Stop> {
        Config::read(&text).map_err(|faults| {
            let draft = Draft { sources: vec![Source::new(path.to_owned(), text)], ..Draft::default() };
            Stop::faulty(Exit::Faulty, &draft, &faults, self.is_coloured)
        })
    }

    /// Files of git LFS are dealt with as the configuration says, which has to say something; their content is here, where it is asked for.
    pub(crate) async fn prove_large(&self, base: Oid, config: &Config) -> Result<(), Stop> {
        let unread = |error| Stop::because("what goes through git LFS cannot be read", &error);
        // In place all is as the user has it.
        let is_plain = config.workspace.is_in_place || config.workspace.lfs == Some(false);
        if is_plain || !self.repo.uses_lfs(base).await.map_err(unread)? {
            return Ok(());
        }
        if config.workspace.lfs.is_none() {
            let fix = "write `[workspace] lfs = true` in tidegate.toml to have their content in workspaces, or `lfs = false` to have \
                       pointers there, and commit it";
            return Err(Stop::missing("files here go through git LFS (`filter=lfs` in .gitattributes)", fix));
        }
        let missing = self.repo.without_content(base).await.map_err(unread)?;
        if let Some(first) = missing.first() {
            let more = if missing.len() == 1 { String::new() } else { format!(" and {} more", missing.len() - 1) };
            let what = format!("the content of {}{more} is not in the repository's LFS store", line(first, 160));
            return Err(Stop::missing(what, "fetch it with `git lfs pull`, then run this again"));
        }
        self.repo.put_large();
        Ok(())
    }

    /// What the topic's documents say, or everything that is wrong with them.
    pub(crate) async fn understand(
        &self,
        topic: &Topic,
        settings: &Settings,
    ) -> Result<Understood, (Draft, Vec<Fault>)> {
        let (draft, mut faults) = notes::read(topic);
        let built = plan::build(&draft, settings);
        let is_read = faults.iter().all(|fault| fault.severity == Severity::Warning);
        match built {
            Ok((mut blueprint, warnings)) if is_read => {
                faults.extend(warnings);
                // All at the same time: each is a call of git.
                let hash = |source| {
                    let (repo, bytes) = (Arc::clone(&self.repo), bytes(topic, source));
                    tokio::spawn(async move { repo.hash(&bytes).await })
                };
                let hashes: Vec<_> = draft.sources.iter().map(hash).collect();
                for (source, hash) in draft.sources.iter().zip(hashes) {
                    let blob = hash.await.ok().and_then(Result::ok).unwrap_or(Oid::NONE);
                    blueprint.origins.push(Origin { path: source.path.clone().into(), blob: blob.to_string().into() });
                }
                Ok(Understood { draft, blueprint, warnings: faults })
            }
            Ok((_, warnings)) => {
                faults.extend(warnings);
                Err((draft, faults))
            }
            Err(more) => {
                // A breakdown that was not read has nothing else wrong with it.
                let is_unread = |fault: &Fault| matches!(fault.code, "not-json" | "unread-format" | "ambiguous-tag");
                let is_read = draft.sources.first().is_some_and(|source| !source.text.is_empty())
                    && !faults.iter().any(is_unread);
                faults.extend(more.into_iter().filter(|fault| is_read || fault.code != "no-tasks"));
                Err((draft, faults))
            }
        }
    }

    /// The end of a command whose documents are faulty.
    pub(crate) fn stop(&self, draft: &Draft, faults: &[Fault]) -> Stop {
        Stop::faulty(exit_of(faults), draft, faults, self.is_coloured)
    }

    /// Tells warnings, and what was told; with `--strict` they are the end.
    pub(crate) fn warn(&self, understood: &Understood, is_strict: bool) -> Result<String, Stop> {
        if understood.warnings.is_empty() {
            return Ok(String::new());
        }
        let text = message::render(&understood.draft, &understood.warnings, self.is_coloured);
        if is_strict {
            return Err(Stop::new(Exit::Missing, format!("{text}error: with --strict a warning refuses the run\n")));
        }
        complain(&text);
        Ok(text)
    }
}

/// The checks that the configuration names.
pub(crate) fn wanted(config: &Config) -> Wanted {
    let checks = config.checks.clone();
    let covers = config.coverage.iter().flat_map(|coverage| coverage.wish.commands.iter().flatten().cloned());
    Wanted {
        task: checks.task,
        stream: checks.stream,
        system: checks.system,
        deployment: checks.deployment,
        has_deployment: config.deployment.is_some(),
        measures: covers.chain(config.measures.iter().map(|measure| measure.command.clone())).collect(),
        paths: checks.paths.into_iter().map(|checks| (checks.paths, checks.run)).collect(),
        reports: checks.reports,
    }
}

/// What proves the gates, and how the plan is built with it. `backend` runs the roles of which the configuration says nothing.
pub(crate) fn settings(config: &Config, checks: &Checks, without_checks: bool, backend: &str) -> Settings {
    Settings {
        task_checks: checks.task.clone(),
        stream_checks: checks.stream.clone(),
        system_checks: checks.system.clone(),
        deployment_checks: checks.deployment.clone(),
        without_checks,
        deployment: config.deployment.clone(),
        coverage: config.coverage.as_ref().map(|coverage| coverage.wish.clone()),
        measures: config.measures.clone(),
        in_place: config.workspace.is_in_place,
        bodies_out: config.tests.bodies_out,
        small: config.effort.small,
        medium: config.effort.medium,
        large: config.effort.large,
        extra_large: config.effort.xl,
        resources: config.resources.holds(),
        critical: config.resources.critical.clone(),
        reviewers: config.review.reviewers.clone(),
        engines: config.agents.engines(backend),
    }
}

/// Missing documents are a missing prerequisite, unless something that is there is faulty.
pub(crate) fn exit_of(faults: &[Fault]) -> Exit {
    let is_missing = |fault: &Fault| matches!(fault.code, "missing-document" | "unknown-topic");
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
    if errors.clone().next().is_some() && errors.clone().all(is_missing) { Exit::Missing } else { Exit::Faulty }
}

pub(crate) fn refused(fault: &OpenFault) -> Stop {
    Stop::missing(fault, &fault.fix())
}

/// The document's bytes, which are not its text where it is not UTF-8.
fn bytes(topic: &Topic, source: &Source) -> Vec<u8> {
    let name = Path::new(&source.path).file_name().unwrap_or_default();
    let bytes = std::fs::read(topic.folder.join(name)).ok();
    // One that was edited since is not the one that was read.
    let is_it = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes) == source.text.as_str();
    bytes.filter(is_it).unwrap_or_else(|| source.text.as_bytes().to_vec())
}
