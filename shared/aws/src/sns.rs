//! Messages to people: the notifications topic, and Slack where it is configured.

use aws_sdk_sns::types::MessageAttributeValue;
use engine::failure::Failure;
use engine::ports::{Attributes, Message, People};
use model::about::About;

use crate::Aws;
use crate::failure::Call;

const PUBLISH: Call = Call::changes("sns Publish");

/// The attribute that holds the message for machines.
const JSON_ATTRIBUTE: &str = "tidegate";
/// A topic takes 262,144 bytes, text and attributes together; the attributes beside the JSON need less than the rest of
/// these. Source: SNS API, Publish.
const MESSAGE_BYTES_MAX: usize = 262_144 - 1024;
const CUT: &str = "\n… (cut: too long for a message)";

impl People for Aws {
    async fn publish(&self, message: &Message) -> Result<(), Failure> {
        let mut publish = self
            .sns
            .publish()
            .topic_arn(self.settings.required("TIDEGATE_TOPIC_ARN")?)
            .subject(&message.subject)
            .message(fitted(&message.in_full(), message.json.len()))
            .message_attributes(JSON_ATTRIBUTE, text(&message.json)?);
        for (name, value) in filtered_by(&message.attributes) {
            publish = publish.message_attributes(name, text(value)?);
        }
        publish.send().await.map_err(|error| PUBLISH.failed(error))?;
        Ok(())
    }

    async fn post_to_slack(&self, text: &str) -> Result<(), Failure> {
        let Some(parameter) = self.settings.optional("TIDEGATE_SLACK_WEBHOOK_PARAMETER") else {
            return Ok(());
        };
        let webhook = self.secure_string(parameter).await?;
        crate::slack::post(webhook.trim(), text).await
    }
}

fn text(value: &str) -> Result<MessageAttributeValue, Failure> {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().map_err(|error| PUBLISH.refused(error.to_string()))
}

/// What filter policies of subscriptions can name.
///
/// Source: SNS developer guide, "Amazon SNS subscription filter policies".
fn filtered_by(attributes: &Attributes) -> Vec<(&'static str, &str)> {
    let mut named = vec![("notice", attributes.notice), ("severity", attributes.severity.as_str())];
    match &attributes.about {
        About::Track(track) => {
            named.push(("service", track.service.as_str()));
            named.push(("environment", track.environment.as_str()));
        }
        About::Database(key) => named.push(("database", key.name())),
        About::Pipeline(name) => named.push(("pipeline", name)),
        About::Installation => {}
    }
    named
}

/// A request that nobody hears of would only expire, so a text that is too long is cut.
fn fitted(text: &str, others_bytes: usize) -> String {
    let room = MESSAGE_BYTES_MAX.saturating_sub(others_bytes);
    if text.len() <= room {
        return text.to_owned();
    }
    let kept = text.floor_char_boundary(room.saturating_sub(CUT.len()));
    format!("{}{CUT}", &text[..kept])
}

#[cfg(test)]
mod tests {
    use model::severity::Severity;

    use super::*;

    #[test]
    fn a_message_has_the_attributes_that_apply_and_no_empty_one() {
        let of = |about| Attributes { notice: "ended", severity: Severity::High, about };
        let common = [("notice", "ended"), ("severity", "high")];
        for (about, own) in [
            (
                About::Track("payments/production".parse().unwrap()),
                &[("service", "payments"), ("environment", "production")][..],
            ),
            (About::Database("instance/orders".parse().unwrap()), &[("database", "orders")]),
            (About::Pipeline("payments-production".to_owned()), &[("pipeline", "payments-production")]),
            (About::Installation, &[]),
        ] {
            let attributes = of(about);
            assert_eq!(filtered_by(&attributes), [&common[..], own].concat());
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        assert_eq!(fitted("short", 100), "short");
        let long = fitted(&"é".repeat(200_000), 50_000);
        assert!(long.len() + 50_000 <= MESSAGE_BYTES_MAX);
        assert!(long.ends_with(CUT));
    }
}
