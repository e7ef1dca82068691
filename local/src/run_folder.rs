//! A folder of this run's own: what is kept nowhere else.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const LOCK: &str = "lock";

/// Removed when the run ends. What a killed run left is removed by the next one.
#[derive(Debug)]
pub(crate) struct RunFolder {
    folder: TempDir,
    /// Held while the run lasts; the system lets go of it however the run ends.
    _lock: File,
}

impl RunFolder {
    pub(crate) fn make(runs: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(runs)?;
        // One at a time, so that no folder is seen between its making and its locking.
        let turn = File::create(runs.join(LOCK))?;
        turn.lock()?;
        remove_abandoned(runs)?;
        let folder = TempDir::new_in(runs)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn remove_abandoned(runs: &Path) -> io::Result<()> {
    let folders: Vec<PathBuf> =
        std::fs::read_dir(runs)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    for folder in folders.into_iter().filter(|path| path.is_dir()) {
        let is_held = match File::open(folder.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_err(),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => false,
            Err(other) => return Err(other),
        };
        if !is_held {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_while_its_run_lasts_and_an_abandoned_one_goes_with_the_next() {
        let runs = tempfile::tempdir().unwrap();
        let first = RunFolder::make(runs.path()).unwrap();
        let killed = runs.path().join("killed");
        std::fs::create_dir(&killed).unwrap();
        std::fs::write(killed.join(LOCK), "").unwrap();

        let second = RunFolder::make(runs.path()).unwrap();
        assert!(!killed.exists(), "nobody holds it");
        assert!(first.path().exists(), "its run lasts");

        let place = second.path().to_owned();
        drop(second);
        assert!(!place.exists());
    }
}
