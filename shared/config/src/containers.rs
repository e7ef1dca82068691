//! Writes what no parameter can carry into a template's container definitions: variables, secrets, commands, sidecars.

use model::ids::EnvironmentName;
use serde_json::{Map, Value, json};

use crate::canonical::canonical_json;
use crate::config::{LogRouter, LogRouterKind, Process, Secret, ServiceConfig, Sidecar};
use crate::faults::{Fault, Faults, Path};
use crate::limits::TASK_DEFINITION_BYTES_MAX;
use crate::places::Places;
use crate::record::LogGroupArn;

/// Whether anything must be written: a template without such container definitions can do without them until then.
fn says_something(config: &ServiceConfig) -> bool {
    !config.sidecars.is_empty()
        || config.container.as_ref().is_some_and(|container| container.process != Process::default())
}

/// The first container definition of the resource `TaskDefinition` is the service's own.
pub(crate) fn write(config: &ServiceConfig, template: &mut Value, root: &Path, faults: &mut Faults) {
    if !says_something(config) {
        return;
    }
    let place = ["Resources", "TaskDefinition", "Properties", "ContainerDefinitions"]
        .iter()
        .fold(root.clone(), |path, key| path.key(key));
    let definitions = template.pointer_mut("/Resources/TaskDefinition/Properties/ContainerDefinitions");
    let Some(definitions) =
        definitions.and_then(Value::as_array_mut).filter(|all| all.first().is_some_and(is_definition))
    else {
        let allowed =
            "a list whose first entry is the service's own container, as the config says more of it";
        faults.push(Fault::missing(place, allowed));
        return;
    };
    let logs = definitions[0].get("LogConfiguration").cloned();
    let router =
        config.sidecars.iter().find_map(|(name, sidecar)| Some((name, sidecar.log_router.as_ref()?)));
    let routed = router.map(|(_, router)| router.destination());

    for (name, sidecar) in &config.sidecars {
        let routed = routed.as_ref().filter(|_| sidecar.log_router.is_none());
        definitions.push(sidecar.definition(name, routed.or(logs.as_ref())));
    }
    if let Some(own) = definitions[0].as_object_mut() {
        if let Some(container) = &config.container {
            container.process.write(own, &place.index(0), faults);
        }
        if let (Some((name, _)), Some(routed)) = (router, routed) {
            own.insert("LogConfiguration".to_owned(), routed);
            own.insert("DependsOn".to_owned(), json!([{ "ContainerName": name, "Condition": "START" }]));
        }
    }
    let bytes = canonical_json(&Value::Array(definitions.clone())).len();
    if bytes > TASK_DEFINITION_BYTES_MAX {
        let allowed = format!("at most {TASK_DEFINITION_BYTES_MAX} bytes, a task definition's limit");
        faults.push(Fault::new(place, format!("{bytes} bytes long with what the config says"), allowed));
    }
}

/// Not an intrinsic function, which nothing can be written into.
fn is_definition(value: &Value) -> bool {
    value.get("Name").is_some()
}

impl ServiceConfig {
    /// The secrets that the service's containers are given in `environment`, each with the place that names it.
    pub fn secrets(&self, environment: &EnvironmentName) -> Vec<(String, Secret)> {
        let here = self.in_environment(environment);
        // A config is made of texts, numbers, lists and maps; it always is JSON.
        let file = serde_json::to_value(self).unwrap_or_default();
        let places = Places { file: &file, environment: Some(environment) };
        let named = |keys: &[&str], process: &Process| -> Vec<(String, Secret)> {
            let place = |name: &str| places.place(&[keys, &["secrets", name]].concat()).to_string();
            process.secrets.iter().map(|(name, secret)| (place(name), secret.clone())).collect()
        };
        let own = here.container.iter().flat_map(|container| named(&["container"], &container.process));
        let sidecars = here.sidecars.iter().flat_map(|(name, it)| named(&["sidecars", name], &it.process));
        own.chain(sidecars).collect()
    }
}

impl Process {
    /// What the template says of a container already stays; saying it again is a fault of the config.
    fn write(&self, definition: &mut Map<String, Value>, place: &Path, faults: &mut Faults) {
        let variables = self.environment.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
        let secrets =
            self.secrets.iter().map(|(name, secret)| json!({ "Name": name, "ValueFrom": secret.arn() }));
        for (key, entries) in [("Environment", variables.collect()), ("Secrets", secrets.collect::<Vec<_>>())]
        {
            self.append(definition, key, entries, place, faults);
        }
        if let Some(command) = &self.command {
            definition.insert("Command".to_owned(), json!(command));
        }
        if let Some(seconds) = self.stop_timeout_seconds {
            definition.insert("StopTimeout".to_owned(), json!(seconds));
        }
    }

    fn append(
        &self,
        definition: &mut Map<String, Value>,
        key: &str,
        entries: Vec<Value>,
        place: &Path,
        faults: &mut Faults,
    ) {
        if entries.is_empty() {
            return;
        }
        let list = definition.entry(key).or_insert_with(|| json!([]));
        let Some(list) = list.as_array_mut() else {
            faults.push(Fault::new(place.key(key), "no list", "a list, as the config says more of it"));
            return;
        };
        for entry in entries {
            if list.iter().any(|there| there.get("Name") == entry.get("Name")) {
                let name = entry.get("Name").map(crate::faults::excerpt).unwrap_or_default();
                let allowed = "variables that the environment's template does not set itself";
                faults.push(Fault::new(place.key(key), format!("to hold {name} a second time"), allowed));
            } else {
                list.push(entry);
            }
        }
    }
}

impl Sidecar {
    fn definition(&self, name: &str, logs: Option<&Value>) -> Value {
        let mut definition = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                definition.insert(key.to_owned(), value);
            }
        };
        set("Name", Some(json!(name)));
        set("Image", self.image.as_ref().map(|image| json!(image)));
        set("Essential", Some(json!(self.essential.unwrap_or(true))));
        set("Cpu", self.cpu.map(|cpu| json!(cpu)));
        set("Memory", self.memory_mib.map(|memory| json!(memory)));
        set("LogConfiguration", logs.cloned());
        set("FirelensConfiguration", self.log_router.as_ref().map(LogRouter::configuration));
        let mut unheard = Faults::default();
        // Nothing stands there yet that could be said twice.
        self.process.write(&mut definition, &Path::root(), &mut unheard);
        Value::Object(definition)
    }
}

impl LogRouter {
    fn configuration(&self) -> Value {
        let kind = match self.kind {
            LogRouterKind::Fluentbit => "fluentbit",
            LogRouterKind::Fluentd => "fluentd",
        };
        json!({ "Type": kind })
    }

    /// The log configuration of the containers whose logs it takes.
    fn destination(&self) -> Value {
        let mut configuration = json!({ "LogDriver": "awsfirelens", "Options": self.options });
        if !self.secret_options.is_empty() {
            let options = self.secret_options.iter();
            let options: Vec<Value> =
                options.map(|(name, secret)| json!({ "Name": name, "ValueFrom": secret.arn() })).collect();
            configuration["SecretOptions"] = Value::from(options);
        }
        configuration
    }
}

impl Secret {
    fn arn(&self) -> Value {
        json!({ "Fn::Sub": self.arn_in("${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}") })
    }

    /// In the account and region of that log group.
    pub(crate) fn arn_beside(&self, log_group: &LogGroupArn) -> String {
        self.arn_in(&log_group.partition, &log_group.region, &log_group.account)
    }

    /// Source: ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables": the ARN,
    /// then key, version stage and version id.
    fn arn_in(&self, partition: &str, region: &str, account: &str) -> String {
        let key = self.key.as_ref().map(|key| format!(":{key}::")).unwrap_or_default();
        format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{}{key}", self.name)
    }
}
