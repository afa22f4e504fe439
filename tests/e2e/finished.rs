//! A run that is done, asked for again: what was told is told once more, and whatever has changed since is seen.

use crate::{execute::two_streams, space::Space};
use std::{os::unix::fs::MetadataExt, path::PathBuf};
use tidegate::{
    journal::{Folder, Inbox},
    run::{Order, Timestamp},
};

const SCRIPTS: [&str; 3] = ["echo 1 > one", "echo 2 > two", "cat one > three"];

/// A run that is done and was told twice.
fn told() -> Space {
    let space = Space::plain();
    space.topic("two", &two_streams(SCRIPTS));
    space.execute("two").exits(0);
    space.execute("two").exits(0);
    space
}

/// The file with what was told, which is made anew whenever the run is looked through.
fn kept(space: &Space) -> (PathBuf, u64) {
    let runs = std::fs::read_dir(space.repo().join(".git/tidegate/runs")).expect("there are runs");
    let files = runs.flatten().map(|run| run.path().join("told")).filter(|file| file.exists());
    let newest = files.max().expect("what was told is kept");
    let number = newest.metadata().expect("it is there").ino();
    (newest, number)
}

/// Whether the run was looked through, and not told as it was.
fn is_looked_through(space: &Space, ask: impl FnOnce(&Space)) -> bool {
    let (file, before) = kept(space);
    // While this one has it, no new file gets its number.
    let _held = std::fs::File::open(file).expect("it opens");
    ask(space);
    kept(space).1 != before
}

#[test]
fn what_was_told_is_told_again_without_a_look_at_the_journal() {
    let space = Space::plain();
    space.topic("two", &two_streams(SCRIPTS));
    space.execute("two").exits(0);
    let first = space.execute("two").exits(0);
    let report = space.report("two");
    std::fs::remove_file(space.repo().join("notes/two/report.md")).unwrap();
    let looked = is_looked_through(&space, |space| {
        let again = space.execute("two").exits(0);
        assert_eq!((again.out, again.err), (first.out.clone(), first.err.clone()));
    });
    assert!(!looked, "nothing has changed");
    assert_eq!(space.report("two"), report);
    space.run(&["execute", "two", "--dry-run"]).exits(0).says(&["done already", "nothing is left to do"]);
    let json = space.run(&["execute", "two", "--json"]).exits(0);
    json.says(&[r#""outcome":"done","tasks":3,"done":3,"place":"tidegate/two/integration""#]);
}

#[test]
fn a_document_a_journal_or_a_configuration_that_changed_has_the_run_looked_through() {
    let space = told();
    assert!(!is_looked_through(&space, |space| drop(space.execute("two").exits(0))), "nothing has changed");
    let research = space.read("notes/two/research.md");
    space.write("notes/two/research.md", &format!("{research}More.\n"));
    assert!(is_looked_through(&space, |space| drop(space.execute("two").exits(0))), "research");
    space.write("notes/two/tasks.md", "# Not the plan\n");
    assert!(is_looked_through(&space, |space| drop(space.execute("two").exits(0))), "another document beside it");
    let folder = Folder::at(kept(&space).0.parent().unwrap());
    Inbox::open(&folder).unwrap().send(Timestamp(1), &Order::Go).unwrap();
    assert!(is_looked_through(&space, |space| drop(space.execute("two").exits(0))), "an order");
    let config = space.read("tidegate.toml");
    space.write("tidegate.toml", &format!("{config}\n[effort]\nmedium = 50\n"));
    space.execute("two").exits(3).says(&["tidegate.toml differs from HEAD"]);
    space.write("tidegate.toml", &config);
    let (file, _) = kept(&space);
    let whole = std::fs::read(&file).unwrap();
    for damaged in [&whole[..0], &whole[..whole.len() / 2], b"{}\n", &[&whole[..], b"x"].concat()] {
        std::fs::write(&file, damaged).unwrap();
        space.execute("two").exits(0).says(&["done, every gate passed"]);
        assert_eq!(std::fs::read(&file).unwrap(), whole, "it is kept anew");
    }
}

#[test]
fn an_edited_breakdown_is_taken_in_and_a_faulty_one_refused_whatever_was_told_before() {
    let space = told();
    let edited = two_streams(["echo 1 > one", "echo 2 > two", "cat one one > three"]);
    space.topic("two", &edited.replace("Task 1 complete", "Task 99"));
    space.execute("two").exits(2).says(&["there is no task 99"]).lacks(&["every gate passed"]);
    let more = edited.replace("## Quality Gates", "4. **Fourth**\n   - Dependencies: None\n\n   ```sh role=implementation\n   echo 4 > four\n   ```\n\n## Quality Gates");
    space.topic("two", &more);
    space.execute("two").exits(0).says(&["4 Fourth"]);
    assert_eq!(space.on("tidegate/two/integration", "four"), "4");
    space.execute("two").exits(0).says(&["4 of 4 done"]);
    assert!(!is_looked_through(&space, |space| drop(space.execute("two").exits(0).says(&["4 of 4 done"]))));
}

#[test]
fn other_flags_and_another_branch_are_told_as_they_are_now() {
    let space = told();
    space.run(&["execute", "two", "-j", "3"]).exits(0).says(&["done, every gate passed"]);
    // Of a breakdown that has something to warn of.
    let breakdown = two_streams(SCRIPTS);
    space.topic("notes", breakdown.split("## Quality Gates").next().unwrap());
    space.execute("notes").exits(0);
    for _ in 0..2 {
        space.execute("notes").exits(0).says(&["no-quality-gates"]);
    }
    space.run(&["execute", "notes", "--strict"]).exits(3).says(&["with --strict a warning refuses the run"]);
    space.execute("notes").exits(0).says(&["no-quality-gates", "done, every gate passed"]);
    // The branch is made again where it is gone, and left where somebody moved it.
    let tip = space.git(&["rev-parse", "tidegate/two/integration"]);
    space.git(&["branch", "-qD", "tidegate/two/integration"]);
    let once = space.execute("two").exits(0);
    let moved = space.git(&["for-each-ref", "--format=%(objectname)", "refs/heads/tidegate/two/integration"]);
    assert!(moved.is_empty() || moved == tip, "{moved}");
    once.says(&["done, every gate passed"]);
    space.git(&["merge", "-q", &tip]);
    space.execute("two").exits(0).says(&["HEAD has it already"]);
}
