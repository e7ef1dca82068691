//! The last stops' queues: taking messages out to look at them, giving them back, removing them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws::sdk::sqs::Client;
use aws::sdk::sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use intake::dead_letter::{DeadLetter, Stop, StopKind};
use model::time::{Span, Timestamp};
use serde_json::Value;
use tokio::task::JoinSet;

use super::installed::Installed;
use crate::installation::refusal;

/// While a message is held nobody else sees it; if this process dies it is back after that long. Longer than
/// `KEEP_AFTER` and one call of a function together.
const HOLD: Duration = Duration::from_secs(120);
/// What is still held is held on when this has passed.
const KEEP_AFTER: Duration = Duration::from_secs(30);
/// Without waiting, SQS asks only some of its servers and may find nothing where something is.
const WAIT_SECONDS: i32 = 1;
/// SQS's limit for a batch.
const BATCH_MAX: usize = 10;
/// Messages taken from one queue at a time.
const TAKEN_MAX: usize = 1_000;
/// Last stops keep messages for 14 days: `tests/templates_check.py` sees to it.
const KEPT: Span = Span::hours(14 * 24);

pub(super) struct Post {
    client: Client,
    stops: Vec<LastStop>,
}

#[derive(Clone)]
struct LastStop {
    stop: Stop,
    url: String,
    /// The queue that gave up what lies here.
    source: Option<String>,
}

/// What lies at one last stop, once: messages with the same words are copies of each other.
pub(super) struct Letter {
    pub(super) stop: Stop,
    pub(super) letter: DeadLetter,
    /// The newest first; never empty.
    copies: Vec<Copy>,
    /// How often the queue that gave it up had it tried.
    tries: Option<u64>,
    url: String,
}

struct Copy {
    id: String,
    receipt: String,
    came: Timestamp,
}

impl Letter {
    /// The newest copy's SQS `MessageId`.
    pub(super) fn id(&self) -> &str {
        self.copies.first().map_or("", |copy| &copy.id)
    }

    /// When the newest copy was sent, by SQS's clock.
    pub(super) fn came(&self) -> Timestamp {
        self.copies.first().map_or(Timestamp(0), |copy| copy.came)
    }

    /// When SQS deletes the oldest copy unread.
    pub(super) fn kept_until(&self) -> Timestamp {
        self.copies.last().map_or(Timestamp(0), |copy| copy.came).plus(KEPT)
    }

    /// How often it was tried, where the message or its queue tells.
    pub(super) fn attempts(&self) -> Option<u64> {
        self.letter.attempts().or(self.tries)
    }

    pub(super) fn copies(&self) -> usize {
        self.copies.len()
    }
}

/// Everything that could be taken, and what could not.
pub(super) struct Taken {
    /// By last stop, the newest first.
    pub(super) letters: Vec<Letter>,
    /// Messages by last stop, about: behind those that were taken, or held by somebody else just now.
    pub(super) unseen: BTreeMap<String, usize>,
}

impl Taken {
    /// The index of the letter whose id, or whose copy's id, begins like this.
    fn find(&self, id: &str) -> Result<usize, String> {
        let begins =
            |letter: &Letter| !id.is_empty() && letter.copies.iter().any(|copy| copy.id.starts_with(id));
        let found: Vec<usize> = (0..self.letters.len()).filter(|n| begins(&self.letters[*n])).collect();
        match found.as_slice() {
            [n] => Ok(*n),
            [] => Err(format!(
                "no message with an id that begins with {id:?} waits now: see `tidegate quarantine list`. One that \
                 somebody else is looking at is back within {} s",
                HOLD.as_secs()
            )),
            several => {
                let ids: Vec<&str> = several.iter().map(|n| self.letters[*n].id()).collect();
                Err(format!("{id:?} begins several ids: {}", ids.join(", ")))
            }
        }
    }
}

impl Post {
    pub(super) fn new(installed: &Installed) -> Self {
        let stops = installed.stops().map(|(stop, url)| {
            let source = match &stop.kind {
                StopKind::DeadLetters { source } => installed.queue(source).ok().map(str::to_owned),
                StopKind::Quarantine | StopKind::Failures => None,
            };
            LastStop { stop, url: url.to_owned(), source }
        });
        Self { client: Client::new(&installed.config), stops: stops.collect() }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Takes what lies at every last stop. It must be given back or removed.
    pub(super) async fn take_all(&self) -> Result<Taken, String> {
        let mut taking = JoinSet::new();
        for last_stop in self.stops.clone() {
            let client = self.client.clone();
            taking.spawn(async move {
                let found = take(&client, &last_stop).await;
                (last_stop.stop.name, found)
            });
        }
        let mut taken = Taken { letters: Vec::new(), unseen: BTreeMap::new() };
        let mut refused = None;
        for (stop, found) in taking.join_all().await {
            match found {
                Ok((letters, unseen)) => {
                    if unseen > 0 {
                        taken.unseen.insert(stop, unseen);
                    }
                    taken.letters.extend(letters);
                }
                Err(why) => drop(refused.get_or_insert(format!("{stop}: {why}"))),
            }
        }
        if let Some(why) = refused {
            self.give_back(taken.letters.iter()).await;
            return Err(why);
        }
        taken.letters.sort_by(|a, b| (&a.stop, b.came(), a.id()).cmp(&(&b.stop, a.came(), b.id())));
        Ok(taken)
    }

    /// Takes the one letter whose id begins like this.
    pub(super) async fn take_one(&self, id: &str) -> Result<Letter, String> {
        let mut taken = self.take_all().await?;
        let found = taken.find(id).map(|n| taken.letters.swap_remove(n));
        self.give_back(taken.letters.iter()).await;
        found
    }

    /// Makes letters visible to others again at once. If that fails they are visible when `HOLD` has passed.
    pub(super) async fn give_back(&self, letters: impl Iterator<Item = &Letter>) {
        if let Err(why) = self.hide(letters, Duration::ZERO).await {
            eprintln!("messages are hidden for {} s: {why}", HOLD.as_secs());
        }
    }

    /// Goes on holding letters while others are dealt with, when that is due since `held`.
    pub(super) async fn keep(&self, letters: &[Letter], held: &mut Instant) -> Result<(), String> {
        if held.elapsed() < KEEP_AFTER {
            return Ok(());
        }
        *held = Instant::now();
        self.hide(letters.iter(), HOLD).await
    }

    pub(super) async fn remove(&self, letter: &Letter) -> Result<(), String> {
        for copy in &letter.copies {
            self.client
                .delete_message()
                .queue_url(&letter.url)
                .receipt_handle(&copy.receipt)
                .send()
                .await
                .map_err(|error| refusal("DeleteMessage", &error))?;
        }
        Ok(())
    }

    async fn hide(&self, letters: impl Iterator<Item = &Letter>, time: Duration) -> Result<(), String> {
        let mut by_queue: BTreeMap<&str, Vec<&Copy>> = BTreeMap::new();
        for letter in letters {
            by_queue.entry(&letter.url).or_default().extend(&letter.copies);
        }
        let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        for (url, copies) in by_queue {
            for batch in copies.chunks(BATCH_MAX) {
                let entries: Result<Vec<_>, _> = batch
                    .iter()
                    .enumerate()
                    .map(|(n, copy)| {
                        ChangeMessageVisibilityBatchRequestEntry::builder()
                            .id(n.to_string())
                            .receipt_handle(&copy.receipt)
                            .visibility_timeout(seconds)
                            .build()
                    })
                    .collect();
                let answer = self
                    .client
                    .change_message_visibility_batch()
                    .queue_url(url)
                    .set_entries(Some(entries.map_err(|error| error.to_string())?))
                    .send()
                    .await
                    .map_err(|error| refusal("ChangeMessageVisibilityBatch", &error))?;
                if let Some(failed) = answer.failed().first() {
                    let why = failed.message().unwrap_or_else(|| failed.code());
                    return Err(format!("ChangeMessageVisibilityBatch: {why}"));
                }
            }
        }
        Ok(())
    }
}

/// Takes what a last stop gives; with it, about how many it did not give.
async fn take(client: &Client, from: &LastStop) -> Result<(Vec<Letter>, usize), String> {
    let mut taken: Vec<Message> = Vec::new();
    while taken.len() < TAKEN_MAX {
        let answer = client
            .receive_message()
            .queue_url(&from.url)
            .max_number_of_messages(i32::try_from(BATCH_MAX).unwrap_or(1))
            .visibility_timeout(i32::try_from(HOLD.as_secs()).unwrap_or(i32::MAX))
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| refusal("ReceiveMessage", &error))?;
        if answer.messages().is_empty() {
            break;
        }
        taken.extend(answer.messages.unwrap_or_default());
    }
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let counts = attributes_of(client, &from.url, &names).await?;
    let there: usize = counts.values().filter_map(|count| count.parse::<usize>().ok()).sum();
    let unseen = there.saturating_sub(taken.len());
    let tries = match &from.source {
        Some(source) if !taken.is_empty() => tries(client, source).await?,
        Some(_) | None => None,
    };
    Ok((letters(from, taken, tries), unseen))
}

/// How often a queue has a message tried before it gives up.
async fn tries(client: &Client, url: &str) -> Result<Option<u64>, String> {
    let policy = attributes_of(client, url, &[QueueAttributeName::RedrivePolicy]).await?;
    let policy = policy.values().next().and_then(|policy| serde_json::from_str::<Value>(policy).ok());
    let max = policy.map(|mut policy| policy["maxReceiveCount"].take());
    // A number, or a number as text: SQS keeps what was written.
    Ok(max.and_then(|max| max.as_u64().or_else(|| max.as_str()?.parse().ok())))
}

async fn attributes_of(
    client: &Client,
    url: &str,
    names: &[QueueAttributeName],
) -> Result<HashMap<QueueAttributeName, String>, String> {
    let request = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = request.send().await.map_err(|error| refusal("GetQueueAttributes", &error))?;
    Ok(answer.attributes.unwrap_or_default())
}

/// Messages with the same words become one letter: a track that cannot be worked on leaves a wake a minute.
fn letters(from: &LastStop, messages: Vec<Message>, tries: Option<u64>) -> Vec<Letter> {
    let mut by_body: BTreeMap<String, Letter> = BTreeMap::new();
    for message in messages {
        let body = message.body().unwrap_or_default().to_owned();
        let copy = Copy {
            id: message.message_id().unwrap_or_default().to_owned(),
            receipt: message.receipt_handle().unwrap_or_default().to_owned(),
            came: came(&message),
        };
        let letter = by_body.entry(body).or_insert_with_key(|body| Letter {
            stop: from.stop.clone(),
            letter: DeadLetter::read(&from.stop, body, &attributes(&message)),
            copies: Vec::new(),
            tries,
            url: from.url.clone(),
        });
        letter.copies.push(copy);
    }
    let mut letters: Vec<Letter> = by_body.into_values().collect();
    letters.iter_mut().for_each(|letter| letter.copies.sort_by(|a, b| (b.came, &b.id).cmp(&(a.came, &a.id))));
    letters
}

fn attributes(message: &Message) -> BTreeMap<String, String> {
    let attributes = message.message_attributes().into_iter().flatten();
    attributes.filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned()))).collect()
}

fn came(message: &Message) -> Timestamp {
    let attributes = message.attributes();
    let sent = attributes.and_then(|attributes| attributes.get(&MessageSystemAttributeName::SentTimestamp));
    Timestamp(sent.and_then(|sent| sent.parse().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, body: &str, sent: u64) -> Message {
        Message::builder()
            .message_id(id)
            .receipt_handle(format!("receipt of {id}"))
            .body(body)
            .attributes(MessageSystemAttributeName::SentTimestamp, sent.to_string())
            .build()
    }

    fn taken() -> Taken {
        let from = LastStop {
            stop: Stop::named("BuilderDeadLetters").unwrap(),
            url: "http://queue".to_owned(),
            source: None,
        };
        let wake = r#"{"track":"payments/production"}"#;
        let other = r#"{"track":"orders/production"}"#;
        let messages =
            vec![message("aa1", wake, 1_000), message("ab2", wake, 3_000), message("b3", other, 2_000)];
        Taken { letters: letters(&from, messages, Some(5)), unseen: BTreeMap::new() }
    }

    #[test]
    fn messages_with_the_same_words_are_one_letter_of_the_newest_and_the_oldest() {
        let taken = taken();
        let [_, letter] = taken.letters.as_slice() else { panic!("two letters") };
        assert_eq!((letter.id(), letter.copies(), letter.came()), ("ab2", 2, Timestamp(3_000)));
        assert_eq!(letter.kept_until(), Timestamp(1_000).plus(KEPT));
        assert_eq!(letter.attempts(), Some(5));
    }

    #[test]
    fn an_id_may_be_cut_short_or_a_copys_but_must_name_one_letter() {
        let taken = taken();
        let found = |id: &str| taken.find(id).map(|n| taken.letters[n].id().to_owned());
        assert_eq!(found("b"), Ok("b3".to_owned()));
        assert_eq!(found("aa"), Ok("ab2".to_owned()));
        assert!(found("c").unwrap_err().contains("no message with an id that begins with \"c\""));
        assert!(found("").unwrap_err().contains("no message"));
        let mut twice = self::taken();
        twice.letters[0].copies[0].id = "a4".to_owned();
        assert_eq!(twice.find("a").unwrap_err(), "\"a\" begins several ids: a4, ab2");
    }
}
