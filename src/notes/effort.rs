//! Estimates: `Small`, `30 min`, `[1.5h]`, `2-3 hours`, `3 days`.

use crate::plan::Effort;

/// No estimate is longer than this (ten years); what is, is a slip of the pen.
const MOST_MINUTES: f64 = 5_000_000.0;

/// The estimate in a text. A time wins over a size, since it says more (`Medium (3 hours)`).
pub(super) fn effort(text: &str) -> Option<Effort> {
    let lower = in_figures(&text.to_lowercase());
    minutes(&lower).map(Effort::Minutes).or_else(|| size(&lower))
}

/// `half a day` and `two hours` with figures.
fn in_figures(lower: &str) -> String {
    let words = [
        ("half an ", "0.5 "),
        ("half a ", "0.5 "),
        ("half ", "0.5 "),
        ("half-", "0.5 "),
        ("an ", "1 "),
        ("a ", "1 "),
        ("one ", "1 "),
        ("two ", "2 "),
        ("three ", "3 "),
        ("four ", "4 "),
        ("five ", "5 "),
    ];
    let start = lower.len() - lower.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let found = words.iter().find_map(|(word, figure)| Some((figure, lower[start..].strip_prefix(word)?)));
    found.map_or_else(|| lower.to_owned(), |(figure, rest)| format!("{figure}{rest}"))
}

fn size(lower: &str) -> Option<Effort> {
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let (first, second) = (words.next()?, words.next());
    Some(match first {
        "s" | "xs" | "small" | "tiny" | "trivial" => Effort::Small,
        "m" | "medium" | "moderate" => Effort::Medium,
        "l" | "large" | "big" => Effort::Large,
        "xl" | "xxl" | "huge" => Effort::ExtraLarge,
        "x" | "extra" | "very" if matches!(second, Some("large" | "l")) => Effort::ExtraLarge,
        "very" if second == Some("small") => Effort::Small,
        _ => return None,
    })
}

/// The sum of `1h 30m`; of `2-3 hours` the longer, since a path that is too short misleads.
fn minutes(lower: &str) -> Option<u32> {
    let bytes = lower.as_bytes();
    let mut at = 0;
    let mut total = 0.0;
    let mut found = false;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let is_comma = |at: usize| bytes[at] == b',' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'.' || is_comma(at)) {
            at += 1;
        }
        // `1,5 hours` has a decimal comma, `1,000 min` one between thousands.
        let digits = lower[start..at].trim_end_matches('.');
        let is_thousands = digits.rsplit(',').next().is_some_and(|last| last.len() == 3);
        let figure: f64 = digits.replace(',', if is_thousands { "" } else { "." }).parse().ok()?;
        let rest = lower[at..].trim_start_matches([' ', '-', '+', '~']);
        let unit: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let factor = match unit.as_str() {
            "m" | "min" | "mins" | "minute" | "minutes" => 1.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 60.0,
            "d" | "day" | "days" => 480.0,
            "w" | "week" | "weeks" => 2400.0,
            _ if rest.starts_with(|c: char| c.is_ascii_digit() || c == '–' || c == '—') => continue,
            "to" => continue,
            _ => return if found { Some(total as u32) } else { None },
        };
        found = true;
        total += figure * factor;
    }
    (found && total <= MOST_MINUTES).then_some((total.ceil() as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_read_as_people_write_them() {
        let read = |t| effort(t).unwrap();
        assert_eq!(read("Small"), Effort::Small);
        assert_eq!(read("XL"), Effort::ExtraLarge);
        assert_eq!(read("Extra Large"), Effort::ExtraLarge);
        assert_eq!(read("30 min"), Effort::Minutes(30));
        assert_eq!(read("1.5h"), Effort::Minutes(90));
        assert_eq!(read("1h 30m"), Effort::Minutes(90));
        assert_eq!(read("2-3 hours"), Effort::Minutes(180));
        assert_eq!(read("~3–4 days"), Effort::Minutes(1920));
        assert_eq!(read("Medium (3 hours)"), Effort::Minutes(180));
        assert_eq!(read("1,5 hours"), Effort::Minutes(90));
        assert_eq!(read("1,000 min"), Effort::Minutes(1000));
        assert_eq!(read("half a day"), Effort::Minutes(240));
        assert_eq!(read("an hour"), Effort::Minutes(60));
        assert_eq!(read("~two days"), Effort::Minutes(960));
        assert_eq!(effort("a lot"), None);
        assert_eq!(effort("unknown"), None);
        assert_eq!(effort("99999999999999 weeks"), None);
    }
}
