//! One command of a buildspec in a bash of its own, with what the commands before it left: variables and folder.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{process::Command, sync::watch, time::Instant};

/// Lines of a failed command's output that its context repeats.
const LAST_LINES: usize = 5;
const LAST_LINES_BYTES_MAX: u64 = 2048;
/// Names the folder that carries the state from one command to the next.
const STATE_VARIABLE: &str = "TIDEGATE_STATE";

/// Where and with what the commands of one build run.
pub(super) struct Shell {
    pub(super) environment: BTreeMap<String, OsString>,
    pub(super) source: PathBuf,
    pub(super) state: PathBuf,
    pub(super) log: PathBuf,
    pub(super) deadline: Instant,
    pub(super) stop: watch::Receiver<bool>,
}

pub(super) enum Ran {
    Succeeded,
    Failed { reason: String, last_lines: String },
    Stopped,
    TimedOut,
}

impl Shell {
    /// Runs the command to its end, the build's deadline, or the order to stop; then nothing of it is running.
    pub(super) async fn run(&mut self, command: &str, succeeding: bool) -> io::Result<Ran> {
        let file = self.state.join("command.sh");
        fs::write(&file, script(command, succeeding))?;
        let log = fs::OpenOptions::new().append(true).open(&self.log)?;
        let begin = log.metadata()?.len();
        let mut child = Command::new("bash")
            .arg(&file)
            .current_dir(&self.source)
            .env_clear()
            .envs(&self.environment)
            .env(STATE_VARIABLE, &self.state)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let ended = tokio::select! {
            status = child.wait() => Ended::Itself(status?),
            _ = self.stop.wait_for(|stop| *stop) => Ended::ByStop,
            () = tokio::time::sleep_until(self.deadline) => Ended::ByTimeout,
        };
        if let Some(group) = group {
            // No such group is what is wanted.
            let _ = killpg(group, Signal::SIGKILL);
        }
        child.wait().await?;
        Ok(match ended {
            Ended::Itself(status) if status.success() => Ran::Succeeded,
            Ended::Itself(status) => {
                Ran::Failed { reason: reason(status), last_lines: last_lines(&self.log, begin)? }
            }
            Ended::ByStop => Ran::Stopped,
            Ended::ByTimeout => Ran::TimedOut,
        })
    }

    /// The values that the commands left in these variables; without those they did not set.
    pub(super) async fn values(&self, names: &[String]) -> io::Result<Vec<(String, String)>> {
        const SCRIPT: &str = r#"
[ -f "$TIDEGATE_STATE/variables" ] && . "$TIDEGATE_STATE/variables"
for name in "$@"; do [ -v "$name" ] && printf '%s=%s\0' "$name" "${!name}"; done
true"#;
        let output = Command::new("bash")
            .args(["-c", SCRIPT, "bash"])
            .args(names)
            .env_clear()
            .envs(&self.environment)
            .env(STATE_VARIABLE, &self.state)
            .stdin(Stdio::null())
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair =
            |entry: &str| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(text.split('\0').filter_map(pair).collect())
    }
}

/// As CodeBuild does: each command is a process, and the exported variables and the folder go on to the next.
fn script(command: &str, succeeding: bool) -> String {
    format!(
        r#"[ -f "$TIDEGATE_STATE/variables" ] && . "$TIDEGATE_STATE/variables"
[ -f "$TIDEGATE_STATE/folder" ] && cd -- "$(cat "$TIDEGATE_STATE/folder")"
export CODEBUILD_BUILD_SUCCEEDING={}
trap 'tidegate_status=$?; export -p > "$TIDEGATE_STATE/variables"; pwd > "$TIDEGATE_STATE/folder"; exit $tidegate_status' EXIT
set -a
{command}
"#,
        u8::from(succeeding)
    )
}

enum Ended {
    Itself(ExitStatus),
    ByStop,
    ByTimeout,
}

fn reason(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

fn last_lines(log: &Path, begin: u64) -> io::Result<String> {
    let mut file = fs::File::open(log)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(begin.max(end.saturating_sub(LAST_LINES_BYTES_MAX))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
}
