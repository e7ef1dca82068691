//! What people write: `ecs-service-config.json`, the platform's records, and the template that they render to.
//! Pure: no async, no clock, no AWS.

mod canonical;
mod channels;
mod check;
mod config;
mod containers;
mod cron;
mod differences;
mod dynamic;
mod errand;
mod fargate;
mod faults;
mod freeze;
mod json;
pub mod limits;
mod parameters;
mod parse;
mod people;
mod places;
mod policy;
mod reader;
mod record;
mod render;
mod routing;
mod rule;
mod schema;
mod serving;
mod together;
mod yaml;

pub use canonical::canonical_json;
pub use channels::{ChannelsRecord, Route};
pub use config::{
    ApprovalConfig, Canary, Container, Deployment, EnvironmentConfig, Errand, HealthCheck, Kind, Linear,
    LogRouter, LogRouterKind, OnFailure, Priority, Probe, Process, Requires, Routing, Scaling, Schedule,
    Secret, ServiceConfig, Sidecar, Strategy, TaskRole, Verify,
};
pub use cron::Cron;
pub use errand::TaskDefinition;
pub use faults::{Fault, Faults};
pub use freeze::{Freeze, Frozen, Zone, frozen};
pub use parse::{environments_meant, parse};
pub use people::{PeopleRecord, Person};
pub use record::{AllowedPolicy, Caps, EnvironmentRecord, Floor, LogGroupArn, May, Prober, ServiceRecord};
pub use render::{Capability, Rendered, Standing, WAIT_CONDITION, Watch, render, sha256, template};
pub use schema::{
    channels_record_schema, environment_record_schema, people_record_schema, service_config_schema,
    service_record_schema,
};
pub use serving::Serving;
