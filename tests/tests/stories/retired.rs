//! The end of a service: planned, approved, its stack gone, its route free; and a push that brings it back.

use engine::ports::Stacks;
use model::release::Ending;
use serde_json::json;

use crate::people::as_read;
use crate::story::Story;
use crate::world::tell;

#[test]
fn a_service_is_retired_its_route_is_freed_and_a_push_deploys_it_anew() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let mut ledger = story.has_service("ledger", "/ledger").await;
        let routing = json!({ "paths": ["/ledger"], "priority": 120 });
        let refused = ledger.pushes(&routing);
        story.release_ends(&refused, "Failed").await;

        let retire = json!({ "order": "retire", "reason": "replaced by billing" });
        insta::assert_snapshot!(story.orders(&retire).await, @"taken: payments/production is retired once the plan is approved: its stack is deleted, its route is freed");
        story.expects_release(2);
        let request = as_read(&story.is_asked().await);
        assert!(request.contains("payments-production-1 retired, ordered by ana"), "{request}");
        assert!(request.contains("the route /payments,/payments/* is no longer served"), "{request}");
        assert_eq!(Story::deployed_image(&first), &story.running_digest().await, "nothing is deleted yet");

        story.approves().await;
        let second = story.ends("Retired").await;
        assert!(matches!(second.ending(), Some(Ending::Retired { .. })));
        assert_eq!(story.stack_status().await, None);
        assert!(story.track().await.live.is_none());
        let ending = story.hears_the_ending().await;
        assert!(ending.contains("payments/production is retired: its stack is deleted"), "{ending}");
        let again = story.orders(&json!({ "order": "retire", "reason": "to be sure" })).await;
        assert_eq!(again, "refused: nothing is live here");

        let release = ledger.pushes(&routing);
        story.approves_release(&release).await;
        story.release_ends(&release, "Deployed").await;
        let stack = story.aws.stack(&ledger.stack()).await.unwrap().expect("the stack exists");
        assert_eq!(stack.parameters["Priority"], "120");

        let mut config = crate::working_copy::sample_config();
        config["routing"]["priority"] = json!(130);
        story.pushes_config(&config);
        story.expects_release(3);
        story.approves().await;
        let third = story.ends("Deployed").await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&third));
    });
}
