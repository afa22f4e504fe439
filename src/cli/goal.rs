//! What `doctor` looks for: all that a topic needs, with what its run has done already; or, where none is named, what any task needs that
//! carries no script.

use super::{Stop, crew, execute, exit::Exit, past, past::Past, record, scene::Scene};
use crate::{
    journal::{Folder, Runs},
    notes::{self, Topic},
    plan::{self, Plan, Revision, Settings},
    run::{Oid, Outcome, Run},
};
use std::sync::Arc;

/// A task that stands for any that carries no script.
const ANY: &str = "### Stream A: Any\n\n1. **Any task**\n   - Test Requirements: the behaviour it is to have\n";

/// What is to be executed, and from where.
pub(super) struct Start {
    pub(super) topic: Option<Topic>,
    /// The commit that configuration and definitions are read from.
    pub(super) base: Oid,
    /// What runs the roles of which the configuration says nothing.
    pub(super) backend: Box<str>,
    run: Option<(Folder, Run)>,
}

/// The plan of that.
pub(super) struct Goal {
    pub(super) plan: Arc<Plan>,
    /// The run that goes on with it.
    run: Option<(Folder, Run, Revision)>,
}

impl Start {
    /// Where `execute` would start: on HEAD, or with the run that there is.
    pub(super) fn of(scene: &Scene, topic: Option<&str>) -> Result<Start, Stop> {
        let (base, backend) = (scene.repo.head(), crew::found(&scene.environment).into());
        let topic = topic.map(|typed| scene.topic(typed)).transpose()?;
        let mut start = Start { topic, base, backend, run: None };
        let Some(topic) = &start.topic else { return Ok(start) };
        let runs = Runs::of(scene.repo.common_dir());
        if let Some(id) = execute::newest(&runs, &record::named_after(&topic.slug))? {
            let folder = runs.folder(&id);
            let run = record::replay(&record::read(&folder)?)?;
            start.base = run.charter().base;
            if !run.charter().backend.is_empty() {
                start.backend = run.charter().backend.clone();
            }
            start.run = Some((folder, run));
        }
        Ok(start)
    }

    /// Whether its run began with `--allow-no-checks`.
    pub(super) fn is_without_checks(&self) -> bool {
        self.run.as_ref().is_some_and(|(_, run)| run.charter().without_checks)
    }

    /// What is to be done.
    pub(super) async fn goal(self, scene: &Scene, settings: &Settings) -> Result<Goal, Stop> {
        let Some(topic) = &self.topic else { return Goal::any(settings) };
        let understood = scene.understand(topic, settings).await;
        let understood = understood.map_err(|(draft, faults)| scene.stop(&draft, &faults))?;
        if let Some((folder, run)) = self.run {
            match past::taken_in(&run, &understood.blueprint) {
                Ok((revision, plan)) => return Ok(Goal { plan, run: Some((folder, run, revision)) }),
                Err(_) if run.outcome() == Some(Outcome::Done) => {}
                Err(_) => {
                    let plan = run.shared_plan();
                    return Ok(Goal { plan, run: Some((folder, run, Revision::default())) });
                }
            }
        }
        Ok(Goal { plan: Arc::new(built(understood.blueprint)?), run: None })
    }
}

impl Goal {
    /// Any work that no script does.
    pub(super) fn any(settings: &Settings) -> Result<Goal, Stop> {
        let (draft, _) = notes::read_text("any", "breakdown.md", ANY.to_owned());
        let (blueprint, _) =
            plan::build(&draft, settings).map_err(|faults| Stop::faulty(Exit::Faulty, &draft, &faults, false))?;
        Ok(Goal { plan: Arc::new(built(blueprint)?), run: None })
    }

    /// How far it has come.
    pub(super) fn past(&self) -> Result<Past<'_>, Stop> {
        self.run.as_ref().map_or_else(|| Ok(Past::default()), |(folder, run, revision)| Past::of(run, revision, folder))
    }
}

fn built(blueprint: plan::Blueprint) -> Result<Plan, Stop> {
    Plan::build(blueprint).map_err(|faults| Stop::new(Exit::Faulty, format!("error: {faults:?}\n")))
}
