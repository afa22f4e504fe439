//! What an entry says in plain words: one sentence for people, with the labels they know.

use super::{Board, Running, Standing};
use crate::{
    plan::{Node, NodeId, Phase},
    run::{
        Breakage, Code, Ending, Entry, Event, Evidence, Finding, JobId, Order, Rejection, TakenOut, Timestamp, Until,
        What, WithoutCode,
    },
    text::line,
};

/// The longest piece of foreign text in a sentence.
const MOST: usize = 200;

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A step on the way: jobs that start, and end as they should.
    Quiet,
    /// Worth a line above the bars.
    Plain,
    /// Something is finished.
    Good,
    /// Something went wrong.
    Bad,
    /// A person is asked.
    Yours,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The entry that told it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// How it is meant.
    pub tone: Tone,
    /// Label of the stream, empty where there is none.
    pub stream: Box<str>,
    /// Label of the task or the gate, empty where it is about the run.
    pub label: Box<str>,
    /// The job, where it is about one.
    pub job: Option<JobId>,
    /// The sentence, without the label, on one line, without control characters.
    pub text: Box<str>,
}

impl Board {
    /// What an entry says. Asked before it is folded in, since a job that ends is gone afterwards.
    pub(super) fn news_of(&self, entry: &Entry) -> Option<News> {
        let of_job = |id: &JobId, said: Option<(Tone, String)>| {
            let job = self.jobs.get(id)?;
            said.map(|(tone, text)| News { job: Some(*id), ..self.news(entry, Some(job.node), tone, &text) })
        };
        let of = |node: Option<NodeId>, tone, text: String| Some(self.news(entry, node, tone, &text));
        match &entry.event {
            Event::Planned { charter, tip, .. } => {
                let (tasks, streams) = (self.tasks().total, self.streams().len());
                let text = format!(
                    "{} in {} on {}, sandbox {}",
                    super::counted(tasks, "task"),
                    super::counted(streams, "stream"),
                    tip.short(),
                    charter.sandbox
                );
                of(None, Tone::Plain, text)
            }
            Event::Replanned(addition) => {
                let tasks = |nodes: &mut dyn Iterator<Item = &Node>| nodes.filter(|node| node.task().is_some()).count();
                let added = tasks(&mut addition.added.iter());
                let out = tasks(&mut addition.retired.iter().filter_map(|&id| self.plan.get(id)));
                let gates = addition.added.len() + addition.retired.len() - added - out;
                let gates = if gates == 0 { "" } else { ", with their gates" };
                of(
                    None,
                    Tone::Plain,
                    format!(
                        "the plan changed: {} added, {out} taken out or replaced{gates}",
                        super::counted(added, "task")
                    ),
                )
            }
            Event::Started { job, node, what, .. } => {
                let text = self.starts(*node, *what);
                Some(News { job: Some(*job), ..self.news(entry, Some(*node), Tone::Quiet, &text) })
            }
            Event::StopAsked { job } => {
                of_job(job, Some((Tone::Quiet, "nobody needs it any more; it is asked to stop".into())))
            }
            Event::Checkpointed { job, .. } => of_job(job, Some((Tone::Quiet, "reached a checkpoint".into()))),
            Event::Ended { job, ending, .. } => {
                let running = self.jobs.get(job)?;
                of_job(job, Some(self.ends(running, ending)))
            }
            Event::TimeUp => of(None, Tone::Yours, "the time of the budget is up".into()),
            Event::Ordered(order) => {
                let (node, text) = self.orders(order);
                of(node, Tone::Plain, text)
            }
            Event::Resumed { .. } => {
                let again = if self.jobs.is_empty() { "" } else { "; what was running starts again" };
                of(None, Tone::Plain, format!("resumed{again}"))
            }
            Event::Answered { .. }
            | Event::CalledAgain { .. }
            | Event::Spent { .. }
            | Event::Rested { .. }
            | Event::QuotaDue { .. } => None,
        }
    }

    /// What a change of standing says, where it says more than the entry did.
    pub(super) fn news_of_standing(
        &self,
        entry: &Entry,
        node: NodeId,
        was_merging: bool,
        standing: &Standing,
    ) -> Option<News> {
        let of = |tone, text: String| Some(self.news(entry, Some(node), tone, &text));
        match (standing, self.plan.node(node)) {
            (Standing::Held { lacks }, _) => {
                let asked = self.criteria(node);
                let mut texts = asked.iter().filter(|s| lacks.contains(&s.index)).map(|s| &*s.criterion.text);
                let first = line(texts.next().unwrap_or("a criterion"), MOST);
                let more = texts.count();
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                of(Tone::Yours, format!("held, waits for your word: {first}{more}"))
            }
            (Standing::Failed { why, .. }, Node::Task(_)) => of(Tone::Bad, why.to_string()),
            (Standing::Failed { why, .. }, Node::Gate(_)) => of(Tone::Bad, format!("stays closed: {why}")),
            (Standing::Done, Node::Task(_)) => {
                let is_told = self.card(node).story().is_some_and(|story| story.landed.is_some());
                of(if is_told { Tone::Quiet } else { Tone::Good }, "done".into())
            }
            (Standing::Done, Node::Gate(_)) if !self.is_task_gate(node) => of(Tone::Good, "opens".into()),
            (Standing::Merging { .. }, _) => of(Tone::Quiet, "joins the merge train".into()),
            (Standing::Working { phase: Phase::Verify | Phase::Review, .. }, _) if was_merging => {
                of(Tone::Plain, "others have changed the same files: it is looked at anew, as it is now".into())
            }
            _ => None,
        }
    }

    pub(super) fn news(&self, entry: &Entry, node: Option<NodeId>, tone: Tone, text: &str) -> News {
        News {
            seq: entry.seq,
            at: entry.at,
            tone,
            stream: node.map_or("", |n| self.stream_label(n)).into(),
            label: node.map_or("", |n| self.label(n)).into(),
            job: None,
            text: line(text, 2 * MOST).into(),
        }
    }

    /// What a job does, as a sentence without its subject.
    pub fn starts(&self, node: NodeId, what: What) -> String {
        let attempt = match self.attempt(node, what) {
            1 => String::new(),
            more => format!(" (try {more})"),
        };
        let does = match what {
            What::Tests => "writes tests".to_owned(),
            What::Red => "runs the tests without the code".to_owned(),
            What::Implement => "implements".to_owned(),
            What::Verify => "verifies".to_owned(),
            What::Review(reviewer) => format!("is reviewed by {}", self.reviewer(reviewer)),
            What::Consult => "asks an expert".to_owned(),
            What::Advise => "asks the coordinator".to_owned(),
            What::Build => "is built as a candidate".to_owned(),
            What::Prove => "proves the candidate".to_owned(),
            What::Land => "lands".to_owned(),
            What::HandOver => "hands over".to_owned(),
            What::Settle(criterion) => format!("settles: {}", self.criterion_text(node, criterion)),
        };
        format!("{does}{attempt}")
    }

    fn ends(&self, job: &Running, ending: &Ending) -> (Tone, String) {
        let who = match job.what {
            What::Review(reviewer) => self.reviewer(reviewer),
            what => what.name().to_owned(),
        };
        match ending {
            Ending::Passed(evidence) => self.passes(job, evidence, &who),
            Ending::Rejected(rejection) => (Tone::Bad, rejected(rejection, &who)),
            Ending::Deferred { until, why } => {
                let until = match until {
                    Until::At(at) => format!("for {}", super::span(at.0.saturating_sub(self.now.0))),
                    Until::Person => "until a person acts".to_owned(),
                };
                let tone = if until.starts_with("for") { Tone::Plain } else { Tone::Yours };
                (tone, format!("{who} is put off {until}: {}", line(why, MOST)))
            }
            // A reviewer that gave no verdict is named in the reason already.
            Ending::Broke(Breakage::Fell { why, .. }) if why.starts_with(&*who) => (Tone::Bad, line(why, MOST)),
            Ending::Broke(Breakage::Fell { why, .. }) => (Tone::Bad, format!("{who} fell over: {}", line(why, MOST))),
            Ending::Broke(Breakage::Moved { tip, found }) => {
                let found =
                    if found.is_empty() { String::new() } else { format!("; landed already: {}", self.list(found)) };
                (Tone::Plain, format!("the integration ref was at {} already{found}", tip.short()))
            }
        }
    }

    fn passes(&self, job: &Running, evidence: &Evidence, who: &str) -> (Tone, String) {
        match evidence {
            Evidence::Tests { .. } => (Tone::Quiet, "has written tests".to_owned()),
            Evidence::Red(red) => {
                let sealed = red.seal.tests.len().max(red.seal.files.len());
                (Tone::Plain, format!("red: {}; {sealed} sealed", line(&red.reason, MOST)))
            }
            Evidence::Work { .. } => (Tone::Quiet, "hands in its work".to_owned()),
            Evidence::Verified(verified) => {
                let passed: u32 = verified.ran.iter().filter_map(|r| r.counts).map(|c| c.passed).sum();
                let tests = if passed > 0 { format!(", {passed} tests pass") } else { String::new() };
                // What was let through is told in the report; nothing was put right there.
                let without = verified.without_code.as_ref().map(without).unwrap_or_default();
                let is_put_right = |told: &&Finding| {
                    !matches!(told.code, Code::Allowed | Code::Uncovered | Code::BodiesOut | Code::Unproven)
                };
                let told = match verified.told.iter().filter(is_put_right).count() {
                    0 => String::new(),
                    some => format!("; {} put right", super::counted(some, "thing")),
                };
                let figures: Vec<(Tone, String)> =
                    verified.figures.iter().map(|&(c, figure)| self.measure(job.node, c, figure)).collect();
                let tone = figures.iter().map(|(tone, _)| *tone).find(|tone| *tone == Tone::Bad).unwrap_or(Tone::Plain);
                let figures: String = figures.iter().map(|(_, told)| format!("; {told}")).collect();
                (tone, format!("verified{tests}{told}{without}{figures}"))
            }
            Evidence::Advice { findings } => {
                let first = findings.first().map(|f| line(&f.headline(), MOST)).unwrap_or_default();
                (Tone::Plain, format!("is advised by {who}: {first}"))
            }
            Evidence::Approved { .. } => (Tone::Plain, format!("approved by {who}")),
            Evidence::Built { commit, .. } => (Tone::Quiet, format!("is built as {}", commit.short())),
            Evidence::Landed { tip, notes } => {
                let notes: String = notes.iter().map(|n| format!("; {}", line(n, MOST))).collect();
                (Tone::Good, format!("landed as {}{notes}", tip.short()))
            }
            Evidence::Figure { figure, .. } => match job.what {
                What::Settle(c) => self.measure(job.node, c, *figure),
                _ => (Tone::Plain, format!("measured {figure}")),
            },
            Evidence::Seen { .. } => match job.what {
                What::Settle(c) => (Tone::Plain, format!("proven: {}", self.criterion_text(job.node, c))),
                What::HandOver => (Tone::Quiet, "has handed over".to_owned()),
                What::Prove => (Tone::Quiet, "the candidate holds".to_owned()),
                _ => (Tone::Quiet, format!("{who} passed")),
            },
        }
    }

    /// A figure as news: bad where it misses its bound.
    fn measure(&self, node: NodeId, criterion: u16, figure: i64) -> (Tone, String) {
        let settled = self.criteria(node);
        let Some(asked) = settled.get(usize::from(criterion)).map(|settled| settled.criterion) else {
            return (Tone::Plain, format!("measured {figure}"));
        };
        let told = asked.told(figure).unwrap_or_default();
        let tone = if asked.missed(figure).is_some() { Tone::Bad } else { Tone::Plain };
        (tone, line(&format!("{}: {told}", asked.text), 2 * MOST))
    }

    fn orders(&self, order: &Order) -> (Option<NodeId>, String) {
        match order {
            Order::Pause => (None, "paused by a person; what runs finishes".to_owned()),
            Order::Go => (None, "goes on by a person's word".to_owned()),
            Order::Cancel => (None, "cancelled by a person".to_owned()),
            Order::Retry(node) => (Some(*node), "is retried by a person's word".to_owned()),
            Order::Skip(node) => (Some(*node), "is skipped by a person's word".to_owned()),
            Order::Approve { gate, criterion } => {
                (Some(*gate), format!("a person says that it holds: {}", self.criterion_text(*gate, *criterion)))
            }
            Order::Grant { task, path } => (Some(*task), format!("may touch {}, says a person", line(path, MOST))),
        }
    }

    fn criterion_text(&self, node: NodeId, criterion: u16) -> String {
        let asked = self.gate_criteria(node).get(usize::from(criterion));
        asked.map_or_else(|| format!("criterion {criterion}"), |c| line(&c.text, MOST))
    }

    /// Labels for a sentence, three at most.
    pub fn list(&self, nodes: &[NodeId]) -> String {
        let labels: Vec<&str> = nodes.iter().take(3).map(|&n| self.label(n)).collect();
        match nodes.len().saturating_sub(3) {
            0 => labels.join(", "),
            more => format!("{} and {more} more", labels.join(", ")),
        }
    }
}

fn rejected(rejection: &Rejection, who: &str) -> String {
    let (first, more) = match rejection.findings.split_first() {
        Some((first, rest)) => (line(&first.headline(), MOST), rest.len()),
        None => ("no reason given".to_owned(), 0),
    };
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    format!("sent back by {who}: {first}{more}")
}

/// What the sealed tests said without the code, as the rest of a sentence.
fn without(proof: &WithoutCode) -> String {
    let (failing, passing) = (proof.failing.len(), proof.passing.len());
    let what = match &proof.out {
        TakenOut::Bodies(functions) if functions.len() == 1 => "the changed body",
        TakenOut::Bodies(_) => "the changed bodies",
        TakenOut::Patch => "the patch",
    };
    match (failing, passing) {
        (0, _) => format!("; red with {what} out"),
        (_, 0) => format!("; {failing} red with {what} out"),
        (_, _) => format!("; {failing} red and {passing} green with {what} out"),
    }
}
