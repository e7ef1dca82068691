//! I11: one place on a listener is one service's.

use simulation::races_for_one_place;

const WORLDS: u64 = 1000;

#[test]
fn of_two_services_that_race_for_one_priority_exactly_one_wins_in_a_thousand_worlds() {
    let races = races_for_one_place(WORLDS);
    println!("the first won {} of {WORLDS} races; {} writes were lost", races.first, races.lost);
    assert_eq!(races.wrong, Vec::<String>::new());
    assert!((WORLDS / 10..WORLDS - WORLDS / 10).contains(&races.first), "one wins nearly always");
    assert!(races.lost > WORLDS / 20, "they hardly meet");
}
