//! What people may write, what it becomes, and what they are told when it is wrong.

mod bad_configs;
mod channels;
mod checks;
mod errands;
mod freezes;
mod good_configs;
mod keys;
mod overrides;
mod people;
mod policies;
mod records;
mod rendering;
mod rules;
mod schemas;
mod serving;
mod support;
