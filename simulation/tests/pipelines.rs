//! I1 and I13: an approval of a pipeline is answered once, by who may, for the token that it was asked with; and its end is
//! told truly and once.

use simulation::{PipelineFlaw, pipeline_world};

const SEEDS: u64 = 500;
/// Every flaw is caught within this many.
const FLAWED_SEEDS_MAX: u64 = 2000;

#[test]
fn pipelines_keep_their_invariants_in_five_hundred_worlds() {
    let wrong: Vec<String> = (0..SEEDS)
        .flat_map(|seed| {
            pipeline_world(seed, None).violations.into_iter().map(move |v| format!("seed {seed}: {v}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn every_flaw_is_caught() {
    let missed: Vec<PipelineFlaw> = PipelineFlaw::ALL
        .into_iter()
        .filter(|flaw| {
            let caught =
                (0..FLAWED_SEEDS_MAX).find(|seed| !pipeline_world(*seed, Some(*flaw)).violations.is_empty());
            caught.inspect(|seed| println!("{flaw:?} is caught within {} seeds", seed + 1)).is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
