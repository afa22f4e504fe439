//! Faults as people read them: the file, the line, the text underlined, what to write instead. And as machines do.

use crate::plan::{Draft, Fault, Severity, Source, SourceId, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Warnings of one kind that are told in full.
const ALIKE: usize = 2;
/// Columns that a message keeps to, where the source lets it.
const WIDTH: usize = 100;
/// Bytes of a source line that are shown; agents write whole documents on a line.
const MOST_EXCERPT: usize = 64 * 1024;
/// Of a longer line only the place is told: nobody finds a mark in it, and it takes long to draw.
const LONGEST_LINE: usize = 2_000;

/// All faults, one below the other, each with an empty line behind it.
pub fn render(draft: &Draft, faults: &[Fault], in_color: bool) -> String {
    let renderer = if in_color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let mut out = String::new();
    // Warnings first: what refuses a document is read last, where the prompt is.
    let (errors, warnings): (Vec<&Fault>, Vec<&Fault>) = faults.iter().partition(|f| f.severity == Severity::Error);
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for warning in &warnings {
        let lines = seen.entry(warning.code).or_default();
        lines.push(warning.labels.first().map_or(String::new(), |label| line_of(draft, label.at)));
        if lines.len() <= ALIKE {
            out.push_str(&one(draft, warning, &renderer));
            out.push_str("\n\n");
        }
    }
    for (code, lines) in seen.iter().filter(|(_, lines)| lines.len() > ALIKE) {
        let lines: Vec<&str> = lines[ALIKE..].iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        out.push_str(&format!(
            "warning[{code}]: the same in {} {}\n\n",
            if lines.len() == 1 { "line" } else { "lines" },
            lines.join(", ")
        ));
    }
    for error in errors {
        out.push_str(&one(draft, error, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// `12`; `12 of COORDINATION-PLAN.md` where that is not the document that makes the tasks.
pub(super) fn line_of(draft: &Draft, at: Span) -> String {
    let line = draft.line(at);
    match draft.sources.get(usize::from(at.source.0)).filter(|_| at.source != SourceId::default()) {
        Some(other) => format!("{line} of {}", other.path.rsplit('/').next().unwrap_or_default()),
        None => line.to_string(),
    }
}

fn one(draft: &Draft, fault: &Fault, renderer: &Renderer) -> String {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = clean(&fault.text);
    let help = fault.help.as_deref().map(clean);
    let mut group = Group::with_title(level.primary_title(&title).id(fault.code));
    let excerpts = excerpts(draft, fault);
    for (source, text, first, labels) in &excerpts {
        if labels.is_empty() || text.lines().any(|line| line.len() > LONGEST_LINE) {
            let (line, column) = fault.labels.first().map_or((0, 0), |label| draft.place(label.at));
            let origin = Origin::path(source.path.as_str()).line(line as usize).char_column(column as usize);
            group = group.element(origin);
            continue;
        }
        let mut snippet = Snippet::source(text.as_str()).path(source.path.as_str()).line_start(first + 1);
        for (range, is_first, words) in labels {
            let kind = if *is_first { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range.clone());
            snippet = snippet.annotation(if words.is_empty() { annotation } else { annotation.label(words.as_str()) });
        }
        group = group.element(snippet);
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

type Marks = Vec<(std::ops::Range<usize>, bool, String)>;

/// The part of each source that the fault's labels are in, with the number of its first line.
fn excerpts<'d>(draft: &'d Draft, fault: &Fault) -> Vec<(&'d Source, String, usize, Marks)> {
    let mut found = Vec::new();
    let Some(main) = fault.labels.first() else { return found };
    for (number, source) in draft.sources.iter().enumerate() {
        let labels = fault.labels.iter().filter(|l| usize::from(l.at.source.0) == number);
        let mut labels: Vec<_> = labels.filter(|l| (l.at.end as usize) <= source.text.len()).collect();
        let start = labels.iter().map(|l| l.at.start).min().map(|at| source.line_of(at));
        let Some((first, start)) = start else { continue };
        labels.retain(|l| (l.at.end as usize) < start + MOST_EXCERPT);
        let end = labels.iter().map(|l| l.at.end as usize).max().unwrap_or(start);
        let rest = &source.text[end..];
        let end = end + rest.find('\n').unwrap_or(rest.len()).min(MOST_EXCERPT);
        let end = (end..=source.text.len()).find(|&e| source.text.is_char_boundary(e)).unwrap_or(source.text.len());
        let mark = |l: &&crate::plan::Label| {
            let range = l.at.start as usize - start..l.at.end as usize - start;
            (range, std::ptr::eq(*l, main), clean(&l.text))
        };
        found.push((source, same_length(&source.text[start..end]), first, labels.iter().map(mark).collect()));
    }
    found
}

/// Control characters and those that turn text around become harmless ones of the same length: spans stay true.
fn same_length(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() && c.len_utf8() == 1 => ' ',
        c if c.is_control() => '¿',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// The same for text of our own that quotes a source.
pub(super) fn clean(text: &str) -> String {
    same_length(text).replace(['\n', '\t'], " ")
}

/// `{"errors": [...]}`: what `--format json` prints of a refused document.
pub fn errors(draft: &Draft, faults: &[Fault]) -> Value {
    let errors = faults.iter().filter(|f| f.severity == Severity::Error).map(|f| told(draft, f));
    json!({ "errors": errors.collect::<Vec<_>>() })
}

/// The same of what is no fault of a document: a repository that is not there, a git that is too old.
pub(super) fn plain_error(text: &str, help: Option<&str>) -> Value {
    let error = json!({
        "path": null, "line": 0, "column": 0, "code": "missing-prerequisite",
        "text": clean(text), "help": help.map(clean), "lines": [],
    });
    json!({ "errors": [error] })
}

/// One fault: `path`, `line`, `column`, `code`, `text`, `help`, and `lines`, all the lines it is about.
pub(super) fn told(draft: &Draft, fault: &Fault) -> Value {
    let at = fault.labels.first().map(|l| l.at);
    let (line, column) = at.map_or((0, 0), |at| draft.place(at));
    let path = at.and_then(|at| draft.sources.get(usize::from(at.source.0))).map(|s| s.path.clone());
    let lines: Vec<u32> = fault.labels.iter().map(|l| draft.line(l.at)).collect();
    json!({
        "path": path, "line": line, "column": column, "code": fault.code,
        "text": clean(&fault.text), "help": fault.help.as_deref().map(clean), "lines": lines,
    })
}
