//! Cron expressions of five fields, as freezes and scheduled jobs use them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// Minute, hour, day of month, month, day of week: `0 16 ? * FRI`.
///
/// Each field is `*`, or a list of values, ranges and steps; `?` stands for `*` in the two fields of days, and at
/// most one of these says more than that, as AWS wants it. Days of the week are names: to AWS 1 is Sunday, to others
/// Monday. Seen with a time zone it names the minutes at which the zone's clocks show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    /// One bit a value in each field, counted from zero.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

pub(crate) const ALLOWED: &str =
    "a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI";

const CRON_CHARS_MAX: usize = 100;

/// What one field may hold.
struct Field {
    name: &'static str,
    first: u64,
    last: u64,
    /// Of the values, from the first on.
    names: &'static [&'static str],
    numbers: bool,
    question_mark: bool,
}

const MINUTE: Field =
    Field { name: "minute", first: 0, last: 59, names: &[], numbers: true, question_mark: false };
const HOUR: Field =
    Field { name: "hour", first: 0, last: 23, names: &[], numbers: true, question_mark: false };
const DAY: Field =
    Field { name: "day of month", first: 1, last: 31, names: &[], numbers: true, question_mark: true };
const MONTH: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    numbers: true,
    question_mark: false,
};
const WEEKDAY: Field = Field {
    name: "day of week",
    first: 0,
    last: 6,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    numbers: false,
    question_mark: true,
};

impl Field {
    fn every(&self) -> u64 {
        (self.first..=self.last).fold(0, |bits, value| bits | 1 << value)
    }

    fn allowed(&self) -> String {
        match (self.names, self.numbers) {
            (names, false) => format!("{} of {}", self.name, names.join(", ")),
            ([], true) => format!("{} from {} to {}", self.name, self.first, self.last),
            (names, true) => {
                format!(
                    "{} from {} to {}, or {} to {}",
                    self.name, self.first, self.last, names[0], names[11]
                )
            }
        }
    }

    fn parse(&self, text: &str) -> Result<u64, String> {
        if text == "?" && self.question_mark {
            return Ok(self.every());
        }
        text.split(',').try_fold(0, |bits, part| {
            self.part(part).map(|more| bits | more).ok_or_else(|| format!("{ALLOWED}; {}", self.allowed()))
        })
    }

    /// `5`, `MON-FRI`, `*/15`, `10-40/10`; a step needs numbers.
    fn part(&self, text: &str) -> Option<u64> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0 && self.numbers)?)),
            None => (text, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (self.first, self.last),
            (_, Some((from, to))) => (self.value(from)?, self.value(to)?),
            (one, None) => {
                let value = self.value(one)?;
                // `10/15` means from 10 on.
                (value, if step.is_some() { self.last } else { value })
            }
        };
        if from > to {
            return None;
        }
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        Some((from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u64> {
        if let Some(named) = (self.first..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text))
        {
            return Some(named.0);
        }
        number(text).filter(|value| self.numbers && (self.first..=self.last).contains(value))
    }

    /// As AWS takes it: three values or more in a row as a range.
    fn written(&self, bits: u64) -> String {
        let value = |value: u64| {
            let index = usize::try_from(value - self.first).unwrap_or_default();
            self.names.get(index).map_or_else(|| value.to_string(), |name| (*name).to_owned())
        };
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for next in (self.first..=self.last).filter(|v| bits & 1 << v != 0) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == next => *last = next,
                Some(_) | None => runs.push((next, next)),
            }
        }
        let run = |(first, last): (u64, u64)| match last - first {
            0 => value(first),
            1 => format!("{},{}", value(first), value(last)),
            _ => format!("{}-{}", value(first), value(last)),
        };
        runs.into_iter().map(run).collect::<Vec<_>>().join(",")
    }
}

fn number(text: &str) -> Option<u64> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl FromStr for Cron {
    type Err = String;
    /// `Err` tells what is allowed.
    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else { return Err(ALLOWED.to_owned()) };
        if text.len() > CRON_CHARS_MAX {
            return Err(format!("{ALLOWED}; at most {CRON_CHARS_MAX} characters"));
        }
        let cron = Self {
            text: fields.join(" "),
            minutes: MINUTE.parse(minutes)?,
            hours: HOUR.parse(hours)?,
            days: DAY.parse(days)?,
            months: MONTH.parse(months)?,
            weekdays: WEEKDAY.parse(weekdays)?,
        };
        if cron.days != DAY.every() && cron.weekdays != WEEKDAY.every() {
            return Err(format!("{ALLOWED}; ? for the day of month or for the day of week"));
        }
        if !cron.comes() {
            return Err(format!("{ALLOWED}; a day that one of its months has"));
        }
        Ok(cron)
    }
}

impl Cron {
    /// The times of `date` that it names, in order.
    pub(crate) fn times(&self, date: Date) -> impl Iterator<Item = Time> + '_ {
        let weekday = date.weekday().to_sunday_zero_offset();
        let today =
            has(self.days, date.day()) && has(self.months, date.month()) && has(self.weekdays, weekday);
        let hours = (0_i8..24).filter(move |hour| today && has(self.hours, *hour));
        hours.flat_map(|hour| {
            let minutes = (0_i8..60).filter(|minute| has(self.minutes, *minute));
            minutes.map(move |minute| Time::constant(hour, minute, 0, 0))
        })
    }

    /// Whether there is a day for it in any year.
    fn comes(&self) -> bool {
        const DAYS: [u64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        (1_u64..).zip(DAYS).any(|(month, days)| {
            self.months & 1 << month != 0 && (1..=days).any(|day| self.days & 1 << day != 0)
        })
    }

    /// As EventBridge Scheduler takes it: with its runs as ranges no cron is longer than the 256 characters that are allowed.
    ///
    /// Source: EventBridge Scheduler user guide, "Schedule types": cron-based schedules; API, `CreateSchedule`.
    pub(crate) fn for_scheduler(&self) -> String {
        let field = |field: &Field, bits: u64| {
            if bits == field.every() { "*".to_owned() } else { field.written(bits) }
        };
        let weekdays = field(&WEEKDAY, self.weekdays);
        let (days, weekdays) = if weekdays == "*" {
            (field(&DAY, self.days), "?".to_owned())
        } else {
            ("?".to_owned(), weekdays)
        };
        let [minutes, hours] = [field(&MINUTE, self.minutes), field(&HOUR, self.hours)];
        format!("cron({minutes} {hours} {days} {} {weekdays} *)", field(&MONTH, self.months))
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & 1 << value != 0)
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> String {
        cron.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, date: &str) -> String {
        let cron: Cron = cron.parse().unwrap();
        let times: Vec<String> =
            cron.times(date.parse().unwrap()).map(|time| time.strftime("%H:%M").to_string()).collect();
        times.join(" ")
    }

    #[test]
    fn a_cron_names_its_times() {
        // 2026-11-27 is a Friday.
        for (cron, date, expected) in [
            ("0 16 ? * FRI", "2026-11-27", "16:00"),
            ("0 16 ? * FRI", "2026-11-26", ""),
            ("0 16 * * fri", "2026-11-27", "16:00"),
            ("30 8,18 ? * MON-FRI", "2026-11-27", "08:30 18:30"),
            ("*/20 7 * * ?", "2026-11-27", "07:00 07:20 07:40"),
            ("50/5 7 * * *", "2026-11-27", "07:50 07:55"),
            ("10-40/15 7 * * *", "2026-11-27", "07:10 07:25 07:40"),
            ("0 0 29 FEB ?", "2028-02-29", "00:00"),
            ("0 0 1 1,JUL ?", "2026-07-01", "00:00"),
            ("0 0 1 1,JUL ?", "2026-06-01", ""),
        ] {
            assert_eq!(times(cron, date), expected, "{cron} on {date}");
        }
        assert_eq!(times("* * * * *", "2026-11-27").split(' ').count(), 24 * 60);
    }

    #[test]
    fn an_impossible_cron_is_refused_with_what_is_allowed() {
        let told = |cron: &str| cron.parse::<Cron>().unwrap_err();
        insta::assert_snapshot!(told("0 16 * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI");
        insta::assert_snapshot!(told("0 16 ? * FRI *"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI");
        insta::assert_snapshot!(told("60 16 ? * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; minute from 0 to 59");
        insta::assert_snapshot!(told("0 24 ? * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; hour from 0 to 23");
        insta::assert_snapshot!(told("0 16 0 * ?"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; day of month from 1 to 31");
        insta::assert_snapshot!(told("0 16 ? 13 FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; month from 1 to 12, or JAN to DEC");
        insta::assert_snapshot!(told("0 16 ? * 6"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; day of week of SUN, MON, TUE, WED, THU, FRI, SAT");
        insta::assert_snapshot!(told("0 16 ? * FRI-MON"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; day of week of SUN, MON, TUE, WED, THU, FRI, SAT");
        insta::assert_snapshot!(told("0 16 1 * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; ? for the day of month or for the day of week");
        insta::assert_snapshot!(told("0 0 30 FEB ?"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; a day that one of its months has");
        insta::assert_snapshot!(told("*/0 16 ? * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; minute from 0 to 59");
        insta::assert_snapshot!(told("? 16 ? * FRI"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; minute from 0 to 59");
        insta::assert_snapshot!(told(&"0".repeat(200)), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI");
        insta::assert_snapshot!(told("@daily"), @"a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI");
    }

    #[test]
    fn the_scheduler_gets_six_fields_with_one_question_mark() {
        let written = |cron: &str| cron.parse::<Cron>().unwrap().for_scheduler();
        assert_eq!(written("0 3 * * ?"), "cron(0 3 * * ? *)");
        assert_eq!(written("*/15 * * * *"), "cron(0,15,30,45 * * * ? *)");
        assert_eq!(written("0 16 ? * MON-WED,FRI"), "cron(0 16 ? * MON-WED,FRI *)");
        assert_eq!(written("0 0 1 1,JUL ?"), "cron(0 0 1 JAN,JUL ? *)");
        // None is longer than with nothing but runs of two.
        assert!(written("*/3,1/3 */3,1/3 */3,2/3 */3,2/3 ?").len() <= 254);
        assert_eq!(written("1-59 0-22 ? * MON-FRI"), "cron(1-59 0-22 ? * MON-FRI *)");
        assert_eq!(written("0,1,3-4,6-8 1 1 1-12 ?"), "cron(0,1,3,4,6-8 1 1 * ? *)");
    }
}
