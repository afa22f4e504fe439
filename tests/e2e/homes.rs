//! Homes of agents: they are there for as long as somebody may go on with what is in them, and no longer.

use crate::{
    breakdown::{Task, stream},
    claude,
    space::Space,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is below a folder, by name.
fn below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

/// The folder of all homes of the only repository.
fn homes(space: &Space) -> PathBuf {
    let state = space.beside("state/tidegate");
    let all: Vec<PathBuf> = below(&state).iter().map(|name| state.join(name).join("homes")).collect();
    all.into_iter().find(|homes| homes.is_dir()).expect("there are homes")
}

#[test]
fn the_homes_of_a_run_stay_while_it_can_be_gone_on_with_and_go_when_it_is_done() {
    let space = Space::plain();
    let go = space.beside("go");
    fs::create_dir(&go).expect("a folder");
    let config = format!(
        "{}[agents]\nbackend = \"claude\"\n[review]\nreviewers = []\n[attempts]\ntries = 1\nlives = 1\n[sandbox]\nreadable = [{go:?}]\n",
        space.read("tidegate.toml")
    );
    space.write("tidegate.toml", &config);
    space.commit("Have an agent");
    let work = format!(
        "mkdir -p ~/shut/in && echo 1 > ~/shut/in/one && chmod 500 ~/shut/in ~/shut\ntest -e {}/on || exit 1\necho 1 > one",
        go.display()
    );
    claude::install(&space, &work);
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None")], "All tests pass"));
    claude::run(&space, &["execute", "one", "--plain"]).exits(1);
    let homes = homes(&space);
    let [run] = &below(&homes)[..] else { panic!("one run: {:?}", below(&homes)) };
    let of_task = homes.join(run).join(&below(&homes.join(run))[0]);
    assert!(
        of_task.join("implement/shut/in/one").is_file(),
        "a person may have it tried again: {:?} {:?}",
        of_task,
        below(&of_task)
    );
    let other = if run.ends_with('0') { "1" } else { "0" };
    let older = homes.join(format!("{}{other}", &run[..run.len() - 1]));
    for folder in [&older, &homes.join("strange")] {
        fs::create_dir_all(folder.join("1/implement")).expect("a folder");
    }
    fs::write(go.join("on"), "").expect("a file");
    claude::run(&space, &["retry", "one", "1"]).exits(0);
    claude::run(&space, &["execute", "one", "--plain"]).exits(0);
    assert_eq!(below(&homes), ["strange"]);
}
