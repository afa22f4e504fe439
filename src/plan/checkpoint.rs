//! Checkpoints: gates that stand behind several things at once, or behind a phase, and who waits for them.

use super::{
    Criterion, Gate, Level, Node, ScriptDraft, Span, Written, build::Builder, criteria, measure::Instruments,
    reach::Reach,
};

/// A checkpoint's own name, and the gates that it stands behind.
pub(super) type Standing = (String, Vec<usize>);

impl Builder<'_> {
    /// The gates of the phases: nodes whose places are known before (`phase_gate`), since the order of the document hangs them in.
    pub(super) fn hang_phases(&self, nodes: &mut Vec<Node>) {
        let level = Instruments { settings: self.settings, checks: &self.settings.stream_checks, is_task: false };
        for phase in &self.draft.phases {
            let name = format!("the checks after {} succeed", phase.title.value);
            let mut criteria = criteria::of_level(&name, Level::Checkpoint.name(), level);
            let at_end = |text: &Written<String>| {
                criteria::of_phase(&text.value, self.draft.slice(text.at), self.draft.line(text.at), level)
            };
            criteria.extend(phase.gates.iter().map(at_end));
            let label = format!("phase:{}", phase.id.value).into();
            nodes.push(Node::Gate(Gate { level: Level::Checkpoint, label, criteria }));
        }
    }

    /// The checkpoint of a gate line. Lines of one gate are one checkpoint where they stand behind the same.
    pub(super) fn hang_checkpoint(
        &mut self,
        (id, number): (&str, u32),
        mut gates: Vec<usize>,
        criterion: Criterion,
        nodes: &mut Vec<Node>,
    ) -> usize {
        gates.sort_unstable();
        let standing = (id.to_owned(), gates);
        let at = match self.checkpoints.get(&standing) {
            Some(&at) => at,
            None => {
                let at = nodes.len();
                standing.1.iter().for_each(|&gate| self.edge(gate, at, None));
                let others = (standing.0.clone(), Vec::new())..;
                let is_taken = self.checkpoints.range(others).next().is_some_and(|((other, _), _)| other == id);
                let label = if is_taken { format!("checkpoint:{id}-{number}") } else { format!("checkpoint:{id}") };
                nodes.push(Node::Gate(Gate { level: Level::Checkpoint, label: label.into(), criteria: Vec::new() }));
                self.checkpoints.insert(standing, at);
                at
            }
        };
        if let Node::Gate(gate) = &mut nodes[at] {
            gate.criteria.push(criterion);
        }
        at
    }

    /// What checkpoints ask beside their lines: the checks, behind them, where no line asks for just these.
    pub(super) fn check_checkpoints(&self, nodes: &mut [Node]) {
        let level = Instruments { settings: self.settings, checks: &self.settings.stream_checks, is_task: false };
        for ((id, _), &at) in &self.checkpoints {
            let Node::Gate(gate) = &mut nodes[at] else { continue };
            let name = format!("the checks of checkpoint {id} succeed");
            let checks = criteria::of_level(&name, Level::Checkpoint.name(), level);
            let is_new = |check: &Criterion| gate.criteria.iter().all(|own| own.means != check.means);
            let checks: Vec<Criterion> = checks.into_iter().filter(is_new).collect();
            gate.criteria.extend(checks);
        }
    }

    /// Whoever comes after all that a checkpoint stands behind comes after the checkpoint: the first tasks of those wait for it. To be
    /// asked when all else has its edges.
    pub(super) fn hold_behind(&mut self) {
        let reach = Reach::new(self.edges.sorted());
        let count = self.draft.tasks.len();
        let mut held = Vec::new();
        for ((_, gates), &checkpoint) in &self.checkpoints {
            let Some(first) = first_behind(&reach, gates, count) else {
                let text = "more gates stand behind several streams or tasks each than can be looked at".to_owned();
                return self.error(
                    "too-many-checkpoints",
                    text,
                    &[],
                    "let each stand behind one stream, or merge some",
                );
            };
            held.extend(first.into_iter().map(|task| (checkpoint, task)));
        }
        held.into_iter().for_each(|(checkpoint, task)| self.edge(checkpoint, task, None));
    }

    /// The dependencies that name a gate line. `hung` has the node of each line; the system gate, which is none yet, waits for every
    /// task, and none can wait for it.
    pub(super) fn wait_for_gates(&mut self, hung: &[Option<usize>]) {
        for (line, task, at) in std::mem::take(&mut self.after_gates) {
            match hung.get(line).copied().flatten() {
                Some(gate) => self.edge(gate, task, Some(at)),
                None => {
                    let text = format!(
                        "`{}` is asked for by the system gate, which waits for every task",
                        self.draft.slice(at)
                    );
                    let help = "say behind which stream the gate stands, such as `(after Stream A)`, where it is not the last one";
                    self.warn("unresolved-dependency", text, at, help);
                }
            }
        }
    }

    /// Whether what fences say of a figure goes with what their line asks for.
    pub(super) fn figure_faults(&mut self, text: &str, own: &[ScriptDraft], at: Span) {
        if criteria::lacks_bound(text, own) {
            let text = "a figure is read here, and nothing says what it must hold".to_owned();
            let help = "write a bound into the line, such as `at least 80 %` or `under 200 ms`, or `bound=\"...\"` behind `role=check`";
            self.warn("figure-without-bound", text, at, help);
        }
    }
}

/// The tasks that come after all of these, without those that come after one of them; nothing where too much was asked.
fn first_behind(reach: &Reach, gates: &[usize], count: usize) -> Option<Vec<usize>> {
    let (first, others) = gates.split_first()?;
    let mut behind = reach.behind(*first)?;
    for &gate in others {
        let also = reach.behind(gate)?;
        behind.iter_mut().zip(also).for_each(|(is, also)| *is &= also);
    }
    let mut is_later = vec![false; behind.len()];
    for node in (0..behind.len()).filter(|&node| behind[node]) {
        reach.after(node)?.iter().for_each(|&next| is_later[next as usize] = true);
    }
    let tasks = 0..count.min(behind.len());
    Some(tasks.filter(|&task| behind[task] && !is_later[task]).collect())
}
