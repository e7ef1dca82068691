//! What a config may ask for, given the platform's records.

use std::collections::BTreeMap;

use model::ids::{BranchName, EnvironmentName};

use crate::config::ServiceConfig;
use crate::dynamic;
use crate::faults::{Fault, Faults, Path, nearest, quote};
use crate::parameters::{CPU, MEMORY_MIB, PATHS, decimal};
use crate::record::{EnvironmentRecord, ServiceRecord};
use crate::routing;

impl ServiceConfig {
    /// The environments that a push to `branch` deploys to, sorted.
    ///
    /// A config that names environments decides; an environment without a branch of its own takes its record's. A
    /// config that names none is deployed wherever a record names the branch. An environment without a record is a
    /// fault, whichever branch was pushed.
    pub fn environments_for(
        &self,
        branch: &BranchName,
        records: &BTreeMap<EnvironmentName, EnvironmentRecord>,
    ) -> Result<Vec<EnvironmentName>, Faults> {
        if self.environments.is_empty() {
            let here = records.iter().filter(|(_, record)| record.branch.as_ref() == Some(branch));
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

    /// Whether this service may be deployed to `environment` as the config says.
    pub fn check(
        &self,
        environment: &EnvironmentName,
        service: &ServiceRecord,
        record: &EnvironmentRecord,
    ) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if let Some(named) = &self.service
            && *named != service.service
        {
            let allowed = format!(
                "{}, the service that this repository is registered for",
                quote(service.service.as_str())
            );
            faults.push(Fault::new("$.service", quote(named.as_str()), allowed));
        }
        self.check_grants(service, &mut faults);
        self.check_caps(environment, record, &mut faults);
        for (name, value) in &self.parameters {
            for reference in dynamic::references(value).iter().filter(|r| !r.belongs_to(&service.service)) {
                let allowed = format!("references to names under {0}/ or /{0}/", service.service);
                faults.push(Fault::new(self.place_of(name), quote(reference.text), allowed));
            }
        }
        if self.effective_parameters().contains_key(PATHS) && record.listener_arn.is_none() {
            let allowed = "nothing: its record names no listener, so it takes no web services";
            faults.push(Fault::new(self.place_of(PATHS), format!("routed in {environment}"), allowed));
        }
        faults.or(())
    }

    fn check_grants(&self, service: &ServiceRecord, faults: &mut Faults) {
        let patterns: Vec<(Path, String)> = match (&self.routing, self.parameters.get(PATHS)) {
            (Some(routing), _) => routing
                .paths
                .iter()
                .enumerate()
                .map(|(n, path)| (self.place_of(PATHS).index(n), path.clone()))
                .collect(),
            (None, Some(paths)) => {
                paths.split(',').map(|path| (self.place_of(PATHS), path.trim().to_owned())).collect()
            }
            (None, None) => Vec::new(),
        };
        for (place, pattern) in patterns {
            if !routing::is_granted(&pattern, &service.paths) {
                let allowed = match &service.paths[..] {
                    [] => "nothing: the service's record grants no paths".to_owned(),
                    grants => format!("paths granted to {}: {}", service.service, below(grants)),
                };
                faults.push(Fault::new(place, quote(&pattern), allowed));
            }
        }
    }

    fn check_caps(&self, environment: &EnvironmentName, record: &EnvironmentRecord, faults: &mut Faults) {
        let effective = self.effective_parameters();
        for (name, cap, unit) in
            [(CPU, record.caps.cpu, "CPU units"), (MEMORY_MIB, record.caps.memory_mib, "MiB")]
        {
            let asked = effective.get(name).and_then(|text| decimal(text));
            if let Some(asked) = asked.filter(|asked| *asked > cap) {
                let allowed = format!("at most {cap} {unit} in {environment}");
                faults.push(Fault::new(self.place_of(name), asked.to_string(), allowed));
            }
        }
    }
}

fn known_names(records: &BTreeMap<EnvironmentName, EnvironmentRecord>) -> String {
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
