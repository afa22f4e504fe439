//! Chunk plans: `### Chunk 2: Name` with its fields, the graph that has to agree with them, tests between chunks and
//! workflows. Checkpoints and quality gates are gate lines as anywhere.

use super::{
    document::{self, Page},
    form::Form,
    interface,
    lines::Lines,
    mermaid,
};
use crate::plan::Fault;

/// Reads one. Where nothing states or draws an order, the chunks follow one after the other.
pub(super) fn read(lines: &Lines<'_>, form: Form, faults: &mut Vec<Fault>) -> Page {
    let mut page = document::read(lines, form, faults);
    mermaid::arrows(lines, &mut page, faults);
    interface::tests(lines, &mut page);
    interface::workflows(lines, &mut page);
    let says = |text: &str| text.chars().any(char::is_alphanumeric);
    if page.draft.tasks.iter().flat_map(|t| &t.needs).all(|n| !says(&n.text.value)) {
        document::in_sequence(&mut page.draft.tasks, |_| true);
    }
    page
}
