//! What a person says: pause, go, cancel, retry, skip, approve, grant. And what a person is told who asks for what cannot be.

use super::story::*;
use tidegate::{
    plan::{Addition, Bound, Level, Means, NodeId, Parse, ResourceId, StreamId, Task, Unit},
    run::{
        Ending, Event, Evidence, Failure, JobState, Misfit, Oid, Order, Outcome, Policy, Quota, Refusal, State, Stop,
        Until, Verified, What, Why,
    },
};

fn yes(gate: u32, criterion: u16) -> Order {
    Order::Approve { gate: NodeId(gate), criterion }
}

fn permit(task: u32, path: &str) -> Order {
    Order::Grant { task: NodeId(task), path: path.into() }
}

fn stopping(story: &Story) -> Vec<(u32, What)> {
    let jobs = story.run.jobs().filter(|job| job.state == JobState::Stopping);
    jobs.map(|job| (job.node.0, job.what)).collect()
}

/// Task 0 is landing while task 1 is written.
fn landing() -> Story {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.pass_all(0, &[What::Implement, What::Build, What::Prove]);
    story
}

fn out_of_order() -> Ending {
    Ending::Deferred { until: Until::Person, why: "log in".into() }
}

#[test]
fn a_paused_run_finishes_what_runs_and_starts_nothing_until_a_person_says_go() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], Policy { agents: 1, ..policy() });
    assert!(!story.run.waits_for_go());
    story.order(Order::Pause);
    story.order(Order::Pause);
    assert_eq!((story.running(), stopping(&story)), (vec![(0, What::Implement)], vec![]));
    assert_eq!((story.run.outcome(), story.run.waits_for_go()), (None, true));
    story.pass(0, What::Implement);
    assert_eq!(story.running(), []);
    assert_eq!(story.words(1), ["ready; the run is paused"]);
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Paused)));
    story.order(Order::Go);
    assert_eq!(story.running(), [(0, What::Build), (1, What::Implement)]);
    assert!(!story.run.waits_for_go());
}

#[test]
fn a_paused_run_is_over_when_all_is_done() {
    let mut story = Story::new(vec![gate(Level::System, [checked()])], &[], policy());
    story.order(Order::Pause);
    story.pass(0, What::Settle(0));
    assert_eq!(story.run.outcome(), Some(Outcome::Done));
}

#[test]
fn cancel_stops_all_but_a_landing_since_what_that_moves_has_to_be_known() {
    let mut story = landing();
    story.order(Order::Cancel);
    assert_eq!(stopping(&story), [(1, What::Implement)]);
    story.pass(0, What::Land);
    assert_eq!((story.run.tip(), story.sheet(0).landed), (oid(2000), oid(2000)));
    assert_eq!(story.running(), [(1, What::Implement)], "it is not handed over");
    assert_eq!(story.words(0), ["the run is cancelled"]);
    assert_eq!(story.run.outcome(), None, "what is stopped is waited for");
    story.pass(1, What::Implement);
    assert_eq!(story.sheet(1).work, Oid::NONE, "its ending counts for nothing");
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Cancelled)));
}

#[test]
fn cancel_is_for_good_and_said_once() {
    let mut story = landing();
    story.order(Order::Skip(NodeId(1)));
    assert_eq!(stopping(&story), [(1, What::Implement)]);
    let turn = story.run.turn(tidegate::run::Timestamp(story.now), [Event::Ordered(Order::Cancel)]).unwrap();
    assert_eq!(turn.effects, [], "what was told to stop is not told again");
    story.order(Order::Cancel);
    for word in [Order::Pause, Order::Go] {
        assert_eq!(story.refused(word), Refusal::IsCancelled);
    }
    assert!(!story.run.waits_for_go());
}

#[test]
fn go_tries_the_backends_again_that_wait_for_a_person_and_no_others() {
    let nodes = vec![node(task(0, 5)), node(alone())];
    let mut story = Story::new(nodes, &[], policy());
    story.pass(0, What::Implement);
    story.end(0, R0, out_of_order());
    story.end(1, What::Implement, deferred(5_000));
    assert_eq!(story.run.quotas()[1], Quota::OutOfOrder);
    let Quota::Closed { until, .. } = story.run.quotas()[0] else { panic!("{:?}", story.run.quotas()) };
    assert!(story.run.waits_for_go(), "go would change something, though it is not paused");
    story.order(Order::Go);
    assert!(matches!(story.run.quotas()[1], Quota::Probing { .. }), "{:?}", story.run.quotas());
    assert_eq!(story.run.quotas()[0], Quota::Closed { until, times: 1 }, "no word makes a provider's hour pass");
    assert!(!story.run.waits_for_go());
}

#[test]
fn go_changes_nothing_of_a_backend_that_is_open() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.order(Order::Go);
    assert_eq!(story.run.quotas(), [Quota::Open { times: 0 }; 2]);
}

#[test]
fn a_cancelled_run_waits_for_no_go_whatever_its_backends_wait_for() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    story.end(0, What::Implement, out_of_order());
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Backend(tidegate::plan::BackendId(0)))));
    story.order(Order::Cancel);
    assert!(!story.run.waits_for_go());
}

#[test]
fn only_what_has_failed_is_tried_again() {
    let mut story = Story::gated(alone(), []);
    for (word, refusal) in [
        (Order::Retry(NodeId(0)), Refusal::NotFailed(NodeId(0))),
        (Order::Retry(NodeId(1)), Refusal::NotFailed(NodeId(0))),
        (Order::Retry(NodeId(2)), Refusal::NotFailed(NodeId(2))),
        (Order::Retry(NodeId(3)), Refusal::NoSuchNode(NodeId(3))),
        (Order::Skip(NodeId(3)), Refusal::NoSuchNode(NodeId(3))),
        (yes(3, 0), Refusal::NoSuchNode(NodeId(3))),
    ] {
        assert_eq!(story.refused(word), refusal);
    }
    assert_eq!(story.running(), [(0, What::Implement)]);
}

#[test]
fn what_is_landing_is_not_skipped_or_retired_and_what_waits_in_the_train_is() {
    let mut story = landing();
    assert_eq!(story.refused(Order::Skip(NodeId(0))), Refusal::IsLanding(NodeId(0)));
    let retired = |node| Event::Replanned(Box::new(Addition { retired: vec![NodeId(node)], ..Addition::default() }));
    assert_eq!(story.try_tell(retired(0)), [Misfit::Refused(Refusal::IsLanding(NodeId(0)))]);
    story.pass(1, What::Implement);
    assert!(matches!(story.state(1), State::Merging { .. }));
    story.order(Order::Skip(NodeId(1)));
    story.pass(0, What::Land);
    assert_eq!((story.state(1), story.running()), (State::Skipped, vec![(0, What::HandOver)]));
}

#[test]
fn whatever_is_over_is_not_skipped() {
    let mut story = landing();
    story.order(Order::Skip(NodeId(1)));
    assert_eq!(story.refused(Order::Skip(NodeId(1))), Refusal::IsOver(NodeId(1)));
    story.pass_all(0, &[What::Land, What::HandOver]);
    assert_eq!(story.refused(Order::Skip(NodeId(0))), Refusal::IsOver(NodeId(0)));
}

#[test]
fn skipped_retired_and_done_are_a_run_that_is_done() {
    let nodes = vec![node(alone()), node(alone()), node(alone()), node(alone())];
    let mut story = Story::new(nodes, &[], policy());
    story.order(Order::Skip(NodeId(1)));
    let addition = Addition { retired: vec![NodeId(2), NodeId(3)], ..Addition::default() };
    story.tell(Event::Replanned(Box::new(addition)));
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    assert_eq!(story.run.outcome(), None);
    story.pass(0, What::HandOver);
    story.pass(1, What::Implement);
    assert_eq!(story.run.outcome(), Some(Outcome::Done));
    let count = story.run.count();
    assert_eq!((count.done, count.skipped, count.retired, count.met()), (1, 1, 2, 4));
}

#[test]
fn a_word_is_taken_while_the_rest_of_the_gate_is_judged() {
    let mut story = Story::new(vec![gate(Level::System, [checked(), Means::Held])], &[], policy());
    assert_eq!(story.refused(yes(0, 0)), Refusal::NotHeld(NodeId(0)), "a check is not a person's to say");
    assert_eq!(story.refused(yes(0, 2)), Refusal::NotHeld(NodeId(0)), "it has two criteria");
    story.order(yes(0, 1));
    story.pass(0, What::Settle(0));
    assert_eq!(story.state(0), State::Done);
    assert_eq!(story.refused(yes(0, 1)), Refusal::NotHeld(NodeId(0)), "an open gate waits for nobody");
}

#[test]
fn a_word_before_the_gate_is_judged_is_not_kept() {
    let mut story = Story::new(vec![node(alone()), gate(Level::System, [Means::Held])], &[(0, 1)], policy());
    assert_eq!(story.refused(yes(1, 0)), Refusal::NotHeld(NodeId(1)));
}

#[test]
fn what_was_passed_over_is_a_persons_to_let_pass() {
    let stream = gate(Level::Stream(StreamId(0)), [Means::NoBlocker, Means::Held]);
    let mut story = Story::new(vec![node(alone()), stream], &[(0, 1)], policy());
    story.end(0, What::Implement, rejected());
    story.order(Order::Skip(NodeId(0)));
    assert_eq!((story.state(1), story.run.awaited(NodeId(1))), (State::Held, vec![0, 1]));
    story.order(yes(1, 1));
    story.order(yes(1, 0));
    assert_eq!(story.state(1), State::Done);
}

#[test]
fn a_grant_is_for_tasks_that_have_not_landed_and_may_be_said_twice() {
    let stream = gate(Level::Stream(StreamId(0)), [Means::Held]);
    let mut story = Story::new(vec![node(alone()), node(alone()), stream], &[(0, 2)], policy());
    for path in ["b.rs", "a.rs", "b.rs"] {
        story.order(permit(0, path));
    }
    assert_eq!(&*story.sheet(0).permits, ["a.rs".into(), "b.rs".into()]);
    assert_eq!(story.refused(permit(2, "a.rs")), Refusal::NoTask(NodeId(2)));
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    assert_eq!(story.refused(permit(0, "c.rs")), Refusal::IsOver(NodeId(0)), "it has landed without it");
    story.order(Order::Skip(NodeId(1)));
    assert_eq!(story.refused(permit(1, "c.rs")), Refusal::IsOver(NodeId(1)));
}

#[test]
fn a_patch_that_needs_two_paths_needs_both_granted_by_whomever() {
    let asks = vec!["a.rs".into(), "b.rs".into()];
    let phases = full().phases.without(tidegate::plan::Phase::Tests).without(tidegate::plan::Phase::Red);
    let begun = || {
        let mut story = Story::gated(Task { phases, ..task(0, 5) }, [Means::Scope]);
        story.order(permit(0, "b.rs"));
        story.pass(0, What::Implement);
        story.verify(0, Verified { patch: oid(1000), commit: oid(5000), asks: asks.clone(), ..Verified::default() });
        story
    };
    let mut story = begun();
    story.pass_all(0, &[R0, R1]);
    let files: Vec<_> = story.sheet(0).findings.iter().map(|found| found.file.clone()).collect();
    assert_eq!(files, [Some("a.rs".into())], "the one that nobody granted");
    let mut story = begun();
    story.end(0, R0, Ending::Passed(Evidence::Approved { findings: vec![], grants: vec!["a.rs".into()] }));
    story.pass(0, R1);
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn a_gate_that_is_tried_again_measures_again_and_keeps_what_it_has_seen() {
    let measured = || Means::Measured {
        command: "cov".into(),
        bound: Bound::AtLeast(80),
        parse: Parse::Last,
        unit: Unit::default(),
    };
    let figure = |figure| Ending::Passed(Evidence::Figure { figure, ran: vec![], told: vec![] });
    let system = gate(Level::System, [checked(), measured(), measured(), checked()]);
    let mut story = Story::new(vec![system], &[], Policy { checks: 4, ..policy() });
    story.pass(0, What::Settle(0));
    story.end(0, What::Settle(2), figure(90));
    story.end(0, What::Settle(1), figure(79));
    assert_eq!(story.state(0), State::Failed { why: Failure::GateClosed });
    story.end(0, What::Settle(3), rejected());
    assert_eq!(story.run.outcome(), Some(Outcome::Returned { failed: 1, blocked: 0, held: 0 }));
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.running(), [(0, What::Settle(1)), (0, What::Settle(2)), (0, What::Settle(3))]);
    story.end(0, What::Settle(1), figure(80));
    story.end(0, What::Settle(2), figure(80));
    story.pass(0, What::Settle(3));
    assert_eq!(story.state(0), State::Done);
}

#[test]
fn whoever_is_skipped_lets_go_of_its_files_when_nothing_of_it_writes_any_more() {
    let needs = || node(Task { needs: vec![ResourceId(1)], ..alone() });
    let mut story = Story::new(vec![needs(), needs()], &[], policy());
    story.order(Order::Skip(NodeId(0)));
    assert!(matches!(story.run.why(NodeId(1))[..], [Why::Resource { .. }]), "its job has not ended");
    story.end(0, What::Implement, fell());
    assert_eq!(story.running(), [(1, What::Implement)]);
}

#[test]
fn a_refusal_says_by_name_what_cannot_be() {
    let stream = gate(Level::Stream(StreamId(0)), [Means::Held]);
    let story = Story::new(vec![node(alone()), stream], &[], policy());
    let words = |refusal: Refusal| Misfit::Refused(refusal).words(story.run.plan());
    let (task, gate) = (NodeId(0), NodeId(1));
    let told = [
        (Refusal::NoSuchNode(NodeId(9)), "the plan has no node 9"),
        (Refusal::NotFailed(task), "task t has not failed"),
        (Refusal::IsOver(task), "task t is over already"),
        (Refusal::IsLanding(task), "task t is landing; ask again in a moment"),
        (Refusal::HasStarted(task), "task t has started"),
        (Refusal::NotHeld(gate), "the gate of stream A does not wait for this word"),
        (Refusal::NoTask(gate), "the gate of stream A is no task"),
        (Refusal::GoesWith(task), "the gate goes with task t"),
        (Refusal::LimitReached, "the run's limit on what agents use is reached"),
        (Refusal::IsCancelled, "the run is cancelled"),
    ];
    for (refusal, sentence) in told {
        assert_eq!(words(refusal), sentence);
    }
    let stale = Misfit::Stale(tidegate::run::JobId(4)).words(story.run.plan());
    assert_eq!(stale, "job 4 does not run");
    let faults = story.run.plan().extend(&Addition { retired: vec![NodeId(9)], ..Addition::default() }).unwrap_err();
    assert!(words(Refusal::Plan(faults)).starts_with("it would be no plan: "));
}
