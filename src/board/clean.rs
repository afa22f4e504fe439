//! Text from outside, made fit for people: no escape sequences, no control characters, nothing that turns a line around.

/// One line: sequences and control characters are gone, runs of whitespace are one space, and what is longer than `most`
/// characters ends in `…`.
pub fn line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let (mut count, mut gap) = (0, false);
    for c in Visible::of(text) {
        if c.is_whitespace() {
            gap = count > 0;
            continue;
        }
        let needs = 1 + usize::from(gap);
        if count + needs > most {
            shorten(&mut line, count, most);
            break;
        }
        if gap {
            line.push(' ');
        }
        line.push(c);
        (count, gap) = (count + needs, false);
    }
    line
}

/// Several lines, each cleaned and without trailing blanks, at most `lines` of them and `most` characters in each; a last
/// line says how many were left out.
pub fn block(text: &str, lines: usize, most: usize) -> String {
    let text = text.trim_matches(['\n', '\r']);
    let all = text.lines().count();
    let kept = if all > lines { lines.saturating_sub(1) } else { all };
    let mut block = String::new();
    for one in text.lines().take(kept) {
        if !block.is_empty() {
            block.push('\n');
        }
        block.push_str(&indented(one, most));
    }
    if all > kept {
        block.push_str(&format!("\n… {} more lines", all - kept));
    }
    block
}

/// A line with its inner spaces as they are: output is read by its columns.
fn indented(text: &str, most: usize) -> String {
    let mut line = String::new();
    for (count, c) in Visible::of(text).enumerate() {
        if count == most {
            shorten(&mut line, count, most);
            break;
        }
        line.push(if c.is_whitespace() { ' ' } else { c });
    }
    line.truncate(line.trim_end().len());
    line
}

fn shorten(line: &mut String, count: usize, most: usize) {
    if most > 0 && count >= most {
        line.pop();
    }
    if most > 0 {
        line.push('…');
    }
}

/// The characters of a text that a terminal shows; tabs and line ends come through as whitespace.
struct Visible<'a> {
    rest: std::str::Chars<'a>,
}

impl Visible<'_> {
    fn of(text: &str) -> Visible<'_> {
        Visible { rest: text.chars() }
    }

    /// Behind an escape character: takes the whole sequence out.
    fn escape(&mut self) {
        match self.rest.next() {
            Some('[') => self.until_final(),
            Some(']' | 'P' | 'X' | '^' | '_') => self.until_string_end(),
            Some(' '..='/') => {
                self.rest.next();
            }
            _ => {}
        }
    }

    fn until_final(&mut self) {
        // A sequence is short; one that never ends must not eat the text behind it.
        let mut ahead = self.rest.clone();
        for c in ahead.by_ref().take(64) {
            match c {
                '@'..='~' => break,
                ' '..='?' => {}
                _ => return,
            }
        }
        self.rest = ahead;
    }

    fn until_string_end(&mut self) {
        let mut last = '\0';
        let mut ahead = self.rest.clone();
        for c in ahead.by_ref().take(4096) {
            if matches!(c, '\u{7}' | '\u{9c}') || (last == '\u{1b}' && c == '\\') {
                self.rest = ahead;
                return;
            }
            last = c;
        }
    }
}

impl Iterator for Visible<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            match self.rest.next()? {
                '\u{1b}' => self.escape(),
                '\u{9b}' => self.until_final(),
                '\t' | '\n' => return Some(' '),
                c if c.is_control() || turns(c) => {}
                c => return Some(c),
            }
        }
    }
}

/// Characters that have no place of their own and change how others are shown.
fn turns(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_names_a_window_comes_through() {
        assert_eq!(line("\x1b[2J\x1b[31mred\x1b[0m and \x1b]0;title\x07 blue\r\n", 80), "red and blue");
        assert_eq!(line("\u{9b}31mx\u{202e}y\x08\x00z\u{1b}(B!", 80), "xyz!");
        assert_eq!(line("a\x1b]never ends", 80), "anever ends");
        assert!(block("a\x1b[1A\nb\tc\x07", 9, 80).chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn a_long_line_says_that_it_goes_on() {
        assert_eq!(line("  one   two\nthree ", 80), "one two three");
        assert_eq!(line("漢字漢字漢字", 4), "漢字漢…");
        assert_eq!(line("abcd", 4), "abcd");
        assert_eq!((line("abc", 0).as_str(), line("abc", 1).as_str()), ("", "…"));
    }

    #[test]
    fn a_long_block_says_how_much_is_left_out() {
        assert_eq!(block("\n  a\nb\nc\nd\n", 3, 80), "  a\nb\n… 2 more lines");
        assert_eq!(block("a\nb", 2, 80), "a\nb");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_in_goes_out_harmless_and_short(text in "\\PC*|[\\x00-\\x9f\\[\\];m]{0,200}", most in 0usize..40) {
            let line = line(&text, most);
            proptest::prop_assert!(line.chars().count() <= most);
            proptest::prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
