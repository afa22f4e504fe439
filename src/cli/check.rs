//! `tidegate check`: what was understood of a topic, for people and for machines. Values in, text out.

use super::{
    Stop, answer,
    args::{Arguments, Check as Wish, Format},
    crew,
    exit::Exit,
    message::{clean, line_of, told},
    preface::set_up,
    say,
    scene::{Scene, settings, wanted},
};
use crate::{
    handoff::quoted,
    perform::Checks,
    plan::{
        Coverage, Criterion, Demand, Draft, Fault, Gate, Hold, Level, Means, NO_STREAM, Node, NodeId, Parse, Part,
        Phase, Plan, Settings, Task, dot, mermaid, stated,
    },
};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What is not a criterion yet, and is said so.
const NOT_YET: &str = "Not a criterion yet: handoff.";

/// Shows what was understood, or what is wrong; a program that reads gets one JSON value in either case.
pub(crate) async fn command(arguments: &Arguments, wish: &Wish) -> Result<Exit, Stop> {
    let format = if wish.json { Format::Json } else { wish.format };
    answer(show(arguments, wish, format).await, format == Format::Json)
}

async fn show(arguments: &Arguments, wish: &Wish, format: Format) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let topic = scene.topic(&wish.topic)?;
    let base = scene.repo.head();
    let config = scene.config(base).await?;
    let checks =
        Checks::found(&scene.repo, base, &wanted(&config), scene.environment.search_path().unwrap_or_default()).await;
    let checks = checks.map_err(|error| Stop::because("the base cannot be read", &error))?;
    let settings = settings(&config, &checks, false, crew::found(&scene.environment));
    let understood = scene.understand(&topic, &settings).await;
    let understood = understood.map_err(|(draft, faults)| scene.stop(&draft, &faults))?;
    let plan = Plan::build(understood.blueprint.clone())
        .map_err(|faults| Stop::new(Exit::Faulty, format!("error: the plan does not hold together: {faults:?}\n")))?;
    match format {
        Format::Text => {
            let setup = config.workspace.setup.clone().unwrap_or_else(|| checks.setup());
            let setup = set_up(&setup, config.workspace.setup.is_none());
            say(&format!("{}{setup}", text(&plan, &understood.draft, &understood.warnings, &settings)))?;
        }
        Format::Json => say(&format!("{:#}\n", json(&plan, &understood.draft, &understood.warnings)))?,
        Format::Mermaid => say(&mermaid(&plan))?,
        Format::Dot => say(&dot(&plan))?,
    }
    if wish.strict && !understood.warnings.is_empty() {
        return Err(Stop::new(Exit::Missing, "error: with --strict a warning refuses the run\n"));
    }
    Ok(Exit::Good)
}

/// What `check --format json` prints (CONTRACTS.md).
pub fn json(plan: &Plan, draft: &Draft, warnings: &[Fault]) -> Value {
    let blueprint = plan.blueprint();
    let (by_task, by_stream) = stated(draft);
    let label = |id: NodeId| plan.node(id).label().to_owned();
    let labels = |ids: Vec<NodeId>| ids.into_iter().map(label).collect::<Vec<_>>();
    let blob = |path: &str| blueprint.origins.iter().find(|o| &*o.path == path).map(|o| o.blob.to_string());
    let sources = draft.sources.iter().map(|s| json!({ "path": s.path, "blob": blob(&s.path) }));
    // The stream of those that are in none is ours, not the author's: machines see none.
    let lane = |id: &str| if id == NO_STREAM { Value::Null } else { json!(id) };
    let authored = blueprint.streams.iter().enumerate().filter(|(_, (id, _))| &**id != NO_STREAM);
    let streams = authored.map(|(place, (id, title))| {
        json!({ "id": id, "title": title, "depends_on": by_stream.get(place).cloned().unwrap_or_default() })
    });
    let mut tasks = Vec::new();
    let mut gates = Vec::new();
    for id in plan.ids() {
        match plan.node(id) {
            Node::Task(task) => {
                let needs = by_task.get(id.index()).cloned().unwrap_or_default();
                let of = |kind: &str| needs.iter().filter_map(|n| n.strip_prefix(kind)).collect::<Vec<_>>();
                let mut told = json!({
                    "id": task.label, "title": task.title, "stream": lane(&blueprint.streams[usize::from(task.stream.0)].0),
                    "depends_on": of("task:"), "after": labels(nearest(plan, id)), "done": task.done,
                    "effort_minutes": task.minutes, "line": task.brief.line,
                    "phases": task.phases.iter().map(Phase::name).collect::<Vec<_>>(),
                });
                let claims: Vec<&str> = claims(plan, task).map(|(name, _)| name).collect();
                if !claims.is_empty() {
                    told["resources"] = json!(claims);
                }
                let lanes = of("stream:");
                if !lanes.is_empty() {
                    told["depends_on_streams"] = json!(lanes);
                }
                tasks.push(told);
            }
            Node::Gate(gate) => gates.push(json!({
                "id": gate.label, "level": gate.level.name(), "after": labels(plan.tasks_before(id)),
                "before": labels(plan.dependents(id).filter(|&id| plan.node(id).task().is_some()).collect()),
                "criteria": gate.criteria.iter().map(|c| json!({
                    "text": c.text, "line": c.line, "means": c.means.name(), "settled_by": settled(plan, c),
                })).collect::<Vec<_>>(),
            })),
        }
    }
    let path = plan.critical_path();
    let minutes = path.first().map_or(0, |&id| plan.remaining(id));
    let path: Vec<NodeId> = path.into_iter().filter(|&id| plan.node(id).task().is_some()).collect();
    let warnings = warnings.iter().map(|w| told(draft, w));
    let mut value = Map::new();
    value.insert("topic".into(), json!(blueprint.topic));
    value.insert("sources".into(), sources.collect());
    value.insert("streams".into(), streams.collect());
    value.insert("tasks".into(), Value::Array(tasks));
    value.insert("gates".into(), Value::Array(gates));
    value.insert("critical_path".into(), json!(labels(path)));
    value.insert("critical_minutes".into(), json!(minutes));
    value.insert("width".into(), json!(plan.width()));
    value.insert("warnings".into(), warnings.collect());
    Value::Object(value)
}

/// What a task needs for itself, and how long it holds that.
fn claims<'a>(plan: &'a Plan, task: &'a Task) -> impl Iterator<Item = (&'a str, Hold)> {
    let resources = &plan.blueprint().resources;
    task.needs.iter().filter_map(|id| resources.get(usize::from(id.0))).map(|(name, hold)| (&**name, *hold))
}

/// The tasks right before a task, without those that are before another of them anyway.
fn nearest(plan: &Plan, id: NodeId) -> Vec<NodeId> {
    const FEW: usize = 100;
    let before = plan.tasks_before(id);
    if before.len() > FEW {
        return before;
    }
    let implied: std::collections::HashSet<NodeId> = before.iter().flat_map(|&b| plan.tasks_before(b)).collect();
    before.into_iter().filter(|b| !implied.contains(b)).collect()
}

/// Who settles a criterion, in a few words.
fn settled(plan: &Plan, criterion: &Criterion) -> String {
    match &criterion.means {
        Means::TestsFirst | Means::SealIntact | Means::Green | Means::BodiesOut | Means::Scope | Means::Integrity => {
            "tidegate".to_owned()
        }
        Means::Checked { commands } => {
            let all: Vec<String> = commands.iter().map(|c| first_line(c)).collect();
            format!("`{}`", all.join("`, `"))
        }
        Means::Measured { command, bound, parse, unit } => {
            let command = first_line(command);
            let figure = match parse {
                Parse::Last => format!("the last number of `{command}`"),
                Parse::Pattern(pattern) => format!("what /{}/ finds in `{command}`", clean(pattern)),
                Parse::Pointer(pointer) => format!("{} in the JSON of `{command}`", clean(pointer)),
                Parse::Coverage(coverage) => covered(coverage, &command),
            };
            format!("{figure}, {}", unit.bound(*bound))
        }
        Means::Files { .. } | Means::HandedOver => "tidegate".to_owned(),
        Means::NoBlocker => "tidegate; a person, where something was skipped".to_owned(),
        Means::LeavesClean { commands } => {
            let all: Vec<String> = commands.iter().map(|c| first_line(c)).collect();
            format!("tidegate, after `{}`", all.join("`, `"))
        }
        Means::Reviewed { reviewer } => {
            let name = plan.blueprint().reviewers.get(usize::from(reviewer.0)).map_or("", |r| &r.0);
            format!("the reviewer {name}")
        }
        Means::Approved => "a person's approval".to_owned(),
        Means::Held if Demand::of(&criterion.text).is_some() => "a person: no command measures it".to_owned(),
        Means::Held => "a person: no command settles it".to_owned(),
    }
}

/// What is read from reports of coverage.
fn covered(coverage: &Coverage, command: &str) -> String {
    let share = match coverage.part {
        Part::Changed => "the share of changed lines that tests run",
        Part::Total => "the share of lines that tests run",
        Part::Gain => "by how much the share of lines that tests run grew",
    };
    let reports = coverage.reports.iter().map(|path| clean(path)).collect::<Vec<_>>().join(", ");
    format!("{share} in {reports}, as `{command}` leaves it")
}

fn first_line(command: &str) -> String {
    let mut lines = command.lines().filter(|l| !l.trim().is_empty());
    let first = clean(lines.next().unwrap_or_default().trim());
    if lines.next().is_some() { format!("{first} ...") } else { first }
}

/// What a person reads, 80 columns wide.
pub fn text(plan: &Plan, draft: &Draft, warnings: &[Fault], settings: &Settings) -> String {
    let blueprint = plan.blueprint();
    let mut out = String::new();
    let tasks = plan.ids().filter(|&id| plan.node(id).task().is_some()).count();
    let streams = draft.streams.len();
    let _ = writeln!(out, "{}: {}", blueprint.topic, clean(&blueprint.title));
    let noun = if tasks == 1 { draft.form.noun.to_owned() } else { draft.form.nouns() };
    let _ = writeln!(out, "{tasks} {noun}, {}, at most {} at once", many(streams, "stream"), plan.width());
    if draft.form.name != "breakdown" {
        let _ = writeln!(out, "Read as a {}", draft.form.name);
    }
    out.push('\n');
    stream_lines(plan, draft, &mut out);
    let path = plan.critical_path();
    let minutes = path.first().map_or(0, |&id| plan.remaining(id));
    let labels: Vec<&str> = path.iter().filter_map(|&id| plan.node(id).task()).map(|t| &*t.label).collect();
    let _ = writeln!(out, "Critical path, {}", span(minutes));
    wrapped(&mut out, "  ", &labels.join(" -> "));
    out.push_str("\nGates\n");
    gate_lines(plan, settings, &mut out);
    wrapped(&mut out, "  ", NOT_YET);
    if !warnings.is_empty() {
        let _ = writeln!(out, "\n{}", capital(&many(warnings.len(), "warning")));
        warning_lines(draft, warnings, &mut out);
    }
    out
}

fn stream_lines(plan: &Plan, draft: &Draft, out: &mut String) {
    let (_, by_stream) = stated(draft);
    let mut by_lane: Vec<Vec<NodeId>> = vec![Vec::new(); plan.blueprint().streams.len()];
    for id in plan.ids() {
        if let Some(stream) = plan.node(id).stream() {
            by_lane[usize::from(stream.0)].push(id);
        }
    }
    for (place, ((id, title), tasks)) in plan.blueprint().streams.iter().zip(&by_lane).enumerate() {
        let head = if &**id == NO_STREAM { clean(title) } else { format!("Stream {id}  {}", clean(title)) };
        let _ = writeln!(out, "{}", short(&head, 80));
        if let Some(needs) = by_stream.get(place).filter(|n| !n.is_empty()) {
            let words: Vec<String> = needs.iter().map(|n| n.replacen(':', " ", 1)).collect();
            wrapped(out, "  waits for ", &words.join(", "));
        }
        for &task in tasks {
            task_line(plan, task, out);
        }
        out.push('\n');
    }
}

fn task_line(plan: &Plan, id: NodeId, out: &mut String) {
    let Some(task) = plan.node(id).task() else { return };
    let before: Vec<String> = nearest(plan, id).into_iter().map(|b| plan.node(b).label().to_owned()).collect();
    let after = match before.len() {
        0 => String::new(),
        1..=6 => format!("after {}", before.join(", ")),
        n => format!("after {} and {} more", before[..5].join(", "), n - 5),
    };
    let mark = if task.done { "x" } else { " " };
    let time = span(u64::from(task.minutes));
    let title = short(&clean(&task.title), 40);
    let line = format!("  [{mark}] {:<5} {title:<40} {time:>10}  {after}", clean(&task.label));
    let _ = writeln!(out, "{}", line.trim_end());
    let left_out: Vec<&str> = Phase::OF_TASK
        .into_iter()
        .filter(|&p| !task.phases.contains(p) && p != Phase::Review)
        .map(Phase::name)
        .collect();
    if !left_out.is_empty() {
        let _ = writeln!(out, "            without {}", left_out.join(", "));
    }
    for (hold, words) in [(Hold::Job, "while its code runs"), (Hold::Task, "until it has landed")] {
        let names: Vec<String> =
            claims(plan, task).filter(|claim| claim.1 == hold).map(|claim| clean(claim.0)).collect();
        if !names.is_empty() {
            wrapped(out, "            ", &format!("alone has {} {words}", names.join(", ")));
        }
    }
}

fn gate_lines(plan: &Plan, settings: &Settings, out: &mut String) {
    let gates = plan.ids().filter_map(|id| Some((id, plan.node(id).gate()?)));
    let (of_tasks, others): (Vec<_>, Vec<_>) = gates.partition(|(_, gate)| matches!(gate.level, Level::Task(_)));
    let of_tasks: Vec<&Gate> = of_tasks.into_iter().map(|(_, gate)| gate).collect();
    // What every task has to prove is said once; what one task's gate has beyond it is said by itself.
    let mut common: Vec<&Criterion> = Vec::new();
    let is_asked = |gate: &&Gate| gate.criteria.iter().any(|c| matches!(c.means, Means::Reviewed { .. }));
    let asked: Vec<&&Gate> = of_tasks.iter().filter(|gate| is_asked(gate)).collect();
    // One who reviews each task that is reviewed is everybody's.
    let everybodys: Vec<&Criterion> = match asked.as_slice() {
        [first, second, ..] => {
            let both = first.criteria.iter().filter(|c| second.criteria.contains(c));
            both.filter(|c| asked.iter().all(|gate| gate.criteria.contains(c))).collect()
        }
        _ => Vec::new(),
    };
    let own = |c: &&Criterion| c.line.is_some() || matches!(c.means, Means::Reviewed { .. }) && !everybodys.contains(c);
    for criterion in of_tasks.iter().flat_map(|g| &g.criteria).filter(|c| !own(c)) {
        if !common.contains(&criterion) {
            common.push(criterion);
        }
    }
    out.push_str("  each task (as far as it has these phases)\n");
    for criterion in common {
        criterion_line(plan, criterion, out);
    }
    for gate in of_tasks.into_iter().filter(|g| g.criteria.iter().any(|c| own(&c))) {
        let _ = writeln!(out, "  {}, also", clean(&gate.label));
        numbered(gate).filter(|(_, c)| own(c)).for_each(|asked| asked_line(plan, gate, asked, out));
    }
    for (id, gate) in others {
        let _ = writeln!(out, "  {}", clean(&gate.label));
        if gate.level == Level::Checkpoint {
            wrapped(out, "    ", &place(plan, id));
        }
        numbered(gate).for_each(|asked| asked_line(plan, gate, asked, out));
        if gate.criteria.is_empty() {
            out.push_str("    nothing to prove beyond its tasks\n");
        }
    }
    let is_theirs = |gate: &&Gate| gate.level == Level::System && gate.criteria.iter().any(|c| c.line.is_some());
    if plan.ids().filter_map(|id| plan.node(id).gate()).any(|gate| is_theirs(&gate)) {
        wrapped(out, "  ", "Gate lines that follow the last stream, or say E2E, are the system gate's.");
    }
    let mut levels: Vec<&str> = plan.blueprint().without_check().map(|(_, g)| g.level.name()).collect();
    levels.dedup();
    levels.sort_unstable();
    levels.dedup();
    if !levels.is_empty() {
        let what =
            if settings.without_checks { "as asked for" } else { "`execute` refuses this without --allow-no-checks" };
        wrapped(out, "  ", &format!("No check is configured for these gates: {} ({what}).", levels.join(", ")));
    }
}

/// What a checkpoint stands behind, and who waits for it.
fn place(plan: &Plan, id: NodeId) -> String {
    let labels = |ids: &mut dyn Iterator<Item = NodeId>| {
        let all: Vec<String> = ids.map(|id| clean(plan.node(id).label())).collect();
        if all.len() > 6 { format!("{} and {} more", all[..5].join(", "), all.len() - 5) } else { all.join(", ") }
    };
    let before = labels(&mut plan.tasks_before(id).into_iter());
    let behind = labels(&mut plan.dependents(id).filter(|&id| plan.node(id).task().is_some()));
    match behind.as_str() {
        "" => format!("behind {before}; no task waits for it"),
        behind => format!("behind {before}; before {behind}"),
    }
}

fn numbered(gate: &Gate) -> impl Iterator<Item = (usize, &Criterion)> {
    (1..).zip(&gate.criteria)
}

/// A criterion, and where it is a person's to say, the command that says it.
fn asked_line(plan: &Plan, gate: &Gate, (number, criterion): (usize, &Criterion), out: &mut String) {
    criterion_line(plan, criterion, out);
    if criterion.means.is_a_persons() {
        let label = match gate.level {
            Level::Task(task) => plan.node(task).label(),
            _ => &gate.label,
        };
        let (topic, label) = (quoted(&plan.blueprint().topic), quoted(label));
        let _ = writeln!(out, "      tidegate approve {topic} {label} {number}");
    }
}

fn criterion_line(plan: &Plan, criterion: &Criterion, out: &mut String) {
    let line = criterion.line.map_or(String::new(), |l| format!(" (line {l})"));
    let by = settled(plan, criterion);
    wrapped(out, "    - ", &format!("{}{line}: {by}", clean(&criterion.text)));
}

/// Warnings of one kind together.
fn warning_lines(draft: &Draft, warnings: &[Fault], out: &mut String) {
    let mut codes: Vec<&str> = Vec::new();
    for warning in warnings {
        if !codes.contains(&warning.code) {
            codes.push(warning.code);
        }
    }
    for code in codes {
        let same: Vec<&Fault> = warnings.iter().filter(|w| w.code == code).collect();
        for warning in same.iter().take(3) {
            let line = warning.labels.first().map_or(String::new(), |l| format!("line {}: ", line_of(draft, l.at)));
            wrapped(out, "  - ", &format!("{line}{}", clean(&warning.text)));
        }
        if same.len() > 3 {
            let lines: Vec<String> =
                same[3..].iter().filter_map(|w| w.labels.first()).map(|l| line_of(draft, l.at)).collect();
            wrapped(out, "    the same in lines ", &lines.join(", "));
        }
        if let Some(help) = same.first().and_then(|w| w.help.as_deref()) {
            wrapped(out, "    ", &clean(help));
        }
    }
}

/// Words in lines of at most 80 columns, those behind the first indented as far as its lead.
fn wrapped(out: &mut String, lead: &str, text: &str) {
    let margin = " ".repeat(lead.len().min(8));
    let mut line = lead.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + word.chars().count() + 1 > 80 {
            let _ = writeln!(out, "{}", line.trim_end());
            line.clone_from(&margin);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let cut: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", cut.trim_end())
}

fn many(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, m) => format!("{m} min"),
        (h, 0) => format!("{h} h"),
        (h, m) => format!("{h} h {m} min"),
    }
}
