//! A thousand seeds, and seeds that once failed.

use simulation::{BESIDE_EVERY, campaign, drill_world, pipeline_world, run, shortcomings, watch_world};

#[test]
fn a_thousand_seeds_keep_every_invariant() {
    let summary = campaign(0..1000, |_| {});
    assert!(summary.failed.is_empty(), "{:#?}", summary.failed);
    let shortcomings = shortcomings(&summary.coverage, summary.seeds);
    assert!(shortcomings.is_empty(), "{shortcomings:#?}");
}

/// A seed stands for another run as soon as the world draws more or less; what was found with it then is told by the name.
fn holds(seeds: &[u64]) {
    for seed in seeds {
        let report = run(*seed);
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
    }
}

/// Two deliveries executed one change set; the slower was told it could not be, and took the plan for stale while
/// CloudFormation deployed it.
#[test]
fn seeds_in_which_a_change_set_was_executed_twice() {
    holds(&[2979, 3149, 4918]);
}

/// Its operation had ended and was not looked at yet: the stack's events went with it.
#[test]
fn seeds_in_which_a_stack_was_deleted_before_its_operation_was_read() {
    holds(&[1585, 2500, 12133]);
}

/// A cancelled first creation completed just before its stack's deletion, and was told as deployed while that went on.
#[test]
fn seeds_in_which_a_creation_completed_before_it_was_deleted() {
    holds(&[8904]);
}

/// The same, with the deletion sent by a function that was slow: the look had read the completed stack before.
#[test]
fn seeds_in_which_a_creation_completed_while_it_was_being_stopped() {
    holds(&[7831]);
}

/// An operator deleted a stack that had rolled back before anybody looked at it: nobody could know that it had.
#[test]
fn seeds_in_which_an_operator_was_faster_than_the_look() {
    holds(&[32633]);
}

/// A deployment was cancelled while the call that started its `verify` was on its way.
#[test]
fn seeds_in_which_a_verify_was_given_up_as_it_started() {
    holds(&[1098]);
}

/// StartBuild's answer was lost, nobody wanted the build, CodeBuild forgot it, and the revision was pushed again.
#[test]
fn seeds_in_which_a_forgotten_build_was_started_under_its_id_again() {
    holds(&[7829]);
}

/// The service was not registered for a while when its release ended well: it was never promoted.
#[test]
fn seeds_in_which_a_promotion_found_no_registration() {
    holds(&[155]);
}

/// Two notifiers edited one message in Slack, and the older words came last: the queue rules that out.
#[test]
fn seeds_in_which_slack_showed_older_words() {
    holds(&[266, 788, 9332]);
    holds(&[16191]);
}

/// A push that changed nothing was live at once while an earlier rollback waited for approval: that is a person's to want.
#[test]
fn seeds_in_which_a_rollback_waited_while_a_push_changed_nothing() {
    holds(&[15754, 18751]);
}

/// A reply came while the plan that it was for was made anew, and was told not to be taken.
#[test]
fn seeds_in_which_a_reply_met_a_plan_in_the_making() {
    holds(&[58449]);
}

/// Slow workers each put the same promise off, and each woke one more; hands whose work failed woke each other.
#[test]
fn seeds_in_which_messages_bred() {
    holds(&[909, 6957]);
}

#[test]
fn a_seed_gives_the_same_trace_each_time() {
    assert_eq!(run(7).trace_hash, run(7).trace_hash);
    assert_ne!(run(7).trace_hash, run(8).trace_hash);
}

/// The first few, for who has no time for a thousand: `tests/mutants.sh`.
#[test]
fn forty_seeds_keep_every_invariant() {
    let summary = campaign(0..40, |_| {});
    assert!(summary.failed.is_empty(), "{:#?}", summary.failed);
}

/// Which thread takes which seed changes nothing.
#[test]
fn a_campaign_meets_what_its_runs_meet() {
    let together = campaign(0..40, |_| {});
    let mut alone = simulation::Coverage::default();
    (0..40).for_each(|seed| alone.merge(&run(seed).coverage));
    (0..40).filter(|seed| seed % BESIDE_EVERY == 0).for_each(|seed| {
        alone.merge(&drill_world(seed, None).coverage);
        alone.merge(&pipeline_world(seed, None).coverage);
        alone.merge(&watch_world(seed, None).coverage);
    });
    assert_eq!(together.coverage, alone);
}
