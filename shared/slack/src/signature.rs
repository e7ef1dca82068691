//! Slack's signature over the raw bytes.
//!
//! Source: docs.slack.dev, "Verifying requests from Slack".

use hmac::{Hmac, KeyInit, Mac};
use model::time::Span;
use sha2::Sha256;

/// A signed timestamp may be this far away.
pub const SKEW_MAX: Span = Span::minutes(5);

const VERSION: &str = "v0";
const CODE_BYTES: usize = 32;

/// The header `X-Slack-Signature` for this body.
pub fn sign(secret: &[u8], timestamp: u64, body: &[u8]) -> String {
    let code = code(secret, timestamp, body).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{VERSION}={hex}")
}

/// In constant time.
pub(crate) fn is_signed(secret: &[u8], timestamp: u64, body: &[u8], signature: &[u8; CODE_BYTES]) -> bool {
    code(secret, timestamp, body).verify_slice(signature).is_ok()
}

/// `v0=` and 64 lower-case hex digits, nothing else.
pub(crate) fn parse(header: &str) -> Option<[u8; CODE_BYTES]> {
    let hex = header.strip_prefix(VERSION)?.strip_prefix('=')?;
    let is_hex = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hex.len() != 2 * CODE_BYTES || !is_hex {
        return None;
    }
    let mut bytes = [0; CODE_BYTES];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

fn code(secret: &[u8], timestamp: u64, body: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length; `expect` cannot fire. Source: RFC 2104, section 2.
    #[allow(clippy::expect_used)]
    let mut code = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("HMAC takes every key");
    code.update(format!("{VERSION}:{timestamp}:").as_bytes());
    code.update(body);
    code
}
