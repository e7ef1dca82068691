//! Reads `ecs-service-config.json`, both forms.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName};
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::config::{ApprovalConfig, Container, EnvironmentConfig, Kind, Routing, ServiceConfig};
use crate::faults::{Fault, Faults, Path, excerpt, quote};
use crate::limits::{
    APPROVALS_MAX, CONDITION_VALUES_MAX, CONFIG_BYTES_MAX, ENVIRONMENTS_MAX, PORT_MAX, PRIORITY_MAX,
    STACK_POLICY_BYTES_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX,
};
use crate::parameters::{self, CONTAINER_PORT, CPU, MEMORY_MIB, PATHS, PRIORITY};
use crate::reader::{self, Object};
use crate::{fargate, json, routing};

const FIRST_FORM: [&str; 5] = ["service", "kind", "routing", "container", "environments"];
const KEYS: [&str; 8] =
    ["service", "kind", "routing", "container", "environments", "Parameters", "Tags", "StackPolicy"];

/// Where keys below the first level belong, for those written in the wrong place.
const ELSEWHERE: [&str; 13] = [
    "$.service",
    "$.kind",
    "$.routing",
    "$.routing.paths",
    "$.routing.priority",
    "$.container",
    "$.container.port",
    "$.container.cpu",
    "$.container.memoryMiB",
    "$.environments",
    "$.environments.<name>.branch",
    "$.environments.<name>.approval",
    "$.environments.<name>.approval.required",
];

/// Parses and validates `ecs-service-config.json`, both forms.
///
/// `Err` holds every fault that could be found, not only the first.
pub fn parse(bytes: &[u8]) -> Result<ServiceConfig, Faults> {
    let root = Path::root();
    let (value, mut faults) = json::read(bytes, CONFIG_BYTES_MAX, &root)?;
    let read = read_config(&value, &root, &mut faults);
    match read {
        Some(config) => faults.or(config),
        None => Err(faults),
    }
}

/// Which environments a config meant to deploy `branch` to, as far as it can be read: for telling that its release
/// failed there. Says nothing about configs that name no environments; the environments' records do.
pub fn environments_meant(bytes: &[u8], branch: &BranchName) -> Vec<EnvironmentName> {
    let is_branch =
        |keys: &[String]| matches!(keys, [top, _, key] if top == "environments" && key == "branch");
    let mut meant: Vec<EnvironmentName> = json::texts(bytes, CONFIG_BYTES_MAX, is_branch)
        .into_iter()
        .filter(|(_, text)| text == branch.as_str())
        .filter_map(|(keys, _)| keys[1].parse().ok())
        .collect();
    meant.sort();
    meant.dedup();
    meant.truncate(ENVIRONMENTS_MAX);
    meant
}

fn read_config(value: &Value, root: &Path, faults: &mut Faults) -> Option<ServiceConfig> {
    let top = reader::object(value, root, &KEYS, &ELSEWHERE, faults)?;
    let first_form = FIRST_FORM.iter().any(|key| top.has(key));

    let service = top.get("service").map(|(value, path)| reader::id(value, &path, faults));
    if first_form && service.is_none() {
        faults.push(Fault::missing(root.key("service"), "the service's name, as its record says it"));
    }
    let kind = top.get("kind").map_or(Some(Kind::Web), |(value, path)| read_kind(value, &path, faults));
    let routing = top.get("routing").map(|(value, path)| read_routing(value, &path, faults));
    let container = top.get("container").map(|(value, path)| read_container(value, &path, faults));
    let environments = top.get("environments").map(|(value, path)| read_environments(value, &path, faults));
    let parameters = top.get("Parameters").map(|(value, path)| parameters::read(value, &path, faults));
    let tags = top.get("Tags").map(|(value, path)| read_tags(value, &path, faults));
    let stack_policy = top.get("StackPolicy").map(|(value, path)| {
        let policy = reader::any_object(value, &path, faults)?;
        let bytes = canonical_json(value).len();
        if bytes > STACK_POLICY_BYTES_MAX {
            let allowed = format!("at most {STACK_POLICY_BYTES_MAX} bytes");
            faults.push(Fault::new(path, format!("{bytes} bytes long"), allowed));
        }
        Some(policy.clone())
    });
    check_between_keys(&top, first_form, faults);

    Some(ServiceConfig {
        service: given(service)?,
        kind: kind?,
        routing: given(routing)?,
        container: given(container)?,
        environments: given(environments)?.unwrap_or_default(),
        parameters: given(parameters)?.unwrap_or_default(),
        tags: given(tags)?.unwrap_or_default(),
        stack_policy: given(stack_policy)?,
    })
}

/// `None` when it was given and wrong.
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
    }
}

fn read_kind(value: &Value, path: &Path, faults: &mut Faults) -> Option<Kind> {
    const ALLOWED: &str = r#""web""#;
    match value.as_str() {
        Some("web") => Some(Kind::Web),
        Some("worker" | "job") => {
            let allowed = format!("{ALLOWED}; \"worker\" and \"job\" are not supported yet");
            faults.push(Fault::new(path, excerpt(value), allowed));
            None
        }
        Some(_) | None => {
            faults.push(Fault::new(path, excerpt(value), ALLOWED));
            None
        }
    }
}

fn read_routing(value: &Value, path: &Path, faults: &mut Faults) -> Option<Routing> {
    let routing = reader::object(value, path, &["paths", "priority"], &ELSEWHERE, faults)?;
    let patterns = format!("a list of 1 to {CONDITION_VALUES_MAX} path patterns");
    let paths = routing.required("paths", &patterns, faults).and_then(|(value, path)| {
        let paths = reader::list(
            value,
            &path,
            1..=CONDITION_VALUES_MAX,
            "path patterns",
            faults,
            |value, path, faults| {
                reader::text(value, path, routing::PATTERN_ALLOWED, routing::is_pattern, faults)
                    .map(str::to_owned)
            },
        )?;
        parameters::check_condition_values(&paths, &path, faults).then_some(paths)
    });
    let range = 1..=PRIORITY_MAX;
    let priority = routing
        .required("priority", &reader::whole_allowed(&range), faults)
        .and_then(|(value, path)| reader::whole(value, &path, range, faults));
    Some(Routing { paths: paths?, priority: priority? })
}

fn read_container(value: &Value, path: &Path, faults: &mut Faults) -> Option<Container> {
    let container = reader::object(value, path, &["port", "cpu", "memoryMiB"], &ELSEWHERE, faults)?;
    let range = 1..=PORT_MAX;
    let port = container
        .required("port", &reader::whole_allowed(&range), faults)
        .and_then(|(value, path)| reader::whole(value, &path, range, faults));
    let cpu =
        container.get("cpu").map(|(value, path)| reader::whole(value, &path, 1..=fargate::CPU_MAX, faults));
    let memory_mib = container
        .get("memoryMiB")
        .map(|(value, path)| reader::whole(value, &path, 1..=fargate::MEMORY_MIB_MAX, faults));
    Some(Container { port: port?, cpu: given(cpu)?, memory_mib: given(memory_mib)? })
}

fn read_environments(
    value: &Value,
    path: &Path,
    faults: &mut Faults,
) -> Option<BTreeMap<EnvironmentName, EnvironmentConfig>> {
    reader::map(value, path, ENVIRONMENTS_MAX, faults, |name, value, path, faults| {
        let name = match name.parse::<EnvironmentName>() {
            Ok(name) => Some(name),
            Err(malformed) => {
                faults.push(Fault::new(
                    path,
                    "not an environment name",
                    format!("a name of {}", malformed.allowed),
                ));
                None
            }
        };
        let environment = read_environment(value, path, faults);
        Some((name?, environment?))
    })
}

fn read_environment(value: &Value, path: &Path, faults: &mut Faults) -> Option<EnvironmentConfig> {
    let environment = reader::object(value, path, &["branch", "approval"], &ELSEWHERE, faults)?;
    let branch = environment.get("branch").map(|(value, path)| reader::id(value, &path, faults));
    let approval = environment.get("approval").map(|(value, path)| {
        let approval = reader::object(value, &path, &["required"], &ELSEWHERE, faults)?;
        let required = approval
            .get("required")
            .map(|(value, path)| reader::whole(value, &path, 0..=APPROVALS_MAX, faults));
        Some(ApprovalConfig { required: given(required)? })
    });
    Some(EnvironmentConfig { branch: given(branch)?, approval: given(approval)?.unwrap_or_default() })
}

fn read_tags(value: &Value, path: &Path, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
    reader::map(value, path, TAGS_MAX, faults, |key, value, path, faults| {
        if !(1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count()) {
            let allowed = format!("a key of 1 to {TAG_KEY_CHARS_MAX} characters");
            faults.push(Fault::new(path, format!("a key of {} characters", key.chars().count()), allowed));
        }
        // Source: CloudFormation API, `Tag`: the prefix is AWS's own, in any case of letters.
        if key.to_ascii_lowercase().starts_with("aws:") {
            faults.push(Fault::new(path, quote(key), "a key that does not start with aws:"));
        }
        let allowed = format!("a string of at most {TAG_VALUE_CHARS_MAX} characters");
        let short = |text: &str| text.chars().count() <= TAG_VALUE_CHARS_MAX;
        let value = reader::text(value, path, &allowed, short, faults)?;
        Some((key.to_owned(), value.to_owned()))
    })
}

/// What no key says alone: things said twice, things nobody said, sizes that do not go together.
fn check_between_keys(top: &Object<'_>, first_form: bool, faults: &mut Faults) {
    let at = |outer: &str, inner: &str| top.get(outer).and_then(|(value, _)| value.get(inner));
    let keyed = [
        (PATHS, at("routing", "paths")),
        (PRIORITY, at("routing", "priority")),
        (CONTAINER_PORT, at("container", "port")),
        (CPU, at("container", "cpu")),
        (MEMORY_MIB, at("container", "memoryMiB")),
    ];
    for (name, key) in keyed {
        if key.is_some() && at("Parameters", name).is_some() {
            let place = Path::root().key("Parameters").key(name);
            let only = parameters::key_of(name).unwrap_or_default();
            faults.push(Fault::new(place, "said a second time", format!("only {only}")));
        }
    }
    let said = |name: &str| {
        keyed.iter().any(|(n, key)| *n == name && key.is_some()) || at("Parameters", name).is_some()
    };
    if first_form {
        for (outer, name, allowed) in [
            ("routing", PATHS, "an object with paths and priority"),
            ("container", CONTAINER_PORT, "an object with port, cpu and memoryMiB"),
        ] {
            if !top.has(outer) && !said(name) {
                faults.push(Fault::missing(Path::root().key(outer), allowed));
            }
        }
    }
    check_size(&keyed, |name| at("Parameters", name), faults);
}

/// Fargate's pairs, wherever the two halves were written.
fn check_size<'v>(
    keyed: &[(&str, Option<&'v Value>)],
    parameter: impl Fn(&str) -> Option<&'v Value>,
    faults: &mut Faults,
) {
    let find = |name: &str| -> Option<(Option<u32>, Path)> {
        let key = keyed.iter().find(|(n, _)| *n == name).and_then(|(_, value)| *value);
        if let Some(value) = key {
            let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
            return Some((number, Path::literal(parameters::key_of(name).unwrap_or_default())));
        }
        let value = parameter(name)?;
        let number = value.as_str().and_then(parameters::decimal);
        Some((number, Path::root().key("Parameters").key(name)))
    };
    match (find(CPU), find(MEMORY_MIB)) {
        (Some((Some(cpu), cpu_path)), Some((Some(memory), memory_path))) => {
            if (1..=fargate::CPU_MAX).contains(&cpu)
                && let Err(allowed) = fargate::check_cpu(cpu)
            {
                faults.push(Fault::new(cpu_path, cpu.to_string(), allowed));
            } else if (1..=fargate::MEMORY_MIB_MAX).contains(&memory)
                && fargate::check_cpu(cpu).is_ok()
                && let Err(allowed) = fargate::check_pair(cpu, memory)
            {
                faults.push(Fault::new(memory_path, memory.to_string(), allowed));
            }
        }
        (Some((_, path)), None) => {
            faults.push(Fault::new(path, "alone", "CPU units and memory together, or neither"));
        }
        (None, Some((_, path))) => {
            faults.push(Fault::new(path, "alone", "CPU units and memory together, or neither"));
        }
        // Neither is given, or one is no number, which was told where it was read.
        (None, None) | (Some(_), Some(_)) => {}
    }
}
