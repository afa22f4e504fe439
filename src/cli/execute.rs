//! `tidegate execute`: begins a run or goes on with one, to its end.

use super::{
    Stop,
    args::{Arguments, Execute},
    asked,
    closing::{self, Again, Report},
    complain, confinement, crew,
    exit::Exit,
    finished::{self, Finished, Telling, Written},
    needs,
    past::{self, Past},
    preface,
    record::{self, now},
    say,
    scene::{Scene, settings, wanted},
    watch::{Onlookers, StatusWriter},
    workshop::{bench, clear_homes, make_tapes, pool, prove_base, prove_signing, prove_tapes, setting, wardens},
};
use crate::{
    actors::{self, Charge, Failpoint},
    config::{Collector, Config},
    handoff,
    journal::{Doorbell, Folder, Inbox, Journal, Lock, RunId, Runs},
    notes::Topic,
    perform::{Checks, InPlace, Performer},
    plan::{self, Addition, Blueprint, Plan, Revision},
    process::{Launch, Sandbox, Tier, Wardens},
    run::{Charter, Entry, Event, Oid, Order, Outcome, Policy, Run},
    telemetry::{self, Telemetry},
    text::line,
    views::{Bars, Folded, Json, Last, Lines, Live, Screen, View},
    workspace::{Copies, Pool, Uncommitted},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A run that is about to go.
struct Begun {
    folder: Folder,
    journal: Journal,
    run: Run,
    past: Vec<Entry>,
    first: Vec<Event>,
    charter: Charter,
    topic: Box<str>,
    backends: Vec<Box<str>>,
    pool: Pool,
    sandbox: Sandbox,
}

pub(crate) async fn execute(arguments: &Arguments, wish: &Execute) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    run_topic(arguments, wish, &scene).await
}

/// The same in a scene that is open.
pub(crate) async fn run_topic(arguments: &Arguments, wish: &Execute, scene: &Scene) -> Result<Exit, Stop> {
    let topic = scene.topic(&wish.topic)?;
    let runs = Runs::of(scene.repo.common_dir());
    let slug = record::named_after(&topic.slug);
    // A refusal leaves nothing behind, a lock neither: where there is no run yet, it is taken when one begins.
    let held = match newest(&runs, &slug)? {
        Some(_) if !wish.dry_run => Some(lock(&runs, &slug, &topic)?),
        _ => None,
    };
    if let Some(id) = newest(&runs, &slug)? {
        let folder = runs.folder(&id);
        let journal = Written::of(&folder);
        if let Some(telling) = Telling::last((scene, wish), &topic, &folder, journal.clone()).await? {
            complain(&telling.warnings);
            return finished::once_more(arguments, (scene, wish), &topic, &folder, telling).await;
        }
        let entries = record::read(&folder)?;
        let run = record::replay(&entries)?;
        let grounds = Grounds::of(scene, wish, run.charter().base, &run.charter().backend).await?;
        let is_done = run.outcome() == Some(Outcome::Done);
        let of_run = (&grounds, run.charter(), run.now());
        let circumstances =
            if is_done { finished::circumstances((scene, wish), &topic, of_run, journal) } else { None };
        let (edited, mut warnings) = understand(wish, scene, &topic, &grounds, run.charter().without_checks).await?;
        match past::taken_in(&run, &edited) {
            Ok((revision, plan)) => {
                let told = past::told(&run, &revision);
                complain(&told);
                if is_done && revision.addition == Addition::default() {
                    warnings.push_str(&told);
                    let done = Finished { entries: &entries, run: &run, circumstances, warnings };
                    return finished::again(arguments, (scene, wish), &topic, &folder, done).await;
                }
                // They are large, and a run is long.
                drop((entries, edited));
                let _held = held;
                return resume(arguments, wish, scene, &topic, (&runs, id), (run, revision, plan), grounds).await;
            }
            Err(why) if is_done => complain(&format!(
                "the breakdown was edited, and the run that is done cannot take it in: {why}\na new run begins; what \
                 {id} made stays at refs/tidegate/{id}/integration\n",
                id = id.as_str()
            )),
            Err(why) => {
                complain(&format!(
                    "warning: the breakdown was edited, and this run cannot take it in: {why}\nit goes on as it was \
                     planned; once it is done, `execute` begins a new run of what the breakdown says then\n"
                ));
                drop((entries, edited));
                let (_held, plan) = (held, run.shared_plan());
                let as_it_was = (run, Revision::default(), plan);
                return resume(arguments, wish, scene, &topic, (&runs, id), as_it_was, grounds).await;
            }
        }
    }
    let grounds = Grounds::of(scene, wish, scene.repo.head(), "").await?;
    let (blueprint, _) = understand(wish, scene, &topic, &grounds, wish.allow_no_checks).await?;
    begin(arguments, wish, scene, &topic, (&runs, &slug, held), blueprint, grounds).await
}

/// What a run goes by beside its documents, as of its base commit.
pub(super) struct Grounds {
    pub(super) config: Config,
    pub(super) checks: Checks,
    policy: Policy,
    /// The commit that it all is read from.
    base: Oid,
    /// What runs the roles of which the configuration says nothing.
    pub(super) backend: Box<str>,
    /// What sets workspaces up, as of the base.
    setup: Vec<String>,
}

impl Grounds {
    /// What the preface says of it.
    fn said(&self) -> (&Config, &[String]) {
        (&self.config, &self.setup)
    }

    pub(super) async fn of(scene: &Scene, wish: &Execute, base: Oid, backend: &str) -> Result<Grounds, Stop> {
        let mut config = scene.config(base).await?;
        if let Some(jobs) = wish.jobs {
            config.slots.agents = jobs;
        }
        scene.prove_large(base, &config).await?;
        let path = scene.environment.search_path().unwrap_or_default();
        let checks = Checks::found(&scene.repo, base, &wanted(&config), path)
            .await
            .map_err(|e| Stop::because("the base cannot be read", &e))?;
        let mut policy = config.policy(scene.environment.cores);
        policy.budget.micros = wish.max_cost.unwrap_or(policy.budget.micros);
        policy.budget.runs = wish.max_runs.unwrap_or(policy.budget.runs);
        // A run that began before this was recorded had nothing but scripts.
        let backend = if backend.is_empty() { crew::found(&scene.environment) } else { backend }.into();
        let setup = config.workspace.setup.clone().unwrap_or_else(|| checks.setup());
        Ok(Grounds { config, checks, policy, base, backend, setup })
    }
}

/// What a run would go by, and what was said of it, or why it does not go: the same for one that begins and one that goes on. Touches
/// nothing.
async fn understand(
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    grounds: &Grounds,
    without_checks: bool,
) -> Result<(Blueprint, String), Stop> {
    let understood =
        scene.understand(topic, &settings(&grounds.config, &grounds.checks, without_checks, &grounds.backend)).await;
    let understood = understood.map_err(|(draft, faults)| scene.stop(&draft, &faults))?;
    let warnings = scene.warn(&understood, wish.strict)?;
    Ok((understood.blueprint, warnings))
}

/// Refuses a run of what is left of this plan that lacks what it cannot do without, and tells what it lacks beside. Touches nothing.
async fn prove_needs(
    scene: &Scene,
    grounds: &Grounds,
    (plan, past): (&Plan, &Past<'_>),
    without_checks: bool,
) -> Result<(), Stop> {
    let wanted = (grounds.base, without_checks, grounds.policy.budget);
    let warnings = needs::prove(scene, &grounds.config, (plan, past), wanted).await?;
    complain(&needs::told(scene, &warnings));
    Ok(())
}

/// The coordinator's lock; whoever has it clears what a killed run left locked.
fn lock(runs: &Runs, slug: &str, topic: &Topic) -> Result<Lock, Stop> {
    runs.lock(slug).map_err(|error| match runs.holder(slug) {
        Ok(Some(holder)) => Stop::missing(
            format!("{} is being executed by process {} already", topic.slug, holder.pid),
            &format!(
                "watch it with `tidegate status {}`; end it with ^C there, or with `kill -INT {}`",
                handoff::quoted(&topic.slug),
                holder.pid
            ),
        ),
        _ => Stop::because("the run cannot be locked", &error),
    })
}

pub(super) fn newest(runs: &Runs, slug: &str) -> Result<Option<RunId>, Stop> {
    runs.newest(slug).map_err(|error| record::unlisted(&error))
}

/// The lock, where it is not held yet: then nobody may have begun a run since it was looked whether there is one.
fn first_lock(runs: &Runs, slug: &str, topic: &Topic, held: Option<Lock>) -> Result<Lock, Stop> {
    if let Some(held) = held {
        return Ok(held);
    }
    let lock = lock(runs, slug, topic)?;
    match newest(runs, slug)? {
        None => Ok(lock),
        Some(_) => Err(Stop::missing(
            format!("a run of {} has begun at the same time", topic.slug),
            &format!("`tidegate execute {}` goes on with it", handoff::quoted(&topic.slug)),
        )),
    }
}

async fn begin(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    (runs, slug, held): (&Runs, &str, Option<Lock>),
    blueprint: Blueprint,
    mut grounds: Grounds,
) -> Result<Exit, Stop> {
    let plan = Plan::build(blueprint).map_err(|faults| Stop::new(Exit::Faulty, format!("error: {faults:?}\n")))?;
    let (base, in_place) = (scene.repo.head(), grounds.config.workspace.is_in_place);
    let id = RunId::new(slug, now(), random()).map_err(|error| Stop::because("the run has no name", &error))?;
    grounds.policy.only = asked::only(wish, &plan)?;
    prove_needs(scene, &grounds, (&plan, &Past::default()), wish.allow_no_checks).await?;
    let sandbox = confinement::sandbox(scene, &grounds.config, wish, None).await?;
    let charter = charter(scene, id.as_str(), base, wish, (sandbox.tier(), &grounds.backend, in_place)).await?;
    let preface = preface::preface(&plan, &Past::default(), &charter, &grounds.policy, grounds.said());
    prove_signing(scene, &grounds.config).await?;
    let tapes = asked_tapes(arguments, wish, scene);
    prove_tapes(tapes.as_deref())?;
    if wish.dry_run {
        return rehearse(wish, &preface);
    }
    if !in_place {
        prove_base(scene, topic, &grounds.config, &grounds.checks, &sandbox, base).await?;
    }
    let _held = first_lock(runs, slug, topic, held)?;
    // Before anything is made for the run: another one may be at work in the repository.
    let pool = pool(scene).await?;
    make_tapes(tapes.as_deref())?;
    let folder = runs.begin(&id).map_err(|error| Stop::because("the run's folder cannot be made", &error))?;
    let tip = if in_place {
        base
    } else {
        scene.repo.begin(id.as_str(), base).await.map_err(|error| Stop::because("the run cannot begin", &error))?
    };
    let journal =
        Journal::create(&folder, &id, now()).map_err(|error| Stop::because("the journal cannot begin", &error))?;
    let blueprint = plan.shared_blueprint();
    drop(plan);
    let (named, backends) = (blueprint.topic.clone(), blueprint.backends.clone());
    let planned = Event::Planned {
        plan: blueprint,
        policy: Box::new(grounds.policy.clone()),
        tip,
        charter: Box::new(charter.clone()),
    };
    let (run, past, first) = (Run::default(), Vec::new(), vec![planned]);
    let begun = Begun { folder, journal, run, past, first, charter, topic: named, backends, pool, sandbox };
    if !arguments.quiet && !wish.json {
        complain(&preface);
        complain(&preface::door(&begun.topic, &begun.charter));
    }
    go(arguments, wish, scene, topic, begun, grounds).await
}

/// What a dry run has to say is its result: it goes to stdout, where no events are asked for.
fn rehearse(wish: &Execute, preface: &str) -> Result<Exit, Stop> {
    let text = format!("{preface}dry run: nothing was begun\n");
    if wish.json {
        complain(&text);
    } else {
        say(&text)?;
    }
    Ok(Exit::Good)
}

async fn resume(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    (runs, id): (&Runs, RunId),
    (run, revision, plan): (Run, Revision, Arc<Plan>),
    mut grounds: Grounds,
) -> Result<Exit, Stop> {
    grounds.policy.only = asked::only(wish, &plan)?;
    let charter = run.charter().clone();
    same_mode(&charter, &grounds.config)?;
    let folder = runs.folder(&id);
    let past = Past::of(&run, &revision, &folder)?;
    prove_needs(scene, &grounds, (&plan, &past), charter.without_checks).await?;
    let sandbox = confinement::sandbox(scene, &grounds.config, wish, Some(&charter.sandbox)).await?;
    let preface = preface::preface(&plan, &past, &charter, &grounds.policy, grounds.said());
    prove_signing(scene, &grounds.config).await?;
    let tapes = asked_tapes(arguments, wish, scene);
    prove_tapes(tapes.as_deref())?;
    complain(&preface::dropped(run.policy().budget, grounds.policy.budget));
    if wish.dry_run {
        return rehearse(wish, &preface);
    }
    let pool = pool(scene).await?;
    make_tapes(tapes.as_deref())?;
    let (named, backends) = (plan.blueprint().topic.clone(), plan.blueprint().backends.clone());
    drop(plan);
    let (journal, past) =
        Journal::resume(&folder, now()).map_err(|error| Stop::because("the run cannot go on", &error))?;
    let changed = (*run.policy() != grounds.policy).then(|| Box::new(grounds.policy.clone()));
    let mut first = vec![Event::Resumed { policy: changed }];
    if revision.addition != Addition::default() {
        first.push(Event::Replanned(Box::new(revision.addition)));
    }
    // Whoever says `execute` says go: what waited for a person is tried again.
    if run.waits_for_go() {
        first.push(Event::Ordered(Order::Go));
    }
    if !arguments.quiet && !wish.json {
        complain(&preface);
        complain(&preface::door(&named, &charter));
    }
    let begun = Begun { folder, journal, run, past, first, charter, topic: named, backends, pool, sandbox };
    go(arguments, wish, scene, topic, begun, grounds).await
}

/// Who does the jobs of a run: in workspaces of their own, or where the repository is.
async fn performer(
    scene: &Scene,
    of_run: (&str, &str, &Path, Oid),
    begun: (&Charter, &[Box<str>], Pool),
    (config, checks): (&Config, Checks),
    (launch, tapes): (Arc<dyn Launch>, Option<PathBuf>),
) -> Result<Arc<dyn Performer>, Stop> {
    let (charter, backends, pool) = begun;
    if charter.in_place {
        let setting = setting(scene, of_run, config).await?;
        return Ok(Arc::new(InPlace::new(setting, Arc::clone(&scene.repo), launch, pool)));
    }
    let backends = crew::backends(scene, config, backends, &launch);
    let mut bench = bench(scene, of_run, config, checks, (pool, launch, backends)).await?;
    bench.record(tapes);
    bench.keep_left().await;
    Ok(Arc::new(bench))
}

/// A run works where it began to: what is done in place has no commit that the rest could be built on, and the other way round.
fn same_mode(charter: &Charter, config: &Config) -> Result<(), Stop> {
    if charter.in_place == config.workspace.is_in_place {
        return Ok(());
    }
    let (began, mode) = if charter.in_place { ("in place", "in-place") } else { ("in clones", "clone") };
    let fix = format!("set `[workspace] mode = \"{mode}\"` again until it is done");
    Err(Stop::missing(format!("this run began to work {began}, and tidegate.toml says otherwise now"), &fix))
}

/// Runs it, whether it is new or not, and says how it ended.
async fn go(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    topic: &Topic,
    begun: Begun,
    Grounds { config, checks, policy, .. }: Grounds,
) -> Result<Exit, Stop> {
    let zone = scene.environment.time_zone.clone();
    let (folded, live) = (Folded::default(), Live::default());
    folded.replay(&begun.past, &record::standings(&begun.run));
    let screen = open_screen(arguments, wish, scene, &folded, &live);
    let telemetry = start_telemetry(arguments, scene, &screen)?;
    // Each agent may have an expert at work for it, and waits for it.
    let wardens = wardens(scene, &begun.pool, &begun.sandbox, 2 * policy.agents + policy.checks)?;
    let (backends, charter) = (begun.backends, &begun.charter);
    let of_run = (&*charter.run, &*begun.topic, begun.folder.path(), charter.base);
    let launch: Arc<dyn Launch> = Arc::<Wardens>::clone(&wardens);
    let tapes = asked_tapes(arguments, wish, scene);
    let performer =
        performer(scene, of_run, (charter, &backends, begun.pool), (&config, checks), (launch, tapes)).await?;
    // What is past is on the board.
    drop(begun.past);
    clear_homes(scene, &begun.charter.run, false);
    let bell = Doorbell::listen(&begun.folder).map_err(|error| Stop::because("orders cannot be heard", &error))?;
    let inbox = Inbox::open(&begun.folder).map_err(|error| Stop::because("orders cannot be taken", &error))?;
    let status = StatusWriter::start(topic.folder.clone(), folded.clone(), zone, screen.clone());
    let failpoint = match scene.environment.failpoint() {
        Some(text) => {
            Failpoint::arm(text, crate::process::die).map_err(|error| Stop::because("TIDEGATE_FAILPOINT", &error))?
        }
        None => Failpoint::default(),
    };
    let charge = Charge {
        run: begun.run,
        journal: begun.journal,
        inbox,
        bell,
        performer,
        watch: Box::new(Onlookers { screen: screen.clone(), live, status }),
        failpoint,
        first: begun.first,
    };
    let conducted = actors::conduct(charge).await;
    wardens.shutdown().await;
    let is_done = conducted.as_ref().is_ok_and(|(run, _)| run.outcome() == Some(Outcome::Done));
    clear_homes(scene, &begun.charter.run, is_done);
    // Before the last word: what it has to say goes to the screen.
    telemetry.stop().await;
    let (run, end) = conducted.map_err(|error| Stop::because("the supervisor cannot be started", &error))?;
    let backend = |id: plan::BackendId| backends[usize::from(id.0)].to_string();
    let done = closing::ending(&run, &end, backend);
    let (how, exit) = match done {
        Ok(done) => done,
        Err(stop) => {
            screen.finish(Last { exit: Some(stop.exit.code()), outcome: Some("broken"), ..Last::default() });
            return Err(stop);
        }
    };
    // As the journal has it: told again, it is the same.
    let again = Again::after(run.outcome(), &closing::reached(&run), arguments, wish, scene, topic);
    let report = Report { scene, folder: &begun.folder, topic, end: how, exit, at: run.now(), again };
    screen.finish(report.last_word(&folded).await);
    Ok(exit)
}

/// The folder in which calls are to be kept as cassettes.
fn asked_tapes(arguments: &Arguments, wish: &Execute, scene: &Scene) -> Option<PathBuf> {
    Some(arguments.folder(&scene.environment.folder).join(wish.record.as_ref()?))
}

async fn charter(
    scene: &Scene,
    run: &str,
    base: Oid,
    wish: &Execute,
    (tier, backend, in_place): (Tier, &str, bool),
) -> Result<Charter, Stop> {
    // In place nothing is left out, and nothing is copied.
    let (uncommitted, copies) = if in_place {
        (Vec::new(), Copies::default())
    } else {
        (uncommitted(scene).await?, copies(scene, base).await?)
    };
    let head = scene.repo.branch().map_or_else(|| base.short(), str::to_owned);
    Ok(Charter {
        run: run.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        base,
        head: head.into(),
        sandbox: tier.name().into(),
        backend: backend.into(),
        without_checks: wish.allow_no_checks,
        in_place,
        copied: copies.paths().map(Into::into).collect(),
        // What is under notes/ is read where it lies: nothing of it is left out.
        uncommitted: uncommitted
            .into_iter()
            .filter(|uncommitted| !uncommitted.path.starts_with("notes/"))
            .map(|uncommitted| uncommitted.path.into())
            .collect(),
    })
}

async fn uncommitted(scene: &Scene) -> Result<Vec<Uncommitted>, Stop> {
    scene.repo.uncommitted().await.map_err(|error| Stop::because("the working tree cannot be read", &error))
}

/// What workspaces get beside the commit, and warnings of what they do not get.
async fn copies(scene: &Scene, base: Oid) -> Result<Copies, Stop> {
    let copies =
        scene.repo.copies(base).await.map_err(|e| Stop::because("what .worktreeinclude names cannot be read", &e))?;
    for (path, why) in &copies.left_out {
        complain(&format!("warning: .worktreeinclude names {path}, which is not copied: {why}\n"));
    }
    let empty = scene.repo.uninitialised(base).await.map_err(|e| Stop::because("submodules cannot be read", &e))?;
    for path in empty.iter().map(|path| line(path, 160)) {
        let fix = format!("`git submodule update --init {}` brings it", handoff::quoted(&path));
        complain(&format!("warning: the submodule {path} is not initialised, and is empty in workspaces: {fix}\n"));
    }
    Ok(copies)
}

pub(super) fn open_screen(
    arguments: &Arguments,
    wish: &Execute,
    scene: &Scene,
    folded: &Folded,
    live: &Live,
) -> Screen {
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
    let (collector, unspoken) = match Collector::of(&scene.environment) {
        Ok(collector) => (collector, None),
        Err(error) => (None, Some(error)),
    };
    let telemetry = Telemetry::start(telemetry::Options { filter, is_coloured: false, log, collector })
        .map_err(|error| Stop::because("the log cannot be set up", &error))?;
    if let Some(error) = unspoken {
        tracing::warn!(%error, "spans are not sent");
    }
    Ok(telemetry)
}

/// Tells runs that begin in the same second apart.
fn random() -> u16 {
    let nanos = jiff::Timestamp::now().subsec_nanosecond().unsigned_abs();
    (nanos ^ (nanos >> 16) ^ std::process::id()) as u16
}
