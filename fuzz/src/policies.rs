//! The record of databases: what is wrong is told with its place, and what is taken keeps its limits.

use databases::policy::{Matched, Policies};

use crate::said::is_fit_to_show;

const SAID_BYTES_MAX: usize = 2 * 1024;

pub(crate) fn record(bytes: &[u8]) {
    let policies = match Policies::parse(bytes) {
        Ok(policies) => policies,
        Err(bad) => return is_fit_to_show(&bad.to_string(), SAID_BYTES_MAX),
    };
    assert!(policies.policies.len() <= 100 && policies.waivers.len() <= 500);
    let is_scheduled =
        |matched: &Matched| matched.require.drill.as_ref().is_some_and(|drill| drill.every_days.is_some());
    let has_place = policies.drills.as_ref().is_some_and(|drills| !drills.security_group.trim().is_empty());
    assert!(has_place || !policies.policies.iter().any(is_scheduled), "copies would not be kept apart");
}
