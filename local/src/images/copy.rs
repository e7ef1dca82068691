//! `COPY` and `ADD`: which files go where.

use super::{
    dockerfile::Copy,
    pattern::{is_pattern, matches},
    tree::{Content, Node, Tree, join, normal},
};

/// A source that is not there; the caller knows whether a `RUN` would have made it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Source(String),
    /// Several sources but no folder to put them in.
    Folder,
}

/// What the instruction adds to an image. `copy` is expanded already; `present` is what the image has.
pub(super) fn copied(copy: &Copy, from: &Tree, workdir: &str, present: &Tree) -> Result<Tree, Missing> {
    let target = Target::of(copy, workdir, present)?;
    let mut added = Tree::new();
    for document in &copy.documents {
        let content = Content::Bytes(document.content.clone().into_bytes());
        let node = Node::File { mode: copy.mode.unwrap_or(0o644), content };
        added.insert(target.file(&document.name), node);
    }
    for source in &copy.sources {
        // What a URL holds is not fetched, only noted: a build here reaches nothing but this machine.
        if source.contains("://") {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let content = Content::Bytes(format!("{source} is not fetched locally\n").into_bytes());
            added.insert(target.file(name), Node::File { mode: 0o600, content });
            continue;
        }
        let found = sources(from, source);
        if found.is_empty() {
            return Err(Missing::Source(source.clone()));
        }
        for path in found {
            add(&mut added, from, &path, &target, copy.mode);
        }
    }
    Ok(added)
}

/// A file in place of one that a `RUN` would have made.
pub(super) fn placeholder(
    copy: &Copy,
    source: &str,
    text: String,
    workdir: &str,
    present: &Tree,
) -> Result<Tree, Missing> {
    let target = Target::of(copy, workdir, present)?;
    let name = normal(source);
    let name = name.rsplit('/').next().unwrap_or_default();
    let node = Node::File { mode: copy.mode.unwrap_or(0o755), content: Content::Bytes(text.into_bytes()) };
    Ok(Tree::from([(target.file(name), node)]))
}

struct Target {
    path: String,
    is_folder: bool,
}

impl Target {
    fn of(copy: &Copy, workdir: &str, present: &Tree) -> Result<Self, Missing> {
        let absolute = if copy.target.starts_with('/') {
            copy.target.clone()
        } else {
            format!("{workdir}/{}", copy.target)
        };
        let path = normal(&absolute);
        let stated = copy.target.ends_with('/')
            || copy.target.ends_with("/.")
            || copy.target == "."
            || path.is_empty();
        let many = copy.sources.len() + copy.documents.len() > 1;
        if many && !stated {
            return Err(Missing::Folder);
        }
        let is_folder = stated || matches!(present.get(&path), Some(Node::Folder));
        Ok(Self { path, is_folder })
    }

    /// Where one file of that name goes.
    fn file(&self, name: &str) -> String {
        if self.is_folder { join(&self.path, name) } else { self.path.clone() }
    }
}

/// Paths that a source names; the empty path is the whole tree.
fn sources(from: &Tree, source: &str) -> Vec<String> {
    let source = normal(source);
    if is_pattern(&source) {
        return from.keys().filter(|path| matches(&source, path)).cloned().collect();
    }
    let is_there = source.is_empty() || from.contains_key(&source) || has_below(from, &source);
    if is_there { vec![source] } else { Vec::new() }
}

fn has_below(from: &Tree, folder: &str) -> bool {
    let prefix = format!("{folder}/");
    from.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
}

fn add(added: &mut Tree, from: &Tree, source: &str, target: &Target, mode: Option<u32>) {
    let with_mode = |node: &Node| match (node, mode) {
        (Node::File { content, .. }, Some(mode)) => Node::File { mode, content: content.clone() },
        (node, _) => node.clone(),
    };
    match from.get(source) {
        Some(node @ (Node::File { .. } | Node::Link { .. })) => {
            let name = source.rsplit('/').next().unwrap_or_default();
            added.insert(target.file(name), with_mode(node));
        }
        // Of a folder, what is in it is copied.
        Some(Node::Folder) | None => {
            let prefix = if source.is_empty() { String::new() } else { format!("{source}/") };
            if !target.path.is_empty() {
                added.insert(target.path.clone(), Node::Folder);
            }
            for (path, node) in from.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix))
            {
                added.insert(join(&target.path, &path[prefix.len()..]), with_mode(node));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let node = |path: &&str| match path.strip_suffix('/') {
            Some(folder) => (folder.to_owned(), Node::Folder),
            None => {
                let content = Content::Bytes(path.as_bytes().to_vec());
                ((*path).to_owned(), Node::File { mode: 0o644, content })
            }
        };
        paths.iter().map(node).collect()
    }

    fn copy(sources: &[&str], target: &str) -> Copy {
        let sources = sources.iter().map(|&source| source.to_owned()).collect();
        Copy { from: None, mode: None, sources, documents: Vec::new(), target: target.into() }
    }

    #[test]
    fn files_go_where_docker_puts_them() {
        let from = tree(&["a.txt", "b.md", "src/", "src/main.rs", "src/deep/", "src/deep/x.rs"]);
        let present = tree(&["etc/"]);
        for (sources, target, expected) in [
            (&["a.txt"][..], "/b.txt", &["b.txt"][..]),
            (&["a.txt"], "/b/", &["b/a.txt"]),
            (&["a.txt"], "/etc", &["etc/a.txt"]),
            (&["a.txt"], ".", &["app/a.txt"]),
            (&["./a.txt"], "sub/", &["app/sub/a.txt"]),
            (&["a.txt", "b.md"], "./", &["app/a.txt", "app/b.md"]),
            (&["*.md"], "/docs/", &["docs/b.md"]),
            (&["src"], "/x", &["x", "x/deep", "x/deep/x.rs", "x/main.rs"]),
            (&["src/"], "/x/", &["x", "x/deep", "x/deep/x.rs", "x/main.rs"]),
            (&["../a.txt"], "/", &["a.txt"]),
        ] {
            let added = copied(&copy(sources, target), &from, "app", &present).unwrap();
            assert_eq!(added.keys().collect::<Vec<_>>(), expected, "{sources:?} {target}");
        }
        let all = copied(&copy(&["."], "/app"), &from, "", &present).unwrap();
        assert_eq!(all.len(), from.len() + 1);
    }

    #[test]
    fn what_is_missing_is_named() {
        let from = tree(&["a.txt", "b.md"]);
        let missing = |sources, target| copied(&copy(sources, target), &from, "", &Tree::new()).unwrap_err();
        assert_eq!(missing(&["gone"], "/"), Missing::Source("gone".into()));
        assert_eq!(missing(&["*.rs"], "/"), Missing::Source("*.rs".into()));
        assert_eq!(missing(&["a.txt", "b.md"], "/x"), Missing::Folder);
    }
}
