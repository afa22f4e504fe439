//! Rows that are tasks: a table with an id, a title and what each task depends on.

use super::{
    claim, dependency,
    document::Page,
    effort,
    field::{self, Key},
    inline::plain,
    label,
    lines::{Kind, Lines},
    mermaid::MOST_ARROWS,
    outline::{Owner, TaskLines},
    table,
    task::{verbatim, written},
};
use crate::plan::{Arrow, Name, Shown, TaskDraft, Written};
use std::ops::Range;

/// Which column is what, by the header's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The task's label.
    pub id: usize,
    /// What is to be done.
    pub title: usize,
    depends: usize,
    status: Option<usize>,
    effort: Option<usize>,
    tests: Option<usize>,
    files: Option<usize>,
    exclusive: Option<usize>,
    resources: Option<usize>,
    stream: Option<usize>,
    agent: Option<usize>,
}

impl Columns {
    /// The columns of a header; nothing where they are not a task's.
    pub(super) fn of(lines: &Lines<'_>, header: usize) -> Option<Columns> {
        let cells = table::cells(lines, header);
        let names: Vec<String> = cells.into_iter().map(|c| plain(&lines.source[c]).to_lowercase()).collect();
        let depends = names.iter().position(|name| is_order(name))?;
        let is_id = |n: &str| {
            matches!(n, "id" | "#" | "no" | "key" | "ticket" | "nr") || n.ends_with(" id") || n.ends_with(" #")
        };
        let is_title = |n: &str| {
            let words = ["title", "task", "description", "name", "story", "summary", "work", "what", "deliverable"];
            words.iter().any(|w| n.contains(w))
        };
        let id = names.iter().position(|n| is_id(n)).or_else(|| {
            // `| Task | Description | Depends on |`: the first column is the label.
            let others = names.iter().skip(1).filter(|n| is_title(n)).count();
            (others > 0 && matches!(names[0].as_str(), "task" | "story" | "item" | "step")).then_some(0)
        })?;
        if names[id].contains("test") {
            return None;
        }
        let free = |at: &usize| *at != id && *at != depends;
        let by = |is: &dyn Fn(&str) -> bool| (0..names.len()).filter(free).find(|&at| is(&names[at]));
        let has = |words: &[&str]| by(&|n: &str| words.iter().any(|w| n.contains(w)));
        let keyed = |key: Key| by(&|n: &str| field::key(n) == key);
        Some(Columns {
            id,
            title: by(&is_title)?,
            depends,
            status: has(&["status", "state", "done"]),
            effort: has(&["effort", "estimate", "duration", "time"]),
            tests: has(&["test"]),
            files: by(&|n: &str| (n.contains("file") || n.contains("path")) && field::key(n) != Key::Exclusive),
            exclusive: keyed(Key::Exclusive),
            resources: keyed(Key::Resources),
            stream: by(&|n: &str| matches!(n, "stream" | "track" | "workstream" | "lane" | "group")),
            agent: has(&["agent", "owner", "assignee"]),
        })
    }
}

/// Whether a column says what a task waits for.
fn is_order(name: &str) -> bool {
    name.contains("depend") || name.starts_with("deps") || name.contains("blocked by") || name.contains("prerequisite")
}

/// Takes what is said of tasks that are told elsewhere: `| Task 3 | Task 1 |` below a header with what each depends on, and
/// `- Task 1 → Task 2` outside of a task.
pub(super) fn beside(lines: &Lines<'_>, page: &mut Page) {
    let is_outside =
        |n: &usize| !matches!(page.outline.owners[*n], Owner::Task(_)) && lines.line(*n).kind == Kind::Text;
    let arrows: Vec<usize> =
        (0..lines.len()).filter(is_outside).filter(|&n| label::arrow(lines.text(n), 0).is_some()).collect();
    let is_row = |n: &usize| lines.line(*n).kind == Kind::Row;
    if arrows.is_empty() && !(0..lines.len()).any(|n| is_row(&n)) {
        return;
    }
    let index = page.index();
    let task = |cell: &Range<usize>| {
        let text = &lines.source[cell.clone()];
        index.id(&plain(text)).or_else(|| index.task(lines.noun, text))
    };
    let mut drawn = Vec::new();
    for number in arrows {
        let (line, text) = (lines.line(number), lines.text(number));
        let start = label::bullet(text).or_else(|| label::number(text).map(|(_, start)| start)).unwrap_or(0);
        let pieces = label::between_arrows(text, start);
        let pieces = pieces.into_iter().map(|piece| line.text + piece.start..line.text + piece.end);
        let tasks: Vec<_> = pieces.map(|piece| (task(&piece), piece)).collect();
        drawn.extend(tasks.windows(2).filter_map(|pair| {
            let [(before, from), (after, to)] = pair else { return None };
            Some(Arrow { before: (*before)?, after: (*after)?, at: lines.span(from.start, to.end), by: Shown::Row })
        }));
    }
    page.draft.arrows.extend(drawn.into_iter().take(MOST_ARROWS));
    let (mut header, mut depends) = (0, None);
    for number in (0..lines.len()).filter(|&n| lines.line(n).kind == Kind::Row) {
        let cells = table::cells(lines, number);
        if number == 0 || lines.line(number - 1).kind != Kind::Row {
            let is_order = |cell: &Range<usize>| is_order(&plain(&lines.source[cell.clone()]).to_lowercase());
            (header, depends) = (number, cells.iter().position(is_order));
            continue;
        }
        let Some(cell) = depends.and_then(|at| cells.get(at)).filter(|_| number > header + 1) else { continue };
        let others = cells.iter().enumerate().filter(|(at, _)| Some(*at) != depends);
        let Some(after) = others.map(|(_, cell)| cell).find_map(task) else { continue };
        let Some(needs) = dependency::needs(lines, std::slice::from_ref(cell)) else { continue };
        for name in needs.names {
            let before = match &name.value {
                Name::Task { id, .. } => index.id(id),
                Name::Title(title) | Name::Words(title) => index.title(title),
                _ => None,
            };
            let Some(before) = before.filter(|_| page.draft.arrows.len() < MOST_ARROWS) else { continue };
            page.draft.arrows.push(Arrow { before, after, at: name.at, by: Shown::Row });
        }
    }
}

/// Whether a cell is a label: no blanks, and a digit or a single letter in it.
pub(super) fn is_id(lines: &Lines<'_>, cell: &Range<usize>) -> bool {
    let text = plain(&lines.source[cell.clone()]);
    let is_word = !text.is_empty() && text.len() <= 40 && !text.contains(char::is_whitespace);
    is_word && (text.contains(|c: char| c.is_ascii_digit()) || text.len() == 1)
}

/// Reads one row.
pub(super) fn read(lines: &Lines<'_>, row: &TaskLines) -> (TaskDraft, Option<Range<usize>>) {
    let header = row.table.unwrap_or(row.lines.start);
    let cells = table::cells(lines, row.lines.start);
    let Some(columns) = Columns::of(lines, header) else { return (TaskDraft::default(), None) };
    let cell = |at: Option<usize>| {
        let cell = at.and_then(|at| cells.get(at)).cloned()?;
        (!dependency::is_none(&lines.source[cell.clone()])).then_some(cell)
    };
    let title = cells.get(columns.title).cloned().unwrap_or(row.content..row.content);
    let id = cells.get(columns.id).cloned().unwrap_or_default();
    let text = |at| cell(at).map(|c| written(lines, c));
    let status = text(columns.status).map(|s| s.value.to_lowercase()).unwrap_or_default();
    let line = lines.line(row.lines.start);
    let head = lines.line(header);
    let task = TaskDraft {
        id: Some(bare(lines, id)),
        title: written(lines, title),
        head: lines.line_span(row.lines.start),
        needs: cells
            .get(columns.depends)
            .and_then(|c| dependency::needs(lines, std::slice::from_ref(c)))
            .into_iter()
            .collect(),
        is_done: matches!(
            status.as_str(),
            "done" | "complete" | "completed" | "✅" | "x" | "[x]" | "✅ done" | "✅ complete"
        ),
        effort: cell(columns.effort).and_then(|c| {
            let value = effort::effort(&plain(&lines.source[c.clone()]))?;
            Some(Written { value, at: lines.span(c.start, c.end) })
        }),
        tests: text(columns.tests).into_iter().collect(),
        files: cell(columns.files).map(|c| paths(lines, c)).unwrap_or_default(),
        claims: [(columns.exclusive, true), (columns.resources, false)]
            .into_iter()
            .filter_map(|(at, is_certain)| Some((cell(at)?, is_certain)))
            .flat_map(|(cell, is_certain)| claim::read(lines, cell, is_certain))
            .collect(),
        agent: text(columns.agent),
        // The header says what the cells are.
        text: format!("{}\n{}\n", &lines.source[head.text..head.end], &lines.source[line.text..line.end]),
        ..TaskDraft::default()
    };
    (task, cell(columns.stream))
}

/// An id without its markup, which stands around it.
fn bare(lines: &Lines<'_>, cell: Range<usize>) -> Written<String> {
    let text = &lines.source[cell.clone()];
    let inner = text.trim_matches(['*', '`', '_', '[', ']', '~', ' ']);
    let start = cell.start + text.find(inner).unwrap_or(0);
    let id = start..start + inner.len();
    let title = label::trimmed(lines.source, id);
    verbatim(lines, title)
}

/// The paths of a cell.
fn paths(lines: &Lines<'_>, cell: Range<usize>) -> Vec<Written<String>> {
    let text = &lines.source[cell.clone()];
    let mut at = cell.start;
    let mut found = Vec::new();
    for token in text.split_inclusive([',', ' ', ';']) {
        let path = token.trim_matches([',', ' ', ';', '`', '*']);
        if path.contains(['/', '.']) {
            let start = at + token.find(path).unwrap_or(0);
            found.push(verbatim(lines, start..start + path.len()));
        }
        at += token.len();
    }
    found
}
