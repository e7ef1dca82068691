//! What builds and tasks wrote.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::failure::Failure;
use engine::ports::Logs;

use crate::Aws;
use crate::failure::Call;

const GET_LOG_EVENTS: Call = Call::reads("logs GetLogEvents");

impl Logs for Aws {
    async fn log_tail(&self, log_group: &str, stream: &str, lines: u32) -> Result<Vec<String>, Failure> {
        let sent = self
            .logs
            .get_log_events()
            .log_group_name(log_group)
            .log_stream_name(stream)
            .start_from_head(false)
            .limit(i32::try_from(lines).unwrap_or(i32::MAX))
            .send()
            .await;
        match sent {
            Ok(answer) => {
                Ok(answer.events().iter().filter_map(|event| event.message().map(str::to_owned)).collect())
            }
            // A container that never ran has written none.
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(Vec::new()),
            Err(error) => Err(GET_LOG_EVENTS.failed(error)),
        }
    }
}
