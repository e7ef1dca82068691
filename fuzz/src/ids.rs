//! Every identifier: one spelling each, so that what parses is written as it was read; and what is made of it keeps
//! the limits of where it goes.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use model::ids::{
    BranchName, BuildFamily, BuildId, EffectKey, EnvironmentName, Fingerprint, ImageDigest, Malformed,
    ReleaseId, RepositoryName, Revision, ServiceName, StackName, TrackKey,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::said::is_fit_to_show;

const REASON_BYTES_MAX: usize = 2 * 1024;

pub(crate) fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    read::<ServiceName>(text);
    read::<EnvironmentName>(text);
    read::<RepositoryName>(text);
    if let Some(branch) = read::<BranchName>(text) {
        is_fit_to_show(branch.as_str(), 4 * 256);
    }
    read::<ImageDigest>(text);
    if let Some(revision) = read::<Revision>(text) {
        assert_eq!(revision.short().len(), 12);
    }
    if let Some(fingerprint) = read::<Fingerprint>(text) {
        assert_eq!(fingerprint.short().len(), 12);
    }
    if let Some(build) = read::<BuildId>(text) {
        assert!(is_tag(text), "{text:?} is no image tag");
        assert!(text.starts_with(build.family().as_str()));
        assert_eq!(read::<BuildFamily>(build.family().as_str()), Some(build.family()));
    }
    if let Some(family) = read::<BuildFamily>(text) {
        assert_eq!(family.attempt(1).family(), family);
    }
    if let Some(track) = read::<TrackKey>(text) {
        assert!(is_stack(track.stack().as_str()), "{:?} is no stack's name", track.stack());
        assert_eq!(track.stack().track(), Some(track));
    }
    if let Some(stack) = read::<StackName>(text) {
        assert_eq!(stack.track().map(|track| track.stack()), Some(stack));
    }
    if let Some(release) = read::<ReleaseId>(text) {
        assert!(release.n > 0);
    }
    if let Some(effect) = read::<EffectKey>(text) {
        assert!(is_stack(&effect.to_string()), "{text:?} is no change set's name");
    }
}

fn read<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = Malformed> + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    // Stored and sent as JSON, where the same must hold.
    let json = serde_json::Value::from(text);
    match text.parse::<T>() {
        Ok(id) => {
            assert_eq!(id.to_string(), text, "two spellings");
            assert_eq!(serde_json::to_value(&id).ok().as_ref(), Some(&json));
            assert_eq!(serde_json::from_value::<T>(json).ok().as_ref(), Some(&id));
            Some(id)
        }
        Err(malformed) => {
            is_fit_to_show(&malformed.to_string(), REASON_BYTES_MAX);
            assert!(serde_json::from_value::<T>(json).is_err());
            None
        }
    }
}

/// Source: CloudFormation API, `CreateChangeSet` (`StackName`, `ChangeSetName`, `ClientToken`): 128 characters.
fn is_stack(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Source: ECR API, `PutImage` (`imageTag`): 1 to 300 characters; Docker's own limit is 128.
fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
