//! What is done anew, and what is kept: work that was found wanting, tasks that a person tries again, patches that others have changed.

use super::story::*;
use tidegate::{
    plan::{Level, Means, NodeId, Phase, ReviewerId, Task},
    run::{
        Breakage, Code, Ending, Event, Evidence, Failure, Finding, Item, JobState, Order, Policy, Rejection, Spend,
        State, Verdict, Weight, What, Why,
    },
};

/// Whoever is rejected once has lost all patience.
fn impatient() -> Policy {
    Policy { ladder: vec![], rejections: 1, ..policy() }
}

fn begun(task: Task, done: &[What]) -> Story {
    let mut story = Story::new(vec![node(task)], &[], impatient());
    story.pass_all(0, done);
    story
}

fn tested() -> Task {
    Task { reviewers: vec![], ..full() }
}

#[test]
fn a_retry_begins_with_what_was_found_wanting() {
    let unsealed = || Task { phases: full().phases.without(Phase::Red), ..tested() };
    let contested = || with(vec![Finding::blocker(Code::Contested, "it asks for nothing")]);
    let (tests, red, implement) = (What::Tests, What::Red, What::Implement);
    for (task, done, ending, failed, again) in [
        (tested(), vec![], rejected(), tests, tests),
        (tested(), vec![tests], rejected(), red, tests),
        (tested(), vec![tests, red], rejected(), implement, implement),
        (tested(), vec![tests, red], contested(), implement, tests),
        (unsealed(), vec![], rejected(), tests, tests),
        (unsealed(), vec![tests], rejected(), implement, implement),
        (alone(), vec![], rejected(), implement, implement),
    ] {
        let mut story = begun(task, &done);
        story.end(0, failed, ending);
        assert!(matches!(story.state(0), State::Failed { why: Failure::NoProgress { .. } }));
        story.order(Order::Retry(NodeId(0)));
        assert_eq!(story.running(), [(0, again)], "{failed:?} after {done:?}");
    }
}

#[test]
fn what_fell_over_is_tried_where_it_fell() {
    let done = [What::Tests, What::Red, What::Implement];
    for (at, what) in [What::Tests, What::Red, What::Implement, What::Verify].into_iter().enumerate() {
        let mut story = begun(tested(), &done[..at]);
        for _ in 0..3 {
            story.end(0, what, fell());
            story.rest();
        }
        assert!(matches!(story.state(0), State::Failed { why: Failure::FellOver { .. } }));
        assert_eq!(story.run.life(NodeId(0)).trouble.as_deref(), Some("no answer"));
        story.order(Order::Retry(NodeId(0)));
        assert_eq!(story.running(), [(0, what)]);
        assert_eq!(story.run.life(NodeId(0)).trouble, None);
    }
}

#[test]
fn each_of_the_two_who_write_goes_on_from_the_tree_it_left() {
    let left = |left| Ending::Rejected(Rejection { findings: vec![finding("no")], left, ..Rejection::default() });
    let broke = |left| Ending::Broke(Breakage::Fell { why: "oom".into(), left });
    let mut story = Story::new(vec![node(tested())], &[], policy());
    story.end(0, What::Tests, left(oid(31)));
    assert_eq!((story.sheet(0).tests, story.sheet(0).work.is_none()), (oid(31), true));
    story.pass(0, What::Tests);
    story.end(0, What::Red, broke(oid(32)));
    story.rest();
    assert_eq!(story.job(0, What::Red).sheet.tests, oid(32));
    story.pass_all(0, &[What::Red, What::Implement]);
    story.end(0, What::Verify, left(oid(33)));
    assert_eq!((story.sheet(0).tests, story.sheet(0).work), (oid(32), oid(33)));
    story.pass_all(0, &[What::Implement, What::Verify, What::Build]);
    story.end(0, What::Prove, broke(oid(34)));
    assert_eq!((story.sheet(0).tests, story.sheet(0).work), (oid(32), oid(5000)), "a proof leaves no work");
}

#[test]
fn an_approval_of_a_gate_with_a_blocker_is_none_and_what_else_is_said_is_kept() {
    let concern = || Finding { weight: Weight::Concern, ..finding("hm") };
    for (said, state) in [(concern(), State::Done), (finding("no"), State::Failed { why: Failure::GateClosed })] {
        let reviewed = gate(Level::System, [Means::Reviewed { reviewer: ReviewerId(0) }]);
        let mut story = Story::new(vec![reviewed], &[], policy());
        let evidence = Evidence::Approved { findings: vec![said.clone()], grants: vec![] };
        story.end(0, What::Settle(0), Ending::Passed(evidence));
        assert_eq!(story.state(0), state);
        let life = story.run.life(NodeId(0));
        let proof = life.ledger.get(Item::Criterion(0), oid(1)).expect("it was settled on the tip");
        assert_eq!(proof.findings(), [said]);
    }
}

#[test]
fn a_gate_that_opened_says_what_proved_it() {
    let measured = Means::Measured {
        command: "cov".into(),
        bound: tidegate::plan::Bound::AtLeast(80),
        parse: tidegate::plan::Parse::Last,
        unit: tidegate::plan::Unit::default(),
    };
    let mut story = Story::new(vec![gate(Level::System, [measured, Means::Held])], &[], policy());
    let told = vec![Finding { weight: Weight::Praise, ..finding("all of lib.rs") }];
    let evidence = Evidence::Figure { figure: 91, ran: vec![], told: told.clone() };
    story.end(0, What::Settle(0), Ending::Passed(evidence));
    story.order(Order::Approve { gate: NodeId(0), criterion: 1 });
    let why = story.run.why(NodeId(0));
    let Some(Why::Gate { verdict: Verdict::Open(proofs), .. }) = why.last() else { panic!("{why:?}") };
    let said: Vec<_> = proofs.iter().map(|(criterion, proof)| (*criterion, proof.findings())).collect();
    assert_eq!(said, [(0, &told[..]), (1, &[])]);
}

#[test]
fn the_same_failure_is_the_same_blockers_whatever_else_is_said() {
    let said =
        |blocker: &str, weight, beside: &str| with(vec![finding(blocker), Finding { weight, ..finding(beside) }]);
    let twice = |first: Ending, second: Ending| {
        let mut story = Story::new(vec![node(alone())], &[], Policy { ladder: vec![], same_failure: 2, ..policy() });
        story.end(0, What::Implement, first);
        story.end(0, What::Implement, second);
        matches!(story.state(0), State::Failed { .. })
    };
    let (concern, praise) = (Weight::Concern, Weight::Praise);
    assert!(twice(said("no", concern, "this"), said("no", praise, "that")));
    assert!(!twice(said("no", concern, "this"), said("never", concern, "this")));
    let only = |text: &str| with(vec![Finding { weight: concern, ..finding(text) }]);
    assert!(twice(only("this"), only("this")) && !twice(only("this"), only("that")), "all of it, where nothing weighs");
}

#[test]
fn tests_that_pass_without_the_code_go_back_to_whoever_wrote_them() {
    let found = |weight| Finding { code: Code::BodiesOut, weight, ..finding("all pass without it") };
    for (findings, back) in [
        (vec![finding("no"), found(Weight::Blocker)], What::Tests),
        (vec![finding("no"), found(Weight::Concern)], What::Implement),
        (vec![finding("no")], What::Implement),
    ] {
        let mut story = Story::new(vec![node(tested())], &[], policy());
        story.pass_all(0, &[What::Tests, What::Red, What::Implement]);
        story.end(0, What::Verify, with(findings.clone()));
        assert_eq!(story.running(), [(0, back)], "{findings:?}");
        assert_eq!(story.sheet(0).seal.commit.is_none(), back == What::Tests);
    }
    let without_tests = full().phases.without(Phase::Tests).without(Phase::Red);
    let mut story = Story::new(vec![node(Task { phases: without_tests, ..tested() })], &[], policy());
    story.pass(0, What::Implement);
    story.end(0, What::Verify, with(vec![found(Weight::Blocker)]));
    assert_eq!(story.running(), [(0, What::Implement)], "where nobody wrote any, whoever wrote the code does");
}

#[test]
fn what_was_built_on_a_candidate_that_leaves_is_stopped_and_built_anew() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.pass_all(0, &[What::Implement, What::Build]);
    story.pass_all(1, &[What::Implement, What::Build]);
    assert_eq!(story.running(), [(0, What::Prove), (1, What::Prove)]);
    let stale = story.job(1, What::Prove).id;
    story.end(0, What::Prove, rejected());
    let state = |story: &Story| story.run.jobs().find(|job| job.id == stale).map(|job| job.state);
    assert_eq!(state(&story), Some(JobState::Stopping));
    story.pass(1, What::Build);
    story.open.retain(|job| job.id != stale);
    let ending = Box::new(Ending::Passed(Evidence::Seen { ran: vec![] }));
    story.tell(Event::Ended { job: stale, ending, spend: Spend::default() });
    assert_eq!(story.running(), [(0, What::Implement), (1, What::Prove)], "what it proved is gone");
}

#[test]
fn a_task_that_is_not_merged_is_done_when_its_gate_opens() {
    let phases = alone().phases.without(Phase::Merge);
    let mut story = Story::gated(Task { phases, ..alone() }, [Means::Approved]);
    story.pass(0, What::Implement);
    assert_eq!(story.state(0), State::Held);
    story.order(Order::Approve { gate: NodeId(0), criterion: 0 });
    assert_eq!((story.state(0), story.state(1)), (State::Done, State::Done));
    assert_eq!((story.running(), story.run.tip()), (vec![(2, What::Implement)], oid(1)));
}
