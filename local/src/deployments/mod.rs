//! Service deployments as ECS carries them out: they take time, and they can fail and go back.

mod answers;
mod rollout;

pub(crate) use answers::{describe_deployments, describe_revisions, list_deployments, rewrite_service};
pub use rollout::{Failure, Rollout, Step, Verdict};
