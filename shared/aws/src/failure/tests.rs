use std::io;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;

const READ: Call = Call::reads("dynamodb GetItem");
const CHANGE: Call = Call::changes("cloudformation ExecuteChangeSet");

/// A service's error that says nothing beyond its metadata.
#[derive(Debug)]
struct Said(ErrorMetadata);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unhandled error")
    }
}

impl Error for Said {}

impl ProvideErrorMetadata for Said {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

fn answer(status: u16, code: &str, message: &str) -> SdkError<Said, HttpResponse> {
    let meta = ErrorMetadata::builder().code(code).message(message).build();
    SdkError::service_error(Said(meta), raw(status, "SECRET"))
}

fn raw(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))
}

fn lost(kind: io::ErrorKind) -> SdkError<Said, HttpResponse> {
    SdkError::dispatch_failure(ConnectorError::io(Box::new(io::Error::from(kind))))
}

/// Transient, Unknown, Refused or NoCapacity.
fn name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Transient { .. } => "Transient",
        Failure::Unknown { .. } => "Unknown",
        Failure::Refused { .. } => "Refused",
        Failure::NoCapacity { .. } => "NoCapacity",
    }
}

#[test]
fn answers_are_told_apart_by_code_and_status() {
    let table = [
        (400, "ThrottlingException", "Transient", "Transient"),
        (400, "ProvisionedThroughputExceededException", "Transient", "Transient"),
        (400, "TransactionInProgressException", "Transient", "Transient"),
        (400, "Throttling", "Transient", "Transient"),
        (403, "ExpiredTokenException", "Transient", "Transient"),
        (429, "Whatever", "Transient", "Transient"),
        (503, "ServiceUnavailable", "Transient", "Transient"),
        (500, "InternalServerError", "Transient", "Unknown"),
        (504, "GatewayTimeout", "Transient", "Unknown"),
        (400, "ValidationError", "Refused", "Refused"),
        (400, "AccessDeniedException", "Refused", "Refused"),
        (403, "AccessDenied", "Refused", "Refused"),
        (404, "ResourceNotFoundException", "Refused", "Refused"),
    ];
    for (status, code, read, change) in table {
        assert_eq!(name(&READ.failed(answer(status, code, "m"))), read, "reading: {status} {code}");
        assert_eq!(name(&CHANGE.failed(answer(status, code, "m"))), change, "changing: {status} {code}");
    }
}

#[test]
fn a_call_that_was_never_sent_is_retried() {
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::NetworkUnreachable] {
        assert_eq!(name(&CHANGE.failed(lost(kind))), "Transient");
    }
    let unsigned = SdkError::<Said, HttpResponse>::construction_failure("no credentials");
    assert_eq!(name(&CHANGE.failed(unsigned)), "Transient");
}

#[test]
fn a_change_whose_answer_was_lost_may_have_happened() {
    let timeout = || SdkError::<Said, HttpResponse>::timeout_error("operation attempt timed out");
    let garbled = || SdkError::<Said, HttpResponse>::response_error("no JSON", raw(200, "SECRET"));
    for failed in [lost(io::ErrorKind::ConnectionReset), timeout(), garbled()] {
        assert_eq!(name(&CHANGE.failed(failed)), "Unknown");
    }
    for failed in [lost(io::ErrorKind::ConnectionReset), timeout(), garbled()] {
        assert_eq!(name(&READ.failed(failed)), "Transient");
    }
}

#[test]
fn a_refusal_says_what_aws_said() {
    let refused = CHANGE.failed(answer(403, "AccessDenied", "User x is not authorized to perform y"));
    assert_eq!(
        refused.to_string(),
        "cloudformation ExecuteChangeSet was refused: AccessDenied: User x is not authorized to perform y"
    );
}

#[test]
fn the_cause_of_a_lost_answer_is_told_and_kept() {
    let failure = CHANGE.failed(lost(io::ErrorKind::ConnectionReset));
    assert!(failure.to_string().contains("connection reset"), "{failure}");
    let Failure::Unknown { source, .. } = failure else { panic!("{failure}") };
    let kept = source.source().and_then(|kept| kept.downcast_ref::<SdkError<Said, HttpResponse>>());
    assert!(kept.is_some(), "the SDK's error is the source");
}

#[test]
fn a_raw_response_is_never_shown() {
    let garbled = SdkError::<Said, HttpResponse>::response_error("no JSON", raw(200, "SECRET"));
    for failure in [CHANGE.failed(garbled), CHANGE.failed(answer(500, "InternalFailure", "m"))] {
        assert!(!format!("{failure} {failure:?}").contains("SECRET"), "{failure:?}");
    }
}

/// The real client, for its errors carry what nothing else proves: that nobody was there.
#[tokio::test]
async fn a_closed_port_is_known_to_have_heard_nothing() {
    use aws_smithy_runtime_api::client::http::HttpConnector;
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

    let connector = aws_smithy_http_client::Connector::builder().tls_provider(crate::client::tls()).build();
    for nowhere in ["http://127.0.0.1:1/", "http://nobody.invalid/"] {
        let mut request = HttpRequest::empty();
        request.set_uri(nowhere).unwrap();
        let error = connector.call(request).await.unwrap_err();
        let failure = CHANGE.failed(SdkError::<Said, HttpResponse>::dispatch_failure(error));
        assert_eq!(name(&failure), "Transient", "{nowhere}: {failure}");
    }
}
