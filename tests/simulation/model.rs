//! What a run has come to, worked out a second time from its entries alone: lives, verdicts, the train. Written to be plain, not fast.

use super::line::Candidate;
use std::collections::{BTreeMap, BTreeSet};
use tidegate::{
    plan::{BackendId, Blueprint, Criterion, Level, Means, NodeId, Phase, ReviewerId, Role, Task},
    run::{Code, Evidence, Finding, JobId, Oid, Policy, Rung, Sheet, Spend, Subject, Weight, What},
};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Stage {
    #[default]
    Waiting,
    At(Phase),
    Train,
    Held,
    Done,
    Waived,
    Failed(Cause),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    NoProgress(Phase),
    Stuck(Phase),
    Closed,
}

#[derive(Debug, Default)]
pub struct Want {
    pub falls: u16,
    pub rests: bool,
}

#[derive(Debug, Default)]
pub struct Life {
    pub stage: Stage,
    pub patch: Oid,
    pub commit: Oid,
    pub sheet: Sheet,
    pub turns: BTreeMap<What, u16>,
    pub starts: u16,
    pub wants: BTreeMap<What, Want>,
    /// Approved or not, with what was said.
    verdicts: BTreeMap<(ReviewerId, Oid), (bool, Vec<Finding>)>,
    verified: Option<Oid>,
    figures: BTreeMap<u16, i64>,
    words: BTreeSet<(u16, Oid)>,
    /// A gate's criteria on a tip: met, or refused; a figure is judged when it comes.
    settled: BTreeMap<(u16, Oid), (bool, bool)>,
    pub asks: Vec<Box<str>>,
    /// A person counts it as passed.
    pub is_skipped: bool,
    rejected: u16,
    same: u16,
    last: u64,
    climbed: usize,
    pub launched: Option<(Oid, Oid)>,
    pub landings: u32,
}

#[derive(Default)]
pub struct Model {
    pub plan: Blueprint,
    pub policy: Policy,
    pub lives: Vec<Life>,
    pub line: Vec<Candidate>,
    pub tip: Oid,
    pub window: u16,
    pub running: BTreeMap<JobId, Running>,
    /// Who hangs on whom: after, before.
    back: BTreeSet<(NodeId, NodeId)>,
    gates: BTreeMap<NodeId, NodeId>,
    /// Something has opened, or come, since the last look at who waits.
    opened: bool,
}

/// A job that was started and has not ended.
#[derive(Debug)]
pub struct Running {
    pub node: NodeId,
    pub what: What,
    pub on: Subject,
    /// Somebody waits for its ending.
    pub is_needed: bool,
    pub is_asked_to_stop: bool,
    pub left: Spend,
    /// What runs it, where an agent does.
    pub backend: Option<BackendId>,
}

enum Gate {
    Open,
    Person,
    Closed,
}

impl Model {
    pub fn task(&self, node: NodeId) -> Option<&Task> {
        self.plan.nodes[node.index()].task()
    }

    pub fn life(&mut self, node: NodeId) -> &mut Life {
        &mut self.lives[node.index()]
    }

    pub fn stage(&self, node: NodeId) -> Stage {
        self.lives[node.index()].stage
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.plan.nodes.len() as u32).map(NodeId)
    }

    pub fn before(&self, node: NodeId) -> Vec<NodeId> {
        self.back.range((node, NodeId(0))..=(node, NodeId(u32::MAX))).map(|&(_, before)| before).collect()
    }

    pub fn is_open(&self, node: NodeId) -> bool {
        matches!(self.stage(node), Stage::Done | Stage::Waived)
    }

    pub fn has(&self, node: NodeId, phase: Phase) -> bool {
        self.task(node).is_some_and(|task| task.phases.contains(phase))
    }

    /// A gate that is a task's: of which.
    fn owner(&self, gate: NodeId) -> Option<NodeId> {
        match self.plan.nodes[gate.index()].gate()?.level {
            Level::Task(task) => Some(task),
            _ => None,
        }
    }

    fn criteria(&self, node: NodeId) -> &[Criterion] {
        let of = |id: NodeId| self.plan.nodes[id.index()].gate().map(|gate| &gate.criteria[..]);
        let gate = if self.task(node).is_some() { self.gates.get(&node).copied() } else { Some(node) };
        gate.and_then(of).unwrap_or_default()
    }

    pub fn planned(&mut self, plan: &Blueprint, policy: &Policy, tip: Oid) {
        (self.plan, self.policy, self.tip, self.window) = (plan.clone(), policy.clone(), tip, policy.window);
        self.resize();
        self.grow();
    }

    pub fn resize(&mut self) {
        let most = self.policy.window_max.max(1);
        self.window = self.window.clamp(self.policy.window_min.clamp(1, most), most);
    }

    /// New nodes have come: the first, or more. Whoever waits for nothing begins.
    pub fn grow(&mut self) {
        for node in self.lives.len()..self.plan.nodes.len() {
            let is_done = self.plan.nodes[node].task().is_some_and(|task| task.done);
            self.lives.push(Life { stage: if is_done { Stage::Done } else { Stage::Waiting }, ..Life::default() });
        }
        self.back = self.plan.edges.iter().map(|&(before, after)| (after, before)).collect();
        self.gates = self.ids().filter_map(|gate| Some((self.owner(gate)?, gate))).collect();
        self.opened = true;
        self.begin_ready();
    }

    /// Until nothing changes: whoever waits for nothing begins, and what that opens may free others.
    pub fn begin_ready(&mut self) {
        while std::mem::take(&mut self.opened) {
            for node in self.ids() {
                if self.stage(node) == Stage::Waiting && self.before(node).iter().all(|&before| self.is_open(before)) {
                    self.begin(node);
                }
            }
        }
    }

    fn begin(&mut self, node: NodeId) {
        if let Some(task) = self.owner(node) {
            self.life(node).stage = self.stage(task);
            self.opened = true;
        } else if let Some(first) = self.task(node).map(|task| task.phases.from(Phase::Tests)) {
            self.life(node).sheet.base = self.tip;
            self.enter(node, first.unwrap_or(Phase::Merge));
        } else {
            self.enter(node, Phase::Judge);
        }
    }

    pub fn want(&mut self, node: NodeId, what: What) {
        self.life(node).wants.entry(what).or_default();
    }

    pub fn drop(&mut self, node: NodeId, what: What) {
        if self.life(node).wants.remove(&what).is_some() {
            let of_it = |r: &&mut Running| (r.node, r.what) == (node, what);
            self.running.values_mut().filter(of_it).for_each(|running| running.is_needed = false);
        }
    }

    pub fn drop_all(&mut self, node: NodeId) {
        let all: Vec<What> = self.life(node).wants.keys().copied().collect();
        all.into_iter().for_each(|what| self.drop(node, what));
    }

    pub fn enter(&mut self, node: NodeId, phase: Phase) {
        self.life(node).stage = Stage::At(phase);
        match phase {
            Phase::Tests => self.want(node, What::Tests),
            Phase::Red => self.want(node, What::Red),
            Phase::Implement => self.want(node, What::Implement),
            Phase::Verify => self.want(node, What::Verify),
            Phase::Review => self.review(node),
            Phase::Handoff => self.want(node, What::HandOver),
            Phase::Merge => self.pass_gate(node),
            Phase::Judge => {
                self.life(node).patch = self.tip;
                self.look_for_blockers(node);
                self.judge(node);
            }
        }
    }

    fn next(&mut self, node: NodeId, phase: Phase) {
        let next = self.task(node).and_then(|task| task.phases.after(phase));
        self.enter(node, next.unwrap_or(Phase::Merge));
    }

    pub fn over(&mut self, node: NodeId, stage: Stage) {
        self.drop_all(node);
        self.leave(node);
        self.life(node).stage = stage;
        self.opened |= self.is_open(node);
    }

    pub fn pass_gate(&mut self, node: NodeId) {
        match self.gate(node) {
            Gate::Open if !self.has(node, Phase::Merge) => self.over(node, Stage::Done),
            Gate::Open => {
                self.life(node).stage = Stage::Train;
                self.line.push(Candidate { node, built: None, is_proven: false, doubt: None });
            }
            Gate::Person => self.life(node).stage = Stage::Held,
            Gate::Closed => self.over(node, Stage::Failed(Cause::Closed)),
        }
    }

    fn ungranted(&self, node: NodeId) -> Vec<Box<str>> {
        let life = &self.lives[node.index()];
        let granted: BTreeSet<&Box<str>> = life.sheet.grants.iter().chain(&life.sheet.permits).collect();
        life.asks.iter().filter(|path| !granted.contains(path)).cloned().collect()
    }

    fn gate(&self, node: NodeId) -> Gate {
        let life = &self.lives[node.index()];
        let is_verified = life.verified == Some(life.patch);
        let (mut person, mut closed) = (false, false);
        for (i, criterion) in (0..).zip(self.criteria(node)) {
            let is_met = match criterion.means {
                Means::BodiesOut => is_verified && life.sheet.without_code.is_some(),
                Means::TestsFirst => is_verified && !life.sheet.seal.commit.is_none(),
                Means::SealIntact | Means::Green | Means::Integrity | Means::Checked { .. } => is_verified,
                Means::Scope => is_verified && self.ungranted(node).is_empty(),
                Means::Measured { bound, .. } => is_verified && life.figures.get(&i).is_some_and(|&f| bound.holds(f)),
                Means::Reviewed { reviewer } => life.verdicts.get(&(reviewer, life.patch)).is_some_and(|v| v.0),
                Means::Files { .. } | Means::HandedOver | Means::LeavesClean { .. } | Means::NoBlocker => false,
                Means::Approved | Means::Held => {
                    person |= !life.words.contains(&(i, life.patch));
                    true
                }
            };
            closed |= !is_met;
        }
        match (closed, person) {
            (true, _) => Gate::Closed,
            (false, true) => Gate::Person,
            (false, false) => Gate::Open,
        }
    }

    /// Whether something stood against what a person skipped.
    fn look_for_blockers(&mut self, node: NodeId) {
        let is_against = |id: NodeId| {
            let life = &self.lives[id.index()];
            let is_heavy = |finding: &Finding| finding.weight == Weight::Blocker;
            match self.task(id) {
                Some(_) => life.sheet.findings.iter().any(is_heavy),
                None => life.settled.values().any(|(is_met, is_figure)| !is_met && !is_figure),
            }
        };
        let is_clear = !self.ids().any(|id| self.lives[id.index()].is_skipped && is_against(id));
        let tip = self.tip;
        let asked = (0..).zip(self.criteria(node)).filter(|(_, criterion)| criterion.means == Means::NoBlocker);
        let asked: Vec<u16> = asked.map(|(i, _)| i).collect();
        if is_clear {
            self.life(node).settled.extend(asked.into_iter().map(|i| ((i, tip), (true, false))));
        }
    }

    /// A gate of its own: everything it lacks on its tip is asked for.
    pub fn judge(&mut self, node: NodeId) {
        let tip = self.life(node).patch;
        let (mut lacks, mut person, mut refused) = (Vec::new(), false, false);
        for (i, criterion) in (0..).zip(self.criteria(node)) {
            let life = &self.lives[node.index()];
            match life.settled.get(&(i, tip)) {
                Some((is_met, _)) => refused |= !is_met,
                None if criterion.means.is_a_persons() || criterion.means == Means::NoBlocker => {
                    person |= !life.words.contains(&(i, tip));
                }
                None => lacks.push(i),
            }
        }
        match () {
            () if refused => self.over(node, Stage::Failed(Cause::Closed)),
            () if !lacks.is_empty() => {
                self.life(node).stage = Stage::At(Phase::Judge);
                lacks.into_iter().for_each(|i| self.want(node, What::Settle(i)));
            }
            () if person => self.life(node).stage = Stage::Held,
            () => self.over(node, Stage::Done),
        }
    }

    pub fn settle(&mut self, node: NodeId, i: u16, tip: Oid, is_met: bool, is_figure: bool) {
        self.drop(node, What::Settle(i));
        self.life(node).settled.insert((i, tip), (is_met, is_figure));
        self.judge(node);
    }

    fn reviewers(&self, node: NodeId) -> BTreeSet<ReviewerId> {
        let own = self.task(node).map(|task| task.reviewers.clone()).unwrap_or_default();
        let asked = self.criteria(node).iter().filter_map(|criterion| match criterion.means {
            Means::Reviewed { reviewer } => Some(reviewer),
            _ => None,
        });
        own.into_iter().chain(asked).collect()
    }

    /// What everybody said of the latest patch.
    fn round(&self, node: NodeId) -> (Vec<ReviewerId>, bool, Vec<Finding>) {
        let life = &self.lives[node.index()];
        let (mut silent, mut refused, mut findings) = (Vec::new(), false, Vec::new());
        for by in self.reviewers(node) {
            match life.verdicts.get(&(by, life.patch)) {
                None => silent.push(by),
                Some((approves, said)) => {
                    refused |= !approves;
                    findings.extend(said.iter().cloned());
                }
            }
        }
        (silent, refused, findings)
    }

    fn scope_findings(&self, node: NodeId) -> Vec<Finding> {
        let text = "needed by the gate, out of the task's scope, and granted by nobody";
        self.ungranted(node).into_iter().map(|path| Finding::blocker(Code::Scope, text).at(path, None)).collect()
    }

    fn review(&mut self, node: NodeId) {
        let (silent, refused, mut findings) = self.round(node);
        let scope = if silent.is_empty() { self.scope_findings(node) } else { Vec::new() };
        if !refused && !silent.is_empty() {
            silent.into_iter().for_each(|by| self.want(node, What::Review(by)));
        } else if !refused && scope.is_empty() {
            self.next(node, Phase::Review);
        } else {
            findings.extend(scope);
            self.drop_looks(node);
            if !self.life(node).wants.keys().any(|what| matches!(what, What::Review(_))) {
                self.send_back(node, Phase::Implement, findings);
            }
        }
    }

    /// Who looks at another patch than the latest, or does not look yet, need not.
    fn drop_looks(&mut self, node: NodeId) {
        let patch = self.life(node).patch;
        let all: Vec<What> = self.life(node).wants.keys().copied().filter(|w| matches!(w, What::Review(_))).collect();
        for what in all {
            let looks = |r: &Running| (r.node, r.what) == (node, what) && r.is_needed;
            let on_it = |r: &Running| matches!(r.on, Subject::Patch { patch: of, .. } if of == patch);
            if !self.running.values().any(|r| looks(r) && on_it(r)) {
                self.drop(node, what);
            }
        }
    }

    /// What an implementation is handed, or what train and reviewers send back.
    pub fn send_back(&mut self, node: NodeId, phase: Phase, found: Vec<Finding>) {
        let was = match self.stage(node) {
            Stage::At(phase) => phase,
            _ => Phase::Merge,
        };
        self.drop_all(node);
        let phases = self.task(node).map(|task| task.phases).unwrap_or(tidegate::plan::Phases::ALL);
        let back = if phases.contains(phase) { phase } else { phases.from(Phase::Tests).unwrap_or(phase) };
        let heavy: Vec<Finding> = found.iter().filter(|f| f.weight == Weight::Blocker).cloned().collect();
        let digest = Finding::digest_of(if heavy.is_empty() { &found } else { &heavy });
        let (same, rejections, ladder) = (self.policy.same_failure, self.policy.rejections, self.ladder(node));
        let life = self.life(node);
        let patch = life.patch;
        life.verdicts.retain(|(_, on), _| *on == patch);
        life.words.retain(|(_, on)| *on == patch);
        (life.verified, life.asks, life.sheet.findings) = (None, Vec::new(), found);
        life.sheet.without_code = None;
        if back == Phase::Tests {
            life.sheet.seal = Default::default();
        }
        life.same = if life.rejected > 0 && life.last == digest { life.same + 1 } else { 1 };
        (life.last, life.rejected) = (digest, life.rejected + 1);
        let mut rung = Rung::Alone;
        if life.same >= same || life.rejected >= rejections {
            let Some(&next) = ladder.get(life.climbed) else {
                return self.over(node, Stage::Failed(Cause::NoProgress(was)));
            };
            (rung, life.climbed, life.rejected, life.same) = (next, life.climbed + 1, 0, 0);
        }
        match rung {
            Rung::Alone => self.enter(node, back),
            Rung::Consulted | Rung::Advised => {
                self.life(node).stage = Stage::At(back);
                self.want(node, if rung == Rung::Consulted { What::Consult } else { What::Advise });
            }
        }
    }

    /// Who can look at a task that keeps failing.
    fn ladder(&self, node: NodeId) -> Vec<Rung> {
        let mut ladder = self.policy.ladder.clone();
        if let Some(task) = self.task(node) {
            let role = |rung: &Rung| if *rung == Rung::Consulted { Role::Expert } else { Role::Coordinator };
            ladder.retain(|rung| task.others.contains_key(&role(rung)));
        }
        ladder
    }

    /// The last one asked gives it back to a person.
    pub fn despair(&mut self, node: NodeId, found: Vec<Finding>) {
        let phase = match self.stage(node) {
            Stage::At(phase) => phase,
            _ => Phase::Merge,
        };
        self.life(node).sheet.findings.extend(found);
        self.over(node, Stage::Failed(Cause::NoProgress(phase)));
    }

    pub fn helped(&mut self, node: NodeId, what: What) {
        self.drop(node, what);
        let work = match self.stage(node) {
            Stage::At(Phase::Tests) => What::Tests,
            Stage::At(Phase::Red) => What::Red,
            Stage::At(Phase::Verify) => What::Verify,
            _ => What::Implement,
        };
        self.want(node, work);
    }

    /// A job of a task that counts has passed with this.
    pub fn passed(&mut self, node: NodeId, what: What, on: Subject, evidence: &Evidence) {
        let life = &mut self.lives[node.index()];
        match (what, evidence) {
            (What::Tests, Evidence::Tests { commit, .. }) => life.sheet.tests = *commit,
            (What::Red, Evidence::Red(red)) => life.sheet.seal = red.seal.clone(),
            (What::Implement, Evidence::Work { patch, commit, .. }) => {
                (life.patch, life.commit, life.sheet.work) = (*patch, *commit, *commit);
            }
            (What::Verify, Evidence::Verified(verified)) => {
                (life.patch, life.commit, life.sheet.work) = (verified.patch, verified.commit, verified.commit);
                (life.verified, life.asks) = (Some(verified.patch), verified.asks.clone());
                life.sheet.without_code = verified.without_code.clone();
                life.figures = verified.figures.iter().rev().copied().collect();
                life.sheet.figures = verified.figures.clone();
                let uncovered = verified.told.iter().filter(|told| told.code == Code::Uncovered);
                life.sheet.uncovered = uncovered.cloned().collect();
                return self.verified(node);
            }
            (What::Review(by), Evidence::Approved { findings, grants }) => {
                let approves = findings.iter().all(|finding| finding.weight != Weight::Blocker);
                return self.verdict(node, by, on, approves, findings.clone(), grants);
            }
            (What::Consult | What::Advise, Evidence::Advice { findings }) => {
                life.sheet.findings.extend(findings.iter().cloned());
                return self.helped(node, what);
            }
            _ => panic!("{node:?} {what:?} passed with {evidence:?}"),
        }
        self.drop(node, what);
        if what == What::Implement {
            self.drop_looks(node);
        }
        let phase = match what {
            What::Tests => Phase::Tests,
            What::Red => Phase::Red,
            _ => Phase::Implement,
        };
        self.next(node, phase);
    }

    fn verified(&mut self, node: NodeId) {
        self.drop_looks(node);
        let life = &self.lives[node.index()];
        let mut missed = Vec::new();
        for (i, criterion) in (0..).zip(self.criteria(node)) {
            if let (Means::Measured { bound, unit, .. }, Some(&figure)) = (&criterion.means, life.figures.get(&i))
                && !bound.holds(figure)
            {
                let text = format!("{}: measured {figure}, asked for {}", criterion.text, unit.bound(*bound));
                missed.push(Finding::blocker(Code::CheckFails, text));
            }
        }
        if !missed.is_empty() {
            missed.extend(life.sheet.uncovered.iter().cloned());
        }
        if !self.has(node, Phase::Review) || self.reviewers(node).is_empty() {
            missed.extend(self.scope_findings(node));
        }
        self.drop(node, What::Verify);
        if missed.is_empty() { self.next(node, Phase::Verify) } else { self.send_back(node, Phase::Implement, missed) }
    }

    pub fn verdict(
        &mut self,
        node: NodeId,
        by: ReviewerId,
        on: Subject,
        approves: bool,
        said: Vec<Finding>,
        grants: &[Box<str>],
    ) {
        self.drop(node, What::Review(by));
        let life = self.life(node);
        let all: BTreeSet<_> = life.sheet.grants.iter().chain(grants).cloned().collect();
        life.sheet.grants = all.into_iter().collect();
        if let Subject::Patch { patch, .. } = on {
            life.verdicts.insert((by, patch), (approves, said));
        }
        if self.stage(node) == Stage::At(Phase::Review) {
            self.review(node);
        }
    }

    pub fn checkpoint(&mut self, node: NodeId, patch: Oid, commit: Oid) {
        if self.has(node, Phase::Review) {
            (self.life(node).patch, self.life(node).commit) = (patch, commit);
            let (silent, ..) = self.round(node);
            silent.into_iter().for_each(|by| self.want(node, What::Review(by)));
        }
    }

    pub fn retried(&mut self, node: NodeId) {
        let Stage::Failed(cause) = self.stage(node) else { panic!("{node:?} was tried again, and has not failed") };
        let phases = self.task(node).map(|task| task.phases);
        let has_red = self.has(node, Phase::Red);
        let life = self.life(node);
        (life.rejected, life.same, life.last, life.climbed) = (0, 0, 0, 0);
        life.verdicts.retain(|_, (approves, _)| *approves);
        life.settled.retain(|_, (is_met, is_figure)| *is_met && !*is_figure);
        let Some(phases) = phases else { return self.enter(node, Phase::Judge) };
        let back = match cause {
            Cause::Stuck(phase) => return self.enter(node, phase),
            _ if has_red && self.life(node).sheet.seal.commit.is_none() => Phase::Tests,
            Cause::NoProgress(Phase::Tests | Phase::Red) => Phase::Tests,
            Cause::NoProgress(_) | Cause::Closed => Phase::Implement,
        };
        let back = if phases.contains(back) { Some(back) } else { phases.from(Phase::Tests) };
        self.enter(node, back.unwrap_or(Phase::Merge));
    }

    pub fn word(&mut self, node: NodeId, criterion: u16) {
        let patch = self.life(node).patch;
        self.life(node).words.insert((criterion, patch));
        if self.task(node).is_some() { self.pass_gate(node) } else { self.judge(node) }
    }
}
