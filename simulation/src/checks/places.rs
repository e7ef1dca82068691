//! I11: a place among a listener's rules is one service's, for as long as its own track says so.

use model::ids::{EffectKey, StackName};
use model::listener::{Listener, Reserved};
use model::release::Release;
use model::time::Timestamp;
use model::track::Track;

use super::Invariant::I11;
use super::{Wrong, tell};
use crate::stacks::Props;
use crate::world::{SECOND, World};

/// Clocks may be this much ahead.
const AHEAD_MS: u64 = 10 * SECOND;

/// Places are written: nobody's is gone that its track still holds.
pub(crate) fn places(world: &mut World, listener: &str, next: &Listener) {
    let mut wrong = Wrong::new();
    let now = Timestamp(world.now + AHEAD_MS);
    if let Some(stored) = world.table.listeners.get(listener) {
        for key in stored.held.keys() {
            let track = &world.table.tracks.get(key).cloned().unwrap_or_else(|| Track::new(key.clone()));
            let over: Vec<Release> = stored
                .unsure(track)
                .into_iter()
                .filter_map(|n| world.table.releases.get(&track.release_id(n)).cloned())
                .collect();
            let still = stored.as_held(track, &over, now);
            let kept = |held: &Reserved| {
                let rules =
                    next.held.get(key).into_iter().flat_map(|next| next.live.iter().chain(&next.coming));
                rules.into_iter().any(|next| next.n == held.n && next.revision == held.revision)
            };
            let held = still.held.get(key).into_iter().flat_map(|held| held.live.iter().chain(&held.coming));
            for lost in held.filter(|held| !kept(held)) {
                wrong.push((I11, format!("the place of {key} for release {} is taken away", lost.n)));
            }
        }
    }
    tell(world, &["I11"], wrong);
}

/// I11: whoever brings a rule holds its place, and no other stack has it or is about to.
pub(super) fn in_its_place(
    world: &World,
    stack: &StackName,
    key: &EffectKey,
    props: &Props,
    wrong: &mut Wrong,
) {
    let Some((listener, priority)) = props.place() else { return };
    let track = &key.release.track;
    let held = world.table.listeners.get(listener).and_then(|listener| listener.held.get(track));
    let is_held = held.is_some_and(|held| {
        let mut reserved = held.live.iter().chain(&held.coming);
        reserved.any(|it| it.n == key.release.n && it.rule.priority.to_string() == priority)
    });
    if !is_held {
        wrong.push((I11, format!("{key} brings a rule at {priority} that is not held for it")));
    }
    let operations = world.stacks.operations.iter().filter(|operation| operation.ended.is_none());
    let coming = operations.map(|operation| (operation.stack.as_str(), &operation.props));
    let there =
        world.stacks.all.iter().filter_map(|(name, stack)| Some((name.as_str(), stack.props.as_ref()?)));
    for (other, _) in there.chain(coming).filter(|(_, other)| other.place() == props.place()) {
        if other != stack.as_str() && world.stacks.all.contains_key(other) {
            wrong.push((I11, format!("{key} brings a rule at {priority}, where {other} has one")));
        }
    }
}
