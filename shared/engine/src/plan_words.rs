//! A plan in words, the dangerous lines first.

use model::ids::ImageDigest;
use model::release::{Danger, PlanLine};

use crate::ports::{ChangeSetKind, ResourceChange};

/// Lines shown; beyond it, how many more there are.
const LINES_MAX: usize = 30;
/// Properties named in one line.
const PROPERTIES_MAX: usize = 6;

pub(crate) fn lines(
    kind: ChangeSetKind,
    live: Option<&ImageDigest>,
    image: &ImageDigest,
    changes: &[ResourceChange],
) -> Vec<PlanLine> {
    let mut lines: Vec<PlanLine> = changes.iter().map(line).collect();
    lines.sort_by(|a, b| a.danger.cmp(&b.danger).then_with(|| a.text.cmp(&b.text)));
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(plain(format!("and {more} more changes")));
    }
    let first = match (kind, live) {
        (ChangeSetKind::Create, _) => format!("create the stack; image {image}"),
        (ChangeSetKind::Update, Some(live)) if live == image => format!("image stays {image}"),
        (ChangeSetKind::Update, Some(live)) => format!("image {live} → {image}"),
        (ChangeSetKind::Update, None) => format!("image {image}"),
    };
    lines.insert(0, plain(first));
    lines
}

fn plain(text: String) -> PlanLine {
    PlanLine { danger: Danger::None, text }
}

fn line(change: &ResourceChange) -> PlanLine {
    let what = format!("{} ({})", change.logical_id, change.resource_type);
    let (danger, text) = match (change.action.as_str(), change.replacement.as_str()) {
        ("Remove", _) => (Danger::Delete, format!("delete {what}")),
        // A new revision of a task definition is how every deployment begins; nothing is lost by it.
        ("Modify", "True") if change.resource_type == "AWS::ECS::TaskDefinition" => {
            (Danger::None, format!("new revision of {what}{}", properties(change)))
        }
        ("Modify", "True") => (Danger::Replace, format!("replace {what}{}", properties(change))),
        ("Modify", "Conditional") => {
            (Danger::MayReplace, format!("may replace {what}{}", properties(change)))
        }
        ("Modify", _) => (Danger::None, format!("change {what}{}", properties(change))),
        ("Add", _) => (Danger::None, format!("add {what}")),
        ("Import", _) => (Danger::None, format!("import {what}")),
        (action, _) => (Danger::MayReplace, format!("{action} {what}")),
    };
    PlanLine { danger, text }
}

fn properties(change: &ResourceChange) -> String {
    if change.properties.is_empty() {
        return String::new();
    }
    let named = change.properties.iter().take(PROPERTIES_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = change.properties.len().saturating_sub(PROPERTIES_MAX);
    if more == 0 { format!(": {named}") } else { format!(": {named} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(
        logical_id: &str,
        kind: &str,
        action: &str,
        replacement: &str,
        properties: &[&str],
    ) -> ResourceChange {
        ResourceChange {
            logical_id: logical_id.to_owned(),
            resource_type: kind.to_owned(),
            action: action.to_owned(),
            replacement: replacement.to_owned(),
            properties: properties.iter().map(|&property| property.to_owned()).collect(),
        }
    }

    fn digest(digit: &str) -> ImageDigest {
        format!("sha256:{}", digit.repeat(64)).parse().unwrap()
    }

    #[test]
    fn dangerous_lines_come_first_and_a_new_task_definition_is_not_one() {
        let changes = [
            change("Service", "AWS::ECS::Service", "Modify", "False", &["TaskDefinition"]),
            change("TaskDefinition", "AWS::ECS::TaskDefinition", "Modify", "True", &["ContainerDefinitions"]),
            change("TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", "Modify", "True", &["Port"]),
            change("LogGroup", "AWS::Logs::LogGroup", "Remove", "", &[]),
            change(
                "Rule",
                "AWS::ElasticLoadBalancingV2::ListenerRule",
                "Modify",
                "Conditional",
                &["ListenerArn"],
            ),
        ];
        let lines = lines(ChangeSetKind::Update, Some(&digest("a")), &digest("b"), &changes);
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert!(text[0].starts_with("image sha256:aaaa") && text[0].contains("→ sha256:bbbb"), "{}", text[0]);
        assert_eq!(
            text[1..],
            [
                "delete LogGroup (AWS::Logs::LogGroup)",
                "replace TargetGroup (AWS::ElasticLoadBalancingV2::TargetGroup): Port",
                "may replace Rule (AWS::ElasticLoadBalancingV2::ListenerRule): ListenerArn",
                "change Service (AWS::ECS::Service): TaskDefinition",
                "new revision of TaskDefinition (AWS::ECS::TaskDefinition): ContainerDefinitions",
            ]
        );
        assert_eq!(lines[1].danger, Danger::Delete);
        assert_eq!(lines[2].danger, Danger::Replace);
    }

    #[test]
    fn a_huge_plan_says_how_much_it_leaves_out() {
        let changes: Vec<_> =
            (0..40).map(|i| change(&format!("R{i:02}"), "AWS::SNS::Topic", "Add", "", &[])).collect();
        let lines = lines(ChangeSetKind::Create, None, &digest("b"), &changes);
        assert_eq!(lines.len(), LINES_MAX + 2);
        assert_eq!(lines[LINES_MAX + 1].text, "and 10 more changes");
    }
}
