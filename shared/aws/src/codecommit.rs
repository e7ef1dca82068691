//! Branch heads and files of the source repositories.

use aws_sdk_codecommit::operation::get_branch::GetBranchError;
use aws_sdk_codecommit::operation::get_commit::GetCommitError;
use aws_sdk_codecommit::operation::get_file::GetFileError;
use engine::failure::Failure;
use engine::ports::{CommitRead, Sources};
use model::ids::{BranchName, RepositoryName, Revision};

use crate::Aws;
use crate::failure::Call;

const GET_BRANCH: Call = Call::reads("codecommit GetBranch");
const GET_COMMIT: Call = Call::reads("codecommit GetCommit");
const GET_FILE: Call = Call::reads("codecommit GetFile");

impl Sources for Aws {
    async fn branch_head(
        &self,
        repository: &RepositoryName,
        branch: &BranchName,
    ) -> Result<Option<Revision>, Failure> {
        let sent = self
            .codecommit
            .get_branch()
            .repository_name(repository.as_str())
            .branch_name(branch.as_str())
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(no_such_branch) => return Ok(None),
            Err(error) => return Err(GET_BRANCH.failed(error)),
        };
        let head = answer.branch().and_then(|branch| branch.commit_id()).unwrap_or_default();
        let revision: Result<Revision, _> = head.parse();
        revision
            .map(Some)
            .map_err(|error| GET_BRANCH.refused(format!("head of {repository} {branch}: {error}")))
    }

    async fn file(
        &self,
        repository: &RepositoryName,
        revision: &Revision,
        path: &str,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let sent = self
            .codecommit
            .get_file()
            .repository_name(repository.as_str())
            .commit_specifier(revision.as_str())
            .file_path(path)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Some(answer.file_content.into_inner())),
            Err(error) if error.as_service_error().is_some_and(no_such_file) => Ok(None),
            Err(error) => Err(GET_FILE.failed(error)),
        }
    }

    async fn commit(
        &self,
        repository: &RepositoryName,
        revision: &Revision,
    ) -> Result<Option<CommitRead>, Failure> {
        let sent = self
            .codecommit
            .get_commit()
            .repository_name(repository.as_str())
            .commit_id(revision.as_str())
            .send()
            .await;
        let commit = match sent {
            Ok(answer) => answer.commit,
            Err(error) if error.as_service_error().is_some_and(no_such_commit) => return Ok(None),
            Err(error) => return Err(GET_COMMIT.failed(error)),
        };
        let Some(commit) = commit else { return Ok(None) };
        let parents: Result<Vec<Revision>, _> =
            commit.parents().iter().map(|parent| parent.parse()).collect();
        let parents = parents
            .map_err(|error| GET_COMMIT.refused(format!("parents of {repository} {revision}: {error}")))?;
        let author = commit.author();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Some(CommitRead {
            parents,
            author: text(author.and_then(|author| author.email())),
            name: text(author.and_then(|author| author.name())),
            message: text(commit.message()),
        }))
    }
}

fn no_such_commit(error: &GetCommitError) -> bool {
    error.is_commit_id_does_not_exist_exception() || error.is_repository_does_not_exist_exception()
}

fn no_such_branch(error: &GetBranchError) -> bool {
    error.is_branch_does_not_exist_exception() || error.is_repository_does_not_exist_exception()
}

fn no_such_file(error: &GetFileError) -> bool {
    error.is_file_does_not_exist_exception()
        || error.is_commit_does_not_exist_exception()
        || error.is_repository_does_not_exist_exception()
}
