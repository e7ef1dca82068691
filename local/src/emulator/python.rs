//! A Python of our own with the emulator in it, installed once and pinned.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::problem::Problem;

const REQUIREMENTS: &str = include_str!("../../requirements.txt");
/// Written last: an installation without it was interrupted and is made again.
const STAMP: &str = "installed";
/// Held while one run installs; the others wait for it and find the work done.
const LOCK: &str = "install.lock";
/// Lines of a log that an error shows.
pub(super) const TAIL_LINES: usize = 15;

/// Makes sure of the pinned emulator under `home`, and gives its Python.
pub(super) async fn install(
    home: &Path,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<PathBuf, Problem> {
    let venv = home.join("emulator");
    let python = venv.join("bin").join("python");
    let stamp = venv.join(STAMP);
    let wanted: String = Sha256::digest(REQUIREMENTS).iter().map(|byte| format!("{byte:02x}")).collect();
    let is_installed = || std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted);
    if is_installed() {
        return Ok(python);
    }
    std::fs::create_dir_all(home).map_err(Problem::file(home))?;
    let _turn = turn(home.join(LOCK)).await?;
    if is_installed() {
        return Ok(python);
    }
    progress("installing the emulator (once, about a minute)");
    if venv.exists() {
        std::fs::remove_dir_all(&venv).map_err(Problem::file(&venv))?;
    }
    let requirements = home.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(Problem::file(&requirements))?;
    let log = home.join("install.log");

    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&venv);
    run(make, "making a Python environment", &log).await?;
    progress("downloading the emulator's packages");
    let mut fill = Command::new(&python);
    fill.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--requirement"]);
    fill.arg(&requirements);
    run(fill, "downloading the emulator's packages", &log).await?;
    std::fs::write(&stamp, &wanted).map_err(Problem::file(&stamp))?;
    progress("the emulator is installed");
    Ok(python)
}

/// Waits for the lock; the system lets go of it when the file is closed, however a run ends.
async fn turn(path: PathBuf) -> Result<File, Problem> {
    let lock = File::create(&path).map_err(Problem::file(&path))?;
    let waiting = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    waiting.await.map_err(|gone| Problem::file(&path)(gone.into()))?.map_err(Problem::file(&path))
}

/// The user's own environment stays: it says where packages come from.
async fn run(mut command: Command, doing: &'static str, log: &Path) -> Result<(), Problem> {
    let out = File::create(log).map_err(Problem::file(log))?;
    let err = out.try_clone().map_err(Problem::file(log))?;
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).kill_on_drop(true).spawn();
    let status =
        child.map_err(|source| Problem::NoPython { source })?.wait().await.map_err(Problem::file(log))?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::Install { doing, log: log.to_path_buf(), tail: tail(log) })
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
