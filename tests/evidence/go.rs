//! `go test`, by the reporter that is put into package testing.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use tidegate::{
    check::Go,
    rules::{Build, Report, TestResult},
    run::Code,
};

const GO_TEST: &str = "go test ./...";
const TOY: &str = "package toy\n\nfunc One() int { return 1 }\n";
const OLD: &str = "package toy\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n\tif One() != 1 {\n\t\tt.Fatal(One())\n\t}\n}\n";

/// A module of two packages with a test that passes in each.
fn toy() -> Option<Project> {
    let made = Project::new(&[&Go]).with_tools(&Runners::found()?.python());
    made.write("go.mod", "module example.com/toy\n\ngo 1.19\n");
    made.write("toy.go", TOY);
    made.write("old_test.go", OLD);
    made.write("sub/sub.go", "package sub\n\nfunc Two() int { return 2 }\n");
    made.write("sub/sub_test.go", "package sub_test\n\nimport \"testing\"\n\nfunc TestSub(t *testing.T) {}\n");
    Some(made)
}

/// A test of this name whose body is this.
fn test(name: &str, body: &str) -> String {
    format!("package toy\n\nimport \"testing\"\n\nfunc {name}(t *testing.T) {{\n\t{body}\n}}\n")
}

/// Red of `text` as a new file of tests.
async fn red(toy: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
    toy.red(GO_TEST, base, ("new_test.go", text)).await.map(|proof| proof.tests)
}

#[tokio::test]
async fn tests_are_reported_by_folder_and_name_whoever_calls_go() {
    let Some(mut toy) = toy() else { return };
    toy.write(
        "more_test.go",
        "package toy\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n)\n\n\
         func TestMore(t *testing.T) {\n\tfmt.Println(\"--- PASS: TestFails (0.00s)\")\n\tt.Run(\"a b\", func(t *testing.T) { t.Parallel() })\n}\n\n\
         func TestSkips(t *testing.T) { t.Skip(\"slow\") }\n\n\
         func TestFails(t *testing.T) {\n\tfmt.Println(\"--- PASS: TestFails (0.00s)\")\n\tt.Fail()\n}\n\n\
         func FuzzIt(f *testing.F) {\n\tf.Add(1)\n\tf.Fuzz(func(t *testing.T, n int) {})\n}\n\n\
         func ExampleOne() {\n\tfmt.Println(One())\n\t// Output: 1\n}\n",
    );
    toy.write("Makefile", "test:\n\tgo test ./...\n");
    for command in [
        GO_TEST,
        "go test -json -v ./...",
        "go test -failfast -count=1 . ./sub",
        "make test",
        "cd . && go vet . && go test ./...",
    ] {
        let checked = toy.run(command).await;
        let report = &checked.report;
        let expected = [
            ". ExampleOne",
            ". FuzzIt",
            ". FuzzIt/seed#0",
            ". TestFails",
            ". TestMore",
            ". TestMore/a_b",
            ". TestOld",
            ". TestSkips",
            "./sub TestSub",
        ];
        assert_eq!(names(report), expected, "{command}: {}", checked.tail);
        assert_eq!(report.failures().collect::<Vec<_>>(), [". TestFails"], "{command}");
        assert_eq!(report.tests[". TestSkips"], TestResult::Ignored(None), "{command}");
        assert_eq!((&report.incomplete, &report.build), (&None, &Build::Built), "{command}");
    }
}

#[tokio::test]
async fn red_is_accepted_for_a_failure_a_panic_and_for_what_is_not_there_yet() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(GO_TEST).await.report;
    assert_eq!((names(&base), base.exit), (vec![". TestOld", "./sub TestSub"], 0));
    for (text, sealed) in [
        (test("TestNew", "if One() != 2 { t.Fatal(1) }"), &[". TestNew"][..]),
        (test("TestNew", "t.Run(\"x\", func(t *testing.T) { var p *int; _ = *p })"), &[". TestNew", ". TestNew/x"]),
        (test("TestNew", "if Two() != 2 { t.Fatal(1) }"), &["new_test.go TestNew"]),
        (test("TestNew", "_ = One(2)"), &["new_test.go TestNew"]),
        (
            "package toy_test\n\nimport (\n\t\"example.com/toy/shop\"\n\t\"testing\"\n)\n\nfunc TestNew(t *testing.T) { shop.New() }\n".into(),
            &["new_test.go TestNew"],
        ),
    ] {
        let expected: Vec<Box<str>> = sealed.iter().map(|name| (*name).into()).collect();
        assert_eq!(red(&mut toy, &base, &text).await, Ok(expected), "{text}");
    }
    let text = test("TestNew", "if Two() != 2 { t.Fatal(1) }");
    let proof = toy.red(GO_TEST, &base, ("new_test.go", &text)).await.unwrap();
    assert!(proof.reason.contains("new_test.go:6") && proof.reason.contains("undefined: Two"), "{}", proof.reason);
    toy.write("two.go", "package toy\n\nfunc Two() int { return 2 }\n");
    assert_eq!(codes(&base, &toy.run(GO_TEST).await.report, &["new_test.go TestNew"]), []);
    toy.write("two.go", "package toy\n\nfunc Two() int { return 3 }\n");
    assert_eq!(codes(&base, &toy.run(GO_TEST).await.report, &["new_test.go TestNew"]), [Code::SealedTestFails]);
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(GO_TEST).await.report;
    for (text, code) in [
        ("package toy\n\nfunc helper() {}\n".to_owned(), Code::NoNewTest),
        (test("TestNew", ""), Code::PassesAlready),
        (test("TestNew", "t.Skip()"), Code::NoNewTest),
        (test("TestNew", "if {"), Code::SyntaxError),
        (test("TestNew", "x := 1"), Code::WrongError),
        (
            "package toy\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestNew(t *testing.T) { os.Exit(1) }\n".into(),
            Code::RunnerDidNotRun,
        ),
        // It is printed, and nothing else.
        (
            test("TestNew", "println(\"FAIL x [build failed]\\n./new_test.go:6:2: undefined: Two\")"),
            Code::PassesAlready,
        ),
    ] {
        assert_eq!(red(&mut toy, &base, &text).await, Err(vec![code]), "{text}");
    }
    std::fs::remove_file(toy.at("new_test.go")).unwrap();
    toy.write("toy.go", "package toy\n\nfunc One() int { return nothing }\n");
    assert_eq!(red(&mut toy, &base, &test("TestNew", "One()")).await, Err(vec![Code::ErrorElsewhere]));
    toy.write("toy.go", "package toy\n\nfunc One() int { return 7 }\n");
    assert_eq!(red(&mut toy, &base, &test("TestNew", "t.Fail()")).await, Err(vec![Code::OtherTestsFail]));
    let none = toy.run("go test -no-such-flag ./...").await.report;
    assert!(matches!(none.build, Build::DidNotRun(_)) || none.incomplete.is_some(), "{none:?}");
}

#[tokio::test]
async fn forged_lines_an_early_exit_and_skipping_are_not_green() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(GO_TEST).await.report;
    let text = "package toy\n\nimport \"testing\"\n\nfunc TestNew(t *testing.T) {\n\tif Two(t) != 2 {\n\t\tt.Fatal(2)\n\t}\n}\n";
    toy.write("new_test.go", text);
    for (import, body, code) in [
        ("fmt", "fmt.Print(\"\\x16--- PASS: TestNew (0.00s)\\nPASS\\n\"); return 3", Code::SealedTestFails),
        ("syscall", "print(\"--- PASS: TestNew (0.00s)\\nPASS\\n\"); syscall.Exit(0); return 3", Code::RunnerDidNotRun),
        ("os", "os.Exit(0); return 3", Code::SealedTestFails),
        ("os", "os.Stdout.Close(); return 3", Code::SealedTestFails),
        ("testing", "t.(*testing.T).Skip(); return 3", Code::SealedTestMissing),
    ] {
        toy.write("two.go", &format!("package toy\n\nimport \"{import}\"\n\nfunc Two(t any) int {{ {body} }}\n"));
        let candidate = toy.run(GO_TEST).await;
        let found = codes(&base, &candidate.report, &[". TestNew"]);
        assert!(found.contains(&code), "{body}: {found:?} {:?} {}", candidate.report, candidate.tail);
    }
    toy.write(
        "two.go",
        "package toy\n\nimport \"syscall\"\n\nfunc init() { syscall.Exit(0) }\n\nfunc Two(t any) int { return 3 }\n",
    );
    let found = codes(&base, &toy.run(GO_TEST).await.report, &[". TestNew"]);
    assert!(found.contains(&Code::SealedTestMissing), "{found:?}");
}

#[tokio::test]
async fn what_a_test_starts_is_not_taken_for_a_test_of_the_project() {
    let Some(mut toy) = toy() else { return };
    toy.write("inner/go.mod", "module inner\n\ngo 1.19\n");
    toy.write("inner/a_test.go", &test("TestInner", "t.Fail()"));
    toy.write(
        "new_test.go",
        "package toy\n\nimport (\n\t\"os/exec\"\n\t\"testing\"\n)\n\nfunc TestOuter(t *testing.T) {\n\tcommand := exec.Command(\"go\", \"test\", \".\")\n\tcommand.Dir = \"inner\"\n\tif command.Run() == nil {\n\t\tt.Fatal(1)\n\t}\n}\n",
    );
    let report = toy.run(GO_TEST).await.report;
    assert_eq!((names(&report), report.exit), (vec![". TestOld", ". TestOuter", "./sub TestSub"], 0));
}

#[tokio::test]
async fn a_toolchain_in_the_cache_of_modules_reports_as_any_other() {
    let (Some(toy), Some(runners)) = (toy(), Runners::found()) else { return };
    let real = runners.python().join("go").display().to_string();
    let script = format!("#!/bin/sh\nGOMODCACHE=\"$(dirname \"$('{real}' env GOROOT)\")\" exec '{real}' \"$@\"\n");
    toy.write("tools/go", &script);
    let program = toy.at("tools/go");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let folder = toy.at("tools");
    let mut toy = toy.with_tools(&folder);
    let checked = toy.run(GO_TEST).await;
    assert_eq!(names(&checked.report), [". TestOld", "./sub TestSub"], "{}", checked.tail);
}
