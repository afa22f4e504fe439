//! The built-in sample with other ids and one script that fails: what hangs on it is blocked, and all else lands.

use super::{live::run, space::Space, tide::landed};
use std::{fs, path::Path};

const BRANCH: &str = "tidegate/chat-system/integration";

/// The breakdown of the sample, with tasks 1 to 8 called 11 to 18 wherever they are named.
fn renumbered(breakdown: &str) -> String {
    let mut is_script = false;
    let lines = breakdown.lines().map(|line| {
        is_script ^= line.trim_start().starts_with("```");
        let is_title = line.split_once(". **").is_some_and(|(id, _)| id.parse::<u32>().is_ok());
        let is_reference = line.contains("Dependencies: Task") || line.contains("(Depends on A1, B3)");
        if !is_script && (is_title || is_reference) { ten_more(line) } else { line.to_owned() }
    });
    lines.map(|line| line + "\n").collect()
}

/// The line with every number in it ten higher.
fn ten_more(line: &str) -> String {
    line.chars().map(|c| if c.is_ascii_digit() { format!("1{c}") } else { c.to_string() }).collect()
}

/// The sample's seed in a repository of its own, and its notes with this breakdown.
fn sample(breakdown: &str) -> Space {
    let space = Space::empty();
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("breakdowns/chat-system/seed");
    for file in [".gitignore", "Cargo.toml", "Cargo.lock", "README.md", "src/lib.rs"] {
        space.write(file, &fs::read_to_string(seed.join(file)).unwrap());
    }
    space.commit("Begin the chat crate");
    space.topic("chat-system", breakdown);
    space
}

#[test]
fn one_script_of_the_renumbered_sample_fails_and_only_what_hangs_on_it_is_blocked() {
    let breakdown = renumbered(include_str!("../../breakdowns/chat-system/breakdown.md"));
    for changed in ["11. **Message Store**", "18. **", "Tasks 12, 14, 15 complete", "(Depends on A11, B13)"] {
        assert!(breakdown.contains(changed), "{changed:?} is not in the renumbered sample");
    }
    let working = "echo \"names by id, ids by lower-case name\"";
    assert_eq!(breakdown.matches(working).count(), 1, "the script that is to fail was not found");
    let breakdown = breakdown.replace(working, "echo 'the registry is on fire' >&2\n   exit 9");
    let space = sample(&breakdown);
    let gone = run(space.tidegate(&["execute", "chat-system", "--plain"])).exits(1);
    assert_eq!(landed(&space, BRANCH), ["11", "13", "14", "15"]);
    let report = space.read("notes/chat-system/report.md");
    for told in [&gone.out, &report] {
        for words in ["the registry is on fire", "tidegate retry chat-system 12", "blocked by 12"] {
            assert!(told.contains(words), "{words:?} is not said:\n{told}");
        }
    }
    for (task, title) in [("16", "Persistence with Broadcast"), ("17", "Presence"), ("18", "History and Pagination")] {
        assert!(gone.out.contains(&format!("- {task} {title}: blocked by 12")), "{}", gone.all());
    }
    space.run(&["why", "chat-system", "18"]).exits(0).says(&["12"]);
    space.run(&["why", "chat-system", "12"]).exits(0).says(&["exit code 9", "tidegate retry chat-system 12"]);
    space.run(&["logs", "chat-system", "12"]).exits(0).says(&["the registry is on fire"]);
}
