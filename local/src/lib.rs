//! The local AWS: an emulator process, our front door before it, and stand-ins for what no emulator has.

pub mod account;
pub mod control;
pub mod deployments;
pub mod events;
pub mod problem;
pub mod stand_in;

mod clock;
mod emulator;
mod front_door;
mod inbox;
mod images_label;
mod install;
mod local_aws;

pub use account::{Account, Environment, Service};
pub use control::{Control, Delivery, Mishap, Order};
pub use inbox::{Inbox, Notice};
pub use install::Outputs;
pub use local_aws::{LocalAws, Settings};
pub use problem::Problem;
