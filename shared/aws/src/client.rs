//! One way to make an SDK configuration: rustls on ring, and nothing that looks for credentials elsewhere
//! when an account is given.

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The configuration of every client.
///
/// `endpoint` overrides what the environment says. An `account` makes credentials that only the local AWS
/// takes: there, an access key of twelve digits is the account.
pub async fn load(endpoint: Option<&str>, account: Option<&str>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
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

/// The region of everything that runs on the local AWS.
pub const LOCAL_REGION: &str = "eu-west-1";
