//! What a config may ask for, given the platform's records.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{BranchName, EnvironmentName};

use crate::config::{self, Kind, Probe, ServiceConfig, Verify};
use crate::dynamic;
use crate::errand;
use crate::faults::{Fault, Faults, Path, nearest, quote};
use crate::freeze::Freeze;
use crate::parameters::{CPU, HOSTS, MAX_TASKS, MEMORY_MIB, MIN_TASKS, PATHS, decimal};
use crate::places::Places;
use crate::record::{EnvironmentRecord, ServiceRecord};
use crate::routing;

/// The records of all environments, by name.
type Records = BTreeMap<EnvironmentName, EnvironmentRecord>;

impl ServiceConfig {
    /// The environments that a push to `branch` deploys to, sorted. Those that come after another environment are not
    /// among them.
    ///
    /// A config that names environments decides; an environment without a branch of its own takes its record's. A
    /// config that names none is deployed wherever a record names the branch. An environment without a record is a
    /// fault, whichever branch was pushed, and so is an order that a record does not want.
    pub fn environments_for(
        &self,
        branch: &BranchName,
        records: &Records,
    ) -> Result<Vec<EnvironmentName>, Faults> {
        if self.environments.is_empty() {
            let here = records
                .iter()
                .filter(|(_, record)| record.branch.as_ref() == Some(branch) && record.floor.after.is_none());
            return Ok(here.map(|(name, _)| name.clone()).collect());
        }
        let mut faults = Faults::default();
        let mut here = Vec::new();
        let path = Path::root().key("environments");
        for (name, environment) in &self.environments {
            let path = path.key(name.as_str());
            let Some(record) = records.get(name) else {
                let known = records.keys().map(EnvironmentName::as_str);
                let meant = nearest(name.as_str(), known)
                    .map(|known| Path::root().key("environments").key(known).to_string());
                faults.push(Fault::new(path, "an unknown environment", known_names(records)).nearest(meant));
                continue;
            };
            if self.check_order(name, record, records, &path, &mut faults).is_some() {
                continue;
            }
            match environment.branch.as_ref().or(record.branch.as_ref()) {
                Some(deploying) if deploying == branch => here.push(name.clone()),
                Some(_) => {}
                None => faults.push(Fault::missing(
                    path.key("branch"),
                    "a branch name, as the environment's record has none",
                )),
            }
        }
        faults.or(here)
    }

    /// The environment that `name` comes after. A record's word holds; a config may say it only where the record does
    /// not, or the same.
    fn check_order(
        &self,
        name: &EnvironmentName,
        record: &EnvironmentRecord,
        records: &Records,
        path: &Path,
        faults: &mut Faults,
    ) -> Option<EnvironmentName> {
        let own = self.environments.get(name);
        let first = self.comes_after(name, record)?;
        let wanted = || format!("after {}, as the record of {name} wants", quote(first.as_str()));
        if let Some(branch) = own.and_then(|own| own.branch.as_ref()) {
            faults.push(Fault::new(path.key("branch"), quote(branch.as_str()), wanted()));
        } else if let Some(after) = own.and_then(|own| own.after.as_ref()).filter(|after| *after != first) {
            faults.push(Fault::new(path.key("after"), quote(after.as_str()), wanted()));
        } else if !self.environments.contains_key(first) {
            let allowed = format!("named in this config: the record of {name} wants it deployed there first");
            faults.push(Fault::missing(Path::root().key("environments").key(first.as_str()), allowed));
        } else {
            let after = |name| records.get(name).and_then(|record| self.comes_after(name, record));
            if let Some(way) = config::cycle(name, after) {
                let value = format!("part of an order that comes round: {way}");
                faults.push(Fault::new(path, value, "environments of which none comes after itself"));
            }
        }
        Some(first.clone())
    }

    fn comes_after<'c>(
        &'c self,
        name: &EnvironmentName,
        record: &'c EnvironmentRecord,
    ) -> Option<&'c EnvironmentName> {
        record.floor.after.as_ref().or_else(|| self.environments.get(name)?.after.as_ref())
    }

    /// The environment whose good endings are deployed to `environment`; `None` where pushes are.
    pub fn predecessor(
        &self,
        environment: &EnvironmentName,
        record: &EnvironmentRecord,
    ) -> Option<EnvironmentName> {
        self.comes_after(environment, record).cloned()
    }

    /// The environments that come after `environment`, sorted: what ended well there is deployed to them next.
    pub fn successors(&self, environment: &EnvironmentName, records: &Records) -> Vec<EnvironmentName> {
        let next = records.iter().filter(|(name, record)| {
            let meant = self.environments.is_empty() || self.environments.contains_key(*name);
            meant && self.comes_after(name, record) == Some(environment)
        });
        next.map(|(name, _)| name.clone()).collect()
    }

    /// When nothing may be deployed to `environment`: what the config says and what the record says, together.
    pub fn freezes(&self, environment: &EnvironmentName, record: &EnvironmentRecord) -> Vec<Freeze> {
        let own = self.environments.get(environment).into_iter().flat_map(|own| &own.freeze);
        record.floor.freeze.iter().chain(own).cloned().collect()
    }

    /// Whether this service may be deployed to `environment` as the config says.
    pub fn check(
        &self,
        environment: &EnvironmentName,
        service: &ServiceRecord,
        record: &EnvironmentRecord,
    ) -> Result<(), Faults> {
        let here = self.in_environment(environment);
        Here { config: &here, environment, service, record }.check()
    }
}

/// A config as it holds in one environment, and the records that it must keep to.
struct Here<'c> {
    config: &'c ServiceConfig,
    environment: &'c EnvironmentName,
    service: &'c ServiceRecord,
    record: &'c EnvironmentRecord,
}

impl Here<'_> {
    fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if let Some(named) = &self.config.service
            && *named != self.service.service
        {
            let allowed = format!(
                "{}, the service that this repository is registered for",
                quote(self.service.service.as_str())
            );
            faults.push(Fault::new("$.service", quote(named.as_str()), allowed));
        }
        self.grants(&mut faults);
        self.caps(&mut faults);
        self.policies(&mut faults);
        for (name, value) in &self.config.parameters {
            let own = &self.service.service;
            for reference in dynamic::references(value).iter().filter(|r| !r.belongs_to(own)) {
                let allowed = format!("references to names under {own}/ or /{own}/");
                faults.push(Fault::new(self.place_of(name), quote(reference.text), allowed));
            }
        }
        self.listener(&mut faults);
        self.errands(&mut faults);
        faults.or(())
    }

    fn place_of(&self, parameter: &str) -> Path {
        self.config.place_in(Some(self.environment), parameter)
    }

    fn grants(&self, faults: &mut Faults) {
        let record = self.service;
        for (place, pattern) in
            self.patterns(PATHS, self.config.routing.as_ref().and_then(|r| r.paths.as_ref()))
        {
            if !routing::is_granted(&pattern, &record.paths) {
                let allowed = match &record.paths[..] {
                    [] => "nothing: the service's record grants no paths".to_owned(),
                    grants => format!("paths granted to {}: {}", record.service, below(grants)),
                };
                faults.push(Fault::new(place, quote(&pattern), allowed));
            }
        }
        for (place, pattern) in
            self.patterns(HOSTS, self.config.routing.as_ref().and_then(|r| r.hosts.as_ref()))
        {
            if !routing::is_granted_host(&pattern, &record.hosts) {
                let allowed = match &record.hosts[..] {
                    [] => "nothing: the service's record grants no hosts".to_owned(),
                    grants => format!("hosts granted to {}: {}", record.service, grants.join(", ")),
                };
                faults.push(Fault::new(place, quote(&pattern), allowed));
            }
        }
    }

    /// Patterns of the first form, or else of the parameter that stands for them.
    fn patterns(&self, parameter: &str, said: Option<&Vec<String>>) -> Vec<(Path, String)> {
        let place = self.place_of(parameter);
        match (said, self.config.parameters.get(parameter)) {
            (Some(patterns), _) => {
                patterns.iter().enumerate().map(|(n, pattern)| (place.index(n), pattern.clone())).collect()
            }
            (None, Some(text)) if !text.is_empty() => {
                text.split(',').map(|pattern| (place.clone(), pattern.trim().to_owned())).collect()
            }
            (None, Some(_) | None) => Vec::new(),
        }
    }

    fn caps(&self, faults: &mut Faults) {
        let effective = self.config.effective_parameters();
        let caps = &self.record.caps;
        for (name, cap, unit) in [
            (CPU, caps.cpu, "CPU units"),
            (MEMORY_MIB, caps.memory_mib, "MiB"),
            (MIN_TASKS, caps.tasks, "tasks"),
            (MAX_TASKS, caps.tasks, "tasks"),
        ] {
            // Without a max of its own it is min that asks for too much.
            if name == MAX_TASKS && effective.get(MAX_TASKS) == effective.get(MIN_TASKS) {
                continue;
            }
            let asked = effective.get(name).and_then(|text| decimal(text));
            if let Some(asked) = asked.filter(|asked| *asked > cap) {
                let allowed = format!("at most {cap} {unit} in {}", self.environment);
                faults.push(Fault::new(self.place_of(name), asked.to_string(), allowed));
            }
        }
    }

    fn policies(&self, faults: &mut Faults) {
        let wanted = self.config.task_role.as_ref().and_then(|role| role.managed_policies.as_ref());
        let service = &self.service.service;
        let open: BTreeSet<&str> = self
            .record
            .managed_policies
            .iter()
            .filter(|(_, policy)| policy.may_be_had_by(service))
            .map(|(name, _)| name.as_str())
            .collect();
        for (n, name) in wanted.into_iter().flatten().enumerate() {
            if open.contains(name.as_str()) {
                continue;
            }
            let allowed = if open.is_empty() {
                format!("nothing: the record of {} gives {service} no policies", self.environment)
            } else {
                let names = open.iter().copied().collect::<Vec<_>>().join(", ");
                format!("policies that the record of {} gives {service}: {names}", self.environment)
            };
            let meant = nearest(name, open.iter().copied()).map(quote);
            let place = self.place(&["taskRole", "managedPolicies"]).index(n);
            faults.push(Fault::new(place, quote(name), allowed).nearest(meant));
        }
    }

    /// A task of its own needs what the records name for it.
    fn errands(&self, faults: &mut Faults) {
        let Some(deployment) = &self.config.deployment else { return };
        for (key, said) in [("before", deployment.before.is_some()), ("verify", deployment.verify.is_some())]
        {
            if said && errand::means(self.service).is_err() {
                let allowed = "nothing until the service's record has taskExecutionRoleArn and taskLogGroupArn: run \
                               `tidegate service add` again";
                faults.push(Fault::new(self.place(&["deployment", key]), "set", allowed));
            }
        }
        if let Some(Verify::Probe(probe)) = &deployment.verify {
            self.probe(probe, faults);
        }
    }

    fn probe(&self, probe: &Probe, faults: &mut Faults) {
        if self.record.probe.is_none() {
            let allowed = format!("nothing: the record of {} has no probe", self.environment);
            let place = self.place(&["deployment", "verify", "path"]);
            faults.push(Fault::new(place, quote(&probe.path), allowed));
        }
    }

    /// Where the file says it.
    fn place(&self, keys: &[&str]) -> Path {
        // A config is made of texts, numbers, lists and maps; it always is JSON.
        let file = serde_json::to_value(self.config).unwrap_or_default();
        Places { file: &file, environment: Some(self.environment) }.place(keys)
    }

    fn listener(&self, faults: &mut Faults) {
        let effective = self.config.effective_parameters();
        let routed = [PATHS, HOSTS].into_iter().find(|name| effective.contains_key(*name));
        let Some(routed) = routed.filter(|_| self.config.kind == Kind::Web) else { return };
        if self.record.listener_arn.is_none() {
            let allowed = "nothing: its record names no listener, so it takes no web services";
            faults.push(Fault::new(
                self.place_of(routed),
                format!("routed in {}", self.environment),
                allowed,
            ));
        }
    }
}

fn known_names(records: &Records) -> String {
    if records.is_empty() {
        return "none: no environment is registered yet".to_owned();
    }
    records.keys().map(EnvironmentName::as_str).collect::<Vec<_>>().join(", ")
}

fn below(grants: &[String]) -> String {
    let each = grants.iter().map(|grant| match grant.trim_end_matches('/') {
        "" => "/*".to_owned(),
        grant => format!("{grant}, {grant}/*"),
    });
    each.collect::<Vec<_>>().join(", ")
}
