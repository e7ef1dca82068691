//! I5: a crash before or after any call of any story changes nothing of how it ends.

use simulation::{crash_points, uncrashed};

#[test]
fn each_story_comes_to_its_end() {
    assert_eq!(uncrashed(), Vec::<String>::new());
}

#[test]
fn every_crash_at_every_call_is_healed() {
    let points = crash_points();
    println!("{} stories, {} calls, {} runs", points.stories, points.calls, points.runs);
    assert!(points.failures.is_empty(), "{} failed:\n{:#?}", points.failures.len(), points.failures);
}
