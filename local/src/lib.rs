//! The local AWS: an emulator process, our front door before it, and stand-ins for what no emulator has.

pub mod account;
pub mod codebuild;
pub mod codecommit;
pub mod control;
pub mod deployments;
pub mod events;
pub mod faults;
pub mod images;
pub mod people;
pub mod problem;
pub mod slack;
pub mod stand_in;

mod clock;
mod emulator;
mod fresh;
mod front_door;
mod inbox;
mod install;
mod json_call;
mod local_aws;
mod refusal;
mod run_folder;

pub use account::{Account, Environment, Service};
pub use control::{Control, Delivery, Mishap, Order, TaskEnd};
pub use faults::{Fault, Faults, Kills, Tally};
pub use inbox::{Inbox, Notice};
pub use install::Outputs;
pub use local_aws::{LocalAws, Settings};
pub use problem::Problem;
pub use slack::{SLACK_TEAM, Slack, SlackMessage, SlackTrouble};
