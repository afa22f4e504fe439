//! Bodies out: whether the sealed tests fail without the code that they are for (DESIGN.md section 5.4).

use super::{Build, BuildError, Report, TestResult, names, red::list};
use crate::run::{Code, Finding, Seal, TakenOut, Weight, WithoutCode};

/// What there is to judge.
#[derive(Clone, Copy, Debug)]
pub struct WithoutCase<'a> {
    /// The base, before anything began.
    pub base: &'a Report,
    /// The candidate, which is green.
    pub candidate: &'a Report,
    /// The candidate without its code.
    pub without: &'a Report,
    /// What was sealed.
    pub seal: &'a Seal,
}

/// What the sealed tests say without the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without<'a> {
    /// At least one of them ran and failed.
    Fails {
        /// By the runner's names; none where it gives none.
        failing: Vec<Box<str>>,
        /// Those that pass all the same.
        passing: Vec<Box<str>>,
    },
    /// They pass all the same.
    Passes {
        /// By the runner's names; none where it gives none.
        passing: Vec<Box<str>>,
    },
    /// It was not built: nothing is shown by that.
    NotBuilt(&'a [BuildError]),
    /// It cannot be told, and why.
    Unclear(String),
}

/// Judges a tree with the bodies of the changed functions out.
pub fn without<'a>(case: &WithoutCase<'a>) -> Without<'a> {
    match &case.without.build {
        Build::Failed(errors) => return Without::NotBuilt(errors),
        Build::DidNotRun(why) => return Without::Unclear(format!("the check did not run: {why}")),
        Build::Built => {}
    }
    let Sorted { failing, passing, missing } = sorted(case);
    if !failing.is_empty() {
        return Without::Fails { failing, passing };
    }
    if let Some(why) = &case.without.incomplete {
        return Without::Unclear(why.to_string());
    }
    if !passing.is_empty() || !missing.is_empty() {
        return match missing.as_slice() {
            [] => Without::Passes { passing },
            missing => Without::Unclear(format!("sealed tests did not run: {}", list(missing))),
        };
    }
    by_exit(case)
}

/// Whether the tests pass with the whole patch out. That nothing is built without it is as good as a failure: so it is at red.
pub fn passes_reverted(case: &WithoutCase<'_>) -> bool {
    if case.without.build != Build::Built || case.without.incomplete.is_some() {
        return false;
    }
    let Sorted { failing, passing, missing } = sorted(case);
    let is_named = !(failing.is_empty() && passing.is_empty() && missing.is_empty());
    if is_named { failing.is_empty() && missing.is_empty() } else { case.without.exit == 0 }
}

struct Sorted {
    failing: Vec<Box<str>>,
    passing: Vec<Box<str>>,
    missing: Vec<Box<str>>,
}

/// The sealed tests by how they ended; all empty where none is known by name.
fn sorted(case: &WithoutCase<'_>) -> Sorted {
    let (mut failing, mut passing, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    let gives_names = case.candidate.is_counted || !case.candidate.tests.is_empty();
    for sealed in case.seal.tests.iter().filter(|_| gives_names) {
        if case.base.failed(sealed) || case.seal.skipped.contains(sealed) {
            continue;
        }
        let exact = case.without.tests.get_key_value(sealed);
        let found: Vec<(&Box<str>, &TestResult)> = match exact {
            Some(found) => vec![found],
            None => case.without.tests.iter().filter(|(name, _)| names(sealed, name)).collect(),
        };
        if found.is_empty() {
            missing.push(sealed.clone());
        }
        for (name, result) in found.into_iter().filter(|(name, _)| !case.base.failed(name)) {
            match result {
                TestResult::Failed => failing.push(name.clone()),
                TestResult::Passed => passing.push(name.clone()),
                TestResult::Ignored(_) => missing.push(name.clone()),
            }
        }
    }
    for names in [&mut failing, &mut passing, &mut missing] {
        names.sort_unstable();
        names.dedup();
    }
    Sorted { failing, passing, missing }
}

/// Where no sealed test is known by name.
fn by_exit<'a>(case: &WithoutCase<'a>) -> Without<'a> {
    let (with, without) = (case.candidate, case.without);
    let passed = |name: &&str| with.tests.get(*name) == Some(&TestResult::Passed);
    let worse: Vec<Box<str>> = without.failures().filter(passed).map(Into::into).collect();
    match without.exit {
        _ if !worse.is_empty() => Without::Fails { failing: worse, passing: Vec::new() },
        0 => Without::Passes { passing: Vec::new() },
        exit if matches!(exit, 124 | 126 | 127) || exit > 128 => {
            Without::Unclear(format!("the check ended with {exit}"))
        }
        _ if with.exit != 0 => Without::Unclear("the check fails with the code, too".to_owned()),
        _ => Without::Fails { failing: Vec::new(), passing: Vec::new() },
    }
}

/// What is found where the sealed tests pass without the code.
pub fn proves_nothing(out: &TakenOut, passing: &[Box<str>]) -> Finding {
    let what = match out {
        TakenOut::Bodies(functions) if functions.len() == 1 => format!("with the body of {} out", functions[0]),
        TakenOut::Bodies(functions) => format!("with the bodies of {} out", list(functions)),
        TakenOut::Patch => "with the whole patch out".to_owned(),
    };
    let which = if passing.is_empty() { "the check".to_owned() } else { list(passing) };
    let passes = if passing.len() > 1 { "pass" } else { "passes" };
    let text = format!(
        "the sealed tests prove nothing: {what}, {which} {passes} all the same; at least one test has to fail without the code \
         that it is for"
    );
    Finding::blocker(Code::BodiesOut, text)
}

/// What reviewers and people should know of a proof: which tests say nothing of the code, and what was not proven.
pub fn told_without(proof: &WithoutCode) -> Vec<Finding> {
    let tell = |code, text: String| Finding { weight: Weight::Concern, ..Finding::blocker(code, text) };
    let passing = (!proof.passing.is_empty()).then(|| {
        let pass = if proof.passing.len() == 1 { "passes" } else { "pass" };
        tell(Code::BodiesOut, format!("{} {pass} without the code, too", list(&proof.passing)))
    });
    passing.into_iter().chain(proof.doubts.iter().map(|doubt| tell(Code::Unproven, doubt.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestResult::{Failed, Ignored, Passed};

    fn seal(tests: &[&str]) -> Seal {
        Seal { tests: tests.iter().map(|name| (*name).into()).collect(), ..Seal::default() }
    }

    fn boxed(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    const A: &str = "d::it a";
    const B: &str = "d::it b";

    /// Of a candidate in which both sealed tests pass, without its code.
    fn judged(without: &Report) -> Without<'_> {
        let (base, candidate) = (Report::counted(0, &[]), Report::counted(0, &[(A, Passed), (B, Passed)]));
        let seal = seal(&[A, "tests/it.rs b"]);
        let case = WithoutCase { base: &base, candidate: &candidate, without, seal: &seal };
        match super::without(&case) {
            Without::NotBuilt(_) => Without::NotBuilt(&[]),
            Without::Fails { failing, passing } => Without::Fails { failing, passing },
            Without::Passes { passing } => Without::Passes { passing },
            Without::Unclear(why) => Without::Unclear(why),
        }
    }

    #[test]
    fn one_sealed_test_that_fails_is_enough_and_those_that_pass_are_named() {
        let fails =
            |failing: &[&str], passing: &[&str]| Without::Fails { failing: boxed(failing), passing: boxed(passing) };
        assert_eq!(judged(&Report::counted(101, &[(A, Failed), (B, Passed)])), fails(&[A], &[B]));
        assert_eq!(judged(&Report::counted(101, &[(A, Failed), (B, Failed)])), fails(&[A, B], &[]));
        let cut = Report { incomplete: Some("cut".into()), ..Report::counted(101, &[(A, Failed)]) };
        assert_eq!(judged(&cut), fails(&[A], &[]));
    }

    #[test]
    fn tests_that_pass_without_the_code_are_no_proof_whatever_else_fails() {
        let passes = Without::Passes { passing: boxed(&[A, B]) };
        assert_eq!(judged(&Report::counted(0, &[(A, Passed), (B, Passed)])), passes);
        assert_eq!(judged(&Report::counted(101, &[(A, Passed), (B, Passed), ("d old", Failed)])), passes);
    }

    #[test]
    fn what_was_not_built_or_did_not_run_to_its_end_says_nothing() {
        let error = BuildError {
            code: None,
            message: "no".into(),
            file: None,
            line: None,
            kind: super::super::ErrorKind::Type,
            target: None,
        };
        let broken = Report { build: Build::Failed(vec![error]), exit: 101, ..Report::default() };
        assert_eq!(judged(&broken), Without::NotBuilt(&[]));
        for unclear in [
            Report::did_not_run("no cargo", 127),
            Report { incomplete: Some("cut".into()), ..Report::counted(101, &[(A, Passed)]) },
            Report::counted(101, &[(A, Passed)]),
            Report::counted(0, &[(A, Passed), (B, Ignored(None))]),
        ] {
            assert!(matches!(judged(&unclear), Without::Unclear(_)), "{unclear:?}");
        }
    }

    #[test]
    fn a_check_without_names_is_judged_by_its_exit_code() {
        let plain = |exit| Report { exit, ..Report::default() };
        let (base, candidate, seal) = (plain(0), plain(0), seal(&[]));
        let of = |exit| {
            let without = plain(exit);
            let case = WithoutCase { base: &base, candidate: &candidate, without: &without, seal: &seal };
            (super::without(&case) == Without::Fails { failing: vec![], passing: vec![] }, passes_reverted(&case))
        };
        assert_eq!([of(0), of(1), of(127), of(137)], [(false, true), (true, false), (false, false), (false, false)]);
    }

    #[test]
    fn with_the_patch_out_what_is_not_built_does_not_pass() {
        let (base, seal) = (Report::counted(0, &[]), seal(&[A]));
        let candidate = Report::counted(0, &[(A, Passed)]);
        let of = |without: &Report| {
            passes_reverted(&WithoutCase { base: &base, candidate: &candidate, without, seal: &seal })
        };
        assert!(of(&Report::counted(0, &[(A, Passed)])));
        for red in [
            Report { build: Build::Failed(Vec::new()), ..Report::default() },
            Report::counted(101, &[(A, Failed)]),
            Report::counted(0, &[]),
        ] {
            assert!(!of(&red), "{red:?}");
        }
    }
}
