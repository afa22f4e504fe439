//! What does not fit changes nothing: entries of another run, facts that come late, twice or of nobody.

use super::story::*;
use std::sync::Arc;
use tidegate::{
    plan::{BackendId, Level, Means, NodeId, Phase, Task},
    run::{
        Breakage, Charter, Ending, Entry, Event, Evidence, JobId, JobState, Misfit, Oid, Order, Policy, Quota, Red,
        Run, Spend, State, Timestamp, Until, Verified, What,
    },
};

/// A run with its journal: told facts, and held to what a replay makes of the same entries.
struct Record {
    story: Story,
    entries: Vec<Entry>,
}

impl Record {
    fn new(tasks: Vec<Task>, policy: Policy) -> Record {
        let story = Story::new(tasks.into_iter().map(node).collect(), &[], policy);
        let plan = story.run.plan().blueprint().clone().into();
        let policy = Box::new(story.run.policy().clone());
        let charter = Box::new(story.run.charter().clone());
        let mut record = Record { story, entries: vec![] };
        record.story.run = Run::default();
        record.story.now = 0;
        record.tell(Event::Planned { plan, policy, tip: oid(1), charter });
        record
    }

    fn tell(&mut self, fact: Event) {
        self.story.now += 1;
        let turn = self.story.run.turn(Timestamp(self.story.now), [fact]).expect("decisions fit");
        assert_eq!(turn.dropped, []);
        self.entries.extend(turn.entries);
    }

    /// The entry fits, with whatever is decided on it left out.
    fn takes(&mut self, entry: Entry) {
        assert_eq!(self.story.run.apply(&entry), Ok(()));
        self.entries.push(entry);
    }

    /// An entry at the place of the next one, and now.
    fn next(&self, event: Event) -> Entry {
        Entry { seq: self.story.run.seq(), at: self.story.run.now(), event }
    }

    /// The entry is told back, and the run is what its journal says.
    fn refuses(&mut self, entry: Entry) {
        let misfit = self.story.run.apply(&entry).expect_err("it fits");
        assert!(matches!(&misfit, Misfit::Wrong(event) if **event == entry.event), "{misfit:?}");
        self.is_as_before();
    }

    fn is_stale(&mut self, job: JobId, event: Event) {
        assert_eq!(self.story.run.apply(&self.next(event)), Err(Misfit::Stale(job)));
        self.is_as_before();
    }

    fn is_as_before(&self) {
        assert!(self.story.run == Run::replay(&self.entries).expect("a journal replays"), "it left a trace");
    }
}

fn start(job: u64, node: u32, what: What, backend: Option<u16>) -> Event {
    Event::Started { job: JobId(job), node: NodeId(node), what, backend: backend.map(BackendId) }
}

fn ended(job: JobId) -> Event {
    Event::Ended { job, ending: Box::new(fell()), spend: Spend::default() }
}

#[test]
fn no_entry_is_missing_and_time_does_not_go_back() {
    let mut record = Record::new(vec![alone()], policy());
    record.tell(Event::Ordered(Order::Pause));
    let good = record.next(Event::Ordered(Order::Go));
    for seq in [0, good.seq - 1, good.seq + 1] {
        record.refuses(Entry { seq, ..good.clone() });
    }
    record.refuses(Entry { at: Timestamp(good.at.0 - 1), ..good.clone() });
    let later = Entry { at: Timestamp(good.at.0 + 7), ..good };
    record.takes(later.clone());
    assert_eq!((record.story.run.seq(), record.story.run.now()), (later.seq + 1, later.at));
    record.takes(Entry { seq: later.seq + 1, ..later }); // two at the same time are in order
}

#[test]
fn what_does_not_fit_moves_no_clock() {
    let mut record = Record::new(vec![alone()], policy());
    let late = Entry { at: Timestamp(1_000), ..record.next(ended(JobId(9))) };
    assert_eq!(record.story.run.apply(&late), Err(Misfit::Stale(JobId(9))));
    record.is_as_before();
}

#[test]
fn a_clock_that_is_set_back_is_written_as_standing_still() {
    let mut record = Record::new(vec![alone()], policy());
    let now = record.story.run.now();
    let turn = record.story.run.turn(Timestamp(0), [Event::Ordered(Order::Pause)]).expect("decisions fit");
    assert_eq!(turn.entries[0].at, now);
}

#[test]
fn a_run_begins_with_a_plan_that_is_one_and_has_no_second() {
    let record = Record::new(vec![alone()], policy());
    let mut run = Run::default();
    assert_eq!(run.outcome(), None, "before it is planned nothing is over");
    let mut first = record.entries[0].clone();
    let Event::Planned { plan, .. } = &mut first.event else { panic!("a run begins with its plan") };
    Arc::make_mut(plan).edges = vec![(NodeId(0), NodeId(0))];
    assert_eq!(run.apply(&first), Err(Misfit::Wrong(Box::new(first.event.clone()))));
    assert!(run == Run::default());
    let mut record = record;
    let again = record.entries[0].event.clone();
    record.refuses(record.next(again));
}

#[test]
fn what_a_run_began_with_is_what_it_says() {
    let plan = Arc::new(Story::new(vec![node(alone())], &[], policy()).run.plan().blueprint().clone());
    let policy = policy();
    let charter = Charter { run: "r1".into(), base: oid(7), without_checks: true, ..Charter::default() };
    let mut run = Run::default();
    let (plan_told, policy_told) = (plan.clone(), Box::new(policy.clone()));
    let planned = Event::Planned { plan, policy: policy_told, tip: oid(1), charter: Box::new(charter.clone()) };
    run.turn(Timestamp(1), [planned]).expect("decisions fit");
    assert_eq!((run.charter(), run.policy()), (&charter, &policy));
    assert_eq!((run.plan().blueprint(), run.shared_plan().blueprint()), (&*plan_told, &*plan_told));
    assert_eq!((run.tip(), run.train().tip(), run.train().window()), (oid(1), oid(1), policy.window));
}

#[test]
fn only_what_could_be_decided_now_is_started() {
    let tasks = vec![alone(), alone(), alone()];
    let mut record = Record::new(tasks, Policy { agents: 1, ..policy() });
    record.refuses(record.next(start(1, 1, What::Implement, Some(0))));
    record.tell(Event::Ordered(Order::Pause));
    record.tell(ended(JobId(0)));
    record.refuses(record.next(start(1, 1, What::Implement, Some(0))));
    record.takes(record.next(Event::Ordered(Order::Go)));
    for (event, why) in [
        (start(2, 1, What::Implement, Some(0)), "a number was left out"),
        (start(0, 1, What::Implement, Some(0)), "a number was given before"),
        (start(1, 1, What::Implement, Some(1)), "it runs on another backend"),
        (start(1, 0, What::Implement, Some(0)), "it rests"),
        (start(1, 1, What::Verify, None), "nobody wants it"),
    ] {
        assert!(record.story.run.apply(&record.next(event)).is_err(), "{why}");
        record.is_as_before();
    }
    record.takes(record.next(start(1, 1, What::Implement, Some(0))));
}

#[test]
fn what_runs_is_not_started_again() {
    let mut record = Record::new(vec![alone()], policy());
    record.refuses(record.next(start(1, 0, What::Implement, Some(0))));
}

#[test]
fn a_journal_of_before_does_not_say_on_which_backend() {
    let mut record = Record::new(vec![alone()], policy());
    for entry in &mut record.entries {
        if let Event::Started { backend, .. } = &mut entry.event {
            assert_eq!(backend.take(), Some(BackendId(0)));
        }
    }
    record.is_as_before();
}

#[test]
fn only_what_nobody_waits_for_is_asked_to_stop_and_only_once() {
    let mut record = Record::new(vec![alone(), alone()], policy());
    record.refuses(record.next(Event::StopAsked { job: JobId(0) }));
    record.tell(Event::Ordered(Order::Skip(NodeId(0))));
    let state = record.story.run.jobs().map(|job| job.state).next();
    assert_eq!(state, Some(JobState::Stopping));
    record.refuses(record.next(Event::StopAsked { job: JobId(0) }));
    record.refuses(record.next(Event::StopAsked { job: JobId(7) }));
}

#[test]
fn a_rest_and_a_quota_are_over_when_they_are_due_and_not_before() {
    let mut record = Record::new(vec![alone(), alone()], policy());
    let rested = || Event::Rested { node: NodeId(0), what: What::Implement };
    record.refuses(record.next(rested()));
    record.tell(ended(JobId(0)));
    record.refuses(record.next(rested()));
    let due = record.story.run.deadline().expect("it rests");
    let early = Entry { at: Timestamp(due.0 - 1), ..record.next(rested()) };
    record.refuses(early);
    record.takes(Entry { at: due, ..record.next(rested()) });
    for backend in [0, 9] {
        record.refuses(record.next(Event::QuotaDue { backend: BackendId(backend) }));
    }
    let ending = Box::new(deferred(5_000));
    record.tell(Event::Ended { job: JobId(1), ending, spend: Spend::default() });
    record.takes(record.next(Event::QuotaDue { backend: BackendId(0) }));
    assert_eq!(record.story.run.quotas()[0], Quota::Due { times: 1 });
}

#[test]
fn facts_of_a_job_that_does_not_run_are_stale() {
    let mut record = Record::new(vec![alone(), alone()], policy());
    let job = JobId(0);
    record.tell(ended(job));
    for event in [
        ended(job),
        Event::Answered { job },
        Event::CalledAgain { job },
        Event::Spent { job, spend: Spend { micros: 1, ..Spend::default() }, talk: None },
        Event::Checkpointed { job, patch: oid(3), commit: oid(4) },
    ] {
        record.is_stale(job, event);
    }
}

#[test]
fn a_checkpoint_is_of_an_implementation_that_is_waited_for_and_names_what_it_holds() {
    let mut record = Record::new(vec![Task { phases: full().phases, ..task(0, 5) }, task(1, 5)], policy());
    let at = |job, patch, commit| Event::Checkpointed { job: JobId(job), patch, commit };
    record.is_stale(JobId(0), at(0, oid(3), oid(4)));
    for (patch, commit) in [(Oid::NONE, oid(4)), (oid(3), Oid::NONE)] {
        record.is_stale(JobId(1), at(1, patch, commit));
    }
    record.tell(Event::Ordered(Order::Skip(NodeId(1))));
    record.is_stale(JobId(1), at(1, oid(3), oid(4)));
}

#[test]
fn who_looks_on_hears_of_whoever_is_blocked_and_freed() {
    let nodes = vec![node(alone()), gate(Level::Task(NodeId(0)), [Means::Held]), node(alone()), node(alone())];
    let limits = Policy { ladder: vec![], rejections: 1, ..policy() };
    let mut story = Story::new(nodes, &[(0, 1), (1, 2), (2, 3)], limits);
    let job = story.open[0].id;
    let ending = Event::Ended { job, ending: Box::new(rejected()), spend: Spend::default() };
    let turn = story.run.turn(Timestamp(9), [ending]).expect("decisions fit");
    let mut moved = turn.moved;
    moved.sort_unstable();
    moved.dedup();
    assert_eq!(moved, [0, 1, 2, 3].map(NodeId), "near and far");
    let turn = story.run.turn(Timestamp(10), [Event::Ordered(Order::Pause)]).expect("decisions fit");
    assert_eq!(turn.moved, [], "nobody moved");
}

#[test]
fn what_passes_without_what_its_kind_has_to_bring_has_fallen_over() {
    let none = Oid::NONE;
    let work = |patch, commit| Evidence::Work { patch, commit, told: vec![] };
    let built = |commit, patch| Evidence::Built { commit, patch };
    let verified = |patch, commit| Evidence::Verified(Box::new(Verified { patch, commit, ..Verified::default() }));
    let approved = || Evidence::Approved { findings: vec![], grants: vec![] };
    let seen = || Evidence::Seen { ran: vec![] };
    let figure = || Evidence::Figure { figure: 1, ran: vec![], told: vec![] };
    let way = [What::Tests, What::Red, What::Implement, What::Verify, R0, What::Build, What::Prove, What::Land];
    let lacking = [
        (What::Tests, vec![Evidence::Tests { commit: none, told: vec![] }, seen()]),
        (What::Red, vec![Evidence::Red(Box::<Red>::default()), seen()]),
        (What::Implement, vec![work(none, oid(2)), work(oid(1), none), seen()]),
        (What::Verify, vec![verified(none, oid(2)), verified(oid(1), none), seen()]),
        (R0, vec![seen(), figure()]),
        (What::Build, vec![built(none, oid(1000)), built(oid(2), none), seen()]),
        (What::Prove, vec![approved()]),
        (What::Land, vec![Evidence::Landed { tip: none, notes: vec![] }, seen()]),
        (What::HandOver, vec![approved()]),
    ];
    for (what, all) in lacking {
        for evidence in all {
            let reviewers = vec![tidegate::plan::ReviewerId(0)];
            let mut story = Story::new(vec![node(Task { reviewers, ..full() })], &[], policy());
            story.pass_all(0, way.split(|&at| at == what).next().unwrap_or_default());
            story.end(0, what, Ending::Passed(evidence.clone()));
            let trouble = story.run.life(NodeId(0)).trouble.clone();
            assert_eq!(trouble.as_deref(), Some("it passed, and brought nothing to show for it"), "{evidence:?}");
            story.rest();
            assert_eq!(story.job(0, what).turn, 1, "{what:?} with {evidence:?} is no try");
        }
    }
}

#[test]
fn a_criterion_is_settled_by_what_it_asks_for_and_by_nothing_else() {
    let measured = Means::Measured {
        command: "cov".into(),
        bound: tidegate::plan::Bound::AtLeast(1),
        parse: tidegate::plan::Parse::Last,
        unit: tidegate::plan::Unit::default(),
    };
    let asks = [measured, Means::Reviewed { reviewer: tidegate::plan::ReviewerId(0) }, checked()];
    let brings = [
        Evidence::Figure { figure: 1, ran: vec![], told: vec![] },
        Evidence::Approved { findings: vec![], grants: vec![] },
        Evidence::Seen { ran: vec![] },
    ];
    for (asked, means) in asks.iter().enumerate() {
        for (brought, evidence) in brings.iter().enumerate() {
            let mut story = Story::new(vec![gate(Level::System, [means.clone()])], &[], policy());
            story.end(0, What::Settle(0), Ending::Passed(evidence.clone()));
            assert_eq!(story.state(0) == State::Done, asked == brought, "{means:?} by {evidence:?}");
        }
    }
}

#[test]
fn a_rejection_that_says_nothing_and_a_ref_that_moved_for_nobody_have_fallen_over() {
    let moved = || Ending::Broke(Breakage::Moved { tip: oid(9), found: vec![] });
    for (ending, trouble) in
        [(with(vec![]), "it was rejected without a reason"), (moved(), "it says that the ref moved, and moved none")]
    {
        let mut story = Story::new(vec![node(alone())], &[], policy());
        story.end(0, What::Implement, ending);
        assert_eq!(story.run.life(NodeId(0)).trouble.as_deref(), Some(trouble));
        assert_eq!(story.run.tip(), oid(1));
        assert_eq!(story.state(0), State::Working { phase: Phase::Implement });
    }
    let mut landing = Story::new(vec![node(alone())], &[], policy());
    landing.pass_all(0, &[What::Implement, What::Build, What::Prove]);
    landing.end(0, What::Land, rejected());
    assert_eq!(landing.sheet(0).findings, [], "a landing is not found wanting");
    landing.rest();
    landing.end(0, What::Land, moved());
    assert_eq!((landing.run.tip(), landing.running()), (oid(9), vec![(0, What::Build)]));
}

#[test]
fn a_task_that_was_passed_over_is_not_done_by_a_landing_that_is_found_later() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.pass_all(0, &[What::Implement, What::Build, What::Prove]);
    story.pass(1, What::Implement);
    story.end(0, What::Land, fell());
    story.pass_all(1, &[What::Build, What::Prove]);
    for _ in 0..2 {
        story.rest();
        story.end(0, What::Land, fell());
    }
    story.order(Order::Skip(NodeId(0)));
    story.pass_all(1, &[What::Build, What::Prove]);
    story.end(1, What::Land, Ending::Broke(Breakage::Moved { tip: oid(2000), found: vec![NodeId(0)] }));
    assert_eq!((story.state(0), story.running()), (State::Skipped, vec![(1, What::Build)]));
}

#[test]
fn what_is_over_keeps_nothing_that_only_another_job_would_ask_for() {
    let mut story = Story::new(vec![node(alone())], &[], policy());
    story.end(0, What::Implement, fell());
    story.rest();
    story.end(0, What::Implement, rejected());
    story.pass(0, What::Implement);
    story.pass_all(0, &TO_LAND);
    story.pass(0, What::HandOver);
    let life = story.run.life(NodeId(0));
    assert_eq!((life.trouble.as_deref(), life.turn(What::Implement), life.asks.len()), (None, 1, 0));
}

#[test]
fn who_runs_when_a_process_dies_is_started_again_and_who_was_stopped_is_not() {
    let mut story = Story::new(vec![node(alone()), node(alone())], &[], policy());
    story.end(1, What::Implement, Ending::Deferred { until: Until::At(Timestamp(40)), why: "later".into() });
    story.now = 40;
    story.order(Order::Go);
    let probe = story.job(1, What::Implement).id;
    assert!(matches!(story.run.quotas()[0], Quota::Probing { job, .. } if job == probe));
    story.order(Order::Skip(NodeId(0)));
    story.open.clear();
    story.tell(Event::Resumed { policy: None });
    assert_eq!(story.running(), [(1, What::Implement)], "as the probe that its process took with it");
    assert_eq!(story.job(1, What::Implement).turn, 1);
}
