//! Warnings: what a person may have meant for a task, a gate or an end, and what is not read as one.

use super::{
    field, form,
    inline::plain,
    label,
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
    for &line in &outline.unread_notes {
        let help = "say it in the tasks below, or write `### Stream B: Title (Depends on Stream A)`";
        warn(line, "unread-dependency", "this says what it waits for, and is neither a stream nor a task", help);
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
pub(super) fn instead(lines: &Lines<'_>) -> Option<Fault> {
    const FEW: usize = 3;
    let texts = || (0..lines.len()).filter(|&n| lines.line(n).kind == Kind::Text).map(|n| lines.text(n));
    let waits = |text: &&str| field::orders(text).next().is_some();
    let is_item = |text: &&str| label::number(text).is_some_and(|(_, start)| label::checkbox(&text[start..]).is_none());
    let found = [
        (form::loose_boxes(lines), FEW, "boxes without a label"),
        (texts().filter(is_item).count(), FEW, "numbered items"),
        (texts().filter(waits).count(), 2, "fields of dependencies"),
    ];
    let enough = found.iter().filter(|(count, fewest, _)| count >= fewest);
    let mut found: Vec<String> = enough.map(|(count, _, what)| format!("{count} {what}")).collect();
    let has_headings = lines.iter().any(|line| matches!(line.kind, Kind::Heading(_)));
    found.extend(markup(lines).filter(|_| !has_headings).map(|name| format!("{name} instead of Markdown")));
    (!found.is_empty()).then(|| Fault {
        severity: Severity::Warning,
        code: "unread-task",
        text: format!("none of this is read as a task: {}", found.join(", ")),
        labels: Vec::new(),
        help: Some(
            "give each that is a task a label of its own: `### Task 1: Title`, `- [ ] 1. Title`, `- [ ] T001 Title`"
                .to_owned(),
        ),
    })
}

/// What a document without headings looks like.
fn markup(lines: &Lines<'_>) -> Option<&'static str> {
    let first = (0..lines.len()).map(|n| lines.text(n).trim()).find(|text| !text.is_empty() && *text != "---")?;
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match first.strip_suffix(':') {
        _ if first.starts_with('<') => Some("XML"),
        Some(key) if is_key(key) => Some("YAML"),
        _ => None,
    }
}
