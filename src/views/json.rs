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
//! | `spent` | `micros` (millionths of a dollar), `tokens` (all of them: `input`, `cached`, `output`) | a job that goes on has cost this |
//! | `ended` | `ending` (`passed`, `rejected`, `deferred`, `broke`), `ms`, `commit`, `findings`, `text` (why), `until`, `micros`, `tokens`, `input`, `cached`, `output` | a job is over |
//! | `state` | `state` (`waiting`, `blocked`, `working`, `merging`, `held`, `done`, `skipped`, `retired`, `failed`), `phase`, `lacks` (criteria), `text` (why) | a task or gate stands elsewhere |
//! | `rested` | | a job that was put off may go on |
//! | `due` | `backend` | a closed backend is tried again |
//! | `order` | `order` (`pause`, `go`, `cancel`, `retry`, `skip`, `approve`, `grant`), `path` | a person's word |
//! | `time-up`, `resumed` | | the budget's time is up; a new process took over: nothing runs |
//! | `note` | `text` | a warning; no `seq` |
//! | `lost` | `lines` | so many objects were left out, since the reader was too slow; no `seq` |
//! | `end` | `exit` (the program's exit code), `outcome` (`done`, `returned`, `stopped`, `interrupted`, `broken`), `tasks`, `done` (counts), `place` (the branch, ref or commit that holds the result), `commit`, `text` (the last word, for people) | last; no `seq` |
//!
//! A finding has `code`, `weight` (`blocker`, `concern`, `suggestion`, `praise`), `text`, and where known `file`, `line`, `by`.

use super::{Fresh, Last, Render, Told, View};
use crate::{
    board::{Board, Standing, rfc3339},
    plan::{Node, NodeId},
    run::{Breakage, Ending, Entry, Event, Evidence, Finding, JobId, Oid, Order, Spend, Timestamp, Until, What},
    text::block,
};
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::{fmt, io::Write};

/// The most findings in one object; what a reader cannot hold is in the journal.
const FINDINGS: usize = 100;

/// One object, its members in the order in which they were given.
#[derive(Debug)]
struct Object(Vec<(&'static str, Value)>);

impl Object {
    fn new(kind: &'static str) -> Object {
        Object(vec![("kind", kind.into())])
    }

    fn of(entry: &Entry, kind: &'static str) -> Object {
        Object(vec![("seq", entry.seq.into()), ("at", time(entry.at).into()), ("kind", kind.into())])
    }

    /// What there is not is left out.
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Object {
        let value = value.into();
        if !value.is_null() {
            self.0.push((name, value));
        }
        self
    }

    fn node(self, board: &Board, node: NodeId) -> Object {
        let kind = if matches!(board.plan().get(node), Some(Node::Task(_))) { "task" } else { "gate" };
        let stream = Some(board.stream_label(node)).filter(|label| !label.is_empty());
        self.with(kind, board.label(node)).with("stream", stream)
    }

    fn job(self, board: &Board, id: JobId, what: What, attempt: u32) -> Object {
        let object = self.with("job", id.0).with("what", what.name());
        let object = match what {
            What::Review(reviewer) => object.with("reviewer", board.reviewer(reviewer)),
            What::Settle(criterion) => object.with("criterion", criterion),
            _ => object,
        };
        object.with("attempt", attempt)
    }

    fn running(self, board: &Board, id: JobId) -> Object {
        match board.job(id) {
            Some(job) => self.node(board, job.node).job(board, id, job.what, job.attempt),
            None => self.with("job", id.0),
        }
    }

    fn spent(self, spend: &Spend) -> Object {
        self.with("micros", spend.micros)
            .with("tokens", spend.tokens())
            .with("input", spend.input)
            .with("cached", spend.cached)
            .with("output", spend.output)
    }

    fn ending(self, ending: &Ending) -> Object {
        match ending {
            Ending::Passed(evidence) => {
                let (at, findings) = match evidence {
                    Evidence::Tests { commit, .. } | Evidence::Work { commit, .. } | Evidence::Built { commit, .. } => {
                        (*commit, &[][..])
                    }
                    Evidence::Landed { tip, .. } => (*tip, &[][..]),
                    Evidence::Red(red) => (red.seal.commit, &[][..]),
                    Evidence::Verified(verified) => (verified.commit, &verified.told[..]),
                    Evidence::Approved { findings, .. } | Evidence::Advice { findings } => (Oid::NONE, &findings[..]),
                    Evidence::Seen { .. } | Evidence::Figure { .. } => (Oid::NONE, &[][..]),
                };
                self.with("ending", "passed").with("commit", commit(at)).with("findings", found(findings))
            }
            Ending::Rejected(rejection) => self.with("ending", "rejected").with("findings", found(&rejection.findings)),
            Ending::Deferred { until, why } => {
                let until = match until {
                    Until::At(at) => Some(time(*at)),
                    Until::Person => None,
                };
                self.with("ending", "deferred").with("until", until).with("text", text(why))
            }
            Ending::Broke(Breakage::Fell { why, .. }) => self.with("ending", "broke").with("text", text(why)),
            Ending::Broke(Breakage::Moved { tip, .. }) => {
                let object = self.with("ending", "broke").with("commit", commit(*tip));
                object.with("text", "the integration ref was elsewhere")
            }
        }
    }

    fn order(self, board: &Board, order: &Order) -> Object {
        match order {
            Order::Pause => self.with("order", "pause"),
            Order::Go => self.with("order", "go"),
            Order::Cancel => self.with("order", "cancel"),
            Order::Retry(node) => self.with("order", "retry").node(board, *node),
            Order::Skip(node) => self.with("order", "skip").node(board, *node),
            Order::Approve { gate, criterion } => {
                self.with("order", "approve").node(board, *gate).with("criterion", *criterion)
            }
            Order::Grant { task, path } => self.with("order", "grant").node(board, *task).with("path", &**path),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The objects of an entry: the event's own, then one for each node that stands elsewhere.
fn render(fresh: &Fresh<'_>) -> Vec<String> {
    let (board, entry) = (fresh.board, fresh.entry);
    let mut objects = vec![object(fresh).to_string()];
    for (node, standing) in &fresh.moved {
        let object = Object::of(entry, "state").node(board, *node).with("state", standing.name());
        let object = match standing {
            Standing::Working { phase, .. } => object.with("phase", phase.name()),
            Standing::Held { lacks } => object.with("lacks", &lacks[..]),
            Standing::Failed { phase, why, .. } => object.with("phase", phase.name()).with("text", text(why)),
            _ => object,
        };
        objects.push(object.to_string());
    }
    objects
}

fn object(fresh: &Fresh<'_>) -> Object {
    let (board, entry) = (fresh.board, fresh.entry);
    let of = |kind| Object::of(entry, kind);
    match &entry.event {
        Event::Planned { plan, tip, charter, .. } => of("planned")
            .with("run", &*charter.run)
            .with("topic", &*plan.topic)
            .with("title", &*plan.title)
            .with("tasks", board.tasks().total)
            .with("streams", plan.streams.iter().map(|(label, _)| &**label).collect::<Vec<_>>())
            .with("sandbox", &*charter.sandbox)
            .with("commit", commit(*tip)),
        Event::Replanned(addition) => {
            let (added, retired) = (addition.added.len(), addition.retired.len());
            of("replanned").with("tasks", board.tasks().total).with("added", added).with("retired", retired)
        }
        Event::Started { job, .. } => of("started").running(board, *job),
        Event::StopAsked { job } => of("stopping").running(board, *job),
        Event::Answered { job } => of("answered").running(board, *job),
        Event::CalledAgain { job } => of("called-again").running(board, *job),
        Event::Checkpointed { job, commit: at, .. } => {
            of("checkpoint").running(board, *job).with("commit", commit(*at))
        }
        Event::Spent { job, spend, .. } => of("spent").running(board, *job).spent(spend),
        Event::Ended { job, ending, spend } => {
            let object = match &fresh.ended {
                Some(was) => of("ended")
                    .node(board, was.node)
                    .job(board, *job, was.what, was.attempt)
                    .with("ms", entry.at.0.saturating_sub(was.since.0)),
                None => of("ended").with("job", job.0),
            };
            let object = object.ending(ending);
            if spend.is_nothing() { object } else { object.spent(spend) }
        }
        Event::Rested { node, what } => of("rested").node(board, *node).with("what", what.name()),
        Event::QuotaDue { backend } => of("due").with("backend", board.backend(*backend)),
        Event::TimeUp => of("time-up"),
        Event::Ordered(order) => of("order").order(board, order),
        Event::Resumed { .. } => of("resumed"),
    }
}

/// The findings of an ending, where it has any.
fn found(findings: &[Finding]) -> Option<Vec<Value>> {
    let value = |finding: &Finding| {
        let Finding { code, weight, file, line, text: words, by } = finding;
        let object = Object(vec![("code", json!(code)), ("weight", json!(weight)), ("text", text(words).into())]);
        json!(object.with("file", file.as_deref()).with("line", *line).with("by", by.as_deref()))
    };
    (!findings.is_empty()).then(|| findings.iter().take(FINDINGS).map(value).collect())
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

    fn say(&mut self, object: &Object) {
        self.write(&format!("{object}\n"));
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
        self.say(&Object::new("note").with("text", self::text(text)));
    }

    fn lost(&mut self, lines: u64) {
        self.say(&Object::new("lost").with("lines", lines));
    }

    fn finish(&mut self, last: &Last) {
        let text = (!last.text.is_empty()).then(|| block(&last.text, 2_000, 2_000));
        let end = Object::new("end").with("exit", last.exit).with("outcome", last.outcome);
        let end = end.with("tasks", last.tasks.map(|(all, _)| all)).with("done", last.tasks.map(|(_, done)| done));
        let end = end.with("place", last.place.as_deref()).with("commit", last.commit.as_deref());
        self.say(&end.with("text", text));
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
        screen.finish(Last {
            text: "The end.\n".into(),
            exit: Some(1),
            outcome: Some("returned"),
            place: Some("tidegate/chat-system/integration".into()),
            commit: Some("c".repeat(40)),
            tasks: Some((8, 1)),
        });
        let text = wire.taken();
        for line in text.lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            assert!(object["kind"].is_string(), "{line}");
        }
        insta::assert_snapshot!(text);
    }
}
