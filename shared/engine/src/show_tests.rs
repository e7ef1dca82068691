//! A release in a Slack that does what it is asked and does not always answer.

use std::cell::{Cell, RefCell};

use futures_util::FutureExt;
use model::decide::Advance;
use model::ids::{ChannelId, EffectKey, TrackKey};
use model::time::Timestamp;
use model::track::Track;

use super::*;
use crate::ports::{Commit, CommitOnce, Message, Once, Stored};

#[derive(Default)]
pub(crate) struct World {
    shown: RefCell<Option<Shown>>,
    /// Posts that are done from now on and not answered.
    pub(crate) unanswered: Cell<u32>,
    pub(crate) posts: Cell<u32>,
    replies: Cell<u32>,
    pub(crate) updates: Cell<u32>,
    build_log: Option<&'static str>,
}

impl World {
    fn answer(&self) -> Result<Posted, Failure> {
        let left = self.unanswered.get();
        self.unanswered.set(left.saturating_sub(1));
        if left > 0 {
            return Err(Failure::Unknown { call: "slack", source: "no answer in time".into() });
        }
        Ok(Posted::There(Place { channel: "C1".to_owned(), ts: "1".to_owned() }))
    }

    /// As often as it is put off, and a few times more: as later phases would.
    fn is_shown(&self) {
        let key = EffectKey { release: "payments-production-7".parse().unwrap(), k: 1 };
        for waits in 0..6 {
            let effect = model::effect::Effect::Show;
            let promise = Promise { key: key.clone(), effect, due: Timestamp(0), waits, waiting_for: None };
            show(self, &promise).now_or_never().expect("nothing waits").unwrap();
        }
    }
}

#[test]
fn a_post_that_was_not_answered_is_sent_once_more_and_never_again() {
    for (unanswered, posts, is_there) in [(0, 1, true), (1, 2, true), (2, 2, false), (60, 2, false)] {
        let world = World { unanswered: Cell::new(unanswered), ..World::default() };
        world.is_shown();
        assert_eq!(world.posts.get(), posts, "{unanswered} without an answer");
        assert_eq!(world.shown.borrow().as_ref().unwrap().place.is_some(), is_there);
        assert_eq!(world.updates.get(), 0, "it says the same");
    }
}

#[test]
fn what_stands_below_it_is_sent_once_more_and_never_again() {
    for (unanswered, replies) in [(0, 1), (1, 2), (2, 2), (60, 2)] {
        let world = World { build_log: Some("https://example.com/log"), ..World::default() };
        world.shown.replace(Some(Shown {
            place: Some(Place { channel: "C1".to_owned(), ts: "1".to_owned() }),
            sha256: config::sha256(&slack::message(&world.release()).to_string()),
            ..Shown::default()
        }));
        world.unanswered.set(unanswered);
        world.is_shown();
        assert_eq!((world.posts.get(), world.replies.get()), (0, replies), "{unanswered} without an answer");
    }
}

impl World {
    fn release(&self) -> Release {
        let stored = include_str!("../../aws/src/dynamodb/format_1/release.json");
        let release: Release = serde_json::from_str(stored).unwrap();
        Release { build_log: self.build_log.map(str::to_owned), ..release }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000)
    }
}

impl Tracks for World {
    async fn load_track(&self, _: &TrackKey) -> Result<Option<Track>, Failure> {
        unreachable!("a release is shown by itself")
    }

    async fn commit_track(&self, _: &Advance) -> Result<Commit, Failure> {
        unreachable!("showing decides nothing")
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Result<CommitOnce, Failure> {
        unreachable!("showing decides nothing")
    }

    async fn load_release(&self, _: &ReleaseId) -> Result<Option<Release>, Failure> {
        Ok(Some(self.release()))
    }
}

impl SlackBoard for World {
    async fn shown(&self, _: &ReleaseId) -> Result<Option<Shown>, Failure> {
        Ok(self.shown.borrow().clone())
    }

    async fn remember_shown(&self, _: &ReleaseId, shown: &Shown) -> Result<(), Failure> {
        self.shown.replace(Some(shown.clone()));
        Ok(())
    }

    async fn post_message(&self, _: Option<&ChannelId>, _: &Value) -> Result<Posted, Failure> {
        self.posts.set(self.posts.get() + 1);
        self.answer()
    }

    async fn update_in_slack(&self, _: &Place, _: &Value) -> Result<Posted, Failure> {
        self.updates.set(self.updates.get() + 1);
        self.answer()
    }

    async fn reply_in_slack(&self, _: &Place, _: &Value) -> Result<Posted, Failure> {
        self.replies.set(self.replies.get() + 1);
        self.answer()
    }

    async fn repeat_in_slack(&self, _: &Place, _: &str, _: bool) -> Result<Posted, Failure> {
        unreachable!("nobody is reminded")
    }
}

impl Channels for World {
    async fn channels_record(&self) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }

    async fn say_in_slack(&self, _: Option<&ChannelId>, _: &str) -> Result<Posted, Failure> {
        unreachable!("there are no news")
    }

    async fn trouble_told(&self) -> Result<Option<i64>, Failure> {
        unreachable!("there is no record")
    }

    async fn remember_trouble_told(&self, _: i64) -> Result<(), Failure> {
        unreachable!("there is no record")
    }
}

impl People for World {
    async fn publish(&self, _: &Message) -> Result<(), Failure> {
        unreachable!("there are no news")
    }

    async fn post_to_slack(&self, _: &str) -> Result<(), Failure> {
        unreachable!("there are no news")
    }
}
