//! `container`: the service's own container, and what every container may be told.

use std::collections::BTreeMap;
use std::fmt;

use model::text::is_unseen;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{merge, object, take};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{
    COMMAND_CHARS_MAX, COMMAND_WORDS_MAX, ENVIRONMENT_VALUE_CHARS_MAX, ENVIRONMENT_VARIABLES_MAX, PORT_MAX,
    STOP_TIMEOUT_SECONDS_MAX,
};
use crate::{fargate, reader};

/// The service's own container, and the size of its task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"cpu": ["memoryMiB"], "memoryMiB": ["cpu"]}))]
pub struct Container {
    /// The port that the container listens on; only a `web` service has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 65_535), default)]
    pub port: Option<u32>,
    /// CPU units of the task, 1024 to a vCPU; given together with `memoryMiB`, as Fargate allows. Unset: the template's
    /// default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", extend("enum" = [256, 512, 1024, 2048, 4096, 8192, 16384]), default)]
    pub cpu: Option<u32>,
    /// Memory of the task in MiB.
    #[serde(rename = "memoryMiB", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 512, max = 122_880), default)]
    pub memory_mib: Option<u32>,
    #[serde(flatten)]
    pub process: Process,
}

/// What every container of a task may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Environment variables. Their values are no secrets: everybody who sees a plan sees them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,254}$"}, "maxProperties" = 200),
        default
    )]
    pub environment: BTreeMap<String, String>,
    /// Environment variables whose values are kept by Secrets Manager, under the service's own name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(
        with = "BTreeMap<String, String>",
        extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,254}$"}, "maxProperties" = 200),
        default
    )]
    pub secrets: BTreeMap<String, Secret>,
    /// What it runs, instead of the image's own command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 100), default)]
    pub command: Option<Vec<String>>,
    /// From the wish that it ends until it is killed. Unset: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 120), default)]
    pub stop_timeout_seconds: Option<u32>,
}

/// The name of a secret in Secrets Manager, and of a key in its JSON: `payments/db-url`, `payments/db:password`.
///
/// Always the current version: redeploying serves a rotated one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Secret {
    pub name: String,
    pub key: Option<String>,
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        secret.to_string()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}:{key}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

const PROCESS_KEYS: [&str; 4] = ["environment", "secrets", "command", "stopTimeoutSeconds"];
const CONTAINER_KEYS: [&str; 7] =
    ["port", "cpu", "memoryMiB", "environment", "secrets", "command", "stopTimeoutSeconds"];
/// `service` is the one whose secrets may be named; `None` when its own name could not be read.
pub(crate) fn read(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<Container> {
    let container = object(value, path, &CONTAINER_KEYS, faults)?;
    let mut whole = |key: &str, range| {
        container.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    let port = whole("port", 1..=PORT_MAX);
    let cpu = whole("cpu", 1..=fargate::CPU_MAX);
    let memory_mib = whole("memoryMiB", 1..=fargate::MEMORY_MIB_MAX);
    let process = read_process(&container, service, faults);
    Some(Container { port: port?, cpu: cpu?, memory_mib: memory_mib?, process: process? })
}

pub(super) fn read_process(
    container: &reader::Object<'_>,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<Process> {
    let [environment, secrets, command, stop_timeout] = PROCESS_KEYS;
    let environment = container.optional(environment, faults, read_environment);
    let secrets = container.optional(secrets, faults, |value, path, faults| {
        reader::map(value, path, ENVIRONMENT_VARIABLES_MAX, faults, |name, value, path, faults| {
            let secret = read_secret(value, path, service, faults);
            variable(name, path, faults)?;
            Some((name.to_owned(), secret?))
        })
    });
    let command = container.optional(command, faults, read_command);
    let stop_timeout_seconds = container.optional(stop_timeout, faults, |value, path, faults| {
        reader::whole(value, path, 1..=STOP_TIMEOUT_SECONDS_MAX, faults)
    });
    Some(Process {
        environment: environment?.unwrap_or_default(),
        secrets: secrets?.unwrap_or_default(),
        command: command?,
        stop_timeout_seconds: stop_timeout_seconds?,
    })
}

fn read_environment(value: &Value, path: &Path, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
    let allowed = format!("a string of at most {ENVIRONMENT_VALUE_CHARS_MAX} characters, in quotes");
    let short = |text: &str| text.len() <= ENVIRONMENT_VALUE_CHARS_MAX;
    reader::map(value, path, ENVIRONMENT_VARIABLES_MAX, faults, |name, value, path, faults| {
        variable(name, path, faults)?;
        let text = reader::text(value, path, &allowed, short, faults)?;
        Some((name.to_owned(), text.to_owned()))
    })
}

fn variable(name: &str, path: &Path, faults: &mut Faults) -> Option<()> {
    let good = (1..=255).contains(&name.len())
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good {
        let allowed = "a name of 1 to 255 letters, digits and _, not starting with a digit";
        faults.push(Fault::new(path, "not a variable's name", allowed));
    }
    good.then_some(())
}

pub(super) fn read_command(value: &Value, path: &Path, faults: &mut Faults) -> Option<Vec<String>> {
    let allowed = format!("a word of 1 to {COMMAND_CHARS_MAX} characters that can be seen");
    // Whoever approves reads the command. Scripts have lines, which a plan writes out.
    let is_seen = |c: char| matches!(c, '\n' | '\t') || !is_unseen(c);
    let valid = |word: &str| (1..=COMMAND_CHARS_MAX).contains(&word.len()) && word.chars().all(is_seen);
    reader::list(value, path, 1..=COMMAND_WORDS_MAX, "words", faults, |value, path, faults| {
        reader::text(value, path, &allowed, valid, faults).map(str::to_owned)
    })
}

/// Source: Secrets Manager API, `CreateSecret` (`Name`): 1 to 512 of letters, digits and /_+=.@-.
pub(super) fn read_secret(
    value: &Value,
    path: &Path,
    service: Option<&str>,
    faults: &mut Faults,
) -> Option<Secret> {
    const NAME_CHARS_MAX: usize = 512;
    let own = service.map_or_else(|| "<service>/".to_owned(), |service| format!("{service}/"));
    let is_word = |text: &str| {
        (1..=NAME_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
    };
    let allowed =
        format!("a secret's name under {own}, such as {own}db-url or, for a key of its JSON, {own}db:url");
    let parsed = value.as_str().and_then(|text| {
        let (name, key) = match text.split_once(':') {
            Some((name, key)) => (name, Some(key)),
            None => (text, None),
        };
        let below = match service {
            Some(_) => name.strip_prefix(&own)?,
            None => name.split_once('/')?.1,
        };
        let good = is_word(name) && !below.is_empty() && key.is_none_or(is_word);
        good.then(|| Secret { name: name.to_owned(), key: key.map(str::to_owned) })
    });
    let Some(secret) = parsed else {
        faults.push(Fault::new(path, reader::excerpt_or_shape(value), allowed));
        return None;
    };
    if has_the_form_of_an_ending(&secret.name) {
        faults.push(Fault::new(path, quote(&secret.name), NO_ENDING_ALLOWED));
        return None;
    }
    Some(secret)
}

const NO_ENDING_ALLOWED: &str = "a secret's name that does not end in a hyphen and six letters or digits: Secrets Manager would take \
     them for the ending that it gives every secret's ARN, and find no such secret";

/// Source: Secrets Manager API, `CreateSecret` (`Name`): "Do not end your secret name with a hyphen followed by six
/// characters".
fn has_the_form_of_an_ending(name: &str) -> bool {
    const ENDING_CHARS: usize = 6;
    let ending = name.rsplit_once('-').map_or("", |(_, ending)| ending);
    ending.len() == ENDING_CHARS && ending.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Container {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            port: take(&self.port, &base.port),
            cpu: take(&self.cpu, &base.cpu),
            memory_mib: take(&self.memory_mib, &base.memory_mib),
            process: self.process.over(&base.process),
        }
    }
}

impl Process {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            environment: merge(&self.environment, &base.environment, |own, _| own.clone()),
            secrets: merge(&self.secrets, &base.secrets, |own, _| own.clone()),
            command: take(&self.command, &base.command),
            stop_timeout_seconds: take(&self.stop_timeout_seconds, &base.stop_timeout_seconds),
        }
    }
}
