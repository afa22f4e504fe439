//! Arrows of a drawing, held against what the tasks themselves state: each has to follow from the other.

use super::{Arrow, Severity, Shown, Span, build::Builder, edges::Edges, reach::Reach, resolve::Target};
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

impl Builder<'_> {
    /// Tells each arrow that no field says, and each dependency between two drawn tasks that no arrow shows. What follows
    /// from several of the other kind agrees: a drawing leaves out what its other arrows say.
    pub(super) fn agreement(&mut self) {
        let draft = self.draft;
        if draft.arrows.is_empty() {
            return;
        }
        let count = draft.tasks.len();
        let stated = Reach::new(self.edges.sorted());
        let mut by_start: BTreeMap<usize, Vec<&Arrow>> = BTreeMap::new();
        draft.arrows.iter().for_each(|a| by_start.entry(a.before).or_default().push(a));
        for (&before, arrows) in &by_start {
            let Some(behind) = stated.behind(count + before) else { return self.unmatched() };
            let odd = arrows.iter().filter(|a| a.before != a.after && !behind.get(a.after).is_some_and(|&is| is));
            odd.for_each(|arrow| self.unsaid(arrow));
        }
        let arrows = || draft.arrows.iter().filter(|a| a.by != Shown::Row);
        let mut drawn = Edges::default();
        arrows().for_each(|a| drawn.insert((a.before as u32, a.after as u32), Some(a.at)));
        let drawn = Reach::new(drawn.sorted());
        let known: BTreeSet<usize> = arrows().flat_map(|a| [a.before, a.after]).collect();
        let mut behind: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
        let by = if arrows().any(|a| a.by == Shown::Graph) { Shown::Graph } else { Shown::Document };
        for &after in &known {
            for (before, at) in self.named_by(after).into_iter().filter(|(before, _)| known.contains(before)) {
                let reached = match behind.entry(before) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(free) => {
                        let Some(reached) = drawn.behind(before) else { return self.unmatched() };
                        free.insert(reached)
                    }
                };
                if before != after && !reached.get(after).is_some_and(|&is| is) {
                    self.undrawn(before, after, at, by);
                }
            }
        }
    }

    /// The tasks that a task's own fields name, and where.
    fn named_by(&self, task: usize) -> Vec<(usize, Span)> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        let needs = &self.draft.tasks[task].needs;
        needs.iter().for_each(|n| self.names.resolve(n, Some(Target::Task(task)), &mut found, &mut unknown));
        let task_of = |(target, at)| match target {
            Target::Task(task) => Some((task, at)),
            Target::Stream(_) | Target::Gate(_) => None,
        };
        found.into_iter().filter_map(task_of).collect()
    }

    fn unsaid(&mut self, arrow: &Arrow) {
        let (before, after) = (self.names.labels[arrow.before].clone(), self.names.labels[arrow.after].clone());
        let task = &self.draft.tasks[arrow.after];
        let field = task.needs.first().map_or(task.head, |needs| needs.text.at);
        let noun = self.draft.form.noun;
        let here = format!("what {noun} {after} waits for");
        if arrow.by == Shown::Row {
            let text = format!(
                "this says that {noun} {after} waits for {noun} {before}, which its own fields do not: it makes no edge"
            );
            let help = format!("name {before} in the dependencies of {after} if it does");
            let at = [(arrow.at, "here"), (field, here.as_str())];
            return self.fault(Severity::Warning, "drawing-disagrees", text, &at, Some(&help));
        }
        let text = format!("an arrow goes from {noun} {before} to {noun} {after}, which does not wait for it");
        let at = [(arrow.at, "the arrow"), (field, here.as_str())];
        let help = format!("name {before} in the dependencies of {after}, or take the arrow out");
        self.fault(severity(arrow.by), "drawing-disagrees", text, &at, Some(&help));
    }

    fn undrawn(&mut self, before: usize, after: usize, at: Span, by: Shown) {
        let mut arrows = self.draft.arrows.iter().filter(|a| a.by != Shown::Row);
        let arrow = arrows.clone().find(|a| a.after == after).or_else(|| arrows.next());
        let (before, after) = (self.names.labels[before].clone(), self.names.labels[after].clone());
        let noun = self.draft.form.noun;
        let text = format!("{noun} {after} waits for {noun} {before}, and no arrow goes from one to the other");
        let mut labels = vec![(at, "stated here")];
        labels.extend(arrow.map(|arrow| (arrow.at, "not among these arrows")));
        let help = format!("draw the arrow, or take {before} out of the dependencies of {after}");
        self.fault(severity(by), "drawing-disagrees", text, &labels, Some(&help));
    }

    fn unmatched(&mut self) {
        let at = self.draft.arrows.first().map_or_else(Span::default, |a| a.at);
        let text = "there are more arrows here than can be compared with the dependencies".to_owned();
        self.warn("drawing-unread", text, at, "draw fewer: what follows from other arrows needs none");
    }
}

fn severity(by: Shown) -> Severity {
    if by == Shown::Graph { Severity::Error } else { Severity::Warning }
}
