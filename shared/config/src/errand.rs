//! What runs once for a release, as a task of its own: the service's container with another command, or curl.

use std::collections::BTreeMap;

use model::ids::{EnvironmentName, ImageDigest};

use crate::config::{Probe, ServiceConfig};
use crate::faults::{Fault, Faults, Path};
use crate::parameters::{CPU, HOSTS, MEMORY_MIB, decimal, listed};
use crate::record::{EnvironmentRecord, LogGroupArn, Prober, ServiceRecord};

/// What the service's template takes where a config says nothing.
const CPU_DEFAULT: u32 = 256;
const MEMORY_MIB_DEFAULT: u32 = 512;

/// The definition of a task that runs once. Its stack may not exist yet, so its execution role and its log group are
/// those that the service's record names; sidecars, and what the environment's template adds, are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDefinition {
    /// The container's: the service's name.
    pub name: String,
    /// By digest.
    pub image: String,
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    /// ARNs by the variables that their values go to.
    pub secrets: BTreeMap<String, String>,
    /// CPU units.
    pub cpu: u32,
    pub memory_mib: u32,
    pub execution_role_arn: String,
    pub log_group: LogGroupArn,
}

impl ServiceConfig {
    /// The task that runs `command` in `environment` with this image.
    ///
    /// # Errors
    /// What the service's record lacks for that; faults begin with `service record: $`.
    pub fn task(
        &self,
        environment: &EnvironmentName,
        service: &ServiceRecord,
        image: &ImageDigest,
        command: Vec<String>,
    ) -> Result<TaskDefinition, Faults> {
        let here = self.in_environment(environment);
        let (execution_role_arn, log_group) = means(service)?;
        let process = here.container.as_ref().map(|container| container.process.clone()).unwrap_or_default();
        let sizes = here.effective_parameters();
        let size = |name, unset| sizes.get(name).and_then(|text| decimal(text)).unwrap_or(unset);
        let secrets =
            process.secrets.iter().map(|(name, secret)| (name.clone(), secret.arn_beside(&log_group)));
        Ok(TaskDefinition {
            name: service.service.to_string(),
            image: format!("{}@{image}", service.image_repository_uri),
            command,
            secrets: secrets.collect(),
            environment: process.environment,
            cpu: size(CPU, CPU_DEFAULT),
            memory_mib: size(MEMORY_MIB, MEMORY_MIB_DEFAULT),
            execution_role_arn,
            log_group,
        })
    }
}

impl ServiceConfig {
    /// The task that asks the service for a path through its load balancer: curl, which knows neither the service's
    /// secrets nor its variables, tries for about a minute.
    ///
    /// # Errors
    /// What the records lack for that.
    pub fn probe(
        &self,
        environment: &EnvironmentName,
        service: &ServiceRecord,
        here: &EnvironmentRecord,
        probe: &Probe,
    ) -> Result<TaskDefinition, Faults> {
        let written = self.in_environment(environment).effective_parameters();
        let hosts = written.get(HOSTS).map(|hosts| listed(hosts));
        let (execution_role_arn, log_group) = means(service)?;
        let prober = here.probe.as_ref().zip(here.probe.as_ref().and_then(Prober::address));
        let (prober, at) = prober.ok_or_else(|| {
            let place = Path::of("environment record").key("probe");
            Fault::missing(place, "an object with url and image, as the config has a path to verify")
        })?;
        let host = hosts.as_deref().and_then(asked_host).unwrap_or(at.host);
        // The listener is reached by its own name, and asked as the service's host: its certificate is that one's.
        let reached = format!("::{}:{}", at.host, at.port);
        let url = format!("{}://{host}:{}{}", at.scheme, at.port, probe.path);
        let words =
            ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "--max-time", "10"];
        let tries = ["--retry", "6", "--retry-delay", "10", "--retry-all-errors", "--connect-to"];
        let command = words.into_iter().chain(tries).map(str::to_owned).chain([reached, url]).collect();
        Ok(TaskDefinition {
            name: service.service.to_string(),
            image: prober.image.clone(),
            command,
            environment: BTreeMap::new(),
            secrets: BTreeMap::new(),
            cpu: CPU_DEFAULT,
            memory_mib: MEMORY_MIB_DEFAULT,
            execution_role_arn,
            log_group,
        })
    }
}

/// The host that a request can be for: a name, no pattern.
pub(crate) fn asked_host(hosts: &[String]) -> Option<&str> {
    hosts.iter().map(String::as_str).find(|host| !host.contains(['*', '?']))
}

/// By what ECS starts a task where no stack of the service need exist: execution role and log group.
pub(crate) fn means(service: &ServiceRecord) -> Result<(String, LogGroupArn), Fault> {
    match (&service.task_execution_role_arn, &service.task_log_group_arn) {
        (Some(role), Some(log_group)) => Ok((role.clone(), log_group.clone())),
        (None, _) => Err(lacks("taskExecutionRoleArn", "the ARN of a role")),
        (Some(_), None) => Err(lacks("taskLogGroupArn", "the ARN of a log group")),
    }
}

fn lacks(key: &str, what: &str) -> Fault {
    let allowed = format!("{what}, as the config has a task of its own: run `tidegate service add` again");
    Fault::missing(Path::of("service record").key(key), allowed)
}
