//! What a release is and what may happen to it: pure data and pure decisions. No async, no clock, no AWS.

pub mod about;
pub mod approval;
pub mod build;
pub mod database;
pub mod decide;
pub mod drill;
pub mod effect;
pub mod ids;
pub mod kinds;
pub mod listener;
pub mod matching;
pub mod order;
pub mod pattern;
pub mod pipeline;
pub mod place;
pub mod region;
pub mod release;
pub mod severity;
pub mod signal;
pub mod stored;
pub mod text;
pub mod time;
pub mod track;
pub mod who;
