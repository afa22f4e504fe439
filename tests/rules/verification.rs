//! What verifying and reviewing a patch proves, and what goes back from it.

use super::story::*;
use tidegate::{
    plan::{Bound, Means, NodeId, Parse, Phase, ReviewerId, Task, Unit},
    run::{
        Code, Ending, Event, Evidence, Failure, Finding, Item, Policy, Rejection, State, Subject, TakenOut, Verified,
        Weight, What, WithoutCode,
    },
};

fn handed_in() -> Verified {
    Verified { patch: oid(1000), commit: oid(5000), ..Verified::default() }
}

fn told(code: Code) -> Finding {
    Finding { code, weight: Weight::Concern, ..finding("told") }
}

/// A task that is verified and reviewed by so many, up to its verification.
fn at_verify(reviewers: u16, means: impl IntoIterator<Item = Means>) -> Story {
    let phases = full().phases.without(Phase::Tests).without(Phase::Red);
    let reviewers = (0..reviewers).map(ReviewerId).collect();
    let mut story = Story::gated(Task { phases, reviewers, ..full() }, means);
    story.pass(0, What::Implement);
    story
}

fn cov(bound: Bound) -> Means {
    Means::Measured { command: "cov".into(), bound, parse: Parse::Last, unit: Unit::percent() }
}

#[test]
fn a_reviewer_that_only_the_gate_asks_for_is_asked_and_once() {
    let asks = [1, 1, 0].map(|by| Means::Reviewed { reviewer: ReviewerId(by) });
    let mut story = at_verify(1, asks);
    story.verify(0, handed_in());
    assert_eq!(story.running(), [(0, R0), (0, R1)]);
    story.pass_all(0, &[R1, R0]);
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn an_edit_beyond_the_scope_that_nobody_can_grant_goes_back_at_once() {
    let asks = || Verified { asks: vec!["b.rs".into()], ..handed_in() };
    let unreviewed = full().phases.without(Phase::Tests).without(Phase::Red).without(Phase::Review);
    for task in [
        Task { reviewers: vec![], phases: full().phases.without(Phase::Tests).without(Phase::Red), ..full() },
        Task { phases: unreviewed, ..full() },
    ] {
        let limits = Policy { ladder: vec![], rejections: 1, ..policy() };
        let mut story = Story::new(vec![node(task)], &[], limits);
        story.pass(0, What::Implement);
        story.verify(0, asks());
        assert_eq!(story.state(0), State::Failed { why: Failure::NoProgress { phase: Phase::Verify } });
        assert_eq!(story.sheet(0).findings[0].code, Code::Scope);
    }
}

#[test]
fn a_scope_is_proven_by_verifying_alone() {
    let unverified = full().phases.without(Phase::Tests).without(Phase::Red).without(Phase::Verify);
    let mut story = Story::gated(Task { phases: unverified, reviewers: vec![ReviewerId(0)], ..full() }, [Means::Scope]);
    story.pass_all(0, &[What::Implement, R0]);
    assert_eq!(story.state(0), State::Failed { why: Failure::GateClosed });
    let mut verified = at_verify(0, [Means::Scope]);
    verified.verify(0, handed_in());
    assert_eq!(verified.running(), [(0, What::Build)]);
}

#[test]
fn what_a_grant_lets_through_is_asked_of_the_next_patch_again_and_granted_still() {
    let asks = || Verified { asks: vec!["b.rs".into()], ..handed_in() };
    let mut story = at_verify(1, [Means::Scope]);
    story.verify(0, asks());
    let grants = vec!["c.rs".into(), "b.rs".into(), "b.rs".into()];
    let rejection = Rejection { findings: vec![finding("no")], grants, ..Rejection::default() };
    story.end(0, R0, Ending::Rejected(rejection));
    assert_eq!(&*story.sheet(0).grants, ["b.rs".into(), "c.rs".into()]);
    story.end(0, What::Implement, Ending::Passed(Evidence::Work { patch: oid(71), commit: oid(72), told: vec![] }));
    story.verify(0, Verified { patch: oid(71), commit: oid(72), ..asks() });
    story.pass(0, R0);
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn lines_that_no_test_runs_go_back_with_a_figure_that_is_missed_and_not_without() {
    let uncovered = || vec![told(Code::TakenOut), told(Code::Uncovered)];
    let mut story = at_verify(0, [cov(Bound::AtLeast(80_000))]);
    story.verify(0, Verified { figures: vec![(0, 79_000)], told: uncovered(), ..handed_in() });
    let codes: Vec<_> = story.sheet(0).findings.iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::CheckFails, Code::Uncovered]);
    assert_eq!(
        (&story.sheet(0).uncovered[..], &story.sheet(0).figures[..]),
        (&[told(Code::Uncovered)][..], &[(0, 79_000)][..])
    );
    story.pass(0, What::Implement);
    story.verify(0, Verified { figures: vec![(0, 80_000)], told: uncovered(), ..handed_in() });
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn every_figure_is_needed_and_each_counts_for_its_own_criterion() {
    let asks = || [Means::Green, cov(Bound::AtLeast(80_000)), cov(Bound::AtMost(5_000))];
    for (figures, is_fit) in [
        (vec![(1, 90_000)], false),
        (vec![(2, 1_000)], false),
        (vec![(0, 90_000), (2, 1_000)], false),
        (vec![(2, 1_000), (1, 90_000)], true),
    ] {
        let mut story = at_verify(0, asks());
        story.verify(0, Verified { figures: figures.clone(), ..handed_in() });
        assert_eq!(story.running() == [(0, What::Build)], is_fit, "{figures:?}");
        assert_eq!(story.run.life(NodeId(0)).trouble.is_none(), is_fit);
    }
}

#[test]
fn what_the_tests_say_without_the_code_is_needed_where_it_is_asked_and_its_doubts_are_told() {
    let without =
        || WithoutCode { out: TakenOut::Patch, failing: vec![], passing: vec![], doubts: vec![], ran: vec![] };
    let mut story = at_verify(0, [Means::BodiesOut]);
    story.verify(0, handed_in());
    assert!(story.run.life(NodeId(0)).trouble.is_some(), "it brought nothing to show for it");
    story.rest();
    let all = vec![told(Code::Unproven), told(Code::TakenOut), told(Code::BodiesOut)];
    story.verify(0, Verified { without_code: Some(without()), told: all, ..handed_in() });
    assert_eq!(story.running(), [(0, What::Build)]);
    assert_eq!(story.sheet(0).without_code, Some(without()));
    let life = story.run.life(NodeId(0));
    let proof = life.ledger.get(Item::Criterion(0), oid(1000)).expect("it is proven");
    assert_eq!(proof.findings(), [told(Code::Unproven), told(Code::BodiesOut)]);
    let mut unasked = at_verify(0, [Means::Green]);
    unasked.verify(0, handed_in());
    assert_eq!(unasked.running(), [(0, What::Build)]);
}

#[test]
fn tests_first_is_proven_by_a_seal_that_holds() {
    let mut story = Story::gated(Task { reviewers: vec![], ..full() }, [Means::TestsFirst, Means::SealIntact]);
    story.pass_all(0, &[What::Tests, What::Red, What::Implement]);
    story.verify(0, handed_in());
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn a_verdict_on_a_checkpoint_waits_for_the_patch_and_a_no_goes_back_with_it() {
    let mut story = Story::new(vec![node(Task { reviewers: vec![ReviewerId(0)], ..task(0, 5) })], &[], policy());
    let job = story.job(0, What::Implement).id;
    story.tell(Event::Checkpointed { job, patch: oid(1000), commit: oid(8) });
    story.end(0, R0, rejected());
    assert_eq!(story.running(), [(0, What::Implement)], "it is not called back for that");
    story.tell(Event::Checkpointed { job, patch: oid(1000), commit: oid(8) });
    assert_eq!(story.running(), [(0, What::Implement)], "nobody is asked twice about one patch");
    story.pass(0, What::Implement);
    assert_eq!(story.job(0, What::Implement).sheet.findings, [finding("no")]);
}

#[test]
fn a_task_that_is_not_reviewed_has_checkpoints_that_nobody_looks_at() {
    let unreviewed = Task { phases: task(0, 5).phases.without(Phase::Review), ..task(0, 5) };
    let mut story = Story::new(vec![node(unreviewed)], &[], policy());
    let job = story.job(0, What::Implement).id;
    story.tell(Event::Checkpointed { job, patch: oid(7), commit: oid(8) });
    assert_eq!(story.running(), [(0, What::Implement)]);
    assert!(story.run.life(NodeId(0)).subject.is_none());
}

#[test]
fn a_look_at_the_last_checkpoint_goes_on_and_one_that_has_not_begun_is_asked_anew() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], policy());
    let job = story.job(0, What::Implement).id;
    story.tell(Event::Checkpointed { job, patch: oid(1000), commit: oid(8) });
    assert_eq!(story.running(), [(0, What::Implement), (0, R0)], "there is no slot for the second");
    story.pass(0, What::Implement);
    let on: Vec<_> = story.open.iter().map(|job| (job.what, job.on)).collect();
    let patch = |commit| Subject::Patch { patch: oid(1000), commit: oid(commit) };
    assert_eq!(on, [(R0, patch(8)), (R1, patch(5000))]);
}

#[test]
fn one_blocker_ends_a_review_and_who_has_not_begun_to_look_is_not_asked() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], Policy { agents: 1, ..policy() });
    story.pass(0, What::Implement);
    story.end(0, R0, rejected());
    assert_eq!(story.running(), [(0, What::Implement)]);
    assert_eq!(story.sheet(0).findings, [finding("no")]);
}

#[test]
fn who_approved_has_said_what_is_not_said_again_when_others_refuse_the_same_patch() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], policy());
    story.pass(0, What::Implement);
    let concern = Finding { weight: Weight::Concern, ..finding("hm") };
    story.end(0, R0, Ending::Passed(Evidence::Approved { findings: vec![concern.clone()], grants: vec![] }));
    story.end(0, R1, rejected());
    assert_eq!(story.sheet(0).findings, [concern, finding("no")]);
}
