//! The local AWS: an emulator process, our front door before it, and stand-ins for what no emulator has.

pub mod control;
pub mod deployments;
pub mod events;
pub mod problem;
pub mod stand_in;

mod clock;
mod front_door;
mod images_label;
