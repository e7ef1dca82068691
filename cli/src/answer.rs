//! `tidegate approve` and `reject`: answers to the running local mode's requests.

use std::process::ExitCode;

use aws::sdk::sns::Client;
use model::ids::ReleaseId;

use crate::installation::refusal;
use crate::{fail, local};

const REFUSED: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Approve {
    release: ReleaseId,
}

#[derive(clap::Args)]
pub(crate) struct Reject {
    release: ReleaseId,
    #[arg(long, default_value = "")]
    reason: String,
}

pub(crate) async fn approve(arguments: Approve) -> ExitCode {
    answer(&arguments.release, "approve", "").await
}

pub(crate) async fn reject(arguments: Reject) -> ExitCode {
    answer(&arguments.release, "reject", &arguments.reason).await
}

async fn answer(release: &ReleaseId, verb: &str, reason: &str) -> ExitCode {
    match publish(release, verb, reason).await {
        Ok(()) => {
            println!("{release}: {verb} was published to the approval topic");
            ExitCode::SUCCESS
        }
        Err(why) => fail(REFUSED, why),
    }
}

async fn publish(release: &ReleaseId, verb: &str, reason: &str) -> Result<(), String> {
    let running = local::running()?;
    let token = running
        .requests
        .get(&release.to_string())
        .ok_or_else(|| format!("{release} has no open request: see `tidegate status`"))?;
    let config = aws::client::load(Some(&running.endpoint), Some(local::ACCOUNT)).await;
    Client::new(&config)
        .publish()
        .topic_arn(&running.approval_topic)
        .message(format!("{verb} {release} {token} {reason}").trim_end())
        .send()
        .await
        .map(drop)
        .map_err(|error| refusal("Publish", &error))
}
