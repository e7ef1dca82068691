//! The simulation is tested too: a product with a fault is caught, by the invariant that the fault breaks.

use simulation::{Mutation, mutated};

/// Every mutation is caught within this many.
const SEEDS_MAX: u64 = 300;

#[test]
fn every_mutation_is_caught_by_the_invariant_that_it_breaks() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let breaks = mutation.breaks();
        let complains =
            |seed: &u64| mutated(*seed, mutation).violations.iter().any(|wrong| wrong.starts_with(breaks));
        match (0..SEEDS_MAX).find(complains) {
            Some(seed) => println!("{mutation:?} is caught by {breaks}within {} seeds", seed + 1),
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS_MAX} seeds: {missed:?}");
}
