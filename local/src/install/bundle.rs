//! A function's zip: its binary as `bootstrap`, without symbols.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::UNIX_EPOCH;

use tokio::process::Command;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::FUNCTIONS;
use crate::fresh;
use crate::problem::Problem;

/// A zip and the name that its content gives it.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pub(crate) key: String,
    pub(crate) zip: Vec<u8>,
}

/// Packs a binary; `home` keeps what was packed, so that each binary is packed once.
pub(crate) async fn bundle(function: &str, binary: &Path, home: &Path) -> Result<Bundle, Problem> {
    if !binary.is_file() {
        return Err(Problem::NoBinary { function: function.to_owned(), path: binary.to_path_buf() });
    }
    let name = version_of(function, binary)?;
    let key = format!("{FUNCTIONS}{name}.zip");
    let kept = home.join("functions").join(format!("{name}.zip"));
    if let Ok(zip) = std::fs::read(&kept) {
        return Ok(Bundle { key, zip });
    }
    let stripped = match strip(binary, home).await {
        Some(stripped) => stripped,
        None => std::fs::read(binary).map_err(Problem::file(binary))?,
    };
    let zip = pack(&stripped).map_err(Problem::file(&kept))?;
    let folder = home.join("functions");
    std::fs::create_dir_all(&folder).map_err(Problem::file(&folder))?;
    // Renamed when whole: others may be packing the same binary, in this process for another account too.
    let part = folder.join(format!("{name}.{:016x}.part", fresh::number()));
    std::fs::write(&part, &zip).map_err(Problem::file(&part))?;
    std::fs::rename(&part, &kept).map_err(Problem::file(&kept))?;
    Ok(Bundle { key, zip })
}

/// A binary is known by its size and time, as cargo and make know it: hashing all of them takes longer than a run.
fn version_of(function: &str, binary: &Path) -> Result<String, Problem> {
    let metadata = std::fs::metadata(binary).map_err(Problem::file(binary))?;
    let modified = metadata.modified().map_err(Problem::file(binary))?;
    let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{function}-{:x}-{:x}", metadata.len(), since_epoch.as_nanos()))
}

/// Debug information is most of a debug binary; where there is no `strip` it stays.
async fn strip(binary: &Path, home: &Path) -> Option<Vec<u8>> {
    let name = binary.file_name()?.to_str()?;
    let out: PathBuf = home.join(format!("{name}.{:016x}.stripped", fresh::number()));
    let mut command = Command::new("strip");
    // What it has to say about a file that is no binary helps nobody.
    command.arg("-o").arg(&out).arg(binary).stderr(Stdio::null());
    let status = command.status().await.ok()?;
    let bytes = std::fs::read(&out).ok();
    let _ = std::fs::remove_file(&out);
    bytes.filter(|_| status.success())
}

fn pack(binary: &[u8]) -> std::io::Result<Vec<u8>> {
    const EXECUTABLE: u32 = 0o755;
    const FASTEST: i64 = 1;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(FASTEST))
        .unix_permissions(EXECUTABLE)
        .last_modified_time(zip::DateTime::default());
    writer.start_file("bootstrap", options)?;
    writer.write_all(binary)?;
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_binary_can_be_packed_for_several_accounts_at_once() {
        let home = tempfile::tempdir().unwrap();
        let binary = home.path().join("tidegate-push");
        // `strip` needs a real one, and time enough for the others to come in between.
        std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
        let packed = async || bundle("PushFunction", &binary, home.path()).await.map(|bundle| bundle.zip);
        let zips = tokio::join!(packed(), packed(), packed());
        let (first, second, third) = (zips.0.unwrap(), zips.1.unwrap(), zips.2.unwrap());
        assert!(first == second && second == third, "one was packed while another was writing it");
        let mut left: Vec<_> =
            std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["functions", "tidegate-push"]);
    }

    #[test]
    fn the_same_binary_gives_the_same_zip() {
        let zip = pack(b"binary").unwrap();
        assert_eq!(zip, pack(b"binary").unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let bootstrap = archive.by_name("bootstrap").unwrap();
        assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    }
}
