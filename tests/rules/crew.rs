//! Who does the work: backends that go over to others, conversations, advice, budgets of agents, and tasks that are asked for alone.

use super::story::*;
use tidegate::plan::Phase;
use tidegate::{
    plan::{BackendId, Blueprint, NodeId, Role},
    run::{
        Ending, Event, Failure, JobState, Limit, Misfit, Order, Outcome, Policy, Pool, Quota, Refusal, Rejection, Rung,
        Spend, State, Stop, Talk, Timestamp, Until, What, Why,
    },
};

/// Three tasks that reviewers look at, on one program with two models and on another one.
fn crew(fallbacks: Vec<(Role, BackendId, BackendId)>) -> Blueprint {
    Blueprint {
        streams: vec![("A".into(), "a".into())],
        backends: vec!["script".into(), "claude".into(), "claude:opus".into(), "codex".into()],
        fallbacks,
        reviewers: vec![("r".into(), BackendId(2))],
        nodes: (0..3).map(|_| node(tidegate::plan::Task { backend: BackendId(1), ..alone() })).collect(),
        ..Blueprint::default()
    }
}

fn backend(story: &Story, node: u32) -> u16 {
    match story.job(node, What::Implement).lane.pool {
        Pool::Agents { backend, .. } => backend.0,
        Pool::Checks | Pool::Merge => panic!("an agent in a pool of others"),
    }
}

#[test]
fn a_no_closes_the_program_with_all_its_models_and_for_all_tasks() {
    let mut story = Story::of(crew(vec![]), Policy { agents: 1, ..policy() });
    story.end(0, What::Implement, deferred(5_000));
    assert_eq!(story.running(), []);
    for closed in [1, 2] {
        assert!(matches!(story.run.quotas()[closed], Quota::Closed { until: Timestamp(5_000), .. }));
    }
    assert_eq!(story.run.quotas()[3], Quota::Open { times: 0 });
    assert_eq!(story.run.why(NodeId(1)).len(), 1);
}

#[test]
fn a_role_goes_over_to_its_fallback_while_its_backend_is_closed_and_comes_back() {
    let over = vec![(Role::Implementation, BackendId(1), BackendId(3))];
    let mut story = Story::of(crew(over), Policy { agents: 1, ..policy() });
    assert_eq!(backend(&story, 0), 1);
    story.end(0, What::Implement, deferred(5_000));
    assert_eq!(backend(&story, 0), 3, "the same task at once, on the other backend, at no try");
    assert_eq!(story.job(0, What::Implement).turn, 1);
    story.now = 6_000;
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    assert_eq!(backend(&story, 1), 1, "its own backend is due, and probed");
}

#[test]
fn a_model_to_fall_back_to_is_spared_when_its_program_says_no() {
    let over = vec![(Role::Implementation, BackendId(1), BackendId(2))];
    let mut story = Story::of(crew(over), policy());
    story.end(0, What::Implement, Ending::Deferred { until: Until::Person, why: "no credit for this model".into() });
    assert_eq!((story.run.quotas()[1], story.run.quotas()[2]), (Quota::OutOfOrder, Quota::Open { times: 0 }));
    assert_eq!(backend(&story, 0), 2);
    story.end(0, What::Implement, deferred(5_000));
    assert_eq!(story.run.outcome(), None, "it waits for the one that comes back");
}

#[test]
fn only_so_many_agents_are_started_and_what_they_did_still_lands() {
    let budget = Limit { runs: 1, ..Limit::NONE };
    let mut story = Story::of(crew(vec![]), Policy { budget, ..policy() });
    assert_eq!(story.running(), [(0, What::Implement)]);
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    story.pass(0, What::HandOver);
    assert_eq!(story.state(0), State::Done);
    assert_eq!(story.run.why(NodeId(1)), [Why::Budget]);
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Budget)));
    let more = Policy { budget: Limit { runs: 3, ..Limit::NONE }, ..policy() };
    story.tell(Event::Resumed { policy: Some(Box::new(more)) });
    assert_eq!(story.running(), [(1, What::Implement), (2, What::Implement)]);
}

#[test]
fn an_agent_that_is_called_within_a_job_is_granted_as_a_job_is() {
    let budget = Limit { runs: 2, ..Limit::NONE };
    let mut story = Story::of(crew(vec![]), Policy { budget, agents: 1, ..policy() });
    let job = story.job(0, What::Implement).id;
    story.tell(Event::CalledAgain { job });
    assert_eq!(story.try_tell(Event::CalledAgain { job }), [Misfit::Refused(Refusal::LimitReached)]);
    story.pass(0, What::Implement);
    assert_eq!(story.run.why(NodeId(1)), [Why::Budget], "the call within the first job was the second run");
    assert_eq!(story.try_tell(Event::CalledAgain { job }), [Misfit::Stale(job)]);
}

#[test]
fn what_needs_no_model_is_not_counted() {
    let mut plan = crew(vec![]);
    plan.nodes = (0..3).map(|_| node(alone())).collect();
    let story = Story::of(plan, Policy { budget: Limit { runs: 0, ..Limit::NONE }, ..policy() });
    assert_eq!(story.running().len(), 2);
}

#[test]
fn what_is_asked_for_alone_is_done_alone_and_the_rest_when_it_is_asked_for() {
    let mut story = Story::of(crew(vec![]), Policy { only: vec![NodeId(1)], ..policy() });
    assert_eq!(story.running(), [(1, What::Implement)]);
    assert_eq!(story.words(0), ["ready; only others were asked for"]);
    story.pass(1, What::Implement);
    story.pass_all(1, &TO_LAND);
    story.pass(1, What::HandOver);
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Asked)));
    story.tell(Event::Resumed { policy: Some(Box::new(policy())) });
    assert_eq!(story.running(), [(0, What::Implement), (2, What::Implement)]);
}

#[test]
fn a_conversation_is_gone_on_with_by_the_next_try_and_after_a_kill_until_it_is_over() {
    let mut story = Story::of(crew(vec![]), Policy { agents: 3, agents_per_stream: 3, ..policy() });
    let talk = |reported, is_over| Talk {
        backend: "claude".into(),
        id: "c1".into(),
        place: "/w".into(),
        reported: Spend { input: reported, ..Spend::default() },
        is_over,
    };
    let told = |story: &mut Story, reported, is_over| {
        let job = story.job(0, What::Implement).id;
        let spend = Spend { input: 7, ..Spend::default() };
        story.tell(Event::Spent { job, spend, talk: Some(Box::new(talk(reported, is_over))) });
    };
    told(&mut story, 7, false);
    assert!(story.job(0, What::Implement).sheet.talks.is_empty(), "a job knows what came before it");
    story.end(
        0,
        What::Implement,
        Ending::Rejected(Rejection { findings: vec![finding("no")], ..Rejection::default() }),
    );
    assert_eq!(story.job(0, What::Implement).sheet.talks[&What::Implement], talk(7, false));
    told(&mut story, 14, false);
    story.open.clear();
    story.tell(Event::Resumed { policy: None });
    let job = story.job(0, What::Implement);
    assert_eq!((&job.sheet.talks[&What::Implement], job.state), (&talk(14, false), JobState::Wanted));
    assert_eq!(story.run.budget().spent.input, 14);
    told(&mut story, 21, true);
    story.end(0, What::Implement, fell());
    story.rest();
    assert!(story.job(0, What::Implement).sheet.talks.is_empty());
}

#[test]
fn advice_goes_to_the_next_try_and_the_last_one_asked_may_give_it_back_to_a_person() {
    let ladder = vec![Rung::Consulted, Rung::Advised];
    let mut story = Story::new(vec![node(alone())], &[], Policy { ladder, ..policy() });
    let refuse = |story: &mut Story| (0..3).for_each(|_| story.end(0, What::Implement, rejected()));
    refuse(&mut story);
    story.pass(0, What::Consult);
    let found = &story.sheet(0).findings;
    assert_eq!(found.last(), Some(&finding("try it so")), "after what was found wanting: {found:?}");
    refuse(&mut story);
    story.end(0, What::Advise, rejected());
    assert_eq!(story.state(0), State::Failed { why: Failure::NoProgress { phase: Phase::Implement } });
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.running(), [(0, What::Implement)]);
}

#[test]
fn nobody_is_asked_about_a_task_of_which_nobody_has_anything_to_say() {
    let task = tidegate::plan::Task { others: Default::default(), ..alone() };
    let mut story = Story::new(vec![node(task)], &[], policy());
    (0..3).for_each(|_| story.end(0, What::Implement, rejected()));
    assert_eq!(story.state(0), State::Failed { why: Failure::NoProgress { phase: Phase::Implement } });
}
