//! What runs: services, their task definitions, and how they got there.

use std::collections::BTreeMap;

use engine::ports::{RolloutState, ServiceRead};

use crate::events::{self, ACCOUNT, REGION};
use crate::stacks::Props;
use crate::world::{Function, World};

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) arn: String,
    pub(crate) cluster: String,
    /// Oldest first; the last is what runs.
    pub(crate) history: Vec<Running>,
}

#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) since: u64,
    pub(crate) task_definition: String,
    pub(crate) rollout: RolloutState,
}

impl Service {
    pub(crate) fn new(stack: &str, props: &Props) -> Self {
        let cluster = props.parameters.get("Cluster").cloned().unwrap_or_default();
        let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{cluster}/{stack}-Service-q8Zk3LmN5pRt");
        Self { arn, cluster, history: Vec::new() }
    }

    pub(crate) fn becomes(&mut self, since: u64, task_definition: String, rollout: RolloutState) {
        self.history.push(Running { since, task_definition, rollout });
    }
}

impl World {
    pub(crate) fn service(&self, cluster: &str, arn: &str) -> Option<ServiceRead> {
        let services = self.stacks.all.values().filter_map(|stack| stack.service.as_ref());
        let service =
            services.filter(|service| service.cluster == cluster).find(|service| service.arn == arn)?;
        let running = service.history.last()?;
        Some(ServiceRead {
            task_definition: running.task_definition.clone(),
            rollout: running.rollout,
            rollout_reason: None,
            revision: None,
        })
    }

    pub(crate) fn rollout_is(&mut self, stack: &str, rollout: RolloutState) {
        let now = self.now;
        let service = self.stacks.all.get_mut(stack).and_then(|stack| stack.service.as_mut());
        let Some((service, running)) =
            service.and_then(|service| service.history.last().cloned().map(|last| (service, last)))
        else {
            return;
        };
        service.becomes(now, running.task_definition, rollout);
        self.say(format_args!("the service of {stack} is {rollout:?}"));
        self.tell_rollout(
            stack,
            match rollout {
                RolloutState::InProgress => "SERVICE_DEPLOYMENT_IN_PROGRESS",
                RolloutState::Completed => "SERVICE_DEPLOYMENT_COMPLETED",
                RolloutState::Failed => "SERVICE_DEPLOYMENT_FAILED",
            },
        );
    }

    /// The service is given back what it ran before; a new one goes.
    pub(crate) fn put_back(&mut self, stack: &str) {
        let now = self.now;
        let Some(stack) = self.stacks.all.get_mut(stack) else { return };
        let Some(service) = stack.service.as_mut() else { return };
        let current = service.history.last().map(|running| running.task_definition.clone());
        let before = service
            .history
            .iter()
            .rev()
            .find(|running| {
                Some(&running.task_definition) != current.as_ref()
                    && running.rollout == RolloutState::Completed
            })
            .map(|running| running.task_definition.clone());
        match before {
            Some(before) => service.becomes(now, before, RolloutState::Completed),
            None => stack.service = None,
        }
    }

    pub(crate) fn tell_rollout(&mut self, stack: &str, name: &str) {
        let service = self.stacks.all.get(stack).and_then(|stack| stack.service.as_ref());
        if let Some(arn) = service.map(|service| service.arn.clone()) {
            self.emit(Function::Stack, events::service_deployment(&arn, name));
        }
    }
}

impl World {
    /// Image by container; the container is named after the service.
    pub(crate) fn task_images(&self, task_definition: &str) -> BTreeMap<String, String> {
        let Some(image) = self.stacks.task_definitions.get(task_definition) else { return BTreeMap::new() };
        let repository = image.split('@').next().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default();
        BTreeMap::from([(repository.to_owned(), image.clone())])
    }
}
