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
mod pin;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use config::{EnvironmentRecord, Rendered, ServiceConfig, ServiceRecord, Standing};
use model::ids::{BranchName, EnvironmentName, ImageDigest, ServiceName};
use serde_json::{Map, Value, json};

pub use live::{Live, Rule, Target};
pub use pin::Pin;

use evaluate::{Names, attribute, intrinsic, no_value};
use live::comparable;

const SERVICE: &str = "EcsService";
const TASK_DEFINITION: &str = "TaskDefinition";
const TARGET_GROUP: &str = "TargetGroup";
const LISTENER_RULE: &str = "ListenerRule";
const SCALABLE_TARGET: &str = "ScalableTarget";
const CPU_POLICY: &str = "ScalingPolicy";
const REQUESTS_POLICY: &str = "RequestsPolicy";
/// An import may add no outputs, and outputs alone are no change. Adding this, which is nothing, brings them in.
pub const MARK: &str = "Adopted";
const MARK_TYPE: &str = "AWS::CloudFormation::WaitConditionHandle";

/// What the environment's template makes for a service of its own. Whoever runs the service keeps theirs: they are named,
/// and not imported.
const KEPT_OUTSIDE: [&str; 6] =
    ["Logs", "ExecutionRole", "TaskRole", "TaskSecurityGroup", "ScheduleRole", "JobSchedule"];

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

    let mut import: Value = serde_json::from_str(&rendered.template).unwrap_or_default();
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

/// Whether this can be adopted at all.
fn stands_against(live: &Live, asked: &Asked) -> Vec<String> {
    let mut why = Vec::new();
    let mut unless = |good: bool, what: String| {
        if !good {
            why.push(what);
        }
    };
    let service = &live.service;
    let name = live.text("serviceName");
    let controller = service["deploymentController"]["type"].as_str().unwrap_or("ECS");
    unless(
        controller == "ECS",
        format!("{name} is deployed by {controller}: Tidegate deploys by ECS itself"),
    );
    let launch = service["launchType"].as_str().unwrap_or("FARGATE");
    unless(launch == "FARGATE", format!("{name} runs on {launch}: Tidegate runs services on Fargate"));
    let providers = service["capacityProviderStrategy"].as_array().into_iter().flatten();
    for provider in providers.filter_map(|one| one["capacityProvider"].as_str()) {
        let good = matches!(provider, "FARGATE" | "FARGATE_SPOT");
        unless(
            good,
            format!("{name} runs on capacity provider {provider}: Tidegate runs services on Fargate"),
        );
    }
    let network = live.task_definition["networkMode"].as_str().unwrap_or("bridge");
    unless(network == "awsvpc", format!("its tasks have network mode {network}: Fargate has awsvpc only"));
    let scheduling = service["schedulingStrategy"].as_str().unwrap_or("REPLICA");
    unless(scheduling == "REPLICA", format!("{name} is a {scheduling} service: Tidegate knows REPLICA"));
    let strategy = service["deploymentConfiguration"]["strategy"].as_str().unwrap_or("ROLLING");
    unless(
        strategy == "ROLLING",
        format!(
            "{name} is deployed {strategy}: make it ROLLING first, and say deployment.strategy afterwards"
        ),
    );
    let deployments = service["deployments"].as_array().map_or(0, Vec::len);
    unless(
        deployments == 1,
        format!("{name} has {deployments} deployments: wait until one has come to its end"),
    );
    let balanced = service["loadBalancers"].as_array().map_or(0, Vec::len);
    unless(balanced <= 1, format!("{name} is in {balanced} target groups: Tidegate knows one"));
    let cluster = &asked.record.cluster;
    unless(
        live.cluster() == cluster,
        format!(
            "the record of {} names cluster {cluster}, and {name} runs in {}",
            asked.environment,
            live.cluster()
        ),
    );
    for (what, stack) in &live.owners {
        unless(
            false,
            format!(
                "{what} belongs to stack {stack}, and nothing belongs to two: give it DeletionPolicy Retain there, then \
                 take it out of that stack's template"
            ),
        );
    }
    let groups = &service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"];
    unless(
        groups.as_array().is_some_and(|groups| !groups.is_empty()),
        format!("{name} names no security group, so that its tasks have their VPC's default one: name it"),
    );
    unless(
        live.task_definition["executionRoleArn"].as_str().is_some_and(|arn| !arn.is_empty()),
        "its task definition has no execution role, without which no image by digest can be pulled from ECR"
            .into(),
    );
    if balanced == 1 {
        unless(live.target.is_some(), format!("{name} is behind something that is no target group"));
    }
    if let Some(target) = &live.target {
        let rules = target.rules.len();
        unless(
            rules == 1,
            format!("{rules} rules forward to its target group: Tidegate keeps one rule for each service"),
        );
        unless(
            target.default_of.is_empty(),
            format!(
                "requests come by default, without a rule, at {}: Tidegate needs a rule",
                target.default_of.join(", ")
            ),
        );
        if let Some(rule) = target.rules.first() {
            let listener = rule.properties["ListenerArn"].as_str();
            unless(
                listener == asked.record.listener_arn.as_deref(),
                format!(
                    "its rule is on listener {}, and the record of {} names {}",
                    listener.unwrap_or("?"),
                    asked.environment,
                    asked.record.listener_arn.as_deref().unwrap_or("none")
                ),
            );
        }
    }
    why
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

/// The environment's template, with what is kept outside of the stack named as it is.
fn own_template(mut template: Value, live: &Live) -> Result<Value, Refused> {
    let adopted = [SERVICE, TASK_DEFINITION];
    if let Some(missing) = adopted.iter().find(|name| template["Resources"][**name].is_null()) {
        return Err(format!("the environment's template has no resource {missing}").into());
    }
    let outside = outside(live);
    let Value::Object(sections) = &mut template else {
        return Err("the template is no object".to_owned().into());
    };
    for (_, section) in sections.iter_mut() {
        *section = with_outside(section, &outside);
    }
    let is_left_out = |output: &Value| output["Value"] == no_value();
    if let Some(outputs) = sections.get_mut("Outputs").and_then(Value::as_object_mut) {
        outputs.retain(|_, output| !is_left_out(output));
        let container = &live.task_definition["containerDefinitions"][0]["name"];
        outputs.insert("ContainerName".to_owned(), json!({ "Value": container }));
        outputs.insert("TaskFamily".to_owned(), json!({ "Value": live.task_definition["family"] }));
    }
    if let Some(resources) = sections.get_mut("Resources").and_then(Value::as_object_mut) {
        resources.retain(|name, _| !KEPT_OUTSIDE.contains(&name.as_str()));
        resources.insert(MARK.to_owned(), json!({ "Type": MARK_TYPE }));
    }
    Ok(template)
}

/// What takes the place of each `Ref` and attribute of what is kept outside.
fn outside(live: &Live) -> BTreeMap<&'static str, Value> {
    let known = |value: &Value| match value.as_str() {
        Some(text) if !text.is_empty() => json!(text),
        Some(_) | None => no_value(),
    };
    let definition = &live.task_definition;
    let logs = known(&definition["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-group"]);
    let groups = &live.service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"];
    BTreeMap::from([
        ("Logs", logs.clone()),
        ("Logs.Arn", logs),
        ("ExecutionRole", known(&definition["executionRoleArn"])),
        ("ExecutionRole.Arn", known(&definition["executionRoleArn"])),
        ("TaskRole", known(&definition["taskRoleArn"])),
        ("TaskRole.Arn", known(&definition["taskRoleArn"])),
        ("TaskSecurityGroup", known(&groups[0])),
        ("TaskSecurityGroup.GroupId", known(&groups[0])),
        ("JobSchedule", no_value()),
    ])
}

fn with_outside(value: &Value, outside: &BTreeMap<&'static str, Value>) -> Value {
    if let Some((function, given)) = intrinsic(value) {
        let named = match function {
            "Ref" => given.as_str().map(str::to_owned),
            "Fn::GetAtt" => attribute(given),
            _ => None,
        };
        if let Some(instead) = named.and_then(|name| outside.get(name.as_str())) {
            return instead.clone();
        }
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => items.iter().map(|item| with_outside(item, outside)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), with_outside(item, outside)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// What the imported resources are called by AWS.
struct Arns {
    service: String,
    task_definition: String,
    target_group: Option<String>,
    rule: Option<String>,
    cpu_policy: Option<String>,
    requests_policy: Option<String>,
}

impl Arns {
    fn of(live: &Live) -> Self {
        let policy = |metric: &str| {
            let policy = live.scaling_policies.iter().find(|policy| metric_of(policy) == Some(metric));
            policy.and_then(|policy| policy["PolicyARN"].as_str()).map(str::to_owned)
        };
        Self {
            service: live.text("serviceArn").to_owned(),
            task_definition: live.task_definition["taskDefinitionArn"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            target_group: live.target.as_ref().map(|target| target.arn.clone()),
            rule: live.target.as_ref().and_then(|target| target.rules.first()).map(|rule| rule.arn.clone()),
            cpu_policy: policy(CPU_METRIC),
            requests_policy: policy(REQUESTS_METRIC),
        }
    }
}

const CPU_METRIC: &str = "ECSServiceAverageCPUUtilization";
const REQUESTS_METRIC: &str = "ALBRequestCountPerTarget";
const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";

/// The metric that a policy keeps near its target; none for policies of another kind.
fn metric_of(policy: &Value) -> Option<&str> {
    policy[TRACKING]["PredefinedMetricSpecification"]["PredefinedMetricType"].as_str()
}

/// Source: the resource types' schemas, `primaryIdentifier`.
fn imports(live: &Live, arns: &Arns) -> Vec<Import> {
    let mut all = vec![
        Import {
            logical_id: TASK_DEFINITION,
            kind: "AWS::ECS::TaskDefinition",
            identifier: BTreeMap::from([("TaskDefinitionArn", arns.task_definition.clone())]),
        },
        Import {
            logical_id: SERVICE,
            kind: "AWS::ECS::Service",
            identifier: BTreeMap::from([
                ("ServiceArn", arns.service.clone()),
                ("Cluster", live.cluster().to_owned()),
            ]),
        },
    ];
    let mut add = |logical_id, kind, identifier| all.push(Import { logical_id, kind, identifier });
    if let Some(arn) = &arns.target_group {
        let kind = "AWS::ElasticLoadBalancingV2::TargetGroup";
        add(TARGET_GROUP, kind, BTreeMap::from([("TargetGroupArn", arn.clone())]));
    }
    if let Some(arn) = &arns.rule {
        let kind = "AWS::ElasticLoadBalancingV2::ListenerRule";
        add(LISTENER_RULE, kind, BTreeMap::from([("RuleArn", arn.clone())]));
    }
    const DIMENSION: (&str, &str) = ("ScalableDimension", "ecs:service:DesiredCount");
    let dimension = (DIMENSION.0, DIMENSION.1.to_owned());
    if live.scalable_target.is_some() {
        let kind = "AWS::ApplicationAutoScaling::ScalableTarget";
        let identifier =
            [("ResourceId", resource_id(live)), dimension.clone(), ("ServiceNamespace", "ecs".into())];
        add(SCALABLE_TARGET, kind, BTreeMap::from(identifier));
    }
    for (logical_id, arn) in [(CPU_POLICY, &arns.cpu_policy), (REQUESTS_POLICY, &arns.requests_policy)] {
        if let Some(arn) = arn {
            let kind = "AWS::ApplicationAutoScaling::ScalingPolicy";
            add(logical_id, kind, BTreeMap::from([("Arn", arn.clone()), dimension.clone()]));
        }
    }
    all
}

fn resource_id(live: &Live) -> String {
    format!("service/{}/{}", live.cluster(), live.text("serviceName"))
}

/// What runs, by logical id, as properties.
fn runs(live: &Live, arns: &Arns) -> BTreeMap<&'static str, Value> {
    let mut runs = BTreeMap::new();
    let mut service = live.service_properties();
    if live.scalable_target.is_some()
        && let Some(service) = service.as_object_mut()
    {
        // The autoscaler's to say.
        service.remove("DesiredCount");
    }
    runs.insert(SERVICE, service);
    runs.insert(TASK_DEFINITION, live.task_definition_properties());
    if let Some(target) = &live.target {
        runs.insert(TARGET_GROUP, live::target_group_without_defaults(target.properties.clone()));
        if let Some(rule) = target.rules.first() {
            runs.insert(LISTENER_RULE, rule.properties.clone());
        }
    }
    if let Some(target) = &live.scalable_target {
        let keys = ["ServiceNamespace", "ScalableDimension", "ResourceId", "MinCapacity", "MaxCapacity"];
        runs.insert(
            SCALABLE_TARGET,
            keys.iter().map(|key| ((*key).to_owned(), target[*key].clone())).collect(),
        );
    }
    let policies = [(CPU_POLICY, &arns.cpu_policy), (REQUESTS_POLICY, &arns.requests_policy)];
    for (logical_id, arn) in policies {
        let found = live
            .scaling_policies
            .iter()
            .find(|policy| arn.is_some() && policy["PolicyARN"].as_str() == arn.as_deref());
        if let Some(policy) = found {
            runs.insert(logical_id, policy_properties(policy, live));
        }
    }
    runs
}

fn policy_properties(policy: &Value, live: &Live) -> Value {
    let properties = json!({
        "PolicyName": policy["PolicyName"],
        "PolicyType": policy["PolicyType"],
        "ScalingTargetId": target_id(live),
        TRACKING: policy[TRACKING],
    });
    live::without_defaults(properties, POLICY_DEFAULTS)
}

const POLICY_DEFAULTS: &[(&str, &str)] =
    &[("/TargetTrackingScalingPolicyConfiguration/DisableScaleIn", "false")];

/// What `Ref` of a scalable target gives.
fn target_id(live: &Live) -> String {
    format!("{}|ecs:service:DesiredCount|ecs", resource_id(live))
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
        let mut template: Value = serde_json::from_str(&rendered.template).unwrap_or_default();
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
    let template: Value = serde_json::from_str(&rendered.template).unwrap_or_default();
    let mut names = Names::of(&template, &rendered.parameters);
    let mut parts = arns.service.split(':').skip(1);
    let (partition, region) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    let account = parts.next().unwrap_or_default();
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let known = [
        ("AWS::Partition", Some(partition.to_owned())),
        ("AWS::Region", Some(region.to_owned())),
        ("AWS::AccountId", Some(account.to_owned())),
        ("AWS::URLSuffix", Some(suffix.to_owned())),
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
    let template: Value = serde_json::from_str(&rendered.template).unwrap_or_default();
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

fn roles(live: &Live) -> Vec<String> {
    let roles = ["executionRoleArn", "taskRoleArn"];
    let arns = roles.iter().filter_map(|key| live.task_definition[*key].as_str());
    arns.filter(|arn| !arn.is_empty() && !arn.contains(":role/tidegate/service/"))
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Of the service, and of every revision of its task definition.
fn ecs_arns(live: &Live) -> Vec<String> {
    let definition = live.task_definition["taskDefinitionArn"].as_str().unwrap_or_default();
    let family = definition.rsplit_once(':').map_or(definition, |(family, _)| family);
    let service = live.text("serviceArn");
    let deployments = service.replacen(":service/", ":service-deployment/", 1);
    vec![service.to_owned(), format!("{deployments}/*"), format!("{family}:*")]
}
