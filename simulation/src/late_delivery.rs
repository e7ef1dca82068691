//! A message that two functions work on at once: the slower one finds, between any two of its calls, that all is done.

use std::cell::RefCell;
use std::rc::Rc;

use engine::ports::BuildStatus;
use model::ids::{ImageDigest, TrackKey};
use model::time::Timestamp;
use model::track::Live;

use crate::builds::Becomes;
use crate::delivery::invoke;
use crate::events;
use crate::executor::Task;
use crate::mutated::Mutated;
use crate::ports::Ports;
use crate::script::Scripted;
use crate::sources::{Commit, CommitKind};
use crate::trace::Keep;
use crate::world::{Function, Happening, Invocation, Origin, START_MS, World};

/// More than the builder makes pauses for one message.
const PAUSES_MAX: usize = 60;

struct Stage {
    world: Rc<RefCell<World>>,
}

impl Stage {
    /// A world in which nothing goes wrong, and one release whose build is promised.
    fn with_a_push() -> (Self, TrackKey) {
        let repository = "payments".to_owned();
        let calm = Scripted::new(std::slice::from_ref(&repository), &["production"]);
        let mut world = calm.world(1, Keep::Nothing, None);
        world.push(&Commit { repository, kind: CommitKind::Good });
        let stage = Self { world: Rc::new(RefCell::new(world)) };
        stage.hears(Function::Push);
        let track = stage.world.borrow().table.tracks.keys().next().cloned();
        (stage, track.expect("the push made a release"))
    }

    fn begins(&self, function: Function, payload: Vec<u8>) -> Task {
        let came = Rc::from(payload.as_slice());
        let ports = Ports { world: Rc::clone(&self.world), ahead_ms: 0, came };
        let invocation = Invocation { function, payload, origin: Origin::Event { attempt: 0 } };
        invoke(Mutated::new(ports, &invocation), &invocation)
    }

    fn runs(&self, function: Function, payload: Vec<u8>) {
        let mut task = self.begins(function, payload);
        while task.run().is_none() {}
    }

    /// Every event for that function arrives.
    fn hears(&self, function: Function) {
        for payload in self.events(function) {
            self.runs(function, payload);
        }
    }

    fn events(&self, function: Function) -> Vec<Vec<u8>> {
        let agenda = std::mem::take(&mut self.world.borrow_mut().agenda);
        let mut payloads = Vec::new();
        for happening in agenda.into_values() {
            if let Happening::Invoke(event) = happening
                && event.function == function
            {
                payloads.push(event.payload);
            }
        }
        payloads
    }

    /// The one release that is in flight ends deployed, and somebody writes its listener by that.
    fn goes_live(&self, key: &TrackKey) {
        let table = &mut self.world.borrow_mut().table;
        let track = table.tracks.get_mut(key).expect("the track is there");
        let release = track.in_flight.pop().expect("a release is in flight");
        track.outbox.clear();
        track.version += 1;
        track.live = Some(Live {
            release: release.id,
            revision: release.revision,
            image: ImageDigest::of(&[1; 32]),
            task_definition: "payments:1".to_owned(),
            since: Timestamp(START_MS),
            from: None,
            refresh: None,
        });
        for listener in table.listeners.values_mut() {
            *listener = listener.as_held(track, &[], Timestamp(START_MS));
        }
    }
}

#[test]
fn a_late_delivery_starts_no_build_for_a_release_that_is_over() {
    for pauses in 0..PAUSES_MAX {
        let (stage, track) = Stage::with_a_push();
        let wake = events::queued("BuilderQueue", 1, &events::wake(&track.to_string()));
        let mut slower = stage.begins(Function::Builder, wake.clone());
        let is_done = (0..pauses).any(|_| slower.run().is_some());

        stage.runs(Function::Builder, wake.clone());
        let arn = {
            let world = &mut *stage.world.borrow_mut();
            let run = world.builds.all.last_mut().expect("the build was started");
            run.becomes = Becomes::Failed(BuildStatus::Failed);
            run.arn.clone()
        };
        stage.world.borrow_mut().build_ends(&arn);
        stage.hears(Function::Build);
        stage.runs(Function::Builder, wake);
        assert!(stage.world.borrow().table.tracks[&track].in_flight.is_empty(), "the release failed");

        while !is_done && slower.run().is_none() {}
        let builds = stage.world.borrow().builds.all.len();
        assert_eq!(builds, 1, "a delivery that was held up after {pauses} pauses started another build");
    }
}

/// It has what a listener holds from its own track: read before others wrote that listener, the track knows less than they.
#[test]
fn a_late_push_takes_away_no_place_of_what_went_live_meanwhile() {
    for pauses in 0..PAUSES_MAX {
        let (stage, key) = Stage::with_a_push();
        let pushed = Commit { repository: "payments".to_owned(), kind: CommitKind::Good };
        stage.world.borrow_mut().push(&pushed);
        let event = stage.events(Function::Push).pop().expect("the push is told of");
        let mut slower = stage.begins(Function::Push, event);
        let is_done = (0..pauses).any(|_| slower.run().is_some());
        if stage.world.borrow().table.tracks[&key].newest.as_ref().is_some_and(|newest| newest.n > 1) {
            return;
        }
        stage.goes_live(&key);
        while !is_done && slower.run().is_none() {}
        let world = stage.world.borrow();
        let wrong = &world.violations;
        assert!(wrong.is_empty(), "a push that was held up after {pauses} pauses: {wrong:?}");
    }
    panic!("the push never came to its end");
}
