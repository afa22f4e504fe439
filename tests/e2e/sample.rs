//! Where `demo` makes the sample. Its whole run is in tests/crash; here it stops at a configuration that is not there.

use crate::space::{Said, Space, said};
use std::path::Path;

/// `demo` with these arguments, started beside the scratch repository; it ends once the sample is made.
fn demo(space: &Space, before: &[&str], after: &[&str]) -> Said {
    let mut command = space.tidegate(before);
    command.arg("demo").args(after).args(["--config", "none.toml"]).current_dir(space.beside(""));
    said(&command.output().expect("the binary runs"))
}

/// Demands that the sample is in this folder and that nothing else was made beside it.
#[track_caller]
fn is_made(space: &Space, said: Said, place: &str) {
    let said = said.exits(3).says(&["made a repository with the sample topic chat-system", "none.toml"]);
    let folder = space.beside(place);
    assert!(folder.join("notes/chat-system/breakdown.md").exists(), "{place}: {}", said.all());
    let within = ["tidegate-demo", "x", "a"].map(|name| folder.join(name));
    assert!(!within.iter().any(|path| path.exists()), "{place} was made within itself");
}

#[test]
fn the_sample_is_made_in_the_folder_that_was_named_and_found_there_again() {
    let space = Space::empty();
    is_made(&space, demo(&space, &[], &[]), "tidegate-demo");
    is_made(&space, demo(&space, &[], &["x"]), "x");
    is_made(&space, demo(&space, &[], &["a/b/c"]), "a/b/c");
    is_made(&space, demo(&space, &["-C", "home"], &["x"]), "home/x");
    is_made(&space, demo(&space, &[], &["-C", "state", "x"]), "state/x");
    let far = space.beside("far").display().to_string();
    is_made(&space, demo(&space, &["-C", "home"], &[&far]), "far");
    demo(&space, &[], &["x"]).exits(3).says(&["going on with the sample in"]);
}

#[test]
fn a_folder_that_holds_something_else_is_refused_and_left_alone() {
    let space = Space::empty();
    std::fs::create_dir(space.beside("full")).unwrap();
    std::fs::write(space.beside("full/mine"), "").unwrap();
    demo(&space, &[], &["full"]).exits(2).says(&["full is there already, and is not the sample", "tidegate demo DIR"]);
    let names =
        |path: &Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(&space.beside("full")), ["mine"]);
}
