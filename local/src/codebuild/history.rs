//! Every build there was: in memory to be asked, and a file each so that a kept run remembers.

use std::{
    fs, io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::warn;

use super::{
    build::{Build, Status},
    start::now_seconds,
    workplace,
};

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    builds: Mutex<Vec<Build>>,
}

impl History {
    pub(super) fn read(work: &Path) -> io::Result<Self> {
        let mut builds = Vec::new();
        for file in workplace::record_files(work)? {
            match serde_json::from_slice::<Build>(&fs::read(&file)?) {
                Ok(build) => builds.push(build),
                Err(error) => warn!(file = %file.display(), %error, "a build's record is unreadable"),
            }
        }
        builds.sort_by(|a, b| a.started_at.total_cmp(&b.started_at));
        for build in builds.iter_mut().filter(|build| !build.is_over()) {
            // Its processes ended with the run that started them.
            build.leave(Status::Fault, None, now_seconds());
            build.complete(Status::Fault, now_seconds());
            workplace::save(work, build)?;
        }
        Ok(Self { builds: Mutex::new(builds) })
    }

    /// By id (`<project>:<uuid>`) or ARN.
    pub(super) fn find(&self, account: &str, id: &str) -> Option<Build> {
        let is_it = |build: &&Build| build.account == account && (build.id() == id || build.arn() == id);
        self.lock().iter().find(is_it).cloned()
    }

    pub(super) fn of_account(&self, account: &str, region: &str) -> Vec<Build> {
        let is_theirs = |build: &&Build| build.account == account && build.region == region;
        self.lock().iter().filter(is_theirs).cloned().collect()
    }

    /// Adds the build, or replaces it by what is now known.
    pub(super) fn put(&self, build: &Build) {
        let mut builds = self.lock();
        match builds.iter_mut().find(|known| known.arn() == build.arn()) {
            Some(known) => known.clone_from(build),
            None => builds.push(build.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Build>> {
        // A panic elsewhere leaves whole builds behind: every change replaces one.
        self.builds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
