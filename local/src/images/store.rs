//! The images of one build, between `docker build` and `docker push`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::reference::Reference;
use crate::fresh::uuid;

pub(super) struct Store {
    root: PathBuf,
}

/// Content under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) path: PathBuf,
}

/// What is remembered by name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Index {
    /// `name:tag` → digest of the manifest.
    tags: BTreeMap<String, String>,
    /// `name` → `name@digest` once pushed.
    pushed: BTreeMap<String, String>,
    logins: Vec<String>,
}

impl Store {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("blobs/sha256"))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(super) fn passing_file(&self) -> io::Result<PathBuf> {
        Ok(self.root.join(uuid()))
    }

    /// Takes a file in under its digest.
    pub(super) fn adopt(&self, file: &Path, digest: &str) -> io::Result<Blob> {
        let path = self.path(digest);
        fs::rename(file, &path)?;
        Ok(Blob { digest: digest.to_owned(), size: fs::metadata(&path)?.len(), path })
    }

    pub(super) fn put(&self, content: &[u8]) -> io::Result<Blob> {
        let passing = self.passing_file()?;
        fs::write(&passing, content)?;
        self.adopt(&passing, &digest_text(&Sha256::digest(content)))
    }

    pub(super) fn read(&self, digest: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(digest))
    }

    pub(super) fn path(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(digest.replace(':', "/"))
    }

    pub(super) fn tag(&self, reference: &Reference, manifest: &str) -> io::Result<()> {
        self.change(|index| {
            index.tags.insert(reference.to_string(), manifest.to_owned());
        })
    }

    /// The manifest's digest of an image by its name, its config's digest (the "image id"), or a prefix of that.
    pub(super) fn find(&self, name: &str) -> io::Result<Option<String>> {
        let index = self.index()?;
        if let Ok(reference) = name.parse::<Reference>()
            && let Some(manifest) = index.tags.get(&reference.to_string())
        {
            return Ok(Some(manifest.clone()));
        }
        let id = name.strip_prefix("sha256:").unwrap_or(name);
        for manifest in index.tags.values() {
            if config_digest(&self.read(manifest)?)
                .is_some_and(|config| config["sha256:".len()..].starts_with(id))
            {
                return Ok(Some(manifest.clone()));
            }
        }
        Ok(None)
    }

    pub(super) fn note_pushed(&self, reference: &Reference, digest: &str) -> io::Result<()> {
        self.change(|index| {
            index.pushed.insert(reference.name(), format!("{}@{digest}", reference.name()));
        })
    }

    /// `name:tag` and `name@digest` of an image.
    pub(super) fn names(&self, manifest: &str) -> io::Result<(Vec<String>, Vec<String>)> {
        let index = self.index()?;
        let tags = index.tags.iter().filter(|(_, digest)| *digest == manifest).map(|(tag, _)| tag.clone());
        let pushed = index.pushed.values().filter(|name| name.ends_with(manifest)).cloned();
        Ok((tags.collect(), pushed.collect()))
    }

    pub(super) fn log_in(&self, registry: &str) -> io::Result<()> {
        self.change(|index| index.logins.push(registry.to_owned()))
    }

    pub(super) fn is_logged_in(&self, registry: &str) -> io::Result<bool> {
        Ok(self.index()?.logins.iter().any(|known| known == registry))
    }

    fn index(&self) -> io::Result<Index> {
        match fs::read(self.root.join("index.json")) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
            Err(error) => Err(error),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Index)) -> io::Result<()> {
        let mut index = self.index()?;
        change(&mut index);
        let passing = self.passing_file()?;
        fs::write(&passing, serde_json::to_vec(&index)?)?;
        fs::rename(passing, self.root.join("index.json"))
    }
}

/// `sha256:…`
pub(super) fn digest_text(hash: &[u8]) -> String {
    hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

pub(super) fn config_digest(manifest: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    manifest["config"]["digest"].as_str().map(str::to_owned)
}
