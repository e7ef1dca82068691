//! CloudFormation, and what it runs.

use std::collections::BTreeMap;

use model::ids::{EffectKey, StackName};
use model::time::Timestamp;

use super::{Answer, Page};

/// What CloudFormation says of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRead {
    pub id: String,
    pub status: String,
    pub reason: Option<String>,
    pub outputs: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
    /// Termination protection: CloudFormation refuses to delete it.
    pub is_protected: bool,
}

/// What a stack has made, or taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    pub logical_id: String,
    pub physical_id: String,
    pub resource_type: String,
}

/// One stack event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// The client request token of the operation.
    pub token: Option<String>,
    /// Whether the event is about the stack itself.
    pub of_stack: bool,
    pub logical_id: String,
    pub resource_type: String,
    pub status: String,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetOrder {
    pub stack: StackName,
    /// Name and client token at once.
    pub name: EffectKey,
    pub kind: ChangeSetKind,
    pub template_url: String,
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// CAPABILITY_IAM and the like.
    pub capabilities: Vec<String>,
    /// How long the stack is watched after its update, and by which alarms.
    pub watch: Option<config::Watch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSetKind {
    Create,
    Update,
}

/// How a request to make a change set was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeSetCreated {
    Created,
    /// One of that name is there.
    Exists,
}

/// One page of what CloudFormation says of a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetRead {
    /// CREATE_PENDING, CREATE_IN_PROGRESS, CREATE_COMPLETE, FAILED, DELETE_…
    pub status: String,
    pub reason: Option<String>,
    /// UNAVAILABLE, AVAILABLE, EXECUTE_IN_PROGRESS, EXECUTE_COMPLETE, EXECUTE_FAILED, OBSOLETE
    pub execution: String,
    /// With values resolved from SSM where the template names them.
    pub parameters: BTreeMap<String, String>,
    pub changes: Vec<ResourceChange>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceChange {
    pub logical_id: String,
    pub resource_type: String,
    /// Add, Modify, Remove, Import or Dynamic
    pub action: String,
    /// True, False or Conditional; empty where it does not apply.
    pub replacement: String,
    /// What becomes of what goes: Delete, Retain, Snapshot, ReplaceAndDelete, ReplaceAndRetain, ReplaceAndSnapshot; empty
    /// where nothing goes.
    pub policy: String,
    /// The properties that change.
    pub properties: Vec<String>,
}

/// How a request to execute a change set was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed {
    Started,
    /// It is gone or can no longer be executed.
    Stale {
        why: String,
    },
}

/// Source: CloudFormation API, `SignalResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSignal {
    /// The same one counts once.
    pub id: EffectKey,
    pub is_well: bool,
}

pub trait Stacks {
    /// `None` when there is none, or only a deleted one.
    async fn stack(&self, name: &StackName) -> Answer<Option<StackRead>>;
    /// Of the stack of that id, without what is deleted already.
    async fn stack_resources(&self, id: &str, page: Option<&str>) -> Answer<Page<StackResource>>;
    /// What the stack of that id was last brought to, its transforms processed; JSON or YAML.
    async fn stack_template(&self, id: &str) -> Answer<String>;
    /// Newest first.
    async fn stack_events(&self, name: &StackName, page: Option<&str>) -> Answer<Page<StackEvent>>;
    /// A busy stack answers `NoCapacity`.
    async fn create_change_set(&self, order: &ChangeSetOrder) -> Answer<ChangeSetCreated>;
    /// `None` when there is none of that name.
    async fn change_set(
        &self,
        stack: &StackName,
        name: &EffectKey,
        page: Option<&str>,
    ) -> Answer<Option<ChangeSetRead>>;
    async fn delete_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<()>;
    async fn set_stack_policy(&self, stack: &StackName, policy: &str) -> Answer<()>;
    /// Has the running update taken back. One that can no longer be cancelled changes nothing.
    async fn cancel_update(&self, stack: &StackName, token: &EffectKey) -> Answer<()>;
    /// Tells what waits under that logical id whether all is well. What waits no longer, or was told so before, changes
    /// nothing.
    async fn signal_resource(
        &self,
        stack: &StackName,
        logical_id: &str,
        signal: &ResourceSignal,
    ) -> Answer<()>;
    /// Begins to delete the stack of that id; one that is gone changes nothing, and one that was made since under the same
    /// name is another. CloudFormation refuses a token that another operation had.
    async fn delete_stack(&self, id: &str, token: &str) -> Answer<()>;
    /// Goes on with the rollback of the stack of that id, but for the resources that are named. The same token counts once.
    async fn continue_rollback(&self, id: &str, token: &str, skip: &[String]) -> Answer<()>;
    /// The change set's name is the operation's client request token. A busy stack answers `NoCapacity`.
    async fn execute_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<Executed>;
}

/// What ECS says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRead {
    /// The primary deployment's; ARN with its revision.
    pub task_definition: String,
    pub rollout: RolloutState,
    pub rollout_reason: Option<String>,
    /// ARN of the service revision that runs; `None` while there are two.
    pub revision: Option<String>,
}

/// Source: ECS API, Deployment.rolloutState.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

/// A task that ran, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedTask {
    pub created_at: Option<Timestamp>,
    /// TaskFailedToStart, EssentialContainerExited, ServiceSchedulerInitiated, …
    pub stop_code: Option<String>,
    pub reason: Option<String>,
    pub containers: Vec<StoppedContainer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedContainer {
    pub name: String,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

pub trait Services {
    /// `None` when there is none, or only an inactive one.
    async fn service(&self, cluster: &str, service: &str) -> Answer<Option<ServiceRead>>;
    /// Tasks of that family that stopped lately, at most a thousand. ECS remembers them for about an hour.
    async fn stopped_tasks(&self, cluster: &str, family: &str) -> Answer<Vec<StoppedTask>>;
    /// ARN of the target group that a service revision serves; `None` when it serves none.
    async fn target_group(&self, revision: &str) -> Answer<Option<String>>;
    /// Image by container name.
    async fn task_images(&self, task_definition: &str) -> Answer<BTreeMap<String, String>>;
}

/// A task that runs once, as ECS says how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRead {
    pub arn: String,
    /// In whose name it was started.
    pub started_by: Option<String>,
    /// PROVISIONING, PENDING, RUNNING, … STOPPED. Source: ECS developer guide, "Task lifecycle".
    pub status: String,
    /// How it ended, as far as it has.
    pub ended: StoppedTask,
}

/// The definition of a task that runs once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFamily {
    pub name: String,
    /// Begins the names of its log streams: `<prefix>/<container>/<task id>`.
    pub log_prefix: String,
    pub definition: config::TaskDefinition,
    /// What the task itself may do; `None` is nothing.
    pub task_role_arn: Option<String>,
}

/// A task to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskOrder {
    pub cluster: String,
    /// ARN with its revision.
    pub definition: String,
    /// In whose name it is started; also the idempotency token.
    pub started_by: EffectKey,
    pub subnets: Vec<String>,
    /// Empty for the default group of the subnets' VPC.
    pub security_groups: Vec<String>,
    pub assign_public_ip: bool,
}

/// Tasks that run once.
pub trait Errands {
    /// Of that family: those that run, and those that stopped within the last hour; at most a hundred of each.
    async fn tasks(&self, cluster: &str, family: &str) -> Answer<Vec<TaskRead>>;
    /// Makes another revision with every call, and gives its ARN.
    async fn register_task(&self, family: &TaskFamily) -> Answer<String>;
    /// Sent again in the same name, it starts nothing. ECS remembers that for a day, or until an hour after the task has
    /// stopped. `NoCapacity` where there is no room for it now.
    ///
    /// Source: ECS API, "Ensuring idempotency".
    async fn run_task(&self, order: &TaskOrder) -> Answer<()>;
    /// Stopping what has stopped changes nothing.
    async fn stop_task(&self, cluster: &str, arn: &str, why: &str) -> Answer<()>;
}
