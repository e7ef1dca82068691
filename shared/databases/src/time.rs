//! Times as AWS writes them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::time::Timestamp;

/// `2026-03-02T09:15:00.000Z` of EventBridge, or `2026-03-02 09:15:00.000` of SNS, which is UTC too. Whole seconds: the
/// two forms of one event must read the same. `None` for a time that no calendar has.
pub fn read(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let seconds = zoned.or_else(utc)?.as_second();
    u64::try_from(seconds).ok().map(|seconds| Timestamp(seconds * 1000))
}

/// `2026-03-02 09:15:00Z`, or what stands there when no calendar has it.
pub fn shown(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX)) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => format!("{} ms after 1970", at.0),
    }
}

/// A length of time as people say it: the two largest units.
pub fn lasted(span: model::time::Span) -> String {
    let seconds = span.as_seconds();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use model::time::Span;

    use super::*;

    #[test]
    fn both_forms_of_one_time_read_the_same_and_impossible_ones_are_no_time() {
        assert_eq!(read("2026-03-02T09:15:00.292Z"), read("2026-03-02 09:15:00.000"));
        for same in ["2026-03-02T09:15:00Z", "2026-03-02T09:15Z"] {
            assert_eq!(read(same), Some(Timestamp(1_772_442_900_000)), "{same}");
        }
        for impossible in ["2022-04-31T17:00:00Z", "2023-02-29 10:00:00", "yesterday", ""] {
            assert_eq!(read(impossible), None, "{impossible}");
        }
    }

    #[test]
    fn a_length_is_said_in_two_units() {
        let said = [0, 59_999, 61_000, 3_661_000, 90_000_000].map(|ms| lasted(Span(ms)));
        assert_eq!(said, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
