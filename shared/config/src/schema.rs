//! JSON Schemas of what people write, for editors and checks.

use schemars::JsonSchema;
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::channels::ChannelsRecord;
use crate::config::ServiceConfig;
use crate::people::PeopleRecord;
use crate::record::{EnvironmentRecord, ServiceRecord};

/// Of `ecs-service-config.json`; published as `schemas/ecs-service-config.schema.json`.
pub fn service_config_schema() -> String {
    schema::<ServiceConfig>()
}

/// Published as `schemas/service-record.schema.json`.
pub fn service_record_schema() -> String {
    schema::<ServiceRecord>()
}

/// Published as `schemas/environment-record.schema.json`.
pub fn environment_record_schema() -> String {
    schema::<EnvironmentRecord>()
}

/// Published as `schemas/people-record.schema.json`.
pub fn people_record_schema() -> String {
    schema::<PeopleRecord>()
}

/// Published as `schemas/channels-record.schema.json`.
pub fn channels_record_schema() -> String {
    schema::<ChannelsRecord>()
}

fn schema<T: JsonSchema>() -> String {
    let value = Value::from(schemars::schema_for!(T));
    // Through the canonical form, so that the order of keys is always the same.
    let sorted = serde_json::from_str(&canonical_json(&value)).unwrap_or(value);
    format!("{sorted:#}\n")
}
