//! Pushes that end deployed.

use model::release::{Ending, How, Release};
use serde_json::json;

use crate::people::as_read;
use crate::story::Story;
use crate::world::tell;

/// Who pushes in every story.
const PUSHER: &str = "arn:aws:iam::<account>:user/local";

#[test]
fn a_push_becomes_a_running_service() {
    tell(async |mut story| {
        let release = a_first_push_is_deployed(&mut story).await;
        assert!(release.pushed_by.is_some(), "the push was announced");
    });
}

pub(crate) async fn a_first_push_is_deployed(story: &mut Story) -> Release {
    story.pushes_a_version();
    let request = story.approves().await;
    let release = story.ends("Deployed").await;
    assert_eq!(
        Story::phases(&release),
        ["Building", "Planning", "AwaitingApproval", "Ready", "Deploying", "Deployed"]
    );
    assert_eq!(story.stack_status().await.as_deref(), Some("CREATE_COMPLETE"));
    assert_eq!(&story.running_digest().await, Story::deployed_image(&release));
    assert_eq!((story.builds().await.len(), story.deployments().await), (1, 1));
    // A resource whose condition is false is no part of the plan.
    let text = &request.text;
    assert!(text.contains("add EcsService") && !text.contains("JobSchedule"), "{text}");
    // The same words however the story is told: with and without faults. Where the announcement of the push was lost, the
    // patrol found it, and cannot know the pusher.
    let known = release.pushed_by.is_some();
    let read = as_read(&request);
    let read = if known { read } else { read.replace("an unknown pusher", PUSHER) };
    assert_eq!(request.text.contains("an unknown pusher"), !known);
    insta::allow_duplicates! {
        insta::assert_snapshot!(read, @"
        payments-production-1: approval needed

        payments-production-1 asks for approval (1 of 1 still needed).

        Revision <short> of payments on main, pushed by arn:aws:iam::<account>:user/local.
        Plan <short>:
          - create the stack; image <digest>

        To answer as yourself:
          tidegate approve payments-production-1 <short>
          tidegate reject payments-production-1 <short> --reason <why>
        Or publish to the approval topic:
          approve payments-production-1 <token>
          reject payments-production-1 <token> <reason>
        ");
    }
    // The same words however the story is told: with and without faults.
    let read = story.hears_the_ending().await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(read, @"
        payments-production-1 is deployed

        payments-production-1 is deployed: the service runs <digest>.

        Revision <short> of payments on main.
        Nothing to do.
        ");
    }
    let track = story.comes_to_rest().await;
    assert_eq!(track.live.map(|live| live.release), Some(release.id.clone()));
    release
}

#[test]
fn a_second_push_updates_the_service_to_its_own_digest() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        let second = story.deploys_a_version().await;
        assert_eq!(story.stack_status().await.as_deref(), Some("UPDATE_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&second));
        assert_ne!(Story::deployed_image(&first), Story::deployed_image(&second));
        assert_eq!((story.builds().await.len(), story.deployments().await), (2, 2));
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-2 is deployed

        payments-production-2 is deployed: the service runs <digest>.

        Revision <short> of payments on main.
        Nothing to do.
        ");
    });
}

#[test]
fn going_back_to_an_earlier_revision_deploys_its_image_without_building_it_again() {
    tell(async |mut story| {
        let a = story.pushes_a_version();
        story.approves().await;
        let first = story.ends("Deployed").await;
        story.deploys_a_version().await;
        story.pushes_again(&a);
        story.approves().await;
        let third = story.ends("Deployed").await;
        assert_eq!(third.id.n, 3);
        assert_eq!(Story::deployed_image(&third), Story::deployed_image(&first));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        assert_eq!((story.builds().await.len(), story.deployments().await), (2, 3));
    });
}

#[test]
fn of_two_quick_pushes_only_the_newer_is_deployed() {
    tell(async |mut story| {
        story.pushes_a_version();
        story.reaches("Building").await;
        let newer = story.deploys_a_version().await;
        let older = story.nth_ends(1, "Superseded").await;
        assert_eq!(older.ending(), Some(&Ending::Superseded { by: newer.id.clone() }));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&newer));
        assert_eq!(story.deployments().await, 1);
    });
}

#[test]
fn a_push_that_changes_nothing_is_up_to_date_without_asking_anybody() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.pushes_nothing_new();
        let second = story.ends("Deployed").await;
        let Some(Ending::Deployed { how, deployed }) = second.ending() else { unreachable!() };
        assert_eq!(*how, How::AlreadyUpToDate);
        assert_eq!(&deployed.image, Story::deployed_image(&first));
        assert_eq!((story.builds().await.len(), story.deployments().await), (2, 1));
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-2 is deployed

        payments-production-2 is deployed: already up to date: the service runs <digest>.

        Revision <short> of payments on main.
        Nothing to do.
        ");
        assert_eq!(story.person.times_heard("payments-production-2", "approvalRequested"), 0);
    });
}

#[test]
fn code_pipelines_template_configuration_deploys_as_it_stands() {
    tell(async |mut story| {
        story.pushes_config(&json!({
            "Parameters": { "Paths": "/payments,/payments/*", "Priority": "120", "ContainerPort": "8080" },
            "Tags": { "team": "billing" },
            "StackPolicy": {
                "Statement": [{ "Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*" }]
            },
        }));
        story.approves().await;
        let release = story.ends("Deployed").await;
        assert_eq!(story.stack_status().await.as_deref(), Some("CREATE_COMPLETE"));
        assert_eq!(&story.running_digest().await, Story::deployed_image(&release));
        assert_eq!(story.stack_tag("team").await.as_deref(), Some("billing"));
    });
}

#[test]
fn a_request_tells_the_commits_since_what_is_live() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        let second = story.pushes_a_version();
        story.is_asked().await;
        let third = story.pushes_a_version();
        let request = story.is_asked().await.text;
        let told = [(&third, "Version 3"), (&second, "Version 2")]
            .map(|(revision, subject)| format!("commit {}: {subject} (Ana)", revision.short()));
        let at = told.each_ref().map(|line| request.find(line));
        assert!(at[0].is_some() && at[0] < at[1], "{request}");
        assert!(!request.contains("Version 1"), "{request}");
    });
}
