//! Why a message that was understood is nothing to act on.

use std::fmt;

use model::ids::{StackName, TrackKey};

use crate::unreadable::quoted;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No rule of ours hears this source.
    SourceNotHeard {
        source: String,
    },
    /// A source that we hear, but not this kind of event.
    KindNotHeard {
        kind: String,
    },
    PullRequest,
    BuildPhase,
    TaskChanged,
    PipelineNews,
    ImageReplicated,
    NoRecords,
    BranchDeleted {
        branch: String,
    },
    TagChanged {
        tag: String,
    },
    OtherReference {
        reference: String,
    },
    UnreferencedMerge,
    BuildInProgress,
    OtherBuild,
    OtherInvocation,
    ImageDeleted,
    StorageClassChanged,
    PushFailed,
    UntaggedPush,
    OtherImage {
        tag: String,
    },
    ImageScanned,
    OtherStack {
        stack: String,
    },
    NestedStack {
        stack: String,
        token: String,
    },
    StackInProgress {
        stack: StackName,
        status: String,
    },
    StackResource {
        resource: String,
    },
    OtherService {
        service: String,
    },
    ServiceInProgress {
        track: TrackKey,
    },
    ServiceNews {
        track: TrackKey,
        event: String,
    },
    AlarmNews {
        alarm: String,
    },
    /// People's answers are never sent again, so they are answered, not quarantined.
    MalformedReply {
        problem: String,
    },
    PlainText,
    NotSigned {
        method: String,
    },
    BareSlackBody,
}

impl Why {
    /// The track, where the message proves it although there is nothing to do.
    pub fn track(&self) -> Option<TrackKey> {
        if let Self::StackInProgress { stack, .. } = self {
            stack.track()
        } else if let Self::ServiceInProgress { track } | Self::ServiceNews { track, .. } = self {
            Some(track.clone())
        } else {
            None
        }
    }
}

/// What a reply looks like.
pub(crate) const REPLY_FORM: &str = "\"approve <release> <token>\", \"reject <release> <token> <reason>\", or JSON \
     {\"answer\":\"approve|reject\",\"release\":\"…\",\"token\":\"…\",\"reason\":\"…\"}";

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceNotHeard { source } => write!(f, "nothing here listens to {}", quoted(source)),
            Self::KindNotHeard { kind } => write!(f, "events of kind {} decide nothing here", quoted(kind)),
            Self::PullRequest => {
                f.write_str("a pull request deploys nothing: its merge moves a branch, which is an event of its own")
            }
            Self::BuildPhase => f.write_str("a phase of a build ended, not the build"),
            Self::TaskChanged => f.write_str("one task says nothing about a deployment: the service's own events do"),
            Self::PipelineNews => {
                f.write_str("a pipeline runs by itself: only its requests for approval are answered here")
            }
            Self::ImageReplicated => f.write_str("an image was copied: it is not a new build"),
            Self::NoRecords => f.write_str("the list of records is empty"),
            Self::BranchDeleted { branch } => {
                write!(f, "branch {} was deleted: there is no commit to deploy", quoted(branch))
            }
            Self::TagChanged { tag } => write!(f, "{} is a git tag: only branches deploy", quoted(tag)),
            Self::OtherReference { reference } => {
                write!(f, "{} is no branch: only branches deploy", quoted(reference))
            }
            Self::UnreferencedMerge => {
                f.write_str("a merge was tried out on no branch: its real merge comes as an event of its branch")
            }
            Self::BuildInProgress => f.write_str("the build is still running: its end comes as an event of its own"),
            Self::OtherBuild => f.write_str("the build does not carry TIDEGATE_BUILD: somebody else started it"),
            Self::OtherInvocation => f.write_str("the function was not called for a drill"),
            Self::ImageDeleted => f.write_str("an image was deleted: nothing to deploy"),
            Self::StorageClassChanged => f.write_str("an image changed its storage class: it is the same image"),
            Self::PushFailed => f.write_str("the push failed: there is no new image"),
            Self::UntaggedPush => f.write_str(
                "the push has no tag: it is one platform of a multi-platform image, whose index follows with the tag",
            ),
            Self::OtherImage { tag } => write!(f, "tag {} is not one of our builds", quoted(tag)),
            Self::ImageScanned => f.write_str("an image was scanned: what is found decides nothing here"),
            Self::OtherStack { stack } => write!(f, "stack {} is not one of ours", quoted(stack)),
            Self::NestedStack { stack, token } => write!(
                f,
                "stack {} carries our token {} but is not the stack that it was made for: a nested stack never \
                 decides, its root does",
                quoted(stack),
                quoted(token)
            ),
            Self::StackInProgress { stack, status } => {
                write!(f, "stack {stack} is still moving ({status}): its end comes as an event of its own")
            }
            Self::StackResource { resource } => {
                write!(f, "the event is about resource {}, not about its stack", quoted(resource))
            }
            Self::OtherService { service } => write!(f, "service {} is not one of ours", quoted(service)),
            Self::ServiceInProgress { track } => {
                write!(f, "the deployment of {track} is still running: its end comes as an event of its own")
            }
            Self::ServiceNews { track, event } => {
                write!(f, "{} about the service of {track} ends no deployment", quoted(event))
            }
            Self::AlarmNews { alarm } => {
                write!(f, "alarm {} speaks for itself: stacks and deployments watch their own alarms", quoted(alarm))
            }
            Self::MalformedReply { problem } => write!(f, "{problem}; a reply is {REPLY_FORM}"),
            Self::PlainText => f.write_str("plain text that is no reply to a request of ours"),
            Self::NotSigned { method } => {
                write!(f, "a {} request without Slack's signature is not from Slack", quoted(method))
            }
            Self::BareSlackBody => f.write_str(
                "Slack's body alone, without the request that signs it, proves nothing: Slack comes by the Function URL",
            ),
        }
    }
}
