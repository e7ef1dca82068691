//! The platform's records in SSM, and the artifact bucket.

use std::collections::BTreeMap;

use engine::ports::Stored;
use serde_json::json;

use crate::events::{ACCOUNT, REGION};
use crate::random::Random;
use crate::sources::BRANCH;
use crate::world::HOUR;

pub(crate) const TEMPLATE_KEY: &str = "stacks/service.yaml";

/// The parameters that the engine and a config set; resources enough to need a capability.
pub(crate) const TEMPLATE: &str = r#"{
  "Parameters": {
    "Image": {"Type": "String"}, "Cluster": {"Type": "String"}, "ListenerArn": {"Type": "String"},
    "VpcId": {"Type": "String"}, "Subnets": {"Type": "CommaDelimitedList"},
    "AssignPublicIp": {"Type": "String"}, "LoadBalancerSecurityGroup": {"Type": "String"},
    "PermissionsBoundaryArn": {"Type": "String"}, "Service": {"Type": "String"}, "Environment": {"Type": "String"},
    "Refresh": {"Type": "String", "Default": ""},
    "Paths": {"Type": "CommaDelimitedList"}, "Priority": {"Type": "Number"}, "ContainerPort": {"Type": "Number"},
    "Cpu": {"Type": "Number", "Default": 256}, "MemoryMiB": {"Type": "Number", "Default": 512}
  },
  "Resources": {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
    "Service": {"Type": "AWS::ECS::Service", "Properties": {}}
  }
}"#;

#[derive(Debug)]
pub(crate) struct Platform {
    services: Vec<String>,
    environments: BTreeMap<String, Environment>,
    pub(crate) templates: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Environment {
    approvals: u32,
    expires_hours: u64,
    /// The environment whose good endings are deployed here.
    after: Option<&'static str>,
    /// Whether nothing new may be deployed from ten to two each day.
    freezes: bool,
    version: i64,
}

impl Platform {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let services = ["card-api", "ledger", "payments"];
        let count = random.between(1, 3) as usize;
        let mut environments = BTreeMap::new();
        for name in ["production", "staging"].iter().take(random.between(1, 2) as usize) {
            let expires_hours = *random.pick(&[2, 24, 72]);
            let freezes = random.between(1, 4) == 1;
            let environment = Environment { approvals: 1, expires_hours, after: None, freezes, version: 1 };
            environments.insert((*name).to_owned(), environment);
        }
        if environments.len() == 2
            && random.chance(500)
            && let Some(production) = environments.get_mut("production")
        {
            production.after = Some("staging");
        }
        Self {
            services: services.iter().take(count).map(|name| (*name).to_owned()).collect(),
            environments,
            templates: BTreeMap::new(),
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
    pub(crate) fn raise_floor(&mut self) {
        if let Some(environment) = self.environments.values_mut().next() {
            environment.approvals = 2;
            environment.version += 1;
        }
    }

    pub(crate) fn service_record(&self, repository: &str) -> Option<Stored> {
        if !self.services.iter().any(|service| service == repository) {
            return None;
        }
        let body = json!({
            "service": repository,
            "branches": [BRANCH],
            "paths": [format!("/{repository}")],
            "imageRepository": repository,
            "imageRepositoryUri": format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}"),
            "buildRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/tidegate/{repository}-build"),
        });
        Some(Stored { body: body.to_string(), version: 1 })
    }

    pub(crate) fn environment_record(&self, name: &str) -> Option<Stored> {
        let environment = self.environments.get(name)?;
        let freeze = json!([{ "cron": "0 10 * * ?", "hours": 4, "timeZone": "UTC" }]);
        let mut body = json!({
            "cluster": name,
            "listenerArn": format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/{name}/1/2"),
            "loadBalancerSecurityGroup": "sg-0a1b2c3d",
            "vpcId": "vpc-0a1b2c3d",
            "subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
            "permissionsBoundaryArn": format!("arn:aws:iam::{ACCOUNT}:policy/tidegate-boundary"),
            "template": TEMPLATE_KEY,
            "may": {
                "hold": ["user:ana"], "lift": ["user:ana"], "cancel": ["user:ana"], "retry": ["user:ana"],
                "rollback": ["user:ana"], "redeploy": ["user:ana"], "override": ["user:ana"],
            },
            "floor": {
                "approvals": environment.approvals,
                "replies": true,
                "expiresHours": environment.expires_hours,
                "freeze": if environment.freezes { freeze } else { json!([]) },
            },
        });
        if let Some(after) = environment.after {
            body["floor"]["after"] = after.into();
        }
        Some(Stored { body: body.to_string(), version: environment.version })
    }
}
