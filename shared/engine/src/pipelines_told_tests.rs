//! A request in a Slack that does what it is asked and does not always answer.

use std::cell::Cell;

use futures_util::FutureExt;
use model::ids::{ChannelId, ReleaseId};
use serde_json::Value;

use super::*;
use crate::ports::{Place, Stored};

#[derive(Default)]
struct World {
    /// Posts that are done from now on and not answered.
    unanswered: Cell<u32>,
    posts: Cell<u32>,
    updates: Cell<u32>,
}

impl World {
    /// As often as the clock looks at it, and more.
    fn shows(&self, mut request: Request) -> Request {
        for _ in 0..6 {
            let board = show(self, &request).now_or_never().expect("nothing waits");
            request = Request { shown: board.shown, unanswered: board.unanswered, ..request };
        }
        request
    }
}

fn stored() -> Request {
    serde_json::from_str(include_str!("../../aws/src/dynamodb/format_1/pipeline.json")).unwrap()
}

#[test]
fn a_post_that_was_not_answered_is_sent_once_more_and_never_again() {
    for (unanswered, posts, is_there) in [(0, 1, true), (1, 2, true), (2, 2, false), (60, 2, false)] {
        let world = World { unanswered: Cell::new(unanswered), ..World::default() };
        let request = world.shows(Request { shown: None, unanswered: 0, ..stored() });
        assert_eq!(world.posts.get(), posts, "{unanswered} without an answer");
        assert_eq!(request.shown.is_some(), is_there, "{unanswered} without an answer");
        assert_eq!(world.updates.get(), 0, "it says the same");
    }
}

impl SlackBoard for World {
    async fn shown(&self, _: &ReleaseId) -> Result<Option<crate::show::Shown>, Failure> {
        unreachable!("it is no release")
    }

    async fn remember_shown(&self, _: &ReleaseId, _: &crate::show::Shown) -> Result<(), Failure> {
        unreachable!("it is no release")
    }

    async fn post_message(&self, _: Option<&ChannelId>, _: &Value) -> Result<Posted, Failure> {
        self.posts.set(self.posts.get() + 1);
        let left = self.unanswered.get();
        self.unanswered.set(left.saturating_sub(1));
        if left > 0 {
            return Err(Failure::Unknown { call: "slack", source: "no answer in time".into() });
        }
        Ok(Posted::There(Place { channel: "C1".to_owned(), ts: "1".to_owned() }))
    }

    async fn update_in_slack(&self, place: &Place, _: &Value) -> Result<Posted, Failure> {
        self.updates.set(self.updates.get() + 1);
        Ok(Posted::There(place.clone()))
    }

    async fn reply_in_slack(&self, _: &Place, _: &Value) -> Result<Posted, Failure> {
        unreachable!("nothing stands below it")
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
