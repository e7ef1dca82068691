//! `tidegate approve` and `reject`: answers to a request for approval, by a proven identity.

use std::process::ExitCode;

use intake::{Given, GivenAnswer, PLAN_DIGITS};
use model::approval::Answer;
use model::ids::ReleaseId;

use crate::orderer::Orderer;

#[derive(clap::Args)]
pub(crate) struct Approve {
    release: ReleaseId,
    /// The plan that you saw, as the request and `tidegate plan` name it.
    #[arg(value_parser = plan)]
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
    #[arg(value_parser = plan)]
    plan: String,
    /// Why; everybody who is told reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: Orderer,
}

/// Refused here, where it can be typed again: the function would have to take it for another plan's.
fn plan(text: &str) -> Result<String, String> {
    let plan = text.to_ascii_lowercase();
    let is_plan = PLAN_DIGITS.contains(&plan.len()) && plan.bytes().all(|b| b.is_ascii_hexdigit());
    is_plan.then_some(plan).ok_or_else(|| {
        format!(
            "a plan is {} to {} hexadecimal digits, the first of its fingerprint",
            PLAN_DIGITS.start(),
            PLAN_DIGITS.end()
        )
    })
}

pub(crate) async fn approve(arguments: Approve) -> ExitCode {
    let Approve { release, plan, reason, by } = arguments;
    by.give(|id| Given::Answer(GivenAnswer { id, answer: Answer::Approve, release, plan, reason })).await
}

pub(crate) async fn reject(arguments: Reject) -> ExitCode {
    let Reject { release, plan, reason, by } = arguments;
    by.give(|id| Given::Answer(GivenAnswer { id, answer: Answer::Reject, release, plan, reason })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_in_either_case_and_never_shorter_than_it_is_shown() {
        assert_eq!(plan("0A1b2C3d4e5F").as_deref(), Ok("0a1b2c3d4e5f"));
        assert_eq!(plan(&"a".repeat(64)), Ok("a".repeat(64)));
        for wrong in
            ["", "0a1b", "0a1b2c3d4e5", &"a".repeat(65), "0a1b2c3d4e5g", "0a1b2c3d 4e5f", "０a1b2c3d4e5f"]
        {
            let why = plan(wrong).unwrap_err();
            assert_eq!(why, "a plan is 12 to 64 hexadecimal digits, the first of its fingerprint", "{wrong}");
        }
    }
}
