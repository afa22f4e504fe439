//! What `execute` says before it starts: what will be done, with what, and what nobody here can settle.

use super::{crew, past::Past, probe::program_of};
use crate::{
    board::{counted, minutes},
    config::Config,
    handoff::{allowance, flags, quoted},
    plan::{NodeId, Plan, Progress, Task},
    process::is_root,
    run::{Charter, Limit, Policy},
    text::line,
};
use std::{collections::BTreeMap, fmt::Write};

/// Names of uncommitted paths that are listed.
const LISTED: usize = 5;

/// The preface of a run: what is left of its plan, whether it begins or goes on.
pub(crate) fn preface(
    plan: &Plan,
    past: &Past<'_>,
    charter: &Charter,
    policy: &Policy,
    (config, setup): (&Config, &[String]),
) -> String {
    let blueprint = plan.blueprint();
    let is_left = |id: NodeId| past.progress(id) < Progress::Over && plan.node(id).task().is_none_or(|task| !task.done);
    let tasks = || plan.ids().filter(|&id| plan.node(id).task().is_some());
    let total = tasks().filter(|&id| past.progress(id) != Progress::Gone).count();
    let done = total - tasks().filter(|&id| is_left(id)).count();
    let done = if done == 0 { String::new() } else { format!(", {done} of them done") };
    let (span, path) = plan.longest_path(is_left);
    let labels: Vec<&str> = path.iter().filter_map(|&id| plan.node(id).task()).map(|task| &*task.label).collect();
    let mut out = format!("{}: {}, {}{done}\n", blueprint.topic, line(&blueprint.title, 60), counted(total, "task"));
    if !labels.is_empty() {
        let _ = writeln!(out, "critical path {}: {}", minutes(span), line(&labels.join(" -> "), 120));
    }
    let head = if past.has_begun() { "goes on from" } else { "base" };
    let _ = writeln!(out, "{head} {} ({})", charter.base.short(), line(&charter.head, 60));
    if !charter.uncommitted.is_empty() {
        let _ = writeln!(out, "uncommitted changes are left out: {}", some(&charter.uncommitted));
    }
    if !charter.copied.is_empty() {
        let _ =
            writeln!(out, "copied into workspaces, where agents and checks can read them: {}", some(&charter.copied));
    }
    if charter.in_place {
        let _ = writeln!(
            out,
            "in place: scripts work in this working tree as it is; nothing is cloned, committed or merged"
        );
    }
    let _ = writeln!(out, "{}", sandbox(charter, config));
    out.push_str(&set_up(setup, config.workspace.setup.is_none()));
    if !policy.only.is_empty() {
        let asked = policy.only.iter().filter_map(|&id| plan.node(id).task()).map(|task| &*task.label);
        let _ = writeln!(out, "only {} now", line(&asked.collect::<Vec<_>>().join(", "), 120));
    }
    out.push_str(&runs(plan, policy, is_left));
    let _ = writeln!(out, "{} and {} at a time", counted(policy.agents, "agent"), counted(policy.checks, "check"));
    if config.review.reviewers.is_empty() {
        let _ = writeln!(out, "no reviewers are configured for tasks that a model does");
    }
    if charter.without_checks {
        let _ = writeln!(out, "some gates have no check (--allow-no-checks)");
    }
    for (gate, texts) in held(plan, past) {
        let blocked: Vec<&str> = plan.tasks_behind(gate).into_iter().map(|id| plan.node(id).label()).collect();
        let blocked = if blocked.is_empty() { "the end".to_owned() } else { blocked.join(", ") };
        for text in texts {
            let label = plan.node(gate).label();
            let _ = writeln!(out, "held for a person at {label}: {} (blocks {blocked})", line(&text, 120));
        }
    }
    out
}

/// The first of some paths, and how many more there are.
fn some(paths: &[Box<str>]) -> String {
    let names: Vec<&str> = paths.iter().take(LISTED).map(|path| &**path).collect();
    let more = paths.len().saturating_sub(LISTED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", line(&names.join(", "), 200))
}

/// Which sandbox there is, and what that means.
fn sandbox(charter: &Charter, config: &Config) -> String {
    if &*charter.sandbox == "none" {
        let rights = if is_root() { ", and you are root: nothing on this machine is safe from them" } else { "" };
        return format!("sandbox: none. Agents and checks run without a sandbox, with your rights{rights}");
    }
    let network = if config.sandbox.gate_network { "checks have the network" } else { "checks have no network" };
    let seen = "agents, set-up and checks see their workspace, toolchains and the system's programs, and not your home";
    format!("sandbox: {}. {seen}; {network}", charter.sandbox)
}

/// What sets workspaces up, and who says so.
pub(crate) fn set_up(commands: &[String], is_found: bool) -> String {
    let commands: Vec<String> = commands.iter().map(|command| line(command, 100)).collect();
    match commands.as_slice() {
        [] => String::new(),
        commands if is_found => {
            format!("set-up, by lock files: {}; `[workspace] setup` says otherwise\n", commands.join("; "))
        }
        commands => format!("set-up: {}\n", commands.join("; ")),
    }
}

/// Where to look on from.
pub(crate) fn door(topic: &str, charter: &Charter) -> String {
    format!("run {}\nfrom another terminal: tidegate status {}\n", charter.run, quoted(topic))
}

/// The agent runs that are expected, and what they may cost.
fn runs(plan: &Plan, policy: &Policy, is_left: impl Fn(NodeId) -> bool) -> String {
    let asked = |id: &NodeId| policy.asks_for(*id) && is_left(*id);
    let tasks: Vec<&Task> = plan.ids().filter(asked).filter_map(|id| plan.node(id).task()).collect();
    let mut by_backend: BTreeMap<Box<str>, (u32, Vec<String>)> = BTreeMap::new();
    for ((backend, what), count) in crew::expected(plan.blueprint(), &tasks) {
        let (sum, list) = by_backend.entry(backend).or_default();
        *sum += count;
        list.push(format!("{count} {what}"));
    }
    let is_free = by_backend.keys().all(|backend| matches!(program_of(backend), "script" | "replay"));
    let scripts = by_backend.remove("script");
    let scripts = scripts.map(|(sum, list)| format!("{} ({})", counted(sum, "script"), list.join(", ")));
    let models = by_backend.into_iter().map(|(backend, (sum, list))| {
        format!("{} of {} ({})", counted(sum, "run"), line(&backend, 60), line(&list.join(", "), 200))
    });
    let all: Vec<String> = models.chain(scripts).collect();
    if is_free {
        let work =
            if all.is_empty() { "no agent's work is left".to_owned() } else { format!("at least {}", all.join(", ")) };
        return format!("{work}, no model: this costs nothing\n");
    }
    format!("at least {}; more where work is sent back\n{}\n", all.join(", "), limits(policy))
}

/// What agents may cost in all.
fn limits(policy: &Policy) -> String {
    match allowance(policy.budget) {
        Some(most) => format!("the run stops, to go on later, at {most}"),
        None => {
            "nothing limits what they cost: --max-cost USD and --max-runs N do, --only TASK tries one first".to_owned()
        }
    }
}

/// The limits of before that hold no longer, since they were not set again; empty where there are none.
pub(crate) fn dropped(before: Limit, now: Limit) -> String {
    let gone = |before: u64, now: u64| if now == u64::MAX { before } else { u64::MAX };
    let (micros, runs) = (gone(before.micros, now.micros), gone(before.runs, now.runs));
    match flags(Limit { micros, runs, ..Limit::NONE }) {
        gone if gone.is_empty() => gone,
        gone => format!("the limit of before, {gone}, holds no longer\n"),
    }
}

/// Gates with criteria that wait for a person who has not spoken.
fn held(plan: &Plan, past: &Past<'_>) -> Vec<(NodeId, Vec<String>)> {
    let mut held = Vec::new();
    for id in plan.ids().filter(|&id| past.progress(id) < Progress::Over) {
        if let Some(gate) = plan.node(id).gate() {
            let asked = (0u16..).zip(&gate.criteria).filter(|(_, criterion)| criterion.means.is_a_persons());
            let open = asked.filter(|&(index, _)| !past.has_word(id, index));
            let texts: Vec<String> = open.map(|(_, criterion)| criterion.text.to_string()).collect();
            if !texts.is_empty() {
                held.push((id, texts));
            }
        }
    }
    held
}
