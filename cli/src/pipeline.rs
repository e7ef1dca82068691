//! `tidegate pipeline approve` and `reject`: answers to what CodePipeline waits for, by a proven identity.

use std::process::ExitCode;

use intake::{Given, GivenPipelineAnswer};
use model::approval::Answer;
use model::ids::PipelineRequestId;

use crate::orderer::Orderer;

#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    /// Let the pipeline go on.
    Approve(Approve),
    /// End its execution.
    Reject(Reject),
}

#[derive(clap::Args)]
pub(crate) struct Approve {
    /// As the request names it: `pipeline-0a1b2c3d4e5f6071`.
    request: PipelineRequestId,
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

#[derive(clap::Args)]
pub(crate) struct Reject {
    /// As the request names it: `pipeline-0a1b2c3d4e5f6071`.
    request: PipelineRequestId,
    /// Why; everybody who is told reads it, CodePipeline too.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

pub(crate) async fn answer(verb: Verb) -> ExitCode {
    let (answer, request, reason, by) = match verb {
        Verb::Approve(Approve { request, reason, by }) => (Answer::Approve, request, reason, by),
        Verb::Reject(Reject { request, reason, by }) => (Answer::Reject, request, reason, by),
    };
    by.give(|id| Given::PipelineAnswer(GivenPipelineAnswer { id, answer, request, reason })).await
}
