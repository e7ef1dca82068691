//! `tidegate adopt`: a service that runs already is taken over, and nothing of it changes.

use aws::sdk::elasticloadbalancing::types as elb;
use aws::sdk::{ecs, elasticloadbalancing, ssm};
use engine::ports::{Records, Services};
use serde_json::{Value, json};

use crate::story::{ENVIRONMENT, Story};
use crate::world::tell;

/// What ECS calls it, and its container.
const ECS_SERVICE: &str = "legacy-payments";
const CONTAINER: &str = "web";

/// A service that somebody made by hand, with the image that Tidegate built.
struct Legacy {
    cluster: String,
    arn: String,
    image: String,
}

impl Legacy {
    async fn begin(story: &Story, image: &str) -> Self {
        let record = story.aws.environment_record(&ENVIRONMENT.parse().expect("a name")).await;
        let record = record.expect("SSM answers").expect("the record exists").body;
        let record: Value = serde_json::from_str(&record).expect("JSON");
        let text = |key: &str| record[key].as_str().expect(key).to_owned();
        let balancing = elasticloadbalancing::Client::new(story.sdk());
        let group = balancing
            .create_target_group()
            .name("legacy-payments")
            .target_type(elb::TargetTypeEnum::Ip)
            .protocol(elb::ProtocolEnum::Http)
            .port(80)
            .vpc_id(text("vpcId"))
            .health_check_path("/healthz");
        let group = group.send().await.expect("a target group is made");
        let group = group.target_groups()[0].target_group_arn().expect("an ARN").to_owned();
        let condition = elb::RuleCondition::builder()
            .field("path-pattern")
            .path_pattern_config(elb::PathPatternConditionConfig::builder().values("/payments/*").build())
            .build();
        let forward =
            elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).target_group_arn(&group).build();
        let rule = balancing.create_rule().listener_arn(text("listenerArn")).priority(40);
        rule.conditions(condition).actions(forward).send().await.expect("a rule is made");

        let account = story.account();
        let ecs = ecs::Client::new(story.sdk());
        let logs = [
            ("awslogs-group", "/ecs/payments"),
            ("awslogs-region", "eu-west-1"),
            ("awslogs-stream-prefix", "ecs"),
        ];
        let container = ecs::types::ContainerDefinition::builder()
            .name(CONTAINER)
            .image(image)
            .essential(true)
            .port_mappings(ecs::types::PortMapping::builder().container_port(8080).build())
            .environment(ecs::types::KeyValuePair::builder().name("LOG_LEVEL").value("info").build())
            .log_configuration(
                ecs::types::LogConfiguration::builder()
                    .log_driver(ecs::types::LogDriver::Awslogs)
                    .set_options(Some(logs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()))
                    .build()
                    .expect("a driver is named"),
            )
            .build();
        let definition = ecs
            .register_task_definition()
            .family(ECS_SERVICE)
            .requires_compatibilities(ecs::types::Compatibility::Fargate)
            .network_mode(ecs::types::NetworkMode::Awsvpc)
            .cpu("512")
            .memory("1024")
            .execution_role_arn(format!("arn:aws:iam::{account}:role/ecsTaskExecutionRole"))
            .container_definitions(container)
            .send()
            .await
            .expect("a task definition is registered");
        let definition =
            definition.task_definition().and_then(|it| it.task_definition_arn()).expect("an ARN");
        let subnets = record["subnets"].as_array().expect("subnets");
        let network = ecs::types::AwsVpcConfiguration::builder()
            .set_subnets(Some(subnets.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()))
            .security_groups("sg-0123456789abcdef0")
            .build()
            .expect("subnets are named");
        let served = ecs::types::LoadBalancer::builder()
            .target_group_arn(&group)
            .container_name(CONTAINER)
            .container_port(8080)
            .build();
        let cluster = text("cluster");
        let made = ecs
            .create_service()
            .cluster(&cluster)
            .service_name(ECS_SERVICE)
            .task_definition(definition)
            .desired_count(3)
            .launch_type(ecs::types::LaunchType::Fargate)
            .load_balancers(served)
            .network_configuration(
                ecs::types::NetworkConfiguration::builder().awsvpc_configuration(network).build(),
            )
            .send()
            .await
            .expect("a service is made");
        let arn = made.service().and_then(|service| service.service_arn()).expect("an ARN").to_owned();
        Self { cluster, arn, image: image.to_owned() }
    }

    /// The task definition that runs, and the image that it names.
    async fn runs(&self, story: &Story) -> (String, String) {
        let read = story.aws.service(&self.cluster, &self.arn).await.expect("ECS answers");
        let definition = read.expect("the service runs").task_definition;
        let images = story.aws.task_images(&definition).await.expect("ECS answers");
        (definition, images[CONTAINER].clone())
    }
}

/// Builds the service's image, deploys nothing, and gives the image's URI by digest.
async fn builds_an_image(story: &mut Story) -> String {
    story.pushes_a_version();
    story.rejects("it runs already, and shall be adopted").await;
    let release = story.ends("Rejected").await;
    let digest = story.builds().await[0].exported_digest.clone().expect("the build tells its image's digest");
    let record = story.aws.service_record(&release.repository).await.expect("SSM answers").expect("a record");
    let record: Value = serde_json::from_str(&record.body).expect("JSON");
    format!("{}@{digest}", record["imageRepositoryUri"].as_str().expect("a URI"))
}

/// As `tidegate service add --template` would.
async fn is_registered_with(story: &Story, template: &str) {
    let repository = "payments".parse().expect("a repository");
    let stored = story.aws.service_record(&repository).await.expect("SSM answers").expect("a record");
    let mut record: Value = serde_json::from_str(&stored.body).expect("JSON");
    record["templates"] = json!({ ENVIRONMENT: template });
    let put = ssm::Client::new(story.sdk()).put_parameter().name("/tidegate/repositories/payments");
    put.value(record.to_string()).overwrite(true).send().await.expect("SSM takes it");
}

#[test]
fn a_service_that_runs_is_adopted_and_a_plan_of_it_has_no_changes() {
    tell(async |mut story| {
        let image = builds_an_image(&mut story).await;
        let legacy = Legacy::begin(&story, &image).await;
        let before = legacy.runs(&story).await;
        assert_eq!(before.1, legacy.image);

        // What there is to know, before anything is done.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("UTF-8");
        let asked =
            ["adopt", &legacy.cluster, ECS_SERVICE, "--environment", ENVIRONMENT, "--service", "payments"];
        let said = story.tidegate(&[&asked[..], &["--folder", path]].concat()).await;
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        for line in [
            "EcsService.Properties.ServiceName: runs \"legacy-payments\"; Tidegate would render not said",
            "3 tasks run without autoscaling: so it stays until the config says `scaling`",
            "Nothing was done in AWS. Next:",
            "--template production=stacks/adopted/payments-production.json --stack tidegate",
        ] {
            assert!(said.out.contains(line), "{line}:\n{}", said.out);
        }
        let config =
            std::fs::read(folder.path().join("ecs-service-config.json")).expect("the config is written");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        assert_eq!(config["routing"]["priority"], 40);
        assert_eq!(legacy.runs(&story).await, before);

        is_registered_with(&story, "stacks/adopted/payments-production.json").await;
        let said = story.tidegate(&[&asked[..], &["--execute"]].concat()).await;
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        assert!(said.out.contains("CloudFormation sees no change to what runs: 4 resources"), "{}", said.out);
        assert_eq!(legacy.runs(&story).await, before, "the import changes nothing");

        // The first plan: what runs is what the config asks for.
        let operations = story.deployments().await;
        story.pushes_config_alone(&config);
        let release = story.ends("Deployed").await;
        let steps: Vec<&str> = release.steps.iter().map(|step| step.what.as_str()).collect();
        assert!(steps.iter().any(|what| what.contains("already up to date")), "{steps:?}");
        assert_eq!(story.deployments().await, operations, "nothing was deployed for it");
        assert_eq!(legacy.runs(&story).await, before);

        // And then it is a service like any other.
        story.deploys_a_version().await;
        let (definition, image) = legacy.runs(&story).await;
        assert_ne!(image, before.1);
        assert!(definition.contains(":task-definition/legacy-payments:"), "{definition}");
        story.comes_to_rest().await;
    });
}

#[test]
fn what_another_stack_holds_is_not_adopted() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        let outputs = story.stack().await.outputs;
        let name = outputs["ServiceName"].as_str();
        let said = story
            .tidegate(&[
                "adopt",
                &outputs["ClusterName"],
                name,
                "--environment",
                ENVIRONMENT,
                "--service",
                "orders",
            ])
            .await;
        assert_eq!(said.code, Some(1), "{}", said.out);
        let held = "belongs to stack tidegate-payments-production, and nothing belongs to two";
        assert!(said.err.contains(held), "{}", said.err);

        let said =
            story.tidegate(&["adopt", &outputs["ClusterName"], "nobody", "--environment", ENVIRONMENT]).await;
        assert_eq!(said.code, Some(1), "{}", said.out);
        assert!(said.err.contains("has no service nobody that runs"), "{}", said.err);
    });
}
