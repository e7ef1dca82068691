//! Which of a service's two target groups has the traffic, and what a template says of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::parameters::SERVING;
use crate::render::Rendered;

/// Which target group of the stack has the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Serving {
    #[default]
    TargetGroup,
    AlternateTargetGroup,
}

impl Serving {
    const ALL: [Serving; 2] = [Serving::TargetGroup, Serving::AlternateTargetGroup];

    /// Its logical id.
    pub fn as_str(self) -> &'static str {
        match self {
            Serving::TargetGroup => "TargetGroup",
            Serving::AlternateTargetGroup => "AlternateTargetGroup",
        }
    }

    /// What a stack's parameters state. ECS moves the traffic without telling the stack, so it may be elsewhere by now.
    pub fn stated(parameters: &BTreeMap<String, String>) -> Self {
        let stated = parameters.get(SERVING);
        Self::ALL
            .into_iter()
            .find(|it| stated.is_some_and(|stated| stated == it.as_str()))
            .unwrap_or_default()
    }
}

impl Rendered {
    /// Whether an update from `template` with `parameters` leaves the listener's rule alone, given that both state the
    /// same target group: CloudFormation compares template with template, and never looks at the rule itself.
    pub fn leaves_rule(&self, template: &Value, parameters: &BTreeMap<String, String>) -> bool {
        let own: Value = serde_json::from_str(&self.template).unwrap_or_default();
        ingredients(&own, &self.parameters) == ingredients(template, parameters)
    }

    pub fn state(&mut self, serving: Serving) {
        if let Some(stated) = self.parameters.get_mut(SERVING) {
            *stated = serving.as_str().to_owned();
        }
    }
}

const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";
const TARGET_GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
/// Of a target group: a change of any other property leaves it the one that it is.
///
/// Source: CloudFormation template reference, `AWS::ElasticLoadBalancingV2::TargetGroup` ("Update requires: Replacement").
const REPLACING: [&str; 8] = [
    "IpAddressType",
    "Name",
    "Port",
    "Protocol",
    "ProtocolVersion",
    "TargetControlPort",
    "TargetType",
    "VpcId",
];
/// What of a resource decides how it is made.
const DECIDING: [&str; 3] = ["Type", "Condition", "Properties"];

/// All that the listener's rules are made of, by section and name: their own words, and what these name in turn.
fn ingredients(
    template: &Value,
    parameters: &BTreeMap<String, String>,
) -> BTreeMap<(&'static str, String), Value> {
    let mut found = BTreeMap::new();
    let resources = template["Resources"].as_object().into_iter().flatten();
    let mut names: Vec<String> =
        resources.filter(|(_, body)| body["Type"] == RULE).map(|(name, _)| name.clone()).collect();
    while let Some(name) = names.pop() {
        for section in ["Resources", "Conditions", "Mappings", "Parameters"] {
            let key = (section, name.clone());
            let Some(body) = template[section].get(&name).filter(|_| !found.contains_key(&key)) else {
                continue;
            };
            let body = match section {
                "Parameters" => {
                    parameters.get(&name).map_or_else(|| default(body), |value| value.as_str().into())
                }
                "Resources" => deciding(body),
                _ => body.clone(),
            };
            if section != "Parameters" {
                add_names(&body, &mut names);
            }
            found.insert(key, body);
        }
    }
    found.remove(&("Parameters", SERVING.to_owned()));
    found
}

/// In the text that CloudFormation makes of it.
fn default(declaration: &Value) -> Value {
    match &declaration["Default"] {
        Value::Null => Value::Null,
        Value::String(text) => text.as_str().into(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string().into()
        }
    }
}

fn deciding(resource: &Value) -> Value {
    let is_target_group = resource["Type"] == TARGET_GROUP;
    let mut body = resource.clone();
    if let Some(body) = body.as_object_mut() {
        body.retain(|key, _| DECIDING.contains(&key.as_str()));
    }
    let properties = body.get_mut("Properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties.filter(|_| is_target_group) {
        properties.retain(|key, _| REPLACING.contains(&key.as_str()));
    }
    body
}

/// Every text in `body` that may name something: as it stands, up to its first dot, and between `${` and `}`.
fn add_names(body: &Value, names: &mut Vec<String>) {
    let up_to_dot = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    match body {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            names.push(up_to_dot(text));
            let substituted = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
            names.extend(substituted.map(up_to_dot));
        }
        Value::Array(items) => items.iter().for_each(|item| add_names(item, names)),
        Value::Object(map) => map.values().for_each(|item| add_names(item, names)),
    }
}
