//! `tidegate`: results on stdout, progress on stderr.

mod replay;
mod simulate;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Push-to-deploy for services on ECS Fargate.
#[derive(Parser)]
#[command(name = "tidegate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
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
        #[arg(long)]
        json: bool,
    },
}

/// The command was used wrongly, or names a file that is not there.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse().verb {
        Verb::Replay { file, json } => replay::replay(&file, json),
        Verb::Simulate { seeds, json } => simulate::simulate(seeds, json),
    }
}

/// Says what went wrong on stderr.
fn fail(code: u8, why: impl std::fmt::Display) -> ExitCode {
    eprintln!("tidegate: {why}");
    ExitCode::from(code)
}
