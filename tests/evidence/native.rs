//! CMake and ctest by the report that ctest writes for us, and make by its exit code.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use tidegate::{
    check::{CMake, Make},
    rules::{Build, ErrorKind, Report, TestResult},
    run::Code,
};

const CTEST: &str = "cmake -S . -B _build && cmake --build _build && ctest --test-dir _build --output-on-failure";
const LISTS: &str = "cmake_minimum_required(VERSION 3.10)\nproject(toy C)\nenable_testing()\nadd_library(toy src/toy.c)\n\
                     target_include_directories(toy PUBLIC src)\nadd_subdirectory(tests)\n";
/// Each file is a test of its own.
const TESTS: &str = "file(GLOB sources CONFIGURE_DEPENDS test_*.c)\nforeach(source ${sources})\n  get_filename_component(name ${source} NAME_WE)\n  \
                     add_executable(${name} ${source})\n  target_link_libraries(${name} toy)\n  add_test(NAME ${name} COMMAND ${name})\n\
                     \x20 set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)\nendforeach()\n";

fn test(body: &str) -> String {
    format!("#include \"toy.h\"\n#include <stdio.h>\n#include <stdlib.h>\n\nint main(void) {{\n    {body}\n}}\n")
}

/// A library with a test that passes.
fn toy() -> Option<Project> {
    let made = Project::new(&[&CMake]).with_tools(&Runners::found()?.python());
    made.write("CMakeLists.txt", LISTS);
    made.write("tests/CMakeLists.txt", TESTS);
    made.write("src/toy.h", "int one(void);\n");
    made.write("src/toy.c", "#include \"toy.h\"\nint one(void) { return 1; }\n");
    made.write("tests/test_old.c", &test("return one() != 1;"));
    Some(made)
}

async fn red(toy: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
    toy.red(CTEST, base, ("tests/test_new.c", text)).await.map(|proof| proof.tests)
}

#[tokio::test]
async fn tests_are_reported_by_name_whoever_calls_ctest() {
    let Some(mut toy) = toy() else { return };
    toy.write(
        "tests/test_fails.c",
        &test("puts(\"</system-out><testcase name='x'/>\\n100% tests passed\"); return 3;"),
    );
    toy.write("tests/test_skips.c", &test("return 77;"));
    toy.write("check.sh", &format!("{CTEST} -j 2\n"));
    for command in [CTEST, "sh check.sh"] {
        let checked = toy.run(command).await;
        let report = &checked.report;
        assert_eq!(names(report), ["ctest test_fails", "ctest test_old", "ctest test_skips"], "{}", checked.tail);
        assert_eq!(report.failures().collect::<Vec<_>>(), ["ctest test_fails"], "{command}");
        assert!(matches!(report.tests["ctest test_skips"], TestResult::Ignored(_)), "{report:?}");
        assert_eq!((&report.incomplete, &report.build), (&None, &Build::Built), "{command}");
    }
}

#[tokio::test]
async fn red_and_green_are_judged_by_the_report_and_the_words_of_compiler_and_linker() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(CTEST).await.report;
    assert_eq!((names(&base), base.exit), (vec!["ctest test_old"], 0));
    let by_text = "tests/test_new.c test_new";
    for (text, expected) in [
        (test("return one() != 2;"), Ok("ctest test_new")),
        (test("int two(void);\n    return two() != 2;"), Ok(by_text)),
        (format!("#include \"two.h\"\n{}", test("return two() != 2;")), Ok(by_text)),
        (test("return one(2) != 2;"), Ok(by_text)),
        (test("return one() != ;"), Err(Code::SyntaxError)),
        (test("return 0;"), Err(Code::PassesAlready)),
        (test("return 77;"), Err(Code::NoNewTest)),
    ] {
        let expected = expected.map(|name| vec![name.into()]).map_err(|code| vec![code]);
        assert_eq!(red(&mut toy, &base, &text).await, expected, "{text}");
    }
    toy.write("tests/test_new.c", &test("int two(void);\n    return two() != 2;"));
    for (body, expected) in [
        ("return 2;", &[][..]),
        ("return 3;", &[Code::SealedTestFails]),
        ("exit(77);", &[Code::SealedTestMissing]),
        ("raise(9); return 2;", &[Code::SealedTestFails]),
    ] {
        let text = format!(
            "#include <signal.h>\n#include <stdlib.h>\nint one(void) {{ return 1; }}\nint two(void) {{ {body} }}\n"
        );
        toy.write("src/toy.c", &text);
        let candidate = toy.run(CTEST).await;
        assert_eq!(codes(&base, &candidate.report, &[by_text]), expected, "{body}: {}", candidate.tail);
    }
    toy.write("src/toy.c", "int one(void) { return 1 }\n");
    assert_eq!(red(&mut toy, &base, &test("return one() != 2;")).await, Err(vec![Code::ErrorElsewhere]));
    let none = toy.run("ctest --test-dir nowhere").await.report;
    assert!(matches!(none.build, Build::DidNotRun(_)) || none.incomplete.is_some(), "{none:?}");
}

#[tokio::test]
async fn a_make_target_is_an_exit_code_and_what_did_not_compile_is_told() {
    if Runners::make().is_none() {
        return;
    }
    let mut toy = Project::new(&[&Make]);
    toy.write("Makefile", "CC = cc\n\ntest: t\n\t./t\n\nt: tests/t.c\n\t$(CC) -o t tests/t.c\n");
    toy.write("tests/t.c", "int main(void) { return 0; }\n");
    let report = toy.run("make test").await.report;
    assert_eq!((report.exit, report.is_counted), (0, false));
    toy.write("tests/t.c", "#include \"../two.h\"\nint main(void) { return two(); }\n");
    let Build::Failed(errors) = toy.run("make -B test").await.report.build else { panic!("it is not built") };
    assert_eq!(
        (errors[0].kind, errors[0].file.as_deref(), errors[0].line),
        (ErrorKind::Name, Some("tests/t.c"), Some(1))
    );
    toy.write("tests/t.c", "#include <stdio.h>\nint main(void) { puts(\"1..1\\nok 1 - all\"); return 1; }\n");
    let report = toy.run("make -B test").await.report;
    assert_eq!((report.exit, report.is_counted, &report.build), (2, false, &Build::Built));
}
