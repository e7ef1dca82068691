//! The platform's records in SSM, and the artifact bucket.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::Stored;
use serde_json::json;

use crate::channels::{Channels, Routing};
use crate::events::{ACCOUNT, REGION};
use crate::random::Random;
use crate::sources::BRANCH;
use crate::world::HOUR;

/// The parameters that the engine and a config set.
const TEMPLATE_PARAMETERS: &str = r#"{
    "Image": {"Type": "String"}, "Cluster": {"Type": "String"}, "ListenerArn": {"Type": "String"},
    "VpcId": {"Type": "String"}, "Subnets": {"Type": "CommaDelimitedList"},
    "AssignPublicIp": {"Type": "String"}, "LoadBalancerSecurityGroup": {"Type": "String"},
    "PermissionsBoundaryArn": {"Type": "String"}, "Service": {"Type": "String"}, "Environment": {"Type": "String"},
    "Refresh": {"Type": "String", "Default": ""},
    "Kind": {"Type": "String", "Default": "web"}, "Paths": {"Type": "CommaDelimitedList", "Default": ""},
    "Priority": {"Type": "Number", "Default": 50000}, "ContainerPort": {"Type": "Number", "Default": 8080},
    "Cpu": {"Type": "Number", "Default": 256}, "MemoryMiB": {"Type": "Number", "Default": 512}
}"#;

/// Environments' templates by their keys, each with what makes it need another capability.
const TEMPLATES: [(&str, &str); 3] = [
    ("stacks/plain.yaml", ""),
    ("stacks/service.yaml", r#""Role": {"Type": "AWS::IAM::Role", "Properties": {}},"#),
    (
        "stacks/named.yaml",
        r#""Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "payments-task"}},"#,
    ),
];

/// Source: SSM API, GetParametersByPath.
const RECORDS_A_PAGE: usize = 10;

#[derive(Debug, Clone)]
pub(crate) struct Platform {
    services: Vec<String>,
    /// Records in one page of an answer: where few are known, one each, so that paging is met.
    pub(crate) page: usize,
    service_records: BTreeMap<String, Stored>,
    /// Repositories whose record is gone, and until when.
    gone_until: BTreeMap<String, u64>,
    ever_gone: BTreeSet<String>,
    environments: BTreeMap<String, Environment>,
    pub(crate) channels: Channels,
    /// Rendered ones, by URL.
    pub(crate) templates: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Environment {
    approvals: u32,
    /// Since when so many are asked for, in the world's milliseconds.
    approvals_since: u64,
    /// What was asked for at first; it only ever rises.
    least: u32,
    replies: bool,
    /// No replies, and nobody approves what they pushed, wrote or asked for.
    strict: bool,
    expires_hours: u64,
    /// The environment whose good endings are deployed here.
    after: Option<&'static str>,
    /// Whether nothing new may be deployed from ten to two each day.
    freezes: bool,
    template: &'static str,
    stored: Stored,
}

impl Platform {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let count = random.between(1, 3) as usize;
        let services: Vec<String> =
            ["card-api", "ledger", "payments"].iter().take(count).map(|name| (*name).to_owned()).collect();
        let mut environments = BTreeMap::new();
        for name in ["production", "staging"].iter().take(random.between(1, 2) as usize) {
            let strict = random.chance(400);
            let approvals = if strict { random.between(1, 2) as u32 } else { 1 };
            let environment = Environment {
                approvals,
                approvals_since: 0,
                least: approvals,
                replies: random.between(1, 12) != 1 && !strict,
                strict,
                after: None,
                freezes: random.between(1, 4) == 1,
                expires_hours: *random.pick(&[2, 24, 72]),
                template: random.pick(&TEMPLATES).0,
                stored: Stored { body: String::new(), version: 0 },
            };
            environments.insert((*name).to_owned(), environment);
        }
        if environments.len() == 2
            && random.chance(500)
            && let Some(production) = environments.get_mut("production")
        {
            production.after = Some("staging");
        }
        for (name, environment) in &mut environments {
            environment.store(name);
        }
        let service_records = services.iter().map(|name| (name.clone(), service_record(name))).collect();
        Self {
            channels: Channels::new(Routing::drawn(random)),
            services,
            page: 1,
            service_records,
            gone_until: BTreeMap::new(),
            ever_gone: BTreeSet::new(),
            environments,
            templates: BTreeMap::new(),
        }
    }

    /// One approval by reply each, within a day.
    pub(crate) fn of(services: &[String], environments: &[&str]) -> Self {
        let mut known = BTreeMap::new();
        for name in environments {
            let mut environment = Environment {
                approvals: 1,
                approvals_since: 0,
                least: 1,
                replies: true,
                strict: false,
                after: None,
                freezes: false,
                expires_hours: 24,
                template: TEMPLATES[0].0,
                stored: Stored { body: String::new(), version: 0 },
            };
            environment.store(name);
            known.insert((*name).to_owned(), environment);
        }
        let service_records = services.iter().map(|name| (name.clone(), service_record(name))).collect();
        Self {
            channels: Channels::new(Routing::Absent),
            services: services.to_vec(),
            page: RECORDS_A_PAGE,
            service_records,
            gone_until: BTreeMap::new(),
            ever_gone: BTreeSet::new(),
            environments: known,
            templates: BTreeMap::new(),
        }
    }

    /// What ended well in `from` is deployed in `to`.
    pub(crate) fn promote(&mut self, from: &'static str, to: &str) {
        if let Some(environment) = self.environments.get_mut(to) {
            environment.after = Some(from);
            environment.store(to);
        }
    }

    pub(crate) fn services(&self) -> &[String] {
        &self.services
    }

    pub(crate) fn environments(&self) -> Vec<String> {
        self.environments.keys().cloned().collect()
    }

    /// The environment that `name` comes after.
    pub(crate) fn after(&self, name: &str) -> Option<&'static str> {
        self.environments.get(name)?.after
    }

    /// Whether `name` is frozen at that time of day.
    pub(crate) fn is_frozen(&self, name: &str, at_ms: u64) -> bool {
        let hour = at_ms / HOUR % 24;
        self.environments.get(name).is_some_and(|environment| environment.freezes) && (10..14).contains(&hour)
    }

    /// Two voices are asked for where replies are but one: nothing more is deployed there.
    pub(crate) fn raise_floor(&mut self, now: u64) {
        if let Some((name, environment)) = self.environments.iter_mut().next() {
            environment.approvals = 2;
            environment.approvals_since = now;
            environment.store(name);
        }
    }

    /// Approvals that the environment asks for at least, and since when.
    pub(crate) fn floor(&self, environment: &str) -> Option<(u32, u64)> {
        let environment = self.environments.get(environment)?;
        Some((environment.approvals, environment.approvals_since))
    }

    pub(crate) fn take_away(&mut self, repository: String, until: u64) {
        self.ever_gone.insert(repository.clone());
        self.gone_until.insert(repository, until);
    }

    /// Whether the sentence speaks of a repository that was not registered for a while.
    pub(crate) fn tells_of_one_gone(&self, why: &str) -> bool {
        self.ever_gone.iter().any(|repository| why.contains(&format!("repository {repository} ")))
    }

    pub(crate) fn put_all_back(&mut self) {
        self.gone_until.clear();
    }

    pub(crate) fn service_record(&self, repository: &str, now: u64) -> Option<Stored> {
        let is_gone = self.gone_until.get(repository).is_some_and(|until| now < *until);
        self.service_records.get(repository).filter(|_| !is_gone).cloned()
    }

    pub(crate) fn people_record(&self) -> Option<Stored> {
        Some(Stored { body: crate::voters::people_record().to_string(), version: 1 })
    }

    /// The least voices that were ever asked for where only people of the directory may approve.
    pub(crate) fn least_voices(&self, environment: &str) -> Option<u32> {
        self.environments.get(environment).filter(|environment| environment.strict).map(|strict| strict.least)
    }

    pub(crate) fn environment_record(&self, name: &str) -> Option<Stored> {
        self.environments.get(name).map(|environment| environment.stored.clone())
    }

    pub(crate) fn base_template(&self, key: &str) -> Option<String> {
        let (_, more) = TEMPLATES.iter().find(|(known, _)| *known == key)?;
        let service = r#""Service": {"Type": "AWS::ECS::Service", "Properties": {}},
            "TaskDefinition": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "app"}]}}"#;
        Some(format!(r#"{{"Parameters": {TEMPLATE_PARAMETERS}, "Resources": {{{more} {service}}}}}"#))
    }
}

fn service_record(repository: &str) -> Stored {
    let body = json!({
        "service": repository,
        "branches": [BRANCH],
        "paths": [format!("/{repository}")],
        "imageRepository": repository,
        "imageRepositoryUri": format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}"),
        "buildRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/tidegate/{repository}-build"),
        "taskExecutionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/tidegate/task/{repository}"),
        "taskLogGroupArn": format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{repository}-tasks"),
    });
    Stored { body: body.to_string(), version: 1 }
}

impl Environment {
    fn store(&mut self, name: &str) {
        let freeze = json!([{ "cron": "0 10 * * ?", "hours": 4, "timeZone": "UTC" }]);
        let mut body = json!({
            "cluster": name,
            "listenerArn": format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/{name}/1/2"),
            "loadBalancerSecurityGroup": "sg-0a1b2c3d",
            "vpcId": "vpc-0a1b2c3d",
            "subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
            "permissionsBoundaryArn": format!("arn:aws:iam::{ACCOUNT}:policy/tidegate-boundary"),
            "template": self.template,
            "may": {
                "hold": ["user:ana"], "lift": ["user:ana"], "cancel": ["user:ana"], "retry": ["user:ana"],
                "rollback": ["user:ana"], "redeploy": ["user:ana"], "override": ["user:ana"], "repair": ["user:ana"],
                "retire": ["user:ana"],
            },
            "floor": {
                "approvals": self.approvals,
                "replies": self.replies,
                "selfApproval": !self.strict,
                "approvers": if self.strict { json!(["group:managers"]) } else { json!([]) },
                "expiresHours": self.expires_hours,
                "freeze": if self.freezes { freeze } else { json!([]) },
            },
        });
        if let Some(after) = self.after {
            body["floor"]["after"] = after.into();
        }
        self.stored = Stored { body: body.to_string(), version: self.stored.version + 1 };
    }
}
