//! A revision: what a running plan has to take in, so that it says what the edited documents say.
//!
//! Nodes are known by their labels. What is over stays as it was done; what is not, and reads otherwise now, is retired and
//! added anew; what is gone is retired. A gate that had begun to judge and has to wait for more is added anew too.

use super::{Addition, BackendId, Blueprint, Gate, Level, Node, NodeId, Plan, ReviewerId, StreamId, Task};
use std::collections::{BTreeMap, BTreeSet};

/// How far a node of the running plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing has been done for it.
    Untouched,
    /// Something has, and it is not over.
    Begun,
    /// It has landed, or has opened, or was waived: it stays what it is.
    Over,
    /// The plan no longer has it.
    Gone,
}

/// What became of a node of the edited plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Kept(NodeId),
    Added,
}

/// What `plan` has to take in to be `edited`; an empty addition when it is that already.
///
/// # Errors
/// Edits that a running plan cannot take in, each in words.
pub fn revise(plan: &Plan, edited: &Blueprint, progress: impl Fn(NodeId) -> Progress) -> Result<Addition, Vec<String>> {
    let tables = Tables::of(plan.blueprint(), edited)?;
    let live = plan.ids().filter(|&id| progress(id) != Progress::Gone);
    let known: BTreeMap<&str, NodeId> = live.map(|id| (plan.node(id).label(), id)).collect();
    let mut places: Vec<Place> = Vec::with_capacity(edited.nodes.len());
    for node in &edited.nodes {
        let place = match known.get(node.label()) {
            Some(&id) if progress(id) == Progress::Over || is_same(plan.node(id), node, &tables) => Place::Kept(id),
            _ => Place::Added,
        };
        places.push(place);
    }
    settle(plan, edited, &progress, &mut places);
    let ids = ids_of(plan, &places);
    let kept: BTreeSet<NodeId> = ids.iter().copied().filter(|id| id.index() < plan.len()).collect();
    let is_lost = |&id: &NodeId| !kept.contains(&id) && progress(id) < Progress::Over;
    let retired: Vec<NodeId> = plan.ids().filter(is_lost).collect();
    let edges = edges_of(plan, edited, &ids, &progress)?;
    let added = edited.nodes.iter().zip(&places).filter(|(_, place)| **place == Place::Added);
    let added = added.map(|(node, _)| translated(node, &tables, &ids)).collect();
    Ok(Addition { added, retired, edges })
}

/// A task and its gate go together, and a gate that has begun cannot be made to wait for more: it is added anew.
fn settle(plan: &Plan, edited: &Blueprint, progress: &impl Fn(NodeId) -> Progress, places: &mut [Place]) {
    for (at, node) in edited.nodes.iter().enumerate() {
        if let Some(Gate { level: Level::Task(task), .. }) = node.gate() {
            let gate = match places[task.index()] {
                Place::Kept(task) => plan.gate_of(task).map_or(Place::Added, Place::Kept),
                Place::Added => Place::Added,
            };
            places[at] = gate;
        }
    }
    loop {
        let late = edited.edges.iter().find(|(before, after)| {
            let is_new = places[before.index()] == Place::Added;
            let has_begun = matches!(places[after.index()], Place::Kept(id)
                if progress(id) == Progress::Begun && plan.node(id).gate().is_some());
            is_new && has_begun
        });
        match late {
            Some(&(_, after)) => places[after.index()] = Place::Added,
            None => break,
        }
    }
}

/// The ids that the nodes of the edited plan have in the running one: added nodes get the next ones.
fn ids_of(plan: &Plan, places: &[Place]) -> Vec<NodeId> {
    let mut next = plan.len() as u32;
    let id = |place: &Place| match place {
        Place::Kept(id) => *id,
        Place::Added => {
            next += 1;
            NodeId(next - 1)
        }
    };
    places.iter().map(id).collect()
}

fn edges_of(
    plan: &Plan,
    edited: &Blueprint,
    ids: &[NodeId],
    progress: &impl Fn(NodeId) -> Progress,
) -> Result<Vec<(NodeId, NodeId)>, Vec<String>> {
    let (mut edges, mut refused) = (Vec::new(), Vec::new());
    let is_kept = |id: NodeId| id.index() < plan.len();
    for &(before, after) in &edited.edges {
        let (before, after) = (ids[before.index()], ids[after.index()]);
        if is_kept(before) && is_kept(after) && plan.dependencies(after).any(|id| id == before) {
            continue;
        }
        if !is_kept(after) || progress(after) == Progress::Untouched {
            edges.push((before, after));
        } else if !is_kept(before) || progress(before) < Progress::Over {
            let name = |id: NodeId| {
                let new = ids.iter().position(|&known| known == id).map(|at| edited.nodes[at].label());
                if is_kept(id) { plan.name(id) } else { new.unwrap_or_default().to_owned() }
            };
            refused.push(format!("{} cannot be made to wait for {}: it has begun", name(after), name(before)));
        }
    }
    if refused.is_empty() { Ok(edges) } else { Err(refused) }
}

/// Where the edited plan's tables are in the running one's, which stay as they are.
struct Tables {
    streams: Vec<StreamId>,
    backends: Vec<BackendId>,
    reviewers: Vec<ReviewerId>,
}

impl Tables {
    fn of(old: &Blueprint, new: &Blueprint) -> Result<Tables, Vec<String>> {
        let mut refused = Vec::new();
        let mut find = |kind: &str, name: &str, known: Vec<&str>| {
            let at = known.iter().position(|known| *known == name);
            if at.is_none() {
                refused.push(format!("the {kind} {name} is new"));
            }
            at.unwrap_or(0) as u16
        };
        let names =
            |all: &'_ [(Box<str>, Box<str>)]| all.iter().map(|(label, _)| label.to_string()).collect::<Vec<_>>();
        let of_streams = names(&old.streams);
        let known = || of_streams.iter().map(String::as_str).collect();
        let streams = new.streams.iter().map(|(label, _)| StreamId(find("stream", label, known()))).collect();
        let known = || old.backends.iter().map(|name| &**name).collect();
        let backends = new.backends.iter().map(|name| BackendId(find("backend", name, known()))).collect();
        let known = || old.reviewers.iter().map(|(name, _)| &**name).collect();
        let reviewers = new.reviewers.iter().map(|(name, _)| ReviewerId(find("reviewer", name, known()))).collect();
        if refused.is_empty() { Ok(Tables { streams, backends, reviewers }) } else { Err(refused) }
    }

    fn task(&self, task: &Task) -> Task {
        Task {
            stream: self.streams[usize::from(task.stream.0)],
            backend: self.backends[usize::from(task.backend.0)],
            reviewers: task.reviewers.iter().map(|by| self.reviewers[usize::from(by.0)]).collect(),
            ..task.clone()
        }
    }
}

/// Whether an edited node says what the running one says, wherever it stands in the document now.
fn is_same(old: &Node, new: &Node, tables: &Tables) -> bool {
    match (old, new) {
        (Node::Task(old), Node::Task(new)) => placeless(&tables.task(new)) == placeless(old),
        (Node::Gate(old), Node::Gate(new)) => {
            let words =
                |gate: &Gate| gate.criteria.iter().map(|c| (c.text.clone(), c.means.clone())).collect::<Vec<_>>();
            words(old) == words(new)
        }
        (Node::Task(_), Node::Gate(_)) | (Node::Gate(_), Node::Task(_)) => false,
    }
}

/// A task without the lines on which it was written.
fn placeless(task: &Task) -> Task {
    let mut task = task.clone();
    task.brief.line = 0;
    task.brief.scripts.iter_mut().for_each(|script| script.line = 0);
    task
}

fn translated(node: &Node, tables: &Tables, ids: &[NodeId]) -> Node {
    match node {
        Node::Task(task) => Node::Task(Box::new(tables.task(task))),
        Node::Gate(gate) => {
            let level = match gate.level {
                Level::Task(task) => Level::Task(ids[task.index()]),
                Level::Stream(stream) => Level::Stream(tables.streams[usize::from(stream.0)]),
                level @ (Level::Checkpoint | Level::System | Level::Deployment) => level,
            };
            Node::Gate(Gate { level, ..gate.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Brief, Phases};

    /// A plan of tasks with a script each, on one stream; each hangs on the one before it.
    fn blueprint(tasks: &[(&str, &str)]) -> Blueprint {
        let nodes: Vec<Node> = tasks.iter().map(|(label, body)| Node::Task(Box::new(task(label, body)))).collect();
        let count = nodes.len() as u32;
        let gates = tasks.iter().enumerate().map(|(at, (label, _))| {
            let level = Level::Task(NodeId(at as u32));
            Node::Gate(Gate { level, label: format!("task:{label}").into(), criteria: vec![] })
        });
        let stream = Node::Gate(Gate { level: Level::Stream(StreamId(0)), label: "stream:A".into(), criteria: vec![] });
        let mut edges = Vec::new();
        for at in 0..count {
            edges.push((NodeId(at), NodeId(count + at)));
            edges.push((NodeId(count + at), NodeId(2 * count)));
            if at > 0 {
                edges.push((NodeId(count + at - 1), NodeId(at)));
            }
        }
        Blueprint {
            streams: vec![("A".into(), "One".into())],
            backends: vec!["script".into()],
            nodes: nodes.into_iter().chain(gates).chain([stream]).collect(),
            edges,
            ..Blueprint::default()
        }
    }

    fn task(label: &str, body: &str) -> Task {
        let brief = Brief { text: body.into(), line: label.len() as u32, ..Brief::default() };
        Task {
            label: label.into(),
            title: label.into(),
            stream: StreamId(0),
            minutes: 1,
            phases: Phases::ALL,
            done: false,
            backend: BackendId(0),
            reviewers: vec![],
            needs: vec![],
            brief,
        }
    }

    /// The first `over` tasks are over, with their gates; all else is untouched but the next task, which has begun.
    fn come(tasks: u32, over: u32) -> impl Fn(NodeId) -> Progress {
        move |id| match id.0 {
            task if task < over => Progress::Over,
            task if task == over => Progress::Begun,
            gate if (tasks..tasks + over).contains(&gate) => Progress::Over,
            _ => Progress::Untouched,
        }
    }

    #[test]
    fn what_was_not_edited_is_nothing_to_take_in() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let same = revise(&plan, &blueprint(&[("1", "a"), ("2", "b")]), come(2, 1)).unwrap();
        assert_eq!(same, Addition::default());
    }

    #[test]
    fn an_edited_task_that_is_not_over_is_done_anew_and_its_dependents_wait_for_that() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b"), ("3", "c")])).unwrap();
        let edited = blueprint(&[("1", "edited too late"), ("2", "mended"), ("3", "c")]);
        let addition = revise(&plan, &edited, come(3, 1)).unwrap();
        assert_eq!(addition.retired, [NodeId(1), NodeId(4)]);
        assert_eq!(addition.added.iter().map(Node::label).collect::<Vec<_>>(), ["2", "task:2"]);
        let (task, gate) = (NodeId(7), NodeId(8));
        for edge in [(NodeId(3), task), (task, gate), (gate, NodeId(2)), (gate, NodeId(6))] {
            assert!(addition.edges.contains(&edge), "{edge:?} is not among {:?}", addition.edges);
        }
        let grown = plan.extend(&addition).unwrap();
        assert_eq!(grown.gate_of(task), Some(gate));
    }

    #[test]
    fn tasks_come_and_go_and_a_gate_that_has_begun_is_judged_anew() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let more = revise(&plan, &blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]), come(2, 2)).unwrap();
        assert_eq!(more.added.iter().map(Node::label).collect::<Vec<_>>(), ["3", "task:3"]);
        let begun = |id: NodeId| if id.0 == 4 { Progress::Begun } else { Progress::Over };
        let anew = revise(&plan, &blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]), begun).unwrap();
        assert_eq!(anew.added.iter().map(Node::label).collect::<Vec<_>>(), ["3", "task:3", "stream:A"]);
        assert_eq!(anew.retired, [NodeId(4)]);
        let less = revise(&plan, &blueprint(&[("1", "a")]), come(2, 1)).unwrap();
        assert_eq!((less.added.len(), less.retired), (0, vec![NodeId(1), NodeId(3)]));
    }

    #[test]
    fn nothing_is_held_back_that_is_over_and_a_new_stream_is_refused_in_words() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let all_over = |_| Progress::Over;
        let refused = revise(&plan, &blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]), all_over).unwrap_err();
        assert_eq!(refused, ["the gate of stream A cannot be made to wait for task:3: it has begun"]);
        let mut edited = blueprint(&[("1", "a"), ("2", "b")]);
        edited.streams[0].0 = "Z".into();
        assert_eq!(revise(&plan, &edited, come(2, 1)).unwrap_err(), ["the stream Z is new"]);
    }
}
