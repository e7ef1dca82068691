//! Databases that are proven restorable: what their events mean, and which rules they break. Pure: no async, no clock,
//! no AWS.

pub mod alert;
mod backup_jobs;
mod dms_events;
pub mod drill;
pub mod facts;
pub mod folding;
mod mend;
pub mod policy;
mod rds_events;
pub mod restorable;
pub mod rules;
pub mod story;
pub mod time;
pub mod validation;
pub mod watch;
mod window;
pub mod words;
