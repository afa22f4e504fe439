//! An entry as a row of the journal: the event as JSON, and beside it what people ask a journal for by hand.

use crate::run::{Entry, Event, JobId};

/// One row of the table of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) seq: u64,
    /// Which opening for writing wrote it.
    pub(super) epoch: u64,
    pub(super) at_ms: u64,
    pub(super) kind: String,
    pub(super) job: Option<u64>,
    pub(super) body: String,
}

/// Every kind that this version can read. The names are the file format: they never change.
pub(super) const KINDS: [&str; 14] = [
    "Planned",
    "Replanned",
    "Started",
    "StopAsked",
    "Answered",
    "CalledAgain",
    "Checkpointed",
    "Spent",
    "Ended",
    "Rested",
    "QuotaDue",
    "TimeUp",
    "Ordered",
    "Resumed",
];

impl Row {
    /// The row of an entry.
    pub(super) fn of(entry: &Entry, epoch: u64) -> Result<Row, serde_json::Error> {
        let (kind, job) = kind(&entry.event);
        Ok(Row {
            seq: entry.seq,
            epoch,
            at_ms: entry.at.0,
            kind: kind.to_owned(),
            job: job.map(|job| job.0),
            body: serde_json::to_string(&entry.event)?,
        })
    }
}

/// What serde calls the event, and the job it is about.
fn kind(event: &Event) -> (&'static str, Option<JobId>) {
    match event {
        Event::Planned { .. } => ("Planned", None),
        Event::Replanned(_) => ("Replanned", None),
        Event::Started { job, .. } => ("Started", Some(*job)),
        Event::StopAsked { job } => ("StopAsked", Some(*job)),
        Event::Answered { job } => ("Answered", Some(*job)),
        Event::CalledAgain { job } => ("CalledAgain", Some(*job)),
        Event::Checkpointed { job, .. } => ("Checkpointed", Some(*job)),
        Event::Spent { job, .. } => ("Spent", Some(*job)),
        Event::Ended { job, .. } => ("Ended", Some(*job)),
        Event::Rested { .. } => ("Rested", None),
        Event::QuotaDue { .. } => ("QuotaDue", None),
        Event::TimeUp => ("TimeUp", None),
        Event::Ordered(_) => ("Ordered", None),
        Event::Resumed { .. } => ("Resumed", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{BackendId, NodeId},
        run::{Ending, Evidence, Oid, Order, Spend, Timestamp, What},
    };

    #[test]
    fn a_kind_is_what_the_json_says_it_is() {
        let job = JobId(7);
        let passed = Box::new(Ending::Passed(Evidence::Seen { ran: vec![] }));
        let events = [
            Event::Planned {
                plan: Default::default(),
                policy: Box::default(),
                tip: Oid::of_number(1),
                charter: Box::default(),
            },
            Event::Replanned(Box::default()),
            Event::Started { job, node: NodeId(0), what: What::Settle(2), backend: Some(BackendId(1)) },
            Event::StopAsked { job },
            Event::Answered { job },
            Event::CalledAgain { job },
            Event::Checkpointed { job, patch: Oid::of_number(2), commit: Oid::of_number(3) },
            Event::Spent { job, spend: Spend { micros: 1, input: 2, cached: 3, output: 4 }, talk: None },
            Event::Ended { job, ending: passed, spend: Spend::default() },
            Event::Rested { node: NodeId(0), what: What::Red },
            Event::QuotaDue { backend: BackendId(0) },
            Event::TimeUp,
            Event::Ordered(Order::Pause),
            Event::Resumed { policy: None },
        ];
        assert_eq!(events.len(), KINDS.len(), "a kind without an example here");
        for (event, known) in events.into_iter().zip(KINDS) {
            let entry = Entry { seq: 0, at: Timestamp(1), event };
            let row = Row::of(&entry, 1).unwrap();
            assert_eq!(row.kind, known);
            assert!(
                row.body.starts_with(&format!("{{\"{known}\"")) || row.body == format!("\"{known}\""),
                "{}",
                row.body
            );
            assert_eq!(row.job.is_some(), row.body.contains("\"job\":7"), "{}", row.body);
            assert_eq!(serde_json::from_str::<Event>(&row.body).unwrap(), entry.event);
        }
    }
}
