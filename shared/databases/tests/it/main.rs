mod drills;
mod events;
mod folding;
mod looks;
mod policies;
mod rules;
