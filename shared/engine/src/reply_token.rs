//! Tokens for replies over SNS: made from the release, the plan's fingerprint and the moment of asking, so nothing has
//! to be stored, nothing can be read from the table, and a token dies with its request. That it was used is known from
//! the votes: `model` takes one reply for each request.

use hmac::{Hmac, KeyInit, Mac};
use model::ids::ReleaseId;
use model::pipeline::Request;
use model::release::Asked;
use sha2::Sha256;

/// 128 bits.
const TOKEN_BYTES: usize = 16;

pub(crate) fn token(key: &[u8], release: &ReleaseId, asked: &Asked) -> String {
    in_hex(code(key, &of_release(release, asked)))
}

/// For replies to a request of CodePipeline.
pub(crate) fn pipeline_token(key: &[u8], request: &Request) -> String {
    in_hex(code(key, &of_pipeline(request)))
}

/// Whether `offered` is the token of exactly this request; in constant time.
pub(crate) fn is_pipeline_token(key: &[u8], request: &Request, offered: &str) -> bool {
    is_code(code(key, &of_pipeline(request)), offered)
}

fn of_pipeline(request: &Request) -> String {
    format!("pipeline\n{}\n{}", request.fingerprint, request.asked_at.0)
}

fn in_hex(code: Hmac<Sha256>) -> String {
    let code = code.finalize().into_bytes();
    code[..TOKEN_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `offered` is the token of exactly this request; in constant time.
pub(crate) fn is_token(key: &[u8], release: &ReleaseId, asked: &Asked, offered: &str) -> bool {
    is_code(code(key, &of_release(release, asked)), offered)
}

fn of_release(release: &ReleaseId, asked: &Asked) -> String {
    let since = asked.asked_at.map_or(0, |at| at.0);
    format!("reply\n{release}\n{}\n{since}", asked.fingerprint)
}

fn is_code(code: Hmac<Sha256>, offered: &str) -> bool {
    let Some(bytes) = from_hex(offered).filter(|bytes| bytes.len() == TOKEN_BYTES) else { return false };
    code.verify_truncated_left(&bytes).is_ok()
}

fn code(key: &[u8], of: &str) -> Hmac<Sha256> {
    // HMAC takes keys of every length; `expect` cannot fire. Source: RFC 2104, section 2.
    #[allow(clippy::expect_used)]
    let mut code = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes every key");
    code.update(of.as_bytes());
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
    use model::approval::{Nudged, Policy};
    use model::time::Timestamp;

    use super::*;

    fn asked(fingerprint: &str, at: u64) -> Asked {
        Asked {
            fingerprint: fingerprint.repeat(64).parse().unwrap(),
            policy: Policy {
                required: 1,
                replies: true,
                expires_hours: 24,
                approvers: Vec::new(),
                self_approval: false,
            },
            wish: None,
            votes: Vec::new(),
            missing: None,
            asked_at: Some(Timestamp(at)),
            nudged: Nudged::NotYet,
            until: Timestamp(at + 1),
        }
    }

    #[test]
    fn a_token_is_good_for_one_release_one_plan_and_one_asking() {
        let release: ReleaseId = "payments-production-7".parse().unwrap();
        let other: ReleaseId = "payments-production-8".parse().unwrap();
        let plan = asked("a", 1);
        let token = token(b"key", &release, &plan);
        assert_eq!(token.len(), 32);
        assert!(is_token(b"key", &release, &plan, &token));
        assert!(!is_token(b"key", &other, &plan, &token));
        assert!(!is_token(b"key", &release, &asked("b", 1), &token));
        assert!(!is_token(b"key", &release, &asked("a", 2), &token), "asked again for the same plan");
        assert!(!is_token(b"another key", &release, &plan, &token));
        for bad in
            ["", "0", "zz", "é", &token[..30], &format!("{token}00"), &token.replace(char::is_numeric, "x")]
        {
            assert!(!is_token(b"key", &release, &plan, bad), "{bad}");
        }
    }
}
