//! What people write: `ecs-service-config.json`, the platform's records, and the template that they render to.
//! Pure: no async, no clock, no AWS.

mod canonical;
mod check;
mod config;
mod dynamic;
mod fargate;
mod faults;
mod json;
pub mod limits;
mod parameters;
mod parse;
mod policy;
mod promotion;
mod reader;
mod record;
mod render;
mod routing;
mod schema;
mod yaml;

pub use canonical::canonical_json;
pub use config::{ApprovalConfig, Container, EnvironmentConfig, Kind, Routing, ServiceConfig};
pub use faults::{Fault, Faults};
pub use parse::{environments_meant, parse};
pub use record::{Caps, EnvironmentRecord, Floor, ServiceRecord};
pub use render::{Capability, Rendered, render};
pub use schema::{environment_record_schema, service_config_schema, service_record_schema};
