//! Who wrote what a release would deploy.

use std::collections::BTreeSet;

use model::ids::Revision;
use model::release::Release;
use model::track::Track;

use crate::failure::Failure;
use crate::ports::Sources;

/// Commits read of one release; who wrote only what is older than these may approve it.
const COMMITS_MAX: usize = 50;

/// Authors of the commits since what is live, by e-mail address; of the newest ones where nothing is live.
pub(crate) async fn authors<P: Sources>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<Vec<String>, Failure> {
    let mut authors = BTreeSet::new();
    // What is live is not news, nor is what it was made of.
    let mut old: BTreeSet<Revision> = track.live.iter().map(|live| live.revision.clone()).collect();
    let mut seen = old.clone();
    let mut ahead = vec![release.revision.clone()];
    let mut merged = false;
    let mut read = 0;
    while let Some(revision) = ahead.pop() {
        if old.contains(&revision) || !seen.insert(revision.clone()) || read == COMMITS_MAX {
            continue;
        }
        read += 1;
        let Some(commit) = ports.commit(&release.repository, &revision).await? else { continue };
        if commit.parents.len() > 1 && !merged {
            // Only a merge leads around what is live.
            merged = true;
            old.extend(before(ports, track, release).await?);
        }
        authors.extend(Some(commit.author).filter(|author| !author.is_empty()));
        // The first parent last, and so read first: the branch itself before what was merged into it.
        ahead.extend(commit.parents.into_iter().rev());
    }
    Ok(authors.into_iter().collect())
}

/// What led to what is live.
async fn before<P: Sources>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<BTreeSet<Revision>, Failure> {
    let mut before = BTreeSet::new();
    let mut ahead: Vec<Revision> = track.live.iter().map(|live| live.revision.clone()).collect();
    while let Some(revision) = ahead.pop() {
        if before.len() == COMMITS_MAX || !before.insert(revision.clone()) {
            continue;
        }
        if let Some(commit) = ports.commit(&release.repository, &revision).await? {
            ahead.extend(commit.parents.into_iter().rev());
        }
    }
    Ok(before)
}
