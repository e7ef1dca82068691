//! What comes from Slack and what is shown there. Pure: no clock, no network.
//!
//! A request is looked at before anything is paid for (`door`), verified over its raw bytes (`signature`), and only
//! then read (`spoken`).

mod details;
mod door;
mod message;
mod pipeline;
mod plain;
mod refusal;
mod signature;
mod spoken;

pub use details::{details, details_of};
pub use door::{Request, Signed, look};
pub use message::message;
pub use pipeline::pipeline_message;
pub use plain::plain;
pub use refusal::Refusal;
pub use signature::{SKEW_MAX, sign};
pub use spoken::{AnswerTo, Command, Said, Spoken, read};
