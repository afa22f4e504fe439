//! node's own test runner, vitest and jest, by the reporters that are put into them.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use std::os::unix::fs::symlink;
use tidegate::{
    check::Node,
    rules::{Report, TestResult},
    run::Code,
};

/// A runner, and how its tests are written.
struct Runner {
    /// The command that a script gives it.
    script: &'static str,
    /// What tests begin with.
    head: &'static str,
    /// What makes a function visible to others.
    export: &'static str,
    /// How something is taken from the store.
    import: fn(&str) -> String,
}

const NODE: Runner = Runner {
    script: "node --test",
    head: "import test, { describe, it } from 'node:test';\nimport { strict as assert } from 'node:assert';\nconst same = (a, b) => assert.equal(a, b);\n",
    export: "export ",
    import: |what| format!("import {{ {what} }} from '../src/store.js';\n"),
};
const VITEST: Runner = Runner {
    script: "vitest run",
    head: "import { describe, expect, it, test } from 'vitest';\nconst same = (a, b) => expect(a).toBe(b);\n",
    export: "export ",
    import: |what| format!("import {{ {what} }} from '../src/store.js';\n"),
};
const JEST: Runner = Runner {
    script: "jest",
    head: "const same = (a, b) => expect(a).toBe(b);\n",
    export: "module.exports = { one };\nfunction two() { return 2; }\n",
    import: |what| format!("const {{ {what} }} = require('../src/store.js');\n"),
};

impl Runner {
    fn store(&self, more: &str) -> String {
        match self.script {
            "jest" => format!(
                "const one = () => 1;\n{more}\nmodule.exports = {{ one, two: typeof two === 'undefined' ? undefined : two }};\n"
            ),
            _ => format!("{}const one = () => 1;\n{more}\n", self.export),
        }
    }

    /// A package with a test that passes.
    fn package(&self) -> Option<Project> {
        let runners = Runners::found()?;
        let made = Project::new(&[&Node]);
        let kind = if self.script == "jest" { "commonjs" } else { "module" };
        made.write(
            "package.json",
            &format!("{{\"type\": \"{kind}\", \"scripts\": {{\"test\": \"{}\"}}}}", self.script),
        );
        made.write("src/store.js", &self.store(""));
        made.write("tests/old.test.js", &self.tests("one", "test('one', () => same(one(), 1));\n"));
        symlink(runners.node_modules(), made.at("node_modules")).unwrap();
        Some(made)
    }

    fn tests(&self, import: &str, text: &str) -> String {
        format!("{}{}{text}", self.head, (self.import)(import))
    }

    async fn red(&self, made: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
        made.red("npm test", base, ("tests/new.test.js", text)).await.map(|proof| proof.tests)
    }
}

const ALL: [Runner; 3] = [NODE, VITEST, JEST];

#[tokio::test]
async fn tests_are_reported_by_file_and_title_whoever_calls_the_runner() {
    for runner in ALL {
        let Some(mut made) = runner.package() else { return };
        let text = "describe('g', () => {\n  it('fails', () => same(1, 2));\n  it.skip('skips', () => {});\n  it.todo('later');\n  it('passes', () => {});\n});\n";
        made.write("tests/more.test.js", &runner.tests("one", text));
        made.write("run.sh", &format!("PATH=node_modules/.bin:$PATH {}\n", runner.script));
        let bail = if runner.script == "node --test" { "npm test --silent" } else { "npm test -- --bail 1" };
        for command in ["npm test", "sh run.sh", bail] {
            let checked = made.run(command).await;
            let report = &checked.report;
            let expected = [
                "more.test.js g > fails",
                "more.test.js g > later",
                "more.test.js g > passes",
                "more.test.js g > skips",
                "old.test.js one",
            ];
            assert_eq!(
                names(report),
                expected.map(|name| format!("tests/{name}")),
                "{}: {}",
                runner.script,
                checked.tail
            );
            assert_eq!(report.failures().collect::<Vec<_>>(), ["tests/more.test.js g > fails"], "{}", runner.script);
            assert!(matches!(report.tests["tests/more.test.js g > later"], TestResult::Ignored(Some(_))), "{report:?}");
            assert_eq!((&report.incomplete, report.exit), (&None, 1), "{}", runner.script);
        }
    }
}

#[tokio::test]
async fn red_is_accepted_for_an_assertion_and_for_what_is_not_there_yet() {
    for runner in ALL {
        let Some(mut made) = runner.package() else { return };
        let base = made.run("npm test").await.report;
        assert_eq!((names(&base), base.exit), (vec!["tests/old.test.js one"], 0), "{}", runner.script);
        let sealed: Box<str> = "tests/new.test.js g > two".into();
        let body = "describe('g', () => {\n  it('two', () => same(two(), 2));\n});\n";
        let missing = runner.tests("two", body);
        let nowhere = missing.replace("store.js", "shop.js");
        let wrong = runner.tests("one", &body.replace("two()", "one()"));
        for text in [&missing, &nowhere, &wrong] {
            assert_eq!(runner.red(&mut made, &base, text).await, Ok(vec![sealed.clone()]), "{}: {text}", runner.script);
        }
        made.write("tests/new.test.js", &missing);
        for (two, expected) in [("2", vec![]), ("3", vec![Code::SealedTestFails])] {
            let export = if runner.script == "jest" { "" } else { "export " };
            made.write("src/store.js", &runner.store(&format!("{export}function two() {{ return {two}; }}")));
            let candidate = made.run("npm test").await;
            assert_eq!(codes(&base, &candidate.report, &[&sealed]), expected, "{}: {}", runner.script, candidate.tail);
        }
    }
}

#[tokio::test]
async fn each_wrong_kind_of_red_is_told_apart() {
    for runner in ALL {
        let Some(mut made) = runner.package() else { return };
        let base = made.run("npm test").await.report;
        for (text, code) in [
            ("test('passes', () => same(1, 1));\n", Code::PassesAlready),
            ("test('broken', () => { ((( });\n", Code::SyntaxError),
            ("test.skip('x', () => same(1, 2));\n", Code::NoNewTest),
        ] {
            let text = runner.tests("one", text);
            assert_eq!(runner.red(&mut made, &base, &text).await, Err(vec![code]), "{}: {text}", runner.script);
        }
        std::fs::remove_file(made.at("tests/new.test.js")).unwrap();
        made.write("src/store.js", &runner.store("").replace("=> 1", "=> 7"));
        let text = runner.tests("one", "test('new', () => same(1, 2));\n");
        assert_eq!(runner.red(&mut made, &base, &text).await, Err(vec![Code::OtherTestsFail]), "{}", runner.script);
        made.write("src/store.js", &(runner.store("") + "nothing();\n"));
        let found = runner.red(&mut made, &base, &text).await.unwrap_err();
        assert_eq!(found[0], Code::ErrorElsewhere, "{}: {found:?}", runner.script);
    }
}

#[tokio::test]
async fn forged_lines_an_early_exit_and_skipping_are_not_green() {
    for runner in ALL {
        let Some(mut made) = runner.package() else { return };
        let base = made.run("npm test").await.report;
        made.write("tests/new.test.js", &runner.tests("two", "test('two', () => same(two(), 2));\n"));
        let export = if runner.script == "jest" { "" } else { "export " };
        for body in [
            "console.log('ok 1 - two\\n\u{2714} two\\n# pass 1'); process.exit(0);",
            "process.reallyExit(0);",
            "process.kill(process.pid, 'SIGKILL');",
            "process.exitCode = 0; throw new Error('no');",
        ] {
            made.write("src/store.js", &runner.store(&format!("{export}function two() {{ {body} }}")));
            let candidate = made.run("npm test").await;
            let found = codes(&base, &candidate.report, &["tests/new.test.js two"]);
            assert!(!found.is_empty(), "{}: {body}: {:?}", runner.script, candidate.report);
        }
        made.write("src/store.js", &(runner.store("") + "process.exit(0);\n"));
        let candidate = made.run("npm test").await;
        let found = codes(&base, &candidate.report, &["tests/new.test.js two"]);
        assert!(!found.is_empty(), "{}: {:?}", runner.script, candidate.report);
    }
}

#[tokio::test]
async fn a_snapshot_that_is_missing_is_red_and_is_not_written() {
    for runner in [VITEST, JEST] {
        let Some(mut made) = runner.package() else { return };
        made.write(
            "tests/snap.test.js",
            &runner.tests("one", "test('snap', () => expect(one()).toMatchSnapshot());\n"),
        );
        let report = made.run("npm test").await.report;
        assert_eq!(report.failures().collect::<Vec<_>>(), ["tests/snap.test.js snap"], "{}", runner.script);
        assert!(!made.at("tests/__snapshots__").exists(), "{}", runner.script);
        let report = made.run("npm test -- -u").await.report;
        assert!(report.failed("tests/snap.test.js snap") && !made.at("tests/__snapshots__").exists());
    }
}

#[tokio::test]
async fn a_reporter_of_the_projects_own_stays_beside_ours() {
    let Some(mut made) = NODE.package() else { return };
    made.write("package.json", "{\"type\": \"module\", \"scripts\": {\"test\": \"node --test --test-reporter=tap\"}}");
    let checked = made.run("npm test").await;
    assert_eq!(names(&checked.report), ["tests/old.test.js one"], "{}", checked.tail);
    assert!(checked.tail.contains("ok 1 - one"), "{}", checked.tail);
    made.write("tests/script.test.js", "import { strict as assert } from 'node:assert';\nassert.equal(1, 2);\n");
    let report = made.run("npm test").await.report;
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        ["tests/script.test.js (file)"],
        "a file that is a test as a whole"
    );
}

#[tokio::test]
async fn what_a_test_starts_is_not_taken_for_a_test_of_the_project() {
    for runner in ALL {
        let Some(mut made) = runner.package() else { return };
        made.write("inner/a.mjs", "import test from 'node:test';\ntest('inner', () => { throw new Error('x') });\n");
        let spawn = match runner.script {
            "jest" => "const { spawnSync } = require('node:child_process');\n",
            _ => "import { spawnSync } from 'node:child_process';\n",
        };
        let text = format!(
            "{spawn}test('outer', () => {{ const env = {{ ...process.env, NODE_TEST_CONTEXT: undefined }}; delete env.NODE_TEST_CONTEXT;\n  \
             same(spawnSync(process.execPath, ['--test', 'inner/a.mjs'], {{ env }}).status, 1); }});\n"
        );
        made.write("tests/new.test.js", &runner.tests("one", &text));
        let checked = made.run("npm test").await;
        let expected = ["tests/new.test.js outer", "tests/old.test.js one"];
        assert_eq!(
            (names(&checked.report), checked.report.exit),
            (expected.to_vec(), 0),
            "{}: {}",
            runner.script,
            checked.tail
        );
    }
}
