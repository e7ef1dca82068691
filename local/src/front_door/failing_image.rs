//! An image that asks for a failed deployment by the label `tidegate.local.fails=deployment`.

use serde_json::{Value, json};

use super::FrontDoor;
use super::scope::Scope;

const LABEL: &str = "tidegate.local.fails";
const DEPLOYMENT: &str = "deployment";

/// Whether an image of the task definition, pushed to the local registry, says so.
pub(crate) async fn is_run_by(door: &FrontDoor, scope: &Scope, task_definition: &str) -> bool {
    let (Some(upstream), Some(stand_ins)) = (door.upstream(), door.stand_ins()) else { return false };
    let input = json!({ "taskDefinition": task_definition });
    let target = "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition";
    let Ok(described) = upstream.json(scope, target, &input).await else { return false };
    let containers =
        described["taskDefinition"]["containerDefinitions"].as_array().cloned().unwrap_or_default();
    for container in &containers {
        let Some((repository, digest)) = container["image"].as_str().and_then(by_digest) else { continue };
        let registry = &stand_ins.registry;
        let label = registry.label(&scope.account, &scope.region, repository, digest, LABEL).await;
        if label == Some(Value::from(DEPLOYMENT)) {
            return true;
        }
    }
    false
}

/// `<registry>/<repository>@<digest>` → repository and digest.
fn by_digest(image: &str) -> Option<(&str, &str)> {
    let (name, digest) = image.split_once('@')?;
    let (_registry, repository) = name.split_once('/')?;
    Some((repository, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_named_by_digest_can_be_looked_up() {
        let registry = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        assert_eq!(by_digest(&format!("{registry}/team/app@sha256:ab")), Some(("team/app", "sha256:ab")));
        assert_eq!(by_digest(&format!("{registry}/team/app:latest")), None);
        assert_eq!(by_digest("nginx@sha256:ab"), None);
    }
}
