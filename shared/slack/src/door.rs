//! A request at the Function URL, before it is believed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::time::{Span, Timestamp};
use serde_json::{Value, json};

use crate::refusal::{Refusal, Unsigned};
use crate::signature;

/// Slack's own bodies stay far below this.
const BODY_BYTES_MAX: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// What Lambda hands to a function behind a URL. Source: Lambda guide, "Function URL request payload", format 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    pub method: &'a str,
    pub content_type: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub body: Option<&'a str>,
    pub is_base64: bool,
}

impl<'a> Request<'a> {
    /// Names of headers arrive in lower case; several of one name arrive joined, and are none that Slack sends.
    pub fn of(payload: &'a Value) -> Self {
        let header = |name: &str| payload["headers"][name].as_str();
        Self {
            method: payload["requestContext"]["http"]["method"].as_str().unwrap_or_default(),
            content_type: header("content-type"),
            timestamp: header("x-slack-request-timestamp"),
            signature: header("x-slack-signature"),
            body: payload["body"].as_str(),
            is_base64: payload["isBase64Encoded"].as_bool().unwrap_or(false),
        }
    }
}

/// A request that is signed by somebody; whether by Slack, `verify` tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    timestamp: u64,
    signature: [u8; 32],
    body: Vec<u8>,
}

/// What is in it may let others answer in a person's name, so nothing of it is shown (I9).
impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signed {{ timestamp: {}, {} bytes }}", self.timestamp, self.body.len())
    }
}

/// Everything that can be told without the secret, and so before anything is paid for.
///
/// # Errors
/// What is wrong with the request.
pub fn look(request: &Request<'_>, now: Timestamp) -> Result<Signed, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::Method);
    }
    let body = request.body.filter(|body| !body.is_empty()).ok_or(Refusal::Body)?;
    let encoded_max = if request.is_base64 { BODY_BYTES_MAX.div_ceil(3) * 4 } else { BODY_BYTES_MAX };
    let too_large = Refusal::TooLarge { max_bytes: BODY_BYTES_MAX };
    if body.len() > encoded_max {
        return Err(too_large);
    }
    let essence = request.content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case(FORM) {
        return Err(Refusal::ContentType);
    }
    let headers = Refusal::Unsigned(Unsigned::Headers);
    let timestamp = request.timestamp.and_then(seconds).ok_or(headers.clone())?;
    let signature = request.signature.and_then(signature::parse).ok_or(headers)?;
    if !is_near(timestamp, now, signature::SKEW_MAX) {
        return Err(Refusal::Unsigned(Unsigned::Time));
    }
    let body = if request.is_base64 {
        STANDARD.decode(body).map_err(|_| Refusal::Body)?
    } else {
        body.as_bytes().to_vec()
    };
    if body.len() > BODY_BYTES_MAX {
        return Err(too_large);
    }
    Ok(Signed { timestamp, signature, body })
}

impl Signed {
    /// The raw bytes, once they are known to be Slack's.
    ///
    /// # Errors
    /// `Unsigned` when the signature is not that of `secret`.
    pub fn verify(&self, secret: &[u8]) -> Result<&[u8], Refusal> {
        // An empty secret would sign whatever anybody sends.
        let is_slack_s =
            !secret.is_empty() && signature::is_signed(secret, self.timestamp, &self.body, &self.signature);
        if is_slack_s { Ok(&self.body) } else { Err(Refusal::Unsigned(Unsigned::Signature)) }
    }

    /// Whether it was signed within `age` of `now`.
    pub fn is_near(&self, now: Timestamp, age: Span) -> bool {
        is_near(self.timestamp, now, age)
    }

    /// What is the same for no two requests.
    pub fn id(&self) -> String {
        self.signature.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The message that brings it to `approval`, which verifies it again.
    pub fn to_message(&self) -> Value {
        json!({ "slack": {
            "timestamp": self.timestamp,
            "signature": format!("v0={}", self.id()),
            "body": STANDARD.encode(&self.body),
        }})
    }

    /// From the raw bytes; `None` when they are too many, or the signature has not its form.
    pub fn from_body(timestamp: u64, signature: &str, body: Vec<u8>) -> Option<Self> {
        let fits = body.len() <= BODY_BYTES_MAX;
        Some(Self { timestamp, signature: signature::parse(signature).filter(|_| fits)?, body })
    }

    /// Reads what `to_message` wrote.
    pub fn from_message(timestamp: u64, signature: &str, body: &str) -> Option<Self> {
        Self::from_body(timestamp, signature, STANDARD.decode(body).ok()?)
    }
}

/// Digits only: what else a parser takes, such as a sign, Slack does not send.
fn seconds(header: &str) -> Option<u64> {
    let is_plain = (1..=12).contains(&header.len()) && header.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| header.parse().ok()).flatten()
}

fn is_near(timestamp: u64, now: Timestamp, age: Span) -> bool {
    (now.0 / 1000).abs_diff(timestamp) <= age.as_seconds()
}
