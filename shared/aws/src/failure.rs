//! What the SDK's errors mean: the one place where retried, refused and unknown are told apart.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::failure::Failure;

/// One operation of one service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Changes,
}

impl Call {
    pub(crate) const fn reads(name: &'static str) -> Self {
        Self { name, kind: Kind::Reads }
    }

    /// Without an answer, it may have had its effect.
    pub(crate) const fn changes(name: &'static str) -> Self {
        Self { name, kind: Kind::Changes }
    }

    pub(crate) fn refused(self, why: impl Into<String>) -> Failure {
        Failure::refused(self.name, why)
    }

    pub(crate) fn no_capacity(self, why: impl Into<String>) -> Failure {
        Failure::NoCapacity { call: self.name, why: why.into() }
    }

    pub(crate) fn transient(self, source: impl Into<engine::failure::Source>) -> Failure {
        Failure::transient(self.name, source)
    }

    /// No answer came: a read is simply repeated.
    pub(crate) fn unanswered(self, source: impl Into<engine::failure::Source>) -> Failure {
        match self.kind {
            Kind::Reads => Failure::transient(self.name, source),
            Kind::Changes => Failure::Unknown { call: self.name, source: source.into() },
        }
    }

    /// What this error means when it has no meaning of its own for the operation.
    pub(crate) fn failed<E>(self, error: SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match meaning(&error) {
            Meaning::NotDone => self.transient(Told::new(error)),
            Meaning::Unanswered => self.unanswered(Told::new(error)),
            Meaning::Refused => self.refused(words(&error)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    NotDone,
    Unanswered,
    Refused,
}

fn meaning<E>(error: &SdkError<E, HttpResponse>) -> Meaning
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => Meaning::NotDone,
        SdkError::DispatchFailure(_) if never_connected(error) => Meaning::NotDone,
        SdkError::ServiceError(answer) => {
            by_code(answer.err().code().unwrap_or_default(), answer.raw().status().as_u16())
        }
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Meaning::Unanswered
        }
        // What a newer SDK adds: the safe assumption.
        _ => Meaning::Unanswered,
    }
}

/// Codes that say "not now". Source: the AWS SDKs' shared list of throttling and transient errors.
const NOT_NOW: [&str; 19] = [
    "Throttling",
    "ThrottlingException",
    "ThrottlingError",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "PriorRequestNotComplete",
    "BandwidthLimitExceeded",
    "SlowDown",
    "ServiceUnavailable",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestTimeout",
    "RequestTimeTooSkewed",
];

fn by_code(code: &str, status: u16) -> Meaning {
    match status {
        _ if NOT_NOW.contains(&code) => Meaning::NotDone,
        429 | 503 => Meaning::NotDone,
        // The service failed somewhere: before the effect, or after it.
        500.. => Meaning::Unanswered,
        _ => Meaning::Refused,
    }
}

/// Whether no connection was made, so that nothing can have been sent.
pub(crate) fn never_connected(error: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    chain(error).any(|cause| {
        let refused = cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| matches!(io.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable));
        // The client's own error types are not public; their words are.
        let text = cause.to_string();
        refused
            || text.contains("(Connect)")
            || text.contains("HTTP connect timeout")
            || text.contains("dns error")
    })
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// AWS's code and message, or the chain of causes when AWS did not answer. Never the request or the raw response: they
/// can hold secrets (I9).
pub(crate) fn words<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let meta = error.meta();
    match (meta.code(), meta.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => {
            let status =
                error.raw_response().map_or(String::new(), |raw| format!("status {}, ", raw.status()));
            let causes: Vec<String> = chain(error).map(ToString::to_string).collect();
            format!("{status}{}", causes.join(": "))
        }
    }
}

/// An SDK error that can be told in one line. Its source is kept.
struct Told {
    words: String,
    error: Box<dyn Error + Send + Sync>,
}

impl Told {
    fn new<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        Self { words: words(&error), error: Box::new(error) }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

// The derived form would print the raw response.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.words)
    }
}

impl Error for Told {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.error.as_ref())
    }
}

#[cfg(test)]
mod tests;
