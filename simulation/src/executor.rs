//! Polling by hand: nothing runs but what the world's clock says runs next.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use engine::failure::Failure;
use serde_json::Value;

pub(crate) type Outcome = Result<Value, Failure>;

/// A function that is running. Dropping it is a crash.
pub(crate) struct Task(Pin<Box<dyn Future<Output = Outcome>>>);

impl Task {
    pub(crate) fn new(future: impl Future<Output = Outcome> + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Runs up to the next pause; `None` while there is more to do.
    pub(crate) fn run(&mut self) -> Option<Outcome> {
        let mut context = Context::from_waker(Waker::noop());
        match self.0.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

/// Where others may run, and where a crash may happen: once before and once after every effect.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_stops_at_each_pause() {
        let mut task = Task::new(async {
            pause().await;
            pause().await;
            Ok(Value::Null)
        });
        assert!(task.run().is_none());
        assert!(task.run().is_none());
        assert!(matches!(task.run(), Some(Ok(Value::Null))));
    }
}
