//! Runs that go on: of documents that were edited since, or that a person has acted on.

use crate::{
    execute::{task, two_streams},
    space::Space,
};
use std::path::Path;

/// Three scripts that each leave a line in the log beside their file.
fn logged(log: &Path) -> [String; 3] {
    ["one", "two", "three"].map(|name| format!("echo {name} >> {}\necho 1 > {name}", log.display()))
}

#[test]
fn an_edited_breakdown_is_taken_in_when_the_run_goes_on() {
    let space = Space::plain();
    space.topic("two", &two_streams(["exit 3", "echo 2 > two", "cat one > three"]));
    space.execute("two").exits(1);
    let edited = two_streams(["echo 1 > one", "echo too late > two", "cat one > three"]);
    let more = task(4, "Fourth", "Task 3 complete", "cat three > four");
    space.topic("two", &edited.replace("## Quality Gates", &format!("{more}## Quality Gates")));
    space.execute("two").exits(0).says(&["the breakdown was edited", "1, 4"]);
    assert_eq!(space.subjects("tidegate/two/integration"), ["Second", "First", "Third", "Fourth"]);
    assert_eq!(space.on("tidegate/two/integration", "two"), "2", "what has landed stays");
    space.run(&["why", "two", "1"]).exits(0).says(&["done"]);
}

#[test]
fn a_run_that_took_an_edit_in_and_is_done_has_nothing_left_to_do() {
    let space = Space::plain().open();
    let log = space.beside("log");
    let scripts = logged(&log);
    space.topic("two", &two_streams([&scripts[0], "exit 3", &scripts[2]]));
    space.execute("two").exits(1);
    space.topic("two", &two_streams([&scripts[0], &scripts[1], &scripts[2]]));
    space.execute("two").exits(0).says(&["the breakdown was edited", "3 tasks, 2 of them done", "at least 1 script "]);
    let tip = space.git(&["rev-parse", "tidegate/two/integration"]);
    let report = space.read("notes/two/report.md");
    assert!(report.contains("3 tasks have no tests of their own"), "{report}");
    space.execute("two").exits(0).lacks(&["the breakdown was edited"]);
    assert_eq!(space.read("notes/two/report.md"), report);
    assert_eq!(space.git(&["rev-parse", "tidegate/two/integration"]), tip);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "one\nthree\ntwo\n", "no script ran twice");
}

#[test]
fn a_run_that_is_done_goes_on_from_what_has_landed_when_its_breakdown_is_edited() {
    let space = Space::plain().open();
    let log = space.beside("log");
    let [one, two, three] = logged(&log);
    let breakdown = two_streams([&one, &two, &three]);
    space.topic("two", &breakdown);
    space.execute("two").exits(0);
    space.topic("two", &breakdown.replace("1. **First**", "1. [x] **First**"));
    space.execute("two").exits(0).lacks(&["the breakdown was edited"]);
    space.topic("two", &breakdown.replace("**First**", "**Primal**"));
    space.execute("two").exits(0).says(&["what is done stays as it was done", "of it now: 1."]).lacks(&["taken in"]);
    let fourth = task(4, "Fourth", "Task 3 complete", "cat three > four");
    space.topic("two", &breakdown.replace("## Quality Gates", &format!("{fourth}## Quality Gates")));
    space.execute("two").exits(0).says(&["4 tasks, 3 of them done", "gates that are asked anew: stream:B, system"]);
    assert_eq!(space.subjects("tidegate/two/integration").len(), 4);
    assert_eq!(space.on("tidegate/two/integration", "four"), "1");
    assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 3, "no script ran twice");
    space.run(&["status", "two"]).exits(0).says(&["2/2 done", "Gates passed: 3 of 3"]);
}

#[test]
fn a_run_that_is_done_and_cannot_take_an_edit_in_gives_way_to_a_new_one_and_its_result_is_named() {
    let space = Space::plain();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space.execute("two").exits(0);
    let first = space.git(&["rev-parse", "tidegate/two/integration"]);
    let more = format!("### Stream C: More\n\n{}## Quality Gates", task(4, "Fourth", "None", "echo 4 > four"));
    let breakdown = two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]);
    space.topic("two", &breakdown.replace("## Quality Gates", &more));
    let said = space.execute("two").exits(0).says(&["the stream C is new", "a new run begins; what two-"]);
    let kept = said.err.split_whitespace().find(|word| word.starts_with("refs/tidegate/")).unwrap().to_owned();
    assert_eq!(space.git(&["rev-parse", &kept]), first);
    assert_eq!(space.on("tidegate/two/integration", "four"), "4");
}

#[test]
fn a_breakdown_that_is_faulty_is_refused_whether_its_run_is_done_or_not() {
    let space = Space::plain();
    for (topic, script, exit) in [("done", "echo 1 > one", 0), ("open", "exit 3", 1)] {
        let breakdown = two_streams([script, "echo 2 > two", "echo 3 > three"]);
        space.topic(topic, &breakdown);
        space.execute(topic).exits(exit);
        space.topic(topic, &breakdown.replace("Task 1 complete", "Task 99"));
        space.execute(topic).exits(2).says(&["there is no task 99"]).lacks(&["done, every gate passed"]);
        let untested = breakdown.replace("None, it is a script", "it counts to three");
        let untested = format!("{untested}\n### Stream B: Right\n");
        space.topic(
            topic,
            &untested.replace("```sh role=implementation\n   echo 3", "```sh role=test-developer\n   echo 3"),
        );
        // A run that cannot take it in goes on without what it asks for, and lacks nobody.
        let said = space.execute(topic);
        match exit {
            0 => said.exits(3).says(&["task 3 has no `implementation` script"]),
            _ => said.exits(exit).says(&["it goes on as it was planned"]).lacks(&["no agent can do it"]),
        };
        space.topic(topic, &breakdown);
        space.execute(topic).exits(exit);
    }
}

#[test]
fn a_gate_line_that_comes_later_is_asked_of_a_task_that_has_not_landed() {
    let space = Space::plain();
    let breakdown = two_streams(["exit 3", "echo 2 > two", "cat one > three"]);
    space.topic("two", &breakdown);
    space.execute("two").exits(1);
    let mended = breakdown.replace("exit 3", "echo 1 > one");
    space.topic("two", &format!("{mended}- **Gate 3**: Signed off by Ann (after Task 3)\n"));
    space.execute("two").exits(1).says(&["held for a person at task:3: Signed off by Ann", "tidegate approve two 3"]);
    assert_eq!(space.landed("two"), ["Second", "First"]);
    space.run(&["approve", "two", "3"]).exits(0);
    space.execute("two").exits(0).lacks(&["held for a person", "goes on by a person's word"]);
    assert_eq!(space.landed("two"), ["Second", "First", "Third"]);
}

#[test]
fn a_stream_that_no_longer_waits_for_another_does_not_wait() {
    let space = Space::plain();
    let breakdown = two_streams(["exit 3", "exit 3", "echo 3 > three"]).replace("Task 1 complete", "None");
    let waits = breakdown.replace("### Stream B: Right", "### Stream B: Right (depends on Stream A)");
    space.topic("two", &waits);
    space.execute("two").exits(1);
    assert!(space.landed("two").is_empty());
    space.topic("two", &breakdown);
    space.execute("two").exits(1);
    assert_eq!(space.landed("two"), ["Third"]);
}

#[test]
fn a_backend_that_was_out_of_order_is_tried_again_when_the_run_goes_on() {
    let space = Space::plain().open();
    let gate = space.beside("open");
    let first = format!("test -e {}\necho 1 > one", gate.display());
    space.topic("two", &two_streams([&first, "echo 2 > two", "cat one > three"]));
    space.execute("two").exits(1);
    std::fs::write(gate, "").unwrap();
    space.run(&["retry", "two", "1"]).exits(0);
    // A folder where the file has to be: as on a full disk, no script can be put down.
    let runs = space.repo().join(".git/tidegate/runs");
    let find = |folder: &Path, is_it: &dyn Fn(&Path) -> bool| {
        let mut entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| is_it(path)).unwrap()
    };
    let run = find(&runs, &|path| path.join("logs").is_dir());
    let logs = find(&run.join("logs"), &|path| path.file_name().unwrap().to_string_lossy().starts_with("1-"));
    let shut: Vec<_> = (0..100).map(|job| logs.join(format!("{job:05}-implement/script.sh"))).collect();
    let shut: Vec<_> = shut.into_iter().filter(|path| !path.exists()).collect();
    shut.iter().for_each(|path| std::fs::create_dir_all(path).unwrap());
    space.execute("two").exits(1).says(&["script waits for a person"]);
    shut.iter().for_each(|path| std::fs::remove_dir_all(path).unwrap());
    space.execute("two").exits(0).says(&["goes on by a person's word"]);
}

#[test]
fn what_another_run_left_when_it_was_killed_is_kept_by_a_ref_and_its_workspace_is_used_again() {
    let space = Space::plain().open();
    space.topic("one", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space.run(&["execute", "one", "-j", "1"]).exits(0);
    let state = space.beside("state/tidegate");
    let workspaces = || {
        let repos = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path().join("workspaces"));
        let all: Vec<_> =
            repos.flat_map(|dir| std::fs::read_dir(dir).unwrap()).map(|entry| entry.unwrap().path()).collect();
        all.into_iter().filter(|path| path.to_string_lossy().contains("agent-")).collect::<Vec<_>>()
    };
    // As a kill leaves them: leased, with half the work in them.
    let before = workspaces();
    for place in &before {
        let marker = std::fs::read_to_string(place.join("ready")).unwrap();
        assert!(marker.contains("\"is_leased\":false"), "{marker}");
        std::fs::write(place.join("ready"), marker.replace("\"is_leased\":false", "\"is_leased\":true")).unwrap();
        std::fs::write(place.join("tree/half"), "done\n").unwrap();
    }
    space.run(&["execute", "two", "-j", "1"]).exits(0);
    let kept = space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate"]);
    let kept: Vec<&str> = kept.lines().filter(|name| name.ends_with("/left")).collect();
    assert_eq!(kept.len(), before.len(), "{kept:?}");
    assert!(kept.iter().all(|name| name.contains("/one-") && space.on(name, "half") == "done"), "{kept:?}");
    assert_eq!(workspaces().len(), before.len());
}
