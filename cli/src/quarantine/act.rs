//! What a person decides about a letter: it is sent again, or dropped.

use std::time::{Duration, Instant};

use aws::sdk::lambda;
use aws::sdk::lambda::config::retry::RetryConfig;
use aws::sdk::lambda::config::timeout::TimeoutConfig;
use aws::sdk::lambda::primitives::Blob;
use intake::dead_letter::Redrive;
use intake::{Care, Function, Given, GivenCare, REASON_CHARS_MAX};
use model::ids::OrderId;
use serde_json::{Value, json};

use super::installed::Installed;
use super::post::{Letter, Post};
use super::words::printable;
use crate::installation::refusal;
use crate::orderer::Orderer;

/// A function has up to 60 seconds, and its answer says what became of the message.
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(65);

/// What became of a letter that was to be sent again.
pub(super) struct Redriven {
    id: String,
    queue: String,
    about: String,
    outcome: Outcome,
}

enum Outcome {
    /// And what was said to it.
    Sent(String),
    /// It was sent, and the function set it aside again: it waits under another id.
    Quarantined(String),
    /// Why it was not sent, or was and is still there.
    Stays(String),
}

impl Redriven {
    pub(super) fn is_sent(&self) -> bool {
        match self.outcome {
            Outcome::Sent(_) => true,
            Outcome::Quarantined(_) | Outcome::Stays(_) => false,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let (done, why) = match &self.outcome {
            Outcome::Sent(said) => ("sent again", said),
            Outcome::Quarantined(why) => ("is in the quarantine again, under another id", why),
            Outcome::Stays(why) => ("stays", why),
        };
        printable(&format!("{} in {} ({}) {done}: {why}", self.id, self.queue, self.about))
    }

    pub(super) fn to_json(&self) -> Value {
        let (key, why) = match &self.outcome {
            Outcome::Sent(said) => ("said", said),
            Outcome::Quarantined(why) | Outcome::Stays(why) => ("why", why),
        };
        json!({ "id": self.id, "queue": self.queue, "about": self.about, "sent": self.is_sent(), key: why })
    }
}

/// Sends letters again, one after the other. One that fails stays, and the others are tried all the same.
pub(super) async fn redrive_letters(sender: &Sender<'_>, post: &Post, letters: &[Letter]) -> Vec<Redriven> {
    let mut results = Vec::new();
    let mut held = Instant::now();
    for (n, letter) in letters.iter().enumerate() {
        let outcome = match post.keep(&letters[n..], &mut held).await {
            Ok(()) => sender.send_again(letter).await.unwrap_or_else(Outcome::Stays),
            Err(why) => Outcome::Stays(why),
        };
        if let Outcome::Stays(_) = outcome {
            post.give_back(std::iter::once(letter)).await;
        }
        results.push(Redriven {
            id: letter.id().to_owned(),
            queue: letter.stop.name.clone(),
            about: letter.letter.about(),
            outcome,
        });
    }
    results
}

/// Brings letters back to where they failed.
pub(super) struct Sender<'a> {
    installed: &'a Installed,
    post: &'a Post,
    lambda: lambda::Client,
    by: &'a Orderer,
    reason: &'a str,
}

impl<'a> Sender<'a> {
    pub(super) fn new(installed: &'a Installed, post: &'a Post, by: &'a Orderer, reason: &'a str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(INVOCATION_TIMEOUT)
            .operation_timeout(INVOCATION_TIMEOUT)
            .build();
        let config = lambda::config::Builder::from(&installed.config)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .build();
        Self { installed, post, lambda: lambda::Client::from_conf(config), by, reason }
    }

    /// Sends first and removes then: a crash between both sends it twice, which is harmless (I4), and never loses it (I5).
    /// Whoever sets it aside says so when it lies in the quarantine: from then on there would be two of it.
    async fn send_again(&self, letter: &Letter) -> Result<Outcome, String> {
        let again = letter.letter.redrive().map_err(|not_again| not_again.to_string())?;
        self.by.ask(|id| cared(id, Care::Redrive, letter, self.reason)).await?;
        let outcome = match again {
            Redrive::Invoke { function, payload } => self.invoke(function, payload).await?,
            Redrive::SendBack { queue, body, group } => {
                Outcome::Sent(self.send_back(letter, &queue, body, group).await?)
            }
        };
        let (Outcome::Sent(said) | Outcome::Quarantined(said) | Outcome::Stays(said)) = &outcome;
        self.post
            .remove(letter)
            .await
            .map_err(|why| format!("{said}; but it could not be removed: {why}"))?;
        Ok(outcome)
    }

    /// Waits for the function's own word on it.
    async fn invoke(&self, function: Function, payload: String) -> Result<Outcome, String> {
        let name = self.installed.function(function)?;
        let answer = self
            .lambda
            .invoke()
            .function_name(name)
            .payload(Blob::new(payload))
            .send()
            .await
            .map_err(|error| refusal("Invoke", &error))?;
        let said = answer.payload().map(|said| String::from_utf8_lossy(said.as_ref()).into_owned());
        let said = said.unwrap_or_default();
        if let Some(kind) = answer.function_error() {
            return Err(format!("{function} failed again ({kind}): {said}"));
        }
        let said: Value = serde_json::from_str(&said).unwrap_or(Value::String(said));
        if said["batchItemFailures"].as_array().is_some_and(|failed| !failed.is_empty()) {
            return Err(format!("{function} failed again: {}", in_words(&said)));
        }
        let words = format!("{function} says: {}", in_words(&said));
        Ok(if is_set_aside(&said) { Outcome::Quarantined(words) } else { Outcome::Sent(words) })
    }

    async fn send_back(
        &self,
        letter: &Letter,
        queue: &str,
        body: String,
        group: String,
    ) -> Result<String, String> {
        let url = self.installed.queue(queue)?;
        let mut message = self.post.client().send_message().queue_url(url).message_body(body);
        if url.ends_with(".fifo") {
            message = message.message_group_id(group).message_deduplication_id(letter.id());
        }
        message.send().await.map_err(|error| refusal("SendMessage", &error))?;
        Ok(format!("it is back in {queue}"))
    }
}

/// What an ear answers: a sentence for each message that was in the payload.
fn in_words(said: &Value) -> String {
    let handled: Vec<&str> =
        said["handled"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if handled.is_empty() { said.to_string() } else { handled.join("; ") }
}

/// Whether the function quarantined any message of the payload.
fn is_set_aside(said: &Value) -> bool {
    let mut handled = said["handled"].as_array().into_iter().flatten().filter_map(Value::as_str);
    handled.any(|handled| handled.starts_with("quarantined:"))
}

/// Noted first and removed then: what is gone is always accounted for.
pub(super) async fn drop_letter(
    post: &Post,
    by: &Orderer,
    letter: &Letter,
    reason: &str,
) -> Result<String, String> {
    let said = by.ask(|id| cared(id, Care::Drop, letter, reason)).await?;
    post.remove(letter)
        .await
        .map_err(|why| format!("it was noted as dropped, but could not be removed ({why}): drop it again"))?;
    Ok(said)
}

fn cared(id: OrderId, care: Care, letter: &Letter, reason: &str) -> Given {
    let cut = |text: &str| text.chars().take(REASON_CHARS_MAX).collect();
    Given::Care(GivenCare {
        id,
        care,
        letter: letter.id().to_owned(),
        queue: letter.stop.name.clone(),
        about: cut(&letter.letter.about()),
        failure: cut(&letter.letter.why()),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quarantined_again_is_not_sent() {
        let said = |handled: &[&str]| is_set_aside(&json!({ "handled": handled, "batchItemFailures": [] }));
        assert!(said(&["advanced to version 3", "quarantined: service record was refused: it is not valid"]));
        assert!(!said(&["advanced to version 3", "ignored: branch main is not quarantined: it is not ours"]));
        let sent = |outcome| Redriven {
            id: "1".to_owned(),
            queue: "QuarantineQueue".to_owned(),
            about: "a push".to_owned(),
            outcome,
        };
        let again = sent(Outcome::Quarantined("push says: quarantined: it is not valid".to_owned()));
        assert!(!again.is_sent());
        assert_eq!(again.to_json()["sent"], false);
        assert!(again.to_text().contains("in the quarantine again"), "{}", again.to_text());
        assert!(sent(Outcome::Sent("push says: advanced".to_owned())).is_sent());
    }
}
