//! The sweep from nothing: what it finds by itself, how soon, and what that costs.

use engine::sweep::{PATROL_AGE_MAX, REPOSITORIES_MAX};
use simulation::{by_sweep_alone, calls_beside, unannounced};

/// With a sweep a minute instead of an event for everything.
const MINUTES_MAX: u64 = 120;

#[test]
fn ten_releases_end_by_the_sweep_alone() {
    let unheard = by_sweep_alone(10);
    println!("10 releases ended within {} minutes", unheard.minutes);
    assert_eq!(unheard.violations, Vec::<String>::new());
    assert_eq!(unheard.endings, ["Deployed"; 10]);
    assert!(unheard.minutes < MINUTES_MAX, "{} minutes", unheard.minutes);
}

#[test]
fn a_push_that_nobody_announced_is_found_within_its_age() {
    let last = REPOSITORIES_MAX - 1;
    // Whatever the patrol's place in its round is when they come.
    let pushes = [(3, 0), (17, last), (31, last / 2 - 1), (44, 1), (45, 499), (46, 700)];
    let found = unannounced(REPOSITORIES_MAX, &pushes);
    println!("found after {found:?} ms");
    for (push, after_ms) in pushes.iter().zip(&found) {
        let in_time = after_ms.is_some_and(|after_ms| after_ms <= PATROL_AGE_MAX.0);
        assert!(in_time, "{push:?} was found after {after_ms:?} ms");
    }
}

#[test]
fn releases_that_are_over_cost_the_sweep_nothing() {
    assert_eq!(calls_beside(100_000), calls_beside(0));
}
