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
    poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        // Of many futures at once, only those that woke are looked at again.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;

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

    #[test]
    fn many_at_once_pause_and_go_on() {
        let mut task = Task::new(async {
            let each: FuturesUnordered<_> = (0..3).map(|_| pause()).collect();
            each.collect::<()>().await;
            Ok(Value::Null)
        });
        let runs = (1..10).find(|_| task.run().is_some());
        assert!(runs.is_some_and(|runs| runs > 1), "{runs:?}");
    }
}
