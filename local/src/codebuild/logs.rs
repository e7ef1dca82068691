//! A build's log in CloudWatch Logs, where the API says it is.

use std::{fs, time::SystemTime};

use serde_json::{Value, json};
use tracing::warn;

use super::{Shop, build::Build, workplace};
use crate::json_call::{CallError, Operation};

/// Source: CloudWatch Logs API, PutLogEvents; a build's last lines are kept when there are more.
const LOG_EVENTS_MAX: usize = 5_000;

/// A log that cannot be stored is no reason for a build to fail.
pub(super) async fn store(shop: &Shop, build: &Build) {
    let text = match fs::read(workplace::log_file(&shop.settings.work, build)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return warn!(build = %build.id(), %error, "the log is unreadable"),
    };
    if let Err(error) = put(shop, build, &text).await {
        warn!(build = %build.id(), %error, "the log is not in CloudWatch Logs");
    }
}

async fn put(shop: &Shop, build: &Build, text: &str) -> Result<(), CallError> {
    let (group, stream) = (build.log_group(), build.uuid.as_str());
    ask(shop, build, "Logs_20140328.CreateLogGroup", json!({ "logGroupName": group })).await?;
    let named = json!({ "logGroupName": group, "logStreamName": stream });
    ask(shop, build, "Logs_20140328.CreateLogStream", named).await?;

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LOG_EVENTS_MAX)..];
    let events: Vec<Value> = last.iter().map(|line| json!({ "timestamp": now, "message": line })).collect();
    if events.is_empty() {
        return Ok(());
    }
    let put = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": events });
    ask(shop, build, "Logs_20140328.PutLogEvents", put).await
}

async fn ask(shop: &Shop, build: &Build, target: &str, body: Value) -> Result<(), CallError> {
    let operation = Operation { account: &build.account, region: &build.region, service: "logs", target };
    match shop.emulator.call(&operation, &body).await {
        Ok(_) => Ok(()),
        Err(CallError::Refused { kind, .. }) if kind == "ResourceAlreadyExistsException" => Ok(()),
        Err(error) => Err(error),
    }
}
