//! CodePipeline's manual approvals.

use model::ids::PipelineRequestId;
use model::pipeline::{Gate, Request};
use model::time::Timestamp;

use super::{Answer, CommitOnce, Once, Page};

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
