//! Red, green and forging, with the real cargo: what is collected, and what the rules make of it.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

use std::{
    ffi::OsString,
    fs,
    future::Future,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    pin::Pin,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tidegate::{
    check::{Cargo, Check, Checked, Ecosystem, Plain},
    process::{Exit, How, Launch, Limits, Line, Program},
    rules::{Build, GreenCase, RedCase, RedProof, Report, TestResult, green, red, tests_in},
    run::{Code, Oid, Seal},
};

/// Starts programs plainly: no warden, no limits.
struct Plainly;

impl Launch for Plainly {
    fn launch(&self, program: Program, _: Line) -> Pin<Box<dyn Future<Output = Exit> + Send + '_>> {
        Box::pin(async move {
            let open = |path: &Path| fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
            let stdout = open(&program.stdout);
            let stderr = program.stderr.as_deref().map_or_else(|| stdout.try_clone().unwrap(), open);
            let mut command = tokio::process::Command::new(&program.argv[0]);
            command.args(&program.argv[1..]).current_dir(&program.cwd).env_clear().envs(program.env);
            command.stdin(std::process::Stdio::null()).stdout(stdout).stderr(stderr);
            let began = Instant::now();
            let how = match command.status().await {
                Ok(status) => status.code().map_or_else(|| How::Signal(status.signal().unwrap_or(0)), How::Code),
                Err(error) => How::NotStarted(error.to_string()),
            };
            Exit { how, ms: began.elapsed().as_millis() as u64, leaked: 0 }
        })
    }
}

/// A tiny crate and what has been asked about it.
struct Crate {
    folder: TempDir,
    checks: u64,
}

const LIB: &str =
    "pub fn one() -> u32 { 1 }\n#[cfg(test)]\nmod tests { #[test] fn one_is_one() { assert_eq!(super::one(), 1) } }\n";
const OLD: &str = "#[test]\nfn one_is_positive() { assert!(demo::one() > 0) }\n";

impl Crate {
    /// A library with a unit test and a test of its own file, both passing.
    fn new() -> Crate {
        let folder = tempfile::tempdir().unwrap();
        let made = Crate { folder, checks: 0 };
        made.write(
            "Cargo.toml",
            "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n",
        );
        made.write("src/lib.rs", LIB);
        made.write("tests/old.rs", OLD);
        made
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("tree").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    async fn run(&mut self, ecosystem: &dyn Ecosystem, command: &str) -> Checked {
        self.checks += 1;
        let at = |name: &str| self.folder.path().join(name);
        let scratch = at(&format!("scratch {}", self.checks));
        let log = at(&format!("log-{}", self.checks));
        let kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
        let mut env: Vec<(OsString, OsString)> =
            kept.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))).collect();
        env.extend(
            [("CARGO_NET_OFFLINE", "true"), ("TIDEGATE_TASK", "1"), ("CI", "1")].map(|(n, v)| (n.into(), v.into())),
        );
        let limits = Limits {
            total: Duration::from_secs(300),
            idle: None,
            grace: Duration::from_secs(1),
            output_bytes: 1 << 24,
        };
        fs::create_dir_all(&scratch).unwrap();
        let check = Check {
            launch: &Plainly,
            command,
            on: Oid::of_number(self.checks),
            cwd: &at("tree"),
            env: &env,
            configured: &[],
            limits,
            log: &log,
            log_name: "log",
            scratch: &scratch,
            cache: &at("cache"),
            confines: None,
            tidegate: &PathBuf::from(env!("CARGO_BIN_EXE_tidegate")),
            line: Line::default(),
        };
        ecosystem.run(&check).await
    }

    async fn cargo_test(&mut self) -> Report {
        self.run(&Cargo, "cargo test").await.report
    }

    /// Red of `text` as a new file of tests.
    async fn red(&mut self, base: &Report, text: &str) -> Result<RedProof, Vec<Code>> {
        self.write("tests/new.rs", text);
        self.red_in(base, "tests/new.rs", text).await
    }

    async fn red_in(&mut self, base: &Report, path: &str, text: &str) -> Result<RedProof, Vec<Code>> {
        let with_tests = self.cargo_test().await;
        let (changed, found) = ([path.into()], tests_in(path, text));
        let case = RedCase { base, with_tests: &with_tests, changed: &changed, stood: &[], found: &found };
        red(&case).map_err(|findings| findings.into_iter().map(|finding| finding.code).collect())
    }
}

fn codes(base: &Report, candidate: &Report, tests: &[&str]) -> Vec<Code> {
    let seal = Seal { tests: tests.iter().map(|name| (*name).into()).collect(), ..Seal::default() };
    let judged = green(&GreenCase { base, candidate, seal: &seal, requires_names: false });
    judged.findings.into_iter().map(|finding| finding.code).collect()
}

fn names(report: &Report) -> Vec<&str> {
    report.tests.keys().map(|name| &**name).collect()
}

#[tokio::test]
async fn tests_are_reported_by_name_and_the_names_are_the_same_on_each_tree() {
    let mut demo = Crate::new();
    demo.write("src/main.rs", "fn main() {}\n#[test] fn one_is_one() { println!(\"test forged ... ok\"); }\n#[test] #[ignore = \"slow\"] fn s() {}\n");
    let checked = demo.run(&Cargo, "cargo test").await;
    let expected =
        ["demo tests::one_is_one", "demo::bin/demo one_is_one", "demo::bin/demo s", "demo::old one_is_positive"];
    assert_eq!(names(&checked.report), expected);
    assert_eq!(checked.report.tests["demo::bin/demo s"], TestResult::Ignored(Some("slow".into())));
    assert_eq!((checked.report.incomplete, checked.ran.exit), (None, 0));
    assert_eq!(checked.ran.counts.map(|counts| (counts.passed, counts.failed, counts.ignored)), Some((3, 0, 1)));
    assert_eq!(checked.ran.command, "cargo test --no-fail-fast".into());
}

#[tokio::test]
async fn red_is_accepted_for_an_assertion_and_for_a_missing_symbol_and_is_green_when_the_code_is_there() {
    let mut demo = Crate::new();
    let base = demo.cargo_test().await;
    let proof = demo.red(&base, "#[test] fn is_two() { assert_eq!(demo::one(), 2) }").await.unwrap();
    assert_eq!(proof.tests, ["demo::new is_two".into()] as [Box<str>; 1]);
    let proof = demo.red(&base, "#[test] fn two_is_two() { assert_eq!(demo::two(), 2) }").await.unwrap();
    assert_eq!(proof.tests, ["tests/new.rs two_is_two".into()] as [Box<str>; 1]);
    assert!(proof.reason.contains("tests/new.rs:1") && proof.reason.contains("E0425"), "{}", proof.reason);
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 2 }}\n"));
    let candidate = demo.cargo_test().await;
    assert_eq!(codes(&base, &candidate, &["tests/new.rs two_is_two"]), []);
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 3 }}\n"));
    assert_eq!(codes(&base, &demo.cargo_test().await, &["tests/new.rs two_is_two"]), [Code::SealedTestFails]);
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    let mut demo = Crate::new();
    let base = demo.cargo_test().await;
    for (text, code) in [
        ("fn helper() {}", Code::NoNewTest),
        ("#[test] fn passes() { assert_eq!(demo::one(), 1) }", Code::PassesAlready),
        ("#[test] fn broken( { }", Code::SyntaxError),
        ("#[test] fn moved() { let a = String::new(); drop(a); drop(a); demo::one(); }", Code::WrongError),
        ("#[test] fn ends() { std::process::exit(0) }", Code::RunnerDidNotRun),
        ("#[test] fn aborts() { std::process::abort() }", Code::RunnerDidNotRun),
    ] {
        assert_eq!(demo.red(&base, text).await, Err(vec![code]), "{text}");
    }
    demo.write("tests/new.rs", "");
    demo.write("src/lib.rs", "pub fn one() -> u32 { missing() }");
    assert_eq!(demo.red(&base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::ErrorElsewhere]));
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 7 }"));
    assert_eq!(demo.red(&base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::OtherTestsFail]));
    demo.write("Cargo.toml", "[package]\nname = \"demo\"\n[dependencies]\nno-such-crate = \"1\"\n");
    assert_eq!(demo.red(&base, "#[test] fn fails() { panic!() }").await, Err(vec![Code::RunnerDidNotRun]));
}

#[tokio::test]
async fn a_test_that_was_there_and_expects_something_new_is_red() {
    let mut demo = Crate::new();
    let base = demo.cargo_test().await;
    let text = OLD.replace("> 0", "> 1");
    demo.write("tests/old.rs", &text);
    let proof = demo.red_in(&base, "tests/old.rs", &text).await.unwrap();
    assert_eq!(proof.tests, ["demo::old one_is_positive".into()] as [Box<str>; 1]);
}

#[tokio::test]
async fn forged_lines_and_an_early_exit_are_not_green() {
    let mut demo = Crate::new();
    let base = demo.cargo_test().await;
    let sealed = "demo::new is_two";
    // Code under test that prints what a runner would, and ends the process with 0.
    demo.write("tests/new.rs", "#[test] fn is_two() { assert_eq!(demo::two(), 2) }");
    let forger = "pub fn two() -> u32 { println!(\"test is_two ... ok\\n\\ntest result: ok. 1 passed\"); std::process::exit(0) }";
    demo.write("src/lib.rs", &format!("{LIB}{forger}\n"));
    let candidate = demo.run(&Cargo, "cargo test").await;
    assert_eq!(candidate.exit.code(), 0, "cargo believes it");
    assert_eq!(codes(&base, &candidate.report, &[sealed]), [Code::RunnerDidNotRun, Code::SealedTestMissing]);
    // A harness of its own that prints the same.
    demo.write("src/lib.rs", &format!("{LIB}pub fn two() -> u32 {{ 2 }}\n"));
    let manifest = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n[[test]]\nname = \"new\"\nharness = false\n";
    demo.write("Cargo.toml", manifest);
    demo.write("tests/new.rs", "fn main() { println!(\"test is_two ... ok\"); }");
    let candidate = demo.cargo_test().await;
    assert_eq!(candidate.uncounted, [("demo::new".into(), 0)].into());
    assert_eq!(codes(&base, &candidate, &[sealed]), [Code::SealedTestMissing]);
}

#[tokio::test]
async fn what_passed_before_must_pass_and_what_was_red_before_is_not_counted() {
    let mut demo = Crate::new();
    demo.write("tests/red.rs", "#[test] fn was_red() { panic!() }");
    let base = demo.cargo_test().await;
    assert_eq!(base.failures().collect::<Vec<_>>(), ["demo::red was_red"]);
    assert_eq!(names(&base).len(), 3, "a failing program does not keep the others from reporting");
    assert_eq!(codes(&base, &base, &[]), []);
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 2 }"));
    assert_eq!(codes(&base, &demo.cargo_test().await, &[]), [Code::Regression]);
    demo.write("src/lib.rs", "pub fn one() -> u32 { \"1\" }");
    assert_eq!(codes(&base, &demo.cargo_test().await, &[]), [Code::BuildFails]);
}

#[tokio::test]
async fn a_cache_that_was_built_from_a_newer_tree_is_not_taken_for_this_one() {
    let mut demo = Crate::new();
    assert_eq!(demo.cargo_test().await.failures().count(), 0);
    demo.write("src/lib.rs", &LIB.replace("{ 1 }", "{ 0 }"));
    let file = fs::File::open(demo.folder.path().join("tree/src/lib.rs")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).unwrap();
    assert_eq!(demo.cargo_test().await.failures().count(), 2);
}

#[tokio::test]
async fn documentation_tests_are_told_as_uncounted_and_their_failure_is_one() {
    let mut demo = Crate::new();
    demo.write("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    demo.write("src/lib.rs", &format!("/// ```\n/// assert_eq!(demo::one(), 2);\n/// ```\n{LIB}"));
    let report = demo.cargo_test().await;
    assert_eq!(report.uncounted, [("documentation tests of demo".into(), 101)].into());
    assert_eq!(codes(&Report::default(), &report, &[]), [Code::Regression]);
    assert_eq!(codes(&report, &report, &[]), [Code::CheckFails], "it was red before, and nothing tells by what");
}

#[tokio::test]
async fn a_plain_command_is_known_by_its_exit_code_and_sees_no_variable_of_ours() {
    let mut demo = Crate::new();
    let checked = demo.run(&Plain, "echo \"CI=$CI task=$TIDEGATE_TASK insta=$INSTA_UPDATE\"; exit 3").await;
    assert_eq!((checked.report.exit, checked.report.build, checked.ran.counts), (3, Build::Built, None));
    assert_eq!(checked.tail, "CI= task= insta=no\n");
}
