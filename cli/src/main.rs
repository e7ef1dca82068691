//! `tidegate`: results on stdout, progress on stderr.

mod adopt;
mod answer;
mod backups;
mod check;
mod clock;
mod init;
mod installation;
mod local;
mod order;
mod orderer;
mod pipeline;
mod plan;
mod quarantine;
mod replay;
mod service;
mod simulate;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use intake::Wish;

/// Push-to-deploy for services on ECS Fargate.
#[derive(Parser)]
#[command(name = "tidegate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A push all the way to a running service, on this machine.
    Local(local::Options),
    /// What is live, in flight and waiting.
    Status(status::Options),
    /// Databases: what they could be restored to, and which rules they break.
    Backups(backups::Options),
    /// What the newest plan on a track would change.
    Plan(plan::Options),
    /// Approve a plan that waits for it.
    Approve(answer::Approve),
    /// Reject a plan that waits for approval.
    Reject(answer::Reject),
    /// Approvals that CodePipeline waits for.
    #[command(subcommand)]
    Pipeline(pipeline::Verb),
    /// Start nothing new on a track until it is lifted.
    Hold(order::OfTrack),
    /// End a hold.
    Lift(order::OfTrack),
    /// End a release; a deployment that runs is taken back.
    Cancel(order::OfRelease),
    /// Once more what ended without being deployed.
    Retry(order::OfRelease),
    /// Back to what ran before, without a build; then the track is held.
    Rollback(order::Rollback),
    /// Start what is live anew, so that it reads rotated secrets.
    Redeploy(order::OfTrack),
    /// End a service in an environment: its stack is deleted, once the plan of that is approved.
    Retire(order::OfTrack),
    /// Deploy although a freeze is in force.
    Override(order::Override),
    /// Take over a service that runs already, without changing it.
    Adopt(adopt::Adopt),
    /// Bring a stack that hangs back to where deployments can go on.
    Repair(order::Repair),
    /// Registered services.
    #[command(subcommand)]
    Service(ServiceVerb),
    /// Whether a service's config is valid, and what is wrong with it, without AWS.
    Check(check::Check),
    /// Write a service's first config.
    Init(init::Init),
    /// Events and messages that failed and need a person.
    #[command(subcommand)]
    Quarantine(quarantine::Verb),
    /// Say what an event means, without AWS.
    Replay {
        /// The payload, as a function would get it.
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Run the engine in seeded worlds that lose, repeat and reorder everything.
    Simulate {
        /// First seed and the one after the last, as `0..1000`.
        #[arg(long, default_value = "0..1000", value_parser = simulate::seeds)]
        seeds: std::ops::Range<u64>,
        /// Instead: 4,000 pushes to 1,000 services in ten minutes, and 100 pushes to one service in two seconds.
        #[arg(long, conflicts_with = "seeds")]
        load: bool,
        /// Instead: all that happens in the run of this seed, for reading.
        #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "load"])]
        trace: Option<u64>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum ServiceVerb {
    /// Register a repository: image repository, build role, service record.
    Add(service::Add),
}

/// The command was used wrongly, or names a file that is not there.
const MISUSED: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().verb {
        Verb::Local(options) => local::local(options).await,
        Verb::Status(options) => status::status(options).await,
        Verb::Backups(options) => backups::backups(options).await,
        Verb::Plan(options) => plan::plan(options).await,
        Verb::Approve(arguments) => answer::approve(arguments).await,
        Verb::Reject(arguments) => answer::reject(arguments).await,
        Verb::Pipeline(verb) => pipeline::answer(verb).await,
        Verb::Hold(arguments) => order::of_track(Wish::Hold, arguments).await,
        Verb::Lift(arguments) => order::of_track(Wish::Lift, arguments).await,
        Verb::Cancel(arguments) => order::cancel(arguments).await,
        Verb::Retry(arguments) => order::retry(arguments).await,
        Verb::Rollback(arguments) => order::rollback(arguments).await,
        Verb::Redeploy(arguments) => order::of_track(Wish::Redeploy, arguments).await,
        Verb::Retire(arguments) => order::of_track(Wish::Retire, arguments).await,
        Verb::Override(arguments) => order::override_freeze(arguments).await,
        Verb::Repair(arguments) => order::repair(arguments).await,
        Verb::Service(ServiceVerb::Add(arguments)) => service::add(arguments).await,
        Verb::Adopt(arguments) => adopt::run(arguments).await,
        Verb::Check(arguments) => check::check(&arguments),
        Verb::Init(arguments) => init::init(&arguments),
        Verb::Quarantine(verb) => quarantine::quarantine(verb).await,
        Verb::Replay { file, json } => replay::replay(&file, json),
        Verb::Simulate { load: true, json, .. } => simulate::load(json),
        Verb::Simulate { trace: Some(seed), json, .. } => simulate::trace(seed, json),
        Verb::Simulate { seeds, json, load: false, trace: None } => simulate::simulate(seeds, json),
    }
}

/// Says what went wrong on stderr.
fn fail(code: u8, why: impl std::fmt::Display) -> ExitCode {
    eprintln!("tidegate: {why}");
    ExitCode::from(code)
}
