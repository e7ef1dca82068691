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
    // Named after the service, unless the stack was adopted and says otherwise.
    let container = stack.outputs.get("ContainerName").map_or(service.as_str(), String::as_str);
    if let (Some(_), Some(task_definition)) =
        (stack.outputs.get("ScheduleName"), stack.outputs.get("TaskDefinitionArn"))
    {
        return job(ports, container, stack, task_definition).await;
    }
    let (Some(cluster), Some(arn)) = (stack.outputs.get("ClusterName"), stack.outputs.get("ServiceArn"))
    else {
        return untold("the stack has no outputs ClusterName and ServiceArn".to_owned());
    };
    let Some(running) = ports.service(cluster, arn).await? else {
        return untold(format!("the stack's service {arn} is gone"));
    };
    let image = match image(ports, container, &running.task_definition).await? {
        Ok(image) => image,
        Err(why) => return untold(why),
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

/// A job runs when its schedule says; there is no service to wait for, and what will run is in the task definition.
async fn job<P: Services>(
    ports: &P,
    container: &str,
    stack: &StackRead,
    task_definition: &str,
) -> Result<Runs, Failure> {
    Ok(match image(ports, container, task_definition).await? {
        Ok(image) => Runs::Known {
            deployed: Deployed {
                image,
                stack_status: stack.status.clone(),
                task_definition: task_definition.to_owned(),
            },
            rollout: Rollout::Completed,
        },
        Err(why) => Runs::Untold { why },
    })
}

/// The digest that a task definition names for the service's own container, or why it cannot be told.
async fn image<P: Services>(
    ports: &P,
    container: &str,
    task_definition: &str,
) -> Result<Result<ImageDigest, String>, Failure> {
    let images = ports.task_images(task_definition).await?;
    let Some(image) = images.get(container) else {
        return Ok(Err(format!("task definition {task_definition} has no container {container}")));
    };
    let digest = image.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok());
    Ok(digest.ok_or_else(|| format!("task definition {task_definition} names {image}, which is no digest")))
}
