//! A person's side of the topics: reads what is announced and answers requests, as somebody subscribed would.

use aws::sdk::{sns, sqs};
use serde_json::Value;

use crate::account::Account;
use crate::problem::Problem;

/// How long one read waits for a message, in seconds.
const WAIT_SECONDS: i32 = 1;
const MESSAGES_MAX: i32 = 10;
/// The attribute in which an announcement repeats itself for machines.
const JSON_ATTRIBUTE: &str = "tidegate";

/// Subscribed to the notifications topic through a queue of its own.
#[derive(Debug, Clone)]
pub struct Inbox {
    sns: sns::Client,
    sqs: sqs::Client,
    queue_url: String,
    approval_topic: String,
}

/// One announcement.
#[derive(Debug, Clone)]
pub struct Notice {
    pub subject: String,
    pub text: String,
    /// The `tidegate` attribute: the same for machines.
    pub json: Value,
}

impl Notice {
    /// The release and token of a request for approval.
    pub fn request(&self) -> Option<(&str, &str)> {
        let field = |name: &str| self.json.get(name).and_then(Value::as_str);
        (field("notice")? == "approvalRequested").then_some(())?;
        Some((field("release")?, field("token")?))
    }

    /// From what SNS puts into a queue.
    fn parse(body: &str) -> Option<Self> {
        let envelope: Value = serde_json::from_str(body).ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let json = envelope["MessageAttributes"][JSON_ATTRIBUTE]["Value"].as_str();
        Some(Self {
            subject: text(&envelope["Subject"]),
            text: text(&envelope["Message"]),
            json: json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null),
        })
    }
}

impl Inbox {
    /// Subscribes to the announcements of Tidegate in that account, from now on.
    pub async fn open(account: &Account) -> Result<Self, Problem> {
        let outputs = account.outputs().await?;
        let topic = |name: &str| {
            outputs.get(name).cloned().ok_or_else(|| Problem::Refused {
                doing: "subscribing".to_owned(),
                why: format!("Tidegate's stack has no output {name}"),
            })
        };
        let (notifications, approval_topic) = (topic("NotificationsTopicArn")?, topic("ApprovalTopicArn")?);
        let (sns, sqs) = (sns::Client::new(account.sdk()), sqs::Client::new(account.sdk()));

        let name = format!("inbox-{:016x}", crate::fresh::number());
        let made = sqs.create_queue().queue_name(&name).send().await;
        let made = made.map_err(|error| Problem::refused("making an inbox")(&error))?;
        let queue_url = made.queue_url().unwrap_or_default().to_owned();
        let region = aws::client::LOCAL_REGION;
        let queue_arn = format!("arn:aws:sqs:{region}:{}:{name}", account.id());
        let subscribed =
            sns.subscribe().topic_arn(notifications).protocol("sqs").endpoint(queue_arn).send().await;
        subscribed.map_err(|error| Problem::refused("subscribing")(&error))?;
        Ok(Self { sns, sqs, queue_url, approval_topic })
    }

    /// What has arrived since the last read; waits a moment for something.
    pub async fn read(&self) -> Result<Vec<Notice>, Problem> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(MESSAGES_MAX)
            .wait_time_seconds(WAIT_SECONDS)
            .send()
            .await
            .map_err(|error| Problem::refused("reading the inbox")(&error))?;
        let mut notices = Vec::new();
        for message in received.messages() {
            notices.extend(message.body().and_then(Notice::parse));
            let handle = message.receipt_handle().unwrap_or_default();
            let deleted =
                self.sqs.delete_message().queue_url(&self.queue_url).receipt_handle(handle).send().await;
            deleted.map_err(|error| Problem::refused("clearing the inbox")(&error))?;
        }
        Ok(notices)
    }

    pub async fn approve(&self, release: &str, token: &str) -> Result<(), Problem> {
        self.answer(format!("approve {release} {token}")).await
    }

    pub async fn reject(&self, release: &str, token: &str, reason: &str) -> Result<(), Problem> {
        self.answer(format!("reject {release} {token} {reason}")).await
    }

    async fn answer(&self, text: String) -> Result<(), Problem> {
        let published = self.sns.publish().topic_arn(&self.approval_topic).message(text).send().await;
        published.map(|_| ()).map_err(|error| Problem::refused("answering a request")(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_what_sns_puts_into_a_queue() {
        let json = r#"{"notice":"approvalRequested","release":"payments-production-1","token":"t"}"#;
        let body = serde_json::json!({
            "Type": "Notification",
            "Subject": "approval needed",
            "Message": "payments-production-1 asks",
            "MessageAttributes": { "tidegate": { "Type": "String", "Value": json } },
        });
        let notice = Notice::parse(&body.to_string()).unwrap();
        assert_eq!(notice.subject, "approval needed");
        assert_eq!(notice.request(), Some(("payments-production-1", "t")));
    }

    #[test]
    fn what_asks_for_nothing_is_no_request() {
        let body = serde_json::json!({ "Subject": "s", "Message": "m" });
        assert_eq!(Notice::parse(&body.to_string()).unwrap().request(), None);
        assert!(Notice::parse("not JSON").is_none());
    }
}
