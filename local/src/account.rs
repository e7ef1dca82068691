//! One account of the local AWS: Tidegate installed in it, an environment, services.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::sdk;

use crate::codecommit::CodeCommit;
use crate::install::{self, Installer, Outputs};
use crate::people::{LOCAL_USER, unique_id};
use crate::problem::Problem;

/// Tidegate's own stack.
pub const STACK: &str = "tidegate";

/// A handle; clones mean the same account.
#[derive(Debug, Clone)]
pub struct Account {
    id: String,
    project: PathBuf,
    binaries: PathBuf,
    home: PathBuf,
    sdk: Arc<aws::client::SdkConfig>,
    installer: Installer,
    codecommit: CodeCommit,
}

/// An environment to deploy to.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    pub name: String,
    /// What deploys here when a pushed config names no environments.
    pub branch: Option<String>,
    pub approvals: u32,
    /// Whether a reply with the request's token may approve.
    pub replies: bool,
    pub self_approval: bool,
    /// Who may give orders there, as `user:…`.
    pub operators: Vec<String>,
}

/// A service to be registered.
#[derive(Debug, Clone)]
pub struct Service {
    pub name: String,
    pub repository: String,
    pub branches: Vec<String>,
    pub paths: Vec<String>,
}

impl Account {
    pub(crate) async fn open(
        id: &str,
        endpoint: &str,
        project: &Path,
        binaries: &Path,
        home: &Path,
        codecommit: CodeCommit,
    ) -> Self {
        let config = aws::client::patient(aws::client::load(Some(endpoint), Some(id)).await);
        let path_style = sdk::s3::config::Builder::from(&config).force_path_style(true).build();
        let installer = Installer {
            endpoint: endpoint.to_owned(),
            bucket: format!("tidegate-code-{id}"),
            s3: sdk::s3::Client::from_conf(path_style),
            cloudformation: sdk::cloudformation::Client::new(&config),
        };
        Self {
            id: id.to_owned(),
            project: project.to_path_buf(),
            binaries: binaries.to_path_buf(),
            home: home.to_path_buf(),
            sdk: Arc::new(config),
            installer,
            codecommit,
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// For clients of one's own; credentials and endpoint are set.
    pub fn sdk(&self) -> &aws::client::SdkConfig {
        &self.sdk
    }

    /// Deploys the project's `template.yaml` and puts its stacks' templates where Tidegate reads them.
    pub async fn install(&self) -> Result<Outputs, Problem> {
        self.install_with(&[]).await
    }

    /// The same with parameters; installing again changes what is there.
    pub async fn install_with(&self, parameters: &[(&str, &str)]) -> Result<Outputs, Problem> {
        self.installer.make_bucket().await?;
        let template = self.project.join("template.yaml");
        let outputs =
            self.installer.application(STACK, &template, &self.binaries, &self.home, parameters).await?;
        let bucket = output(&outputs, "ArtifactBucketName", &template)?;
        for path in templates(&self.project.join("stacks"))? {
            let bytes = std::fs::read(&path).map_err(Problem::file(&path))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.installer.put(bucket, &format!("stacks/{name}"), bytes).await?;
        }
        Ok(outputs)
    }

    /// Deploys any SAM template with the project's binaries.
    pub async fn application(&self, stack: &str, template: &Path) -> Result<Outputs, Problem> {
        self.installer.make_bucket().await?;
        self.installer.application(stack, template, &self.binaries, &self.home, &[]).await
    }

    /// Takes Tidegate away again, with the code of its functions. What its template retains stays.
    pub async fn uninstall(&self) -> Result<(), Problem> {
        install::delete(&self.installer.cloudformation, STACK).await?;
        self.installer.forget(install::FUNCTIONS).await
    }

    /// Outputs of Tidegate's own stack, once installed.
    pub async fn outputs(&self) -> Result<Outputs, Problem> {
        install::outputs(&self.installer.cloudformation, STACK).await
    }

    /// Makes an environment from `stacks/cluster.yaml`: network, cluster, load balancer, record.
    pub async fn add_environment(&self, environment: &Environment) -> Result<Outputs, Problem> {
        let template = self.project.join("stacks").join("cluster.yaml");
        let text = std::fs::read_to_string(&template).map_err(Problem::file(&template))?;
        let own = self.outputs().await?;
        let approvals = environment.approvals.max(1).to_string();
        let operators = environment.operators.join(",");
        let parameters = [
            ("Operators", operators.as_str()),
            ("Overriders", operators.as_str()),
            ("Environment", environment.name.as_str()),
            ("PermissionsBoundaryArn", output(&own, "RoleBoundaryArn", &template)?),
            ("Branch", environment.branch.as_deref().unwrap_or_default()),
            ("ApprovalsMin", &approvals),
            ("RepliesApprove", if environment.replies { "true" } else { "false" }),
            ("SelfApproval", if environment.self_approval { "true" } else { "false" }),
        ];
        self.installer.template(&format!("environment-{}", environment.name), &text, &parameters).await
    }

    /// Writes the record of people: these of the account's users, each known by their unique id; `local` cares for what
    /// fails.
    pub async fn knows_people(&self, names: &[&str]) -> Result<(), Problem> {
        let people: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), serde_json::json!({ "iam": [unique_id(&self.id, name)] })))
            .collect();
        let local = format!("user:{LOCAL_USER}");
        let record = serde_json::json!({ "people": people, "quarantine": [local] }).to_string();
        let ssm = sdk::ssm::Client::new(&self.sdk);
        let put = ssm.put_parameter().name("/tidegate/people").value(record);
        let put = put.r#type(sdk::ssm::types::ParameterType::String).overwrite(true).send().await;
        put.map(drop).map_err(|error| Problem::refused("writing the record of people")(&error))
    }

    /// Registers a service: an empty repository, and from `stacks/service-base.yaml` its image repository, build role
    /// and record. Gives what `git push` goes to.
    pub async fn add_service(&self, service: &Service) -> Result<String, Problem> {
        let made = self.codecommit.create(&self.id, aws::client::LOCAL_REGION, &service.repository).await;
        if let Err(refusal) = made
            && refusal.kind != "RepositoryNameExistsException"
        {
            return Err(Problem::refused(format!("making repository {}", service.repository))(&refusal));
        }
        let template = self.project.join("stacks").join("service-base.yaml");
        let text = std::fs::read_to_string(&template).map_err(Problem::file(&template))?;
        let (branches, paths) = (service.branches.join(","), service.paths.join(","));
        let parameters = [
            ("Service", service.name.as_str()),
            ("Repository", &service.repository),
            ("Branches", &branches),
            ("Paths", &paths),
        ];
        self.installer.template(&format!("service-{}", service.name), &text, &parameters).await?;
        Ok(self.git_url(&service.repository))
    }

    /// What `git push` goes to: a bare repository on this machine.
    pub fn git_url(&self, repository: &str) -> String {
        self.codecommit.path(&self.id, repository).display().to_string()
    }
}

fn output<'a>(outputs: &'a Outputs, name: &str, template: &Path) -> Result<&'a str, Problem> {
    outputs.get(name).map(String::as_str).ok_or_else(|| Problem::Template {
        template: template.to_path_buf(),
        what: format!("Tidegate's stack has no output {name}"),
    })
}

fn templates(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = std::fs::read_dir(folder).map_err(Problem::file(folder))?;
    let mut all: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    all.sort();
    Ok(all)
}
