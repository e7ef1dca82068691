//! Service events: what AWS would send to EventBridge, and their way to the functions that listen.

pub(crate) mod delivery;
pub mod envelope;
