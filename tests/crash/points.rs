//! Every failpoint, at every passing: the run kills itself there, and the same command goes on to the same end.
//!
//! `POINT=before-land cargo test --test crash killed_anywhere` walks the points of that name alone.

use super::{
    live::run,
    space::Space,
    tide::{self, TASKS, TOPIC, Tide},
    trace::{Lifeline, Log},
};
use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    sync::Mutex,
    thread,
    time::Instant,
};
use tidegate::actors::Point;

/// Killed runs side by side: they wait for each other's disks and sleeps more than for the two cores.
const SIDE_BY_SIDE: usize = 3;

/// What waits for agents that there are none of yet.
const OUT_OF_REACH: [&str; 4] = ["before-consult", "after-consult", "before-advise", "after-advise"];

/// What only a task with tests comes by.
const WITH_TESTS: [&str; 4] = ["before-tests", "after-tests", "before-red", "after-red"];

/// A way through the passings of one point: `first`, and then every `step`-th.
struct Walk {
    point: Point,
    first: u32,
    step: u32,
}

/// Whether this topic comes by a point, and it is one of those that were asked for.
fn is_walked(point: &str) -> bool {
    let is_asked_for = std::env::var("POINT").map_or(true, |asked| point.contains(&asked));
    is_asked_for && !OUT_OF_REACH.contains(&point) && !WITH_TESTS.contains(&point)
}

fn walks() -> VecDeque<Walk> {
    let mut walks = VecDeque::new();
    for point in Point::all() {
        let name = point.to_string();
        if !is_walked(&name) {
            continue;
        }
        // Appends are by far the most: walked by several.
        let step = if name.ends_with("append") { 6 } else { 1 };
        walks.extend((1..=step).map(|first| Walk { point, first, step }));
    }
    walks
}

#[test]
fn a_run_that_is_killed_anywhere_goes_on_to_the_same_end() {
    let whole = Tide::new();
    whole.execute(None).exits(0);
    survived(&whole, &whole.tree(), &[], &BTreeMap::new(), "no kill");
    let (tree, began) = (whole.tree(), Instant::now());
    let (walks, kills) = (Mutex::new(walks()), Mutex::new(BTreeMap::<String, u32>::new()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(walk) = { walks.lock().unwrap().pop_front() } {
                    let mut passing = walk.first;
                    while dies_and_goes_on(walk.point, passing, &tree) {
                        println!("{:4} s: survived {}:{passing}", began.elapsed().as_secs(), walk.point);
                        *kills.lock().unwrap().entry(walk.point.to_string()).or_default() += 1;
                        passing += walk.step;
                    }
                }
            });
        }
    });
    let kills = kills.into_inner().unwrap();
    let missed: Vec<String> = Point::all().iter().map(ToString::to_string).filter(|p| !kills.contains_key(p)).collect();
    println!(
        "{} points, {} reached, {} kills survived: {kills:?}; not reached here: {}",
        Point::all().len(),
        kills.len(),
        kills.values().sum::<u32>(),
        missed.join(", ")
    );
    assert!(!missed.iter().any(|point| is_walked(point)), "nothing comes by here any more: {missed:?}");
}

/// Whether a run with this failpoint dies at all; one that does is gone on with.
fn dies_and_goes_on(point: Point, passing: u32, tree: &[String]) -> bool {
    let (at, tide) = (format!("{point}:{passing}"), Tide::new());
    let first = tide.execute(Some(&at));
    if !first.was_killed() {
        first.exits(0);
        return false;
    }
    // What it leaves is ended by itself; whether somebody waits for that makes no difference to whoever goes on.
    if passing.is_multiple_of(2) {
        tide.lifeline.is_let_go();
    }
    let ended = tide::ended_scripts(&tide.entries());
    let before = tide.log.counts();
    let second = tide.execute(None);
    assert_eq!(second.status.code(), Some(0), "killed at {at}, then {}\n--- killed: {}", second.all(), first.all());
    survived(&tide, tree, &ended, &before, &at);
    true
}

/// Everything is as it would be without the kill.
#[track_caller]
fn survived(tide: &Tide, tree: &[String], ended: &[String], before: &BTreeMap<String, u32>, at: &str) {
    tide.lifeline.is_let_go();
    assert_eq!(tide.tree(), tree, "{at}: another tree");
    assert_eq!(tide::landed(&tide.space, tide::BRANCH), TASKS, "{at}: what landed");
    let after = tide.log.counts();
    for script in ended {
        assert!(before.contains_key(script), "{at}: {script} has ended and never ran: {before:?}");
        assert_eq!(after.get(script), before.get(script), "{at}: {script} had ended and ran again");
    }
    assert!(after.values().all(|&times| times <= 2), "{at}: one kill, and a script ran three times: {after:?}");
    let entries = tide.entries();
    assert_eq!(tide::fallen(&entries), [""; 0], "{at}: a job fell over");
    let mut notes: Vec<_> = fs::read_dir(tide.space.repo().join("notes").join(TOPIC)).unwrap().flatten().collect();
    notes.sort_by_key(fs::DirEntry::file_name);
    let notes: Vec<_> = notes.iter().map(|note| note.file_name().into_string().unwrap()).collect();
    assert_eq!(notes, ["breakdown.md", "execution-status.md", "plan.md", "report.md", "research.md"], "{at}");
    assert_eq!(tide.space.git(&["status", "--porcelain"]), "?? notes/", "{at}: the user's tree");
}

/// A crate in which one task writes a test first.
fn crate_with_a_test() -> (Space, Log, Lifeline) {
    let space = Space::crate_named("toy").open();
    let (log, lifeline) = (Log(space.beside("log")), Lifeline::at(space.beside("lifeline")));
    let intro = format!("{}{}", log.script(), lifeline.script()).replace('\n', "\n   ");
    let test = "printf '#[test]\\nfn two() {\\n    assert_eq!(toy::two(), 2);\\n}\\n' > tests/two.rs";
    let code = "printf '\\n/// Two.\\npub fn two() -> u32 {\\n    2\\n}\\n' >> src/lib.rs";
    let breakdown = format!(
        "# Toy\n\n### Stream A: One\n\n1. **Two**\n\n   - Test Requirements: it is two\n   - Files: src/lib.rs, tests/two.rs\n\n   \
         ```sh role=test-developer\n   {intro}{test}\n   ```\n\n   ```sh role=implementation\n   {intro}{code}\n   ```\n"
    );
    space.topic("toy", &breakdown);
    (space, log, lifeline)
}

#[test]
fn a_task_whose_tests_come_first_survives_a_kill_in_each_of_its_phases() {
    let mut survived = 0;
    for point in WITH_TESTS {
        let (space, log, lifeline) = crate_with_a_test();
        let mut armed = space.tidegate(&["execute", "toy", "--plain"]);
        armed.env("TIDEGATE_FAILPOINT", format!("{point}:1"));
        let first = run(armed);
        assert!(first.was_killed(), "{point} was not reached: {}", first.all());
        let (ended, before) = (tide::ended_scripts(&space.entries("toy")), log.counts());
        run(space.tidegate(&["execute", "toy", "--plain"])).exits(0);
        lifeline.is_let_go();
        let after = log.counts();
        assert!(ended.iter().all(|script| after.get(script) == before.get(script)), "{point}: {before:?} {after:?}");
        assert_eq!(tide::landed(&space, "tidegate/toy/integration"), ["1"], "{point}");
        assert_eq!(tide::fallen(&space.entries("toy")), [""; 0], "{point}");
        assert!(space.on("tidegate/toy/integration", "src/lib.rs").contains("pub fn two"));
        survived += 1;
    }
    println!("{survived} points of tests and red: as many kills survived");
}
