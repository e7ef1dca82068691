//! What the functions call, of whichever world: how a call goes, and what goes alike in all of them.

use std::cell::RefCell;
use std::rc::Rc;

use engine::failure::Failure;
use engine::ports::{Clock, Commit, CommitOnce, Once, Quarantine, Queues, Tracks};
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{ReleaseId, TrackKey};
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;

use super::Beside;
use crate::executor::pause;

pub(super) struct Ports<W> {
    pub(super) world: Rc<RefCell<W>>,
}

pub(super) type Answer<T> = Result<T, Failure>;

impl<W: Beside> Ports<W> {
    pub(super) fn of(world: &Rc<RefCell<W>>) -> Self {
        Self { world: Rc::clone(world) }
    }

    pub(super) fn has(&self, flaw: W::Flaw) -> bool {
        self.world.borrow_mut().base().has(flaw)
    }

    /// Pauses before and after the effect; may be turned away before it, or lose its answer after it.
    pub(super) async fn call<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut W) -> Answer<T>,
    ) -> Answer<T> {
        let strikes = |fault| {
            let world = &mut *self.world.borrow_mut();
            let base = world.base();
            base.strikes(fault, base.nature.trouble_per_mille)
        };
        pause().await;
        if strikes("throttled") {
            return Err(Failure::transient(call, "Throttling: Rate exceeded"));
        }
        let answer = {
            let world = &mut *self.world.borrow_mut();
            let base = world.base();
            base.coverage.hit(base.nature.call, call);
            base.say(format_args!("{call}"));
            effect(world)
        };
        pause().await;
        if strikes("answer lost") {
            return Err(Failure::Unknown { call, source: "connection reset".into() });
        }
        answer
    }
}

impl<W: Beside> Clock for Ports<W> {
    fn now(&self) -> Timestamp {
        self.world.borrow_mut().base().time()
    }
}

impl<W: Beside> Quarantine for Ports<W> {
    async fn quarantine(&self, _: &str, why: &str, _: Option<&[u8]>) -> Answer<()> {
        self.call("quarantine", |world| {
            world.base().wrong(format!("a payload of our own is quarantined: {why}"));
            Ok(())
        })
        .await
    }
}

/// No track is in these worlds.
impl<W: Beside> Tracks for Ports<W> {
    async fn load_track(&self, _: &TrackKey) -> Answer<Option<Track>> {
        Ok(None)
    }

    async fn commit_track(&self, _: &Advance) -> Answer<Commit> {
        nobody("commit_track")
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Answer<CommitOnce> {
        nobody("commit_track_once")
    }

    async fn load_release(&self, _: &ReleaseId) -> Answer<Option<Release>> {
        Ok(None)
    }
}

impl<W: Beside> Queues for Ports<W> {
    async fn wake(&self, _: Hand, _: &TrackKey, _: u64, _: Span) -> Answer<()> {
        nobody("wake")
    }
}

/// What nobody does in a world.
pub(super) fn nobody<T>(call: &'static str) -> Answer<T> {
    Err(Failure::refused(call, "nobody does that here"))
}
