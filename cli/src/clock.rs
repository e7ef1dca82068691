//! The machine's clock, and times for people: UTC, to the second.

use model::time::Timestamp;

pub(crate) fn now() -> Timestamp {
    Timestamp(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default())
}

pub(crate) fn time_of_day(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX)) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => format!("{} ms after 1970", at.0),
    }
}
