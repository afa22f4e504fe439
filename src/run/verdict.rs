//! Gates at work: what each lacks is asked for, and whoever lacks nothing goes on. The judge itself is in `gate`.

use super::{Failure, Item, Job, Lack, Proof, Run, State, Subject, Verdict, Weight, What, judge};
use crate::plan::{Means, Node, NodeId, Phase};

impl Run {
    /// The one judge, on a task's latest patch by its gate's criteria, or on the tip of a gate by its own.
    pub(super) fn task_verdict(&self, node: NodeId) -> Verdict {
        let life = &self.lives[node.index()];
        judge(self.criteria(node), &life.ledger, life.subject)
    }

    pub(super) fn settled(&mut self, job: &Job, criterion: u16, proof: Proof) {
        self.drop_want(job.node, job.what);
        if let Subject::Tip(tip) = job.on {
            self.lives[job.node.index()].ledger.enter(Item::Criterion(criterion), tip, proof);
        }
        self.judge_gate(job.node);
    }

    /// Whether a person passed over what a blocker stood against: the core alone knows. Where that is so, it is a person's to say that
    /// it may be: nothing that is tried again makes it undone.
    pub(super) fn prove_unblocked(&mut self, node: NodeId) {
        let asked = (0u16..).zip(self.criteria(node)).filter(|(_, criterion)| criterion.means == Means::NoBlocker);
        let asked: Vec<u16> = asked.map(|(criterion, _)| criterion).collect();
        if asked.is_empty() || self.plan.ids().any(|id| self.was_passed_over(id)) {
            return;
        }
        let life = &mut self.lives[node.index()];
        for criterion in asked {
            life.ledger.enter(Item::Criterion(criterion), life.subject, Proof::seen());
        }
    }

    /// Whether a person skipped a node though something stood against it: against a task its last findings, against a gate what refused it.
    fn was_passed_over(&self, id: NodeId) -> bool {
        if self.state(id) != State::Skipped {
            return false;
        }
        let life = self.life(id);
        match self.plan.node(id) {
            Node::Task(_) => life.sheet.findings.iter().any(|finding| finding.weight == Weight::Blocker),
            Node::Gate(_) => life.ledger.is_refused(),
        }
    }

    /// Opens the gate, closes it, asks for what is lacking, or waits for a person.
    pub(super) fn judge_gate(&mut self, node: NodeId) {
        let lacks = match self.task_verdict(node) {
            Verdict::Open(_) => return self.finish(node),
            Verdict::Closed(lacks) => lacks,
        };
        if lacks.iter().any(Lack::is_final) {
            return self.fail(node, Failure::GateClosed);
        }
        for criterion in lacks.iter().filter_map(Lack::unproven) {
            self.want(node, What::Settle(criterion));
        }
        let is_held = lacks.iter().all(Lack::is_a_persons);
        let next = if is_held { State::Held } else { State::Working { phase: Phase::Judge } };
        if self.state(node) != next {
            self.set(node, next);
        }
    }

    /// A task whose phases are behind it: its gate is judged on its patch before anything joins the train. Fails closed: what no
    /// phase of the task has proven is not proven.
    pub(super) fn judge_task(&mut self, node: NodeId) {
        match self.task_verdict(node) {
            Verdict::Open(_) if !self.phases(node).contains(Phase::Merge) => self.finish(node),
            Verdict::Open(_) if self.lives[node.index()].subject.is_none() => self.fail(node, Failure::NothingToLand),
            Verdict::Open(_) => self.join_train(node),
            Verdict::Closed(lacks) if lacks.iter().all(Lack::is_a_persons) => {
                if self.state(node) != State::Held {
                    self.set(node, State::Held);
                    self.release(node);
                }
            }
            Verdict::Closed(_) => self.fail(node, Failure::GateClosed),
        }
    }

    /// A task's gate stands as its task. Where the task is done by its own jobs, the gate takes over what they proved and opens by
    /// the same judge; where it was done before, skipped or retired, nothing was proven and nothing is asked.
    pub(super) fn follow_task(&mut self, gate: NodeId, task: NodeId) {
        let state = self.state(task);
        if state != State::Done || self.was_done_before(task) {
            return self.set(gate, state);
        }
        let done = &mut self.lives[task.index()];
        let (ledger, subject, commit) = (std::mem::take(&mut done.ledger), done.subject, done.commit);
        let life = &mut self.lives[gate.index()];
        (life.ledger, life.subject, life.commit) = (ledger, subject, commit);
        match self.task_verdict(gate) {
            Verdict::Open(_) => self.finish(gate),
            // Cannot be: the task was judged before it went on. Closed all the same, and `check` says that it is a bug.
            Verdict::Closed(_) => self.fail(gate, Failure::GateClosed),
        }
    }

    pub(super) fn was_done_before(&self, task: NodeId) -> bool {
        self.plan.node(task).task().is_some_and(|task| task.done)
    }

    pub(super) fn means(&self, node: NodeId, criterion: u16) -> Option<&Means> {
        match self.plan.node(node) {
            Node::Gate(gate) => gate.criteria.get(usize::from(criterion)).map(|criterion| &criterion.means),
            Node::Task(_) => None,
        }
    }
}
