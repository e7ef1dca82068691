//! `sidecars`: what runs beside the service's own container.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::container::{Process, Secret, read_process, read_secret};
use super::{merge, object, take};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{ENVIRONMENT_VALUE_CHARS_MAX, LOG_OPTIONS_MAX, SIDECARS_MAX};
use crate::{fargate, reader};

/// A container that runs beside the service's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sidecar {
    /// By digest: `<repository>@sha256:…`. A tag could move after the plan was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "@sha256:[0-9a-f]{64}$"), default)]
    pub image: Option<String>,
    /// Whether the task ends when it does. Unset: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool", default)]
    pub essential: Option<bool>,
    /// CPU units kept for it, out of the task's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 16_384), default)]
    pub cpu: Option<u32>,
    /// The most memory that it may take, out of the task's.
    #[serde(rename = "memoryMiB", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 6, max = 122_880), default)]
    pub memory_mib: Option<u32>,
    /// Makes it the task's log router, where the other containers' logs go. A task has one at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LogRouter", default)]
    pub log_router: Option<LogRouter>,
    #[serde(flatten)]
    pub process: Process,
}

/// Source: ECS developer guide, "Send Amazon ECS logs to an AWS service or AWS Partner" (FireLens).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogRouter {
    #[serde(rename = "type")]
    pub kind: LogRouterKind,
    /// Where it sends the other containers' logs: options of its output plugin.
    #[schemars(extend("maxProperties" = 50), default)]
    pub options: BTreeMap<String, String>,
    /// Options whose values are kept by Secrets Manager, under the service's own name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>", extend("maxProperties" = 50), default)]
    pub secret_options: BTreeMap<String, Secret>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogRouterKind {
    Fluentbit,
    Fluentd,
}

const SIDECAR_KEYS: [&str; 9] = [
    "image",
    "essential",
    "cpu",
    "memoryMiB",
    "logRouter",
    "environment",
    "secrets",
    "command",
    "stopTimeoutSeconds",
];

pub(crate) fn read(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<BTreeMap<String, Sidecar>> {
    reader::map(value, path, SIDECARS_MAX, faults, |name, value, path, faults| {
        let sidecar = read_sidecar(value, path, service, faults);
        let valid = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !valid {
            let allowed = "a name of 1 to 100 letters, digits, - and _";
            faults.push(Fault::new(path, "not a container's name", allowed));
        } else if service == Some(name) {
            faults.push(Fault::new(
                path,
                quote(name),
                "a name other than the service's, which its own container has",
            ));
        }
        Some((name.to_owned(), sidecar.filter(|_| valid)?))
    })
}

fn read_sidecar(value: &Value, path: &Path, service: Option<&str>, faults: &mut Faults) -> Option<Sidecar> {
    let sidecar = object(value, path, &SIDECAR_KEYS, faults)?;
    let image = sidecar.optional("image", faults, |value, path, faults| {
        reader::text(value, path, IMAGE_ALLOWED, is_image, faults).map(str::to_owned)
    });
    let essential = sidecar.optional("essential", faults, reader::boolean);
    let cpu = sidecar.optional("cpu", faults, |value, path, faults| {
        reader::whole(value, path, 0..=fargate::CPU_MAX, faults)
    });
    let memory_mib = sidecar.optional("memoryMiB", faults, |value, path, faults| {
        // Source: ECS API, `ContainerDefinition` (`memory`): at least 6 MiB.
        reader::whole(value, path, 6..=fargate::MEMORY_MIB_MAX, faults)
    });
    let log_router = sidecar
        .optional("logRouter", faults, |value, path, faults| read_log_router(value, path, service, faults));
    let process = read_process(&sidecar, service, faults);
    Some(Sidecar {
        image: image?,
        essential: essential?,
        cpu: cpu?,
        memory_mib: memory_mib?,
        log_router: log_router?,
        process: process?,
    })
}

pub(crate) const IMAGE_ALLOWED: &str = "an image by digest: <repository>@sha256:<64 hex digits>";

fn is_image(text: &str) -> bool {
    const CHARS_MAX: usize = 512;
    text.len() <= CHARS_MAX
        && text.split_once('@').is_some_and(|(repository, digest)| {
            !repository.is_empty()
                && repository.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/:-".contains(&b))
                && digest.parse::<model::ids::ImageDigest>().is_ok()
        })
}

fn read_log_router(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<LogRouter> {
    const TYPES: &str = r#""fluentbit" or "fluentd""#;
    let router = object(value, path, &["type", "options", "secretOptions"], faults)?;
    let kind = router.required("type", TYPES, faults).and_then(|(value, path)| match value.as_str() {
        Some("fluentbit") => Some(LogRouterKind::Fluentbit),
        Some("fluentd") => Some(LogRouterKind::Fluentd),
        Some(_) | None => {
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), TYPES));
            None
        }
    });
    let allowed = format!("a string of at most {ENVIRONMENT_VALUE_CHARS_MAX} characters, in quotes");
    let options = router.optional("options", faults, |value, path, faults| {
        reader::map(value, path, LOG_OPTIONS_MAX, faults, |name, value, path, faults| {
            let short = |text: &str| text.len() <= ENVIRONMENT_VALUE_CHARS_MAX;
            let text = reader::text(value, path, &allowed, short, faults)?;
            Some((name.to_owned(), text.to_owned()))
        })
    });
    let secret_options = router.optional("secretOptions", faults, |value, path, faults| {
        reader::map(value, path, LOG_OPTIONS_MAX, faults, |name, value, path, faults| {
            Some((name.to_owned(), read_secret(value, path, service, faults)?))
        })
    });
    Some(LogRouter {
        kind: kind?,
        options: options?.unwrap_or_default(),
        secret_options: secret_options?.unwrap_or_default(),
    })
}

impl Sidecar {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            image: take(&self.image, &base.image),
            essential: take(&self.essential, &base.essential),
            cpu: take(&self.cpu, &base.cpu),
            memory_mib: take(&self.memory_mib, &base.memory_mib),
            log_router: match (&self.log_router, &base.log_router) {
                (Some(own), Some(base)) => Some(own.over(base)),
                (own, base) => take(own, base),
            },
            process: self.process.over(&base.process),
        }
    }
}

impl LogRouter {
    fn over(&self, base: &Self) -> Self {
        Self {
            kind: self.kind,
            options: merge(&self.options, &base.options, |own, _| own.clone()),
            secret_options: merge(&self.secret_options, &base.secret_options, |own, _| own.clone()),
        }
    }
}
