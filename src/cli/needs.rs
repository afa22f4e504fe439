//! What a run needs of those who do its work, and what of that is wanting: one judgement, for `execute` before it begins anything, and for
//! `doctor`.

use super::{
    Stop, crew,
    exit::Exit,
    message,
    past::Past,
    probe::{self, Looked, program_of},
    scene::Scene,
};
use crate::{
    config::Config,
    perform::{COORDINATOR, EXPERT, IMPLEMENTATION_AGENT, TEST_DEVELOPER, TEST_EXPERT},
    plan::{BackendId, Blueprint, Draft, Fault, Phase, Plan, Progress, Role, Severity, Task},
    run::{Limit, Oid},
    text::line,
};
use std::collections::BTreeSet;

/// The definitions that every run with a model uses.
pub(super) const ALWAYS: [&str; 5] = [TEST_DEVELOPER, IMPLEMENTATION_AGENT, TEST_EXPERT, EXPERT, COORDINATOR];

/// What is wanted of one backend, and by whom.
pub(super) struct Need<'p> {
    /// As the plan has it, with a model or without.
    pub(super) backend: &'p str,
    by: Asker<'p>,
}

/// Who asks a backend for something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker<'p> {
    /// A task, in a role that it has no script for.
    Task(&'p Task, Role),
    /// A reviewer.
    Reviewer(&'p str),
    /// Whoever is asked about work that keeps failing.
    Helper(Role),
    /// A role whose own backend takes no jobs.
    Fallback(Role),
}

impl Need<'_> {
    /// Whether a run can start without it: a fallback, and help that nobody has configured. Whoever is named for it ought to be there.
    pub(super) fn is_spare(&self) -> bool {
        match self.by {
            Asker::Fallback(_) => true,
            Asker::Helper(_) => self.backend == crew::NONE,
            Asker::Task(..) | Asker::Reviewer(_) => false,
        }
    }

    fn role(&self) -> Role {
        match self.by {
            Asker::Task(_, role) | Asker::Helper(role) | Asker::Fallback(role) => role,
            Asker::Reviewer(_) => Role::Reviewer,
        }
    }

    /// What follows where the backend cannot be asked.
    pub(super) fn fault(&self, lack: &probe::Lack) -> Fault {
        let (why, help, role) = (&lack.text, &lack.help, self.role().name());
        let another = |key: &str| format!("{help}; `[agents.{role}] {key}` of tidegate.toml names another");
        let (text, help) = match self.by {
            Asker::Task(task, _) => (
                format!("task {} has no `{role}` script, and no agent can do it: {why}", task.label),
                format!("{help}; or add a fenced block ```sh role={role} at line {}", task.brief.line),
            ),
            Asker::Reviewer(name) => {
                (format!("`{}` is to review, and no agent can do it: {why}", line(name, 60)), another("backend"))
            }
            Asker::Helper(_) => (
                format!("the `{role}` is asked about work that keeps failing, and no agent can do it: {why}"),
                another("backend"),
            ),
            Asker::Fallback(_) => (format!("the `{role}` has nothing to fall back to: {why}"), another("fallback")),
        };
        let (severity, code) = match (self.is_spare(), self.by) {
            (false, _) => (Severity::Error, "no-agent"),
            (true, Asker::Fallback(_)) => (Severity::Warning, "no-fallback"),
            (true, _) => (Severity::Warning, "no-agent"),
        };
        Fault { severity, code, text, labels: Vec::new(), help: Some(help) }
    }
}

/// The tasks of a plan that are still to be done.
pub(super) fn left<'p>(plan: &'p Plan, past: &Past<'_>) -> Vec<&'p Task> {
    let is_left = |id: &_| past.progress(*id) < Progress::Over;
    plan.ids().filter(is_left).filter_map(|id| plan.node(id).task()).filter(|task| !task.done).collect()
}

/// The roles that a task cannot do without.
pub(super) fn roles(task: &Task) -> Vec<Role> {
    let tests = task.phases.contains(Phase::Tests).then_some(Role::TestDeveloper);
    tests.into_iter().chain([Role::Implementation]).collect()
}

/// What these tasks need of backends; each task's own roles first. What a script does needs none.
pub(super) fn of<'p>(plan: &'p Blueprint, tasks: &[&'p Task]) -> Vec<Need<'p>> {
    let name = |id: BackendId| plan.backends.get(usize::from(id.0)).map_or("", |name| &**name);
    let mut needs: Vec<Need<'p>> = Vec::new();
    for task in tasks {
        let has = |role| task.brief.scripts.iter().any(|script| script.role == role);
        let bare = roles(task).into_iter().filter(|&role| !has(role));
        needs.extend(
            bare.filter_map(|role| Some(Need { backend: name(task.backend_of(role)?), by: Asker::Task(task, role) })),
        );
    }
    let reviewers: BTreeSet<usize> =
        tasks.iter().flat_map(|task| &task.reviewers).map(|reviewer| usize::from(reviewer.0)).collect();
    let reviewers = reviewers.into_iter().filter_map(|reviewer| plan.reviewers.get(reviewer));
    needs.extend(reviewers.map(|(reviewer, backend)| Need { backend: name(*backend), by: Asker::Reviewer(reviewer) }));
    for role in [Role::Expert, Role::Coordinator] {
        let backends: BTreeSet<BackendId> = tasks.iter().filter_map(|task| task.backend_of(role)).collect();
        needs.extend(backends.into_iter().map(|id| Need { backend: name(id), by: Asker::Helper(role) }));
    }
    needs.retain(|need| need.backend != "script" || matches!(need.by, Asker::Task(..)));
    for &(role, from, to) in &plan.fallbacks {
        if needs.iter().any(|need| need.role() == role && need.backend == name(from)) {
            needs.push(Need { backend: name(to), by: Asker::Fallback(role) });
        }
    }
    needs
}

/// What is wanting of what was looked at: of each task the first thing, and beside that what no task was told of.
pub(super) fn faults(needs: &[Need<'_>], looked: &Looked) -> Vec<Fault> {
    let (mut faults, mut told) = (Vec::new(), BTreeSet::new());
    let mut last: Option<&Task> = None;
    for need in needs {
        let program = program_of(need.backend);
        let Some(Err(lack)) = looked.get(program) else { continue };
        let is_new = match need.by {
            Asker::Task(task, _) => !last.replace(task).is_some_and(|last| std::ptr::eq(last, task)),
            Asker::Reviewer(_) | Asker::Helper(_) | Asker::Fallback(_) => !told.contains(program),
        };
        told.insert(program);
        if is_new {
            faults.push(need.fault(lack));
        }
    }
    faults
}

/// The gates that nothing would prove, as what is wrong and what to do about it.
pub(super) fn unproven(plan: &Plan, past: &Past<'_>) -> Option<(String, &'static str)> {
    let open = plan.blueprint().without_check().filter(|(id, _)| past.progress(*id) < Progress::Over);
    let mut levels: Vec<&str> = open.map(|(_, gate)| gate.level.name()).collect();
    levels.dedup();
    (!levels.is_empty()).then(|| {
        let text = format!("no check was found for the {} gates: nothing would prove them", levels.join(", "));
        (
            text,
            "set [checks] in tidegate.toml and commit it, e.g. `task = [\"make test\"]`; `execute --allow-no-checks` \
             starts without",
        )
    })
}

/// The definitions that a model is to be given for these tasks.
pub(super) fn definitions<'p>(plan: &'p Blueprint, tasks: &[&'p Task]) -> BTreeSet<&'p str> {
    let is_model =
        |backend: BackendId| plan.backends.get(usize::from(backend.0)).is_some_and(|name| **name != *"script");
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for task in tasks {
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
    names
}

/// Refuses a run that lacks what it cannot do without, and returns what it lacks and can do without. Touches nothing.
pub(super) async fn prove(
    scene: &Scene,
    config: &Config,
    (plan, past): (&Plan, &Past<'_>),
    (base, without_checks, budget): (Oid, bool, Limit),
) -> Result<Vec<Fault>, Stop> {
    if let Some((what, fix)) = unproven(plan, past).filter(|_| !without_checks) {
        return Err(Stop::missing(what, fix));
    }
    let tasks = left(plan, past);
    let needs = of(plan.blueprint(), &tasks);
    let backends = needs.iter().map(|need| need.backend);
    let looked = probe::look(&scene.environment, Some(scene.repo.top()), config, backends).await;
    let (errors, mut warnings): (Vec<Fault>, Vec<Fault>) =
        faults(&needs, &looked).into_iter().partition(|fault| fault.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(Stop::faulty(Exit::Missing, &Draft::default(), &errors, scene.is_coloured));
    }
    prove_definitions(scene, base, definitions(plan.blueprint(), &tasks)).await?;
    scene.servers(base, config).await?;
    if budget.micros < u64::MAX {
        warnings.extend(unstoppable(&needs));
    }
    Ok(warnings)
}

/// Refuses definitions that are faulty, or not there.
async fn prove_definitions(scene: &Scene, base: Oid, names: BTreeSet<&str>) -> Result<(), Stop> {
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

/// The backends that a limit of money does not see.
fn unstoppable(needs: &[Need<'_>]) -> Vec<Fault> {
    let programs: BTreeSet<&str> = needs.iter().map(|need| program_of(need.backend)).collect();
    let told = programs.into_iter().filter_map(|program| {
        let why = crew::untold_cost(program)?;
        let text = format!("--max-cost cannot be relied on to stop {program}: {why}");
        let help = Some("--max-runs N stops it".to_owned());
        Some(Fault { severity: Severity::Warning, code: "cost-untold", text, labels: Vec::new(), help })
    });
    told.collect()
}

/// What cannot be had and can be done without, for people.
pub(super) fn told(scene: &Scene, warnings: &[Fault]) -> String {
    message::render(&Draft::default(), warnings, scene.is_coloured)
}
