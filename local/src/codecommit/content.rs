//! Files, folders and differences: `GetFile`, `GetFolder`, `GetDifferences`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{git, reference::resolve, repository::Repository};
use crate::refusal::Refusal;

/// Source: CodeCommit's quotas, "File content size": 6 MB by the API.
const FILE_MAX_BYTES: u64 = 6 * 1024 * 1024;
/// The empty tree, which every repository has without holding it.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

pub(super) async fn file(
    repository: &Repository,
    commit: Option<String>,
    path: Option<String>,
) -> Result<Value, Refusal> {
    let path = path
        .filter(|path| !path.is_empty())
        .ok_or_else(|| Refusal::new("PathRequiredException", "A file path is required."))?;
    let path = clean(&path)?;
    let commit = resolve(repository, commit.as_deref()).await?;
    let missing = || Refusal::new("FileDoesNotExistException", format!("{path} does not exist at {commit}"));
    let entries = entries(repository, &commit, &path).await?.ok_or_else(missing)?;
    let entry =
        entries.into_iter().find(|entry| entry.kind == "blob" && entry.path == path).ok_or_else(missing)?;
    if entry.size > FILE_MAX_BYTES {
        return Err(Refusal::new(
            "FileTooLargeException",
            format!("{path} has {} bytes; at most {FILE_MAX_BYTES} can be read this way", entry.size),
        ));
    }
    let content = git::ask(&repository.path, &["cat-file", "blob", &entry.id])
        .await?
        .ok_or_else(|| Refusal::internal(format!("blob {} of {path} is missing", entry.id)))?;
    Ok(json!({
        "commitId": commit,
        "blobId": entry.id,
        "filePath": path,
        "fileMode": entry.mode_name(),
        "fileSize": entry.size,
        "fileContent": STANDARD.encode(content),
    }))
}

/// One folder, not what is below it.
pub(super) async fn folder(
    repository: &Repository,
    commit: Option<String>,
    path: Option<String>,
) -> Result<Value, Refusal> {
    let path = clean(&path.unwrap_or_default())?;
    let commit = resolve(repository, commit.as_deref()).await?;
    let tree = tree(repository, &commit, &path).await?.ok_or_else(|| {
        Refusal::new("FolderDoesNotExistException", format!("{path:?} is no folder at {commit}"))
    })?;
    let inside = entries(repository, &tree, "").await?.unwrap_or_default();
    let place = |entry: &Entry| {
        let absolute = if path.is_empty() { entry.path.clone() } else { format!("{path}/{}", entry.path) };
        json!({ "absolutePath": absolute, "relativePath": entry.path })
    };
    let (mut files, mut folders, mut links, mut modules) = (vec![], vec![], vec![], vec![]);
    for entry in &inside {
        let mut told = place(entry);
        match entry.mode.as_str() {
            "040000" => {
                told["treeId"] = entry.id.as_str().into();
                folders.push(told);
            }
            "160000" => {
                told["commitId"] = entry.id.as_str().into();
                modules.push(told);
            }
            mode => {
                told["blobId"] = entry.id.as_str().into();
                told["fileMode"] = entry.mode_name().into();
                if mode == "120000" { links.push(told) } else { files.push(told) }
            }
        }
    }
    Ok(json!({
        "commitId": commit, "folderPath": path, "treeId": tree,
        "files": files, "subFolders": folders, "symbolicLinks": links, "subModules": modules,
    }))
}

pub(super) async fn differences(
    repository: &Repository,
    before: Option<String>,
    after: Option<String>,
) -> Result<Value, Refusal> {
    let after =
        after.ok_or_else(|| Refusal::new("CommitRequiredException", "afterCommitSpecifier is required."))?;
    let after = resolve(repository, Some(&after)).await?;
    let before = match before {
        Some(before) => resolve(repository, Some(&before)).await?,
        None => EMPTY_TREE.to_owned(),
    };
    let arguments = ["diff-tree", "-r", "-z", "--no-renames", before.as_str(), after.as_str()];
    let output = git::ask(&repository.path, &arguments)
        .await?
        .ok_or_else(|| Refusal::internal(format!("git diff-tree {before} {after} failed")))?;
    let output = String::from_utf8_lossy(&output);
    let mut parts = output.split('\0').filter(|part| !part.is_empty());
    let mut found = Vec::new();
    while let (Some(change), Some(path)) = (parts.next(), parts.next()) {
        let field: Vec<&str> = change.trim_start_matches(':').split(' ').collect();
        let [old_mode, new_mode, old, new, letter] = field[..] else { continue };
        let blob = |id: &str, mode: &str| json!({ "blobId": id, "path": path, "mode": mode });
        // A changed type is a modification to AWS.
        let kind = if letter == "T" { "M" } else { letter };
        let mut difference = json!({ "changeType": kind });
        if kind != "A" {
            difference["beforeBlob"] = blob(old, old_mode);
        }
        if kind != "D" {
            difference["afterBlob"] = blob(new, new_mode);
        }
        found.push(difference);
    }
    Ok(json!({ "differences": found }))
}

struct Entry {
    mode: String,
    kind: String,
    id: String,
    size: u64,
    path: String,
}

impl Entry {
    fn mode_name(&self) -> &'static str {
        match self.mode.as_str() {
            "100755" => "EXECUTABLE",
            "120000" => "SYMLINK",
            _ => "NORMAL",
        }
    }
}

async fn tree(repository: &Repository, commit: &str, path: &str) -> Result<Option<String>, Refusal> {
    let expression = format!("{commit}:{path}");
    let id = git::ask_line(&repository.path, &["rev-parse", "--verify", "--quiet", &expression]).await?;
    let Some(id) = id else { return Ok(None) };
    let kind = git::ask_line(&repository.path, &["cat-file", "-t", &id]).await?;
    Ok(kind.filter(|kind| kind == "tree").map(|_| id))
}

/// What a tree or commit holds at a path, or directly under it when the path is empty.
async fn entries(repository: &Repository, tree: &str, path: &str) -> Result<Option<Vec<Entry>>, Refusal> {
    let mut arguments = vec!["ls-tree", "-z", "--long", "--full-tree", tree];
    if !path.is_empty() {
        arguments.extend(["--", path]);
    }
    let output = git::ask(&repository.path, &arguments).await?;
    Ok(output.map(|bytes| String::from_utf8_lossy(&bytes).split('\0').filter_map(parse_entry).collect()))
}

/// `<mode> <kind> <id> <padded size>\t<path>`
fn parse_entry(line: &str) -> Option<Entry> {
    let (what, path) = line.split_once('\t')?;
    let mut field = what.split_ascii_whitespace();
    Some(Entry {
        mode: field.next()?.to_owned(),
        kind: field.next()?.to_owned(),
        id: field.next()?.to_owned(),
        size: field.next()?.parse().unwrap_or(0),
        path: path.to_owned(),
    })
}

/// A path below the repository's root, without a slash at either end.
fn clean(path: &str) -> Result<String, Refusal> {
    let cleaned = path.trim_matches('/');
    let odd = |part: &str| matches!(part, "" | "." | "..");
    if (!cleaned.is_empty() && cleaned.split('/').any(odd)) || cleaned.contains('\0') {
        return Err(Refusal::new("InvalidPathException", format!("{path:?} is not a path in a repository")));
    }
    Ok(cleaned.to_owned())
}
