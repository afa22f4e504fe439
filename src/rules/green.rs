//! Green: whether the sealed tests are found and pass, and nothing that passed before fails (DESIGN.md section 5.4).

use super::{Build, BuildError, Report, TestResult, names, red::list};
use crate::run::{Code, Finding, Seal, Weight};

/// Findings of one kind beyond these are not told one by one.
const MOST_TOLD: usize = 20;

/// What there is to judge.
#[derive(Clone, Copy, Debug)]
pub struct GreenCase<'a> {
    /// The base, before anything began.
    pub base: &'a Report,
    /// The candidate.
    pub candidate: &'a Report,
    /// What was sealed; empty for a task without tests.
    pub seal: &'a Seal,
    /// `[tests] require_names`.
    pub requires_names: bool,
}

/// What was found: no blocker is green.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Green {
    /// What is not green. Empty: it is.
    pub findings: Vec<Finding>,
    /// What people should know all the same.
    pub told: Vec<Finding>,
}

impl Green {
    /// Whether nothing is in the way.
    pub fn is_green(&self) -> bool {
        self.findings.is_empty()
    }

    fn blocks(&mut self, code: Code, text: impl Into<Box<str>>) {
        self.findings.push(Finding::blocker(code, text));
    }

    fn tells(&mut self, code: Code, text: impl Into<Box<str>>) {
        self.told.push(Finding { weight: Weight::Concern, ..Finding::blocker(code, text) });
    }
}

/// Judges a candidate's report.
pub fn green(case: &GreenCase<'_>) -> Green {
    let mut green = Green::default();
    match &case.candidate.build {
        Build::DidNotRun(why) => green.blocks(Code::RunnerDidNotRun, format!("the check did not run: {why}")),
        Build::Failed(errors) => {
            let new: Vec<&BuildError> = errors.iter().filter(|error| !was_there(case.base, error)).collect();
            if new.is_empty() && case.candidate.is_counted {
                let text = "something cannot be loaded, and could not before anything began: it is not counted";
                green.tells(Code::BuildFails, text);
                by_report(case, &mut green);
            }
            for error in new.into_iter().take(MOST_TOLD) {
                let code = error.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
                let finding = Finding::blocker(Code::BuildFails, format!("it does not build: {code}{}", error.message));
                green.findings.push(match &error.file {
                    Some(file) => finding.at(file.clone(), error.line),
                    None => finding,
                });
            }
        }
        Build::Built => by_report(case, &mut green),
    }
    green
}

fn was_there(base: &Report, error: &BuildError) -> bool {
    match &base.build {
        Build::Failed(before) => before.iter().any(|old| old.file == error.file && old.message == error.message),
        _ => false,
    }
}

fn by_report(case: &GreenCase<'_>, green: &mut Green) {
    let report = case.candidate;
    if let Some(why) = &report.incomplete {
        green.blocks(Code::RunnerDidNotRun, format!("the results are not all there: {why}"));
    }
    if !report.is_counted && case.requires_names {
        green.blocks(Code::NoNames, "the check gives no names of tests, and `[tests] require_names` asks for them");
    }
    sealed_tests(case, green);
    regressions(case, green);
    unexplained(case, green);
}

fn sealed_tests(case: &GreenCase<'_>, green: &mut Green) {
    let (mut missing, mut failing) = (Vec::new(), Vec::new());
    for sealed in &case.seal.tests {
        if case.base.failed(sealed) {
            continue;
        }
        let may_skip = case.seal.skipped.contains(sealed);
        let exact = case.candidate.tests.get_key_value(sealed);
        let found: Vec<(&Box<str>, &TestResult)> = match exact {
            Some(found) => vec![found],
            None => case.candidate.tests.iter().filter(|(name, _)| names(sealed, name)).collect(),
        };
        if found.is_empty() {
            missing.push(format!("{sealed} (not found)"));
        }
        for (name, result) in found {
            match result {
                TestResult::Passed => {}
                TestResult::Failed if case.base.failed(name) => {}
                TestResult::Failed => failing.push(name.to_string()),
                TestResult::Ignored(_) if may_skip => {}
                TestResult::Ignored(_) => missing.push(format!("{name} (skipped)")),
            }
        }
    }
    if !missing.is_empty() {
        green.blocks(Code::SealedTestMissing, format!("sealed tests did not run: {}", list(&missing)));
    }
    if !failing.is_empty() {
        green.blocks(Code::SealedTestFails, format!("sealed tests fail: {}", list(&failing)));
    }
    if !case.seal.skipped.is_empty() {
        green.tells(
            Code::SealedTestMissing,
            format!("sealed tests skip themselves as they did at red: {}", list(&case.seal.skipped)),
        );
    }
}

fn regressions(case: &GreenCase<'_>, green: &mut Green) {
    let is_sealed = |name: &str| case.seal.tests.iter().any(|sealed| names(sealed, name));
    let (mut worse, mut gone) = (Vec::new(), Vec::new());
    for (name, before) in &case.base.tests {
        if *before != TestResult::Passed || is_sealed(name) {
            continue;
        }
        match case.candidate.tests.get(name) {
            Some(TestResult::Passed) => {}
            Some(TestResult::Failed) => worse.push(format!("{name} (fails)")),
            Some(TestResult::Ignored(_)) => worse.push(format!("{name} (skipped now)")),
            None if case.seal.gone.iter().any(|gone| names(gone, name)) => gone.push(name.to_string()),
            None => worse.push(format!("{name} (gone)")),
        }
    }
    let unknown = case.candidate.failures().filter(|name| !case.base.tests.contains_key(*name) && !is_sealed(name));
    worse.extend(unknown.map(|name| format!("{name} (new, fails)")));
    for (program, exit) in &case.candidate.uncounted {
        if *exit != 0 && case.base.uncounted.get(program).is_none_or(|before| *before == 0) {
            worse.push(format!("{program} (exit code {exit}, gives no names)"));
        }
    }
    if !worse.is_empty() {
        green.blocks(Code::Regression, format!("tests that passed before no longer do: {}", list(&worse)));
    }
    if !gone.is_empty() {
        let text = format!("the test-developer took tests out: {}", list(&gone));
        green.tells(Code::Regression, text);
    }
}

/// A failure that no test's name explains, or one that was there before.
fn unexplained(case: &GreenCase<'_>, green: &mut Green) {
    let report = case.candidate;
    if report.exit == 0 || !green.findings.is_empty() {
        return;
    }
    let before: Vec<&str> = report.failures().filter(|name| case.base.failed(name)).collect();
    // What could not be loaded before explains how its own command ended.
    let is_broken = report.build != Build::Built;
    let exit = if is_broken { report.apart } else { report.unexplained() };
    if exit != 0 || (before.is_empty() && !is_broken) {
        green.blocks(Code::CheckFails, format!("the check ended with exit code {exit}"));
    } else if !before.is_empty() {
        green.tells(Code::Regression, format!("red before anything began, and not counted: {}", list(&before)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Oid, Sealed};
    use TestResult::{Failed, Ignored, Passed};

    fn seal(tests: &[&str]) -> Seal {
        let file = Sealed { path: "tests/it.rs".into(), mode: 0o100644, blob: Oid::of_number(1) };
        Seal { files: vec![file], tests: tests.iter().map(|name| (*name).into()).collect(), ..Seal::default() }
    }

    fn codes(base: &Report, candidate: &Report, seal: &Seal) -> Vec<Code> {
        let case = GreenCase { base, candidate, seal, requires_names: false };
        green(&case).findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn green_is_what_was_sealed_found_and_passing_and_nothing_worse_than_before() {
        let base = Report::counted(101, &[("d a", Passed), ("d was_red", Failed)]);
        let seal = seal(&["tests/it.rs new"]);
        let with = |exit, tests: &[(&str, TestResult)]| Report::counted(exit, tests);
        let red = ("d was_red", Failed);
        let a = ("d a", Passed);
        let new = ("d::it new", Passed);
        for (candidate, expected) in [
            (with(101, &[red.clone(), a.clone(), new.clone()]), vec![]),
            (with(0, &[("d was_red", Passed), a.clone(), new.clone()]), vec![]),
            (with(0, std::slice::from_ref(&a)), vec![Code::SealedTestMissing]),
            (with(0, &[a.clone(), ("d::it new", Ignored(None))]), vec![Code::SealedTestMissing]),
            (with(101, &[a.clone(), ("d::it new", Failed)]), vec![Code::SealedTestFails]),
            (with(101, &[("d a", Failed), new.clone()]), vec![Code::Regression]),
            (with(0, &[("d a", Ignored(None)), new.clone()]), vec![Code::Regression]),
            (with(0, std::slice::from_ref(&new)), vec![Code::Regression]),
            (with(101, &[a.clone(), new.clone(), ("d other", Failed)]), vec![Code::Regression]),
            (with(101, &[a.clone(), new.clone()]), vec![Code::CheckFails]),
            (
                with(101, &[red.clone(), a.clone(), new.clone()]).and(Report { exit: 3, ..Report::default() }),
                vec![Code::CheckFails],
            ),
            (Report::did_not_run("no", 127), vec![Code::RunnerDidNotRun]),
            (
                Report { incomplete: Some("cut".into()), ..with(0, &[a.clone(), new.clone()]) },
                vec![Code::RunnerDidNotRun],
            ),
        ] {
            assert_eq!(codes(&base, &candidate, &seal), expected, "{candidate:?}");
        }
    }

    #[test]
    fn a_test_that_the_test_developer_took_out_of_a_sealed_file_is_told_and_no_regression() {
        let base = Report::counted(0, &[("d::it old", Passed)]);
        let candidate = Report::counted(0, &[("d::it new", Passed)]);
        let taken_out = Seal { gone: vec!["tests/it.rs old".into()], ..seal(&["d::it new"]) };
        assert_eq!(codes(&base, &candidate, &seal(&["d::it new"])), [Code::Regression]);
        let seal = taken_out;
        let judged = green(&GreenCase { base: &base, candidate: &candidate, seal: &seal, requires_names: false });
        assert!(judged.is_green() && judged.told.len() == 1, "{judged:?}");
    }

    #[test]
    fn a_sealed_test_that_skipped_itself_at_red_may_go_on_doing_so() {
        let mut seal = seal(&["d::it new"]);
        seal.skipped = vec!["d::it new".into()];
        assert_eq!(codes(&Report::counted(0, &[]), &Report::counted(0, &[("d::it new", Ignored(None))]), &seal), []);
    }

    #[test]
    fn forged_lines_of_a_program_without_names_leave_the_sealed_tests_missing() {
        let uncounted = Report { uncounted: [("it".into(), 0)].into(), ..Report::default() };
        assert_eq!(codes(&Report::counted(0, &[]), &uncounted, &seal(&["d::it new"])), [Code::SealedTestMissing]);
        let case = GreenCase { base: &uncounted, candidate: &uncounted, seal: &Seal::default(), requires_names: true };
        assert_eq!(green(&case).findings[0].code, Code::NoNames);
    }
}
