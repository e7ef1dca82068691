//! A request in a Slack that does what it is asked and does not always answer.

use futures_util::FutureExt;

use super::*;
use crate::show::tests::World;

/// As often as the clock looks at it, and more.
fn is_shown(world: &World, mut request: Request) -> Request {
    for _ in 0..6 {
        let board = show(world, &request).now_or_never().expect("nothing waits");
        request = Request { shown: board.shown, unanswered: board.unanswered, ..request };
    }
    request
}

fn stored() -> Request {
    serde_json::from_str(include_str!("../../aws/src/dynamodb/format_1/pipeline.json")).unwrap()
}

#[test]
fn a_post_that_was_not_answered_is_sent_once_more_and_never_again() {
    for (unanswered, posts, is_there) in [(0, 1, true), (1, 2, true), (2, 2, false), (60, 2, false)] {
        let world = World::default();
        world.unanswered.set(unanswered);
        let request = is_shown(&world, Request { shown: None, unanswered: 0, ..stored() });
        assert_eq!(world.posts.get(), posts, "{unanswered} without an answer");
        assert_eq!(request.shown.is_some(), is_there, "{unanswered} without an answer");
        assert_eq!(world.updates.get(), 0, "it says the same");
    }
}
