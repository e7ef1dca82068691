//! What happens while local mode is not running.

use crate::story::Story;
use crate::world::{start, tell_alone};

#[test]
fn a_push_while_local_was_down_is_found_and_deployed() {
    tell_alone(async || {
        let state = tempfile::tempdir().expect("a temporary folder");
        let aws = start(Some(state.path().to_owned())).await;
        let mut story = Story::begin(&aws).await;
        let first = story.deploys_a_version().await;
        story.comes_to_rest().await;
        aws.stop().await.expect("it stops and keeps its state");

        story.pushes_a_version();

        let aws = start(Some(state.path().to_owned())).await;
        let mut story = story.goes_on_at(&aws).await;
        assert_eq!(story.track().await.live.map(|live| live.release), Some(first.id));
        story.sweeps().await;
        story.approves().await;
        let second = story.ends("Deployed").await;
        assert_eq!(second.id.n, 2);
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&second));
        aws.stop().await.expect("it stops and keeps its state");
    });
}
