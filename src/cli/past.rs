//! The past of a run that goes on: how far it has come, and what it takes in of documents that were edited since.

use super::Stop;
use crate::{
    journal::{Folder, Inbox},
    plan::{self, Addition, Blueprint, Node, NodeId, Plan, Progress, Revision},
    run::{Item, Order, Proof, Run, State},
    text::line,
};
use std::{collections::BTreeSet, sync::Arc};

/// How far a plan has come before it goes on.
#[derive(Default)]
pub(crate) struct Past<'a> {
    /// None where nothing has begun.
    run: Option<&'a Run>,
    /// What an edit takes out.
    retired: BTreeSet<NodeId>,
    /// What a person has said since.
    words: Vec<Order>,
}

impl<'a> Past<'a> {
    /// The past of a run that takes this in.
    pub(crate) fn of(run: &'a Run, revision: &Revision, folder: &Folder) -> Result<Past<'a>, Stop> {
        let pending = Inbox::open(folder).and_then(|inbox| inbox.pending());
        let pending = pending.map_err(|error| Stop::because("the orders that wait cannot be read", &error))?;
        let words = pending.into_iter().filter_map(|sent| sent.order.ok()).collect();
        Ok(Past { run: Some(run), retired: revision.addition.retired.iter().copied().collect(), words })
    }

    /// Whether there is one.
    pub(crate) fn has_begun(&self) -> bool {
        self.run.is_some()
    }

    /// How far a node has come; one that is new is untouched.
    pub(crate) fn progress(&self, id: NodeId) -> Progress {
        match self.run {
            Some(_) if self.retired.contains(&id) => Progress::Gone,
            Some(run) if id.index() < run.plan().len() => progress(run, id),
            Some(_) | None => Progress::Untouched,
        }
    }

    /// Whether a person has said that this criterion of a gate holds.
    pub(crate) fn has_word(&self, gate: NodeId, criterion: u16) -> bool {
        let Some(run) = self.run.filter(|run| gate.index() < run.plan().len()) else {
            return false;
        };
        let addressed = |node: NodeId| run.plan().task_of(node).unwrap_or(node);
        let is_said = |word: &Order| {
            matches!(word, Order::Approve { gate: of, criterion: which }
            if addressed(*of) == addressed(gate) && *which == criterion)
        };
        let life = run.life(addressed(gate));
        let proof = life.ledger.get(Item::Criterion(criterion), life.subject);
        proof == Some(&Proof::Approved) || self.words.iter().any(is_said)
    }
}

/// What a run takes in of its documents as they are now, and the plan that comes of it.
///
/// # Errors
/// Why it cannot, in words.
pub(crate) fn taken_in(run: &Run, edited: &Blueprint) -> Result<(Revision, Arc<Plan>), String> {
    let revision = plan::revise(run.plan(), edited, |id| progress(run, id)).map_err(|refused| refused.join("; "))?;
    if revision.addition == Addition::default() {
        return Ok((revision, run.shared_plan()));
    }
    let plan = run.plan().extend(&revision.addition).map_err(|faults| {
        let words: Vec<String> = faults.iter().map(|fault| fault.words(run.plan())).collect();
        words.join("; ")
    })?;
    Ok((revision, Arc::new(plan)))
}

fn progress(run: &Run, id: NodeId) -> Progress {
    match run.state(id) {
        State::Retired => Progress::Gone,
        state if state.is_met() || run.life(id).has_landed() => Progress::Over,
        state if state.has_started() => Progress::Begun,
        _ => Progress::Untouched,
    }
}

/// What is said of it; nothing where nothing was edited.
pub(crate) fn told(run: &Run, revision: &Revision) -> String {
    let old = |ids: &[NodeId]| ids.iter().map(|&id| run.plan().node(id)).collect::<Vec<_>>();
    let added: Vec<&Node> = revision.addition.added.iter().collect();
    let mut out = String::new();
    if !added.is_empty() || !revision.addition.retired.is_empty() {
        let (tasks, gone) = (labels(&added, is_task), labels(&old(&revision.addition.retired), is_task));
        out = format!(
            "the breakdown was edited: taken in. Tasks that are new or are done anew: {tasks}; taken out or replaced: \
             {gone}; gates that are asked anew: {}\n",
            labels(&added, is_gate)
        );
    }
    if !revision.stays.is_empty() {
        out.push_str(&format!(
            "the breakdown was edited: what is done stays as it was done, whatever is written of it now: {}. To change \
             it, write a task of its own\n",
            labels(&old(&revision.stays), is_task)
        ));
    }
    out
}

fn is_task(node: &Node) -> bool {
    node.task().is_some()
}

/// The gate of a task is told as the task.
fn is_gate(node: &Node) -> bool {
    node.gate().is_some_and(|gate| !matches!(gate.level, plan::Level::Task(_)))
}

fn labels(nodes: &[&Node], is_told: fn(&Node) -> bool) -> String {
    let labels: Vec<&str> = nodes.iter().filter(|node| is_told(node)).map(|node| node.label()).collect();
    if labels.is_empty() { "none".to_owned() } else { line(&labels.join(", "), 200) }
}
