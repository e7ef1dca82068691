//! Observe, decide, commit, hand over, perform. No tokio, no SDK, no `Send` bounds: the same code runs in Lambda
//! functions and in the simulation.

mod advance;
mod alerts;
mod announce;
mod approval;
mod builds;
mod deployment;
pub mod failure;
pub mod functions;
mod hand;
mod plan;
mod plan_words;
pub mod ports;
mod posture;
mod push;
mod records;
mod reply_token;
mod service_state;
mod stack_status;
pub mod sweep;
mod watching;
