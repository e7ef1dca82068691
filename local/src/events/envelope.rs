//! The events that AWS would send, in AWS's shapes.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stand_in::ServiceEvent;

/// EventBridge's envelope around a service's event.
pub fn envelope(id: &str, at: Timestamp, event: &ServiceEvent) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": event.account,
        "time": seconds(at),
        "region": event.region,
        "resources": event.resources,
        "detail": event.detail,
    })
}

/// EventBridge's times have whole seconds.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// "CloudFormation Stack Status Change"; without a token of the operation its key is absent.
pub fn stack_status(
    account: &str,
    region: &str,
    stack: &str,
    status: &str,
    reason: &str,
    token: Option<&str>,
) -> ServiceEvent {
    let mut detail = json!({
        "stack-id": stack,
        "status-details": { "status": status, "status-reason": reason },
    });
    if let Some(token) = token {
        detail["client-request-token"] = token.into();
    }
    ServiceEvent {
        source: "aws.cloudformation",
        detail_type: "CloudFormation Stack Status Change",
        account: account.to_owned(),
        region: region.to_owned(),
        resources: vec![stack.to_owned()],
        detail,
    }
}

/// "ECR Image Action" of a push; an untagged push has no `image-tag`.
pub fn image_pushed(
    account: &str,
    region: &str,
    repository: &str,
    digest: &str,
    tag: Option<&str>,
    media_type: &str,
) -> ServiceEvent {
    let mut detail = json!({
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": digest,
        "action-type": "PUSH",
        "manifest-media-type": media_type,
    });
    if let Some(tag) = tag {
        detail["image-tag"] = tag.into();
    }
    ServiceEvent {
        source: "aws.ecr",
        detail_type: "ECR Image Action",
        account: account.to_owned(),
        region: region.to_owned(),
        resources: Vec::new(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/tidegate-payments-staging/1";

    #[test]
    fn a_stack_event_has_the_shape_of_aws() {
        let event =
            stack_status("111122223333", "eu-west-1", STACK, "UPDATE_COMPLETE", "", Some("payments-staging-7-3"));
        let at: Timestamp = "2026-11-23T10:21:07.5Z".parse().unwrap();
        assert_eq!(
            envelope("c1d2e3f4-0a1b-4c2d-8e3f-102938475601", at, &event),
            json!({
                "version": "0",
                "id": "c1d2e3f4-0a1b-4c2d-8e3f-102938475601",
                "detail-type": "CloudFormation Stack Status Change",
                "source": "aws.cloudformation",
                "account": "111122223333",
                "time": "2026-11-23T10:21:07Z",
                "region": "eu-west-1",
                "resources": [STACK],
                "detail": {
                    "stack-id": STACK,
                    "status-details": { "status": "UPDATE_COMPLETE", "status-reason": "" },
                    "client-request-token": "payments-staging-7-3",
                },
            })
        );
    }

    #[test]
    fn an_operation_without_a_token_leaves_the_key_out() {
        let event = stack_status("111122223333", "eu-west-1", STACK, "CREATE_COMPLETE", "", None);
        assert!(event.detail.get("client-request-token").is_none());
    }

    #[test]
    fn an_untagged_push_names_its_digest_only() {
        let event = image_pushed("111122223333", "eu-west-1", "payments", "sha256:ab", None, "application/json");
        assert!(event.detail.get("image-tag").is_none());
        assert_eq!(event.detail["image-digest"], "sha256:ab");
        assert!(event.resources.is_empty());
    }
}
