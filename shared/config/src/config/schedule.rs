//! `schedule`: when a job runs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::object;
use crate::cron::{self, Cron};
use crate::faults::{Faults, Path};
use crate::freeze::{ZONE_ALLOWED, Zone, read_cron, read_zone};

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of month, month, day of week: `0 3 * * ?`.
    #[schemars(with = "String", length(max = 100))]
    pub cron: Cron,
    /// The IANA time zone that the cron is read in: `Europe/Berlin`.
    #[schemars(with = "String")]
    pub time_zone: Zone,
}

pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Schedule> {
    let schedule = object(value, path, &["cron", "timeZone"], faults)?;
    let cron = schedule
        .required("cron", cron::ALLOWED, faults)
        .and_then(|(value, path)| read_cron(value, &path, faults));
    let time_zone = schedule
        .required("timeZone", ZONE_ALLOWED, faults)
        .and_then(|(value, path)| read_zone(value, &path, faults));
    Some(Schedule { cron: cron?, time_zone: time_zone? })
}
