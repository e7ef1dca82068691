//! The one request that is signed, and sent.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{Installation, Proof};

/// Source: STS API, GetCallerIdentity.
pub const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// What is signed, in the order of its canonical form.
const SIGNED: &str = "content-type;host;x-amz-date;x-tidegate-order";
const SIGNED_WITH_TOKEN: &str = "content-type;host;x-amz-date;x-amz-security-token;x-tidegate-order";

/// The hash of an order, for the one installation that it is meant for. `order` must be canonical, and hold a nonce.
pub fn bound(installation: &Installation, order: &str) -> String {
    // An id of a stack has no line break, so that no two pairs have one text.
    let text = format!("tidegate-order-1\n{}\n{order}", installation.stack_id());
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The request before it is signed: `POST /` to `host` with `BODY` and exactly these headers.
pub struct Unsigned {
    pub host: String,
    /// By name, sorted; `host` among them.
    pub headers: Vec<(&'static str, String)>,
    pub signed_headers: &'static str,
}

impl Unsigned {
    pub fn of(
        installation: &Installation,
        bound: &str,
        signed_at_s: i64,
        session_token: Option<&str>,
    ) -> Self {
        let host = installation.sts_host();
        let mut headers = vec![
            ("content-type", CONTENT_TYPE.to_owned()),
            ("host", host.clone()),
            ("x-amz-date", date(signed_at_s)),
        ];
        headers.extend(session_token.map(|token| ("x-amz-security-token", token.to_owned())));
        headers.push(("x-tidegate-order", bound.to_owned()));
        let signed_headers = if session_token.is_some() { SIGNED_WITH_TOKEN } else { SIGNED };
        Self { host, headers, signed_headers }
    }
}

/// What `approval` sends: `POST https://<host>/` with `BODY` and these headers, and no others. It holds a signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub host: String,
    pub headers: Vec<(&'static str, String)>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request {{ host: {} }}", self.host)
    }
}

impl Request {
    pub(crate) fn of(proof: &Proof, installation: &Installation, bound: &str) -> Self {
        let Unsigned { host, mut headers, signed_headers } =
            Unsigned::of(installation, bound, proof.signed_at_s, proof.session_token.as_deref());
        let day = &date(proof.signed_at_s)[..8];
        let (key, region, signature) = (&proof.access_key, installation.region(), &proof.signature);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={key}/{day}/{region}/sts/aws4_request, SignedHeaders={signed_headers}, \
             Signature={signature}"
        );
        headers.push(("authorization", authorization));
        // Ours, unsigned: STS answers XML or JSON, as it is asked.
        headers.push(("accept", "application/json".to_owned()));
        Self { host, headers }
    }
}

/// Source: Signature Version 4, "ISO 8601 basic format".
fn date(signed_at_s: i64) -> String {
    jiff::Timestamp::from_second(signed_at_s).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_headers_are_exactly_those_that_are_sent() {
        let installation =
            "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate/1f2e".parse().unwrap();
        for token in [None, Some("token")] {
            let unsigned = Unsigned::of(&installation, "ab", 1_800_000_000, token);
            let names: Vec<&str> = unsigned.headers.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.join(";"), unsigned.signed_headers);
            assert!(names.is_sorted());
        }
        assert_eq!(date(1_800_000_000), "20270115T080000Z");
    }
}
