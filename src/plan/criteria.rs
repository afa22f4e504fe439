//! Criteria: what the words of a gate line ask for, and who settles them. Fails closed: what no machine settles is a person's.

use super::{Criterion, Means, Phase, Phases, ReviewerId};

/// What a gate is asked to prove by an author's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// `All integration tests pass`.
    Tests,
    /// `Approved by the security team`.
    Approval,
    /// Anything else.
    Words,
}

/// A line of an author as a criterion: its own commands settle it, else the level's check where it asks for tests, else a
/// person does.
pub(super) fn authored(text: &str, line: u32, own: &[Box<str>], level: &[String]) -> Criterion {
    let means = match asked(text) {
        _ if !own.is_empty() => Means::Checked { commands: own.to_vec() },
        Asked::Tests if !level.is_empty() => checked(level),
        Asked::Approval => Means::Approved,
        Asked::Tests | Asked::Words => Means::Held,
    };
    Criterion { text: text.into(), line: Some(line), means }
}

/// What is said to hold at the end of a phase. It announces that what was built so far works, and asks for no more: the
/// checks show that, where there are any.
pub(super) fn of_phase(text: &str, line: u32, checks: &[String]) -> Criterion {
    let criterion = authored(text, line, &[], checks);
    match criterion.means {
        Means::Held if !checks.is_empty() => Criterion { means: checked(checks), ..criterion },
        _ => criterion,
    }
}

/// Whether a line asks for a person's word.
pub(super) fn is_approval(text: &str) -> bool {
    asked(text) == Asked::Approval
}

/// Whether a line is about the whole system.
pub(super) fn is_end_to_end(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|w| w == "e2e") || lower.replace('-', " ").contains("end to end")
}

fn asked(text: &str) -> Asked {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let pair = |a: &str, b: &str| words.windows(2).any(|w| w[0] == a && w[1] == b);
    if pair("approved", "by")
        || pair("sign", "off")
        || pair("signed", "off")
        || pair("approval", "by")
        || words.contains(&"signoff")
    {
        return Asked::Approval;
    }
    let is_all = words.first().is_some_and(|w| matches!(*w, "all" | "every" | "each" | "the"));
    let of_tests =
        |w: &&str| matches!(*w, "test" | "tests" | "scenario" | "scenarios" | "spec" | "specs" | "suite" | "suites");
    let passing = |w: &&str| matches!(*w, "pass" | "passes" | "passing" | "passed" | "green" | "succeed" | "succeeds");
    let subject = words.iter().position(of_tests);
    let verb = words.iter().position(passing);
    match (subject, verb) {
        // Nothing may follow the verb that the check does not prove: `all tests pass with 90% coverage` asks for more.
        (Some(s), Some(v)) if s < v && v + 1 == words.len() && (is_all || s <= 3) => Asked::Tests,
        _ => Asked::Words,
    }
}

/// Command lines of a level.
pub(super) fn checked(commands: &[String]) -> Means {
    Means::Checked { commands: commands.iter().map(|c| c.as_str().into()).collect() }
}

/// What every task's gate asks for, by its phases.
pub(super) fn of_task(
    phases: Phases,
    checks: &[String],
    bodies_out: bool,
    reviewers: &[(ReviewerId, &str)],
) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    let mut built_in = |text: &str, means| criteria.push(Criterion { text: text.into(), line: None, means });
    if phases.contains(Phase::Tests) && phases.contains(Phase::Red) {
        built_in("the tests came first, and were red for the right reason", Means::TestsFirst);
        built_in("the sealed tests are untouched", Means::SealIntact);
    }
    if phases.contains(Phase::Verify) {
        built_in("the sealed tests pass, and nothing that passed before fails", Means::Green);
        if bodies_out && phases.contains(Phase::Tests) && phases.contains(Phase::Red) && !checks.is_empty() {
            built_in("the sealed tests fail without the code (bodies out)", Means::BodiesOut);
        }
        built_in("the patch stays in its scope", Means::Scope);
        built_in("the built-in reviewers find nothing", Means::Integrity);
        if !checks.is_empty() {
            built_in("the task checks succeed", checked(checks));
        }
    }
    for &(reviewer, name) in reviewers {
        built_in(&format!("{name} approves"), Means::Reviewed { reviewer });
    }
    criteria
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_about_tests_is_settled_by_its_levels_check() {
        let level = ["cargo test".to_owned()];
        let means = |text| authored(text, 1, &[], &level).means;
        for text in
            ["All tests pass", "All integration tests pass", "All E2E scenarios pass", "Integration tests green"]
        {
            assert!(matches!(means(text), Means::Checked { .. }), "{text}");
        }
        for text in ["All tests pass with 90% coverage", "The page loads in 2 s", "No tests fail in review"] {
            assert_eq!(means(text), Means::Held, "{text}");
        }
        assert_eq!(means("Approved by the security team"), Means::Approved);
        assert_eq!(means("Product sign-off"), Means::Approved);
    }

    #[test]
    fn without_a_check_a_line_about_tests_is_a_persons() {
        assert_eq!(authored("All tests pass", 1, &[], &[]).means, Means::Held);
        let own = ["make proof".into()];
        assert!(matches!(authored("It is proven", 1, &own, &[]).means, Means::Checked { .. }));
    }
}
