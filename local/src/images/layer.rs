//! A layer: the same files give the same bytes.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::{
    store::{Blob, Store},
    tree::{Content, Node, Tree},
};

pub(super) struct Layer {
    /// Digest of the tar as it is inside.
    pub(super) diff_id: String,
    pub(super) blob: Blob,
}

/// Packs the files, sorted by path, owned by root, of 1970.
pub(super) fn pack(store: &Store, files: &Tree) -> io::Result<Layer> {
    let passing = store.passing_file()?;
    let file = Hashing::new(File::create(&passing)?);
    let zipped: GzEncoder<_> = GzBuilder::new().mtime(0).write(file, Compression::fast());
    let mut tar = Builder::new(Hashing::new(zipped));
    for (path, node) in files {
        append(&mut tar, path, node)?;
    }
    let inside = tar.into_inner()?;
    let diff_id = inside.digest();
    let outside = inside.inner.finish()?;
    let digest = outside.digest();
    outside.inner.sync_data()?;
    let blob = store.adopt(&passing, &digest)?;
    Ok(Layer { diff_id, blob })
}

fn append<W: Write>(tar: &mut Builder<W>, path: &str, node: &Node) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    match node {
        Node::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            tar.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Node::Link { target } => {
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            tar.append_link(&mut header, path, target)
        }
        Node::File { mode, content } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(*mode);
            match content {
                Content::Bytes(bytes) => {
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, path, bytes.as_slice())
                }
                Content::OnDisk(file) => append_file(tar, &mut header, path, file),
            }
        }
    }
}

fn append_file<W: Write>(
    tar: &mut Builder<W>,
    header: &mut Header,
    path: &str,
    file: &Path,
) -> io::Result<()> {
    let open = || -> io::Result<(File, u64)> { Ok((File::open(file)?, fs::metadata(file)?.len())) };
    let (content, size) =
        open().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    header.set_size(size);
    tar.append_data(header, path, content)
}

/// Hashes what passes through.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    fn digest(&self) -> String {
        super::store::digest_text(&self.hash.clone().finalize())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
