//! What another shell must know of the local run: where it is.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Kept in `.tidegate/local.json` while local mode runs; readable by its owner only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    pub endpoint: String,
    pub table: String,
    /// Folder of the bare repositories.
    pub repositories: PathBuf,
    #[serde(skip)]
    file: PathBuf,
}

const FILE: &str = "local.json";

impl Running {
    pub(crate) fn begin(
        home: &Path,
        endpoint: String,
        table: String,
        repositories: PathBuf,
    ) -> Result<Self, String> {
        let running = Self { endpoint, table, repositories, file: home.join(FILE) };
        running.write()?;
        Ok(running)
    }

    fn write(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        let written = std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.file)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| format!("cannot write {}: {error}", self.file.display()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to tidy.
        std::fs::remove_file(&self.file).unwrap_or_default();
    }
}

/// The local run that other verbs talk to.
pub(crate) fn running() -> Result<Running, String> {
    let file = super::build::project()?.join(".tidegate").join(FILE);
    let text = std::fs::read_to_string(&file)
        .map_err(|_| "local mode is not running: start it with `tidegate local`".to_owned())?;
    let read: Running = serde_json::from_str(&text)
        .map_err(|error| format!("{} is not readable: {error}", file.display()))?;
    Ok(read)
}
