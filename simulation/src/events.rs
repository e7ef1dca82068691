//! Payloads as the functions get them, in AWS's own shapes.

use model::effect::Hand;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-west-1";

fn event(source: &str, kind: &str, resource: &str, detail: Value) -> Vec<u8> {
    bytes(&json!({
        "version": "0",
        "id": "6d1f0a52-7c3b-4e8d-9a10-000000000001",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": "2027-01-15T08:00:00Z",
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

pub(crate) fn pushed(repository: &str, branch: &str, commit: &str) -> Vec<u8> {
    let detail = json!({
        "event": "referenceUpdated",
        "repositoryName": repository,
        "repositoryId": "0f2c7b9e-44d1-4d0a-8c57-1b6a90e3d2f5",
        "referenceType": "branch",
        "referenceName": branch,
        "referenceFullName": format!("refs/heads/{branch}"),
        "commitId": commit,
        "callerUserArn": pusher(),
    });
    let resource = format!("arn:aws:codecommit:{REGION}:{ACCOUNT}:{repository}");
    event("aws.codecommit", "CodeCommit Repository State Change", &resource, detail)
}

pub(crate) fn pusher() -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/Developer/ana")
}

pub(crate) fn build_changed(arn: &str, id: &str, status: &str) -> Vec<u8> {
    let detail = json!({
        "build-status": status,
        "project-name": "tidegate-BuildProject",
        "build-id": arn,
        "current-phase": "COMPLETED",
        "additional-information": {
            "environment": {
                "environment-variables": [{ "name": "TIDEGATE_BUILD", "type": "PLAINTEXT", "value": id }]
            }
        }
    });
    event("aws.codebuild", "CodeBuild Build State Change", arn, detail)
}

pub(crate) fn image_pushed(repository: &str, tag: &str, digest: &str) -> Vec<u8> {
    let detail = json!({
        "action-type": "PUSH",
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "image-tag": tag,
    });
    event("aws.ecr", "ECR Image Action", "", detail)
}

pub(crate) fn stack_changed(id: &str, status: &str, token: &str) -> Vec<u8> {
    let detail = json!({
        "stack-id": id,
        "status-details": { "status": status, "status-reason": "" },
        "client-request-token": token,
    });
    event("aws.cloudformation", "CloudFormation Stack Status Change", id, detail)
}

pub(crate) fn service_deployment(service_arn: &str, name: &str) -> Vec<u8> {
    let detail = json!({
        "eventType": if name.ends_with("FAILED") { "ERROR" } else { "INFO" },
        "eventName": name,
        "deploymentId": "ecs-svc/8126441092738455061",
        "reason": "",
    });
    event("aws.ecs", "ECS Deployment State Change", service_arn, detail)
}

pub(crate) fn reply(text: &str) -> Vec<u8> {
    bytes(&json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "Sns": {
            "Type": "Notification",
            "TopicArn": format!("arn:aws:sns:{REGION}:{ACCOUNT}:tidegate-ApprovalTopic"),
            "Message": text,
        }
    }] }))
}

pub(crate) fn queued(queue: &str, id: u64, body: &str) -> Vec<u8> {
    bytes(&json!({ "Records": [{
        "messageId": format!("m-{id}"),
        "body": body,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:tidegate-{queue}"),
    }] }))
}

pub(crate) fn wake(track: &str) -> String {
    json!({ "track": track }).to_string()
}

pub(crate) fn patrol(repository: &str, branch: &str) -> String {
    json!({ "repository": repository, "branch": branch }).to_string()
}

pub(crate) fn queue_of(hand: Hand) -> &'static str {
    match hand {
        Hand::Builder => "BuilderQueue",
        Hand::Deployer => "DeployerQueue",
        Hand::Notify => "NotifyQueue.fifo",
    }
}
