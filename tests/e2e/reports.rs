//! What the end of a run says is true: of where the result is, and of what was done.

use crate::{
    breakdown::{Task, stream},
    execute::two_streams,
    space::{Space, said},
};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

const SCRIPTS: [&str; 3] = ["echo 1 > one", "echo 2 > two", "cat one > three"];

#[test]
fn the_report_names_what_holds_the_whole_result_where_the_branch_does_not() {
    let space = Space::strict().open();
    let gate = space.beside("open");
    let first = format!("test -e {}\necho 1 > one", gate.display());
    space.topic("two", &two_streams([&first, SCRIPTS[1], SCRIPTS[2]]));
    space.execute("two").exits(1).says(&["The result is on tidegate/two/integration."]);
    space.git(&["checkout", "-q", "tidegate/two/integration"]);
    std::fs::write(gate, "").unwrap();
    space.run(&["retry", "two", "1"]).exits(0);
    let said = space.execute("two").exits(0).says(&["tidegate/two/integration is checked out in", "was not moved"]);
    let whole = said.all().lines().find_map(|line| line.trim().strip_prefix("git merge ").map(str::to_owned)).unwrap();
    assert!(whole.starts_with("refs/tidegate/two-"), "{whole}");
    space.git(&["checkout", "-q", "main"]);
    space.git(&["merge", "-q", &whole]);
    assert_eq!([space.read("one"), space.read("two"), space.read("three")].concat(), "1\n2\n1\n");
    let again = space.execute("two").exits(0).lacks(&["was not moved"]);
    again.says(&["The result is on tidegate/two/integration, and HEAD has it already."]);
}

#[test]
fn a_branch_that_cannot_come_into_being_is_not_named_as_the_result() {
    let space = Space::strict();
    space.topic("two", &two_streams(SCRIPTS));
    space.git(&["branch", "tidegate/two", "main"]);
    space
        .execute("two")
        .exits(0)
        .says(&["git merge refs/tidegate/two-", "tidegate/two/integration could not be moved"])
        .lacks(&["git merge tidegate/two/integration"]);
}

#[test]
fn a_result_that_git_has_cleared_away_is_said_to_be_gone() {
    let space = Space::strict();
    space.topic("two", &two_streams(SCRIPTS));
    space.execute("two").exits(0);
    let tip = space.git(&["rev-parse", "tidegate/two/integration"]);
    for name in space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate", "refs/heads/tidegate"]).lines() {
        space.git(&["update-ref", "-d", name]);
    }
    space.execute("two").exits(0).says(&["The result is on tidegate/two/integration."]);
    space.git(&["update-ref", "-d", "refs/heads/tidegate/two/integration"]);
    space.git(&["reflog", "expire", "--expire=now", "--all"]);
    space.git(&["gc", "-q", "--prune=now"]);
    let said = space.execute("two").exits(0).says(&["The result is gone", &tip]).lacks(&["git merge"]);
    let remove = said.out.lines().find_map(|line| line.trim().strip_prefix("rm -r ")).unwrap();
    std::fs::remove_dir_all(remove).unwrap();
    space.execute("two").exits(0).says(&["git merge tidegate/two/integration"]);
}

#[test]
fn a_run_that_was_killed_is_told_as_one_that_stands_still() {
    let space = Space::strict();
    space.topic("two", &two_streams(SCRIPTS));
    let mut execute = space.tidegate(&["execute", "two", "--plain"]);
    execute.env("TIDEGATE_FAILPOINT", "before-implement:2");
    assert_eq!(said(&execute.output().unwrap()).code, -1, "it was killed");
    space
        .run(&["status", "two"])
        .exits(0)
        .says(&["stopped: nobody executes it now", "Running jobs: 0", "2 begun", "ready for implement"])
        .says(&["you: let it go on, nobody executes it now tidegate execute two"])
        .lacks(&[", goes", "at work", "implements, ", "runs for"]);
    space
        .run(&["why", "two", "2"])
        .exits(0)
        .says(&["ready; implement is next", "nobody executes the run now; to go on: tidegate execute two"])
        .lacks(&["it is being implemented"]);
    space.execute("two").exits(0);
    space.run(&["status", "two"]).exits(0).says(&["done, every gate passed"]).lacks(&["you: "]);
    space.run(&["why", "two", "2"]).exits(0).lacks(&["nobody executes"]);
}

#[test]
fn a_run_that_was_interrupted_is_told_as_one_that_stands_still() {
    let space = Space::strict().open();
    let (begun, gate) = (space.beside("begun"), space.beside("gate"));
    for fifo in [&begun, &gate] {
        assert!(space.command("mkfifo").arg(fifo).status().unwrap().success());
    }
    let first = format!("echo > {}\nread -r word < {}\necho 1 > one", begun.display(), gate.display());
    space.topic("two", &two_streams([&first, SCRIPTS[1], SCRIPTS[2]]));
    let mut execute = space.tidegate(&["execute", "two", "--plain", "-j", "1"]);
    let mut child = execute.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::fs::read(&begun).unwrap();
    assert!(space.command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("draining")));
    std::fs::write(&gate, "\n").unwrap();
    assert_eq!(lines.map_while(Result::ok).filter(|line| line.contains("interrupted")).count(), 1);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let stands = ["stopped: nobody executes it now", "you: let it go on", "tidegate execute two"];
    space.run(&["status", "two"]).exits(0).says(&stands).lacks(&["paused,", "at work"]);
    let document = space.read("notes/two/execution-status.md");
    assert!(stands.iter().all(|words| document.contains(words)), "{document}");
    space.execute("two").exits(0);
}

#[test]
fn of_many_that_block_a_gate_the_first_are_named_and_the_rest_is_not_hidden() {
    let space = Space::strict();
    let tasks: Vec<Task> =
        ["exit 1"; 4].iter().map(|code| Task::new("T").field("Test Requirements: None").code(code)).collect();
    space.topic("four", &stream(&tasks, "All tests pass"));
    space.execute("four").exits(1).says(&["gate system: blocked by 1, 2, 3 and more"]);
    space.topic("three", &stream(&tasks[..3], "All tests pass"));
    space.execute("three").exits(1).says(&["gate system: blocked by 1, 2, 3"]).lacks(&["and more"]);
}

#[test]
fn sealed_files_are_counted_where_the_runner_gives_no_names() {
    let space = Space::strict();
    space.write(
        "tidegate.toml",
        "[checks]\ntask = [\"! test -e tests/a.sh || sh tests/a.sh\"]\nstream = [\"true\"]\nsystem = [\"true\"]\n",
    );
    space.commit("Check");
    let task = Task::new("A").field("Test Requirements: It is there");
    let tests = "mkdir tests\necho 'test -e a' > tests/a.sh";
    space.topic("a", &stream(&[task.tests(tests).code("echo 1 > a")], "All tests pass"));
    space.execute("a").exits(0).says(&["; 1 sealed"]);
    let told = "1 of 1 landed tasks had failing tests before their code; 1 test file sealed";
    space.run(&["status", "a"]).exits(0).says(&[told]);
}

#[test]
fn a_job_that_fell_over_since_git_could_not_be_run_says_why_it_could_not() {
    let space = Space::strict().open();
    let git = space.beside("bin/git");
    std::fs::create_dir(space.beside("bin")).unwrap();
    std::fs::write(&git, format!("#!/bin/sh\nPATH='{}' exec git \"$@\"\n", std::env::var("PATH").unwrap())).unwrap();
    std::fs::set_permissions(&git, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let breaks = format!("printf '#!/no/such/shell\\n' > {}\necho 1 > one", git.display());
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None").code(&breaks)], "All tests pass"));
    let path = format!("{}:{}", space.beside("bin").display(), std::env::var("PATH").unwrap());
    let mut execute = space.tidegate(&["execute", "one", "--plain"]);
    let said = said(&execute.env("PATH", path).output().unwrap());
    said.exits(1).says(&["git could not be run: No such file or directory"]);
}

#[test]
fn a_run_whose_journal_is_lost_is_not_begun_anew_in_silence() {
    let space = Space::strict();
    space.topic("two", &two_streams(SCRIPTS));
    space.execute("two").exits(0);
    let kept = space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate/**/integration"]);
    let run = kept.split('/').nth(2).unwrap();
    let folder = space.repo().join(".git/tidegate/runs").join(run);
    for lost in [std::fs::write(folder.join("journal.db"), ""), std::fs::remove_file(folder.join("journal.db"))] {
        lost.unwrap();
        let words = [&*format!("the run {run} has begun, and its journal is lost"), "then a new one begins", &kept];
        space.execute("two").exits(3).says(&words);
        space.run(&["status", "two"]).exits(3).says(&words);
    }
    std::fs::remove_dir_all(folder).unwrap();
    space.execute("two").exits(0);
    assert_ne!(space.git(&["for-each-ref", "--format=%(refname)", "refs/tidegate/**/integration"]), kept);
}

#[test]
fn why_a_task_failed_is_told_once_in_plain_text_and_without_the_checks_that_were_green() {
    let space = Space::strict();
    let conflict = "printf '<<<<<<< a\\n=======\\n>>>>>>> b\\n' > one\nprintf 'a\\000b' > two";
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None").code(conflict)], "All tests pass"));
    let report = space.execute("one").exits(1).says(&["one:1: a conflict marker"]).lacks(&["ended with 0"]);
    let why = space.run(&["why", "one", "1"]).exits(0).says(&["failed in verify after 1 try"]);
    for said in [&report.out, &why.out] {
        assert!(!said.contains("**"), "{said}");
    }
    assert!(!why.out.contains("exit 0"), "{}", why.all());
    assert_eq!(why.out.matches("found: one:1: a conflict marker").count(), 1, "{}", why.all());
    assert_eq!(why.out.matches("found: two is a binary").count(), 1, "{}", why.all());
}

#[test]
fn what_takes_too_long_is_told_with_its_limit_and_the_key_that_sets_it() {
    let space = Space::strict();
    let strict = space.read("tidegate.toml");
    space.write("tidegate.toml", &format!("{strict}[agents]\ntimeout = \"1s\"\n"));
    space.commit("Be quick");
    let forever = "tail -f /dev/null";
    space.topic("one", &stream(&[Task::new("One").field("Test Requirements: None").code(forever)], "All tests pass"));
    space.execute("one").exits(1).says(&["took longer than 1 s; `[agents] timeout` in tidegate.toml sets the limit"]);
    space.write(
        "tidegate.toml",
        &strict.replace("task = [\"true\"]", "timeout = \"1s\"\ntask = [\"test ! -e one || tail -f /dev/null\"]"),
    );
    space.commit("Be quick to check");
    space.topic(
        "two",
        &stream(&[Task::new("One").field("Test Requirements: None").code("echo 1 > one")], "All tests pass"),
    );
    space
        .execute("two")
        .exits(1)
        .says(&["it took longer than 1 s; `[checks] timeout` in tidegate.toml sets the limit"]);
}

#[test]
fn a_test_in_an_unknown_place_is_refused_with_the_key_that_makes_it_known() {
    let space = Space::strict();
    let task = Task::new("One").field("Test Requirements: It is there").tests("mkdir t\necho 'test -e a' > t/a.sh");
    space.topic("one", &stream(&[task.code("echo 1 > a")], "All tests pass"));
    space.execute("one").exits(1).says(&["t/a.sh is no test", "`[tests] paths` in tidegate.toml says where"]);
}
