//! Inline Markdown taken off: what a title or a field says to a person. The only file that knows pulldown-cmark.

use pulldown_cmark::{Event, Options, Parser};

/// The text without markup, control characters and runs of blanks, and without a dot or colon at its end.
pub(super) fn plain(raw: &str) -> String {
    let bare = raw.trim();
    if bare.chars().all(|c| matches!(c, '*' | '_' | '`' | ' ')) {
        return String::new();
    }
    // The leading word keeps a number, a sign or a quote at the start from being read as a block.
    let guarded = format!("x {}", bare.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut text = String::with_capacity(guarded.len());
    for event in Parser::new_ext(&guarded, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(t) | Event::Code(t) => text.push_str(&t),
            // `<name>` in a title is a placeholder people mean; a comment is not.
            Event::InlineHtml(t) | Event::Html(t) if !t.starts_with("<!--") => text.push_str(&t),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    let text = text.strip_prefix("x ").unwrap_or(&text);
    tidy(text).trim_end_matches(['.', ':']).trim_end().to_owned()
}

/// Control characters out, runs of blanks as one.
pub(super) fn tidy(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|&c| !is_hidden(c)).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a terminal would act on, or what turns the direction of text around.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_are_no_part_of_a_title() {
        assert_eq!(plain("**`A` and *b*:**"), "A and b");
        assert_eq!(plain("1. [Link](http://x) \u{1b}[31mred"), "1. Link [31mred");
        assert_eq!(plain("****"), "");
        assert_eq!(plain("Create\n   `lib/x`"), "Create lib/x");
    }
}
