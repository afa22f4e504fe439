//! Inline Markdown taken off: what a title or a field says to a person. The only file that knows pulldown-cmark.

use pulldown_cmark::{Event, Options, Parser};

/// The text without markup, control characters and runs of blanks, and without a dot or colon at its end.
pub(super) fn plain(raw: &str) -> String {
    let bare = raw.trim();
    if bare.chars().all(|c| matches!(c, '*' | '_' | '`' | ' ')) {
        return String::new();
    }
    let mut text = if bare.bytes().any(may_mark) { unmarked(bare) } else { tidy(bare) };
    text.truncate(text.trim_end_matches(['.', ':']).trim_end().len());
    text
}

/// Whether a byte may begin markup, or is one that Markdown replaces. Most texts have none, and are what they say.
fn may_mark(byte: u8) -> bool {
    matches!(byte, b'*' | b'_' | b'`' | b'[' | b']' | b'<' | b'>' | b'&' | b'\\' | b'~' | b'!' | 0)
}

fn unmarked(bare: &str) -> String {
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
    tidy(text)
}

/// Control characters out, runs of blanks as one.
pub(super) fn tidy(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let before = clean.len();
        if before > 0 {
            clean.push(' ');
        }
        let start = clean.len();
        if word.bytes().all(|b| b.is_ascii_graphic()) {
            clean.push_str(word);
        } else {
            clean.extend(word.chars().filter(|&c| !is_hidden(c)));
        }
        // A word that was nothing else leaves no blank either.
        if clean.len() == start {
            clean.truncate(before);
        }
    }
    clean
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
