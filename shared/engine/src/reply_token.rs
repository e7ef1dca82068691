//! Tokens for replies over SNS: made from the release and the fingerprint, so nothing has to be stored, nothing can
//! be read from the table, and a token dies with its plan.

use hmac::{Hmac, KeyInit, Mac};
use model::ids::{Fingerprint, ReleaseId};
use sha2::Sha256;

/// 128 bits.
const TOKEN_BYTES: usize = 16;

pub(crate) fn token(key: &[u8], release: &ReleaseId, fingerprint: &Fingerprint) -> String {
    let code = code(key, release, fingerprint).finalize().into_bytes();
    code[..TOKEN_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `offered` is the token of exactly this request; in constant time.
pub(crate) fn is_token(key: &[u8], release: &ReleaseId, fingerprint: &Fingerprint, offered: &str) -> bool {
    let Some(bytes) = from_hex(offered).filter(|bytes| bytes.len() == TOKEN_BYTES) else { return false };
    code(key, release, fingerprint).verify_truncated_left(&bytes).is_ok()
}

fn code(key: &[u8], release: &ReleaseId, fingerprint: &Fingerprint) -> Hmac<Sha256> {
    // HMAC takes keys of every length; `expect` cannot fire. Source: RFC 2104, section 2.
    #[allow(clippy::expect_used)]
    let mut code = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes every key");
    code.update(format!("reply\n{release}\n{fingerprint}").as_bytes());
    code
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_release_and_one_plan() {
        let release: ReleaseId = "payments-production-7".parse().unwrap();
        let other: ReleaseId = "payments-production-8".parse().unwrap();
        let plan: Fingerprint = "a".repeat(64).parse().unwrap();
        let later: Fingerprint = "b".repeat(64).parse().unwrap();
        let token = token(b"key", &release, &plan);
        assert_eq!(token.len(), 32);
        assert!(is_token(b"key", &release, &plan, &token));
        assert!(!is_token(b"key", &other, &plan, &token));
        assert!(!is_token(b"key", &release, &later, &token));
        assert!(!is_token(b"another key", &release, &plan, &token));
        for bad in
            ["", "0", "zz", "é", &token[..30], &format!("{token}00"), &token.replace(char::is_numeric, "x")]
        {
            assert!(!is_token(b"key", &release, &plan, bad), "{bad}");
        }
    }
}
