//! An operator at a terminal, with credentials of the story's account.

use aws::client::LOCAL_REGION;
use aws::sdk::{cloudformation, sqs};
use serde_json::{Value, json};

use crate::story::Story;
use crate::world;

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

impl Story {
    /// `tidegate quarantine …` on the installation in the story's account.
    pub(crate) async fn quarantine(&self, arguments: &[&str]) -> Said {
        self.tidegate(&[&["quarantine"], arguments].concat()).await
    }

    /// `tidegate …` on the installation in the story's account.
    pub(crate) async fn tidegate(&self, arguments: &[&str]) -> Said {
        self.tidegate_as(self.account(), arguments).await
    }

    /// The same by whoever has that access key.
    pub(crate) async fn tidegate_as(&self, access_key: &str, arguments: &[&str]) -> Said {
        let said = tokio::process::Command::new(world::tidegate().await)
            .args(arguments)
            .args(["--stack", local::account::STACK])
            .env_clear()
            .envs([
                ("AWS_ENDPOINT_URL", self.calls.endpoint.as_str()),
                ("AWS_ACCESS_KEY_ID", access_key),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_REGION", LOCAL_REGION),
            ])
            .output()
            .await
            .expect("tidegate runs");
        let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
        Said { code: said.status.code(), out: text(said.stdout), err: text(said.stderr) }
    }

    /// What waits for a person, once so many do.
    pub(crate) async fn quarantine_has(&self, letters: usize) -> Vec<Value> {
        let what = format!("{letters} messages wait for a person");
        self.until(&what, async || {
            let listed = self.quarantine(&["list", "--json"]).await.json();
            listed.as_array().filter(|listed| listed.len() == letters).cloned()
        })
        .await
    }

    /// Puts a message into one of Tidegate's own queues; a FIFO queue gets it in the group of the story's track.
    pub(crate) async fn leaves_in(&self, queue: &str, body: &str) {
        let stacks = cloudformation::Client::new(self.sdk());
        let found = stacks
            .describe_stack_resource()
            .stack_name(local::account::STACK)
            .logical_resource_id(queue)
            .send()
            .await
            .expect("the queue is in the stack");
        let url = found.stack_resource_detail().and_then(|found| found.physical_resource_id());
        let url = url.expect("a queue's physical id is its URL");
        let mut message = sqs::Client::new(self.sdk()).send_message().queue_url(url).message_body(body);
        if url.ends_with(".fifo") {
            message =
                message.message_group_id(self.track_key()).message_deduplication_id(body.len().to_string());
        }
        message.send().await.expect("the queue takes it");
    }

    /// The record of the service's repository as it stands.
    pub(crate) async fn service_record(&self) -> String {
        let name = json!({ "Name": RECORD });
        let read =
            self.calls.json("ssm", "AmazonSSM.GetParameter", &name).await.expect("the record is there");
        read["Parameter"]["Value"].as_str().expect("a record is a text").to_owned()
    }

    pub(crate) async fn writes_service_record(&self, value: &str) {
        let input = json!({ "Name": RECORD, "Value": value, "Type": "String", "Overwrite": true });
        self.calls.json("ssm", "AmazonSSM.PutParameter", &input).await.expect("the record is written");
    }
}

const RECORD: &str = "/tidegate/repositories/payments";
