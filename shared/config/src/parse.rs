//! Reads `ecs-service-config.json`, both forms.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName};
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::config::{self, Kind, ServiceConfig, object};
use crate::faults::{Fault, Faults, Path, nearest, quote};
use crate::limits::{
    CONFIG_BYTES_MAX, ENVIRONMENTS_MAX, STACK_POLICY_BYTES_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX,
    TAGS_MAX,
};
use crate::{dynamic, json, parameters, reader, together};

/// Keys that ask for service; CodePipeline's form has none of them.
const FIRST_FORM: [&str; 10] = [
    "service",
    "kind",
    "schedule",
    "routing",
    "container",
    "sidecars",
    "scaling",
    "deployment",
    "taskRole",
    "environments",
];
const KEYS: [&str; 13] = [
    "service",
    "kind",
    "schedule",
    "routing",
    "container",
    "sidecars",
    "scaling",
    "deployment",
    "taskRole",
    "environments",
    "Parameters",
    "Tags",
    "StackPolicy",
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
    let top = object(value, root, &KEYS, faults)?;
    let first_form = FIRST_FORM.iter().any(|key| top.has(key));
    if first_form && !top.has("service") {
        faults.push(Fault::missing(root.key("service"), "the service's name, as its record says it"));
    }
    let service = top.optional("service", faults, reader::id);
    let own = service.clone().flatten().map(String::from);
    let own = own.as_deref();
    let kind = top.optional("kind", faults, read_kind);
    let schedule = top.optional("schedule", faults, config::read_schedule);
    let routing = top.optional("routing", faults, config::read_routing);
    let container = top.optional("container", faults, |value, path, faults| {
        config::read_container(value, path, own, faults)
    });
    let sidecars = top
        .optional("sidecars", faults, |value, path, faults| config::read_sidecars(value, path, own, faults));
    let scaling = top.optional("scaling", faults, config::read_scaling);
    let deployment = top.optional("deployment", faults, config::read_deployment);
    let task_role = top.optional("taskRole", faults, config::read_task_role);
    let environments = top.optional("environments", faults, |value, path, faults| {
        config::read_environments(value, path, own, faults)
    });
    let parameters = top.optional("Parameters", faults, parameters::read);
    let tags = top.optional("Tags", faults, read_tags);
    let stack_policy = top.optional("StackPolicy", faults, |value, path, faults| {
        let policy = reader::any_object(value, path, faults)?;
        let bytes = canonical_json(value).len();
        if bytes > STACK_POLICY_BYTES_MAX {
            let allowed = format!("at most {STACK_POLICY_BYTES_MAX} bytes");
            faults.push(Fault::new(path, format!("{bytes} bytes long"), allowed));
        }
        Some(policy.clone())
    });
    // What could be read is checked together, so that all faults are told at once.
    let whole = [
        service.is_some(),
        kind.is_some(),
        schedule.is_some(),
        routing.is_some(),
        container.is_some(),
        sidecars.is_some(),
        scaling.is_some(),
        deployment.is_some(),
        task_role.is_some(),
        environments.is_some(),
        parameters.is_some(),
        tags.is_some(),
        stack_policy.is_some(),
    ];
    let kind_is_known = kind.is_some();
    let config = ServiceConfig {
        service: service.flatten(),
        kind: kind.flatten().unwrap_or_default(),
        schedule: schedule.flatten(),
        routing: routing.flatten(),
        container: container.flatten(),
        sidecars: sidecars.flatten().unwrap_or_default(),
        scaling: scaling.flatten(),
        deployment: deployment.flatten(),
        task_role: task_role.flatten(),
        environments: environments.flatten().unwrap_or_default(),
        parameters: parameters.flatten().unwrap_or_default(),
        tags: tags.flatten().unwrap_or_default(),
        stack_policy: stack_policy.flatten(),
    };
    for key in FIRST_FORM {
        if let Some((value, path)) = top.get(key) {
            find_references(value, &path, faults);
        }
    }
    together::check(value, &config, first_form, kind_is_known, faults);
    whole.iter().all(|read| *read).then_some(config)
}

/// CloudFormation would resolve them wherever they come to stand in the template, and whoever may read a task definition
/// could read the secret. Only parameters may hold them, and those are checked by themselves.
fn find_references(value: &Value, path: &Path, faults: &mut Faults) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            if let Some(reference) = dynamic::references(text).first() {
                let allowed = "a plain text; the name of a secret stands under secrets";
                faults.push(Fault::new(path, quote(reference.text), allowed));
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                find_references(item, &path.index(n), faults);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                find_references(item, &path.key(key), faults);
            }
        }
    }
}

fn read_kind(value: &Value, path: &Path, faults: &mut Faults) -> Option<Kind> {
    const KINDS: [&str; 3] = ["web", "worker", "job"];
    match value.as_str() {
        Some("web") => Some(Kind::Web),
        Some("worker") => Some(Kind::Worker),
        Some("job") => Some(Kind::Job),
        Some(_) | None => {
            let meant = value.as_str().and_then(|word| nearest(word, KINDS)).map(quote);
            let allowed = r#""web", "worker" or "job""#;
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), allowed).nearest(meant));
            None
        }
    }
}

const TAG_CHARS: &str = "letters, digits, blanks and _.:/=+-@";

/// CloudFormation hands a stack's tags on to all that it makes, and IAM and Elastic Load Balancing take no others.
///
/// Source: IAM API, `Tag`; Elastic Load Balancing API, `Tag`.
fn is_of_tags(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
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
        if !key.chars().all(is_of_tags) {
            faults.push(Fault::new(path, quote(key), format!("a key of {TAG_CHARS}")));
        }
        let allowed = format!("a string of at most {TAG_VALUE_CHARS_MAX} of {TAG_CHARS}");
        let valid = |text: &str| text.chars().count() <= TAG_VALUE_CHARS_MAX && text.chars().all(is_of_tags);
        let value = reader::text(value, path, &allowed, valid, faults)?;
        Some((key.to_owned(), value.to_owned()))
    })
}
