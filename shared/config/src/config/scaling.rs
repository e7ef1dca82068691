//! `scaling`: how many tasks, and on what they run.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{object, take};
use crate::faults::{Faults, Path};
use crate::limits::TASKS_MAX;
use crate::reader;

/// How many tasks, and on what they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Unset: 2, over two zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 5_000), default)]
    pub min: Option<u32>,
    /// Unset: as many as `min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 5_000), default)]
    pub max: Option<u32>,
    /// The CPU use that is kept by adding and taking away tasks. Unset: 60, unless `requestsPerTarget` is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 10, max = 90), default)]
    pub cpu_percent: Option<u32>,
    /// Requests a minute that each task of a `web` service shall get. With `cpuPercent`: whichever wants more tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 1_000_000), default)]
    pub requests_per_target: Option<u32>,
    /// The share of tasks on Fargate Spot, which AWS may end at two minutes' notice. Unset: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 100), default)]
    pub spot_percent: Option<u32>,
}

pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Scaling> {
    const KEYS: [&str; 5] = ["min", "max", "cpuPercent", "requestsPerTarget", "spotPercent"];
    let scaling = object(value, path, &KEYS, faults)?;
    let mut whole = |key: &str, range| {
        scaling.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    let min = whole("min", 1..=TASKS_MAX);
    let max = whole("max", 1..=TASKS_MAX);
    let cpu_percent = whole("cpuPercent", 10..=90);
    let requests_per_target = whole("requestsPerTarget", 1..=1_000_000);
    let spot_percent = whole("spotPercent", 0..=100);
    Some(Scaling {
        min: min?,
        max: max?,
        cpu_percent: cpu_percent?,
        requests_per_target: requests_per_target?,
        spot_percent: spot_percent?,
    })
}

impl Scaling {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            min: take(&self.min, &base.min),
            max: take(&self.max, &base.max),
            cpu_percent: take(&self.cpu_percent, &base.cpu_percent),
            requests_per_target: take(&self.requests_per_target, &base.requests_per_target),
            spot_percent: take(&self.spot_percent, &base.spot_percent),
        }
    }
}
