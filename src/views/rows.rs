//! The rows of the bars, as a pure function of the board, the last words, the time and the terminal's size.

use super::Live;
use crate::{
    board::{Board, Pace, Running, Standing, Stream, Tone, minutes, span},
    plan::NodeId,
    run::Timestamp,
};

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The whole run.
    Overall,
    /// One stream.
    Stream,
    /// One running job.
    Job,
    /// What there is no room for.
    More,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) tone: Tone,
    /// Topic, stream or task.
    pub(super) prefix: String,
    pub(super) done: u64,
    pub(super) total: u64,
    /// Cut at the terminal's edge: what matters most stands first.
    pub(super) text: String,
}

/// All rows, at most one less than the terminal is high: one line is left for what scrolls by.
pub(super) fn rows(board: &Board, live: &Live, now: Timestamp, height: u16) -> Vec<Row> {
    let room = usize::from(height).saturating_sub(1).max(1);
    let streams = streams(board, room - 1);
    let hidden = board.streams().len() - streams.len();
    let taken = 1 + streams.len() + usize::from(hidden > 0);
    let free = room.saturating_sub(taken);

    // A job stands under its stream: the index of the stream's row, or none for a gate of them all.
    let under = |job: &Running| {
        let label = board.stream_label(job.node);
        if label.is_empty() { Some(None) } else { streams.iter().position(|s| *s.label == *label).map(Some) }
    };
    let mut jobs: Vec<(Option<usize>, &Running)> = board.running().filter_map(|job| Some((under(job)?, job))).collect();
    let running = board.running().count();
    if running > free || jobs.len() < running {
        jobs.truncate(free.saturating_sub(1));
    }
    let mut rows = vec![overall(board, now)];
    let push = |rows: &mut Vec<Row>, at: Option<usize>| {
        rows.extend(jobs.iter().filter(|(under, _)| *under == at).map(|(_, job)| row_of_job(board, live, job, now)));
    };
    push(&mut rows, None);
    for (at, stream) in streams.iter().enumerate() {
        rows.push(row_of_stream(board, stream));
        push(&mut rows, Some(at));
    }
    if hidden > 0 && rows.len() < room {
        rows.push(row_of_rest(format!("+{hidden} more streams")));
    }
    if jobs.len() < running && rows.len() < room {
        rows.push(row_of_rest(format!("+{} more", running - jobs.len())));
    }
    rows
}

/// The streams that fit; where not all do, those in which something happens go first.
fn streams(board: &Board, room: usize) -> Vec<&Stream> {
    let all = board.streams();
    if all.len() <= room {
        return all.iter().collect();
    }
    let mut kept: Vec<(usize, &Stream)> = all.iter().enumerate().collect();
    kept.sort_by_key(|(at, s)| (s.running == 0, s.tasks.failed == 0, s.tasks.met() == s.tasks.total, *at));
    kept.truncate(room.saturating_sub(1));
    kept.sort_by_key(|(at, _)| *at);
    kept.into_iter().map(|(_, stream)| stream).collect()
}

fn overall(board: &Board, now: Timestamp) -> Row {
    let count = board.tasks();
    let mut parts = Vec::new();
    match board.pace() {
        Pace::Going => match board.minutes_left(now) {
            0 => {}
            left => parts.push(format!("~{} left", minutes(left))),
        },
        Pace::Paused => parts.push("paused".to_owned()),
        Pace::Cancelled => parts.push("cancelled".to_owned()),
        Pace::TimeUp => parts.push("out of time".to_owned()),
    }
    parts.push(format!("{} running", board.running().count()));
    parts.push(span(now.0.saturating_sub(board.began().0)));
    let (failed, blocked, held) = (count.failed, count.blocked, count.held + board.gates().held);
    for (count, word) in [(failed, "failed"), (blocked, "blocked"), (held, "held"), (board.retries(), "retried")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    Row {
        kind: Kind::Overall,
        tone: tone(failed > 0, held > 0, count.met() == count.total),
        prefix: crate::text::line(&board.plan().blueprint().topic, 40),
        done: count.met().into(),
        total: count.total.into(),
        text: parts.join(" · "),
    }
}

fn row_of_stream(board: &Board, stream: &Stream) -> Row {
    let gate = stream.gate.map(|gate| gate_words(board, gate));
    let mut parts: Vec<String> = gate.map(str::to_owned).into_iter().collect();
    let count = stream.tasks;
    for (count, word) in [(stream.running, "running"), (count.failed, "failed"), (count.blocked, "blocked")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let is_held = stream.gate.is_some_and(|gate| matches!(board.standing(gate), Standing::Held { .. }));
    Row {
        kind: Kind::Stream,
        tone: tone(count.failed > 0, is_held || count.held > 0, count.met() == count.total),
        prefix: crate::text::line(&format!("{} {}", stream.label, stream.title), 60),
        done: count.met().into(),
        total: count.total.into(),
        text: parts.join(" · "),
    }
}

fn gate_words(board: &Board, gate: NodeId) -> &'static str {
    match board.standing(gate) {
        Standing::Waiting => "gate waits",
        Standing::Blocked => "gate blocked",
        Standing::Working { .. } | Standing::Merging { .. } => "gate is judged",
        Standing::Held { .. } => "gate held",
        Standing::Done => "gate open",
        Standing::Skipped => "gate skipped",
        Standing::Retired => "no gate",
        Standing::Failed { .. } => "gate closed",
    }
}

fn row_of_job(board: &Board, live: &Live, job: &Running, now: Timestamp) -> Row {
    let saying = live.of(job.id);
    let words = match (saying.words.is_empty(), saying.bytes) {
        (false, _) => format!("  {}", saying.words),
        (true, 0) => String::new(),
        (true, bytes) => format!("  {}", kibibytes(bytes)),
    };
    let stopping = if job.is_stopping { "stops: " } else { "" };
    let (does, since) = (board.starts(job.node, job.what), span(now.0.saturating_sub(job.since.0)));
    Row {
        kind: Kind::Job,
        tone: Tone::Quiet,
        prefix: board.label(job.node).to_owned(),
        done: 0,
        total: 0,
        text: format!("{stopping}{does} {since}{words}"),
    }
}

fn row_of_rest(text: String) -> Row {
    Row { kind: Kind::More, tone: Tone::Quiet, prefix: String::new(), done: 0, total: 0, text }
}

fn kibibytes(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) }
}

fn tone(is_bad: bool, is_yours: bool, is_done: bool) -> Tone {
    match (is_bad, is_yours, is_done) {
        (true, _, _) => Tone::Bad,
        (_, true, _) => Tone::Yours,
        (_, _, true) => Tone::Good,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::sample, run::What};

    fn texts(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|r| format!("{} {}/{} {}", r.prefix, r.done, r.total, r.text)).collect()
    }

    #[test]
    fn many_jobs_are_capped_to_the_height_and_counted() {
        let mut t = sample::evening();
        for _ in 0..20 {
            t.start(2, What::Implement);
        }
        let (board, live) = (t.board(), Live::default());
        for height in 1..40 {
            let rows = rows(&board, &live, Timestamp(t.now), height);
            assert!(rows.len() <= usize::from(height.saturating_sub(1).max(1)), "{height}: {:?}", texts(&rows));
            let jobs = rows.iter().filter(|r| r.kind == Kind::Job).count();
            let more = rows.iter().find(|r| r.kind == Kind::More && !r.text.ends_with("streams"));
            if height > 4 {
                let more = more.map_or(0, |r| r.text[1..r.text.find(' ').unwrap()].parse().unwrap());
                assert_eq!(jobs + more, 21, "{height}: {:?}", texts(&rows));
            }
        }
    }

    #[test]
    fn a_run_says_how_long_it_may_take_and_what_is_wrong() {
        let t = sample::morning();
        let rows = rows(&t.board(), &Live::default(), Timestamp(t.now), 24);
        assert_eq!(
            texts(&rows),
            [
                "chat-system 3/4 0 running · 6m43s · 1 failed · 1 retried",
                "A Database Foundation 1/2 gate blocked · 1 failed",
                "B Real-time 2/2 gate open",
            ]
        );
        assert_eq!(rows.iter().map(|r| r.tone).collect::<Vec<_>>(), [Tone::Bad, Tone::Bad, Tone::Good]);
    }
}
