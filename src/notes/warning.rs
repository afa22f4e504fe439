//! Warnings: what a person may have meant for a task, a gate or an end, and what is not read as one.

use super::{
    lines::{Kind, Lines},
    outline::{Outline, Owner},
    script,
};
use crate::plan::{Fault, Label, Severity};

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
    for (number, line) in lines.lines.iter().enumerate() {
        let Kind::Fence(place) = line.kind else { continue };
        let fence = &lines.fences[place];
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
