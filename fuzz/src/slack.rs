//! Bodies of requests at the Function URL. Whatever is in one, only what Slack signed is read, and it is read the same
//! when `approval` verifies it again; answers go to Slack's own host alone, and nobody is shown where (I9).

use model::time::Timestamp;
use slack::{AnswerTo, Request, Said, Signed, Spoken};

const SECRET: &[u8] = b"8f742231b10e8888abcd99yyyzzz85a5";
const NOW: Timestamp = Timestamp(1_790_000_000_000);
const TEAM: &str = "T0001";
const APP: &str = "A0001";

/// A typed reason's bytes: 500 characters of at most four, and what is said around it.
const SAID_BYTES_MAX: usize = 2100;

pub(crate) fn body(bytes: &[u8]) {
    is_refused_unsigned(bytes);
    let seconds = NOW.0 / 1000;
    let signature = slack::sign(SECRET, seconds, bytes);
    let Some(signed) = Signed::from_body(seconds, &signature, bytes.to_vec()) else { return };
    let verified = signed.verify(SECRET).expect("it is signed");
    let read = slack::read(verified, TEAM, APP);
    if let Ok(Some(spoken)) = &read {
        is_fit(spoken);
    }
    let sent = signed.to_message();
    let handed_on =
        Signed::from_message(seconds, &signature, sent["slack"]["body"].as_str().expect("a body"));
    assert_eq!(handed_on.as_ref(), Some(&signed), "handed on");
}

/// As Lambda hands requests on: bytes that are no request of Slack's cost nothing but their reading.
fn is_refused_unsigned(bytes: &[u8]) {
    let Ok(payload) = serde_json::from_slice(bytes) else { return };
    if let Ok(signed) = slack::look(&Request::of(&payload), NOW) {
        assert!(signed.verify(SECRET).is_err(), "nobody knows the secret");
    }
}

fn is_fit(spoken: &Spoken) {
    let text = match &spoken.said {
        Said::Answered { reason, .. } | Said::PipelineAnswered { reason, .. } => reason.clone(),
        Said::Unclear(why) => why.clone(),
        Said::Details { .. } | Said::Unreasoned => String::new(),
        Said::Command(command) => format!("{command:?}"),
    };
    if !text.is_empty() {
        crate::said::is_fit_to_show(&text, SAID_BYTES_MAX);
    }
    if let Some(url) = spoken.answer_to.as_ref().map(AnswerTo::reveal) {
        assert!(url.starts_with("https://hooks.slack.com/"), "answered at {url}");
        assert!(!format!("{spoken:?}").contains(url), "{url} is shown");
    }
}
