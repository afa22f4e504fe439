//! Forms of other plans, told from ours by what they repeat.

use super::lines::{Kind, Lines};

/// Chunks, steps, and lists in spec-kit's form: their numbered lists and boxes say something else than ours.
pub(super) fn foreign(lines: &Lines<'_>) -> Option<&'static str> {
    let (mut chunks, mut steps, mut boxes) = (0, 0, 0);
    for (number, line) in lines.lines.iter().enumerate() {
        let text = lines.text(number);
        match line.kind {
            Kind::Heading(_) => {
                let lower = text.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                let rest = |word: &str| lower.strip_prefix(word).map(str::trim_start);
                let has_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
                chunks += usize::from(rest("chunk ").is_some_and(has_number));
                steps += usize::from(rest("step ").is_some_and(has_number));
            }
            Kind::Text => {
                let item = text.strip_prefix("- [ ] ").or_else(|| text.strip_prefix("- [x] "));
                let id = item.map(|t| t.trim_start_matches('['));
                boxes += usize::from(
                    id.is_some_and(|t| t.starts_with('T') && t[1..].starts_with(|c: char| c.is_ascii_digit())),
                );
            }
            _ => {}
        }
    }
    match (chunks, steps, boxes) {
        (2.., _, _) => Some("a chunk plan"),
        (_, 2.., _) => Some("a step plan"),
        (_, _, 2..) => Some("a spec-kit task list"),
        _ => None,
    }
}
