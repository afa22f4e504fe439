//! `tidegate why`: why a task or a gate waits, failed or passed, from the same code that decides.

use super::{
    Stop,
    args::{Arguments, Node},
    exit::Exit,
    record::Record,
    say,
    scene::Scene,
};
use crate::{
    board::{block, line},
    context::feedback,
    plan::{NodeId, Plan},
    run::{Evidence, Ran, Run},
};
use std::fmt::Write;

/// Lines of one reason.
const LINES: usize = 30;
/// Columns of one line.
const COLUMNS: usize = 160;

pub(crate) async fn why(arguments: &Arguments, wish: &Node) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let node = record.node(&wish.task)?;
    say(&reasons(&record, node));
    Ok(Exit::Good)
}

fn reasons(record: &Record, node: NodeId) -> String {
    let (run, plan) = (&record.run, record.run.plan());
    let mut out = format!("{}\n", line(&title(plan, node), COLUMNS));
    for why in run.why(node) {
        let words = block(&why.words(plan), LINES, COLUMNS);
        let _ = writeln!(out, "  {}", words.replace('\n', "\n    "));
    }
    let findings = &run.life(node).sheet.findings;
    if run.failure(node).is_some() && !findings.is_empty() {
        let _ = writeln!(out, "{}", block(&feedback(findings), LINES, COLUMNS).trim_end());
    }
    record.board().with(|board| {
        for settled in board.criteria(node) {
            let _ = writeln!(out, "  - {}: {}", settled.mark.name(), line(&settled.criterion.text, COLUMNS));
        }
    });
    for ran in proofs(record, node) {
        let counts = ran.counts.map(|c| format!(", {} passed, {} failed, {} ignored", c.passed, c.failed, c.ignored));
        let place = format!("{} on {}, exit {}{}", ran.command, ran.on.short(), ran.exit, counts.unwrap_or_default());
        let _ = writeln!(out, "  ran {}", line(&place, COLUMNS));
        let _ = writeln!(out, "      {}", record.folder.path().join(&*ran.log).display());
    }
    out.push_str(&advice(run, node));
    out
}

fn title(plan: &Plan, node: NodeId) -> String {
    match plan.node(node).task() {
        Some(task) => format!("task {}: {}", task.label, task.title),
        None => format!("gate {}", plan.node(node).label()),
    }
}

/// The commands behind what was decided about a node last.
fn proofs(record: &Record, node: NodeId) -> Vec<Ran> {
    use crate::run::{Ending, Event};
    let mut jobs = std::collections::BTreeMap::new();
    let mut last = Vec::new();
    for entry in &record.entries {
        match &entry.event {
            Event::Started { job, node: of, .. } if *of == node => drop(jobs.insert(*job, ())),
            Event::Ended { job, ending, .. } if jobs.contains_key(job) => {
                let ran: &[Ran] = match &**ending {
                    Ending::Passed(Evidence::Verified(verified)) => &verified.ran,
                    Ending::Passed(Evidence::Red(red)) => &red.ran,
                    Ending::Passed(Evidence::Seen { ran } | Evidence::Figure { ran, .. }) => ran,
                    Ending::Rejected(rejection) => &rejection.ran,
                    Ending::Passed(_) | Ending::Deferred { .. } | Ending::Broke(_) => &[],
                };
                if !ran.is_empty() {
                    last = ran.to_vec();
                }
            }
            _ => {}
        }
    }
    last
}

/// How to go on, where a person has to.
fn advice(run: &Run, node: NodeId) -> String {
    let plan = run.plan();
    let (topic, label) = (&plan.blueprint().topic, plan.node(node).label());
    if run.failure(node).is_some() {
        return format!("  to try again: tidegate retry {topic} {label}, then tidegate execute {topic}\n");
    }
    let awaited = run.awaited(node);
    if !awaited.is_empty() && run.state(node) == crate::run::State::Held {
        let numbers: Vec<String> =
            awaited.iter().map(|n| format!("tidegate approve {topic} {label} {}", n + 1)).collect();
        return format!("  to let it pass: {}\n", numbers.join("; "));
    }
    String::new()
}
