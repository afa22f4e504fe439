//! A page: headings, items, commands and output, written once and rendered as Markdown and as text for a terminal.

use std::fmt::Write;

/// A document in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its first line.
    pub title: String,
    /// What follows, in order.
    pub parts: Vec<Part>,
}

/// One piece of a page. Texts are cleaned, and never Markdown: the renderer takes them literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A section begins.
    Section(String),
    /// A part of a section begins.
    Topic(String),
    /// A paragraph.
    Text(String),
    /// A name and its value.
    Fact(&'static str, String),
    /// Something in a list.
    Item(String),
    /// Something in a list that is done, or is not.
    Box(bool, String),
    /// More on the item before it.
    Detail(String),
    /// Command lines, to be copied as they are.
    Commands(Vec<String>),
    /// Output of a program, as it is.
    Output(String),
}

impl Page {
    /// A page with a title and nothing else.
    pub fn new(title: impl Into<String>) -> Page {
        Page { title: title.into(), parts: Vec::new() }
    }

    /// One more part.
    pub fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// At most `most` items, then how many more there are.
    pub fn items(&mut self, items: impl ExactSizeIterator<Item = String>, most: usize) {
        let more = items.len().saturating_sub(most);
        self.parts.extend(items.take(most).map(Part::Item));
        if more > 0 {
            self.push(Part::Item(format!("and {more} more")));
        }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        let mut last = Shape::Block;
        for part in &self.parts {
            let shape = Shape::of(part);
            if shape == Shape::Block || last == Shape::Block {
                text.push('\n');
            }
            match part {
                Part::Section(name) => add(&mut text, &format!("## {}", escaped(name))),
                Part::Topic(name) => add(&mut text, &format!("### {}", escaped(name))),
                Part::Text(words) => add(&mut text, &escaped(words)),
                Part::Fact(name, value) => add(&mut text, &format!("- **{name}**: {}", escaped(value))),
                Part::Item(words) => add(&mut text, &format!("- {}", escaped(words))),
                Part::Box(is_done, words) => {
                    add(&mut text, &format!("- [{}] {}", if *is_done { 'x' } else { ' ' }, escaped(words)));
                }
                Part::Detail(words) => add(&mut text, &format!("  - {}", escaped(words))),
                Part::Commands(lines) => fenced(&mut text, "sh", &lines.join("\n")),
                Part::Output(words) => fenced(&mut text, "text", words),
            }
            last = shape;
        }
        text
    }

    /// As text for a terminal of so many columns. Commands and output keep their lines.
    pub fn terminal(&self, columns: usize) -> String {
        let mut text = String::new();
        wrap(&mut text, &self.title, "", "", columns);
        for part in &self.parts {
            match part {
                Part::Section(name) => {
                    text.push('\n');
                    wrap(&mut text, name, "", "", columns);
                }
                Part::Topic(name) => wrap(&mut text, name, "  ", "  ", columns),
                Part::Text(words) => wrap(&mut text, words, "  ", "  ", columns),
                Part::Fact(name, value) => wrap(&mut text, &format!("{name}: {value}"), "  ", "    ", columns),
                Part::Item(words) => wrap(&mut text, words, "  - ", "    ", columns),
                Part::Box(is_done, words) => {
                    wrap(&mut text, words, if *is_done { "    x " } else { "    - " }, "      ", columns);
                }
                Part::Detail(words) => wrap(&mut text, words, "      ", "      ", columns),
                Part::Commands(lines) => lines.iter().for_each(|line| add(&mut text, &format!("    {line}"))),
                Part::Output(words) => words.lines().for_each(|line| add(&mut text, &format!("      | {line}"))),
            }
        }
        text
    }
}

/// Whether a part stands alone or in a list with its neighbours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Block,
    List,
}

impl Shape {
    fn of(part: &Part) -> Shape {
        match part {
            Part::Section(_) | Part::Topic(_) | Part::Text(_) | Part::Commands(_) | Part::Output(_) => Shape::Block,
            Part::Fact(..) | Part::Item(_) | Part::Box(..) | Part::Detail(_) => Shape::List,
        }
    }
}

fn add(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Text that Markdown shows as it is, and HTML too. A name with `_` inside a word needs no mark, which keeps names readable.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len() + 8);
    // `1.` at the beginning would open a list.
    let digits = words.len() - words.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let opens_list = digits > 0 && words[digits..].starts_with(['.', ')']);
    if opens_list {
        text.push_str(&words[..digits]);
        text.push('\\');
    }
    let words = if opens_list { &words[digits..] } else { words };
    let mut last = ' ';
    let mut chars = words.chars().peekable();
    let mut is_first = true;
    while let Some(c) = chars.next() {
        let is_inside = |c: char| c.is_alphanumeric() || c == '_';
        match c {
            '\n' | '\r' => text.push(' '),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '_' if is_inside(last) && chars.peek().copied().is_some_and(is_inside) => text.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                text.push('\\');
                text.push(c);
            }
            '#' | '+' | '-' | '=' if is_first => {
                text.push('\\');
                text.push(c);
            }
            c => text.push(c),
        }
        (last, is_first) = (c, false);
    }
    text
}

/// A fence that the content cannot close.
fn fenced(text: &mut String, language: &str, content: &str) {
    let (mut longest, mut run) = (0, 0);
    for c in content.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(text, "{fence}{language}\n{content}\n{fence}");
}

/// Words in lines of at most `columns` characters; a word that is longer has a line of its own.
fn wrap(text: &mut String, words: &str, first: &str, next: &str, columns: usize) {
    let mut line = first.to_owned();
    let mut width = first.chars().count();
    let mut is_empty = true;
    for word in words.split_whitespace() {
        let long = word.chars().count();
        if !is_empty && width + 1 + long > columns {
            add(text, line.trim_end());
            line = next.to_owned();
            width = next.chars().count();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += long;
        is_empty = false;
    }
    add(text, line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_shown_and_never_obeyed() {
        let mut page = Page::new("*x*");
        page.push(Part::Item("# <script> [a](b) `c` snake_case _d_ | ~~e~~".into()));
        page.push(Part::Output("```\n# not a heading\n````".into()));
        assert_eq!(
            page.markdown(),
            "# \\*x\\*\n\n- \\# &lt;script&gt; \\[a\\](b) \\`c\\` snake_case \\_d\\_ \\| \\~\\~e\\~\\~\n\n\
             `````text\n```\n# not a heading\n````\n`````\n"
        );
    }

    #[test]
    fn a_number_is_no_list() {
        assert_eq!(["1. one", "2.1 two", "3 three", "#4"].map(escaped), ["1\\. one", "2\\.1 two", "3 three", "\\#4"]);
    }

    #[test]
    fn a_terminal_gets_lines_that_fit_and_commands_as_they_are() {
        let mut page = Page::new("Title");
        page.push(Part::Section("Section".into()));
        page.push(Part::Item("one two three four five".into()));
        page.push(Part::Commands(vec!["git merge a-very-long-branch-name".into()]));
        assert_eq!(
            page.terminal(16),
            "Title\n\nSection\n  - one two\n    three four\n    five\n    git merge a-very-long-branch-name\n"
        );
    }

    #[test]
    fn a_long_list_says_what_it_leaves_out() {
        let mut page = Page::new("t");
        page.items((0..5).map(|n| n.to_string()).collect::<Vec<_>>().into_iter(), 3);
        assert_eq!(page.parts.last(), Some(&Part::Item("and 2 more".into())));
    }
}
