//! The local AWS: an emulator process, our front door before it, and stand-ins for what no emulator has.

pub mod codebuild;
pub mod codecommit;
pub mod images;
pub mod stand_in;

mod fresh;
mod json_call;
mod refusal;
