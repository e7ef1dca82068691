//! Tasks that run once, and the end of their logs.

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, Compatibility, ContainerDefinition, DesiredStatus,
    Failure as NotRun, KeyValuePair, LaunchType, LogConfiguration, LogDriver, NetworkConfiguration,
    NetworkMode, PropagateTags, Secret, Tag, Task,
};
use config::TaskDefinition;
use engine::failure::Failure;
use engine::ports::{Errands, TaskFamily, TaskOrder, TaskRead};

use crate::Aws;
use crate::ecs::stopped;
use crate::failure::Call;

const LIST_TASKS: Call = Call::reads("ecs ListTasks");
const DESCRIBE_TASKS: Call = Call::reads("ecs DescribeTasks");
const REGISTER_TASK_DEFINITION: Call = Call::changes("ecs RegisterTaskDefinition");
const RUN_TASK: Call = Call::changes("ecs RunTask");
const STOP_TASK: Call = Call::changes("ecs StopTask");

/// The tasks take it from their definition: only what has it may be stopped.
const ERRAND_TAG: &str = "tidegate-errand";

impl Errands for Aws {
    async fn tasks(&self, cluster: &str, family: &str) -> Result<Vec<TaskRead>, Failure> {
        // A task that was told to stop is listed as stopped, whatever it still does.
        let running = self.tasks_that_are(DesiredStatus::Running, cluster, family).await?;
        let stopped = self.tasks_that_are(DesiredStatus::Stopped, cluster, family).await?;
        let mut read = Vec::new();
        for arns in [running, stopped].into_iter().filter(|arns| !arns.is_empty()) {
            let sent = self.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await;
            let answer = sent.map_err(|error| DESCRIBE_TASKS.failed(error))?;
            read.extend(answer.tasks().iter().map(read_task));
        }
        Ok(read)
    }

    async fn register_task(&self, family: &TaskFamily) -> Result<String, Failure> {
        let TaskDefinition { cpu, memory_mib, execution_role_arn, .. } = &family.definition;
        let answer = self
            .ecs
            .register_task_definition()
            .family(&family.name)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu(cpu.to_string())
            .memory(memory_mib.to_string())
            .execution_role_arn(execution_role_arn)
            .set_task_role_arn(family.task_role_arn.clone())
            .container_definitions(container(family)?)
            .tags(Tag::builder().key(ERRAND_TAG).value(&family.log_prefix).build())
            .send()
            .await
            .map_err(|error| REGISTER_TASK_DEFINITION.failed(error))?;
        answer
            .task_definition
            .and_then(|definition| definition.task_definition_arn)
            .ok_or_else(|| REGISTER_TASK_DEFINITION.unanswered("the answer names no task definition"))
    }

    async fn run_task(&self, order: &TaskOrder) -> Result<(), Failure> {
        let public_ip =
            if order.assign_public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
        let groups = Some(order.security_groups.clone()).filter(|groups| !groups.is_empty());
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(order.subnets.clone()))
            .set_security_groups(groups)
            .assign_public_ip(public_ip)
            .build()
            .map_err(|error| RUN_TASK.refused(error.to_string()))?;
        let sent = self
            .ecs
            .run_task()
            .cluster(&order.cluster)
            .task_definition(&order.definition)
            .client_token(order.started_by.to_string())
            .started_by(order.started_by.to_string())
            .launch_type(LaunchType::Fargate)
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .enable_ecs_managed_tags(true)
            .propagate_tags(PropagateTags::TaskDefinition)
            .send()
            .await;
        match sent {
            Ok(answer) => match answer.failures().first() {
                Some(failure) => Err(not_run(failure)),
                None if answer.tasks().is_empty() => Err(RUN_TASK.unanswered("the answer names no task")),
                None => Ok(()),
            },
            // Its token has a task already, of an earlier revision of the same definition.
            Err(error) if error.code() == Some("ConflictException") => Ok(()),
            Err(error) => Err(RUN_TASK.failed(error)),
        }
    }

    async fn stop_task(&self, cluster: &str, arn: &str, why: &str) -> Result<(), Failure> {
        match self.ecs.stop_task().cluster(cluster).task(arn).reason(why).send().await {
            Ok(_) => Ok(()),
            // ECS forgets a task an hour after it has stopped.
            Err(error) if error.message().is_some_and(|words| words.contains("task was not found")) => Ok(()),
            Err(error) => Err(STOP_TASK.failed(error)),
        }
    }
}

impl Aws {
    async fn tasks_that_are(
        &self,
        status: DesiredStatus,
        cluster: &str,
        family: &str,
    ) -> Result<Vec<String>, Failure> {
        let sent = self.ecs.list_tasks().cluster(cluster).family(family).desired_status(status).send().await;
        Ok(sent.map_err(|error| LIST_TASKS.failed(error))?.task_arns.unwrap_or_default())
    }
}

fn read_task(task: &Task) -> TaskRead {
    TaskRead {
        arn: task.task_arn().unwrap_or_default().to_owned(),
        started_by: task.started_by().map(str::to_owned),
        status: task.last_status().unwrap_or_default().to_owned(),
        ended: stopped(task),
    }
}

fn container(family: &TaskFamily) -> Result<ContainerDefinition, Failure> {
    let TaskDefinition { name, image, command, environment, secrets, log_group, .. } = &family.definition;
    let refused = |error: aws_sdk_ecs::error::BuildError| REGISTER_TASK_DEFINITION.refused(error.to_string());
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", &log_group.name)
        .options("awslogs-region", &log_group.region)
        .options("awslogs-stream-prefix", &family.log_prefix)
        .build()
        .map_err(refused)?;
    let secret = |(name, arn): (&String, &String)| Secret::builder().name(name).value_from(arn).build();
    let secrets: Vec<Secret> = secrets.iter().map(secret).collect::<Result<_, _>>().map_err(refused)?;
    let variables =
        environment.iter().map(|(name, value)| KeyValuePair::builder().name(name).value(value).build());
    Ok(ContainerDefinition::builder()
        .name(name)
        .image(image)
        .essential(true)
        .set_command(Some(command.clone()))
        .set_environment(Some(variables.collect()))
        .set_secrets(Some(secrets))
        .log_configuration(logs)
        .build())
}

/// Source: ECS developer guide, "API failure reasons".
fn not_run(failure: &NotRun) -> Failure {
    let reason = failure.reason().unwrap_or("no reason given");
    let no_room = reason.starts_with("RESOURCE") || reason.contains("Capacity is unavailable");
    if no_room { RUN_TASK.no_capacity(reason) } else { RUN_TASK.refused(reason) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use config::LogGroupArn;

    use super::*;

    #[test]
    fn a_lack_of_room_is_waited_for_and_anything_else_is_an_end() {
        let failure = |reason: &str| not_run(&NotRun::builder().reason(reason).build());
        for no_room in ["RESOURCE:ENI", "Capacity is unavailable at this time."] {
            assert!(matches!(failure(no_room), Failure::NoCapacity { .. }), "{no_room}");
        }
        assert!(matches!(failure("MISSING"), Failure::Refused { .. }));
    }

    #[test]
    fn the_container_runs_the_command_with_its_secrets_and_log() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:payments-tasks".to_owned();
        let definition = TaskDefinition {
            name: "payments".to_owned(),
            image: "registry.example/payments@sha256:00".to_owned(),
            command: vec!["./migrate".to_owned(), "up".to_owned()],
            environment: BTreeMap::from([("LOG_LEVEL".to_owned(), "info".to_owned())]),
            secrets: BTreeMap::from([("DB_URL".to_owned(), "arn:aws:secretsmanager:x".to_owned())]),
            cpu: 256,
            memory_mib: 512,
            execution_role_arn: "arn:aws:iam::111122223333:role/tidegate/task/r".to_owned(),
            log_group: LogGroupArn::try_from(arn).unwrap(),
        };
        let name = "tidegate-payments-production-before".to_owned();
        let family = TaskFamily { name, log_prefix: "before".to_owned(), definition, task_role_arn: None };
        let container = container(&family).unwrap();
        assert_eq!(container.command(), ["./migrate", "up"]);
        assert_eq!(container.secrets()[0].value_from(), "arn:aws:secretsmanager:x");
        let options = container.log_configuration().and_then(LogConfiguration::options).unwrap();
        assert_eq!(options["awslogs-group"], "payments-tasks");
        assert_eq!(options["awslogs-stream-prefix"], "before");
    }
}
