//! Traffic that ECS shifts between two target groups, and plans that must not move it.

use std::collections::BTreeMap;

use config::{Rendered, Serving};

use crate::failure::Failure;
use crate::ports::{ResourceChange, Services, StackRead, Stacks};

/// Where the traffic of a service is, and where its stack states that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traffic {
    serving: Serving,
    stated: Serving,
    /// Whether the rule changes for another reason, and so states what serves now.
    is_restated: bool,
}

pub(crate) fn stated(stack: Option<&StackRead>) -> Serving {
    stack.map_or_else(Serving::default, |stack| Serving::stated(&stack.parameters))
}

/// ECS shifts the traffic without telling the stack. As long as the rule stays as the stack has it, CloudFormation touches
/// it neither when it updates nor when it goes back; where the rule must change, it states what serves.
pub(crate) async fn hold<P: Stacks + Services>(
    ports: &P,
    stack: Option<&StackRead>,
    rendered: &mut Rendered,
) -> Result<Traffic, Failure> {
    let stated = stated(stack);
    let unmoved = Traffic { serving: stated, stated, is_restated: false };
    let Some(stack) = stack else { return Ok(unmoved) };
    match serving(ports, &stack.outputs).await? {
        Some(serving) if serving != stated => {
            let template = ports.stack_template(&stack.id).await?;
            held(stack, &template, serving, rendered)
        }
        Some(_) | None => Ok(unmoved),
    }
}

fn held(
    stack: &StackRead,
    template: &str,
    serving: Serving,
    rendered: &mut Rendered,
) -> Result<Traffic, Failure> {
    let template = config::template(template).map_err(|faults| {
        Failure::refused(
            "GetTemplate",
            format!("it cannot be told whether the listener's rule changes: {faults}"),
        )
    })?;
    let is_restated = !rendered.leaves_rule(&template, &stack.parameters);
    if is_restated {
        rendered.state(serving);
    }
    Ok(Traffic { serving, stated: Serving::stated(&stack.parameters), is_restated })
}

/// Which target group has the traffic now; `None` where there are no two.
///
/// Source: ECS API, `DescribeServiceRevisions` (`resolvedConfiguration`).
async fn serving<P: Services>(
    ports: &P,
    outputs: &BTreeMap<String, String>,
) -> Result<Option<Serving>, Failure> {
    let output = |name: &str| outputs.get(name);
    let (Some(alternate), Some(cluster), Some(service)) =
        (output("AlternateTargetGroupArn"), output("ClusterName"), output("ServiceArn"))
    else {
        return Ok(None);
    };
    let unknown = |what: &str| {
        // Guessing could send the traffic to tasks that are not there.
        Failure::refused("plan", format!("it cannot be told which target group has the traffic: {what}"))
    };
    let read = ports.service(cluster, service).await?.ok_or_else(|| unknown("the service is gone"))?;
    let revision = read.revision.ok_or_else(|| unknown("the service shows no revision"))?;
    let serves = ports.target_group(&revision).await?.ok_or_else(|| unknown("its revision shows none"))?;
    Ok(Some(if serves == *alternate { Serving::AlternateTargetGroup } else { Serving::TargetGroup }))
}

impl Traffic {
    /// The requests that the plan, or going back from it, would send to where no task is.
    pub(crate) fn gap(self, changes: &[ResourceChange]) -> Option<String> {
        let (serving, stated) = (self.serving.as_str(), self.stated.as_str());
        let of_rule = |change: &ResourceChange| {
            change.resource_type == "AWS::ElasticLoadBalancingV2::ListenerRule" && change.action == "Modify"
        };
        let goes = |change: &ResourceChange| change.logical_id == serving && change.action == "Remove";
        if !changes.iter().any(of_rule) {
            None
        } else if changes.iter().any(goes) {
            Some(format!(
                "all requests go from {serving}, where the tasks are, to {} at once, and fail until new tasks are \
                 healthy there; {FIRST}",
                Serving::TargetGroup.as_str()
            ))
        } else if self.is_restated {
            Some(format!(
                "should this fail, going back sends all requests to {stated}, as the stack has it, though the tasks are \
                 in {serving}; {FIRST}"
            ))
        } else {
            None
        }
    }
}

/// Each deployment goes to the other target group.
const FIRST: &str = "not so after one more deployment of what is live: `tidegate redeploy`";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(serving: &str, paths: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("Serving".to_owned(), serving.to_owned()), ("Paths".to_owned(), paths.to_owned())])
    }

    fn template() -> String {
        let rule = json!({
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": { "Conditions": { "Ref": "Paths" }, "Actions": { "Ref": "Serving" } }
        });
        let declared = json!({ "Serving": { "Type": "String" }, "Paths": { "Type": "String" } });
        json!({ "Parameters": declared, "Resources": { "ListenerRule": rule } }).to_string()
    }

    /// A stack that states `TargetGroup` and now gets `paths`, while the alternate one serves.
    fn shifted(paths: &str) -> (Traffic, Rendered) {
        let stack = StackRead {
            id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate-payments-production/1"
                .to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            reason: None,
            outputs: BTreeMap::new(),
            parameters: parameters("TargetGroup", "/payments"),
            is_protected: false,
        };
        let mut rendered = Rendered {
            template: template(),
            sha256: String::new(),
            parameters: parameters("TargetGroup", paths),
            tags: BTreeMap::new(),
            stack_policy: None,
            capabilities: Vec::new(),
            watch: None,
        };
        let traffic =
            held(&stack, &template(), Serving::AlternateTargetGroup, &mut rendered).expect("a template");
        (traffic, rendered)
    }

    fn change(logical_id: &str, resource: &str, action: &str) -> ResourceChange {
        ResourceChange {
            logical_id: logical_id.to_owned(),
            resource_type: format!("AWS::ElasticLoadBalancingV2::{resource}"),
            action: action.to_owned(),
            replacement: String::new(),
            policy: String::new(),
            properties: Vec::new(),
        }
    }

    #[test]
    fn a_rule_that_need_not_change_stays_as_the_stack_has_it_wherever_the_traffic_is() {
        let (traffic, rendered) = shifted("/payments");
        assert_eq!(rendered.parameters["Serving"], "TargetGroup");
        assert_eq!(traffic.gap(&[]), None);
    }

    #[test]
    fn a_rule_that_changes_states_what_serves_and_what_going_back_would_do_is_told() {
        let (traffic, rendered) = shifted("/pay");
        assert_eq!(rendered.parameters["Serving"], "AlternateTargetGroup");
        let told = traffic.gap(&[change("ListenerRule", "ListenerRule", "Modify")]).unwrap();
        insta::assert_snapshot!(told, @"should this fail, going back sends all requests to TargetGroup, as the stack has it, though the tasks are in AlternateTargetGroup; not so after one more deployment of what is live: `tidegate redeploy`");
    }

    #[test]
    fn a_target_group_that_serves_is_not_taken_away_in_silence() {
        let (traffic, _) = shifted("/pay");
        let rule = change("ListenerRule", "ListenerRule", "Modify");
        let gone = change("AlternateTargetGroup", "TargetGroup", "Remove");
        insta::assert_snapshot!(traffic.gap(&[rule, gone.clone()]).unwrap(), @"all requests go from AlternateTargetGroup, where the tasks are, to TargetGroup at once, and fail until new tasks are healthy there; not so after one more deployment of what is live: `tidegate redeploy`");
        // With the rule goes every request; that is told of the rule itself.
        assert_eq!(traffic.gap(&[change("ListenerRule", "ListenerRule", "Remove"), gone]), None);
    }
}
