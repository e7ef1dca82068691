//! One way to make an SDK configuration: rustls on ring, short timeouts, and nothing that looks for credentials
//! elsewhere when an account is given.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The region of everything that runs on the local AWS.
pub const LOCAL_REGION: &str = "eu-west-1";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// All attempts of one call together; a function has 30 seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(22);
/// A whole template is transformed within one call.
const PATIENCE: Duration = Duration::from_secs(300);
/// Every call that changes something carries a token or a condition, so that an attempt can be repeated.
const ATTEMPTS_MAX: u32 = 3;

/// The configuration of every client.
///
/// `endpoint` overrides what the environment says. An `account` makes credentials that only the local AWS
/// takes: there, an access key is the account's twelve digits, and the name of one of its people, where it is one's.
pub async fn load(endpoint: Option<&str>, account: Option<&str>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls()).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX));
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(account) = account {
        let credentials =
            aws_credential_types::Credentials::new(account, "local", None, None, "tidegate local");
        loader = loader.credentials_provider(credentials).region(Region::from_static(LOCAL_REGION));
    }
    loader.load().await
}

/// The same configuration for calls to a local AWS by whoever can wait: it shares its machine with everything that it
/// runs, and a call given up and repeated would only be more work for it.
#[must_use]
pub fn patient(config: SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(PATIENCE)
        .operation_timeout(PATIENCE)
        .build();
    config.into_builder().timeout_config(timeouts).build()
}

/// ring, not aws-lc: its entropy costs about 25 ms at a function's first handshake.
pub(crate) fn tls() -> Provider {
    Provider::Rustls(CryptoMode::Ring)
}
