//! A Lambda function around one handler: its log, its clients, its loop.

use engine::failure::Failure;
pub use lambda_runtime::Error;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing_subscriber::EnvFilter;

use crate::Aws;

/// Serves events until Lambda ends the process. One event at a time, so one thread is enough.
///
/// A failure of `handler` is the invocation's error: Lambda or the queue delivers the event again.
pub fn serve<H>(handler: H) -> Result<(), Error>
where
    H: AsyncFn(&Aws, &[u8]) -> Result<Value, Failure>,
{
    log_json();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let aws = Aws::from_environment().await;
        lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
            handler(&aws, event.payload.get().as_bytes()).await.map_err(Told)
        }))
        .await
    })
}

/// The runtime logs an invocation's error by its debug form, which must be the one line that a person reads.
#[derive(thiserror::Error)]
#[error("{0}")]
struct Told(#[source] Failure);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<Told> for lambda_runtime::Diagnostic {
    fn from(told: Told) -> Self {
        let kind = match &told.0 {
            Failure::Transient { .. } => "Transient",
            Failure::Unknown { .. } => "Unknown",
            Failure::Refused { .. } => "Refused",
            Failure::NoCapacity { .. } => "NoCapacity",
        };
        Self { error_type: kind.to_owned(), error_message: told.0.to_string() }
    }
}

/// One JSON object a line; Lambda adds the time.
fn log_json() {
    let level = std::env::var("TIDEGATE_LOG").ok().filter(|level| !level.is_empty());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(EnvFilter::new(level.as_deref().unwrap_or("info")))
        .init();
}
