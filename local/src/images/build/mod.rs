//! A Dockerfile and a context to an image: real layers from `COPY` and `ADD`, everything else in the configuration.
//!
//! `RUN` is not executed and base images are not pulled. What a stage copies from what a `RUN` would have made is a
//! placeholder that names the stage's content, so that the image changes whenever its sources do.

mod config;
mod stage;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::json;

use self::stage::Made;
use super::{
    dockerfile::{self, Dockerfile, Instruction, Stage, Unusable, expand},
    ignore::Ignore,
    store::{Blob, Store},
    tree,
};

pub(super) const MANIFEST_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const CONFIG_TYPE: &str = "application/vnd.docker.container.image.v1+json";
pub(super) const LAYER_TYPE: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

#[derive(Debug, Default, Clone)]
pub(super) struct Request {
    pub(super) context: PathBuf,
    pub(super) dockerfile: PathBuf,
    pub(super) arguments: BTreeMap<String, String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) target: Option<String>,
    pub(super) platform: Option<String>,
}

#[derive(Debug)]
pub(super) struct Built {
    pub(super) manifest: Blob,
    pub(super) config: Blob,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    #[error("failed to read dockerfile: open {0}: no such file or directory")]
    NoDockerfile(String),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("{place}: {reason}")]
    Step { place: String, reason: String },
    #[error("target stage {0:?} could not be found")]
    NoTarget(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Builds the image into the store. `log` gets a line per step.
pub(super) fn build(
    store: &Store,
    request: &Request,
    log: &mut dyn FnMut(&str),
) -> Result<Built, BuildError> {
    let shown = request.dockerfile.display().to_string();
    let text = match fs::read_to_string(&request.dockerfile) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BuildError::NoDockerfile(shown)),
        Err(error) => return Err(error.into()),
    };
    let file = dockerfile::parse(&text)?;
    let context = tree::context(&request.context, &ignore(request)?)?;
    let platform = request.platform.clone().unwrap_or_else(|| "linux/amd64".to_owned());
    let globals = globals(&file, request, &platform);
    let last = target(&file, request)?;
    let needed = needed(&file, last, &globals);

    let mut made: BTreeMap<usize, Made> = BTreeMap::new();
    for (number, one) in file.stages.iter().enumerate().filter(|(number, _)| needed.contains(number)) {
        let base = expand(&one.base, &|name| globals.get(name).cloned());
        if base.is_empty() {
            let reason = format!("base name ({}) should not be blank", one.base);
            return Err(BuildError::Unusable(Unusable::Line { line: one.line, reason }));
        }
        let before = find(&file.stages[..number], &base).and_then(|number| made.get(&number));
        let mut work = Made::begin(store, one, &base, before, &platform)?;
        let total = one.steps.len();
        for (index, step) in one.steps.iter().enumerate() {
            let note = if step.instruction == Instruction::Run { " (not executed locally)" } else { "" };
            let stage = one.name.clone().unwrap_or_else(|| format!("stage-{number}"));
            log(&format!("[{stage} {}/{total}] {}{note}", index + 1, step.text));
            let others = |name: &str| find(&file.stages[..number], name).and_then(|number| made.get(&number));
            work.step(store, step, &context, &others, request, &globals).map_err(
                |failure| match failure {
                    stage::Failure::Io(error) => BuildError::Io(error),
                    stage::Failure::Refused(reason) => {
                        let name = request.dockerfile.file_name().unwrap_or_default().to_string_lossy();
                        BuildError::Step { place: format!("{name}:{}", step.line), reason }
                    }
                },
            )?;
        }
        made.insert(number, work);
    }
    let work = made.remove(&last).ok_or_else(|| BuildError::NoTarget(last.to_string()))?;
    write(store, work, request, &platform)
}

/// Configuration and manifest: what makes the layers an image.
fn write(store: &Store, mut work: Made, request: &Request, platform: &str) -> Result<Built, BuildError> {
    work.config.labels.extend(request.labels.iter().cloned());
    let config = store.put(work.config(platform).to_string().as_bytes())?;
    let layers: Vec<_> = work
        .layers
        .iter()
        .map(|layer| json!({ "mediaType": LAYER_TYPE, "size": layer.size, "digest": layer.digest }))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": { "mediaType": CONFIG_TYPE, "size": config.size, "digest": config.digest },
        "layers": layers,
    });
    let manifest = store.put(manifest.to_string().as_bytes())?;
    Ok(Built { manifest, config })
}

/// A Dockerfile's own ignore file goes before the context's.
fn ignore(request: &Request) -> Result<Ignore, BuildError> {
    let mut own = request.dockerfile.clone().into_os_string();
    own.push(".dockerignore");
    for file in [Path::new(&own), &request.context.join(".dockerignore")] {
        match fs::read_to_string(file) {
            Ok(text) => return Ok(Ignore::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Ignore::default())
}

/// What `FROM` may use: the platform, and `ARG` before the first stage as the caller sets it.
fn globals(file: &Dockerfile, request: &Request, platform: &str) -> BTreeMap<String, String> {
    let (os, rest) = platform.split_once('/').unwrap_or((platform, ""));
    let architecture = rest.split('/').next().unwrap_or_default();
    let mut globals = BTreeMap::new();
    for whose in ["TARGET", "BUILD"] {
        globals.insert(format!("{whose}PLATFORM"), platform.to_owned());
        globals.insert(format!("{whose}OS"), os.to_owned());
        globals.insert(format!("{whose}ARCH"), architecture.to_owned());
    }
    for (name, default) in &file.arguments {
        let default = default.as_ref().map(|text| expand(text, &|name| globals.get(name).cloned()));
        if let Some(value) = request.arguments.get(name).cloned().or(default) {
            globals.insert(name.clone(), value);
        }
    }
    globals
}

fn target(file: &Dockerfile, request: &Request) -> Result<usize, BuildError> {
    match &request.target {
        None => Ok(file.stages.len() - 1),
        Some(name) => find(&file.stages, name).ok_or_else(|| BuildError::NoTarget(name.clone())),
    }
}

/// A stage by its name or number; the latest of several with one name.
fn find(stages: &[Stage], name: &str) -> Option<usize> {
    let named = |stage: &Stage| stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name));
    stages.iter().rposition(named).or_else(|| name.parse().ok().filter(|number| *number < stages.len()))
}

/// The stages that the target takes something from, and itself: docker builds no others.
fn needed(file: &Dockerfile, target: usize, globals: &BTreeMap<String, String>) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    let mut open = vec![target];
    while let Some(number) = open.pop() {
        if !needed.insert(number) {
            continue;
        }
        let stage = &file.stages[number];
        let before = &file.stages[..number];
        open.extend(find(before, &expand(&stage.base, &|name| globals.get(name).cloned())));
        for step in &stage.steps {
            if let Instruction::Copy(copy) = &step.instruction {
                open.extend(copy.from.as_ref().and_then(|from| find(before, from)));
            }
        }
    }
    needed
}

#[cfg(test)]
mod tests;
