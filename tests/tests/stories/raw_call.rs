//! Calls of services that the product has no client for. Only the scope of the signature matters to the front door.

use aws::client::LOCAL_REGION;
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct RawCalls {
    pub(crate) endpoint: String,
    pub(crate) account: String,
    pub(crate) http: reqwest::Client,
}

impl RawCalls {
    /// One operation of an AWS JSON 1.1 protocol.
    pub(crate) async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, String> {
        let answer = self
            .http
            .post(&self.endpoint)
            .header("authorization", self.authorization(service))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(input.to_string())
            .send()
            .await
            .map_err(|error| format!("{target}: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("{target}: {error}"))?;
        if !status.is_success() {
            return Err(format!("{target} is {status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{target} answered {text:?}: {error}"))
    }

    /// Runs a function now and waits for it.
    pub(crate) async fn invoke(&self, function: &str, payload: &Value) -> Result<String, String> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let answer = self
            .http
            .post(url)
            .header("authorization", self.authorization("lambda"))
            .body(payload.to_string())
            .send()
            .await
            .map_err(|error| format!("{function}: {error}"))?;
        let failed = answer.headers().contains_key("x-amz-function-error") || !answer.status().is_success();
        let text = answer.text().await.map_err(|error| format!("{function}: {error}"))?;
        if failed { Err(format!("{function}: {text}")) } else { Ok(text) }
    }

    fn authorization(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{LOCAL_REGION}/{service}/aws4_request, SignedHeaders=host, \
             Signature=story",
            self.account
        )
    }
}
