//! CodeCommit over real bare git repositories: `<root>/<account>/<repository>.git`.

mod content;
mod event;
mod git;
mod hook;
mod reference;
mod repository;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{info, warn};

pub use event::{Moved, Pushed};
pub(crate) use git::command as git_command;
pub use repository::Repository;

pub use crate::refusal::Refusal;
use crate::stand_in::{Answer, Call, Events};

/// The last part of the `X-Amz-Target` prefix; the service in a signature is `codecommit`.
pub const TARGET_PREFIX: &str = "CodeCommit_20150413";

/// Answers CodeCommit's API and says what was pushed.
#[derive(Debug, Clone)]
pub struct CodeCommit {
    root: PathBuf,
    events: Events,
}

impl CodeCommit {
    pub fn new(root: PathBuf, events: Events) -> Self {
        Self { root, events }
    }

    /// Where the post-receive hooks of all repositories tell of pushes from now on:
    /// `POST <front_door>/_tidegate/pushed`, a body for [`Pushed`]'s parser.
    pub fn announce_at(&self, front_door: &str) -> io::Result<()> {
        hook::announce_at(&self.root, front_door)
    }

    /// Makes an empty bare repository whose default branch is `main`.
    pub async fn create(&self, account: &str, region: &str, name: &str) -> Result<Repository, Refusal> {
        Repository::create(&self.root, account, region, name, "").await
    }

    /// The folder to `git push` to.
    pub fn path(&self, account: &str, name: &str) -> PathBuf {
        repository::path(&self.root, account, name)
    }

    /// Sends what AWS sends after a push: one event per reference that moved.
    pub async fn pushed(&self, pushed: &Pushed) -> Result<(), Refusal> {
        let repository = Repository::open(&self.root, &pushed.account, &pushed.repository).await?;
        for moved in &pushed.moved {
            if let Some(event) = event::state_change(&repository, moved) {
                info!(repository = %repository.name, reference = %moved.reference, "push received");
                if self.events.send(event).is_err() {
                    warn!(repository = %repository.name, "nobody listens for service events");
                }
            }
        }
        Ok(())
    }

    pub async fn answer(&self, call: &Call) -> Answer {
        match dispatch(&self.root, call).await {
            Ok(value) => Answer::json(200, &value),
            Err(refusal) => refusal.into(),
        }
    }
}

async fn dispatch(root: &Path, call: &Call) -> Result<Value, Refusal> {
    match call.action.as_str() {
        "CreateRepository" => {
            let asked: CreateRepository = read(call)?;
            let description = asked.repository_description.unwrap_or_default();
            let name = named(asked.repository_name)?;
            let repository =
                Repository::create(root, &call.account, &call.region, &name, &description).await?;
            Ok(json!({ "repositoryMetadata": repository.metadata().await }))
        }
        "DeleteRepository" => {
            let asked: OneRepository = read(call)?;
            let deleted = Repository::delete(root, &call.account, &named(asked.repository_name)?).await?;
            Ok(deleted.map_or_else(|| json!({}), |id| json!({ "repositoryId": id })))
        }
        "ListRepositories" => {
            let repositories = Repository::list(root, &call.account, &call.region).await?;
            let listed: Vec<Value> = repositories
                .iter()
                .map(|one| json!({ "repositoryName": one.name, "repositoryId": one.id }))
                .collect();
            Ok(json!({ "repositories": listed }))
        }
        "GetRepository" => {
            let asked: OneRepository = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            Ok(json!({ "repositoryMetadata": repository.metadata().await }))
        }
        "GetBranch" => {
            let asked: GetBranch = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            reference::branch(&repository, asked.branch_name).await
        }
        "ListBranches" => {
            let asked: OneRepository = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            reference::branches(&repository).await
        }
        "GetCommit" => {
            let asked: GetCommit = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            reference::commit(&repository, asked.commit_id).await
        }
        "GetFile" => {
            let asked: GetFile = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            content::file(&repository, asked.commit_specifier, asked.file_path).await
        }
        "GetFolder" => {
            let asked: GetFolder = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            content::folder(&repository, asked.commit_specifier, asked.folder_path).await
        }
        "GetDifferences" => {
            let asked: GetDifferences = read(call)?;
            let repository = open(root, call, asked.repository_name).await?;
            content::differences(&repository, asked.before_commit_specifier, asked.after_commit_specifier)
                .await
        }
        other => Err(Refusal::new(
            "UnknownOperationException",
            format!("CodeCommit's {other} is not part of the local AWS"),
        )),
    }
}

async fn open(root: &Path, call: &Call, name: Option<String>) -> Result<Repository, Refusal> {
    Repository::open(root, &call.account, &named(name)?).await
}

fn named(name: Option<String>) -> Result<String, Refusal> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| Refusal::new("RepositoryNameRequiredException", "A repository name is required."))
}

fn read<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::new("SerializationException", format!("{}: {error}", call.action)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateRepository {
    repository_name: Option<String>,
    repository_description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneRepository {
    repository_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetBranch {
    repository_name: Option<String>,
    branch_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetCommit {
    repository_name: Option<String>,
    commit_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetFile {
    repository_name: Option<String>,
    commit_specifier: Option<String>,
    file_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetFolder {
    repository_name: Option<String>,
    commit_specifier: Option<String>,
    folder_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetDifferences {
    repository_name: Option<String>,
    before_commit_specifier: Option<String>,
    after_commit_specifier: Option<String>,
}

#[cfg(test)]
mod tests;
