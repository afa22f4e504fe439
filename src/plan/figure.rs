//! Figures: numbers as people and programs write them, in thousandths of a unit, without a float.

use super::Bound;
use serde::{Deserialize, Serialize};

/// Decimal places that figures are kept with. What is finer is rounded so that it holds no bound that it did not hold before.
const PLACES: u8 = 3;

/// Digits behind the point that are looked at, and digits before it.
const FRACTION_MAX: usize = 15;
const DIGITS_MAX: usize = 18;

/// In what a figure is kept and told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `%`, `ms`; empty for a bare number.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub symbol: Box<str>,
    /// Decimal places of the integers that figures and bounds are kept as: 3 is thousandths.
    #[serde(default)]
    pub places: u8,
}

/// What units measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Share,
    Time,
    Size,
}

/// A unit that is known: how it is written, the first way for people, and how many of the smallest of its dimension it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    words: &'static [&'static str],
    pub(super) dimension: Dimension,
    factor: i128,
}

const UNITS: &[Known] = &[
    Known { words: &["%", "percent", "pct"], dimension: Dimension::Share, factor: 1 },
    Known { words: &["ns", "nanosecond", "nanoseconds"], dimension: Dimension::Time, factor: 1 },
    Known { words: &["µs", "us", "μs", "microsecond", "microseconds"], dimension: Dimension::Time, factor: 1_000 },
    Known {
        words: &["ms", "msec", "msecs", "millisecond", "milliseconds"],
        dimension: Dimension::Time,
        factor: 1_000_000,
    },
    Known { words: &["s", "sec", "secs", "second", "seconds"], dimension: Dimension::Time, factor: 1_000_000_000 },
    Known { words: &["min", "mins", "minute", "minutes"], dimension: Dimension::Time, factor: 60_000_000_000 },
    Known { words: &["h", "hr", "hrs", "hour", "hours"], dimension: Dimension::Time, factor: 3_600_000_000_000 },
    Known { words: &["B", "byte", "bytes"], dimension: Dimension::Size, factor: 1 },
    Known { words: &["kB", "kilobyte", "kilobytes"], dimension: Dimension::Size, factor: 1_000 },
    Known { words: &["KiB"], dimension: Dimension::Size, factor: 1 << 10 },
    Known { words: &["MB", "megabyte", "megabytes"], dimension: Dimension::Size, factor: 1_000_000 },
    Known { words: &["MiB"], dimension: Dimension::Size, factor: 1 << 20 },
    Known { words: &["GB", "gigabyte", "gigabytes"], dimension: Dimension::Size, factor: 1_000_000_000 },
    Known { words: &["GiB"], dimension: Dimension::Size, factor: 1 << 30 },
];

impl Known {
    /// The unit that a word means.
    pub(super) fn of(word: &str) -> Option<&'static Known> {
        UNITS.iter().find(|unit| unit.words.iter().any(|known| known.eq_ignore_ascii_case(word)))
    }

    pub(super) fn unit(&self) -> Unit {
        Unit { symbol: self.words[0].into(), places: PLACES }
    }
}

impl Unit {
    /// No unit, in thousandths.
    pub fn bare() -> Unit {
        Unit { symbol: "".into(), places: PLACES }
    }

    /// Percent, in thousandths.
    pub fn percent() -> Unit {
        Unit { symbol: "%".into(), places: PLACES }
    }

    /// A figure for people: `87.5 %`.
    pub fn figure(&self, figure: i64) -> String {
        let places = usize::from(self.places.min(DIGITS_MAX as u8));
        let digits = format!("{:0>width$}", figure.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let fraction = fraction.trim_end_matches('0');
        let sign = if figure < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let gap = if self.symbol.is_empty() { "" } else { " " };
        format!("{sign}{whole}{point}{fraction}{gap}{}", self.symbol)
    }

    /// A bound for people: `at least 80 %`.
    pub fn bound(&self, bound: Bound) -> String {
        let (words, limit) = match bound {
            Bound::AtLeast(limit) => ("at least", limit),
            Bound::AtMost(limit) => ("at most", limit),
            Bound::Above(limit) => ("more than", limit),
            Bound::Below(limit) => ("less than", limit),
        };
        format!("{words} {}", self.figure(limit))
    }

    /// The figure that a text begins with, such as `87.5%` or `0.2 s`: in this unit, and rounded so that it holds the bound only where
    /// the number as written does.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn read(&self, text: &str, bound: Bound) -> Result<i64, String> {
        let text = text.trim();
        let shown = || text.chars().take(40).collect::<String>();
        let Some(written) = Number::at(text) else { return Err(format!("`{}` is no number", shown())) };
        let own = Known::of(&self.symbol);
        let factors = match (own, written.unit) {
            (_, None) => (1, 1),
            (None, Some(unit)) if unit.dimension == Dimension::Share => (1, 1),
            (Some(own), Some(unit)) if own.dimension == unit.dimension => (unit.factor, own.factor),
            (None, Some(_)) => {
                return Err(format!("`{}` has a unit, and the bound has none: write it with one", shown()));
            }
            (Some(own), Some(_)) => {
                return Err(format!("`{}` is not in the unit of the bound, which is {}", shown(), own.words[0]));
            }
        };
        let is_up = matches!(bound, Bound::AtMost(_) | Bound::Above(_));
        written.scaled(factors, self.places, is_up).ok_or_else(|| format!("`{}` is too large a number", shown()))
    }
}

/// A number as it was written, with the unit behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    mantissa: i128,
    /// Tenths of the mantissa's last digit, as a power of ten.
    scale: i32,
    /// Which way the digits lead that were left out behind the last one: -1, 1, or 0 where there are none.
    cut: i8,
    pub(super) unit: Option<&'static Known>,
    /// Bytes of it, with its unit.
    pub(super) length: usize,
}

impl Number {
    /// The number that a text begins with; none where it goes on as something else, such as a version.
    pub(super) fn at(text: &str) -> Option<Number> {
        let (is_negative, digits) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        // `bc` writes no zero before the point.
        let is_bare = digits.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let (whole, mut rest) = if is_bare { (String::new(), digits) } else { groups(digits)? };
        let mut fraction = "";
        if let Some(behind) = rest.strip_prefix(['.', ',']) {
            let length = behind.bytes().take_while(u8::is_ascii_digit).count();
            if length > 0 {
                (fraction, rest) = behind.split_at(length);
            }
        }
        // `1.2.3` is a version, `1.234,5` may be either.
        if rest.strip_prefix(['.', ',']).is_some_and(|more| more.starts_with(|c: char| c.is_ascii_digit())) {
            return None;
        }
        let mut exponent = 0;
        if let Some(behind) = rest.strip_prefix(['e', 'E']) {
            let unsigned = behind.strip_prefix(['-', '+']).unwrap_or(behind);
            let length = unsigned.bytes().take_while(u8::is_ascii_digit).count();
            // No unit begins with it.
            let power: i32 = unsigned[..length].parse().ok().filter(|power| *power <= 30)?;
            exponent = if behind.starts_with('-') { -power } else { power };
            rest = &unsigned[length..];
        }
        if whole.trim_start_matches('0').len() > DIGITS_MAX {
            return None;
        }
        let kept = &fraction[..fraction.len().min(FRACTION_MAX)];
        let cut = i8::from(fraction[kept.len()..].bytes().any(|digit| digit != b'0'));
        let mantissa: i128 = format!("{whole}{kept}").parse().ok()?;
        let (mantissa, cut) = if is_negative { (-mantissa, -cut) } else { (mantissa, cut) };
        let (unit, rest) = unit(rest)?;
        Some(Number { mantissa, scale: kept.len() as i32 - exponent, cut, unit, length: text.len() - rest.len() })
    }

    /// Whether it is whole thousandths of its unit: a bound that is finer would not be kept as it was written.
    pub(super) fn is_kept(&self) -> bool {
        let down = self.scaled((1, 1), PLACES, false);
        down.is_some() && down == self.scaled((1, 1), PLACES, true)
    }

    /// As an integer of so many places, rounded up or down.
    pub(super) fn scaled(&self, (from, to): (i128, i128), places: u8, is_up: bool) -> Option<i64> {
        let power = |by: i32| 10_i128.checked_pow(u32::try_from(by).ok()?);
        let shift = i32::from(places) - self.scale;
        let mut above = self.mantissa.checked_mul(from)?;
        let mut below = to;
        if shift >= 0 {
            above = above.checked_mul(power(shift)?)?;
        } else {
            below = below.checked_mul(power(-shift)?)?;
        }
        let (quotient, rest) = (above.div_euclid(below), above.rem_euclid(below));
        let more = i128::from(is_up && (rest != 0 || self.cut > 0));
        let less = i128::from(!is_up && rest == 0 && self.cut < 0);
        i64::try_from(quotient + more - less).ok()
    }
}

/// The whole digits at the start, without the commas between thousands; and what follows.
fn groups(text: &str) -> Option<(String, &str)> {
    let count = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let first = count(text);
    if first == 0 {
        return None;
    }
    let (mut whole, mut rest) = (text[..first].to_owned(), &text[first..]);
    while let Some(group) = rest.strip_prefix([',', '_']).filter(|group| count(group) == 3)
        && first <= 3
        && !whole.starts_with('0')
    {
        whole.push_str(&group[..3]);
        rest = &group[3..];
    }
    Some((whole, rest))
}

/// The unit behind a number, right behind it or after a blank, and what follows; nothing where letters stand there that are no unit.
fn unit(rest: &str) -> Option<(Option<&'static Known>, &str)> {
    let word = |text: &str| {
        if text.starts_with('%') {
            return 1;
        }
        text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len())
    };
    let length = word(rest);
    if length > 0 {
        let known = Known::of(&rest[..length])?;
        return Some((Some(known), &rest[length..]));
    }
    if rest.starts_with('_') {
        return None;
    }
    let behind = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let length = word(behind);
    Some(Known::of(&behind[..length]).map_or((None, rest), |known| (Some(known), &behind[length..])))
}

/// The last number in what a program printed, from its first digit on. What is part of a word, a version or a time of day is none.
pub fn last_number(text: &str) -> Option<&str> {
    let mut end = text.len();
    while let Some(digit) = text[..end].rfind(|c: char| c.is_ascii_digit()) {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_');
        let start = text[..=digit].trim_end_matches(is_part).len();
        // `.5` and a comma at the end of a sentence before it.
        let start = start + text[start..=digit].find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        if let Some(number) = begun(text, start) {
            return Some(&text[number..]);
        }
        end = start;
    }
    None
}

/// Where the number begins whose first digit this is, with its sign; none where it is part of something else.
fn begun(text: &str, digit: usize) -> Option<usize> {
    let mut before = text[..digit].chars().rev();
    let (last, other) = (before.next(), before.next());
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let is_figure = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let start = match last {
        Some('-' | '−' | '+') if is_word(other) => return None,
        Some(sign @ ('-' | '−' | '+')) => digit - sign.len_utf8(),
        Some(':') if is_figure(other) => return None,
        Some('.') if is_word(other) => return None,
        Some('.') => digit - 1,
        _ if is_word(last) => return None,
        _ => digit,
    };
    let number = Number::at(&text[start..])?;
    let mut behind = text[start + number.length..].chars();
    // `12:30` is a time of the day, and `2026-11-28` a day.
    let is_time = matches!(behind.next(), Some(':' | '-')) && is_figure(behind.next());
    (!is_time).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, unit: &str, bound: Bound) -> Result<i64, String> {
        Unit { symbol: unit.into(), places: PLACES }.read(text, bound)
    }

    #[test]
    fn numbers_are_read_as_people_and_programs_write_them() {
        for (text, figure) in [
            ("87.5%", Some(87_500)),
            ("87,5 %", Some(87_500)),
            ("1,234,567.8", Some(1_234_567_800)),
            ("0,125", Some(125)),
            ("-3", Some(-3_000)),
            ("+3", Some(3_000)),
            ("1e3", Some(1_000_000)),
            ("1.2e-02", Some(12)),
            ("1_000", Some(1_000_000)),
            ("1234,567", Some(1_234_567)),
            ("1.5e+2", Some(150_000)),
            ("3e", None),
            ("3 e", Some(3_000)),
            ("1.2.3", None),
            ("10k", None),
            ("ten", None),
            ("", None),
            ("99999999999999999999", None),
            ("1e31", None),
        ] {
            assert_eq!(read(text, "%", Bound::AtLeast(0)).ok(), figure, "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_thousandth_is_rounded_against_the_bound() {
        assert_eq!(read("79.9999", "%", Bound::AtLeast(80_000)), Ok(79_999));
        assert_eq!(read("200.0001", "ms", Bound::AtMost(200_000)), Ok(200_001));
        assert_eq!(read("199.9999", "ms", Bound::Below(200_000)), Ok(199_999), "it is below");
        assert_eq!(read("80.0000000000000000001", "%", Bound::Above(80_000)), Ok(80_001), "it is above");
        assert_eq!(read("-0.5001", "%", Bound::AtLeast(-500)), Ok(-501));
    }

    #[test]
    fn digits_that_are_not_kept_count_for_the_bound() {
        let (less, more) = (Bound::AtLeast(0), Bound::AtMost(0));
        for (text, down, up) in [
            ("8230.41666666666666666666", 8_230_416, 8_230_417),
            ("80.00000000000000000000", 80_000, 80_000),
            ("80.00000000000000000001", 80_000, 80_001),
            ("80.00010000000000000001", 80_000, 80_001),
            ("-80.00000000000000000000", -80_000, -80_000),
            ("-80.00000000000000000001", -80_001, -80_000),
            ("-80.00010000000000000001", -80_001, -80_000),
            ("0.00000000000000000001", 0, 1),
            ("-0.00000000000000000001", -1, 0),
        ] {
            assert_eq!((read(text, "%", less), read(text, "%", more)), (Ok(down), Ok(up)), "{text}");
        }
    }

    #[test]
    fn a_number_is_as_long_as_it_is_written_with_its_unit() {
        for (text, length) in [
            ("4. Then", Some(1)),
            ("4, they say", Some(1)),
            ("-0.5 % of", Some(6)),
            ("−3", Some(4)),
            ("12ms.", Some(4)),
            ("12\u{a0}ms", Some(6)),
            ("12 warnings", Some(2)),
            ("12 ", Some(2)),
            ("1_2", None),
            ("123456789012345678", Some(18)),
            ("1234567890123456789", None),
            ("000123456789012345678", Some(21)),
        ] {
            assert_eq!(Number::at(text).map(|number| number.length), length, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_thousandths_or_too_large_is_not_kept_as_it_was_written() {
        let is_kept = |text| Number::at(text).is_some_and(|number: Number| number.is_kept());
        assert!(["80", "80.5", "0.125", "-0.125", "0.1250", "1e3"].into_iter().all(is_kept));
        assert!(!["0.0001", "80.1255", "1e-4", "1e30", "-1e30"].into_iter().any(is_kept));
        assert!(read("1e30", "%", Bound::AtLeast(0)).unwrap_err().contains("too large"));
    }

    #[test]
    fn a_unit_is_kept_by_the_sign_of_its_first_word_and_in_thousandths() {
        for (word, symbol) in [("Percent", "%"), ("µs", "µs"), ("SECS", "s"), ("bytes", "B"), ("mib", "MiB")] {
            let unit = Known::of(word).map(Known::unit);
            assert_eq!(unit, Some(Unit { symbol: symbol.into(), places: 3 }), "{word}");
        }
        assert_eq!(Known::of("parsecs"), None);
    }

    #[test]
    fn a_unit_is_so_many_of_another() {
        for (text, unit, figure) in [
            ("1 us", "ns", 1_000),
            ("1 ms", "us", 1_000),
            ("1 s", "ms", 1_000),
            ("1 min", "s", 60),
            ("1 h", "min", 60),
            ("1 kB", "B", 1_000),
            ("1 MB", "kB", 1_000),
            ("1 GB", "MB", 1_000),
            ("1 KiB", "B", 1_024),
            ("1 MiB", "KiB", 1_024),
            ("1 GiB", "MiB", 1_024),
        ] {
            assert_eq!(read(text, unit, Bound::AtMost(0)), Ok(figure * 1_000), "{text}");
        }
    }

    #[test]
    fn a_figure_is_in_the_unit_of_its_bound_or_is_none() {
        let most = Bound::AtMost(0);
        assert_eq!(read("0.2 s", "ms", most), Ok(200_000));
        assert_eq!(read("250us", "ms", most), Ok(250));
        assert_eq!(read("2 KiB", "B", most), Ok(2_048_000));
        assert_eq!(read("187", "ms", most), Ok(187_000), "without a unit it is in that of the bound");
        assert_eq!(read("12 warnings", "", most), Ok(12_000));
        assert_eq!(read("87.5 %", "", most), Ok(87_500));
        assert!(read("1.2 s", "%", most).unwrap_err().contains("not in the unit of the bound, which is %"));
        assert!(read("1.2 s", "", most).unwrap_err().contains("the bound has none"));
    }

    #[test]
    fn the_last_number_is_no_part_of_a_word_a_version_or_a_time() {
        for (said, found) in [
            ("lines 12\ncoverage: 87.5%\n", "87.5%\n"),
            ("p95=187ms v1.2.3 x86_64 3rd", "187ms v1.2.3 x86_64 3rd"),
            ("total 91.67% at 12:30:01", "91.67% at 12:30:01"),
            ("12 on 2026-11-28", "12 on 2026-11-28"),
            ("drop: -0.5", "-0.5"),
            ("bc says .875", ".875"),
            ("The figure is 4, they say.", "4, they say."),
            ("Finished in 0.31s", "0.31s"),
            ("12: done", "12: done"),
            ("coverage:87", "87"),
            ("of them,5", "5"),
            ("in all 1,234.5 of 10k", "1,234.5 of 10k"),
            ("→3", "3"),
        ] {
            assert_eq!(last_number(said), Some(found), "{said}");
        }
        for said in ["since 12:30", "on 2026-11-28", "covid-19", "see a.5", "a_5", "10k", ""] {
            assert_eq!(last_number(said), None, "{said}");
        }
        assert_eq!(last_number("none of v2 and x3"), None);
        assert_eq!(last_number(&"é1a".repeat(1000)), None);
    }

    #[test]
    fn a_figure_is_told_without_zeros_that_say_nothing() {
        let unit = Unit::percent();
        assert_eq!(unit.figure(87_500), "87.5 %");
        assert_eq!(unit.figure(-50), "-0.05 %");
        assert_eq!(unit.figure(0), "0 %");
        assert_eq!(unit.bound(Bound::AtLeast(80_000)), "at least 80 %");
        assert_eq!(Unit::bare().bound(Bound::Below(3_000)), "less than 3");
        assert_eq!(Unit::default().figure(79), "79", "an old journal has whole figures");
    }
}
