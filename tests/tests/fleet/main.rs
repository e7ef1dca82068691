//! A fleet of 300 databases with seeded defects, as RDS's own API describes it: judged exactly, told once.

mod drills;
mod moto;
mod seeds;

use std::collections::{BTreeMap, BTreeSet};

use aws::sdk::{dynamodb, sns, sqs};
use aws::{Aws, Settings};
use databases::watch::{News, Watch};
use engine::functions;
use engine::ports::Watches;
use serde_json::{Value, json};

use crate::moto::Moto;

/// What is broken, by database.
type Broken = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn a_fleet_is_judged_exactly_and_every_finding_is_told_once_when_it_comes_and_once_when_it_goes() {
    let mut moto = Moto::start();
    let config = aws::client::load(Some(&moto.url), Some("123456789012")).await;
    let inbox = Inbox::open(&config).await;
    let aws = Aws::new(&config, settings(&config, &inbox).await);
    let seeded = seeds::plant(&config, &mut moto).await;
    assert_eq!(seeded.len(), 300);

    look(&aws).await;
    let watches = watches(&aws).await;
    assert_eq!(found(&watches), seeded, "no miss and no false alarm");
    let findings: usize = seeded.values().map(BTreeSet::len).sum();
    tell(&aws, &watches).await;
    assert_eq!(inbox.count().await, findings);

    look(&aws).await;
    let watches = self::watches(&aws).await;
    assert_eq!(found(&watches), seeded);
    assert!(watches.iter().all(|watch| watch.notices.is_empty()), "a second look tells nothing");

    let mended = seeds::mend(&config, &seeded).await;
    look(&aws).await;
    let watches = self::watches(&aws).await;
    let news: Vec<(&str, &News)> =
        watches.iter().flat_map(|w| w.notices.iter().map(|n| (w.key.as_str(), &n.news))).collect();
    let [(key, News::Gone { finding, .. })] = news[..] else { panic!("not one that is gone: {news:?}") };
    assert_eq!((key, finding.rule.as_str()), (mended.as_str(), "no-deletion-protection"));
    tell(&aws, &watches).await;
    assert_eq!(inbox.count().await, findings + 1);
}

/// What the schedule sends.
fn clock() -> Value {
    json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })
}

async fn look(aws: &Aws) {
    let said = Box::pin(functions::backups(aws, clock().to_string().as_bytes())).await.unwrap();
    assert!(said.to_string().contains("looked at 300 databases"), "{said}");
}

/// What the notifier's queue would deliver.
async fn tell(aws: &Aws, watches: &[Watch]) {
    for watch in watches.iter().filter(|watch| !watch.notices.is_empty()) {
        let message = json!({ "Records": [{
            "eventSource": "aws:sqs",
            "messageId": "1",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:tidegate-NotifyQueue.fifo",
            "body": json!({ "database": watch.key.as_str() }).to_string(),
        }] });
        let said = Box::pin(functions::notify(aws, message.to_string().as_bytes())).await.unwrap();
        assert_eq!(said, json!({ "batchItemFailures": [] }));
    }
}

async fn watches(aws: &Aws) -> Vec<Watch> {
    let (mut all, mut page) = (Vec::new(), None);
    loop {
        let read = aws.watches(page.as_deref()).await.unwrap();
        all.extend(read.items);
        page = read.next;
        if page.is_none() {
            return all;
        }
    }
}

fn found(watches: &[Watch]) -> Broken {
    let rules = |watch: &Watch| watch.findings.iter().map(|h| h.finding.rule.as_str().to_owned()).collect();
    watches.iter().map(|watch| (watch.key.as_str().to_owned(), rules(watch))).collect()
}

/// A queue that is subscribed to the notifications topic.
struct Inbox {
    sqs: sqs::Client,
    url: String,
    topic: String,
}

impl Inbox {
    async fn open(config: &aws::client::SdkConfig) -> Self {
        let (sns, sqs) = (sns::Client::new(config), sqs::Client::new(config));
        let topic = sns.create_topic().name("notifications").send().await.unwrap().topic_arn.unwrap();
        let url = sqs.create_queue().queue_name("inbox").send().await.unwrap().queue_url.unwrap();
        let queue = "arn:aws:sqs:eu-west-1:123456789012:inbox";
        sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue).send().await.unwrap();
        Self { sqs, url, topic }
    }

    async fn count(&self) -> usize {
        let name = sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        asked.send().await.unwrap().attributes.unwrap()[&name].parse().unwrap()
    }
}

async fn settings(config: &aws::client::SdkConfig, inbox: &Inbox) -> Settings {
    let (dynamodb, sqs) = (dynamodb::Client::new(config), sqs::Client::new(config));
    let text = |name: &str| {
        use dynamodb::types::{AttributeDefinition, ScalarAttributeType};
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let key = |name: &str, kind: dynamodb::types::KeyType| {
        dynamodb::types::KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    dynamodb
        .create_table()
        .table_name("tidegate")
        .billing_mode(dynamodb::types::BillingMode::PayPerRequest)
        .attribute_definitions(text("pk"))
        .attribute_definitions(text("sk"))
        .key_schema(key("pk", dynamodb::types::KeyType::Hash))
        .key_schema(key("sk", dynamodb::types::KeyType::Range))
        .send()
        .await
        .unwrap();
    let fifo = sqs::types::QueueAttributeName::FifoQueue;
    let queue = sqs.create_queue().queue_name("notify.fifo").attributes(fifo, "true").send().await.unwrap();
    Settings::default()
        .with("TIDEGATE_TABLE", "tidegate")
        .with("TIDEGATE_NOTIFY_QUEUE_URL", &queue.queue_url.unwrap())
        .with("TIDEGATE_TOPIC_ARN", &inbox.topic)
}

/// How old a database is, and what of it.
fn ages(name: &str, defect: &seeds::Defect) -> Value {
    json!({
        "name": name,
        "createdHours": 24 * 400,
        "snapshotHours": defect.snapshot_hours,
        "restorableMinutes": defect.restorable_minutes,
        "backupWindow": defect.backup_window,
    })
}
