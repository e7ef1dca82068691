//! `routing`: which requests reach the service.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{object, take};
use crate::faults::{Fault, Faults, Path};
use crate::limits::{CONDITION_VALUES_MAX, PRIORITY_MAX};
use crate::{parameters, reader, routing};

/// Which requests reach the service: those for one of `hosts`, where it names any, and one of `paths`, where it names
/// any. At least one of the two is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Routing {
    /// Load balancer path patterns, within the prefixes granted to the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Vec<String>",
        length(min = 1, max = 5),
        inner(length(min = 1, max = 128), regex(pattern = r#"^/[A-Za-z0-9*?&_.$/~"'@:+-]*$"#)),
        default
    )]
    pub paths: Option<Vec<String>>,
    /// Host names, among those granted to the service. Paths and hosts together are at most five, a rule's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Vec<String>",
        length(min = 1, max = 5),
        inner(length(min = 1, max = 128), regex(pattern = r"^([A-Za-z0-9*?-]+\.)+[A-Za-z]+$")),
        default
    )]
    pub hosts: Option<Vec<String>>,
    /// Place among the listener's rules; the lowest number is tried first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Priority", default)]
    pub priority: Option<Priority>,
    #[schemars(default)]
    pub health_check: HealthCheck,
}

/// A number that no other service's rule on the listener has, or `auto`: a free one, the smaller the more the patterns
/// say, which the service then keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[serde(untagged)]
pub enum Priority {
    At(#[schemars(range(min = 1, max = 50_000))] u32),
    #[schemars(with = "Auto")]
    Auto,
}

/// How `auto` is written.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "stands for a word in the schema")]
enum Auto {
    Auto,
}

pub(crate) const AUTO: &str = "auto";

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Priority::At(number) => serializer.serialize_u32(*number),
            Priority::Auto => serializer.serialize_str(AUTO),
        }
    }
}

/// How the load balancer tells that a task is well.
///
/// Source: Elastic Load Balancing, "Health checks for Application Load Balancer target groups".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// Unset: `/health`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 1024), regex(pattern = "^/[!-~]*$"), default)]
    pub path: Option<String>,
    /// A healthy answer's status: `200`, or a range. Unset: `200-399`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[2-4][0-9]{2}([,-][2-4][0-9]{2})*$"), default)]
    pub status: Option<String>,
    /// Unset: 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 5, max = 300), default)]
    pub interval_seconds: Option<u32>,
    /// Less than the interval. Unset: 5, or less where the interval is 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 2, max = 120), default)]
    pub timeout_seconds: Option<u32>,
    /// So many good answers in a row make a task healthy. Unset: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 2, max = 10), default)]
    pub healthy_count: Option<u32>,
    /// So many bad ones make it unhealthy. Unset: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 2, max = 10), default)]
    pub unhealthy_count: Option<u32>,
    /// A new task's bad answers do not count for so long. Unset: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 3600), default)]
    pub grace_seconds: Option<u32>,
}

const HEALTH_PATH_ALLOWED: &str = "a path: 1 to 1024 printable characters, starting with /";
const STATUS_ALLOWED: &str = "statuses from 200 to 499, such as \"200\", \"200,302\" or \"200-399\"";

pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Routing> {
    let routing = object(value, path, &["paths", "hosts", "priority", "healthCheck"], faults)?;
    let paths = routing.optional("paths", faults, |value, path, faults| {
        read_patterns(value, path, "path patterns", routing::PATTERN_ALLOWED, routing::is_pattern, faults)
    });
    let hosts = routing.optional("hosts", faults, |value, path, faults| {
        read_patterns(value, path, "host names", routing::HOST_ALLOWED, routing::is_host, faults)
    });
    let priority = routing.optional("priority", faults, read_priority);
    let health_check = routing.optional("healthCheck", faults, read_health_check);
    Some(Routing {
        paths: paths?,
        hosts: hosts?,
        priority: priority?,
        health_check: health_check?.unwrap_or_default(),
    })
}

fn read_patterns(
    value: &Value,
    path: &Path,
    what: &str,
    allowed: &str,
    valid: fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    let each = |value: &Value, path: &Path, faults: &mut Faults| {
        reader::text(value, path, allowed, valid, faults).map(str::to_owned)
    };
    let patterns = reader::list(value, path, 1..=CONDITION_VALUES_MAX, what, faults, each)?;
    parameters::check_condition_values(&patterns, path, faults).then_some(patterns)
}

pub(crate) fn priority_allowed() -> String {
    format!("{}, or \"{AUTO}\"", reader::whole_allowed(&(1..=PRIORITY_MAX)))
}

fn read_priority(value: &Value, path: &Path, faults: &mut Faults) -> Option<Priority> {
    if value.as_str() == Some(AUTO) {
        return Some(Priority::Auto);
    }
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    let number = number.filter(|number| (1..=PRIORITY_MAX).contains(number));
    if number.is_none() {
        faults.push(Fault::new(path, reader::excerpt_or_shape(value), priority_allowed()));
    }
    number.map(Priority::At)
}

fn read_health_check(value: &Value, path: &Path, faults: &mut Faults) -> Option<HealthCheck> {
    const KEYS: [&str; 7] = [
        "path",
        "status",
        "intervalSeconds",
        "timeoutSeconds",
        "healthyCount",
        "unhealthyCount",
        "graceSeconds",
    ];
    let check = object(value, path, &KEYS, faults)?;
    let health_path = check.optional("path", faults, |value, path, faults| {
        reader::text(value, path, HEALTH_PATH_ALLOWED, is_health_path, faults).map(str::to_owned)
    });
    let status = check.optional("status", faults, |value, path, faults| {
        reader::text(value, path, STATUS_ALLOWED, is_status, faults).map(str::to_owned)
    });
    let mut whole = |key: &str, range| {
        check.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    Some(HealthCheck {
        interval_seconds: whole("intervalSeconds", 5..=300)?,
        timeout_seconds: whole("timeoutSeconds", 2..=120)?,
        healthy_count: whole("healthyCount", 2..=10)?,
        unhealthy_count: whole("unhealthyCount", 2..=10)?,
        grace_seconds: whole("graceSeconds", 0..=3_600)?,
        path: health_path?,
        status: status?,
    })
}

fn is_health_path(text: &str) -> bool {
    const CHARS_MAX: usize = 1_024;
    text.starts_with('/') && text.len() <= CHARS_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_status(text: &str) -> bool {
    let status =
        |text: &str| text.len() == 3 && text.parse::<u32>().is_ok_and(|status| (200..=499).contains(&status));
    text.split(',').all(|part| match part.split_once('-') {
        Some((from, to)) => status(from) && status(to) && from < to,
        None => status(part),
    })
}

impl Routing {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            paths: take(&self.paths, &base.paths),
            hosts: take(&self.hosts, &base.hosts),
            priority: take(&self.priority, &base.priority),
            health_check: self.health_check.over(&base.health_check),
        }
    }
}

impl HealthCheck {
    fn over(&self, base: &Self) -> Self {
        Self {
            path: take(&self.path, &base.path),
            status: take(&self.status, &base.status),
            interval_seconds: take(&self.interval_seconds, &base.interval_seconds),
            timeout_seconds: take(&self.timeout_seconds, &base.timeout_seconds),
            healthy_count: take(&self.healthy_count, &base.healthy_count),
            unhealthy_count: take(&self.unhealthy_count, &base.unhealthy_count),
            grace_seconds: take(&self.grace_seconds, &base.grace_seconds),
        }
    }
}
