//! Numbers as people read them: times, durations, counts. The time zone is told, never asked for.

use crate::run::Timestamp;
use jiff::tz::TimeZone;

/// With date and offset: `2026-11-21T12:40:24+01:00`.
pub fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The time of the day: `12:40:24`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%H:%M:%S").to_string()
}

/// How long, in two units at most: `41s`, `2m13s`, `3h05m`, `2d04h`.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// How long in whole minutes, for estimates: `41 min`, `3 h 05 min`.
pub fn minutes(minutes: u64) -> String {
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {:02} min", minutes / 60, minutes % 60) }
}

/// How many of something: `1 task`, `2 tasks`.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn zoned(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    let at = i64::try_from(at.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_offset_and_no_number_is_too_large() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(rfc3339(Timestamp(0), &zone), "1970-01-01T02:00:00+02:00");
        assert_eq!(clock(Timestamp(3_723_000), &zone), "03:02:03");
        assert_eq!(rfc3339(Timestamp(u64::MAX), &TimeZone::UTC), "1970-01-01T00:00:00+00:00");
    }

    #[test]
    fn a_duration_has_two_units_at_most() {
        let of = |seconds: u64| span(seconds * 1000);
        assert_eq!([of(59), of(133), of(11_100), of(187_200)], ["59s", "2m13s", "3h05m", "2d04h"]);
        assert_eq!((minutes(41), minutes(185)), ("41 min".into(), "3 h 05 min".into()));
    }
}
