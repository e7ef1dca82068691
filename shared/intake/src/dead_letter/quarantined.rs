//! What Tidegate itself stores of messages that need a person.

use serde::{Deserialize, Serialize};

use super::{Cause, DeadLetter, Payload};
use crate::Function;

/// A quarantined message is kept up to here: SQS takes 256 KiB in all.
pub const QUARANTINE_BYTES_MAX: usize = 240 * 1024;

/// The form of what is stored. Another number is another form: readers show it as it is instead of guessing.
const FORMAT: u64 = 1;

/// Format 1, which was written without its number at first.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quarantined {
    #[serde(default = "first_format")]
    format: u64,
    function: String,
    why: String,
    /// `None`: it was not to be kept.
    payload: Option<String>,
    payload_bytes: u64,
    cut: bool,
}

fn first_format() -> u64 {
    FORMAT
}

/// The message that a function leaves in the quarantine. `payload` is what the function got, or `None` where that must
/// not be kept. One that is too long is cut, and the message says so.
pub fn quarantined(function: &str, why: &str, payload: Option<&[u8]>) -> String {
    // SQS refuses U+FFFE and U+FFFF; JSON escapes the control characters that it refuses too.
    let fit = |text: &str| text.replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}");
    let text = payload.map(|payload| fit(&String::from_utf8_lossy(payload)));
    let mut message = Quarantined {
        format: FORMAT,
        function: function.to_owned(),
        why: fit(why),
        payload: text,
        payload_bytes: payload.map_or(0, |payload| payload.len().try_into().unwrap_or(u64::MAX)),
        cut: false,
    };
    loop {
        // Serializing plain texts and numbers cannot fail.
        let stored = serde_json::to_string(&message).unwrap_or_default();
        let kept = message.payload.as_mut().filter(|kept| !kept.is_empty());
        match kept {
            // Escaping can make it up to six times as long, so halving ends soon.
            Some(kept) if stored.len() > QUARANTINE_BYTES_MAX => {
                kept.truncate(kept.floor_char_boundary(kept.len() / 2));
                message.cut = true;
            }
            Some(_) | None => return stored,
        }
    }
}

/// `None` for what is not in this form.
pub(super) fn read(body: &str) -> Option<DeadLetter> {
    let stored: Quarantined = serde_json::from_str(body).ok()?;
    if stored.format != FORMAT {
        return None;
    }
    let payload = match stored.payload {
        None => Payload::Withheld,
        Some(text) if stored.cut || text.len() as u64 != stored.payload_bytes => {
            Payload::Damaged { text, bytes: stored.payload_bytes }
        }
        Some(text) => Payload::Whole(text),
    };
    Some(DeadLetter {
        function: Function::named(&stored.function),
        cause: Cause::Quarantined { why: stored.why },
        payload,
        source_queue: None,
    })
}

/// What is remembered of a message that a person dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// The SQS `MessageId`.
    pub id: String,
    /// The last stop where it lay; by logical id.
    pub queue: String,
    pub about: String,
    /// Why it was there.
    pub failure: String,
    /// The person who dropped it, and the identity that was proven; in older notes, the ARN of an identity.
    pub by: String,
    pub reason: String,
    /// Milliseconds since 1970.
    pub at: u64,
}
