//! What a message can be about.

use std::fmt;

use model::database::DatabaseKey;
use model::drill::DrillId;
use model::ids::{
    BranchName, BuildId, EffectKey, PipelineRequestId, ReleaseId, RepositoryName, StackName, TrackKey,
};
use proof::{Proof, Refusal};
use serde::{Serialize, Serializer};

use crate::unreadable::plain;
use crate::{CheckAnswer, DrillOrder, Given};

/// The product's functions, as the folders under `functions/` are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    Push,
    Build,
    Image,
    Approval,
    Stack,
    Database,
    Backups,
    Sweep,
    Slack,
    Builder,
    Deployer,
    Notify,
}

impl Function {
    const ALL: [Self; 12] = [
        Self::Push,
        Self::Build,
        Self::Image,
        Self::Approval,
        Self::Stack,
        Self::Database,
        Self::Backups,
        Self::Sweep,
        Self::Slack,
        Self::Builder,
        Self::Deployer,
        Self::Notify,
    ];

    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.as_str() == name)
    }

    /// Whether answers of people come to it, with their tokens and signatures, among other things or alone.
    pub fn hears_people(self) -> bool {
        match self {
            Self::Approval | Self::Slack => true,
            Self::Push
            | Self::Build
            | Self::Image
            | Self::Stack
            | Self::Database
            | Self::Backups
            | Self::Sweep
            | Self::Builder
            | Self::Deployer
            | Self::Notify => false,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Build => "build",
            Self::Image => "image",
            Self::Approval => "approval",
            Self::Stack => "stack",
            Self::Database => "database",
            Self::Backups => "backups",
            Self::Sweep => "sweep",
            Self::Slack => "slack",
            Self::Builder => "builder",
            Self::Deployer => "deployer",
            Self::Notify => "notify",
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A hint that something moved. How it stands is read from AWS, never from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "about", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Subject {
    /// A branch was made or moved. Its head is read later.
    Branch {
        repository: RepositoryName,
        branch: BranchName,
        /// ARN of the identity that pushed, where the event tells.
        pushed_by: Option<String>,
        /// As the event spells it: may be a placeholder or long outdated.
        commit_hint: Option<String>,
    },
    /// A build ended.
    Build {
        /// From the variable `TIDEGATE_BUILD`; `None` where the event lists no variables at all, so that only
        /// reading the build tells whether it is ours.
        id: Option<BuildId>,
        arn: String,
    },
    /// An image was pushed under a build's tag.
    Image { repository: String, build: BuildId },
    /// Somebody who has a request's token answered it.
    Reply(Reply),
    /// Somebody orders something of a track. `proof` says who, once AWS was asked.
    Order {
        #[serde(flatten)]
        given: Given,
        #[serde(skip)]
        proof: Box<Result<Proof, Refusal>>,
    },
    /// CodePipeline waits for a manual approval.
    PipelineApproval(PipelineApproval),
    /// Somebody who has our token of such a request answered it.
    PipelineReply(Reply<PipelineRequestId>),
    /// The notifier has something to tell of such a request.
    PipelineNotices { request: PipelineRequestId },
    /// One of our stacks came to rest.
    Stack {
        name: StackName,
        arn: String,
        status: String,
        /// The promised effect that started the operation, from its client request token.
        effect: Option<EffectKey>,
    },
    /// A deployment of one of our services ended.
    Service { track: TrackKey, arn: String },
    /// News of a database or of a data migration.
    Database(Database),
    /// News of AWS Backup.
    Backup(Backup),
    /// A hand has work on a track.
    Wake { track: TrackKey },
    /// The notifier has something to tell of a database.
    Notices { database: DatabaseKey },
    /// A person wants a database restored for real.
    Drill(DrillOrder),
    /// A drill's check ended.
    DrillChecked { drill: DrillId },
    /// The function that a drill called to check it came to an end.
    DrillAnswered(CheckAnswer),
    /// The clock.
    Sweep,
    /// What `slack` handed on. Whoever may invoke `approval` could have sent it, so it is verified again.
    Spoken {
        #[serde(skip)]
        signed: slack::Signed,
    },
    /// A request that claims to come from Slack; its signature is checked over the raw bytes by `slack`.
    Slack { path: String },
}

impl Subject {
    /// Whether it is something that a person said, with a token or a signature in it.
    pub fn is_said_by_people(&self) -> bool {
        match self {
            Self::Reply(_)
            | Self::Order { .. }
            | Self::PipelineReply(_)
            | Self::Drill(_)
            | Self::Spoken { .. }
            | Self::Slack { .. } => true,
            Self::Branch { .. }
            | Self::Build { .. }
            | Self::Image { .. }
            | Self::PipelineApproval(_)
            | Self::PipelineNotices { .. }
            | Self::Stack { .. }
            | Self::Service { .. }
            | Self::Database(_)
            | Self::Backup(_)
            | Self::Wake { .. }
            | Self::Notices { .. }
            | Self::DrillChecked { .. }
            | Self::DrillAnswered(_)
            | Self::Sweep => false,
        }
    }

    /// The track, where the message itself names it.
    pub fn track(&self) -> Option<TrackKey> {
        match self {
            Self::Reply(reply) => Some(reply.to.track.clone()),
            Self::Order { given, .. } => given.track().cloned(),
            Self::Stack { name, .. } => name.track(),
            Self::Service { track, .. } | Self::Wake { track } => Some(track.clone()),
            Self::Branch { .. }
            | Self::Build { .. }
            | Self::Image { .. }
            | Self::PipelineApproval(_)
            | Self::PipelineReply(_)
            | Self::PipelineNotices { .. }
            | Self::Database(_)
            | Self::Backup(_)
            | Self::Notices { .. }
            | Self::Drill(_)
            | Self::DrillChecked { .. }
            | Self::DrillAnswered(_)
            | Self::Sweep
            | Self::Spoken { .. }
            | Self::Slack { .. } => None,
        }
    }
}

/// In words. What is others' is shown cut and without what cannot be seen, for this reaches logs and terminals.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch { repository, branch, .. } => {
                write!(f, "branch {} of repository {repository} may have moved", plain(branch.as_str()))
            }
            Self::Build { id: Some(id), .. } => write!(f, "build {id} ended"),
            Self::Build { id: None, arn } => {
                write!(f, "build {} ended; its variables tell whether it is ours", plain(arn))
            }
            Self::Image { repository, build } => {
                write!(f, "build {build} pushed its image to repository {repository}")
            }
            Self::Reply(reply) => write!(f, "a reply {} release {}", reply.answer, reply.to),
            Self::PipelineReply(reply) => write!(f, "a reply {} {}", reply.answer, reply.to),
            Self::PipelineNotices { request } => write!(f, "there is something to tell of {request}"),
            Self::Order { given, .. } => write!(f, "somebody orders {} of {}", given.verb(), given.of()),
            Self::PipelineApproval(PipelineApproval { pipeline, stage, action, .. }) => {
                let [pipeline, stage, action] = [pipeline, stage, action].map(|name| plain(name));
                write!(f, "pipeline {pipeline} waits for approval of {action} in stage {stage}")
            }
            Self::Stack { name, status, .. } => write!(f, "stack {name} says {status}"),
            Self::Service { track, .. } => write!(f, "a deployment of the service of {track} ended"),
            Self::Database(news) => write!(f, "{news}"),
            Self::Backup(news) => write!(f, "{news}"),
            Self::Wake { track } => write!(f, "there is work on {track}"),
            Self::Notices { database } => write!(f, "there is something to tell of {database}"),
            Self::Drill(order) => write!(f, "{} is to be restored for real", order.database),
            Self::DrillChecked { drill } => write!(f, "the check of drill {drill} ended"),
            Self::DrillAnswered(CheckAnswer { drill, failure, .. }) => match failure {
                Some(why) => write!(f, "the check of drill {drill} failed: {}", plain(why)),
                None => write!(f, "the check of drill {drill} found nothing wrong"),
            },
            Self::Sweep => f.write_str("it is time to sweep"),
            Self::Spoken { .. } => f.write_str("somebody spoke in Slack"),
            Self::Slack { path } => write!(f, "a signed request came to {}", plain(path)),
        }
    }
}

/// A reply on the approval topic. The identity is claimed: all it proves is that its sender has the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reply<Request = ReleaseId> {
    #[serde(rename = "release")]
    pub to: Request,
    pub token: Token,
    #[serde(flatten)]
    pub answer: ReplyAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
pub enum ReplyAnswer {
    Approve,
    /// Never without a reason.
    Reject {
        reason: String,
    },
}

impl fmt::Display for ReplyAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve => f.write_str("approves"),
            Self::Reject { .. } => f.write_str("rejects"),
        }
    }
}

/// A request's or a pipeline's token. Whoever has it may answer, so it is never shown (I9).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(token.to_owned())
    }

    /// For comparing and for handing back; not for logs, messages or history.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

const HIDDEN: &str = "(hidden)";

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// Source: CodePipeline user guide, "JSON data format for manual approval notifications".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineApproval {
    pub pipeline: String,
    pub stage: String,
    pub action: String,
    /// Parallel executions have none.
    pub token: Option<Token>,
    pub region: Option<String>,
    /// Where the pipeline is shown. Unlike the link to its review, it has no token in it.
    pub console_link: Option<String>,
    /// As sent, often without seconds: `2016-07-07T20:22Z`.
    pub expires: Option<String>,
    pub review_link: Option<String>,
    pub external_link: Option<String>,
    pub custom_data: Option<String>,
}

/// News of a database or a data migration; by EventBridge or by an SNS event subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    pub kind: DatabaseKind,
    /// From the source's ARN: `SourceIdentifier` may carry a prefix.
    pub name: String,
    pub arn: Option<String>,
    /// `RDS-EVENT-0049`, `DMS-EVENT-0069`; older events have none.
    pub event: Option<String>,
    /// DMS's; its serverless replications send no id.
    pub event_type: Option<String>,
    /// As written there: some samples have days that no calendar has.
    pub at: Option<String>,
    /// A category is not a severity.
    pub categories: Vec<String>,
    pub message: Option<String>,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), plain(&self.name))?;
        if let Some(event) = &self.event {
            write!(f, " sent {event}")?;
        }
        match &self.message {
            Some(message) => write!(f, ": {}", plain(message)),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DatabaseKind {
    Instance,
    Cluster,
    Snapshot,
    ClusterSnapshot,
    ParameterGroup,
    SecurityGroup,
    Proxy,
    BlueGreenDeployment,
    CustomEngineVersion,
    ShardGroup,
    ZeroEtl,
    /// RDS tells of a kind that this version does not know.
    Other,
    ReplicationInstance,
    ReplicationTask,
    /// DMS Serverless.
    Replication,
}

impl DatabaseKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "database",
            Self::Cluster => "database cluster",
            Self::Snapshot => "database snapshot",
            Self::ClusterSnapshot => "cluster snapshot",
            Self::ParameterGroup => "database parameter group",
            Self::SecurityGroup => "database security group",
            Self::Proxy => "database proxy",
            Self::BlueGreenDeployment => "blue/green deployment",
            Self::CustomEngineVersion => "custom engine version",
            Self::ShardGroup => "database shard group",
            Self::ZeroEtl => "zero-ETL integration",
            Self::Other => "RDS resource",
            Self::ReplicationInstance => "replication instance",
            Self::ReplicationTask => "replication task",
            Self::Replication => "serverless replication",
        }
    }
}

/// News of AWS Backup; by EventBridge or SNS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// As AWS names it: `Restore Job State Change`, `BACKUP_JOB`.
    pub kind: String,
    pub state: String,
    /// What was backed up, or restored from.
    pub resource: Option<String>,
    /// What a restore made.
    pub created: Option<String>,
    /// The restore job, where a restore testing plan asked for it.
    pub restore_test: Option<String>,
    /// As written there.
    pub at: Option<String>,
}

impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AWS Backup: {}: {}", plain(&self.kind), plain(&self.state))?;
        match &self.resource {
            Some(resource) => write!(f, " for {}", plain(resource)),
            None => Ok(()),
        }
    }
}
