//! A task of a plan: how long it takes, what it goes through, who works on it, what it needs for itself.

use crate::{
    author::{Author, Change},
    told,
};
use std::collections::BTreeMap;
use tidegate::plan::{Effort, Hold, Role, Settings};

fn told(change: impl FnOnce(&mut Author) -> &mut Author, settings: &Settings) -> String {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema");
    change(&mut author);
    told::task(&author.plan(settings), "1")
}

fn plainly(change: impl FnOnce(&mut Author) -> &mut Author) -> String {
    told(change, &Settings::default())
}

const WHO: &str = "by default, expert by default, coordinator by default";

#[test]
fn a_task_that_says_nothing_is_of_medium_size_and_goes_through_everything_but_reviews() {
    assert_eq!(
        plainly(|author| author),
        format!("1 \"Schema\" in A, 45 min, tests red implement verify merge, {WHO}, line 2"),
        "nobody was asked to review it"
    );
}

#[test]
fn an_estimate_is_the_authors_or_its_sizes() {
    let minutes = |effort| {
        let told = plainly(|author| author.effort(effort));
        told.split(", ").find(|part| part.ends_with(" min")).map(str::to_owned)
    };
    let all = [Effort::Small, Effort::Medium, Effort::Large, Effort::ExtraLarge, Effort::Minutes(7)];
    let told: Vec<_> = all.into_iter().filter_map(minutes).collect();
    assert_eq!(told, ["15 min", "45 min", "120 min", "360 min", "7 min"]);
}

#[test]
fn phases_are_as_written_and_always_verified_and_merged() {
    let phases = |written: &[&str]| {
        let told = plainly(|author| author.phases(written));
        told.split(", ").nth(2).map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(phases(&["implement"]), "implement verify merge");
    assert_eq!(phases(&["tests"]), "tests red verify merge", "red seals what is written");
    assert_eq!(phases(&["implement", "review"]), "implement verify review merge", "asked for by name it stays");
    assert_eq!(phases(&["red", "implement"]), "red implement verify merge");
}

#[test]
fn without_tests_there_is_no_red() {
    let phases = |change: Change| plainly(change).split(", ").nth(2).map(str::to_owned).unwrap_or_default();
    assert_eq!(phases(|author| author.tests("None, it is prose")), "implement verify merge");
    assert_eq!(phases(|author| author.tests(" N/A: a rename")), "implement verify merge");
    assert_eq!(phases(|author| author.tests("Nonetheless some")), "tests red implement verify merge");
    assert_eq!(phases(|author| author.script(Role::Implementation, "true")), "implement verify merge");
    let both: Change = |author| author.script(Role::Implementation, "true").script(Role::TestDeveloper, "true");
    assert_eq!(phases(both), "tests red implement verify merge");
    assert_eq!(phases(|author| author.script(Role::TestDeveloper, "true")), "tests red implement verify merge");
}

#[test]
fn what_is_said_of_tests_is_kept_as_wish_or_as_refusal() {
    assert!(plainly(|author| author.tests("The schema loads")).contains(", tests stated"));
    assert!(plainly(|author| author.tests("none")).contains(", tests declined"));
    assert!(!plainly(|author| author.tests("")).contains("tests stated"));
    let told = |texts: [&str; 2]| plainly(|author| author.tests(texts[0]).tests(texts[1]));
    assert!(told(["", "The schema loads"]).contains(", tests stated"));
}

fn engines(all: &[(Role, &str, Option<&str>)]) -> Settings {
    let engines = all.iter().map(|&(role, name, other)| (role, (name.to_owned(), other.map(str::to_owned)))).collect();
    Settings { engines, reviewers: vec!["qa".into(), "security".into()], ..Settings::default() }
}

#[test]
fn each_role_is_run_by_what_the_configuration_says_or_by_its_script() {
    let settings = engines(&[
        (Role::TestDeveloper, "codex", None),
        (Role::Implementation, "claude:opus", None),
        (Role::Reviewer, "gemini", None),
        (Role::Expert, "claude:sonnet", None),
        (Role::Coordinator, "claude:opus", None),
    ]);
    let reviewed = "reviewed by qa (gemini), reviewed by security (gemini)";
    assert_eq!(
        told(|author| author, &settings),
        format!(
            "1 \"Schema\" in A, 45 min, tests red implement verify review merge, by claude:opus, test-developer by codex, \
             expert by claude:sonnet, coordinator by claude:opus, {reviewed}, line 2"
        )
    );
    let tests: Change = |author| author.script(Role::TestDeveloper, "true");
    assert!(told(tests, &settings).contains("by claude:opus, test-developer by script, expert by"));
    let no_tests: Change = |author| author.tests("None");
    assert!(!told(no_tests, &settings).contains("test-developer"));
}

#[test]
fn a_script_is_reviewed_by_scripts_and_no_model_has_a_say_of_it() {
    let settings = engines(&[(Role::Expert, "claude", None)]);
    let scripted: Change = |author| {
        author.script(Role::Implementation, "true").script(Role::Reviewer, "true").script(Role::Reviewer, "false");
        author.with(|task| task.scripts[1].name = Some("design".into()))
    };
    assert_eq!(
        told(scripted, &settings),
        "1 \"Schema\" in A, 45 min, implement verify review merge, by script, reviewed by design (script), \
         reviewed by reviewer (script), line 2"
    );
    let expert: Change = |author| author.script(Role::Implementation, "true").script(Role::Expert, "true");
    assert!(told(expert, &settings).contains("by script, expert by script, line"));
    let model: Change = |author| author.script(Role::Reviewer, "true");
    assert!(
        told(model, &settings)
            .contains("reviewed by reviewer (script), reviewed by qa (default), reviewed by security")
    );
}

#[test]
fn the_same_reviewer_is_one_for_all_tasks_and_asked_once() {
    let settings = engines(&[(Role::Reviewer, "claude", None)]);
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").task("A", "2", "Queries").script(Role::Reviewer, "true");
    author.script(Role::Reviewer, "true");
    let plan = author.plan(&settings);
    let names: Vec<&str> = plan.reviewers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["qa", "security", "reviewer"]);
    assert!(told::task(&plan, "2").contains("reviewed by reviewer (script), reviewed by qa (claude)"));
    assert_eq!(told::task(&plan, "2").matches("reviewed by").count(), 3);
}

#[test]
fn what_a_role_falls_back_to_counts_where_the_role_is_run() {
    let settings = engines(&[
        (Role::Implementation, "claude", Some("codex")),
        (Role::Reviewer, "claude", Some("claude")),
        (Role::TestDeveloper, "opencode", Some("gemini")),
    ]);
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").tests("None");
    let plan = author.plan(&settings);
    let name = |id: tidegate::plan::BackendId| plan.backends[usize::from(id.0)].to_string();
    let told: Vec<_> = plan.fallbacks.iter().map(|&(role, from, to)| (role, name(from), name(to))).collect();
    assert_eq!(told, [(Role::Implementation, "claude".to_owned(), "codex".to_owned())]);
}

#[test]
fn what_is_done_is_done() {
    assert!(plainly(|author| author.done().tests("None")).ends_with(", tests declined, done, line 2"));
    let in_place = Settings { in_place: true, ..Settings::default() };
    let phases = |change: Change| told(change, &in_place).split(", ").nth(2).map(str::to_owned).unwrap_or_default();
    assert_eq!(phases(|author| author.script(Role::Implementation, "true")), "implement");
    assert_eq!(phases(|author| author.done()), "tests red implement verify merge");
}

fn needs(change: impl FnOnce(&mut Author) -> &mut Author, settings: &Settings) -> String {
    let told = told(change, settings);
    told.split(", ").filter(|part| part.starts_with("needs ")).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_plainly_is_a_resource_is_held_for_a_job_and_a_file_for_the_task() {
    let settings = Settings::default();
    assert_eq!(needs(|author| author.claims("port:4000", false), &settings), "needs port:4000 (Job)");
    assert_eq!(needs(|author| author.claims("two developers", false), &settings), "");
    assert_eq!(needs(|author| author.claims("the staging area", true), &settings), "needs the staging area (Job)");
    assert_eq!(needs(|author| author.claims("Cargo.toml", true), &settings), "needs Cargo.toml (Task)");
    let known = Settings { resources: BTreeMap::from([("gpu".to_owned(), Hold::Task)]), ..Settings::default() };
    assert_eq!(needs(|author| author.claims("gpu", false), &known), "needs gpu (Task)");
}

#[test]
fn what_one_task_says_is_exclusive_another_claims_by_listing_it() {
    let mut author = Author::default();
    author.stream("A", "Data").task("A", "1", "Schema").claims("the bench", false).claims("the bench", false);
    author.task("A", "2", "Queries").claims("the bench", true);
    let plan = author.plan(&Settings::default());
    assert!(told::task(&plan, "1").contains(", needs the bench (Job), line"));
    assert_eq!(plan.resources, [("the bench".into(), Hold::Job)]);
}

#[test]
fn who_declares_a_critical_file_holds_it() {
    let critical = Settings { critical: vec!["Cargo.lock".into(), "migrations/".into()], ..Settings::default() };
    assert_eq!(needs(|author| author.files(&["Cargo.lock"]), &critical), "needs Cargo.lock (Task)");
    assert_eq!(needs(|author| author.files(&["migrations/7.sql"]), &critical), "needs migrations/ (Task)");
    assert_eq!(needs(|author| author.files(&["**"]), &critical), "needs Cargo.lock (Task), needs migrations/ (Task)");
    assert_eq!(needs(|author| author.files(&["src/"]), &critical), "");
}
