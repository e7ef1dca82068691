//! Every parser of bytes that come from outside, as plain functions of bytes. A target panics when something does not
//! hold that must hold for all bytes: no panic of the parser itself, and what each target's file says.
//!
//! `cargo test` runs the kept corpus and much that is generated; `fuzz/run` runs a coverage-guided fuzzer.

mod caller;
mod config;
mod dead_letter;
mod ids;
mod intake;
mod parameter;
mod policies;
mod records;
mod reply;
mod said;
mod slack;
mod stored;
mod template;

/// A parser of outside bytes with what must hold of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Of its folder in `corpus/`, too.
    pub name: &'static str,
    pub check: fn(&[u8]),
}

pub const TARGETS: [Target; 12] = [
    Target { name: "intake", check: intake::payload },
    Target { name: "reply", check: reply::message },
    Target { name: "config", check: config::service_config },
    Target { name: "parameter", check: parameter::value },
    Target { name: "records", check: records::record },
    Target { name: "policies", check: policies::record },
    Target { name: "caller", check: caller::answer },
    Target { name: "slack", check: slack::body },
    Target { name: "template", check: template::base },
    Target { name: "stored", check: stored::item },
    Target { name: "ids", check: ids::text },
    Target { name: "dead-letter", check: dead_letter::message },
];

/// The target of this name; panics where there is none.
pub fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("there is no target {name:?} in fuzz/src/lib.rs"))
}
