//! Observe, decide, commit, hand over, perform. No tokio, no SDK, no `Send` bounds: the same code runs in Lambda
//! functions and in the simulation.

pub mod failure;
pub mod ports;
