use std::collections::BTreeMap;

use config::{Rendered, Serving};
use serde_json::{Value, json};

use crate::support::{first_form, rendered, shipped, with_all};

fn shifting(pointer: &str, value: Value) -> Rendered {
    let config = with_all(first_form(), "/deployment/strategy", json!("blueGreen"));
    rendered(&shipped(), &with_all(config, pointer, value)).unwrap()
}

/// Template and parameters of a stack as CloudFormation tells them: defaults are values too.
fn deployed(rendered: &Rendered) -> (Value, BTreeMap<String, String>) {
    let template: Value = serde_json::from_str(&rendered.template).unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let declared = template["Parameters"].as_object().unwrap().iter();
    let defaults = declared.filter_map(|(name, body)| Some((name.clone(), text(body.get("Default")?))));
    let parameters = defaults.chain(rendered.parameters.clone()).collect();
    (template, parameters)
}

#[test]
fn a_rule_is_left_alone_unless_something_that_it_is_made_of_changes() {
    let (template, parameters) = deployed(&shifting("/container/port", json!(8080)));
    let leaves = |pointer: &str, value: Value| shifting(pointer, value).leaves_rule(&template, &parameters);
    for (pointer, value) in [
        ("/routing/priority", json!(120)),
        ("/routing/healthCheck", json!({ "path": "/up", "intervalSeconds": 30 })),
        ("/container/environment", json!({ "LEVEL": "Paths" })),
        ("/scaling", json!({ "min": 3 })),
        ("/deployment/bakeMinutes", json!(10)),
    ] {
        assert!(leaves(pointer, value.clone()), "{pointer} {value}");
    }
    for (pointer, value) in [
        ("/routing/priority", json!(121)),
        ("/routing/paths", json!(["/payments"])),
        ("/routing/hosts", json!(["shop.example.com"])),
        ("/deployment/strategy", json!("rolling")),
        // Another port makes other target groups.
        ("/container/port", json!(8081)),
    ] {
        assert!(!leaves(pointer, value.clone()), "{pointer} {value}");
    }
}

#[test]
fn a_rule_is_not_left_alone_by_another_listener_or_another_template() {
    let rendered = shifting("/container/port", json!(8080));
    let (template, parameters) = deployed(&rendered);
    assert!(rendered.leaves_rule(&template, &parameters));
    let mut elsewhere = parameters.clone();
    elsewhere.insert(
        "ListenerArn".to_owned(),
        "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/b/1/2".to_owned(),
    );
    assert!(!rendered.leaves_rule(&template, &elsewhere));
    for (pointer, value) in [
        ("/Resources/ListenerRule/Properties/Priority", json!(7)),
        ("/Resources/AlternateTargetGroup/Properties/ProtocolVersion", json!("GRPC")),
        ("/Conditions/IsWeb", json!({ "Fn::Equals": [{ "Ref": "Kind" }, "worker"] })),
    ] {
        let older = with_all(template.clone(), pointer, value);
        assert!(!rendered.leaves_rule(&older, &parameters), "{pointer}");
    }
}

#[test]
fn a_stack_states_which_target_group_serves() {
    let mut rendered = shifting("/container/port", json!(8080));
    assert_eq!(Serving::stated(&rendered.parameters), Serving::TargetGroup);
    let (template, parameters) = deployed(&rendered);
    rendered.state(Serving::AlternateTargetGroup);
    assert_eq!(Serving::stated(&rendered.parameters), Serving::AlternateTargetGroup);
    // What it states is for whoever renders it to choose, and no reason of its own.
    assert!(rendered.leaves_rule(&template, &parameters));
    assert_eq!(Serving::stated(&BTreeMap::new()), Serving::TargetGroup);
}
