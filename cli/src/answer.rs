//! `tidegate approve` and `reject`: answers to a request for approval, by a proven identity.

use std::process::ExitCode;

use intake::{Given, GivenAnswer};
use model::approval::Answer;
use model::ids::ReleaseId;

use crate::orderer::Orderer;

#[derive(clap::Args)]
pub(crate) struct Approve {
    release: ReleaseId,
    /// The plan that you saw, as the request and `tidegate plan` name it.
    plan: String,
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

#[derive(clap::Args)]
pub(crate) struct Reject {
    release: ReleaseId,
    /// The plan that you saw, as the request and `tidegate plan` name it.
    plan: String,
    /// Why; everybody who is told reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

pub(crate) async fn approve(arguments: Approve) -> ExitCode {
    let Approve { release, plan, reason, by } = arguments;
    by.give(|id| Given::Answer(GivenAnswer { id, answer: Answer::Approve, release, plan, reason })).await
}

pub(crate) async fn reject(arguments: Reject) -> ExitCode {
    let Reject { release, plan, reason, by } = arguments;
    by.give(|id| Given::Answer(GivenAnswer { id, answer: Answer::Reject, release, plan, reason })).await
}
