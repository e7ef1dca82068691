//! A crash at one chosen call: before it takes effect, or after.

use std::cell::RefCell;
use std::future::pending;

use crate::world::{Function, Invocation, Origin, SPOKEN_QUEUE, World};

/// Where an invocation dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrashPoint {
    /// Port calls are counted from 1, over the whole run.
    pub(crate) call: u64,
    pub(crate) moment: Moment,
    pub(crate) then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeItsEffect,
    AfterItsEffect,
}

/// What becomes of the event or message that was being handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Redelivered,
    /// Only the sweep is left. A person's answer, which no sweep can know, is redelivered all the same.
    Lost,
}

#[derive(Debug, Default)]
pub(crate) struct Crash {
    pub(crate) point: Option<CrashPoint>,
    /// Calls so far.
    pub(crate) calls: u64,
    /// The call that it struck.
    pub(crate) struck: Option<&'static str>,
    is_dying: bool,
}

impl Crash {
    pub(crate) fn at(point: Option<CrashPoint>) -> Self {
        Self { point, ..Self::default() }
    }

    pub(crate) fn count_call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// What runs beside the call that was struck dies with it.
    fn strikes(&mut self, call: &'static str, number: u64, moment: Moment) -> bool {
        if self.point.is_some_and(|point| point.call == number && point.moment == moment) {
            self.struck = Some(call);
            self.is_dying = true;
        }
        self.is_dying
    }

    /// Whether the invocation that was just polled is dead, and so what becomes of its payload.
    pub(crate) fn take(&mut self) -> Option<Then> {
        std::mem::take(&mut self.is_dying).then(|| self.point.map(|point| point.then))?
    }
}

/// Comes back only if the invocation lives on.
pub(crate) async fn survive(world: &RefCell<World>, call: &'static str, number: u64, moment: Moment) {
    let strikes = world.borrow_mut().crash.strikes(call, number, moment);
    if strikes {
        pending().await
    }
}

/// As its source would see it after its last delivery.
pub(crate) fn last_delivery(mut invocation: Invocation) -> Invocation {
    match &mut invocation.origin {
        Origin::Event { attempt } if invocation.function != Function::Approval => *attempt = u32::MAX - 1,
        Origin::Queue(message) if message.queue != SPOKEN_QUEUE => message.receives = u32::MAX,
        Origin::Event { .. }
        | Origin::Queue(_)
        | Origin::Schedule
        | Origin::Person(_)
        | Origin::Operator(_) => {}
    }
    invocation
}
