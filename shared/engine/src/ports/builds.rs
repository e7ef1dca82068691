//! Source repositories, builds and images.

use model::ids::{BranchName, BuildId, ImageDigest, RepositoryName, Revision};

use super::Answer;

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

pub trait Logs {
    /// The last lines of a log stream, oldest first; none where there is no such stream.
    async fn log_tail(&self, log_group: &str, stream: &str, lines: u32) -> Answer<Vec<String>>;
}
