//! "CodeCommit Repository State Change" in AWS's shape.
//!
//! Source: CodeCommit User Guide, "Monitoring CodeCommit events in Amazon EventBridge".

use std::str::FromStr;

use serde_json::json;

use super::repository::Repository;
use crate::{refusal::Refusal, stand_in::ServiceEvent};

const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// What the post-receive hook tells: a line `<account> <repository>`, then git's lines `<old> <new> <reference>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    pub account: String,
    pub repository: String,
    pub moved: Vec<Moved>,
}

/// One reference that a push made, moved or deleted; forty zeros stand for no commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub old: String,
    pub new: String,
    pub reference: String,
}

impl FromStr for Pushed {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let unreadable =
            |line: &str| Refusal::new("SerializationException", format!("not told by a push: {line:?}"));
        let first = lines.next().unwrap_or_default();
        let (account, repository) = first.split_once(' ').ok_or_else(|| unreadable(first))?;
        let moved = lines.map(|line| Moved::parse(line).ok_or_else(|| unreadable(line)));
        Ok(Self {
            account: account.to_owned(),
            repository: repository.to_owned(),
            moved: moved.collect::<Result<_, _>>()?,
        })
    }
}

impl Moved {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        Some(Self { old: parts.next()?, new: parts.next()?, reference: parts.next()? })
    }
}

/// The event for one reference, or `None` for what is neither branch nor tag, as on AWS.
pub(super) fn state_change(repository: &Repository, moved: &Moved) -> Option<ServiceEvent> {
    let (kind, name) = match moved.reference.strip_prefix("refs/heads/") {
        Some(branch) => ("branch", branch),
        None => ("tag", moved.reference.strip_prefix("refs/tags/")?),
    };
    let mut detail = json!({
        "callerUserArn": format!("arn:aws:iam::{}:user/local", repository.account),
        "referenceType": kind,
        "referenceName": name,
        "referenceFullName": moved.reference,
        "repositoryName": repository.name,
        "repositoryId": repository.id,
    });
    if moved.old == NO_COMMIT {
        detail["event"] = "referenceCreated".into();
        detail["commitId"] = moved.new.as_str().into();
    } else if moved.new == NO_COMMIT {
        detail["event"] = "referenceDeleted".into();
        detail["oldCommitId"] = moved.old.as_str().into();
    } else {
        detail["event"] = "referenceUpdated".into();
        detail["commitId"] = moved.new.as_str().into();
        detail["oldCommitId"] = moved.old.as_str().into();
    }
    Some(ServiceEvent {
        source: "aws.codecommit",
        detail_type: "CodeCommit Repository State Change",
        account: repository.account.clone(),
        region: repository.region.clone(),
        resources: vec![repository.arn()],
        detail,
    })
}
