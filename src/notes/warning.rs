//! Warnings: what a person may have meant for a task, a gate or an end, and what is not read as one.

use super::{
    form,
    inline::plain,
    lines::{Kind, Lines},
    outline::{Outline, Owner},
    script,
};
use crate::plan::{Fault, Label, Severity, TaskDraft};

/// All of them.
pub(super) fn unread(lines: &Lines<'_>, outline: &Outline) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut warn = |line: usize, code, text: &str, help: &str| {
        let labels = vec![Label { at: lines.line_span(line), text: String::new() }];
        let (text, help) = (text.to_owned(), Some(help.to_owned()));
        found.push(Fault { severity: Severity::Warning, code, text, labels, help });
    };
    for &line in &outline.unread_gates {
        let help = "write each as `- **Gate 1**: All tests pass (after Stream A)`";
        warn(line, "unread-gates", "no line of this section is read as a gate", help);
    }
    for &line in &outline.unread {
        let help = "if it is one, write `### Task 3: Title`, or a field such as `- Dependencies: None` below it";
        warn(line, "unread-task", "this begins as a task does, and is not read as one", help);
    }
    let mut loose = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Kind::Fence(place) = line.kind else { continue };
        let fence = &lines.fences[place as usize];
        let is_script = fence.info.contains("role=");
        if is_script && outline.owners[number] == Owner::Document {
            loose.push(script::unused(lines.line_span(number)));
        } else if !is_script && !fence.is_closed {
            warn(
                number,
                "open-fence",
                "this fence is never closed: all below it is code",
                "close it with a line of ```",
            );
        }
    }
    if let Some(line) = lines.open_comment {
        warn(line, "open-comment", "this comment is never closed: all below it is hidden", "close it with `-->`");
    }
    found.extend(loose);
    found
}

/// Titles that are still those of a template.
pub(super) fn unfilled(tasks: &[TaskDraft]) -> Vec<Fault> {
    let is_unfilled = |title: &str| {
        let inner = title.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or_default();
        let is_code = inner.contains('_') && !inner.chars().any(char::is_lowercase);
        let words = ["name", "title", "task name", "task title", "chunk name", "step name", "unit", "unit name"];
        is_code || words.contains(&plain(inner).to_lowercase().as_str())
    };
    let tell = |task: &TaskDraft| Fault {
        severity: Severity::Warning,
        code: "unfilled",
        text: format!("`{}` is still the template's", task.title.value),
        labels: vec![Label { at: task.title.at, text: String::new() }],
        help: Some("say in a few words what is to be done".to_owned()),
    };
    tasks.iter().filter(|task| is_unfilled(&task.title.value)).map(tell).collect()
}

/// What a document without tasks has instead.
pub(super) fn boxes(lines: &Lines<'_>) -> Option<Fault> {
    const FEW: usize = 3;
    let count = form::loose_boxes(lines);
    (count >= FEW).then(|| Fault {
        severity: Severity::Warning,
        code: "unread-task",
        text: format!("{count} boxes have no label, and none is read as a task"),
        labels: Vec::new(),
        help: Some("give each that is a task a label of its own: `- [ ] 1. Title`, `- [ ] T001 Title`".to_owned()),
    })
}
