//! The `git` binary with a cleared environment: nobody's own configuration decides how a repository behaves.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

use crate::refusal::Refusal;

/// A `git` command that reads no configuration but the repository's.
pub(crate) fn command() -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        // A path asked for is a path, never a pattern.
        .env("GIT_LITERAL_PATHSPECS", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Output of `git --git-dir <repository> <arguments>`, or `None` when git says no.
pub(super) async fn ask(repository: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>, Refusal> {
    let output = command()
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .output()
        .await
        .map_err(|error| Refusal::internal(format!("git does not start: {error}")))?;
    Ok(output.status.success().then_some(output.stdout))
}

/// As [`ask`], for one line of text.
pub(super) async fn ask_line(repository: &Path, arguments: &[&str]) -> Result<Option<String>, Refusal> {
    let output = ask(repository, arguments).await?;
    Ok(output.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
}
