//! A thousand seeds, seeds that once failed, and lies that must not go unnoticed.

use simulation::{Untruth, campaign, faults_of, run, run_untrue};

#[test]
fn a_thousand_seeds_keep_every_invariant() {
    let summary = campaign(0..1000, |_| {});
    assert!(summary.failed.is_empty(), "{:#?}", summary.failed);
    let faults = faults_of(&summary.coverage, summary.seeds);
    assert!(faults.is_empty(), "{faults:#?}");
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

/// Which thread takes which seed changes nothing.
#[test]
fn a_campaign_meets_what_its_runs_meet() {
    let together = campaign(0..40, |_| {});
    let mut alone = simulation::Coverage::default();
    (0..40).for_each(|seed| alone.merge(&run(seed).coverage));
    assert_eq!(together.coverage, alone);
}

/// A product that was broken in the way that the lie stands for would be caught.
#[test]
fn every_untruth_is_caught() {
    const SEEDS_MAX: u64 = 200;
    for untruth in Untruth::ALL {
        let caught = (0..SEEDS_MAX).find(|seed| !run_untrue(*seed, untruth).violations.is_empty());
        assert!(caught.is_some(), "{untruth:?} was not caught within {SEEDS_MAX} seeds");
    }
}
