//! Every target over the kept corpus, and over much that is generated.

mod config;
mod hard;
mod intake;
mod kept;
