//! What of a plan is asked for: all of it, or one task with what it hangs on.

use super::{Stop, args::Execute, exit::Exit};
use crate::plan::{NodeId, Plan};
use std::collections::BTreeSet;

/// The nodes that `--only` asks for, sorted: the task, its gate, and everything that they hang on. Empty: all.
pub(super) fn only(wish: &Execute, plan: &Plan) -> Result<Vec<NodeId>, Stop> {
    let Some(name) = &wish.only else { return Ok(Vec::new()) };
    let is_meant = |id: &NodeId| plan.node(*id).task().is_some_and(|task| task.label.eq_ignore_ascii_case(name));
    // Of several of one name, what an edit put in the place of the others is the last.
    let Some(task) = plan.ids().filter(is_meant).last() else {
        let known: Vec<&str> =
            plan.ids().filter_map(|id| plan.node(id).task()).map(|task| &*task.label).take(40).collect();
        let text = format!(
            "error: there is no task `{}`\n  = help: there are {}\n",
            crate::text::clean(name),
            known.join(", ")
        );
        return Err(Stop::new(Exit::Faulty, text));
    };
    let (mut asked, mut open) = (BTreeSet::new(), vec![task]);
    open.extend(plan.gate_of(task));
    while let Some(node) = open.pop() {
        if asked.insert(node) {
            open.extend(plan.dependencies(node));
        }
    }
    Ok(asked.into_iter().collect())
}
