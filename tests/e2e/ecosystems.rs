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
        Ground::of(files, config, "")
    }

    /// The same, where programs may write this folder, too.
    fn of(files: &[(&str, &str)], config: &str, writable: &str) -> Option<Ground> {
        let (space, runners) = (Space::empty(), runners()?);
        let modules = runners.join("node_modules").display().to_string();
        let mut readable = format!("[sandbox]\nreadable = [\"{}\"]\n", runners.display());
        if !writable.is_empty() {
            readable += &format!("writable = [\"{writable}\"]\n");
        }
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

/// A module in Go with a test that passes. Its checks share what they build with those of other tests.
fn go() -> Option<Ground> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-build").display().to_string();
    std::fs::create_dir_all(&cache).expect("a folder for what go builds");
    let config = format!("[checks]\nenv = {{ GOCACHE = \"{cache}\" }}\n");
    Ground::of(
        &[
            ("go.mod", "module example.com/toy\n\ngo 1.19\n"),
            ("toy.go", "package toy\n\nfunc Old() int { return 1 }\n"),
            (
                "toy_test.go",
                "package toy\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n\tif Old() != 1 {\n\t\tt.Fatal(1)\n\t}\n}\n",
            ),
        ],
        &config,
        &cache,
    )
}

const GO_TEST: &str =
    "package toy\n\nimport \"testing\"\n\nfunc TestNew(t *testing.T) {\n\tif New() != 2 {\n\t\tt.Fatal(2)\n\t}\n}";

#[test]
fn a_go_task_is_red_for_what_is_not_there_and_green_by_package_testings_own_word() {
    let task = |code: &str| {
        let task = Task::new("New").field("Test Requirements: The new is two").field("Files: new.go");
        task.tests(&put("new_test.go", GO_TEST)).code(&put("new.go", code))
    };
    let Some(ground) = go() else { return };
    let said = ground.execute(&[task("package toy\n\nfunc New() int { return 2 }")]).exits(0);
    said.says(&["1 test red, then green", "landed as"]);
    for (code, words) in [
        (
            "import \"fmt\"\n\nfunc New() int { fmt.Print(\"--- PASS: TestNew (0.00s)\\nPASS\\n\"); return 3 }",
            "sealed tests fail",
        ),
        (
            "import \"syscall\"\n\nfunc New() int { print(\"--- PASS: TestNew\\n\"); syscall.Exit(0); return 3 }",
            "go was ended before it was over",
        ),
        (
            "import \"testing\"\n\nfunc New() int { if testing.Testing() { return 2 }; return 3 }",
            "this asks whether it is being tested",
        ),
    ] {
        let Some(ground) = go() else { return };
        ground.execute(&[task(&format!("package toy\n\n{code}"))]).exits(1).says(&[words]);
        assert!(ground.space.landed("toy").is_empty(), "{code}");
    }
}

#[test]
fn an_elixir_task_is_judged_by_what_exunit_tells_our_formatter() {
    let files = [
        (
            "mix.exs",
            "defmodule Toy.MixProject do\n  use Mix.Project\n  def project, do: [app: :toy, version: \"0.1.0\", deps: []]\nend\n",
        ),
        ("lib/toy.ex", "defmodule Toy do\n  def one, do: 1\nend\n"),
        ("test/test_helper.exs", "ExUnit.start()\n"),
        (
            "test/toy_test.exs",
            "defmodule ToyTest do\n  use ExUnit.Case\n\n  test \"one\" do\n    assert Toy.one() == 1\n  end\nend\n",
        ),
        (".gitignore", "_build\n"),
    ];
    let test = "defmodule NewTest do\n  use ExUnit.Case\n\n  test \"two\" do\n    assert New.two() == 2\n  end\nend";
    let task = |body: &str| {
        let task = Task::new("New").field("Test Requirements: Two is two").field("Files: lib/new.ex");
        let code = format!("defmodule New do\n  def two do\n    {body}\n  end\nend");
        task.tests(&put("test/new_test.exs", test)).code(&put("lib/new.ex", &code))
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("mix").exists()) {
        assert!(std::env::var_os("CI").is_none(), "no mix on the search path: run .ci/runners");
        println!("skipped: no mix on the search path; .ci/runners installs it");
        return;
    }
    let Some(ground) = Ground::with(&files, "") else { return };
    ground.execute(&[task("1 + 1")]).exits(0).says(&["1 test red, then green", "landed as"]);
    for (body, words) in [
        ("IO.puts(\"2 tests, 0 failures\")\n    System.halt(0)", "exunit was ended before it was over"),
        ("1 + 2", "sealed tests fail: test/new_test.exs two"),
    ] {
        let Some(ground) = Ground::with(&files, "") else { return };
        ground.execute(&[task(body)]).exits(1).says(&[words]);
        assert!(ground.space.landed("toy").is_empty(), "{body}");
    }
}

#[test]
fn a_task_in_c_is_judged_by_the_report_of_ctest() {
    let files = [
        (
            "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.10)\nproject(toy C)\nenable_testing()\nadd_subdirectory(tests)\n",
        ),
        ("src/old.h", "static inline int old(void) { return 1; }\n"),
        ("tests/old.c", "#include \"../src/old.h\"\nint main(void) { return old() != 1; }\n"),
        ("tests/CMakeLists.txt", "add_executable(old old.c)\nadd_test(NAME old COMMAND old)\n"),
    ];
    let test = put("tests/new.c", "#include \"../src/new.h\"\nint main(void) { return new() != 2; }")
        + &add("tests/CMakeLists.txt", "add_executable(new new.c)\nadd_test(NAME new COMMAND new)");
    let task = |body: &str| {
        let task = Task::new("New").field("Test Requirements: The new is two").field("Files: src/new.h");
        let code = format!("#include <stdio.h>\n#include <stdlib.h>\nstatic inline int new(void) {{ {body} }}");
        task.tests(&test).code(&put("src/new.h", &code))
    };
    let Some(ground) = Ground::with(&files, "") else { return };
    ground.execute(&[task("return 2;")]).exits(0).says(&["tests red, then green", "landed as"]);
    let Some(ground) = Ground::with(&files, "") else { return };
    ground.execute(&[task("puts(\"100% tests passed\"); return 3;")]).exits(1).says(&["sealed tests fail: ctest new"]);
}

#[test]
fn a_java_task_is_judged_by_what_maven_leaves() {
    let versions =
        std::fs::read_dir("/usr/share/maven-repo/org/junit/jupiter/junit-jupiter").into_iter().flatten().flatten();
    let names = versions.filter_map(|entry| entry.file_name().into_string().ok());
    let Some(junit) = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).max() else {
        assert!(std::env::var_os("CI").is_none(), "no JUnit for Maven: run .ci/runners");
        println!("skipped: no JUnit for Maven; .ci/runners installs it");
        return;
    };
    let pom = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>a</groupId>\
         <artifactId>toy</artifactId><version>1</version><properties><maven.compiler.source>17</maven.compiler.source>\
         <maven.compiler.target>17</maven.compiler.target></properties><dependencies><dependency>\
         <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>{junit}</version>\
         <scope>test</scope></dependency></dependencies></project>\n"
    );
    let test = |name: &str, call: &str| {
        format!(
            "package a;\n\nimport org.junit.jupiter.api.*;\n\nclass {name}Test {{\n    @Test\n    void works() {{ Assertions.assertEquals(2, {call}); }}\n}}\n"
        )
    };
    let old = test("Old", "Old.old()");
    let files = [
        ("pom.xml", &*pom),
        ("src/main/java/a/Old.java", "package a;\n\nclass Old {\n    static int old() { return 2; }\n}\n"),
        ("src/test/java/a/OldTest.java", &*old),
    ];
    let maven = "mvn -o -B -q -DforkCount=0 -Dmaven.repo.local=/usr/share/maven-repo test";
    let config = format!("[checks]\ntask = [\"{maven}\"]\nstream = [\"{maven}\"]\nsystem = [\"{maven}\"]\n");
    let Some(ground) = Ground::with(&files, &config) else { return };
    let task = Task::new("New").field("Test Requirements: The new is two").field("Files: src/main/java/a/New.java");
    let task = task.tests(&put("src/test/java/a/NewTest.java", &test("New", "New.two()")));
    let task =
        task.code(&put("src/main/java/a/New.java", "package a;\n\nclass New {\n    static int two() { return 2; }\n}"));
    ground.execute(&[task]).exits(0).says(&["1 test red, then green", "landed as"]);
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
    space.write("svc/go.mod", "module svc\n");
    space.write("svc/svc.go", "package svc\n");
    space.write("svc/go.sum", "");
    space.write("app/mix.exs", "");
    space.write("app/test/test_helper.exs", "");
    space.write("app/mix.lock", "");
    space.write("shop/pom.xml", "<project/>");
    space.write("shop/src/main/java/Shop.java", "");
    space.write("core/CMakeLists.txt", "enable_testing()\n");
    space.write("tool/Makefile", "test:\n\ttrue\n");
    space.write("Makefile", "test:\n\tcargo test\n");
    space.commit("More");
    space.topic("toy", &stream(&[Task::new("New").code("true")], GATE));
    let said = space.run(&["check", "toy"]).exits(0);
    let said = said.says(&["cargo test --workspace", "cd api && python3 -m pytest", "cd web && npm test"]);
    let said = said.says(&[
        "cd svc && go test ./...",
        "cd app && mix test",
        "cd shop && mvn -B -fae verify",
        "cd core && cmake -S . -B _build",
    ]);
    let setup = "set-up, by lock files: cargo fetch --locked; cd web && npm ci; cd app && mix deps.get; cd svc && go mod download;";
    said.says(&[setup, "`[workspace] setup` says otherwise"]);
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

/// Where make has each test compiled together with the code, and gives no names.
const MAKEFILE: &str = ".PHONY: test\ntest:\n\tfor t in test/*.c; do [ ! -e \"$$t\" ] || { cc -o /tmp/t src/*.c \"$$t\" && /tmp/t; } || exit 1; done\n";

/// Such a repository with more configuration, and a task that is done by this code.
fn square(config: &str, code: &str) -> Space {
    let space = Space::plain();
    space.write("tidegate.toml", &format!("[review]\nreviewers = []\n{config}"));
    space.write("Makefile", MAKEFILE);
    space.write("src/one.c", "int one(void) { return 1; }\n");
    space.commit("Begin");
    let test = "mkdir -p test\necho 'int sq(int); int main(void) { return sq(3) != 9; }' > test/sq.c";
    space.topic("square", &stream(&[Task::new("Square").tests(test).code(code)], GATE));
    space
}

#[test]
fn a_test_that_does_not_link_yet_is_red_where_the_runner_gives_no_names() {
    let space = square("", "echo 'int sq(int x) { return x * x; }' > src/sq.c");
    space.execute("square").exits(0).says(&["undefined reference", "uncounted: the check gives no names"]);
    space.run(&["why", "square", "1"]).exits(0).says(&["shown in part: the sealed tests fail without the code"]);
}

#[test]
fn code_that_ends_the_process_proves_nothing_where_exit_codes_are_all_there_is() {
    let space = square(
        "[attempts]\ntries = 1\n",
        "printf '#include <unistd.h>\\nint sq(int x) {\\n    _exit(0);\\n}\\n' > src/sq.c",
    );
    space.execute("square").exits(1).says(&["this ends the process, and a check that gives no names of tests with it"]);
}

#[test]
fn a_runner_that_ends_well_though_its_report_names_a_failure_opens_no_gate() {
    let space = Space::plain();
    space.write(
        "tidegate.toml",
        "[checks]\ntask = [\"true\"]\nstream = [\"sh t.sh\"]\nsystem = [\"true\"]\nreports = [\"-\"]\n",
    );
    space.write("t.sh", "printf '1..2\\nok 1 - adds\\nnot ok 2 - takes away\\n'\n");
    space.commit("Begin");
    space.topic("one", &stream(&[Task::new("One").code("echo 1 > one")], GATE));
    let said = space.execute("one").exits(1);
    said.says(&["its exit code is 0, and its own report says that these failed", "takes away"]);
}
