//! Criteria: what the words of a gate line ask for, and who settles them. Fails closed: what no machine settles is a person's.

use super::{
    Criterion, Demand, Deployment, FigureDraft, Means, Parse, Part, Phase, Phases, ReviewerId, ScriptDraft,
    measure::{Instruments, covered, measured},
};

/// What documents a repository where the configuration does not say it.
const README: &str = "README*";

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

/// A line of an author as a criterion: its own commands settle it, else what measures what it asks for, else the level's check where it
/// asks for tests, else a person does. `raw` is the line as it was written.
pub(super) fn authored(text: &str, raw: &str, line: u32, own: &[ScriptDraft], level: Instruments<'_>) -> Criterion {
    let means = own_means(text, own).or_else(|| named_command(raw)).or_else(|| level.of(text)).unwrap_or_else(|| {
        match asked(text) {
            Asked::Tests if !level.checks.is_empty() => checked(level.checks),
            Asked::Approval => Means::Approved,
            Asked::Tests | Asked::Words => Means::Held,
        }
    });
    Criterion { text: text.into(), line: Some(line), means }
}

/// What settles a task's acceptance criterion by more than the reviewers: a command, a figure that is measured, or a person.
pub(super) fn accepted(text: &str, raw: &str, line: u32, level: Instruments<'_>) -> Option<Criterion> {
    let means =
        named_command(raw).or_else(|| level.of(text)).or_else(|| is_approval(text).then_some(Means::Approved))?;
    Some(Criterion { text: text.into(), line: Some(line), means })
}

/// By the fences below a line: where there is a bound their figure is read, else they have to succeed. `None`: there is no fence.
pub(super) fn own_means(text: &str, own: &[ScriptDraft]) -> Option<Means> {
    let last = own.last()?;
    let commands = || own.iter().map(|script| Box::from(script.body.as_str())).collect::<Vec<_>>();
    let demand = last.bound.clone().or_else(|| Demand::of(text));
    let demand = demand.or_else(|| Demand::of_share(text).filter(|_| last.figure.is_some()));
    let Some(Demand { bound, unit }) = demand else { return Some(Means::Checked { commands: commands() }) };
    match &last.figure {
        Some(FigureDraft::Exit) => Some(Means::Checked { commands: commands() }),
        Some(FigureDraft::Reports(reports)) => covered(Part::Total, commands(), reports, bound, unit),
        Some(FigureDraft::Printed(parse)) => Some(measured(&commands().concat(), parse.clone(), bound, unit)),
        None => Some(measured(&commands().concat(), Parse::Last, bound, unit)),
    }
}

/// Whether a figure is asked for that no bound of the line is for.
pub(super) fn lacks_bound(text: &str, own: &[ScriptDraft]) -> bool {
    let says =
        own.iter().any(|script| matches!(script.figure, Some(FigureDraft::Printed(_) | FigureDraft::Reports(_))));
    says && Demand::of_share(text).is_none() && own.iter().all(|script| script.bound.is_none())
}

/// `Coverage at least 80 %, measured by `make coverage``: what a line says in one breath.
fn named_command(raw: &str) -> Option<Means> {
    const LEADS: [&str; 5] = ["measured by `", "measured with `", "checked by `", "checked with `", "proven by `"];
    let lower = raw.to_ascii_lowercase();
    let from = LEADS.iter().filter_map(|lead| Some(lower.rfind(lead)? + lead.len())).max()?;
    let command = raw[from..].split('`').next().unwrap_or_default().trim();
    if command.is_empty() || !raw[from..].contains('`') {
        return None;
    }
    // What stands in the command is no bound.
    let words = format!("{} {}", &raw[..from - 1], raw[from..].split_once('`').map_or("", |(_, rest)| rest));
    let is_measured = lower[..from].ends_with("measured by `") || lower[..from].ends_with("measured with `");
    match (is_measured, Demand::of(&words)) {
        (true, demand) => demand.map(|Demand { bound, unit }| measured(command, Parse::Last, bound, unit)),
        (false, _) => Some(Means::Checked { commands: vec![command.into()] }),
    }
}

/// What is said to hold at the end of a phase. It announces that what was built so far works, and asks for no more: the
/// checks show that, where there are any; but not a figure.
pub(super) fn of_phase(text: &str, raw: &str, line: u32, level: Instruments<'_>) -> Criterion {
    let criterion = authored(text, raw, line, &[], level);
    match criterion.means {
        Means::Held if !level.checks.is_empty() && Demand::of(text).is_none() => {
            Criterion { means: checked(level.checks), ..criterion }
        }
        _ => criterion,
    }
}

/// A line that nobody but a person can settle.
pub(super) fn by_person(text: &str, line: u32) -> Criterion {
    let means = if is_approval(text) { Means::Approved } else { Means::Held };
    Criterion { text: text.into(), line: Some(line), means }
}

/// Whether a line asks for a person's word.
pub(super) fn is_approval(text: &str) -> bool {
    asked(text) == Asked::Approval
}

/// Whether a line is about the whole system.
pub(super) fn is_end_to_end(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = words(&lower);
    words.contains(&"e2e") || words.windows(3).any(|said| said == ["end", "to", "end"])
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

fn asked(text: &str) -> Asked {
    let lower = text.to_lowercase();
    let words = words(&lower);
    let is_approval = |said: &[&str]| matches!(said, ["approved" | "approval", "by"] | ["sign" | "signed", "off"]);
    if words.windows(2).any(is_approval) || words.contains(&"signoff") {
        return Asked::Approval;
    }
    let is_all = words.first().is_some_and(|w| matches!(*w, "all" | "every" | "each" | "the"));
    let of_tests =
        |w: &&str| matches!(*w, "test" | "tests" | "scenario" | "scenarios" | "spec" | "specs" | "suite" | "suites");
    let passing = |w: &&str| matches!(*w, "pass" | "passes" | "passing" | "passed" | "green" | "succeed" | "succeeds");
    // Nothing may follow the verb that the check does not prove: `all tests pass with 90% coverage` asks for more.
    match (words.iter().position(of_tests), words.iter().position(passing)) {
        (Some(subject), Some(verb)) if verb + 1 == words.len() && (is_all || subject <= 3) => Asked::Tests,
        _ => Asked::Words,
    }
}

/// What a gate of a level asks for whatever its author wrote: its checks, and what is measured.
pub(super) fn of_level(text: &str, name: &str, level: Instruments<'_>) -> Vec<Criterion> {
    let checks = Criterion { text: text.into(), line: None, means: checked(level.checks) };
    let checks = (!level.checks.is_empty()).then_some(checks);
    checks.into_iter().chain(level.configured(name)).collect()
}

/// What a deployment gate asks for beside its checks.
pub(super) fn of_deployment(checks: &[String], asked: &Deployment) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    let mut built_in = |text: String, means| criteria.push(Criterion { text: text.into(), line: None, means });
    if asked.approve {
        built_in("a person approves the deployment".into(), Means::Approved);
    }
    if !checks.is_empty() {
        let commands = checks.iter().map(|command| command.as_str().into()).collect();
        built_in("the deployment checks leave the tree as it is committed".into(), Means::LeavesClean { commands });
    }
    let files: Vec<&str> = match asked.files.as_slice() {
        [] => vec![README],
        files => files.iter().map(String::as_str).collect(),
    };
    let paths = files.iter().map(|path| Box::from(*path)).collect();
    built_in(format!("the tree has what is deployed with it: {}", files.join(", ")), Means::Files { paths });
    built_in("every task that landed has handed over".into(), Means::HandedOver);
    built_in("no blocker was passed over".into(), Means::NoBlocker);
    criteria
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
    use crate::plan::{Bound, Role, Settings, Span};

    fn means(text: &str, own: &[ScriptDraft], checks: &[&str]) -> Means {
        let (settings, checks) = (Settings::default(), checks.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        authored(text, text, 1, own, Instruments { settings: &settings, checks: &checks, is_task: false }).means
    }

    fn on(checks: &[&str], of: impl Fn(Instruments<'_>) -> Vec<Criterion>) -> Vec<Criterion> {
        let (settings, checks) = (Settings::default(), checks.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        of(Instruments { settings: &settings, checks: &checks, is_task: false })
    }

    fn names(criteria: &[Criterion]) -> Vec<&'static str> {
        criteria.iter().map(|criterion| criterion.means.name()).collect()
    }

    fn fence(body: &str, figure: Option<FigureDraft>) -> ScriptDraft {
        ScriptDraft { role: Role::Check, name: None, body: body.into(), figure, bound: None, at: Span::default() }
    }

    #[test]
    fn a_line_about_tests_is_settled_by_its_levels_check() {
        let level = ["cargo test"];
        for text in [
            "All tests pass",
            "All of the new slow integration tests pass",
            "Every E2E scenario: green",
            "Unit tests pass",
        ] {
            assert_eq!(means(text, &[], &level), Means::Checked { commands: vec!["cargo test".into()] }, "{text}");
        }
        for text in [
            "All tests pass with 90% coverage",
            "The page loads in 2 s",
            "No tests fail in review",
            "We are quite sure that tests pass",
            "Passing all tests",
            "All is green",
            "All tests",
        ] {
            assert_eq!(means(text, &[], &level), Means::Held, "{text}");
        }
    }

    #[test]
    fn a_line_that_asks_for_a_persons_word_is_settled_by_it() {
        for text in
            ["Approved by the security team", "Product sign-off", "Signed off by QA", "Approval by legal", "A signoff"]
        {
            assert_eq!(means(text, &[], &["cargo test"]), Means::Approved, "{text}");
            assert!(is_approval(text), "{text}");
            assert_eq!(by_person(text, 3), Criterion { text: text.into(), line: Some(3), means: Means::Approved });
        }
        for text in
            ["The approved design is built", "Drives by night", "The sign is lit", "Lights go off", "All tests pass"]
        {
            assert!(!is_approval(text), "{text}");
            assert_eq!(by_person(text, 3).means, Means::Held, "{text}");
        }
    }

    #[test]
    fn a_line_about_the_whole_system_is_known_by_its_words() {
        for text in ["E2E tests pass", "All (e2e) flows", "End-to-end flow works", "It works end to end"] {
            assert!(is_end_to_end(text), "{text}");
        }
        for text in ["The e2ee channel works", "Ends to end", "From backend to endpoint", "2 e 2", ""] {
            assert!(!is_end_to_end(text), "{text}");
        }
    }

    #[test]
    fn what_is_said_at_the_end_of_a_phase_is_shown_by_the_checks_unless_it_asks_for_more() {
        for (text, with, without) in [
            ("The shop works", "checked", "held"),
            ("All tests pass", "checked", "held"),
            ("p95 under 200 ms", "held", "held"),
            ("Signed off by QA", "approved", "approved"),
        ] {
            let told = on(&["make"], |level| vec![of_phase(text, text, 7, level)]);
            assert_eq!((names(&told), &*told[0].text, told[0].line), (vec![with], text, Some(7)));
            assert_eq!(names(&on(&[], |level| vec![of_phase(text, text, 7, level)])), [without], "{text}");
        }
    }

    #[test]
    fn a_figure_that_a_fence_speaks_of_needs_a_bound() {
        let bound = Demand::of("at least 80 %");
        let last = || fence("make cov", Some(FigureDraft::Printed(Parse::Last)));
        let reports = || fence("make cov", Some(FigureDraft::Reports(vec!["lcov.info".into()])));
        for own in [last(), reports()] {
            assert!(lacks_bound("Good coverage", &[fence("make", None), own.clone()]));
            assert!(!lacks_bound("90% coverage", std::slice::from_ref(&own)), "a share is at least that");
            assert!(!lacks_bound("Good coverage", &[ScriptDraft { bound: bound.clone(), ..own }]));
        }
        for figure in [None, Some(FigureDraft::Exit)] {
            assert!(!lacks_bound("Good coverage", &[fence("make", figure)]));
        }
        assert!(!lacks_bound("Good coverage", &[]));
    }

    #[test]
    fn every_gate_of_a_level_has_the_levels_checks() {
        let of = |checks: &[&str]| on(checks, |level| of_level("the checks succeed", "system", level));
        let commands = vec!["make".into(), "make test".into()];
        let wanted = Criterion { text: "the checks succeed".into(), line: None, means: Means::Checked { commands } };
        assert_eq!(of(&["make", "make test"]), [wanted]);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn a_deployment_is_proven_by_what_is_there_and_what_was_done() {
        let asked = Deployment::default();
        assert_eq!(names(&of_deployment(&[], &asked)), ["files", "handed-over", "no-blocker"]);
        let paths = |criteria: Vec<Criterion>| {
            criteria.into_iter().find_map(|c| if let Means::Files { paths } = c.means { Some(paths) } else { None })
        };
        assert_eq!(paths(of_deployment(&[], &asked)), Some(vec![README.into()]));
        let asked = Deployment { approve: true, files: vec!["docs/*".into(), "LICENSE".into()] };
        let all = of_deployment(&["make".to_owned()], &asked);
        assert_eq!(names(&all), ["approved", "leaves-clean", "files", "handed-over", "no-blocker"]);
        assert_eq!(paths(all), Some(vec!["docs/*".into(), "LICENSE".into()]));
    }

    #[test]
    fn a_tasks_gate_asks_for_what_its_phases_can_show() {
        let of = |phases, checks: &[&str], bodies_out| {
            let checks: Vec<String> = checks.iter().map(|c| (*c).to_owned()).collect();
            of_task(phases, &checks, bodies_out, &[(ReviewerId(0), "security")])
        };
        let verified = ["green", "bodies-out", "scope", "integrity", "checked", "reviewed"];
        let without = |some: &[&str]| verified.into_iter().filter(|name| !some.contains(name)).collect::<Vec<_>>();
        let first = ["tests-first", "seal-intact"];
        let all = of(Phases::ALL, &["make"], true);
        assert_eq!(names(&all), [&first[..], &verified].concat());
        assert_eq!(&*all[7].text, "security approves");
        assert_eq!(names(&of(Phases::ALL, &["make"], false)), [&first[..], &without(&["bodies-out"])].concat());
        assert_eq!(names(&of(Phases::ALL, &[], true)), [&first[..], &without(&["bodies-out", "checked"])].concat());
        for phase in [Phase::Tests, Phase::Red] {
            assert_eq!(names(&of(Phases::ALL.without(phase), &["make"], true)), without(&["bodies-out"]));
        }
        assert_eq!(
            names(&of(Phases::ALL.without(Phase::Verify), &["make"], true)),
            [&first[..], &["reviewed"]].concat()
        );
    }
    #[test]
    fn without_a_check_a_line_about_tests_is_a_persons() {
        assert_eq!(means("All tests pass", &[], &[]), Means::Held);
        assert!(matches!(means("It is proven", &[fence("make proof\n", None)], &[]), Means::Checked { .. }));
    }

    #[test]
    fn a_line_with_a_bound_and_a_command_is_a_figure_unless_its_fence_says_otherwise() {
        let line = "Coverage at least 80 %";
        let of = |figure| means(line, &[fence("make cov\n", figure)], &[]);
        let figure = |means| match means {
            Means::Measured { bound, parse, .. } => (bound, parse),
            other => panic!("{other:?}"),
        };
        assert_eq!(figure(of(None)), (Bound::AtLeast(80_000), Parse::Last));
        let pattern = Parse::Pattern("TOTAL (.*)%".into());
        assert_eq!(figure(of(Some(FigureDraft::Printed(pattern.clone())))).1, pattern);
        assert!(matches!(of(Some(FigureDraft::Exit)), Means::Checked { .. }));
        let reports = of(Some(FigureDraft::Reports(vec!["lcov.info".into()])));
        assert!(matches!(figure(reports).1, Parse::Coverage(coverage) if coverage.part == Part::Total));
    }

    #[test]
    fn a_command_in_the_line_measures_it_or_checks_it() {
        let of = |text: &str| {
            let settings = Settings::default();
            accepted(text, text, 1, Instruments { settings: &settings, checks: &[], is_task: true }).map(|c| c.means)
        };
        let Some(Means::Measured { command, bound, .. }) = of("Under 200 ms, measured by `bench --least 5`") else {
            panic!()
        };
        assert_eq!((&*command, bound), ("bench --least 5", Bound::Below(200_000)));
        let checked = Means::Checked { commands: vec!["test -s README.md".into()] };
        assert_eq!(of("It is documented, checked by `test -s README.md`"), Some(checked));
        for lead in ["measured with", "As measured by"] {
            let text = format!("{lead} `bench`, under 200 ms");
            assert!(matches!(of(&text), Some(Means::Measured { .. })), "{text}");
        }
        for lead in ["checked with", "Proven by"] {
            assert!(matches!(of(&format!("Fast, {lead} `bench`")), Some(Means::Checked { .. })), "{lead}");
        }
        assert_eq!(of("Signed off by QA"), Some(Means::Approved));
        for text in [
            "Under 200 ms for `/api/users`",
            "`cargo test` passes",
            "Under 200 ms, measured by `nothing",
            "Under 200 ms, measured by ``",
            "measured by `bench --under 5`",
            "Measured by `bench`",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
