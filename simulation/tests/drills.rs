//! I12: a drill leaves no copy, touches nothing that it did not make, and its end is told truly and once.

use simulation::{DrillFlaw, drill_world};

const SEEDS: u64 = 300;
/// Every flaw is caught within this many.
const FLAWED_SEEDS_MAX: u64 = 1000;

#[test]
fn drills_keep_their_invariant_in_three_hundred_worlds() {
    let wrong: Vec<String> = (0..SEEDS)
        .flat_map(|seed| {
            drill_world(seed, None).violations.into_iter().map(move |v| format!("seed {seed}: {v}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn every_flaw_is_caught() {
    let missed: Vec<DrillFlaw> = DrillFlaw::ALL
        .into_iter()
        .filter(|flaw| {
            let caught =
                (0..FLAWED_SEEDS_MAX).find(|seed| !drill_world(*seed, Some(*flaw)).violations.is_empty());
            caught.inspect(|seed| println!("{flaw:?} is caught within {} seeds", seed + 1)).is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
