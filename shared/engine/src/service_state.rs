//! What the service of a stack really runs (I6): its task definition's digest and its rollout.

use model::ids::{ImageDigest, ServiceName};
use model::release::Deployed;
use model::signal::Rollout;

use crate::failure::Failure;
use crate::ports::{RolloutState, Services, StackRead};

/// What was read, or why it cannot be told.
pub(crate) enum Runs {
    Known { deployed: Deployed, rollout: Rollout },
    Untold { why: String },
}

pub(crate) async fn read<P: Services>(
    ports: &P,
    service: &ServiceName,
    stack: &StackRead,
) -> Result<Runs, Failure> {
    let untold = |why: String| Ok(Runs::Untold { why });
    let (Some(cluster), Some(arn)) = (stack.outputs.get("ClusterName"), stack.outputs.get("ServiceArn"))
    else {
        return untold("the stack has no outputs ClusterName and ServiceArn".to_owned());
    };
    let Some(running) = ports.service(cluster, arn).await? else {
        return untold(format!("the stack's service {arn} is gone"));
    };
    let images = ports.task_images(&running.task_definition).await?;
    let Some(image) = images.get(service.as_str()) else {
        return untold(format!("task definition {} has no container {service}", running.task_definition));
    };
    let Some(image) = image.rsplit_once('@').and_then(|(_, digest)| digest.parse::<ImageDigest>().ok())
    else {
        return untold(format!(
            "task definition {} names {image}, which is no digest",
            running.task_definition
        ));
    };
    let deployed =
        Deployed { image, stack_status: stack.status.clone(), task_definition: running.task_definition };
    let rollout = match running.rollout {
        RolloutState::InProgress => Rollout::Running,
        RolloutState::Completed => Rollout::Completed,
        RolloutState::Failed => Rollout::Failed {
            why: match running.rollout_reason {
                Some(reason) => format!("the ECS deployment failed: {reason}"),
                None => "the ECS deployment failed".to_owned(),
            },
        },
    };
    Ok(Runs::Known { deployed, rollout })
}
