//! Plans and faults in lines that a test can hold against what is meant.

use tidegate::plan::{Blueprint, Criterion, Draft, Fault, Level, Means, Node, NodeId, Parse, Severity, TestWish};

fn label(plan: &Blueprint, id: NodeId) -> String {
    plan.nodes[id.index()].label().to_owned()
}

/// What waits for what, without what hangs on every plan: a task's gate on its task, a stream's gate on its tasks, the system's on
/// the streams.
pub fn waits(plan: &Blueprint) -> Vec<String> {
    let is_own = |before: NodeId, after: NodeId| match &plan.nodes[after.index()] {
        Node::Task(_) => false,
        Node::Gate(gate) => match gate.level {
            Level::Task(task) => task == before,
            Level::Stream(stream) => {
                let task = plan.nodes[before.index()].gate().map(|gate| gate.level);
                matches!(task, Some(Level::Task(task)) if plan.nodes[task.index()].stream() == Some(stream))
            }
            Level::System => {
                matches!(&plan.nodes[before.index()], Node::Gate(g) if matches!(g.level, Level::Stream(_)))
            }
            Level::Checkpoint | Level::Deployment => false,
        },
    };
    let others = plan.edges.iter().filter(|(before, after)| !is_own(*before, *after));
    others.map(|&(before, after)| format!("{} < {}", label(plan, before), label(plan, after))).collect()
}

/// Everything that a gate of this name asks for.
pub fn asks(plan: &Blueprint, gate: &str) -> Vec<String> {
    let found = plan.nodes.iter().filter_map(Node::gate).find(|known| &*known.label == gate);
    let found = found.unwrap_or_else(|| panic!("there is no gate {gate}"));
    found.criteria.iter().map(|criterion| asked(plan, criterion)).collect()
}

fn asked(plan: &Blueprint, criterion: &Criterion) -> String {
    let how = match &criterion.means {
        Means::Checked { commands } | Means::LeavesClean { commands } => commands.join("; "),
        Means::Measured { command, bound, parse, unit } => {
            let from = match parse {
                Parse::Last => "last number of ".to_owned(),
                Parse::Pattern(pattern) => format!("{pattern} in "),
                Parse::Pointer(pointer) => format!("{pointer} in "),
                Parse::Coverage(coverage) => {
                    format!(
                        "{:?} lines in {} of {}: ",
                        coverage.part,
                        coverage.reports.join("; "),
                        coverage.commands.join("; ")
                    )
                }
            };
            format!("{from}{command} {}", unit.bound(*bound))
        }
        Means::Files { paths } => paths.join("; "),
        Means::Reviewed { reviewer } => plan.reviewers[usize::from(reviewer.0)].0.to_string(),
        _ => String::new(),
    };
    let line = criterion.line.map_or(String::new(), |line| format!(" (line {line})"));
    format!("{}: {} [{how}]{line}", criterion.means.name(), criterion.text)
}

/// The gates, in order.
pub fn gates(plan: &Blueprint) -> Vec<&str> {
    plan.nodes.iter().filter_map(Node::gate).map(|gate| &*gate.label).collect()
}

/// A task in a line: what it is called, where it belongs, how long it takes, what it goes through, who works on it.
pub fn task(plan: &Blueprint, label: &str) -> String {
    let found = plan.nodes.iter().filter_map(Node::task).find(|task| &*task.label == label);
    let task = found.unwrap_or_else(|| panic!("there is no task {label}"));
    let phases: Vec<&str> = task.phases.iter().map(|phase| phase.name()).collect();
    let by = |id: tidegate::plan::BackendId| &*plan.backends[usize::from(id.0)];
    let others: Vec<String> =
        task.others.iter().map(|(role, id)| format!(", {} by {}", role.name(), by(*id))).collect();
    let reviewers: Vec<String> = task
        .reviewers
        .iter()
        .map(|id| &plan.reviewers[usize::from(id.0)])
        .map(|(name, backend)| format!(", reviewed by {name} ({})", by(*backend)))
        .collect();
    let needs: Vec<String> = task
        .needs
        .iter()
        .map(|id| &plan.resources[usize::from(id.0)])
        .map(|(name, hold)| format!(", needs {name} ({hold:?})"))
        .collect();
    let tests = match &task.brief.tests {
        TestWish::Unstated => "",
        TestWish::Stated(_) => ", tests stated",
        TestWish::Declined(_) => ", tests declined",
    };
    format!(
        "{label} {:?} in {}, {} min, {}, by {}{}{}{}{tests}{}, line {}",
        task.title,
        plan.streams[usize::from(task.stream.0)].0,
        task.minutes,
        phases.join(" "),
        by(task.backend),
        others.concat(),
        reviewers.concat(),
        needs.concat(),
        if task.done { ", done" } else { "" },
        task.brief.line,
    )
}

/// Faults with what they underline and what they say to do.
pub fn faults(draft: &Draft, faults: &[Fault]) -> Vec<String> {
    let told = |fault: &Fault| {
        let severity = match fault.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let labels = fault.labels.iter().map(|label| format!(" | {}: {}", draft.slice(label.at), label.text));
        format!("{severity} {}: {}{}", fault.code, fault.text, labels.collect::<String>())
    };
    faults.iter().map(told).collect()
}
