//! Recomputes every index from what it is an index of, and compares. For the simulation and debug builds; not for life.

use super::{CandidateState, Count, JobState, Run, Slots, State, Verdict, WantState, apply::waiting};
use crate::plan::{Node, NodeId, Phase};
use std::{collections::BTreeSet, sync::Arc};

impl Run {
    /// # Panics
    /// When an index does not say what it indexes: a bug in this crate.
    pub fn check(&self) {
        assert!(self.freed.is_empty(), "somebody was freed and did not begin");
        self.check_lives();
        self.check_wants();
        self.check_jobs();
        self.check_train();
    }

    fn check_lives(&self) {
        let mut count = Count::default();
        for id in self.plan.ids() {
            let state = self.state(id);
            *count.of(state) += 1;
            let unmet = self.plan.dependencies(id).filter(|&d| !self.state(d).is_met()).count() as u32;
            let dead = self.plan.dependencies(id).filter(|&d| self.state(d).is_dead()).count() as u32;
            if state.has_started() {
                let is_late = matches!(state, State::Skipped | State::Retired) || self.was_done_before(id);
                assert!(unmet == 0 || is_late, "{id:?} ran ahead of a gate");
            } else {
                assert_eq!(state, waiting(unmet, dead), "{id:?}");
                assert!(unmet > 0, "{id:?} waits for nothing");
            }
        }
        assert_eq!(count, self.count);
        let mut estimates = self.estimates.clone();
        estimates.lay_out(&self.plan);
        assert_eq!(estimates, self.estimates, "the ways to the end are others");
        for id in self.plan.ids() {
            self.check_life(id);
        }
    }

    /// What a node's state says is what its life holds.
    fn check_life(&self, id: NodeId) {
        let (life, state) = (self.life(id), self.state(id));
        match (self.plan.node(id), self.plan.task_of(id)) {
            (Node::Gate(_), Some(task)) => {
                assert!(!matches!(state, State::Failed { .. } | State::Held), "{id:?} was passed and is closed");
                assert!(!state.is_met() || self.state(task).is_met(), "{id:?} is open before its task is over");
                let is_proven = matches!(self.task_verdict(id), Verdict::Open(_));
                assert!(state != State::Done || is_proven || self.was_done_before(task), "{id:?} is open unproven");
            }
            (Node::Task(_), _) => {
                let is_handed = matches!(state, State::Working { phase: Phase::Handoff } | State::Done)
                    || matches!(state, State::Failed { why } if why.phase() == Phase::Handoff);
                assert!(!life.has_landed() || is_handed, "{id:?} has landed and is {state:?}");
                let is_ready = matches!(self.task_verdict(id), Verdict::Open(_));
                assert!(!matches!(state, State::Merging { .. }) || is_ready, "{id:?} merges unproven");
            }
            (Node::Gate(_), None) => assert_eq!(life.sheet, Arc::default(), "{id:?} has a sheet"),
        }
    }

    fn check_wants(&self) {
        let (mut ready, mut resting) = (0, 0);
        for (&(node, what), want) in &self.wants {
            match want.state {
                WantState::Ready => ready += 1,
                WantState::Resting { until } => {
                    resting += 1;
                    assert!(self.resting.contains(&(until, node, what)));
                }
                WantState::Running(id) => {
                    let job = self.jobs.get(&id).expect("a running want has its job");
                    assert_eq!((job.node, job.what, job.state), (node, what, JobState::Wanted));
                }
            }
            let is_live = matches!(self.state(node), State::Working { .. } | State::Merging { .. });
            assert!(is_live, "{node:?} is {:?} and wants {what:?}", self.state(node));
        }
        for (lane, key) in self.queue.all() {
            assert_eq!(self.wants[&(key.node, key.what)].state, WantState::Ready);
            assert_eq!((lane, key), (&self.lane(key.node, key.what), self.key(key.node, key.what)));
        }
        assert_eq!((ready, resting), (self.queue.len(), self.resting.len()));
        for id in self.plan.ids() {
            let needs = matches!(self.state(id), State::Working { .. });
            assert!(!needs || !self.wants_of(id).is_empty(), "{id:?} works and wants nothing");
        }
    }

    fn check_jobs(&self) {
        let mut slots = Slots::default();
        let mut reserved = super::Spend::default();
        let mut unwanted = BTreeSet::new();
        for job in self.jobs.values() {
            slots.take(job.id, job.node, &job.lane);
            reserved = reserved.plus(job.reserved);
            if job.state == JobState::Wanted {
                assert_eq!(self.job_of(job.node, job.what), Some(job.id));
            }
            unwanted.extend((job.state == JobState::Unwanted).then_some(job.id));
        }
        assert_eq!((reserved, &unwanted), (self.budget.reserved, &self.unwanted));
        assert!(self.slots.covers(&slots), "{:?} is not {slots:?}", self.slots);
        for id in self.plan.ids() {
            let Node::Task(task) = self.plan.node(id) else { continue };
            for &resource in &task.needs {
                let may = self.state(id).keeps_resources()
                    || self.jobs.values().any(|job| job.node == id && job.what.is_in_workspace());
                assert!(may || !self.slots.owns(id, resource), "{id:?} is over and holds on");
            }
        }
    }

    /// The chain holds: whatever is built is built on the one before it, and only the head lands.
    fn check_train(&self) {
        let mut base = Some(self.train.tip());
        let mut is_head = true;
        for (place, candidate) in self.train.line() {
            assert_eq!(self.state(candidate.node), State::Merging { place });
            match candidate.state {
                CandidateState::Doubtful { base: on, .. } => {
                    assert!(!is_head && on != self.train.tip(), "a doubt outlived its reason");
                    continue;
                }
                CandidateState::Queued => base = None,
                CandidateState::Building { base: on } => {
                    assert_eq!(base, Some(on), "{place:?} is built on the wrong base");
                    base = None;
                }
                CandidateState::Landing { base: on, commit } => {
                    assert!(is_head && on == self.train.tip(), "{place:?} lands out of order");
                    base = Some(commit);
                }
                CandidateState::Proving { base: on, commit } | CandidateState::Proven { base: on, commit } => {
                    assert_eq!(base, Some(on), "{place:?} was built on the wrong base");
                    base = Some(commit);
                }
            }
            is_head = false;
        }
        assert_eq!(self.train.line().count(), self.count.merging as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{BackendId, Blueprint, Brief, Criterion, Gate, Hold, Level, Means, Phases, ResourceId, StreamId, Task},
        run::{
            Ending, Event, Evidence, JobId, Lane, Limit, Oid, Policy, Pool, Spend, Timestamp, Until, What, train::Place,
        },
    };

    /// A task 0 that is written, a task 1 in the train, a gate 2 that rests, behind it a task 3 with a gate 4, and more tasks than agents.
    fn begun() -> Run {
        let task = |label: &str, needs| {
            let phases = Phases::ALL.without(Phase::Tests).without(Phase::Red);
            let (stream, backend) = (StreamId(0), BackendId(0));
            let phases = phases.without(Phase::Verify).without(Phase::Review);
            let (label, title) = (label.into(), "t".into());
            let (done, minutes, others, reviewers) = (false, 5, Default::default(), vec![]);
            let brief = Brief::default();
            Node::Task(Box::new(Task {
                label,
                title,
                stream,
                minutes,
                phases,
                done,
                backend,
                others,
                reviewers,
                needs,
                brief,
            }))
        };
        let gate = |level, means| {
            let criteria = vec![Criterion { text: "c".into(), line: None, means }];
            Node::Gate(Gate { level, label: "g".into(), criteria })
        };
        let checked = Means::Checked { commands: vec!["true".into()] };
        let plan = Blueprint {
            streams: vec![("A".into(), "a".into())],
            backends: vec!["claude".into()],
            resources: vec![("lib.rs".into(), Hold::Task)],
            nodes: vec![
                task("a", vec![]),
                task("b", vec![]),
                gate(Level::Checkpoint, checked),
                task("d", vec![ResourceId(0)]),
                gate(Level::Task(NodeId(3)), Means::Held),
                task("e", vec![]),
                task("f", vec![]),
            ],
            edges: vec![(NodeId(2), NodeId(3)), (NodeId(3), NodeId(4))],
            ..Blueprint::default()
        };
        let mut policy = Policy { agents: 2, agents_per_stream: 2, checks: 1, lives: 3, ..Policy::default() };
        (policy.window, policy.window_max, policy.budget) = (3, 3, Limit::NONE);
        policy.grant.writing.micros = 7;
        let (plan, policy, charter) = (plan.into(), Box::new(policy), Box::default());
        let mut run = Run::default();
        let mut tell = |fact| run.turn(Timestamp(1), [fact]).expect("decisions fit");
        tell(Event::Planned { plan, policy, tip: Oid::of_number(1), charter });
        let mut end = |job, ending| {
            tell(Event::Ended { job: JobId(job), ending: Box::new(ending), spend: Spend::default() });
        };
        let [patch, commit] = [2, 3].map(Oid::of_number);
        let told = vec![];
        end(2, Ending::Passed(Evidence::Work { patch, commit, told }));
        end(1, Ending::Deferred { until: Until::At(Timestamp(50)), why: "later".into() });
        run
    }

    #[track_caller]
    fn is_found(of: &str, harm: impl FnOnce(&mut Run)) {
        let mut run = begun();
        run.check();
        harm(&mut run);
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.check()));
        assert!(found.is_err(), "{of}");
    }

    #[test]
    fn an_index_that_is_wrong_is_found() {
        is_found("somebody who is free and has not begun", |run| run.freed.push(NodeId(3)));
        is_found("a count", |run| run.count.waiting += 1);
        is_found("a node that waits for less than there is", |run| {
            run.lives[3].state = State::Waiting { unmet: 0 };
        });
        is_found("the ways to the end", |run| run.estimates = super::super::Estimates::default());
        is_found("a sheet of a gate", |run| run.lives[2].sheet().landed = Oid::of_number(9));
        is_found("a rest", |run| run.resting.clear());
        is_found("the queue", |run| run.queue.clear());
        is_found("a queue that is another lane's", |run| {
            let (lane, key) = run.queue.heads().map(|(lane, key)| (lane.clone(), key)).next().expect("one is ready");
            run.queue.remove(&lane, key);
            run.queue.insert(Lane { is_asked: !lane.is_asked, ..lane }, key);
        });
        is_found("a want that is lost", |run| {
            run.wants.remove(&(NodeId(2), What::Settle(0)));
            run.resting.clear();
        });
        is_found("what is reserved", |run| run.budget.reserved.micros += 1);
        is_found("who is to be stopped", |run| {
            run.unwanted.insert(JobId(0));
        });
        is_found("a slot", |run| {
            let lane = run.jobs[&JobId(0)].lane.clone();
            run.slots.give_back(&lane);
        });
        is_found("a file that is held by who waits", |run| {
            let lane = run.jobs[&JobId(0)].lane.clone();
            let lane = Lane { for_task: vec![ResourceId(0)], ..lane };
            run.slots.take(JobId(9), NodeId(3), &lane);
            run.slots.give_back(&lane);
        });
        is_found("the train", |run| run.train.leave(Place(0), &mut Vec::new()));
    }

    #[test]
    fn slots_of_another_pool_are_other_slots() {
        let lane = |pool| Lane { pool, for_job: vec![], for_task: vec![], is_asked: true, grant: Spend::default() };
        let taken = |pool: Pool| {
            let mut slots = Slots::default();
            slots.take(JobId(0), NodeId(0), &lane(pool));
            slots
        };
        let agent = |stream, backend| Pool::Agents { stream, backend: BackendId(backend) };
        let pools = [Pool::Merge, Pool::Checks, agent(None, 0), agent(Some(StreamId(0)), 0)];
        for (i, held) in pools.into_iter().enumerate() {
            for (j, of_jobs) in pools.into_iter().enumerate() {
                assert_eq!(taken(held).covers(&taken(of_jobs)), i == j, "{held:?} {of_jobs:?}");
            }
        }
    }
}
