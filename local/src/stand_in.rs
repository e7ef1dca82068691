//! The seam between the front door and the stand-ins that answer in AWS's place.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};

/// One AWS request as it reached the front door, its signature's scope already read.
#[derive(Debug, Clone)]
pub struct Call {
    pub account: String,
    pub region: String,
    pub service: String,
    pub action: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    /// An answer of the AWS JSON 1.1 protocol.
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: "application/x-amz-json-1.1",
            headers: Vec::new(),
            body: value.to_string().into(),
        }
    }

    /// An error of the AWS JSON 1.1 protocol: `{"__type","message"}`.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::json(status, &json!({ "__type": kind, "message": message }))
    }
}

/// What AWS would send to EventBridge.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceEvent {
    pub source: &'static str,
    pub detail_type: &'static str,
    pub account: String,
    pub region: String,
    pub resources: Vec<String>,
    pub detail: Value,
}

pub type Events = tokio::sync::mpsc::UnboundedSender<ServiceEvent>;
