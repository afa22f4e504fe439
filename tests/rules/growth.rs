//! A plan that grows while it runs: what is added, what gives way, and what cannot be changed any more.

use super::story::*;
use tidegate::{
    plan::{Addition, Level, Means, NodeId, Phase, Task},
    run::{Event, Misfit, Order, Policy, Refusal, State, What},
};

#[test]
fn a_plan_that_grows_is_counted_and_cannot_hold_back_what_has_started() {
    let held = || gate(Level::Checkpoint, [Means::Held]);
    let mut story = Story::new(vec![node(alone()), held(), node(alone())], &[(1, 2)], policy());
    let edge =
        |from, to| Addition { added: vec![node(alone())], edges: vec![(NodeId(from), NodeId(to))], retired: vec![] };
    for started in [0, 1] {
        let refused = [Misfit::Refused(Refusal::HasStarted(NodeId(started)))];
        assert_eq!(story.try_tell(Event::Replanned(Box::new(edge(3, started)))), refused);
    }
    story.tell(Event::Replanned(Box::new(edge(3, 2))));
    assert_eq!(story.state(2), State::Waiting { unmet: 2 });
    let task = |done| node(Task { done, ..alone() });
    let grown = Addition {
        added: vec![task(true), gate(Level::Task(NodeId(4)), [Means::Held]), task(false), held()],
        edges: vec![(NodeId(4), NodeId(5)), (NodeId(5), NodeId(6)), (NodeId(6), NodeId(7)), (NodeId(0), NodeId(7))],
        retired: vec![],
    };
    story.tell(Event::Replanned(Box::new(grown)));
    assert_eq!([4, 5, 7].map(|node| story.state(node)), [State::Done, State::Done, State::Waiting { unmet: 2 }]);
    assert_eq!(story.state(6), State::Working { phase: Phase::Implement });
}

#[test]
fn a_plan_that_grows_behind_a_failure_is_blocked_and_freed_with_it() {
    let limits = Policy { ladder: vec![], rejections: 1, ..policy() };
    let held = gate(Level::Checkpoint, [Means::Held]);
    let mut story = Story::new(vec![node(alone()), held, node(alone()), node(alone())], &[(1, 2), (2, 3)], limits);
    story.end(0, What::Implement, rejected());
    let behind = Addition {
        added: vec![node(alone()), node(alone())],
        edges: vec![(NodeId(0), NodeId(2)), (NodeId(3), NodeId(4)), (NodeId(4), NodeId(5))],
        retired: vec![],
    };
    story.tell(Event::Replanned(Box::new(behind)));
    assert_eq!(story.state(2), State::Blocked { unmet: 2, dead: 1 });
    for node in [3, 4, 5] {
        assert_eq!(story.state(node), State::Blocked { unmet: 1, dead: 1 });
    }
    let gone = Addition { retired: vec![NodeId(0)], ..Addition::default() };
    story.tell(Event::Replanned(Box::new(gone)));
    assert_eq!(story.state(2), State::Waiting { unmet: 1 });
    assert_eq!(story.state(5), State::Waiting { unmet: 1 });
}

#[test]
fn a_gate_that_was_skipped_may_give_way_and_a_task_that_landed_may_not() {
    let retired = |node| Event::Replanned(Box::new(Addition { retired: vec![NodeId(node)], ..Addition::default() }));
    let refused = |node| [Misfit::Refused(Refusal::IsOver(NodeId(node)))];
    let mut story =
        Story::new(vec![gate(Level::Checkpoint, [Means::Held]), node(alone()), node(alone())], &[], policy());
    story.order(Order::Skip(NodeId(0)));
    story.tell(retired(0));
    assert_eq!(story.try_tell(retired(0)), refused(0));
    story.order(Order::Skip(NodeId(2)));
    assert_eq!(story.try_tell(retired(2)), refused(2), "a task that was skipped is over");
    story.pass(1, What::Implement);
    story.pass_all(1, &TO_LAND);
    assert_eq!(story.try_tell(retired(1)), refused(1));
    story.pass(1, What::HandOver);
    assert_eq!(story.try_tell(retired(1)), refused(1));
}
