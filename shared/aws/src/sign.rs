//! Signs an order as its giver. Only the signature leaves this machine, never the key.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use proof::{BODY, Installation, Proof, Unsigned};

/// Proves whose credentials `config` has; `bound` is the hash of what is ordered.
///
/// # Errors
/// Why nothing could be signed, in a sentence for whoever orders.
pub async fn sign(
    config: &SdkConfig,
    installation: &Installation,
    bound: &str,
    now_s: u32,
) -> Result<Proof, String> {
    let provider = config.credentials_provider().ok_or("there are no AWS credentials")?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| format!("there are no AWS credentials that could be used: {error}"))?;
    let token = credentials.session_token();
    let unsigned = Unsigned::of(installation, bound, now_s.into(), token);
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(installation.region())
        .name("sts")
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(now_s.into()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let url = format!("https://{}/", unsigned.host);
    // The signer adds host, time and token itself.
    let given = unsigned
        .headers
        .iter()
        .filter(|(name, _)| !matches!(*name, "host" | "x-amz-date" | "x-amz-security-token"))
        .map(|(name, value)| (*name, value.as_str()));
    let request = SignableRequest::new("POST", url, given, SignableBody::Bytes(BODY.as_bytes()))
        .map_err(|error| error.to_string())?;
    let signed = aws_sigv4::http_request::sign(request, &parameters).map_err(|error| error.to_string())?;
    let key = credentials.access_key_id();
    Ok(Proof::new(installation, &unsigned, key, now_s.into(), token, signed.signature()))
}
