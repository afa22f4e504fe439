//! How much at once, in which order, for how much, and for how long: slots, the order in which they are taken, budget, time.

use super::story::*;
use std::collections::BTreeMap;
use tidegate::{
    plan::{BackendId, Blueprint, Level, Means, Node, NodeId, Phase, ResourceId, ReviewerId, Role, StreamId, Task},
    run::{
        Ending, Event, Failure, Limit, Order, Outcome, Policy, Pool, Quota, Refusal, Rung, Spend, State, Stop,
        Timestamp, Until, What, Why,
    },
};

/// Tasks on a backend that costs, one after the other on `claude` and `codex`.
fn paid(tasks: usize) -> Blueprint {
    let nodes = (0..tasks).map(|n| node(Task { backend: BackendId(1 + n as u16 % 2), ..alone() }));
    Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: vec!["script".into(), "claude".into(), "codex".into()],
        reviewers: vec![("r".into(), BackendId(2))],
        nodes: nodes.collect(),
        ..Blueprint::default()
    }
}

fn verified() -> Task {
    Task { phases: full().phases.without(Phase::Tests).without(Phase::Red), ..alone() }
}

#[test]
fn who_does_a_job_is_the_backend_of_its_role() {
    let others = BTreeMap::from([
        (Role::TestDeveloper, BackendId(2)),
        (Role::Expert, BackendId(3)),
        (Role::Coordinator, BackendId(4)),
    ]);
    let task = Task { backend: BackendId(1), others, reviewers: vec![ReviewerId(0)], ..full() };
    let reviewed = gate(Level::System, [Means::Reviewed { reviewer: ReviewerId(0) }, checked()]);
    let plan = Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: ["script", "a", "b", "c", "d", "e"].map(Into::into).into(),
        reviewers: vec![("r".into(), BackendId(5))],
        nodes: vec![node(task), reviewed],
        ..Blueprint::default()
    };
    let limits = Policy { same_failure: 1, agents_per_stream: 1, ..policy() };
    let mut story = Story::of(plan, limits);
    let agent = |story: &Story, node: u32, what| match story.job(node, what).lane.pool {
        Pool::Agents { stream, backend } => (stream.map(|stream| stream.0), backend.0),
        Pool::Checks | Pool::Merge => panic!("{what:?} is no agent's"),
    };
    assert_eq!(agent(&story, 1, What::Settle(0)), (None, 5), "a gate is of no stream");
    assert_eq!(story.job(1, What::Settle(1)).lane.pool, Pool::Checks);
    story.pass(1, What::Settle(0));
    assert_eq!(agent(&story, 0, What::Tests), (Some(0), 2));
    story.pass_all(0, &[What::Tests, What::Red]);
    assert_eq!(agent(&story, 0, What::Implement), (Some(0), 1));
    story.pass_all(0, &[What::Implement, What::Verify]);
    assert_eq!(agent(&story, 0, R0), (Some(0), 5));
    story.end(0, R0, rejected());
    assert_eq!(agent(&story, 0, What::Consult), (Some(0), 3));
    story.pass(0, What::Consult);
    story.end(0, What::Implement, rejected());
    assert_eq!(agent(&story, 0, What::Advise), (Some(0), 4));
}

#[test]
fn a_job_is_granted_what_its_kind_needs() {
    let mut plan = paid(1);
    plan.nodes = vec![node(Task { backend: BackendId(1), reviewers: vec![ReviewerId(0)], ..task(0, 5) })];
    let mut story = Story::of(plan, policy());
    assert_eq!(story.run.budget().reserved, policy().grant.writing);
    story.pass(0, What::Implement);
    assert_eq!(story.run.budget().reserved, policy().grant.reading);
    story.pass(0, R0);
    assert_eq!((story.run.budget().reserved, story.run.budget().runs), (Spend::default(), 2), "merges cost nothing");
}

#[test]
fn what_was_spent_beyond_a_grant_counts_and_what_was_not_spent_is_free_again() {
    let limits = Policy { budget: Limit { micros: 25, ..Limit::NONE }, ..policy() };
    let mut story = Story::of(paid(3), limits);
    assert_eq!(story.running(), [(0, What::Implement), (1, What::Implement)], "the third would be 30 of 25");
    let job = story.open[0].id;
    story.tell(Event::Spent { job, spend: Spend { micros: 4, ..Spend::default() }, talk: None });
    assert_eq!(story.run.budget().reserved.micros, 16);
    story.tell(Event::Spent { job, spend: Spend { micros: 8, ..Spend::default() }, talk: None });
    assert_eq!((story.run.budget().spent.micros, story.run.budget().reserved.micros), (12, 10));
    story.end(1, What::Implement, rejected());
    assert_eq!(story.run.budget().reserved.micros, 10, "its second try begins");
    let job = story.job(1, What::Implement).id;
    let left = Event::Ended { job, ending: Box::new(fell()), spend: Spend { micros: 3, ..Spend::default() } };
    story.open.retain(|open| open.id != job);
    story.tell(left);
    assert_eq!(story.running(), [(0, What::Implement), (2, What::Implement)], "15 spent, and 10 more are 25");
}

#[test]
fn tokens_are_limited_as_money_is() {
    let grant = tidegate::run::Grant {
        writing: Spend { input: 5, cached: 3, output: 2, ..Spend::default() },
        ..policy().grant
    };
    for (tokens, started) in [(9, 0), (10, 1), (19, 1), (20, 2)] {
        let limits = Policy { grant, budget: Limit { tokens, ..Limit::NONE }, ..policy() };
        assert_eq!(Story::of(paid(2), limits).running().len(), started, "{tokens} tokens");
    }
}

#[test]
fn a_call_within_a_job_is_paid_as_reading_and_refused_when_nothing_is_left() {
    let limits = Policy { budget: Limit { micros: 11, ..Limit::NONE }, ..policy() };
    let mut story = Story::of(paid(1), limits);
    let job = story.open[0].id;
    story.tell(Event::CalledAgain { job });
    assert_eq!((story.run.budget().reserved.micros, story.run.budget().runs), (11, 2));
    let refused = [tidegate::run::Misfit::Refused(Refusal::LimitReached)];
    assert_eq!(story.try_tell(Event::CalledAgain { job }), refused);
    story.order(Order::Skip(NodeId(0)));
    assert_eq!(story.try_tell(Event::CalledAgain { job }), [tidegate::run::Misfit::Stale(job)], "it is to stop");
    story.end(0, What::Implement, fell());
    assert_eq!(story.run.budget().reserved, Spend::default(), "with its end both grants are given back");
}

#[test]
fn when_the_time_is_up_what_runs_finishes_and_nothing_starts() {
    let mut story = Story::new(vec![node(alone())], &[], Policy { stop_at: Some(Timestamp(100)), ..policy() });
    assert_eq!(story.run.deadline(), Some(Timestamp(100)));
    story.now = 99;
    story.order(Order::Go);
    assert_eq!((story.run.outcome(), story.run.deadline()), (None, None));
    story.pass(0, What::Implement);
    assert_eq!(story.running(), []);
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::TimeUp)));
    story.tell(Event::Resumed { policy: None });
    assert_eq!(story.running(), [], "the same limits hold for whoever goes on");
    story.tell(Event::Resumed { policy: Some(Box::new(policy())) });
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn a_run_with_nothing_left_to_do_is_not_out_of_time() {
    let limits = Policy { stop_at: Some(Timestamp(100)), ladder: vec![], rejections: 1, ..policy() };
    let mut story = Story::new(vec![node(alone()), gate(Level::System, [Means::Held])], &[], limits);
    story.now = 200;
    story.end(0, What::Implement, rejected());
    assert_eq!(story.run.outcome(), Some(Outcome::Returned { failed: 1, blocked: 0, held: 1 }));
}

#[test]
fn a_run_that_rests_is_not_over() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    story.end(0, What::Implement, fell());
    assert_eq!((story.running(), story.run.outcome()), (vec![], None));
    let due = story.run.deadline().expect("it rests");
    assert_eq!(due, Timestamp(story.now + 20));
    assert_eq!(story.run.rests(NodeId(0)), Some(due));
    story.now = due.0 - 1;
    story.order(Order::Go);
    assert_eq!((story.running(), story.run.rests(NodeId(0))), (vec![(0, What::Implement)], None), "due is due");
}

#[test]
fn a_node_rests_until_the_first_of_its_rests_and_not_while_anything_of_it_runs() {
    let mut story = Story::new(vec![gate(Level::System, [checked(), checked()])], &[], policy());
    let until = |at| Ending::Deferred { until: Until::At(Timestamp(at)), why: "the port is taken".into() };
    story.end(0, What::Settle(0), until(700));
    assert_eq!(story.run.rests(NodeId(0)), None, "the other one runs");
    story.end(0, What::Settle(1), until(500));
    assert_eq!(story.run.rests(NodeId(0)), Some(Timestamp(500)));
    assert_eq!(story.run.deadline(), Some(Timestamp(500)));
}

#[test]
fn a_job_that_falls_over_rests_twice_as_long_each_time_and_has_so_many_lives() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    for rest in [20, 40] {
        story.end(0, What::Implement, fell());
        assert_eq!(story.run.deadline(), Some(Timestamp(story.now + rest)));
        story.rest();
    }
    story.end(0, What::Implement, fell());
    assert!(matches!(story.state(0), State::Failed { .. }));
    assert_eq!(story.run.deadline(), None);
}

#[test]
fn a_look_at_a_checkpoint_that_falls_over_is_missed_by_nobody_and_a_verdict_that_never_comes_fails_the_task() {
    let reviewed = Task { reviewers: vec![ReviewerId(0)], ..task(0, 5) };
    let mut story = Story::new(vec![node(reviewed)], &[], policy());
    let falls = |story: &mut Story| {
        for _ in 0..3 {
            story.end(0, R0, fell());
            story.rest();
        }
    };
    let job = story.open[0].id;
    story.tell(Event::Checkpointed { job, patch: oid(7), commit: oid(8) });
    falls(&mut story);
    assert_eq!(story.running(), [(0, What::Implement)], "it is written on, and nobody looks");
    story.pass(0, What::Implement);
    falls(&mut story);
    assert_eq!(story.state(0), State::Failed { why: Failure::FellOver { phase: Phase::Review } });
}

#[test]
fn a_limit_of_no_agents_stops_a_run_and_more_of_them_let_it_go_on() {
    let mut story = Story::new(vec![node(alone())], &[], Policy { agents: 0, ..policy() });
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Limits)));
    story.tell(Event::Resumed { policy: Some(Box::new(policy())) });
    assert_eq!(story.running(), [(0, What::Implement)]);
}

#[test]
fn what_stops_a_run_is_told_before_that_others_were_not_asked_for() {
    // The one that is asked for waits for money in a queue before, or behind, that of the other one.
    for (asked, other) in [(0, 1), (1, 0)] {
        let budget = Limit { micros: 0, ..Limit::NONE };
        let mut story = Story::of(paid(2), Policy { budget, only: vec![NodeId(asked)], ..policy() });
        assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Budget)));
        assert_eq!(story.run.why(NodeId(other)), [Why::NotAsked]);
        let enough = Policy { only: vec![NodeId(asked)], ..policy() };
        story.tell(Event::Resumed { policy: Some(Box::new(enough)) });
        let what = What::Implement;
        story.end(asked, what, Ending::Deferred { until: Until::Person, why: "log in".into() });
        let stop = Stop::Backend(BackendId(1 + asked as u16));
        assert_eq!(story.run.outcome(), Some(Outcome::Stopped(stop)));
    }
}

#[test]
fn one_candidate_is_merged_at_a_time_and_what_has_landed_is_handed_over_before_others_are() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.pass_all(0, &[What::Implement, What::Build, What::Prove]);
    story.pass(1, What::Implement);
    assert_eq!(story.running(), [(0, What::Land)]);
    story.pass(0, What::Land);
    assert_eq!(story.running(), [(0, What::HandOver)]);
    story.pass(0, What::HandOver);
    assert_eq!(story.running(), [(1, What::Build)]);
}

#[test]
fn candidates_are_proven_in_the_order_of_their_line_and_not_by_what_is_behind_them() {
    // The one that joined first is the shortest.
    let nodes = vec![
        node(Task { minutes: 1, ..verified() }),
        node(Task { minutes: 50, ..verified() }),
        node(Task { minutes: 900, stream: StreamId(1), ..verified() }),
        gate(Level::System, [checked()]),
    ];
    let limits = Policy { agents: 3, agents_per_stream: 3, checks: 1, ..policy() };
    let mut story = Story::new(nodes, &[], limits);
    assert_eq!(story.open.len(), 4);
    story.pass(3, What::Settle(0));
    for task in [0, 1] {
        story.pass(task, What::Implement);
        story.pass(task, What::Verify);
    }
    // The first is put off, so that both wait for the slot that the third one has.
    story.pass(0, What::Build);
    story.end(0, What::Prove, deferred(9_000));
    story.pass(2, What::Implement);
    assert_eq!(story.running(), [(1, What::Build), (2, What::Verify)]);
    story.pass(1, What::Build);
    story.now = 9_000;
    story.verify(2, tidegate::run::Verified { patch: oid(1002), commit: oid(5002), ..Default::default() });
    assert_eq!(story.running(), [(0, What::Prove), (2, What::Build)], "not the longer one behind it");
}

#[test]
fn of_the_slots_for_checks_a_candidate_takes_the_next_one() {
    let nodes = vec![
        node(Task { minutes: 1, ..alone() }),
        node(Task { minutes: 900, ..verified() }),
        gate(Level::System, [checked()]),
    ];
    let mut story = Story::new(nodes, &[], Policy { checks: 1, ..policy() });
    story.pass(1, What::Implement);
    story.pass_all(0, &[What::Implement, What::Build]);
    assert_eq!(story.running(), [(2, What::Settle(0))]);
    story.pass(2, What::Settle(0));
    assert_eq!(story.running(), [(0, What::Prove)], "and not the longest way");
}

#[test]
fn a_resource_for_a_job_is_taken_by_what_runs_code_and_one_for_a_task_by_its_first_job() {
    let needs = |resource| Task { needs: vec![ResourceId(resource)], ..task(0, 5) };
    let mut port = Story::new(vec![node(Task { reviewers: vec![ReviewerId(0)], ..needs(0) })], &[], policy());
    let held = |story: &Story, what| story.job(0, what).lane.for_job.len();
    assert_eq!(held(&port, What::Implement), 1);
    port.pass(0, What::Implement);
    assert_eq!(held(&port, R0), 0, "a reviewer reads");
    port.pass(0, R0);
    assert_eq!(held(&port, What::Build), 0);
    port.pass(0, What::Build);
    assert_eq!(held(&port, What::Prove), 1);
    port.pass(0, What::Prove);
    assert_eq!(held(&port, What::Land), 0);

    let mut file = Story::new(vec![node(Task { reviewers: vec![ReviewerId(0)], ..needs(1) })], &[], policy());
    assert_eq!(file.job(0, What::Implement).lane.for_task, [ResourceId(1)]);
    file.pass(0, What::Implement);
    assert_eq!(file.job(0, R0).lane.for_task, [], "it has it");
    file.pass_all(0, &[R0, What::Build]);
    assert_eq!(file.job(0, What::Prove).lane.for_task, []);
}

#[test]
fn a_file_is_free_when_its_task_has_failed_and_its_reviewers_have_ended() {
    let needs = || node(Task { needs: vec![ResourceId(1)], ..task(0, 5) });
    let limits = Policy { agents: 3, agents_per_stream: 3, ladder: vec![], rejections: 1, ..policy() };
    let mut story = Story::new(vec![needs(), needs()], &[], limits);
    let job = story.open[0].id;
    story.tell(Event::Checkpointed { job, patch: oid(1000), commit: oid(8) });
    story.end(0, What::Implement, rejected());
    assert!(matches!(story.state(0), State::Failed { .. }));
    assert_eq!(story.running(), [(0, R0), (0, R1)], "they were stopped, and still read what is there");
    story.pass(0, R0);
    assert_eq!(story.running(), [(0, R1)]);
    story.pass(0, R1);
    assert_eq!(story.running(), [(1, What::Implement)]);
}

#[test]
fn what_is_merged_or_proven_of_a_task_that_is_over_keeps_no_file() {
    let needs = || node(Task { needs: vec![ResourceId(1)], ..alone() });
    let mut story = Story::new(vec![needs(), needs()], &[], policy());
    story.pass_all(0, &[What::Implement, What::Build]);
    assert_eq!(story.running(), [(0, What::Prove)]);
    story.order(Order::Skip(NodeId(0)));
    assert_eq!(story.running(), [(0, What::Prove), (1, What::Implement)], "a proof works on a tree of its own");
}

#[test]
fn an_answer_to_what_was_asked_before_the_no_opens_nothing() {
    let nodes: Vec<Node> = (0..3).map(|_| node(alone())).collect();
    let limits = Policy { agents: 3, agents_per_stream: 3, ..policy() };
    let mut story = Story::new(nodes, &[], limits);
    let older = story.job(1, What::Implement).id;
    story.end(0, What::Implement, deferred(50));
    story.now = 50;
    story.order(Order::Go);
    let probe = story.job(0, What::Implement).id;
    assert_eq!(story.run.quotas()[0], Quota::Probing { job: probe, times: 1 });
    story.tell(Event::Answered { job: older });
    story.end(2, What::Implement, fell());
    assert_eq!(story.run.quotas()[0], Quota::Probing { job: probe, times: 1 }, "only the probe's own answer");
    story.end(0, What::Implement, fell());
    assert_eq!(story.run.quotas()[0], Quota::Due { times: 1 }, "a probe that fell over is no answer");
}

#[test]
fn of_two_times_that_a_backend_names_the_later_one_holds() {
    for (first, second) in [(5_000, 9_000), (9_000, 5_000)] {
        let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
        story.end(0, What::Implement, deferred(first));
        story.end(1, What::Implement, deferred(second));
        assert_eq!(story.run.quotas()[0], Quota::Closed { until: Timestamp(9_000), times: 1 }, "one no, said twice");
        assert_eq!(story.run.deadline(), Some(Timestamp(9_000)));
    }
}

#[test]
fn a_new_limit_makes_the_line_wider_at_once() {
    let nodes = (0..3).map(|_| node(alone())).collect();
    let narrow = Policy { agents: 3, agents_per_stream: 3, window: 1, window_max: 1, ..policy() };
    let mut story = Story::new(nodes, &[], narrow.clone());
    for task in 0..3 {
        story.pass(task, What::Implement);
    }
    story.pass(0, What::Build);
    assert_eq!(story.running(), [(0, What::Prove)]);
    let wide = Policy { window: 3, window_min: 3, window_max: 3, ..narrow };
    story.open.clear();
    story.tell(Event::Resumed { policy: Some(Box::new(wide)) });
    assert_eq!(story.running(), [(0, What::Prove), (1, What::Build)]);
}

#[test]
fn help_comes_after_so_many_tries_and_the_tries_begin_anew_with_it() {
    let limits = Policy { same_failure: 2, rejections: 3, ladder: vec![Rung::Consulted, Rung::Advised], ..policy() };
    let mut story = Story::new(vec![node(alone())], &[], limits);
    story.end(0, What::Implement, with(vec![finding("a")]));
    story.end(0, What::Implement, with(vec![finding("q")]));
    story.end(0, What::Implement, with(vec![finding("z")]));
    assert_eq!(story.running(), [(0, What::Consult)], "any failure, three times");
    story.pass(0, What::Consult);
    story.end(0, What::Implement, with(vec![finding("z")]));
    assert_eq!(story.running(), [(0, What::Implement)], "the same as before the help is the first since");
    story.end(0, What::Implement, with(vec![finding("z")]));
    assert_eq!(story.running(), [(0, What::Advise)], "the same failure, twice");
    story.pass(0, What::Advise);
    for text in ["y", "z", "y"] {
        assert_eq!(story.running(), [(0, What::Implement)]);
        story.end(0, What::Implement, with(vec![finding(text)]));
    }
    assert!(matches!(story.state(0), State::Failed { .. }));
    assert_eq!(story.run.life(NodeId(0)).tally.sent_back, 8);
}
