//! The seal and green through the binary: sealed tests that are tampered with, and test programs that lie.

use crate::{
    breakdown::{Task, put, stream},
    space::{Said, Space},
};

const GATE: &str = "All tests pass";
const TEST: &str = "#[test]\nfn the_new_is_two() {\n    assert_eq!(toy::new(), 2);\n}";
const NOTHING_CAN_HIDE: &str = "sealed tests fail: toy::new the_new_is_two";

/// A script that writes the library with a `new` of this body.
fn library(body: &str) -> String {
    let text = format!(
        "//! A toy.\n\n/// Works.\npub fn old() -> u32 {{\n    1\n}}\n\n/// New.\npub fn new() -> u32 {{\n    {body}\n}}"
    );
    put("src/lib.rs", &text)
}

/// A task with the sealed test and these tries of its implementation.
fn task(tries: &[String]) -> Task {
    let start = Task::new("New").field("Test Requirements: The new is two").tests(&put("tests/new.rs", TEST));
    tries.iter().fold(start, |task, script| task.code(script))
}

/// A patient crate: a task may be sent back twice.
fn patient() -> Space {
    let space = Space::strict_crate(&[]);
    space.write("tidegate.toml", "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n");
    space.commit("Be patient");
    space
}

/// The implementation first has wrong code and tampers with the sealed test so that it would pass, then right code and tampers
/// all the same. The first is refused, the second lands with the test as it was sealed; both are told.
#[track_caller]
fn tampering_is_undone(tamper: &str, told: &str) -> Space {
    let space = patient();
    let tries = [
        library("3") + tamper,
        "rm -f tests/new.rs\n".to_owned() + &put("tests/new.rs", TEST) + &library("2") + tamper,
    ];
    space.topic("toy", &stream(&[task(&tries)], GATE));
    let told = format!("the sealed file tests/new.rs {told}; it was restored");
    space.execute("toy").exits(0).says(&[
        &format!("sent back by verify: {NOTHING_CAN_HIDE} (and 1 more)"),
        "verified, 2 tests pass; 1 thing put right",
        &format!("a sealed test was changed, and restored: tests/new.rs: {told}"),
    ]);
    assert!(space.report("toy").contains("a sealed test was changed, and restored"), "{}", space.report("toy"));
    assert_eq!(space.landed("toy"), ["New"]);
    assert_eq!(space.on("tidegate/toy/integration", "tests/new.rs"), TEST);
    let entry = space.git(&["ls-tree", "tidegate/toy/integration", "tests/new.rs"]);
    assert!(entry.starts_with("100644 blob "), "{entry}");
    assert_eq!(
        space.tree("toy").iter().filter(|path| path.starts_with("tests/")).count(),
        2,
        "{:?}",
        space.tree("toy")
    );
    space
}

#[test]
fn a_sealed_test_that_was_edited_is_put_back() {
    tampering_is_undone("sed -i 's/assert_eq.*/let _ = toy::new();/' tests/new.rs\n", "was edited");
}

#[test]
fn a_sealed_test_that_was_deleted_is_put_back() {
    tampering_is_undone("rm tests/new.rs\n", "was deleted");
}

#[test]
fn a_sealed_test_that_was_renamed_is_put_back_and_its_copy_is_gone() {
    tampering_is_undone("mv tests/new.rs tests/new.rs.off\n", "was renamed to tests/new.rs.off");
}

#[test]
fn a_sealed_test_that_was_replaced_by_a_link_is_put_back() {
    tampering_is_undone("ln -sf old.rs tests/new.rs\n", "was replaced by a symbolic link");
}

#[test]
fn a_sealed_test_whose_mode_was_changed_has_its_mode_again() {
    tampering_is_undone("chmod +x tests/new.rs\n", "had its mode changed from 100644 to 100755");
}

#[test]
fn code_that_is_wrong_is_refused_though_its_sealed_test_was_tampered_with_and_nothing_lands() {
    let space = Space::strict_crate(&[]);
    let script = library("3") + "sed -i 's/, 2)/, 3)/' tests/new.rs\n";
    space.topic("toy", &stream(&[task(&[script])], GATE));
    space.execute("toy").exits(1).says(&[
        NOTHING_CAN_HIDE,
        "left: 3",
        "tests/new.rs: the sealed file tests/new.rs was edited; it was restored",
        "tidegate retry toy 1",
    ]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&[NOTHING_CAN_HIDE]);
}

#[test]
fn a_sealed_unit_test_is_put_back_within_its_file_and_the_code_beside_it_stays() {
    let space = Space::strict_crate(&[]);
    let module =
        "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn two() {\n        assert_eq!(super::new(), 2);\n    }\n}";
    let tests = format!("cat >> src/lib.rs <<'END'{module}\nEND\n");
    let weak = module.replace("assert_eq!(super::new(), 2)", "let _ = super::new()");
    let script = library("2") + &format!("cat >> src/lib.rs <<'END'{weak}\nEND\n");
    let task = Task::new("New").field("Test Requirements: Two").tests(&tests).code(&script);
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy").exits(0).says(&["the sealed file src/lib.rs was edited; it was restored"]);
    let text = space.on("tidegate/toy/integration", "src/lib.rs");
    assert!(text.contains("assert_eq!(super::new(), 2)") && text.contains("pub fn new() -> u32"), "{text}");
}

/// Lines as libtest prints them.
const FORGED: &str =
    "println!(\"\\nrunning 1 test\\ntest the_new_is_two ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored\");";

/// A crate with a test program that has a harness of its own and runs the library.
fn with_own_harness() -> Space {
    let manifest = "[package]\nname = \"toy\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[lib]\ndoctest = false\n\n\
        [[test]]\nname = \"own\"\nharness = false\n";
    Space::strict_crate(&[
        ("Cargo.toml", manifest),
        ("tests/own.rs", "fn main() {\n    assert_eq!(toy::old(), 1);\n}\n"),
    ])
}

fn executed(space: &Space, task: Task) -> Said {
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy")
}

#[test]
fn code_that_prints_a_passing_report_and_ends_the_test_program_is_refused() {
    let space = Space::strict_crate(&[]);
    let script = library(&format!("{FORGED}\n    std::process::exit(0)"));
    executed(&space, task(&[script])).exits(1).says(&["sent back by verify: the results are not all there"]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&["the results are not all there", "toy::new"]);
}

#[test]
fn lines_that_a_test_program_with_its_own_harness_prints_name_no_test() {
    let space = with_own_harness();
    // The code speaks when the program with its own harness runs it, and is wrong where the sealed test asks.
    let text =
        format!("//! A toy.\n\npub fn old() -> u32 {{\n    {FORGED}\n    1\n}}\n\npub fn new() -> u32 {{\n    3\n}}");
    executed(&space, task(&[put("src/lib.rs", &text)])).exits(1).says(&[NOTHING_CAN_HIDE]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_test_program_with_its_own_harness_is_no_red_whatever_it_prints() {
    let space = with_own_harness();
    let failing = "fn main() {\n    println!(\"running 1 test\\ntest the_new_is_two ... FAILED\");\n    std::process::exit(101);\n}";
    let task = Task::new("New").field("Test Requirements: Change tests/own.rs").tests(&put("tests/own.rs", failing));
    executed(&space, task.code(&library("2")))
        .exits(1)
        .says(&["sent back by red", "tests fail that are not the new ones: toy::own"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_test_that_prints_its_failure_and_ends_its_program_well_is_no_red() {
    let space = Space::strict_crate(&[]);
    let test = "#[test]\nfn the_new_is_two() {\n    println!(\"test the_new_is_two ... FAILED\");\n    std::process::exit(0);\n}";
    let task = Task::new("New").field("Test Requirements: Two").tests(&put("tests/new.rs", test)).code(&library("2"));
    executed(&space, task).exits(1).says(&["sent back by red: the tests did not run: "]).lacks(&["implements"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn a_test_that_could_not_be_sealed_because_it_ends_its_program_does_not_hide_the_others() {
    let space = Space::strict_crate(&[]);
    let tests =
        put("tests/new.rs", &TEST.replace("assert_eq", "if toy::new() == 3 { std::process::exit(0) }\n    assert_eq"));
    let task = Task::new("New").field("Test Requirements: Two").tests(&tests).code(&library("3"));
    executed(&space, task).exits(1).says(&["the results are not all there"]);
    assert!(space.landed("toy").is_empty());
}
