//! What no key of a config says alone: things said twice, things nobody said, things that do not go together.

use model::ids::EnvironmentName;
use model::pattern::covers;
use serde_json::Value;

use crate::config::{Kind, Process, ServiceConfig, Strategy, Verify};
use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::DEPLOYMENT_TIMEOUT_MINUTES_MAX;
use crate::parameters::{
    self, BAKE_MINUTES, CONTAINER_PORT, CPU, HEALTH_INTERVAL, HEALTH_TIMEOUT, HOSTS, MAX_TASKS, MEMORY_MIB,
    MIN_TASKS, PATHS, PRIORITY, REQUESTS_PER_TARGET, STRATEGY,
};
use crate::places::Places;
use crate::{config, errand, fargate, reader};

/// `file` is the config as it was written, `config` what could be read of it.
pub(crate) fn check(
    file: &Value,
    config: &ServiceConfig,
    first_form: bool,
    kind_is_known: bool,
    faults: &mut Faults,
) {
    // Names of environments that could not be read were told already.
    let named = file.get("environments").and_then(Value::as_object).into_iter().flatten();
    let mut seen: Vec<Option<EnvironmentName>> =
        named.filter_map(|(name, _)| name.parse().ok()).map(Some).collect();
    if seen.is_empty() {
        seen.push(None);
    }
    let mut found = Faults::default();
    for environment in &seen {
        let places = Places { file, environment: environment.as_ref() };
        let here = environment.as_ref().map_or_else(|| config.clone(), |name| config.in_environment(name));
        let view = View { places, config: &here };
        view.said_twice(&mut found);
        if first_form && kind_is_known {
            view.kind(&mut found);
        }
        view.size(&mut found);
        view.routing(&mut found);
        view.scaling(&mut found);
        view.deployment(&mut found);
        view.probe(&mut found);
        view.containers(&mut found);
    }
    // What is wrong in common is wrong in every environment, and told once.
    for (n, fault) in found.as_slice().iter().enumerate() {
        if !found.as_slice()[..n].contains(fault) {
            faults.push(fault.clone());
        }
    }
}

/// A config as it holds in one environment.
struct View<'v> {
    places: Places<'v>,
    config: &'v ServiceConfig,
}

impl View<'_> {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.places.file.get("Parameters").and_then(|parameters| parameters.get(name))
    }

    /// Whether a parameter's value is said, under its key or its own name.
    fn has(&self, name: &str) -> bool {
        self.places.said(parameters::keys_of(name)) || self.parameter(name).is_some()
    }

    /// A parameter's value as it comes to the template.
    fn value(&self, name: &str) -> Option<String> {
        self.config.effective_parameters().remove(name)
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.value(name).and_then(|text| parameters::decimal(&text))
    }

    fn listed(&self, name: &str) -> Vec<String> {
        self.value(name).map(|text| parameters::listed(&text)).unwrap_or_default()
    }

    /// Where a parameter's value is said, under its key or its own name.
    fn place_of(&self, name: &str) -> Path {
        match (self.places.find(parameters::keys_of(name)), self.parameter(name)) {
            (None, Some(_)) => Path::root().key("Parameters").key(name),
            (Some(_), _) | (None, None) => self.places.place(parameters::keys_of(name)),
        }
    }

    fn said_twice(&self, faults: &mut Faults) {
        for name in parameters::keyed() {
            if self.parameter(name).is_some()
                && let Some((_, place)) = self.places.find(parameters::keys_of(name))
            {
                let here = Path::root().key("Parameters").key(name);
                faults.push(Fault::new(here, "said a second time", format!("only {place}")));
            }
        }
    }

    /// What a kind needs, and what it has no use for.
    fn kind(&self, faults: &mut Faults) {
        let kind = self.config.kind;
        let mut refused = |keys: &[&str], of: &str| {
            if let Some((_, place)) = self.places.find(keys) {
                let allowed = format!("nothing: only a {of} has it, and this is a {}", kind.noun());
                faults.push(Fault::new(place, "set", allowed));
            }
        };
        if kind != Kind::Web {
            refused(&["routing"], "web service");
            refused(&["container", "port"], "web service");
            refused(&["scaling", "requestsPerTarget"], "web service");
            refused(&["deployment", "verify", "path"], "web service");
        }
        match kind {
            Kind::Web | Kind::Worker => refused(&["schedule"], "job"),
            Kind::Job => {
                refused(&["scaling"], "service");
                refused(&["deployment", "strategy"], "service");
                refused(&["deployment", "bakeMinutes"], "service");
                refused(&["deployment", "alarms"], "service");
                if !self.places.said(&["schedule"]) {
                    let allowed = "an object with cron and timeZone: when the job runs";
                    faults.push(Fault::missing(self.places.place(&["schedule"]), allowed));
                }
            }
        }
        if kind == Kind::Web {
            self.web(faults);
        }
    }

    fn web(&self, faults: &mut Faults) {
        if !self.has(PATHS) && !self.has(HOSTS) {
            let (keys, allowed): (&[&str], _) = if self.is_object("routing") {
                (&["routing", "paths"], "a list of 1 to 5 path patterns, or hosts".to_owned())
            } else {
                (&["routing"], "an object with paths or hosts, and priority".to_owned())
            };
            self.missing(keys, allowed, faults);
        }
        if !self.has(PRIORITY) && self.is_object("routing") {
            self.missing(&["routing", "priority"], config::priority_allowed(), faults);
        }
        if !self.has(CONTAINER_PORT) {
            let (keys, allowed): (&[&str], _) = if self.is_object("container") {
                (&["container", "port"], reader::whole_allowed(&(1..=crate::limits::PORT_MAX)))
            } else {
                (&["container"], "an object with port, cpu and memoryMiB".to_owned())
            };
            self.missing(keys, allowed, faults);
        }
    }

    fn is_object(&self, key: &str) -> bool {
        self.places.find(&[key]).is_some_and(|(value, _)| value.is_object())
    }

    /// Unless something else stands there, which was told where it was read.
    fn missing(&self, keys: &[&str], allowed: String, faults: &mut Faults) {
        if !self.places.said(keys) {
            faults.push(Fault::missing(self.places.place(keys), allowed));
        }
    }

    /// Fargate's pairs, wherever the two halves were written.
    fn size(&self, faults: &mut Faults) {
        let find = |name: &str| -> Option<(Option<u32>, Path)> {
            if let Some((value, place)) = self.places.find(parameters::keys_of(name)) {
                return Some((value.as_u64().and_then(|n| u32::try_from(n).ok()), place));
            }
            let number = self.parameter(name)?.as_str().and_then(parameters::decimal);
            Some((number, Path::root().key("Parameters").key(name)))
        };
        match (find(CPU), find(MEMORY_MIB)) {
            (Some((Some(cpu), cpu_path)), Some((Some(memory), memory_path))) => {
                if (1..=fargate::CPU_MAX).contains(&cpu)
                    && let Err(allowed) = fargate::check_cpu(cpu)
                {
                    faults.push(Fault::new(cpu_path, cpu.to_string(), allowed));
                } else if (1..=fargate::MEMORY_MIB_MAX).contains(&memory)
                    && fargate::check_cpu(cpu).is_ok()
                    && let Err(allowed) = fargate::check_pair(cpu, memory)
                {
                    faults.push(Fault::new(memory_path, memory.to_string(), allowed));
                }
            }
            (Some((_, path)), None) | (None, Some((_, path))) => {
                faults.push(Fault::new(path, "alone", "CPU units and memory together, or neither"));
            }
            // Neither is given, or one is no number, which was told where it was read.
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    fn routing(&self, faults: &mut Faults) {
        let (hosts, paths) = (self.listed(HOSTS), self.listed(PATHS));
        if !hosts.is_empty() && !paths.is_empty() {
            let of_parameters = [HOSTS, PATHS].into_iter().find(|name| self.parameter(name).is_some());
            let place =
                of_parameters.map_or_else(|| self.places.place(&["routing"]), |name| self.place_of(name));
            parameters::check_rule(&[hosts, paths].concat(), "hosts and paths", &place, faults);
        }
        // Who says parameters may have a template with other defaults.
        let unset = self.parameter(HEALTH_TIMEOUT).is_none().then_some(parameters::HEALTH_INTERVAL_SECONDS);
        let (interval, timeout) = (self.number(HEALTH_INTERVAL).or(unset), self.number(HEALTH_TIMEOUT));
        if let (Some(interval), Some(timeout)) = (interval, timeout)
            && timeout >= interval
        {
            let allowed = format!("less than the interval, which is {interval}");
            faults.push(Fault::new(self.place_of(HEALTH_TIMEOUT), timeout.to_string(), allowed));
        }
    }

    fn scaling(&self, faults: &mut Faults) {
        let unset = self.parameter(MAX_TASKS).is_none().then_some(parameters::TASKS_MIN);
        let (min, max) = (self.number(MIN_TASKS).or(unset), self.number(MAX_TASKS));
        if let (Some(min), Some(max)) = (min, max)
            && max < min
        {
            let allowed = format!("at least min, which is {min}");
            faults.push(Fault::new(self.place_of(MAX_TASKS), max.to_string(), allowed));
        }
    }

    fn deployment(&self, faults: &mut Faults) {
        let deployment = self.config.deployment.clone().unwrap_or_default();
        let place = |key: &str| self.places.place(&["deployment", key]);
        let strategy = self.config.strategy();
        if self.config.kind == Kind::Worker && strategy != Strategy::Rolling {
            let allowed = "\"rolling\": only a web service has traffic to shift";
            faults.push(Fault::new(self.place_of(STRATEGY), format!("\"{}\"", strategy.word()), allowed));
        }
        if self.config.kind == Kind::Web
            && strategy != Strategy::Rolling
            && self.number(REQUESTS_PER_TARGET).is_some_and(|requests| requests > 0)
        {
            let allowed = "left out with this strategy: the requests move to another target group";
            let value = format!("said with strategy {}", strategy.word());
            faults.push(Fault::new(self.place_of(REQUESTS_PER_TARGET), value, allowed));
        }
        let bake = self.config.bake_minutes();
        if bake > strategy.bake_minutes_max() {
            let allowed =
                format!("at most {} with strategy {}", strategy.bake_minutes_max(), strategy.word());
            faults.push(Fault::new(self.place_of(BAKE_MINUTES), bake.to_string(), allowed));
        }
        let waits = self.config.waits_minutes();
        if waits >= DEPLOYMENT_TIMEOUT_MINUTES_MAX {
            let value = format!("to take {waits} minutes with bakeMinutes");
            let allowed = format!("less than {DEPLOYMENT_TIMEOUT_MINUTES_MAX} minutes in all");
            faults.push(Fault::new(self.place_of(STRATEGY), value, allowed));
        } else if let Some(timeout) = deployment.timeout_minutes.filter(|timeout| *timeout <= waits) {
            let allowed = format!(
                "more than {waits}, which bakeMinutes, the steps of the strategy and verify may take"
            );
            faults.push(Fault::new(place("timeoutMinutes"), timeout.to_string(), allowed));
        }
        let alarms = deployment.alarms();
        for (n, alarm) in alarms.iter().enumerate() {
            if alarms[..n].contains(alarm) {
                let value = format!("{} again", quote(alarm));
                faults.push(Fault::new(place("alarms").index(n), value, "each alarm once"));
            }
        }
    }

    /// What answers must be the service itself.
    fn probe(&self, faults: &mut Faults) {
        let verify = self.config.deployment.as_ref().and_then(|deployment| deployment.verify.as_ref());
        let Some(Verify::Probe(probe)) = verify.filter(|_| self.config.kind == Kind::Web) else { return };
        let mut refuse = |allowed: String| {
            let place = self.places.place(&["deployment", "verify", "path"]);
            faults.push(Fault::new(place, quote(&probe.path), allowed));
        };
        let (hosts, paths) = (self.listed(HOSTS), self.listed(PATHS));
        if !paths.is_empty() && !paths.iter().any(|pattern| covers(pattern, &probe.path)) {
            refuse(format!("a path that its rule takes: {}", paths.join(", ")));
        }
        if !hosts.is_empty() && errand::asked_host(&hosts).is_none() {
            refuse("nothing: none of its hosts is without wildcards".to_owned());
        }
    }

    fn containers(&self, faults: &mut Faults) {
        if let Some(container) = &self.config.container {
            self.variables(&["container"], &container.process, faults);
        }
        let mut router: Option<&str> = None;
        let (mut cpu, mut memory) = (0_u32, 0_u32);
        for (name, sidecar) in &self.config.sidecars {
            let keys = ["sidecars", name.as_str()];
            self.variables(&keys, &sidecar.process, faults);
            let place = self.places.place(&keys);
            if sidecar.image.is_none() && !self.places.said(&["sidecars", name, "image"]) {
                faults.push(Fault::missing(place.key("image"), config::IMAGE_ALLOWED));
            }
            if sidecar.log_router.is_some() {
                if let Some(first) = router {
                    let allowed = format!("one log router a task, which {first} is");
                    faults.push(Fault::new(place.key("logRouter"), "a second log router", allowed));
                }
                router = Some(name);
            }
            cpu = cpu.saturating_add(sidecar.cpu.unwrap_or_default());
            memory = memory.saturating_add(sidecar.memory_mib.unwrap_or_default());
        }
        let container = self.config.container.as_ref();
        for (wanted, size, unset, unit) in [
            (cpu, container.and_then(|c| c.cpu), fargate::CPU_MIN, "CPU units"),
            (memory, container.and_then(|c| c.memory_mib), fargate::MEMORY_MIB_MIN, "MiB"),
        ] {
            let size = size.unwrap_or(unset);
            if wanted >= size {
                let allowed = format!("less than the task's {size} {unit} in all");
                let value = format!("to have {wanted} {unit}");
                faults.push(Fault::new(self.places.place(&["sidecars"]), value, allowed));
            }
        }
    }

    /// Source: ECS API, `ContainerDefinition` (`secrets`): a name is either a variable's or a secret's.
    fn variables(&self, keys: &[&str], process: &Process, faults: &mut Faults) {
        for name in process.secrets.keys().filter(|name| process.environment.contains_key(*name)) {
            let place = self.places.place(&[keys, &["secrets", name]].concat());
            faults.push(Fault::new(
                place,
                "a variable of environment too",
                "each name once, in one of the two",
            ));
        }
    }
}
