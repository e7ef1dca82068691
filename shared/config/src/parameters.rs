//! Template parameters: whose they are, and what a config may say for them.

use std::collections::BTreeMap;

use model::ids::EnvironmentName;
use serde_json::Value;

use crate::config::{Canary, Deployment, Kind, Linear, Priority, ServiceConfig, Strategy};
use crate::dynamic;
use crate::faults::{Fault, Faults, Path, excerpt, quote, shape};
use crate::limits::{
    CONDITION_VALUES_MAX, PARAMETER_VALUE_BYTES_MAX, PARAMETERS_MAX, PORT_MAX, PRIORITY_MAX, WILDCARDS_MAX,
};
use crate::places::Places;
use crate::{fargate, reader, routing};

/// What deploying decides, not the pushed file.
pub(crate) const ENGINE_OWNED: [&str; 13] = [
    "Image",
    "Cluster",
    "ListenerArn",
    "VpcId",
    "Subnets",
    "AssignPublicIp",
    "LoadBalancerSecurityGroup",
    "PermissionsBoundaryArn",
    "Service",
    "Environment",
    "Refresh",
    "TaskPolicyArns",
    SERVING,
];

pub(crate) const SERVING: &str = "Serving";
pub(crate) const KIND: &str = "Kind";
pub(crate) const PATHS: &str = "Paths";
pub(crate) const HOSTS: &str = "Hosts";
pub(crate) const PRIORITY: &str = "Priority";
pub(crate) const HEALTH_INTERVAL: &str = "HealthCheckIntervalSeconds";
pub(crate) const HEALTH_TIMEOUT: &str = "HealthCheckTimeoutSeconds";
pub(crate) const CONTAINER_PORT: &str = "ContainerPort";
pub(crate) const CPU: &str = "Cpu";
pub(crate) const MEMORY_MIB: &str = "MemoryMiB";
pub(crate) const MIN_TASKS: &str = "MinTasks";
pub(crate) const MAX_TASKS: &str = "MaxTasks";
pub(crate) const CPU_PERCENT: &str = "CpuPercent";
pub(crate) const REQUESTS_PER_TARGET: &str = "RequestsPerTarget";
pub(crate) const STRATEGY: &str = "Strategy";
pub(crate) const BAKE_MINUTES: &str = "BakeMinutes";
const STEP_PERCENT: &str = "StepPercent";
const STEP_MINUTES: &str = "StepMinutes";
const ON_DEMAND_PERCENT: &str = "OnDemandPercent";

/// What the shipped template says where a config says nothing.
pub(crate) const HEALTH_INTERVAL_SECONDS: u32 = 15;
pub(crate) const TASKS_MIN: u32 = 2;
const STEP_PERCENT_UNSET: u32 = 10;
const STEP_MINUTES_UNSET: u32 = 10;

/// Parameters that a key of the first form sets, and that key.
const KEYS: [(&str, &[&str]); 27] = [
    (KIND, &["kind"]),
    (PATHS, &["routing", "paths"]),
    (HOSTS, &["routing", "hosts"]),
    (PRIORITY, &["routing", "priority"]),
    ("HealthCheckPath", &["routing", "healthCheck", "path"]),
    ("HealthCheckStatus", &["routing", "healthCheck", "status"]),
    (HEALTH_INTERVAL, &["routing", "healthCheck", "intervalSeconds"]),
    (HEALTH_TIMEOUT, &["routing", "healthCheck", "timeoutSeconds"]),
    ("HealthyCount", &["routing", "healthCheck", "healthyCount"]),
    ("UnhealthyCount", &["routing", "healthCheck", "unhealthyCount"]),
    ("HealthCheckGraceSeconds", &["routing", "healthCheck", "graceSeconds"]),
    (CONTAINER_PORT, &["container", "port"]),
    (CPU, &["container", "cpu"]),
    (MEMORY_MIB, &["container", "memoryMiB"]),
    (MIN_TASKS, &["scaling", "min"]),
    (MAX_TASKS, &["scaling", "max"]),
    (CPU_PERCENT, &["scaling", "cpuPercent"]),
    (REQUESTS_PER_TARGET, &["scaling", "requestsPerTarget"]),
    ("SpotPercent", &["scaling", "spotPercent"]),
    (ON_DEMAND_PERCENT, &["scaling", "spotPercent"]),
    (STRATEGY, &["deployment", "strategy"]),
    (STEP_PERCENT, &["deployment", "strategy"]),
    (STEP_MINUTES, &["deployment", "strategy"]),
    (BAKE_MINUTES, &["deployment", "bakeMinutes"]),
    ("Alarms", &["deployment", "alarms"]),
    ("ScheduleExpression", &["schedule", "cron"]),
    ("ScheduleTimeZone", &["schedule", "timeZone"]),
];

pub(crate) fn keyed() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(name, _)| *name)
}

/// The key that sets a parameter in the first form; empty when none does.
pub(crate) fn keys_of(parameter: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == parameter).map_or(&[], |(_, keys)| *keys)
}

/// Reads `$.Parameters`. Values are strings, as CodePipeline requires, and are never quoted in a fault: people put
/// secrets there.
pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
    reader::map(value, path, PARAMETERS_MAX, faults, |name, value, path, faults| {
        let mut refused = |value: String, allowed: String| {
            faults.push(Fault::new(path, value, allowed));
            None
        };
        if ENGINE_OWNED.contains(&name) {
            return refused("set by Tidegate itself".into(), "nothing here; remove it".into());
        }
        // Source: CloudFormation user guide, "Parameters": names are alphanumeric.
        if name.is_empty() || name.len() > 255 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return refused("not a parameter name".into(), "1 to 255 letters and digits".into());
        }
        let Some(text) = value.as_str() else {
            return refused(shape(value).into(), "a string, in quotes".into());
        };
        if text.len() > PARAMETER_VALUE_BYTES_MAX {
            let allowed = format!("at most {PARAMETER_VALUE_BYTES_MAX} bytes");
            return refused(format!("{} bytes long", text.len()), allowed);
        }
        if let Some(loose) = dynamic::references(text).iter().find(|reference| !reference.is_versioned()) {
            return refused(quote(loose.text), dynamic::VERSIONED_ALLOWED.into());
        }
        check_known(name, text, path, faults).then(|| (name.to_owned(), text.to_owned()))
    })
}

/// Parameters that stand for a key of the first form keep that key's rules.
fn check_known(name: &str, text: &str, path: &Path, faults: &mut Faults) -> bool {
    let range = match name {
        PATHS => {
            let patterns: Vec<String> = text.split(',').map(|pattern| pattern.trim().to_owned()).collect();
            if let Some(bad) = patterns.iter().find(|pattern| !routing::is_pattern(pattern)) {
                let allowed = format!("path patterns with commas between; each {}", routing::PATTERN_ALLOWED);
                faults.push(Fault::new(path, quote(bad), allowed));
                return false;
            }
            return check_condition_values(&patterns, path, faults);
        }
        HOSTS => {
            let patterns: Vec<String> = text.split(',').map(|pattern| pattern.trim().to_owned()).collect();
            if let Some(bad) = patterns.iter().find(|pattern| !routing::is_host(pattern)) {
                let allowed = format!("host names with commas between; each {}", routing::HOST_ALLOWED);
                faults.push(Fault::new(path, quote(bad), allowed));
                return false;
            }
            return check_condition_values(&patterns, path, faults);
        }
        PRIORITY => 1..=PRIORITY_MAX,
        CONTAINER_PORT => 1..=PORT_MAX,
        CPU => 1..=fargate::CPU_MAX,
        MEMORY_MIB => 1..=fargate::MEMORY_MIB_MAX,
        _ => return true,
    };
    let read = decimal(text).filter(|number| range.contains(number));
    if read.is_none() {
        let allowed = format!("{}, in quotes", reader::whole_allowed(&range));
        faults.push(Fault::new(path, excerpt(&Value::from(text)), allowed));
    }
    read.is_some()
}

/// The limits of one listener rule over all its patterns of one field.
pub(crate) fn check_condition_values(patterns: &[String], path: &Path, faults: &mut Faults) -> bool {
    let mut good = check_rule(patterns, "a list", path, faults);
    for (n, pattern) in patterns.iter().enumerate() {
        if patterns[..n].iter().any(|earlier| routing::is_same(earlier, pattern)) {
            faults.push(Fault::new(path.index(n), format!("{} again", quote(pattern)), "each pattern once"));
            good = false;
        }
    }
    good
}

/// The limits of one listener rule over all its patterns; `what` they are begins what is told.
pub(crate) fn check_rule(patterns: &[String], what: &str, path: &Path, faults: &mut Faults) -> bool {
    let mut good = true;
    if patterns.len() > CONDITION_VALUES_MAX {
        let allowed = format!("at most {CONDITION_VALUES_MAX}, a load balancer rule's limit");
        faults.push(Fault::new(path, format!("{what} of {}", patterns.len()), allowed));
        good = false;
    }
    let wildcards: usize = patterns.iter().map(|pattern| routing::wildcards(pattern)).sum();
    if wildcards > WILDCARDS_MAX {
        let allowed =
            format!("at most {WILDCARDS_MAX} wildcards (* and ?) in all, a load balancer rule's limit");
        faults.push(Fault::new(path, format!("{what} with {wildcards} wildcards"), allowed));
        good = false;
    }
    good
}

/// What a list in one text holds.
pub(crate) fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The strategy that parameters say, with the shipped template's own steps where they say none.
pub(crate) fn strategy(written: &BTreeMap<String, String>) -> Strategy {
    let number = |name: &str, unset: u32| written.get(name).and_then(|text| decimal(text)).unwrap_or(unset);
    let percent = number(STEP_PERCENT, STEP_PERCENT_UNSET);
    let step_minutes = number(STEP_MINUTES, STEP_MINUTES_UNSET);
    match written.get(STRATEGY).map(String::as_str) {
        Some("BLUE_GREEN") => Strategy::BlueGreen,
        Some("CANARY") => Strategy::Canary { canary: Canary { percent, step_minutes } },
        Some("LINEAR") => Strategy::Linear { linear: Linear { percent, step_minutes } },
        // Whatever else it is, the template refuses it.
        Some(_) | None => Strategy::Rolling,
    }
}

/// A decimal without sign, blank or leading zero.
pub(crate) fn decimal(text: &str) -> Option<u32> {
    let plain = (text == "0" || !text.starts_with('0')) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl ServiceConfig {
    /// Everything that this config sets, under the template's names.
    pub(crate) fn effective_parameters(&self) -> BTreeMap<String, String> {
        let mut all = self.parameters.clone();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                all.insert(name.to_owned(), value);
            }
        };
        let text = |number: Option<u32>| number.map(|number| number.to_string());
        if let Some(routing) = &self.routing {
            set(PATHS, routing.paths.as_ref().map(|paths| paths.join(",")));
            set(HOSTS, routing.hosts.as_ref().map(|hosts| hosts.join(",")));
            set(
                PRIORITY,
                routing.priority.and_then(|priority| match priority {
                    Priority::At(number) => Some(number.to_string()),
                    Priority::Auto => None,
                }),
            );
            let check = &routing.health_check;
            set("HealthCheckPath", check.path.clone());
            set("HealthCheckStatus", check.status.clone());
            set(HEALTH_INTERVAL, text(check.interval_seconds));
            set(HEALTH_TIMEOUT, text(check.timeout_seconds));
            set("HealthyCount", text(check.healthy_count));
            set("UnhealthyCount", text(check.unhealthy_count));
            set("HealthCheckGraceSeconds", text(check.grace_seconds));
        }
        if let Some(container) = &self.container {
            set(CONTAINER_PORT, text(container.port));
            set(CPU, text(container.cpu));
            set(MEMORY_MIB, text(container.memory_mib));
        }
        if let Some(scaling) = &self.scaling {
            set(MIN_TASKS, text(scaling.min));
            let unsaid = |name: &str| !self.parameters.contains_key(name);
            set(MAX_TASKS, text(scaling.max.or(scaling.min.filter(|_| unsaid(MAX_TASKS)))));
            // On requests alone, unless both are said.
            let none = scaling.requests_per_target.filter(|_| unsaid(CPU_PERCENT)).map(|_| 0);
            set(CPU_PERCENT, text(scaling.cpu_percent.or(none)));
            set(REQUESTS_PER_TARGET, text(scaling.requests_per_target));
            set("SpotPercent", text(scaling.spot_percent));
            set(ON_DEMAND_PERCENT, text(scaling.spot_percent.map(|spot| 100_u32.saturating_sub(spot))));
        }
        if let Some(deployment) = &self.deployment {
            self.set_strategy(deployment, &mut set);
        }
        if let Some(schedule) = &self.schedule {
            set("ScheduleExpression", Some(schedule.cron.for_scheduler()));
            set("ScheduleTimeZone", Some(schedule.time_zone.to_string()));
        }
        // `web` is the template's own choice, and one that knows no other kind needs no such parameter.
        set(KIND, (self.kind != Kind::Web).then(|| self.kind.word().to_owned()));
        all
    }

    fn set_strategy(&self, deployment: &Deployment, set: &mut impl FnMut(&str, Option<String>)) {
        let (strategy, steps) = match self.strategy() {
            // The stack watches a rolling deployment, and `ROLLING` is the template's own choice.
            Strategy::Rolling => (None, None),
            Strategy::BlueGreen => (Some("BLUE_GREEN"), None),
            Strategy::Canary { canary } => (Some("CANARY"), Some((canary.percent, canary.step_minutes))),
            Strategy::Linear { linear } => (Some("LINEAR"), Some((linear.percent, linear.step_minutes))),
        };
        set(BAKE_MINUTES, strategy.and(deployment.bake_minutes).map(|minutes| minutes.to_string()));
        // What stands among the parameters is passed on as it is.
        if deployment.strategy.is_some() {
            set(STRATEGY, strategy.map(str::to_owned));
            set(STEP_PERCENT, steps.map(|(percent, _)| percent.to_string()));
            set(STEP_MINUTES, steps.map(|(_, minutes)| minutes.to_string()));
        }
        set("Alarms", Some(deployment.alarms().join(",")).filter(|alarms| !alarms.is_empty()));
    }

    /// Where a parameter's value was written, for faults.
    pub(crate) fn place_of(&self, parameter: &str) -> Path {
        self.place_in(None, parameter)
    }

    pub(crate) fn place_in(&self, environment: Option<&EnvironmentName>, parameter: &str) -> Path {
        let keys = keys_of(parameter);
        // A config is made of texts, numbers, lists and maps; it always is JSON.
        let file = serde_json::to_value(self).unwrap_or_default();
        let found = Places { file: &file, environment }.find(keys).filter(|_| !keys.is_empty());
        found.map_or_else(|| Path::root().key("Parameters").key(parameter), |(_, place)| place)
    }

    /// Where a parameter that has no value would be written.
    pub(crate) fn place_of_new(&self, parameter: &str) -> Path {
        match keys_of(parameter) {
            [] => Path::root().key("Parameters").key(parameter),
            // Only the first form names a service.
            keys if self.service.is_some() => keys.iter().fold(Path::root(), |path, key| path.key(key)),
            _ => Path::root().key("Parameters").key(parameter),
        }
    }
}
