//! The large sample: sixty-four tasks on four streams, each with tests and code, in one run.

use crate::space::{Space, entries, said};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    iter::once,
    os::unix::fs::symlink,
    path::Path,
};
use tidegate::{
    plan::{Level, Node, StreamId},
    run::{Entry, Event, JobId, Run, State},
};

const TASKS: usize = 64;

/// Where programs are, with the system's own Python before any other: that of a version manager lives in a home that no run of a
/// test sees.
fn path(space: &Space) -> Option<OsString> {
    let (python, bin) = (Path::new("/usr/bin/python3"), space.beside("bin"));
    assert!(python.exists() || std::env::var_os("CI").is_none(), "python3 is not installed: apt-get install python3");
    if !python.exists() {
        println!("skipped: there is no /usr/bin/python3");
        return None;
    }
    fs::create_dir(&bin).and_then(|()| symlink(python, bin.join("python3"))).expect("a link is made");
    let rest = std::env::var_os("PATH").unwrap_or_default();
    Some(std::env::join_paths(once(bin).chain(std::env::split_paths(&rest))).expect("folders without a colon"))
}

/// How a run went, from its journal alone.
struct Course {
    /// The most streams that had a job at work at the same time, and the most jobs of agents.
    streams: usize,
    agents: usize,
    /// Streams that had begun before the first of their gates opened.
    begun: BTreeSet<StreamId>,
    /// How often each task was sent back, by its label.
    sent_back: BTreeMap<String, usize>,
}

fn course(entries: &[Entry]) -> Course {
    let mut run = Run::default();
    let mut at_work: BTreeMap<JobId, (StreamId, bool)> = BTreeMap::new();
    let (mut course, mut is_open) =
        (Course { streams: 0, agents: 0, begun: BTreeSet::new(), sent_back: BTreeMap::new() }, false);
    for entry in entries {
        run.apply(entry).unwrap_or_else(|misfit| panic!("{misfit:?}"));
        match &entry.event {
            Event::Started { job, node, what, .. } => {
                if let Node::Task(task) = run.plan().node(*node) {
                    at_work.insert(*job, (task.stream, what.role().is_some()));
                    if !is_open {
                        course.begun.insert(task.stream);
                    }
                }
            }
            Event::Ended { job, .. } => drop(at_work.remove(job)),
            _ => {}
        }
        let streams: BTreeSet<StreamId> = at_work.values().map(|&(stream, _)| stream).collect();
        course.streams = course.streams.max(streams.len());
        course.agents = course.agents.max(at_work.values().filter(|(_, is_agent)| *is_agent).count());
        is_open |= run.plan().ids().any(|id| {
            let is_stream = run.plan().node(id).gate().is_some_and(|gate| matches!(gate.level, Level::Stream(_)));
            is_stream && run.state(id) == State::Done
        });
    }
    for id in run.plan().ids() {
        let Node::Task(task) = run.plan().node(id) else { continue };
        let starts = entries.iter().filter(
            |entry| matches!(&entry.event, Event::Started { node, what, .. } if *node == id && what.name() == "implement"),
        );
        let again = starts.count() - 1;
        if again > 0 {
            course.sent_back.insert(task.label.to_string(), again);
        }
    }
    course
}

#[test]
fn sixty_four_tasks_land_in_one_run_with_their_streams_side_by_side() {
    let space = Space::empty();
    let Some(path) = path(&space) else { return };
    let made = space.run(&["demo", "depot", "--topic", "platform", "--config", "none.toml", "-C", "../"]);
    made.exits(3).says(&["made a repository with the sample topic platform"]);
    let folder = space.beside("depot");
    let depot = folder.to_str().expect("a plain path");
    let mut run = space.tidegate(&["-C", depot, "execute", "platform", "--plain", "-j4"]);
    let output = run.env("PATH", &path).output().expect("the binary runs");
    said(&output)
        .exits(0)
        .says(&[
            "64 of 64 done",
            "Ready: the deployment gate is open",
            "16 sent back by verify: sealed tests fail: tap tests.test_page.PageTest.test_a_full_last_page_is_the_last",
            "15 sent back by security-reviewer",
        ])
        .lacks(&["sealed tests that prove little", "failed in"]);
    let course = course(&entries(&folder, "platform"));
    assert_eq!(course.begun.len(), 4, "no stream waits for another to be through");
    assert!(course.streams >= 2, "{} streams side by side", course.streams);
    assert_eq!(course.agents, 4);
    let expected = [("15", 1), ("16", 1)].map(|(task, times)| (task.to_owned(), times));
    assert_eq!(course.sent_back, BTreeMap::from(expected), "those that share a file did not meet in it");
    let branch = "tidegate/platform/integration";
    let landed = space.git(&[
        "-C",
        depot,
        "log",
        "--format=%(trailers:key=Tidegate-Task,valueonly,separator=%x2C)",
        &format!("main..{branch}"),
    ]);
    assert_eq!(landed.lines().collect::<BTreeSet<_>>().len(), TASKS);
    assert_eq!(landed.lines().count(), TASKS);
    let taken = space.beside("taken");
    space.git(&["clone", "-q", "--branch", branch, depot, taken.to_str().expect("a plain path")]);
    let mut tests = space.command("python3");
    let output = tests.args(["-B", "check.py"]).env("PATH", &path).current_dir(&taken).output().expect("python3 runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("\n1..133\n"), "{report}");
    let figures = space.git(&["-C", depot, "show", &format!("{branch}:docs/figures.md")]);
    assert_eq!(figures.lines().count(), 3, "{figures}");
}
