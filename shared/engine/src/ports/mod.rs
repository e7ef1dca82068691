//! What the engine asks of the outside. Every method is one call to one service, so that a simulation can fail,
//! delay or repeat each of them; looking before repeating and retrying live in the engine.

#![allow(async_fn_in_trait)] // Nothing here is sent between threads: a Lambda function handles one event at a time.

mod builds;
mod databases;
mod people;
mod pipelines;
mod records;
mod stacks;
mod table;

pub use model::place::Place;
use model::time::Timestamp;

pub use builds::{
    BuildOrder, BuildRead, BuildService, BuildStatus, CommitRead, Images, LogStream, Logs, Sources,
};
pub use databases::{
    Databases, DrillChecks, DrillTable, NoticeQueue, RestoreTests, Restores, Snapshots, Watches,
};
pub use people::{
    Attributes, Callers, Channels, Door, Membership, Message, People, Posted, ReplyKey, Slack, SlackApp,
    SlackBoard,
};
pub use pipelines::{
    ActionRead, ActionStatus, ApprovalResult, ExecutionRead, PipelineNotices, PipelineTable, Pipelines, Put,
};
pub use records::{Page, Policy, Records, Registry, Secrets, Stored, Templates};
pub use stacks::{
    ChangeSetCreated, ChangeSetKind, ChangeSetOrder, ChangeSetRead, Errands, Executed, ResourceChange,
    ResourceSignal, RolloutState, ServiceRead, Services, StackEvent, StackRead, StackResource, Stacks,
    StoppedContainer, StoppedTask, TaskFamily, TaskOrder, TaskRead,
};
pub use table::{
    Agenda, Builds, Commit, CommitOnce, DELAY_MAX, Letters, Listeners, Once, Patrol, Quarantine, Queues,
    Tracks,
};

use crate::failure::Failure;

type Answer<T> = Result<T, Failure>;

/// The clock of the machine that the function runs on; those of different machines differ by seconds.
pub trait Clock {
    fn now(&self) -> Timestamp;
}
