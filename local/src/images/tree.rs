//! Files as a build sees them: a context on disk, or what the steps of a stage have made.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::ignore::Ignore;

/// Paths without a leading slash, `/` between their parts; a folder comes before what is in it.
pub(super) type Tree = BTreeMap<String, Node>;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Folder,
    File { mode: u32, content: Content },
    Link { target: PathBuf },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    OnDisk(PathBuf),
}

/// Everything in the context that its `.dockerignore` leaves in.
pub(super) fn context(root: &Path, ignore: &Ignore) -> io::Result<Tree> {
    let mut tree = Tree::new();
    walk(root, "", ignore, &mut tree)?;
    Ok(tree)
}

fn walk(folder: &Path, prefix: &str, ignore: &Ignore, tree: &mut Tree) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // git's own files hold times and would give every checkout another image.
        if prefix.is_empty() && name == ".git" {
            continue;
        }
        let path = join(prefix, &name);
        let left_out = ignore.leaves_out(&path);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !left_out {
                tree.insert(path.clone(), Node::Folder);
            }
            // A later rule may take back what is inside.
            walk(&entry.path(), &path, ignore, tree)?;
        } else if left_out {
            continue;
        } else if kind.is_symlink() {
            tree.insert(path, Node::Link { target: fs::read_link(entry.path())? });
        } else if kind.is_file() {
            // What a checkout keeps of a mode, whatever the umask was.
            let executable = entry.metadata()?.permissions().mode() & 0o111 != 0;
            let mode = if executable { 0o755 } else { 0o644 };
            tree.insert(path, Node::File { mode, content: Content::OnDisk(entry.path()) });
        }
    }
    Ok(())
}

pub(super) fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// A path without leading slash, `.`, `..` and doubled slashes; it never leaves the root.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
