//! `{"Records": [...]}`: what SNS, SQS and CodeCommit's triggers hand to a function. Each record is read by itself.

use serde_json::Value;

use crate::payload::Wrapping;
use crate::unreadable::{At, Unreadable};
use crate::{INTAKE_RECORDS_MAX, Reading, Why, codecommit, sns, sqs};

pub(crate) fn read(records: &At<'_>, wrapping: &Wrapping) -> Vec<Reading> {
    let list = match records.list(INTAKE_RECORDS_MAX) {
        Ok(list) => list,
        Err(unreadable) => return vec![Reading::of(None, Err(unreadable))],
    };
    let mut readings = Vec::new();
    for record in list {
        readings.extend(read_record(&record, wrapping));
        // Records can hold lists of their own.
        if readings.len() > INTAKE_RECORDS_MAX {
            let allowed = format!("at most {INTAKE_RECORDS_MAX} messages in all");
            let unreadable = Unreadable::new(&records.place, "records with more messages", allowed);
            return vec![Reading::of(None, Err(unreadable))];
        }
    }
    if readings.is_empty() { vec![Reading::nobodys(Why::NoRecords)] } else { readings }
}

fn read_record(record: &At<'_>, wrapping: &Wrapping) -> Vec<Reading> {
    // SNS alone writes it with a capital.
    let key = if record.value.get("EventSource").is_some() { "EventSource" } else { "eventSource" };
    match record.field(key).text("the source of the record, such as \"aws:sns\"") {
        Err(unreadable) => vec![Reading::of(None, Err(unreadable))],
        Ok("aws:sns") => sns::read(&record.field("Sns"), wrapping),
        Ok("aws:sqs") => sqs::read(record, wrapping),
        Ok("aws:codecommit") => codecommit::trigger(record),
        Ok(source) => vec![Reading::nobodys(Why::SourceNotHeard { source: source.to_owned() })],
    }
}

/// The payload with only the SQS record of this `messageId`, so that a bad message is kept without its neighbours.
/// `None` where there is no such record.
pub fn only_record(payload: &[u8], id: &str) -> Option<Vec<u8>> {
    let mut payload: Value = serde_json::from_slice(payload).ok()?;
    let records = payload.get_mut("Records")?.as_array_mut()?;
    records.retain(|record| record.get("messageId").and_then(Value::as_str) == Some(id));
    (!records.is_empty()).then(|| payload.to_string().into_bytes())
}
