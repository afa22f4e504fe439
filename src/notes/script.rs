//! Fenced scripts: which blocks name a role, and what is wrong with those that nearly do.

use super::lines::{Kind, Lines};
use crate::plan::{Demand, Fault, FigureDraft, Label, Parse, Role, ScriptDraft, Severity, Span};
use std::ops::Range;

const ROLES: [Role; 6] =
    [Role::TestDeveloper, Role::Implementation, Role::Reviewer, Role::Expert, Role::Coordinator, Role::Check];

/// The scripts among some lines, and the lines that are no script's.
pub(super) fn read(lines: &Lines<'_>, numbers: Range<usize>, faults: &mut Vec<Fault>) -> (Vec<ScriptDraft>, String) {
    let mut scripts = Vec::new();
    let mut rest = String::new();
    let mut number = numbers.start;
    while number < numbers.end {
        let line = lines.line(number);
        if let Kind::Fence(place) = line.kind {
            let fence = &lines.fences[place as usize];
            if let Some((role, name)) = role(&fence.info, lines.line_span(number), faults) {
                let (figure, bound) = figure(&fence.info, lines.line_span(number), faults);
                if !fence.is_closed {
                    let text = "this script's fence is never closed".to_owned();
                    faults.push(fault(
                        "open-fence",
                        text,
                        lines.line_span(number),
                        "close it with a line of ``` below the script",
                    ));
                }
                let last = if fence.is_closed { fence.close } else { fence.close + 1 };
                let body = body(lines, number + 1..last.max(number + 1), line.indent);
                scripts.push(ScriptDraft { role, name, body, figure, bound, at: lines.line_span(number) });
                number = fence.close + 1;
                continue;
            }
        }
        let end = lines.get(number + 1).map_or(lines.source.len(), |l| l.start);
        rest.push_str(&lines.source[line.start..end]);
        number += 1;
    }
    scripts.shrink_to_fit();
    rest.shrink_to_fit();
    (scripts, rest)
}

/// The commands that settle a gate, among some lines. A script of another role has no task there, and is told.
pub(super) fn checks(lines: &Lines<'_>, numbers: Range<usize>, faults: &mut Vec<Fault>) -> Vec<ScriptDraft> {
    let (checks, others): (Vec<_>, Vec<_>) =
        read(lines, numbers, faults).0.into_iter().partition(|script| script.role == Role::Check);
    faults.extend(others.iter().map(|script| unused(script.at)));
    checks
}

/// A script that nobody runs.
pub(super) fn unused(at: Span) -> Fault {
    let help = "move it into its task; a `role=check` belongs into a gate line, a stream or a task";
    Fault {
        severity: Severity::Warning,
        ..fault("unused-script", "this script is in no task, and is not run".to_owned(), at, help)
    }
}

fn role(info: &str, at: Span, faults: &mut Vec<Fault>) -> Option<(Role, Option<String>)> {
    // `{.sh role=check}` is how some write it.
    let info = info.trim_start_matches('{').trim_end_matches('}').trim();
    let value = |key: &str| info.split_whitespace().find_map(|w| w.strip_prefix(key)).map(|v| v.trim_matches('"'));
    let wanted = value("role=")?;
    let Some(role) = ROLES.into_iter().find(|r| r.name() == wanted) else {
        let text = format!("no role is called `{}`", super::inline::tidy(wanted));
        faults.push(fault(
            "unknown-role",
            text,
            at,
            "roles are test-developer, implementation, reviewer, expert, coordinator and check",
        ));
        return None;
    };
    let language = info.split_whitespace().next().unwrap_or_default().trim_start_matches('.');
    if !matches!(language, "sh" | "bash" | "shell") && !language.contains('=') {
        let text = "a script is run by `sh -eu`, whatever its fence says".to_owned();
        faults.push(fault("script-language", text, at, "write ```sh, and call another interpreter from there"));
    }
    Some((role, value("name=").map(super::inline::tidy).filter(|n| !n.is_empty())))
}

/// What a fence says of the figure that its script prints: how it is read, and what it must hold.
fn figure(info: &str, at: Span, faults: &mut Vec<Fault>) -> (Option<FigureDraft>, Option<Demand>) {
    let mut bad = |text: String, help: &str| faults.push(fault("bad-figure", text, at, help));
    let read = match (attribute(info, "figure"), attribute(info, "report")) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            bad("a figure is printed, or it is in a report".to_owned(), "write `figure=...` or `report=...`");
            None
        }
        (None, Some(paths)) => {
            let paths: Vec<Box<str>> = paths.split(',').map(|path| path.trim().into()).collect();
            let is_path =
                |path: &str| !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..");
            match paths.iter().all(|path| is_path(path)) {
                true => Some(FigureDraft::Reports(paths)),
                false => {
                    bad("a report is named by its path in the repository".to_owned(), "such as `report=coverage.xml`");
                    None
                }
            }
        }
        (Some("exit"), None) => Some(FigureDraft::Exit),
        (Some("last"), None) => Some(FigureDraft::Printed(Parse::Last)),
        (Some(pointer), None) if pointer.starts_with('/') => Some(FigureDraft::Printed(Parse::Pointer(pointer.into()))),
        (Some(pattern), None) => match one_group(pattern) {
            Ok(()) => Some(FigureDraft::Printed(Parse::Pattern(pattern.into()))),
            Err(why) => {
                bad(
                    format!("the pattern of this figure {why}"),
                    "such as `figure=\"TOTAL ([0-9.]+)%\"`; or `last`, `exit`, `/json/pointer`",
                );
                None
            }
        },
    };
    let bound = attribute(info, "bound").and_then(|text| {
        let demand = Demand::of(text);
        if demand.is_none() {
            bad(
                format!("`{}` is no bound", super::inline::tidy(text)),
                "such as `bound=\"at least 80 %\"` or `bound=\"under 200 ms\"`",
            );
        }
        demand
    });
    (read, bound)
}

/// Whether a text is a regular expression with one group, which is the figure.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn one_group(pattern: &str) -> Result<(), String> {
    match regex::Regex::new(pattern) {
        Ok(regex) if regex.captures_len() == 2 => Ok(()),
        Ok(regex) => Err(format!("has {} groups, and it is one that holds the figure", regex.captures_len() - 1)),
        Err(regex::Error::CompiledTooBig(_)) => Err("is too large".to_owned()),
        Err(_) => Err("is no regular expression".to_owned()),
    }
}

/// What stands behind `key=`, in quotes where it has blanks.
fn attribute<'i>(info: &'i str, key: &str) -> Option<&'i str> {
    let starts = info.match_indices(key).map(|(at, _)| at);
    let is_key = |at: &usize| {
        info[*at + key.len()..].starts_with('=') && info[..*at].chars().next_back().is_none_or(char::is_whitespace)
    };
    let value = &info[starts.into_iter().find(is_key)? + key.len() + 1..];
    let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    Some(match quoted {
        Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
        None => value.split(|c: char| c.is_whitespace() || c == '}').next().unwrap_or_default(),
    })
}

/// The script without the columns that its fence is indented by.
fn body(lines: &Lines<'_>, numbers: Range<usize>, indent: usize) -> String {
    let mut body = String::new();
    for number in numbers {
        let line = lines.line(number);
        let end = lines.get(number + 1).map_or(lines.source.len(), |l| l.start);
        let raw = &lines.source[line.start..end];
        let mut columns = 0;
        let blanks = raw.chars().take_while(|&c| {
            let next = if c == '\t' { (columns / 4 + 1) * 4 } else { columns + 1 };
            let is_margin = matches!(c, ' ' | '\t') && next <= indent;
            columns = next;
            is_margin
        });
        body.push_str(&raw[blanks.count()..]);
    }
    if body.contains('\r') { body.replace("\r\n", "\n") } else { body }
}

fn fault(code: &'static str, text: String, at: Span, help: &str) -> Fault {
    let labels = vec![Label { at, text: String::new() }];
    Fault { severity: Severity::Error, code, text, labels, help: Some(help.to_owned()) }
}
