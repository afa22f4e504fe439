//! Bounds as people write them: `at least 80 %`, `under 200 ms`, `no more than 3`, `>= 1.5 s`. Fails closed: what may be read in two
//! ways is no bound.

use super::{
    Bound, Unit,
    figure::{Dimension, Number},
};

/// Which side of a limit is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// Words right before a number; of several that fit the longest counts.
const BEFORE: &[(&str, Side)] = &[
    ("at least", Side::AtLeast),
    ("no less than", Side::AtLeast),
    ("not less than", Side::AtLeast),
    ("no fewer than", Side::AtLeast),
    ("not fewer than", Side::AtLeast),
    ("no lower than", Side::AtLeast),
    ("not lower than", Side::AtLeast),
    ("minimum", Side::AtLeast),
    ("minimum of", Side::AtLeast),
    ("minimum is", Side::AtLeast),
    ("min", Side::AtLeast),
    ("more than or equal to", Side::AtLeast),
    ("greater than or equal to", Side::AtLeast),
    ("equal to or more than", Side::AtLeast),
    ("equal to or greater than", Side::AtLeast),
    (">=", Side::AtLeast),
    ("=>", Side::AtLeast),
    ("≥", Side::AtLeast),
    ("⩾", Side::AtLeast),
    ("at most", Side::AtMost),
    ("no more than", Side::AtMost),
    ("not more than", Side::AtMost),
    ("no greater than", Side::AtMost),
    ("not greater than", Side::AtMost),
    ("no higher than", Side::AtMost),
    ("not higher than", Side::AtMost),
    ("no longer than", Side::AtMost),
    ("not longer than", Side::AtMost),
    ("no slower than", Side::AtMost),
    ("up to", Side::AtMost),
    ("within", Side::AtMost),
    ("maximum", Side::AtMost),
    ("maximum of", Side::AtMost),
    ("maximum is", Side::AtMost),
    ("max", Side::AtMost),
    ("less than or equal to", Side::AtMost),
    ("equal to or less than", Side::AtMost),
    ("<=", Side::AtMost),
    ("=<", Side::AtMost),
    ("≤", Side::AtMost),
    ("⩽", Side::AtMost),
    ("more than", Side::Above),
    ("greater than", Side::Above),
    ("higher than", Side::Above),
    ("larger than", Side::Above),
    ("longer than", Side::Above),
    ("over", Side::Above),
    ("above", Side::Above),
    ("exceed", Side::Above),
    ("exceeds", Side::Above),
    ("exceeding", Side::Above),
    (">", Side::Above),
    ("less than", Side::Below),
    ("fewer than", Side::Below),
    ("lower than", Side::Below),
    ("smaller than", Side::Below),
    ("shorter than", Side::Below),
    ("faster than", Side::Below),
    ("under", Side::Below),
    ("below", Side::Below),
    ("<", Side::Below),
];

/// Words right behind a number; `better` is known by the unit.
const BEHIND: &[(&str, Option<Side>)] = &[
    ("or more", Some(Side::AtLeast)),
    ("or higher", Some(Side::AtLeast)),
    ("or above", Some(Side::AtLeast)),
    ("or greater", Some(Side::AtLeast)),
    ("and above", Some(Side::AtLeast)),
    ("and more", Some(Side::AtLeast)),
    ("minimum", Some(Side::AtLeast)),
    ("at least", Some(Side::AtLeast)),
    ("+", Some(Side::AtLeast)),
    ("or less", Some(Side::AtMost)),
    ("or lower", Some(Side::AtMost)),
    ("or fewer", Some(Side::AtMost)),
    ("or below", Some(Side::AtMost)),
    ("or under", Some(Side::AtMost)),
    ("or faster", Some(Side::AtMost)),
    ("maximum", Some(Side::AtMost)),
    ("max", Some(Side::AtMost)),
    ("at most", Some(Side::AtMost)),
    ("or better", None),
];

/// Words that turn what follows around, up to so many words before it.
const NOT: [&str; 8] = ["not", "never", "no", "cannot", "without", "mustn't", "shouldn't", "doesn't"];
const NOT_BEFORE: usize = 4;

/// Words of a longer line have no bound: nobody writes such a criterion.
const WORDS_MAX: usize = 200;

/// A figure that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// What it must hold.
    pub bound: Bound,
    /// In what.
    pub unit: Unit,
}

/// A word of a line.
#[derive(Debug)]
enum Word {
    Said(String),
    Number(Number),
}

impl Demand {
    /// The one bound that a text states.
    pub fn of(text: &str) -> Option<Demand> {
        let words = words(text)?;
        let mut demands = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let Word::Number(number) = word else { continue };
            if let Some(side) = side(&words, at, number)? {
                demands.push(demand(number, side)?);
            }
        }
        if demands.len() == 1 { demands.pop() } else { None }
    }

    /// The same, and of a share without a word for its side that it is at least this: `90 % coverage`.
    pub(super) fn of_share(text: &str) -> Option<Demand> {
        let words = words(text)?;
        let mut numbers =
            words.iter().filter_map(|word| if let Word::Number(number) = word { Some(number) } else { None });
        let (number, more) = (numbers.next()?, numbers.next());
        let is_alone = more.is_none() && number.unit.is_some_and(|unit| unit.dimension == Dimension::Share);
        Demand::of(text).or_else(|| if is_alone { demand(number, Side::AtLeast) } else { None })
    }
}

/// The words of a text in lower case, and its numbers left out.
pub(super) fn said(text: &str) -> Option<Vec<String>> {
    let said = words(text)?.into_iter().filter_map(|word| if let Word::Said(word) = word { Some(word) } else { None });
    Some(said.collect())
}

fn demand(number: &Number, side: Side) -> Option<Demand> {
    let unit = number.unit.map_or_else(Unit::bare, |unit| unit.unit());
    let limit = number.scaled((1, 1), unit.places, false).filter(|_| number.is_kept())?;
    let bound = match side {
        Side::AtLeast => Bound::AtLeast(limit),
        Side::AtMost => Bound::AtMost(limit),
        Side::Above => Bound::Above(limit),
        Side::Below => Bound::Below(limit),
    };
    Some(Demand { bound, unit })
}

/// The side that the words around a number name. `None`: they contradict each other.
fn side(words: &[Word], at: usize, number: &Number) -> Option<Option<Side>> {
    let before = longest(BEFORE.iter().map(|(words, side)| (*words, *side)), |phrase| ends_with(&words[..at], phrase));
    let before = match before {
        Some((length, side)) => Some(turned(&words[..at - length], side)?),
        None => None,
    };
    let is_better_high = number.unit.is_none_or(|unit| unit.dimension == Dimension::Share);
    let better = if is_better_high { Side::AtLeast } else { Side::AtMost };
    let behind = longest(BEHIND.iter().map(|(words, side)| (*words, side.unwrap_or(better))), |phrase| {
        begins_with(&words[at + 1..], phrase)
    });
    match (before, behind) {
        (Some(one), Some((_, other))) if one != other => None,
        (one, other) => Some(one.or_else(|| other.map(|(_, side)| side))),
    }
}

fn longest<'a>(
    phrases: impl Iterator<Item = (&'a str, Side)>,
    fits: impl Fn(&[&str]) -> bool,
) -> Option<(usize, Side)> {
    let phrases = phrases.map(|(words, side)| (words.split(' ').collect::<Vec<_>>(), side));
    let fitting = phrases.filter(|(phrase, _)| fits(phrase)).map(|(phrase, side)| (phrase.len(), side));
    fitting.max_by_key(|(length, _)| *length)
}

fn ends_with(words: &[Word], phrase: &[&str]) -> bool {
    words.len() >= phrase.len() && begins_with(&words[words.len() - phrase.len()..], phrase)
}

fn begins_with(words: &[Word], phrase: &[&str]) -> bool {
    words.len() >= phrase.len()
        && words.iter().zip(phrase).all(|(word, wanted)| matches!(word, Word::Said(said) if said == wanted))
}

/// `must not drop below` is at least. `None`: a negation of what is none, such as `not at least`.
fn turned(before: &[Word], side: Side) -> Option<Side> {
    let near = before.iter().rev().take(NOT_BEFORE);
    let near = near.take_while(|word| !matches!(word, Word::Said(said) if is_end(said)));
    let is_turned = near.into_iter().any(|word| matches!(word, Word::Said(said) if NOT.contains(&said.as_str())));
    match (is_turned, side) {
        (false, side) => Some(side),
        (true, Side::Above) => Some(Side::AtMost),
        (true, Side::Below) => Some(Side::AtLeast),
        (true, Side::AtLeast | Side::AtMost) => None,
    }
}

/// Whether a sentence, or a part of one, ends here.
fn is_end(word: &str) -> bool {
    matches!(word, "." | "," | ";" | ":" | "(" | ")" | "—" | "–")
}

/// Words in lower case, signs and numbers; `None` where there are too many.
fn words(text: &str) -> Option<Vec<Word>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if found.len() >= WORDS_MAX {
            return None;
        }
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if first.is_ascii_digit() || (first == '.' && Number::at(rest).is_some()) {
            let Some(number) = Number::at(rest) else {
                // `10k`, `1.2.3`: a word that no bound is read from.
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                found.push(Word::Said(rest[..length].to_lowercase()));
                rest = &rest[length..];
                continue;
            };
            found.push(Word::Number(number));
            number.length
        } else if first.is_alphabetic() {
            // `p95` is one word, and so is `don't`.
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '’');
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            found.push(Word::Said(rest[..length].to_lowercase().replace('’', "'")));
            length
        } else {
            let length = [">=", "<=", "=>", "=<"]
                .iter()
                .find(|sign| rest.starts_with(**sign))
                .map_or_else(|| first.len_utf8(), |sign| sign.len());
            found.push(Word::Said(rest[..length].to_owned()));
            length
        };
        rest = &rest[length..];
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_read_as_people_write_it() {
        for (text, told) in [
            ("Coverage at least 80 %", "at least 80 %"),
            ("Coverage >= 80%", "at least 80 %"),
            ("coverage ≥ 87.5%", "at least 87.5 %"),
            ("80%+ coverage", "at least 80 %"),
            ("80 % or more of the lines", "at least 80 %"),
            ("Minimum of 80% coverage", "at least 80 %"),
            ("Coverage must not drop below 80 percent", "at least 80 %"),
            ("p95 latency under 200 ms", "less than 200 ms"),
            ("Response time <200ms", "less than 200 ms"),
            ("starts within 1.5 s", "at most 1.5 s"),
            ("startup <= 1.5 s", "at most 1.5 s"),
            ("must not exceed 2 seconds", "at most 2 s"),
            ("No endpoint takes more than 200 ms", "at most 200 ms"),
            ("no more than 3 warnings", "at most 3"),
            ("fewer than 1,000 allocations", "less than 1000"),
            ("200 ms or better", "at most 200 ms"),
            ("more than 100 requests per second", "more than 100"),
            ("binary of at most 12 MiB", "at most 12 MiB"),
            ("at least 80 % or more", "at least 80 %"),
            ("answers in under .5 s", "less than 0.5 s"),
            ("Not slow, under 200 ms", "less than 200 ms"),
            ("it doesn’t exceed 3", "at most 3"),
            ("equal to or more than 3 of p95_ms", "at least 3"),
        ] {
            let demand = Demand::of(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(demand.unit.bound(demand.bound), told, "{text}");
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_no_bound() {
        for text in [
            "All tests pass",
            "Gate 3 of 4",
            "coverage 80 %",
            "at least 80 % and under 200 ms",
            "not at least 80 %",
            "at least 80 % or less",
            "over the last 7 days",
            "under 10k requests",
            "at least 0.0001 %",
            "between 80 and 90 %",
            "a change above -5 %",
        ] {
            assert_eq!(Demand::of(text), None, "{text}");
        }
        assert_eq!(Demand::of(&"at least 1 ".repeat(10_000)), None);
    }

    #[test]
    fn a_line_of_more_words_than_a_criterion_has_none() {
        let line = |words: usize| format!("under 5{}", " so".repeat(words - 2));
        assert_eq!(Demand::of(&line(WORDS_MAX)).map(|demand| demand.bound), Some(Bound::Below(5_000)));
        assert_eq!(Demand::of(&line(WORDS_MAX + 1)), None);
    }

    #[test]
    fn what_is_said_beside_the_numbers_is_words_in_lower_case_and_signs() {
        let said = said("The P95 isn’t <= 5 ms, v1.2.3: 10K").unwrap();
        assert_eq!(said, ["the", "p95", "isn't", "<=", ",", "v1", ".", ":", "10k"]);
    }

    #[test]
    fn a_share_without_a_side_is_at_least_where_that_is_asked() {
        let told = |text| Demand::of_share(text).map(|demand| demand.unit.bound(demand.bound));
        assert_eq!(told("90% coverage").as_deref(), Some("at least 90 %"));
        assert_eq!(told("coverage below 90%").as_deref(), Some("less than 90 %"));
        assert_eq!(told("90 coverage"), None);
        assert_eq!(told("coverage 80% to 90%"), None);
    }
}
