//! What a run is carried out with: its workspaces, its wardens and its bench.

use super::{
    Stop,
    confinement::cage,
    scene::{Scene, wanted},
};
use crate::{
    config::Config,
    journal::{RunId, Runs},
    notes::Topic,
    perform::{Backends, Bench, Checks, CoverageSetting, Setting},
    process::{Caches, Launch, Limits, Sandbox, Wardens},
    run::Oid,
    workspace::{Commands, Copies, GitError, Pool, PoolError, Setup, remove},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Between asking processes to end and ending them.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of output kept of one program.
const OUTPUT_MAX: u64 = 64 << 20;

pub(super) fn wardens(scene: &Scene, pool: &Pool, sandbox: &Sandbox, count: u32) -> Result<Arc<Wardens>, Stop> {
    // The program as it was started, though it may have been replaced on disk since.
    let program = PathBuf::from("/proc/self/exe");
    let program = if program.exists() { program } else { scene.environment.program.clone() };
    let wardens = Wardens::new(program, count as usize);
    let wardens = wardens.and_then(|wardens| Ok(wardens.holding(pool.held_by_wardens()?).confined_by(sandbox.clone())));
    wardens.map(Arc::new).map_err(|error| Stop::because("the wardens cannot be started", &error))
}

/// Where a runner gives no names, what was red on the base could not be told from what a task breaks: so it must be green.
pub(super) async fn prove_base(
    scene: &Scene,
    topic: &Topic,
    config: &Config,
    checks: &Checks,
    sandbox: &Sandbox,
    base: Oid,
) -> Result<(), Stop> {
    if checks.names_tests() || checks.task.is_empty() {
        return Ok(());
    }
    let again =
        Checks::found(&scene.repo, base, &wanted(config), scene.environment.search_path().unwrap_or_default()).await;
    let again = again.map_err(|error| Stop::because("the base cannot be read", &error))?;
    let scratch = tempfile::tempdir().map_err(|error| Stop::because("no scratch folder can be made", &error))?;
    let pool = pool(scene).await?;
    let wardens = wardens(scene, &pool, sandbox, 1)?;
    let of_base = ("base", &*topic.slug, scratch.path(), base);
    let bench = bench(scene, of_base, config, again, (pool, Arc::<Wardens>::clone(&wardens), Backends::new())).await?;
    let tried = bench.try_base(base).await;
    wardens.shutdown().await;
    tried.map_err(|why| {
        let what = format!("the task checks fail on the base, before anything has begun: {why}");
        let fix = "mend that on the base, or name other checks or set-up in tidegate.toml: these checks name no tests, \
                   so that what a task breaks could not be told from what was broken before";
        Stop::missing(what, fix)
    })
}

/// Landings that are to be signed have to be, before anybody works on them.
pub(super) async fn prove_signing(scene: &Scene, config: &Config) -> Result<(), Stop> {
    if !config.is_signed {
        return Ok(());
    }
    let identity = scene.repo.identity().await.map_err(|error| Stop::because("git cannot tell who you are", &error))?;
    scene.repo.prove_signing(&identity.unwrap_or_default()).await.map_err(|error| {
        let fix =
            "see that `git commit -S` works here without asking, or write `[commit] sign = false` in tidegate.toml";
        Stop::missing(format!("commits cannot be signed, and `[commit] sign = true` wants it: {error}"), fix)
    })
}

/// Refuses a folder for cassettes that cannot be made or written. Makes nothing.
pub(super) fn prove_tapes(folder: Option<&Path>) -> Result<(), Stop> {
    let Some(folder) = folder else { return Ok(()) };
    // What is there already of its path: all below that would be made.
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(folder);
    tempfile::tempfile_in(there).map(|_| ()).map_err(|error| untaped(folder, &error))
}

/// Makes the folder for cassettes, so that a run begins only where it can keep them.
pub(super) fn make_tapes(folder: Option<&Path>) -> Result<(), Stop> {
    let Some(folder) = folder else { return Ok(()) };
    let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    made.map(|_| ()).map_err(|error| untaped(folder, &error))
}

fn untaped(folder: &Path, error: &std::io::Error) -> Stop {
    let what = format!("calls cannot be recorded: {}: {error}", folder.display());
    Stop::missing(what, "name a folder that can be written after --record")
}

/// The workspaces, once nobody else works in them: another run, or what a killed one left.
pub(super) async fn pool(scene: &Scene) -> Result<Pool, Stop> {
    let identity = scene.repo.identity().await.map_err(|error| Stop::because("git cannot tell who you are", &error))?;
    let pool = Pool::open(Arc::clone(&scene.repo), identity.unwrap_or_default()).map_err(|error| match error {
        PoolError::Held(_) => at_work(scene),
        error => Stop::because("the workspaces cannot be used", &error),
    })?;
    let cleared = scene.repo.clear_stale_locks().await;
    cleared.map_err(|fault| Stop::because("a lock that a killed run left cannot be taken away", &fault))?;
    Ok(pool)
}

/// Takes away the homes of agents of runs that nobody goes on with any more: those that are not the newest of their topic, and the one that
/// is carried out where it is done. Nobody else may be at work.
pub(super) fn clear_homes(scene: &Scene, run: &str, is_done: bool) {
    let (homes, runs) = (scene.repo.state_dir().join("homes"), Runs::of(scene.repo.common_dir()));
    let topic = run.parse::<RunId>().ok();
    let is_older = |id: &RunId| {
        // Of what cannot be looked at nobody knows.
        let newest = runs.newest(id.topic()).map_or(true, |newest| newest.as_ref() == Some(id));
        topic.as_ref().is_some_and(|run| run.topic() == id.topic()) || !newest
    };
    // What is not named like a run is not ours.
    let is_over = |name: &str| if name == run { is_done } else { name.parse::<RunId>().is_ok_and(|id| is_older(&id)) };
    for entry in std::fs::read_dir(homes).into_iter().flatten().flatten() {
        if is_over(&entry.file_name().to_string_lossy())
            && let Err(error) = remove(&entry.path())
        {
            tracing::warn!(folder = %entry.path().display(), %error, "the homes of a run's agents cannot be removed");
        }
    }
}

/// Who works in the repository already: its workspaces are one run's at a time.
fn at_work(scene: &Scene) -> Stop {
    let holders = Runs::of(scene.repo.common_dir()).holders().unwrap_or_default();
    let other = holders.into_iter().find(|(_, holder)| holder.pid != std::process::id());
    let (what, how) = match other {
        Some((topic, holder)) => (
            format!("process {} executes {topic} in this repository, which takes one run at a time", holder.pid),
            format!("or let it stop with `kill -INT {}`", holder.pid),
        ),
        None => (
            "another tidegate works in this repository, which takes one run at a time".to_owned(),
            "or stop it with ^C".to_owned(),
        ),
    };
    Stop::missing(what, &format!("wait until it has ended, {how}; then run this again"))
}

/// What holds for reports of coverage.
fn coverage(config: &Config) -> CoverageSetting {
    let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect::<Vec<Box<str>>>();
    config.coverage.as_ref().map_or_else(CoverageSetting::default, |coverage| CoverageSetting {
        reports: texts(&coverage.wish.reports),
        roots: texts(&coverage.roots),
        exclude: texts(&coverage.exclude),
    })
}

/// A bench for a run of this name, whose logs go into this folder.
pub(super) async fn bench(
    scene: &Scene,
    (run, topic, folder, base): (&str, &str, &Path, Oid),
    config: &Config,
    checks: Checks,
    (pool, wardens, backends): (Pool, Arc<dyn Launch>, Backends),
) -> Result<Bench, Stop> {
    let setting = setting(scene, (run, topic, folder, base), config).await?;
    Ok(Bench::new(setting, Arc::clone(&scene.repo), pool, checks, (wardens, backends)))
}

/// The copies for workspaces, as the user's files are now. In place all is where it is.
async fn taken(scene: &Scene, base: Oid, config: &Config) -> Result<Copies, Stop> {
    if config.workspace.is_in_place {
        return Ok(Copies::default());
    }
    let unread = |error: &GitError| Stop::because("what .worktreeinclude names cannot be copied", error);
    let copies = scene.repo.copies(base).await.map_err(|error| unread(&error))?;
    scene.repo.take_copies(copies).await.map_err(|error| unread(&error))
}

/// What holds for all jobs of such a run.
pub(super) async fn setting(
    scene: &Scene,
    (run, topic, folder, base): (&str, &str, &Path, Oid),
    config: &Config,
) -> Result<Setting, Stop> {
    let identity = scene.repo.identity().await.map_err(|error| Stop::because("git cannot tell who you are", &error))?;
    let identity = identity.unwrap_or_default();
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).map_err(|error| Stop::because("logs cannot be kept", &error))?;
    let copies = taken(scene, base, config).await?;
    let limits = |total| Limits { total, idle: None, grace: GRACE, output_bytes: OUTPUT_MAX };
    let cage = cage(scene, config);
    let places = [scene.environment.passed(), scene.environment.named(&["GOPROXY"])].concat();
    let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect::<Vec<Box<str>>>();
    Ok(Setting {
        run: run.to_owned(),
        topic: topic.to_owned(),
        folder: folder.to_owned(),
        env: scene.environment.passed(),
        agent_limits: Limits { idle: Some(config.agents.idle), ..limits(config.agents.timeout) },
        turns: config.agents.turns,
        definitions: Arc::new(scene.definitions(base).await?),
        servers: scene.servers(base, config).await?,
        homes: scene.repo.state_dir().join("homes").join(run),
        record: None,
        check_limits: limits(config.checks.timeout),
        program: scene.environment.program.clone(),
        author: identity,
        is_signed: config.is_signed,
        setup: Setup {
            copies,
            caches: Caches { home: scene.environment.home(), env: places },
            commands: match &config.workspace.setup {
                Some(commands) => Commands::Said(commands.clone()),
                None => Commands::Found(crate::check::setup),
            },
            env: scene.environment.passed_to_setup(&config.sandbox.setup_env),
            limits: limits(config.checks.timeout),
            confines: Some(cage.of_setup()),
            pins: crate::rules::pins_dependencies,
            log: logs.join("setup.log"),
        },
        cage,
        check_env: config.checks.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        test_paths: texts(&config.tests.paths),
        requires_names: config.tests.require_names,
        protected: texts(&config.protect),
        locks: config.workspace.lock.clone(),
        generated: texts(&config.workspace.generated),
        base,
        coverage: coverage(config),
    })
}
