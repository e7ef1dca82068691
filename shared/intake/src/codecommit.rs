//! Pushes to CodeCommit: by EventBridge, or by a repository's trigger.
//!
//! Source: CodeCommit user guide, "Monitoring CodeCommit events in Amazon EventBridge", "Manage triggers".

use model::ids::RepositoryName;

use crate::unreadable::{At, Unreadable};
use crate::{Function, INTAKE_RECORDS_MAX, Meaning, Reading, Subject, Why, arn};

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// `CodeCommit Repository State Change`.
pub(crate) fn repository_changed(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    detail.object()?;
    let event = detail.field("event");
    let allowed = "referenceCreated, referenceUpdated, referenceDeleted or unreferencedMergeCommitCreated";
    let deleted = match event.text(allowed)? {
        "referenceCreated" | "referenceUpdated" => false,
        "referenceDeleted" => true,
        "unreferencedMergeCommitCreated" => return Ok(Meaning::Ignored(Why::UnreferencedMerge)),
        _ => return Err(event.unreadable(allowed)),
    };
    let reference = reference(detail)?;
    about(&reference, deleted, || {
        Ok(Pushed {
            repository: detail.field("repositoryName").id("the name of a repository")?,
            pushed_by: detail.field("callerUserArn").hint(),
            commit_hint: detail.field("commitId").hint(),
        })
    })
}

enum Reference<'a> {
    Branch {
        name: &'a str,
        at: At<'a>,
    },
    Tag(&'a str),
    /// `refs/notes/…` and whatever else git can push.
    Other(&'a str),
}

/// The full name decides: branch names may hold slashes, and `referenceType` alone does not name the reference.
fn reference<'a>(detail: &At<'a>) -> Result<Reference<'a>, Unreadable> {
    let full = detail.field("referenceFullName");
    let kind = detail.field("referenceType");
    if full.value.is_null() {
        let name = detail.field("referenceName");
        let allowed = "\"branch\" or \"tag\"";
        return match kind.text(allowed)? {
            "branch" => Ok(Reference::Branch { name: name.text("the name of a branch")?, at: name }),
            "tag" => Ok(Reference::Tag(name.text("the name of a tag")?)),
            _ => Err(kind.unreadable(allowed)),
        };
    }
    let reference = full_reference(full)?;
    let (agrees, allowed) = match &reference {
        Reference::Branch { .. } => (kind.value == "branch", "\"branch\", as referenceFullName says"),
        Reference::Tag(_) => (kind.value == "tag", "\"tag\", as referenceFullName says"),
        Reference::Other(_) => (
            kind.value != "branch" && kind.value != "tag",
            "neither \"branch\" nor \"tag\", as referenceFullName says",
        ),
    };
    if agrees || kind.value.is_null() { Ok(reference) } else { Err(kind.unreadable(allowed)) }
}

fn full_reference(full: At<'_>) -> Result<Reference<'_>, Unreadable> {
    let allowed = "refs/heads/<branch>, refs/tags/<tag> or another reference below refs/";
    let text = full.text(allowed)?;
    if let Some(name) = text.strip_prefix(BRANCHES) {
        Ok(Reference::Branch { name, at: full })
    } else if let Some(tag) = text.strip_prefix(TAGS) {
        Ok(Reference::Tag(tag))
    } else if text.starts_with("refs/") {
        Ok(Reference::Other(text))
    } else {
        Err(full.unreadable(allowed))
    }
}

struct Pushed {
    repository: RepositoryName,
    pushed_by: Option<String>,
    commit_hint: Option<String>,
}

fn about(
    reference: &Reference<'_>,
    deleted: bool,
    pushed: impl FnOnce() -> Result<Pushed, Unreadable>,
) -> Result<Meaning, Unreadable> {
    match reference {
        Reference::Tag(tag) => Ok(Meaning::Ignored(Why::TagChanged { tag: (*tag).to_owned() })),
        Reference::Other(reference) => {
            Ok(Meaning::Ignored(Why::OtherReference { reference: (*reference).to_owned() }))
        }
        Reference::Branch { name, .. } if deleted => {
            Ok(Meaning::Ignored(Why::BranchDeleted { branch: (*name).to_owned() }))
        }
        Reference::Branch { name, at } => {
            let branch = name.parse().map_err(|e: model::ids::Malformed| at.unreadable(e.allowed))?;
            let Pushed { repository, pushed_by, commit_hint } = pushed()?;
            Ok(Meaning::Signal(Subject::Branch { repository, branch, pushed_by, commit_hint }))
        }
    }
}

/// A record of a repository's trigger: every reference of the push in one record.
pub(crate) fn trigger(record: &At<'_>) -> Vec<Reading> {
    let references = record.field("codecommit").field("references");
    let list = match references.list(INTAKE_RECORDS_MAX) {
        Ok(list) => list,
        Err(unreadable) => return vec![Reading::by(Function::Push, Err(unreadable))],
    };
    let readings: Vec<Reading> =
        list.map(|reference| Reading::by(Function::Push, triggered(record, &reference))).collect();
    if readings.is_empty() {
        vec![Reading::by(Function::Push, Ok(Meaning::Ignored(Why::NoRecords)))]
    } else {
        readings
    }
}

fn triggered(record: &At<'_>, reference: &At<'_>) -> Result<Meaning, Unreadable> {
    let deleted = reference.field("deleted");
    let is_deleted = match deleted.value {
        serde_json::Value::Null => false,
        serde_json::Value::Bool(value) => *value,
        serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => return Err(deleted.unreadable("true or false")),
    };
    about(&full_reference(reference.field("ref"))?, is_deleted, || {
        let source = record.field("eventSourceARN");
        let allowed = "the ARN of a repository";
        let name =
            arn::resource(source.text(allowed)?, "codecommit").ok_or_else(|| source.unreadable(allowed))?;
        Ok(Pushed {
            repository: name.parse().map_err(|_| source.unreadable(allowed))?,
            pushed_by: record.field("userIdentityARN").hint(),
            commit_hint: reference.field("commit").hint(),
        })
    })
}
