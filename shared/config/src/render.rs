//! The template, parameters, tags and policy of one plan.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{EnvironmentName, ImageDigest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::canonical::canonical_json;
use crate::config::{Kind, Priority, ServiceConfig, Strategy, Verify};
use crate::containers;
use crate::dynamic;
use crate::faults::{Fault, Faults, Path, nearest, quote};
use crate::limits::{PARAMETER_VALUE_BYTES_MAX, PARAMETERS_MAX, TEMPLATE_BYTES_MAX};
use crate::parameters::{
    ENGINE_OWNED, HEALTH_INTERVAL, HEALTH_TIMEOUT, HOSTS, MAX_TASKS, MIN_TASKS, PATHS, PRIORITY, SERVING,
    decimal,
};
use crate::record::{EnvironmentRecord, ServiceRecord};
use crate::serving::Serving;
use crate::yaml;

/// What CloudFormation is asked for, byte for byte the same for the same input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Canonical JSON.
    pub template: String,
    /// Of `template`, in hex.
    pub sha256: String,
    pub parameters: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Canonical JSON.
    pub stack_policy: Option<String>,
    /// The least that the template needs, sorted.
    pub capabilities: Vec<Capability>,
    /// What CloudFormation watches; ECS watches the other strategies by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
}

/// How long a stack is watched after its update, and what rolls it back meanwhile.
///
/// Source: CloudFormation API, `RollbackConfiguration`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub minutes: u32,
    /// Names of CloudWatch alarms.
    pub alarms: Vec<String>,
}

/// What stands there already, as read when the plan is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The priority that is kept for a service that says `auto`.
    pub priority: Option<u32>,
    /// What the stack's listener rule is to state.
    pub serving: Serving,
}

/// The type of what CloudFormation waits for.
pub const WAIT_CONDITION: &str = "AWS::CloudFormation::WaitCondition";
/// CloudFormation waits so much longer than the task may take: for a place to run in, and for its end to be seen.
const VERDICT_MARGIN_MINUTES: u32 = 15;

impl Rendered {
    /// Has the stack's operation wait, once all else is in place, until it is told whether that may stay: told that it
    /// may not, or nothing in time, CloudFormation takes it back. It waits for a condition that is new, so the name that
    /// is given back is made of all that is deployed.
    ///
    /// Source: CloudFormation user guide, "CreationPolicy attribute"; API, `SignalResource`.
    pub fn await_verdict(&mut self, verify: &Verify) -> Result<String, Faults> {
        let root = Path::of("template");
        let mut template: Value = serde_json::from_str(&self.template).unwrap_or_default();
        let resources = template.get_mut("Resources").and_then(Value::as_object_mut);
        let resources = resources.ok_or_else(|| Fault::missing(root.key("Resources"), "an object"))?;
        let everything = json!([self.template, self.parameters]);
        let condition = format!("Verify{}", &sha256(&canonical_json(&everything))[..16]);
        let minutes = verify.timeout_minutes() + VERDICT_MARGIN_MINUTES;
        // CloudFormation drops a dependency on what a condition leaves out.
        let waits = json!({
            "Type": WAIT_CONDITION,
            "DependsOn": resources.keys().collect::<BTreeSet<_>>(),
            "CreationPolicy": { "ResourceSignal": { "Count": 1, "Timeout": format!("PT{minutes}M") } },
        });
        resources.insert(condition.clone(), waits);
        self.template = canonical_json(&template);
        self.sha256 = sha256(&self.template);
        if self.template.len() > TEMPLATE_BYTES_MAX {
            return Err(too_long(&root, self.template.len()).into());
        }
        Ok(condition)
    }

    /// Whether the template has a parameter of that name.
    pub fn declares(&self, parameter: &str) -> bool {
        let template: Result<Value, _> = serde_json::from_str(&self.template);
        template.is_ok_and(|template| template["Parameters"].get(parameter).is_some())
    }
}

/// What a template may be allowed beyond making resources.
///
/// Source: CloudFormation API, `CreateChangeSet` (`Capabilities`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Capability {
    #[serde(rename = "CAPABILITY_IAM")]
    Iam,
    #[serde(rename = "CAPABILITY_NAMED_IAM")]
    NamedIam,
    #[serde(rename = "CAPABILITY_AUTO_EXPAND")]
    AutoExpand,
}

impl Capability {
    /// As CloudFormation spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
            Self::NamedIam => "CAPABILITY_NAMED_IAM",
            Self::AutoExpand => "CAPABILITY_AUTO_EXPAND",
        }
    }
}

/// A template as YAML or JSON text, as JSON with every short form written out.
pub fn template(text: &str) -> Result<Value, Faults> {
    let root = Path::of("template");
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(too_long(&root, text.len()).into());
    }
    Ok(yaml::to_json(text, &root)?)
}

/// Renders `base`, the environment's template as YAML or JSON text, for one image.
///
/// The config must have passed [`ServiceConfig::check`] against the same records. Faults in the template itself begin
/// with `template: $`, those of the environment's record with `environment record: $`.
pub fn render(
    base: &str,
    config: &ServiceConfig,
    environment: &EnvironmentName,
    service: &ServiceRecord,
    record: &EnvironmentRecord,
    image: &ImageDigest,
    standing: &Standing,
) -> Result<Rendered, Faults> {
    let config = &config.in_environment(environment);
    let root = Path::of("template");
    let mut value = self::template(base)?;
    let mut faults = Faults::default();
    let declared = declared(&value, &root, &mut faults);
    find_loose_references(&value, &root, &mut faults);
    containers::write(config, &mut value, &root, &mut faults);
    let template = canonical_json(&value);
    if template.len() > TEMPLATE_BYTES_MAX {
        faults.push(too_long(&root, template.len()));
    }

    let owned = owned(config, environment, service, record, image, standing);
    let mut written = config.effective_parameters();
    if let Some(Priority::Auto) = config.routing.as_ref().and_then(|routing| routing.priority) {
        match standing.priority {
            Some(number) => drop(written.insert(PRIORITY.to_owned(), number.to_string())),
            None => faults.push(Fault::new(config.place_of(PRIORITY), "\"auto\"", AUTO_ALLOWED)),
        }
    }
    stay_below_interval(&mut written, &declared);
    goes_with_defaults(config, &written, &declared, &mut faults);
    needs_of_web(config, &written, &declared, &mut faults);
    let parameters = parameters(config, &written, &owned, &declared, &mut faults);
    faults.or(Rendered {
        sha256: sha256(&template),
        capabilities: capabilities(&value),
        template,
        parameters,
        tags: config.tags.clone(),
        stack_policy: config
            .stack_policy
            .as_ref()
            .map(|policy| canonical_json(&Value::Object(policy.clone()))),
        watch: watch(config),
    })
}

const AUTO_ALLOWED: &str = "a whole number from 1 to 50000, as none is kept for this service here";

fn watch(config: &ServiceConfig) -> Option<Watch> {
    let deployment = config.deployment.as_ref()?;
    let watched = config.strategy() == Strategy::Rolling && deployment.bake_minutes() > 0;
    watched.then(|| Watch { minutes: deployment.bake_minutes(), alarms: deployment.alarms().to_vec() })
}

/// Where a config says an interval alone, the template's own timeout may be too long for it.
fn stay_below_interval(written: &mut BTreeMap<String, String>, declared: &Declared) {
    let interval = written.get(HEALTH_INTERVAL).and_then(|text| decimal(text));
    let unsaid = declared.get(HEALTH_TIMEOUT).filter(|_| !written.contains_key(HEALTH_TIMEOUT));
    let unset = unsaid.and_then(|timeout| decimal(timeout.default.as_deref()?));
    if let (Some(interval), Some(timeout)) = (interval, unset)
        && timeout >= interval
    {
        written.insert(HEALTH_TIMEOUT.to_owned(), interval.saturating_sub(1).to_string());
    }
}

/// Of two that bound each other a config may say one, and leave the other to the template.
fn goes_with_defaults(
    config: &ServiceConfig,
    written: &BTreeMap<String, String>,
    declared: &Declared,
    faults: &mut Faults,
) {
    let said = |name: &str| written.get(name).and_then(|text| decimal(text));
    let unsaid = |name: &str| {
        let declaration = declared.get(name).filter(|_| !written.contains_key(name))?;
        decimal(declaration.default.as_deref()?)
    };
    let mut refuse = |name: &str, value: u32, allowed: &str, other: &str, bound: u32| {
        let allowed = format!("{allowed} the template's {other}, which is {bound}");
        faults.push(Fault::new(config.place_of(name), value.to_string(), allowed));
    };
    if let (Some(min), Some(max)) = (said(MIN_TASKS), unsaid(MAX_TASKS))
        && min > max
    {
        refuse(MIN_TASKS, min, "at most", MAX_TASKS, max);
    }
    if let (Some(max), Some(min)) = (said(MAX_TASKS), unsaid(MIN_TASKS))
        && max < min
    {
        refuse(MAX_TASKS, max, "at least", MIN_TASKS, min);
    }
    if let (Some(timeout), Some(interval)) = (said(HEALTH_TIMEOUT), unsaid(HEALTH_INTERVAL))
        && timeout >= interval
    {
        refuse(HEALTH_TIMEOUT, timeout, "less than", HEALTH_INTERVAL, interval);
    }
}

/// A web service's rule needs something to match, and a place among the others: where the template takes them.
fn needs_of_web(
    config: &ServiceConfig,
    written: &BTreeMap<String, String>,
    declared: &Declared,
    faults: &mut Faults,
) {
    let missing = |name: &str| declared.contains_key(name) && !written.contains_key(name);
    if config.kind != Kind::Web {
        return;
    }
    if missing(PATHS) && !written.contains_key(HOSTS) {
        faults.push(Fault::missing(config.place_of_new(PATHS), "path patterns that come to this service"));
    }
    let auto = config.routing.as_ref().is_some_and(|routing| routing.priority == Some(Priority::Auto));
    if missing(PRIORITY) && !auto {
        faults.push(Fault::missing(config.place_of_new(PRIORITY), "its place among the listener's rules"));
    }
}

/// In hex; names what is stored, and tells whether something changed.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn too_long(root: &Path, bytes: usize) -> Fault {
    Fault::new(root, format!("{bytes} bytes long"), format!("at most {TEMPLATE_BYTES_MAX} bytes"))
}

/// What the template says of its parameters, by name.
type Declared = BTreeMap<String, Declaration>;

struct Declaration {
    default: Option<String>,
    /// `AllowedValues`, empty when any value is.
    values: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
}

impl Declaration {
    fn read(body: &Value) -> Self {
        // Templates write the same number with and without quotes.
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let number = |key| body.get(key).map(plain).and_then(|text| text.parse().ok());
        Self {
            default: body.get("Default").map(plain),
            values: body
                .get("AllowedValues")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(plain)
                .collect(),
            min: number("MinValue"),
            max: number("MaxValue"),
        }
    }

    /// `Err` with what is allowed. Patterns and lengths are left to CloudFormation.
    fn check(&self, value: &str) -> Result<(), String> {
        if !self.values.is_empty() && !self.values.iter().any(|allowed| allowed == value) {
            return Err(format!("one of {}", self.values.join(", ")));
        }
        let number: Option<f64> = value.parse().ok();
        let within = |number: f64| {
            self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max)
        };
        match (self.min, self.max) {
            (None, None) => Ok(()),
            (Some(_), _) | (_, Some(_)) if number.is_some_and(within) => Ok(()),
            (Some(min), Some(max)) => Err(format!("a number from {min} to {max}")),
            (Some(min), None) => Err(format!("a number of at least {min}")),
            (None, Some(max)) => Err(format!("a number of at most {max}")),
        }
    }
}

fn declared(template: &Value, root: &Path, faults: &mut Faults) -> Declared {
    let empty = Map::new();
    if !template.get("Resources").is_some_and(Value::is_object) {
        faults.push(Fault::missing(root.key("Resources"), "a CloudFormation template's resources"));
    }
    let parameters = match template.get("Parameters") {
        None => &empty,
        Some(value) => value.as_object().unwrap_or_else(|| {
            faults.push(Fault::new(root.key("Parameters"), crate::faults::shape(value), "an object"));
            &empty
        }),
    };
    if parameters.len() > PARAMETERS_MAX {
        let count = format!("an object of {} entries", parameters.len());
        faults.push(Fault::new(root.key("Parameters"), count, format!("at most {PARAMETERS_MAX}")));
    }
    parameters.iter().map(|(name, body)| (name.clone(), Declaration::read(body))).collect()
}

/// The values that deploying decides, `Err` with the record's key where the record lacks one.
fn owned(
    config: &ServiceConfig,
    environment: &EnvironmentName,
    service: &ServiceRecord,
    record: &EnvironmentRecord,
    image: &ImageDigest,
    standing: &Standing,
) -> BTreeMap<&'static str, Result<String, &'static str>> {
    let wanted = config.task_role.as_ref().and_then(|role| role.managed_policies.as_ref());
    let policies = wanted.into_iter().flatten().filter_map(|name| record.managed_policies.get(name));
    let mut arns: Vec<&str> = Vec::new();
    for policy in policies {
        // A record may have two names for one, and IAM takes it once.
        if !arns.contains(&policy.arn.as_str()) {
            arns.push(&policy.arn);
        }
    }
    BTreeMap::from([
        ("TaskPolicyArns", Ok(arns.join(","))),
        (SERVING, Ok(standing.serving.as_str().to_owned())),
        // A tag could move between approval and deployment.
        ("Image", Ok(format!("{}@{image}", service.image_repository_uri))),
        ("Cluster", Ok(record.cluster.clone())),
        ("ListenerArn", record.listener_arn.clone().ok_or("listenerArn")),
        ("VpcId", Ok(record.vpc_id.clone())),
        ("Subnets", Ok(record.subnets.join(","))),
        ("AssignPublicIp", Ok(record.assign_public_ip.to_string())),
        (
            "LoadBalancerSecurityGroup",
            record.load_balancer_security_group.clone().ok_or("loadBalancerSecurityGroup"),
        ),
        ("PermissionsBoundaryArn", Ok(record.permissions_boundary_arn.clone())),
        ("Service", Ok(service.service.to_string())),
        ("Environment", Ok(environment.to_string())),
    ])
}

fn parameters(
    config: &ServiceConfig,
    written: &BTreeMap<String, String>,
    owned: &BTreeMap<&'static str, Result<String, &'static str>>,
    declared: &Declared,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let mut passed = BTreeMap::new();
    let ours = |name: &str| !ENGINE_OWNED.contains(&name);
    for (name, value) in written {
        if let Some(declaration) = declared.get(name) {
            if let Err(allowed) = declaration.check(value) {
                // Not quoted: parameters may be secret.
                faults.push(Fault::new(
                    config.place_of(name),
                    "a value that the environment's template refuses",
                    allowed,
                ));
            }
            passed.insert(name.clone(), value.clone());
            continue;
        }
        let open: Vec<&str> = declared.keys().map(String::as_str).filter(|name| ours(name)).collect();
        let meant = nearest(name, open.iter().copied()).map(|name| config.place_of_new(name).to_string());
        let allowed = match &open[..] {
            [] => "nothing: the environment's template takes no parameters from a config".to_owned(),
            names => format!("the template's parameters {}", names.join(", ")),
        };
        let value = format!("set, but {name} is not a parameter of the environment's template");
        faults.push(Fault::new(config.place_of(name), value, allowed).nearest(meant));
    }
    for (name, declaration) in declared {
        match owned.get(name.as_str()) {
            Some(Ok(value)) => {
                if let Err(allowed) = check_owned(declaration, value) {
                    let path = Path::of("template").key("Parameters").key(name);
                    let value = format!("to be {}, which it does not take", quote(value));
                    faults.push(Fault::new(path, value, allowed));
                }
                passed.insert(name.clone(), value.clone());
            }
            Some(Err(_)) | None if declaration.default.is_some() => {}
            Some(Err(key)) => {
                let allowed = format!("a value, as the environment's template has the parameter {name}");
                faults.push(Fault::missing(Path::of("environment record").key(key), allowed));
            }
            None if written.contains_key(name) => {}
            None => {
                let allowed = format!("a value, as the environment's template has no default for {name}");
                faults.push(Fault::missing(config.place_of_new(name), allowed));
            }
        }
    }
    passed
}

fn check_owned(declaration: &Declaration, value: &str) -> Result<(), String> {
    if value.len() > PARAMETER_VALUE_BYTES_MAX {
        return Err(format!("values of at most {PARAMETER_VALUE_BYTES_MAX} bytes"));
    }
    declaration.check(value)
}

/// References without a version, in a template: what they mean could change after approval.
fn find_loose_references(value: &Value, path: &Path, faults: &mut Faults) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => {
            for reference in dynamic::references(text).iter().filter(|r| !r.is_versioned()) {
                faults.push(Fault::new(path, quote(reference.text), dynamic::VERSIONED_ALLOWED));
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                find_loose_references(item, &path.index(n), faults);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                find_loose_references(item, &path.key(key), faults);
            }
        }
    }
}

/// Source: CloudFormation API, `CreateChangeSet` (`Capabilities`): the resources that need IAM's, and the property of
/// each, where it has one, that gives it a name of its own.
const IAM_RESOURCES: [(&str, Option<&str>); 8] = [
    ("AWS::IAM::AccessKey", None),
    ("AWS::IAM::Group", Some("GroupName")),
    ("AWS::IAM::InstanceProfile", Some("InstanceProfileName")),
    ("AWS::IAM::ManagedPolicy", Some("ManagedPolicyName")),
    ("AWS::IAM::Policy", None),
    ("AWS::IAM::Role", Some("RoleName")),
    ("AWS::IAM::User", Some("UserName")),
    ("AWS::IAM::UserToGroupAddition", None),
];

fn capabilities(template: &Value) -> Vec<Capability> {
    let mut needed = Vec::new();
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    for (_, resource) in resources {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let Some((_, name)) = IAM_RESOURCES.iter().find(|(iam, _)| *iam == kind) else {
            continue;
        };
        let named =
            name.is_some_and(|name| resource.get("Properties").is_some_and(|p| p.get(name).is_some()));
        needed.push(if named { Capability::NamedIam } else { Capability::Iam });
    }
    // Named covers both.
    if needed.contains(&Capability::NamedIam) {
        needed.retain(|capability| *capability == Capability::NamedIam);
    }
    if template.get("Transform").is_some() || has_key(template, "Fn::Transform") {
        needed.push(Capability::AutoExpand);
    }
    needed.sort();
    needed.dedup();
    needed
}

fn has_key(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(|item| has_key(item, wanted)),
        Value::Object(map) => map.iter().any(|(key, item)| key == wanted || has_key(item, wanted)),
    }
}
