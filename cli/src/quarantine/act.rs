//! What a person decides about a letter: it is sent again, or dropped.

use std::time::{Duration, Instant};

use aws::Aws;
use aws::sdk::lambda::config::retry::RetryConfig;
use aws::sdk::lambda::config::timeout::TimeoutConfig;
use aws::sdk::lambda::primitives::Blob;
use aws::sdk::{lambda, sts};
use intake::Function;
use intake::dead_letter::{Dropped, Redrive};
use serde_json::{Value, json};

use super::installed::Installed;
use super::now;
use super::post::{Letter, Post};
use super::words::printable;
use crate::installation::refusal;

/// A function has up to 60 seconds, and its answer says what became of the message.
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(65);

/// What became of a letter that was to be sent again.
pub(super) struct Redriven {
    id: String,
    queue: String,
    about: String,
    /// What was said to it, or why it stays.
    outcome: Result<String, String>,
}

impl Redriven {
    pub(super) fn is_sent(&self) -> bool {
        self.outcome.is_ok()
    }

    pub(super) fn to_text(&self) -> String {
        let (done, why) = match &self.outcome {
            Ok(said) => ("sent again", said),
            Err(why) => ("stays", why),
        };
        printable(&format!("{} in {} ({}) {done}: {why}", self.id, self.queue, self.about))
    }

    pub(super) fn to_json(&self) -> Value {
        let (key, why) = match &self.outcome {
            Ok(said) => ("said", said),
            Err(why) => ("why", why),
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
            Ok(()) => sender.send_again(letter).await,
            Err(why) => Err(why),
        };
        if outcome.is_err() {
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
}

impl<'a> Sender<'a> {
    pub(super) fn new(installed: &'a Installed, post: &'a Post) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(INVOCATION_TIMEOUT)
            .operation_timeout(INVOCATION_TIMEOUT)
            .build();
        let config = lambda::config::Builder::from(&installed.config)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .build();
        Self { installed, post, lambda: lambda::Client::from_conf(config) }
    }

    /// Sends first and removes then: a crash between both sends it twice, which is harmless (I4), and never loses it (I5).
    async fn send_again(&self, letter: &Letter) -> Result<String, String> {
        let said = match letter.letter.redrive().map_err(|not_again| not_again.to_string())? {
            Redrive::Invoke { function, payload } => self.invoke(function, payload).await?,
            Redrive::SendBack { queue, body, group } => self.send_back(letter, &queue, body, group).await?,
        };
        self.post
            .remove(letter)
            .await
            .map_err(|why| format!("{said}; but it could not be removed: {why}"))?;
        Ok(said)
    }

    /// Waits for the function's own word on it.
    async fn invoke(&self, function: Function, payload: String) -> Result<String, String> {
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
        Ok(format!("{function} says: {}", in_words(&said)))
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

/// Remembers first and removes then: what is gone is always accounted for.
pub(super) async fn drop_letter(
    installed: &Installed,
    post: &Post,
    aws: &Aws,
    letter: &Letter,
    reason: &str,
) -> Result<Dropped, String> {
    let identity = sts::Client::new(&installed.config).get_caller_identity().send().await;
    let identity = identity.map_err(|error| refusal("GetCallerIdentity", &error))?;
    let dropped = Dropped {
        id: letter.id().to_owned(),
        queue: letter.stop.name.clone(),
        about: letter.letter.about(),
        failure: letter.letter.why(),
        by: identity.arn().unwrap_or("an unknown identity").to_owned(),
        reason: reason.to_owned(),
        at: now().0,
    };
    aws.remember_dropped(&dropped).await.map_err(|failure| failure.to_string())?;
    post.remove(letter)
        .await
        .map_err(|why| format!("it was noted as dropped, but could not be removed ({why}): drop it again"))?;
    Ok(dropped)
}
