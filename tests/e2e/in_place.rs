//! In place: mechanical work in the user's own working tree, without a clone, a gate of its own and a merge.

use crate::{execute::two_streams, space::Space};

/// Where scripts work in place; the streams and the whole are checked by a command.
fn space(scripts: [&str; 3]) -> Space {
    let space = Space::plain();
    space.write(
        "tidegate.toml",
        "[workspace]\nmode = \"in-place\"\n[checks]\nstream = [\"test -e one\"]\nsystem = [\"test -e three\"]\n[attempts]\ntries = 2\n\
         lives = 1\n",
    );
    space.commit("Work in place");
    space.topic("two", &two_streams(scripts));
    space
}

#[test]
fn scripts_work_where_the_repository_is_in_the_order_of_the_plan_and_nothing_is_committed() {
    let space =
        space(["echo 1 > one", "echo 2 > two", "cat one > three; echo \"$TIDEGATE_TASK $TIDEGATE_ATTEMPT\" >> three"]);
    space.write("two", "not committed\n");
    let said = space.execute("two").exits(0);
    said.says(&[
        "in place: scripts work in this working tree",
        "done, every gate passed",
        "nothing was cloned, committed or merged",
    ])
    .lacks(&["git merge", "left out"]);
    assert_eq!((space.read("three"), space.read("two")), ("1\n3 1\n".into(), "2\n".into()));
    assert_eq!(space.git(&["log", "--format=%s", "-1"]), "Work in place");
    assert_eq!(space.git(&["for-each-ref", "refs/tidegate", "refs/heads/tidegate"]), "");
    assert!(space.report("two").contains("done in place"), "{}", space.report("two"));
    space.run(&["logs", "two", "3"]).exits(0);
    space.execute("two").exits(0).says(&["done, every gate passed"]);
    assert_eq!(space.read("three"), "1\n3 1\n", "what is done is not done again");
}

#[test]
fn a_script_that_fails_is_tried_again_and_given_back_and_a_gate_that_does_not_hold_is_told() {
    let space =
        space(["test \"$TIDEGATE_ATTEMPT\" = 2 && echo 1 > one", "echo 'no luck' >&2; exit 3", "cat one > three"]);
    let said = space.execute("two").exits(1);
    said.says(&["no luck", "exit code 3", "tidegate retry two 2"]);
    assert_eq!(space.read("three"), "1\n");
    space.topic("two", &two_streams(["test -e one || exit 1", "rm one", "true"]));
    space.run(&["retry", "two", "2"]).exits(0);
    space.execute("two").exits(1).says(&["test -e one", "exited with 1"]);
}

#[test]
fn what_needs_more_than_a_script_is_refused_with_its_line() {
    let space = space(["echo 1 > one", "", "cat one > three"]);
    let breakdown = space.read("notes/two/breakdown.md").replacen("role=implementation", "role=reviewer", 1);
    space.topic("two", &breakdown);
    let said = space.execute("two").exits(2);
    said.says(&["task 1 has no script, and tasks are done in place", "sh role=implementation"]);
    assert!(!space.repo().join(".git/tidegate/runs").exists(), "a refusal leaves nothing behind");
}
