//! Java and its kin: Maven and Gradle, by the JUnit XML that their runners leave in each module.

use super::{
    Check, Ecosystem, Order, Place, Prepared, Preparing, Reader, Reading, Tree,
    compiler::{Said, Words},
    declared::Declared,
};
use crate::plan::Level;
use crate::rules::{Report, regex};
use regex::Regex;
use std::{collections::BTreeSet, sync::LazyLock};

/// Where runners leave their reports, in whatever module.
const REPORTS: [&str; 3] =
    ["**/target/surefire-reports/*.xml", "**/target/failsafe-reports/*.xml", "**/build/test-results/**/*.xml"];

/// What Gradle calls the files that make a folder its project.
const GRADLE: [&str; 4] = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];

static TOOL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:^|[\s;&|(/])(?:mvn|mvnw|mvnd|gradle|gradlew)(?:\s|$|[;&|)])"));

/// A goal or a task in which tests are run.
static RUNS_TESTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:^|[\s;&|(/])(?:mvn|mvnw|mvnd|gradle|gradlew)\s(?:[^;&|]*[\s:])?(?:test\w*|\w+Test|verify|package|install|check|build)(?:\s|$|[;&|)])",
    )
});

/// The machine that ran the tests did not come to its end.
static CRASHED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"The forked VM terminated without|The forked VM was terminated|Process 'Gradle Test Executor \d+' finished with non-zero",
    )
});

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(
        r"COMPILATION ERROR|Compilation failed|Compilation failure|Execution failed for task '[^'\n]*[cC]ompile",
        &[
            r"(?m)^(?:\[ERROR\] )?(?:e: )?(?:file://)?(?P<file>/[^\n:\[]+\.(?:java|kt|kts|groovy|scala)):\[?(?P<line>\d+)(?:,\d+\]|:\d+)?:? (?:error: )?(?P<message>\S[^\n]*(?:\n(?:\[ERROR\])?\s+symbol:[^\n]+)?)",
            r"(?m)^e: (?P<file>/[^\n:]+\.kts?): \((?P<line>\d+), \d+\): (?P<message>\S[^\n]*)",
        ],
        [
            r"cannot find symbol|does not exist|[Uu]nresolved reference|cannot be resolved|unable to resolve class|not found: |is not a member",
            r"incompatible types|cannot be applied|no suitable|is not abstract|has private access|[Tt]ype mismatch|Too many arguments|No value passed|not applicable|is not public|does not override",
            r"expected|illegal start|reached end of file|unclosed|not a statement|Expecting|unexpected token",
        ],
    )
});

/// Maven and Gradle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jvm;

impl Ecosystem for Jvm {
    fn name(&self) -> &'static str {
        "jvm"
    }

    fn manifests(&self) -> &'static [&'static str] {
        &["pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"]
    }

    fn default_checks(&self, place: &Place<'_>, level: Level) -> Vec<String> {
        let is_source = |path: &str| [".java", ".kt", ".groovy", ".scala"].iter().any(|end| path.ends_with(end));
        if !place.paths().any(is_source) {
            return Vec::new();
        }
        let tool = |wrapper: &str, tool: &str| place.program_above(wrapper).unwrap_or_else(|| tool.to_owned());
        let command = if GRADLE.iter().any(|name| place.has(name)) && !place.has("pom.xml") {
            let task = match level {
                Level::Deployment => "assemble",
                Level::System => "check --continue",
                _ => "test --continue",
            };
            format!("{} {task}", tool("gradlew", "gradle"))
        } else {
            let goal = match level {
                Level::Deployment => "-DskipTests package",
                Level::System => "-fae verify",
                _ => "-fae test",
            };
            format!("{} -B {goal}", tool("mvnw", "mvn"))
        };
        vec![place.within(&command)]
    }

    fn calls(&self, command: &str) -> bool {
        TOOL.is_match(command)
    }

    fn reports_tests(&self, command: &str, _: &Tree) -> bool {
        RUNS_TESTS.is_match(command)
    }

    fn prepare<'a>(&'a self, check: &'a Check<'a>, mut order: Order) -> Preparing<'a> {
        Box::pin(async move {
            let reports = Declared::of(check, REPORTS.iter().map(|glob| (*glob).to_owned()), false)?;
            if check.is_offline() {
                // Set-up has fetched what there is. Maven reads this since its version 3.9.
                order.extend(check, "MAVEN_ARGS", " ", "-o");
            }
            let records = Records { check, reports, said: Said::from_here(check) };
            Ok(Prepared::read_by(order, Some(records)))
        })
    }
}

struct Records<'a> {
    check: &'a Check<'a>,
    reports: Declared<'a>,
    said: Said,
}

impl Reader for Records<'_> {
    fn read<'a>(self: Box<Self>, report: &'a mut Report) -> Reading<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            self.reports.read(report)?;
            if report.exit != 0 && CRASHED.is_match(&self.said.text()) {
                report
                    .incomplete
                    .get_or_insert_with(|| "the machine that ran the tests was ended before it was over".into());
            }
            // `a.B$C` stands in a file whose path ends with `a/B.java`.
            let classes: BTreeSet<String> = report
                .tests
                .keys()
                .filter_map(|name| {
                    let class = name.split(' ').next()?.split('$').next()?;
                    Some(class.replace('.', "/"))
                })
                .collect();
            let did_run = |file: &str| {
                let path = file.rsplit_once('.').map_or(file, |(path, _)| path);
                let below = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
                [path].into_iter().chain(below).any(|class| classes.contains(class))
            };
            self.said.explain(&WORDS, RUNS_TESTS.is_match(self.check.command), did_run, report);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ErrorKind;

    fn defaults(files: &[(&str, &str)], level: Level) -> Vec<String> {
        let tree = Tree::with(files);
        tree.projects(&Jvm).iter().flat_map(|place| Jvm.default_checks(place, level)).collect()
    }

    #[test]
    fn a_project_is_tested_by_its_wrapper_else_by_the_tool_itself() {
        for (files, expected) in [
            (
                &[("pom.xml", ""), ("core/pom.xml", ""), ("core/src/main/java/A.java", "")][..],
                &["mvn -B -fae verify"][..],
            ),
            (&[("pom.xml", ""), ("mvnw", ""), ("src/A.java", "")], &["./mvnw -B -fae verify"]),
            (
                &[("api/build.gradle.kts", ""), ("gradlew", ""), ("api/src/A.kt", "")],
                &["cd api && ../gradlew check --continue"],
            ),
            (
                &[("settings.gradle", ""), ("app/build.gradle", ""), ("app/src/A.java", "")],
                &["gradle check --continue"],
            ),
            (&[("pom.xml", "")], &[]),
        ] {
            assert_eq!(defaults(files, Level::System), expected, "{files:?}");
        }
        assert_eq!(defaults(&[("pom.xml", ""), ("A.java", "")], Level::Deployment), ["mvn -B -DskipTests package"]);
    }

    #[test]
    fn command_lines_that_run_tests_are_known() {
        for (command, runs) in [
            ("mvn -B -fae test", true),
            ("cd a && ../gradlew :core:test --continue", true),
            ("./mvnw verify", true),
            ("gradle integrationTest", true),
            ("mvn compile", false),
            ("mvn --version && npm test", false),
        ] {
            assert_eq!(Jvm.reports_tests(command, &Tree::default()), runs, "{command}");
        }
    }

    #[test]
    fn errors_of_each_compiler_are_read_with_their_places() {
        use ErrorKind::{Name, Syntax, Type};
        let root = tempfile::tempdir().unwrap();
        let at = root.path().display();
        std::fs::write(root.path().join("A.java"), "").unwrap();
        std::fs::write(root.path().join("B.kt"), "").unwrap();
        for (text, kind, line, words) in [
            (
                format!(
                    "[ERROR] {at}/A.java:[8,13] cannot find symbol\n[ERROR]   symbol:   method two()\n[ERROR]   location: class a.Toy\n"
                ),
                Name,
                8,
                "two()",
            ),
            (
                format!("{at}/A.java:5: error: incompatible types: int cannot be converted to String\n"),
                Type,
                5,
                "String",
            ),
            (format!("[ERROR] {at}/A.java:[8,13] ';' expected\n"), Syntax, 8, "expected"),
            (format!("e: file://{at}/B.kt:3:7 Unresolved reference 'two'.\n"), Name, 3, "two"),
            (format!("e: {at}/B.kt: (3, 7): Type mismatch: inferred type is Int\n"), Type, 3, "Int"),
        ] {
            let errors = WORDS.errors(&text, root.path(), &[String::new()]);
            assert_eq!((errors.len(), errors[0].kind, errors[0].line), (1, kind, Some(line)), "{text} {errors:?}");
            assert!(errors[0].file.is_some() && errors[0].message.contains(words), "{errors:?}");
        }
    }
}
