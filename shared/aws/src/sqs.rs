//! Messages to hands and ears, and to the quarantine.

use std::time::SystemTime;

use engine::failure::Failure;
use engine::ports::{DELAY_MAX, NoticeQueue, Patrol, PipelineNotices, Quarantine, Queues};
use intake::dead_letter::quarantined;
use model::database::DatabaseKey;
use model::effect::Hand;
use model::ids::{BranchName, PipelineRequestId, RepositoryName, TrackKey};
use model::time::Span;
use serde_json::json;

use crate::Aws;
use crate::failure::Call;

const SEND_MESSAGE: Call = Call::changes("sqs SendMessage");

impl Queues for Aws {
    async fn wake(&self, hand: Hand, track: &TrackKey, version: u64, delay: Span) -> Result<(), Failure> {
        let body = json!({ "track": track.to_string() }).to_string();
        let message = self.sqs.send_message().message_body(body);
        let message = match hand {
            Hand::Builder => message
                .queue_url(self.settings.required("TIDEGATE_BUILDER_QUEUE_URL")?)
                .delay_seconds(whole_seconds(delay)),
            Hand::Deployer => message
                .queue_url(self.settings.required("TIDEGATE_DEPLOYER_QUEUE_URL")?)
                .delay_seconds(whole_seconds(delay)),
            // FIFO: one track's news in order. The queue takes no delay per message: what was put off is brought by the
            // sweep, whose message of a later minute is not dropped as that of the commit.
            Hand::Notify => message
                .queue_url(self.settings.required("TIDEGATE_NOTIFY_QUEUE_URL")?)
                .message_group_id(track.to_string())
                .message_deduplication_id(format!("{track}-{version}-{}", this_minute())),
        };
        message.send().await.map_err(|error| SEND_MESSAGE.failed(error))?;
        Ok(())
    }
}

impl NoticeQueue for Aws {
    /// Of one database in order; the queue drops a second message of the same commit within five minutes.
    async fn wake_to_tell(&self, key: &DatabaseKey, version: u64) -> Result<(), Failure> {
        let group = key.group();
        self.sqs
            .send_message()
            .queue_url(self.settings.required("TIDEGATE_NOTIFY_QUEUE_URL")?)
            .message_body(json!({ "database": key.as_str() }).to_string())
            .message_deduplication_id(format!("{group}-{version}"))
            .message_group_id(group)
            .send()
            .await
            .map_err(|error| SEND_MESSAGE.failed(error))?;
        Ok(())
    }
}

impl PipelineNotices for Aws {
    /// As for databases. The clock's message of a later minute is not dropped as that of the commit.
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, version: u64) -> Result<(), Failure> {
        self.sqs
            .send_message()
            .queue_url(self.settings.required("TIDEGATE_NOTIFY_QUEUE_URL")?)
            .message_body(json!({ "pipeline": id.as_str() }).to_string())
            .message_deduplication_id(format!("{id}-{version}-{}", this_minute()))
            .message_group_id(id.as_str())
            .send()
            .await
            .map_err(|error| SEND_MESSAGE.failed(error))?;
        Ok(())
    }
}

impl Patrol for Aws {
    async fn send_to_push(&self, repository: &RepositoryName, branch: &BranchName) -> Result<(), Failure> {
        let body = json!({ "repository": repository.as_str(), "branch": branch.as_str() }).to_string();
        self.send("TIDEGATE_PATROL_QUEUE_URL", body).await
    }
}

impl Quarantine for Aws {
    async fn quarantine(&self, function: &str, why: &str, payload: Option<&[u8]>) -> Result<(), Failure> {
        self.send("TIDEGATE_QUARANTINE_QUEUE_URL", quarantined(function, why, payload)).await
    }
}

impl Aws {
    pub(crate) async fn send(&self, queue: &'static str, body: String) -> Result<(), Failure> {
        self.sqs
            .send_message()
            .queue_url(self.settings.required(queue)?)
            .message_body(body)
            .send()
            .await
            .map_err(|error| SEND_MESSAGE.failed(error))?;
        Ok(())
    }
}

/// Of the clock; only told apart from other minutes.
fn this_minute() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_1970.as_secs() / 60
}

/// Whole seconds, not less than `delay`, but at most what SQS takes.
fn whole_seconds(delay: Span) -> i32 {
    let seconds = delay.min(DELAY_MAX).0.div_ceil(1000);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_shorter_than_asked_nor_longer_than_sqs_takes() {
        assert_eq!(whole_seconds(Span(0)), 0);
        assert_eq!(whole_seconds(Span(1)), 1);
        assert_eq!(whole_seconds(Span::seconds(20)), 20);
        assert_eq!(whole_seconds(Span::hours(2)), 900);
    }
}
