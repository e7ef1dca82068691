//! From an event to the targets of the deployed rules, as EventBridge does it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::envelope::envelope;
use crate::control::{Control, Delivery, Order};
use crate::fresh;
use crate::front_door::FrontDoor;
use crate::front_door::scope::Scope;
use crate::front_door::upstream::{Unanswered, Upstream};
use crate::stand_in::ServiceEvent;

/// The longest that shuffling holds one copy back.
const SHUFFLE_WINDOW_MS: u64 = 1500;

/// Delivers until nobody can send any more.
pub(crate) async fn deliver_all(door: Arc<FrontDoor>, control: Control, mut events: UnboundedReceiver<ServiceEvent>) {
    let mut number = 0;
    while let Some(event) = events.recv().await {
        number += 1;
        let delivery = control.delivery(&event.account);
        let envelope = envelope(&fresh::uuid(), Timestamp::now(), &event);
        for wait in waits(&delivery, event.source, number) {
            let (door, envelope) = (Arc::clone(&door), envelope.clone());
            let scope =
                Scope { account: event.account.clone(), region: event.region.clone(), service: "events".to_owned() };
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                let Some(upstream) = door.upstream() else { return };
                if let Err(failure) = deliver(upstream, &scope, &envelope).await {
                    tracing::warn!(%failure, event = %envelope["detail-type"], "an event was not delivered");
                }
            });
        }
    }
}

/// How long each copy of the event waits; none for an event that never comes.
fn waits(delivery: &Delivery, source: &str, number: u64) -> Vec<Duration> {
    if delivery.suppressed.contains(source) {
        return Vec::new();
    }
    let shuffled = |copy: u32| match delivery.order {
        Order::AsSent => Duration::ZERO,
        Order::Shuffled { seed } => {
            let mut hasher = DefaultHasher::new();
            (seed, number, copy).hash(&mut hasher);
            Duration::from_millis(hasher.finish() % SHUFFLE_WINDOW_MS)
        }
    };
    (0..delivery.copies).map(|copy| delivery.delay + shuffled(copy)).collect()
}

async fn deliver(upstream: &Upstream, scope: &Scope, event: &Value) -> Result<(), Unanswered> {
    let rules = upstream.json(scope, "AWSEvents.ListRules", &json!({})).await?;
    for rule in rules["Rules"].as_array().into_iter().flatten() {
        let Some(pattern) = listening_pattern(rule, event) else { continue };
        let test = json!({ "EventPattern": pattern, "Event": event.to_string() });
        let tested = upstream.json(scope, "AWSEvents.TestEventPattern", &test).await?;
        if tested["Result"] != json!(true) {
            continue;
        }
        let listed = upstream.json(scope, "AWSEvents.ListTargetsByRule", &json!({ "Rule": rule["Name"] })).await?;
        for target in listed["Targets"].as_array().into_iter().flatten() {
            send(upstream, scope, target, event).await?;
        }
    }
    Ok(())
}

/// The pattern of an enabled rule that could match by its sources; the emulator says whether it does.
fn listening_pattern<'a>(rule: &'a Value, event: &Value) -> Option<&'a str> {
    let pattern = rule["EventPattern"].as_str().filter(|_| rule["State"] == "ENABLED")?;
    let parsed: Value = serde_json::from_str(pattern).ok()?;
    let may_match = match parsed["source"].as_array() {
        Some(sources) => sources.iter().any(|source| *source == event["source"] || source.is_object()),
        None => true,
    };
    may_match.then_some(pattern)
}

async fn send(upstream: &Upstream, scope: &Scope, target: &Value, event: &Value) -> Result<(), Unanswered> {
    let arn = target["Arn"].as_str().unwrap_or_default();
    let input = match target["Input"].as_str() {
        Some(fixed) => serde_json::from_str(fixed).unwrap_or(Value::Null),
        None => event.clone(),
    };
    match arn.split(':').nth(2) {
        Some("lambda") => {
            let scope = Scope { service: "lambda".to_owned(), ..scope.clone() };
            upstream.invoke(&scope, arn, &input).await
        }
        Some("sqs") => {
            let name = arn.rsplit(':').next().unwrap_or_default();
            let scope = Scope { service: "sqs".to_owned(), ..scope.clone() };
            let found = upstream.json(&scope, "AmazonSQS.GetQueueUrl", &json!({ "QueueName": name })).await?;
            let message = json!({ "QueueUrl": found["QueueUrl"], "MessageBody": input.to_string() });
            upstream.json(&scope, "AmazonSQS.SendMessage", &message).await.map(|_| ())
        }
        Some(_) | None => {
            tracing::warn!(arn, "local mode delivers events to functions and queues only");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(seed: u64) -> Delivery {
        Delivery { copies: 3, order: Order::Shuffled { seed }, ..Delivery::default() }
    }

    #[test]
    fn an_event_arrives_as_often_as_asked() {
        assert_eq!(waits(&Delivery::default(), "aws.ecr", 1), [Duration::ZERO]);
        assert_eq!(waits(&shuffled(7), "aws.ecr", 1).len(), 3);
        let suppressed = Delivery { suppressed: ["aws.ecr".to_owned()].into(), ..Delivery::default() };
        assert!(waits(&suppressed, "aws.ecr", 1).is_empty());
        assert_eq!(waits(&suppressed, "aws.ecs", 1).len(), 1);
    }

    #[test]
    fn shuffling_is_the_same_for_the_same_seed() {
        let order = |seed| (1..9).flat_map(|number| waits(&shuffled(seed), "aws.ecr", number)).collect::<Vec<_>>();
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert!(!order(7).is_sorted());
    }

    #[test]
    fn only_enabled_rules_for_that_source_are_asked() {
        let event = json!({ "source": "aws.ecr" });
        let rule = |state: &str, pattern: &str| json!({ "State": state, "EventPattern": pattern });
        assert!(listening_pattern(&rule("ENABLED", r#"{"source":["aws.ecr"]}"#), &event).is_some());
        assert!(listening_pattern(&rule("ENABLED", r#"{"detail-type":["ECR Image Action"]}"#), &event).is_some());
        assert!(listening_pattern(&rule("ENABLED", r#"{"source":["aws.ecs"]}"#), &event).is_none());
        assert!(listening_pattern(&rule("DISABLED", r#"{"source":["aws.ecr"]}"#), &event).is_none());
    }
}
