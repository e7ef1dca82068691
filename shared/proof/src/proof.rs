//! The signature that comes with an order.

use std::fmt;

use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::refusal::Refusal;
use crate::{Installation, Request, Unsigned};

/// A proof is believed for so long.
pub const AGE_MAX: Span = Span::seconds(60);
/// Clocks differ by less.
const AHEAD_MAX: Span = Span::seconds(30);
const SIGNED_HEADERS_CHARS_MAX: usize = 128;
/// AWS names no limit, and says that tokens have less than 4,096 bytes today. Source: STS API, Credentials.
const TOKEN_CHARS_MAX: usize = 8192;

/// A signature of the one request. Whoever has it may order in its signer's name for a minute, so nothing of it is shown
/// (I9): not in logs, messages, failures or quarantine.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    pub(crate) access_key: String,
    pub(crate) signed_at_s: i64,
    region: String,
    signed_headers: String,
    pub(crate) signature: String,
    pub(crate) session_token: Option<String>,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(hidden)")
    }
}

/// As it is sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    access_key: String,
    /// Seconds since 1970.
    signed_at: u32,
    region: String,
    signed_headers: String,
    signature: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_token: Option<String>,
}

impl Proof {
    /// Of `unsigned`, signed with this access key at that moment.
    pub fn new(
        installation: &Installation,
        unsigned: &Unsigned,
        access_key: &str,
        signed_at_s: i64,
        session_token: Option<&str>,
        signature: &str,
    ) -> Self {
        Self {
            access_key: access_key.to_owned(),
            signed_at_s,
            region: installation.region().to_owned(),
            signed_headers: unsigned.signed_headers.to_owned(),
            signature: signature.to_owned(),
            session_token: session_token.map(str::to_owned),
        }
    }

    /// # Errors
    /// `Missing` for null, `Malformed` for what could not have been signed by anybody.
    pub fn read(value: &Value) -> Result<Self, Refusal> {
        if value.is_null() {
            return Err(Refusal::Missing);
        }
        // The reader's own words could quote it.
        let wire = Wire::deserialize(value)
            .map_err(|_| Refusal::Malformed("fields are not those that `tidegate` sends"))?;
        let is_alphanumeric = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(12..=128).contains(&wire.access_key.len()) || !is_alphanumeric(&wire.access_key) {
            return Err(Refusal::Malformed("access key is none"));
        }
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if wire.signature.len() != 64 || !is_hex(&wire.signature) {
            return Err(Refusal::Malformed("signature is not 64 digits of lower-case hexadecimal"));
        }
        if wire.signed_headers.len() > SIGNED_HEADERS_CHARS_MAX
            || wire.region.len() > SIGNED_HEADERS_CHARS_MAX
        {
            return Err(Refusal::Malformed("scope is too long"));
        }
        let is_token = |token: &str| {
            (1..=TOKEN_CHARS_MAX).contains(&token.len())
                && token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
        };
        if wire.session_token.as_deref().is_some_and(|token| !is_token(token)) {
            return Err(Refusal::Malformed("session token is none"));
        }
        Ok(Self {
            access_key: wire.access_key,
            signed_at_s: wire.signed_at.into(),
            region: wire.region,
            signed_headers: wire.signed_headers,
            signature: wire.signature,
            session_token: wire.session_token,
        })
    }

    /// For `approval` alone.
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::json!({
            "accessKey": self.access_key,
            "signedAt": self.signed_at_s,
            "region": self.region,
            "signedHeaders": self.signed_headers,
            "signature": self.signature,
        });
        if let Some(token) = &self.session_token {
            json["sessionToken"] = token.as_str().into();
        }
        json
    }

    /// Everything that can be told without asking AWS, and then the request to ask it with.
    ///
    /// # Errors
    /// What is wrong with the proof.
    pub fn request(
        &self,
        installation: &Installation,
        bound: &str,
        now: Timestamp,
    ) -> Result<Request, Refusal> {
        let signed_at = Timestamp(u64::try_from(self.signed_at_s).unwrap_or_default() * 1000);
        if now.since(signed_at) > AGE_MAX {
            let age_s = now.since(signed_at).as_seconds();
            return Err(Refusal::TooOld { age_s, max_s: AGE_MAX.as_seconds() });
        }
        if signed_at.since(now) > AHEAD_MAX {
            return Err(Refusal::Ahead { by_s: signed_at.since(now).as_seconds() });
        }
        if self.region != installation.region() {
            return Err(Refusal::AnotherRegion(installation.region().to_owned()));
        }
        let token = self.session_token.as_deref();
        let needed = Unsigned::of(installation, bound, self.signed_at_s, token).signed_headers;
        if self.signed_headers != needed {
            return Err(Refusal::Unsigned(needed));
        }
        Ok(Request::of(self, installation, bound))
    }

    /// Until when its order must be remembered, so that it is taken once.
    pub fn remembered_until(&self) -> Timestamp {
        let signed_at = Timestamp(u64::try_from(self.signed_at_s).unwrap_or_default() * 1000);
        // Clocks differ, and DynamoDB forgets by the clock of its own.
        signed_at.plus(AGE_MAX).plus(Span::hours(1))
    }
}
