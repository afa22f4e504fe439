//! For machines (`--json`): one JSON object a line, and nothing else. A format of its own: the journal's may change beneath it.
//!
//! Every object has `kind`; those that come from the journal have `seq` (the place in the journal; several objects may share
//! one) and `at` (RFC 3339, UTC). `task` or `gate` is the label of the breakdown, `stream` the label of its stream, `job` a
//! number that is unique over the run, `what` is `tests`, `red`, `implement`, `verify`, `review`, `consult`, `advise`, `build`,
//! `prove`, `land`, `hand-over` or `settle`, `attempt` the try of it from 1 (a crash costs none), `reviewer` and `criterion`
//! say which review, and which criterion of the gate from 0. Unknown kinds and members may come: skip them.
//!
//! | kind | members beside these | when |
//! | --- | --- | --- |
//! | `planned` | `run`, `topic`, `title`, `tasks`, `streams` (labels), `commit` (where the integration ref begins), `sandbox` | first |
//! | `replanned` | `added`, `retired` (counts), `tasks` | the plan changed |
//! | `started` | | a job starts |
//! | `stopping` | | a job is asked to stop, since nobody needs it |
//! | `answered` | | the backend answered a job for the first time |
//! | `checkpoint` | `commit` | an implementation shows what it has |
//! | `spent` | `micros` (millionths of a dollar), `tokens` | a job that goes on has cost this |
//! | `ended` | `ending` (`passed`, `rejected`, `deferred`, `broke`), `ms`, `commit`, `findings`, `text` (why), `until`, `micros`, `tokens` | a job is over |
//! | `state` | `state` (`waiting`, `blocked`, `working`, `merging`, `held`, `done`, `skipped`, `retired`, `failed`), `phase`, `lacks` (criteria), `text` (why) | a task or gate stands elsewhere |
//! | `rested` | | a job that was put off may go on |
//! | `due` | `backend` | a closed backend is tried again |
//! | `order` | `order` (`pause`, `go`, `cancel`, `retry`, `skip`, `approve`, `grant`), `path` | a person's word |
//! | `time-up`, `resumed` | | the budget's time is up; a new process took over: nothing runs |
//! | `note` | `text` | a warning; no `seq` |
//! | `lost` | `lines` | so many objects were left out, since the reader was too slow; no `seq` |
//! | `end` | `text` (the last word, for people) | last; no `seq` |
//!
//! A finding has `code`, `weight` (`blocker`, `concern`, `suggestion`, `praise`), `text`, and where known `file`, `line`, `by`.

use super::{Fresh, Render, Told, View};
use crate::{
    board::{Board, Standing, block, rfc3339},
    plan::{Node, NodeId},
    run::{Breakage, Code, Ending, Entry, Event, Evidence, Finding, JobId, Oid, Order, Timestamp, Until, Weight, What},
};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::Write;

/// The most findings in one object; what a reader cannot hold is in the journal.
const FINDINGS: usize = 100;

/// One object. Absent members are left out.
#[derive(Debug, Default, Serialize)]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    criterion: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lacks: Option<&'a [u16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    micros: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Found<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// A finding.
#[derive(Debug, Serialize)]
struct Found<'a> {
    code: Code,
    weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
}

impl<'a> Object<'a> {
    fn of(entry: &Entry, kind: &'static str) -> Object<'a> {
        Object { seq: Some(entry.seq), at: Some(time(entry.at)), kind, ..Object::default() }
    }

    fn node(self, board: &'a Board, node: NodeId) -> Object<'a> {
        let label = Some(board.label(node));
        let stream = Some(board.stream_label(node)).filter(|s| !s.is_empty());
        match board.plan().get(node) {
            Some(Node::Task(_)) => Object { task: label, stream, ..self },
            _ => Object { gate: label, stream, ..self },
        }
    }

    fn job(self, board: &'a Board, id: JobId, what: What, attempt: u32) -> Object<'a> {
        let (reviewer, criterion) = match what {
            What::Review(reviewer) => (Some(board.reviewer(reviewer)), None),
            What::Settle(criterion) => (None, Some(criterion)),
            _ => (None, None),
        };
        Object { job: Some(id.0), what: Some(what.name()), attempt: Some(attempt), reviewer, criterion, ..self }
    }

    fn running(self, board: &'a Board, id: JobId) -> Object<'a> {
        match board.job(id) {
            Some(job) => self.node(board, job.node).job(board, id, job.what, job.attempt),
            None => Object { job: Some(id.0), ..self },
        }
    }

    fn written(&self) -> String {
        // Numbers, strings and lists of them always have a form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The objects of an entry: the event's own, then one for each node that stands elsewhere.
fn render(fresh: &Fresh<'_>) -> Vec<String> {
    let (board, entry) = (fresh.board, fresh.entry);
    let mut objects = vec![object(fresh).written()];
    for (node, standing) in &fresh.moved {
        let mut object = Object::of(entry, "state").node(board, *node);
        object.state = Some(standing.name());
        match standing {
            Standing::Working { phase, .. } => object.phase = Some(phase.name()),
            Standing::Held { lacks } => object.lacks = Some(lacks),
            Standing::Failed { phase, why, .. } => (object.phase, object.text) = (Some(phase.name()), Some(text(why))),
            _ => {}
        }
        objects.push(object.written());
    }
    objects
}

fn object<'a>(fresh: &'a Fresh<'_>) -> Object<'a> {
    let (board, entry) = (fresh.board, fresh.entry);
    let of = |kind| Object::of(entry, kind);
    match &entry.event {
        Event::Planned { plan, tip, charter, .. } => Object {
            run: Some(&charter.run),
            topic: Some(&plan.topic),
            title: Some(&plan.title),
            tasks: Some(board.tasks().total),
            streams: Some(plan.streams.iter().map(|(label, _)| &**label).collect()),
            commit: commit(*tip),
            sandbox: Some(&charter.sandbox),
            ..of("planned")
        },
        Event::Replanned(addition) => {
            let (added, retired) = (Some(addition.added.len()), Some(addition.retired.len()));
            Object { added, retired, tasks: Some(board.tasks().total), ..of("replanned") }
        }
        Event::Started { job, .. } => of("started").running(board, *job),
        Event::StopAsked { job } => of("stopping").running(board, *job),
        Event::Answered { job } => of("answered").running(board, *job),
        Event::Checkpointed { job, commit: at, .. } => {
            Object { commit: commit(*at), ..of("checkpoint").running(board, *job) }
        }
        Event::Spent { job, spend } => {
            let (micros, tokens) = (Some(spend.micros), Some(spend.tokens));
            Object { micros, tokens, ..of("spent").running(board, *job) }
        }
        Event::Ended { job, ending, spend } => {
            let mut object = of("ended");
            object = match &fresh.ended {
                Some(was) => Object { ms: Some(entry.at.0.saturating_sub(was.since.0)), ..object }
                    .node(board, was.node)
                    .job(board, *job, was.what, was.attempt),
                None => Object { job: Some(job.0), ..object },
            };
            if !spend.is_nothing() {
                (object.micros, object.tokens) = (Some(spend.micros), Some(spend.tokens));
            }
            ended(object, ending)
        }
        Event::Rested { node, what } => Object { what: Some(what.name()), ..of("rested").node(board, *node) },
        Event::QuotaDue { backend } => Object { backend: Some(board.backend(*backend)), ..of("due") },
        Event::TimeUp => of("time-up"),
        Event::Ordered(order) => ordered(of("order"), board, order),
        Event::Resumed { .. } => of("resumed"),
    }
}

fn ended<'a>(object: Object<'a>, ending: &'a Ending) -> Object<'a> {
    match ending {
        Ending::Passed(evidence) => {
            let (commit, findings) = match evidence {
                Evidence::Tests { commit, .. } | Evidence::Work { commit, .. } | Evidence::Built { commit } => {
                    (*commit, &[][..])
                }
                Evidence::Landed { tip, .. } => (*tip, &[][..]),
                Evidence::Red(red) => (red.seal.commit, &[][..]),
                Evidence::Verified(verified) => (verified.commit, &verified.told[..]),
                Evidence::Approved { findings, .. } => (Oid::NONE, &findings[..]),
                Evidence::Seen { .. } | Evidence::Figure { .. } => (Oid::NONE, &[][..]),
            };
            Object { ending: Some("passed"), commit: self::commit(commit), findings: found(findings), ..object }
        }
        Ending::Rejected(rejection) => {
            Object { ending: Some("rejected"), findings: found(&rejection.findings), ..object }
        }
        Ending::Deferred { until, why } => {
            let until = match until {
                Until::At(at) => Some(time(*at)),
                Until::Person => None,
            };
            Object { ending: Some("deferred"), until, text: Some(text(why)), ..object }
        }
        Ending::Broke(Breakage::Fell { why, .. }) => Object { ending: Some("broke"), text: Some(text(why)), ..object },
        Ending::Broke(Breakage::Moved { tip, .. }) => {
            let text = Some("the integration ref was elsewhere".to_owned());
            Object { ending: Some("broke"), commit: commit(*tip), text, ..object }
        }
    }
}

fn ordered<'a>(object: Object<'a>, board: &'a Board, order: &'a Order) -> Object<'a> {
    let of = |name| Object { order: Some(name), ..object };
    match order {
        Order::Pause => of("pause"),
        Order::Go => of("go"),
        Order::Cancel => of("cancel"),
        Order::Retry(node) => of("retry").node(board, *node),
        Order::Skip(node) => of("skip").node(board, *node),
        Order::Approve { gate, criterion } => {
            Object { criterion: Some(*criterion), ..of("approve").node(board, *gate) }
        }
        Order::Grant { task, path } => Object { path: Some(path), ..of("grant").node(board, *task) },
    }
}

fn found(findings: &[Finding]) -> Vec<Found<'_>> {
    let of = |f| {
        let Finding { code, weight, file, line, text: words, by }: &Finding = f;
        Found { code: *code, weight: *weight, file: file.as_deref(), line: *line, text: text(words), by: by.as_deref() }
    };
    findings.iter().take(FINDINGS).map(of).collect()
}

fn text(words: &str) -> String {
    block(words, 60, 400)
}

fn commit(oid: Oid) -> Option<String> {
    (!oid.is_none()).then(|| oid.to_string())
}

fn time(at: Timestamp) -> String {
    rfc3339(at, &TimeZone::UTC)
}

/// Objects for a program that reads.
pub struct Json {
    out: Box<dyn Write + Send>,
    /// Whoever read has gone; nothing more is written.
    is_closed: bool,
}

impl Json {
    /// What a screen has to make of entries for this view.
    pub const RENDER: Render = render;

    /// Writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Json {
        Json { out, is_closed: false }
    }

    fn write(&mut self, lines: &str) {
        if !self.is_closed {
            self.is_closed = self.out.write_all(lines.as_bytes()).and_then(|()| self.out.flush()).is_err();
        }
    }

    fn say(&mut self, object: &Object<'_>) {
        self.write(&format!("{}\n", object.written()));
    }
}

impl View for Json {
    fn entry(&mut self, told: &Told) {
        let mut lines = String::new();
        for object in &told.objects {
            lines.push_str(object);
            lines.push('\n');
        }
        self.write(&lines);
    }

    fn tick(&mut self, _: Timestamp) {}

    fn note(&mut self, text: &str) {
        self.say(&Object { kind: "note", text: Some(self::text(text)), ..Object::default() });
    }

    fn lost(&mut self, lines: u64) {
        self.say(&Object { kind: "lost", lines: Some(lines), ..Object::default() });
    }

    fn finish(&mut self, text: &str) {
        let text = (!text.is_empty()).then(|| block(text, 2_000, 2_000));
        self.say(&Object { kind: "end", text, ..Object::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        board::sample,
        views::{Folded, Screen, terminal::tests::Wire},
    };

    #[test]
    fn every_line_is_one_object_and_nothing_else_is_written() {
        let wire = Wire::default();
        let view = Box::new(Json::new(Box::new(wire.clone())));
        let screen = Screen::open(Folded::default(), view, Some(Json::RENDER), || Timestamp(0));
        for (entry, after) in &sample::evening().told {
            screen.tell(entry, after);
        }
        screen.note("a warning");
        screen.finish("The end.\n");
        let text = wire.taken();
        for line in text.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(object["kind"].is_string(), "{line}");
        }
        insta::assert_snapshot!(text);
    }
}
