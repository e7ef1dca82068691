//! A bare repository on disk and what CodeCommit knows about it besides.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{git, hook};
use crate::{fresh::uuid, refusal::Refusal};

const NAME_MAX: usize = 100;
/// Inside the bare repository, beside git's own files.
const RECORD_FILE: &str = "codecommit.json";
const DEFAULT_BRANCH: &str = "main";

#[derive(Debug, Clone)]
pub struct Repository {
    pub account: String,
    pub region: String,
    pub name: String,
    /// CodeCommit's own id; another one when a repository of the same name is made again.
    pub id: String,
    /// The bare repository's folder: push here.
    pub path: PathBuf,
    description: String,
    created_at: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    region: String,
    description: String,
    created_at: f64,
}

pub(super) fn path(root: &Path, account: &str, name: &str) -> PathBuf {
    root.join(account).join(format!("{name}.git"))
}

impl Repository {
    pub(super) async fn create(
        root: &Path,
        account: &str,
        region: &str,
        name: &str,
        description: &str,
    ) -> Result<Self, Refusal> {
        check_name(name)?;
        let path = path(root, account, name);
        if path.exists() {
            return Err(Refusal::new(
                "RepositoryNameExistsException",
                format!("Repository named {name} already exists"),
            ));
        }
        fs::create_dir_all(&path).map_err(Refusal::internal)?;
        let branch = format!("--initial-branch={DEFAULT_BRANCH}");
        git::ask(&path, &["init", "--quiet", "--bare", "--template=", &branch])
            .await?
            .ok_or_else(|| Refusal::internal(format!("git init failed in {}", path.display())))?;
        let record = Record {
            id: uuid(),
            region: region.to_owned(),
            description: description.to_owned(),
            created_at: now_seconds(),
        };
        let text = serde_json::to_vec(&record).map_err(Refusal::internal)?;
        fs::write(path.join(RECORD_FILE), text).map_err(Refusal::internal)?;
        hook::install(&path).map_err(Refusal::internal)?;
        Ok(Self::of(account, name, path, record))
    }

    pub(super) async fn open(root: &Path, account: &str, name: &str) -> Result<Self, Refusal> {
        check_name(name)?;
        let path = path(root, account, name);
        let text = match fs::read(path.join(RECORD_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Refusal::new(
                    "RepositoryDoesNotExistException",
                    format!("{name} does not exist"),
                ));
            }
            Err(error) => return Err(Refusal::internal(error)),
        };
        let record = serde_json::from_slice(&text).map_err(Refusal::internal)?;
        Ok(Self::of(account, name, path, record))
    }

    /// Repositories of one account and region, by name.
    pub(super) async fn list(root: &Path, account: &str, region: &str) -> Result<Vec<Self>, Refusal> {
        let folder = match fs::read_dir(root.join(account)) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Refusal::internal(error)),
        };
        let mut found = Vec::new();
        for entry in folder {
            let file_name = entry.map_err(Refusal::internal)?.file_name();
            if let Some(name) = file_name.to_str().and_then(|name| name.strip_suffix(".git")) {
                found.push(Self::open(root, account, name).await?);
            }
        }
        found.retain(|one| one.region == region);
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// The deleted repository's id; `None` when there was none, which AWS does not call an error.
    pub(super) async fn delete(root: &Path, account: &str, name: &str) -> Result<Option<String>, Refusal> {
        match Self::open(root, account, name).await {
            Ok(repository) => {
                fs::remove_dir_all(&repository.path).map_err(Refusal::internal)?;
                Ok(Some(repository.id))
            }
            Err(refusal) if refusal.kind == "RepositoryDoesNotExistException" => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:codecommit:{}:{}:{}", self.region, self.account, self.name)
    }

    /// As in `GetRepository`. The default branch is told once the repository has it.
    pub(super) async fn metadata(&self) -> Value {
        let mut metadata = json!({
            "accountId": self.account,
            "repositoryId": self.id,
            "repositoryName": self.name,
            "repositoryDescription": self.description,
            "creationDate": self.created_at,
            "lastModifiedDate": self.last_modified(),
            "cloneUrlHttp": format!("https://git-codecommit.{}.amazonaws.com/v1/repos/{}", self.region, self.name),
            "cloneUrlSsh": format!("ssh://git-codecommit.{}.amazonaws.com/v1/repos/{}", self.region, self.name),
            "Arn": self.arn(),
        });
        let default = format!("refs/heads/{DEFAULT_BRANCH}");
        if let Ok(Some(_)) = git::ask(&self.path, &["show-ref", "--verify", "--quiet", &default]).await {
            metadata["defaultBranch"] = DEFAULT_BRANCH.into();
        }
        metadata
    }

    fn last_modified(&self) -> f64 {
        // git replaces files inside `refs` on every push.
        let changed = fs::metadata(self.path.join("refs/heads")).and_then(|folder| folder.modified());
        changed.map_or(self.created_at, |time| seconds(time).max(self.created_at))
    }

    fn of(account: &str, name: &str, path: PathBuf, record: Record) -> Self {
        Self {
            account: account.to_owned(),
            region: record.region,
            name: name.to_owned(),
            id: record.id,
            path,
            description: record.description,
            created_at: record.created_at,
        }
    }
}

/// Source: CodeCommit's quotas: 1–100 letters, digits, `.`, `_`, `-`; not ending in `.git`.
fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let valid = (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.ends_with(".git")
        && name.bytes().any(|byte| byte != b'.');
    if valid {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidRepositoryNameException",
        format!(
            "{name:?} is not a repository name: 1 to {NAME_MAX} of A-Z a-z 0-9 . _ -, not ending with .git"
        ),
    ))
}

fn now_seconds() -> f64 {
    seconds(SystemTime::now())
}

fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}
