//! Other terminals while a run lives: a second execution, the status, orders that are taken at once, and documents that are edited.

use super::{
    live::{Live, run},
    space::Space,
    tide::landed,
    trace::Bell,
};
use std::{fs, path::PathBuf};

const BRANCH: &str = "tidegate/two/integration";

/// Task 1 on stream A, which fails until `mended` is there; task 2 on stream B, which waits until `gate` is. A person has to say that
/// stream A is good.
struct Two {
    space: Space,
    bell: Bell,
    mended: PathBuf,
    gate: PathBuf,
}

impl Two {
    fn new() -> Two {
        let space = Space::plain().open();
        let (bell, mended, gate) = (Bell::at(space.beside("bell")), space.beside("mended"), space.beside("gate"));
        let two = Two { space, bell, mended, gate };
        two.space.topic("two", &two.breakdown("The owner of the shop likes what she sees"));
        two
    }

    fn breakdown(&self, criterion: &str) -> String {
        let bell = self.bell.script();
        let task = |number: u32, title: &str, script: &str| {
            format!(
                "{number}. **{title}**\n\n   - Test Requirements: None\n   - Dependencies: None\n\n   \
                 ```sh role=implementation\n   {script}\n   ```\n\n"
            )
        };
        let first = format!("test -e {} || exit 3\n   echo 1 > one", self.mended.display());
        let second = format!("{bell}   until [ -e {} ]; do sleep 0.01; done\n   echo 2 > two", self.gate.display());
        format!(
            "# Two\n\n### Stream A: Left (Parallel)\n\n{}### Stream B: Right (Parallel)\n\n{}## Quality Gates\n\n\
             - **Gate 1**: {criterion} (after Stream A)\n",
            task(1, "First", &first),
            task(2, "Second", &second),
        )
    }

    fn start(&self) -> Live {
        let live = Live::start(self.space.tidegate(&["execute", "two", "--plain"]));
        self.bell.rings();
        live
    }

    fn open(&self) {
        fs::write(&self.gate, "").unwrap();
    }
}

#[test]
fn a_second_execution_says_who_has_the_run_and_how_to_watch_it() {
    let two = Two::new();
    fs::write(&two.mended, "").unwrap();
    let live = two.start();
    let pid = format!("process {}", live.id());
    two.space.execute("two").exits(3).says(&[&pid, "tidegate status two"]);
    two.space.run(&["status", "two"]).exits(0).says(&["2 Second: implements", &pid]);
    two.space.topic("other", &two.breakdown("All tests pass"));
    two.space.execute("other").exits(3).says(&[&pid, "executes two in this repository, which takes one run at a time"]);
    two.open();
    live.end().exits(1);
    assert_eq!(landed(&two.space, BRANCH), ["1", "2"]);
}

#[test]
fn orders_from_another_terminal_are_taken_by_the_run_that_lives() {
    let two = Two::new();
    let mut live = two.start();
    live.until("failed in implement after 3 tries");
    fs::write(&two.mended, "").unwrap();
    two.space.run(&["retry", "two", "1"]).exits(0).says(&["taken: the run goes on with it"]);
    live.until("landed as");
    live.until("held, waits for your word: The owner of the shop");
    two.space.run(&["approve", "two", "stream:A"]).exits(0);
    live.until("opens");
    two.open();
    live.end().exits(0);
    assert_eq!(landed(&two.space, BRANCH), ["1", "2"]);
}

#[test]
fn documents_that_were_edited_while_it_ran_are_taken_in_when_it_goes_on() {
    let two = Two::new();
    fs::write(&two.mended, "").unwrap();
    let live = two.start();
    two.space.topic("two", &two.breakdown("Everybody likes it"));
    live.signal(rustix::process::Signal::KILL);
    assert!(live.end().was_killed());
    two.open();
    let gone = run(two.space.tidegate(&["execute", "two", "--plain"]));
    assert!(gone.err.contains("the breakdown was edited: taken in"), "{}", gone.all());
    assert_eq!(landed(&two.space, BRANCH), ["1", "2"]);
    let gone = gone.exits(1);
    assert!(gone.out.contains("Everybody likes it"), "it goes by what was written: {}", gone.all());
    assert!(!gone.out.contains("The owner of the shop"), "what was taken out is asked of nobody: {}", gone.all());
}
