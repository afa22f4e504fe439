//! `tidegate execute`: begins a run or goes on with one, to its end.

use super::{
    Stop,
    args::{Arguments, Execute},
    closing::{self, Report},
    complain,
    exit::Exit,
    message, preface,
    record::{self, now},
    scene::{Scene, Understood, settings, wanted},
    watch::{Onlookers, StatusWriter},
};
use crate::{
    actors::{self, Charge, Failpoint},
    config::Config,
    journal::{Doorbell, Folder, Inbox, Journal, Lock, RunId, Runs},
    notes::Topic,
    perform::{Bench, Checks, Setting},
    plan::{Fault, Plan, Role, Severity},
    process::{Limits, Wardens},
    run::{Charter, Entry, Event, Oid, Order, Policy, Run},
    telemetry::{self, Telemetry},
    views::{Bars, Folded, Json, Lines, Live, Screen, View},
    workspace::{Pool, Setup},
};
use std::{io, sync::Arc, time::Duration};

/// Between asking processes to end and ending them.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of output kept of one program.
const OUTPUT_MAX: u64 = 64 << 20;

/// A run that is about to go.
struct Begun {
    folder: Folder,
    journal: Journal,
    run: Run,
    past: Vec<Entry>,
    first: Vec<Event>,
    charter: Charter,
    plan: Plan,
}

pub(crate) async fn execute(arguments: &Arguments, wish: &Execute) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    run_topic(arguments, wish, &scene).await
}

/// The same in a scene that is open.
pub(crate) async fn run_topic(arguments: &Arguments, wish: &Execute, scene: &Scene) -> Result<Exit, Stop> {
    refuse_sandbox(wish)?;
    let topic = scene.topic(&wish.topic)?;
    let runs = Runs::of(scene.repo.common_dir());
    let slug = crate::plan::slug(&topic.slug);
    let _lock = if wish.dry_run { None } else { Some(lock(&runs, &slug, &topic)?) };
    let newest = runs.newest(&slug).map_err(|error| Stop::because("the runs cannot be listed", &error))?;
    let unfinished = match newest {
        Some(id) => {
            let entries = record::read(&runs.folder(&id))?;
            let run = record::replay(&entries)?;
            Some((id, entries, run))
        }
        None => None,
    };
    let base = unfinished.as_ref().map_or_else(|| scene.repo.head(), |(_, _, run)| run.charter().base);
    let mut config = scene.config(base).await?;
    if let Some(jobs) = wish.jobs {
        config.slots.agents = jobs;
    }
    let checks = Checks::found(&scene.repo, base, &wanted(&config))
        .await
        .map_err(|e| Stop::because("the base cannot be read", &e))?;
    let policy = config.policy(scene.environment.cores);
    match unfinished {
        Some((id, entries, run)) if !is_superseded(scene, &topic, &run, &config, &checks, wish).await? => {
            resume(arguments, wish, scene, &topic, (&runs, id), (entries, run), (config, checks, policy)).await
        }
        _ => begin(arguments, wish, scene, &topic, (&runs, &slug), (config, checks, policy)).await,
    }
}

fn refuse_sandbox(wish: &Execute) -> Result<(), Stop> {
    match wish.sandbox.as_deref() {
        None | Some("none" | "auto") => Ok(()),
        Some(tier) => Err(Stop::missing(
            format!("the sandbox tier {tier:?} is not available in this version"),
            "leave --sandbox out, or say --sandbox none: this version runs agents and checks without a sandbox",
        )),
    }
}

fn lock(runs: &Runs, slug: &str, topic: &Topic) -> Result<Lock, Stop> {
    runs.lock(slug).map_err(|error| match runs.holder(slug) {
        Ok(Some(holder)) => Stop::missing(
            format!("{} is being executed by process {} already", topic.slug, holder.pid),
            &format!("watch it with `tidegate status {}`; end it with ^C there", topic.slug),
        ),
        _ => Stop::because("the run cannot be locked", &error),
    })
}

/// A run that is done, of documents that have changed since: a new one begins.
async fn is_superseded(
    scene: &Scene,
    topic: &Topic,
    run: &Run,
    config: &Config,
    checks: &Checks,
    wish: &Execute,
) -> Result<bool, Stop> {
    if run.outcome() != Some(crate::run::Outcome::Done) {
        return Ok(false);
    }
    let understood = scene.understand(topic, &settings(config, checks, wish.allow_no_checks)).await;
    Ok(understood.is_ok_and(|understood| understood.blueprint.origins != run.plan().blueprint().origins))
}

async fn begin(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    (runs, slug): (&Runs, &str),
    (config, checks, policy): (Config, Checks, Policy),
) -> Result<Exit, Stop> {
    let settings = settings(&config, &checks, wish.allow_no_checks);
    let understood = scene.understand(topic, &settings).await;
    let understood = understood.map_err(|(draft, faults)| scene.stop(&draft, &faults))?;
    scene.warn(&understood, wish.strict)?;
    refuse_missing(&understood, wish)?;
    let plan = Plan::build(understood.blueprint.clone())
        .map_err(|faults| Stop::new(Exit::Faulty, format!("error: {faults:?}\n")))?;
    let base = scene.repo.head();
    let id = RunId::new(slug, now(), random()).map_err(|error| Stop::because("the run has no name", &error))?;
    let charter = charter(scene, id.as_str(), base, wish).await?;
    if wish.dry_run {
        complain(&preface::preface(&plan, &charter, &policy, &config, false));
        return Ok(Exit::Good);
    }
    let folder = runs.begin(&id).map_err(|error| Stop::because("the run's folder cannot be made", &error))?;
    let tip =
        scene.repo.begin(id.as_str(), base).await.map_err(|error| Stop::because("the run cannot begin", &error))?;
    let journal =
        Journal::create(&folder, &id, now()).map_err(|error| Stop::because("the journal cannot begin", &error))?;
    let planned = Event::Planned {
        plan: Box::new(understood.blueprint),
        policy: Box::new(policy.clone()),
        tip,
        charter: Box::new(charter.clone()),
    };
    let begun = Begun { folder, journal, run: Run::default(), past: Vec::new(), first: vec![planned], charter, plan };
    if !arguments.quiet && !wish.json {
        complain(&preface::preface(&begun.plan, &begun.charter, &policy, &config, false));
    }
    go(arguments, wish, scene, topic, begun, (config, checks, policy)).await
}

async fn resume(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    (runs, id): (&Runs, RunId),
    (entries, run): (Vec<Entry>, Run),
    (config, checks, policy): (Config, Checks, Policy),
) -> Result<Exit, Stop> {
    let charter = run.charter().clone();
    let plan = run.plan().clone();
    if wish.dry_run {
        complain(&preface::preface(&plan, &charter, &policy, &config, true));
        return Ok(Exit::Good);
    }
    tell_edits(scene, topic, &run, &settings(&config, &checks, charter.without_checks)).await;
    drop(entries);
    let folder = runs.folder(&id);
    let (journal, past) =
        Journal::resume(&folder, now()).map_err(|error| Stop::because("the run cannot go on", &error))?;
    let changed = (*run.policy() != policy).then(|| Box::new(policy.clone()));
    let mut first = vec![Event::Resumed { policy: changed }];
    if run.is_paused() && !run.is_cancelled() {
        first.push(Event::Ordered(Order::Go));
    }
    if !arguments.quiet && !wish.json && run.outcome() != Some(crate::run::Outcome::Done) {
        complain(&preface::preface(&plan, &charter, &policy, &config, true));
    }
    let begun = Begun { folder, journal, run, past, first, charter, plan };
    go(arguments, wish, scene, topic, begun, (config, checks, policy)).await
}

/// An edit of the breakdown while a run lives is told: the run goes by what was pinned at its start.
async fn tell_edits(scene: &Scene, topic: &Topic, run: &Run, settings: &crate::plan::Settings) {
    let is_same = match scene.understand(topic, settings).await {
        Ok(understood) => understood.blueprint.origins == run.plan().blueprint().origins,
        Err(_) => false,
    };
    if !is_same && run.outcome() != Some(crate::run::Outcome::Done) {
        complain(&format!(
            "warning: the documents of {} have changed since the run began; it goes on by what they said then\n",
            topic.slug
        ));
    }
}

/// Runs it, whether it is new or not, and says how it ended.
async fn go(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    begun: Begun,
    (config, checks, policy): (Config, Checks, Policy),
) -> Result<Exit, Stop> {
    let zone = scene.environment.time_zone.clone();
    let (folded, live) = (Folded::default(), Live::default());
    folded.replay(&begun.past, &record::standings(&begun.run));
    let screen = open_screen(arguments, wish, scene, &folded, &live);
    let telemetry = start_telemetry(arguments, scene, &screen)?;
    let pool = pool(scene).await?;
    let wardens = Wardens::new(scene.environment.program.clone(), (policy.agents + policy.checks) as usize);
    let wardens = wardens.and_then(|wardens| Ok(wardens.holding(pool.held_by_wardens()?)));
    let wardens = Arc::new(wardens.map_err(|error| Stop::because("the wardens cannot be started", &error))?);
    let backends: Vec<Box<str>> = begun.plan.blueprint().backends.clone();
    let bench = bench(scene, &begun, &config, checks, (pool, Arc::clone(&wardens))).await?;
    let bell = Doorbell::listen(&begun.folder).map_err(|error| Stop::because("orders cannot be heard", &error))?;
    let inbox = Inbox::open(&begun.folder).map_err(|error| Stop::because("orders cannot be taken", &error))?;
    let status = StatusWriter::start(topic.folder.clone(), folded.clone(), zone, screen.clone());
    let failpoint = match scene.environment.failpoint() {
        Some(text) => text.parse::<Failpoint>().map_err(|error| Stop::because("TIDEGATE_FAILPOINT", &error))?,
        None => Failpoint::default(),
    };
    let charge = Charge {
        run: begun.run,
        journal: begun.journal,
        inbox,
        bell,
        performer: Arc::new(bench),
        watch: Box::new(Onlookers { screen: screen.clone(), live, status }),
        failpoint,
        first: begun.first,
    };
    let conducted = actors::conduct(charge).await;
    wardens.shutdown().await;
    let (_, end) = conducted.map_err(|error| Stop::because("the supervisor cannot be started", &error))?;
    let backend = |id: crate::plan::BackendId| backends[usize::from(id.0)].to_string();
    let done = closing::ending(&end, backend);
    let (how, exit) = match done {
        Ok(done) => done,
        Err(stop) => {
            screen.finish("");
            telemetry.stop();
            return Err(stop);
        }
    };
    let tip = folded.with(crate::board::Board::tip);
    let followed = scene.repo.follow(&topic.slug, &begun.charter.run, tip).await;
    let (branch, notes_on_branch) = match followed {
        Ok(followed) => (followed.branch, followed.notes),
        Err(error) => (format!("refs/tidegate/{}/integration", begun.charter.run), vec![error.to_string().into()]),
    };
    let report =
        Report { scene, folder: &begun.folder, notes: &topic.folder, branch, notes_on_branch, end: how, at: now() };
    let text = report.write(&folded).await;
    screen.finish(text);
    telemetry.stop();
    Ok(exit)
}

/// The workspaces, once nobody else works in them: another run, or what a killed one left.
async fn pool(scene: &Scene) -> Result<Pool, Stop> {
    let identity = scene.repo.identity().await.map_err(|error| Stop::because("git cannot tell who you are", &error))?;
    let pool = Pool::open(Arc::clone(&scene.repo), identity.unwrap_or_default())
        .map_err(|error| Stop::because("the workspaces cannot be used", &error))?;
    let cleared = scene.repo.clear_stale_locks().await;
    cleared.map_err(|fault| Stop::because("a lock that a killed run left cannot be taken away", &fault))?;
    Ok(pool)
}

async fn bench(
    scene: &Scene,
    begun: &Begun,
    config: &Config,
    checks: Checks,
    (pool, wardens): (Pool, Arc<Wardens>),
) -> Result<Bench, Stop> {
    let identity = scene.repo.identity().await.map_err(|error| Stop::because("git cannot tell who you are", &error))?;
    let identity = identity.unwrap_or_default();
    let _ = std::fs::create_dir_all(begun.folder.logs());
    let limits = |total| Limits { total, idle: None, grace: GRACE, output_bytes: OUTPUT_MAX };
    let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect::<Vec<Box<str>>>();
    let setting = Setting {
        run: begun.charter.run.to_string(),
        topic: begun.plan.blueprint().topic.to_string(),
        folder: begun.folder.path().to_owned(),
        env: scene.environment.passed(),
        agent_limits: limits(config.agents.timeout),
        check_limits: limits(config.checks.timeout),
        program: scene.environment.program.clone(),
        author: identity,
        setup: Setup {
            commands: config.workspace.setup.clone(),
            env: scene.environment.passed_to_setup(&config.sandbox.setup_env),
            limits: limits(config.checks.timeout),
            log: begun.folder.logs().join("setup.log"),
        },
        check_env: config.checks.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        test_paths: texts(&config.tests.paths),
        requires_names: config.tests.require_names,
        protected: texts(&config.protect),
        generated: texts(&config.workspace.generated),
    };
    Ok(Bench::new(setting, Arc::clone(&scene.repo), pool, checks, wardens))
}

/// What keeps a run from starting though its documents are sound.
fn refuse_missing(understood: &Understood, wish: &Execute) -> Result<(), Stop> {
    let without: Vec<&str> = understood.blueprint.without_check().map(|(_, gate)| gate.level.name()).collect();
    if !wish.allow_no_checks && !without.is_empty() {
        let mut levels = without;
        levels.dedup();
        let what = format!("no check was found for the {} gates: nothing would prove them", levels.join(", "));
        let fix = "set [checks] in tidegate.toml and commit it, e.g. `task = [\"make test\"]`; --allow-no-checks starts without";
        return Err(Stop::missing(what, fix));
    }
    let mut faults = Vec::new();
    for task in understood.blueprint.nodes.iter().filter_map(|node| node.task()).filter(|task| !task.done) {
        let has = |role| task.brief.scripts.iter().any(|script| script.role == role);
        let wants_tests = task.phases.contains(crate::plan::Phase::Tests);
        let missing = match (has(Role::Implementation), wants_tests && !has(Role::TestDeveloper)) {
            (true, false) => continue,
            (false, _) => "implementation",
            (true, true) => "test-developer",
        };
        faults.push(Fault {
            severity: Severity::Error,
            code: "no-agent",
            text: format!("task {} has no `{missing}` script, and this version has no other agent", task.label),
            labels: Vec::new(),
            help: Some(format!("line {}: add a fenced block ```sh role={missing}", task.brief.line)),
        });
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Stop::new(Exit::Missing, message::render(&understood.draft, &faults, false)))
}

async fn charter(scene: &Scene, run: &str, base: Oid, wish: &Execute) -> Result<Charter, Stop> {
    let uncommitted =
        scene.repo.uncommitted().await.map_err(|error| Stop::because("the working tree cannot be read", &error))?;
    let head = scene.repo.branch().map_or_else(|| base.short(), str::to_owned);
    Ok(Charter {
        run: run.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        base,
        head: head.into(),
        sandbox: "none".into(),
        without_checks: wish.allow_no_checks,
        uncommitted: uncommitted.into_iter().map(|path| path.path.into()).collect(),
    })
}

fn open_screen(arguments: &Arguments, wish: &Execute, scene: &Scene, folded: &Folded, live: &Live) -> Screen {
    let zone = scene.environment.time_zone.clone();
    let (view, render): (Box<dyn View>, _) = if wish.json {
        (Box::new(Json::new(Box::new(io::stdout()))), Some(Json::RENDER))
    } else {
        let bars = if wish.plain || arguments.quiet {
            None
        } else {
            Bars::on_stderr(folded.clone(), live.clone(), zone.clone(), Box::new(io::stdout()))
        };
        match bars {
            Some(bars) => (Box::new(bars.coloured(scene.is_coloured)) as Box<dyn View>, None),
            None => (Box::new(Lines::new(Box::new(io::stdout()), zone).quiet(arguments.quiet)) as Box<dyn View>, None),
        }
    };
    Screen::open(folded.clone(), view, render, now)
}

fn start_telemetry(arguments: &Arguments, scene: &Scene, screen: &Screen) -> Result<Telemetry, Stop> {
    let filter = match (scene.environment.log(), arguments.verbose) {
        (Some(filter), _) => filter.to_owned(),
        (None, 0) => telemetry::LOGGED.to_owned(),
        (None, 1) => "info,ractor=warn,tidegate=debug".to_owned(),
        (None, _) => "debug,tidegate=trace".to_owned(),
    };
    let screen = screen.clone();
    let log = Arc::new(move |line: &str| screen.note(line));
    Telemetry::start(telemetry::Options { filter, is_coloured: false, log })
        .map_err(|error| Stop::because("the log cannot be set up", &error))
}

/// Tells runs that begin in the same second apart.
fn random() -> u16 {
    let nanos = jiff::Timestamp::now().subsec_nanosecond().unsigned_abs();
    (nanos ^ (nanos >> 16) ^ std::process::id()) as u16
}
