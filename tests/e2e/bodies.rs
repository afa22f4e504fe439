//! Bodies out through the binary: tests that need the code land with it, tests that pass without it do not.

use crate::{
    breakdown::{Task, add, put, stream},
    space::{Said, Space},
};

const GATE: &str = "All tests pass";

/// A shelf that can be made and filled.
const SHELF: &str = "\n/// Holds things.\npub struct Shelf {\n    things: Vec<String>,\n}\n\nimpl Shelf {\n    /// Makes one.\n    \
    pub fn new(first: &str) -> Shelf {\n        Shelf { things: vec![first.to_owned()] }\n    }\n\n    /// How many.\n    \
    pub fn count(&self) -> usize {\n        self.things.len()\n    }\n}";

const COUNTS: &str = "#[test]\nfn it_counts() {\n    assert_eq!(toy::Shelf::new(\"a\").count(), 1);\n}\n";
const IS_MADE: &str =
    "#[test]\nfn it_is_made() {\n    let shelf = toy::Shelf::new(\"a\");\n    assert!(shelf.count() < 9);\n}\n";

fn task(tests: &str, code: &str) -> Task {
    Task::new("Shelf").field("Test Requirements: It counts").tests(&put("tests/new.rs", tests)).code(code)
}

fn execute(space: &Space, task: Task) -> Said {
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy")
}

#[test]
fn tests_that_need_the_code_land_with_it_and_that_they_do_is_told() {
    let space = Space::strict_crate(&[]);
    execute(&space, task(COUNTS, &add("src/lib.rs", SHELF)))
        .exits(0)
        .says(&["verified, 2 tests pass; 1 red with the changed bodies out"]);
    assert_eq!(space.landed("toy"), ["Shelf"]);
    space.run(&["check", "toy"]).exits(0).says(&["the sealed tests fail without the code (bodies out): tidegate"]);
}

#[test]
fn tests_that_pass_without_the_code_do_not_land_and_are_named() {
    let space = Space::strict_crate(&[]);
    let words = "the sealed tests prove nothing: with the bodies of Shelf::new, Shelf::count out, toy::new it_is_made passes all \
        the same; at least one test has to fail without the code that it is for";
    let said = execute(&space, task(IS_MADE, &add("src/lib.rs", SHELF))).exits(1);
    said.says(&["sent back by verify", words]).lacks(&["landed as"]);
    assert!(space.landed("toy").is_empty());
    space.run(&["why", "toy", "1"]).exits(0).says(&["the sealed tests prove nothing"]);
}

#[test]
fn the_test_developer_reads_that_its_tests_prove_nothing_and_the_next_ones_land() {
    let space = Space::strict_crate(&[]);
    space.write("tidegate.toml", "[checks]\nstream = [\"true\"]\nsystem = [\"true\"]\n");
    space.commit("Be patient");
    let again = format!("grep -q 'prove nothing' \"$TIDEGATE_FEEDBACK\"\n{}", put("tests/new.rs", COUNTS));
    // The script of the implementation is the same both times: what it made the first time is there.
    let code = format!("grep -q Shelf src/lib.rs && exit 0\n{}", add("src/lib.rs", SHELF));
    execute(&space, task(IS_MADE, &code).tests(&again)).exits(0).says(&[
        "sent back by verify",
        "writes tests (try 2)",
        "landed as",
    ]);
    assert!(space.on("tidegate/toy/integration", "tests/new.rs").contains("it_counts"));
}

#[test]
fn a_test_that_passes_without_the_code_beside_one_that_does_not_is_named_to_reviewers_and_people() {
    let space = Space::strict_crate(&[]);
    let review = "grep -q 'Pass all the same, so look at whether they prove anything: `toy::new it_is_made`' \"$TIDEGATE_CONTEXT\"\n\
        grep -q 'the bodies of `Shelf::new`, `Shelf::count` taken out' \"$TIDEGATE_CONTEXT\"\n\
        echo '{\"verdict\": \"approve\"}'";
    let task = task(&format!("{COUNTS}\n{IS_MADE}"), &add("src/lib.rs", SHELF)).review(review);
    execute(&space, task).exits(0).says(&[
        "1 red and 1 green with the changed bodies out",
        "approved by qa",
        "sealed tests that prove little: toy::new it_is_made passes without the code, too",
    ]);
}

#[test]
fn where_no_body_changed_the_whole_patch_is_taken_out() {
    let space = Space::strict_crate(&[]);
    let test = "#[test]\nfn the_limit_is_two() {\n    assert_eq!(toy::LIMIT, 2);\n}\n";
    let code = add("src/lib.rs", "\n/// The limit.\npub const LIMIT: u32 = 2;");
    execute(&space, task(test, &code)).exits(0).says(&["verified, 2 tests pass; red with the patch out"]);
    // A name alone: the body is what it was.
    let space = Space::strict_crate(&[]);
    let test = "#[test]\nfn it_has_another_name() {\n    assert_eq!(toy::former(), 1);\n}\n";
    let tests = "sed -i s/old/former/ tests/*.rs\n";
    let task =
        Task::new("Rename").field("Test Requirements: It is called former").field("Files: src/lib.rs, tests/old.rs");
    let task = task.tests(&(put("tests/new.rs", test) + tests)).code("sed -i s/old/former/ src/lib.rs\n");
    execute(&space, task).exits(0).says(&["red with the patch out"]);
}

#[test]
fn a_language_without_a_grammar_is_told_and_not_taken_as_shown() {
    let space = Space::strict_crate(&[]);
    let test = "#[test]\nfn it_speaks() {\n    assert!(std::fs::read_to_string(\"lib/say.rb\").unwrap().contains(\"puts\"));\n}\n";
    let review =
        "grep -q 'Not shown: bodies-out does not cover Ruby' \"$TIDEGATE_CONTEXT\"\necho '{\"verdict\": \"approve\"}'";
    execute(&space, task(test, &put("lib/say.rb", "def say\n  puts 1\nend")).review(review))
        .exits(0)
        .says(&["not all was shown without the code: bodies-out does not cover Ruby", "approved by qa"]);
}

#[test]
fn emptied_bodies_that_do_not_build_show_nothing_and_that_is_told() {
    let space = Space::strict_crate(&[]);
    let code = "\n/// A side.\n#[derive(Debug, PartialEq)]\npub enum Side {\n    /// Left.\n    Left,\n}\n\nconst fn side() -> Side {\n    \
        Side::Left\n}\n\n/// The side.\npub const SIDE: Side = side();";
    let test = "#[test]\nfn it_is_left() {\n    assert_eq!(toy::SIDE, toy::Side::Left);\n}\n";
    execute(&space, task(test, &add("src/lib.rs", code))).exits(0).says(&[
        "red with the patch out",
        "not all was shown without the code: with the bodies out nothing was shown: the rest does not build",
    ]);
}

#[test]
fn a_body_that_is_no_value_of_its_type_panics_and_that_is_red() {
    let space = Space::strict_crate(&[]);
    let code = "\n/// Reads.\n///\n/// # Errors\n/// When it is none.\npub fn read(text: &str) -> Result<u32, std::num::ParseIntError> {\n    text.parse()\n}";
    let test = "#[test]\nfn it_reads() {\n    assert!(toy::read(\"3\").is_ok());\n}\n";
    execute(&space, task(test, &add("src/lib.rs", code))).exits(0).says(&["1 red with the changed body out"]);
}

#[test]
fn bodies_out_can_be_switched_off_and_the_report_says_so() {
    let space = Space::strict_crate(&[]);
    space.write("tidegate.toml", &format!("{}[tests]\nbodies_out = false\n", space.read("tidegate.toml")));
    space.commit("Trust the tests");
    execute(&space, task(IS_MADE, &add("src/lib.rs", SHELF)))
        .exits(0)
        .says(&["That sealed tests fail without the code (bodies out) was not asked"])
        .lacks(&["bodies out,", "with the changed bodies out"]);
    space.run(&["check", "toy"]).exits(0).lacks(&["bodies out"]);
}

#[test]
fn a_check_without_names_is_judged_by_its_exit_code() {
    if std::process::Command::new("node").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "node is missing");
        return println!("skipped: node is missing");
    }
    let code = put("lib/sum.js", "exports.sum = (a, b) => a + b;");
    for (assertion, code_of, words) in [
        ("sum(1, 2) !== 3", 0, "verified; red with the changed body out"),
        ("typeof sum !== \"function\"", 1, "with the body of exports.sum out, the check passes all the same"),
    ] {
        let space = Space::strict();
        let config = space.read("tidegate.toml").replace("task = [\"true\"]", "task = [\"sh tests/all.sh\"]");
        space.write("tidegate.toml", &config);
        space.write("tests/all.sh", "for test in tests/*.js; do node \"$test\" || exit 1; done\n");
        space.write("tests/none.js", "\n");
        space.commit("Say how a task is checked");
        let test = format!("const {{ sum }} = require(\"../lib/sum.js\");\nif ({assertion}) process.exit(1);");
        let task = Task::new("Sum").field("Test Requirements: It sums").tests(&put("tests/sum.js", &test)).code(&code);
        execute(&space, task).exits(code_of).says(&[words]);
    }
}

#[test]
fn a_file_that_no_grammar_reads_is_no_cover_for_tests_that_prove_nothing() {
    let code = add("src/lib.rs", SHELF) + &put("lib/say.rb", "puts 1");
    let space = Space::strict_crate(&[]);
    execute(&space, task(IS_MADE, &code)).exits(1).says(&["the sealed tests prove nothing"]);
    // They may be for that file, and then they need it.
    let speaks = "#[test]\nfn it_speaks() {\n    assert!(std::path::Path::new(\"lib/say.rb\").exists());\n    let _ = toy::Shelf::new(\"a\");\n}\n";
    let space = Space::strict_crate(&[]);
    execute(&space, task(speaks, &code)).exits(0).says(&["1 red with the changed bodies out", "does not cover Ruby"]);
}

#[test]
fn code_that_does_not_build_without_its_tests_does_not_land() {
    let space = Space::strict_crate(&[]);
    let code = SHELF.to_owned() + "\n\n/// The answers.\npub const ANSWERS: &str = include_str!(\"../tests/new.rs\");";
    execute(&space, task(COUNTS, &add("src/lib.rs", &code)))
        .exits(1)
        .says(&["without the sealed tests it does not build, and code must not need them"]);
    assert!(space.landed("toy").is_empty());
    // That it speaks of them is no harm.
    let space = Space::strict_crate(&[]);
    let code = SHELF.to_owned() + "\n\n/// As in new.rs.\npub const ANSWERS: &str = \"\";";
    execute(&space, task(COUNTS, &add("src/lib.rs", &code))).exits(0);
}
