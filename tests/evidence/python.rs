//! pytest, by the plugin that is put into it.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use tidegate::{
    check::Python,
    rules::{Build, ErrorKind, Report, TestResult},
    run::Code,
};

const PYTEST: &str = "python3 -m pytest -q";
const STORE: &str = "def one():\n    return 1\n";
const OLD: &str = "from store import one\n\n\ndef test_one():\n    assert one() == 1\n";

/// A module with a test that passes.
fn store() -> Option<Project> {
    let made = Project::new(&[&Python]).with_tools(&Runners::found()?.python());
    made.write("store.py", STORE);
    made.write("tests/test_old.py", OLD);
    made.write("pytest.ini", "[pytest]\npythonpath = .\naddopts = -x\n");
    Some(made)
}

/// Red of `text` as a new file of tests.
async fn red(store: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
    store.red(PYTEST, base, ("tests/test_new.py", text)).await.map(|proof| proof.tests)
}

#[tokio::test]
async fn tests_are_reported_by_file_and_name_whoever_calls_pytest() {
    let Some(mut store) = store() else { return };
    store.write(
        "tests/test_more.py",
        "import pytest, unittest\n\n\
         class TestMore:\n    @pytest.mark.parametrize('x', [1, 2])\n    def test_x(self, x):\n        assert x\n\n\
         @pytest.mark.skip(reason='slow')\ndef test_skips():\n    pass\n\n\
         @pytest.mark.xfail(reason='later')\ndef test_later():\n    assert False\n\n\
         class Old(unittest.TestCase):\n    def test_u(self):\n        self.assertTrue(False)\n",
    );
    store.write("test.sh", "pytest tests\n");
    for command in [PYTEST, "pytest", "sh test.sh", "cd tests && pytest", "pytest -n 2", "uv run --no-project pytest"] {
        let checked = store.run(command).await;
        let report = &checked.report;
        let expected = [
            "tests/test_more.py Old::test_u",
            "tests/test_more.py TestMore::test_x[1]",
            "tests/test_more.py TestMore::test_x[2]",
            "tests/test_more.py test_later",
            "tests/test_more.py test_skips",
            "tests/test_old.py test_one",
        ];
        assert_eq!(names(report), expected, "{command}: {}", checked.tail);
        assert_eq!(report.failures().collect::<Vec<_>>(), ["tests/test_more.py Old::test_u"], "{command}");
        let skipped = |name: &str| report.tests[name].clone();
        assert_eq!(skipped("tests/test_more.py test_skips"), TestResult::Ignored(Some("slow".into())), "{command}");
        let later = TestResult::Ignored(Some("expected to fail: later".into()));
        assert_eq!((skipped("tests/test_more.py test_later"), &report.incomplete), (later, &None), "{command}");
    }
}

#[tokio::test]
async fn red_is_accepted_for_an_assertion_and_for_what_is_not_there_yet() {
    let Some(mut store) = store() else { return };
    let base = store.run(PYTEST).await.report;
    assert_eq!((names(&base), base.exit), (vec!["tests/test_old.py test_one"], 0));
    for (text, sealed) in [
        ("import store\n\ndef test_two():\n    assert store.one() == 2\n", "test_two"),
        ("import store\n\ndef test_two():\n    assert store.two() == 2\n", "test_two"),
        ("from store import two\n\n\ndef test_two():\n    assert two() == 2\n", "test_two"),
        (
            "import shop\n\n\nclass TestShop:\n    async def test_two(self):\n        assert shop.two() == 2\n",
            "TestShop::test_two",
        ),
    ] {
        let expected: Box<str> = format!("tests/test_new.py {sealed}").into();
        assert_eq!(red(&mut store, &base, text).await, Ok(vec![expected]), "{text}");
    }
    let text = "from store import two\n\n\ndef test_two():\n    assert two() == 2\n";
    let proof = store.red(PYTEST, &base, ("tests/test_new.py", text)).await.unwrap();
    assert!(proof.reason.contains("tests/test_new.py:1") && proof.reason.contains("ImportError"), "{}", proof.reason);
    store.write("store.py", &format!("{STORE}\n\ndef two():\n    return 2\n"));
    assert_eq!(codes(&base, &store.run(PYTEST).await.report, &["tests/test_new.py test_two"]), []);
    store.write("store.py", &format!("{STORE}\n\ndef two():\n    return 3\n"));
    let wrong = store.run(PYTEST).await.report;
    assert_eq!(codes(&base, &wrong, &["tests/test_new.py test_two"]), [Code::SealedTestFails]);
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    let Some(mut store) = store() else { return };
    let base = store.run(PYTEST).await.report;
    for (text, code) in [
        ("def helper():\n    pass\n", Code::NoNewTest),
        ("def test_passes():\n    pass\n", Code::PassesAlready),
        ("def test_broken(:\n", Code::SyntaxError),
        ("raise RuntimeError('no')\n\ndef test_x():\n    pass\n", Code::WrongError),
        ("def test_x(no_such_fixture):\n    assert False\n", Code::WrongError),
        ("import os\n\ndef test_ends():\n    os._exit(0)\n", Code::RunnerDidNotRun),
        ("import os\nos._exit(1)\n", Code::RunnerDidNotRun),
        ("import pytest\n\n@pytest.mark.skip\ndef test_x():\n    pass\n", Code::NoNewTest),
    ] {
        assert_eq!(red(&mut store, &base, text).await, Err(vec![code]), "{text}");
    }
    std::fs::remove_file(store.at("tests/test_new.py")).unwrap();
    store.write("store.py", "from nowhere import x\n");
    let text = "import store\n\n\ndef test_x():\n    assert store.x\n";
    assert_eq!(red(&mut store, &base, text).await.unwrap_err()[0], Code::ErrorElsewhere);
    store.write("store.py", "def one():\n    return 7\n");
    assert_eq!(red(&mut store, &base, "def test_x():\n    assert False\n").await, Err(vec![Code::OtherTestsFail]));
    let none = store.run("python3 -m pytest --no-such-option").await.report;
    assert!(matches!(none.build, Build::DidNotRun(_)) || none.incomplete.is_some(), "{none:?}");
}

#[tokio::test]
async fn forged_lines_an_early_exit_and_skipping_are_not_green() {
    let Some(mut store) = store() else { return };
    let base = store.run(PYTEST).await.report;
    store.write("tests/test_new.py", "from store import two\n\n\ndef test_two():\n    assert two() == 2\n");
    let sealed = "tests/test_new.py test_two";
    for (forger, code) in [
        (
            "import os\n\ndef two():\n    print('tests/test_new.py::test_two PASSED\\n1 passed')\n    os._exit(0)\n",
            Code::RunnerDidNotRun,
        ),
        ("import sys\n\ndef two():\n    sys.exit(0)\n", Code::SealedTestFails),
        ("import os\nos._exit(0)\n", Code::RunnerDidNotRun),
        ("import pytest\n\ndef two():\n    pytest.skip('no need')\n", Code::SealedTestMissing),
        ("import pytest\npytest.skip('no need', allow_module_level=True)\n", Code::SealedTestMissing),
    ] {
        store.write("store.py", &format!("{forger}\n\ndef one():\n    return 1\n"));
        let candidate = store.run(PYTEST).await;
        let found = codes(&base, &candidate.report, &[sealed]);
        assert!(found.contains(&code), "{forger}: {found:?} {:?}", candidate.report);
    }
}

#[tokio::test]
async fn an_error_in_a_conftest_stands_there_and_no_test_at_all_is_none_that_fails() {
    let Some(mut store) = store() else { return };
    store.write("conftest.py", "import store\n\nstore.nothing()\n");
    let report = store.run(PYTEST).await.report;
    let Build::Failed(errors) = &report.build else { panic!("{report:?}") };
    assert_eq!(
        (errors[0].file.as_deref(), errors[0].line, errors[0].kind),
        (Some("conftest.py"), Some(3), ErrorKind::Name)
    );
    store.write("conftest.py", "");
    std::fs::remove_file(store.at("tests/test_old.py")).unwrap();
    let report = store.run(PYTEST).await.report;
    assert_eq!((report.exit, report.is_counted, report.tests.len()), (0, true, 0));
}

#[tokio::test]
async fn what_a_test_starts_is_not_taken_for_a_test_of_the_project() {
    let Some(mut store) = store() else { return };
    store.write("inner/test_inner.py", "def test_inner():\n    assert False\n");
    store.write(
        "tests/test_new.py",
        "import os, subprocess, sys\n\n\ndef test_outer():\n    assert 'PYTEST_ADDOPTS' not in os.environ\n    \
         assert subprocess.run([sys.executable, '-m', 'pytest', 'inner']).returncode == 1\n",
    );
    let report = store.run("python3 -m pytest tests").await.report;
    assert_eq!((names(&report), report.exit), (vec!["tests/test_new.py test_outer", "tests/test_old.py test_one"], 0));
}
