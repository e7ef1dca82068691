//! What the engine logs: each decision is counted, and every line is kept to look for secrets in it (I9).

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::OnceLock;

use model::kinds::{PhaseKind, SignalKind};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::coverage::Coverage;

/// What was logged since the last run began on this thread.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) text: String,
    pub(crate) decided: Coverage,
}

thread_local! {
    static LOG: RefCell<Log> = RefCell::default();
}

/// Runs `body` and gives what it logged.
pub(crate) fn listening<T>(body: impl FnOnce() -> T) -> (T, Log) {
    static LISTENER: OnceLock<Dispatch> = OnceLock::new();
    let listener = LISTENER.get_or_init(|| Dispatch::new(Listener));
    LOG.take();
    let value = tracing::dispatcher::with_default(listener, body);
    (value, LOG.take())
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        LOG.with_borrow_mut(|log| {
            let mut line = Line { text: &mut log.text, phase: None, signal: None, outcome: String::new() };
            event.record(&mut line);
            let Line { text, phase, signal, outcome } = line;
            text.push('\n');
            if let (Some(phase), Some(signal)) = (phase, signal) {
                log.decided.decided((phase, signal), &outcome);
            }
        });
    }

    // The engine opens no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line<'a> {
    text: &'a mut String,
    phase: Option<PhaseKind>,
    signal: Option<SignalKind>,
    outcome: String,
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "phase" => self.phase = PhaseKind::named(value),
            "signal" => self.signal = SignalKind::named(value),
            _ => {}
        }
        let _ = write!(self.text, "{}={value} ", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Without a `why` the message itself says that the decision advances.
        if field.name() == "why" || (field.name() == "message" && self.outcome.is_empty()) {
            self.outcome.clear();
            let _ = write!(self.outcome, "{value:?}");
        }
        let _ = write!(self.text, "{}={value:?} ", field.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_counted_by_what_came_of_it() {
        let ((), log) = listening(|| {
            tracing::debug!(phase = "Ready", signal = "Tick", "advances");
            tracing::debug!(phase = "Ready", signal = "Tick", why = ?model::decide::Why::NothingDue, "ignored");
            tracing::info!(said = "nothing", "handled");
        });
        let outcomes = &log.decided.cells[&(PhaseKind::Ready, SignalKind::Tick)];
        assert_eq!(outcomes.keys().collect::<Vec<_>>(), ["NothingDue", "advances"]);
        assert!(log.text.contains("said=nothing"), "{}", log.text);
    }
}
