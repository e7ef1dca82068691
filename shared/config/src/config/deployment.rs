//! `deployment`: how a plan is carried out.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use super::errands::{self, Errand, Verify};
use super::{ServiceConfig, object, take};
use crate::faults::{Fault, Faults, Path, nearest};
use crate::limits::{
    ALARM_NAME_CHARS_MAX, ALARMS_MAX, BAKE_MINUTES_MAX, BAKE_MINUTES_ROLLING_MAX, DEPLOYMENT_MINUTES_DEFAULT,
    DEPLOYMENT_TIMEOUT_MINUTES_MAX, STEP_MINUTES_MAX,
};
use crate::{parameters, reader};

/// How a plan is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// Unset: `rolling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Strategy", default)]
    pub strategy: Option<Strategy>,
    /// How long the new version is watched before it is called deployed, 180 at most when rolling. Unset: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(max = 1_440), default)]
    pub bake_minutes: Option<u32>,
    /// Names of CloudWatch alarms: one that goes off while it is deployed and watched rolls it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", length(max = 5), inner(length(min = 1, max = 255)), default)]
    pub alarms: Option<Vec<String>>,
    /// A deployment that takes longer is cancelled. Unset: an hour more than what the strategy itself waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 5, max = 1_680), default)]
    pub timeout_minutes: Option<u32>,
    /// Runs once for each release, with the new image, after the approval and before the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Errand", default)]
    pub before: Option<Errand>,
    /// Asked once everything is deployed: unless the task ends with 0 in time, or the path is answered well, the
    /// deployment is rolled back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Verify", default)]
    pub verify: Option<Verify>,
}

/// How traffic moves from the running version to the new one: a word, or with settings `{"canary": {"percent": 10}}`.
///
/// Source: ECS API, `DeploymentConfiguration`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Task by task.
    #[default]
    Rolling,
    /// All at once, when a second set of tasks is healthy. For `web` services.
    BlueGreen,
    /// A share first, the rest later. For `web` services.
    #[serde(untagged)]
    Canary { canary: Canary },
    /// In equal steps. For `web` services.
    #[serde(untagged)]
    Linear { linear: Linear },
}

impl JsonSchema for Strategy {
    fn schema_name() -> Cow<'static, str> {
        "Strategy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (canary, linear) = (generator.subschema_for::<Canary>(), generator.subschema_for::<Linear>());
        let settings = |name: &str, schema: Schema| {
            json_schema!({
                "type": "object", "properties": { name: schema }, "required": [name], "additionalProperties": false
            })
        };
        json_schema!({
            "description": "How traffic moves from the running version to the new one: task by task, or for web services all \
                at once (blueGreen), a share first (canary), or in equal steps (linear).",
            "anyOf": [{ "enum": STRATEGIES }, settings("canary", canary), settings("linear", linear)]
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(default)]
pub struct Canary {
    /// The share of the first step.
    #[schemars(range(min = 3, max = 99))]
    pub percent: u32,
    /// How long the first step lasts.
    #[schemars(range(max = 1_440))]
    pub step_minutes: u32,
}

impl Default for Canary {
    fn default() -> Self {
        Self { percent: 5, step_minutes: 10 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(default)]
pub struct Linear {
    /// The share of each step.
    #[schemars(range(min = 3, max = 99))]
    pub percent: u32,
    /// How long each step lasts.
    #[schemars(range(max = 1_440))]
    pub step_minutes: u32,
}

impl Default for Linear {
    fn default() -> Self {
        Self { percent: 10, step_minutes: 6 }
    }
}

pub(crate) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Deployment> {
    const KEYS: [&str; 6] = ["strategy", "bakeMinutes", "alarms", "timeoutMinutes", "before", "verify"];
    let deployment = object(value, path, &KEYS, faults)?;
    let strategy = deployment.optional("strategy", faults, read_strategy);
    let mut whole = |key: &str, range| {
        deployment.optional(key, faults, |value, path, faults| reader::whole(value, path, range, faults))
    };
    let bake_minutes = whole("bakeMinutes", 0..=BAKE_MINUTES_MAX);
    let timeout_minutes = whole("timeoutMinutes", 5..=DEPLOYMENT_TIMEOUT_MINUTES_MAX);
    let alarms = deployment.optional("alarms", faults, |value, path, faults| {
        reader::list(value, path, 0..=ALARMS_MAX, "names of alarms", faults, read_alarm)
    });
    let before = deployment.optional("before", faults, errands::read_errand);
    let verify = deployment.optional("verify", faults, errands::read_verify);
    Some(Deployment {
        strategy: strategy?,
        bake_minutes: bake_minutes?,
        alarms: alarms?,
        timeout_minutes: timeout_minutes?,
        before: before?,
        verify: verify?,
    })
}

fn read_alarm(value: &Value, path: &Path, faults: &mut Faults) -> Option<String> {
    // With a comma two alarms would be read of one.
    let allowed = format!("an alarm's name of 1 to {ALARM_NAME_CHARS_MAX} characters, none of them a comma");
    let valid = |name: &str| {
        (1..=ALARM_NAME_CHARS_MAX).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c == ',')
    };
    reader::text(value, path, &allowed, valid, faults).map(str::to_owned)
}

const STRATEGIES: [&str; 4] = ["rolling", "blueGreen", "canary", "linear"];

fn read_strategy(value: &Value, path: &Path, faults: &mut Faults) -> Option<Strategy> {
    const ALLOWED: &str =
        r#""rolling", "blueGreen", "canary" or "linear"; with settings {"canary": {…}} or {"linear": {…}}"#;
    match value {
        Value::Object(_) => {
            let strategy = object(value, path, &["canary", "linear"], faults)?;
            let canary = strategy.optional("canary", faults, |value, path, faults| {
                let (percent, step_minutes) = read_steps(value, path, faults)?;
                let unset = Canary::default();
                Some(Canary {
                    percent: percent.unwrap_or(unset.percent),
                    step_minutes: step_minutes.unwrap_or(unset.step_minutes),
                })
            });
            let linear = strategy.optional("linear", faults, |value, path, faults| {
                let (percent, step_minutes) = read_steps(value, path, faults)?;
                let unset = Linear::default();
                Some(Linear {
                    percent: percent.unwrap_or(unset.percent),
                    step_minutes: step_minutes.unwrap_or(unset.step_minutes),
                })
            });
            match (canary?, linear?) {
                (Some(canary), None) => Some(Strategy::Canary { canary }),
                (None, Some(linear)) => Some(Strategy::Linear { linear }),
                (Some(_), Some(_)) => {
                    faults.push(Fault::new(path, "canary and linear", "one of the two"));
                    None
                }
                (None, None) => {
                    faults.push(Fault::new(path, "an object that names no strategy", ALLOWED));
                    None
                }
            }
        }
        Value::String(word) => match word.as_str() {
            "rolling" => Some(Strategy::Rolling),
            "blueGreen" => Some(Strategy::BlueGreen),
            "canary" => Some(Strategy::Canary { canary: Canary::default() }),
            "linear" => Some(Strategy::Linear { linear: Linear::default() }),
            word => {
                let meant = nearest(word, STRATEGIES).map(|word| format!("{word:?}"));
                faults.push(Fault::new(path, reader::excerpt_or_shape(value), ALLOWED).nearest(meant));
                None
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            faults.push(Fault::new(path, reader::excerpt_or_shape(value), ALLOWED));
            None
        }
    }
}

fn read_steps(value: &Value, path: &Path, faults: &mut Faults) -> Option<(Option<u32>, Option<u32>)> {
    let steps = object(value, path, &["percent", "stepMinutes"], faults)?;
    let percent = steps.optional("percent", faults, |value, path, faults| {
        // Source: ECS API, `LinearConfiguration`: steps of 3 percent at least.
        reader::whole(value, path, 3..=99, faults)
    });
    let minutes = steps.optional("stepMinutes", faults, |value, path, faults| {
        reader::whole(value, path, 0..=STEP_MINUTES_MAX, faults)
    });
    Some((percent?, minutes?))
}

impl Strategy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Strategy::Rolling => "rolling",
            Strategy::BlueGreen => "blueGreen",
            Strategy::Canary { .. } => "canary",
            Strategy::Linear { .. } => "linear",
        }
    }

    /// How long the steps of the shift last, all of them together.
    pub(crate) fn shift_minutes(self) -> u32 {
        match self {
            Strategy::Rolling | Strategy::BlueGreen => 0,
            Strategy::Canary { canary } => canary.step_minutes,
            Strategy::Linear { linear } => (100 / linear.percent.max(1)).saturating_mul(linear.step_minutes),
        }
    }

    pub(crate) fn bake_minutes_max(self) -> u32 {
        match self {
            Strategy::Rolling => BAKE_MINUTES_ROLLING_MAX,
            Strategy::BlueGreen | Strategy::Canary { .. } | Strategy::Linear { .. } => BAKE_MINUTES_MAX,
        }
    }
}

impl Deployment {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            strategy: take(&self.strategy, &base.strategy),
            bake_minutes: take(&self.bake_minutes, &base.bake_minutes),
            alarms: take(&self.alarms, &base.alarms),
            timeout_minutes: take(&self.timeout_minutes, &base.timeout_minutes),
            before: take(&self.before, &base.before),
            verify: take(&self.verify, &base.verify),
        }
    }

    pub fn bake_minutes(&self) -> u32 {
        self.bake_minutes.unwrap_or_default()
    }

    pub fn alarms(&self) -> &[String] {
        self.alarms.as_deref().unwrap_or_default()
    }
}

/// What holds wherever it is said: here, or among the parameters.
impl ServiceConfig {
    pub fn strategy(&self) -> Strategy {
        let said = self.deployment.as_ref().and_then(|deployment| deployment.strategy);
        said.unwrap_or_else(|| parameters::strategy(&self.parameters))
    }

    pub(crate) fn bake_minutes(&self) -> u32 {
        let said = self.deployment.as_ref().and_then(|deployment| deployment.bake_minutes);
        // A rolling deployment is watched by the stack, to which no parameter says so.
        let parameter = match self.strategy() {
            Strategy::Rolling => None,
            Strategy::BlueGreen | Strategy::Canary { .. } | Strategy::Linear { .. } => {
                self.parameters.get(parameters::BAKE_MINUTES)
            }
        };
        said.or_else(|| parameters::decimal(parameter?)).unwrap_or_default()
    }

    /// How long a deployment waits by itself: the steps of its strategy, watching what came of them, and its `verify`.
    pub(crate) fn waits_minutes(&self) -> u32 {
        let verify = self.deployment.as_ref().and_then(|deployment| deployment.verify.as_ref());
        let verify_minutes = verify.map_or(0, Verify::timeout_minutes);
        self.bake_minutes().saturating_add(self.strategy().shift_minutes()).saturating_add(verify_minutes)
    }

    /// When a deployment is given up.
    pub fn timeout_minutes(&self) -> u32 {
        let said = self.deployment.as_ref().and_then(|deployment| deployment.timeout_minutes);
        said.unwrap_or_else(|| self.waits_minutes().saturating_add(DEPLOYMENT_MINUTES_DEFAULT))
    }
}
