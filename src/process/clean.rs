//! Clean text: what a program said, without what would act on a terminal.

/// `text` without control sequences, other control characters and marks that turn the direction of writing. Line ends are `\n`; a
/// lone carriage return is one too, so that nothing is hidden by being written over. Linear in its length.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\n' | '\t' => cleaned.push(next),
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    cleaned.push('\n');
                }
            }
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            _ if next.is_control() || is_unseen(next) => {}
            _ => cleaned.push(next),
        }
    }
    cleaned
}

/// Marks of direction, byte order marks and tags: they are not seen, and change what is.
fn is_unseen(next: char) -> bool {
    matches!(next, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(rest: &mut Rest<'_>) {
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
fn skip_control_sequence(rest: &mut Rest<'_>) {
    while rest.next_if(|next| matches!(next, ' '..='?')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

/// Up to its terminator. One that is not terminated ends with its line, so that it hides no more than that.
fn skip_string(rest: &mut Rest<'_>) {
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
}
