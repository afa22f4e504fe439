//! Ecosystems other than Cargo through the binary, in the sandbox: red, green, and what a cheating implementation comes to.

use crate::{
    breakdown::{Task, add, put, stream},
    space::{Said, Space},
};
use std::path::{Path, PathBuf};

const GATE: &str = "All tests pass";

/// Where `.ci/runners` installed the test runners. A machine without them skips what needs them, and fails in CI.
fn runners() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_RUNNERS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/runners"));
    if folder.join("versions").exists() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no test runners in {}: run .ci/runners", folder.display());
    println!("skipped: no test runners in {}; .ci/runners installs them", folder.display());
    None
}

/// A repository whose programs are found in the runners' folders first.
struct Ground {
    space: Space,
    runners: PathBuf,
}

impl Ground {
    /// With these files, one try a task, and these lines of configuration.
    fn with(files: &[(&str, &str)], config: &str) -> Option<Ground> {
        let (space, runners) = (Space::empty(), runners()?);
        let modules = runners.join("node_modules").display().to_string();
        let readable = format!("[sandbox]\nreadable = [\"{}\"]\n", runners.display());
        let config = config.replace("MODULES", &modules);
        space.write("tidegate.toml", &format!("{config}\n[attempts]\ntries = 1\nlives = 1\n{readable}"));
        files.iter().for_each(|(path, text)| space.write(path, text));
        space.commit("Begin");
        Some(Ground { space, runners })
    }

    fn run(&self, args: &[&str]) -> Said {
        crate::space::said(&self.command(args).output().expect("the binary runs"))
    }

    /// Of the binary, which finds the runners before any other program.
    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.space.tidegate(args);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.runners.join("venv/bin")].into_iter().chain(std::env::split_paths(&path));
        // The interpreter of the runners is of a toolchain in the real home.
        let home = std::env::var_os("HOME").unwrap_or_default();
        command
            .env("PATH", std::env::join_paths(path).expect("a search path"))
            .env("PYENV_ROOT", Path::new(&home).join(".pyenv"));
        command
    }

    fn execute(&self, tasks: &[Task]) -> Said {
        self.space.topic("toy", &stream(tasks, GATE));
        self.run(&["execute", "toy", "--plain"])
    }
}

fn python() -> Option<Ground> {
    Ground::with(
        &[
            (
                "pyproject.toml",
                "[project]\nname = \"toy\"\nversion = \"0\"\n[tool.pytest.ini_options]\npythonpath = [\".\"]\n",
            ),
            ("toy/__init__.py", "\"\"\"A toy.\"\"\"\n"),
            ("toy/old.py", "def old():\n    return 1\n"),
            ("tests/test_old.py", "from toy.old import old\n\n\ndef test_old():\n    assert old() == 1\n"),
        ],
        "",
    )
}

const PY_TEST: &str = "from toy.new import new\n\n\ndef test_new():\n    assert new() == 2\n";
const PY_CODE: &str = "def new():\n    return 2";

fn py_task(code: &str) -> Task {
    let task = Task::new("New").field("Test Requirements: The new is two").field("Files: toy/new.py");
    task.tests(&put("tests/test_new.py", PY_TEST)).code(code)
}

#[test]
fn a_python_task_is_red_for_what_is_not_there_and_green_by_pytests_own_report() {
    let Some(ground) = python() else { return };
    let code = put("toy/new.py", PY_CODE) + &add("toy/__init__.py", "from .new import new");
    let said = ground.execute(&[py_task(&code)]).exits(0);
    said.says(&["1 test red, then green", "landed as", "toy/__init__.py: from .new import new"]);
    assert!(ground.space.tree("toy").contains(&"toy/new.py".to_owned()));
}

#[test]
fn a_runner_that_is_not_there_is_no_fault_of_the_tests() {
    let Some(ground) = python() else { return };
    ground.space.write("tidegate.toml", "[checks]\ntask = [\"python3 -c 'exit(3)' pytest\"]\n[attempts]\nlives = 1\n");
    ground.space.commit("Check with what is not there");
    let said = ground.execute(&[py_task(&put("toy/new.py", PY_CODE))]).exits(1).says(&[
        "red cannot be judged, for no test runs here: on the base, `python3 -c 'exit(3)' pytest` exited with 3",
    ]);
    assert_eq!(said.out.matches("writes tests").count(), 1, "{}", said.all());
}

#[test]
fn a_python_implementation_that_cheats_does_not_land() {
    for (code, words) in [
        (
            put("toy/new.py", "import os\n\n\ndef new():\n    print('1 passed')\n    os._exit(0)"),
            "pytest was ended before it was over, and tests/test_new.py test_new",
        ),
        (
            put("toy/new.py", "import pytest\n\n\ndef new():\n    pytest.skip('no need')"),
            "tests/test_new.py test_new (skipped)",
        ),
        (
            put("toy/new.py", "import sys\n\n\ndef new():\n    return 2 if 'pytest' in sys.modules else 3"),
            "this asks whether it is being tested",
        ),
        (
            put("toy/new.py", "def new():\n    return 3") + "sed -i 's/== 2/== 3/' tests/test_new.py\n",
            "sealed tests fail: tests/test_new.py test_new",
        ),
        (
            put("toy/new.py", "def new():\n    return 3")
                + "sed -i 's/pythonpath/addopts = \"--deselect tests\\/test_new.py\"\\npythonpath/' pyproject.toml\n",
            "sealed tests fail: tests/test_new.py test_new",
        ),
        (put("toy/new.py", "def new():\n    raise NotImplementedError"), "sealed tests fail"),
    ] {
        let Some(ground) = python() else { return };
        ground.execute(&[py_task(&code)]).exits(1).says(&[words]);
        assert!(ground.space.landed("toy").is_empty(), "{code}");
    }
}

#[test]
fn a_node_task_is_judged_by_the_report_of_the_runner_that_its_script_calls() {
    for (script, head) in [
        (
            "node --test",
            "import { test } from 'node:test';\nimport { strict as assert } from 'node:assert';\nconst same = (a, b) => assert.equal(a, b);",
        ),
        ("vitest run", "import { test, expect } from 'vitest';\nconst same = (a, b) => expect(a).toBe(b);"),
    ] {
        let manifest = format!("{{\"type\": \"module\", \"scripts\": {{\"test\": \"{script}\"}}}}\n");
        let old = format!("{head}\nimport {{ old }} from '../src/old.js';\ntest('old', () => same(old(), 1));\n");
        let files = [
            ("package.json", &*manifest),
            ("src/old.js", "export const old = () => 1;\n"),
            ("tests/old.test.js", &*old),
            (".gitignore", "node_modules\n"),
        ];
        let config = "[workspace]\nsetup = [\"ln -s MODULES node_modules\"]";
        let new = format!("{head}\nimport {{ two }} from '../src/two.js';\ntest('two', () => same(two(), 2));");
        let task = |code: &str| {
            let task = Task::new("Two").field("Test Requirements: Two is two").field("Files: src/two.js");
            task.tests(&put("tests/two.test.js", &new)).code(&put("src/two.js", code))
        };
        let Some(ground) = Ground::with(&files, config) else { return };
        ground
            .execute(&[task("export const two = () => 2;")])
            .exits(0)
            .says(&["1 test red, then green", "set-up: ln -s"]);
        for code in [
            "export const two = () => { console.log('ok 1 - two'); process.exit(0); };",
            "console.log('# pass 2');\nprocess.exit(0);\nexport const two = () => 3;",
            "export const two = () => (process.env.NODE_TEST_CONTEXT || process.env.VITEST ? 2 : 3);",
        ] {
            let Some(ground) = Ground::with(&files, config) else { return };
            ground.execute(&[task(code)]).exits(1);
            assert!(ground.space.landed("toy").is_empty(), "{script}: {code}");
        }
    }
}

#[test]
fn checks_of_a_path_run_where_a_patch_touches_it_and_at_the_gates_behind() {
    let trace = |name: &str| format!("echo {name} >> '{{}}'");
    let space = Space::strict().open();
    let seen = space.beside("seen").display().to_string();
    let line = |name: &str| trace(name).replace("{}", &seen);
    space.write(
        "tidegate.toml",
        &format!(
            "[checks]\ntask = [\"true\"]\n[[checks.path]]\npaths = [\"web\"]\nrun = [\"{}\"]\n[[checks.path]]\npaths = [\"api/**\"]\nrun = [\"{}\"]\n",
            line("web"),
            line("api")
        ),
    );
    space.commit("By path");
    let task = Task::new("Web").code("mkdir -p web\necho 1 > web/x");
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy").exits(0);
    let seen = std::fs::read_to_string(space.beside("seen")).expect("checks ran");
    let first = seen.lines().position(|line| line == "api").expect("it ran at the stream's gate");
    assert!(first > 0 && seen.lines().take(first).all(|line| line == "web"), "{seen}");
}

#[test]
fn a_lock_file_that_does_not_agree_with_its_manifest_sends_the_work_back() {
    let space = Space::strict();
    space.write(
        "tidegate.toml",
        &format!("{}[workspace]\nsetup = [\"test ! -e broken.lock\"]\n", space.read("tidegate.toml")),
    );
    space.commit("Set up");
    let task = Task::new("New").code("touch broken.lock\necho 1 > new");
    space.topic("toy", &stream(&[task], GATE));
    space.execute("toy").exits(1).says(&["the check did not run: set-up `test ! -e broken.lock` failed (1)"]);
    assert!(space.landed("toy").is_empty());
}

#[test]
fn what_is_checked_and_set_up_by_default_is_told() {
    let space = Space::crate_named("toy");
    space.write("web/package.json", "{\"scripts\": {\"test\": \"vitest run\"}}");
    space.write("web/package-lock.json", "{}");
    space.write("api/pytest.ini", "[pytest]\n");
    space.commit("More");
    space.topic("toy", &stream(&[Task::new("New").code("true")], GATE));
    let said = space.run(&["check", "toy"]).exits(0);
    let said = said.says(&["cargo test --workspace", "cd api && python3 -m pytest", "cd web && npm test"]);
    said.says(&["set-up, by lock files: cargo fetch --locked; cd web && npm ci; `[workspace] setup` says otherwise"]);
}

#[test]
fn the_sample_in_python_goes_the_whole_way() {
    let Some(ground) = python() else { return };
    let mut demo = ground.command(&["demo", "shop", "--topic", "api-integration", "--plain"]);
    let said = crate::space::said(&demo.current_dir(ground.space.beside("")).output().expect("the binary runs"));
    said.exits(0).says(&[
        "1     sent back by security-reviewer: the text of an error holds the whole request, and with it the token",
        "2     sent back by verify: sealed tests fail: tests/test_pages.py test_items_of_all_pages_come_in_order",
        "api-integration: done, every gate passed",
        "Tasks: 3 of 3 done",
    ]);
}
