//! `tidegate adopt`: takes over a service that runs already, without changing it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use adoption::{Adoption, Asked, Live, Refused, adopt, environment_record};
use aws::client::SdkConfig;
use aws::sdk::cloudformation::Client;
use aws::sdk::cloudformation::error::ProvideErrorMetadata;
use aws::sdk::cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, ResourceToImport, Stack,
};
use aws::sdk::s3;
use aws::{Aws, Settings};
use config::EnvironmentRecord;
use engine::ports::{Records, Templates};
use model::ids::{BranchName, EnvironmentName, ServiceName, TrackKey};

use crate::fail;
use crate::installation::{Installation, refusal};

const REFUSED: u8 = 1;
const CONFIG_FILE: &str = "ecs-service-config.json";
const IMPORT: &str = "tidegate-adopt";
/// After the import: the outputs that it may not bring.
const FINISH: &str = "tidegate-adopted";
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKS_MAX: u32 = 600;

#[derive(clap::Args)]
pub(crate) struct Adopt {
    /// The ECS cluster that it runs in.
    cluster: String,
    /// The ECS service.
    ecs_service: String,
    /// The environment that it shall be.
    #[arg(long)]
    environment: EnvironmentName,
    /// What Tidegate shall call it; as ECS does unless told otherwise.
    #[arg(long)]
    service: Option<String>,
    /// Its CodeCommit repository; called like the service unless told otherwise.
    #[arg(long)]
    repository: Option<String>,
    /// The branch whose pushes shall deploy it.
    #[arg(long, default_value = "main")]
    branch: BranchName,
    /// Where the files are written: the service's working copy.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Write over a config that is there.
    #[arg(long)]
    force: bool,
    /// Import it now. Without this nothing is done in AWS.
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn run(arguments: Adopt) -> ExitCode {
    match Adopting::read(&arguments).await {
        Ok(adopting) => match adopting.carry_out().await {
            Ok(said) => {
                print!("{said}");
                ExitCode::SUCCESS
            }
            Err(why) => fail(REFUSED, why),
        },
        Err(why) => fail(REFUSED, why),
    }
}

/// What was read and what it comes to.
struct Adopting<'a> {
    arguments: &'a Adopt,
    sdk: SdkConfig,
    aws: Aws,
    bucket: String,
    track: TrackKey,
    live: Live,
    adoption: Adoption,
    /// To be stored first, where there is none.
    new_record: Option<String>,
    /// Of the stack, where there is one.
    status: Option<String>,
}

impl<'a> Adopting<'a> {
    async fn read(arguments: &'a Adopt) -> Result<Self, String> {
        let name = arguments.service.as_ref().unwrap_or(&arguments.ecs_service);
        let service: ServiceName = name.parse().map_err(|malformed| {
            format!("{name:?} cannot be a service's name ({malformed}): give one with --service")
        })?;
        let track = TrackKey { service: service.clone(), environment: arguments.environment.clone() };
        let sdk = arguments.installation.sdk_config().await?;
        let bucket = arguments.installation.output(&sdk, "ArtifactBucketName").await?;
        let aws = Aws::new(&sdk, Settings::default().with("TIDEGATE_ARTIFACT_BUCKET", &bucket));
        let live = aws::read_service(&sdk, &arguments.cluster, &arguments.ecs_service).await;
        let mut live = live.map_err(|failure| failure.to_string())?;

        let status = status(&Client::new(&sdk), track.stack().as_str()).await?;
        let own = track.stack();
        // An import that was interrupted is gone on with.
        match status.as_deref() {
            None | Some("REVIEW_IN_PROGRESS" | "IMPORT_COMPLETE") => {
                live.owners.retain(|(_, stack)| stack != own.as_str());
            }
            Some(status) => {
                return Err(format!("stack {own} is there already ({status}): it was adopted, or deployed"));
            }
        }
        let stored =
            aws.environment_record(&arguments.environment).await.map_err(|failure| failure.to_string())?;
        let (body, is_new) = match stored {
            Some(stored) => (stored.body, false),
            None => {
                let boundary = arguments.installation.output(&sdk, "RoleBoundaryArn").await?;
                (environment_record(&live, &boundary).map_err(|why| why.0.join("\n"))?, true)
            }
        };
        let record = EnvironmentRecord::parse(body.as_bytes()).map_err(|faults| faults.to_string())?;
        let base = aws.base_template(&record.template).await.map_err(|failure| failure.to_string())?;
        let base = base.ok_or_else(|| {
            format!("{} is not in bucket {bucket}: put stacks/service.yaml there", record.template)
        })?;
        let asked = Asked {
            service,
            environment: arguments.environment.clone(),
            branch: arguments.branch.clone(),
            record,
        };
        let adoption = adopt(&live, &asked, &base).map_err(|Refused(why)| {
            format!("{} cannot be adopted as it runs:\n  {}", arguments.ecs_service, why.join("\n  "))
        })?;
        let new_record = is_new.then_some(body);
        Ok(Self { arguments, sdk, aws, bucket, track, live, adoption, new_record, status })
    }

    async fn carry_out(&self) -> Result<String, String> {
        if self.arguments.execute { self.import().await } else { self.write() }
    }

    fn template_key(&self) -> String {
        format!("stacks/adopted/{}-{}.json", self.track.service, self.track.environment)
    }

    // ---- without anything done in AWS

    fn write(&self) -> Result<String, String> {
        let folder = &self.arguments.folder;
        let config = folder.join(CONFIG_FILE);
        if config.exists() && !self.arguments.force {
            return Err(format!("{} is there already; --force writes over it", config.display()));
        }
        write(&config, &self.adoption.config)?;
        let beside = folder.join(".tidegate-adopt");
        std::fs::create_dir_all(&beside)
            .map_err(|error| format!("cannot make {}: {error}", beside.display()))?;
        // The template may hold what sounds like a secret: it is not for the repository.
        write(&beside.join(".gitignore"), "*\n")?;
        write(&beside.join("template.json"), &self.adoption.template)?;
        write(&beside.join("import.json"), &self.import_request())?;
        if let Some(record) = &self.new_record {
            write(&beside.join("environment-record.json"), record)?;
        }
        Ok(self.report(&config, &beside))
    }

    /// As `aws cloudformation create-change-set --cli-input-json` takes it.
    fn import_request(&self) -> String {
        let resources = self.adoption.imports.iter().map(|import| {
            serde_json::json!({
                "ResourceType": import.kind,
                "LogicalResourceId": import.logical_id,
                "ResourceIdentifier": import.identifier,
            })
        });
        let resources: Vec<_> = resources.collect();
        let parameters = self.adoption.rendered.parameters.iter();
        let parameters = parameters
            .map(|(key, value)| serde_json::json!({ "ParameterKey": key, "ParameterValue": value }));
        let parameters: Vec<_> = parameters.collect();
        let request = serde_json::json!({
            "StackName": self.track.stack().as_str(),
            "ChangeSetName": IMPORT,
            "ChangeSetType": "IMPORT",
            "ResourcesToImport": resources,
            "Parameters": parameters,
            "Capabilities": self.adoption.rendered.capabilities.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
            "TemplateBody": self.adoption.import,
        });
        format!("{request:#}\n")
    }

    fn report(&self, config: &Path, beside: &Path) -> String {
        let Adopt { cluster, ecs_service, environment, branch, installation, .. } = self.arguments;
        let service = &self.track.service;
        let mut said = format!("{ecs_service} of cluster {cluster}, as {service} in {environment}\n");
        let mut say = |line: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(said, "{line}");
        };
        say(format!("\n{} says what a config can say.", config.display()));
        if !self.adoption.pins.is_empty() {
            say(format!(
                "\nWhat else runs otherwise than Tidegate would render it stays so, by a template of {service}'s own \
                 ({}):",
                beside.join("template.json").display()
            ));
        }
        for pin in &self.adoption.pins {
            say(format!("  {pin}"));
        }
        if !self.adoption.notes.is_empty() {
            say("\nTo know:".to_owned());
        }
        for note in &self.adoption.notes {
            say(format!("  {note}"));
        }
        say("\nImported into stack ".to_owned()
            + self.track.stack().as_str()
            + ", and retained if that goes:");
        for import in &self.adoption.imports {
            let named: Vec<&str> = import.identifier.values().map(String::as_str).collect();
            say(format!("  {}: {}", import.logical_id, named.join(", ")));
        }
        say("Left as they are, and yours: roles, security groups, log groups, tags.".to_owned());

        say("\nNothing was done in AWS. Next:".to_owned());
        let mut n = 0;
        let mut step = |what: String| {
            n += 1;
            say(format!("{n}. {what}"));
        };
        step(format!(
            "let CloudFormation deploy it by its own names, by parameters of stack {}, each added to what stands there:\n   \
             AdoptedEcsArns={}\n   AdoptedRoleArns={}",
            installation.stack_name(),
            self.adoption.ecs_arns.join(","),
            self.adoption.roles.join(",")
        ));
        if self.new_record.is_some() {
            step(format!(
                "store the environment's record, once its floor is what you want:\n   aws ssm put-parameter --type String --name \
                 /tidegate/environments/{environment} --value file://{}",
                beside.join("environment-record.json").display()
            ));
        }
        let repository = self.arguments.repository.clone().unwrap_or_else(|| service.to_string());
        let mut add = format!("tidegate service add {repository} --service {service} --branch {branch}");
        for (flag, values) in [("path", &self.adoption.paths), ("host", &self.adoption.hosts)] {
            values.iter().for_each(|value| add += &format!(" --{flag} '{value}'"));
        }
        add += &format!(" --template {environment}={}{}", self.template_key(), installation.flag());
        step(format!("register its repository:\n   {add}"));
        let flags = installation.flag();
        let named =
            if service.as_str() == ecs_service { String::new() } else { format!(" --service {service}") };
        step(format!(
            "import it (this uploads the template to {}, makes a change set, and executes it only if it does nothing but \
             import):\n   tidegate adopt {cluster} {ecs_service} --environment {environment}{named} --execute{flags}",
            self.bucket
        ));
        step(format!("commit {CONFIG_FILE} and push: the plan changes the image, and nothing else"));
        said
    }

    // ---- the import

    async fn import(&self) -> Result<String, String> {
        let client = Client::new(&self.sdk);
        let stack = self.track.stack();
        self.upload().await?;
        if self.status.as_deref() != Some("IMPORT_COMPLETE") {
            let changes = self.plan(&client, IMPORT, ChangeSetType::Import, &self.adoption.import).await?;
            let only_imports = changes.len() == self.adoption.imports.len()
                && changes.iter().all(|(action, _)| *action == ChangeAction::Import);
            if !only_imports {
                return Err(unwanted(IMPORT, stack.as_str(), &changes));
            }
            eprintln!("importing {} resources into stack {stack}", changes.len());
            self.execute(&client, IMPORT, "IMPORT_COMPLETE").await?;
        }
        let changes =
            self.plan(&client, FINISH, ChangeSetType::Update, &self.adoption.rendered.template).await?;
        if changes != [(ChangeAction::Add, adoption::MARK.to_owned())] {
            return Err(unwanted(FINISH, stack.as_str(), &changes));
        }
        self.execute(&client, FINISH, "UPDATE_COMPLETE").await?;
        let (service, environment) = (&self.track.service, &self.track.environment);
        Ok(format!(
            "{service} is adopted in {environment}: stack {stack}\n\
             CloudFormation sees no change to what runs: {} resources, running {}\n",
            self.adoption.imports.len(),
            self.live.service["taskDefinition"].as_str().unwrap_or_default()
        ))
    }

    /// The template of its own, where the service record will name it.
    async fn upload(&self) -> Result<(), String> {
        let path_style = self.sdk.endpoint_url().is_some();
        let config = s3::config::Builder::from(&self.sdk).force_path_style(path_style).build();
        let put = s3::Client::from_conf(config).put_object().bucket(&self.bucket).key(self.template_key());
        let body = s3::primitives::ByteStream::from(self.adoption.template.clone().into_bytes());
        put.content_type("application/json")
            .body(body)
            .send()
            .await
            .map(drop)
            .map_err(|error| refusal("PutObject", &error))
    }

    /// Makes a change set anew, and gives what it would do once CloudFormation knows.
    async fn plan(
        &self,
        client: &Client,
        name: &str,
        kind: ChangeSetType,
        template: &str,
    ) -> Result<Vec<(ChangeAction, String)>, String> {
        let stack = self.track.stack();
        let url = self
            .aws
            .store_template(&config::sha256(template), template)
            .await
            .map_err(|failure| failure.to_string())?;
        let deleted =
            client.delete_change_set().stack_name(stack.as_str()).change_set_name(name).send().await;
        match deleted {
            Ok(_) => {}
            // No stack, no change set of an earlier try.
            Err(error) if error.code() == Some("ValidationError") => {}
            Err(error) => return Err(refusal("DeleteChangeSet", &error)),
        }
        let parameters = self.adoption.rendered.parameters.iter();
        let parameters = parameters
            .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build());
        let mut order = client
            .create_change_set()
            .stack_name(stack.as_str())
            .change_set_name(name)
            .template_url(url)
            .set_parameters(Some(parameters.collect()));
        for capability in &self.adoption.rendered.capabilities {
            order = order.capabilities(Capability::from(capability.as_str()));
        }
        if kind == ChangeSetType::Import {
            let resource = |import: &adoption::Import| {
                let mut resource = ResourceToImport::builder()
                    .resource_type(import.kind)
                    .logical_resource_id(import.logical_id);
                for (key, value) in &import.identifier {
                    resource = resource.resource_identifier(*key, value);
                }
                resource.build()
            };
            order = order.set_resources_to_import(Some(self.adoption.imports.iter().map(resource).collect()));
        }
        order.change_set_type(kind).send().await.map_err(|error| refusal("CreateChangeSet", &error))?;
        for _ in 0..LOOKS_MAX {
            let read =
                client.describe_change_set().stack_name(stack.as_str()).change_set_name(name).send().await;
            let read = read.map_err(|error| refusal("DescribeChangeSet", &error))?;
            match read.status() {
                Some(ChangeSetStatus::CreateComplete) => {
                    let changes = read.changes().iter().filter_map(|change| change.resource_change());
                    let mut changes: Vec<_> = changes
                        .filter_map(|change| {
                            Some((change.action()?.clone(), change.logical_resource_id()?.to_owned()))
                        })
                        .collect();
                    changes.sort_by(|one, other| one.1.cmp(&other.1));
                    return Ok(changes);
                }
                Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                status => {
                    let status = status.map_or("?", |status| status.as_str());
                    let reason = read.status_reason().unwrap_or("no reason given");
                    return Err(format!("change set {name} of stack {stack} is {status}: {reason}"));
                }
            }
        }
        Err(format!("change set {name} of stack {stack} was not made within {LOOKS_MAX} s"))
    }

    async fn execute(&self, client: &Client, name: &str, wanted: &str) -> Result<(), String> {
        let stack = self.track.stack();
        let executed =
            client.execute_change_set().stack_name(stack.as_str()).change_set_name(name).send().await;
        executed.map_err(|error| refusal("ExecuteChangeSet", &error))?;
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(LOOK_EVERY).await;
            match status(client, stack.as_str()).await?.as_deref() {
                Some(status) if status == wanted => return Ok(()),
                Some(status) if status.ends_with("_IN_PROGRESS") => {}
                // What it was before, until the operation begins.
                Some("IMPORT_COMPLETE") => {}
                status => {
                    let status = status.unwrap_or("gone");
                    return Err(format!("stack {stack} is {status}: its events in CloudFormation say why"));
                }
            }
        }
        Err(format!("stack {stack} has not settled within {LOOKS_MAX} s"))
    }
}

fn unwanted(name: &str, stack: &str, changes: &[(ChangeAction, String)]) -> String {
    let changes: Vec<String> =
        changes.iter().map(|(action, id)| format!("{} {id}", action.as_str())).collect();
    format!(
        "change set {name} of stack {stack} is not executed, for it would do more than it should: {}",
        changes.join(", ")
    )
}

/// None where there is no such stack.
async fn status(client: &Client, stack: &str) -> Result<Option<String>, String> {
    match client.describe_stacks().stack_name(stack).send().await {
        Ok(described) => {
            let status = described.stacks().first().and_then(Stack::stack_status);
            Ok(status.map(|status| status.as_str().to_owned()))
        }
        Err(error) if error.code() == Some("ValidationError") => Ok(None),
        Err(error) => Err(refusal("DescribeStacks", &error)),
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))
}
