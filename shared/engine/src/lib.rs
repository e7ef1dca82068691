//! Observe, decide, commit, hand over, perform. No tokio, no SDK, no `Send` bounds: the same code runs in Lambda
//! functions and in the simulation.

mod advance;
mod alerts;
mod announce;
mod approval;
mod authors;
mod builds;
mod deployment;
mod door;
mod drills;
mod entitled;
mod errands;
pub mod failure;
mod freeze;
pub mod functions;
mod gate;
mod hand;
mod orders;
mod places;
mod plan;
pub mod plan_words;
pub mod ports;
mod posture;
mod promotion;
mod push;
mod pushed_config;
mod records;
mod reply_token;
mod secrets;
mod service_state;
pub mod show;
mod spoken;
mod stack_status;
pub mod sweep;
mod watching;
mod why_stopped;
