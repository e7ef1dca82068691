//! Windows of the week, in UTC.

/// A stretch of minutes within the week; it may go on over the week's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    /// Minutes after Monday 00:00.
    from: u32,
    minutes: u32,
}

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// Source: RDS API, CreateDBInstance, PreferredMaintenanceWindow.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A daily backup window, `hh:mm-hh:mm`, over midnight where it ends before it begins.
///
/// Source: RDS API, CreateDBInstance, PreferredBackupWindow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Daily(Stretch);

/// A weekly maintenance window, `ddd:hh:mm-ddd:hh:mm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weekly(Stretch);

impl Daily {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        let minutes = (to + DAY - from) % DAY;
        (minutes > 0).then_some(Self(Stretch { from, minutes }))
    }

    pub(crate) fn overlaps(self, weekly: Weekly) -> bool {
        (0..7).any(|day| {
            let of_day = Stretch { from: day * DAY + self.0.from, minutes: self.0.minutes };
            overlap(of_day, weekly.0)
        })
    }
}

impl Weekly {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute_of_week(from)?, minute_of_week(to)?);
        let minutes = (to + WEEK - from) % WEEK;
        (minutes > 0).then_some(Self(Stretch { from, minutes }))
    }
}

/// On a circle, two stretches overlap when one of them begins within the other.
fn overlap(a: Stretch, b: Stretch) -> bool {
    (b.from + WEEK - a.from % WEEK) % WEEK < a.minutes || (a.from % WEEK + WEEK - b.from) % WEEK < b.minutes
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str, below: u32| {
        let ok = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|n| ok && *n < below)
    };
    Some(two(hour, 24)? * 60 + two(minute, 60)?)
}

fn minute_of_week(text: &str) -> Option<u32> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|name| day.eq_ignore_ascii_case(name))?;
    Some(u32::try_from(day).ok()? * DAY + minute(time)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn overlapping(daily: &str, weekly: &str) -> bool {
        Daily::read(daily).unwrap().overlaps(Weekly::read(weekly).unwrap())
    }

    #[test]
    fn windows_over_midnight_and_the_weeks_end_overlap_where_they_should() {
        assert!(overlapping("23:30-00:30", "sun:23:45-mon:00:15"));
        assert!(overlapping("23:30-00:30", "mon:00:00-mon:00:20"));
        assert!(overlapping("00:00-00:30", "sun:23:00-mon:00:01"));
        assert!(overlapping("03:00-04:00", "Tue:03:59-Tue:05:00"));
        assert!(!overlapping("23:30-00:30", "mon:00:30-mon:01:00"));
        assert!(!overlapping("03:00-04:00", "tue:04:00-tue:04:30"));
        assert!(!overlapping("04:00-05:00", "tue:03:00-tue:04:00"));
    }

    #[test]
    fn what_is_no_window_is_none() {
        for text in
            ["", "-", "3:00-4:00", "24:00-01:00", "03:00-03:00", "03:60-04:00", "03:00", "+3:00-04:00"]
        {
            assert_eq!(Daily::read(text), None, "{text}");
        }
        for text in ["", "03:00-04:00", "xyz:03:00-mon:04:00", "mon:03:00-mon:03:00", "mon:25:00-mon:03:00"] {
            assert_eq!(Weekly::read(text), None, "{text}");
        }
    }

    fn daily(from: u32, minutes: u32) -> String {
        let to = (from + minutes) % DAY;
        format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }

    fn weekly(from: u32, minutes: u32) -> String {
        let at = |m: u32| format!("{}:{:02}:{:02}", DAYS[(m / DAY) as usize], m / 60 % 24, m % 60);
        format!("{}-{}", at(from), at((from + minutes) % WEEK))
    }

    proptest! {
        /// Against every minute of the week, one by one.
        #[test]
        fn windows_overlap_exactly_when_they_share_a_minute(
            from in 0..DAY, minutes in 1..DAY, start in 0..WEEK, length in 1..DAY,
        ) {
            let in_daily = |m: u32| (m + DAY - from) % DAY < minutes;
            let shared = (0..length).any(|n| in_daily((start + n) % WEEK % DAY));
            prop_assert_eq!(overlapping(&daily(from, minutes), &weekly(start, length)), shared);
        }
    }
}
