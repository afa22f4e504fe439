//! A document as lines, each with its indentation and what it is by itself: heading, fence, table row, text.
//!
//! Not a CommonMark block tree: people indent by three spaces whatever the number's width, so that the tree puts what
//! belongs to an item outside of it. Lines keep what the author saw.

use super::{field, label};
use crate::plan::{SourceId, Span};

/// What a line is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing on it.
    Blank,
    /// `## Text`; the line's text is what follows the signs.
    Heading(u8),
    /// Opens a fence; the number is its place in [`Lines::fences`].
    Fence(u32),
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

/// A line as it is kept: a long document has a million, and none of its bytes is beyond 32 MiB.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: u32,
    text: u32,
    end: u32,
    indent: u32,
    kind: Kind,
}

impl From<Line> for Row {
    fn from(line: Line) -> Row {
        let Line { start, text, end, indent, kind } = line;
        Row { start: start as u32, text: text as u32, end: end as u32, indent: indent as u32, kind }
    }
}

impl From<Row> for Line {
    fn from(row: Row) -> Line {
        let Row { start, text, end, indent, kind } = row;
        Line { start: start as usize, text: text as usize, end: end as usize, indent: indent as usize, kind }
    }
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
    /// What it calls its tasks: `task`, `chunk`, `step`.
    pub noun: &'static str,
    /// All lines.
    rows: Vec<Row>,
    /// All fences, in order.
    pub fences: Vec<Fence>,
    /// The line of a comment that is not closed.
    pub open_comment: Option<usize>,
}

impl<'a> Lines<'a> {
    /// The document, line by line. Linear in its length.
    pub(super) fn new(source: &'a str, id: SourceId) -> Lines<'a> {
        let rows = Vec::with_capacity(source.split_inclusive('\n').count());
        let mut all = Lines { source, id, noun: "task", rows, fences: Vec::new(), open_comment: None };
        let matter = front_matter(source);
        let last_close = source.rfind("-->").unwrap_or(0);
        let mut start = 0;
        let mut fence: Option<(u8, usize)> = None;
        for raw in source.split_inclusive('\n') {
            let number = all.len();
            let mut line = measure(source, start, raw);
            start += raw.len();
            if let Some((sign, width)) = fence {
                let text = &source[line.text..line.end];
                line.kind = Kind::Code;
                if let Some(open) = all.fences.last_mut() {
                    open.close = number;
                    if run(text, sign) >= width && text.len() == run(text, sign) {
                        open.is_closed = true;
                        fence = None;
                    }
                }
            } else if start <= matter {
                line.kind = Kind::Comment;
            } else if all.uncomment(&mut line, number, last_close) {
                let text = &source[line.text..line.end];
                if let Some((sign, width)) = opens_fence(text) {
                    line.kind = Kind::Fence(all.fences.len() as u32);
                    let info = text[width..].trim().to_owned();
                    all.fences.push(Fence { info, close: number, is_closed: false });
                    fence = Some((sign, width));
                } else {
                    classify(source, &mut line);
                    all.underline(&mut line);
                }
            }
            all.rows.push(line.into());
        }
        all
    }

    /// Takes a comment at the line's beginning, and one that goes on below, out of it. Whether anything is left.
    fn uncomment(&mut self, line: &mut Line, number: usize, last_close: usize) -> bool {
        loop {
            let text = &self.source[line.text..line.end];
            let was_open = self.open_comment.is_some();
            if !was_open && !text.starts_with("<!--") {
                break;
            }
            line.kind = Kind::Comment;
            self.open_comment = self.open_comment.or(Some(number));
            let from = if was_open { 0 } else { "<!--".len() };
            let Some(close) = text[from..].find("-->").map(|n| line.text + from + n + "-->".len()) else {
                return false;
            };
            self.open_comment = None;
            line.text = line.end - self.source[close..line.end].trim_start().len();
            if line.text == line.end {
                return false;
            }
            line.kind = Kind::Text;
        }
        let text = &self.source[line.text..line.end];
        // A comment that opens behind a text goes on below only where it is closed there.
        if let Some(open) = text.rfind("<!--").map(|n| line.text + n)
            && !self.source[open..line.end].contains("-->")
            && open < last_close
            && self.source[line.text..open].matches('`').count().is_multiple_of(2)
        {
            self.open_comment = Some(number);
            line.end = line.text + self.source[line.text..open].trim_end().len();
        }
        true
    }

    /// A line of `---` or `===` right below a line by itself makes that one a heading. What ends a sentence, an item or a field
    /// is none: people also draw a line there.
    fn underline(&mut self, line: &mut Line) {
        let text = &self.source[line.text..line.end];
        let level =
            [(b'=', 1), (b'-', 2)].into_iter().find(|&(sign, _)| run(text, sign) == text.len() && text.len() >= 3);
        let Some((_, level)) = level.filter(|_| line.indent == 0) else { return };
        let count = self.len();
        let is_alone = count < 2
            || matches!(self.rows[count - 2].kind, Kind::Blank | Kind::Comment | Kind::Rule | Kind::Heading(_));
        let Some(above) = self.rows.last_mut().filter(|l| is_alone && l.kind == Kind::Text && l.indent == 0) else {
            return;
        };
        let text = &self.source[above.text as usize..above.end as usize];
        let is_other = label::bullet(text).is_some()
            || label::number(text).is_some()
            || text.starts_with(['>', '|'])
            || text.ends_with(['.', '!', ',', ';', ':'])
            || field::is_evidence(text)
            || (level == 2 && text.starts_with("**"));
        if !is_other {
            above.kind = Kind::Heading(level);
            line.kind = Kind::Blank;
        }
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A line; panics for one that is not there, as an index would.
    pub(super) fn line(&self, line: usize) -> Line {
        self.rows[line].into()
    }

    /// A line, where it is there.
    pub(super) fn get(&self, line: usize) -> Option<Line> {
        self.rows.get(line).copied().map(Line::from)
    }

    /// All lines, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Line> + '_ {
        self.rows.iter().copied().map(Line::from)
    }

    /// The line's text, without blanks around it.
    pub(super) fn text(&self, line: usize) -> &'a str {
        self.get(line).map_or("", |l| &self.source[l.text..l.end])
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
        self.get(line).map_or_else(|| Span { source: self.id, ..Span::default() }, |l| self.span(l.text, l.end))
    }
}

/// Where the metadata at a document's head end: lines of `key: value` between two lines of `---`.
fn front_matter(source: &str) -> usize {
    let mut at = 0;
    for (number, raw) in source.split_inclusive('\n').enumerate() {
        let text = raw.trim_start_matches('\u{feff}').trim_end();
        at += raw.len();
        let is_ruler = matches!(text, "---" | "...");
        match (number, is_ruler) {
            (0, _) if text != "---" => return 0,
            (0, _) => {}
            (1, true) => return 0,
            (_, true) => return at,
            _ if text.is_empty() || text.starts_with([' ', '\t', '#', '-']) || text.contains(':') => {}
            _ => return 0,
        }
    }
    0
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
        Lines::new(text, SourceId(0)).iter().map(|l| l.kind).collect()
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
    fn a_comment_may_open_behind_a_text_and_close_before_one() {
        let text = "1. a <!-- b\n# c\n--> # d\n<!-- e --> # f\ng <!-- h";
        let expected = [Kind::Text, Kind::Comment, Kind::Heading(1), Kind::Heading(1), Kind::Text];
        assert_eq!(kinds(text), expected);
        let lines = Lines::new(text, SourceId(0));
        assert_eq!((lines.text(0), lines.text(3), lines.open_comment), ("1. a", "f", None));
        assert_eq!(Lines::new("# a\n<!-- b\n# c", SourceId(0)).open_comment, Some(1));
    }

    #[test]
    fn an_underlined_line_is_a_heading_unless_it_is_something_else() {
        use Kind::{Blank, Heading, Rule, Text};
        assert_eq!(kinds("Title\n===\n\nStream A: x\n---"), [Heading(1), Blank, Blank, Heading(2), Blank]);
        for text in ["Effort: S", "- item", "A sentence.", "two\nlines"] {
            assert_eq!(kinds(&format!("{text}\n---")).last(), Some(&Rule), "{text}");
        }
        assert_eq!(kinds("Text\n\n---"), [Text, Blank, Rule]);
    }

    #[test]
    fn metadata_at_the_head_is_no_text() {
        use Kind::{Comment, Heading, Rule};
        assert_eq!(kinds("---\na: b\n# c\n---\n# d"), [Comment, Comment, Comment, Comment, Heading(1)]);
        assert_eq!(kinds("---\n# d\n\nText\n\n---\n")[..2], [Rule, Heading(1)]);
    }

    #[test]
    fn an_open_fence_runs_to_the_end() {
        let lines = Lines::new("```\n# a\n", SourceId(0));
        assert!(!lines.fences[0].is_closed);
        assert_eq!(lines.fences[0].close, 1);
    }
}
