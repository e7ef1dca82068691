//! Where a config says what holds in one environment.

use model::ids::EnvironmentName;
use serde_json::Value;

use crate::faults::Path;

/// A config as JSON, seen from one environment: its own words lie over the common ones.
#[derive(Clone, Copy)]
pub(crate) struct Places<'v> {
    pub(crate) file: &'v Value,
    /// `None` where no environment says anything of its own.
    pub(crate) environment: Option<&'v EnvironmentName>,
}

impl<'v> Places<'v> {
    /// What is said under `keys`, of this environment or else in common, and where.
    pub(crate) fn find(&self, keys: &[&str]) -> Option<(&'v Value, Path)> {
        self.own(keys).or_else(|| at(self.file, Path::root(), keys))
    }

    fn own(&self, keys: &[&str]) -> Option<(&'v Value, Path)> {
        let name = self.environment?.as_str();
        let own = self.file.get("environments")?.get(name)?;
        at(own, Path::root().key("environments").key(name), keys)
    }

    pub(crate) fn said(&self, keys: &[&str]) -> bool {
        self.find(keys).is_some()
    }

    /// Where `keys` are said, or would be.
    pub(crate) fn place(&self, keys: &[&str]) -> Path {
        match self.find(keys) {
            Some((_, path)) => path,
            None => keys.iter().fold(Path::root(), |path, key| path.key(key)),
        }
    }
}

fn at<'v>(value: &'v Value, root: Path, keys: &[&str]) -> Option<(&'v Value, Path)> {
    keys.iter().try_fold((value, root), |(value, path), key| Some((value.get(key)?, path.key(key))))
}
