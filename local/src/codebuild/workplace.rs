//! A build's own folder: checkout, home, tools and image store while it runs; log and record for good.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{Settings, build::Build};
use crate::codecommit;

const RECORD: &str = "build.json";
const LOG: &str = "build.log";
/// What a build leaves behind that nobody asks for.
const PASSING: [&str; 5] = ["bin", "home", "images", "src", "state"];

pub(super) fn folder(work: &Path, build: &Build) -> PathBuf {
    work.join(&build.account).join(&build.project).join(&build.uuid)
}

pub(super) fn log_file(work: &Path, build: &Build) -> PathBuf {
    folder(work, build).join(LOG)
}

/// Makes the folder with an empty log and the build's first record.
pub(super) fn make(work: &Path, build: &Build) -> io::Result<()> {
    let folder = folder(work, build);
    for name in PASSING {
        fs::create_dir_all(folder.join(name))?;
    }
    File::create(folder.join(LOG))?;
    save(work, build)
}

pub(super) fn save(work: &Path, build: &Build) -> io::Result<()> {
    let folder = folder(work, build);
    // Renamed into place: a reader finds the old record or the new one.
    let passing = folder.join("build.json.new");
    fs::write(&passing, serde_json::to_vec_pretty(build)?)?;
    fs::rename(passing, folder.join(RECORD))
}

/// The records of all accounts' and projects' builds.
pub(super) fn record_files(work: &Path) -> io::Result<Vec<PathBuf>> {
    let mut level = vec![work.to_owned()];
    // Account, project, build.
    for _ in 0..3 {
        let mut below = Vec::new();
        for folder in level {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    below.push(entry.path());
                }
            }
        }
        level = below;
    }
    Ok(level.into_iter().map(|folder| folder.join(RECORD)).filter(|record| record.is_file()).collect())
}

/// Puts the build tool on the build's PATH as `docker` and as `aws`.
pub(super) fn link_tools(settings: &Settings, build: &Build) -> io::Result<()> {
    let bin = folder(&settings.work, build).join("bin");
    let tool = fs::canonicalize(&settings.tool).map_err(|error| {
        io::Error::new(error.kind(), format!("the build tool {}: {error}", settings.tool.display()))
    })?;
    for name in ["docker", "aws"] {
        symlink(&tool, bin.join(name))?;
    }
    Ok(())
}

/// Removes all but the log and the record. A build that wrote what cannot be removed is no reason to fail.
pub(super) fn tidy(work: &Path, build: &Build) {
    let folder = folder(work, build);
    for name in PASSING {
        if let Err(error) = fs::remove_dir_all(folder.join(name)) {
            tracing::debug!(build = %build.id(), name, %error, "left behind");
        }
    }
}

pub(super) fn open_log(work: &Path, build: &Build) -> io::Result<File> {
    OpenOptions::new().append(true).open(log_file(work, build))
}

/// Checks the build's source out into `src`; the full commit id, or why not, as CodeBuild says it.
pub(super) async fn check_out(settings: &Settings, build: &Build) -> Result<Option<String>, String> {
    if build.source.kind == "NO_SOURCE" {
        return Ok(None);
    }
    if build.source.kind != "CODECOMMIT" {
        return Err(format!("CLIENT_ERROR: source type {} is not available locally", build.source.kind));
    }
    let location = &build.source.location;
    let (_, name) = location
        .split_once("/v1/repos/")
        .filter(|(_, name)| !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.'))
        .ok_or_else(|| format!("CLIENT_ERROR: {location} is not the URL of a CodeCommit repository"))?;
    let repository = settings.repositories.join(&build.account).join(format!("{name}.git"));
    if !repository.is_dir() {
        return Err(format!("CLIENT_ERROR: repository not found for primary source: {location}"));
    }
    let source = folder(&settings.work, build).join("src");
    let version = build.source_version.as_deref().unwrap_or("HEAD");
    // What starts with a dash would be an option.
    if version.starts_with('-') {
        return Err(format!("CLIENT_ERROR: {version:?} is not a source version"));
    }
    git(codecommit::git_command().args(["clone", "--quiet", "--no-checkout"]).arg(&repository).arg(&source))
        .await?;
    git(codecommit::git_command().arg("-C").arg(&source).args(["checkout", "--quiet", "--detach", version]))
        .await?;
    let commit = git(codecommit::git_command().arg("-C").arg(&source).args(["rev-parse", "HEAD"])).await?;
    Ok(Some(commit))
}

async fn git(command: &mut tokio::process::Command) -> Result<String, String> {
    let output = command.output().await.map_err(|error| format!("INTERNAL_SERVICE_ERROR: git: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("CLIENT_ERROR: git for primary source: {}", told.trim()))
}

/// All that a build's commands have in their environment; nothing of ours but PATH is passed on.
pub(super) fn environment(
    settings: &Settings,
    build: &Build,
    variables: &BTreeMap<String, String>,
) -> BTreeMap<String, OsString> {
    let folder = folder(&settings.work, build);
    let mut environment: BTreeMap<String, OsString> =
        variables.iter().map(|(name, value)| (name.clone(), value.into())).collect();
    for variable in &build.variables {
        environment.insert(variable.name.clone(), variable.value.clone().into());
    }
    let mut path = folder.join("bin").into_os_string();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    let version = build.resolved_version.clone().unwrap_or_default();
    let text: [(&str, String); 23] = [
        ("LANG", "C.UTF-8".into()),
        ("AWS_ACCESS_KEY_ID", build.account.clone()),
        ("AWS_SECRET_ACCESS_KEY", "local".into()),
        ("AWS_REGION", build.region.clone()),
        ("AWS_DEFAULT_REGION", build.region.clone()),
        ("AWS_ENDPOINT_URL", settings.endpoint.clone()),
        // No file or machine of the user's gives credentials.
        ("AWS_CONFIG_FILE", "/dev/null".into()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("CODEBUILD_BUILD_ARN", build.arn()),
        ("CODEBUILD_BUILD_ID", build.id()),
        ("CODEBUILD_BUILD_IMAGE", build.image.clone()),
        ("CODEBUILD_BUILD_NUMBER", build.number.to_string()),
        ("CODEBUILD_CI", "true".into()),
        ("CODEBUILD_INITIATOR", "local".into()),
        ("CODEBUILD_KMS_KEY_ID", format!("arn:aws:kms:{}:{}:alias/aws/s3", build.region, build.account)),
        ("CODEBUILD_LOG_PATH", build.uuid.clone()),
        ("CODEBUILD_RESOLVED_SOURCE_VERSION", version),
        ("CODEBUILD_SOURCE_REPO_URL", build.source.location.clone()),
        ("CODEBUILD_SOURCE_VERSION", build.source_version.clone().unwrap_or_default()),
        ("CODEBUILD_START_TIME", ((build.started_at * 1000.0) as u64).to_string()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
    ];
    environment.extend(text.map(|(name, value)| (name.to_owned(), value.into())));
    for (name, place) in [("CODEBUILD_SRC_DIR", "src"), ("HOME", "home"), ("TIDEGATE_LOCAL_IMAGES", "images")]
    {
        environment.insert(name.to_owned(), folder.join(place).into_os_string());
    }
    environment.insert("PATH".to_owned(), path);
    environment
}
