//! What a release is and what may happen to it: pure data and pure decisions. No async, no clock, no AWS.

pub mod ids;
