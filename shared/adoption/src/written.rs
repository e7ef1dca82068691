//! What a config can say of what runs.

use std::collections::{BTreeMap, BTreeSet};

use config::ServiceConfig;
use serde_json::{Map, Value, json};

use crate::evaluate::no_value;
use crate::resources::{CPU_METRIC, REQUESTS_METRIC, TRACKING, metric_of};
use crate::{Asked, Live, Refused, image};

/// What of the service's own container is written when the template is rendered, or here by hand.
pub(crate) const BY_CONFIG: [&str; 5] = ["Environment", "Secrets", "Command", "StopTimeout", "DockerLabels"];

/// Faults of a config that say, one by one, what it cannot express.
const REPAIRS_MAX: usize = 300;

/// The config, and what the platform's record of the service must grant for it.
pub(crate) struct Written {
    pub config: ServiceConfig,
    pub text: String,
    pub grants: Vec<String>,
    pub hosts: Vec<String>,
}

/// Variables so named are not written into a file that is committed.
const SECRET_WORDS: [&str; 8] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "API_KEY", "ACCESS_KEY"];

pub(crate) fn config(live: &Live, asked: &Asked, notes: &mut Vec<String>) -> Result<Written, Refused> {
    let mut file = json!({
        "service": asked.service,
        "kind": if live.target.is_some() { "web" } else { "worker" },
        "container": container(live, notes),
        "environments": { asked.environment.as_str(): { "branch": asked.branch } },
    });
    let (paths, hosts) = patterns(live);
    if let Some(target) = &live.target {
        let group = &target.properties;
        let priority: Option<u32> = target
            .rules
            .first()
            .and_then(|rule| crate::evaluate::plain(&rule.properties["Priority"]).parse().ok());
        file["routing"] = without_null(json!({
            "paths": some(&paths),
            "hosts": some(&hosts),
            "priority": priority,
            "healthCheck": without_null(json!({
                "path": group["HealthCheckPath"],
                "status": group["Matcher"]["HttpCode"],
                "intervalSeconds": group["HealthCheckIntervalSeconds"],
                "timeoutSeconds": group["HealthCheckTimeoutSeconds"],
                "healthyCount": group["HealthyThresholdCount"],
                "unhealthyCount": group["UnhealthyThresholdCount"],
                "graceSeconds": live.service["healthCheckGracePeriodSeconds"],
            })),
        }));
    }
    let (scaling, parameters) = scaling(live, notes);
    for (key, value) in [("scaling", scaling), ("Parameters", parameters), ("deployment", deployment(live))] {
        if value.as_object().is_some_and(|map| !map.is_empty()) {
            file[key] = value;
        }
    }
    let config = until_valid(&mut file, notes)?;
    let text = serde_json::to_string_pretty(&file).unwrap_or_default() + "\n";
    Ok(Written { config, text, grants: prefixes(&paths), hosts })
}

/// Takes out what no config can say, key by key: it is pinned then.
fn until_valid(file: &mut Value, notes: &mut Vec<String>) -> Result<ServiceConfig, Refused> {
    for _ in 0..REPAIRS_MAX {
        let faults = match config::parse(file.to_string().as_bytes()) {
            Ok(config) => return Ok(config),
            Err(faults) => faults,
        };
        for fault in faults.as_slice() {
            if !remove(file, &fault.path) {
                return Err(format!("no config can say what runs: {faults}").into());
            }
            notes.push(format!("no config can say {}: {fault}", fault.path));
        }
    }
    Err("no config can say what runs".to_owned().into())
}

/// Whether something stood at that JSON path; an entry of a list takes its list with it.
fn remove(file: &mut Value, path: &str) -> bool {
    let path = path.split('[').next().unwrap_or_default();
    let mut keys: Vec<&str> = path.trim_start_matches('$').split('.').filter(|key| !key.is_empty()).collect();
    let Some(last) = keys.pop() else { return false };
    let parent = keys.into_iter().try_fold(file, |value, key| value.get_mut(key));
    parent.and_then(Value::as_object_mut).and_then(|map| map.remove(last)).is_some()
}

fn without_null(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

fn some(list: &[String]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}

fn own(live: &Live) -> &Value {
    &live.task_definition["containerDefinitions"][0]
}

fn container(live: &Live, notes: &mut Vec<String>) -> Value {
    let definition = &live.task_definition;
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u32>().ok());
    let port = match &live.target {
        Some(_) => live.service["loadBalancers"][0]["containerPort"].clone(),
        None => Value::Null,
    };
    let mut environment = Map::new();
    for (name, value) in variables(live) {
        if is_secret(name) {
            notes.push(format!(
                "variable {name} is not in the config, as its name sounds like a secret: it stays in the service's template, \
                 until you keep it in Secrets Manager as {name}"
            ));
        } else if is_name(name) {
            environment.insert(name.to_owned(), value.clone());
        }
    }
    let environment = if environment.is_empty() { Value::Null } else { environment.into() };
    without_null(json!({
        "port": port,
        "cpu": number(&definition["cpu"]),
        "memoryMiB": number(&definition["memory"]),
        "environment": environment,
        "command": own(live)["command"],
        "stopTimeoutSeconds": own(live)["stopTimeout"],
    }))
}

fn variables(live: &Live) -> impl Iterator<Item = (&str, &Value)> {
    let entries = own(live)["environment"].as_array().into_iter().flatten();
    entries.filter_map(|entry| Some((entry["name"].as_str()?, &entry["value"])))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// As a config may name a variable.
fn is_name(name: &str) -> bool {
    let starts_well = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    starts_well && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Path patterns and host names of the rule.
fn patterns(live: &Live) -> (Vec<String>, Vec<String>) {
    let rule = live.target.as_ref().and_then(|target| target.rules.first());
    let conditions = rule.and_then(|rule| rule.properties["Conditions"].as_array()).into_iter().flatten();
    let (mut paths, mut hosts) = (Vec::new(), Vec::new());
    for condition in conditions {
        let texts = |key: &str| -> Vec<String> {
            let values = condition[key]["Values"].as_array().into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        paths.extend(texts("PathPatternConfig"));
        hosts.extend(texts("HostHeaderConfig"));
    }
    (paths, hosts)
}

/// The fewest prefixes that grant all of these patterns.
fn prefixes(patterns: &[String]) -> Vec<String> {
    let prefix = |pattern: &String| {
        let plain = pattern.split(['*', '?']).next().unwrap_or_default();
        let whole = plain == pattern || plain.ends_with('/');
        let cut = if whole { plain } else { plain.rsplit_once('/').map_or("", |(before, _)| before) };
        Some(cut.trim_end_matches('/')).filter(|cut| !cut.is_empty()).unwrap_or("/").to_owned()
    };
    let all: BTreeSet<String> = patterns.iter().map(prefix).collect();
    let is_below = |one: &String, other: &String| {
        one != other && one.starts_with(&format!("{}/", other.trim_end_matches('/')))
    };
    all.iter().filter(|one| !all.iter().any(|other| is_below(one, other))).cloned().collect()
}

/// `scaling`, and what of it only a parameter can say.
fn scaling(live: &Live, notes: &mut Vec<String>) -> (Value, Value) {
    let spot = spot_percent(live);
    let Some(target) = &live.scalable_target else {
        return (without_null(json!({ "spotPercent": spot })), json!({}));
    };
    let kept = |metric: &str| {
        let policy = live.scaling_policies.iter().find(|policy| metric_of(policy) == Some(metric))?;
        let value = policy[TRACKING]["TargetValue"].as_f64()?;
        // No such number is too large, and a share of a percent is pinned.
        (value.fract() == 0.0 && value >= 0.0).then_some(value as u64)
    };
    let ours = [CPU_METRIC, REQUESTS_METRIC];
    for policy in &live.scaling_policies {
        if !metric_of(policy).is_some_and(|metric| ours.contains(&metric)) {
            notes.push(format!(
                "scaling policy {} ({}) stays as it is, outside of the stack",
                policy["PolicyName"].as_str().unwrap_or("?"),
                policy["PolicyType"].as_str().unwrap_or("?")
            ));
        }
    }
    let has_cpu = live.scaling_policies.iter().any(|policy| metric_of(policy) == Some(CPU_METRIC));
    let scaling = json!({
        "min": target["MinCapacity"],
        "max": target["MaxCapacity"],
        "cpuPercent": kept(CPU_METRIC),
        "requestsPerTarget": kept(REQUESTS_METRIC),
        "spotPercent": spot,
    });
    let requests = kept(REQUESTS_METRIC).is_some();
    let parameters = if has_cpu || requests { json!({}) } else { json!({ "CpuPercent": "0" }) };
    (without_null(scaling), parameters)
}

fn spot_percent(live: &Live) -> Option<u64> {
    let providers = live.service["capacityProviderStrategy"].as_array()?;
    let weight = |name: &str| {
        let one = providers.iter().find(|one| one["capacityProvider"] == name);
        one.and_then(|one| one["weight"].as_u64()).unwrap_or_default()
    };
    let (spot, demand) = (weight("FARGATE_SPOT"), weight("FARGATE"));
    (spot > 0).then(|| spot * 100 / (spot + demand))
}

fn deployment(live: &Live) -> Value {
    let alarms = &live.service["deploymentConfiguration"]["alarms"];
    let rolls_back = alarms["enable"] == true && alarms["rollback"] == true;
    if rolls_back { json!({ "alarms": alarms["alarmNames"] }) } else { json!({}) }
}

/// Writes into the template what runs of the service's own container and is not in the config.
pub(crate) fn hold_container(template: &mut Value, live: &Live, written: &Written) {
    let here = written.config.container.as_ref().map(|container| &container.process);
    let is_written = |name: &str| here.is_some_and(|process| process.environment.contains_key(name));
    let rest: Vec<Value> = variables(live)
        .filter(|(name, _)| !is_written(name))
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect();
    let secrets = own(live)["secrets"].as_array().into_iter().flatten();
    let secrets: Vec<Value> =
        secrets.map(|secret| json!({ "Name": secret["name"], "ValueFrom": secret["valueFrom"] })).collect();
    // Where the config says nothing of them.
    let command = here.is_none_or(|process| process.command.is_none());
    let stop_timeout = here.is_none_or(|process| process.stop_timeout_seconds.is_none());
    let unless_said = |free: bool, key: &str| if free { own(live)[key].clone() } else { Value::Null };
    let said = [
        ("Environment", json!(rest)),
        ("Secrets", json!(secrets)),
        ("Command", unless_said(command, "command")),
        ("StopTimeout", unless_said(stop_timeout, "stopTimeout")),
    ];
    let place = "/Resources/TaskDefinition/Properties/ContainerDefinitions/0";
    let Some(container) = template.pointer_mut(place).and_then(Value::as_object_mut) else { return };
    for (key, value) in said {
        if value.is_null() || value == json!([]) {
            container.remove(key);
        } else {
            container.insert(key.to_owned(), value);
        }
    }
}

/// The labels that run, and beside them, once there was a redeploy, its own.
pub(crate) fn keep_labels(template: &mut Value, live: &Live) {
    const REFRESHED: &str = "Refreshed";
    let labels = own(live)["dockerLabels"].as_object().cloned().unwrap_or_default();
    let as_it_runs = if labels.is_empty() { no_value() } else { json!(labels) };
    let kept = if template["Parameters"]["Refresh"].is_null() {
        as_it_runs
    } else {
        let is_unset = json!({ "Fn::Equals": [{ "Ref": "Refresh" }, ""] });
        template["Conditions"][REFRESHED] = json!({ "Fn::Not": [is_unset] });
        let mut marked = labels;
        marked.insert("tidegate.refresh".to_owned(), json!({ "Ref": "Refresh" }));
        json!({ "Fn::If": [REFRESHED, marked, as_it_runs] })
    };
    let place = "/Resources/TaskDefinition/Properties/ContainerDefinitions/0";
    if let Some(container) = template.pointer_mut(place) {
        container["DockerLabels"] = kept;
    }
}

/// What else a person must know.
pub(crate) fn notes(live: &Live, written: &Written, notes: &mut Vec<String>) {
    let image = image(live);
    if !image.contains("@sha256:") {
        notes.push(format!(
            "the image is named by a tag, {image}: the first release names its own by digest, and that is a change"
        ));
    }
    let containers = live.task_definition["containerDefinitions"].as_array().map_or(0, Vec::len);
    if containers > 1 {
        notes.push(format!(
            "containers beside its own, kept in the service's template and not in `sidecars`: {}",
            containers - 1
        ));
    }
    if let Some(secrets) = own(live)["secrets"].as_array().filter(|secrets| !secrets.is_empty()) {
        let names: BTreeMap<&str, ()> =
            secrets.iter().filter_map(|one| Some((one["name"].as_str()?, ()))).collect();
        let names: Vec<&str> = names.into_keys().collect();
        notes.push(format!(
            "secrets stay in the service's template, by the ARNs that run: {}",
            names.join(", ")
        ));
    }
    let desired = live.service["desiredCount"].as_u64().unwrap_or_default();
    if live.scalable_target.is_none()
        && desired != 2
        && written.config.scaling.as_ref().is_none_or(|s| s.min.is_none())
    {
        notes.push(format!(
            "{desired} tasks run without autoscaling: so it stays until the config says `scaling`"
        ));
    }
}
