//! Red through the binary: tests that fail for the right reason, and each wrong kind of red with what a person is told.

use crate::{
    breakdown::{Task, add, put, stream},
    space::{Said, Space},
};

const GATE: &str = "All tests pass";

/// A crate with a function that does nothing right yet, and what tests lean on.
fn toy() -> Space {
    Space::strict_crate(&[
        (
            "src/lib.rs",
            "//! A toy.\n\n/// Works.\npub fn old() -> u32 {\n    1\n}\n\n/// Does not double yet.\npub fn double(n: u32) -> u32 {\n    n\n}\n",
        ),
        (
            "tests/old.rs",
            "mod common;\nuse common::*;\nuse toy::*;\n\n#[test]\nfn the_old_still_works() {\n    assert_eq!(old(), one());\n    assert_eq!(std::fs::read_dir(\"tests/fixtures\").unwrap().count(), 1);\n}\n",
        ),
        ("tests/common/mod.rs", "//! What tests lean on.\n\npub fn one() -> u32 {\n    1\n}\n"),
        ("tests/fixtures/a.txt", "a\n"),
    ])
}

fn doubling(assertion: &str) -> String {
    put("tests/new.rs", &format!("#[test]\nfn it_doubles() {{\n    {assertion}\n}}"))
}

const RIGHT: &str = "sed -i '/yet/,$d' src/lib.rs\ncat >> src/lib.rs <<'END'\n/// Doubles.\npub fn double(n: u32) -> u32 {\n    2 * n\n}\n\n/// Triples.\npub fn triple(n: u32) -> u32 {\n    3 * n\n}\nEND\n";

/// Executes one task whose tests these are and whose code is right.
fn execute(space: &Space, tests: &str) -> Said {
    let task = Task::new("Double").field("Test Requirements: It doubles").tests(tests).code(RIGHT);
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy")
}

/// Executes it, and demands that it is refused at this gate with these words, told in full by `why`, and that nothing landed.
#[track_caller]
fn is_refused(tests: &str, words: &[&str]) {
    let space = toy();
    execute(&space, tests).exits(1).says(words).says(&["tidegate retry toy 1"]).lacks(&["implements"]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&words[1..]);
}

#[test]
fn a_test_that_fails_by_its_assertion_is_red_and_lands_with_its_code() {
    let space = toy();
    execute(&space, &doubling("assert_eq!(toy::double(2), 4);")).exits(0).says(&[
        "red: 1 of the new tests fail as they should: toy::new it_doubles; 1 sealed",
        "1 test red, then green",
    ]);
    assert_eq!(space.landed("toy"), ["Double"]);
    assert!(space.tree("toy").contains(&"tests/new.rs".to_owned()));
}

#[test]
fn a_test_that_needs_a_missing_symbol_is_red_and_lands_with_its_code() {
    let space = toy();
    execute(&space, &doubling("assert_eq!(toy::triple(2), 6);")).exits(0).says(&[
        "red: tests/new.rs:3 needs what is not there yet: E0425: cannot find function `triple` in crate `toy`; 1 sealed",
        "1 test red, then green",
    ]);
    assert_eq!(space.landed("toy"), ["Double"]);
}

#[test]
fn files_of_tests_without_a_test_are_no_red() {
    let words = "no test was added, and none that was there expects anything new";
    is_refused(&put("tests/common/two.rs", "pub fn two() -> u32 {\n    2\n}"), &["sent back by red", words]);
}

#[test]
fn a_test_developer_that_leaves_the_tree_as_it_was_has_written_no_test() {
    is_refused("true", &["sent back by tests", "no test was written: the tree is as it was"]);
}

#[test]
fn tests_that_pass_before_the_code_exists_are_no_red() {
    let words = "the new tests pass before the code exists: toy::new it_doubles";
    is_refused(&doubling("assert_eq!(toy::double(0), 0);"), &["sent back by red", words]);
}

#[test]
fn tests_with_a_syntax_error_are_no_red() {
    is_refused(
        &doubling("assert_eq!(toy::double(2), 4;"),
        &["sent back by red", "tests/new.rs:4: the tests do not parse: mismatched closing delimiter"],
    );
}

#[test]
fn a_build_that_fails_in_a_file_the_tests_did_not_change_is_no_red() {
    // The helper's new function makes a name of another test ambiguous.
    let tests =
        doubling("assert_eq!(toy::double(2), 4);") + &add("tests/common/mod.rs", "pub fn old() -> u32 {\n    1\n}");
    let words = "tests/old.rs:7: the build fails in a file that the tests did not change: E0659: `old` is ambiguous";
    is_refused(&tests, &["sent back by red", words]);
}

#[test]
fn an_error_that_no_code_to_come_can_cure_is_no_red() {
    let words = "tests/new.rs:3: no code to come can cure this error in the tests: E0382";
    is_refused(&doubling("let a = String::new(); drop(a); drop(a);"), &["sent back by red", words]);
}

#[test]
fn tests_that_make_other_tests_fail_are_no_red() {
    let tests = doubling("assert_eq!(toy::double(2), 4);") + &put("tests/fixtures/b.txt", "b");
    let words = "tests fail that are not the new ones: toy::old the_old_still_works";
    is_refused(&tests, &["sent back by red", words]);
}

#[test]
fn a_runner_that_did_not_run_is_no_red() {
    let tests = doubling("assert_eq!(toy::double(2), 4);")
        + &add("Cargo.toml", "\n[dev-dependencies]\ntidegate-no-such-crate = \"1\"");
    is_refused(&tests, &["sent back by red", "the tests did not run: error", "tidegate-no-such-crate"]);
}

#[test]
fn a_wrong_red_goes_back_with_its_reason_and_the_next_try_lands() {
    let space = toy();
    space.write("tidegate.toml", "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n");
    space.commit("Be patient");
    let reason = "grep -q 'pass before the code exists' \"$TIDEGATE_FEEDBACK\"\n";
    let task = Task::new("Double")
        .tests(&doubling("assert_eq!(toy::double(0), 0);"))
        .tests(&(reason.to_owned() + &doubling("assert_eq!(toy::double(2), 4);")))
        .code(RIGHT);
    space.topic("toy", &stream(&[task.field("Test Requirements: It doubles")], GATE));
    space.execute("toy").exits(0).says(&["writes tests (try 2)", "red: 1 of the new tests fail as they should"]);
    assert_eq!(space.landed("toy"), ["Double"]);
}
