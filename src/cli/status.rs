//! `tidegate status`: how a run stands, from any terminal, during it and after.
//!
//! With `--json` it is one object. Unknown members may come: skip them. `at` and its like are RFC 3339, UTC.
//!
//! | member | what |
//! | --- | --- |
//! | `topic`, `title`, `run`, `base`, `tip` | which run, the commit it began on, the commit that has what landed |
//! | `state` | `open` (there is work that moves by itself), `waits` (for a person), `done`, `paused`, `cancelled`, `time-up` |
//! | `process` | the process that executes it now, null where none does |
//! | `began`, `updated` | when the run began, and when the last thing happened |
//! | `usage` | `total`, and by `roles`, `streams` and `tasks`: `runs`, `untold` (jobs), `input`, `cached`, `output` (tokens), `micros` |
//! | `limit` | what agents may use in all, `micros` and `runs`; each null where there is none |
//! | `reached` | those of the limits that are reached, in words: `--max-runs 5: 5 runs of agents` |
//! | `micros`, `tokens` | what it cost so far, in millionths of a dollar |
//! | `tasks` | of each `id`, `title`, `stream`, `state`, `text` (the state in words), `commit` (null until it has landed), `criteria` |
//! | `gates` | of each but those of tasks `id`, `level`, `state`, `text`, `criteria` |
//! | `running` | of each job `job`, `id` (of its task or gate), `what`, `attempt`, `since` |
//! | `closed` | of each backend that takes no jobs `backend`, `until` (null: until a person acts), `text` |
//!
//! A state of a task or gate is that of the events of `execute --json`. A criterion has `number` (what `approve` takes), `text`,
//! `means` (`checked`, `measured`, `reviewed`, `approved`, `held` and others) and `state`; once it is measured also `figure` and `bound`, as people read them.

use super::{
    Stop, answer,
    args::{Arguments, Page, Status as Wish},
    exit::Exit,
    record::{Record, now},
    say,
    scene::Scene,
};
use crate::{
    board::{Bill, Board, Pace, rfc3339},
    handoff::{self, Bills},
    plan::{Means, Node, NodeId},
    run::{Limit, Spend, Timestamp, Until},
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// Columns that a page keeps to.
pub(crate) const COLUMNS: usize = 80;

pub(crate) async fn status(arguments: &Arguments, wish: &Wish) -> Result<Exit, Stop> {
    let is_json = wish.json || wish.format == Page::Json;
    answer(show(arguments, wish, is_json).await, is_json)
}

async fn show(arguments: &Arguments, wish: &Wish, is_json: bool) -> Result<Exit, Stop> {
    let scene = Scene::open(arguments).await?;
    let record = Record::newest(&scene, &wish.topic)?;
    let process = record.holder.as_ref().map(|holder| holder.pid);
    if is_json {
        let value = record.board().with(|board| value(board, process));
        say(&format!("{value:#}\n"))?;
        return Ok(Exit::Good);
    }
    let page = record.board().with(|board| handoff::status(board, now(), &scene.environment.time_zone));
    let who = match process {
        Some(pid) => format!("run {}, executed now by process {pid}\n", record.id.as_str()),
        None => format!("run {}, executed by nobody now\n", record.id.as_str()),
    };
    say(&format!("{}\n{who}", page.terminal(COLUMNS)))?;
    Ok(Exit::Good)
}

/// What `status --json` prints.
fn value(board: &Board, process: Option<u32>) -> Value {
    let state = match board.pace() {
        Pace::Going if board.is_done() => "done",
        Pace::Going if board.is_at_rest() => "waits",
        Pace::Going => "open",
        Pace::Paused => "paused",
        Pace::Cancelled => "cancelled",
        Pace::TimeUp => "time-up",
    };
    let (mut tasks, mut gates) = (Vec::new(), Vec::new());
    for id in board.nodes().filter(|&id| !board.is_task_gate(id)) {
        match board.plan().node(id) {
            Node::Task(task) => {
                let landed = board.card(id).story().and_then(|story| story.landed);
                tasks.push(json!({
                    "id": task.label, "title": task.title, "stream": board.stream_label(id),
                    "state": board.standing(id).name(), "text": board.words(id, board.now()),
                    "commit": landed.filter(|(commit, _)| !commit.is_none()).map(|(commit, _)| commit.to_string()),
                    "criteria": criteria(board, id),
                }));
            }
            Node::Gate(gate) => gates.push(json!({
                "id": gate.label, "level": gate.level.name(), "state": board.standing(id).name(),
                "text": board.words(id, board.now()), "criteria": criteria(board, id),
            })),
        }
    }
    let running = board.running().map(|job| {
        json!({
            "job": job.id.0, "id": board.label(job.node), "what": job.what.name(), "attempt": job.attempt,
            "since": time(job.since),
        })
    });
    let closed = board.closed().map(|(backend, until, why)| {
        let until = if let Until::At(at) = until { Some(time(at)) } else { None };
        json!({ "backend": backend, "until": until, "text": why })
    });
    let blueprint = board.plan().blueprint();
    json!({
        "topic": blueprint.topic, "title": blueprint.title, "run": board.charter().run,
        "base": board.charter().base.to_string(), "tip": board.tip().to_string(),
        "state": state, "process": process, "began": time(board.began()), "updated": time(board.now()),
        "usage": usage(board), "limit": limit(board.limit()), "reached": reached(board),
        "micros": board.spent().micros, "tokens": board.spent().tokens(),
        "tasks": tasks, "gates": gates, "running": running.collect::<Vec<_>>(), "closed": closed.collect::<Vec<_>>(),
    })
}

fn limit(limit: Limit) -> Value {
    let told = |most: u64| (most < u64::MAX).then_some(most);
    json!({ "micros": told(limit.micros), "runs": told(limit.runs) })
}

fn reached(board: &Board) -> Vec<String> {
    handoff::reached(board.limit(), Bills::of(board).total).into_iter().map(|reached| reached.words).collect()
}

fn criteria(board: &Board, id: NodeId) -> Vec<Value> {
    let all = board.criteria(id).into_iter();
    all.map(|settled| {
        let mut told = json!({
            "number": settled.index + 1, "text": settled.criterion.text, "means": settled.criterion.means.name(),
            "state": settled.mark.name(),
        });
        if let (Some(figure), Means::Measured { bound, unit, .. }) = (settled.figure, &settled.criterion.means) {
            told["figure"] = json!(unit.figure(figure));
            told["bound"] = json!(unit.bound(*bound));
        }
        told
    })
    .collect()
}

fn time(at: Timestamp) -> String {
    rfc3339(at, &TimeZone::UTC)
}

fn usage(board: &Board) -> Value {
    let one = |bill: &Bill| {
        let Spend { micros, input, cached, output } = bill.spend;
        json!({ "runs": bill.runs, "untold": bill.untold, "input": input, "cached": cached, "output": output, "micros": micros })
    };
    let bills = Bills::of(board);
    let named =
        |names: Vec<(String, &Bill)>| names.into_iter().map(|(name, bill)| (name, one(bill))).collect::<Map<_, _>>();
    let nodes = bills.nodes.iter().map(|(&node, bill)| (board.label(node).to_owned(), bill));
    json!({
        "total": one(&bills.total),
        "roles": named(bills.roles.iter().map(|(role, bill)| (role.name().to_owned(), bill)).collect()),
        "streams": named(bills.streams.iter().map(|(stream, bill)| (stream.clone(), bill)).collect()),
        "tasks": named(nodes.collect()),
    })
}
