//! The way from the front door to the emulator.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use super::scope::Scope;

/// The emulator's address and the connections to it.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    base: String,
    http: reqwest::Client,
}

/// An answer of the emulator, whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("the emulator did not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the emulator answered {action} with {status}: {body}")]
    Refused { action: String, status: u16, body: String },
}

impl Upstream {
    pub(crate) fn new(base: String) -> Result<Self, reqwest::Error> {
        // A proxy of the user's environment must never see these calls.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { base, http })
    }

    /// Passes a request on as it came.
    pub(crate) async fn forward(
        &self,
        method: &Method,
        path_and_query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Reply, reqwest::Error> {
        let mut headers = headers.clone();
        for own_of_this_connection in
            [header::CONNECTION, header::CONTENT_LENGTH, header::EXPECT, header::TRANSFER_ENCODING]
        {
            headers.remove(own_of_this_connection);
        }
        let url = format!("{}{path_and_query}", self.base);
        let answer = self.http.request(method.clone(), url).headers(headers).body(body).send().await?;
        Ok(Reply { status: answer.status(), headers: answer.headers().clone(), body: answer.bytes().await? })
    }

    /// Calls an operation of a JSON protocol in somebody's name; `target` is `<service's prefix>.<action>`.
    pub(crate) async fn json(&self, scope: &Scope, target: &str, input: &Value) -> Result<Value, Unanswered> {
        let sent = self.http.post(&self.base).header("content-type", "application/x-amz-json-1.1");
        let sent = sent.header("x-amz-target", target).header("authorization", scope.authorization());
        let answer = sent.body(input.to_string()).send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        if !status.is_success() {
            return Err(refused(target, status, &body));
        }
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Calls an operation of the query protocol in somebody's name; the answer is XML.
    pub(crate) async fn query(&self, scope: &Scope, form: &[(String, String)]) -> Result<String, Unanswered> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let sent = self.http.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        let answer = sent.header("authorization", scope.authorization()).body(body).send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        if !status.is_success() {
            let action = form.iter().find(|(name, _)| name == "Action").map_or("?", |(_, action)| action);
            return Err(refused(action, status, &body));
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Invokes a function asynchronously, as EventBridge does.
    pub(crate) async fn invoke(
        &self,
        scope: &Scope,
        function_arn: &str,
        event: &Value,
    ) -> Result<(), Unanswered> {
        let name: String = form_urlencoded::byte_serialize(function_arn.as_bytes()).collect();
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.base);
        let sent = self.http.post(url).header("x-amz-invocation-type", "Event");
        let answer =
            sent.header("authorization", scope.authorization()).body(event.to_string()).send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        if status.is_success() { Ok(()) } else { Err(refused(function_arn, status, &body)) }
    }

    /// Kills the function's process in that execution environment, if it is handling an event; whether it was.
    pub(crate) async fn kill(&self, environment: u16) -> Result<bool, Unanswered> {
        let path = format!("/_tidegate/kill/{environment}");
        let answer = self.http.post(format!("{}{path}", self.base)).send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        let killed = serde_json::from_slice(&body).ok().filter(|_| status.is_success());
        killed.ok_or_else(|| refused(&path, status, &body))
    }
}

fn refused(action: &str, status: StatusCode, body: &[u8]) -> Unanswered {
    Unanswered::Refused {
        action: action.to_owned(),
        status: status.as_u16(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Option<Value> {
        self.status.is_success().then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// An answer of our own, in the JSON protocol.
    pub(crate) fn of_json(status: StatusCode, value: &Value) -> Self {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/x-amz-json-1.1");
        headers.insert(header::CONTENT_TYPE, json);
        Self { status, headers, body: value.to_string().into() }
    }

    pub(crate) fn with_json(mut self, value: &Value) -> Self {
        self.body = value.to_string().into();
        self
    }

    pub(crate) fn into_response(self, method: &Method) -> Response<Body> {
        let mut headers = self.headers;
        headers.remove(header::CONNECTION);
        headers.remove(header::TRANSFER_ENCODING);
        // A HEAD answer tells the length of a body that it does not carry.
        if method != Method::HEAD {
            headers.remove(header::CONTENT_LENGTH);
        }
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}
