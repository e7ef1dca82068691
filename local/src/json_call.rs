//! Calls of AWS's JSON 1.1 protocol against something on this machine.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Talks to the emulator or to the front door. Nothing is signed: both read only the account and the region.
#[derive(Debug, Clone)]
pub(crate) struct JsonClient {
    http: reqwest::Client,
    endpoint: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{endpoint} does not answer")]
    Unreachable { endpoint: String, source: reqwest::Error },
    #[error("{kind}: {message}")]
    Refused { kind: String, message: String },
}

/// What is called: the target is `<prefix>.<action>`, as in `X-Amz-Target`.
pub(crate) struct Operation<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) target: &'a str,
}

impl JsonClient {
    pub(crate) fn new(endpoint: &str) -> Self {
        // Without a proxy: what is meant for this machine stays on it. Building fails only for TLS, which is unused.
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().unwrap_or_default();
        Self { http, endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    pub(crate) async fn call(&self, operation: &Operation<'_>, body: &Value) -> Result<Value, CallError> {
        let unreachable = |source| CallError::Unreachable { endpoint: self.endpoint.clone(), source };
        let answer = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", operation.target)
            .header("authorization", authorization(operation))
            .body(body.to_string())
            .send()
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        let text: Bytes = answer.bytes().await.map_err(unreachable)?;
        let value: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let told = |names: &[&str]| names.iter().find_map(|name| value[*name].as_str().map(str::to_owned));
        let kind = told(&["__type"]).unwrap_or_else(|| status.to_string());
        Err(CallError::Refused {
            kind: kind.rsplit('#').next().unwrap_or_default().to_owned(),
            message: told(&["message", "Message"]).unwrap_or_default(),
        })
    }
}

/// A header of SigV4's form; the access key is the account.
fn authorization(operation: &Operation<'_>) -> String {
    let Operation { account, region, service, target: _ } = operation;
    let date = jiff::Timestamp::now().strftime("%Y%m%d");
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/{date}/{region}/{service}/aws4_request, \
         SignedHeaders=host;x-amz-target, Signature=unchecked"
    )
}
