//! Who watches a run, and sees nothing but what it writes and what it wants done. Keeps its own model, and holds the run to it.

use super::model::{Cause, Model, Running, Stage};
use std::collections::{BTreeMap, BTreeSet};
use tidegate::{
    plan::{BackendId, Hold, Means, NodeId, Phase, ReviewerId, Role, StreamId},
    run::{Breakage, Effect, Ending, Entry, Event, Evidence, JobId, Order, Spend, Until, Weight, What},
};

/// What a backend has said.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Open,
    Closed,
    /// Due; the probe, once one has started.
    Probe(Option<JobId>),
    /// Until a person says go.
    OutOfOrder,
}

#[derive(Default)]
pub struct Observer {
    model: Model,
    given: BTreeSet<JobId>,
    told: BTreeMap<BackendId, Told>,
    spent: Spend,
    /// Jobs that were started with a grant.
    agents: u64,
    is_paused: bool,
    is_cancelled: bool,
    time_is_up: bool,
    /// What tasks hold from their first job on.
    held: BTreeMap<u16, NodeId>,
    /// Started or asked to stop in this turn, in order.
    expected: Vec<(JobId, bool)>,
    pub retries: u64,
}

impl Observer {
    /// What one turn has written, and, where the process lived on, what it wants done.
    pub fn see(&mut self, entries: &[Entry], effects: Option<&[Effect]>) {
        self.expected.clear();
        for entry in entries {
            self.entry(&entry.event);
            self.model.pull();
            self.release();
        }
        if let Some(effects) = effects {
            self.effects(effects);
            self.nobody_works_in_vain();
            self.nothing_waits_in_vain();
        }
    }

    pub fn is_done(&self) -> bool {
        self.model.ids().all(|node| self.model.is_open(node))
    }

    /// How many failed, and how many wait for a person's word.
    pub fn stuck(&self) -> (usize, usize) {
        let count = |is: &dyn Fn(Stage) -> bool| self.model.ids().filter(|&node| is(self.model.stage(node))).count();
        (count(&|stage| matches!(stage, Stage::Failed(_))), count(&|stage| stage == Stage::Held))
    }

    fn effects(&mut self, effects: &[Effect]) {
        let told: Vec<_> = effects
            .iter()
            .map(|effect| match effect {
                Effect::Start(job) => (job.id, true),
                Effect::Stop(job) => (*job, false),
            })
            .collect();
        assert_eq!(told, self.expected, "what is done is not what was written");
        for effect in effects {
            let Effect::Start(job) = effect else { continue };
            let running = &self.model.running[&job.id];
            assert_eq!((job.node, job.what, job.on), (running.node, running.what, running.on));
            let life = &self.model.lives[job.node.index()];
            let tries = 1 + life.turns.get(&job.what).copied().unwrap_or(0);
            assert_eq!(job.turn, tries, "{:?} of {:?}: passes and rejections are tries", job.what, job.node);
            assert!(job.attempt <= life.starts && *job.sheet == life.sheet, "{job:?} should know {:?}", life.sheet);
        }
    }

    fn entry(&mut self, event: &Event) {
        match event {
            Event::Planned { plan, policy, tip, .. } => self.model.planned(plan, policy, *tip),
            Event::Started { job, node, what, backend } => self.started((*job, *node, *what), *backend),
            Event::StopAsked { job } => {
                let running = self.model.running.get_mut(job).expect("stopped what does not run");
                assert!(!running.is_needed && !running.is_asked_to_stop, "{job:?} was stopped, and is needed");
                running.is_asked_to_stop = true;
                self.expected.push((*job, false));
            }
            Event::Answered { job } => self.answered(*job),
            Event::CalledAgain { job } => self.called_again(*job),
            Event::Checkpointed { job, patch, commit } => {
                let running = &self.model.running[job];
                assert!(running.is_needed && running.what == What::Implement, "{job:?} has no checkpoints");
                self.model.checkpoint(running.node, *patch, *commit);
            }
            Event::Spent { job, spend, .. } => self.bill(*job, *spend),
            Event::Ended { job, ending, spend } => self.ended(*job, ending, *spend),
            Event::Rested { node, what } => {
                let want = self.model.life(*node).wants.get_mut(what).expect("rested, and not wanted");
                assert!(std::mem::take(&mut want.rests), "{node:?} {what:?} did not rest");
            }
            Event::QuotaDue { backend } => {
                assert_eq!(self.told.insert(*backend, Told::Probe(None)), Some(Told::Closed));
            }
            Event::TimeUp => self.time_is_up = true,
            Event::Ordered(order) => self.ordered(order),
            Event::Replanned(addition) => {
                for &(_, after) in addition.edges.iter().filter(|(_, n)| n.index() < self.model.lives.len()) {
                    assert_eq!(self.model.stage(after), Stage::Waiting, "{after:?} is held back, and has started");
                }
                self.model.plan.nodes.extend(addition.added.iter().cloned());
                self.model.plan.edges.extend(&addition.edges);
                addition.retired.iter().for_each(|&node| self.retire(node));
                self.model.grow();
            }
            Event::Resumed { policy } => {
                for (id, running) in std::mem::take(&mut self.model.running) {
                    self.unprobe(id);
                    assert!(!self.given.insert(id), "{running:?} was never started");
                }
                if let Some(policy) = policy {
                    self.model.policy = (**policy).clone();
                    self.model.resize();
                    self.time_is_up = false;
                }
            }
        }
    }

    /// A new plan no longer has it. What a gate that is no task's has proven is no landing: it may be taken back when it is open.
    fn retire(&mut self, node: NodeId) {
        let is_task_or_its_gate = self.model.plan.nodes[node.index()].task().is_some() || self.addressed(node) != node;
        match self.model.stage(node) {
            Stage::Done | Stage::Waived if !is_task_or_its_gate => self.model.over(node, Stage::Waived),
            _ => self.waive(node),
        }
        self.model.life(node).is_skipped = false;
    }

    /// A person's word, or a new plan, counts it as passed.
    fn waive(&mut self, node: NodeId) {
        assert!(!self.model.is_open(node) && self.model.life(node).landings == 0, "{node:?} is waived, and over");
        let lands = |r: &Running| (r.node, r.what) == (node, What::Land) && r.is_needed;
        assert!(!self.model.running.values().any(lands), "{node:?} is waived while it lands");
        self.model.over(node, Stage::Waived);
    }

    /// A task's gate has no life of its own: what is said to it is said to its task.
    fn addressed(&self, node: NodeId) -> NodeId {
        match self.model.plan.nodes[node.index()].gate().map(|gate| gate.level) {
            Some(tidegate::plan::Level::Task(task)) => task,
            _ => node,
        }
    }

    fn ordered(&mut self, order: &Order) {
        match *order {
            Order::Pause => self.is_paused = true,
            Order::Go => {
                self.is_paused = false;
                for told in self.told.values_mut().filter(|t| **t == Told::OutOfOrder) {
                    *told = Told::Probe(None);
                }
            }
            Order::Cancel => {
                self.is_cancelled = true;
                for running in self.model.running.values_mut().filter(|r| r.what != What::Land) {
                    running.is_needed = false;
                }
            }
            Order::Skip(node) => {
                let node = self.addressed(node);
                if self.model.life(node).landings > 0 {
                    self.model.over(node, Stage::Done);
                } else {
                    self.waive(node);
                    self.model.life(node).is_skipped = true;
                }
                self.model.begin_ready();
            }
            Order::Approve { gate, criterion } => {
                let node = self.addressed(gate);
                let stage = self.model.stage(node);
                assert!(
                    matches!(stage, Stage::Held | Stage::At(Phase::Judge)),
                    "{node:?} asked for no word: {stage:?}"
                );
                self.model.word(node, criterion);
                self.model.begin_ready();
            }
            Order::Retry(node) => {
                self.retries += 1;
                self.model.retried(self.addressed(node));
                self.model.begin_ready();
            }
            Order::Grant { task, ref path } => {
                let permits = &mut self.model.life(self.addressed(task)).sheet.permits;
                permits.push(path.clone());
                permits.sort();
                permits.dedup();
            }
        }
    }

    fn stream(&self, node: NodeId) -> Option<StreamId> {
        self.model.task(node).map(|task| task.stream)
    }

    /// The backend an agent's job runs on; none runs elsewhere.
    /// What would run it now: its own backend, or where its role goes over to while that takes nobody.
    fn backend(&self, node: NodeId, what: What) -> Option<BackendId> {
        let own = self.own_backend(node, what)?;
        let role = match what {
            What::Tests => Role::TestDeveloper,
            What::Implement => Role::Implementation,
            What::Consult => Role::Expert,
            What::Advise => Role::Coordinator,
            _ => Role::Reviewer,
        };
        let takes = |backend: &BackendId| {
            matches!(self.told.get(backend).copied().unwrap_or(Told::Open), Told::Open | Told::Probe(None))
        };
        let other = self.model.plan.fallbacks.iter().find(|(of, from, _)| (*of, *from) == (role, own)).map(|f| f.2);
        Some(if takes(&own) { own } else { other.filter(takes).unwrap_or(own) })
    }

    fn grant(&self, node: NodeId, what: What) -> Spend {
        let is_free = self.backend(node, what) == Some(BackendId(0));
        if is_free { Spend::default() } else { self.model.policy.grant(what) }
    }

    fn own_backend(&self, node: NodeId, what: What) -> Option<BackendId> {
        let of = |by: ReviewerId| self.model.plan.reviewers[usize::from(by.0)].1;
        match (what, self.model.task(node)) {
            (What::Review(by), _) => Some(of(by)),
            (What::Implement, Some(task)) => Some(task.backend),
            (What::Tests, Some(task)) => Some(task.others.get(&Role::TestDeveloper).copied().unwrap_or(task.backend)),
            (What::Consult, Some(task)) => task.others.get(&Role::Expert).copied(),
            (What::Advise, Some(task)) => task.others.get(&Role::Coordinator).copied(),
            (What::Settle(i), None) => {
                let gate = self.model.plan.nodes[node.index()].gate()?;
                match gate.criteria[usize::from(i)].means {
                    Means::Reviewed { reviewer } => Some(of(reviewer)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn started(&mut self, (id, node, what): (JobId, NodeId, What), on: Option<BackendId>) {
        assert!(self.given.insert(id), "{id:?} was given twice");
        for before in self.model.before(node) {
            assert!(self.model.is_open(before), "{node:?} started before {before:?} was open");
        }
        let (tip, is_task) = (self.model.tip, self.model.task(node).is_some());
        let life = self.model.life(node);
        assert!(life.landings == 0 || what == What::HandOver, "{node:?} has landed, and does {what:?}");
        let want = life.wants.get(&what).unwrap_or_else(|| panic!("{node:?} does {what:?}, which nobody wants"));
        assert!(!want.rests, "{node:?} {what:?} rests");
        if is_task && life.starts == 0 {
            life.sheet.base = tip;
        }
        life.starts += 1;
        let twice = self.model.running.values().any(|r| (r.node, r.what) == (node, what) && r.is_needed);
        assert!(!twice, "{node:?} does {what:?} twice");
        if let Some(hindrance) = self.hindrance(node, what) {
            panic!("{node:?} {what:?} started, and {hindrance}");
        }
        let (backend, left) = (self.backend(node, what), self.grant(node, what));
        assert_eq!(on, backend, "{node:?} {what:?} runs on another backend than it says");
        if let Some(backend) = backend
            && let Some(Told::Probe(probe)) = self.told.get_mut(&backend)
        {
            *probe = Some(id);
        }
        if is_in_workspace(what) {
            for needed in self.needs(node, Hold::Task) {
                self.held.insert(needed, node);
            }
        }
        let on = self.model.subject(node, what);
        self.agents += u64::from(!left.is_nothing());
        let running = Running { node, what, on, is_needed: true, is_asked_to_stop: false, left, backend };
        self.model.running.insert(id, running);
        self.expected.push((id, true));
    }

    fn needs(&self, node: NodeId, hold: Hold) -> Vec<u16> {
        let needs = self.model.task(node).map(|task| task.needs.clone()).unwrap_or_default();
        let is = |r: &u16| self.model.plan.resources[usize::from(*r)].1 == hold;
        needs.into_iter().map(|resource| resource.0).filter(is).collect()
    }

    /// Whether one more job that costs is one too many.
    fn is_beyond(&self, all: Spend) -> bool {
        let limit = self.model.policy.budget;
        all.micros > limit.micros || all.tokens() > limit.tokens || self.agents >= limit.runs
    }

    /// What is in the way of this job, if anything is.
    fn hindrance(&self, node: NodeId, what: What) -> Option<&'static str> {
        let policy = &self.model.policy;
        let count = |is: &dyn Fn(&Running) -> bool| self.model.running.values().filter(|r| is(r)).count() as u32;
        let backend_of = |r: &Running| r.backend;
        let grant = self.grant(node, what);
        let all = self.model.running.values().fold(self.spent.plus(grant), |sum, r| sum.plus(r.left));
        let taken = |resource: u16| {
            let uses = |r: &Running| runs_code(r.what) && self.needs(r.node, Hold::Job).contains(&resource);
            self.model.running.values().any(uses)
        };
        let other = |resource: &u16| self.held.get(resource).is_some_and(|&holder| holder != node);
        match self.backend(node, what) {
            _ if !policy.only.is_empty() && !policy.only.contains(&node) => Some("nobody asks for it"),
            _ if self.is_paused || self.is_cancelled || self.time_is_up => Some("the run is stopped"),
            _ if grant != Spend::default() && self.is_beyond(all) => Some("the budget is used up"),
            _ if runs_code(what) && self.needs(node, Hold::Job).into_iter().any(taken) => Some("a resource is taken"),
            _ if is_in_workspace(what) && self.needs(node, Hold::Task).iter().any(other) => Some("a file is taken"),
            Some(backend) => {
                let told = self.told.get(&backend).copied().unwrap_or(Told::Open);
                let most = policy.agents_per_backend.get(&backend).copied().unwrap_or(u32::MAX);
                let stream = self.stream(node);
                let of_stream =
                    |r: &Running| stream.is_some() && self.stream(r.node) == stream && backend_of(r).is_some();
                match () {
                    () if !matches!(told, Told::Open | Told::Probe(None)) => Some("its backend is closed"),
                    () if count(&|r| backend_of(r).is_some()) >= policy.agents => Some("all agents are at work"),
                    () if count(&of_stream) >= policy.agents_per_stream => Some("its stream is full"),
                    () if count(&|r| backend_of(r) == Some(backend)) >= most => Some("its backend is full"),
                    () => None,
                }
            }
            None if is_merge(what) => (count(&|r| is_merge(r.what)) >= 1).then_some("something is being merged"),
            None => {
                let checks = count(&|r| backend_of(r).is_none() && !is_merge(r.what));
                (checks >= policy.checks).then_some("all checks are at work")
            }
        }
    }

    /// What a task held is free when it is over, has landed or waits for a person, and nothing of it runs any more.
    fn release(&mut self) {
        let model = &self.model;
        self.held.retain(|_, &mut node| {
            let is_at_work = match model.stage(node) {
                Stage::At(phase) => phase != Phase::Handoff,
                stage => stage == Stage::Train,
            };
            is_at_work || model.running.values().any(|r| r.node == node && is_in_workspace(r.what))
        });
    }

    /// Whoever nobody waits for has been told.
    fn nobody_works_in_vain(&self) {
        for (id, running) in &self.model.running {
            assert!(running.is_needed != running.is_asked_to_stop, "{id:?} {running:?} was not told to stop");
        }
    }

    /// Whatever ought to be done runs, rests, or is kept back by something that is true.
    fn nothing_waits_in_vain(&self) {
        for node in self.model.ids() {
            for (&what, want) in &self.model.lives[node.index()].wants {
                let runs = self.model.running.values().any(|r| (r.node, r.what) == (node, what) && r.is_needed);
                let is_kept = runs || want.rests || self.hindrance(node, what).is_some();
                assert!(is_kept, "{node:?} could start {what:?} and does not");
            }
        }
    }

    /// One more agent in a job that somebody waits for, as one that only reads.
    fn called_again(&mut self, id: JobId) {
        let running = &self.model.running[&id];
        assert!(running.is_needed, "{id:?} is to stop, and calls another agent");
        let is_free = running.backend.is_none_or(|backend| backend == BackendId(0));
        let grant = if is_free { Spend::default() } else { self.model.policy.grant.reading };
        let all = self.model.running.values().fold(self.spent.plus(grant), |sum, r| sum.plus(r.left));
        assert!(grant.is_nothing() || !self.is_beyond(all), "{id:?} calls another agent, and the budget is used up");
        self.agents += u64::from(!grant.is_nothing());
        if let Some(running) = self.model.running.get_mut(&id) {
            running.left = running.left.plus(grant);
        }
    }

    fn answered(&mut self, id: JobId) {
        let running = self.model.running.get(&id).expect("believed an answer of a dead job");
        if let Some(told) = running.backend.and_then(|b| self.told.get_mut(&b))
            && *told == Told::Probe(Some(id))
        {
            *told = Told::Open;
        }
    }

    fn unprobe(&mut self, id: JobId) {
        for told in self.told.values_mut().filter(|t| **t == Told::Probe(Some(id))) {
            *told = Told::Probe(None);
        }
    }

    fn bill(&mut self, id: JobId, spend: Spend) {
        let running = self.model.running.get_mut(&id).expect("a bill of a dead job");
        running.left = running.left.minus(spend);
        self.spent = self.spent.plus(spend);
    }

    fn ended(&mut self, id: JobId, ending: &Ending, spend: Spend) {
        self.bill(id, spend);
        match ending {
            Ending::Passed(_) | Ending::Rejected(_) => self.answered(id),
            Ending::Broke(_) => self.unprobe(id),
            Ending::Deferred { .. } => {}
        }
        let running = self.model.running.remove(&id).expect("a stale fact was believed");
        let backend = running.backend;
        if let (Some(backend), Ending::Deferred { until, .. }) = (backend, ending) {
            // The two models of one program are told no together, unless one is there for when the other is.
            let goes_over = |to: u16| self.model.plan.fallbacks.iter().any(|f| (f.1, f.2) == (backend, BackendId(to)));
            let twin = 3 - backend.0;
            let twin = (backend.0 > 0 && !goes_over(twin)).then_some(BackendId(twin));
            for backend in [backend].into_iter().chain(twin) {
                let told = self.told.entry(backend).or_insert(Told::Open);
                match until {
                    Until::Person => *told = Told::OutOfOrder,
                    Until::At(_) if *told == Told::OutOfOrder => {}
                    Until::At(_) => *told = Told::Closed,
                }
            }
        }
        if running.is_needed {
            self.counts(&running, backend.is_some(), ending);
            self.model.begin_ready();
        }
    }

    /// An ending that somebody waited for.
    fn counts(&mut self, running: &Running, is_agent: bool, ending: &Ending) {
        let (node, what) = (running.node, running.what);
        match ending {
            Ending::Passed(evidence) if self.is_proof(node, what, evidence) => {
                *self.model.life(node).turns.entry(what).or_default() += 1;
                self.passed(running, evidence);
            }
            Ending::Rejected(rejection) if is_reasoned(what, rejection) => {
                let life = self.model.life(node);
                *life.turns.entry(what).or_default() += 1;
                if !rejection.left.is_none() {
                    match what {
                        What::Tests | What::Red => life.sheet.tests = rejection.left,
                        What::Implement | What::Verify => life.sheet.work = rejection.left,
                        _ => {}
                    }
                }
                self.rejected(running, rejection);
            }
            Ending::Deferred { until, .. } => match until {
                Until::Person if !is_agent => self.gives_up(node),
                Until::Person => {}
                Until::At(_) if is_agent => {}
                Until::At(_) => self.model.life(node).wants.get_mut(&what).expect("wanted").rests = true,
            },
            Ending::Broke(Breakage::Moved { tip, found }) if what == What::Land => {
                self.model.drop(node, what);
                self.model.moved(*tip, found);
            }
            Ending::Broke(Breakage::Fell { left, .. }) => {
                match what {
                    What::Tests | What::Red if !left.is_none() => self.model.life(node).sheet.tests = *left,
                    What::Implement | What::Verify if !left.is_none() => self.model.life(node).sheet.work = *left,
                    _ => {}
                }
                self.fell(node, what);
            }
            Ending::Passed(_) | Ending::Rejected(_) | Ending::Broke(_) => self.fell(node, what),
        }
    }

    fn is_proof(&self, node: NodeId, what: What, evidence: &Evidence) -> bool {
        match (what, evidence) {
            (What::Settle(i), evidence) => {
                let gate = self.model.plan.nodes[node.index()].gate().expect("only gates are settled");
                match gate.criteria[usize::from(i)].means {
                    Means::Measured { .. } => matches!(evidence, Evidence::Figure { .. }),
                    Means::Reviewed { .. } => matches!(evidence, Evidence::Approved { .. }),
                    _ => matches!(evidence, Evidence::Seen { .. }),
                }
            }
            (What::Tests, Evidence::Tests { .. }) | (What::Red, Evidence::Red(_)) => true,
            (What::Implement, Evidence::Work { .. }) | (What::Verify, Evidence::Verified(_)) => true,
            (What::Review(_), Evidence::Approved { .. }) | (What::Build, Evidence::Built { .. }) => true,
            (What::Land, Evidence::Landed { .. }) => true,
            (What::Consult | What::Advise, Evidence::Advice { .. }) => true,
            (What::Prove | What::HandOver, Evidence::Seen { .. }) => true,
            _ => false,
        }
    }

    fn passed(&mut self, running: &Running, evidence: &Evidence) {
        let (node, what, on) = (running.node, running.what, running.on);
        match (what, evidence, on) {
            (What::Settle(i), _, tidegate::run::Subject::Tip(tip)) => {
                let gate = self.model.plan.nodes[node.index()].gate().expect("only gates are settled");
                let (is_met, is_figure) = match (&gate.criteria[usize::from(i)].means, evidence) {
                    (Means::Measured { bound, .. }, Evidence::Figure { figure, .. }) => (bound.holds(*figure), true),
                    (_, Evidence::Approved { findings, .. }) => {
                        (findings.iter().all(|finding| finding.weight != Weight::Blocker), false)
                    }
                    _ => (true, false),
                };
                self.model.settle(node, i, tip, is_met, is_figure);
            }
            (What::Build, Evidence::Built { commit, patch }, tidegate::run::Subject::Onto { base, patch: of, .. }) => {
                if *patch == of {
                    self.model.built(node, base, *commit);
                } else {
                    self.model.changed(node, base, *commit, *patch);
                }
            }
            (What::Prove, ..) => self.model.proven(node),
            (What::Land, Evidence::Landed { tip, .. }, _) => {
                self.model.drop(node, what);
                self.model.landed(node, *tip);
            }
            (What::HandOver, ..) => self.model.over(node, Stage::Done),
            _ => self.model.passed(node, what, on, evidence),
        }
    }

    fn rejected(&mut self, running: &Running, rejection: &tidegate::run::Rejection) {
        let (node, on, found) = (running.node, running.on, rejection.findings.clone());
        match (running.what, on) {
            (What::Tests | What::Red, _) => self.model.send_back(node, Phase::Tests, found),
            (What::Implement | What::Verify, _) => self.model.send_back(node, Phase::Implement, found),
            (What::Review(by), _) => self.model.verdict(node, by, on, false, found, &rejection.grants),
            (What::Settle(i), tidegate::run::Subject::Tip(tip)) => self.model.settle(node, i, tip, false, false),
            (_, tidegate::run::Subject::Onto { base, .. } | tidegate::run::Subject::Candidate { base, .. }) => {
                self.model.failed(node, base, found);
            }
            (What::Advise, _) => self.model.despair(node, found),
            (what, _) => self.model.helped(node, what),
        }
    }

    fn fell(&mut self, node: NodeId, what: What) {
        let lives = self.model.policy.lives;
        let stage = self.model.stage(node);
        let want = self.model.life(node).wants.get_mut(&what).expect("wanted");
        want.falls += 1;
        if want.falls < lives {
            want.rests = true;
            return;
        }
        match what {
            What::Consult | What::Advise => self.model.helped(node, what),
            What::Review(_) if stage != Stage::At(Phase::Review) => self.model.drop(node, what),
            _ => self.gives_up(node),
        }
    }

    fn gives_up(&mut self, node: NodeId) {
        let phase = match self.model.stage(node) {
            Stage::At(phase) => phase,
            _ => Phase::Merge,
        };
        self.model.over(node, Stage::Failed(Cause::Stuck(phase)));
    }
}

fn is_merge(what: What) -> bool {
    matches!(what, What::Build | What::Land | What::HandOver)
}

fn runs_code(what: What) -> bool {
    matches!(what, What::Tests | What::Red | What::Implement | What::Verify | What::Prove)
}

/// What works where the task's files are written: not on a candidate, and not on what landed.
fn is_in_workspace(what: What) -> bool {
    !matches!(what, What::Build | What::Prove | What::Land | What::HandOver | What::Settle(_))
}

/// A rejection without a finding says nothing about the work, and what lands or is handed over has been found good before.
fn is_reasoned(what: What, rejection: &tidegate::run::Rejection) -> bool {
    !rejection.findings.is_empty() && !matches!(what, What::Land | What::HandOver)
}
