//! The platform's records, read and checked; never cached.

use std::collections::BTreeMap;

use config::{EnvironmentRecord, PeopleRecord, ServiceRecord};
use model::approval::{Directory, Ground, Policy};
use model::ids::{EnvironmentName, RepositoryName};
use model::pipeline::Gate;

use model::release::Origin;

use crate::approval::floor_of;
use crate::failure::Failure;
use crate::ports::Records;

/// SSM gives ten parameters a page.
const RECORD_PAGES_MAX: usize = 100;

pub(crate) async fn find_service<P: Records>(
    ports: &P,
    repository: &RepositoryName,
) -> Result<Option<ServiceRecord>, Failure> {
    let Some(stored) = ports.service_record(repository).await? else { return Ok(None) };
    ServiceRecord::parse(stored.body.as_bytes()).map(Some).map_err(|faults| {
        Failure::refused(
            "service record",
            format!("/tidegate/repositories/{repository} is not valid: {faults}"),
        )
    })
}

/// # Errors
/// `Refused` when there is none, or one that is not valid.
pub(crate) async fn service_of<P: Records>(
    ports: &P,
    repository: &RepositoryName,
) -> Result<ServiceRecord, Failure> {
    find_service(ports, repository).await?.ok_or_else(|| {
        Failure::refused(
            "service record",
            format!("repository {repository} is not registered: run `tidegate service add {repository}`"),
        )
    })
}

/// The record with its version.
///
/// # Errors
/// `Refused` when there is none, or one that is not valid.
pub(crate) async fn environment<P: Records>(
    ports: &P,
    name: &EnvironmentName,
) -> Result<(EnvironmentRecord, i64), Failure> {
    let stored = ports.environment_record(name).await?.ok_or_else(|| {
        Failure::refused("environment record", format!("/tidegate/environments/{name} does not exist"))
    })?;
    let record = EnvironmentRecord::parse(stored.body.as_bytes()).map_err(|faults| {
        Failure::refused(
            "environment record",
            format!("/tidegate/environments/{name} is not valid: {faults}"),
        )
    })?;
    Ok((record, stored.version))
}

/// What a decision about approvals stands on: the environment's policy and the directory, as they are now.
///
/// # Errors
/// `Refused` when either is not valid.
pub(crate) async fn ground<P: Records>(
    ports: &P,
    name: &EnvironmentName,
    origin: &Origin,
) -> Result<Ground, Failure> {
    let ((record, _), directory) =
        futures_util::future::try_join(environment(ports, name), directory(ports)).await?;
    Ok(Ground { record: floor_of(&record, origin), directory })
}

/// Nobody is known where there is no record of people.
///
/// # Errors
/// `Refused` when it is not valid.
pub(crate) async fn directory<P: Records>(ports: &P) -> Result<Directory, Failure> {
    people(ports).await.map(PeopleRecord::directory)
}

/// Empty where there is none.
///
/// # Errors
/// `Refused` when it is not valid.
pub(crate) async fn people<P: Records>(ports: &P) -> Result<PeopleRecord, Failure> {
    let Some(stored) = ports.people_record().await? else { return Ok(PeopleRecord::default()) };
    PeopleRecord::parse(stored.body.as_bytes())
        .map_err(|faults| Failure::refused("record of people", format!("/tidegate/people: {faults}")))
}

/// Every environment record that is valid. One that is not must not stop the pushes to the others: it is left out
/// here, and refused by name where it is used.
pub(crate) async fn environments<P: Records>(
    ports: &P,
) -> Result<BTreeMap<EnvironmentName, EnvironmentRecord>, Failure> {
    let mut known = BTreeMap::new();
    for (name, read) in every_environment(ports).await? {
        match read {
            Ok((name, record)) => {
                known.insert(name, record);
            }
            Err(fault) => tracing::error!(%name, %fault, "environment record left out"),
        }
    }
    Ok(known)
}

/// What an answer to a pipeline stands on: the floors of all environments whose records name its stage, the stricter of
/// them in everything.
///
/// # Errors
/// `Refused` when none does, and also while any record is not valid: it could be one that is stricter.
pub(crate) async fn ground_of_pipeline<P: Records>(ports: &P, gate: &Gate) -> Result<Ground, Failure> {
    let (records, directory) =
        futures_util::future::try_join(every_environment(ports), directory(ports)).await?;
    let mut floor: Option<Policy> = None;
    for (name, read) in records {
        let (_, record) = read.map_err(|fault| {
            Failure::refused(
                "environment record",
                format!("/tidegate/environments/{name} is not valid: {fault}"),
            )
        })?;
        if record.names_pipeline(&gate.pipeline, &gate.stage) {
            let policy = record.floor.policy();
            floor = Some(floor.map_or_else(|| policy.clone(), |floor| floor.tightened(&policy)));
        }
    }
    let record = floor.ok_or_else(|| {
        let why = format!(
            "no environment record names {}/{} among its `pipelines`: nothing says who may answer",
            gate.pipeline, gate.stage
        );
        Failure::refused("environment record", why)
    })?;
    Ok(Ground { record, directory })
}

type Read = Result<(EnvironmentName, EnvironmentRecord), String>;

async fn every_environment<P: Records>(ports: &P) -> Result<Vec<(String, Read)>, Failure> {
    let mut known = Vec::new();
    let mut page = None;
    for _ in 0..RECORD_PAGES_MAX {
        let read = ports.environment_records(page.as_deref()).await?;
        for (name, stored) in read.items {
            let parsed =
                match (name.parse::<EnvironmentName>(), EnvironmentRecord::parse(stored.body.as_bytes())) {
                    (Ok(name), Ok(record)) => Ok((name, record)),
                    (Err(malformed), _) => Err(malformed.to_string()),
                    (_, Err(faults)) => Err(faults.to_string()),
                };
            known.push((name, parsed));
        }
        page = read.next;
        if page.is_none() {
            return Ok(known);
        }
    }
    let why = format!("more than {RECORD_PAGES_MAX} pages of environment records");
    Err(Failure::refused("GetParametersByPath", why))
}
