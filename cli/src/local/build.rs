//! The functions' binaries, built once with the rest of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The project: the nearest folder above that has the template and the local AWS.
pub(crate) fn project() -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|error| format!("cannot tell the current folder: {error}"))?;
    here.ancestors()
        .find(|folder| folder.join("template.yaml").is_file() && folder.join("local/Cargo.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            format!("{} is not inside a checkout of Tidegate, which local mode runs from", here.display())
        })
}

/// Builds what is not built yet, in the profile and target folder that this very binary came from, so that cargo
/// has next to nothing left to do. Cargo's own progress goes to stderr.
pub(crate) fn binaries(project: &Path) -> Result<PathBuf, String> {
    let this =
        std::env::current_exe().map_err(|error| format!("cannot tell where this binary is: {error}"))?;
    let folder = this.parent().ok_or("this binary is in no folder")?.to_owned();
    let target = folder.parent().ok_or("this binary is in no target folder")?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--bins", "--target-dir"]).arg(target).current_dir(project).stdout(Stdio::null());
    // `cargo run` describes this package to its binary. Handed on, that would change what build scripts see, and
    // everything would be compiled again.
    for (name, _) in std::env::vars_os() {
        let described = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if name.to_str().is_some_and(|name| described.iter().any(|prefix| name.starts_with(prefix))) {
            build.env_remove(&name);
        }
    }
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if built.success() { Ok(folder) } else { Err("the functions did not compile".to_owned()) }
}
