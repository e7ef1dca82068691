//! Freezes: when nothing may be deployed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use model::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cron::{self, Cron};
use crate::faults::{Fault, Faults, Path, nearest};
use crate::limits::{FREEZE_HOURS_MAX, FREEZES_MAX};
use crate::reader;

/// A window that opens whenever its cron comes round, and is open for some hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// When it begins: minute, hour, day of month, month, day of week: `0 16 ? * FRI`. A time that a change of clocks
    /// leaves out comes as much later as the clocks are put forward; of one that comes twice the first counts.
    #[schemars(with = "String", length(max = 100))]
    pub cron: Cron,
    /// How long it lasts, in hours as they pass: a change of clocks within it makes it end an hour earlier or later by
    /// the clock.
    #[schemars(range(min = 1, max = 744))]
    pub hours: u32,
    /// The IANA time zone that the cron is read in: `Europe/Berlin`.
    #[schemars(with = "String")]
    pub time_zone: Zone,
}

/// Nothing may be deployed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// When the last of the windows that follow each other without a gap ends.
    pub until: Timestamp,
    /// One of the windows that are open now.
    pub by: Freeze,
}

/// Whether `now` lies in one of `freezes`, and until when.
///
/// The rules of time zones are those that this crate was built with; the machine's own are not read.
pub fn frozen(freezes: &[Freeze], now: Timestamp) -> Option<Frozen> {
    /// Freezes that follow each other for ever are looked at again after so many.
    const FOLLOWING_MAX: usize = 1_000;
    let (mut until, by) = open_longest(freezes, now)?;
    for _ in 0..FOLLOWING_MAX {
        let Some((end, _)) = open_longest(freezes, until) else { break };
        until = end;
    }
    Some(Frozen { until, by: by.clone() })
}

fn open_longest(freezes: &[Freeze], at: Timestamp) -> Option<(Timestamp, &Freeze)> {
    let open = freezes.iter().filter_map(|freeze| Some((freeze.open_until(at)?, freeze)));
    open.max_by_key(|(end, _)| *end)
}

impl Freeze {
    /// When the window that is open at `at` ends.
    fn open_until(&self, at: Timestamp) -> Option<Timestamp> {
        const HOURS_A_DAY: u32 = 24;
        // An instant beyond the calendar has no date to be frozen on.
        let instant = jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
        let zone = self.time_zone.rules();
        let mut date = instant.to_zoned(zone.clone()).date();
        let mut latest = None;
        // One day more than it lasts, as days may have 25 hours; and one more, as a gap may move a start past midnight.
        for _ in 0..self.hours.div_ceil(HOURS_A_DAY) + 2 {
            let found = latest.is_some();
            for time in self.cron.times(date) {
                let start = zone.to_ambiguous_zoned(date.to_datetime(time)).compatible().ok()?.timestamp();
                if start <= instant && latest.is_none_or(|latest| latest < start) {
                    latest = Some(start);
                }
            }
            if found {
                break;
            }
            date = date.yesterday().ok()?;
        }
        let start = Timestamp(u64::try_from(latest?.as_millisecond()).ok()?);
        let end = start.plus(Span::hours(self.hours.into()));
        (end > at).then_some(end)
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} h ({})", self.cron, self.hours, self.time_zone)
    }
}

/// An IANA time zone, by its own spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(String);

pub(crate) const ZONE_ALLOWED: &str = "an IANA time zone, such as Europe/Berlin";

/// The bundled ones: a function's image may have none, and two machines may have different ones.
fn zones() -> &'static BTreeMap<String, TimeZone> {
    static ZONES: OnceLock<BTreeMap<String, TimeZone>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let bundled = TimeZoneDatabase::bundled();
        let known =
            bundled.available().filter_map(|name| Some((name.to_string(), bundled.get(name.as_str()).ok()?)));
        known.collect()
    })
}

impl Zone {
    fn rules(&self) -> TimeZone {
        // Only what is known was made a `Zone`.
        zones().get(&self.0).cloned().unwrap_or(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = String;
    /// `Err` tells what is allowed.
    fn from_str(text: &str) -> Result<Self, String> {
        if zones().contains_key(text) { Ok(Self(text.to_owned())) } else { Err(ZONE_ALLOWED.to_owned()) }
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn read_all(value: &Value, path: &Path, faults: &mut Faults) -> Option<Vec<Freeze>> {
    reader::list(value, path, 0..=FREEZES_MAX, "freezes", faults, read)
}

fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Freeze> {
    let freeze = reader::object(value, path, &["cron", "hours", "timeZone"], faults)?;
    let hours_allowed = reader::whole_allowed(&(1..=FREEZE_HOURS_MAX));
    let cron = freeze
        .required("cron", cron::ALLOWED, faults)
        .and_then(|(value, path)| read_cron(value, &path, faults));
    let hours = freeze
        .required("hours", &hours_allowed, faults)
        .and_then(|(value, path)| reader::whole(value, &path, 1..=FREEZE_HOURS_MAX, faults));
    let time_zone = freeze
        .required("timeZone", ZONE_ALLOWED, faults)
        .and_then(|(value, path)| read_zone(value, &path, faults));
    Some(Freeze { cron: cron?, hours: hours?, time_zone: time_zone? })
}

pub(crate) fn read_cron(value: &Value, path: &Path, faults: &mut Faults) -> Option<Cron> {
    match value.as_str().unwrap_or_default().parse() {
        Ok(cron) => Some(cron),
        Err(allowed) => {
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), allowed));
            None
        }
    }
}

pub(crate) fn read_zone(value: &Value, path: &Path, faults: &mut Faults) -> Option<Zone> {
    let text = value.as_str().unwrap_or_default();
    match text.parse() {
        Ok(zone) => Some(zone),
        Err(allowed) => {
            let meant = nearest(text, zones().keys().map(String::as_str)).map(str::to_owned);
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), allowed).nearest(meant));
            None
        }
    }
}
