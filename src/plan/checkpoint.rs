//! Checkpoints: who waits for a gate that stands behind several things at once, or that a dependency names.

use super::{ScriptDraft, Span, build::Builder, criteria};

/// More gates than this that stand behind several streams or tasks are a slip: each costs a walk over the whole plan.
const MOST_CHECKPOINTS: usize = 200;

impl Builder<'_> {
    /// Whoever comes after all that a checkpoint stands behind comes after the checkpoint: the first tasks of those wait for it.
    pub(super) fn hold_behind(&mut self, checkpoint: usize, gates: &[usize]) {
        self.checkpoints += 1;
        if self.checkpoints > MOST_CHECKPOINTS {
            if self.checkpoints == MOST_CHECKPOINTS + 1 {
                let text = format!("more than {MOST_CHECKPOINTS} gates stand behind several streams or tasks each");
                self.error("too-many-checkpoints", text, &[], "let each stand behind one stream, or merge some");
            }
            return;
        }
        let mut times = vec![0_usize; checkpoint + 1];
        for &gate in gates {
            let mut seen = vec![false; checkpoint + 1];
            let mut open = vec![gate];
            while let Some(at) = open.pop() {
                for next in self.after(at).filter(|&next| next < checkpoint).collect::<Vec<_>>() {
                    if !std::mem::replace(&mut seen[next], true) {
                        times[next] += 1;
                        open.push(next);
                    }
                }
            }
        }
        let is_behind = |node: usize| times[node] == gates.len();
        let mut is_later = vec![false; checkpoint + 1];
        for node in (0..checkpoint).filter(|&node| is_behind(node)) {
            self.after(node).filter(|&next| next < checkpoint).for_each(|next| is_later[next] = true);
        }
        let count = self.draft.tasks.len();
        let first: Vec<usize> = (0..count.min(checkpoint)).filter(|&task| is_behind(task) && !is_later[task]).collect();
        first.into_iter().for_each(|task| self.edge(checkpoint, task, None));
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

    fn after(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let node = node as u32;
        self.edges.range((node, 0)..=(node, u32::MAX)).map(|(&(_, after), _)| after as usize)
    }
}
