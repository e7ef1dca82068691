//! What STS answers: somebody is proven only by just such an answer, of our account.

use proof::{Answered, Installation};
use serde_json::Value;

use crate::said::is_fit_to_show;

const STACK: &str =
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate/5b2e3c1a-0d4f-4c6b-9e8a-7f6d5c4b3a21";
const SAID_BYTES_MAX: usize = 1024;

/// The first line is the status, the second the type, the rest the body.
pub(crate) fn answer(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (Some(status), Some(content_type), Some(body)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let Ok(status) = text(status).parse::<u16>() else { return };
    let answered = Answered { status, content_type: text(content_type), body: body.to_vec() };
    let installation: Installation = STACK.parse().expect("the id of a stack");
    match proof::caller(&answered, &installation) {
        Ok(id) => {
            let said: Value = serde_json::from_slice(body).expect("somebody is proven by JSON alone");
            let caller = &said["GetCallerIdentityResponse"]["GetCallerIdentityResult"];
            assert_eq!(status, 200);
            assert_eq!(caller["Account"], installation.account());
            assert_eq!(caller["UserId"], id.as_str());
            let arn = caller["Arn"].as_str().unwrap_or_default();
            assert!(arn.contains(&format!("::{}:", installation.account())), "{arn}");
        }
        Err(refusal) => is_fit_to_show(&refusal.to_string(), SAID_BYTES_MAX),
    }
}
