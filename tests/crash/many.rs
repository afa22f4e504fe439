//! Two thousand tasks in place, killed half way: what has ended runs no more, and what was at work runs once more.

use super::{
    live::{Live, run},
    space::Space,
};
use rustix::process::Signal;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
};
use tidegate::run::{Ending, Entry, Event, Run, What};

const TASKS: usize = 2_000;
/// So many may be at work at the same time: each hangs on the one this far before it.
const WIDTH: usize = 40;
const JOBS: usize = 8;

fn breakdown(log: &str) -> String {
    let mut text = "# Many\n\n".to_owned();
    for (stream, first) in [("A", 1), ("B", TASKS / 2 + 1)] {
        write!(text, "### Stream {stream}: Half of them (Parallel)\n\n").unwrap();
        for task in first..first + TASKS / 2 {
            let before = if task > WIDTH { format!("Task {} complete", task - WIDTH) } else { "None".to_owned() };
            write!(
                text,
                "{task}. **Step {task}**\n\n   - Test Requirements: None\n   - Dependencies: {before}\n\n   \
                 ```sh role=implementation\n   echo {task} >> {log}\n   ```\n\n"
            )
            .unwrap();
        }
    }
    text
}

/// The tasks whose implementation has an end in the journal, and those that began and have none.
fn ended(entries: &[Entry]) -> (BTreeSet<String>, BTreeSet<String>) {
    let Ok(run) = Run::replay(entries) else { panic!("the journal does not fit together") };
    let (mut ended, mut open) = (BTreeSet::new(), BTreeMap::new());
    for entry in entries {
        match &entry.event {
            Event::Started { job, node, what: What::Implement, .. } => {
                open.insert(*job, run.plan().node(*node).label().to_owned());
            }
            Event::Ended { job, ending, .. } if matches!(**ending, Ending::Passed(_)) => {
                ended.extend(open.remove(job));
            }
            _ => {}
        }
    }
    (ended, open.into_values().collect())
}

/// How often each task's script has begun.
fn counts(log: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn two_thousand_tasks_that_are_killed_half_way_run_once_but_for_those_that_were_at_work() {
    let space = Space::empty().open();
    let log = space.beside("log").display().to_string();
    let checks = "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n";
    space.write("tidegate.toml", &format!("[workspace]\nmode = \"in-place\"\n[slots]\nagents = {JOBS}\n{checks}"));
    space.commit("Begin");
    space.topic("many", &breakdown(&log));
    let execute = || space.tidegate(&["execute", "many", "--plain"]);
    let mut live = Live::start(execute());
    for _ in 0..TASKS / 2 {
        live.until(" done");
    }
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    let (before, at_work) = ended(&space.entries("many"));
    assert!((TASKS / 2..TASKS).contains(&before.len()), "{} had ended", before.len());
    assert!(at_work.len() <= JOBS, "{at_work:?}");
    let gone = run(execute()).exits(0);
    assert!(gone.out.contains(&format!("{TASKS} of {TASKS} done")), "{}", gone.out);
    let counts = counts(&log);
    assert_eq!(counts.len(), TASKS);
    let again: BTreeSet<String> =
        counts.iter().filter(|(_, times)| **times > 1).map(|(task, _)| task.clone()).collect();
    assert!(again.is_subset(&at_work), "ran again without having been at work: {again:?}, {at_work:?}");
    assert!(counts.values().all(|&times| times <= 2), "{counts:?}");
    let started = space
        .entries("many")
        .into_iter()
        .filter(|entry| matches!(entry.event, Event::Started { what: What::Implement, .. }));
    assert_eq!(started.count(), TASKS + at_work.len(), "what is run again is in the journal");
}
