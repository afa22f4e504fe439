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
    board::{Board, Mark, Standing, Story},
    handoff::quoted,
    plan::{NodeId, Plan},
    run::{Evidence, Outcome, Ran, Verdict, Why},
    text::{block, line},
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
    say(&reasons(&record, node))?;
    Ok(Exit::Good)
}

fn reasons(record: &Record, node: NodeId) -> String {
    let (run, plan) = (&record.run, record.run.plan());
    let mut out = format!("{}\n", line(&title(plan, node), COLUMNS));
    // The criteria below say which of them are proven, and which wait.
    let is_said_below = |why: &Why| match why {
        Why::Gate { verdict: Verdict::Open(_), .. } => true,
        Why::Gate { verdict: Verdict::Closed(lacks), .. } => lacks.iter().all(crate::run::Lack::is_a_persons),
        _ => false,
    };
    for why in run.why(node).iter().filter(|why| !is_said_below(why)) {
        let words = block(&why.words(plan), LINES, COLUMNS);
        let _ = writeln!(out, "  {}", words.replace('\n', "\n    "));
    }
    let board = record.board();
    board.with(|board| {
        story(&mut out, board, node);
        let all = board.criteria(node);
        if all.iter().any(|settled| settled.mark != Mark::Open) {
            for settled in all {
                let _ = writeln!(out, "  - {}: {}", settled.mark.name(), line(&settled.words(), COLUMNS));
            }
        } else if run.failure(node).is_none() && !all.is_empty() {
            let whose = if plan.node(node).task().is_some() { "its gate" } else { "it" };
            let _ = writeln!(out, "  {whose} will ask:");
            for settled in all {
                let _ = writeln!(out, "  - {}", line(&settled.criterion.text, COLUMNS));
            }
        }
    });
    let ran = board.with(|board| match (board.standing(node), board.card(node).story()) {
        (Standing::Failed { phase, .. }, Some(story)) => story.ran_for(*phase).cloned().collect(),
        _ => proofs(record, node),
    });
    for ran in ran {
        let counts = ran.counts.map(|c| format!(", {} passed, {} failed, {} ignored", c.passed, c.failed, c.ignored));
        let place = format!("{} on {}, exit {}{}", ran.command, ran.on.short(), ran.exit, counts.unwrap_or_default());
        let _ = writeln!(out, "  ran {}", line(&place, COLUMNS));
        let _ = writeln!(out, "      {}", record.folder.path().join(&*ran.log).display());
    }
    out.push_str(&advice(record, node));
    out
}

/// What was done for it: where it landed, what became of its edits, what was found wanting the last time.
fn story(out: &mut String, board: &Board, node: NodeId) {
    let story = board.card(node).story();
    if let Some((commit, _)) = story.and_then(|story| story.landed).filter(|(commit, _)| !commit.is_none()) {
        let _ = writeln!(out, "  landed as {}", commit.short());
    }
    for uncovered in story.map_or(&[][..], |story| &story.uncovered) {
        let file = uncovered.file.as_deref().map(|file| format!("{file}: ")).unwrap_or_default();
        let _ = writeln!(out, "  not covered: {}", line(&format!("{file}{}", uncovered.text), COLUMNS));
    }
    for remark in board.remarks().iter().filter(|remark| remark.node == node) {
        let _ = writeln!(out, "  {}: {}", board.became(remark), line(&remark.finding.text, COLUMNS));
    }
    let findings = match board.standing(node) {
        Standing::Failed { .. } | Standing::Working { .. } => story.map_or(&[][..], Story::found),
        _ => &[],
    };
    for finding in findings {
        let mut lines = finding.text.lines();
        // What is one line stands in the reason above already, where it is all that was found.
        let is_told = findings.len() == 1 && finding.by.is_none() && finding.text.trim().lines().count() < 2;
        if is_told && matches!(board.standing(node), Standing::Failed { .. }) {
            continue;
        }
        let by = finding.by.as_deref().map(|by| format!("{}: ", line(by, COLUMNS))).unwrap_or_default();
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(at)) => format!("{file}:{at}: "),
            // What speaks of its file by name needs no place before it.
            (Some(file), None) if !finding.text.starts_with(&**file) => format!("{file}: "),
            (Some(_) | None, _) => String::new(),
        };
        let first = line(&format!("{by}{place}{}", lines.next().unwrap_or_default()), COLUMNS);
        let _ = writeln!(out, "  found: {first}");
        let rest = block(&lines.collect::<Vec<_>>().join("\n"), LINES, COLUMNS);
        for line in rest.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
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
fn advice(record: &Record, node: NodeId) -> String {
    let run = &record.run;
    let plan = run.plan();
    let (topic, label) = (quoted(&plan.blueprint().topic), quoted(plan.node(node).label()));
    if run.failure(node).is_some() {
        return format!(
            "  what it printed: tidegate logs {topic} {label}\n  to try again: tidegate retry {topic} {label}, then tidegate execute {topic}\n"
        );
    }
    let awaited = run.awaited(node);
    if !awaited.is_empty() && run.state(node) == crate::run::State::Held {
        let numbers: Vec<String> =
            awaited.iter().map(|n| format!("tidegate approve {topic} {label} {}", n + 1)).collect();
        return format!("  to let it pass: {}\n", numbers.join("; "));
    }
    // A run that was returned waits for a word on something else first.
    let is_returned = matches!(run.outcome(), Some(Outcome::Returned { .. }));
    if record.holder.is_none() && !run.state(node).is_met() && !is_returned {
        return format!("  nobody executes the run now; to go on: tidegate execute {topic}\n");
    }
    String::new()
}
