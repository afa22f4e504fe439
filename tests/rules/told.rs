//! What the run says of itself: why a node is not further, in sentences with the names that the breakdown uses.

use super::story::*;
use std::collections::BTreeMap;
use tidegate::{
    plan::{
        Addition, BackendId, Bound, Level, Means, Node, NodeId, Parse, Phase, ResourceId, ReviewerId, StreamId, Task,
        Unit,
    },
    run::{
        Ending, Event, Evidence, Failure, Finding, Full, Holder, JobId, Limit, Order, Policy, Quota, Ran, State, Until,
        Weight, What, Why,
    },
};

fn named(label: &str) -> Node {
    node(Task { label: label.into(), ..alone() })
}

/// Tasks a, b, c, ... that hang on nothing, and one more that hangs on all of them.
fn behind(count: u32) -> Story {
    let labels = ('a'..).take(count as usize).map(|label| named(&label.to_string()));
    let edges: Vec<_> = (0..count).map(|before| (before, count)).collect();
    Story::new(labels.chain([named("last")]).collect(), &edges, policy())
}

fn lands(story: &mut Story, node: u32) {
    story.pass(node, What::Implement);
    story.pass_all(node, &TO_LAND);
    story.pass(node, What::HandOver);
}

fn loses_patience(story: &mut Story, node: u32) {
    while story.state(node) == (State::Working { phase: Phase::Implement }) {
        story.end(node, What::Implement, rejected());
    }
}

#[test]
fn who_waits_says_for_whom_and_of_many_the_first_five() {
    assert_eq!(behind(1).words(1), ["waits for task a"]);
    assert_eq!(behind(2).words(2), ["waits for task a and task b"]);
    assert_eq!(behind(3).words(3), ["waits for task a, task b and task c"]);
    assert_eq!(behind(5).words(5), ["waits for task a, task b, task c, task d and task e"]);
    assert_eq!(behind(7).words(7), ["waits for task a, task b, task c, task d, task e and 2 more"]);
    let mut story = behind(2);
    lands(&mut story, 0);
    assert_eq!(story.words(2), ["waits for task b"], "not for what is done");
}

#[test]
fn to_a_person_a_task_and_its_gate_are_one() {
    let story = Story::gated(alone(), [Means::Approved]);
    assert_eq!(story.words(2), ["waits for task t"]);
    assert_eq!(story.words(0), ["it is being implemented"], "of its gate nothing is said before it is judged");
    assert_eq!(story.words(1), ["waits for task t"]);
}

#[test]
fn whoever_is_blocked_names_the_failures_at_the_ends_of_all_ways_to_it_each_once() {
    // a and b fail, c goes on; d hangs on a and on c, e on a and on b, f on d and e.
    let nodes = ["a", "b", "c", "d", "e", "f"].map(named).into();
    let edges = [(0, 3), (2, 3), (0, 4), (1, 4), (3, 5), (4, 5)];
    let mut story = Story::new(nodes, &edges, Policy { ladder: vec![], agents: 3, agents_per_stream: 3, ..policy() });
    loses_patience(&mut story, 1);
    loses_patience(&mut story, 0);
    assert_eq!(story.words(3), ["blocked by task a, which failed"]);
    assert_eq!(story.words(5), ["blocked by task a and task b, which failed"]);
    assert_eq!(story.run.culprits(NodeId(5)), [NodeId(0), NodeId(1)]);
    assert_eq!(story.run.culprits(NodeId(2)), []);
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.words(3), ["waits for task a and task c"]);
}

#[test]
fn a_failure_is_told_as_one_fragment_and_what_has_not_failed_has_none() {
    let mut story = Story::new(vec![node(alone()), gate(Level::System, [checked()])], &[], policy());
    assert_eq!((story.run.failure(NodeId(0)), story.run.failure(NodeId(1))), (None, None));
    story.end(1, What::Settle(0), rejected());
    assert_eq!(story.run.failure(NodeId(1)).as_deref(), Some("its gate did not open"));
    let until = Ending::Deferred { until: Until::Person, why: "docker does not run".into() };
    story.pass_all(0, &[What::Implement, What::Build]);
    story.end(0, What::Prove, until);
    assert_eq!(story.run.failure(NodeId(0)).as_deref(), Some("merge needs a person: docker does not run"));
}

#[test]
fn a_task_that_makes_no_patch_says_so() {
    let bare = Task { phases: alone().phases.without(Phase::Implement), ..alone() };
    let story = Story::new(vec![node(bare)], &[], policy());
    assert_eq!(story.words(0), ["there is nothing to land: the task has no implement phase"]);
}

#[test]
fn what_was_found_is_told_by_what_weighs_with_its_place() {
    let told = |found: Vec<Finding>| {
        let mut story = Story::new(
            vec![node(Task { reviewers: vec![ReviewerId(0)], ..task(0, 5) })],
            &[],
            Policy { ladder: vec![], rejections: 1, ..policy() },
        );
        story.pass(0, What::Implement);
        story.end(0, R0, with(found));
        story.words(0).concat()
    };
    let concern = || Finding { weight: Weight::Concern, ..finding("hm") };
    assert_eq!(told(vec![concern(), finding("no")]), "failed in review after 1 try: no");
    assert_eq!(told(vec![concern()]), "failed in review after 1 try: hm", "all of it, where nothing weighs");
    assert_eq!(told(vec![finding("no").at("a.rs", Some(7))]), "failed in review after 1 try: a.rs:7: no");
    assert_eq!(told(vec![finding("no").at("a.rs", None)]), "failed in review after 1 try: a.rs: no");
    assert_eq!(
        told(vec![finding("a.rs is binary").at("a.rs", None)]),
        "failed in review after 1 try: a.rs is binary",
        "what begins with its file says it once"
    );
    let many = ["1", "2", "3", "4", "5", "6", "7"].map(finding).into();
    assert_eq!(told(many), "failed in review after 1 try: 1; 2; 3; 4; 5; and 2 more");
}

#[test]
fn a_gate_says_what_it_lacks_by_the_words_of_its_author() {
    let bound = Bound::AtLeast(80_000);
    let measured = Means::Measured { command: "cov".into(), bound, parse: Parse::Last, unit: Unit::percent() };
    let mut story = Story::new(vec![gate(Level::System, [measured, checked()])], &[], policy());
    let unproven = "its gate is closed: \"words\" has not been proven; \"words\" has not been proven";
    assert_eq!(
        story.words(0),
        ["criterion 1 is under way", "criterion 2 is under way", unproven],
        "while it is judged it says what nobody has looked at"
    );
    let figure = Evidence::Figure { figure: 79_000, ran: vec![], told: vec![finding("b.rs:3 is not run")] };
    story.end(0, What::Settle(0), Ending::Passed(figure));
    assert!(
        story.words(0)[1].starts_with("its gate is closed: \"words\" measured 79 %, asked for at least 80 %: b.rs")
    );
    story.order(Order::Skip(NodeId(0)));
    assert_eq!(story.words(0), ["skipped by a person"], "of a gate that is passed over nobody asks what it lacks");
    let mut retired = Story::new(vec![gate(Level::System, [Means::Held]), node(alone())], &[], policy());
    let addition = Addition { retired: vec![NodeId(0)], ..Addition::default() };
    retired.tell(Event::Replanned(Box::new(addition)));
    assert_eq!(retired.words(0), ["no longer in the plan"]);
    let waiting = Story::new(vec![node(alone()), gate(Level::System, [Means::Held])], &[(0, 1)], policy());
    assert_eq!(waiting.words(1), ["waits for task t"], "before it is judged it lacks nothing");
}

#[test]
fn which_words_of_a_person_are_awaited_is_told_by_their_places() {
    let means = [checked(), Means::Held, checked(), Means::Approved];
    let mut story = Story::new(vec![gate(Level::System, means)], &[], policy());
    story.pass_all(0, &[What::Settle(0), What::Settle(2)]);
    assert_eq!(story.run.awaited(NodeId(0)), [1, 3]);
    story.order(Order::Approve { gate: NodeId(0), criterion: 1 });
    assert_eq!(story.run.awaited(NodeId(0)), [3]);
    story.order(Order::Approve { gate: NodeId(0), criterion: 3 });
    assert_eq!(story.run.awaited(NodeId(0)), [0_u16; 0]);
}

#[test]
fn what_runs_is_told_by_what_it_does_and_by_its_try() {
    let plan = Story::new(vec![node(alone())], &[], policy());
    let words = |what, turn| Why::Runs { job: JobId(3), what, turn }.words(plan.run.plan());
    let told = [
        (What::Tests, "its tests are being written"),
        (What::Red, "its tests run without the code: they have to fail"),
        (What::Implement, "it is being implemented"),
        (What::Verify, "its checks run"),
        (What::Consult, "an expert is asked"),
        (What::Advise, "the coordinator is asked"),
        (What::Build, "its candidate is being built"),
        (What::Prove, "the checks run on its candidate"),
        (What::Land, "it is landing"),
        (What::HandOver, "it is handed over to its dependents"),
        (R1, "review by q is under way"),
        (What::Review(ReviewerId(9)), "review is under way"),
        (What::Settle(2), "criterion 3 is under way"),
    ];
    for (what, sentence) in told {
        assert_eq!(words(what, 1), sentence);
    }
    assert_eq!(words(What::Implement, 2), "it is being implemented, try 2");
}

#[test]
fn a_rest_says_until_when_in_utc_and_what_was_the_trouble() {
    let mut story = Story::new(vec![node(alone())], &[], Policy { rest_ms: 1000, ..policy() });
    story.now = 86_400_000 + 3_600_000 + 2 * 60_000 + 1_000 - 1;
    story.end(0, What::Implement, fell());
    assert_eq!(story.words(0), ["implement rests until 01:02:03 UTC: no answer"]);
    let late = Why::Rests { what: R0, until: tidegate::run::Timestamp(86_399_999), trouble: None };
    assert_eq!(late.words(story.run.plan()), "review by r rests until 23:59:59 UTC");
}

#[test]
fn who_is_ready_names_the_slot_that_is_taken() {
    let of = |limits: Policy, tasks: Vec<Task>| {
        let last = tasks.len() as u32 - 1;
        Story::new(tasks.into_iter().map(node).collect(), &[], limits).words(last).concat()
    };
    let all = |count: usize| vec![alone(); count];
    assert_eq!(of(Policy { agents: 1, ..policy() }, all(2)), "ready; the only agent slot is taken");
    assert_eq!(of(Policy { agents_per_stream: 3, ..policy() }, all(3)), "ready; all 2 agent slots are taken");
    assert_eq!(
        of(Policy { agents_per_stream: 1, ..policy() }, all(2)),
        "ready; in stream A the only agent slot is taken"
    );
    let per_backend = BTreeMap::from([(BackendId(0), 1)]);
    assert_eq!(
        of(Policy { agents_per_backend: per_backend, ..policy() }, all(2)),
        "ready; on x the only agent slot is taken"
    );
    let one_each = Policy { agents_per_backend: BTreeMap::from([(BackendId(0), 1)]), ..policy() };
    let story = Story::new(vec![node(alone()), node(alone())], &[], one_each);
    assert_eq!(story.running(), [(0, What::Implement)]);
    let verified = |count: usize| vec![Task { phases: full().phases.without(Phase::Tests), ..full() }; count];
    assert_eq!(of(Policy { checks: 1, ..policy() }, verified(2)), "ready; the only slot for checks is taken");
    assert_eq!(of(policy(), verified(3)), "ready; all 2 slots for checks are taken");

    let mut merging = Story::new(vec![node(alone()), node(Task { stream: StreamId(1), ..alone() })], &[], policy());
    merging.pass_all(0, &[What::Implement, What::Build, What::Prove]);
    merging.pass(1, What::Implement);
    assert_eq!(
        merging.words(1),
        ["in the merge train behind 1: is being built", "ready; another candidate is being merged"]
    );
    assert_eq!(merging.words(0), ["first in the merge train: is landing", "it is landing"]);
}

#[test]
fn what_holds_a_ready_job_back_is_told_by_name() {
    let story = Story::new(vec![node(alone()), gate(Level::System, [])], &[], policy());
    let words = |why: Why| why.words(story.run.plan());
    let holder = Holder::Job { job: JobId(1), task: NodeId(0) };
    let resource = |id| Why::Resource { resource: ResourceId(id), holder };
    assert_eq!(words(resource(0)), "ready; waits for port:4000, which task t has");
    assert_eq!(words(resource(9)), "ready; waits for what it needs, which task t has");
    let full = Full::Resource { resource: ResourceId(1), holder: Holder::Task(NodeId(0)) };
    assert_eq!(words(Why::NoSlot { full, of: 1 }), "ready; waits for src/lib.rs, which task t has");
    let quota = |quota| words(Why::Quota { backend: BackendId(1), quota });
    assert_eq!(quota(Quota::Probing { job: JobId(7), times: 1 }), "ready; y is being tried by job 7");
    assert_eq!(quota(Quota::Due { times: 1 }), "ready; y takes no work");
    assert_eq!(words(Why::OutOfOrder(BackendId(0))), "ready; x needs a person (log in, pay, or configure)");
    assert_eq!(words(Why::OutOfOrder(BackendId(9))), "ready; its backend needs a person (log in, pay, or configure)");
    assert_eq!(words(Why::Next { what: R0 }), "ready; review by r is next");
    assert_eq!(words(Why::Next { what: What::HandOver }), "ready; hand-over is next");
}

#[test]
fn out_of_budget_and_out_of_time_are_told() {
    let budget = Limit { micros: 0, ..Limit::NONE };
    let mut plan = tidegate::plan::Blueprint { backends: vec!["claude".into()], ..Default::default() };
    plan.streams = vec![("A".into(), "a".into())];
    plan.nodes = vec![node(alone())];
    let story = Story::of(plan.clone(), Policy { budget, ..policy() });
    assert_eq!(story.words(0), ["ready; what is left of the budget does not cover it"]);
    let story = Story::of(plan, Policy { stop_at: Some(tidegate::run::Timestamp(0)), ..policy() });
    assert_eq!(story.words(0), ["ready; the time is up"]);
}

#[test]
fn every_state_has_its_words() {
    let story = Story::new(vec![node(alone())], &[], policy());
    let words = |state| Why::Stands(state).words(story.run.plan());
    let told = [
        (State::Held, "waits for a person's word"),
        (State::Done, "done"),
        (State::Skipped, "skipped by a person"),
        (State::Retired, "no longer in the plan"),
        (State::Waiting { unmet: 1 }, "waits"),
        (State::Working { phase: Phase::Red }, "is at work"),
        (State::Failed { why: Failure::GateClosed }, "failed"),
    ];
    for (state, sentence) in told {
        assert_eq!(words(state), sentence);
    }
}

#[test]
fn the_names_that_spans_and_documents_carry_stay_what_they_are() {
    let whats = [
        (What::Land, "land"),
        (What::HandOver, "hand-over"),
        (What::Build, "build"),
        (What::Prove, "prove"),
        (What::Settle(1), "settle"),
        (R0, "review"),
        (What::Verify, "verify"),
        (What::Red, "red"),
        (What::Consult, "consult"),
        (What::Advise, "advise"),
        (What::Implement, "implement"),
        (What::Tests, "tests"),
    ];
    for (what, name) in whats {
        assert_eq!(what.name(), name);
    }
    let endings = [
        (Ending::Passed(Evidence::Seen { ran: Vec::<Ran>::new() }), "passed"),
        (rejected(), "rejected"),
        (deferred(1), "deferred"),
        (fell(), "broke"),
    ];
    for (ending, name) in endings {
        assert_eq!(ending.name(), name);
    }
}
