//! When a limit ends, in Codex's words: by the clock on the wall, or after a while.

use crate::run::Timestamp;
use jiff::{civil, tz::TimeZone};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// When to try again, from what was said at `at` in this zone; `None` where nothing was said of it.
///
/// `try again at Nov 21st, 2026 12:22 AM.`, `try again at 10:24 PM.` (of the same day), `try again in 1.5s.`
pub(super) fn until(words: &str, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // What is looked for is ASCII, and lower case of it has the same length.
    let words = words.to_ascii_lowercase();
    let (_, rest) = words.split_once("try again ")?;
    match rest.split_once(' ')? {
        ("in", rest) => Some(at.after(after(rest)?)),
        ("at", rest) => {
            let clock = rest.find("am").or_else(|| rest.find("pm")).map(|end| &rest[..end + 2])?;
            let told = by_clock(clock.trim(), at, zone)?;
            // It tells whole minutes, and cuts the seconds off.
            Some(told.after(MINUTE))
        }
        _ => None,
    }
}

fn by_clock(clock: &str, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(time) = civil::Time::strptime("%I:%M %p", clock) {
        let now = jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?.to_zoned(zone.clone());
        let today = epoch(now.date().to_datetime(time), zone)?;
        // Said just before midnight, and read just after: it was yesterday's clock.
        let is_yesterdays = today.0 > at.0.saturating_add(DAY - 10 * MINUTE);
        return Some(if is_yesterdays { Timestamp(today.0 - DAY) } else { today });
    }
    // `nov 21st, 2026 12:22 am`, where the day's ending is English and says nothing.
    let (month, rest) = clock.split_once(' ')?;
    let (day, rest) = rest.split_once(',')?;
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let date = format!("{month} {day} {}", rest.trim());
    epoch(civil::DateTime::strptime("%b %d %Y %I:%M %p", date).ok()?, zone)
}

fn epoch(time: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let zoned = time.to_zoned(zone.clone()).ok()?;
    u64::try_from(zoned.timestamp().as_millisecond()).ok().map(Timestamp)
}

/// Milliseconds of a while: `1.5s`, `20ms`, `6m0s`, `1h 2m`, `3 days 4 hours`.
fn after(words: &str) -> Option<u64> {
    let mut sum: Option<f64> = None;
    let mut rest = words.trim_start();
    while let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0) {
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let unit = &after[..after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len())];
        let (Ok(number), Some(each)) = (number.parse::<f64>(), millis(unit)) else {
            break;
        };
        sum = Some(sum.unwrap_or_default() + number * each);
        rest = after[unit.len()..].trim_start_matches([' ', ',']).trim_start_matches("and ");
    }
    sum.map(|sum| sum.ceil() as u64)
}

fn millis(unit: &str) -> Option<f64> {
    match unit {
        "ms" | "millisecond" | "milliseconds" => Some(1.0),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1e3),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60e3),
        "h" | "hr" | "hour" | "hours" => Some(3_600e3),
        "d" | "day" | "days" => Some(86_400e3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-20, 20:15:30 in UTC; a quarter past ten in the evening two hours to the east.
    const AT: Timestamp = Timestamp(1_795_205_730_000);

    fn east() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(2))
    }

    fn shown(words: &str, at: Timestamp) -> Option<String> {
        let until = until(words, at, &east())?;
        Some(jiff::Timestamp::from_millisecond(i64::try_from(until.0).unwrap()).unwrap().to_string())
    }

    #[test]
    fn the_clock_on_the_wall_is_read_in_its_zone_and_rounded_up() {
        for (words, expected) in [
            ("or try again at Nov 21st, 2026 12:22 AM.", Some("2026-11-20T22:23:00Z")),
            ("Try again at Dec 2nd, 2026 1:05 PM.", Some("2026-12-02T11:06:00Z")),
            ("try again at 10:24 PM.", Some("2026-11-20T20:25:00Z")),
            ("try again at 10:10 PM.", Some("2026-11-20T20:11:00Z")),
            ("try again later.", None),
            ("try again at Feb 30th, 2026 1:05 PM.", None),
            ("try again at noon", None),
            ("try again at ", None),
        ] {
            assert_eq!(shown(words, AT).as_deref(), expected, "{words}");
        }
    }

    #[test]
    fn a_clock_that_was_read_after_midnight_was_yesterdays() {
        let after_midnight = Timestamp(1_795_212_005_000);
        assert_eq!(shown("try again at 11:59 PM.", after_midnight).as_deref(), Some("2026-11-20T22:00:00Z"));
    }

    #[test]
    fn a_while_is_added_to_when_it_was_said() {
        let after = |words: &str| until(words, AT, &east()).map(|until| until.0 - AT.0);
        for (words, expected) in [
            ("Please try again in 1.5s.", Some(1_500)),
            ("try again in 20ms", Some(20)),
            ("try again in 6m0s. Visit", Some(360_000)),
            ("try again in 1 day, 2 hours and 3 minutes", Some(93_780_000)),
            ("try again in a moment", None),
            ("try again in 5 lightyears", None),
            ("try again in .", None),
        ] {
            assert_eq!(after(words), expected, "{words}");
        }
        assert!(after("try again in 999999999999999999999999 days").is_some(), "far away is a time too");
    }

    proptest! {
        #[test]
        fn no_words_are_too_much(words in "try again (at|in) \\PC{0,40}|try again at [A-Za-z]{3} [0-9a-z]{0,5}, [0-9 :APM]{0,16}") {
            let _ = until(&words, AT, &east());
            let _ = until(&words, Timestamp(u64::MAX), &east());
        }
    }
}
