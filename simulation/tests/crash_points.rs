//! I5: a crash before or after any call of any story changes nothing of how it ends.

use simulation::{CrashPoints, crash_points, uncrashed};

/// A story that is not played proves nothing.
const STORIES: u64 = 40;
/// Calls that one story or two are told for.
const STRUCK: [&str; 7] = [
    "cancel_update",
    "delete_stack",
    "continue_rollback",
    "signal_resource",
    "send_to_push",
    "ask_sts",
    "slack_app",
];

#[test]
fn each_story_comes_to_its_end() {
    assert_eq!(uncrashed(), Vec::<String>::new());
}

#[test]
fn every_crash_at_every_call_is_healed() {
    are_healed(&crash_points(true));
}

/// Redelivery and loss, before and after each call: twice as many runs.
#[test]
#[ignore = "takes minutes: cargo test -p simulation --test crash_points -- --ignored"]
fn every_crash_at_every_call_is_healed_whatever_follows() {
    are_healed(&crash_points(false));
}

fn are_healed(points: &CrashPoints) {
    println!("{} stories, {} calls, {} runs", points.stories, points.calls, points.runs);
    assert!(points.failures.is_empty(), "{} failed:\n{:#?}", points.failures.len(), points.failures);
    assert_eq!(points.stories, STORIES);
    let unstruck = points.unstruck();
    println!("no story makes these calls, so seeded worlds alone crash there: {unstruck:?}");
    let missed: Vec<&str> = STRUCK.into_iter().filter(|call| unstruck.contains(call)).collect();
    assert!(missed.is_empty(), "never crashed at {missed:?}");
}
