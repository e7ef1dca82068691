//! `tidegate service add`: what a repository needs before its first build.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use aws::sdk::cloudformation::Client;
use aws::sdk::cloudformation::error::ProvideErrorMetadata;
use aws::sdk::cloudformation::types::{Capability, Parameter, Stack};
use aws::sdk::codecommit;
use aws::{Aws, Settings};
use config::ServiceRecord;
use engine::ports::{Records, Registry};
use model::ids::RepositoryName;

use crate::installation::{Installation, refusal};
use crate::{fail, local};

const TEMPLATE: &str = include_str!("../../stacks/service-base.yaml");
const LOOK_EVERY: Duration = Duration::from_secs(2);
const LOOKS_MAX: u32 = 300;
const REFUSED: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Add {
    /// The CodeCommit repository.
    repository: String,
    /// The service that it is; its own name unless told otherwise.
    #[arg(long)]
    service: Option<String>,
    /// A branch whose pushes may deploy; may be repeated.
    #[arg(long = "branch", default_value = "main")]
    branches: Vec<String>,
    /// A path prefix that the service may ask for; `/<service>` unless told otherwise. May be repeated.
    #[arg(long = "path")]
    paths: Vec<String>,
    /// A host name that the service may ask for; may be repeated.
    #[arg(long = "host")]
    hosts: Vec<String>,
    /// A base template of its own, as `<environment>=<key in the artifact bucket>`; may be repeated.
    #[arg(long = "template", value_name = "ENVIRONMENT=KEY")]
    templates: Vec<String>,
    /// Make the CodeCommit repository as well.
    #[arg(long)]
    create_repository: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn add(arguments: Add) -> ExitCode {
    match try_add(&arguments).await {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(REFUSED, why),
    }
}

async fn try_add(arguments: &Add) -> Result<String, String> {
    let service = arguments.service.as_ref().unwrap_or(&arguments.repository);
    let paths =
        if arguments.paths.is_empty() { vec![format!("/{service}")] } else { arguments.paths.clone() };
    let mut templates = templates(&arguments.templates)?;
    let record = check(arguments, service, &paths, &templates)?;
    let config = arguments.installation.sdk_config().await?;
    let aws = Aws::new(&config, Settings::default());
    grants_nothing_twice(&aws, &record).await?;
    for (environment, key) in kept_templates(&record, registered(&aws, &arguments.repository).await?.as_ref())
    {
        eprintln!("{environment} keeps its template {key}, which was named before");
        templates.insert(environment, key);
    }
    if arguments.create_repository && arguments.installation.is_local() {
        create_repository(&config, &arguments.repository).await?;
    }
    let client = Client::new(&config);
    // Not `tidegate-…`: such stacks are deployments.
    let stack = format!("service-base-{service}");
    let build_logs = arguments.installation.output(&config, "BuildLogGroupName").await?;
    let parameters: Vec<Parameter> = parameters(arguments, service, &paths, &templates, build_logs)
        .into_iter()
        .map(|(name, value)| Parameter::builder().parameter_key(name).parameter_value(value).build())
        .collect();
    eprintln!("deploying stack {stack}");
    let create = client
        .create_stack()
        .stack_name(&stack)
        .template_body(TEMPLATE)
        .set_parameters(Some(parameters.clone()))
        .capabilities(Capability::CapabilityIam);
    match create.send().await {
        Ok(_) => {}
        Err(error) if error.code() == Some("AlreadyExistsException") => {
            let update = client
                .update_stack()
                .stack_name(&stack)
                .template_body(TEMPLATE)
                .set_parameters(Some(parameters))
                .capabilities(Capability::CapabilityIam);
            match update.send().await {
                Ok(_) => {}
                Err(error)
                    if error.message().is_some_and(|m| m.contains("No updates are to be performed")) => {}
                Err(error) => return Err(refusal("UpdateStack", &error)),
            }
        }
        Err(error) => return Err(refusal("CreateStack", &error)),
    }
    let status = settle(&client, &stack).await?;
    match status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {
            Ok(format!("{service}: repository {} is registered; push to deploy", arguments.repository))
        }
        status => Err(format!("stack {stack} is {status}: its events in CloudFormation say why")),
    }
}

/// All that the template asks for: its defaults fit an installation under the name `tidegate` alone.
fn parameters(
    arguments: &Add,
    service: &str,
    paths: &[String],
    templates: &BTreeMap<String, String>,
    build_logs: String,
) -> [(&'static str, String); 8] {
    let templates: Vec<String> = templates.iter().map(|(name, key)| format!("{name}:{key}")).collect();
    [
        ("Service", service.to_owned()),
        ("Repository", arguments.repository.clone()),
        ("CreateRepository", (arguments.create_repository && !arguments.installation.is_local()).to_string()),
        ("Branches", arguments.branches.join(",")),
        ("Paths", paths.join(",")),
        ("Hosts", arguments.hosts.join(",")),
        ("Templates", templates.join(",")),
        ("BuildLogGroup", build_logs),
    ]
}

/// The emulator's CloudFormation knows no repositories; its CodeCommit does.
async fn create_repository(config: &aws::client::SdkConfig, name: &str) -> Result<(), String> {
    match codecommit::Client::new(config).create_repository().repository_name(name).send().await {
        Ok(_) => {
            let folder = local::running()?.repositories.join(format!("{name}.git"));
            eprintln!("repository {name}: git clone {}", folder.display());
            Ok(())
        }
        Err(error) if error.code() == Some("RepositoryNameExistsException") => Ok(()),
        Err(error) => Err(refusal("CreateRepository", &error)),
    }
}

fn templates(written: &[String]) -> Result<BTreeMap<String, String>, String> {
    let pair = |text: &String| {
        let pair = text.split_once('=').map(|(name, key)| (name.to_owned(), key.to_owned()));
        pair.ok_or_else(|| {
            format!("--template is {text:?}; allowed: <environment>=<key in the artifact bucket>")
        })
    };
    written.iter().map(pair).collect()
}

/// Says what is wrong before anything is made: the record that the stack would write must be a valid one.
fn check(
    arguments: &Add,
    service: &str,
    paths: &[String],
    templates: &BTreeMap<String, String>,
) -> Result<ServiceRecord, String> {
    let record = serde_json::json!({
        "templates": templates,
        "service": service,
        "branches": arguments.branches,
        "paths": paths,
        "hosts": arguments.hosts,
        "imageRepository": service,
        "imageRepositoryUri": format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{service}"),
        "buildRoleArn": "arn:aws:iam::123456789012:role/tidegate/build/role",
    });
    ServiceRecord::parse(record.to_string().as_bytes()).map_err(|faults| faults.to_string())
}

/// The repository's record, where it has one that can be read.
async fn registered(aws: &Aws, repository: &str) -> Result<Option<ServiceRecord>, String> {
    let Ok(repository) = repository.parse::<RepositoryName>() else { return Ok(None) };
    let stored = aws.service_record(&repository).await.map_err(|failure| failure.to_string())?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(match ServiceRecord::parse(stored.body.as_bytes()) {
        Ok(record) => Some(record),
        Err(faults) => {
            eprintln!("the record of {repository} is written anew, whatever templates it named: {faults}");
            None
        }
    })
}

/// Templates of environments that are not named anew, by environment: without its own, the next plan would change all that
/// an adopted service has pinned.
fn kept_templates(named: &ServiceRecord, before: Option<&ServiceRecord>) -> Vec<(String, String)> {
    let before = before.into_iter().flat_map(|before| &before.templates);
    let is_kept = before.filter(|(environment, _)| !named.templates.contains_key(*environment));
    is_kept.map(|(environment, key)| (environment.to_string(), key.clone())).collect()
}

/// What two services were granted, neither could ask for: a push would be refused.
async fn grants_nothing_twice(aws: &Aws, record: &ServiceRecord) -> Result<(), String> {
    let mut page = None;
    loop {
        let read = aws.service_records(page.as_deref()).await.map_err(|failure| failure.to_string())?;
        for (repository, stored) in read.items {
            // One that cannot be read grants nothing.
            let Ok(other) = ServiceRecord::parse(stored.body.as_bytes()) else { continue };
            if let Some(shared) = record.shares_a_grant(&other).filter(|_| other.service != record.service) {
                let (own, theirs) = (&record.service, &other.service);
                return Err(format!(
                    "{own} is not registered: {shared} is granted to {theirs} (repository {repository}); grant {own} \
                     paths or hosts apart from it, or within it"
                ));
            }
        }
        page = read.next;
        if page.is_none() {
            return Ok(());
        }
    }
}

async fn settle(client: &Client, stack: &str) -> Result<String, String> {
    for _ in 0..LOOKS_MAX {
        let described = client
            .describe_stacks()
            .stack_name(stack)
            .send()
            .await
            .map_err(|error| refusal("DescribeStacks", &error))?;
        let status = described.stacks().first().and_then(Stack::stack_status).map(|s| s.as_str().to_owned());
        match status {
            Some(status) if status.ends_with("_IN_PROGRESS") => tokio::time::sleep(LOOK_EVERY).await,
            Some(status) => return Ok(status),
            None => return Err(format!("stack {stack} is gone")),
        }
    }
    Err(format!("stack {stack} has not settled within {} s", LOOKS_MAX * LOOK_EVERY.as_secs() as u32))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn record(templates: serde_json::Value) -> ServiceRecord {
        let record = serde_json::json!({
            "templates": templates,
            "service": "payments",
            "branches": ["main"],
            "paths": ["/payments"],
            "imageRepository": "payments",
            "imageRepositoryUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments",
            "buildRoleArn": "arn:aws:iam::123456789012:role/tidegate/build/role",
        });
        ServiceRecord::parse(record.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_service_that_is_registered_again_keeps_the_templates_that_are_not_named_anew() {
        let before = record(serde_json::json!({
            "production": "stacks/adopted/payments.json", "staging": "stacks/adopted/payments-staging.json",
        }));
        let kept = |named| kept_templates(&record(named), Some(&before));
        let environments =
            |kept: Vec<(String, String)>| kept.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(environments(kept(serde_json::json!({}))), ["production", "staging"]);
        assert_eq!(
            environments(kept(serde_json::json!({ "production": "stacks/service.yaml" }))),
            ["staging"]
        );
        assert!(kept_templates(&before, None).is_empty());
    }

    #[test]
    fn the_stack_is_given_all_that_its_template_asks_for() {
        let command = Add::augment_args(Command::new("add"));
        let matches = command.get_matches_from(["add", "payments", "--stack", "platform"]);
        let arguments = Add::from_arg_matches(&matches).unwrap();
        let log_group = "platform-BuildProjectLogs-0123".to_owned();
        let given = parameters(&arguments, "payments", &[], &BTreeMap::new(), log_group.clone());
        let (_, rest) = TEMPLATE.split_once("\nParameters:\n").unwrap();
        let (asked, _) = rest.split_once("\nConditions:\n").unwrap();
        let name = |line: &'static str| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        let mut asked: Vec<&str> =
            asked.lines().filter_map(name).map(|line| line.trim_end_matches(':')).collect();
        let mut names = given.clone().map(|(name, _)| name);
        asked.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, asked[..]);
        assert!(given.contains(&("BuildLogGroup", log_group)));
    }
}
