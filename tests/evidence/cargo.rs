//! Cargo's tests, by the hidden mode of our binary that stands between cargo and the test executables.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use std::{fs, time::Duration};
use tidegate::{
    check::Cargo,
    rules::{Build, RedProof, Report, TestResult},
    run::Code,
};

const LIB: &str =
    "pub fn one() -> u32 { 1 }\n#[cfg(test)]\nmod tests { #[test] fn one_is_one() { assert_eq!(super::one(), 1) } }\n";
const OLD: &str = "#[test]\nfn one_is_positive() { assert!(demo::one() > 0) }\n";

/// A library with a unit test and a test of its own file, both passing.
fn demo() -> Project {
    let made = Project::new(&[&Cargo]);
    made.write(
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n",
    );
    made.write("src/lib.rs", LIB);
    made.write("tests/old.rs", OLD);
    made
}

async fn cargo_test(demo: &mut Project) -> Report {
    demo.run("cargo test").await.report
}

/// Red of `text` as a new file of tests.
async fn red(demo: &mut Project, base: &Report, text: &str) -> Result<RedProof, Vec<Code>> {
    demo.red("cargo test", base, ("tests/new.rs", text)).await
}

#[tokio::test]
async fn tests_are_reported_by_name_and_the_names_are_the_same_on_each_tree() {
    let mut demo = demo();
    demo.write("src/main.rs", "fn main() {}\n#[test] fn one_is_one() { println!(\"test forged ... ok\"); }\n#[test] #[ignore = \"slow\"] fn s() {}\n");
    let checked = demo.run("cargo test").await;
    let expected =
        ["demo tests::one_is_one", "demo::bin/demo one_is_one", "demo::bin/demo s", "demo::old one_is_positive"];
    assert_eq!(names(&checked.report), expected);
    assert_eq!(checked.report.tests["demo::bin/demo s"], TestResult::Ignored(Some("slow".into())));
    assert_eq!((checked.report.incomplete, checked.ran.exit), (None, 0));
    assert_eq!(checked.ran.counts.map(|counts| (counts.passed, counts.failed, counts.ignored)), Some((3, 0, 1)));
    assert_eq!(checked.ran.command, "cargo test --no-fail-fast".into());
}

#[tokio::test]
async fn nextest_reports_the_same_names() {
    let Some(runners) = Runners::found() else { return };
    let mut demo = demo().with_tools(&runners.python());
    let base = demo.run("cargo nextest run").await.report;
    assert_eq!((names(&base), base.exit), (vec!["demo tests::one_is_one", "demo::old one_is_positive"], 0));
    demo.write(
        "tests/new.rs",
        "#[test] fn fails() { println!(\"ok\"); panic!() }\n#[test] fn ends() { std::process::exit(0) }\n",
    );
    let report = demo.run("cargo nextest run").await.report;
    assert_eq!(report.failures().collect::<Vec<_>>(), ["demo::new fails"]);
    assert!(report.incomplete.is_some_and(|why| why.contains("ends")));
    demo.write("tests/new.rs", "#[test] fn new() { demo::two() }\n");
    assert!(matches!(demo.run("cargo nextest run").await.report.build, Build::Failed(_)));
}

#[tokio::test]
async fn red_is_accepted_for_an_assertion_and_for_a_missing_symbol_and_is_green_when_the_code_is_there() {
    let mut demo = demo();
    let base = cargo_test(&mut demo).await;
    let proof = red(&mut demo, &base, "#[test] fn is_two() { assert_eq!(demo::one(), 2) }").await.unwrap();
    assert_eq!(proof.tests, ["demo::new is_two".into()] as [Box<str>; 1]);
    let proof = red(&mut demo, &base, "#[test] fn two_is_two() { assert_eq!(demo::two(), 2) }").await.unwrap();
    assert_eq!(proof.tests, ["tests/new.rs two_is_two".into()] as [Box<str>; 1]);
    assert!(proof.reason.contains("tests/new.rs:1") && proof.reason.contains("E0425"), "{}", proof.reason);
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 2 }}\n"));
    let candidate = cargo_test(&mut demo).await;
    assert_eq!(codes(&base, &candidate, &["tests/new.rs two_is_two"]), []);
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 3 }}\n"));
    assert_eq!(codes(&base, &cargo_test(&mut demo).await, &["tests/new.rs two_is_two"]), [Code::SealedTestFails]);
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    let mut demo = demo();
    let base = cargo_test(&mut demo).await;
    for (text, code) in [
        ("fn helper() {}", Code::NoNewTest),
        ("#[test] fn passes() { assert_eq!(demo::one(), 1) }", Code::PassesAlready),
        ("#[test] fn broken( { }", Code::SyntaxError),
        ("#[test] fn moved() { let a = String::new(); drop(a); drop(a); demo::one(); }", Code::WrongError),
        ("#[test] fn ends() { std::process::exit(0) }", Code::RunnerDidNotRun),
        ("#[test] fn aborts() { std::process::abort() }", Code::RunnerDidNotRun),
    ] {
        assert_eq!(red(&mut demo, &base, text).await, Err(vec![code]), "{text}");
    }
    demo.write("tests/new.rs", "");
    demo.write("src/lib.rs", "pub fn one() -> u32 { missing() }");
    assert_eq!(red(&mut demo, &base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::ErrorElsewhere]));
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 7 }"));
    assert_eq!(red(&mut demo, &base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::OtherTestsFail]));
    demo.write("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nno-such-crate = \"1\"\n");
    assert_eq!(red(&mut demo, &base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::RunnerDidNotRun]));
}

#[tokio::test]
async fn a_test_that_was_there_and_expects_something_new_is_red() {
    let mut demo = demo();
    let base = cargo_test(&mut demo).await;
    let text = OLD.replace("> 0", "> 1");
    demo.write("tests/old.rs", &text);
    let proof = demo.red("cargo test", &base, ("tests/old.rs", &text)).await.unwrap();
    assert_eq!(proof.tests, ["demo::old one_is_positive".into()] as [Box<str>; 1]);
}

#[tokio::test]
async fn forged_lines_and_an_early_exit_are_not_green() {
    let mut demo = demo();
    let base = cargo_test(&mut demo).await;
    let sealed = "demo::new is_two";
    // Code under test that prints what a runner would, and ends the process with 0.
    demo.write("tests/new.rs", "#[test] fn is_two() { assert_eq!(demo::two(), 2) }");
    let forger = "pub fn two() -> u32 { println!(\"test is_two ... ok\\n\\ntest result: ok. 1 passed\"); std::process::exit(0) }";
    demo.write("src/lib.rs", &format!("{LIB}{forger}\n"));
    let candidate = demo.run("cargo test").await;
    assert_eq!(candidate.exit.code(), 0, "cargo believes it");
    assert_eq!(codes(&base, &candidate.report, &[sealed]), [Code::RunnerDidNotRun, Code::SealedTestMissing]);
    // A harness of its own that prints the same.
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 2 }}\n"));
    let manifest = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n[[test]]\nname = \"new\"\nharness = false\n";
    demo.write("Cargo.toml", manifest);
    demo.write("tests/new.rs", "fn main() { println!(\"test is_two ... ok\"); }");
    let candidate = cargo_test(&mut demo).await;
    assert_eq!(candidate.uncounted, [("demo::new".into(), 0)].into());
    assert_eq!(codes(&base, &candidate, &[sealed]), [Code::SealedTestMissing]);
}

#[tokio::test]
async fn what_passed_before_must_pass_and_what_was_red_before_is_not_counted() {
    let mut demo = demo();
    demo.write("tests/red.rs", "#[test] fn was_red() { panic!() }");
    let base = cargo_test(&mut demo).await;
    assert_eq!(base.failures().collect::<Vec<_>>(), ["demo::red was_red"]);
    assert_eq!(names(&base).len(), 3, "a failing program does not keep the others from reporting");
    assert_eq!(codes(&base, &base, &[]), []);
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 2 }"));
    assert_eq!(codes(&base, &cargo_test(&mut demo).await, &[]), [Code::Regression]);
    demo.write("src/lib.rs", "pub fn one() -> u32 { \"1\" }");
    assert_eq!(codes(&base, &cargo_test(&mut demo).await, &[]), [Code::BuildFails]);
}

#[tokio::test]
async fn a_cache_that_was_built_from_a_newer_tree_is_not_taken_for_this_one() {
    let mut demo = demo();
    assert_eq!(cargo_test(&mut demo).await.failures().count(), 0);
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 0 }"));
    let file = fs::File::open(demo.at("src/lib.rs")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
    assert_eq!(cargo_test(&mut demo).await.failures().count(), 2);
}

#[tokio::test]
async fn documentation_tests_are_told_as_uncounted_and_their_failure_is_one() {
    let mut demo = demo();
    demo.write("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    demo.write("src/lib.rs", &format!("/// ```\n/// assert_eq!(demo::one(), 2);\n/// ```\n{LIB}"));
    let report = cargo_test(&mut demo).await;
    assert_eq!(report.uncounted, [("documentation tests of demo".into(), 101)].into());
    assert_eq!(codes(&Report::default(), &report, &[]), [Code::Regression]);
    assert_eq!(codes(&report, &report, &[]), [Code::CheckFails], "it was red before, and nothing tells by what");
}

#[tokio::test]
async fn a_plain_command_is_known_by_its_exit_code_and_sees_no_variable_of_ours() {
    let mut demo = demo();
    let checked = demo.checked(&[], "echo \"CI=$CI task=$TIDEGATE_TASK insta=$INSTA_UPDATE\"; exit 3").await;
    assert_eq!((checked.report.exit, checked.report.build, checked.ran.counts), (3, Build::Built, None));
    assert_eq!(checked.tail, "CI= task= insta=no\n");
}
