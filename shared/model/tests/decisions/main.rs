//! What `decide` does: every phase with every signal, and what holds whatever happens.

mod facts;
mod limits;
mod matrix;
mod orders;
mod policies;
mod properties;
mod story;
mod turns;
mod verify;
mod votes;
