//! A buildspec: variables, exported variables, and four phases of commands.
//!
//! Source: CodeBuild User Guide, "Build specification reference for CodeBuild". Keys that change nothing here
//! (`artifacts`, `cache`, `reports`, `runtime-versions`, `run-as`) are read over; what would change a build's meaning
//! and is not supported is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml_ng::Value;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Buildspec {
    pub(super) variables: BTreeMap<String, String>,
    pub(super) exported: Vec<String>,
    pub(super) install: Phase,
    pub(super) pre_build: Phase,
    pub(super) build: Phase,
    pub(super) post_build: Phase,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Phase {
    pub(super) commands: Vec<String>,
    pub(super) finally: Vec<String>,
    pub(super) on_failure: Option<OnFailure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Abort,
    Continue,
}

/// Why a text is no buildspec; a build fails with it in `DOWNLOAD_SOURCE`, as on AWS.
#[derive(Debug, thiserror::Error)]
#[error("YAML_FILE_ERROR: {0}")]
pub(super) struct Unusable(String);

pub(super) fn parse(text: &str) -> Result<Buildspec, Unusable> {
    let raw: Raw = serde_yaml_ng::from_str(text).map_err(|error| Unusable(error.to_string()))?;
    match scalar(&raw.version).as_deref() {
        Some("0.2") => {}
        other => {
            return Err(Unusable(format!(
                "version is {}; only 0.2 is supported",
                other.unwrap_or("missing")
            )));
        }
    }
    for (name, present) in [
        ("env.parameter-store", !raw.env.parameter_store.is_empty()),
        ("env.secrets-manager", !raw.env.secrets_manager.is_empty()),
        ("batch", raw.batch.is_some()),
    ] {
        if present {
            return Err(Unusable(format!("{name} is not supported by the local CodeBuild")));
        }
    }
    let mut variables = BTreeMap::new();
    for (name, value) in raw.env.variables {
        let text = scalar(&value).ok_or_else(|| Unusable(format!("env.variables.{name} must be text")))?;
        variables.insert(name, text);
    }
    Ok(Buildspec {
        variables,
        exported: raw.env.exported_variables,
        install: phase("install", raw.phases.install)?,
        pre_build: phase("pre_build", raw.phases.pre_build)?,
        build: phase("build", raw.phases.build)?,
        post_build: phase("post_build", raw.phases.post_build)?,
    })
}

fn phase(name: &str, raw: Option<RawPhase>) -> Result<Phase, Unusable> {
    let raw = raw.unwrap_or_default();
    let commands = |place: &str, values: Vec<Value>| {
        let text = |value: &Value| {
            scalar(value).ok_or_else(|| Unusable(format!("phases.{name}.{place} must be a list of commands")))
        };
        values.iter().map(text).collect::<Result<Vec<String>, Unusable>>()
    };
    let on_failure = match raw.on_failure.as_deref() {
        None => None,
        Some("ABORT") => Some(OnFailure::Abort),
        Some("CONTINUE") => Some(OnFailure::Continue),
        Some(other) => {
            return Err(Unusable(format!(
                "phases.{name}.on-failure is {other}; ABORT and CONTINUE are supported"
            )));
        }
    };
    Ok(Phase {
        commands: commands("commands", raw.commands)?,
        finally: commands("finally", raw.finally)?,
        on_failure,
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    version: Value,
    #[serde(default)]
    env: RawEnv,
    #[serde(default)]
    phases: RawPhases,
    batch: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct RawEnv {
    variables: BTreeMap<String, Value>,
    exported_variables: Vec<String>,
    parameter_store: BTreeMap<String, Value>,
    secrets_manager: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPhases {
    install: Option<RawPhase>,
    pre_build: Option<RawPhase>,
    build: Option<RawPhase>,
    post_build: Option<RawPhase>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct RawPhase {
    commands: Vec<Value>,
    finally: Vec<Value>,
    on_failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_buildspec_is_read() {
        let text = "
version: 0.2
env:
  shell: bash
  variables: { A: one, B: 2, C: true }
  exported-variables: [DIGEST]
phases:
  install: { runtime-versions: { rust: latest }, commands: [echo install] }
  build:
    on-failure: ABORT
    commands:
      - echo one
      - |
        cat <<END
        two
        END
    finally: [echo done]
artifacts: { files: ['**/*'] }
";
        let read = parse(text).unwrap();
        assert_eq!(
            read.variables.into_iter().collect::<Vec<_>>(),
            [("A".into(), "one".into()), ("B".into(), "2".into()), ("C".into(), "true".to_owned())]
        );
        assert_eq!(read.exported, ["DIGEST"]);
        assert_eq!(read.install.commands, ["echo install"]);
        assert_eq!(read.pre_build, Phase::default());
        assert_eq!(read.build.commands, ["echo one", "cat <<END\ntwo\nEND\n"]);
        assert_eq!(read.build.finally, ["echo done"]);
        assert_eq!(read.build.on_failure, Some(OnFailure::Abort));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        for (text, reason) in [
            ("phases: {}", "version is missing"),
            ("version: 0.1", "version is 0.1"),
            ("version: 0.2\nphases: [", "invalid type: sequence"),
            ("version: 0.2\nphases: { build: { on-failure: RETRY } }", "on-failure is RETRY"),
            ("version: 0.2\nphases: { build: { commands: [{ a: b }] } }", "must be a list of commands"),
            ("version: 0.2\nenv: { secrets-manager: { A: b } }", "env.secrets-manager is not supported"),
        ] {
            let refused = parse(text).unwrap_err().to_string();
            assert!(refused.contains(reason), "{text:?}: {refused}");
        }
    }
}
