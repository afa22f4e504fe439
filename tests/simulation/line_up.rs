//! Forty branches that are ready at once, a suite of two seconds, four check slots: the merge train against one at a time.

use std::collections::{BTreeMap, BTreeSet};
use tidegate::{
    plan::{
        BackendId, Blueprint, Brief, Criterion, Gate, Level, Means, Node, NodeId, Phase, Phases, ReviewerId, StreamId,
        Task,
    },
    run::{
        Breakage, Charter, Code, Effect, Ending, Event, Evidence, Finding, Grant, Job, JobId, Limit, Oid, Outcome,
        Policy, Rejection, Run, Spend, Subject, Timestamp, Verified, What,
    },
};

const BRANCHES: u32 = 40;
/// Milliseconds of the suite, and of what git does for a candidate.
const SUITE: u64 = 2_000;
const BUILD: u64 = 12;
const LAND: u64 = 8;
const HAND_OVER: u64 = 2;
/// The first patch of each of these passes alone, and not together with the first one of the branch before it. So the second of two
/// neighbours is red only with a patch that never lands.
const CLASH: [u32; 4] = [6, 17, 18, 33];

/// What a run came to.
#[derive(Debug, Default)]
struct Landed {
    /// Milliseconds.
    took: u64,
    /// Each branch with the patch of it that landed.
    tree: BTreeSet<(u32, u32)>,
    /// How often a job of each kind was started.
    jobs: BTreeMap<&'static str, usize>,
    /// The widest window that there was.
    widest: u16,
    /// The most proofs at the same time.
    abreast: usize,
}

/// Commits and what is in them, and the jobs at work.
struct Yard<'a> {
    clash: &'a [u32],
    trees: BTreeMap<Oid, BTreeSet<(u32, u32)>>,
    tries: BTreeMap<NodeId, u32>,
    /// By the time of its end.
    at_work: BTreeMap<(u64, JobId), Job>,
    made: u64,
}

/// Lands all branches with a window from `least` to `most`.
fn land((least, most): (u16, u16), clash: &[u32]) -> Landed {
    let start = Oid::of_number(1);
    let trees = BTreeMap::from([(start, BTreeSet::new())]);
    let mut yard = Yard { clash, trees, tries: BTreeMap::new(), at_work: BTreeMap::new(), made: 1 };
    let (mut run, mut now, mut landed) = (Run::default(), 0, Landed::default());
    let mut facts = vec![planned(start, (least, most))];
    loop {
        let turn = run.turn(Timestamp(now), facts.drain(..)).expect("decisions fit");
        assert!(turn.dropped.is_empty(), "{:?}", turn.dropped);
        run.check();
        for effect in turn.effects {
            match effect {
                Effect::Start(job) => {
                    *landed.jobs.entry(job.what.name()).or_default() += 1;
                    yard.at_work.insert((now + time(job.what), job.id), *job);
                }
                Effect::Stop(job) => yard.stop(job, now),
            }
        }
        landed.widest = landed.widest.max(run.train().window());
        let proofs = yard.at_work.values().filter(|job| job.what == What::Prove).count();
        landed.abreast = landed.abreast.max(proofs);
        if let Some(outcome) = run.outcome() {
            assert_eq!(outcome, Outcome::Done);
            return Landed { took: now, tree: yard.trees[&run.train().tip()].clone(), ..landed };
        }
        now = yard.at_work.keys().next().expect("nothing is at work, and it is not over").0;
        while let Some(first) = yard.at_work.first_entry()
            && first.key().0 == now
        {
            let job = first.remove();
            facts.push(Event::Ended { job: job.id, ending: Box::new(yard.ending(&job)), spend: Spend::default() });
        }
    }
}

fn time(what: What) -> u64 {
    match what {
        What::Prove => SUITE,
        What::Build => BUILD,
        What::Land => LAND,
        What::HandOver => HAND_OVER,
        _ => 0,
    }
}

impl Yard<'_> {
    /// Whoever is asked to stop does so at once.
    fn stop(&mut self, job: JobId, now: u64) {
        let key = self.at_work.keys().copied().find(|&(_, id)| id == job).expect("it is at work");
        let job = self.at_work.remove(&key).expect("it is at work");
        self.at_work.insert((now, job.id), job);
    }

    fn ending(&mut self, job: &Job) -> Ending {
        let evidence = match (job.what, job.on) {
            (What::Implement, _) => {
                let turn = self.tries.entry(job.node).or_default();
                *turn += 1;
                let patch = Oid::of_number(u64::from(1_000 * job.node.0 + *turn) | 1 << 32);
                Evidence::Work { patch, commit: patch, told: vec![] }
            }
            (What::Verify, Subject::Patch { patch, commit }) => {
                Evidence::Verified(Box::new(Verified { patch, commit, ..Verified::default() }))
            }
            (What::Review(_), _) => Evidence::Approved { findings: vec![], grants: vec![] },
            (What::Build, Subject::Onto { patch, base, .. }) => {
                self.made += 1;
                let commit = Oid::of_number(self.made);
                let mut tree = self.trees[&base].clone();
                tree.insert((job.node.0, self.tries[&job.node]));
                self.trees.insert(commit, tree);
                Evidence::Built { commit, patch }
            }
            (What::Prove, Subject::Candidate { commit, .. }) if self.is_red(commit) => {
                let findings = vec![Finding::blocker(Code::CheckFails, "two that do not go together")];
                return Ending::Rejected(Rejection { findings, ..Rejection::default() });
            }
            (What::Land, Subject::Candidate { commit, .. }) => Evidence::Landed { tip: commit, notes: vec![] },
            (What::Prove | What::HandOver, _) => Evidence::Seen { ran: vec![] },
            _ => return Ending::Broke(Breakage::Fell { why: format!("{job:?}").into(), left: Oid::NONE }),
        };
        Ending::Passed(evidence)
    }

    /// A tree that holds two first patches that do not go together.
    fn is_red(&self, commit: Oid) -> bool {
        let tree = &self.trees[&commit];
        self.clash.iter().any(|&branch| tree.contains(&(branch, 1)) && tree.contains(&(branch - 1, 1)))
    }
}

fn planned(tip: Oid, (least, most): (u16, u16)) -> Event {
    let task = |number: u32| {
        Node::Task(Box::new(Task {
            label: number.to_string().into(),
            title: "t".into(),
            done: false,
            stream: StreamId(0),
            minutes: 1,
            phases: Phases::ALL.without(Phase::Tests).without(Phase::Red),
            backend: BackendId(0),
            others: BTreeMap::new(),
            reviewers: vec![ReviewerId(0)],
            needs: Vec::new(),
            brief: Brief::default(),
        }))
    };
    let gate = |number: u32| {
        let means = [Means::Green, Means::Reviewed { reviewer: ReviewerId(0) }];
        let criteria = means.map(|means| Criterion { text: "c".into(), line: None, means }).to_vec();
        Node::Gate(Gate { level: Level::Task(NodeId(number)), label: "g".into(), criteria })
    };
    let plan = Blueprint {
        streams: vec![("a".into(), "a".into())],
        backends: vec!["x".into()],
        reviewers: vec![("r".into(), BackendId(0))],
        nodes: (0..BRANCHES).map(task).chain((0..BRANCHES).map(gate)).collect(),
        edges: (0..BRANCHES).map(|task| (NodeId(task), NodeId(BRANCHES + task))).collect(),
        ..Blueprint::default()
    };
    let policy = Policy {
        agents: BRANCHES,
        agents_per_stream: BRANCHES,
        checks: 4,
        window: least,
        window_min: least,
        window_max: most,
        same_failure: 3,
        rejections: 5,
        lives: 3,
        rest_ms: 1,
        budget: Limit::NONE,
        grant: Grant::default(),
        ..Policy::default()
    };
    Event::Planned { plan: plan.into(), policy: Box::new(policy), tip, charter: Box::new(Charter::default()) }
}

#[track_caller]
fn compared(clash: &[u32]) -> (Landed, Landed, f64) {
    let (train, single) = (land((3, 8), clash), land((1, 1), clash));
    let faster = single.took as f64 / train.took as f64;
    println!("{} clash: {} ms one at a time, {} ms in the train, {faster:.2} x", clash.len(), single.took, train.took);
    assert_eq!(train.tree, single.tree, "another tree");
    assert_eq!(train.tree.len(), BRANCHES as usize);
    assert_eq!((train.widest, train.abreast, single.widest, single.abreast), (8, 4, 1, 1));
    (train, single, faster)
}

#[test]
fn ready_branches_land_more_than_two_and_a_half_times_as_fast_as_one_at_a_time_and_make_the_same_tree() {
    let (train, single, faster) = compared(&[]);
    assert!(faster >= 2.5, "{faster:.2} x: {train:?} {single:?}");
    assert_eq!(train.jobs, single.jobs, "where nothing fails, nothing is built or proven twice");
}

#[test]
fn failing_candidates_leave_and_those_behind_are_built_around_them_without_another_review() {
    let (train, single, faster) = compared(&CLASH);
    assert!(faster >= 2.5, "{faster:.2} x: {train:?} {single:?}");
    // Of the neighbours 17 and 18 the first leaves, and what it made red with the second is not believed.
    let sent_back = BRANCHES as usize + CLASH.len() - 1;
    for landed in [&train, &single] {
        assert_eq!((landed.jobs["implement"], landed.jobs["review"]), (sent_back, sent_back), "{landed:?}");
        assert!(CLASH.iter().all(|&task| landed.tree.contains(&(task, if task == 18 { 1 } else { 2 }))), "{landed:?}");
    }
    assert!(train.jobs["build"] > sent_back, "nothing was built around a failure: {train:?}");
}
