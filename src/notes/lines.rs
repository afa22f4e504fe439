//! A document as lines, each with its indentation and what it is by itself: heading, fence, table row, text.
//!
//! Not a CommonMark block tree: people indent by three spaces whatever the number's width, so that the tree puts what
//! belongs to an item outside of it. Lines keep what the author saw.

use crate::plan::{SourceId, Span};

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing on it.
    Blank,
    /// `## Text`; the line's text is what follows the signs.
    Heading(u8),
    /// Opens a fence; the number is its place in [`Lines::fences`].
    Fence(usize),
    /// Inside a fence, or the line that closes it.
    Code,
    /// Inside a comment.
    Comment,
    /// A table's row.
    Row,
    /// `---`.
    Rule,
    /// Anything else.
    Text,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Its first byte.
    pub start: usize,
    /// First byte that is no blank (for a heading: behind the signs).
    pub text: usize,
    /// Behind its last byte that is no blank.
    pub end: usize,
    /// Columns of blanks before the text.
    pub indent: usize,
    /// What it is.
    pub kind: Kind,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    /// Behind the backticks.
    pub info: String,
    /// Number of its last line (the closing one, where there is one).
    pub close: usize,
    /// Whether it was closed.
    pub is_closed: bool,
}

/// A document as lines.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    /// The document.
    pub source: &'a str,
    /// Which document.
    pub id: SourceId,
    /// All lines.
    pub lines: Vec<Line>,
    /// All fences, in order.
    pub fences: Vec<Fence>,
}

impl<'a> Lines<'a> {
    /// The document, line by line. Linear in its length.
    pub(super) fn new(source: &'a str, id: SourceId) -> Lines<'a> {
        let mut all = Lines { source, id, lines: Vec::new(), fences: Vec::new() };
        let mut start = 0;
        let mut in_comment = false;
        let mut fence: Option<(u8, usize)> = None;
        for raw in source.split_inclusive('\n') {
            let number = all.lines.len();
            let mut line = measure(source, start, raw);
            let text = &source[line.text..line.end];
            start += raw.len();
            if let Some((sign, width)) = fence {
                line.kind = Kind::Code;
                if let Some(open) = all.fences.last_mut() {
                    open.close = number;
                    if run(text, sign) >= width && text.len() == run(text, sign) {
                        open.is_closed = true;
                        fence = None;
                    }
                }
            } else if in_comment || text.starts_with("<!--") {
                line.kind = Kind::Comment;
                in_comment = !text.contains("-->");
            } else if let Some((sign, width)) = opens_fence(text) {
                line.kind = Kind::Fence(all.fences.len());
                let info = text[width..].trim().to_owned();
                all.fences.push(Fence { info, close: number, is_closed: false });
                fence = Some((sign, width));
            } else {
                classify(source, &mut line);
            }
            all.lines.push(line);
        }
        all
    }

    /// The line's text, without blanks around it.
    pub(super) fn text(&self, line: usize) -> &'a str {
        self.lines.get(line).map_or("", |l| &self.source[l.text..l.end])
    }

    /// A span of this document, without blanks around it.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let slice = &self.source[start..end];
        let head = slice.len() - slice.trim_start().len();
        let start = if head == slice.len() { start } else { start + head };
        let end = (start + self.source[start..end].trim_end().len()).max(start);
        Span { source: self.id, start: start as u32, end: end as u32 }
    }

    /// The whole line.
    pub(super) fn line_span(&self, line: usize) -> Span {
        self.lines.get(line).map_or_else(|| Span { source: self.id, ..Span::default() }, |l| self.span(l.text, l.end))
    }
}

fn measure(source: &str, start: usize, raw: &str) -> Line {
    let body = raw.trim_end_matches(['\n', '\r']);
    let mut indent = 0;
    let mut text = start;
    for c in body.chars() {
        match c {
            ' ' => indent += 1,
            '\t' => indent = (indent / 4 + 1) * 4,
            '\u{feff}' if text == 0 => {}
            _ => break,
        }
        text += c.len_utf8();
    }
    let end = text + source[text..start + body.len()].trim_end().len();
    Line { start, text, end, indent, kind: if end == text { Kind::Blank } else { Kind::Text } }
}

fn classify(source: &str, line: &mut Line) {
    let text = &source[line.text..line.end];
    let signs = run(text, b'#');
    if (1..=6).contains(&signs) && line.indent < 4 && text[signs..].starts_with([' ', '\t']) {
        line.kind = Kind::Heading(signs as u8);
        let rest = text[signs..].trim_start();
        line.text = line.end - rest.len();
        line.end = line.text + rest.trim_end_matches('#').trim_end().len();
    } else if text.starts_with('|') {
        line.kind = Kind::Row;
    } else if text.len() >= 3 && [b'-', b'*', b'_'].iter().any(|&s| run(text, s) == text.len()) && text != "****" {
        line.kind = Kind::Rule;
    }
}

fn run(text: &str, sign: u8) -> usize {
    text.bytes().take_while(|&b| b == sign).count()
}

fn opens_fence(text: &str) -> Option<(u8, usize)> {
    [b'`', b'~'].into_iter().find_map(|sign| {
        let width = run(text, sign);
        (width >= 3 && (sign == b'~' || !text[width..].contains('`'))).then_some((sign, width))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        Lines::new(text, SourceId(0)).lines.iter().map(|l| l.kind).collect()
    }

    #[test]
    fn a_fence_is_a_fence_whatever_its_indentation() {
        let text = "      ```sh role=check\n1. **No task**\n ~~~\n   ```\n\ttext";
        assert_eq!(kinds(text), [Kind::Fence(0), Kind::Code, Kind::Code, Kind::Code, Kind::Text]);
        assert_eq!(Lines::new(text, SourceId(0)).fences[0].info, "sh role=check");
    }

    #[test]
    fn a_comment_hides_what_it_holds() {
        assert_eq!(kinds("<!-- a\n# b\n-->\n# c"), [Kind::Comment, Kind::Comment, Kind::Comment, Kind::Heading(1)]);
    }

    #[test]
    fn an_open_fence_runs_to_the_end() {
        let lines = Lines::new("```\n# a\n", SourceId(0));
        assert!(!lines.fences[0].is_closed);
        assert_eq!(lines.fences[0].close, 1);
    }
}
