//! From a hint that a branch moved to a release on every track that the branch deploys to.

use std::collections::BTreeMap;

use config::{EnvironmentRecord, ServiceRecord, Standing};
use model::ids::{BranchName, BuildFamily, EnvironmentName, ImageDigest, RepositoryName, Revision, TrackKey};
use model::signal::{Push, Signal};

use crate::advance::{Handled, advance};
use crate::failure::Failure;
use crate::hand::said;
use crate::plan::{base_template, render};
use crate::ports::{Clock, Queues, Records, Sources, Templates, Tracks};
use crate::records::{environments, find_service};

/// What a repository says about its service.
pub(crate) const CONFIG_FILE: &str = "ecs-service-config.json";
/// A branch that moves while it is read is read anew this often.
const HEAD_ATTEMPTS_MAX: u32 = 4;

/// A hint that a branch moved. Only the branch itself tells where to.
pub(crate) struct Hint<'a> {
    pub repository: &'a RepositoryName,
    pub branch: &'a BranchName,
    pub pushed_by: Option<&'a str>,
    /// The commit that the pusher is known to have pushed.
    pub commit: Option<&'a str>,
}

pub(crate) async fn push<P: Tracks + Queues + Sources + Records + Templates + Clock>(
    ports: &P,
    hint: &Hint<'_>,
) -> Result<String, Failure> {
    let Some(service) = find_service(ports, hint.repository).await? else {
        return unregistered(ports, hint).await;
    };
    if !service.allows(hint.branch) {
        return Ok(format!("ignored: the service record does not release branch {}", hint.branch));
    }
    for _ in 0..HEAD_ATTEMPTS_MAX {
        let Some(head) = ports.branch_head(hint.repository, hint.branch).await? else {
            return Ok(format!("ignored: branch {} is gone", hint.branch));
        };
        if let Some(said) = push_head(ports, hint, &service, &head).await? {
            return Ok(said);
        }
    }
    Err(Failure::transient("push", format!("branch {} moves faster than it can be read", hint.branch)))
}

/// Most repositories are nobody's business here; one with a config waits for a release that would never come.
async fn unregistered<P: Sources>(ports: &P, hint: &Hint<'_>) -> Result<String, Failure> {
    let repository = hint.repository;
    let file = match ports.branch_head(repository, hint.branch).await? {
        Some(head) => ports.file(repository, &head, CONFIG_FILE).await?,
        None => None,
    };
    match file {
        None => Ok(format!("ignored: repository {repository} is not registered")),
        Some(_) => Err(Failure::refused(
            "push",
            format!(
                "repository {repository} has an {CONFIG_FILE} on branch {} but is not registered: \
                 run `tidegate service add {repository}`, then push again or redrive this event",
                hint.branch
            ),
        )),
    }
}

/// `None` when the branch moved on meanwhile.
async fn push_head<P: Tracks + Queues + Sources + Records + Templates + Clock>(
    ports: &P,
    hint: &Hint<'_>,
    service: &ServiceRecord,
    head: &Revision,
) -> Result<Option<String>, Failure> {
    let (file, records) =
        futures_util::future::try_join(ports.file(hint.repository, head, CONFIG_FILE), environments(ports))
            .await?;
    let verdicts = judge(file.as_deref(), hint.branch, service, &records);
    if verdicts.is_empty() {
        return Ok(Some(format!("ignored: no environment deploys branch {}", hint.branch)));
    }
    let mut all_said = Vec::new();
    for (environment, fault) in verdicts {
        let fault = match (fault, records.get(&environment)) {
            (None, Some(record)) => {
                unrenderable(ports, &environment, service, record, file.as_deref()).await?
            }
            (fault, _) => fault,
        };
        let key = TrackKey { service: service.service.clone(), environment };
        let push = Push {
            revision: head.clone(),
            repository: hint.repository.clone(),
            branch: hint.branch.clone(),
            by: hint.pushed_by.filter(|_| hint.commit == Some(head.as_str())).map(str::to_owned),
            family: BuildFamily::of(hint.repository, head, &service.image_repository_uri),
            fault,
        };
        let handled = advance(ports, &key, async |_| {
            // Read after the track was loaded: an older head must not be committed over a newer one (I8).
            let still = ports.branch_head(hint.repository, hint.branch).await?;
            Ok((still.as_ref() == Some(head)).then(|| Signal::Pushed(push.clone())))
        })
        .await?;
        if handled == Handled::Unconcerned {
            return Ok(None);
        }
        all_said.push(format!("{key}: {}", said(&handled)));
    }
    Ok(Some(all_said.join("; ")))
}

/// What the environment's template has against the config. Said before a build is paid for, with an image in the place of
/// the one that the build would make.
async fn unrenderable<P: Templates>(
    ports: &P,
    environment: &EnvironmentName,
    service: &ServiceRecord,
    record: &EnvironmentRecord,
    file: Option<&[u8]>,
) -> Result<Option<String>, Failure> {
    let base = match base_template(ports, environment, record).await {
        Ok(base) => base,
        Err(Failure::Refused { why, .. }) => return Ok(Some(why)),
        Err(failure) => return Err(failure),
    };
    let image = ImageDigest::of(&[0; 32]);
    Ok(render(environment, service, record, file, &base, &image, &Standing::default())
        .err()
        .map(|faults| format!("{CONFIG_FILE} does not fit the template {}:\n{faults}", record.template)))
}

/// The environments that this commit is for, each with what stands against it. A config that cannot be read fails
/// where it was meant for, so that nobody waits for a deployment that never comes.
pub(crate) fn judge(
    file: Option<&[u8]>,
    branch: &BranchName,
    service: &ServiceRecord,
    records: &BTreeMap<EnvironmentName, EnvironmentRecord>,
) -> Vec<(EnvironmentName, Option<String>)> {
    let everywhere = |meant: Vec<EnvironmentName>, fault: String| -> Vec<(EnvironmentName, Option<String>)> {
        // What comes after another environment takes no pushes, and so none of their faults.
        let takes_pushes =
            |name: &EnvironmentName| records.get(name).is_some_and(|record| record.floor.after.is_none());
        let meant = meant.into_iter().filter(takes_pushes).collect::<Vec<_>>();
        let bound = || {
            records
                .iter()
                .filter(|(name, record)| takes_pushes(name) && record.branch.as_ref() == Some(branch))
        };
        let names = if !meant.is_empty() {
            meant
        } else if bound().next().is_some() {
            bound().map(|(name, _)| name.clone()).collect()
        } else {
            records.keys().filter(|name| takes_pushes(name)).cloned().collect()
        };
        names.into_iter().map(|name| (name, Some(fault.clone()))).collect()
    };
    let Some(file) = file else {
        return everywhere(Vec::new(), format!("{CONFIG_FILE} is missing at the root of the repository"));
    };
    let wrong = |faults: config::Faults| format!("{CONFIG_FILE} is not valid:\n{faults}");
    let config = match config::parse(file) {
        Ok(config) => config,
        Err(faults) => return everywhere(config::environments_meant(file, branch), wrong(faults)),
    };
    match config.environments_for(branch, records) {
        Err(faults) => everywhere(config::environments_meant(file, branch), wrong(faults)),
        Ok(names) => names
            .into_iter()
            .map(|name| {
                let fault = records
                    .get(&name)
                    .and_then(|record| config.check(&name, service, record).err())
                    .map(wrong);
                (name, fault)
            })
            .collect(),
    }
}
