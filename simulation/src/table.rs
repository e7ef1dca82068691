//! DynamoDB: conditional transactions, nothing else. Every commit is checked against the invariants as it is written.

use std::collections::{BTreeMap, BTreeSet};

use databases::watch::Watch;
use engine::ports::{Commit, CommitOnce, Once};
use model::build::Build;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::ids::{BuildFamily, OrderId, ReleaseId, TrackKey};
use model::listener::Listener;
use model::release::Release;
use model::time::Timestamp;
use model::track::Track;

use crate::callers::FORGED;
use crate::checks::{self, Invariant};
use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) tracks: BTreeMap<TrackKey, Track>,
    pub(crate) releases: BTreeMap<ReleaseId, Release>,
    pub(crate) builds: BTreeMap<BuildFamily, Build>,
    /// By the listener's ARN.
    pub(crate) listeners: BTreeMap<String, Listener>,
    pub(crate) patrol: Option<String>,
    pub(crate) watches: BTreeMap<DatabaseKey, Watch>,
    /// Nonces that were used up. Forgotten later than any proof is believed.
    pub(crate) spent: BTreeSet<OrderId>,
    /// Of tracks, by anybody.
    pub(crate) commits: u64,
    /// The most races that one invocation lost.
    pub(crate) races_of_one: u32,
}

impl World {
    pub(crate) fn commit_track(&mut self, advance: &Advance) -> Commit {
        let key = &advance.track.key;
        let stored = self.table.tracks.get(key);
        let version = stored.map_or(0, |track| track.version);
        if version + 1 != advance.track.version {
            self.coverage.hit("race", "track");
            return Commit::Lost;
        }
        let before = stored.cloned().unwrap_or_else(|| Track::new(key.clone()));
        checks::commit(self, &before, advance);
        if self.trace.is_kept() {
            let described = describe(&advance.track);
            self.say(format_args!("{key} is at version {}: {described}", advance.track.version));
        }
        self.table.commits += 1;
        self.table.tracks.insert(key.clone(), advance.track.clone());
        for release in &advance.changed {
            self.table.releases.insert(release.id.clone(), release.clone());
        }
        Commit::Written
    }

    pub(crate) fn commit_track_once(&mut self, advance: &Advance, once: &Once) -> CommitOnce {
        if self.table.spent.contains(&once.id) {
            self.coverage.hit("refused", "an order again under its nonce");
            return CommitOnce::Spent;
        }
        match self.commit_track(advance) {
            Commit::Written => {
                if once.id.as_str().starts_with(FORGED) {
                    let key = &advance.track.key;
                    self.violation(Invariant::I1, format!("{key} does what nobody who may has ordered"));
                }
                self.table.spent.insert(once.id.clone());
                CommitOnce::Written
            }
            Commit::Lost => CommitOnce::Lost,
        }
    }

    pub(crate) fn commit_build(&mut self, build: &Build) -> Commit {
        let version = self.table.builds.get(&build.family).map_or(0, |stored| stored.version);
        if version + 1 != build.version {
            self.coverage.hit("race", "build");
            return Commit::Lost;
        }
        self.table.builds.insert(build.family.clone(), build.clone());
        Commit::Written
    }

    pub(crate) fn commit_watch(&mut self, watch: &Watch) -> Commit {
        let version = self.table.watches.get(&watch.key).map_or(0, |stored| stored.version);
        if version + 1 != watch.version {
            return Commit::Lost;
        }
        self.table.watches.insert(watch.key.clone(), watch.clone());
        Commit::Written
    }

    pub(crate) fn commit_listener(&mut self, arn: &str, listener: &Listener) -> Commit {
        let version = self.table.listeners.get(arn).map_or(0, |stored| stored.version);
        if version + 1 != listener.version {
            self.coverage.hit("race", "listener");
            return Commit::Lost;
        }
        checks::places(self, arn, listener);
        self.say(format_args!("{arn} is at version {}", listener.version));
        self.table.listeners.insert(arn.to_owned(), listener.clone());
        Commit::Written
    }

    /// The longest overdue first.
    pub(crate) fn due_tracks(&self, until: Timestamp, limit: u32) -> Vec<TrackKey> {
        let mut due: Vec<(Timestamp, &TrackKey)> = self
            .table
            .tracks
            .values()
            .filter_map(|track| Some((track.due()?, &track.key)))
            .filter(|(due, _)| *due <= until)
            .collect();
        due.sort();
        due.into_iter().take(limit as usize).map(|(_, key)| key.clone()).collect()
    }
}

/// `1 Building, 2 Deploying; owes 3 Announce, …`
fn describe(track: &Track) -> String {
    let phases: Vec<String> =
        track.in_flight.iter().map(|release| format!("{} {}", release.id.n, release.phase.name())).collect();
    let owed: Vec<String> = track
        .outbox
        .iter()
        .map(|promise| {
            let key = &promise.key;
            format!("{}-{} {}", key.release.n, key.k, promise.effect.kind().name())
        })
        .collect();
    format!("[{}] owes [{}]", phases.join(", "), owed.join(", "))
}
