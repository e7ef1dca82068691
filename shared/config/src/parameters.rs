//! Template parameters: whose they are, and what a config may say for them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::ServiceConfig;
use crate::dynamic;
use crate::faults::{Fault, Faults, Path, excerpt, quote, shape};
use crate::limits::{
    CONDITION_VALUES_MAX, PARAMETER_VALUE_BYTES_MAX, PARAMETERS_MAX, PORT_MAX, PRIORITY_MAX, WILDCARDS_MAX,
};
use crate::{fargate, reader, routing};

/// What deploying decides, not the pushed file.
pub(crate) const ENGINE_OWNED: [&str; 10] = [
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
];

pub(crate) const PATHS: &str = "Paths";
pub(crate) const PRIORITY: &str = "Priority";
pub(crate) const CONTAINER_PORT: &str = "ContainerPort";
pub(crate) const CPU: &str = "Cpu";
pub(crate) const MEMORY_MIB: &str = "MemoryMiB";

/// The key that sets a parameter in the first form.
pub(crate) fn key_of(parameter: &str) -> Option<&'static str> {
    match parameter {
        PATHS => Some("$.routing.paths"),
        PRIORITY => Some("$.routing.priority"),
        CONTAINER_PORT => Some("$.container.port"),
        CPU => Some("$.container.cpu"),
        MEMORY_MIB => Some("$.container.memoryMiB"),
        _ => None,
    }
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

/// The limits of one listener rule over all its patterns.
pub(crate) fn check_condition_values(patterns: &[String], path: &Path, faults: &mut Faults) -> bool {
    let mut good = true;
    if patterns.len() > CONDITION_VALUES_MAX {
        let allowed = format!("at most {CONDITION_VALUES_MAX}, a load balancer rule's limit");
        faults.push(Fault::new(path, format!("a list of {}", patterns.len()), allowed));
        good = false;
    }
    let wildcards: usize = patterns.iter().map(|pattern| routing::wildcards(pattern)).sum();
    if wildcards > WILDCARDS_MAX {
        let allowed =
            format!("at most {WILDCARDS_MAX} wildcards (* and ?) in all, a load balancer rule's limit");
        faults.push(Fault::new(path, format!("a list with {wildcards} wildcards"), allowed));
        good = false;
    }
    for (n, pattern) in patterns.iter().enumerate() {
        if patterns[..n].contains(pattern) {
            faults.push(Fault::new(path.index(n), format!("{} again", quote(pattern)), "each path once"));
            good = false;
        }
    }
    good
}

/// A decimal without sign, blank or leading zero.
pub(crate) fn decimal(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
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
        if let Some(routing) = &self.routing {
            set(PATHS, Some(routing.paths.join(",")));
            set(PRIORITY, Some(routing.priority.to_string()));
        }
        if let Some(container) = &self.container {
            set(CONTAINER_PORT, Some(container.port.to_string()));
            set(CPU, container.cpu.map(|cpu| cpu.to_string()));
            set(MEMORY_MIB, container.memory_mib.map(|memory| memory.to_string()));
        }
        all
    }

    /// Where a parameter's value was written, for faults.
    pub(crate) fn place_of(&self, parameter: &str) -> Path {
        let keyed = match parameter {
            PATHS | PRIORITY => self.routing.is_some(),
            CONTAINER_PORT => self.container.is_some(),
            CPU => self.container.as_ref().is_some_and(|container| container.cpu.is_some()),
            MEMORY_MIB => self.container.as_ref().is_some_and(|container| container.memory_mib.is_some()),
            _ => false,
        };
        match key_of(parameter) {
            Some(key) if keyed => Path::literal(key),
            Some(_) | None => Path::root().key("Parameters").key(parameter),
        }
    }

    /// Where a parameter that has no value would be written.
    pub(crate) fn place_of_new(&self, parameter: &str) -> Path {
        match key_of(parameter) {
            // Only the first form names a service.
            Some(key) if self.service.is_some() => Path::literal(key),
            Some(_) | None => Path::root().key("Parameters").key(parameter),
        }
    }
}
