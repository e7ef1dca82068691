//! The emulator's process: pinned, alone in its process group, without anything of the user's environment.

mod python;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::problem::Problem;

const SERVE: &str = include_str!("../../emulator/serve.py");
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Time to save its state after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running emulator. Dropping it ends its process group: the emulator watches its stdin, which closes.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    group: Option<Pid>,
    url: String,
}

/// What the process says on stdout when it listens.
#[derive(Debug, Deserialize)]
struct Listening {
    port: u16,
}

impl Emulator {
    /// Installs it into `home` where needed and starts it behind the front door at `front_door_port`; what it writes
    /// while it runs goes to `run`.
    ///
    /// With `state` it loads what was saved there, and saves there when it is stopped.
    pub(crate) async fn start(
        home: &Path,
        run: &Path,
        state: Option<&Path>,
        front_door_port: u16,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Self, Problem> {
        let python = python::install(home, progress).await?;
        let serve = run.join("serve.py");
        std::fs::write(&serve, SERVE).map_err(Problem::file(&serve))?;
        let log = run.join("emulator.log");
        let errors = std::fs::File::create(&log).map_err(Problem::file(&log))?;
        let nowhere = run.join("nowhere");
        std::fs::create_dir_all(&nowhere).map_err(Problem::file(&nowhere))?;

        let mut command = Command::new(python);
        command.arg(&serve).env_clear().envs(environment(&nowhere, front_door_port));
        if let Some(state) = state {
            command.env("PERSIST_STATE", "1").env("STATE_DIR", state.join("services"));
            command.env("S3_PERSIST", "1").env("S3_DATA_DIR", state.join("s3"));
        }
        command.current_dir(&nowhere).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(|source| Problem::NoPython { source })?;

        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let failed = || Problem::Emulator { tail: python::tail(&log) };
        let Some(stdout) = child.stdout.take() else { return Err(failed()) };
        let mut lines = BufReader::new(stdout).lines();
        let said = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await;
        let line = said.ok().and_then(Result::ok).flatten();
        let Some(Listening { port }) = line.and_then(|line| serde_json::from_str(&line).ok()) else {
            return Err(failed());
        };
        // Nobody else reads it, and a full pipe would stop the emulator.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let emulator = Self { child, group, url: format!("http://127.0.0.1:{port}") };
        if emulator.is_healthy().await { Ok(emulator) } else { Err(failed()) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn is_healthy(&self) -> bool {
        const POLL: Duration = Duration::from_millis(50);
        let Ok(http) = reqwest::Client::builder().no_proxy().build() else { return false };
        let health = format!("{}/_ministack/health", self.url);
        let healthy = async {
            while !http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(START_TIMEOUT, healthy).await.is_ok()
    }

    /// Ends the whole group; false if it had to be killed, so that its state was not saved.
    pub(crate) async fn stop(mut self) -> bool {
        let Some(group) = self.group else { return false };
        // Only the leader gets the polite signal first: its functions must not vanish while it saves.
        let _ = nix::sys::signal::kill(group, Signal::SIGTERM);
        let ended = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await;
        // What is left of the group are functions; ESRCH says that none is.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait().await;
        ended.is_ok()
    }
}

/// Everything that the emulator and the functions in it see. Nothing here can lead to a real account.
fn environment(nowhere: &Path, front_door_port: u16) -> Vec<(&'static str, String)> {
    let front_door = format!("http://127.0.0.1:{front_door_port}");
    let nowhere = nowhere.display().to_string();
    let fixed = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("PYTHONUNBUFFERED", "1"),
        ("LOG_LEVEL", "WARNING"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_DEFAULT_REGION", aws::client::LOCAL_REGION),
        ("MINISTACK_REGION", aws::client::LOCAL_REGION),
        // A Docker of the user's is nothing to us.
        ("DOCKER_HOST", "unix:///nowhere/docker.sock"),
        ("NO_PROXY", "*"),
    ];
    let mut all: Vec<(&str, String)> = fixed.map(|(name, value)| (name, value.to_owned())).into();
    all.extend([
        // The address that the emulator gives out, and that functions call, is the front door's.
        ("GATEWAY_PORT", front_door_port.to_string()),
        ("TIDEGATE_SLACK_API", format!("{front_door}/_slack/api")),
        ("AWS_ENDPOINT_URL", front_door),
        ("HOME", nowhere.clone()),
        ("TMPDIR", nowhere),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_sees_nothing_of_the_users_environment() {
        let environment = environment(Path::new("/project/.tidegate/runs/one/nowhere"), 4000);
        let value = |name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!(value("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:4000"));
        assert_eq!(value("AWS_EC2_METADATA_DISABLED"), Some("true"));
        assert_eq!(value("HOME"), Some("/project/.tidegate/runs/one/nowhere"));
        assert_eq!(value("AWS_PROFILE"), None);
        assert!(
            environment.iter().all(|(_, value)| !value.is_empty()),
            "the SDK panics on an empty endpoint"
        );
    }
}
