//! The rules of a run, each as a short story. The simulation says that nothing breaks; these say what is meant.

#![expect(unreachable_pub, reason = "the modules of a test are nobody's neighbours")]

mod crew;
mod estimates;
mod growth;
mod limits;
mod orders;
mod replay;
mod retries;
mod story;
mod told;
mod verification;

use story::*;
use tidegate::{
    plan::{Addition, Bound, Level, Means, NodeId, Parse, Phase, Phases, ResourceId, ReviewerId, StreamId, Task, Unit},
    run::{
        Breakage, Code, Ending, Event, Evidence, Failure, Finding, Job, JobState, Limit, Oid, Order, Outcome, Policy,
        Refusal, Rejection, Rung, Spend, State, Stop, Subject, Timestamp, Verified, What, Why,
    },
};

#[test]
fn the_longest_way_goes_first_and_of_equals_the_emptier_stream() {
    let nodes = vec![task(0, 5), task(0, 90), task(0, 30), task(1, 30)].into_iter().map(node).collect();
    let story = Story::new(nodes, &[], policy());
    assert_eq!(story.running(), [(1, What::Implement), (3, What::Implement)]);
}

#[test]
fn a_gate_that_closes_blocks_what_is_behind_it_and_nothing_else() {
    let gate = gate(Level::Stream(StreamId(0)), [checked()]);
    let mut story = Story::new(vec![gate, node(task(0, 5)), node(task(1, 5))], &[(0, 1)], policy());
    assert_eq!(story.words(1), ["waits for the gate of stream A"]);
    story.end(0, What::Settle(0), rejected());
    assert_eq!(story.state(0), State::Failed { why: Failure::GateClosed });
    assert_eq!(story.words(0), ["its gate did not open", "its gate is closed: \"words\" was refused: no"]);
    assert_eq!(story.words(1), ["blocked by the gate of stream A, which failed"]);
    assert_eq!(story.running(), [(2, What::Implement)]);
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.job(0, What::Settle(0)).turn, 2);
    story.pass(0, What::Settle(0));
    assert_eq!(story.running(), [(2, What::Implement), (1, What::Implement)]);
}

#[test]
fn words_hold_a_gate_until_a_person_speaks() {
    let mut story = Story::new(vec![gate(Level::System, [Means::Held])], &[], policy());
    assert_eq!(story.state(0), State::Held);
    assert_eq!(story.run.outcome(), Some(Outcome::Returned { failed: 0, blocked: 0, held: 1 }));
    story.order(Order::Approve { gate: NodeId(0), criterion: 0 });
    assert_eq!(story.run.outcome(), Some(Outcome::Done));
}

#[test]
fn a_kill_in_the_middle_of_a_review_pays_again_for_the_missing_verdict_only() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], policy());
    story.pass(0, What::Implement);
    assert_eq!(story.running(), [(0, R0), (0, R1)]);
    story.pass(0, R0);
    story.open.clear();
    story.tell(Event::Resumed { policy: None });
    assert_eq!(story.running(), [(0, R1)]);
    assert_eq!(story.job(0, R1).turn, 1, "what was cut off was no try");
}

#[test]
fn a_look_at_a_checkpoint_counts_for_that_patch_and_is_stopped_when_another_one_is_handed_in() {
    for (checkpoint, missing) in [(oid(1000), 1), (oid(7), 2)] {
        let limits = Policy { agents: 3, agents_per_stream: 3, ..policy() };
        let mut story = Story::new(vec![node(task(0, 5))], &[], limits);
        let job = story.open[0].id;
        story.tell(Event::Checkpointed { job, patch: checkpoint, commit: oid(8) });
        assert_eq!(story.open.len(), 3, "both reviewers look while it is written");
        story.pass(0, R0);
        story.pass(0, What::Implement);
        let is_final = |job: &&Job| matches!(job.on, Subject::Patch { patch, .. } if patch == oid(1000));
        assert_eq!(story.run.jobs().filter(is_final).count(), missing, "verdicts on the patch that was handed in");
        let stopping = story.run.jobs().filter(|job| job.state == JobState::Stopping).count();
        assert_eq!(stopping, missing - 1, "a look at what is gone is stopped");
    }
}

#[test]
fn a_landing_whose_answer_was_lost_is_found_by_the_next_one_and_then_handed_over() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    for what in [What::Implement, What::Build, What::Prove] {
        story.pass(0, what);
        story.pass(1, what);
    }
    for _ in 0..3 {
        story.end(0, What::Land, fell());
        story.rest();
    }
    assert_eq!(story.state(0), State::Failed { why: Failure::FellOver { phase: Phase::Merge } });
    assert_eq!(story.words(0), ["merge fell over too often: no answer"]);
    story.pass_all(1, &[What::Build, What::Prove]);
    story.end(1, What::Land, Ending::Broke(Breakage::Moved { tip: oid(2000), found: vec![NodeId(0), NodeId(9)] }));
    assert_eq!(story.state(0), State::Working { phase: Phase::Handoff });
    assert_eq!((story.run.tip(), story.sheet(0).landed), (oid(2000), oid(2000)));
    story.pass(0, What::HandOver);
    assert_eq!(story.state(0), State::Done);
    assert!(story.running().contains(&(1, What::Build)), "and the other is built on it");
}

#[test]
fn what_fell_over_in_the_train_is_not_written_again_when_a_person_says_retry() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    story.pass(0, What::Implement);
    for _ in 0..3 {
        story.end(0, What::Build, fell());
        story.rest();
    }
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn one_no_closes_the_backend_for_all_and_the_first_answer_to_one_probe_opens_it() {
    let nodes = (0..3).map(|_| node(task(0, 5))).collect();
    let mut story = Story::new(nodes, &[], policy());
    story.end(0, What::Implement, deferred(500));
    assert_eq!(story.running(), [(1, What::Implement)], "what runs goes on, and nothing starts");
    assert_eq!(story.words(0), ["ready; x takes no work until 00:00:00 UTC"]);
    assert_eq!(story.run.deadline(), Some(Timestamp(500)));
    story.now = 500;
    story.end(1, What::Implement, rejected());
    assert_eq!(story.running(), [(0, What::Implement)], "one probe");
    let probe = story.open[0].id;
    story.tell(Event::Answered { job: probe });
    assert_eq!(story.running(), [(0, What::Implement), (1, What::Implement)], "its first word opens, not its end");
    assert_eq!((story.open[0].turn, story.open[1].turn), (1, 2), "a deferral costs no try, a rejection does");
}

#[test]
fn a_backend_that_says_again_at_once_is_not_asked_in_a_circle() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], policy());
    let mut rests = Vec::new();
    for _ in 0..3 {
        story.end(0, What::Implement, deferred(0));
        let due = story.run.deadline().expect("a probe is due").0;
        rests.push(due - story.now);
        story.now = due;
        story.order(Order::Go);
    }
    assert_eq!(rests, [20, 40, 80]);
}

#[test]
fn a_stopped_job_holds_its_slot_until_its_end_is_told() {
    let nodes = (0..2).map(|_| node(task(0, 5))).collect();
    let mut story = Story::new(nodes, &[], Policy { agents: 1, ..policy() });
    assert_eq!(story.words(1), ["ready; the only agent slot is taken"]);
    story.order(Order::Skip(NodeId(0)));
    assert_eq!(story.running(), [(0, What::Implement)], "the second waits for the slot");
    story.pass(0, What::Implement);
    assert_eq!(story.running(), [(1, What::Implement)]);
    assert_eq!(story.state(0), State::Skipped, "and its ending counts for nothing");
}

#[test]
fn out_of_budget_what_is_paid_for_still_lands() {
    let nodes = (0..2).map(|_| node(alone())).collect();
    let budget = Limit { micros: 10, ..Limit::NONE };
    let spend = Spend { micros: 10, ..Spend::default() };
    let mut story = Story::new(nodes, &[], Policy { budget, ..policy() });
    let job = story.open[0].id;
    story.tell(Event::Spent { job, spend, talk: None });
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    story.pass(0, What::HandOver);
    assert_eq!(story.state(0), State::Done);
    assert_eq!(story.run.why(NodeId(1)), [Why::Budget]);
    assert_eq!(story.run.outcome(), Some(Outcome::Stopped(Stop::Budget)));
}

#[test]
fn a_file_is_held_from_the_first_job_to_the_landing_and_a_port_while_a_job_runs() {
    let needs = |r: u16| node(Task { needs: vec![ResourceId(r)], ..alone() });
    let mut file = Story::new(vec![needs(1), needs(1)], &[], policy());
    assert_eq!(file.words(1), ["ready; waits for src/lib.rs, which task t has"]);
    for what in [What::Implement, What::Build, What::Prove] {
        file.pass(0, what);
        assert!(file.running().iter().all(|&(node, _)| node == 0), "{:?}", file.running());
    }
    file.pass(0, What::Land);
    assert!(file.running().contains(&(1, What::Implement)), "landed is free, handed over or not");
    assert_eq!(
        file.job(1, What::Implement).sheet.base,
        file.run.tip(),
        "whoever had to wait begins on what has landed"
    );
    let mut port = Story::new(vec![needs(0), needs(0)], &[], policy());
    port.pass(0, What::Implement);
    assert_eq!(port.running(), [(0, What::Build), (1, What::Implement)]);
}

#[test]
fn a_task_that_waits_for_a_person_keeps_nobody_else_waiting() {
    let needs = || Task { needs: vec![ResourceId(1)], ..alone() };
    let held = gate(Level::Task(NodeId(0)), [Means::Held]);
    let mut story = Story::new(vec![node(needs()), held, node(needs())], &[(0, 1)], policy());
    story.pass(0, What::Implement);
    assert_eq!((story.state(0), story.running()), (State::Held, vec![(2, What::Implement)]));
    story.order(Order::Approve { gate: NodeId(0), criterion: 0 });
    story.pass_all(0, &TO_LAND);
    assert_eq!(story.state(0), State::Working { phase: Phase::Handoff });
}

#[test]
fn a_hundred_thousand_empty_gates_in_a_row_open_at_once() {
    let edges: Vec<_> = (1..100_000).map(|i| (i - 1, i)).collect();
    let story = Story::new(vec![gate(Level::Checkpoint, []); 100_000], &edges, policy());
    assert_eq!(story.run.outcome(), Some(Outcome::Done));
}

#[test]
fn a_dependent_waits_for_the_gate_of_its_task_and_that_for_the_hand_over() {
    let means = [Means::TestsFirst, Means::SealIntact, Means::Green, Means::Scope, Means::Integrity, checked()];
    let mut story = Story::gated(full(), means.into_iter().chain([Means::Reviewed { reviewer: ReviewerId(1) }]));
    assert_eq!(story.words(2), ["waits for task t"]);
    story.pass_all(0, &[What::Tests, What::Red, What::Implement, What::Verify, R0, R1]);
    story.pass_all(0, &TO_LAND);
    assert_eq!(story.running(), [(0, What::HandOver)]);
    story.pass(0, What::HandOver);
    assert_eq!((story.state(0), story.state(1)), (State::Done, State::Done));
    assert_eq!(story.words(1), ["done", "every criterion of its gate is proven"]);
    assert_eq!(story.running(), [(2, What::Implement)]);
}

#[test]
fn a_gate_that_asks_what_no_phase_proves_closes_before_the_train() {
    let mut story = Story::gated(alone(), [checked()]);
    story.pass(0, What::Implement);
    assert_eq!(story.state(0), State::Failed { why: Failure::GateClosed });
    let mut unsealed = Story::gated(
        Task { reviewers: vec![], phases: full().phases.without(Phase::Red), ..full() },
        [Means::TestsFirst],
    );
    unsealed.pass_all(0, &[What::Tests, What::Implement, What::Verify]);
    assert_eq!(unsealed.state(0), State::Failed { why: Failure::GateClosed }, "tests first is proven by red alone");
}

#[test]
fn a_task_is_held_before_the_train_until_a_person_speaks_about_this_very_patch() {
    let mut story = Story::gated(alone(), [Means::Approved]);
    let yes = |gate| Order::Approve { gate: NodeId(gate), criterion: 0 };
    assert_eq!(story.refused(yes(0)), Refusal::NotHeld(NodeId(0)), "there is nothing to approve yet");
    story.pass(0, What::Implement);
    assert_eq!((story.state(0), story.running()), (State::Held, vec![]));
    assert_eq!(story.words(0), ["waits for a person's word", "its gate is closed: \"words\" waits for a person"]);
    story.order(yes(1));
    story.pass(0, What::Build);
    story.end(0, What::Prove, rejected());
    story.pass(0, What::Implement);
    assert_eq!(story.running(), [(0, What::Build)], "the same patch again is approved");
    story.end(0, What::Build, rejected());
    story.end(0, What::Implement, Ending::Passed(Evidence::Work { patch: oid(77), commit: oid(78), told: vec![] }));
    assert_eq!(story.state(0), State::Held, "another patch is not");
}

#[test]
fn what_verify_took_out_is_not_part_of_what_is_reviewed_and_landed() {
    let mut story = Story::gated(Task { phases: full().phases, ..task(0, 5) }, [Means::Green]);
    story.pass_all(0, &[What::Tests, What::Red]);
    let job = story.job(0, What::Implement).id;
    story.tell(Event::Checkpointed { job, patch: oid(1000), commit: oid(5000) });
    story.pass(0, R0);
    story.pass(0, What::Implement);
    story.verify(0, Verified { patch: oid(42), commit: oid(43), ..Verified::default() });
    let on: Vec<_> = story.open.iter().filter(|job| job.what == R0).map(|job| job.on).collect();
    assert_eq!(
        on,
        [Subject::Patch { patch: oid(42), commit: oid(43) }],
        "a verdict on what was handed in is none on this"
    );
    assert_eq!(story.sheet(0).work, oid(43));
}

#[test]
fn an_edit_out_of_scope_lands_only_when_a_reviewer_or_a_person_grants_it() {
    let asks = || Verified { patch: oid(1000), commit: oid(5000), asks: vec!["b.rs".into()], ..Verified::default() };
    let task = || Task { phases: Phases::ALL.without(Phase::Tests).without(Phase::Red), ..task(0, 5) };
    let at_verify = |reviewers: Vec<ReviewerId>| {
        let mut story = Story::gated(Task { reviewers, ..task() }, [Means::Scope]);
        story.pass(0, What::Implement);
        story
    };
    let mut nobody = at_verify(vec![]);
    nobody.verify(0, asks());
    assert_eq!(nobody.sheet(0).findings[0].code, Code::Scope, "nobody to ask: back at once");
    assert_eq!(nobody.running(), [(0, What::Implement)]);

    let mut silent = at_verify(vec![ReviewerId(0), ReviewerId(1)]);
    silent.verify(0, asks());
    silent.pass(0, R0);
    assert_eq!(silent.running(), [(0, R1)], "who has not spoken may still grant it");
    silent.pass(0, R1);
    assert_eq!(silent.sheet(0).findings[0].file.as_deref(), Some("b.rs"));

    let mut granted = at_verify(vec![ReviewerId(0)]);
    granted.verify(0, asks());
    let evidence = Evidence::Approved { findings: vec![], grants: vec!["b.rs".into()] };
    granted.end(0, R0, Ending::Passed(evidence));
    assert_eq!((granted.running(), &granted.sheet(0).grants[..]), (vec![(0, What::Build)], &["b.rs".into()][..]));

    let mut permitted = at_verify(vec![]);
    permitted.order(Order::Grant { task: NodeId(1), path: "b.rs".into() });
    permitted.verify(0, asks());
    assert_eq!(permitted.running(), [(0, What::Build)]);
    assert_eq!(permitted.refused(Order::Grant { task: NodeId(9), path: "x".into() }), Refusal::NoSuchNode(NodeId(9)));
}

#[test]
fn a_figure_out_of_its_bound_goes_back_and_a_figure_that_is_missing_proves_nothing() {
    let means = Means::Measured {
        command: "cov".into(),
        bound: Bound::AtLeast(80_000),
        parse: Parse::Last,
        unit: Unit::percent(),
    };
    let phases = Phases::ALL.without(Phase::Tests).without(Phase::Red);
    let mut story = Story::gated(Task { phases, ..alone() }, [means]);
    let verified = |figures| Verified { patch: oid(1000), commit: oid(5000), figures, ..Verified::default() };
    story.pass(0, What::Implement);
    story.verify(0, verified(vec![]));
    story.rest();
    assert_eq!(story.job(0, What::Verify).turn, 1, "it fell over");
    story.verify(0, verified(vec![(0, 79_999)]));
    assert_eq!(&*story.sheet(0).findings[0].text, "words: measured 79.999 %, asked for at least 80 %");
    story.pass(0, What::Implement);
    story.verify(0, verified(vec![(0, 80_000)]));
    assert_eq!(story.running(), [(0, What::Build)]);
}

#[test]
fn all_findings_of_a_round_go_back_together_and_an_approval_with_a_blocker_is_none() {
    let mut story = Story::new(vec![node(task(0, 5))], &[], policy());
    story.pass(0, What::Implement);
    let concern = Finding { weight: tidegate::run::Weight::Concern, ..finding("hm") };
    let evidence = Evidence::Approved { findings: vec![finding("no"), concern.clone()], grants: vec![] };
    story.end(0, R0, Ending::Passed(evidence));
    assert_eq!(story.running(), [(0, R1)], "who looks is awaited");
    story.end(0, R1, with(vec![finding("never")]));
    let job = story.job(0, What::Implement);
    assert_eq!(job.sheet.findings, [finding("no"), concern, finding("never")]);
    assert_eq!(job.turn, 2);
}

#[test]
fn a_verdict_survives_a_send_back_for_the_same_patch_alone() {
    for (patch, asked) in [(oid(1000), 0), (oid(99), 1)] {
        let mut story = Story::new(vec![node(Task { reviewers: vec![ReviewerId(0)], ..task(0, 5) })], &[], policy());
        story.pass_all(0, &[What::Implement, R0, What::Build]);
        story.end(0, What::Prove, rejected());
        story.end(0, What::Implement, Ending::Passed(Evidence::Work { patch, commit: oid(98), told: vec![] }));
        assert_eq!(story.open.iter().filter(|job| job.what == R0).count(), asked);
    }
}

#[test]
fn the_train_sends_back_onto_its_tip_with_what_it_found_and_a_test_conflict_to_the_tests() {
    let edges = [];
    for (code, what) in [(Code::Conflict, What::Implement), (Code::TestConflict, What::Tests)] {
        let plain = Task { reviewers: vec![], ..full() };
        let mut story = Story::new(vec![node(plain.clone()), node(plain)], &edges, policy());
        for what in [What::Tests, What::Red, What::Implement, What::Verify, What::Build] {
            story.pass(0, what);
        }
        story.pass_all(1, &[What::Tests, What::Red, What::Implement, What::Verify]);
        assert_eq!(
            story.job(1, What::Build).on,
            Subject::Onto { patch: oid(1001), commit: oid(5001), base: oid(2000) }
        );
        story.end(1, What::Build, with(vec![Finding::blocker(code, "both")]));
        assert!(matches!(story.state(1), State::Merging { .. }), "its base has not landed: in doubt");
        assert!(story.words(1)[0].starts_with("in the merge train behind 1: failed on a base"));
        story.pass_all(0, &[What::Prove, What::Land]);
        let job = story.job(1, what);
        assert_eq!((job.sheet.base, job.sheet.findings[0].code), (oid(2000), code));
        assert_eq!(job.sheet.seal.commit.is_none(), what == What::Tests, "what is contested is no longer sealed");
    }
}

#[test]
fn a_try_goes_on_from_what_the_last_one_left() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    assert_eq!(story.job(0, What::Implement).sheet.base, oid(1));
    story.end(0, What::Implement, Ending::Broke(Breakage::Fell { why: "oom".into(), left: oid(31) }));
    assert_eq!(story.words(0), ["implement rests until 00:00:00 UTC: oom"]);
    story.rest();
    let left = |left| Ending::Rejected(Rejection { findings: vec![finding("no")], left, ..Rejection::default() });
    let job = story.job(0, What::Implement);
    assert_eq!((job.sheet.work, job.turn, job.attempt), (oid(31), 1, 2), "falling over costs no try");
    story.end(0, What::Implement, left(oid(32)));
    let job = story.job(0, What::Implement);
    assert_eq!((job.sheet.work, job.turn, job.sheet.findings.len()), (oid(32), 2, 1));
    story.end(0, What::Implement, left(Oid::NONE));
    assert_eq!(story.job(0, What::Implement).sheet.work, oid(32));
}

#[test]
fn patience_is_the_ladder_of_the_policy_and_without_one_it_ends_in_failure() {
    let mut story = Story::new(vec![node(alone())], &[], Policy { ladder: vec![Rung::Consulted], ..policy() });
    for _ in 0..3 {
        story.end(0, What::Implement, rejected());
    }
    assert_eq!(story.running(), [(0, What::Consult)], "the same failure three times in a row");
    story.pass(0, What::Consult);
    for text in ["a", "q", "x", "y", "z"] {
        story.end(0, What::Implement, with(vec![finding(text)]));
    }
    assert_eq!(story.state(0), State::Failed { why: Failure::NoProgress { phase: Phase::Implement } });
    assert_eq!(story.words(0), ["failed in implement after 8 tries: z"]);
    story.order(Order::Retry(NodeId(0)));
    assert_eq!(story.job(0, What::Implement).turn, 9, "a person's retry gives new patience, and counts on");
    assert_eq!(story.sheet(0).findings, [finding("z")]);

    let mut nobody = Story::new(vec![node(alone())], &[], Policy { ladder: vec![], rejections: 1, ..policy() });
    nobody.end(0, What::Implement, rejected());
    assert_eq!(nobody.words(0), ["failed in implement after 1 try: no"]);
}

#[test]
fn what_has_landed_is_never_landed_again_whatever_becomes_of_its_hand_over() {
    let mut story = Story::gated(alone(), [Means::Approved]);
    story.pass(0, What::Implement);
    story.order(Order::Approve { gate: NodeId(0), criterion: 0 });
    story.pass_all(0, &TO_LAND);
    assert_eq!(story.job(0, What::HandOver).sheet.landed, oid(2000));
    let retired = Addition { retired: vec![NodeId(0), NodeId(1)], ..Addition::default() };
    assert_eq!(story.try_tell(Event::Replanned(Box::new(retired))).len(), 1, "what has landed is not retired");
    for ending in [rejected(), fell(), fell()] {
        story.end(0, What::HandOver, ending);
        story.rest();
    }
    assert_eq!(story.state(0), State::Failed { why: Failure::FellOver { phase: Phase::Handoff } });
    assert_eq!(story.words(2), ["blocked by task t, which failed"]);
    story.order(Order::Retry(NodeId(1)));
    assert_eq!(story.running(), [(0, What::HandOver)]);
    story.order(Order::Skip(NodeId(0)));
    assert_eq!((story.state(0), story.state(1)), (State::Done, State::Done));
}

#[test]
fn a_task_that_was_done_before_is_done_whatever_it_hangs_on_and_its_gate_asks_nothing() {
    let done = node(Task { done: true, ..full() });
    let nodes = vec![node(alone()), done, gate(Level::Task(NodeId(1)), [Means::Green, Means::Held]), node(task(1, 1))];
    let mut story = Story::new(nodes, &[(0, 1), (1, 2), (2, 3)], policy());
    assert_eq!((story.state(1), story.state(2)), (State::Done, State::Done));
    assert_eq!(story.running(), [(0, What::Implement), (3, What::Implement)]);
    assert_eq!(story.refused(Order::Skip(NodeId(1))), Refusal::IsOver(NodeId(1)));
}

#[test]
fn a_skipped_or_retired_task_takes_its_gate_with_it() {
    for word in [
        Event::Ordered(Order::Skip(NodeId(1))),
        Event::Replanned(Box::new(Addition { retired: vec![NodeId(0)], ..Addition::default() })),
    ] {
        let mut story = Story::gated(full(), [Means::Green, Means::Held]);
        story.tell(word);
        assert_eq!(story.state(0), story.state(1));
        assert!(story.running().contains(&(2, What::Implement)));
    }
    let mut story = Story::gated(full(), []);
    let gate_alone = Addition { retired: vec![NodeId(1)], ..Addition::default() };
    assert_eq!(
        story.try_tell(Event::Replanned(Box::new(gate_alone))),
        [tidegate::run::Misfit::Refused(Refusal::GoesWith(NodeId(0)))]
    );
    let late = Addition {
        added: vec![gate(Level::Task(NodeId(2)), [Means::Held])],
        edges: vec![(NodeId(2), NodeId(3))],
        ..Addition::default()
    };
    story.tell(Event::Replanned(Box::new(late.clone())));
    let mut begun = Story::new(vec![node(alone()), node(alone()), node(alone())], &[], policy());
    assert_eq!(
        begun.try_tell(Event::Replanned(Box::new(late))),
        [tidegate::run::Misfit::Refused(Refusal::HasStarted(NodeId(2)))]
    );
}

#[test]
fn a_gate_that_is_open_can_give_way_to_one_that_waits_for_more() {
    let held = || gate(Level::Checkpoint, [Means::Held]);
    let done = node(Task { done: true, ..alone() });
    let mut story = Story::new(vec![done, held(), node(alone())], &[(0, 1), (1, 2)], policy());
    story.order(Order::Approve { gate: NodeId(1), criterion: 0 });
    assert_eq!((story.state(1), story.running()), (State::Done, vec![(2, What::Implement)]));
    let more = Addition {
        added: vec![node(alone()), held()],
        retired: vec![NodeId(1)],
        edges: vec![(NodeId(0), NodeId(4)), (NodeId(3), NodeId(4))],
    };
    story.tell(Event::Replanned(Box::new(more)));
    assert_eq!((story.state(1), story.state(4)), (State::Retired, State::Waiting { unmet: 1 }));
    assert!(story.running().contains(&(2, What::Implement)), "what hung on the old one goes on");
    for over in [NodeId(0), NodeId(1)] {
        let late = Addition { retired: vec![over], ..Addition::default() };
        let refused = [tidegate::run::Misfit::Refused(Refusal::IsOver(over))];
        assert_eq!(
            story.try_tell(Event::Replanned(Box::new(late))),
            refused,
            "a task that is over, a gate that is gone"
        );
    }
}

#[test]
fn a_deployment_waits_for_a_person_where_somebody_passed_over_a_blocker() {
    let begin = || {
        let stream = gate(Level::Stream(StreamId(0)), [checked()]);
        let nodes = vec![node(alone()), stream, gate(Level::Deployment, [Means::NoBlocker])];
        Story::new(nodes, &[(0, 1), (1, 2)], policy())
    };
    let concern = Finding { weight: tidegate::run::Weight::Concern, ..finding("hm") };
    for (said, expected) in [(vec![], State::Done), (vec![concern], State::Done), (vec![finding("no")], State::Held)] {
        let mut story = begin();
        if !said.is_empty() {
            story.end(0, What::Implement, with(said));
        }
        story.order(Order::Skip(NodeId(0)));
        story.pass(1, What::Settle(0));
        assert_eq!(story.state(2), expected);
    }
    for (is_refused, expected) in [(false, State::Done), (true, State::Held)] {
        let mut story = begin();
        story.order(Order::Skip(NodeId(0)));
        if is_refused {
            story.end(1, What::Settle(0), rejected());
        }
        story.order(Order::Skip(NodeId(1)));
        assert_eq!(story.state(2), expected);
    }
}

#[test]
fn a_task_whose_gate_lacks_what_no_phase_proves_fails_closed_and_so_does_one_with_nothing_to_land() {
    let mut story = Story::gated(alone(), [Means::Held, Means::Green]);
    story.pass(0, What::Implement);
    assert_eq!(story.state(0), State::Failed { why: Failure::GateClosed });
    let bare = Task { phases: alone().phases.without(Phase::Implement), ..alone() };
    let story = Story::gated(bare, []);
    assert_eq!(story.state(0), State::Failed { why: Failure::NothingToLand });
}

#[test]
fn a_contested_test_goes_back_to_the_test_developer_and_is_no_longer_sealed() {
    let mut story = Story::new(vec![node(Task { reviewers: vec![], ..full() })], &[], policy());
    story.pass_all(0, &[What::Tests, What::Red]);
    assert!(!story.job(0, What::Implement).sheet.seal.commit.is_none());
    story.end(0, What::Implement, with(vec![Finding::blocker(Code::Contested, "it asks for the sum of nothing")]));
    let job = story.job(0, What::Tests);
    assert!(job.sheet.seal.commit.is_none());
    assert_eq!(job.sheet.findings[0].code, Code::Contested);
}
