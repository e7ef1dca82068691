//! A build: one CodeBuild run for (repository, revision, inputs), shared by every release that wants it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{BuildFamily, BuildId, ReleaseId, RepositoryName, Revision};
use crate::time::{Span, Timestamp};

/// CodeBuild forgets an idempotency token after five minutes; a request older than this is looked for first.
/// Source: CodeBuild API, StartBuild.
pub const TOKEN_TRUSTED: Span = Span::minutes(4);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    pub family: BuildFamily,
    /// Number of commits; 0 before the first.
    pub version: u64,
    pub attempt: u32,
    pub repository: RepositoryName,
    pub revision: Revision,
    /// Name of the ECR repository that the image is pushed to.
    pub image_repository: String,
    /// Empty when nobody wants the build any more: it is being stopped and takes nobody in.
    pub wanted_by: BTreeSet<ReleaseId>,
    pub state: BuildState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BuildState {
    /// StartBuild may have been called.
    Requested {
        at: Timestamp,
    },
    Started {
        arn: String,
    },
}

/// What the builder does next for one release that wants the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Store this, then start the build under its id as token.
    Start(Build),
    /// A request is too old for its token: look for its build before asking again.
    LookFor(Build),
    /// It runs, or ran, for somebody else: read how it stands before joining.
    ReadBeforeJoining { build: Build, arn: String },
    /// This release's own build, already started.
    Started(BuildId),
}

impl Build {
    pub fn id(&self) -> BuildId {
        self.family.attempt(self.attempt)
    }

    pub fn first(
        family: BuildFamily,
        repository: RepositoryName,
        revision: Revision,
        image_repository: String,
        release: ReleaseId,
        now: Timestamp,
    ) -> Self {
        Self {
            family,
            version: 1,
            attempt: 1,
            repository,
            revision,
            image_repository,
            wanted_by: BTreeSet::from([release]),
            state: BuildState::Requested { at: now },
        }
    }

    pub fn next_for(&self, release: &ReleaseId, now: Timestamp) -> Next {
        match &self.state {
            BuildState::Requested { at } => {
                let mut joined = self.committed();
                joined.wanted_by.insert(release.clone());
                if now.since(*at) > TOKEN_TRUSTED { Next::LookFor(joined) } else { Next::Start(joined) }
            }
            BuildState::Started { .. } if self.wanted_by.contains(release) => Next::Started(self.id()),
            BuildState::Started { .. } if self.wanted_by.is_empty() => {
                Next::Start(self.attempted_again(release, now))
            }
            BuildState::Started { arn } => Next::ReadBeforeJoining { build: self.clone(), arn: arn.clone() },
        }
    }

    /// The build is good for one more release.
    pub fn joined(&self, release: &ReleaseId) -> Self {
        let mut joined = self.committed();
        joined.wanted_by.insert(release.clone());
        joined
    }

    /// The last attempt is of no use; the next has an id, and so an image tag, of its own.
    pub fn attempted_again(&self, release: &ReleaseId, now: Timestamp) -> Self {
        let mut again = self.committed();
        again.attempt += 1;
        again.wanted_by = BTreeSet::from([release.clone()]);
        again.state = BuildState::Requested { at: now };
        again
    }

    /// A request whose build is not found is made again, as an attempt of its own: if it had its effect after all, and
    /// was only forgotten, its image has the tag. To be written in place of `self`.
    pub fn requested_again(self, now: Timestamp) -> Self {
        Self { attempt: self.attempt + 1, state: BuildState::Requested { at: now }, ..self }
    }

    /// A request turned out to have had its effect; to be written in place of `self`.
    pub fn found(self, arn: String) -> Self {
        Self { state: BuildState::Started { arn }, ..self }
    }

    /// As it stands once the request that `self` stored was taken on.
    pub fn started(&self, arn: String) -> Self {
        let mut started = self.committed();
        started.state = BuildState::Started { arn };
        started
    }

    /// Without `release`; `None` when it had left already.
    pub fn left_by(&self, release: &ReleaseId) -> Option<Self> {
        let mut left = self.committed();
        left.wanted_by.remove(release).then_some(left)
    }

    /// The running build that nobody wants, if there is one.
    pub fn to_stop(&self) -> Option<&str> {
        match &self.state {
            BuildState::Started { arn } if self.wanted_by.is_empty() => Some(arn),
            BuildState::Started { .. } | BuildState::Requested { .. } => None,
        }
    }

    fn committed(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags are immutable: if the lost request had its effect, a second build under its id could never push.
    #[test]
    fn a_request_that_is_made_again_has_an_id_of_its_own() {
        let release: ReleaseId = "payments-production-1".parse().unwrap();
        let (repository, revision): (RepositoryName, Revision) =
            ("payments".parse().unwrap(), "a".repeat(40).parse().unwrap());
        let family = BuildFamily::of(&repository, &revision, "example/payments");
        let now = Timestamp(0);
        let first = Build::first(family, repository, revision, "payments".to_owned(), release.clone(), now);
        let later = now.plus(TOKEN_TRUSTED).plus(Span::seconds(1));
        let Next::LookFor(looked_for) = first.next_for(&release, later) else { panic!("looked for first") };
        let again = looked_for.requested_again(later);
        assert_ne!(again.id(), first.id());
        assert_eq!(again.state, BuildState::Requested { at: later });
        assert!(again.wanted_by.contains(&release));
    }
}
