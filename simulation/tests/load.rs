//! Many at once: nothing is lost, and nobody tries for ever. `tidegate simulate --load` does more of it.

use simulation::{Load, burst, crowd};

/// What one invocation may lose before its event is retried. The engine's own limit for one signal, which the test
/// must not get near.
const RACES_OF_ONE_MAX: u32 = 8;

#[test]
fn a_burst_of_load_loses_nothing() {
    let load = burst(50, 200);
    println!("{load}");
    nothing_is_lost(&load);
    assert_eq!(load.current, 50);
}

#[test]
fn a_crowd_of_load_on_one_track_loses_nothing() {
    let load = crowd(100);
    println!("{load}");
    nothing_is_lost(&load);
    assert_eq!(load.current, 1);
    assert!(load.races > 0, "nothing happened at once");
}

fn nothing_is_lost(load: &Load) {
    assert_eq!(load.violations, Vec::<String>::new());
    assert!(load.races_of_one <= RACES_OF_ONE_MAX, "{load}");
    assert_eq!(load.dead_letters, 0, "{load}");
    let endings: Vec<&str> = load.endings.keys().copied().collect();
    assert!(endings.iter().all(|ending| ["Deployed", "Superseded"].contains(ending)), "{load}");
}
