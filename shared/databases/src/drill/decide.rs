//! What a drill does next: pure, and total over its phases and what can be seen of them.
//!
//! What is promised is stored before it is done: an act is carried out only after the drill that wants it was written,
//! and is wanted again by the next look for as long as nothing shows that it happened.

use model::drill::AnswerKey;
use model::time::{Span, Timestamp};

use super::check::{self, Standing};
use super::{Call, CallNews, CheckOrder, CheckRead, Drill, Instance, Order, Ours, Outcome, Phase, Report};
use crate::facts::Kind;
use crate::policy::Check;

/// What was looked at, or what AWS refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Before anything is asked of RDS.
    Original {
        original: Option<Box<Instance>>,
        copy_is_there: bool,
    },
    Copy(Option<Instance>),
    /// With the newest runs of the check's project.
    Checked {
        copy: Option<Instance>,
        runs: Vec<CheckRead>,
    },
    /// With a key that nobody ever had, should the check's function have to be called.
    Called {
        copy: Option<Instance>,
        fresh: AnswerKey,
    },
    Call(CallNews),
    Refused {
        act: Act,
        why: String,
    },
}

/// One call to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Restore(Order),
    /// RDS makes a new master password, and keeps it where the check can read it.
    RenewPassword(Ours),
    StartCheck(CheckOrder),
    CallCheck(CheckOrder, AnswerKey),
    Delete(Ours),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub next: Next,
    /// Carried out after `next` was written.
    pub act: Option<Act>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing changed.
    Stay,
    Become(Box<Drill>),
    Over(Report),
}

/// A call that was sent before the drill gave its copy up is taken by now, and would show.
const SETTLES: Span = Span::minutes(15);

/// An instance in one of these can be connected to.
///
/// Source: RDS user guide, "Viewing Amazon RDS DB instance status".
pub(crate) const USABLE: [&str; 3] = ["available", "backing-up", "storage-optimization"];
/// One in these comes to nothing more by itself.
pub(crate) const BROKEN: [&str; 12] = [
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-create",
    "incompatible-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "restore-error",
    "storage-full",
];

pub fn decide(drill: &Drill, seen: &Seen, now: Timestamp) -> Decision {
    let look = Look { drill, now };
    match (&drill.phase, seen) {
        (Phase::Requested, Seen::Original { original, copy_is_there }) => {
            look.begin(original.as_deref(), *copy_is_there)
        }
        (Phase::Restoring { order, newest }, Seen::Copy(copy)) => look.restore(order, *newest, copy.as_ref()),
        (Phase::Securing { to, newest }, Seen::Copy(copy)) => look.secure((*to, *newest), copy.as_ref()),
        (Phase::Checking { to, newest, call: _ }, Seen::Checked { copy, runs }) => {
            look.check((*to, *newest), copy.as_ref(), runs)
        }
        (Phase::Checking { to, newest, call }, Seen::Called { copy, fresh }) => {
            look.call((*to, *newest), call.as_ref(), copy.as_ref(), fresh)
        }
        (Phase::Checking { to, newest, call: Some(call) }, Seen::Call(news)) => match call.after(news, now) {
            Some(call) => look.called((*to, *newest), call),
            None => WAIT,
        },
        (Phase::Deleting { outcome, since }, Seen::Copy(copy)) => look.delete(outcome, *since, copy.as_ref()),
        (phase, Seen::Refused { act, why }) => look.refused(phase, act, why),
        // Another look was first, and the drill has moved on since.
        (
            Phase::Requested
            | Phase::Restoring { .. }
            | Phase::Securing { .. }
            | Phase::Checking { .. }
            | Phase::Deleting { .. },
            Seen::Original { .. }
            | Seen::Copy(_)
            | Seen::Checked { .. }
            | Seen::Called { .. }
            | Seen::Call(_),
        ) => WAIT,
    }
}

const WAIT: Decision = Decision { next: Next::Stay, act: None };

struct Look<'a> {
    drill: &'a Drill,
    now: Timestamp,
}

impl Look<'_> {
    fn begin(&self, original: Option<&Instance>, copy_is_there: bool) -> Decision {
        let name = self.drill.database.name();
        if self.drill.database.kind() == Kind::Cluster.as_str() {
            return self.over(failed(format!(
                "{name} is a cluster, and only instances can be drilled yet: restore it by hand, with \
                 `aws rds restore-db-cluster-to-point-in-time`"
            )));
        }
        let Some(original) = original else {
            return self.over(failed(format!("there is no instance {name} in this account and region")));
        };
        if copy_is_there {
            let copy = self.drill.id.copy();
            return self.over(failed(format!("an instance {copy} is there already, and is left alone")));
        }
        if self.is_late() {
            return self.over(failed(self.too_late("restored")));
        }
        match self.drill.order(original) {
            Ok((order, newest)) => {
                let act = Act::Restore(order.clone());
                self.become_and(Phase::Restoring { order, newest }, act)
            }
            Err(why) => self.over(failed(why)),
        }
    }

    fn restore(&self, order: &Order, newest: Timestamp, copy: Option<&Instance>) -> Decision {
        let Some(copy) = copy else {
            return match (self.drill.made.is_empty(), self.is_late()) {
                (true, false) => Decision { next: Next::Stay, act: Some(Act::Restore(order.clone())) },
                (true, true) => self.give_up(self.too_late("restored"), None),
                (false, _) => self.give_up(VANISHED.to_owned(), None),
            };
        };
        self.with_ours(copy, "restored", |ours| {
            let securing = Phase::Securing { to: order.to.unwrap_or(newest), newest };
            self.become_and(securing, Act::RenewPassword(ours))
        })
    }

    fn secure(&self, times: (Timestamp, Timestamp), copy: Option<&Instance>) -> Decision {
        let Some(copy) = copy else { return self.give_up(VANISHED.to_owned(), None) };
        self.with_ours(copy, "given a password", |ours| match &copy.secret {
            None => Decision { next: Next::Stay, act: Some(Act::RenewPassword(ours)) },
            Some(secret) if !secret.is_active => WAIT,
            Some(_) => match self.drill.terms.check {
                Some(_) => self.become_(Phase::Checking { to: times.0, newest: times.1, call: None }),
                None => self.proven(times, self.now, ours),
            },
        })
    }

    fn check(&self, times: (Timestamp, Timestamp), copy: Option<&Instance>, runs: &[CheckRead]) -> Decision {
        let Some(copy) = copy else { return self.give_up(VANISHED.to_owned(), None) };
        self.with_ours(copy, "checked", |ours| match check::of_runs(&self.drill.id, runs) {
            Standing::NotBegun => {
                Decision { next: Next::Stay, act: self.check_order(copy).map(Act::StartCheck) }
            }
            Standing::Runs => WAIT,
            Standing::Succeeded(at) => self.proven(times, at, ours),
            Standing::Failed(why) => self.give_up(check_failed(&why), Some(ours)),
        })
    }

    /// A call that may not have been sent is sent again, with another key: the check may run twice, and counts once.
    fn call(
        &self,
        times: (Timestamp, Timestamp),
        call: Option<&Call>,
        copy: Option<&Instance>,
        fresh: &AnswerKey,
    ) -> Decision {
        let Some(copy) = copy else { return self.give_up(VANISHED.to_owned(), None) };
        self.with_ours(copy, "checked", |ours| match check::of_call(call, self.now) {
            Standing::NotBegun => match self.check_order(copy) {
                Some(order) => {
                    let Decision { next, .. } = self.called(times, Call::Promised { key: fresh.hash() });
                    Decision { next, act: Some(Act::CallCheck(order, fresh.clone())) }
                }
                None => WAIT,
            },
            Standing::Runs => WAIT,
            Standing::Succeeded(at) => self.proven(times, at, ours),
            Standing::Failed(why) => self.give_up(check_failed(&why), Some(ours)),
        })
    }

    fn called(&self, (to, newest): (Timestamp, Timestamp), call: Call) -> Decision {
        self.become_(Phase::Checking { to, newest, call: Some(call) })
    }

    fn delete(&self, outcome: &Outcome, since: Timestamp, copy: Option<&Instance>) -> Decision {
        match copy.and_then(|copy| Some((copy, self.drill.ours(copy).ok()?))) {
            Some((copy, ours)) => {
                let next = self.recorded(&ours, self.drill.phase.clone());
                let act = (copy.status != "deleting").then_some(Act::Delete(ours));
                Decision { next, act }
            }
            None if self.now >= since.plus(SETTLES) => self.over(outcome.clone()),
            None => WAIT,
        }
    }

    fn refused(&self, phase: &Phase, act: &Act, why: &str) -> Decision {
        let said = |what: &str| format!("AWS refused {what}: {why}");
        match (phase, act) {
            (Phase::Restoring { .. }, Act::Restore(_)) => self.give_up(said("to restore it"), None),
            (Phase::Securing { .. }, Act::RenewPassword(ours)) => {
                self.give_up(said("to give the copy a password"), Some(ours.clone()))
            }
            (Phase::Checking { .. }, Act::StartCheck(_) | Act::CallCheck(..)) => {
                self.give_up(said("to start the check"), None)
            }
            // It is tried again by every look; a copy that is left for long is a finding of its own.
            (Phase::Deleting { .. }, Act::Delete(_)) => WAIT,
            // Of an act that another look wanted, before the drill moved on.
            (
                Phase::Requested
                | Phase::Restoring { .. }
                | Phase::Securing { .. }
                | Phase::Checking { .. }
                | Phase::Deleting { .. },
                Act::Restore(_)
                | Act::RenewPassword(_)
                | Act::StartCheck(_)
                | Act::CallCheck(..)
                | Act::Delete(_),
            ) => WAIT,
        }
    }

    /// Goes on with a copy that is the drill's own and usable; otherwise waits, or gives it up.
    fn with_ours(&self, copy: &Instance, until: &str, go_on: impl Fn(Ours) -> Decision) -> Decision {
        let ours = match self.drill.ours(copy) {
            Ok(ours) => ours,
            Err(not) => return self.give_up(format!("{} is there, but {not}", copy.name), None),
        };
        if BROKEN.contains(&copy.status.as_str()) {
            return self.give_up(format!("RDS says that the copy is {}", copy.status), Some(ours));
        }
        if self.is_late() {
            return self.give_up(self.too_late(until), Some(ours));
        }
        if USABLE.contains(&copy.status.as_str()) {
            return go_on(ours);
        }
        Decision { next: self.recorded(&ours, self.drill.phase.clone()), act: None }
    }

    /// `usable`: when it was, and had been checked where there is a check.
    fn proven(&self, (to, newest): (Timestamp, Timestamp), usable: Timestamp, ours: Ours) -> Decision {
        let outcome = Outcome::Proven {
            rto: usable.since(self.drill.requested),
            rpo: self.drill.requested.since(newest),
            to,
            check: self.drill.terms.check.as_ref().map(|check| check.name().to_owned()),
        };
        self.become_and(Phase::Deleting { outcome, since: self.now }, Act::Delete(ours))
    }

    fn give_up(&self, why: String, copy: Option<Ours>) -> Decision {
        let deleting = Phase::Deleting { outcome: failed(why), since: self.now };
        match copy {
            Some(ours) => self.become_and(deleting, Act::Delete(ours)),
            None => self.become_(deleting),
        }
    }

    fn over(&self, outcome: Outcome) -> Decision {
        let Drill { id, requested, .. } = self.drill.clone();
        Decision { next: Next::Over(Report { id, requested, ended: self.now, outcome }), act: None }
    }

    fn become_(&self, phase: Phase) -> Decision {
        Decision { next: Next::Become(Box::new(Drill { phase, ..self.drill.clone() })), act: None }
    }

    /// The copy that an act is about is written down before the act.
    fn become_and(&self, phase: Phase, act: Act) -> Decision {
        let next = match &act {
            Act::RenewPassword(ours) | Act::Delete(ours) => self.recorded(ours, phase),
            Act::Restore(_) | Act::StartCheck(_) | Act::CallCheck(..) => self.become_(phase).next,
        };
        Decision { next, act: Some(act) }
    }

    fn recorded(&self, ours: &Ours, phase: Phase) -> Next {
        let mut drill = Drill { phase, ..self.drill.clone() };
        if !drill.made.iter().any(|resource| resource == ours.resource()) {
            drill.made.push(ours.resource().to_owned());
        }
        if drill == *self.drill { Next::Stay } else { Next::Become(Box::new(drill)) }
    }

    /// Nothing to start while RDS does not say where the copy answers.
    fn check_order(&self, copy: &Instance) -> Option<CheckOrder> {
        let (host, port) = copy.endpoint.clone()?;
        Some(CheckOrder {
            check: self.drill.terms.check.as_ref().map(Check::name)?.to_owned(),
            drill: self.drill.id.clone(),
            database: self.drill.database.clone(),
            engine: copy.engine.clone(),
            host,
            port,
            secret: Some(copy.secret.as_ref()?.arn.clone()),
        })
    }

    fn is_late(&self) -> bool {
        self.now >= self.drill.deadline()
    }

    fn too_late(&self, what: &str) -> String {
        format!("within {} h it could not be {what}", self.drill.terms.hours)
    }
}

const VANISHED: &str = "its copy was deleted by somebody else";

fn check_failed(why: &str) -> String {
    format!("it was restored, and its check failed: {why}")
}

fn failed(why: String) -> Outcome {
    Outcome::Failed { why }
}
