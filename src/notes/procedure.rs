//! Step plans: `### Step 3: Name` one after the other, with substeps `3a`, `3b`. What results documents look like is told.

use super::{
    document::{self, Page},
    field,
    form::Form,
    label,
    lines::{Kind, Lines},
    outline::TaskLines,
    task::{verbatim, written},
};
use crate::plan::{Fault, Label, Severity, StepDraft};

/// Reads one.
pub(super) fn read(lines: &Lines<'_>, faults: &mut Vec<Fault>) -> Page {
    let mut page = document::read(lines, Form::Steps, faults);
    for task in 0..page.draft.tasks.len() {
        let part = page.lines_of(task).clone();
        let id = page.draft.tasks[task].id.as_ref().map(|id| id.value.clone()).unwrap_or_default();
        page.draft.tasks[task].steps.extend(substeps(lines, &part, &id));
    }
    document::in_sequence(&mut page.draft.tasks, |_| true);
    results(lines, &page, faults);
    page
}

/// `#### 3a. Title`, `**3b**: Title`, `- 3c: Title`, `3d. [x] Title`.
fn substeps(lines: &Lines<'_>, part: &TaskLines, step: &str) -> Vec<StepDraft> {
    let mut steps = Vec::new();
    for number in part.lines.start + 1..part.lines.end {
        let line = lines.line(number);
        if !matches!(line.kind, Kind::Text | Kind::Heading(_)) {
            continue;
        }
        let text = lines.text(number);
        let mut start = label::bullet(text).unwrap_or(0);
        let mut boxed = label::checkbox(&text[start..]);
        start += boxed.map_or(0, |(_, n)| n);
        start = text.len() - text[start..].trim_start_matches(['*', '_']).len();
        let word = ["substep ", "sub-step ", "step "]
            .iter()
            .find(|w| text.get(start..start + w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w)));
        start += word.map_or(0, |w| w.len());
        let length = label::id_length(&text[start..]);
        let id = &text[start..start + length];
        let tail = id.strip_prefix(step).filter(|_| !step.is_empty()).unwrap_or_default();
        let is_letter = tail.len() == 1 && tail.bytes().all(|b| b.is_ascii_lowercase());
        let is_number = tail.strip_prefix('.').is_some_and(|n| !n.is_empty());
        let rest = text[start + length..].trim_start_matches('*');
        let title = rest.trim_start_matches([':', '.', ')', '*', ' ', '-', '–', '—']);
        if !(is_letter || is_number) || title.len() == rest.len() || title.is_empty() {
            continue;
        }
        let behind = label::checkbox(title);
        boxed = boxed.or(behind);
        let title = &title[behind.map_or(0, |(_, n)| n)..];
        let id = line.text + start..line.text + start + length;
        steps.push(StepDraft {
            id: Some(verbatim(lines, id)),
            title: written(lines, line.end - title.len()..line.end),
            is_done: boxed.is_some_and(|(is_checked, _)| is_checked),
        });
    }
    steps
}

/// A document whose every step has a status and results tells what was done.
fn results(lines: &Lines<'_>, page: &Page, faults: &mut Vec<Fault>) {
    let says = |part: &TaskLines, words: &[&str]| {
        (part.lines.start + 1..part.lines.end).any(|n| {
            let text = lines.text(n);
            let bold = label::bold(text).map(|(inner, _)| text[inner].trim_end_matches(':').to_lowercase());
            field::opening(text).is_some() && bold.is_some_and(|name| words.contains(&name.as_str()))
        })
    };
    let is_result = |task: usize| {
        let part = page.lines_of(task);
        says(part, &["status"]) && says(part, &["result", "results", "test results", "lessons learned"])
    };
    let count = page.draft.tasks.len();
    if count > 0 && (0..count).all(is_result) {
        let labels = vec![Label { at: page.draft.tasks[0].head, text: "the first of them".to_owned() }];
        let text = format!(
            "these {count} steps have a status and results: they tell what was done, and not what is to be done"
        );
        let help = Some("put the implementation document here; tidegate writes the results document".to_owned());
        faults.push(Fault { severity: Severity::Error, code: "unread-format", text, labels, help });
    }
}
