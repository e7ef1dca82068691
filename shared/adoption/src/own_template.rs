//! The service's own copy of the environment's template, before anything is pinned in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::evaluate::{attribute, intrinsic, no_value};
use crate::{Live, MARK, Refused, SERVICE, TASK_DEFINITION};

const MARK_TYPE: &str = "AWS::CloudFormation::WaitConditionHandle";

/// What the environment's template makes for a service of its own. Whoever runs the service keeps theirs: they are named,
/// and not imported.
const KEPT_OUTSIDE: [&str; 6] =
    ["Logs", "ExecutionRole", "TaskRole", "TaskSecurityGroup", "ScheduleRole", "JobSchedule"];

/// The environment's template, with what is kept outside of the stack named as it is.
pub(crate) fn own_template(mut template: Value, live: &Live) -> Result<Value, Refused> {
    let adopted = [SERVICE, TASK_DEFINITION];
    if let Some(missing) = adopted.iter().find(|name| template["Resources"][**name].is_null()) {
        return Err(format!("the environment's template has no resource {missing}").into());
    }
    let outside = outside(live);
    let Value::Object(sections) = &mut template else {
        return Err("the template is no object".to_owned().into());
    };
    for (_, section) in sections.iter_mut() {
        *section = with_outside(section, &outside);
    }
    let is_left_out = |output: &Value| output["Value"] == no_value();
    if let Some(outputs) = sections.get_mut("Outputs").and_then(Value::as_object_mut) {
        outputs.retain(|_, output| !is_left_out(output));
        let container = &live.task_definition["containerDefinitions"][0]["name"];
        outputs.insert("ContainerName".to_owned(), json!({ "Value": container }));
        outputs.insert("TaskFamily".to_owned(), json!({ "Value": live.task_definition["family"] }));
    }
    if let Some(resources) = sections.get_mut("Resources").and_then(Value::as_object_mut) {
        resources.retain(|name, _| !KEPT_OUTSIDE.contains(&name.as_str()));
        resources.insert(MARK.to_owned(), json!({ "Type": MARK_TYPE }));
    }
    Ok(template)
}

/// What takes the place of each `Ref` and attribute of what is kept outside.
fn outside(live: &Live) -> BTreeMap<&'static str, Value> {
    let known = |value: &Value| match value.as_str() {
        Some(text) if !text.is_empty() => json!(text),
        Some(_) | None => no_value(),
    };
    let definition = &live.task_definition;
    let logs = known(&definition["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"]);
    let groups = &live.service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"];
    BTreeMap::from([
        ("Logs", logs.clone()),
        ("Logs.Arn", logs),
        ("ExecutionRole", known(&definition["executionRoleArn"])),
        ("ExecutionRole.Arn", known(&definition["executionRoleArn"])),
        ("TaskRole", known(&definition["taskRoleArn"])),
        ("TaskRole.Arn", known(&definition["taskRoleArn"])),
        ("TaskSecurityGroup", known(&groups[0])),
        ("TaskSecurityGroup.GroupId", known(&groups[0])),
        ("JobSchedule", no_value()),
    ])
}

fn with_outside(value: &Value, outside: &BTreeMap<&'static str, Value>) -> Value {
    if let Some((function, given)) = intrinsic(value) {
        let named = match function {
            "Ref" => given.as_str().map(str::to_owned),
            "Fn::GetAtt" => attribute(given),
            _ => None,
        };
        if let Some(instead) = named.and_then(|name| outside.get(name.as_str())) {
            return instead.clone();
        }
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => items.iter().map(|item| with_outside(item, outside)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), with_outside(item, outside)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
