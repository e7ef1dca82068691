//! Writes what runs into a template wherever it would come to something else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::evaluate::{Names, intrinsic, no_value};
use crate::live::{
    SERVICE_DEFAULTS, comparable, target_group_without_defaults, task_definition_without_defaults,
    without_defaults,
};
use crate::resources::POLICY_DEFAULTS;
use crate::written::BY_CONFIG;
use crate::{Refused, SERVICE, TARGET_GROUP, TASK_DEFINITION};

/// Something that runs otherwise than Tidegate would render it: it is kept as it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// `EcsService.Properties.DeploymentConfiguration.MinimumHealthyPercent`.
    pub place: String,
    /// JSON; `None` where nothing is said.
    pub runs: Option<String>,
    pub would_be: Option<String>,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "not said".to_owned());
        write!(f, "{}: runs {}; Tidegate would render {}", self.place, said(&self.runs), said(&self.would_be))
    }
}

/// Every resource's properties in `runs`.
pub(crate) fn pin(
    template: &mut Value,
    names: &Names,
    runs: &BTreeMap<&'static str, Value>,
) -> Result<Vec<Pin>, Refused> {
    let mut pinning = Pinning { names, pins: Vec::new() };
    for (name, live) in runs {
        let Some(properties) = template["Resources"].get_mut(*name).and_then(|it| it.get_mut("Properties"))
        else {
            continue;
        };
        pinning.node(properties, Some(live), &format!("{name}.Properties"), name)?;
    }
    Ok(pinning.pins)
}

/// Where what the config says of the container is written when the template is rendered.
const OWN_CONTAINER: &str = ".ContainerDefinitions[0]";

struct Pinning<'n> {
    names: &'n Names,
    pins: Vec<Pin>,
}

impl Pinning<'_> {
    fn node(
        &mut self,
        node: &mut Value,
        live: Option<&Value>,
        place: &str,
        resource: &str,
    ) -> Result<(), String> {
        let made =
            self.names.value(node).map_err(|what| format!("{place}: {what} is not understood here"))?;
        let is_said_by_nobody =
            live.is_none() && made.as_ref().is_none_or(|made| is_default(resource, place, made));
        // Under its key, which tells whether the order of a list means anything.
        let key = place.rsplit('.').next().unwrap_or_default();
        let keyed = |value: &Value| {
            comparable(&Value::Object([(key.to_owned(), value.clone())].into_iter().collect()))
        };
        if is_said_by_nobody || made.as_ref().map(keyed) == live.map(keyed) {
            return Ok(());
        }
        if let Some(("Fn::If", _)) = intrinsic(node) {
            // The branch that does not hold stays for the day on which it does.
            let condition = node["Fn::If"][0].as_str().unwrap_or_default();
            let branch = if self.names.holds(condition)? { 1 } else { 2 };
            return self.node(&mut node["Fn::If"][branch], live, place, resource);
        }
        let nothing = Map::new();
        let runs = match live {
            Some(Value::Object(runs)) => Some(runs),
            // What follows the config goes on doing so.
            None if follows_something(node) => Some(&nothing),
            Some(_) | None => None,
        };
        if intrinsic(node).is_none()
            && let (Value::Object(map), Some(runs)) = (&mut *node, runs)
        {
            let keys: BTreeSet<String> = map.keys().chain(runs.keys()).cloned().collect();
            for key in keys {
                if place.ends_with(OWN_CONTAINER) && BY_CONFIG.contains(&key.as_str()) {
                    continue;
                }
                let place = format!("{place}.{key}");
                match (map.get_mut(&key), runs.get(&key)) {
                    (Some(child), live) if key == "ContainerDefinitions" => {
                        self.containers(child, live, &place, resource)?;
                    }
                    (Some(child), live) => self.node(child, live, &place, resource)?,
                    (None, Some(live)) => {
                        self.note(&place, Some(live), None);
                        map.insert(key, live.clone());
                    }
                    (None, None) => {}
                }
            }
            return Ok(());
        }
        if let (Some([one]), Some([running])) =
            (node.as_array_mut().map(Vec::as_mut_slice), live.and_then(Value::as_array).map(Vec::as_slice))
        {
            return self.node(one, Some(running), &format!("{place}[0]"), resource);
        }
        self.note(place, live, made.as_ref());
        *node = live.cloned().unwrap_or_else(no_value);
        Ok(())
    }

    /// The first is the service's own; the others are no one's but the template's.
    fn containers(
        &mut self,
        node: &mut Value,
        live: Option<&Value>,
        place: &str,
        resource: &str,
    ) -> Result<(), String> {
        let (Some(made), Some(runs)) = (node.as_array_mut(), live.and_then(Value::as_array)) else {
            return self.node(node, live, place, resource);
        };
        for (n, running) in runs.iter().enumerate() {
            let place = format!("{place}[{n}]");
            match made.get_mut(n) {
                Some(child) => self.node(child, Some(running), &place, resource)?,
                None => {
                    self.pins.push(Pin {
                        place,
                        runs: Some(format!("container {}", running["Name"])),
                        would_be: None,
                    });
                    made.push(running.clone());
                }
            }
        }
        made.truncate(runs.len());
        Ok(())
    }

    fn note(&mut self, place: &str, live: Option<&Value>, made: Option<&Value>) {
        let (runs, would_be) = (live.map(|live| shown(place, live)), made.map(|made| shown(place, made)));
        self.pins.push(Pin { place: place.to_owned(), runs, would_be });
    }
}

/// Whether an intrinsic function is anywhere within it.
fn follows_something(node: &Value) -> bool {
    intrinsic(node).is_some()
        || match node {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
            Value::Array(items) => items.iter().any(follows_something),
            Value::Object(map) => map.values().any(follows_something),
        }
}

/// Log options, labels and commands may hold what is secret.
fn shown(place: &str, value: &Value) -> String {
    let may_be_secret = ["LogConfiguration", "Command", "EntryPoint", "DockerLabels", "Environment"];
    let is_harmless = place.rsplit('.').next().is_some_and(|key| key.starts_with("awslogs-"));
    if !is_harmless && may_be_secret.iter().any(|part| place.contains(part)) {
        return "(a value that is not shown)".to_owned();
    }
    value.to_string()
}

/// Whether AWS does that anyway where nothing is said.
fn is_default(resource: &str, place: &str, made: &Value) -> bool {
    let path = place.split_once(".Properties").map_or("", |(_, path)| path);
    // Under its place, so that the tables of defaults find it.
    let keys = path.rsplit('.').filter(|key| !key.is_empty());
    let whole =
        keys.fold(made.clone(), |inner, key| Value::Object([(key.to_owned(), inner)].into_iter().collect()));
    without_defaults_of(resource, whole).as_object().is_some_and(Map::is_empty)
}

pub(crate) fn without_defaults_of(resource: &str, properties: Value) -> Value {
    match resource {
        SERVICE => without_defaults(properties, SERVICE_DEFAULTS),
        TASK_DEFINITION => task_definition_without_defaults(properties),
        TARGET_GROUP => target_group_without_defaults(properties),
        crate::CPU_POLICY | crate::REQUESTS_POLICY => without_defaults(properties, POLICY_DEFAULTS),
        _ => properties,
    }
}

/// Where two values differ.
pub(crate) fn differing(one: &Value, other: &Value) -> Vec<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let null = Value::Null;
            let below = keys.into_iter().flat_map(|key| {
                let pair = (one.get(key).unwrap_or(&null), other.get(key).unwrap_or(&null));
                differing(pair.0, pair.1).into_iter().map(move |path| format!(".{key}{path}"))
            });
            below.collect()
        }
        (one, other) if one == other => Vec::new(),
        _ => vec![String::new()],
    }
}
