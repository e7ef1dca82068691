//! The platform's records under `/tidegate/`, and secrets that are kept beside them.

use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::operation::get_parameters_by_path::GetParametersByPathError;
use aws_sdk_ssm::types::Parameter;
use engine::failure::Failure;
use engine::ports::{Page, Policy, Records, Registry, Stored};
use model::ids::{EnvironmentName, RepositoryName};

use crate::Aws;
use crate::failure::Call;

const GET_PARAMETER: Call = Call::reads("ssm GetParameter");
const GET_PARAMETERS_BY_PATH: Call = Call::reads("ssm GetParametersByPath");

const REPOSITORIES: &str = "/tidegate/repositories";
const ENVIRONMENTS: &str = "/tidegate/environments";
const PEOPLE: &str = "/tidegate/people";
const DATABASES: &str = "/tidegate/databases";
/// The most that SSM gives at once. Source: SSM API, GetParametersByPath.
const PAGE_MAX: i32 = 10;

impl Records for Aws {
    async fn service_record(&self, repository: &RepositoryName) -> Result<Option<Stored>, Failure> {
        self.record(format!("{REPOSITORIES}/{repository}")).await
    }

    async fn environment_record(&self, environment: &EnvironmentName) -> Result<Option<Stored>, Failure> {
        self.record(format!("{ENVIRONMENTS}/{environment}")).await
    }

    async fn people_record(&self) -> Result<Option<Stored>, Failure> {
        self.record(PEOPLE.to_owned()).await
    }

    async fn environment_records(&self, page: Option<&str>) -> Result<Page<(String, Stored)>, Failure> {
        self.records(ENVIRONMENTS, page).await
    }
}

impl Registry for Aws {
    async fn service_records(&self, page: Option<&str>) -> Result<Page<(String, Stored)>, Failure> {
        self.records(REPOSITORIES, page).await
    }
}

impl Policy for Aws {
    async fn database_policies(&self) -> Result<Option<Stored>, Failure> {
        self.record(DATABASES.to_owned()).await
    }
}

impl Aws {
    pub(crate) async fn record(&self, name: String) -> Result<Option<Stored>, Failure> {
        let sent = self.ssm.get_parameter().name(&name).send().await;
        match sent {
            Ok(answer) => answer.parameter.map(stored).transpose(),
            Err(error) if error.as_service_error().is_some_and(GetParameterError::is_parameter_not_found) => {
                Ok(None)
            }
            Err(error) => Err(GET_PARAMETER.failed(error)),
        }
    }

    /// By the last part of their names.
    async fn records(&self, path: &str, page: Option<&str>) -> Result<Page<(String, Stored)>, Failure> {
        let sent = self
            .ssm
            .get_parameters_by_path()
            .path(path)
            .recursive(false)
            .max_results(PAGE_MAX)
            .set_next_token(page.map(str::to_owned))
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            // A page that was kept for too long: this round ends, and the next starts over.
            Err(error)
                if error.as_service_error().is_some_and(GetParametersByPathError::is_invalid_next_token) =>
            {
                return Ok(Page { items: Vec::new(), next: None });
            }
            Err(error) => return Err(GET_PARAMETERS_BY_PATH.failed(error)),
        };
        let items = answer
            .parameters
            .unwrap_or_default()
            .into_iter()
            .map(|parameter| {
                let name = parameter.name().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
                Ok((name.to_owned(), stored(parameter)?))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Page { items, next: answer.next_token.filter(|token| !token.is_empty()) })
    }

    /// A SecureString's value. Nothing of it may be shown (I9).
    pub(crate) async fn secure_string(&self, name: &str) -> Result<String, Failure> {
        let answer = self
            .ssm
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| GET_PARAMETER.failed(error))?;
        answer
            .parameter
            .and_then(|parameter| parameter.value)
            .ok_or_else(|| GET_PARAMETER.refused(format!("parameter {name} holds no value")))
    }
}

fn stored(parameter: Parameter) -> Result<Stored, Failure> {
    let version = parameter.version;
    match parameter.value {
        Some(body) => Ok(Stored { body, version }),
        None => Err(GET_PARAMETER.refused(format!("parameter {:?} has no value", parameter.name))),
    }
}
