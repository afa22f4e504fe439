//! Chunk plans: `### Chunk 2: Name` with its fields, the graph that has to agree with them, tests between chunks and
//! workflows. Checkpoints and quality gates are gate lines as anywhere.

use super::{
    document::{self, Page},
    form::Form,
    inline::plain,
    interface,
    lines::Lines,
    mermaid,
};
use crate::plan::{Fault, Label, Severity};

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
    unfilled(&page, faults);
    page
}

/// Tells the titles that are still those of the template.
pub(super) fn unfilled(page: &Page, faults: &mut Vec<Fault>) {
    for task in &page.draft.tasks {
        let title = &task.title.value;
        let inner = title.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or_default();
        let is_code = inner.contains('_') && !inner.chars().any(char::is_lowercase);
        let is_word = matches!(plain(inner).to_lowercase().as_str(), "name" | "title" | "chunk name" | "unit" | "unit name");
        if is_code || is_word {
            let labels = vec![Label { at: task.title.at, text: String::new() }];
            let text = format!("`{title}` is still the template's");
            let help = Some("say in a few words what is to be done".to_owned());
            faults.push(Fault { severity: Severity::Warning, code: "unfilled", text, labels, help });
        }
    }
}
