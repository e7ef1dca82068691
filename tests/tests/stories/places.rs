//! Several services on one load balancer, and one that needs none.

use engine::ports::Stacks;
use serde_json::json;

use crate::working_copy::sample_config;
use crate::world::tell;

#[test]
fn a_priority_that_another_service_holds_is_refused_at_push_and_auto_finds_one() {
    tell(async |mut story| {
        story.pushes_a_version();
        story.reaches("AwaitingApproval").await;
        let mut ledger = story.has_service("ledger", "/ledger").await;

        let release = ledger.pushes(&json!({ "paths": ["/ledger", "/ledger/*"], "priority": 120 }));
        story.release_ends(&release, "Failed").await;
        insta::assert_snapshot!(story.hears_the_ending_of(&release).await, @"
        ledger-production-1 failed

        ledger-production-1 failed: ecs-service-config.json asks for a place that it cannot have:
        $.routing.priority: priority 120 is held by payments/production; 119 is free

        Revision <short> of ledger on main.
        Nothing is live yet. Mend the cause and push again.
        ");
        assert_eq!(story.builds().await.len(), 1, "nothing is built for what cannot be deployed");

        let release = ledger.pushes(&json!({ "paths": ["/ledger", "/ledger/*"], "priority": "auto" }));
        story.approves_release(&release).await;
        story.release_ends(&release, "Deployed").await;
        let stack = story.aws.stack(&ledger.stack()).await.unwrap().expect("the stack exists");
        let priority: u32 = stack.parameters["Priority"].parse().unwrap();
        assert!(priority > 120, "{priority}");

        // Its next release keeps the number.
        let release = ledger.pushes(&json!({ "paths": ["/ledger/*"], "priority": "auto" }));
        story.approves_release(&release).await;
        story.release_ends(&release, "Deployed").await;
        let stack = story.aws.stack(&ledger.stack()).await.unwrap().expect("the stack exists");
        assert_eq!(stack.parameters["Priority"], priority.to_string());
    });
}

#[test]
fn a_path_that_another_service_was_granted_is_refused_at_push() {
    tell(async |mut story| {
        // Nothing of payments was ever deployed: it is its grant that counts.
        let mut copy = story.has_service("copy", "/payments").await;
        let release = copy.pushes(&json!({ "paths": ["/payments/refunds/*"], "priority": 7 }));
        story.release_ends(&release, "Failed").await;
        insta::assert_snapshot!(story.hears_the_ending_of(&release).await, @"
        copy-production-1 failed

        copy-production-1 failed: ecs-service-config.json asks for what it cannot have:
        $.routing.paths is /payments/refunds/*, which takes requests of /payments/*; allowed: patterns apart from what payments was granted

        Revision <short> of copy on main.
        Nothing is live yet. Mend the cause and push again.
        ");
        assert!(story.builds().await.is_empty());

        // A grant within another is the platform's own word: the more specific rule comes first, or nothing would.
        let mut refunds = story.has_service("refunds", "/payments-api/refunds").await;
        let mut api = story.has_service("api", "/payments-api").await;
        let release = api.pushes(&json!({ "paths": ["/payments-api/*"], "priority": 40 }));
        story.release_is_asked_for(&release).await;
        let release = refunds.pushes(&json!({ "paths": ["/payments-api/refunds/*"], "priority": 41 }));
        story.release_ends(&release, "Failed").await;
        insta::assert_snapshot!(story.hears_the_ending_of(&release).await, @"
        refunds-production-1 failed

        refunds-production-1 failed: ecs-service-config.json asks for a place that it cannot have:
        $.routing.priority: priority 41 and the 40 of api/production are the wrong way round: of two rules that take the same requests the more specific one needs the smaller number; 39 is free

        Revision <short> of refunds on main.
        Nothing is live yet. Mend the cause and push again.
        ");
    });
}

#[test]
fn a_worker_is_deployed_without_a_load_balancer() {
    tell(async |mut story| {
        let mut config = sample_config();
        config["kind"] = json!("worker");
        config.as_object_mut().expect("an object").remove("routing");
        config["container"] = json!({ "cpu": 256, "memoryMiB": 512 });
        story.pushes_config(&config);
        story.approves().await;
        story.ends("Deployed").await;
        let stack = story.stack().await;
        assert_eq!(stack.parameters["Kind"], "worker");
        let made = story.stack_events().await;
        let types: Vec<&str> = made.iter().map(|event| event.resource_type.as_str()).collect();
        assert!(!types.iter().any(|kind| kind.contains("ElasticLoadBalancing")), "{types:?}");
    });
}
