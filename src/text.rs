//! Text from outside, made fit for people: no escape sequences, no control characters, nothing that turns a line around. What
//! agents, checks, documents and paths say is shown, kept and told through here. And the word that was probably meant.

use std::{iter::Peekable, str::Chars};

/// `text` without control sequences, other control characters and marks that turn the direction of writing. Line ends are `\n`; a
/// lone carriage return is one too, so that nothing is hidden by being written over. Linear in its length.
pub fn clean(text: &str) -> String {
    Visible::of(text).collect()
}

/// The same, at most `most` characters of it.
pub fn shortened(text: &str, most: usize) -> String {
    let mut visible = Visible::of(text);
    let mut kept: String = visible.by_ref().take(most).collect();
    if visible.next().is_some() {
        kept.push('…');
    }
    kept
}

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

/// The characters of a text that a terminal shows, tabs and line ends among them.
struct Visible<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Visible<'_> {
    fn of(text: &str) -> Visible<'_> {
        Visible { rest: text.chars().peekable() }
    }
}

impl Iterator for Visible<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let rest = &mut self.rest;
        loop {
            match rest.next()? {
                next @ ('\n' | '\t') => return Some(next),
                '\r' if rest.peek() == Some(&'\n') => {}
                '\r' | '\u{2028}' | '\u{2029}' => return Some('\n'),
                '\u{1b}' => skip_escape(rest),
                '\u{9b}' => skip_control_sequence(rest),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(rest),
                next if next.is_control() || is_unseen(next) => {}
                next => return Some(next),
            }
        }
    }
}

/// Marks of direction, byte order marks and tags: they are not seen, and change what is.
fn is_unseen(next: char) -> bool {
    matches!(next, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        Some(' '..='/') => {
            while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
            rest.next_if(|next| matches!(next, '0'..='~'));
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// Up to its last letter. One that is cut off ends where something stands that belongs to none.
fn skip_control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| matches!(next, ' '..='?')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

/// Up to its terminator. One that is not terminated ends with its line, so that it hides no more than that.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(next) = rest.next_if(|next| !matches!(next, '\n' | '\r')) {
        match next {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// Longer words than this are not compared: nobody means them, and the comparison is quadratic.
const WORD_MAX: usize = 64;

/// The known word nearest to a written one, if it is near enough to be worth a suggestion.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal = |word: &str| word.to_lowercase().replace('-', "_");
    let written = normal(written);
    if written.len() > WORD_MAX {
        return None;
    }
    let of = |word: &'a str| (distance(&written, &normal(word)), word);
    let (distance, word) = known.into_iter().filter(|word| word.len() <= WORD_MAX).map(of).min()?;
    (distance <= 1 + written.chars().count().min(word.chars().count()) / 3).then_some(word)
}

/// Levenshtein's, with neighbours exchanged as one step.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        (before, last) = (last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_act_on_a_terminal_is_gone_and_the_text_is_left() {
        for (said, cleaned) in [
            ("\u{1b}[1;31merror\u{1b}[0m: x\n", "error: x\n"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("\u{1b}]0;title without end\nnext", "\nnext"),
            ("FAILED\rok\r\n", "FAILED\nok\n"),
            ("a\u{9b}2Jb\u{90}q\u{9c}c", "abc"),
            ("\u{1b}(Bx\u{1b}cy\u{1b}", "xy"),
            ("\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}", "gpj.exe"),
            ("tab\there \0 bell\u{7} ünïcode 👩‍💻 漢字", "tab\there  bell ünïcode 👩‍💻 漢字"),
            ("\u{1b}[12\u{1b}[3mz", "z"),
        ] {
            assert_eq!(clean(said), cleaned, "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_ever_left(text in "\\PC*|[\u{0}-\u{a0}\\[\\]\\\\]*") {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() && c != '\n' && c != '\t' || is_unseen(c)));
            prop_assert_eq!(clean(&cleaned), cleaned);
        }
    }

    #[test]
    fn nothing_that_moves_a_cursor_or_names_a_window_comes_through() {
        assert_eq!(line("\x1b[2J\x1b[31mred\x1b[0m and \x1b]0;title\x07 blue\r\n", 80), "red and blue");
        assert_eq!(line("\u{9b}31mx\u{202e}y\x08\x00z\u{1b}(B!", 80), "xyz!");
        assert_eq!(line("a\x1b]never ends\nb", 80), "a b");
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

    proptest! {
        #[test]
        fn whatever_comes_in_goes_out_harmless_and_short(text in "\\PC*|[\\x00-\\x9f\\[\\];m]{0,200}", most in 0usize..40) {
            let line = line(&text, most);
            prop_assert!(line.chars().count() <= most);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }

    #[test]
    fn a_text_that_is_cut_says_so() {
        assert_eq!((shortened("abcdef", 3).as_str(), shortened("\u{1b}[1mabc\u{1b}[0m", 3).as_str()), ("abc…", "abc"));
    }

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["agents", "per_stream", "checks"];
        for (written, meant) in [
            ("agnets", Some("agents")),
            ("agent", Some("agents")),
            ("Agents", Some("agents")),
            ("per-stream", Some("per_stream")),
            ("perstream", Some("per_stream")),
            ("check", Some("checks")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
        assert_eq!(nearest(&"a".repeat(1_000_000), known), None);
        assert_eq!(nearest("a", []), None);
    }
}
