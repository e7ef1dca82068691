//! `tidegate local`: a push all the way, on this machine.

mod build;
mod running;
mod sample;
mod show;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use aws::{Aws, Settings};
use local::{Inbox, LocalAws};
use model::ids::Revision;
use model::release::{Ending, Phase, Release};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use crate::fail;
use running::Running;
use sample::{BRANCH, ENVIRONMENT, REPOSITORY, SERVICE, Sample};
use show::Screen;
use watch::Watch;

pub(crate) use running::running;

/// How often the table is read.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The account that everything here runs in; on the local AWS an access key of twelve digits is the account.
pub(crate) const ACCOUNT: &str = "000000000001";
const NOT_DEPLOYED: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Approve by itself, and exit with the ending of the first push.
    #[arg(long)]
    yes: bool,
    /// A JSON line per step, and one with the ending.
    #[arg(long)]
    json: bool,
    /// Keep repositories, tables and stacks here between runs.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(crate) async fn local(options: Options) -> ExitCode {
    tokio::select! {
        outcome = run(&options) => match outcome {
            Ok(code) => code,
            Err(why) => fail(NOT_DEPLOYED, why),
        },
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nstopped");
            ExitCode::from(130)
        }
    }
}

async fn run(options: &Options) -> Result<ExitCode, String> {
    let project = build::project()?;
    let home = project.join(".tidegate");
    let binaries = build::binaries(&project)?;
    let aws = LocalAws::start(local::Settings {
        project: project.clone(),
        binaries,
        state: options.keep.clone(),
        home: home.clone(),
        progress: Box::new(|what| eprintln!("{what}")),
    })
    .await
    .map_err(|problem| problem.to_string())?;
    let outcome = Session::begin(&aws, options, &home).await;
    let outcome = match outcome {
        Ok(mut session) => session.follow().await,
        Err(why) => Err(why),
    };
    // Stopped also after a failure, so that nothing goes on running and everything that was kept is whole.
    aws.stop().await.map_err(|problem| problem.to_string())?;
    outcome
}

/// One run: what was pushed, who is told, who is asked.
struct Session<'a> {
    options: &'a Options,
    aws: Aws,
    screen: Screen,
    watch: Watch,
    inbox: Inbox,
    running: Running,
    /// The push that `--yes` waits for; none where the repository had moved on while nothing ran.
    pushed: Option<Revision>,
    answers: Lines<BufReader<Stdin>>,
    /// The request on the screen, oldest first: release, token, text.
    open: Vec<(String, String, String)>,
}
