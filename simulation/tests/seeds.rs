//! A thousand seeds.

use simulation::{campaign, run};

#[test]
fn a_thousand_seeds_keep_every_invariant() {
    let summary = campaign(0..1000, |_| {});
    assert!(summary.failed.is_empty(), "{:#?}", summary.failed);
}

/// Two deliveries executed one change set; the slower was told it could not be, and took the plan for stale while
/// CloudFormation deployed it.
#[test]
fn seeds_in_which_a_change_set_was_executed_twice() {
    for seed in [2979, 3149, 4918] {
        let report = run(seed);
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
    }
}

#[test]
fn a_seed_gives_the_same_trace_each_time() {
    assert_eq!(run(7).trace_hash, run(7).trace_hash);
    assert_ne!(run(7).trace_hash, run(8).trace_hash);
}
