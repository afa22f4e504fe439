//! The real sample, killed five times wherever it happens to be, and once while it is being made.

use super::{
    live::{Live, run},
    space::Space,
};
use rustix::process::Signal;
use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

const BRANCH: &str = "tidegate/chat-system/integration";
const KILLS: u32 = 5;
/// Lines of output between two kills, at most: a whole run says more than a hundred.
const LINES: u64 = 16;

/// Numbers that look like chance, and are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % most
    }
}

/// The sample, in a folder beside the scratch repository.
struct Demo {
    space: Space,
}

impl Demo {
    fn command(&self) -> Command {
        let mut command = self.space.tidegate(&["demo"]);
        command.arg(self.space.beside("demo")).arg("--plain");
        command
    }

    fn git(&self, args: &[&str]) -> String {
        let folder = self.space.beside("demo");
        let folder = folder.to_str().expect("the folder has a plain name");
        self.space.git(&[&["-C", folder], args].concat())
    }
}

#[test]
fn the_sample_survives_five_kills_wherever_they_come() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = std::env::var("SEED").map_or(now % 1_000_000, |seed| seed.parse().expect("SEED is a number"));
    let (mut chance, demo) = (Chance(seed), Demo { space: Space::empty() });
    let mut killed_after = Vec::new();
    for _ in 0..KILLS {
        let lines = 1 + chance.below(LINES);
        let mut live = Live::start(demo.command());
        for _ in 0..lines {
            assert!(live.line().is_some(), "SEED={seed}: it ended before its kill: {}", live.end().all());
        }
        live.signal(Signal::KILL);
        assert!(live.end().was_killed());
        killed_after.push(lines);
    }
    println!("SEED={seed}: killed after {killed_after:?} lines of output");
    let last = run(demo.command());
    assert_eq!(last.status.code(), Some(0), "SEED={seed}: {}", last.all());
    let labels = demo.git(&[
        "log",
        "--format=%(trailers:key=Tidegate-Task,valueonly,separator=%x2C)",
        &format!("main..{BRANCH}"),
    ]);
    let mut labels: Vec<&str> = labels.lines().collect();
    labels.sort_unstable();
    assert_eq!(labels, ["1", "2", "3", "4", "5", "6", "7", "8"], "SEED={seed}");
    let (from, to) = (demo.space.beside("demo"), demo.space.beside("taken"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    demo.space.git(&["clone", "-q", "--branch", BRANCH, from, to]);
    let mut tests = demo.space.command("cargo");
    tests.args(["test", "--quiet", "--manifest-path"]).arg(demo.space.beside("taken").join("Cargo.toml"));
    run(tests).exits(0);
}

#[test]
fn a_sample_whose_making_was_cut_off_is_made_anew() {
    let demo = Demo { space: Space::empty() };
    let folder = demo.space.beside("demo");
    for part in [".tidegate-demo", ".git/refs", "notes/chat-system"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    for part in ["Cargo.toml", "notes/chat-system/plan.md"] {
        fs::write(folder.join(part), "hal").unwrap();
    }
    let mut live = Live::start(demo.command());
    assert!(live.line().is_some());
    live.signal(Signal::KILL);
    assert!(live.end().was_killed());
    assert!(!folder.join(".tidegate-demo").exists());
    assert_eq!(demo.git(&["status", "--porcelain"]), "?? notes/");
    assert_eq!(demo.git(&["ls-files", "notes", ".tidegate-demo"]), "", "the notes are nobody's commit");
    assert!(demo.git(&["show", "HEAD:Cargo.toml"]).contains("[package]"));
}
