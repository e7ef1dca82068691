//! I10: what is wrong with a database, and what happens to it, is told truly and once when it begins and once when it is over.

use simulation::{WatchFlaw, watch_world};

const SEEDS: u64 = 300;
/// Every flaw is caught within this many.
const FLAWED_SEEDS_MAX: u64 = 100;

#[test]
fn databases_are_told_of_truly_and_once_in_three_hundred_worlds() {
    let wrong: Vec<String> = (0..SEEDS)
        .flat_map(|seed| {
            watch_world(seed, None).violations.into_iter().map(move |v| format!("seed {seed}: {v}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn every_flaw_is_caught() {
    let missed: Vec<WatchFlaw> = WatchFlaw::ALL
        .into_iter()
        .filter(|flaw| {
            let caught =
                (0..FLAWED_SEEDS_MAX).find(|seed| !watch_world(*seed, Some(*flaw)).violations.is_empty());
            caught.inspect(|seed| println!("{flaw:?} is caught within {} seeds", seed + 1)).is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
