//! Follows the releases as the table tells them, and says every step once.

use std::collections::BTreeMap;

use aws::Aws;
use engine::failure::Failure;
use model::ids::{ReleaseId, Revision};
use model::release::Release;

/// Releases of a track that are looked at; older ones are over.
const RELEASES_MAX: u32 = 10;

#[derive(Default)]
pub(crate) struct Watch {
    /// How many steps of each release were said.
    said: BTreeMap<ReleaseId, usize>,
}

/// A release with steps that were not said before.
pub(crate) struct News {
    pub release: Release,
    pub first_new: usize,
}

impl Watch {
    /// Takes everything that has happened so far as said.
    pub(crate) async fn catch_up(&mut self, aws: &Aws) -> Result<(), Failure> {
        self.news(aws).await.map(drop)
    }

    /// What happened since the last call, oldest release first.
    pub(crate) async fn news(&mut self, aws: &Aws) -> Result<Vec<News>, Failure> {
        let mut news = Vec::new();
        for track in aws.tracks().await? {
            let mut releases = aws.releases(&track.key, RELEASES_MAX).await?;
            releases.reverse();
            for release in releases {
                let said = self.said.entry(release.id.clone()).or_default();
                if *said < release.steps.len() {
                    let first_new = std::mem::replace(said, release.steps.len());
                    news.push(News { release, first_new });
                }
            }
        }
        Ok(news)
    }
}

impl News {
    pub(crate) fn is_ending_of(&self, revision: &Revision) -> bool {
        self.release.revision == *revision && self.release.ending().is_some()
    }
}
