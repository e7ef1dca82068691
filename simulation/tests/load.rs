//! Many at once: nothing is lost, and nobody tries for ever. `tidegate simulate --load` does more of it.

use simulation::{Load, burst, crowd, stalled};

/// Races that one invocation may lose: half of what the engine allows for one signal before the event has to come again.
const RACES_OF_ONE_MAX: u32 = 4;

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

/// Two of them would do it: each told the other with every delivery that failed.
#[test]
fn hands_that_cannot_work_breed_no_messages() {
    const MESSAGES_MAX: u64 = 300;
    let messages = stalled();
    println!("{messages} messages");
    assert!(messages < MESSAGES_MAX, "{messages} messages");
}

fn nothing_is_lost(load: &Load) {
    assert_eq!(load.violations, Vec::<String>::new());
    assert!(load.races_of_one <= RACES_OF_ONE_MAX, "{load}");
    assert_eq!(load.dead_letters, 0, "{load}");
    let endings: Vec<&str> = load.endings.keys().copied().collect();
    assert!(endings.iter().all(|ending| ["Deployed", "Superseded"].contains(ending)), "{load}");
}
