//! The whole local AWS with a small application: one emulator, an account for each test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aws::sdk;
use local::{Account, LocalAws, Mishap, Settings};
use sdk::cloudformation::types::{Capability, ChangeSetType, Parameter, StackStatus};

const PATIENCE: Duration = Duration::from_secs(30);
const STACK: &str = "tidegate-payments-staging";

/// One emulator for all: starting it is what takes time.
#[test]
fn a_stack_with_a_service_behaves_as_on_aws() {
    with_python(async || {
        let local = start(None).await;
        let ends = tokio::join!(
            succeeds(&local, "100000000001"),
            fails_and_goes_back(&local, "100000000002"),
            fails_at_first(&local, "100000000003"),
            lies(&local, "100000000004"),
            refuses(&local, "100000000005"),
            announces_images(&local, "100000000006"),
        );
        let ((), (), (), (), (), ()) = ends;
        local.stop().await.unwrap();
    });
}

/// Its receiver ended with the emulator; until it is there again, nothing else of its group would be.
#[test]
fn a_message_that_was_received_when_the_emulator_stopped_is_there_when_it_starts_again() {
    with_python(async || {
        let state = tempfile::tempdir().unwrap();
        let local = start(Some(state.path().to_owned())).await;
        let sqs = sdk::sqs::Client::new(local.account("100000000007").await.sdk());
        let fifo = sdk::sqs::types::QueueAttributeName::FifoQueue;
        let queue = sqs.create_queue().queue_name("kept.fifo").attributes(fifo, "true").send().await.unwrap();
        let queue = queue.queue_url().unwrap();
        for text in ["first", "second"] {
            let message = sqs.send_message().queue_url(queue).message_body(text);
            message.message_group_id("one").message_deduplication_id(text).send().await.unwrap();
        }
        assert_eq!(received(&sqs, queue).await, ["first"]);
        assert!(received(&sqs, queue).await.is_empty(), "the first of its group is not deleted yet");
        local.stop().await.unwrap();

        let local = start(Some(state.path().to_owned())).await;
        let sqs = sdk::sqs::Client::new(local.account("100000000007").await.sdk());
        assert_eq!(received(&sqs, queue).await, ["first"]);
        local.stop().await.unwrap();
    });
}

async fn received(sqs: &sdk::sqs::Client, queue: &str) -> Vec<String> {
    let received = sqs.receive_message().queue_url(queue).send().await.unwrap();
    received.messages().iter().map(|message| message.body().unwrap_or_default().to_owned()).collect()
}

fn with_python(test: impl AsyncFnOnce()) {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no python3 to run the emulator with");
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(test());
}

async fn start(state: Option<PathBuf>) -> LocalAws {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let emulated = here.join("tests").join("emulator");
    LocalAws::start(Settings {
        project: emulated.clone(),
        binaries: emulated,
        state,
        home: here.join("..").join(".tidegate"),
        progress: Box::new(|line| eprintln!("{line}")),
    })
    .await
    .unwrap()
}

/// The stack is in progress while its deployment runs; its events come with the operation's token.
async fn succeeds(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    world.deploy(ChangeSetType::Create, "one", "payments-staging-1-1").await;
    assert_eq!(world.ends().await, StackStatus::CreateComplete);

    local.control().hold_deployments(id);
    world.deploy(ChangeSetType::Update, "two", "payments-staging-2-1").await;
    world.hears("SERVICE_DEPLOYMENT_IN_PROGRESS", 2).await;
    assert_eq!(world.status().await, StackStatus::UpdateInProgress);
    assert_eq!(world.rollout().await, ["PRIMARY two IN_PROGRESS", "ACTIVE one COMPLETED"]);
    local.control().release_deployments(id);
    assert_eq!(world.ends().await, StackStatus::UpdateComplete);
    assert_eq!(world.rollout().await, ["PRIMARY two COMPLETED"]);
    assert_eq!(world.service_deployments().await, ["SUCCESSFUL", "SUCCESSFUL"]);

    let event = world.hears("UPDATE_COMPLETE", 1).await;
    assert_eq!(event["detail"]["client-request-token"], "payments-staging-2-1");
    assert_eq!(event["account"], id);
    assert_eq!(event["detail-type"], "CloudFormation Stack Status Change");
    world.hears("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 1).await;
    world.hears("SERVICE_DEPLOYMENT_COMPLETED", 2).await;
}

/// A deployment that fails takes the stack back, and the service runs what it ran before.
async fn fails_and_goes_back(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    world.deploy(ChangeSetType::Create, "one", "t-1").await;
    assert_eq!(world.ends().await, StackStatus::CreateComplete);
    local.control().next_deployment(id, STACK, Mishap::DeploymentFails);
    world.deploy(ChangeSetType::Update, "two", "t-2").await;
    assert_eq!(world.ends().await, StackStatus::UpdateRollbackComplete);
    assert_eq!(world.rollout().await, ["PRIMARY one COMPLETED"]);
    assert_eq!(world.service_deployments().await, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    let failed = world.hears("SERVICE_DEPLOYMENT_FAILED", 1).await;
    assert_eq!(failed["detail"]["reason"], "ECS deployment circuit breaker: tasks failed to start.");
    let rolled_back = world.hears("UPDATE_ROLLBACK_COMPLETE", 1).await;
    assert_eq!(rolled_back["detail"]["client-request-token"], "t-2");
    let reasons = world.reasons().await;
    assert!(reasons.contains("ECS Deployment Circuit Breaker was triggered"), "{reasons}");

    world.deploy(ChangeSetType::Update, "three", "t-3").await;
    assert_eq!(world.ends().await, StackStatus::UpdateComplete);
    assert_eq!(world.rollout().await, ["PRIMARY three COMPLETED"]);
}

/// A first deployment that fails leaves nothing but a stack to be deleted.
async fn fails_at_first(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    local.control().next_deployment(id, STACK, Mishap::DeploymentFails);
    world.deploy(ChangeSetType::Create, "one", "t-1").await;
    assert_eq!(world.ends().await, StackStatus::RollbackComplete);
    let refusal = world.plan(ChangeSetType::Update, "two").await.unwrap_err();
    assert!(refusal.contains("is in ROLLBACK_COMPLETE state and can not be updated."), "{refusal}");
    let refusal = world.plan(ChangeSetType::Create, "two").await.unwrap_err();
    assert!(refusal.contains("already exists"), "{refusal}");
    world.cloudformation.delete_stack().stack_name(STACK).send().await.unwrap();
    world.hears("DELETE_COMPLETE", 1).await;
    world.deploy(ChangeSetType::Create, "three", "t-2").await;
    assert_eq!(world.ends().await, StackStatus::CreateComplete);
}

/// A stack may say that it is complete while its service runs something else.
async fn lies(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    world.deploy(ChangeSetType::Create, "one", "t-1").await;
    assert_eq!(world.ends().await, StackStatus::CreateComplete);
    local.control().next_deployment(id, STACK, Mishap::RunsTheOldImage);
    world.deploy(ChangeSetType::Update, "two", "t-2").await;
    assert_eq!(world.ends().await, StackStatus::UpdateComplete);
    assert_eq!(world.rollout().await, ["PRIMARY one COMPLETED"]);

    let reason = "Invalid request provided: no such subnet";
    local.control().next_deployment(id, STACK, Mishap::ResourceFails { reason: reason.to_owned() });
    world.deploy(ChangeSetType::Update, "three", "t-3").await;
    assert_eq!(world.ends().await, StackStatus::UpdateRollbackComplete);
    assert!(world.reasons().await.contains(reason));
    assert_eq!(world.service_deployments().await, ["SUCCESSFUL"]);
}

/// What AWS refuses is refused in its words.
async fn refuses(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    let refusal = world.plan_with(ChangeSetType::Create, "one", None).await.unwrap_err();
    assert!(refusal.contains("InsufficientCapabilitiesException"), "{refusal}");
    assert!(refusal.contains("Requires capabilities : [CAPABILITY_IAM]"), "{refusal}");

    world.deploy(ChangeSetType::Create, "one", "t-1").await;
    assert_eq!(world.ends().await, StackStatus::CreateComplete);
    local.control().hold_deployments(id);
    world.deploy(ChangeSetType::Update, "two", "t-2").await;
    let refusal = world.plan(ChangeSetType::Update, "three").await.unwrap_err();
    assert!(refusal.contains("is in UPDATE_IN_PROGRESS state and can not be updated."), "{refusal}");
    world.execute("two", "t-2").await.expect("the same request with the same token is a retry");
    let refusal = world.execute("other", "t-2").await.unwrap_err();
    assert!(refusal.contains("TokenAlreadyExistsException"), "{refusal}");
    local.control().release_deployments(id);
    assert_eq!(world.ends().await, StackStatus::UpdateComplete);
}

async fn announces_images(local: &LocalAws, id: &str) {
    let world = World::open(local, id).await;
    let ecr = sdk::ecr::Client::new(world.account.sdk());
    ecr.create_repository().repository_name("payments").send().await.unwrap();
    let manifest = r#"{"schemaVersion":2}"#;
    let tag = "tg-0123456789ab-89abcdef-1";
    let put = ecr
        .put_image()
        .repository_name("payments")
        .image_manifest(manifest)
        .image_tag(tag)
        .send()
        .await
        .unwrap();
    let digest = put.image().unwrap().image_id().unwrap().image_digest().unwrap().to_owned();
    let event = world.hears(tag, 1).await;
    assert_eq!(event["detail"]["image-digest"], digest);
    assert_eq!(event["detail"]["result"], "SUCCESS");
}

struct World {
    account: Account,
    cloudformation: sdk::cloudformation::Client,
    ecs: sdk::ecs::Client,
    dynamodb: sdk::dynamodb::Client,
    table: String,
}

impl World {
    async fn open(local: &LocalAws, id: &str) -> Self {
        let account = local.account(id).await;
        let template = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/emulator/template.yaml");
        let outputs = account.application("listener", &template).await.unwrap();
        local.control().deployments_take(id, Duration::from_millis(300));
        Self {
            cloudformation: sdk::cloudformation::Client::new(account.sdk()),
            ecs: sdk::ecs::Client::new(account.sdk()),
            dynamodb: sdk::dynamodb::Client::new(account.sdk()),
            table: outputs["TableName"].clone(),
            account,
        }
    }

    async fn plan(&self, kind: ChangeSetType, image: &str) -> Result<(), String> {
        self.plan_with(kind, image, Some(Capability::CapabilityIam)).await
    }

    async fn plan_with(
        &self,
        kind: ChangeSetType,
        image: &str,
        capability: Option<Capability>,
    ) -> Result<(), String> {
        let template = include_str!("emulator/service.yaml");
        let parameter = Parameter::builder().parameter_key("Image").parameter_value(image).build();
        let create = self.cloudformation.create_change_set().stack_name(STACK).change_set_name(image);
        let create = create.change_set_type(kind).template_body(template).parameters(parameter);
        let sent = create.set_capabilities(capability.map(|capability| vec![capability])).send().await;
        sent.map(|_| ()).map_err(|error| format!("{error:?}"))
    }

    async fn execute(&self, image: &str, token: &str) -> Result<(), String> {
        let execute = self.cloudformation.execute_change_set().stack_name(STACK).change_set_name(image);
        let sent = execute.client_request_token(token).send().await;
        sent.map(|_| ()).map_err(|error| format!("{error:?}"))
    }

    async fn deploy(&self, kind: ChangeSetType, image: &str, token: &str) {
        self.plan(kind, image).await.unwrap();
        self.execute(image, token).await.unwrap();
    }

    async fn status(&self) -> StackStatus {
        let described = self.cloudformation.describe_stacks().stack_name(STACK).send().await.unwrap();
        described.stacks()[0].stack_status().unwrap().clone()
    }

    async fn ends(&self) -> StackStatus {
        let ended = async {
            loop {
                let status = self.status().await;
                if !status.as_str().ends_with("_IN_PROGRESS") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the stack should end")
    }

    async fn reasons(&self) -> String {
        let described = self.cloudformation.describe_stack_events().stack_name(STACK).send().await.unwrap();
        let reasons = described.stack_events().iter().filter_map(|event| event.resource_status_reason());
        reasons.collect::<Vec<_>>().join("\n")
    }

    /// Each deployment of the service as `<status> <image> <rollout state>`.
    async fn rollout(&self) -> Vec<String> {
        let (cluster, service) = self.service().await;
        let described = self.ecs.describe_services().cluster(cluster).services(service).send().await.unwrap();
        let mut shown = Vec::new();
        for deployment in described.services()[0].deployments() {
            let named = deployment.task_definition().unwrap();
            let task = self.ecs.describe_task_definition().task_definition(named).send().await.unwrap();
            let image =
                task.task_definition().unwrap().container_definitions()[0].image().unwrap().to_owned();
            let state = deployment.rollout_state().unwrap();
            shown.push(format!("{} {image} {state}", deployment.status().unwrap()));
        }
        shown
    }

    async fn service_deployments(&self) -> Vec<String> {
        let (cluster, service) = self.service().await;
        let listed =
            self.ecs.list_service_deployments().cluster(cluster).service(service).send().await.unwrap();
        listed.service_deployments().iter().map(|one| one.status().unwrap().to_string()).collect()
    }

    async fn service(&self) -> (String, String) {
        let resources =
            self.cloudformation.describe_stack_resources().stack_name(STACK).send().await.unwrap();
        let of: BTreeMap<_, _> = resources
            .stack_resources()
            .iter()
            .map(|one| (one.logical_resource_id().unwrap(), one.physical_resource_id().unwrap()))
            .collect();
        (of["Cluster"].to_owned(), of["Service"].to_owned())
    }

    /// Waits until the function has heard of `what` that many times; gives the last such event.
    async fn hears(&self, what: &str, times: usize) -> serde_json::Value {
        let heard = async {
            loop {
                let scanned = self.dynamodb.scan().table_name(&self.table).send().await.unwrap();
                let text = |item: &std::collections::HashMap<_, sdk::dynamodb::types::AttributeValue>,
                            name: &str| { item[name].as_s().unwrap().clone() };
                let found: Vec<_> =
                    scanned.items().iter().filter(|item| text(item, "what") == what).collect();
                if found.len() >= times {
                    return serde_json::from_str(&text(found[found.len() - 1], "event")).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{what} should be heard"))
    }
}
