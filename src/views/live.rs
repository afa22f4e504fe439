//! What agents say now: display only, never a source of truth, gone when the job is.

use crate::{run::JobId, text::line};
use dashmap::DashMap;
use std::sync::Arc;

/// The longest words that are kept, in characters.
const MOST: usize = 160;

/// How much of a burst of output is looked at for its last words, in bytes.
const LOOKED_AT: usize = 4_096;

/// The last words of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saying {
    /// One line, cleaned.
    pub words: Arc<str>,
    /// Bytes of output so far.
    pub bytes: u64,
}

/// What every running job says. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<DashMap<JobId, Saying>>);

impl Live {
    /// A job has put out something: its last line that is not empty counts.
    pub fn said(&self, job: JobId, text: &str) {
        let from = text.len().saturating_sub(LOOKED_AT);
        let from = (from..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        let last = text[from..].lines().rev().map(|l| line(l, MOST)).find(|l| !l.is_empty());
        if let Some(words) = last {
            self.0.entry(job).or_default().words = words.into();
        }
    }

    /// The same as a function, for those who may not know views: performers.
    pub fn sink(&self) -> impl Fn(JobId, &str) + Send + Sync + use<> {
        let live = self.clone();
        move |job, text| live.said(job, text)
    }

    /// A job has put out so many bytes in all.
    pub fn grew(&self, job: JobId, bytes: u64) {
        self.0.entry(job).or_default().bytes = bytes;
    }

    /// The job is over.
    pub fn forget(&self, job: JobId) {
        self.0.remove(&job);
    }

    /// The last words of a job. A copy, so that nobody holds a lock while drawing.
    pub fn of(&self, job: JobId) -> Saying {
        self.0.get(&job).map(|saying| saying.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_is_clean() {
        let live = Live::default();
        let job = JobId(1);
        live.said(job, "one\n\x1b[31mtwo\x1b[0m\tthree\n\n  \n");
        live.grew(job, 17);
        assert_eq!(live.of(job), Saying { words: "two three".into(), bytes: 17 });
        (live.sink())(job, "\n\n");
        assert_eq!(&*live.of(job).words, "two three");
        live.said(job, &"漢".repeat(100_000));
        assert_eq!(live.of(job).words.chars().count(), MOST);
        live.forget(job);
        assert_eq!(live.of(job), Saying::default());
    }
}
