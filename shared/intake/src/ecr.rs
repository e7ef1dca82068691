//! Images in ECR: pushed, deleted, moved.
//!
//! Source: ECR user guide, "Amazon ECR events and EventBridge".

use model::ids::BuildId;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject, Why};

/// `ECR Image Action`.
pub(crate) fn image_action(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    detail.object()?;
    let action = detail.field("action-type");
    let allowed = "PUSH, DELETE or UPDATE_STORAGE_CLASS";
    match action.text(allowed)? {
        "PUSH" => pushed(detail),
        "DELETE" => Ok(Meaning::Ignored(Why::ImageDeleted)),
        "UPDATE_STORAGE_CLASS" => Ok(Meaning::Ignored(Why::StorageClassChanged)),
        _ => Err(action.unreadable(allowed)),
    }
}

fn pushed(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    let tag = detail.field("image-tag");
    // The children of a multi-platform image arrive with an empty tag.
    if tag.value.is_null() || tag.value.as_str() == Some("") {
        return Ok(Meaning::Ignored(Why::UntaggedPush));
    }
    let Ok(build) = tag.text("a tag")?.parse::<BuildId>() else {
        return Ok(Meaning::Ignored(Why::OtherImage { tag: tag.text("a tag")?.to_owned() }));
    };
    let result = detail.field("result");
    let allowed = "SUCCESS or FAILURE";
    match result.text(allowed)? {
        "SUCCESS" => Ok(Meaning::Signal(Subject::Image { repository: repository(detail)?, build })),
        "FAILURE" | "FAILED" => Ok(Meaning::Ignored(Why::PushFailed)),
        _ => Err(result.unreadable(allowed)),
    }
}

fn repository(detail: &At<'_>) -> Result<String, Unreadable> {
    let repository = detail.field("repository-name");
    let allowed = "a repository's name: 2 to 256 of a-z, 0-9, '.', '_' and '-', in parts separated by '/'";
    let name = repository.text(allowed)?;
    let valid = (2..=256).contains(&name.len()) && name.split('/').all(is_name_part);
    if valid { Ok(name.to_owned()) } else { Err(repository.unreadable(allowed)) }
}

/// Source: ECR API reference, `CreateRepository`, `repositoryName`.
fn is_name_part(part: &str) -> bool {
    let is_alphanumeric = |b: Option<&u8>| b.is_some_and(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
    let bytes = part.as_bytes();
    is_alphanumeric(bytes.first())
        && is_alphanumeric(bytes.last())
        && bytes.iter().all(|b| is_alphanumeric(Some(b)) || matches!(b, b'.' | b'_' | b'-'))
}
