//! Starting and stopping the whole local AWS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::account::Account;
use crate::control::Control;
use crate::emulator::Emulator;
use crate::events::delivery;
use crate::front_door::upstream::Upstream;
use crate::front_door::{FrontDoor, Rollouts, StandIns};
use crate::problem::Problem;

/// What our side remembers between clean stops, beside the emulator's own state.
const ROLLOUTS: &str = "service-deployments.json";
/// There while it runs: found at the start, the last run was not stopped cleanly.
const RUNNING: &str = "running";

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

/// The running local AWS. Dropping it ends everything it started; `stop` also keeps its state.
pub struct LocalAws {
    settings: Settings,
    door: Arc<FrontDoor>,
    emulator: Emulator,
    control: Control,
}

impl LocalAws {
    pub async fn start(settings: Settings) -> Result<Self, Problem> {
        let state = settings.state.as_deref();
        let rollouts = match state {
            Some(state) => restore(state, &*settings.progress)?,
            None => Rollouts::default(),
        };
        let control = Control::default();
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let door = FrontDoor::open(control.clone(), sender, rollouts).await?;
        let emulator = Emulator::start(&settings.home, state, door.port(), &*settings.progress).await?;
        let upstream = Upstream::new(emulator.url().to_owned())
            .map_err(|error| Problem::refused("a connection to the emulator")(&error))?;
        door.connect(upstream, StandIns {});
        tokio::spawn(delivery::deliver_all(Arc::clone(&door), control.clone(), receiver));
        Ok(Self { settings, door, emulator, control })
    }

    /// The one endpoint of every service: `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        self.door.url()
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    /// An account of twelve digits; it needs no making.
    pub async fn account(&self, id: &str) -> Account {
        let Settings { project, binaries, home, .. } = &self.settings;
        Account::open(id, self.endpoint(), project, binaries, home).await
    }

    /// Ends everything that was started, and keeps state where settings ask for it.
    pub async fn stop(self) -> Result<(), Problem> {
        let saved = self.emulator.stop().await;
        let Some(state) = &self.settings.state else { return Ok(()) };
        if !saved {
            (self.settings.progress)("the emulator did not stop in time: changes since the last clean stop are lost");
            return Ok(());
        }
        let file = state.join(ROLLOUTS);
        let text = serde_json::to_vec(&*self.door.rollouts()).unwrap_or_default();
        std::fs::write(&file, text).map_err(Problem::file(&file))?;
        let running = state.join(RUNNING);
        std::fs::remove_file(&running).map_err(Problem::file(&running))
    }
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
