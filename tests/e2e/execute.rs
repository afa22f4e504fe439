//! Whole runs with scripts of milliseconds: what lands, what fails, what goes on.

use crate::space::{Space, tier};
use std::{fs, os::unix::fs::PermissionsExt};

/// One task that writes a file of its own name.
pub fn task(number: u32, title: &str, dependencies: &str, script: &str) -> String {
    let script = script.replace('\n', "\n   ");
    format!(
        "{number}. **{title}**\n\n   - Objective: {title}\n   - Test Requirements: None, it is a script\n   - \
         Dependencies: {dependencies}\n\n   ```sh role=implementation\n   {script}\n   ```\n\n"
    )
}

/// Two streams: 1 and 2 on A, 3 (on 1) on B.
pub fn two_streams(scripts: [&str; 3]) -> String {
    format!(
        "# Two Streams\n\n### Stream A: Left (Parallel)\n\n{}{}### Stream B: Right\n\n{}## Quality Gates\n\n\
         - **Gate 1**: All tests pass (after Stream A)\n- **Gate 2**: All tests pass (after Stream B)\n",
        task(1, "First", "None", scripts[0]),
        task(2, "Second", "None", scripts[1]),
        task(3, "Third", "Task 1 complete", scripts[2]),
    )
}

#[test]
fn every_task_lands_as_one_commit_with_its_trailers_and_the_users_tree_is_left_alone() {
    let space = Space::plain();
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    space.write("mine.txt", "not committed\n");
    let before = (space.git(&["rev-parse", "HEAD"]), space.git(&["symbolic-ref", "HEAD"]));
    space.execute("two").exits(0).says(&[
        "git merge tidegate/two/integration",
        "mine.txt",
        &format!("sandbox: {}", tier()),
    ]);
    let mut subjects = space.subjects("tidegate/two/integration");
    let place = |title: &str| subjects.iter().position(|subject| subject == title);
    assert!(place("First") < place("Third"), "{subjects:?}");
    subjects.sort();
    assert_eq!(subjects, ["First", "Second", "Third"]);
    assert_eq!(space.on("tidegate/two/integration", "three"), "1");
    let trailers = space.git(&[
        "log",
        "--format=%(trailers:key=Tidegate-Task,valueonly,separator=%x2C)%x2C%an",
        "main..tidegate/two/integration",
    ]);
    assert!(trailers.lines().all(|line| line.ends_with(",Ada")), "{trailers}");
    assert_eq!(before, (space.git(&["rev-parse", "HEAD"]), space.git(&["symbolic-ref", "HEAD"])));
    assert_eq!(space.git(&["status", "--porcelain"]), "?? mine.txt\n?? notes/");
    assert!(space.read("notes/two/execution-status.md").contains("100"));
    space.git(&["merge", "-q", "tidegate/two/integration"]);
    assert_eq!(space.read("three"), "1\n");
}

#[test]
fn a_failed_task_blocks_its_dependents_only_and_a_retry_goes_on() {
    let space = Space::plain().open();
    let gate = space.beside("open");
    let first = format!("test -e {} || {{ echo the lock is missing; exit 3; }}\necho 1 > one", gate.display());
    space.topic("two", &two_streams([&first, "echo 2 > two", "cat one > three"]));
    space.execute("two").exits(1).says(&["the lock is missing", "tidegate retry two 1", "blocked"]);
    assert_eq!(space.subjects("tidegate/two/integration"), ["Second"]);
    space.run(&["why", "two", "3"]).exits(0).says(&["1"]);
    space.run(&["why", "two", "1"]).exits(0).says(&["the lock is missing"]);
    space.run(&["logs", "two", "1"]).exits(0).says(&["the lock is missing"]);
    space.execute("two").exits(1);
    fs::write(gate, "").unwrap();
    space.run(&["retry", "two", "1"]).exits(0);
    space.execute("two").exits(0);
    assert_eq!(space.subjects("tidegate/two/integration"), ["Second", "First", "Third"]);
    space.run(&["status", "two"]).exits(0).says(&["Second", "done"]);
}

#[test]
fn a_finished_run_has_nothing_left_to_do() {
    let space = Space::plain().open();
    let log = space.beside("log");
    let script = |name: &str| format!("echo {name} >> {}\necho {name} > {name}", log.display());
    space.topic("two", &two_streams([&script("a"), &script("b"), &script("c")]));
    space.execute("two").exits(0);
    space.execute("two").exits(0);
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 3, "no script ran twice");
}

#[test]
fn the_tries_of_a_script_are_its_blocks_in_order_and_it_reads_what_was_wrong() {
    let space = Space::plain();
    space.write(
        "tidegate.toml",
        "[checks]\ntask = [\"test ! -e file || grep -q good file\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n",
    );
    space.commit("Check");
    let breakdown = "# Tries\n\n### Stream A: One\n\n1. **Try**\n\n   - Test Requirements: None\n\n   \
        ```sh role=implementation\n   test \"$TIDEGATE_ATTEMPT\" = 1\n   test ! -s \"$TIDEGATE_FEEDBACK\"\n   echo bad > file\n   ```\n\n   \
        ```sh role=implementation\n   test \"$TIDEGATE_ATTEMPT\" = 2\n   grep -q 'grep -q good' \"$TIDEGATE_FEEDBACK\"\n   echo good > file\n   ```\n";
    space.topic("tries", breakdown);
    space.execute("tries").exits(0);
    assert_eq!(space.on("tidegate/tries/integration", "file"), "good");
}

#[test]
fn an_implementation_contests_a_sealed_test_and_the_test_developer_mends_it() {
    let space = Space::crate_named("toy");
    let breakdown = "# Contest\n\n### Stream A: One\n\n1. **Sum**\n\n   - Test Requirements: The sum of two numbers\n\n   \
        ```sh role=test-developer\n   printf '#[test]\\nfn adds() {\\n    assert_eq!(toy::sum(1, 2), 4);\\n}\\n' > tests/sum.rs\n   ```\n\n   \
        ```sh role=test-developer\n   grep -q 'one and two are three' \"$TIDEGATE_FEEDBACK\"\n   printf '#[test]\\nfn adds() {\\n    assert_eq!(toy::sum(1, 2), 3);\\n}\\n' > tests/sum.rs\n   ```\n\n   \
        ```sh role=implementation\n   echo 'one and two are three' > \"$TIDEGATE_CONTEST\"\n   ```\n\n   \
        ```sh role=implementation\n   printf '\\npub fn sum(a: u32, b: u32) -> u32 {\\n    a + b\\n}\\n' >> src/lib.rs\n   ```\n";
    space.topic("contest", breakdown);
    space.execute("contest").exits(0).says(&["contests a sealed test"]);
    assert!(space.on("tidegate/contest/integration", "tests/sum.rs").contains("3"));
}

#[test]
fn landings_are_signed_as_the_user_signs_and_a_run_that_cannot_sign_does_not_begin() {
    let space = Space::plain().open();
    space.write("tidegate.toml", &format!("{}[commit]\nsign = true\n", space.read("tidegate.toml")));
    space.commit("Sign");
    space.topic("two", &two_streams(["echo 1 > one", "echo 2 > two", "cat one > three"]));
    let gpg = space.beside("gpg");
    let signs = |script: &str| {
        fs::write(&gpg, format!("#!/bin/sh\ncat > /dev/null\n{script}\n")).unwrap();
        fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
    };
    space.git(&["config", "gpg.program", &gpg.display().to_string()]);
    signs("echo 'no secret key' >&2\nexit 2");
    space.execute("two").exits(3).says(&["commits cannot be signed", "no secret key", "git commit -S"]);
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
    signs(
        "echo '[GNUPG:] SIG_CREATED ' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\nours\\n-----END PGP SIGNATURE-----\\n'",
    );
    space.execute("two").exits(0);
    let landed = space.git(&["rev-list", "main..tidegate/two/integration"]);
    assert_eq!(landed.lines().count(), 3);
    for commit in landed.lines() {
        let text = space.git(&["cat-file", "commit", commit]);
        assert!(text.contains("gpgsig -----BEGIN PGP SIGNATURE-----\n ours\n"), "{text}");
    }
}
