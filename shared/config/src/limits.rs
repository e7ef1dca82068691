//! Limits on what people write. Those without a source are our own.

/// A config beyond this is not a config. CodeCommit itself gives files of up to 6 MB.
pub const CONFIG_BYTES_MAX: usize = 32 * 1024;
/// Source: Systems Manager, "Managing parameter tiers": an advanced parameter holds 8 KB.
pub const RECORD_BYTES_MAX: usize = 8 * 1024;
/// Objects and lists within each other; the deepest thing we read, a stack policy, has about six.
pub const DEPTH_MAX: usize = 32;
/// Faults told in full for one file.
pub const FAULTS_MAX: usize = 25;
/// Errors quote at most this much of a value.
pub const EXCERPT_CHARS: usize = 60;
/// The parts of a fault, which release items and messages hold: beyond these they are cut.
pub const FAULT_PATH_CHARS: usize = 500;
pub const FAULT_VALUE_CHARS: usize = 300;
pub const FAULT_ALLOWED_CHARS: usize = 1_000;

/// Source: CloudFormation user guide, "Understand CloudFormation quotas".
pub const PARAMETERS_MAX: usize = 200;
pub const PARAMETER_VALUE_BYTES_MAX: usize = 4_096;
pub const TEMPLATE_BYTES_MAX: usize = 1_000_000;
/// Source: CloudFormation API, `CreateChangeSet` (`Tags`) and `Tag`.
pub const TAGS_MAX: usize = 50;
pub const TAG_KEY_CHARS_MAX: usize = 128;
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Source: CloudFormation API, `SetStackPolicy` (`StackPolicyBody`).
pub const STACK_POLICY_BYTES_MAX: usize = 16_384;

/// Source: Elastic Load Balancing API, `CreateRule` (`Priority`).
pub const PRIORITY_MAX: u32 = 50_000;
/// Source: Application Load Balancer guide, "Quotas": condition values and wildcards per rule.
pub const CONDITION_VALUES_MAX: usize = 5;
pub const WILDCARDS_MAX: usize = 5;
/// Source: Application Load Balancer guide, "Path conditions".
pub const PATH_CHARS_MAX: usize = 128;
/// Source: Application Load Balancer guide, "Host conditions".
pub const HOST_CHARS_MAX: usize = 128;
pub const PORT_MAX: u32 = 65_535;

pub const ENVIRONMENTS_MAX: usize = 20;
pub const BRANCHES_MAX: usize = 50;
pub const GRANTS_MAX: usize = 50;
/// Source: Elastic Load Balancing and ECS `awsvpcConfiguration`: at most 16 subnets.
pub const SUBNETS_MAX: usize = 16;
/// No team has more people to ask than this.
pub const APPROVALS_MAX: u32 = 10;
/// An approval request older than a week is about a plan that nobody remembers.
pub const APPROVAL_WAIT_HOURS_MAX: u32 = 7 * 24;
pub const APPROVAL_WAIT_HOURS_DEFAULT: u32 = 72;
/// What a record of 8 KB can hold; a larger team names its approvers only.
pub const PEOPLE_MAX: usize = 200;
pub const IDENTITIES_MAX: usize = 20;
/// Of a record of channels.
pub const ROUTES_MAX: usize = 50;
/// A window longer than a month is no window but a hold.
pub const FREEZE_HOURS_MAX: u32 = 31 * 24;
pub const FREEZES_MAX: usize = 20;
/// People and groups in one list.
pub const WHO_MAX: usize = 50;

/// Source: ECS API, `KeyValuePair`; the task definition as a whole may have 64 KB.
pub const ENVIRONMENT_VALUE_CHARS_MAX: usize = 4_096;
pub const ENVIRONMENT_VARIABLES_MAX: usize = 200;
pub const COMMAND_WORDS_MAX: usize = 100;
pub const COMMAND_CHARS_MAX: usize = 4_096;
/// Source: ECS API, `ContainerDefinition` (`stopTimeout`) on Fargate.
pub const STOP_TIMEOUT_SECONDS_MAX: u32 = 120;
/// Source: ECS developer guide, "Service quotas": ten containers a task definition, one of them the service's own.
pub const SIDECARS_MAX: usize = 9;
pub const LOG_OPTIONS_MAX: usize = 50;
/// Source: ECS developer guide, "Service quotas": tasks a service.
pub const TASKS_MAX: u32 = 5_000;
/// Source: CloudFormation API, `RollbackConfiguration`: rollback triggers, monitoring time.
pub const ALARMS_MAX: usize = 5;
pub const BAKE_MINUTES_ROLLING_MAX: u32 = 180;
/// Source: ECS API, `DeploymentConfiguration` (`bakeTimeInMinutes`) and the settings of its strategies.
pub const BAKE_MINUTES_MAX: u32 = 1_440;
pub const STEP_MINUTES_MAX: u32 = 1_440;
/// Source: CloudWatch API, `PutMetricAlarm` (`AlarmName`).
pub const ALARM_NAME_CHARS_MAX: usize = 255;
/// A day of watching, and some hours to deploy in.
pub const DEPLOYMENT_TIMEOUT_MINUTES_MAX: u32 = BAKE_MINUTES_MAX + 4 * 60;
/// For what a deployment does beside waiting.
pub const DEPLOYMENT_MINUTES_DEFAULT: u32 = 60;
pub const TASK_TIMEOUT_MINUTES_MAX: u32 = 240;
pub const TASK_TIMEOUT_MINUTES_DEFAULT: u32 = 10;
pub const RESTORABLE_WITHIN_MINUTES_MAX: u32 = 24 * 60;
/// Source: IAM and STS quotas, "managed policies attached to an IAM role".
pub const MANAGED_POLICIES_MAX: usize = 10;
/// Source: ECS developer guide, "Service quotas": size of a task definition.
pub const TASK_DEFINITION_BYTES_MAX: usize = 64 * 1024;
