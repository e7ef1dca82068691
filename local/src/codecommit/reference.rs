//! Branches and commits: `GetBranch`, `ListBranches`, `GetCommit`, and what a commit specifier names.

use serde_json::{Value, json};

use super::{git, repository::Repository};
use crate::refusal::Refusal;

const BRANCH_NAME_MAX: usize = 256;
const COMMIT_ID_LENGTH: usize = 40;

pub(super) async fn branch(repository: &Repository, name: Option<String>) -> Result<Value, Refusal> {
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Refusal::new("BranchNameRequiredException", "A branch name is required."))?;
    if !is_reference_name(&name) {
        return Err(Refusal::new("InvalidBranchNameException", format!("{name:?} is not a branch name")));
    }
    let reference = format!("refs/heads/{name}^{{commit}}");
    let commit = git::ask_line(&repository.path, &["rev-parse", "--verify", "--quiet", &reference]).await?;
    let commit = commit.ok_or_else(|| {
        Refusal::new(
            "BranchDoesNotExistException",
            format!("Branch {name} does not exist in {}", repository.name),
        )
    })?;
    Ok(json!({ "branch": { "branchName": name, "commitId": commit } }))
}

pub(super) async fn branches(repository: &Repository) -> Result<Value, Refusal> {
    let listed =
        git::ask_line(&repository.path, &["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"])
            .await?;
    let listed = listed.unwrap_or_default();
    Ok(json!({ "branches": listed.lines().collect::<Vec<_>>() }))
}

pub(super) async fn commit(repository: &Repository, id: Option<String>) -> Result<Value, Refusal> {
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::new("CommitIdRequiredException", "A commit id is required."))?;
    if !is_commit_id(&id) {
        return Err(Refusal::new("InvalidCommitIdException", format!("{id:?} is not a full commit id")));
    }
    // %x00 keeps a message of many lines whole.
    let format = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B";
    let shown =
        git::ask(&repository.path, &["show", "--no-patch", "--no-show-signature", "--date=raw", format, &id])
            .await?;
    let shown = shown.ok_or_else(|| {
        Refusal::new("CommitIdDoesNotExistException", format!("Commit {id} does not exist"))
    })?;
    let shown = String::from_utf8_lossy(&shown);
    let field: Vec<&str> = shown.splitn(10, '\0').collect();
    let [id, tree, parents, author, author_email, authored, committer, committer_email, committed, message] =
        field[..]
    else {
        return Err(Refusal::internal(format!("git showed {} fields of commit {id}", field.len())));
    };
    Ok(json!({ "commit": {
        "commitId": id,
        "treeId": tree,
        "parents": parents.split_whitespace().collect::<Vec<_>>(),
        "message": message.trim_end_matches('\n').to_owned() + "\n",
        "author": { "name": author, "email": author_email, "date": authored },
        "committer": { "name": committer, "email": committer_email, "date": committed },
        "additionalData": "",
    } }))
}

/// The commit id that a specifier names: a full commit id, a branch, a tag or `HEAD`; absent, the default branch.
pub(super) async fn resolve(repository: &Repository, specifier: Option<&str>) -> Result<String, Refusal> {
    let specifier = specifier.unwrap_or("HEAD");
    let missing = || {
        Refusal::new(
            "CommitDoesNotExistException",
            format!("Could not find commit {specifier} in {}", repository.name),
        )
    };
    // A name that git would read as an expression (`main~1`) names nothing on AWS.
    if !is_reference_name(specifier) {
        return Err(Refusal::new(
            "InvalidCommitException",
            format!("{specifier:?} is not a commit specifier"),
        ));
    }
    let candidates = if is_commit_id(specifier) || specifier == "HEAD" || specifier.starts_with("refs/") {
        vec![specifier.to_owned()]
    } else {
        vec![format!("refs/heads/{specifier}"), format!("refs/tags/{specifier}")]
    };
    for candidate in candidates {
        let expression = format!("{candidate}^{{commit}}");
        let found =
            git::ask_line(&repository.path, &["rev-parse", "--verify", "--quiet", &expression]).await?;
        if let Some(commit) = found {
            return Ok(commit);
        }
    }
    Err(missing())
}

pub(super) fn is_commit_id(text: &str) -> bool {
    text.len() == COMMIT_ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether git would take the text as the name of a reference (`git check-ref-format --allow-onelevel`).
fn is_reference_name(name: &str) -> bool {
    let refused =
        |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    (1..=BRANCH_NAME_MAX).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(refused)
        && name.split('/').all(part)
}
