//! Starting and stopping the whole local AWS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::account::Account;
use crate::codebuild::{self, CodeBuild};
use crate::codecommit::CodeCommit;
use crate::control::Control;
use crate::emulator::Emulator;
use crate::events::delivery;
use crate::front_door::upstream::Upstream;
use crate::front_door::{FrontDoor, Rollouts, StandIns};
use crate::images::Registry;
use crate::problem::Problem;
use crate::run_folder::RunFolder;
use crate::slack::Slack;

/// What our side remembers between clean stops, beside the emulator's own state.
const ROLLOUTS: &str = "service-deployments.json";
/// The front door's port. Kept queues are named by it, so a kept run must have it again.
const PORT: &str = "port";
/// There while it runs: found at the start, the last run was not stopped cleanly.
const RUNNING: &str = "running";
/// Under the home, a folder for each run.
const RUNS: &str = "runs";

pub struct Settings {
    /// The folder with `template.yaml` and `stacks/`.
    pub project: PathBuf,
    /// The folder with the `tidegate-<function>` binaries.
    pub binaries: PathBuf,
    /// Where state stays between clean stops; none to forget everything.
    pub state: Option<PathBuf>,
    /// An ignored folder for the emulator and packed functions, such as `.tidegate`.
    pub home: PathBuf,
    pub progress: Box<dyn Fn(&str) + Send + Sync>,
}

/// How long a minute of a build's timeout lasts.
const MINUTE: Duration = Duration::from_secs(60);
/// What builds find as `docker` and `aws`.
const BUILD_TOOL: &str = "tidegate-build-tool";

/// The running local AWS. Dropping it ends everything it started; `stop` also keeps its state.
pub struct LocalAws {
    settings: Settings,
    door: Arc<FrontDoor>,
    listening: JoinSet<()>,
    emulator: Emulator,
    control: Control,
    slack: Slack,
    codecommit: CodeCommit,
    codebuild: CodeBuild,
    _run: RunFolder,
}

impl LocalAws {
    pub async fn start(settings: Settings) -> Result<Self, Problem> {
        let state = settings.state.as_deref();
        let (port, rollouts) = match state {
            Some(state) => (kept_port(state), restore(state, &*settings.progress)?),
            None => (0, Rollouts::default()),
        };
        let control = Control::default();
        let slack = Slack::default();
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let (door, listening) =
            FrontDoor::open(port, control.clone(), sender.clone(), rollouts, slack.clone()).await?;
        if let Some(state) = state {
            let file = state.join(PORT);
            std::fs::write(&file, door.port().to_string()).map_err(Problem::file(&file))?;
        }
        let runs = settings.home.join(RUNS);
        let run = RunFolder::make(&runs).map_err(Problem::file(&runs))?;
        let emulator =
            Emulator::start(&settings.home, run.path(), state, door.port(), &*settings.progress).await?;
        let place = state.unwrap_or(run.path()).to_path_buf();
        let repositories = place.join("repositories");
        let codecommit = CodeCommit::new(repositories.clone(), sender.clone());
        codecommit.announce_at(door.url()).map_err(Problem::file(&repositories))?;
        let work = place.join("builds");
        let builds = codebuild::Settings {
            endpoint: door.url().to_owned(),
            emulator: emulator.url().to_owned(),
            work: work.clone(),
            tool: settings.binaries.join(BUILD_TOOL),
            repositories,
            minute: MINUTE,
        };
        let codebuild = CodeBuild::new(builds, sender).map_err(Problem::file(&work))?;
        let upstream = Upstream::new(emulator.url().to_owned())
            .map_err(|error| Problem::refused("a connection to the emulator")(&error))?;
        let registry = Registry::new(place.join("images"), emulator.url());
        let (codecommit_too, codebuild_too) = (codecommit.clone(), codebuild.clone());
        door.connect(upstream, StandIns { codecommit: codecommit_too, codebuild: codebuild_too, registry });
        tokio::spawn(delivery::deliver_all(Arc::clone(&door), control.clone(), receiver));
        Ok(Self { settings, door, listening, emulator, control, slack, codecommit, codebuild, _run: run })
    }

    /// The one endpoint of every service: `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        self.door.url()
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What stands in Slack.
    pub fn slack(&self) -> &Slack {
        &self.slack
    }

    /// The builds' stand-in: its limits and its logs.
    pub fn codebuild(&self) -> &CodeBuild {
        &self.codebuild
    }

    /// An account of twelve digits; it needs no making.
    pub async fn account(&self, id: &str) -> Account {
        let Settings { project, binaries, home, .. } = &self.settings;
        Account::open(id, self.endpoint(), project, binaries, home, self.codecommit.clone()).await
    }

    /// Ends everything that was started, and keeps state where settings ask for it.
    pub async fn stop(mut self) -> Result<(), Problem> {
        self.codebuild.shutdown().await;
        let saved = self.emulator.stop().await;
        // A run after this one, even in the same process, can have the port again.
        self.listening.shutdown().await;
        let Some(state) = &self.settings.state else { return Ok(()) };
        if !saved {
            (self.settings.progress)(
                "the emulator did not stop in time: changes since the last clean stop are lost",
            );
            return Ok(());
        }
        let file = state.join(ROLLOUTS);
        let kept = serde_json::to_vec(&*self.door.rollouts()).map_err(std::io::Error::from);
        let text = kept.map_err(Problem::file(&file))?;
        std::fs::write(&file, text).map_err(Problem::file(&file))?;
        let running = state.join(RUNNING);
        std::fs::remove_file(&running).map_err(Problem::file(&running))
    }
}

/// 0, any port, when nothing was kept.
fn kept_port(state: &Path) -> u16 {
    std::fs::read_to_string(state.join(PORT)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn restore(state: &Path, progress: &(dyn Fn(&str) + Send + Sync)) -> Result<Rollouts, Problem> {
    std::fs::create_dir_all(state).map_err(Problem::file(state))?;
    let running = state.join(RUNNING);
    if running.exists() {
        progress("the last run was not stopped cleanly: what it changed since the stop before is lost");
    }
    std::fs::write(&running, "").map_err(Problem::file(&running))?;
    let file = state.join(ROLLOUTS);
    let Ok(text) = std::fs::read(&file) else { return Ok(Rollouts::default()) };
    Ok(serde_json::from_slice(&text).unwrap_or_else(|_| {
        progress("the record of service deployments is unreadable and starts anew");
        Rollouts::default()
    }))
}
