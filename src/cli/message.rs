//! Faults as people read them: the file, the line, the text underlined, what to write instead. And as machines do.

use crate::plan::{Draft, Fault, Severity, Source};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

/// Columns that a message keeps to, where the source lets it.
const WIDTH: usize = 100;
/// Bytes of a source line that are shown; agents write whole documents on a line.
const MOST_EXCERPT: usize = 64 * 1024;

/// All faults, one below the other, each with an empty line behind it.
pub fn render(draft: &Draft, faults: &[Fault], in_color: bool) -> String {
    let renderer = if in_color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let mut out = String::new();
    for fault in faults {
        out.push_str(&one(draft, fault, &renderer));
        out.push_str("\n\n");
    }
    out
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

/// One fault: `path`, `line`, `column`, `code`, `text`, `help`, and `lines`, all the lines it is about.
pub(super) fn told(draft: &Draft, fault: &Fault) -> Value {
    let at = fault.labels.first().map(|l| l.at);
    let (line, column) = at.map_or((0, 0), |at| draft.place(at));
    let path = at.and_then(|at| draft.sources.get(usize::from(at.source.0))).map(|s| s.path.clone());
    let lines: Vec<u32> = fault.labels.iter().map(|l| draft.place(l.at).0).collect();
    json!({
        "path": path, "line": line, "column": column, "code": fault.code,
        "text": clean(&fault.text), "help": fault.help.as_deref().map(clean), "lines": lines,
    })
}
