//! What the engine asks of the outside. Every method is one call to one service, so that a simulation can fail,
//! delay or repeat each of them; looking before repeating and retrying live in the engine.

#![allow(async_fn_in_trait)] // Nothing here is sent between threads: a Lambda function handles one event at a time.

use std::collections::BTreeMap;

use databases::drill::{CheckOrder, CheckRead, Drills, Instance, Order, Ours};
use databases::facts::{AutomatedBackup, Database, Kind, Snapshot};
use databases::watch::Watch;
use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{
    BranchName, BuildFamily, BuildId, EffectKey, EnvironmentName, ImageDigest, OrderId, PipelineRequestId,
    ReleaseId, RepositoryName, Revision, StackName, TrackKey,
};
use model::listener::Listener;
use model::pipeline::{Gate, Request};
pub use model::place::Place;
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;

use crate::failure::Failure;
use crate::show::Shown;

type Answer<T> = Result<T, Failure>;

/// The clock of the machine that the function runs on; those of different machines differ by seconds.
pub trait Clock {
    fn now(&self) -> Timestamp;
}

/// How a conditional write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    Written,
    /// Somebody else wrote first; nothing was written.
    Lost,
}

/// What is taken once: an order by its nonce, remembered for as long as its proof could be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub id: OrderId,
    pub until: Timestamp,
}

/// How a conditional write that is to happen once ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOnce {
    Written,
    /// Somebody else wrote first; nothing was written.
    Lost,
    /// It was taken before; nothing was written.
    Spent,
}

/// The table's tracks and releases.
pub trait Tracks {
    async fn load_track(&self, key: &TrackKey) -> Answer<Option<Track>>;
    /// One transaction: the track, only if its stored version is one less (absent for version 1), and every changed
    /// release.
    async fn commit_track(&self, advance: &Advance) -> Answer<Commit>;
    /// The same, and in the same transaction that this was taken; nothing is written when it was before.
    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Answer<CommitOnce>;
    async fn load_release(&self, id: &ReleaseId) -> Answer<Option<Release>>;
}

/// The table's builds.
pub trait Builds {
    async fn load_build(&self, family: &BuildFamily) -> Answer<Option<Build>>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_build(&self, build: &Build) -> Answer<Commit>;
}

/// Who holds which place among a listener's rules.
pub trait Listeners {
    /// Empty when nobody ever held a place there. `arn` is the listener's.
    async fn load_listener(&self, arn: &str) -> Answer<Listener>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_listener(&self, arn: &str, listener: &Listener) -> Answer<Commit>;
}

/// What the sweep looks at: the sparse index of tracks by due time, and its own place in the patrol.
pub trait Agenda {
    /// Tracks due at or before `until`, the longest overdue first, at most `limit`.
    async fn due_tracks(&self, until: Timestamp, limit: u32) -> Answer<Vec<TrackKey>>;
    async fn load_patrol(&self) -> Answer<Option<String>>;
    /// Where the next patrol goes on; `None` starts over.
    async fn save_patrol(&self, next: Option<&str>) -> Answer<()>;
}

/// Messages to hands and ears. Delivered at least once, in any order.
pub trait Queues {
    /// `version` names the commit that asks; `delay` is at most `DELAY_MAX`, and not kept by the notify queue.
    async fn wake(&self, hand: Hand, track: &TrackKey, version: u64, delay: Span) -> Answer<()>;
}

/// Longest delay of an SQS message. Source: SQS API, SendMessage.
pub const DELAY_MAX: Span = Span::minutes(15);

pub trait Patrol {
    async fn send_to_push(&self, repository: &RepositoryName, branch: &BranchName) -> Answer<()>;
}

/// Notes of what became of messages that waited for a person.
pub trait Letters {
    /// In one transaction with its being taken once; `Lost` when others wrote at the same moment.
    async fn note_care(&self, care: Care, letter: &Dropped, once: &Once) -> Answer<CommitOnce>;
}

/// Where events go that need a person.
pub trait Quarantine {
    /// `payload` is what came, or `None` where that must not be kept.
    async fn quarantine(&self, function: &str, why: &str, payload: Option<&[u8]>) -> Answer<()>;
}

/// The source repositories.
pub trait Sources {
    /// The branch's head; `None` when there is no such branch or repository.
    async fn branch_head(&self, repository: &RepositoryName, branch: &BranchName)
    -> Answer<Option<Revision>>;
    /// A file's bytes at a commit; `None` when the commit has no such file.
    async fn file(
        &self,
        repository: &RepositoryName,
        revision: &Revision,
        path: &str,
    ) -> Answer<Option<Vec<u8>>>;
    /// `None` when there is no such commit.
    async fn commit(&self, repository: &RepositoryName, revision: &Revision) -> Answer<Option<CommitRead>>;
}

/// What a commit says of itself; its author is whoever its committer wrote there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRead {
    pub parents: Vec<Revision>,
    /// An e-mail address; may be empty.
    pub author: String,
    /// The author's name; may be empty.
    pub name: String,
    pub message: String,
}

/// A build to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildOrder {
    /// Also the idempotency token, which CodeBuild keeps for five minutes.
    pub id: BuildId,
    pub repository: RepositoryName,
    pub revision: Revision,
    pub image_repository_uri: String,
    pub role_arn: String,
}

/// What CodeBuild says of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildRead {
    pub arn: String,
    /// From the build's environment; `None` for a build that is not ours.
    pub id: Option<BuildId>,
    pub status: BuildStatus,
    /// The current phase, or for a failed build the failing one with what it said.
    pub phase: String,
    /// Where its log is shown to people: an https link. Source: CodeBuild API, LogsLocation.
    pub log_link: Option<String>,
    /// The exported digest, as written there.
    pub exported_digest: Option<String>,
    /// Where its log is; `None` until it has one.
    pub log: Option<LogStream>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    pub group: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildStatus {
    InProgress,
    Succeeded,
    Failed,
    Fault,
    TimedOut,
    Stopped,
}

pub trait BuildService {
    /// The build's ARN.
    async fn start_build(&self, order: &BuildOrder) -> Answer<String>;
    /// At most 100 ARNs; unknown ones are missing from the answer.
    async fn read_builds(&self, arns: &[String]) -> Answer<Vec<BuildRead>>;
    /// ARNs of the project's builds, newest first, at most 100.
    async fn recent_builds(&self) -> Answer<Vec<String>>;
    /// Stopping a build that is over changes nothing.
    async fn stop_build(&self, arn: &str) -> Answer<()>;
}

pub trait Images {
    /// What the tag names; `None` when there is no such image.
    async fn image_digest(&self, repository: &str, tag: &BuildId) -> Answer<Option<ImageDigest>>;
}

/// A record as it is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub body: String,
    /// Grows with every change.
    pub version: i64,
}

/// The platform's records; never cached.
pub trait Records {
    async fn service_record(&self, repository: &RepositoryName) -> Answer<Option<Stored>>;
    async fn environment_record(&self, environment: &EnvironmentName) -> Answer<Option<Stored>>;
    /// Which identities are which person.
    async fn people_record(&self) -> Answer<Option<Stored>>;
    /// Every environment record by its name, as stored.
    async fn environment_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>>;
}

/// The registered repositories, ten a page: for the patrol, and for what others were granted.
pub trait Registry {
    async fn service_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Names the next page; `None` after the last.
    pub next: Option<String>,
}

/// What CloudFormation says of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRead {
    pub id: String,
    pub status: String,
    pub reason: Option<String>,
    pub outputs: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
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
    /// Tasks of that family that stopped lately, at most a hundred. ECS remembers them for about an hour.
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

pub trait Logs {
    /// The last lines of a log stream, oldest first; none where there is no such stream.
    async fn log_tail(&self, log_group: &str, stream: &str, lines: u32) -> Answer<Vec<String>>;
}

/// The services' secrets. What is in them is never read.
pub trait Secrets {
    /// Whether a task could be given it: there is one of that name, and it is not being deleted.
    async fn secret_exists(&self, name: &str) -> Answer<bool>;
}

/// The artifact bucket.
pub trait Templates {
    async fn base_template(&self, key: &str) -> Answer<Option<String>>;
    /// Stores under `templates/<sha256>.json` and gives the URL for CloudFormation. Storing it again changes nothing.
    async fn store_template(&self, sha256: &str, body: &str) -> Answer<String>;
}

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// At most 99 printable ASCII characters. Source: SNS API, Publish.
    pub subject: String,
    pub text: String,
    /// The same for machines: a JSON object.
    pub json: String,
}

pub trait People {
    /// To the notifications topic.
    async fn publish(&self, message: &Message) -> Answer<()>;
    /// To the Slack webhook, where one is configured.
    async fn post_to_slack(&self, text: &str) -> Answer<()>;
}

/// The key that reply tokens are made with.
pub trait ReplyKey {
    async fn reply_key(&self) -> Answer<Vec<u8>>;
}

/// The Slack app of this installation. Source: the app's "Basic Information" at api.slack.com.
#[derive(Clone, PartialEq, Eq)]
pub struct SlackApp {
    /// The workspace's id: `T…`.
    pub team: String,
    /// The app's id: `A…`.
    pub app: String,
    pub signing_secret: Vec<u8>,
}

impl std::fmt::Debug for SlackApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlackApp {{ team: {}, app: {} }}", self.team, self.app)
    }
}

pub trait Slack {
    /// `None` where no Slack app is configured.
    async fn slack_app(&self) -> Answer<Option<SlackApp>>;
    /// To the one person who spoke.
    async fn answer_in_slack(&self, to: &slack::AnswerTo, text: &str) -> Answer<()>;
}

/// Who calls, as AWS says.
pub trait Callers {
    /// This installation; proofs for others are worth nothing here.
    fn installation(&self) -> Answer<proof::Installation>;
    /// Sends this one request, over TLS, to nowhere else and without following anybody elsewhere. Busy or broken, STS is a
    /// transient failure; whatever else it answers is given as it came.
    async fn ask_sts(&self, request: &proof::Request) -> Answer<proof::Answered>;
}

/// What the function behind the URL may do: nothing but hand on.
pub trait Door {
    /// Whether nobody took something of this id before; remembered until then.
    async fn take_once(&self, id: &str, until: Timestamp) -> Answer<bool>;
    async fn hand_to_approval(&self, message: &str) -> Answer<()>;
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    There(Place),
    /// No channel is configured.
    Nowhere,
    /// Slack asks to be left alone for so long.
    Later {
        after: Span,
    },
}

/// The channel in Slack, and where each release stands there.
pub trait SlackBoard {
    async fn shown(&self, release: &ReleaseId) -> Answer<Option<Shown>>;
    async fn remember_shown(&self, release: &ReleaseId, shown: &Shown) -> Answer<()>;
    /// `message` has `text` and `blocks`.
    async fn post_message(&self, message: &serde_json::Value) -> Answer<Posted>;
    async fn update_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted>;
    /// Below that message, in its thread.
    async fn reply_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted>;
    /// Below that message, where its channel sees it too; before others, where a channel for that is configured and it
    /// is `urgent`.
    async fn repeat_in_slack(&self, place: &Place, text: &str, urgent: bool) -> Answer<Posted>;
}

/// The table's databases.
pub trait Watches {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit>;
    async fn watches(&self, page: Option<&str>) -> Answer<Page<Watch>>;
}

/// Messages to the notifier about databases.
pub trait NoticeQueue {
    /// `version` names the commit that asks.
    async fn wake_to_tell(&self, key: &DatabaseKey, version: u64) -> Answer<()>;
}

/// An action of a pipeline, as CodePipeline says how it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct ActionRead {
    pub stage: String,
    pub action: String,
    /// The pipeline's execution; actions that never ran have none.
    pub execution: Option<String>,
    /// The action's own execution.
    pub id: Option<String>,
    pub status: ActionStatus,
    /// Of a manual approval that waits. Whoever may answer needs it; it is never shown.
    pub token: Option<String>,
    /// What whoever answered wrote.
    pub summary: Option<String>,
    /// ARN of whoever changed it last.
    pub by: Option<String>,
    pub at: Option<Timestamp>,
}

/// Source: CodePipeline API, ActionExecution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionStatus {
    InProgress,
    Succeeded,
    Failed,
    Abandoned,
}

/// What CodePipeline says of one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRead {
    /// `Superseded`, `Stopped`, … Source: CodePipeline API, PipelineExecution.
    pub status: String,
    /// ARN of whoever, or of whatever, started it.
    pub started_by: Option<String>,
}

/// An answer for CodePipeline.
#[derive(Clone, PartialEq, Eq)]
pub struct ApprovalResult {
    pub gate: Gate,
    pub token: String,
    pub answer: model::approval::Answer,
    /// At most 512 characters.
    pub summary: String,
}

/// How CodePipeline took an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Taken,
    /// It waits no longer for one with this token: answered, expired, superseded, or taken out of the pipeline.
    TooLate,
}

pub trait Pipelines {
    /// How every action stands that ran last; `None` when there is no such pipeline. While executions run in parallel it
    /// says nothing of the others.
    async fn pipeline_actions(&self, pipeline: &str) -> Answer<Option<Vec<ActionRead>>>;
    /// Runs of actions, the newest first, of one execution or of all.
    async fn action_executions(
        &self,
        pipeline: &str,
        execution: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<ActionRead>>;
    /// `None` when there is none of that id.
    async fn pipeline_execution(&self, pipeline: &str, execution: &str) -> Answer<Option<ExecutionRead>>;
    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put>;
}

/// The table's requests of CodePipeline for approval.
pub trait PipelineTable {
    async fn load_request(&self, id: &PipelineRequestId) -> Answer<Option<Request>>;
    /// Only if the stored version is one less (absent for version 1); in the same transaction that `once` was taken, where
    /// it is given: nothing is written when it was before.
    async fn commit_request(&self, request: &Request, once: Option<&Once>) -> Answer<CommitOnce>;
    /// Those that are not forgotten yet.
    async fn requests(&self, page: Option<&str>) -> Answer<Page<Request>>;
}

/// Messages to the notifier about such requests.
pub trait PipelineNotices {
    /// `version` names the commit that asks.
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, version: u64) -> Answer<()>;
}

/// What RDS says. Without a name, all of the account and region; with one that is not there, none.
pub trait Databases {
    async fn databases(&self, kind: Kind, name: Option<&str>, page: Option<&str>) -> Answer<Page<Database>>;
    async fn automated_backups(
        &self,
        instance: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<AutomatedBackup>>;
}

/// What RDS says of snapshots.
pub trait Snapshots {
    /// Snapshots of databases of that kind; `shared_with` is empty until it is asked for.
    async fn snapshots(&self, of: Kind, database: Option<&str>, page: Option<&str>)
    -> Answer<Page<Snapshot>>;
    /// The accounts that may restore a manual snapshot, `all` for everybody; none when it is gone.
    async fn shared_with(&self, of: Kind, snapshot: &str) -> Answer<Vec<String>>;
}

/// The record `/tidegate/databases`.
pub trait Policy {
    async fn database_policies(&self) -> Answer<Option<Stored>>;
}

/// The table's drills.
pub trait DrillTable {
    /// Empty when there never was one.
    async fn load_drills(&self) -> Answer<Drills>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_drills(&self, drills: &Drills) -> Answer<Commit>;
}

/// What RDS does for a drill. What changes or deletes something takes the proof that the drill made it.
pub trait Restores {
    /// `None` when there is none of that name.
    async fn instance(&self, name: &str) -> Answer<Option<Instance>>;
    /// An instance of the copy's name that is there already changes nothing.
    async fn restore(&self, order: &Order) -> Answer<()>;
    /// Has RDS make a new master password, and keep it in Secrets Manager. `NoCapacity` while the copy is busy.
    async fn renew_password(&self, copy: &Ours) -> Answer<()>;
    /// With its automated backups and without a last snapshot. One that is gone changes nothing; `NoCapacity` while it can
    /// not be deleted yet.
    async fn delete_copy(&self, copy: &Ours) -> Answer<()>;
}

/// Runs of the teams' own checks, which are CodeBuild projects.
pub trait DrillChecks {
    /// The drill is its idempotency token, which CodeBuild keeps for five minutes.
    async fn start_check(&self, order: &CheckOrder) -> Answer<()>;
    /// Ids of the project's runs, newest first, at most 100.
    async fn recent_checks(&self, project: &str) -> Answer<Vec<String>>;
    /// At most 100 ids; unknown ones are missing from the answer.
    async fn read_checks(&self, ids: &[String]) -> Answer<Vec<CheckRead>>;
}
