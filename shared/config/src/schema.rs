//! JSON Schemas of what people write, for editors and checks.

use schemars::JsonSchema;
use serde_json::Value;

use crate::config::ServiceConfig;
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

fn schema<T: JsonSchema>() -> String {
    let value = Value::from(schemars::schema_for!(T));
    format!("{value:#}\n")
}
