//! Reviewers through the binary: what is an approval, and what is told of everything that is none.

use crate::{
    breakdown::{Task, stream},
    space::Space,
};

fn reviewed(reviewer: &str) -> String {
    let task = Task::new("One").field("Test Requirements: None").code("echo 1 > one").review(reviewer);
    stream(&[task], "All tests pass")
}

/// Demands that this reviewer's word lets nothing land, and that a person is told these words.
#[track_caller]
fn is_no_approval(reviewer: &str, words: &[&str]) {
    let space = Space::strict();
    space.topic("one", &reviewed(reviewer));
    space.execute("one").exits(1).says(words).says(&["tidegate retry one 1"]).lacks(&["approved by qa"]);
    assert!(space.landed("one").is_empty());
    space.run(&["why", "one", "1"]).exits(0).says(words);
}

#[test]
fn an_approval_of_this_patch_lets_it_land() {
    let space = Space::strict();
    space.topic("one", &reviewed("echo \"Fine.\"\necho '```json'\necho \"{\\\"verdict\\\": \\\"approve\\\", \\\"patch\\\": \\\"$TIDEGATE_PATCH\\\"}\"\necho '```'"));
    space.execute("one").exits(0).says(&["approved by qa", "approved by 1 reviewer"]);
    assert_eq!(space.landed("one"), ["One"]);
}

#[test]
fn a_reviewer_that_crashed_has_not_approved() {
    let words = "qa gave no verdict: the reviewer exited with 9";
    is_no_approval("echo '{\"verdict\": \"approve\"}'\necho out of ink >&2\nexit 9", &[words, "out of ink"]);
}

#[test]
fn a_reviewer_that_was_killed_has_not_approved() {
    is_no_approval("echo '{\"verdict\": \"approve\"}'\nkill -9 $$", &["crashed (137)"]);
}

#[test]
fn a_reviewer_that_says_nothing_has_not_approved() {
    is_no_approval("true", &["qa gave no verdict: the reviewer said nothing"]);
}

#[test]
fn a_reviewer_that_says_two_things_has_not_approved() {
    let words = "qa gave no verdict: two verdicts, and one of them does not approve";
    let script =
        "echo '{\"verdict\": \"request-changes\"}'\necho '```json'\necho '{\"verdict\": \"approve\"}'\necho '```'";
    let script = format!("echo First:\n{script}");
    is_no_approval(&script, &[words]);
}

#[test]
fn a_reviewer_that_approves_and_then_asks_for_changes_has_not_approved() {
    let script = "echo 'So {\"verdict\": \"approve\"}'\necho '```json'\necho '{\"verdict\": \"request-changes\", \"findings\": \
        [{\"severity\": \"blocker\", \"file\": \"one\", \"line\": 1, \"claim\": \"it is one too many\"}]}'\necho '```'";
    is_no_approval(script, &["one:1: it is one too many"]);
}

#[test]
fn an_approval_with_a_blocker_is_none() {
    let script =
        "echo '{\"verdict\": \"approve\", \"findings\": [{\"severity\": \"blocker\", \"claim\": \"it leaks\"}]}'";
    is_no_approval(script, &["it leaks"]);
}

#[test]
fn an_approval_of_another_patch_is_none() {
    let script = "echo '{\"verdict\": \"approve\", \"patch\": \"0123456789012345678901234567890123456789\"}'";
    is_no_approval(script, &["qa gave no verdict: the verdict is on another patch"]);
}

#[test]
fn an_unknown_severity_is_no_approval() {
    let script = "echo '{\"verdict\": \"approve\", \"findings\": [{\"severity\": \"meh\", \"claim\": \"x\"}]}'";
    is_no_approval(script, &["\"meh\" is no severity: write `blocker`, `concern`, `suggestion` or `praise`"]);
}

#[test]
fn an_unknown_verdict_is_no_approval_and_the_words_that_are_known_are_named() {
    let words = ["qa gave no verdict: \"APPROVE\" is no verdict: write `approve` or `request-changes`"];
    is_no_approval("echo '{\"verdict\": \"APPROVE\"}'", &words);
    is_no_approval("echo LGTM", &["its output is no verdict object, and no fenced JSON block with one ends it"]);
}

#[test]
fn a_blocker_goes_back_to_the_implementation_which_reads_it() {
    let space = Space::plain();
    let task = Task::new("One")
        .field("Test Requirements: None")
        .code("echo 1 > one")
        .code("grep -q 'it is too short' \"$TIDEGATE_FEEDBACK\"\necho 11 > one")
        .review("test \"$(cat one)\" = 11 && v=approve f= || v=request-changes f='{\"severity\": \"blocker\", \"claim\": \"it is too short\"}'\necho \"{\\\"verdict\\\": \\\"$v\\\", \\\"findings\\\": [$f]}\"");
    space.topic("one", &stream(&[task], "All tests pass"));
    space.execute("one").exits(0).says(&["sent back by qa: it is too short", "implements (try 2)", "approved by qa"]);
    assert_eq!(space.on("tidegate/one/integration", "one"), "11");
}
