//! A revision: what a running plan has to take in, so that it says what the edited documents say.
//!
//! Nodes are known by their labels. A task that is over stays as it was done; one that is not, and reads otherwise now, or whose
//! gate does, or that waits for less, is retired and added anew; what is gone is retired. A gate of more than a task that reads
//! otherwise, or has begun to judge and has to wait for more, is judged anew, open or not.

use super::{
    Addition, BackendId, Blueprint, Criterion, Gate, Level, Means, Node, NodeId, Plan, ResourceId, ReviewerId,
    StreamId, Task,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far a node of the running plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing has been done for it.
    Untouched,
    /// Something has, and it is not over.
    Begun,
    /// It has landed, or has opened, or was waived.
    Over,
    /// The plan no longer has it.
    Gone,
}

/// What an edit comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// What the plan has to take in; empty when it says that already.
    pub addition: Addition,
    /// Tasks that are over, and that the documents no longer have, or have in other words: they stay as they were done.
    pub stays: Vec<NodeId>,
}

/// What became of a node of the edited plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Kept(NodeId),
    Added,
}

/// What `plan` has to take in to be `edited`.
///
/// # Errors
/// Edits that a running plan cannot take in, each in words.
pub fn revise(plan: &Plan, edited: &Blueprint, progress: impl Fn(NodeId) -> Progress) -> Result<Revision, Vec<String>> {
    let tables = Tables::of(plan.blueprint(), edited)?;
    let nodes: Vec<Node> = edited.nodes.iter().map(|node| tables.node(node)).collect();
    let edit = Edit { plan, nodes: &nodes, edges: &edited.edges, progress: &progress };
    let places = edit.places();
    let ids = ids_of(plan, &places);
    let wanted: BTreeSet<NodeId> = ids.iter().copied().collect();
    let gone = plan.ids().filter(|id| !wanted.contains(id) && progress(*id) != Progress::Gone);
    let (settled, retired): (Vec<NodeId>, Vec<NodeId>) = gone.partition(|&id| edit.is_settled(id));
    let mut stays: Vec<NodeId> = edit.reworded(&places).chain(settled).filter_map(|id| plan.task_of(id)).collect();
    stays.sort_unstable();
    stays.dedup();
    let added: Vec<Node> = (nodes.iter().zip(&places))
        .filter(|(_, place)| **place == Place::Added)
        .map(|(node, _)| placed(node, &ids))
        .collect();
    let edges = edit.new_edges(&ids, &added)?;
    Ok(Revision { addition: Addition { added, retired, edges }, stays })
}

/// The two plans side by side; the edited one names streams, backends, reviewers and resources as the running one does.
struct Edit<'a, P> {
    plan: &'a Plan,
    nodes: &'a [Node],
    edges: &'a [(NodeId, NodeId)],
    progress: &'a P,
}

impl<P: Fn(NodeId) -> Progress> Edit<'_, P> {
    fn places(&self) -> Vec<Place> {
        let live = self.plan.ids().filter(|&id| self.progress(id) != Progress::Gone);
        let known: BTreeMap<&str, NodeId> = live.map(|id| (self.plan.node(id).label(), id)).collect();
        let place = |node: &Node| match known.get(node.label()) {
            Some(&id) if self.is_settled(id) || is_same(self.plan.node(id), node) => Place::Kept(id),
            _ => Place::Added,
        };
        let mut places: Vec<Place> = self.nodes.iter().map(place).collect();
        self.let_go(&mut places);
        self.pair(&mut places);
        self.judge_anew(&mut places);
        places
    }

    fn progress(&self, id: NodeId) -> Progress {
        (self.progress)(id)
    }

    /// A task that is over, or the gate of one: whatever is written of it now.
    fn is_settled(&self, id: NodeId) -> bool {
        self.progress(id) == Progress::Over && self.plan.task_of(id).is_some()
    }

    /// An edge cannot be taken out of a plan: what waits for less than it did is added anew.
    fn let_go(&self, places: &mut [Place]) {
        let mut at = vec![None; self.plan.len()];
        for (index, place) in places.iter().enumerate() {
            if let Place::Kept(id) = place {
                at[id.index()] = Some(index);
            }
        }
        let kept = |id: &NodeId| match places[id.index()] {
            Place::Kept(id) => Some(id),
            Place::Added => None,
        };
        let mut wanted: Vec<_> =
            self.edges.iter().filter_map(|(before, after)| Some((kept(before)?, kept(after)?))).collect();
        wanted.sort_unstable();
        for edge in &self.plan.blueprint().edges {
            let &(before, after) = edge;
            let is_held = at[before.index()].is_some() && self.progress(before) < Progress::Over;
            if let Some(index) = at[after.index()]
                && is_held
                && self.progress(after) == Progress::Untouched
                && wanted.binary_search(edge).is_err()
            {
                places[index] = Place::Added;
            }
        }
    }

    /// A task and its gate go together: where one of them is another now, both are.
    fn pair(&self, places: &mut [Place]) {
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(Level::Task(task)) = node.gate().map(|gate| gate.level) else { continue };
            let gate = match places[task.index()] {
                Place::Kept(id) => {
                    self.plan.gate_of(id).filter(|&gate| self.is_settled(id) || places[at] == Place::Kept(gate))
                }
                Place::Added => None,
            };
            places[at] = gate.map_or(Place::Added, Place::Kept);
            if gate.is_none() {
                places[task.index()] = Place::Added;
            }
        }
    }

    /// A gate that has begun cannot be made to wait for more: it is added anew, and with it the begun gates behind it.
    fn judge_anew(&self, places: &mut [Place]) {
        let mut goes_on = true;
        while std::mem::take(&mut goes_on) {
            for (before, after) in self.edges {
                let has_begun = |id: NodeId| self.progress(id) >= Progress::Begun && self.plan.task_of(id).is_none();
                let is_late = matches!(places[after.index()], Place::Kept(id) if has_begun(id));
                if is_late && places[before.index()] == Place::Added {
                    places[after.index()] = Place::Added;
                    goes_on = true;
                }
            }
        }
    }

    /// Tasks that are over and read otherwise now, and gates of such tasks.
    fn reworded<'b>(&'b self, places: &'b [Place]) -> impl Iterator<Item = NodeId> + 'b {
        self.nodes.iter().zip(places).filter_map(|(node, place)| match place {
            Place::Kept(id) if self.is_settled(*id) && !is_same(&ticked(self.plan.node(*id)), &ticked(node)) => {
                Some(*id)
            }
            Place::Kept(_) | Place::Added => None,
        })
    }

    /// The edges that the running plan lacks. What is over has waited for all that it waits for.
    fn new_edges(&self, ids: &[NodeId], added: &[Node]) -> Result<Vec<(NodeId, NodeId)>, Vec<String>> {
        let (mut edges, mut refused) = (Vec::new(), Vec::new());
        let known = &self.plan.blueprint().edges;
        let progress = |id: NodeId| self.plan.get(id).map_or(Progress::Untouched, |_| self.progress(id));
        for &(before, after) in self.edges {
            let edge @ (before, after) = (ids[before.index()], ids[after.index()]);
            match progress(after) {
                Progress::Untouched if known.binary_search(&edge).is_err() => edges.push(edge),
                Progress::Begun if progress(before) < Progress::Over && known.binary_search(&edge).is_err() => {
                    let name = |id: NodeId| match id.index().checked_sub(self.plan.len()) {
                        // The gate of a task is called after it, `task:3`.
                        Some(new) => added[new].label().replacen("task:", "task ", 1),
                        None => self.plan.name(id),
                    };
                    refused.push(format!("{} cannot be made to wait for {}: it has begun", name(after), name(before)));
                }
                Progress::Untouched | Progress::Begun | Progress::Over | Progress::Gone => {}
            }
        }
        if refused.is_empty() { Ok(edges) } else { Err(refused) }
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

/// Where the edited plan's tables are in the running one's, which stay as they are.
struct Tables {
    streams: Vec<StreamId>,
    backends: Vec<BackendId>,
    reviewers: Vec<ReviewerId>,
    resources: Vec<ResourceId>,
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
        let known = || old.resources.iter().map(|(name, _)| &**name).collect();
        let resources = new.resources.iter().map(|(name, _)| ResourceId(find("resource", name, known()))).collect();
        if refused.is_empty() { Ok(Tables { streams, backends, reviewers, resources }) } else { Err(refused) }
    }

    fn node(&self, node: &Node) -> Node {
        match node {
            Node::Task(task) => Node::Task(Box::new(Task {
                stream: self.streams[usize::from(task.stream.0)],
                backend: self.backend(task.backend),
                others: task.others.iter().map(|(&role, &by)| (role, self.backend(by))).collect(),
                reviewers: task.reviewers.iter().map(|&by| self.reviewer(by)).collect(),
                needs: self.needs(task),
                ..(**task).clone()
            })),
            Node::Gate(gate) => {
                let mut gate = gate.clone();
                if let Level::Stream(stream) = &mut gate.level {
                    *stream = self.streams[usize::from(stream.0)];
                }
                for criterion in &mut gate.criteria {
                    if let Means::Reviewed { reviewer } = &mut criterion.means {
                        *reviewer = self.reviewer(*reviewer);
                    }
                }
                Node::Gate(gate)
            }
        }
    }

    fn needs(&self, task: &Task) -> Vec<ResourceId> {
        let mut needs: Vec<ResourceId> = task.needs.iter().map(|id| self.resources[usize::from(id.0)]).collect();
        needs.sort_unstable();
        needs
    }

    fn backend(&self, id: BackendId) -> BackendId {
        self.backends[usize::from(id.0)]
    }

    fn reviewer(&self, id: ReviewerId) -> ReviewerId {
        self.reviewers[usize::from(id.0)]
    }
}

/// Whether an edited node says what the running one says, wherever it stands in the document now.
fn is_same(old: &Node, new: &Node) -> bool {
    match (old, new) {
        (Node::Task(old), Node::Task(new)) => placeless(old) == placeless(new),
        (Node::Gate(old), Node::Gate(new)) => {
            // The words of a built-in criterion are ours: another version may say the same in others.
            let said = |c: &'_ Criterion| (c.line.map(|_| c.text.clone()), c.means.clone());
            old.criteria.iter().map(said).eq(new.criteria.iter().map(said))
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

/// A node as it reads when it is checked off, which says nothing new of a task that is over.
fn ticked(node: &Node) -> Node {
    let mut node = node.clone();
    if let Node::Task(task) = &mut node {
        task.done = true;
        task.brief.text = task.brief.text.replace("[x]", "[ ]").replace("[X]", "[ ]").replace("[ ] ", "").into();
    }
    node
}

/// An added node, whose gate names its task by the running plan's id.
fn placed(node: &Node, ids: &[NodeId]) -> Node {
    let mut node = node.clone();
    if let Node::Gate(Gate { level: Level::Task(task), .. }) = &mut node {
        *task = ids[task.index()];
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Brief, Hold, Role, sample};

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
            fallbacks: vec![],
            nodes: nodes.into_iter().chain(gates).chain([stream]).collect(),
            edges,
            ..Blueprint::default()
        }
    }

    fn task(label: &str, body: &str) -> Task {
        let brief = Brief { text: body.into(), line: label.len() as u32, ..Brief::default() };
        Task { brief, ..sample::task(label) }
    }

    /// One more criterion of the gate at this place.
    fn ask(plan: &mut Blueprint, gate: usize, means: Means) {
        let Node::Gate(gate) = &mut plan.nodes[gate] else { panic!("{gate} is no gate") };
        gate.criteria.push(Criterion { text: "signed off".into(), line: Some(1), means });
    }

    fn labels(addition: &Addition) -> Vec<&str> {
        addition.added.iter().map(Node::label).collect()
    }

    /// What comes and what goes.
    fn changes(addition: &Addition) -> (Vec<&str>, &[NodeId]) {
        (labels(addition), &addition.retired)
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
        assert_eq!(same, Revision::default());
    }

    #[test]
    fn an_edited_task_that_is_not_over_is_done_anew_and_its_dependents_wait_for_that() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b"), ("3", "c")])).unwrap();
        let edited = blueprint(&[("1", "edited too late"), ("2", "mended"), ("3", "c")]);
        let Revision { addition, stays } = revise(&plan, &edited, come(3, 1)).unwrap();
        assert_eq!(stays, [NodeId(0)], "what is over is told");
        assert_eq!(addition.retired, [NodeId(1), NodeId(4)]);
        assert_eq!(labels(&addition), ["2", "task:2"]);
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
        let edited = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        let more = revise(&plan, &edited, come(2, 2)).unwrap().addition;
        assert_eq!(changes(&more), (vec!["3", "task:3"], &[][..]));
        for stands in [Progress::Begun, Progress::Over] {
            let progress = |id: NodeId| if id.0 == 4 { stands } else { Progress::Over };
            let anew = revise(&plan, &edited, progress).unwrap().addition;
            assert_eq!(changes(&anew), (vec!["3", "task:3", "stream:A"], &[NodeId(4)][..]), "{stands:?}");
        }
        let Revision { addition, stays } = revise(&plan, &blueprint(&[("1", "a")]), come(2, 1)).unwrap();
        assert_eq!((addition.added.len(), addition.retired, stays.len()), (0, vec![NodeId(1), NodeId(3)], 0));
        let gone = revise(&plan, &blueprint(&[("2", "b")]), |_| Progress::Over).unwrap();
        assert_eq!((gone.addition.retired, gone.stays), (vec![], vec![NodeId(0)]), "what is done stays done");
    }

    #[test]
    fn a_gate_that_asks_for_something_else_is_asked_and_its_task_is_done_anew() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b"), ("3", "c")])).unwrap();
        let mut edited = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        for gate in [3, 5, 6] {
            ask(&mut edited, gate, Means::Approved);
        }
        let Revision { addition, stays } = revise(&plan, &edited, come(3, 1)).unwrap();
        assert_eq!((labels(&addition), stays), (vec!["3", "task:3", "stream:A"], vec![NodeId(0)]));
        let mut edited = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        ask(&mut edited, 6, Means::Approved);
        let open = revise(&plan, &edited, |_| Progress::Over).unwrap().addition;
        assert_eq!(changes(&open), (vec!["stream:A"], &[NodeId(6)][..]));
    }

    #[test]
    fn a_reviewer_is_the_one_of_that_name_at_whatever_place_in_the_table() {
        let reviewed = |names: [&str; 2], by: u16| {
            let mut plan = blueprint(&[("1", "a")]);
            plan.reviewers = names.map(|name| (name.into(), BackendId(0))).into();
            ask(&mut plan, 1, Means::Reviewed { reviewer: ReviewerId(by) });
            plan
        };
        let plan = Plan::build(reviewed(["qa", "security"], 1)).unwrap();
        let same = revise(&plan, &reviewed(["security", "qa"], 0), come(1, 0)).unwrap();
        assert_eq!(same, Revision::default());
        let other = revise(&plan, &reviewed(["security", "qa"], 1), come(1, 0)).unwrap().addition;
        let asked: Vec<&Means> =
            other.added.iter().filter_map(Node::gate).map(|gate| &gate.criteria[0].means).collect();
        assert_eq!(asked, [&Means::Reviewed { reviewer: ReviewerId(0) }]);
    }

    #[test]
    fn names_are_the_same_at_whatever_place_in_their_tables() {
        let named = |names: [&str; 2]| names.map(|name| (name.into(), BackendId(0))).to_vec();
        let mut old = blueprint(&[("1", "a")]);
        old.streams = vec![("A".into(), "One".into()), ("B".into(), "Two".into())];
        old.backends = vec!["script".into(), "claude".into()];
        old.reviewers = named(["qa", "security"]);
        old.resources = vec![("port:1".into(), Hold::Job), ("port:2".into(), Hold::Job), ("gpu".into(), Hold::Job)];
        let set = |plan: &mut Blueprint, [stream, backend, other, reviewer]: [u16; 4], needs: [u16; 2]| {
            let Node::Task(task) = &mut plan.nodes[0] else { panic!() };
            (task.stream, task.backend) = (StreamId(stream), BackendId(backend));
            task.others = BTreeMap::from([(Role::Expert, BackendId(other))]);
            (task.reviewers, task.needs) = (vec![ReviewerId(reviewer)], needs.map(ResourceId).into());
            let Node::Gate(gate) = &mut plan.nodes[2] else { panic!() };
            gate.level = Level::Stream(StreamId(stream));
        };
        let mut new = old.clone();
        set(&mut old, [1, 1, 0, 1], [0, 1]);
        new.streams.reverse();
        (new.backends, new.reviewers) = (vec!["claude".into(), "script".into()], named(["security", "qa"]));
        new.resources.reverse();
        set(&mut new, [0, 0, 1, 0], [1, 2]);
        let plan = Plan::build(old).unwrap();
        assert_eq!(revise(&plan, &new, come(1, 0)).unwrap(), Revision::default());
        ask(&mut new, 1, Means::Approved);
        ask(&mut new, 2, Means::Approved);
        let added = revise(&plan, &new, |_| Progress::Begun).unwrap().addition.added;
        assert_eq!(added[0], *plan.node(NodeId(0)), "in the names of the running plan");
        assert_eq!(added[2].gate().map(|gate| gate.level), Some(Level::Stream(StreamId(1))));
    }

    #[test]
    fn names_that_the_running_plan_has_not_are_refused_all_at_once() {
        let plan = Plan::build(blueprint(&[("1", "a")])).unwrap();
        let mut edited = blueprint(&[("1", "a")]);
        edited.streams.push(("B".into(), "Two".into()));
        edited.backends.push("claude".into());
        edited.reviewers.push(("qa".into(), BackendId(0)));
        edited.resources.push(("gpu".into(), Hold::Job));
        assert_eq!(
            revise(&plan, &edited, |_| Progress::Untouched).unwrap_err(),
            ["the stream B is new", "the backend claude is new", "the reviewer qa is new", "the resource gpu is new"]
        );
    }

    #[test]
    fn what_is_gone_stays_gone_and_comes_back_as_another() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let progress = |id: NodeId| match id.0 {
            0 | 2 => Progress::Over,
            1 | 3 => Progress::Gone,
            4 => Progress::Untouched,
            other => panic!("{other} is no node of the running plan"),
        };
        assert_eq!(revise(&plan, &blueprint(&[("1", "a")]), progress).unwrap(), Revision::default());
        let Revision { addition, stays } = revise(&plan, &blueprint(&[("1", "a"), ("2", "b")]), progress).unwrap();
        assert_eq!((changes(&addition), stays), ((vec!["2", "task:2"], &[][..]), vec![]));
        let (task, gate) = (NodeId(5), NodeId(6));
        let mut edges = addition.edges.clone();
        edges.sort_unstable();
        assert_eq!(edges, [(NodeId(2), task), (task, gate), (gate, NodeId(4))]);
        assert_eq!(plan.extend(&addition).unwrap().gate_of(task), Some(gate));
    }

    #[test]
    fn what_has_begun_goes_on_whatever_it_waits_for_less_and_needs_not_wait_for_what_is_over() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b"), ("3", "c")])).unwrap();
        let mut more = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        more.edges.push((NodeId(3), NodeId(2)));
        assert_eq!(revise(&plan, &more, come(3, 2)).unwrap(), Revision::default());
        assert_eq!(revise(&plan, &more, come(3, 1)).unwrap().addition.edges, [(NodeId(3), NodeId(2))]);
        // Task 3 has begun before task 2 was over, however that came about.
        let early = |id: NodeId| if id.0 == 2 { Progress::Begun } else { Progress::Untouched };
        let same = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        assert_eq!(revise(&plan, &same, early).unwrap(), Revision::default());
        let mut less = same;
        less.edges.retain(|edge| *edge != (NodeId(4), NodeId(2)));
        assert_eq!(revise(&plan, &less, early).unwrap(), Revision::default());
    }

    #[test]
    fn gates_that_have_begun_behind_one_that_is_judged_anew_are_too() {
        let grown = |tasks: &[(&str, &str)]| {
            let mut plan = blueprint(tasks);
            let (stream, system) = (plan.nodes.len() as u32 - 1, plan.nodes.len() as u32);
            plan.nodes.push(sample::gate(Level::System, "system"));
            plan.edges.insert(0, (NodeId(stream), NodeId(system)));
            plan
        };
        let plan = Plan::build(grown(&[("1", "a")])).unwrap();
        let edited = grown(&[("1", "a"), ("2", "b")]);
        let anew = revise(&plan, &edited, |_| Progress::Over).unwrap().addition;
        assert_eq!(changes(&anew), (vec!["2", "task:2", "stream:A", "system"], &[NodeId(2), NodeId(3)][..]));
        let progress = |id: NodeId| if id.0 == 3 { Progress::Untouched } else { Progress::Over };
        let anew = revise(&plan, &edited, progress).unwrap().addition;
        assert_eq!(changes(&anew), (vec!["2", "task:2", "stream:A"], &[NodeId(2)][..]));
        assert!(anew.edges.contains(&(NodeId(6), NodeId(3))), "{:?}", anew.edges);
    }

    #[test]
    fn a_task_and_its_gate_are_never_done_anew_without_each_other() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let untouched = |_| Progress::Untouched;
        let edited = revise(&plan, &blueprint(&[("1", "a"), ("2", "other")]), untouched).unwrap().addition;
        assert_eq!(changes(&edited), (vec!["2", "task:2"], &[NodeId(1), NodeId(3)][..]));
        let mut asked = blueprint(&[("1", "a"), ("2", "b")]);
        ask(&mut asked, 3, Means::Approved);
        let asked = revise(&plan, &asked, untouched).unwrap().addition;
        assert_eq!(changes(&asked), (vec!["2", "task:2"], &[NodeId(1), NodeId(3)][..]));
    }

    #[test]
    fn what_waits_for_less_is_added_anew_unless_it_need_not_wait_any_more() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b"), ("3", "c")])).unwrap();
        let mut edited = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        edited.edges.retain(|edge| *edge != (NodeId(4), NodeId(2)));
        let Revision { addition, .. } = revise(&plan, &edited, come(3, 1)).unwrap();
        assert_eq!(changes(&addition), (vec!["3", "task:3"], &[NodeId(2), NodeId(5)][..]));
        let grown = plan.extend(&addition).unwrap();
        assert_eq!(grown.dependencies(NodeId(7)).count(), 0, "it waits for nothing");
        assert_eq!(revise(&plan, &edited, come(3, 2)).unwrap(), Revision::default());
        let over = |id: NodeId| if [0, 1, 3, 4].contains(&id.0) { Progress::Over } else { Progress::Untouched };
        assert_eq!(revise(&plan, &edited, over).unwrap(), Revision::default());
    }

    #[test]
    fn nothing_is_held_back_that_has_begun_and_a_new_stream_is_refused_in_words() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let mut edited = blueprint(&[("1", "a"), ("2", "b"), ("3", "c")]);
        edited.edges.push((NodeId(5), NodeId(1)));
        edited.edges.retain(|edge| *edge != (NodeId(4), NodeId(2)));
        let refused = revise(&plan, &edited, come(2, 1)).unwrap_err();
        assert_eq!(refused, ["task 2 cannot be made to wait for task 3: it has begun"]);
        assert!(revise(&plan, &edited, |_| Progress::Over).is_ok(), "what is over has waited");
        let mut edited = blueprint(&[("1", "a"), ("2", "b")]);
        edited.streams[0].0 = "Z".into();
        assert_eq!(revise(&plan, &edited, come(2, 1)).unwrap_err(), ["the stream Z is new"]);
    }

    #[test]
    fn a_task_that_is_checked_off_when_it_is_over_reads_as_it_did() {
        let plan = Plan::build(blueprint(&[("1", "a"), ("2", "b")])).unwrap();
        let mut edited = blueprint(&[("1", "a"), ("2", "b")]);
        for node in &mut edited.nodes {
            if let Node::Task(task) = node {
                task.done = true;
                task.brief.text = format!("[x] {}", task.brief.text).into();
            }
        }
        let Revision { addition, stays } = revise(&plan, &edited, come(2, 1)).unwrap();
        assert_eq!((labels(&addition), stays.len()), (vec!["2", "task:2"], 0));
    }

    #[test]
    fn a_long_stream_is_compared_in_a_moment() {
        let names: Vec<String> = (0..60_000).map(|number| number.to_string()).collect();
        let tasks: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "a")).collect();
        let plan = Plan::build(blueprint(&tasks)).unwrap();
        let (edited, began) = (blueprint(&tasks), crate::plan::spent());
        assert_eq!(revise(&plan, &edited, |_| Progress::Untouched).unwrap(), Revision::default());
        // Each edge looked for among all of the stream's would be 1,800,000,000 steps.
        assert!((crate::plan::spent() - began).as_secs() < 5);
    }
}
