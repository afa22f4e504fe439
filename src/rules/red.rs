//! Red: whether tests fail for the right reason before the code exists (DESIGN.md section 5.2).

use super::{Build, BuildError, ErrorKind, Report, ScannedTest, TestResult, names};
use crate::run::{Code, Finding};

/// Findings of one kind beyond these are not told one by one.
const MOST_TOLD: usize = 10;

/// What there is to judge.
#[derive(Clone, Copy, Debug)]
pub struct RedCase<'a> {
    /// The base, before anything began.
    pub base: &'a Report,
    /// The base with what the test-developer made.
    pub with_tests: &'a Report,
    /// Paths that the test-developer added or changed.
    pub changed: &'a [Box<str>],
    /// The tests that stood in these files before.
    pub stood: &'a [ScannedTest],
    /// The tests that stand in them now.
    pub found: &'a [ScannedTest],
    /// Whether any runner of these checks will tell the names of tests.
    pub gives_names: bool,
}

/// Proof that the tests are red for the right reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedProof {
    /// Why, in one sentence.
    pub reason: Box<str>,
    /// The tests to seal: a runner's names, or `path test` where it gave none; empty where tests are not counted.
    pub tests: Vec<Box<str>>,
    /// Those of them that skip themselves.
    pub skipped: Vec<Box<str>>,
    /// Tests that were taken out, as `path test`.
    pub gone: Vec<Box<str>>,
    /// What was red before anything began.
    pub red_before: Vec<Box<str>>,
}

/// The proof, or what is wrong with the tests.
///
/// # Errors
/// Findings, never empty; each tells its kind of wrong red by its code.
pub fn red(case: &RedCase<'_>) -> Result<RedProof, Vec<Finding>> {
    let proof = match &case.with_tests.build {
        Build::DidNotRun(why) => Err(vec![did_not_run(why)]),
        Build::Failed(errors) => by_build(case, errors),
        Build::Built if case.with_tests.is_counted => by_names(case),
        Build::Built => by_exit(case),
    }?;
    let stands = |old: &&ScannedTest| case.found.iter().any(|new| new.file == old.file && new.name == old.name);
    let gone = case.stood.iter().filter(|old| !stands(old)).map(ScannedTest::title).collect();
    Ok(RedProof { gone, red_before: case.base.failures().map(Into::into).collect(), ..proof })
}

/// Whether tests were run and told by name. With an error of a build that keeps nothing else from running they may be.
fn ran(report: &Report) -> bool {
    report.is_counted && (report.build == Build::Built || !report.tests.is_empty())
}

fn did_not_run(why: &str) -> Finding {
    Finding::blocker(Code::RunnerDidNotRun, format!("the tests did not run: {why}"))
}

fn one(code: Code, text: impl Into<Box<str>>) -> Vec<Finding> {
    vec![Finding::blocker(code, text)]
}

fn by_build(case: &RedCase<'_>, errors: &[BuildError]) -> Result<RedProof, Vec<Finding>> {
    let was_there = |error: &&BuildError| match &case.base.build {
        Build::Failed(before) => before.iter().any(|old| old.file == error.file && old.message == error.message),
        _ => false,
    };
    let errors: Vec<&BuildError> = errors.iter().filter(|error| !was_there(error)).collect();
    if errors.is_empty() && ran(case.with_tests) {
        // What cannot be loaded, and could not before, keeps nothing else from running.
        return by_names(case);
    }
    if errors.is_empty() {
        return Err(vec![did_not_run("it does not build, and did not before the tests were written")]);
    }
    let ours = |error: &&&BuildError| error.file.as_ref().is_some_and(|file| case.changed.contains(file));
    let told = |code, chosen: Vec<&&BuildError>, why: &str| -> Result<(), Vec<Finding>> {
        let findings: Vec<_> =
            chosen.into_iter().take(MOST_TOLD).map(|error| build_finding(code, error, why)).collect();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    };
    let of = |kind: ErrorKind| errors.iter().filter(ours).filter(move |error| error.kind == kind);
    told(Code::SyntaxError, of(ErrorKind::Syntax).collect(), "the tests do not parse")?;
    let elsewhere = errors.iter().filter(|error| !ours(error)).collect();
    told(Code::ErrorElsewhere, elsewhere, "the build fails in a file that the tests did not change")?;
    told(Code::WrongError, of(ErrorKind::Other).collect(), "no code to come can cure this error in the tests")?;
    let first = errors[0];
    let reason = format!("{} needs what is not there yet: {}", place(first), words(first));
    if !case.gives_names && !case.with_tests.is_counted {
        // What no runner will name is not asked for by name, whatever its text has.
        let reason = format!("{reason} (uncounted: the check gives no names)");
        return Ok(RedProof { reason: reason.into(), ..RedProof::default() });
    }
    let stood = |new: &ScannedTest| {
        case.stood.iter().any(|old| old.file == new.file && old.name == new.name && old.text == new.text)
    };
    let new: Vec<&ScannedTest> = case.found.iter().filter(|test| !stood(test)).collect();
    if new.is_empty() {
        return Err(one(Code::NoNewTest, "no test was added, and none that was there expects anything new"));
    }
    if new.iter().all(|test| test.is_conditional) {
        let text = "every new test stands under a condition (`#[cfg(...)]`, `if`): none is sure to run";
        return Err(one(Code::NoNewTest, text));
    }
    let titles: Vec<Box<str>> = case.found.iter().map(ScannedTest::title).collect();
    let is_ours = |name: &str| titles.iter().any(|title| names(title, name));
    let was_fine =
        |name: &&str| matches!(case.base.tests.get(*name), Some(TestResult::Passed | TestResult::Ignored(_)));
    let others: Vec<&str> = case.with_tests.failures().filter(was_fine).filter(|name| !is_ours(name)).collect();
    if !others.is_empty() {
        let text = format!("tests fail that are not the new ones: {}", list(&others));
        return Err(one(Code::OtherTestsFail, text));
    }
    let mut tests: Vec<Box<str>> =
        case.found.iter().filter(|test| !test.is_conditional).map(ScannedTest::title).collect();
    // Of those that were loaded and run, the names that no text tells.
    let is_new = |name: &str| ran(case.base) && !case.base.tests.contains_key(name) && !is_ours(name);
    tests.extend(case.with_tests.tests.keys().filter(|name| is_new(name)).cloned());
    Ok(RedProof { reason: reason.into(), tests, ..RedProof::default() })
}

fn build_finding(code: Code, error: &BuildError, why: &str) -> Finding {
    let finding = Finding::blocker(code, format!("{why}: {}", words(error)));
    match &error.file {
        Some(file) => finding.at(file.clone(), error.line),
        None => finding,
    }
}

fn words(error: &BuildError) -> String {
    match &error.code {
        Some(code) => format!("{code}: {}", error.message),
        None => error.message.to_string(),
    }
}

fn place(error: &BuildError) -> String {
    match (&error.file, error.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_string(),
        (None, _) => "the build".to_owned(),
    }
}

fn by_names(case: &RedCase<'_>) -> Result<RedProof, Vec<Finding>> {
    let report = case.with_tests;
    if let Some(why) = &report.incomplete {
        return Err(vec![did_not_run(why)]);
    }
    let titles: Vec<Box<str>> = case.found.iter().map(ScannedTest::title).collect();
    let is_ours = |name: &str| titles.iter().any(|title| names(title, name));
    let base_ran = ran(case.base);
    let is_new = |name: &str, result: &TestResult| match case.base.tests.get(name) {
        Some(TestResult::Passed | TestResult::Ignored(_)) => *result == TestResult::Failed && is_ours(name),
        Some(TestResult::Failed) => false,
        None => base_ran || is_ours(name),
    };
    let new: Vec<(&Box<str>, &TestResult)> =
        report.tests.iter().filter(|(name, result)| is_new(name, result)).collect();
    let of = |wanted: fn(&TestResult) -> bool| -> Vec<Box<str>> {
        new.iter().filter(|(_, result)| wanted(result)).map(|(name, _)| (*name).clone()).collect()
    };
    let failing = of(|result| *result == TestResult::Failed);
    let passing = of(|result| *result == TestResult::Passed);
    let skipped = of(|result| matches!(result, TestResult::Ignored(_)));
    let others = report.failures().filter(|name| {
        let is_told = failing.iter().any(|new| **new == **name);
        !is_told && !case.base.failed(name)
    });
    let was_fine = |program: &&str| case.base.uncounted.get(*program) == Some(&0);
    let programs =
        report.uncounted.iter().filter(|(_, exit)| **exit != 0).map(|(program, _)| &**program).filter(was_fine);
    let others: Vec<&str> = others.chain(programs).collect();
    if !others.is_empty() {
        let text = format!("tests fail that are not the new ones: {}", list(&others));
        return Err(one(Code::OtherTestsFail, text));
    }
    if new.is_empty() && report.unexplained() == 0 {
        return Err(one(Code::NoNewTest, "no test was added, and none that was there expects anything new"));
    }
    if failing.is_empty() {
        return Err(nothing_fails(report, &passing, &skipped));
    }
    let mut reason = format!("{} of the new tests fail as they should: {}", failing.len(), list(&failing));
    if !passing.is_empty() {
        reason += &format!("; passing already: {}", list(&passing));
    }
    let tests = failing.into_iter().chain(passing).chain(skipped.iter().cloned()).collect();
    Ok(RedProof { reason: reason.into(), tests, skipped, ..RedProof::default() })
}

fn nothing_fails(report: &Report, passing: &[Box<str>], skipped: &[Box<str>]) -> Vec<Finding> {
    if report.unexplained() != 0 {
        let what = if report.uncounted.is_empty() { "the runner" } else { "something that gives no names of tests" };
        let text = format!("{what} ended with exit code {}, and no test was reported as failing", report.unexplained());
        return vec![did_not_run(&text)];
    }
    if passing.is_empty() {
        let text = format!("the new tests are skipped, and prove nothing: {}", list(skipped));
        return one(Code::NoNewTest, text);
    }
    let text = format!("the new tests pass before the code exists: {}", list(passing));
    one(Code::PassesAlready, text)
}

/// Where the runner gives no names: exit codes, told as uncounted.
fn by_exit(case: &RedCase<'_>) -> Result<RedProof, Vec<Finding>> {
    let exit = case.with_tests.exit;
    if let Some(why) = &case.with_tests.incomplete {
        return Err(vec![did_not_run(why)]);
    }
    if case.changed.is_empty() {
        return Err(one(Code::NoNewTest, "no file of tests was added or changed"));
    }
    if matches!(exit, 124 | 126 | 127) || exit > 128 {
        return Err(vec![did_not_run(&format!("exit code {exit}"))]);
    }
    if exit == 0 {
        return Err(one(Code::PassesAlready, "the check passes before the code exists"));
    }
    if case.base.exit != 0 || case.base.build != Build::Built {
        let text = "the check gives no names of tests and was red before the tests were written: it cannot be told whether they fail";
        return Err(vec![did_not_run(text)]);
    }
    let reason = format!("the check passed before and ends with exit code {exit} now (uncounted: it gives no names)");
    Ok(RedProof { reason: reason.into(), ..RedProof::default() })
}

/// The names for people: some, and how many more.
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    let some: Vec<&str> = names.iter().take(MOST_TOLD).map(AsRef::as_ref).collect();
    let more = names.len() - some.len();
    if more == 0 { some.join(", ") } else { format!("{} and {more} more", some.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn broken(file: &str, code: Option<&str>, kind: ErrorKind) -> Report {
        let (code, file) = (code.map(Into::into), Some(file.into()));
        let error = BuildError { code, message: "words".into(), file, line: Some(3), kind, target: None };
        Report { build: Build::Failed(vec![error]), exit: 101, ..Report::counted(101, &[]) }
    }

    fn judge(base: &Report, with_tests: &Report) -> Result<RedProof, Vec<Code>> {
        judge_texts(base, with_tests, "#[test] fn old() {}", "#[test] fn new() {} #[test] fn old() {}")
    }

    fn judge_texts(base: &Report, with_tests: &Report, before: &str, after: &str) -> Result<RedProof, Vec<Code>> {
        let [stood, found] = [before, after].map(|text| super::super::tests_in("tests/it.rs", text));
        let case = RedCase {
            base,
            with_tests,
            changed: &["tests/it.rs".into()],
            stood: &stood,
            found: &found,
            gives_names: true,
        };
        red(&case).map_err(|findings| findings.into_iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn each_wrong_kind_of_red_has_its_own_code() {
        let base = Report::counted(0, &[("d::it old", Passed), ("d b", Passed), ("d was_red", Failed)]);
        let with = |exit, name, result| {
            let mut with = base.clone();
            with.exit = exit;
            with.record(name, result);
            with
        };
        let cut = Report { incomplete: Some("ended early".into()), ..with(0, "d::it new", Failed) };
        for (case, code) in [
            (base.clone(), Code::NoNewTest),
            (with(0, "d::it new", Ignored(None)), Code::NoNewTest),
            (with(0, "d::it new", Passed), Code::PassesAlready),
            (with(101, "d b", Failed), Code::OtherTestsFail),
            (cut, Code::RunnerDidNotRun),
            (Report::did_not_run("no such manifest", 101), Code::RunnerDidNotRun),
            (Report { exit: 101, ..Report::counted(101, &[("d::it new", Passed)]) }, Code::RunnerDidNotRun),
            (broken("tests/it.rs", None, ErrorKind::Syntax), Code::SyntaxError),
            (broken("src/lib.rs", Some("E0425"), ErrorKind::Name), Code::ErrorElsewhere),
            (broken("src/lib.rs", None, ErrorKind::Syntax), Code::ErrorElsewhere),
            (broken("tests/it.rs", Some("E0382"), ErrorKind::Other), Code::WrongError),
        ] {
            assert_eq!(judge(&base, &case), Err(vec![code]), "{case:?}");
        }
    }

    #[test]
    fn a_test_that_ran_and_failed_is_red_and_all_new_tests_are_sealed() {
        let base = Report::counted(101, &[("d b", Passed), ("d was_red", Failed)]);
        let with = Report::counted(
            101,
            &[
                ("d b", Passed),
                ("d was_red", Failed),
                ("d::it new", Failed),
                ("d::it p", Passed),
                ("d::it s", Ignored(None)),
            ],
        );
        let proof = judge(&base, &with).unwrap();
        assert_eq!(proof.tests, ["d::it new".into(), "d::it p".into(), "d::it s".into()] as [Box<str>; 3]);
        assert_eq!((proof.skipped, proof.red_before), (vec!["d::it s".into()], vec!["d was_red".into()]));
        assert!(proof.reason.contains("passing already: d::it p"), "{}", proof.reason);
    }

    #[test]
    fn a_test_that_was_there_and_expects_something_new_is_red() {
        let proof =
            judge(&Report::counted(0, &[("d::it old", Passed)]), &Report::counted(101, &[("d::it old", Failed)]))
                .unwrap();
        assert_eq!(proof.tests, ["d::it old".into()] as [Box<str>; 1]);
    }

    #[test]
    fn a_missing_symbol_in_the_tests_is_red_and_the_tests_are_known_by_their_text() {
        for (code, kind) in
            [(Some("E0432"), ErrorKind::Name), (Some("E0308"), ErrorKind::Type), (None, ErrorKind::Name)]
        {
            let proof = judge(&Report::counted(0, &[]), &broken("tests/it.rs", code, kind)).unwrap();
            assert_eq!(proof.tests, ["tests/it.rs new".into(), "tests/it.rs old".into()] as [Box<str>; 2]);
            assert!(proof.reason.starts_with("tests/it.rs:3 needs"), "{}", proof.reason);
        }
        let same = broken("tests/it.rs", Some("E0432"), ErrorKind::Name);
        assert_eq!(judge(&same, &same), Err(vec![Code::RunnerDidNotRun]), "the base did not build either");
    }

    #[test]
    fn a_build_that_fails_is_red_only_by_a_test_that_is_new_or_expects_something_new_and_is_sure_to_run() {
        let base = Report::counted(0, &[("d::it old", Passed)]);
        let fails = broken("tests/it.rs", Some("E0432"), ErrorKind::Name);
        let old = "#[test] fn old() {}";
        for (after, expected) in [
            (format!("use toy::new; {old}"), Err(vec![Code::NoNewTest])),
            (format!("{old} #[cfg(any())] #[test] fn new() {{ toy::new() }}"), Err(vec![Code::NoNewTest])),
            ("#[test] fn old() { toy::new() }".to_owned(), Ok(vec![])),
            ("#[test] fn other() { toy::new() }".to_owned(), Ok(vec!["tests/it.rs old".into()])),
        ] {
            let judged = judge_texts(&base, &fails, old, &after).map(|proof| proof.gone);
            assert_eq!(judged, expected, "{after}");
        }
    }

    #[test]
    fn a_runner_without_names_is_judged_by_its_exit_code() {
        let plain = |exit| Report { exit, ..Report::default() };
        assert!(judge(&plain(0), &plain(1)).unwrap().reason.contains("uncounted"));
        for (base, with, code) in [
            (0, 0, Code::PassesAlready),
            (0, 127, Code::RunnerDidNotRun),
            (0, 137, Code::RunnerDidNotRun),
            (1, 1, Code::RunnerDidNotRun),
        ] {
            assert_eq!(judge(&plain(base), &plain(with)), Err(vec![code]));
        }
    }
}
