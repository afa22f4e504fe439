//! Where a run is now: `execution-status.md`, and the same for `tidegate status`.

use super::{
    bill::{Bills, flags, reached},
    page::{Page, Part},
    report::{approve, execute, retry},
};
use crate::{
    board::{Board, Card, Mark, Pace, Settled, Standing, Stream, Tone, counted, minutes, rfc3339, span},
    plan::{Means, Node, NodeId, Parse, Phase, TestWish},
    run::{Timestamp, Until},
    text::line,
};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Tasks with a line of their own in one stream: those that move come first.
const TASKS: usize = 500;

/// Lines of what is next.
const NEXT: usize = 12;

/// The file in the topic's folder.
pub const STATUS: &str = "execution-status.md";

/// The page. Costs a look at the whole plan: render it now and then, not at every entry.
pub fn status(board: &Board, now: Timestamp, zone: &TimeZone) -> Page {
    let mut page = Page::new(format!("Execution status: {}", line(&board.plan().blueprint().topic, 80)));
    overview(&mut page, board, now, zone);
    page.push(Part::Section("Stream status".into()));
    let culprits = board.culprits();
    for stream in board.streams() {
        stream_status(&mut page, board, stream, now, |node| culprits.get(&node).map(|by| board.blockers(by)));
    }
    coordination(&mut page, board, now, zone);
    quality(&mut page, board);
    critical_path(&mut page, board, now);
    next_actions(&mut page, board);
    latest(&mut page, board, zone);
    page
}

fn overview(page: &mut Page, board: &Board, now: Timestamp, zone: &TimeZone) {
    let count = board.tasks();
    let goes = match board.pace() {
        Pace::Going if board.is_done() => "done, every gate passed",
        Pace::Going if board.is_at_rest() => "waits for you",
        Pace::Going | Pace::Paused if board.is_left() => "stopped: nobody executes it now",
        Pace::Going => "goes",
        Pace::Paused => "paused",
        Pace::Cancelled => "cancelled",
        Pace::TimeUp => "out of time",
    };
    page.push(Part::Section("Overview".into()));
    page.push(Part::Fact("Run", format!("{}, {goes}", board.charter().run)));
    page.push(Part::Fact("Total tasks", count.total.to_string()));
    page.push(Part::Fact("Parallel streams", board.streams().len().to_string()));
    let parts = [
        (count.met(), "done"),
        (count.working, if board.is_left() { "begun" } else { "at work" }),
        (count.merging, "merging"),
        (count.waiting, "waiting"),
        (count.held, "held"),
        (count.failed, "failed"),
        (count.blocked, "blocked"),
    ];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    page.push(Part::Fact("Progress", format!("{} % ({})", count.percent(), parts.join(", "))));
    let (began, updated) = (rfc3339(board.began(), zone), rfc3339(now, zone));
    let since = |then: Timestamp| span(then.0.saturating_sub(board.began().0));
    let timeline = if board.is_at_rest() {
        format!("began {began}, ended {}, took {}", rfc3339(board.now(), zone), since(board.now()))
    } else {
        let left = match board.minutes_left(now) {
            0 => "nothing left that can move by itself".to_owned(),
            left => format!("about {} left on the critical path", minutes(left)),
        };
        if board.is_left() {
            format!("began {began}, stopped {}, {left}", rfc3339(board.now(), zone))
        } else {
            format!("began {began}, runs for {}, {left}", since(now))
        }
    };
    page.push(Part::Fact("Timeline", timeline));
    page.push(Part::Fact("Updated", format!("{updated}, at entry {} of the journal", board.seq())));
}

fn stream_status(
    page: &mut Page,
    board: &Board,
    stream: &Stream,
    now: Timestamp,
    blocked_by: impl Fn(NodeId) -> Option<String>,
) {
    let (title, count) = (line(&format!("{} {}", stream.label, stream.title), 100), stream.tasks);
    let gate = stream.gate.map(|gate| format!(", gate {}", board.words(gate, now))).unwrap_or_default();
    page.push(Part::Topic(format!("Stream {title}: {}/{} done{gate}", count.met(), count.total)));
    let mut nodes: Vec<NodeId> =
        stream.nodes.iter().copied().filter(|&n| *board.standing(n) != Standing::Retired).collect();
    let more = nodes.len().saturating_sub(TASKS);
    if more > 0 {
        nodes.sort_by_key(|&node| (urgency(board.standing(node)), node));
        nodes.truncate(TASKS);
    }
    for node in nodes {
        let by = if *board.standing(node) == Standing::Blocked { blocked_by(node) } else { None };
        let words = by.map_or_else(|| board.words(node, now), |by| format!("blocked by {by}"));
        let landed = board.card(node).story().and_then(|s| s.landed).filter(|(commit, _)| !commit.is_none());
        let landed = landed.map(|(commit, _)| format!(", landed as {}", commit.short())).unwrap_or_default();
        page.push(Part::Box(board.standing(node).is_met(), format!("{}: {words}{landed}", board.title(node))));
    }
    if more > 0 {
        page.push(Part::Item(format!("and {more} more tasks that wait or are done")));
    }
}

/// What people look for first.
fn urgency(standing: &Standing) -> u8 {
    match standing {
        Standing::Failed { .. } | Standing::Held { .. } => 0,
        Standing::Working { .. } | Standing::Merging { .. } => 1,
        Standing::Blocked => 2,
        Standing::Waiting => 3,
        Standing::Done | Standing::Skipped | Standing::Retired => 4,
    }
}

fn coordination(page: &mut Page, board: &Board, now: Timestamp, zone: &TimeZone) {
    page.push(Part::Section("Agent coordination status".into()));
    page.push(Part::Fact("Running jobs", board.running().count().to_string()));
    for job in board.running().take(50) {
        let (does, since) = (board.starts(job.node, job.what), span(now.0.saturating_sub(job.since.0)));
        page.push(Part::Item(format!("{}: {does}, for {since}", board.title(job.node))));
    }
    for (backend, until, why) in board.closed() {
        let until = match until {
            Until::At(at) => format!("until {}", rfc3339(at, zone)),
            Until::Person => "until a person acts".to_owned(),
        };
        page.push(Part::Item(format!("backend {} takes no jobs {until}: {}", line(backend, 40), line(why, 160))));
    }
    Bills::of(board).put(page, board);
}

fn quality(page: &mut Page, board: &Board) {
    let tally = Tally::of(board);
    page.push(Part::Section("Quality assurance status".into()));
    let tdd = match tally.landed_with_tests {
        0 => "nothing has landed that has tests of its own".to_owned(),
        all => {
            let kinds = [(tally.sealed, "test"), (tally.sealed_files, "test file")];
            let sealed: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, kind)| counted(*n, kind)).collect();
            let sealed = if sealed.is_empty() { "nothing".to_owned() } else { sealed.join(" and ") };
            format!("{} of {all} landed tasks had failing tests before their code; {sealed} sealed", tally.red_first)
        }
    };
    page.push(Part::Fact("TDD compliance", tdd));
    if tally.without_tests > 0 {
        page.push(Part::Fact("Tasks without tests of their own", tally.without_tests.to_string()));
    }
    let coverage = measured(board)
        .filter(|(_, settled)| is_coverage(settled))
        .map(|(node, settled)| format!("{} ({})", settled.told().unwrap_or_default(), board.label(node)));
    let mut coverage: Vec<String> = coverage.collect();
    let last = coverage.pop().unwrap_or_else(|| "not measured by this run".to_owned());
    page.push(Part::Fact("Coverage", line(&last, 160)));
    page.push(Part::Fact("Reviews", counted(tally.approvals, "approval")));
    page.push(Part::Fact("Written again", format!("{}, after findings", counted(board.retries(), "time"))));
    let mut remarks: BTreeMap<&str, u32> = BTreeMap::new();
    board.remarks().iter().for_each(|remark| *remarks.entry(board.became(remark)).or_default() += 1);
    for (became, times) in remarks {
        page.push(Part::Item(format!("{became}: {}", counted(times, "time"))));
    }
    let gates = board.gates();
    page.push(Part::Fact("Gates passed", format!("{} of {}", gates.met(), gates.total)));
    for (node, gate) in board.nodes().filter_map(|id| Some((id, board.plan().node(id).gate()?))) {
        if board.is_task_gate(node) {
            continue;
        }
        let criteria = board.criteria(node);
        let settled = criteria
            .iter()
            .filter(|s| matches!(s.mark, Mark::Proven | Mark::Partial | Mark::Approved | Mark::Waived))
            .count();
        let text = format!(
            "{}: {}, {settled} of {} criteria settled",
            gate.label,
            board.standing(node).name(),
            criteria.len()
        );
        page.push(Part::Box(board.standing(node).is_met(), line(&text, 200)));
        for lacking in criteria.iter().filter(|s| matches!(s.mark, Mark::Asked | Mark::Refused)) {
            page.push(Part::Detail(format!("{}: {}", lacking.mark.name(), line(&lacking.words(), 200))));
        }
        for proven in criteria.iter().filter(|s| s.mark == Mark::Proven && s.figure.is_some()) {
            page.push(Part::Detail(line(&proven.words(), 200)));
        }
    }
}

/// What was measured, in the order of the plan: whose, and which of its criteria. A task and its gate say the same.
pub(super) fn measured(board: &Board) -> impl Iterator<Item = (NodeId, Settled<'_>)> {
    let nodes = board.nodes().filter(|&node| !board.is_task_gate(node) && board.is_measured(node));
    nodes.flat_map(|node| board.criteria(node).into_iter().filter(|s| s.figure.is_some()).map(move |s| (node, s)))
}

fn is_coverage(settled: &Settled<'_>) -> bool {
    matches!(&settled.criterion.means, Means::Measured { parse: Parse::Coverage(_), .. })
}

/// Sums over all tasks.
#[derive(Default)]
struct Tally {
    landed_with_tests: u32,
    red_first: u32,
    sealed: usize,
    /// Of the tasks whose runner gives no names.
    sealed_files: usize,
    without_tests: u32,
    approvals: u32,
}

impl Tally {
    fn of(board: &Board) -> Tally {
        let mut tally = Tally::default();
        for id in board.nodes() {
            let Node::Task(task) = board.plan().node(id) else {
                continue;
            };
            let has_tests = task.phases.contains(Phase::Tests) && !matches!(task.brief.tests, TestWish::Declined(_));
            tally.without_tests += u32::from(!has_tests);
            let Some(story) = Card::story(board.card(id)) else {
                continue;
            };
            tally.approvals += story.approvals;
            if story.landed.is_some() && has_tests {
                tally.landed_with_tests += 1;
                tally.red_first += u32::from(story.red.is_some());
                match story.sealed.len() {
                    0 => tally.sealed_files += story.sealed_files.len(),
                    names => tally.sealed += names,
                }
            }
        }
        tally
    }
}

fn critical_path(page: &mut Page, board: &Board, now: Timestamp) {
    page.push(Part::Section("Critical path".into()));
    let Some(node) = board.bottleneck() else {
        return page.push(Part::Text("Nothing is left on it.".into()));
    };
    page.push(Part::Fact("Current bottleneck", format!("{}: {}", board.title(node), board.words(node, now))));
    let (tasks, gates) = board.impact(node);
    let behind = format!("{} and {} behind it", counted(tasks, "task"), counted(gates, "gate"));
    let length = minutes(board.minutes_from(node));
    page.push(Part::Fact("Impact", format!("{behind}; the way from it to the end is {length}")));
}

fn next_actions(page: &mut Page, board: &Board) {
    page.push(Part::Section("Next actions".into()));
    let topic = &board.plan().blueprint().topic;
    let mut any = false;
    for node in board.stuck().take(NEXT) {
        any = true;
        let label = board.label(node);
        let (does, command) = match board.standing(node) {
            Standing::Held { lacks } => {
                let first = lacks.first().copied().unwrap_or(0);
                ("look at it, then say that it holds", approve(topic, label, first))
            }
            _ => ("look at why it failed, then let it try again", retry(topic, label)),
        };
        page.push(Part::Item(format!("you: {}: {does}", board.title(node))));
        page.push(Part::Commands(vec![command]));
    }
    if board.is_left() && !board.is_done() {
        // A limit that is reached stops it again at once; one that is not would hold no longer.
        let (mut limit, reached) = (board.limit(), reached(board.limit(), Bills::of(board).total));
        for reached in &reached {
            match reached.flag {
                "--max-cost" => limit.micros = u64::MAX,
                _ => limit.runs = u64::MAX,
            }
        }
        let differs = if reached.is_empty() { "" } else { ", with a higher limit or none" };
        page.push(Part::Item(format!("you: let it go on{differs}, nobody executes it now")));
        return page.push(Part::Commands(vec![execute(topic, &flags(limit))]));
    }
    let ready = board.nodes().filter(|&n| {
        board.card(n).running.is_empty()
            && matches!(board.standing(n), Standing::Working { .. } | Standing::Merging { .. })
    });
    for node in ready.take(NEXT) {
        any = true;
        page.push(Part::Item(format!("{}: {}", board.title(node), board.words(node, board.now()))));
    }
    if board.is_done() {
        page.push(Part::Text("None: every gate passed. `report.md` says how to take the result.".into()));
    } else if !any {
        page.push(Part::Text("None: what runs goes on by itself.".into()));
    }
}

fn latest(page: &mut Page, board: &Board, zone: &TimeZone) {
    page.push(Part::Section("What happened last".into()));
    let news: Vec<_> = board.latest().rev().filter(|news| news.tone != Tone::Quiet).take(8).collect();
    for one in news.into_iter().rev() {
        let label = if one.label.is_empty() { String::new() } else { format!(" {}:", one.label) };
        page.push(Part::Item(format!("{}{label} {}", crate::board::clock(one.at, zone), one.text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::sample;

    #[test]
    fn execution_status_in_the_evening() {
        let t = sample::evening();
        insta::assert_snapshot!(status(&t.board(), Timestamp(t.now), &TimeZone::UTC).markdown());
    }

    #[test]
    fn status_on_a_terminal_when_a_task_has_failed() {
        let t = sample::morning();
        let text = status(&t.board(), Timestamp(t.now), &TimeZone::UTC).terminal(80);
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_large_plan_behind_a_failure_costs_a_look_and_not_a_look_at_each_from_each() {
        let count = 20_000u32;
        let blueprint = crate::plan::Blueprint {
            nodes: (0..count).map(|n| sample::task(&n.to_string(), "T", 0, 5)).collect(),
            edges: (1..count).map(|n| (NodeId(n - 1), NodeId(n))).collect(),
            ..sample::blueprint()
        };
        let mut t = sample::Teller::new();
        let failed = Standing::Failed { phase: Phase::Red, why: "no progress".into(), shut: Vec::new() };
        let mut after = vec![(0, failed)];
        after.extend((1..count).map(|n| (n, Standing::Blocked)));
        t.planned(blueprint, &after);
        let (board, began) = (t.board(), crate::plan::spent());
        let text = status(&board, Timestamp(t.now), &TimeZone::UTC).markdown();
        assert!(text.contains("and 19500 more tasks") && text.contains("19999 tasks and 0 gates behind it"), "{text}");
        // From each to each would be 200,000,000 steps.
        assert!((crate::plan::spent() - began).as_secs() < 5);
    }

    #[test]
    fn a_run_that_has_not_begun_is_no_panic() {
        let text = status(&Board::default(), Timestamp(0), &TimeZone::UTC).markdown();
        assert!(text.contains("Total tasks"));
    }
}
