//! Signals: the first ^C drains, the second stops, SIGTERM stops; all three leave nothing behind and can be gone on from.

use super::{
    live::Live,
    space::Space,
    tide::{self, Tide, fallen, landed},
    trace::{Bell, Lifeline, Log},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{collections::BTreeSet, fs, path::PathBuf};

const BRANCH: &str = "tidegate/slow/integration";

/// Two tasks, one after the other; the first says that it is there, and goes on when it is let.
struct Slow {
    space: Space,
    log: Log,
    lifeline: Lifeline,
    bell: Bell,
    gate: PathBuf,
}

impl Slow {
    /// `first` is what the first says before all else: whether it heeds a TERM.
    fn new(first: &str) -> Slow {
        let space = Space::plain().open();
        let (log, lifeline) = (Log(space.beside("log")), Lifeline::at(space.beside("lifeline")));
        let (bell, gate) = (Bell::at(space.beside("bell")), space.beside("gate"));
        let intro = format!("{}{}", log.script(), lifeline.script());
        let wait = format!("until [ -e {} ]; do sleep 0.01; done", gate.display());
        let block =
            |script: &str| format!("   ```sh role=implementation\n   {}\n   ```\n", script.replace('\n', "\n   "));
        let breakdown = format!(
            "# Slow\n\n### Stream A: One\n\n1. **First**\n\n   - Test Requirements: None\n\n{}\n\
             2. **Second**\n\n   - Test Requirements: None\n   - Dependencies: Task 1\n\n{}",
            block(&format!("{first}\n{intro}{}{wait}\necho 1 > one", bell.script())),
            block(&format!("{intro}cat one > two")),
        );
        space.topic("slow", &breakdown);
        Slow { space, log, lifeline, bell, gate }
    }

    fn start(&self) -> Live {
        Live::start(self.space.tidegate(&["execute", "slow", "--plain"]))
    }

    /// Lets the first task go on.
    fn open(&self) {
        fs::write(&self.gate, "").unwrap();
    }

    fn times(&self, script: &str) -> u32 {
        self.log.counts().get(script).copied().unwrap_or(0)
    }

    #[track_caller]
    fn goes_on(&self) {
        self.open();
        self.start().end().exits(0);
        self.lifeline.is_let_go();
        assert_eq!(landed(&self.space, BRANCH), ["1", "2"]);
        assert_eq!(fallen(&self.space.entries("slow")), [""; 0], "a signal costs nobody a life");
    }
}

#[test]
fn the_first_interrupt_lets_what_runs_finish_and_starts_nothing_more() {
    let slow = Slow::new("");
    let mut live = slow.start();
    slow.bell.rings();
    live.interrupt();
    live.until("draining");
    slow.open();
    live.end().exits(130);
    slow.lifeline.is_let_go();
    assert_eq!(slow.times("2 implementation 1"), 0);
    slow.goes_on();
    assert_eq!(slow.times("1 implementation 1"), 1, "what had finished is not done again");
}

#[test]
fn the_second_interrupt_stops_at_once_and_more_of_them_do_no_harm() {
    let slow = Slow::new("trap '' TERM INT HUP");
    let mut live = slow.start();
    slow.bell.rings();
    live.interrupt();
    live.until("draining");
    live.interrupt();
    live.until("stopping");
    live.interrupt();
    live.interrupt();
    live.end().exits(130);
    slow.lifeline.is_let_go();
    assert_eq!(landed(&slow.space, "main"), [""; 0]);
    slow.goes_on();
    assert_eq!(slow.times("1 implementation 1"), 2, "what was stopped is done again, as the same try");
}

#[test]
fn interrupts_at_any_moment_cost_nobody_a_life() {
    let (tide, mut drained, mut lines) = (Tide::new(), 0, 1);
    loop {
        let mut live = Live::start(tide.command());
        // A run that says less than that until its end is not interrupted.
        let is_there = (0..lines).all(|_| live.line().is_some());
        if is_there {
            live.interrupt();
        }
        let gone = live.end();
        match gone.status.code() {
            Some(130) => drained += 1,
            _ => break drop(gone.exits(0)),
        }
        lines += 2;
    }
    assert!(drained >= 2, "it was interrupted {drained} times");
    tide.lifeline.is_let_go();
    assert_eq!(landed(&tide.space, tide::BRANCH), tide::TASKS);
    assert_eq!(fallen(&tide.entries()), [""; 0]);
    let repeated: Vec<_> = tide.log.counts().into_iter().filter(|(_, times)| *times > 1).collect();
    assert_eq!(repeated, [], "what a drain let finish is not done again");
}

#[test]
fn stops_at_any_moment_end_and_are_gone_on_from() {
    for lines in [2, 7, 12, 20] {
        let tide = Tide::new();
        let mut live = Live::start(tide.command());
        assert!((0..lines).all(|_| live.line().is_some()));
        for _ in 0..4 {
            live.interrupt();
        }
        live.end().exits(130);
        tide.lifeline.is_let_go();
        tide.execute(None).exits(0);
        assert_eq!(landed(&tide.space, tide::BRANCH), tide::TASKS, "stopped after {lines} lines");
    }
}

#[test]
fn nobody_works_beside_what_a_killed_run_has_not_ended_yet() {
    let slow = Slow::new("");
    let live = slow.start();
    slow.bell.rings();
    let wardens = wardens_of(live.id());
    wardens.iter().for_each(|&warden| kill_process(warden, Signal::STOP).unwrap());
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    // Its script is still there, since a warden that is stopped ends nothing.
    let refused = slow.start().end().exits(3);
    assert!(refused.err.contains("is still ending"), "{}", refused.all());
    assert_eq!(slow.times("1 implementation 1"), 1);
    wardens.iter().for_each(|&warden| kill_process(warden, Signal::CONT).unwrap());
    slow.goes_on();
}

/// The wardens of a coordinator: its children that were started as such.
fn wardens_of(coordinator: u32) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{coordinator}/task")).unwrap().flatten();
    let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap());
    let pids: BTreeSet<i32> =
        children.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
    let is_warden =
        |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"\0__warden\0"));
    pids.into_iter().filter(is_warden).filter_map(Pid::from_raw).collect()
}

#[test]
fn a_termination_stops_at_once() {
    let slow = Slow::new("");
    let mut live = slow.start();
    slow.bell.rings();
    live.signal(Signal::TERM);
    live.until("stopping");
    live.end().exits(130);
    slow.lifeline.is_let_go();
    slow.goes_on();
}

#[test]
fn a_terminal_that_is_closed_stops_nothing() {
    let slow = Slow::new("");
    let live = slow.start();
    slow.bell.rings();
    live.signal(Signal::HUP);
    slow.open();
    live.end().exits(0);
    assert_eq!(slow.times("1 implementation 1"), 1);
}

#[test]
fn a_kill_in_a_drain_goes_on_without_being_asked_twice() {
    let slow = Slow::new("");
    let mut live = slow.start();
    slow.bell.rings();
    live.interrupt();
    live.until("draining");
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    slow.goes_on();
}

#[test]
fn a_lock_that_a_killed_git_left_is_taken_away() {
    let slow = Slow::new("");
    let live = slow.start();
    slow.bell.rings();
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    let run = slow.space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate/**/integration"]);
    let locks = [format!("{run}.lock"), format!("refs/heads/{BRANCH}.lock")];
    for lock in &locks {
        let path = slow.space.repo().join(".git").join(lock);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
    }
    slow.goes_on();
    assert!(locks.iter().all(|lock| !slow.space.repo().join(".git").join(lock).exists()));
}

#[test]
fn what_a_killed_run_was_at_is_kept_by_a_ref_before_it_is_done_again() {
    let slow = Slow::new("echo half > half");
    let live = slow.start();
    slow.bell.rings();
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    slow.goes_on();
    let kept = slow.space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate/**/*-before"]);
    assert_eq!(slow.space.on(&kept, "half"), "half", "{kept:?}");
}
