//! A running ECS service → the config, template and import by which Tidegate takes it over without changing it.
//!
//! Pure: what runs was read by somebody else, and nothing is done here.
//!
//! The config says whatever a config can say. What else runs is *pinned*: written as it runs into a copy of the
//! environment's template that is this service's own. An import changes nothing and compares nothing, so it is for us to
//! be sure that what is rendered is what runs: [`adopt`] evaluates it and refuses unless it is.
//!
//! Source: CloudFormation user guide, "Import AWS resources into a CloudFormation stack".

mod evaluate;
mod live;
mod own_template;
mod pin;
mod resources;
mod stands_against;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use config::{EnvironmentRecord, Rendered, ServiceConfig, ServiceRecord, Standing};
use model::ids::{BranchName, EnvironmentName, ImageDigest, ServiceName};
use serde_json::{Value, json};

pub use live::{Live, Rule, Target};
pub use pin::Pin;

use evaluate::Names;
use live::comparable;
use own_template::own_template;
use resources::{Arns, ecs_arns, imports, roles, runs, target_id};
use stands_against::stands_against;

const SERVICE: &str = "EcsService";
const TASK_DEFINITION: &str = "TaskDefinition";
const TARGET_GROUP: &str = "TargetGroup";
const LISTENER_RULE: &str = "ListenerRule";
const SCALABLE_TARGET: &str = "ScalableTarget";
const CPU_POLICY: &str = "ScalingPolicy";
const REQUESTS_POLICY: &str = "RequestsPolicy";
/// An import may add no outputs, and outputs alone are no change. Adding this, which is nothing, brings them in.
pub const MARK: &str = "Adopted";

/// As what it shall be known.
#[derive(Debug, Clone)]
pub struct Asked {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub branch: BranchName,
    pub record: EnvironmentRecord,
}

/// One of `ResourcesToImport`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub logical_id: &'static str,
    pub kind: &'static str,
    pub identifier: BTreeMap<&'static str, String>,
}

/// All that it takes to adopt a service.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// `ecs-service-config.json`.
    pub config: String,
    /// The service's own copy of the environment's template.
    pub template: String,
    /// What is imported: what is rendered, without outputs.
    pub import: String,
    pub imports: Vec<Import>,
    /// What is rendered: the stack after it was imported.
    pub rendered: Rendered,
    pub pins: Vec<Pin>,
    /// What a person must know.
    pub notes: Vec<String>,
    /// What the service record must grant.
    pub paths: Vec<String>,
    pub hosts: Vec<String>,
    /// Roles that CloudFormation must be able to pass.
    pub roles: Vec<String>,
    /// ARNs of what CloudFormation must be able to change.
    pub ecs_arns: Vec<String>,
}

/// What stands against it, each in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<String>);

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self(vec![why])
    }
}

/// The adoption of `live`; `base` is the environment's template as YAML or JSON text.
///
/// # Errors
/// Every reason why it cannot be adopted as it runs.
pub fn adopt(live: &Live, asked: &Asked, base: &str) -> Result<Adoption, Refused> {
    let mut live = live.clone();
    own_container_first(&mut live);
    let against = stands_against(&live, asked);
    if !against.is_empty() {
        return Err(Refused(against));
    }
    let mut notes = Vec::new();
    let written = written::config(&live, asked, &mut notes)?;
    let record = service_record(&live, asked, &written);
    let wrong = |faults: config::Faults| Refused::from(format!("the config does not hold here: {faults}"));
    written.config.check(&asked.environment, &record, &asked.record).map_err(wrong)?;

    let base = config::template(base).map_err(|faults| Refused::from(faults.to_string()))?;
    let mut template = own_template(base, &live)?;
    written::hold_container(&mut template, &live, &written);
    let arns = Arns::of(&live);
    let imports = imports(&live, &arns);
    let runs = runs(&live, &arns);
    for import in &imports {
        template["Resources"][import.logical_id]["DeletionPolicy"] = json!("Retain");
    }

    let render = |template: &Value| {
        let text = config::canonical_json(template);
        rendered(&text, &written.config, asked, &record, &live).map_err(Refused::from)
    };
    let before = render(&template)?;
    let names = names(&before, &live, &arns)?;
    let pins = pin::pin(&mut template, &names, &runs)?;
    written::keep_labels(&mut template, &live);
    let rendered = render(&template)?;
    let left = differences(&rendered, &live, &arns, &runs)?;
    if !left.is_empty() {
        return Err(Refused(left));
    }

    let mut import = parsed(&rendered)?;
    if let Some(sections) = import.as_object_mut() {
        sections.remove("Outputs");
    }
    if let Some(resources) = import["Resources"].as_object_mut() {
        resources.remove(MARK);
    }
    written::notes(&live, &written, &mut notes);
    Ok(Adoption {
        config: written.text.clone(),
        template: pretty(&template),
        import: config::canonical_json(&import),
        imports,
        rendered,
        pins,
        notes,
        paths: written.grants.clone(),
        hosts: written.hosts.clone(),
        roles: roles(&live),
        ecs_arns: ecs_arns(&live),
    })
}

fn parsed(rendered: &Rendered) -> Result<Value, Refused> {
    serde_json::from_str(&rendered.template)
        .map_err(|fault| Refused::from(format!("what is rendered is no JSON: {fault}")))
}

fn pretty(value: &Value) -> String {
    // What was JSON stays JSON.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// The container that requests come to, or else the first that is essential.
fn own_container_first(live: &mut Live) {
    let served = live.service["loadBalancers"][0]["containerName"].as_str().map(str::to_owned);
    if let Some(containers) = live.task_definition["containerDefinitions"].as_array_mut() {
        let own = containers.iter().position(|container| match &served {
            Some(name) => container["name"] == name.as_str(),
            None => container["essential"] != false,
        });
        containers[..=own.unwrap_or_default()].rotate_right(1);
    }
}

/// The record of an environment that has none yet: where this service is, and everything else as it is by default.
///
/// # Errors
/// What cannot be told from the service.
pub fn environment_record(live: &Live, permissions_boundary_arn: &str) -> Result<String, Refused> {
    let network = &live.service["networkConfiguration"]["awsvpcConfiguration"];
    let Some(target) = &live.target else {
        let why =
            "a service without a load balancer does not tell its VPC: write the environment's record first";
        return Err(why.to_owned().into());
    };
    let listener = target.rules.first().map(|rule| rule.properties["ListenerArn"].clone());
    let record = json!({
        "cluster": live.cluster(),
        "listenerArn": listener,
        "loadBalancerSecurityGroup": target.load_balancer_security_groups.first(),
        "vpcId": target.properties["VpcId"],
        "subnets": network["subnets"],
        "assignPublicIp": network["assignPublicIp"] == "ENABLED",
        "permissionsBoundaryArn": permissions_boundary_arn,
        "template": "stacks/service.yaml",
    });
    Ok(pretty(&record))
}

/// As `tidegate service add` will make it, as far as rendering needs it.
fn service_record(live: &Live, asked: &Asked, written: &written::Written) -> ServiceRecord {
    let image = image(live);
    let repository = image.split_once('@').map_or(image, |(repository, _)| repository);
    ServiceRecord {
        service: asked.service.clone(),
        branches: vec![asked.branch.clone()],
        paths: written.grants.clone(),
        hosts: written.hosts.clone(),
        image_repository: asked.service.to_string(),
        image_repository_uri: repository.to_owned(),
        build_role_arn: String::new(),
        task_execution_role_arn: None,
        task_log_group_arn: None,
        templates: BTreeMap::new(),
    }
}

fn image(live: &Live) -> &str {
    live.task_definition["containerDefinitions"][0]["image"].as_str().unwrap_or_default()
}

/// What the template comes to for the image that runs.
fn rendered(
    template: &str,
    written: &ServiceConfig,
    asked: &Asked,
    record: &ServiceRecord,
    live: &Live,
) -> Result<Rendered, String> {
    let image = image(live);
    let digest = image.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok());
    let standing = Standing::default();
    let known = digest.clone().unwrap_or_else(|| ImageDigest::of(&[0; 32]));
    let mut rendered =
        config::render(template, written, &asked.environment, record, &asked.record, &known, &standing)
            .map_err(|faults| faults.to_string())?;
    if digest.is_none() {
        // What runs is named by a tag, which no release may be. It runs; the first release names it by digest.
        let mut template = parsed(&rendered).map_err(|why| why.0.join("\n"))?;
        if let Some(declaration) = template["Parameters"]["Image"].as_object_mut() {
            declaration.remove("AllowedPattern");
            declaration.remove("ConstraintDescription");
        }
        rendered.template = config::canonical_json(&template);
        rendered.parameters.insert("Image".to_owned(), image.to_owned());
    }
    Ok(rendered)
}

/// What the rendered template's names come to once all is imported.
fn names(rendered: &Rendered, live: &Live, arns: &Arns) -> Result<Names, Refused> {
    let template = parsed(rendered)?;
    let mut names = Names::of(&template, &rendered.parameters);
    let mut parts = arns.service.split(':').skip(1);
    let (partition, region) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    let account = parts.next().unwrap_or_default();
    let known = [
        ("AWS::Partition", Some(partition.to_owned())),
        ("AWS::Region", Some(region.to_owned())),
        ("AWS::AccountId", Some(account.to_owned())),
        ("AWS::URLSuffix", Some(model::region::dns_suffix(region).to_owned())),
        (SERVICE, Some(arns.service.clone())),
        (TASK_DEFINITION, Some(arns.task_definition.clone())),
        (TARGET_GROUP, arns.target_group.clone()),
        (LISTENER_RULE, arns.rule.clone()),
        (SCALABLE_TARGET, Some(target_id(live))),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            names.refs.insert(name.to_owned(), value.into());
        }
    }
    let mut attribute = |name: &str, value: &str| names.attributes.insert(name.to_owned(), value.into());
    attribute("EcsService.Name", live.text("serviceName"));
    if let Some((_, full)) = arns.target_group.as_deref().and_then(|arn| arn.split_once(":targetgroup/")) {
        attribute("TargetGroup.TargetGroupFullName", &format!("targetgroup/{full}"));
    }
    Ok(names)
}

/// What the rendered template makes that is not what runs, or is not imported; nothing may be left.
fn differences(
    rendered: &Rendered,
    live: &Live,
    arns: &Arns,
    runs: &BTreeMap<&'static str, Value>,
) -> Result<Vec<String>, Refused> {
    let names = names(rendered, live, arns)?;
    let template = parsed(rendered)?;
    let mut left = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, resource) in template["Resources"].as_object().into_iter().flatten() {
        let there = match resource["Condition"].as_str() {
            Some(condition) => names.holds(condition)?,
            None => true,
        };
        if !there || name == MARK {
            continue;
        }
        let Some(live) = runs.get(name.as_str()) else {
            left.push(format!("Tidegate would make {name}, a {}, which does not run", resource["Type"]));
            continue;
        };
        seen.insert(name.as_str());
        let made = names.value(&resource["Properties"])?.unwrap_or_default();
        let made = pin::without_defaults_of(name, made);
        for path in pin::differing(&comparable(&made), &comparable(live)) {
            left.push(format!("{name}{path} is not as it runs, and could not be written so"));
        }
    }
    let unmade = runs.keys().filter(|name| !seen.contains(**name));
    left.extend(unmade.map(|name| format!("{name} runs, and the environment's template has none of it")));
    Ok(left)
}
