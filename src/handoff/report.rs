//! The end of a run in plain words: what is done, what is not and why, what has to be known, and how to go on.

use super::{
    bill::Bills,
    page::{Page, Part},
    status::measured,
};
use crate::{
    board::{Board, Mark, Standing, clock, counted, rfc3339, span},
    plan::{BackendId, Level, Means, Node, NodeId, Phase, TestWish},
    run::{Charter, Finding, Timestamp, Until},
    text::{block, line},
};
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// Items of one list.
const ITEMS: usize = 200;

/// Tasks whose findings are told with their output.
const FAILURES: usize = 30;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every gate passed.
    Done,
    /// Nothing more moves without a person.
    Returned,
    /// There is work, and it was stopped from outside: a budget, a pause, a backend. Why, as a fragment.
    Stopped(Box<str>),
    /// A person stopped the program.
    Interrupted,
}

impl End {
    /// Its name in JSON. Stable.
    pub fn name(&self) -> &'static str {
        match self {
            End::Done => "done",
            End::Returned => "returned",
            End::Stopped(_) => "stopped",
            End::Interrupted => "interrupted",
        }
    }
}

/// Whether the result merges into HEAD as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merges {
    /// There is nothing to merge.
    Nothing,
    /// It was done in the working tree itself: nothing was committed, gated by itself, or merged.
    InPlace,
    /// HEAD has it already.
    Already,
    /// Without conflict.
    Cleanly,
    /// In conflict, in these paths.
    InConflict(Vec<Box<str>>),
    /// Its commits are in the repository no more.
    Gone,
    /// It was not tried, for this reason.
    Unknown(Box<str>),
}

/// What the board does not know of the end.
#[derive(Clone, Debug)]
pub struct Closing<'a> {
    /// How it ended.
    pub end: End,
    /// When.
    pub at: Timestamp,
    /// What holds the result, as people type it: a branch, a ref or a commit.
    pub place: &'a str,
    /// Whether it merges into HEAD.
    pub merges: Merges,
    /// The run's folder, before the names of logs.
    pub logs: &'a str,
    /// What is to be known of the branch: one sentence each.
    pub notes: &'a [Box<str>],
    /// The command that goes on with the run.
    pub again: &'a str,
    /// What is different about that command where it would stop at once, as the end of a sentence.
    pub differs: Option<&'a str>,
}

/// The page. Costs a look at the whole plan, once.
pub fn report(board: &Board, closing: &Closing<'_>, zone: &TimeZone) -> Page {
    let count = board.tasks();
    let topic = line(&board.plan().blueprint().topic, 80);
    let mut page = Page::new(format!("{topic}: {}", outcome(board, &closing.end)));
    page.push(Part::Fact("Tasks", format!("{} of {} done", count.met(), count.total)));
    let gates = board.gates();
    page.push(Part::Fact("Gates", format!("{} of {} open", gates.met(), gates.total)));
    let ran = span(closing.at.0.saturating_sub(board.began().0));
    page.push(Part::Fact(
        "Time",
        format!("{ran}, from {} to {}", rfc3339(board.began(), zone), rfc3339(closing.at, zone)),
    ));
    page.push(Part::Fact("Run", board.charter().run.to_string()));
    done(&mut page, board, zone);
    failed(&mut page, board, closing);
    blocked(&mut page, board);
    unfinished(&mut page, board, closing.at);
    gates_told(&mut page, board);
    figures(&mut page, board);
    Bills::of(board).put(&mut page, board);
    to_know(&mut page, board, closing);
    go_on(&mut page, board, closing);
    page
}

fn outcome(board: &Board, end: &End) -> String {
    match end {
        End::Done if is_ready(board) => "done, every gate passed; ready to be deployed".to_owned(),
        End::Done => "done, every gate passed".to_owned(),
        End::Returned => {
            let (count, gates) = (board.tasks(), board.gates());
            let parts = [
                (count.failed + gates.failed, "failed"),
                (count.blocked + gates.blocked, "blocked"),
                (count.held + gates.held, "held"),
            ];
            let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, w)| format!("{n} {w}")).collect();
            format!("returned to you ({})", parts.join(", "))
        }
        End::Stopped(why) => format!("stopped: {}", line(why, 160)),
        End::Interrupted => "interrupted; the same command goes on".to_owned(),
    }
}

/// Whether there is a deployment gate, and it has opened.
fn is_ready(board: &Board) -> bool {
    let is_last = |node: &NodeId| board.plan().node(*node).gate().is_some_and(|gate| gate.level == Level::Deployment);
    board.nodes().any(|node| is_last(&node) && *board.standing(node) == Standing::Done)
}

fn tasks(board: &Board) -> impl Iterator<Item = NodeId> + '_ {
    board.nodes().filter(|&id| board.plan().node(id).task().is_some())
}

fn done(page: &mut Page, board: &Board, zone: &TimeZone) {
    let mut items: Vec<String> = Vec::new();
    // The head of the report has the date; a time of the day says enough only where there is one of each.
    let is_one_day = board.now().0.saturating_sub(board.began().0) < 24 * 3_600_000;
    for landing in board.landings() {
        let commit = if landing.commit.is_none() {
            "found landed".to_owned()
        } else {
            format!("landed as {}", landing.commit.short())
        };
        let story = board.card(landing.node).story();
        let tests = story.map_or(0, |story| story.sealed.len());
        let tests = if tests > 0 { format!(", {} red, then green", counted(tests, "test")) } else { String::new() };
        let reviews = story.map_or(0, |story| story.approvals);
        let reviews =
            if reviews > 0 { format!(", approved by {}", counted(reviews, "reviewer")) } else { String::new() };
        let again = match board.card(landing.node).retries {
            0 => String::new(),
            times => format!(", sent back {}", if times == 1 { "once".to_owned() } else { format!("{times} times") }),
        };
        items.push(format!(
            "{}: {commit} at {}{tests}{reviews}{again}",
            board.title(landing.node),
            if is_one_day { clock(landing.at, zone) } else { rfc3339(landing.at, zone) }
        ));
    }
    let is_landed = |id: &NodeId| board.card(*id).story().is_some_and(|story| story.landed.is_some());
    for id in tasks(board).filter(|id| !is_landed(id)) {
        match board.standing(id) {
            Standing::Done if board.plan().node(id).task().is_some_and(|task| task.done) => {
                items.push(format!("{}: was done before the run", board.title(id)));
            }
            Standing::Done => items.push(format!("{}: done, with nothing to land", board.title(id))),
            Standing::Skipped => items.push(format!("{}: skipped by a person", board.title(id))),
            _ => {}
        }
    }
    if !items.is_empty() {
        page.push(Part::Section("What is done".into()));
        page.items(items.into_iter(), ITEMS);
    }
}

fn failed(page: &mut Page, board: &Board, closing: &Closing<'_>) {
    let failed: Vec<NodeId> = board.stuck().filter(|&n| matches!(board.standing(n), Standing::Failed { .. })).collect();
    if failed.is_empty() {
        return;
    }
    page.push(Part::Section("What failed, and why".into()));
    for (at, &node) in failed.iter().enumerate() {
        if at == FAILURES {
            return page.push(Part::Item(format!("and {} more: {}", failed.len() - at, board.list(&failed[at..]))));
        }
        page.push(Part::Item(format!("{}: {}", board.title(node), board.words(node, closing.at))));
        let (Standing::Failed { phase, .. }, Some(story)) = (board.standing(node), board.card(node).story()) else {
            continue;
        };
        let found = story.found();
        for finding in found.iter().take(5) {
            let mut lines = finding.text.lines();
            let first = line(lines.next().unwrap_or_default(), 300);
            let rest: Vec<&str> = lines.collect();
            // What is one line stands in the item above already, where it is the only thing that was found.
            if !rest.is_empty() || found.len() > 1 || finding.by.is_some() {
                page.push(Part::Detail(format!("{}{}{first}", by(finding), place(finding))));
            }
            if !rest.is_empty() {
                page.push(Part::Output(block(&rest.join("\n"), 20, 160)));
            }
        }
        if found.len() > 5 {
            page.push(Part::Detail(format!("and {} more findings", found.len() - 5)));
        }
        if let Some(trouble) = story.trouble.as_deref().filter(|trouble| trouble.contains('\n')) {
            page.push(Part::Output(block(trouble, 20, 160)));
        }
        for ran in story.ran_for(*phase).take(3) {
            let log = line(&format!("{}/{}", closing.logs.trim_end_matches('/'), ran.log), 400);
            page.push(Part::Detail(format!(
                "{} ended with {}; its whole output: {log}",
                line(&ran.command, 160),
                ran.exit
            )));
        }
        let topic = &board.plan().blueprint().topic;
        page.push(Part::Commands(vec![format!("tidegate logs {} {}", quoted(topic), quoted(board.label(node)))]));
    }
}

fn by(finding: &Finding) -> String {
    finding.by.as_deref().map(|by| format!("{}: ", line(by, 60))).unwrap_or_default()
}

fn place(finding: &Finding) -> String {
    match (&finding.file, finding.line) {
        (Some(file), Some(at)) => format!("{}:{at}: ", line(file, 160)),
        // What speaks of its file by name needs no place before it.
        (Some(file), None) if finding.text.starts_with(&**file) => String::new(),
        (Some(file), None) => format!("{}: ", line(file, 160)),
        (None, _) => String::new(),
    }
}

fn blocked(page: &mut Page, board: &Board) {
    let culprits = board.culprits();
    let told: Vec<String> = culprits
        .iter()
        .filter(|(node, _)| !board.is_task_gate(**node))
        .map(|(&node, by)| format!("{}: blocked by {}", board.title(node), board.blockers(by)))
        .collect();
    if !told.is_empty() {
        page.push(Part::Section("What is blocked".into()));
        page.items(told.into_iter(), ITEMS);
    }
}

/// What was neither done nor failed: only where the run was stopped, or a gate holds it.
fn unfinished(page: &mut Page, board: &Board, now: Timestamp) {
    let is_open = |standing: &Standing| {
        matches!(standing, Standing::Waiting | Standing::Working { .. } | Standing::Merging { .. })
    };
    let open: Vec<String> = tasks(board)
        .filter(|&id| is_open(board.standing(id)))
        .map(|id| format!("{}: {}", board.title(id), board.words(id, now)))
        .collect();
    if !open.is_empty() {
        page.push(Part::Section("What is not finished".into()));
        page.items(open.into_iter(), ITEMS);
    }
}

fn gates_told(page: &mut Page, board: &Board) {
    let ids = board.nodes().filter(|&id| board.plan().node(id).gate().is_some() && !board.is_task_gate(id));
    let (mut closed, topic) = (false, &board.plan().blueprint().topic);
    let held_tasks = tasks(board).filter(|&id| matches!(board.standing(id), Standing::Held { .. }));
    let is_told = |id: &NodeId| !board.standing(*id).is_met() && *board.standing(*id) != Standing::Blocked;
    for node in ids.filter(is_told).chain(held_tasks).take(ITEMS) {
        if !closed {
            page.push(Part::Section("Gates that are not open".into()));
            closed = true;
        }
        page.push(Part::Item(format!("{}: {}", board.title(node), board.standing(node).name())));
        let mut commands = Vec::new();
        for settled in board.criteria(node) {
            page.push(Part::Detail(format!("{}: {}", settled.mark.name(), line(&settled.words(), 240))));
            if settled.mark == Mark::Asked {
                commands.push(approve(topic, board.label(node), settled.index));
            }
        }
        if !commands.is_empty() {
            page.push(Part::Commands(commands));
        }
    }
}

/// What was measured, with the lines that no test runs.
fn figures(page: &mut Page, board: &Board) {
    let mut told = Vec::new();
    for (node, settled) in measured(board) {
        told.push((format!("{}: {}", board.title(node), line(&settled.words(), 240)), node));
    }
    if told.is_empty() {
        return;
    }
    page.push(Part::Section("What was measured".into()));
    let mut last = None;
    for (text, node) in told.into_iter().take(ITEMS) {
        page.push(Part::Item(text));
        let uncovered = board.card(node).story().map_or(&[][..], |story| &story.uncovered);
        if last.replace(node) != Some(node) {
            for finding in uncovered.iter().take(5) {
                page.push(Part::Detail(format!("{}{}", place(finding), line(&finding.text, 200))));
            }
        }
    }
}

fn to_know(page: &mut Page, board: &Board, closing: &Closing<'_>) {
    let charter = board.charter();
    let mut told: Vec<String> = Vec::new();
    if &*charter.sandbox == "none" {
        told.push("Agents and checks ran without a sandbox (tier none): what they did outside their workspaces was not held back.".into());
    }
    if charter.without_checks {
        told.push("The run was allowed to go without checks (--allow-no-checks).".into());
    }
    if is_without_bodies_out(board) {
        told.push(
            "That sealed tests fail without the code (bodies out) was not asked ([tests] bodies_out in tidegate.toml)."
                .into(),
        );
    }
    for remark in board.remarks() {
        let what = board.became(remark);
        let text = line(&remark.finding.text, 200);
        told.push(format!("{}: {what}: {}{text}", board.title(remark.node), place(&remark.finding)));
    }
    for allowed in board.allowed() {
        let (path, by) = (line(&allowed.path, 160), line(&allowed.by, 60));
        told.push(format!("{}: was allowed by {by} to touch {path}, beyond its scope", board.title(allowed.node)));
    }
    for (role, own, other, nodes) in board.detours() {
        let nodes: Vec<NodeId> = nodes.iter().copied().collect();
        told.push(format!(
            "{} of {}: done by {}, to which it fell back from {}",
            role.name(),
            board.list(&nodes),
            line(other, 40),
            line(own, 40)
        ));
    }
    told.extend(without_tests(board));
    for id in tasks(board) {
        for concern in board.card(id).story().into_iter().flat_map(|story| &story.concerns).take(5) {
            let text = line(&concern.text, 200);
            told.push(format!(
                "{}: a concern that did not hold it back: {}{}{text}",
                board.title(id),
                by(concern),
                place(concern)
            ));
        }
    }
    if board.red_before().len() > 0 {
        let names: Vec<String> = board.red_before().take(5).map(|name| line(name, 100)).collect();
        let count = counted(board.red_before().len(), "test");
        told.push(format!("Red before the run began, {count}: {}", names.join(", ")));
    }
    told.extend(users_files(charter));
    told.extend(closing.notes.iter().map(|note| line(note, 300)));
    let is_closed = |until: &Until| matches!(until, Until::At(at) if *at > closing.at) || *until == Until::Person;
    for (backend, _, why) in board.closed().filter(|(_, until, _)| is_closed(until)) {
        let instead = in_place_of(board, backend);
        told.push(format!("Backend {} takes no jobs: {}{instead}", line(backend, 40), line(why, 200)));
    }
    if !told.is_empty() {
        page.push(Part::Section("What you should know".into()));
        page.items(told.into_iter(), ITEMS);
    }
}

/// What of the user's working tree was left out of workspaces, and what was copied into them.
fn users_files(charter: &Charter) -> Vec<String> {
    let first = |paths: &[Box<str>]| paths.iter().take(5).map(|path| line(path, 100)).collect::<Vec<_>>().join(", ");
    let mut told = Vec::new();
    if !charter.uncommitted.is_empty() {
        let count = counted(charter.uncommitted.len(), "path");
        told.push(format!("Uncommitted changes were left out, in {count}: {}", first(&charter.uncommitted)));
    }
    if !charter.copied.is_empty() {
        let count = counted(charter.copied.len(), "file");
        told.push(format!("Agents and checks could read copies of {count} of yours: {}", first(&charter.copied)));
    }
    told
}

/// Who does what while a backend takes no jobs, as the rest of a sentence.
fn in_place_of(board: &Board, closed: &str) -> String {
    let blueprint = board.plan().blueprint();
    let name = |id: BackendId| blueprint.backends.get(usize::from(id.0)).map_or("", |name| &**name);
    let fallbacks = blueprint.fallbacks.iter().filter(|(_, from, _)| name(*from) == closed);
    let told = fallbacks.map(|(role, _, to)| format!("; in its place {} runs {}", line(name(*to), 40), role.name()));
    told.collect()
}

/// Whether a task has sealed tests of which it is not asked that they fail without the code, though they are run.
fn is_without_bodies_out(board: &Board) -> bool {
    let gates = board.nodes().filter_map(|id| board.plan().node(id).gate());
    gates.into_iter().any(|gate| {
        let has = |wanted: &Means| gate.criteria.iter().any(|criterion| criterion.means == *wanted);
        let runs = gate.criteria.iter().any(|criterion| matches!(criterion.means, Means::Checked { .. }));
        has(&Means::TestsFirst) && has(&Means::Green) && runs && !has(&Means::BodiesOut)
    })
}

/// The tasks without tests of their own, together where they say the same of why.
fn without_tests(board: &Board) -> Vec<String> {
    let mut by_why: Vec<(String, Vec<NodeId>)> = Vec::new();
    let mut place = HashMap::new();
    for id in tasks(board) {
        let Node::Task(task) = board.plan().node(id) else { continue };
        let why = match &task.brief.tests {
            _ if task.done => continue,
            TestWish::Declined(why) => line(why, 160),
            _ if !task.phases.contains(Phase::Tests) => String::new(),
            _ => continue,
        };
        let says_nothing = matches!(why.trim_matches(['.', ' ']).to_lowercase().as_str(), "" | "none" | "n/a");
        let why = if says_nothing { String::new() } else { why };
        let at = *place.entry(why.clone()).or_insert_with(|| {
            by_why.push((why, Vec::new()));
            by_why.len() - 1
        });
        by_why[at].1.push(id);
    }
    let told = |(why, nodes): &(String, Vec<NodeId>)| {
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        match nodes.as_slice() {
            [one] => format!("{}: has no tests of its own{why}", board.title(*one)),
            all => format!("{} tasks have no tests of their own{why}: {}", all.len(), board.list(all)),
        }
    };
    by_why.iter().map(told).collect()
}

fn go_on(page: &mut Page, board: &Board, closing: &Closing<'_>) {
    page.push(Part::Section("How to go on".into()));
    let place = line(closing.place, 200);
    let merge = || Part::Commands(vec![format!("git log {}", quoted(&place)), format!("git merge {}", quoted(&place))]);
    let (text, can_be_taken) = match &closing.merges {
        Merges::Nothing => ("Nothing has landed: there is nothing to merge.".to_owned(), false),
        Merges::InPlace => {
            let text = format!(
                "All was done in place, in {place}: nothing was cloned, committed or merged, and no task had a gate of its own. \
                 `git status` shows what is there now."
            );
            (text, false)
        }
        Merges::Already => (format!("The result is on {place}, and HEAD has it already."), false),
        Merges::Gone => {
            let text = format!(
                "The result is gone: the repository has no commit {place} any more, since nothing kept it there. \
                 A new run makes it again, once the folder of this one is removed:"
            );
            (text, false)
        }
        Merges::Cleanly => {
            (format!("The result is on {place}. It merges into HEAD as it stands now, without conflict."), true)
        }
        Merges::InConflict(paths) => {
            let some: Vec<String> = paths.iter().take(5).map(|path| line(path, 100)).collect();
            let more = if paths.len() > 5 { format!(" and {} more", paths.len() - 5) } else { String::new() };
            let text = format!(
                "The result is on {place}. As HEAD stands now, merging it conflicts in {}{more}.",
                some.join(", ")
            );
            (text, true)
        }
        Merges::Unknown(why) => {
            let why = line(why, 200);
            (format!("The result is on {place}. Whether it merges into HEAD is not known: {why}"), true)
        }
    };
    if is_ready(board) && closing.merges != Merges::Gone {
        let tip = board.tip().short();
        page.push(Part::Text(format!("Ready: the deployment gate is open for {place}, which is at {tip}.")));
    }
    page.push(Part::Text(text));
    if can_be_taken {
        page.push(merge());
    }
    if closing.merges == Merges::Gone {
        let anew = [format!("rm -r {}", quoted(closing.logs)), closing.again.to_owned()];
        return page.push(Part::Commands(anew.to_vec()));
    }
    let mut commands = to_settle(board);
    if closing.end != End::Done {
        commands.push(closing.again.to_owned());
        page.push(Part::Text(match (commands.len(), closing.differs) {
            (1, None) => "The same command goes on where it stopped:".into(),
            (1, Some(differs)) => format!("It goes on where it stopped {differs}:"),
            (_, None) => "Then, after you have looked, settle what waits for you, and go on:".into(),
            (_, Some(differs)) => {
                format!("Then, after you have looked, settle what waits for you, and go on {differs}:")
            }
        }));
        page.push(Part::Commands(commands));
    }
}

/// The commands that settle what waits for a person.
fn to_settle(board: &Board) -> Vec<String> {
    let topic = &board.plan().blueprint().topic;
    let mut commands = Vec::new();
    for node in board.stuck().take(FAILURES) {
        match board.standing(node) {
            Standing::Failed { shut, .. } => {
                commands.extend(shut.iter().take(FAILURES).map(|path| permit(topic, board.label(node), path)));
                commands.push(retry(topic, board.label(node)));
            }
            Standing::Held { lacks } => commands.extend(lacks.iter().map(|&c| approve(topic, board.label(node), c))),
            _ => {}
        }
    }
    commands
}

/// The command by which a person lets a task touch a path.
fn permit(topic: &str, label: &str, path: &str) -> String {
    format!("tidegate approve {} {} --path {}", quoted(topic), quoted(label), quoted(path))
}

/// The command that goes on with a run, within these limits.
pub(super) fn execute(topic: &str, limits: &str) -> String {
    let limits = if limits.is_empty() { String::new() } else { format!(" {limits}") };
    format!("tidegate execute {}{limits}", quoted(topic))
}

/// The command that lets a failed node try again.
pub fn retry(topic: &str, label: &str) -> String {
    format!("tidegate retry {} {}", quoted(topic), quoted(label))
}

/// The command by which a person says that a criterion holds.
pub(super) fn approve(topic: &str, label: &str, criterion: u16) -> String {
    format!("tidegate approve {} {} {}", quoted(topic), quoted(label), criterion + 1)
}

/// A word for a shell: people copy these lines.
pub fn quoted(word: &str) -> String {
    let word = line(word, 1_000);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '+');
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::sample, run::Event, run::Order};

    fn closing(end: End, at: u64, merges: Merges) -> Closing<'static> {
        let place = "tidegate/chat-system/integration";
        Closing {
            end,
            at: Timestamp(at),
            place,
            merges,
            logs: ".git/tidegate/runs/r1",
            notes: &[],
            again: "tidegate execute chat-system",
            differs: None,
        }
    }

    #[test]
    fn the_morning_report_is_honest_about_a_failure() {
        let t = sample::morning();
        let page = report(&t.board(), &closing(End::Returned, t.now, Merges::Cleanly), &TimeZone::UTC);
        insta::assert_snapshot!(page.terminal(80));
    }

    #[test]
    fn a_held_gate_is_told_with_the_command_that_settles_it() {
        let t = sample::held();
        let merges = Merges::InConflict(vec!["src/lib.rs".into()]);
        let page = report(&t.board(), &closing(End::Returned, t.now, merges), &TimeZone::UTC);
        insta::assert_snapshot!(page.markdown());
    }

    #[test]
    fn a_run_that_is_done_asks_for_nothing() {
        let mut t = sample::held();
        t.tell(Event::Ordered(Order::Approve { gate: sample::SYSTEM, criterion: 1 }), &[(10, Standing::Done)]);
        let text = report(&t.board(), &closing(End::Done, t.now, Merges::Cleanly), &TimeZone::UTC).terminal(80);
        assert!(text.starts_with("chat-system: done, every gate passed\n"), "{text}");
        assert!(!text.contains("tidegate "), "{text}");
    }

    #[test]
    fn a_name_is_one_word_of_a_command() {
        assert_eq!(retry("chat", "2.1"), "tidegate retry chat 2.1");
        assert_eq!(retry("chat", "a'; rm -rf ~"), r"tidegate retry chat 'a'\''; rm -rf ~'");
        assert_eq!(retry("chat", "--all"), "tidegate retry chat '--all'");
    }
}
