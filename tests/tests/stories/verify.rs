//! `deployment.verify`: a task that runs once everything is in place, and decides whether it stays.

use local::TaskEnd;
use model::release::{Ending, ErrandKind};
use serde_json::{Value, json};

use crate::story::Story;
use crate::working_copy::sample_config;
use crate::world::tell;

pub(crate) fn verified() -> Value {
    let mut config = sample_config();
    config["deployment"] = json!({ "verify": { "command": ["./check", "ready"], "timeoutMinutes": 5 } });
    config
}

#[test]
fn a_deployment_is_told_as_such_when_its_verify_ended_well() {
    tell(async |mut story| {
        story.pushes_config(&verified());
        let request = story.is_asked().await;
        let said = "`verify` runs when all is in place, and decides whether it stays: ./check ready";
        assert!(request.text.contains(said), "{}", request.text);
        assert!(!request.text.contains("WaitCondition"), "{}", request.text);
        story.approves().await;
        let first = story.ends("Deployed").await;
        let what: Vec<&str> = first.steps.iter().map(|step| step.what.as_str()).collect();
        let at = |words: &str| what.iter().position(|what| what.contains(words));
        let (waits, well) = (at("CloudFormation waits for its `verify`"), at("its `verify` ended well"));
        assert!(waits.is_some() && waits < well && well < at("the service runs"), "{what:?}");

        // What changes nothing is asked nothing.
        story.pushes_nothing_new();
        story.ends("Deployed").await;
        assert_eq!(story.errands(ErrandKind::Verify).await.len(), 1);

        story.deploys_a_version().await;
        assert_eq!(story.errands(ErrandKind::Verify).await.len(), 2);
    });
}

#[test]
fn a_deployment_that_does_not_pass_its_verify_is_rolled_back_and_told_so() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let log = ["GET /ready: 503", "not ready after 30 tries"].map(str::to_owned).to_vec();
        story.next_errand(ErrandKind::Verify, TaskEnd::Exits { code: 1, log });
        story.pushes_config(&verified());
        story.approves().await;
        story.ends("RolledBack").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-2 was rolled back

        payments-production-2 was rolled back: its `verify` failed: payments exited with code 1: its log tells why; its last lines:
          GET /ready: 503
          not ready after 30 tries

        Revision <short> of payments on main.
        What was live before stays live. Mend the cause and push again.
        ");
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        let track = story.comes_to_rest().await;
        assert_eq!(track.live.map(|live| live.release), Some(first.id));
    });
}

#[test]
fn a_path_that_is_not_answered_well_takes_the_deployment_back() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let log = vec!["curl: (22) The requested URL returned error: 503".to_owned()];
        story.next_errand(ErrandKind::Verify, TaskEnd::Exits { code: 22, log });
        let mut config = sample_config();
        config["deployment"] = json!({ "verify": { "path": "/payments/ready", "timeoutMinutes": 2 } });
        story.pushes_config(&config);
        let request = story.is_asked().await;
        let said = "decides whether it stays: GET /payments/ready through the load balancer";
        assert!(request.text.contains(said), "{}", request.text);
        story.approves().await;
        let ended = story.ends("RolledBack").await;
        let why = ended.ending().map(Ending::reason).unwrap_or_default();
        assert!(why.contains("curl: (22) The requested URL returned error: 503"), "{why}");
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
    });
}

#[test]
fn a_first_deployment_that_does_not_pass_its_verify_leaves_nothing_and_the_next_begins_anew() {
    tell(async |mut story| {
        story.next_errand(ErrandKind::Verify, TaskEnd::Exits { code: 1, log: Vec::new() });
        story.pushes_config(&verified());
        story.approves().await;
        story.ends("RolledBack").await;
        assert_eq!(story.comes_to_rest().await.live, None);
        assert_eq!(story.stack_status().await.as_deref(), Some("ROLLBACK_COMPLETE"));
        story.deploys_a_version().await;
    });
}

#[test]
fn a_verify_that_hangs_is_stopped_when_its_release_is_cancelled() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.next_errand(ErrandKind::Verify, TaskEnd::Hangs);
        story.pushes_config(&verified());
        story.approves().await;
        story.runs_errand(ErrandKind::Verify).await;
        let said = story
            .orders(&json!({ "order": "cancel", "release": "payments-production-2", "reason": "it hangs" }))
            .await;
        assert!(said.starts_with("taken"), "{said}");
        let ended = story.ends("RolledBack").await;
        let why = ended.ending().map(Ending::reason).unwrap_or_default();
        assert!(why.starts_with("cancelled by ana: it hangs"), "{why}");
        story
            .until("the task is stopped", async || {
                let tasks = story.errands(ErrandKind::Verify).await;
                tasks.iter().all(|task| task.status == "STOPPED").then_some(())
            })
            .await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
    });
}
