//! A client that is not ours agrees: boto3 reads stack, task definition, table and topics through the front door.

use std::process::Command;

use serde_json::Value;

use crate::story::Story;
use crate::world::{self, tell};

const SCRIPT: &str = "tests/third_party.py";

#[test]
fn a_third_party_client_reads_the_same() {
    tell(async |mut story| {
        let release = story.deploys_a_version().await;
        story.comes_to_rest().await;
        let read = ask_boto3(&story);
        assert_eq!(read["stack"]["name"], "tidegate-payments-production");
        assert_eq!(read["stack"]["status"], "CREATE_COMPLETE");
        assert_eq!(read["image"], story.running_image().await.as_str());
        let digest = Story::deployed_image(&release).as_str();
        assert!(read["image"].as_str().unwrap_or_default().ends_with(digest), "{read}");
        assert_eq!(read["rollout"], "COMPLETED");
        assert_eq!(read["table"]["status"], "ACTIVE");
        assert_eq!(read["table"]["keys"], serde_json::json!(["pk", "sk"]));
        assert_eq!(read["table"]["track"], true, "{read}");
        for topic in ["NotificationsTopicArn", "ApprovalTopicArn"] {
            let arn = story.outputs[topic].as_str();
            assert!(
                read["topics"].as_array().is_some_and(|topics| topics.iter().any(|t| t == arn)),
                "{read}"
            );
        }
    });
}

/// The emulator's own Python has boto3, pinned with it.
fn ask_boto3(story: &Story) -> Value {
    let output = Command::new(world::home().join("emulator/bin/python"))
        .arg(world::project().join(SCRIPT))
        .args([&story.calls.endpoint, story.account(), &story.outputs["TableName"]])
        .env_clear()
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .output()
        .expect("the emulator's Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script answers in JSON")
}
