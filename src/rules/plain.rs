//! Plain text: hostile text made fit for people and terminals.

/// The text without escape sequences, control characters and characters that turn the reading direction; at most
/// `most` characters. Line ends and tabs stay.
pub fn plain(text: &str, most: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(most));
    let mut count = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            skip_sequence(&mut chars);
            continue;
        }
        if is_hostile(c) {
            continue;
        }
        if count == most {
            kept.push('…');
            break;
        }
        kept.push(c);
        count += 1;
    }
    kept
}

fn is_hostile(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// What follows an escape: `[` up to a letter, `]` up to BEL or ST, else one character.
fn skip_sequence(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => {
            let _ = chars.find(|c| ('\u{40}'..='\u{7e}').contains(c) || *c == '\n');
        }
        Some(']' | 'P' | '_' | '^') => {
            let _ = chars.find(|c| matches!(c, '\u{7}' | '\u{1b}' | '\n'));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_controls_and_turned_text_are_gone_and_the_words_stay() {
        for (hostile, fit) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("a\r\nb\tc\0", "a\nb\tc"),
            ("a\u{202e}b\u{9b}", "ab"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(plain(hostile, 100), fit);
        }
        assert_eq!(plain("abcdef", 3), "abc…");
    }
}
